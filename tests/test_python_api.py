"""What somebody at home in Python expects: short reprs, a call, HTML in a notebook, arguments that are checked."""

import html
import io
import json
import re
import sys
import warnings
from dataclasses import replace
from importlib.metadata import version

import pytest

import ner
from ner.config import parse_config
from ner.formats.html import render_html
from ner.inference.loading import load_model
from ner.reporting import progress
from ner.reporting.page import render_report
from ner.text.colours import colour_of
from ner.text.sentence import sentence_from_words
from ner.training import training
from ner.training.events import Epoch, Listener
from tests.written import analyse_tags

ANNA = ner.Sentence(spelled=("Anna", "Lee", "left"), starts=(0, 5, 9), tags=("B-PER", "I-PER", "O"))
EPOCH = Epoch(
    epoch=1, loss=1.0, learning_rate=0.1, precision=None, recall=None, f1=None, seconds=1.0, tokens_per_second=1.0,
    best=True,
)  # fmt: skip


def refused(call):
    with pytest.raises(ner.NerError) as caught:
        call()
    return str(caught.value)


def test_a_tagger_says_in_a_line_where_it_is_from_what_it_finds_and_how_well(tagger, small_model):
    f1 = 100 * json.loads((small_model / "metrics.json").read_text())["dev"]["micro"]["f1"]
    labels = ", ".join(tagger.labels)
    assert (
        repr(tagger) == f"Tagger({str(small_model.resolve())!r}: {labels}; dev F1 {f1:.2f}; runtime {tagger.runtime})"
    )
    unsaved = ner.Tagger(replace(load_model(small_model, "cpu", runtime="torch"), metrics={}))
    assert repr(unsaved) == f"Tagger(not saved: {labels}; runtime torch)"


def test_a_config_says_what_is_not_as_by_default():
    assert repr(ner.Config()) == str(ner.Config()) == "Config(all as by default)"
    config = parse_config({"model": {"cell": "gru"}, "training": {"seed": 2}}, "test")
    assert repr(config) == "Config(model.cell='gru', training.seed=2; all else as by default)"
    long = parse_config({"data": {"train": "x" * 500}}, "test")
    assert len(repr(long)) < 200


def test_reports_of_many_sentences_are_a_line(tagger, sample_en):
    sentences = ner.read_conll(sample_en / "dev.conll")
    analysis = tagger.analyse(sentences)
    micro = analysis.report.micro
    scores = f"F1 {100 * micro.f1:.2f}, precision {100 * micro.precision:.2f}, recall {100 * micro.recall:.2f}"
    known = f"{len(analysis.report.labels)} labels, {micro.support} entities, {len(sentences)} sentences"
    assert repr(analysis.report) == f"Report({scores}; {known})"
    assert repr(analysis) == f"Analysis({scores}; {known}; {len(analysis.mistakes)} mistakes)"
    assert str(analysis).startswith("processed ")


def test_sentences_documents_and_corpora_are_a_line(tagger):
    assert repr(ANNA) == "Sentence('Anna Lee left': PER Anna Lee)"
    assert repr(ner.Sentence(spelled=("Anna",), starts=(0,))) == "Sentence('Anna': no tags)"
    assert repr(replace_tags(("O", "O", "O"))) == "Sentence('Anna Lee left': no entities)"
    assert repr(replace_tags(("B-PER", "?", "O"))) == "Sentence('Anna Lee left': some tags unknown)"
    long = ner.Sentence(spelled=("Anna",) * 900, starts=tuple(range(0, 4500, 5)), tags=("B-PER",) * 900)
    assert len(repr(long)) < 200
    document = ner.Document("Anna left.", entities=(ner.Entity("PER", "Anna", 0, 4),), id="a")
    assert repr(document) == "Document('a', 'Anna left.': PER Anna)"
    assert repr(ner.Document("")) == "Document('': no entities)"
    assert repr(ner.Corpus([ANNA, ANNA])) == "Corpus(train 2, dev 0, test 0 sentences; PER)"
    (inspection,) = tagger.inspect("Anna Lee left")
    tags = len(inspection.tags)
    assert repr(inspection) == f"Inspection('Anna Lee left': 3 tokens, {tags} tags, layers: {len(inspection.layers)})"


def replace_tags(tags):
    return ner.Sentence(spelled=ANNA.spelled, starts=ANNA.starts, tags=tags)


def test_calling_a_tagger_tags(tagger):
    text = "Angela Merkel visited Paris."
    assert tagger(text) == tagger.tag(text) != []


def test_an_entity_as_a_dict_is_its_fields():
    entity = ner.Entity("PER", "Anna", 0, 4, 0.5)
    assert ner.Entity(**entity.as_dict()) == entity
    assert json.loads(json.dumps(entity.as_dict())) == entity.as_dict()


def text_of(page):
    """What a reader of the page sees, without the labels."""
    return html.unescape(re.sub(r"<[^>]*>", "", re.sub(r"<small.*?</small>", "", page)))


def test_rendered_text_is_escaped_whole_and_each_label_has_a_colour_of_its_own():
    text = "<b>Anna</b> & Bob, in \"Rome\"\n<script>alert('x')</script>"
    names = [("Anna", "PER"), ("Bob", "PER"), ("Rome", "<LOC>")]
    entities = [ner.Entity(label, name, text.index(name), text.index(name) + len(name)) for name, label in names]
    page = ner.render(text, reversed(entities))
    assert text_of(page) == text
    assert re.findall(r"</?([a-z]+)", page) == [
        "div", "mark", "small", "small", "mark", "mark", "small", "small", "mark", "mark", "small", "small", "mark",
        "div",
    ]  # fmt: skip
    first, second, third = re.findall(r"background: (.*?);", page)
    assert first == second != third
    assert ner.Document(text, entities=tuple(entities))._repr_html_() == page


def test_of_entities_that_overlap_the_outer_one_is_shown_and_no_text_twice():
    text = "New York Times"
    nested = [ner.Entity("LOC", "New York", 0, 8), ner.Entity("ORG", text, 0, 14), ner.Entity("X", "Times", 9, 14)]
    page = ner.render(text, nested)
    assert text_of(page) == text
    assert re.findall(r'">([A-Z]+)</small>', page) == ["ORG"]


def test_fifty_labels_have_fifty_colours():
    hues = {}
    assert len({colour_of(f"LABEL-{number}", hues) for number in range(50)}) == 50


def test_a_label_has_one_colour_on_the_page_of_a_text_in_a_notebook_and_in_a_report(tagger):
    text = "Rome, IBM and Anna"
    entities = [ner.Entity(label, name, text.index(name), text.index(name) + len(name)) for name, label in (
        ("Rome", "LOC"), ("IBM", "ORG"), ("Anna", "PER"))]  # fmt: skip
    wanted = {"LOC": "206", "ORG": "130", "PER": "28"}
    shown = re.findall(r"background: hsl\((\d+) .*?<small.*?>([A-Z]+)<", ner.render(text, entities))
    assert {label: hue for hue, label in shown} == wanted
    of_tagger = re.findall(r"hsl\((\d+) .*?>([A-Z]+)<", tagger._repr_html_())
    assert {label: hue for hue, label in of_tagger} == wanted | {"MISC": "290"}
    page = "".join(render_html([("Anna", [ner.Entity("PER", "Anna", 0, 4)]), (text, entities)]))
    for part in (page.split("<footer>")[0], page.split("<footer>")[1]):
        marks = re.findall(r'<mark style="--hue: (\d+)">(?:[^<]*<small>)?([A-Z]+)<', part)
        assert {label: hue for hue, label in marks} == wanted
    told = analyse_tags([sentence_from_words(["Rome"], ["B-LOC"])], [["B-PER"]], "iob2")
    marks = re.findall(r'<mark style="--hue: (\d+)">.*?<small>([A-Z]+)', "".join(render_report(told, "t")))
    assert marks == [(wanted["LOC"], "LOC"), (wanted["PER"], "PER")]


def test_a_page_of_texts_is_titled_by_the_first_and_names_its_labels_below():
    anna = ner.Entity("<PER>", "Anna", 0, 4, 0.5)
    page = "".join(render_html([("Anna & " + 30 * "word ", [anna]), ("", [])]))
    title = re.search(r"<title>(.*)</title>", page)[1]
    assert title.startswith("Anna &amp; word")
    assert title.endswith("word …")
    assert page.count("&lt;PER&gt;") == 2
    assert "<footer>" not in "".join(render_html([("Nothing.", [])]))
    assert "<title>Named entities</title>" in "".join(render_html([]))


def test_entities_of_another_text_are_not_shown():
    assert refused(lambda: ner.render("Bob left", [ner.Entity("PER", "Anna", 0, 4)])) == (
        "entities[0]: expected 'Anna' at characters 0 to 4 of the text, found 'Bob '; they are the entities of another "
        "text"
    )


def test_arguments_of_another_kind_are_told_in_a_line(tagger, tmp_path):
    for call, message in {
        lambda: ner.load(None): "folder: expected a model directory, or the name of a ready-made model, found None",
        lambda: ner.load("en", threshold="0.5"): "threshold: expected a probability, found '0.5'",
        lambda: ner.load_config({}): (
            "path: expected the path of a TOML file, found {}; ner.Config() has the defaults"
        ),
        lambda: ner.load_config("c.toml", "training.seed=2"): (
            "overrides: expected a list such as [\"training.seed=2\"], found 'training.seed=2'"
        ),
        lambda: ner.load_corpus("a.conll"): (
            "data: expected what [data] says, found 'a.conll'; ner.load_config(PATH).data is that of a recipe"
        ),
        lambda: ner.train("c.toml", ner.Corpus([ANNA])): (
            "config: expected a Config, found 'c.toml'; ner.load_config(PATH) reads one, ner.Config() has the defaults"
        ),
        lambda: ner.train(ner.Config(), [ANNA]): (
            "corpus: expected a Corpus, found [Sentence('Anna Lee left': PER Anna Lee…; ner.load_corpus(config.data) "
            "reads one, ner.Corpus(SENTENCES) makes one"
        ),
        lambda: ner.Corpus("a.conll"): (
            "train: expected a list of sentences, found 'a.conll'; ner.read_conll(FILE) reads one"
        ),
        lambda: ner.Corpus([ANNA], [("Anna", "B-PER")]): (
            "dev[0]: expected a Sentence, found ('Anna', 'B-PER'); ner.read_conll(FILE) reads some"
        ),
        lambda: ner.Corpus([ner.Document("Anna left.")]): (
            "train[0]: expected a Sentence, found Document('Anna left.': no entities); "
            "[s for document in documents for s in document.tagged_sentences()] are those of documents"
        ),
        lambda: ner.read(3): "path: expected the path of a file, found 3",
        lambda: ner.write([], "a.jsonl"): (
            "path: expected the path of a file, found []; write(PATH, DOCUMENTS) takes it first"
        ),
        lambda: ner.render(None, []): "text: expected a string, found None",
        lambda: ner.render("Anna", ["Anna"]): "entities[0]: expected an Entity, found 'Anna'",
        lambda: list(tagger.pipe(["Anna"], batch_size="8")): "batch_size: expected a whole number, found '8'",
        lambda: tagger.k_best("Anna", k=2.5): "k: expected a whole number, found 2.5",
        lambda: tagger.analyse_documents(["Anna"]): (
            "documents[0]: expected a Document, found 'Anna'; ner.Document(TEXT) makes a document of a text"
        ),
    }.items():
        assert refused(call) == message


def test_a_corpus_of_training_sentences_alone_has_no_others():
    assert ner.Corpus([ANNA]) == ner.Corpus([ANNA], [], [], (), [])


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def shown(monkeypatch, small_model):
    """How many epochs a bar was made for, in a training that is none, which tells of an epoch and finds a fault."""
    found = []
    model = load_model(small_model, "cpu")

    class Bar(progress.TrainingProgress):
        def __init__(self, epochs):
            super().__init__(epochs)
            found.append(epochs)

    def train_model(config, corpus, *, listener, state, resume, start):
        listener.on_epoch(EPOCH)
        model.metrics["training"]["warning"] = "it learned nothing"
        return model

    monkeypatch.setattr(progress, "TrainingProgress", Bar)
    monkeypatch.setattr(training, "train_model", train_model)
    return found


def trained(**named):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        ner.train(parse_config({"training": {"epochs": 7}}, "test"), ner.Corpus([ANNA]), **named)
    return [(str(warning.message), warning.filename) for warning in caught]


def test_training_on_a_terminal_shows_progress_unless_told_not_to_or_somebody_listens(shown, monkeypatch):
    trained()
    assert shown == []  # stderr is no terminal
    monkeypatch.setattr(sys, "stderr", Terminal())
    trained(progress=False)
    heard = []
    trained(on_epoch=heard.append)
    trained(listener=Listener(on_epoch=heard.append))
    assert (shown, heard) == ([], [EPOCH, EPOCH])
    trained()
    assert shown == [7]
    assert "epoch   1" in sys.stderr.getvalue()


def test_a_run_that_learned_nothing_warns_its_caller_unless_a_listener_hears_of_it(shown):
    assert trained() == trained(on_epoch=lambda epoch: None) == [("it learned nothing", __file__)]
    assert trained(listener=Listener()) == []


def test_the_version_is_that_of_what_is_installed():
    assert ner.__version__ == version("bilstm-crf-ner")
