"""The component in real spaCy pipelines, beside what the tagger itself finds in the same words."""

import ast
import os
import pickle
import shutil
import subprocess
import sys
import tomllib
import warnings
from pathlib import Path

import pytest

import ner
from ner.text.sentence import sentence_from_words
from tests.conftest import ROOT

spacy = pytest.importorskip("spacy", reason="the extra spacy isn't installed")

from spacy.tokens import Doc, DocBin, Span  # noqa: E402
from spacy.training import Example  # noqa: E402

import bilstm_crf_ner_spacy  # noqa: E402
from ner.errors import ConfigError, ModelError  # noqa: E402
from ner.serving.spacy_component import FACTORY, EntityTagger, Settings, cut_doc, scores_of  # noqa: E402

TEXT = "Angela Merkel visited Paris. IBM left Berlin for New York."


def pipeline(model, **config):
    nlp = spacy.blank("en")
    nlp.add_pipe(FACTORY, config={"model": str(model), "runtime": "numpy", **config})
    return nlp


@pytest.fixture(scope="module")
def nlp(small_model):
    return pipeline(small_model)


@pytest.fixture(scope="module")
def here(small_model):
    """The tagger that the component should agree with."""
    return ner.load(small_model, runtime="numpy")


def found(doc):
    return [(e.start_char, e.end_char, e.label_) for e in doc.ents]


def test_a_doc_has_the_entities_that_the_tagger_finds_in_the_text(nlp, here):
    # Here spaCy cuts the text into the same words and sentences.
    entities = here.tag(TEXT)
    assert len(entities) >= 3
    doc = nlp(TEXT)
    assert found(doc) == [(e.start, e.end, e.label) for e in entities]
    scores = [e._.ner_score for e in doc.ents]
    assert scores == pytest.approx([e.score for e in entities], abs=1e-9)
    assert doc.spans["ner"].attrs["scores"] == scores
    assert list(doc.spans["ner"]) == list(doc.ents)
    assert doc._.ner_scores == {(e.start, e.end, e.label_): s for e, s in zip(doc.ents, scores, strict=True)}


def test_the_words_are_those_of_spacy_and_blanks_are_none(nlp, here):
    words = ["\n\n", "Angela", "  ", "Merkel", "visited", "\t", "Paris", ".", " "]
    doc = nlp.get_pipe(FACTORY)(Doc(nlp.vocab, words=words, spaces=[False] * len(words)))
    tags = here.tag_words([word for word in words if not word.isspace()])
    assert tags[:2] == ["B-PER", "I-PER"]
    assert [(e.start, e.end, e.label_) for e in doc.ents] == [(1, 4, "PER"), (6, 7, "LOC")]
    assert [token.ent_iob_ for token in doc] == ["O", "B", "I", "I", "O", "O", "B", "O", "O"]


@pytest.mark.parametrize("words", [[], ["\n"], [" ", "\n", "\t"]])
def test_a_doc_without_a_word_has_no_entities_and_no_scores(nlp, words):
    doc = nlp.get_pipe(FACTORY)(Doc(nlp.vocab, words=words))
    assert (doc.ents, doc._.ner_scores, doc.spans["ner"].attrs["scores"]) == ((), {}, [])
    assert cut_doc(doc, ner.load("en", runtime="numpy").split) == []


def test_sentences_are_those_of_the_doc_where_it_has_some(nlp):
    words = ["Anna", "left", ".", "\n", "Bert", "stayed", "."]
    asked = []
    doc = Doc(nlp.vocab, words=words, sent_starts=[True, False, False, True, False, True, False])
    parts = cut_doc(doc, asked.append)
    assert asked == []
    assert [part.sentence.words for part in parts] == [["Anna", "left", "."], ["Bert"], ["stayed", "."]]
    assert [list(part.places) for part in parts] == [[0, 1, 2], [4], [5, 6]]
    assert [part.sentence.opens_document for part in parts] == [True, False, False]


def test_sentences_are_ours_where_the_doc_has_none_and_begin_in_the_token_where_ours_begin(here):
    vocab = spacy.vocab.Vocab()
    words = ["Anna", " ", "left", ".", "\n\n", "Bert.Why", "?", "Go", "!"]  # two of our sentences within one token
    doc = Doc(vocab, words=words, spaces=[False, False, False, True, False, True, False, False, False])

    def split(text):
        return [ner.text.sentence.Sentence(spelled=(text[at],), starts=(at,)) for at in map(text.index, "ABWG")]

    parts = cut_doc(doc, split)
    # "Why" begins within Bert.Why: the token behind it opens the next sentence.
    assert [part.sentence.words for part in parts] == [["Anna", "left", "."], ["Bert.Why"], ["?"], ["Go", "!"]]
    for part in parts:
        for word, start, place in zip(part.sentence.words, part.sentence.starts, part.places, strict=True):
            assert doc.text[start : start + len(word)] == word == doc[place].text


def test_a_stream_gives_what_each_text_gives_in_order_also_by_processes(nlp):
    texts = [TEXT, "", "Paris is in France.", "\n", TEXT, "IBM is in New York."]
    wanted = [(found(nlp(text)), nlp(text)._.ner_scores) for text in texts]
    for options in ({}, {"batch_size": 2}, {"n_process": 2, "batch_size": 2}):
        docs = list(nlp.pipe(texts, **options))
        assert [found(doc) for doc in docs] == [entities for entities, _ in wanted]
        for doc, (_, scores) in zip(docs, wanted, strict=True):
            assert doc._.ner_scores == pytest.approx(scores, abs=1e-6)  # batches differ in the last digit
    contexts = [context for _, context in nlp.pipe(zip(texts, range(6), strict=True), as_tuples=True)]
    assert contexts == list(range(6))


@pytest.mark.parametrize(
    ("how", "wanted"),
    [
        ("replace", [("Angela Merkel", "PER"), ("Paris", "LOC")]),
        ("keep", [("Merkel visited", "EVENT"), ("Paris", "LOC"), ("left", "VERB")]),
        ("overwrite", [("Angela Merkel", "PER"), ("Paris", "LOC"), ("left", "VERB")]),
    ],
)
def test_earlier_entities_are_replaced_or_kept_or_overwritten(small_model, how, wanted):
    nlp = pipeline(small_model, earlier_ents=how)
    doc = nlp.make_doc("Angela Merkel visited Paris. IBM left.")
    doc.set_ents([Span(doc, 1, 3, "EVENT"), Span(doc, 6, 7, "VERB")])
    nlp.get_pipe(FACTORY)(doc)
    assert [(e.text, e.label_) for e in doc.ents] == wanted
    # All of ours, whatever became of them.
    assert [e.text for e in doc.spans["ner"]] == ["Angela Merkel", "Paris"]


def test_a_span_of_another_label_has_no_score_and_survives_being_stored(nlp):
    doc = nlp(TEXT)
    first = doc.ents[0]
    assert first._.ner_score == doc.spans["ner"].attrs["scores"][0]
    assert Span(doc, first.start, first.end, "OTHER")._.ner_score is None
    assert scores_of(Doc(nlp.vocab, words=["Paris"])) == {}
    stored = DocBin(docs=[doc], store_user_data=True).to_bytes()
    (again,) = DocBin().from_bytes(stored).get_docs(nlp.vocab)
    assert again._.ner_scores == doc._.ner_scores


def test_a_threshold_and_a_group_of_its_own_are_settings(small_model):
    sure = pipeline(small_model, threshold=0.999999, spans_key="sure")
    unsure = ner.load(small_model, runtime="numpy", threshold=0.01)
    assert len(sure(TEXT).ents) < len(unsure.tag(TEXT))
    assert list(sure(TEXT).spans) == ["sure"]


def test_a_pipeline_on_disk_or_in_bytes_holds_the_model_and_needs_no_other(small_model, tmp_path):
    moved = tmp_path / "trained here"
    shutil.copytree(small_model, moved)
    nlp = pipeline(moved)
    wanted = found(nlp(TEXT))
    nlp.to_disk(tmp_path / "pipeline")
    content = nlp.to_bytes()
    shutil.rmtree(moved)
    again = spacy.load(tmp_path / "pipeline")
    assert found(again(TEXT)) == wanted
    again.to_disk(tmp_path / "pipeline")  # over itself
    assert found(spacy.load(tmp_path / "pipeline")(TEXT)) == wanted
    blank = pipeline(moved)
    assert blank.get_pipe(FACTORY).labels == ()
    blank.from_bytes(content)
    assert found(blank(TEXT)) == wanted
    assert found(pickle.loads(pickle.dumps(blank.get_pipe(FACTORY)))(blank.make_doc(TEXT))) == wanted


def test_the_temporary_files_of_bytes_go_with_the_component_and_not_with_a_forked_one(nlp, small_model):
    component = EntityTagger("ner", Settings(str(small_model), runtime="numpy"))
    component.from_bytes(nlp.get_pipe(FACTORY).to_bytes())
    folder = component._folder
    if hasattr(os, "fork"):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of threads: the child only forgets the component
            child = os.fork()
        if child == 0:
            del component
            os._exit(0)
        os.waitpid(child, 0)
    assert folder.is_dir()
    del component
    assert not folder.exists()


def test_a_missing_model_is_told_at_the_first_text_since_a_saved_pipeline_may_bring_one(tmp_path, small_model):
    nlp = pipeline(tmp_path / "nowhere")
    message = f"{tmp_path / 'nowhere'}: no such model directory; `ner train` writes one"
    for use in (lambda: nlp(TEXT), lambda: list(nlp.pipe([TEXT])), lambda: nlp.to_bytes()):
        with pytest.raises(ModelError) as error:
            use()
        assert str(error.value) == message
    seen = []
    nlp.set_error_handler(lambda name, component, docs, error: seen.append((name, len(docs), str(error))))
    assert list(nlp.pipe([TEXT, TEXT])) == []
    assert seen == [(FACTORY, 2, message)]
    again = pickle.loads(pickle.dumps(nlp.get_pipe(FACTORY)))
    with pytest.raises(ModelError):
        again(nlp.make_doc(TEXT))


@pytest.mark.parametrize("content", [b"", b"\x93", b"\xa3abc"])
def test_bytes_of_something_else_are_refused(nlp, content):
    with pytest.raises(ModelError) as error:
        nlp.get_pipe(FACTORY).from_bytes(content)
    kind = {b"": "ValueError", b"\x93": "ValueError", b"\xa3abc": "AttributeError"}[content]
    assert str(error.value) == (
        f"bilstm_crf_ner: expected the bytes that to_bytes makes, found others: {kind}; make them again"
    )


def test_a_name_in_bytes_that_leads_out_of_the_folder_is_not_written(nlp, tmp_path):
    import srsly

    content = srsly.msgpack_loads(nlp.get_pipe(FACTORY).to_bytes())
    evil = tmp_path / "evil"
    component = EntityTagger("ner", Settings("nowhere"))
    component.from_bytes(srsly.msgpack_dumps({**content, str(evil): b"", "../evil": b""}))
    assert not evil.exists()
    assert sorted(path.name for path in component._folder.parent.iterdir()) == ["model"]


def test_a_wrong_setting_is_told_when_the_component_is_added(small_model):
    with pytest.raises(ConfigError) as error:
        pipeline(small_model, threshold=1.5)
    assert str(error.value) == "threshold: expected a probability above 0 and below 1, found 1.5"
    with pytest.raises(Exception, match="earlier_ents"):
        pipeline(small_model, earlier_ents="sometimes")


def test_spacy_s_own_scorer_and_analysis_know_it_and_initializing_changes_nothing(nlp, here):
    entities = here.tag(TEXT)
    gold = {"entities": [(e.start, e.end, e.label) for e in entities[:-1]]}  # all but one
    examples = [Example.from_dict(nlp.make_doc(TEXT), gold)]
    scores = nlp.evaluate(examples)
    assert scores["ents_r"] == 1
    assert scores["ents_p"] == pytest.approx((len(entities) - 1) / len(entities))
    assert nlp.analyze_pipes()["summary"][FACTORY]["scores"] == ["ents_f", "ents_p", "ents_r", "ents_per_type"]
    nlp.initialize(lambda: examples)
    assert nlp.evaluate(examples)["ents_p"] == scores["ents_p"]
    assert nlp.pipe_labels[FACTORY] == here.labels


def test_what_spacy_imports_at_every_start_is_the_entry_point_and_imports_none_of_ours():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert project["project"]["entry-points"]["spacy_factories"] == {
        FACTORY: f"{bilstm_crf_ner_spacy.__name__}:{bilstm_crf_ner_spacy.make_bilstm_crf_ner.__name__}"
    }
    assert project["tool"]["setuptools"]["py-modules"] == [bilstm_crf_ner_spacy.__name__]
    tree = ast.parse((ROOT / "bilstm_crf_ner_spacy.py").read_text(encoding="utf-8"))
    at_import = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
    assert [node.module for node in at_import] == ["typing", "spacy.language"]


_FRESH = """
import sys

class NoTorch:  # spaCy would import it for itself
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("torch", "torchcrf"):
            raise ImportError(f"{name} is not to be imported here")

sys.meta_path.insert(0, NoTorch())
import spacy
spacy.blank("en")
assert "bilstm_crf_ner_spacy" in sys.modules
if len(sys.argv) > 1:
    sys.path.insert(0, sys.argv.pop())
    nlp = spacy.blank("en")
    nlp.add_pipe("bilstm_crf_ner")
    print([(e.text, e.label_) for e in nlp("Angela Merkel visited Paris.").ents])
"""


@pytest.mark.slow
def test_an_installed_component_breaks_no_script_called_ner_and_tags_without_torch(tmp_path: Path):
    # What an installation leaves: the module, and a folder that names the entry point.
    installed = tmp_path / "installed"
    about = installed / "bilstm_crf_ner-0.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: bilstm-crf-ner\nVersion: 0\n")
    entry = "bilstm_crf_ner = bilstm_crf_ner_spacy:make_bilstm_crf_ner"
    (about / "entry_points.txt").write_text(f"[spacy_factories]\n{entry}\n")
    shutil.copy(ROOT / "bilstm_crf_ner_spacy.py", installed)
    (tmp_path / "ner.py").write_text(_FRESH)
    (tmp_path / "other.py").write_text(_FRESH)
    environment = {**os.environ, "PYTHONPATH": str(installed)}
    for script, wanted in (
        (["ner.py"], ""),
        (["other.py", str(ROOT)], "[('Angela Merkel', 'PER'), ('Paris', 'LOC')]\n"),
    ):
        folder = tmp_path / script[0].removesuffix(".py")
        folder.mkdir()
        (tmp_path / script[0]).rename(folder / script[0])
        command = [sys.executable, *script]
        done = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=folder, check=False)
        assert (done.returncode, done.stdout) == (0, wanted), done.stderr


def test_words_that_spacy_cuts_otherwise_than_we_do_are_tagged_as_they_are(nlp, here):
    words = ["He", "saw", "Paris-based", "IBM", "'s", "New", "York", "office"]
    doc = nlp.get_pipe(FACTORY)(Doc(nlp.vocab, words=words))
    spans = here.find_spans([sentence_from_words(words)])[0]
    assert [(e.start, e.end, e.label_) for e in doc.ents] == [(s.start, s.end, s.label) for s, _ in spans]
