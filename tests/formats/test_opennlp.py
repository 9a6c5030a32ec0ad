"""OpenNLP's and Stanford NER's training files: what comes back, what they can't hold."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import ner
from ner.data_settings import DataConfig
from ner.errors import DataError
from ner.formats.columns import read_conll
from ner.formats.format import Losses
from ner.formats.opennlp import read_sentences
from ner.formats.stanford import FORMAT as STANFORD
from ner.formats.table import name_for_reading
from ner.text.document import document_from_sentences
from ner.text.sentence import sentence_from_words

SAMPLE = (
    "<START:person> Pierre Vinken <END> , 61 , joins .\nMr. <START:person> Vinken <END> is chairman of "
    "<START:company> Elsevier <END> <START:company> N.V. <END>\n\nIt sat .\n"
)


@pytest.fixture
def file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def write(content: str) -> Path:
        Path("f").write_bytes(content.encode())
        return Path("f")

    return write


def document(*rows, marked=False):
    words, tags = zip(*(row.rsplit("/", 1) for row in rows), strict=True)
    return document_from_sentences([sentence_from_words(list(words), list(tags), opens_document=marked)])


def test_a_file_of_opennlp_is_known_and_read(file):
    assert name_for_reading(file(SAMPLE), DataConfig()) == "opennlp"
    first, second = ner.read("f")
    assert first.text.split("\n")[0] == "Pierre Vinken , 61 , joins ."
    assert [(e.label, e.text) for e in first.entities] == [
        ("person", "Pierre Vinken"), ("person", "Vinken"), ("company", "Elsevier"), ("company", "N.V."),
    ]  # fmt: skip
    assert second.text == "It sat ."
    # Independently: what stands between the marks.
    assert [e.text for e in first.entities] == re.findall(r"<START:\w+> (.*?) <END>", SAMPLE)


def test_a_mark_without_a_type_is_of_the_default_type(file):
    (sentence,) = read_sentences(file("<START> Bob <END> ran\n"), DataConfig(), Losses())
    assert sentence.tags == ("B-default", "O")


def test_a_text_that_speaks_of_the_marks_is_no_file_of_opennlp(file):
    assert name_for_reading(file("<END> O\n<START:x> O\n"), DataConfig()) == "conll"


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("<START:a> x <START:b> y <END>",
         "f:1: expected <END> before the next <START:b>, found none: '<START:a> x <START:b> y <END>'"),
        ("x <END>", "f:1: expected <START:type> and a word before <END>, found none: 'x <END>'"),
        ("<START:a> <END> x", "f:1: expected <START:type> and a word before <END>, found none: '<START:a> <END> x'"),
        ("<START:a> x", "f:1: expected <END> on the line of its <START>, found none: '<START:a> x'"),
        ("<START:a>x <END>", "f:1: expected blanks around <START:type> and <END>, found '<START:a>x'"),
        ("", "f: expected tagged sentences, found none; is it the right file?"),
    ],
)  # fmt: skip
def test_marks_that_do_not_pair_are_refused_with_their_line(file, line, message):
    with pytest.raises(DataError) as error:
        read_sentences(file(line + "\n"), DataConfig(), Losses())
    assert str(error.value) == message


WORDS = st.text(st.characters(exclude_categories=["Cs", "Cc", "Z"]), min_size=1).filter(
    lambda word: not word.isspace() and "<" not in word and not word.startswith("\ufeff")
)
SENTENCES = st.lists(st.tuples(WORDS, st.sampled_from(["O", "B-PER", "B-a-b"])), min_size=1, max_size=4)


@given(st.lists(st.lists(SENTENCES, min_size=1, max_size=3), min_size=1, max_size=5), st.booleans())
def test_what_is_written_comes_back(tmp_path, drawn, marked):
    documents = [
        document_from_sentences(
            [
                sentence_from_words(*map(list, zip(*rows, strict=True)), opens_document=marked and not place)
                for place, rows in enumerate(sentences)
            ]
        )
        for sentences in drawn
    ]
    ner.write(tmp_path / "f.opennlp", documents)
    found = ner.read(tmp_path / "f.opennlp", "opennlp")
    assert [(d.text, d.entities) for d in found] == [(d.text, d.entities) for d in documents]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("<END>/O", "document: expected a word without blanks and marks of OpenNLP, found '<END>'"),
        ("a b/O", "document: expected a word without blanks and marks of OpenNLP, found 'a b'"),
        ("x/B-a:b", "document: expected a label without colon, > and blanks for OpenNLP, found 'a:b'"),
        ("x/B-a b", "document: expected a label without colon, > and blanks for OpenNLP, found 'a b'"),
    ],
)
def test_what_opennlp_can_not_express_is_refused(tmp_path, row, message):
    with pytest.raises(DataError) as error:
        ner.write(tmp_path / "f.opennlp", [document(row)])
    assert str(error.value) == message


def test_stanford_reads_labels_alone_and_what_touches_is_told(tmp_path):
    losses = Losses()
    documents = [document("Bob/B-PER", "Ann/B-PER", "sat/O", "Bonn/B-LOC"), document("x/O", marked=True)]
    (tmp_path / "f").write_text("".join(STANFORD.write(documents, DataConfig(), losses)))
    assert (tmp_path / "f").read_text() == "Bob\tPER\nAnn\tPER\nsat\tO\nBonn\tLOC\n\nx\tO\n\n"
    assert losses.lines() == [
        "once: entities that touch one of their label: written as one (document: 'Bob Ann')",
        "once: documents whose beginning isn't marked: their sentences stand alone (document)",
    ]
    assert [s.tags for s in read_conll(tmp_path / "f", scheme="io")] == [("B-PER", "I-PER", "O", "B-LOC"), ("O",)]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("a b/O", "document: expected a word without blanks for Stanford NER, found 'a b'"),
        ("x/B-O", "document: expected a label without blanks other than O for Stanford NER, found 'O'"),
        ("x/B-a b", "document: expected a label without blanks other than O for Stanford NER, found 'a b'"),
    ],
)
def test_what_stanford_can_not_express_is_refused(tmp_path, row, message):
    with pytest.raises(DataError) as error:
        ner.write(tmp_path / "f.stanford.tsv", [document(row)])
    assert str(error.value) == message
