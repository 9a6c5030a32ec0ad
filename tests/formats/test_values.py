"""Annotated text from pandas, `datasets` and plain lists, and a data set of documents."""

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

import ner
from ner.errors import ConfigError, DataError
from tests.formats.test_files import documents

TEXT = "Bob ran in Kiel."
WANTED = [("PER", "Bob", 0, 3), ("LOC", "Kiel", 11, 15)]
TRIPLES = [(0, 3, "PER"), (11, 15, "LOC")]
OBJECTS = [{"start": a, "end": b, "label": label} for a, b, label in TRIPLES]


def found(document):
    return [(e.label, e.text, e.start, e.end) for e in document.entities]


@pytest.mark.parametrize(
    "record",
    [
        (TEXT, TRIPLES),
        [TEXT, [list(triple) for triple in TRIPLES]],
        (TEXT, {"entities": TRIPLES}),
        {"text": TEXT, "entities": OBJECTS},
        {"text": TEXT, "label": TRIPLES},
        {"tokens": ("Bob", "ran", "in", "Kiel"), "tags": ("B-PER", "O", "O", "B-LOC")},
    ],
)
def test_lists_give_the_same_entities_whatever_their_records_are(record):
    for value in ([record], (record,), iter([record])):
        (document,) = ner.documents_from(value)
        assert found(document) == WANTED
        assert document.source == "record 1"
    assert ner.documents_from([]) == []


def test_numbers_and_arrays_of_numpy_are_numbers_and_lists():
    numpy = pytest.importorskip("numpy")
    ends = numpy.array([[0, 3], [11, 15]])
    value = [(TEXT, [(ends[0, 0], ends[0, 1], "PER"), (ends[1, 0], ends[1, 1], "LOC")])]
    assert found(ner.documents_from(value)[0]) == WANTED


def test_a_frame_of_texts_gives_documents_with_its_other_columns_as_meta():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"text": [TEXT, "x"], "entities": [OBJECTS, None], "note": [1.5, None]})
    first, second = ner.documents_from(frame)
    assert (found(first), first.meta) == (WANTED, {"note": 1.5})
    assert (found(second), second.meta, second.source) == ([], {"entities": None, "note": None}, "row 2")


@pytest.mark.parametrize("names", [("Sentence #", "Word", "Tag"), ("sentence_id", "words", "labels"), ("a", "b", "c")])
def test_a_frame_of_words_gives_a_document_a_sentence_and_empty_cells_go_on(names):
    pandas = pytest.importorskip("pandas")
    rows = [("s1", "Bob", "B-PER"), (None, "ran", "O"), ("s2", "Kiel", "B-LOC"), ("s2", "NA", "O")]
    made = ner.documents_from(pandas.DataFrame(rows, columns=list(names)))
    assert [(document.text, document.sentences[0].tags, document.source) for document in made] == [
        ("Bob ran", ("B-PER", "O"), "row 1"),
        ("Kiel NA", ("B-LOC", "O"), "row 3"),
    ]


def test_columns_that_are_not_kept_are_told():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"Sentence #": [1], "Word": ["Bob"], "POS": ["NNP"], "Tag": ["B-PER"]})
    with pytest.warns(UserWarning, match=r"^documents_from: once: columns beside words and tags: not kept \(POS\)$"):
        ner.documents_from(frame)


@pytest.fixture(scope="module")
def datasets():
    return pytest.importorskip("datasets")


def test_numbers_of_a_class_label_and_names_give_the_same_documents(datasets):
    words = [["Bob", "ran"], [], ["Kiel"]]
    numbers = datasets.Features(
        {
            "tokens": datasets.List(datasets.Value("string")),
            "ner_tags": datasets.List(datasets.ClassLabel(names=["O", "B-PER", "B-LOC"])),
        }
    )
    numbered = datasets.Dataset.from_dict({"tokens": words, "ner_tags": [[1, 0], [], [2]]}, features=numbers)
    named = datasets.Dataset.from_dict({"tokens": words, "ner_tags": [["B-PER", "O"], [], ["B-LOC"]]})
    assert ner.documents_from(numbered) == ner.documents_from(named)
    assert [document.text for document in ner.documents_from(named)] == ["Bob ran", "", "Kiel"]
    assert [found(document) for document in ner.documents_from(named)] == [
        [("PER", "Bob", 0, 3)],
        [],
        [("LOC", "Kiel", 0, 4)],
    ]


def test_a_data_set_of_texts_gives_documents(datasets):
    made = datasets.Dataset.from_dict({"text": [TEXT], "entities": [OBJECTS], "n": [1]})
    (document,) = ner.documents_from(made)
    assert (found(document), document.meta) == (WANTED, {"n": 1})


def test_a_data_set_of_documents_holds_their_words_and_numbered_tags(datasets):
    people = [ner.Entity("PER", "Bob", 0, 3), ner.Entity("PER", "Bo Lee", 9, 15)]
    given = [
        ner.Document("Bob ran.\nBo Lee in Kiel", (), people, "a"),
        ner.Document("", id="b"),
        ner.Document("Kiel", (), [ner.Entity("LOC", "Kiel", 0, 4, 0.5)]),
    ]
    with pytest.warns(UserWarning, match="^to_dataset: ") as caught:
        made = ner.to_dataset(given)
    assert [str(warning.message) for warning in caught] == [
        "to_dataset: once: texts: blanks and line ends between words are not kept (document 'a')",
        "to_dataset: once: documents without a token: left out (document 'b')",
        "to_dataset: once: documents whose entities have probabilities: not kept (document)",
    ]
    assert made.features["ner_tags"].feature.names == ["O", "B-LOC", "I-LOC", "B-PER", "I-PER"]
    assert made.to_list() == [
        {"document": 0, "id": "a", "tokens": ["Bob", "ran", "."], "ner_tags": [3, 0, 0]},
        {"document": 0, "id": "a", "tokens": ["Bo", "Lee", "in", "Kiel"], "ner_tags": [3, 4, 0, 0]},
        {"document": 2, "id": None, "tokens": ["Kiel"], "ner_tags": [1]},
    ]
    assert [(document.id, document.text) for document in ner.documents_from(made)] == [
        ("a", "Bob ran .\nBo Lee in Kiel"),
        (None, "Kiel"),
    ]


def test_a_data_set_of_nothing_is_one(datasets):
    assert ner.documents_from(ner.to_dataset([])) == []


@given(given=st.lists(documents(), max_size=3))
@pytest.mark.filterwarnings("ignore:to_dataset")
def test_the_documents_of_a_data_set_come_back_from_it_again(datasets, given):
    once = ner.documents_from(ner.to_dataset(given))
    assert ner.documents_from(ner.to_dataset(once)) == once


PLACE = "ranges are half-open and count the characters of a Python string"


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (
            "Bob",
            "documents_from: expected a DataFrame, a Dataset, or a list of (text, [(start, end, label)]) or of "
            "dictionaries, found str",
        ),
        (
            {"text": "Bob"},
            "documents_from: expected a DataFrame, a Dataset, or a list of (text, [(start, end, label)]) or of "
            "dictionaries, found dict",
        ),
        ([("a", "b")], 'record 1: expected (text, [(start, end, label)]), found \'["a", "b"]\''),
        (
            [("a", []), ("ab", [(0, 3, "X")])],
            f"record 2: expected X 'ab' at characters 0 to 3 of the text, found 'ab'; {PLACE}",
        ),
        ([3], "record 1: expected a JSON object with a \"text\", found '3'"),
    ],
)
def test_what_is_wrong_with_a_value_is_said_in_full(value, message):
    with pytest.raises(DataError) as error:
        ner.documents_from(value)
    assert str(error.value) == message


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (
            {"x": ["a"]},
            'documents_from: expected columns "text" and "entities", or a sentence\'s number, "word" and "tag", found '
            "x; rename them",
        ),
        (
            {"sentence": [1, 1], "word": ["a", None], "tag": ["O", "O"]},
            "row 2: expected a word, found 'null'; pandas.read_csv takes words such as NA for missing cells, unless it "
            "is told keep_default_na=False",
        ),
    ],
)
def test_what_is_wrong_with_a_frame_is_said_in_full(columns, message):
    pandas = pytest.importorskip("pandas")
    with pytest.raises(DataError) as error:
        ner.documents_from(pandas.DataFrame(columns))
    assert str(error.value) == message


def test_a_data_set_of_several_splits_is_refused(datasets):
    split = datasets.Dataset.from_dict({"tokens": [["a"]], "ner_tags": [["O"]]})
    with pytest.raises(DataError) as error:
        ner.documents_from(datasets.DatasetDict(train=split))
    assert str(error.value) == (
        "documents_from: expected a DataFrame, a Dataset, or a list of (text, [(start, end, label)]) or of "
        "dictionaries, found DatasetDict; take one of its splits"
    )


def test_without_the_package_the_error_names_its_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(ConfigError) as error:
        ner.to_dataset([])
    assert str(error.value) == ("to_dataset: expected the package `datasets`; pip install 'bilstm-crf-ner[datasets]'")
