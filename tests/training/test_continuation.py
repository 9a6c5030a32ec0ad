"""Going on from a model: what it learned stays, and a new label begins as a part of what was `O`."""

import itertools
import math
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from ner.errors import ConfigError, InterruptionError, VectorsError
from ner.evaluation.training_entities import remember
from ner.features.batches import encode
from ner.features.feature import Material
from ner.features.growth import grow_vocabularies, grow_words
from ner.features.words import WordVocabulary
from ner.formats.corpus import Corpus
from ner.inference.loading import Model
from ner.network.model import build_model
from ner.resources.model_names import TERMS
from ner.text.inventory import with_labels
from ner.text.sentence import Sentence
from ner.text.tags import spans_to_tags, tags_to_spans
from ner.training.continuation import annotated_corpus, continued_settings, take_over
from ner.training.events import Listener, Step
from ner.training.keeping import OldLabels
from ner.training.training import train_model
from tests.tiny import MakeConfig, make_batch, predict_tags, read_pairs

NEW = read_pairs("""
Zoe/O reads/O Ulysses/B-BOOK in/O Rome/O
Bob/O wrote/O Emma/B-BOOK
Emma/B-BOOK and/O Ulysses/B-BOOK sleeps/O
""")


@pytest.fixture
def start(corpus: Corpus, make_config: MakeConfig) -> Model:
    return train_model(make_config(epochs=4, learning_rate=0.1, unknown_rate=0.0, momentum=0.5), corpus)


def grown(start: Model, sentences: list[Sentence]) -> Model:
    """The model with the words and labels of these sentences, before it is trained."""
    vocabularies = grow_vocabularies(start.vocabularies, Material(sentences, start.config))
    network = build_model(start.config.model, vocabularies)
    take_over(network, vocabularies, start)
    return replace(start, vocabularies=vocabularies, network=network.eval())


def log_probability(model: Model, sentence: Sentence, tags: list[str]) -> float:
    inputs, _ = make_batch(encode([sentence], model.vocabularies), [0])
    ids = torch.tensor([[model.vocabularies.tag_id(tag) for tag in tags]])
    with torch.no_grad():
        return float(model.network.crf(model.network.emissions(inputs), ids, mask=inputs.mask))


def test_old_tag_sequences_score_among_themselves_as_before_and_new_ones_as_o_less_a_hundredth(
    start: Model, sentences: list[Sentence]
) -> None:
    now = grown(start, NEW)
    assert now.vocabularies.labels == ("BOOK", "LOC", "PER")
    sentence = sentences[0]  # Anna Lee lives in Rome
    old = [
        ["B-PER", "E-PER", "O", "O", "S-LOC"],
        ["O", "O", "O", "O", "O"],
        ["O", "S-LOC", "B-PER", "I-PER", "E-PER"],
    ]
    before = [log_probability(start, sentence, tags) for tags in old]
    after = [log_probability(now, sentence, tags) for tags in old]
    assert np.diff(after) == pytest.approx(np.diff(before), abs=1e-4)
    for tags, like in (
        (["B-BOOK", "E-BOOK", "O", "O", "S-LOC"], ["O", "O", "O", "O", "S-LOC"]),
        (["S-BOOK", "S-BOOK", "O", "B-BOOK", "E-BOOK"], ["O", "O", "O", "O", "O"]),
        (["B-PER", "E-PER", "S-BOOK", "O", "S-LOC"], ["B-PER", "E-PER", "O", "O", "S-LOC"]),
    ):
        found = log_probability(now, sentence, tags) - log_probability(now, sentence, like)
        assert found == pytest.approx(-math.log(100) * sum("BOOK" in tag for tag in tags), abs=1e-4)


def test_a_model_that_grew_tags_as_before(start: Model, sentences: list[Sentence]) -> None:
    assert predict_tags(grown(start, NEW), sentences) == predict_tags(start, sentences)
    # Without a new label nothing changes at all, whatever new words there are.
    same = grown(start, [with_labels(s, []) for s in NEW])
    assert same.vocabularies.labels == start.vocabularies.labels
    tags = ["B-PER", "E-PER", "O", "O", "S-LOC"]
    assert log_probability(same, sentences[0], tags) == pytest.approx(log_probability(start, sentences[0], tags))


def test_new_words_stand_behind_old_ones_and_pretrained_ones_move_to_them() -> None:
    old = WordVocabulary(("the", "in"), ("rome", "0000", "oslo"), singletons=frozenset({3}))
    sentences = read_pairs("The/O Rome/O zoe/O zoe/O\nzoe/O 1999/O Pisa/O rare/O")
    now = grow_words(old, sentences, {"pisa"}, min_count=2)
    assert now.trained == ("the", "in", "zoe", "0000", "pisa", "rome")
    assert now.extra == ("oslo",)
    assert now.singletons == {5, 6, 7}  # of the new ones alone
    assert [now.id_of(word) for word in ("the", "in", "Zoe", "1984", "rome", "oslo", "rare")] == [2, 3, 4, 5, 7, 8, 1]


def test_rows_of_words_are_old_ones_pretrained_ones_or_fresh(corpus: Corpus, make_config: MakeConfig, tmp_path) -> None:
    vectors = tmp_path / "vectors.txt"
    vectors.write_text(
        "".join(f"{word} {' '.join([str(n)] * 8)}\n" for n, word in enumerate(["zoe", "rome", "ulysses"], 1))
    )
    start = train_model(make_config(epochs=1, vectors=str(vectors)), corpus)
    now = grown(start, NEW)
    old_ids, ids = start.vocabularies.words.id_of, now.vocabularies.words.id_of
    old_table, table = start.network.embedding.word_table(), now.network.embedding.word_table()
    assert torch.equal(table.trained.weight[ids("Rome")], old_table.trained.weight[old_ids("Rome")])
    assert ids("Zoe") < now.vocabularies.words.num_trained <= old_ids("Zoe") + 100
    assert table.trained.weight[ids("Zoe")].tolist() == [1.0] * 8
    assert table.trained.weight[ids("Ulysses")].tolist() == [3.0] * 8
    assert len(table.extra) == len(now.vocabularies.words.extra) == 0
    assert float(table.trained.weight[ids("reads")].detach().abs().max()) > 0


def test_vectors_that_are_gone_can_be_gone_on_without(corpus: Corpus, make_config: MakeConfig, tmp_path: Path) -> None:
    vectors = tmp_path / "vectors.txt"
    vectors.write_text("rome 1 2 3 4 5 6 7 8\n")
    start = train_model(make_config(epochs=1, vectors=str(vectors)), corpus)
    vectors.unlink()
    with pytest.raises(VectorsError) as error:
        train_model(make_config(epochs=1), Corpus(NEW, NEW, []), start=start)
    assert str(error.value).startswith(f"{vectors}: no such file")
    assert str(error.value).endswith("; or go on without vectors for new words: --set model.vectors=")
    assert (
        train_model(make_config(epochs=1, vectors=""), Corpus(NEW, NEW, []), start=start).config.model.vectors is None
    )


def test_training_goes_on_with_the_labels_of_both(
    start: Model, sentences: list[Sentence], make_config: MakeConfig
) -> None:
    model = train_model(make_config(epochs=3, learning_rate=0.1, unknown_rate=0.0), Corpus(NEW, NEW, []), start=start)
    assert model.vocabularies.labels == ("BOOK", "LOC", "PER")
    assert model.memory is not None
    assert model.memory.counts == {"BOOK": 4, "LOC": 6, "PER": 5}
    assert model.memory.hashes["PER"] == remember(sentences).hashes["PER"]
    assert set(model.metrics["dev"]["labels"]) <= {"BOOK"}  # the only one that is annotated there


def test_a_corpus_that_says_nothing_annotates_the_labels_that_it_has(sentences: list[Sentence]) -> None:
    some = with_labels(sentences[0], ["PER"])
    found = annotated_corpus(Corpus([*NEW, some], [sentences[0]], [NEW[0], replace(NEW[1])]))
    assert [s.annotated for s in found.train] == [{"BOOK", "LOC", "PER"}] * 3 + [{"PER"}]
    assert found.dev[0].annotated == {"BOOK", "LOC", "PER"}
    assert [s.annotated for s in found.test] == [{"BOOK", "LOC", "PER"}] * 2
    tested = annotated_corpus(Corpus(NEW, [], sentences)).test
    assert {label for s in tested for label in s.annotated or ()} == {"BOOK", "LOC", "PER"}


def test_a_run_is_not_resumed_from_another_model(
    start: Model, corpus: Corpus, make_config: MakeConfig, tmp_path: Path
) -> None:
    config = make_config(epochs=3)
    steps: list[Step] = []
    stopping = Listener(on_step=steps.append, should_stop=lambda: len(steps) == 3)
    with pytest.raises(InterruptionError):
        train_model(config, Corpus(NEW, [], []), listener=stopping, state=tmp_path / "state", start=start)
    other = train_model(make_config(epochs=4, learning_rate=0.2, unknown_rate=0.0, momentum=0.5), corpus)
    with pytest.raises(ConfigError, match="expected the model of --from as the run began, found another"):
        train_model(config, Corpus(NEW, [], []), state=tmp_path / "state", resume=True, start=other)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"hidden_dim": 9}, "model.hidden_dim = 8, as the model has it, found 9"),
        ({"cell": "gru"}, "model.cell = 'lstm', as the model has it, found 'gru'"),
        ({"lowercase": False}, "model.lowercase = True, as the model has it, found False"),
        ({"document_context": True}, "features.document_context = False, as the model has it, found True"),
    ],
)
def test_a_model_of_other_settings_is_refused(
    start: Model, make_config: MakeConfig, settings: dict[str, object], message: str
) -> None:
    with pytest.raises(ConfigError) as error:
        train_model(make_config(**settings), Corpus(NEW, [], []), start=start)
    assert str(error.value) == f"--from: expected {message}; leave it out, or train without --from"


def test_what_a_training_does_not_say_is_as_the_model_has_it(start: Model, make_config: MakeConfig) -> None:
    plain = make_config()
    bare = plain.model_copy(update={"model": type(plain.model)(dropout=0.1)})
    found = continued_settings(bare, start.config, Corpus(NEW, [], []))
    assert (found.model.hidden_dim, found.model.word_dim, found.model.dropout) == (8, 8, 0.1)
    assert found.data.tokenizer == start.config.data.tokenizer == "words"


def test_a_corpus_that_is_cut_otherwise_is_refused(start: Model, make_config: MakeConfig) -> None:
    chinese = read_pairs("小/O 明/B-BOOK 在/O 北/O 京/O\n" * 5)
    with pytest.raises(ConfigError) as error:
        train_model(make_config(), Corpus(chinese, [], []), start=start)
    assert str(error.value) == (
        "--from: expected a corpus cut as the model cuts text, data.tokenizer = 'words', found 'characters'; "
        "cut it so, or train without --from"
    )


def test_the_command_goes_on_from_a_model_and_refuses_what_it_cannot(run, small_model, sample_en, tmp_path):
    config = tmp_path / "c.toml"
    lines = "\n\n".join("\n".join(f"{w}\t{t}" for w, t in zip(s.words, s.tags, strict=True)) for s in NEW)
    (tmp_path / "new.conll").write_text(lines + "\n", encoding="utf-8")
    config.write_text("[data]\ntrain = 'new.conll'\ndev = 'new.conll'\n[training]\nepochs = 1\n", encoding="utf-8")
    out = tmp_path / "out"
    first = tmp_path / "first"
    shutil.copytree(small_model, first)
    with (first / "README.md").open("a") as card:
        card.write(f"{TERMS}Licence of the model: CC BY-SA 4.0.\n")
    code, _, err = run("train", config, "--from", first, "--out", out, "--set", "run.device=cpu", "--threads", 1)
    assert code == 0, err
    assert (out / "README.md").read_text(encoding="utf-8").endswith("Licence of the model: CC BY-SA 4.0.\n")
    import ner

    assert ner.load(out).labels == ["BOOK", "LOC", "MISC", "ORG", "PER"]
    code, _, err = run("train", config, "--from", small_model, "--out", out, "--force", "--seeds", 2)
    assert (code, err) == (2, "error: --from: expected a single run that goes on from a model, found --seeds\n")
    code, _, err = run("train", config, "--from", tmp_path / "none", "--out", out, "--force")
    assert (code, err) == (1, f"error: {tmp_path / 'none'}: no such model directory; `ner train` writes one\n")


def test_what_keeps_old_labels_is_the_divergence_of_the_two_distributions_over_old_tag_sequences(
    start: Model, sentences: list[Sentence]
) -> None:
    torch.manual_seed(3)
    now = grown(start, NEW)
    for parameter in now.network.parameters():
        parameter.data += 0.3 * torch.randn(parameter.shape)
    half = [with_labels(sentences[5], ["LOC"]), sentences[2], with_labels(NEW[1], ["BOOK", "PER"])]
    old = OldLabels.of(start, half, now.vocabularies)
    assert old.kept.tolist() == [True, False, True]
    inputs, _ = make_batch(encode(half, now.vocabularies), [0, 1, 2])
    emissions = now.network.emissions(inputs)
    found = old.loss(now.network.crf, emissions, np.array([0, 1, 2]))

    wanted = 0.0
    tags = start.vocabularies.tags
    for row in (0, 2):
        sentence = half[row]
        length = len(sentence.spelled)
        log_p, log_q = [], []
        for names in itertools.product(tags, repeat=length):
            spans = tags_to_spans(list(names))
            if spans_to_tags(spans, length, "bioes") != list(names):
                continue  # illegal
            score_q = log_probability(now, sentence, list(names))
            log_q.append(score_q)
            # The annotators' spans of old labels are there, and no other of the labels that they looked for.
            looked_for = set(sentence.annotated or tags) & set(start.vocabularies.labels)
            gold = [span for span in sentence.spans if span.label in looked_for]
            agrees = [span for span in spans if span.label in looked_for] == gold
            log_p.append(log_probability(start, sentence, list(names)) if agrees else -math.inf)
        p = np.exp(np.array(log_p) - np.logaddexp.reduce(log_p))
        q = np.array(log_q) - np.logaddexp.reduce(log_q)
        wanted += float(sum(p[p > 0] * (np.log(p[p > 0]) - q[p > 0])))
    assert float(found.detach()) == pytest.approx(wanted / 3, abs=1e-3)


def test_a_batch_whose_sentences_annotate_all_old_labels_keeps_nothing(start: Model, sentences: list[Sentence]) -> None:
    now = grown(start, NEW)
    old = OldLabels.of(start, sentences, now.vocabularies)
    assert not old.kept.any()
    assert float(old.loss(now.network.crf, torch.zeros(1, 5, 13), np.array([0]))) == 0.0
