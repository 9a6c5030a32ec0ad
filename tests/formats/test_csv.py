"""Tables as CSV in and out: quotes, names of columns, sentences by number, words that look like missing values."""

import csv
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import ner
from ner.data_settings import DataConfig
from ner.errors import ConfigError, DataError
from ner.formats.format import Losses
from ner.formats.sentences import read_sentences
from ner.formats.table import name_for_reading
from ner.text.document import document_from_sentences
from ner.text.sentence import sentence_from_words
from ner.text.tags import tags_to_spans

KAGGLE = (
    "Sentence #,Word,POS,Tag\nSentence: 1,Bob,NNP,B-per\n,ran,VBD,O\n"
    ',"""",$,O\nSentence: 2,NA,NNP,B-geo\n,null,X,O\n,None,X,O\n,",",",",O\n'
)
WANTED = [[("Bob", "B-per"), ("ran", "O"), ('"', "O")], [("NA", "B-geo"), ("null", "O"), ("None", "O"), (",", "O")]]


@pytest.fixture
def file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def write(content: str) -> str:
        Path("f").write_bytes(content.encode())
        return "f"

    return write


def plain(sentences):
    return [list(zip(s.words, s.tags, strict=True)) for s in sentences]


def read(name, **described):
    return plain(read_sentences(name, DataConfig(**{"format": "csv", **described}), Losses()))


def test_kaggles_layout_is_read_by_the_names_of_its_columns(file):
    assert name_for_reading(file(KAGGLE), DataConfig()) == "csv"
    assert read("f", format="auto") == WANTED
    assert [row[1] for row in csv.reader(KAGGLE.splitlines()) if row[1] != "Word"] == [
        word for sentence in WANTED for word, _ in sentence
    ]


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_what_parts_cells_is_told_from_the_content(file, separator, end):
    rows = [["Token", "n", "NER"], ["a,b;c", "1", "B-X"], ['say "x"', "2", "I-X"], ["", "", ""], ["\u3000", "3", "O"]]
    with Path("f").open("w", newline="") as stream:
        csv.writer(stream, delimiter=separator, lineterminator=end).writerows(rows)
    assert read("f") == [[("a,b;c", "B-X"), ('say "x"', "I-X")], [("\u3000", "O")]]


@pytest.mark.parametrize(
    ("content", "described"),
    [
        ("Bob, B-PER\nran, O\n\nAnn, B-PER\n", {}),
        ("1,Bob,N,B-PER\n1,ran,V,O\n2,Ann,N,B-PER\n", {"word_column": 1, "sentence_column": 0}),
        ("B-PER;Bob\nO;ran\n;\nB-PER;Ann\n", {"word_column": 1, "tag_column": 0}),
        ("Bob|B-PER\nran|O\n\nAnn|B-PER\n", {"separator": "|"}),
        ("doc_id,word,tag\nx,Bob,B-PER\nx,ran,O\ny,Ann,B-PER\n", {}),
        ('"sentence_idx","word","tag"\n1.0,"Bob","B-PER"\n1.0,"ran","O"\n2.0,"Ann","B-PER"\n', {}),
        ("-DOCSTART-,O\n,\nBob,B-PER\nran,O\n,\nAnn,B-PER\n", {}),
    ],
)
def test_the_same_two_sentences_are_read_however_the_table_is_laid_out(file, content, described):
    assert read(file(content), **described) == [[("Bob", "B-PER"), ("ran", "O")], [("Ann", "B-PER")]]


def test_a_column_of_documents_opens_them(file):
    sentences = read_sentences(file("doc,word,tag\nx,Bob,O\n\nx,ran,O\n\ny,Ann,O\n"), DataConfig(format="csv"))
    assert [sentence.opens_document for sentence in sentences] == [True, False, True]


@pytest.mark.parametrize(
    ("content", "described", "message"),
    [
        ("text,entities\nBob ran,\"[(0, 3, 'PER')]\"\n", {},
         "f:1: expected a word and its tag in each row, found texts with their entities (text, entities); make "
         'an object a line of them, {"text": …, "entities": [{"start": 0, "end": 3, "label": "PER"}]}, '
         "which is format jsonl"),
        ("Word,Tag\n,O\n", {},
         "f:2: expected a word in column 0, found none: ',O'; data.empty_words = \"skip\" leaves such rows out"),
        ("Word,Tag\nBob,PER\n", {},
         "f:2: expected a tag such as O, B-PER or I-PER, found 'PER' in 'Bob,PER'; "
         "are data.tag_column and data.scheme right?"),
        ("Bob,O\nran\n", {"tag_column": 1}, "f:2: expected at least 2 cells, found 1: 'ran'"),
        ("Word,Tag\n\"Bob,O\nran,O\n", {},
         "f:3: expected cells whose quotes close and are doubled within: unexpected end of data"),
        ('Word,Tag\n"Bob\nran",O\n', {},
         "f:2: expected a word, found lines: 'Bob\\nran'; is a quote not closed? A word of one quote is written "
         '""""'),
        ("Bob O\n", {}, "f:1: expected cells parted by , ; or TAB, found 'Bob O'; set data.separator"),
        ("Word,Tag\n", {}, "f: expected tagged sentences, found none; is it the right file?"),
    ],
)  # fmt: skip
def test_a_table_that_is_not_as_described_is_refused_with_its_place(file, content, described, message):
    with pytest.raises(DataError) as error:
        read(file(content), **described)
    assert str(error.value) == message


LISTS = st.lists(
    st.tuples(st.text(min_size=1).filter(lambda w: w.strip(" \t")), st.sampled_from(["O", "B-PER", "I-PER", "B-x'y"])),
    min_size=1,
    max_size=30,
)


@given(
    sentences=st.lists(LISTS, min_size=1, max_size=3),
    printed=st.sampled_from([lambda cells: str(list(cells)), lambda cells: str(np.array(cells, dtype=object))]),
)
def test_lists_of_words_and_tags_that_python_or_numpy_printed_into_cells_are_read(file, sentences, printed):
    # What no cell holds, and what isn't a mark of documents.
    sentences = [[(w, t) for w, t in each if not set(w) & set("\r\n\0") and w.isprintable()] for each in sentences]
    sentences = [each for each in sentences if each and "docstart" not in str(each).casefold()]
    with Path("f").open("w", newline="", encoding="utf-8", errors="surrogatepass") as stream:
        table = csv.writer(stream)
        table.writerow(["", "tokens", "ner_tags"])
        for number, each in enumerate(sentences):
            words, tags = zip(*each, strict=True)
            table.writerow([number, printed(words), printed(tags)])
    if sentences:
        found = read_sentences("f", DataConfig(format="csv", scheme="iob2"), Losses())
        assert [s.words for s in found] == [[word for word, _ in each] for each in sentences]
        assert [s.spans for s in found] == [tuple(tags_to_spans([tag for _, tag in each])) for each in sentences]


LISTED = "words and of tags, such as ['Bob', 'ran'] or ['Bob' 'ran'], found"


@pytest.mark.parametrize(
    ("words", "tags", "message"),
    [
        ("['a', 'b']", "[1, 0]", f"expected lists of {LISTED} '[1, 0]'; make"),
        ("a b", "['O', 'O']", f"expected lists of {LISTED} 'a b'; make"),
        ("['a' ... 'b']", "['O' ... 'O']", f"expected lists of {LISTED} \"['a' ... 'b']\"; make"),
        ("['a', 'b' 'c']", "['O', 'O']", f"expected lists of {LISTED} \"['a', 'b' 'c']\"; make"),
        ("['a', 'b']", "['O']", "expected as many tags as words, found 1 for 2"),
        ("['']", "['O']",
         """expected a word in column 0, found none: "[''],['O']"; data.empty_words = "skip" leaves such rows out"""),
    ],
)  # fmt: skip
def test_printed_lists_that_can_not_be_told_are_refused(file, words, tags, message):
    with pytest.raises(DataError) as error:
        read(file(f'tokens,ner_tags\n"{words}","{tags}"\n'))
    end = ' an object a line of them, {"tokens": ["Bob", "ran"], "ner_tags": ["B-PER", "O"]}, which is format jsonl'
    assert str(error.value) == f"f:2: {message}{end if message.endswith('make') else ''}"


def test_a_table_of_printed_lists_is_known_also_where_only_its_beginning_is_seen(file):
    half = " ".join(["'word'"] * 20)
    row, tags = f'"[{half}\n {half}]"', f'"{["O"] * 40}"'
    name = file("tokens,ner_tags\n" + f"{row},{tags}\n" * 1_500)
    assert name_for_reading(name, DataConfig()) == "csv"
    assert [len(s.words) for s in read_sentences(name, DataConfig(), Losses())] == [40] * 1_500


def test_a_separator_of_two_characters_is_refused(file):
    with pytest.raises(ConfigError) as error:
        read(file(KAGGLE), separator="||")
    assert str(error.value) == "data.separator: expected one character for csv, found '||'"


def test_rows_without_a_word_are_left_out_and_counted(file):
    losses = Losses()
    data = DataConfig(format="csv", empty_words="skip")
    assert plain(read_sentences(file("Word,Tag\nBob,O\n,O\n"), data, losses)) == [[("Bob", "O")]]
    assert losses.lines() == ["once: rows without a word: left out (f:3)"]


@pytest.mark.parametrize(
    "content",
    [
        "Bob\tB-PER\nran,\tO\n",
        "a b\n",
        "Bob B-PER\n, O\n",
        "a,b\nc,d\n",
        "Bob,O\n",
        "Bob,B-PER\nran\n",
        "Word,x\na,O\n",
    ],
)
def test_no_other_file_is_taken_for_a_table(file, content):
    assert name_for_reading(file(content), DataConfig()) == "conll"


WORDS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\n\r\0"), min_size=1).filter(
    lambda word: word.strip(" \t") and "docstart" not in word.casefold()
)
SENTENCES = st.lists(st.tuples(WORDS, st.sampled_from(["O", "B-PER", 'B-a b,"c'])), min_size=1, max_size=4)
DOCUMENTS = st.lists(st.lists(SENTENCES, min_size=1, max_size=3), min_size=1, max_size=4)


@given(DOCUMENTS, st.booleans())
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
    ner.write(tmp_path / "f.csv", documents)
    found = ner.read(tmp_path / "f.csv", "csv")
    assert [(d.text, d.entities, [s.spelled for s in d.sentences]) for d in found] == [
        (d.text, d.entities, [s.spelled for s in d.sentences]) for d in documents
    ]


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("a\nb", "document: expected a word that fits in a cell, found 'a\\nb'"),
        (" ", "document: expected a word that fits in a cell, found ' '"),
        ("-DOCSTART-", "document: expected a word that isn't read as a mark of documents, found '-DOCSTART-'"),
    ],
)
def test_a_word_that_would_not_come_back_is_refused(tmp_path, word, message):
    with pytest.raises(DataError) as error:
        ner.write(tmp_path / "f.csv", [document_from_sentences([sentence_from_words([word], ["O"])])])
    assert str(error.value) == message
