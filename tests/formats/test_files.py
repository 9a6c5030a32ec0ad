"""Files of any format in and out: which format a file is, what is kept, what is told."""

import gc
import json
import warnings
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import ner
from ner.data_settings import FORMATS, DataConfig
from ner.errors import ConfigError, DataError
from ner.formats.files import read_documents
from ner.formats.format import Format, Losses
from ner.formats.sentences import read_sentences
from ner.formats.table import find_format, name_for_reading, name_for_writing
from ner.text.sentence import Sentence

COLUMNS = "-DOCSTART- O\n\nAnna B-PER\nLee I-PER\nslept O\n\nBob B-PER\nran O\n\n-DOCSTART- O\n\nRome B-LOC\n\n"
RECORD = {
    "id": "a",
    "text": "Anna Lee  slept.",
    "entities": [{"label": "PER", "text": "Anna Lee", "start": 0, "end": 8}],
}


@pytest.fixture
def put(tmp_path):
    def write(name: str, content: str) -> Path:
        path = tmp_path / name
        path.write_bytes(content.encode())
        return path

    return write


@pytest.mark.parametrize("name", FORMATS)
def test_every_row_of_the_table_is_a_format_that_knows_its_settings(name):
    form = find_format(name)
    assert isinstance(form, Format)
    assert form.about
    assert set(form.settings) <= set(DataConfig.model_fields)
    assert form.read or form.write or form.save
    assert not (form.write and form.save)


def test_no_two_formats_are_named_alike():
    ends = [end for name in FORMATS for end in find_format(name).suffixes if end != "/"]
    assert len(ends) == len(set(ends))


def test_columns_come_back_as_they_were_with_their_documents(put, tmp_path):
    documents = ner.read(put("a.conll", COLUMNS))
    assert [document.text for document in documents] == ["Anna Lee slept\nBob ran", "Rome"]
    assert [[(e.label, e.text) for e in d.entities] for d in documents] == [
        [("PER", "Anna Lee"), ("PER", "Bob")],
        [("LOC", "Rome")],
    ]
    ner.write(tmp_path / "b.conll", documents)
    assert (tmp_path / "b.conll").read_text() == COLUMNS


def test_where_no_document_is_marked_each_sentence_is_one_and_no_mark_is_written(put, tmp_path):
    content = "Anna B-PER\n\nBob B-PER\nran O\n\n"
    documents = ner.read(put("a.conll", content))
    assert [document.text for document in documents] == ["Anna", "Bob ran"]
    ner.write(tmp_path / "b.conll", documents)
    assert (tmp_path / "b.conll").read_text() == content


def test_columns_say_what_of_a_text_they_do_not_keep(put, tmp_path):
    documents = ner.read(put("a.jsonl", json.dumps({**RECORD, "note": 1}) + "\n"))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        ner.write(tmp_path / "b.conll", documents)
    source = str(tmp_path / "a.jsonl") + ":1"
    assert [str(warning.message) for warning in caught] == [
        f"{tmp_path / 'b.conll'}: once: texts: blanks and line ends between words are not kept ({source})",
        f"{tmp_path / 'b.conll'}: once: names of documents: not kept ({source})",
        f"{tmp_path / 'b.conll'}: once: documents with further fields: not kept ({source}: note)",
    ]
    assert (tmp_path / "b.conll").read_text() == "Anna B-PER\nLee I-PER\nslept O\n. O\n\n"


def test_a_text_with_its_entities_is_trained_on_as_sentences_and_what_does_not_fit_is_told(put):
    text = "In New York-based firms. They ran."
    entities = [{"label": "LOC", "start": 3, "end": 11}, {"label": "X", "start": 7, "end": 11}]
    path = put("a.jsonl", "\n" + json.dumps({"text": text, "entities": entities}) + "\n")
    losses = Losses()
    sentences = read_sentences(path, DataConfig(), losses)
    assert [s.words for s in sentences] == [["In", "New", "York", "-based", "firms", "."], ["They", "ran", "."]]
    assert [s.tags for s in sentences] == [("O", "B-LOC", "I-LOC", "O", "O", "O"), ("O", "O", "O")]
    assert [s.opens_document for s in sentences] == [True, False]
    assert {s.source for s in sentences} == {f"{path}:2"}
    assert losses.counts.total() == 3
    assert [line.partition(")")[0] for line in losses.lines()] == ["2 entities (cut token", "once: entities (nested"]
    with pytest.raises(DataError, match=r"a\.jsonl:2: expected entities of whole tokens"):
        read_sentences(path, DataConfig(misaligned="error"))


def test_texts_of_a_sentence_each_are_no_documents(put):
    line = json.dumps({"text": "Rome.", "entities": []}) + "\n"
    assert [s.opens_document for s in read_sentences(put("a.jsonl", line * 3), DataConfig())] == [False] * 3
    counted = read_sentences(put("a.jsonl", line * 3), DataConfig(document_sentences=2))
    assert [s.opens_document for s in counted] == [True, False, True]


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (COLUMNS, "conll"),
        ("", "conll"),
        ("a:B-X b:O\n", "lines"),
        ("a:O b:O\n", "conll"),
        (json.dumps(RECORD) + "\n", "jsonl"),
        ("[1]\n", "conll"),
        (json.dumps({"text": "Rome " * 30_000, "entities": []}) + "\n", "jsonl"),
    ],
)
def test_the_format_is_told_from_the_content(put, content, name):
    assert name_for_reading(put("file", content), DataConfig()) == name


def test_who_says_which_columns_has_columns(put):
    assert name_for_reading(put("file", "a:B-X b:O\n"), DataConfig(tag_column=1)) == "conll"


def test_a_doubtful_format_is_asked_for_with_both_candidates(put, monkeypatch):
    path = put("file", "x\n")
    twice = Format(about="", recognizes=lambda sample: True, read=lambda *_: iter(()))
    monkeypatch.setattr(
        "ner.formats.table.find_format", lambda name: twice if name in FORMATS[1:3] else Format(about="")
    )
    with pytest.raises(ConfigError) as error:
        name_for_reading(path, DataConfig())
    one, two = FORMATS[1:3]
    assert str(error.value) == (
        f"{path}: expected a file of one format, found one that may be {one} or {two}; "
        f'set data.format = "{one}" or "{two}"'
    )


@pytest.mark.parametrize(
    ("path", "name"),
    [("x.conll", "conll"), ("X.JSONL", "jsonl"), ("x.webanno", "webanno"), ("x.xmi/", "uima-xmi"), ("a.b/", "brat")],
)
def test_the_format_to_write_is_told_by_the_end_of_the_name(path, name):
    assert name_for_writing(path, None) == name


def test_what_can_not_be_read_or_written_is_refused(put, tmp_path):
    readable = [name for name in FORMATS if find_format(name).read]
    with pytest.raises(ConfigError) as error:
        name_for_reading(put("f", ""), DataConfig(format="html"))
    assert str(error.value) == (f"data.format: expected a format that can be read ({', '.join(readable)}), found html")
    with pytest.raises(
        ConfigError, match=r"^nowhere: expected a file whose format is known, found a name that tells none"
    ):
        name_for_writing("nowhere", None)
    with pytest.raises(ConfigError, match=r"^format: expected one of .*, found 'nonsense'$"):
        name_for_writing("x.jsonl", "nonsense")
    with pytest.raises(ConfigError, match=r"^read: data.format should be one of auto, conll"):
        ner.read("x", "nonsense")
    with pytest.raises(DataError) as missing:
        ner.read(tmp_path / "none")
    assert str(missing.value) == (
        f"{tmp_path / 'none'}: no such file (paths are taken as given, then relative to the config's folder)"
    )
    with pytest.raises(ConfigError) as folder:
        ner.write(tmp_path, [], "jsonl")
    assert str(folder.value) == f"{tmp_path}: expected a place for a file, found a folder"
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError) as below:
        ner.write(tmp_path / "file" / "x.jsonl", [])
    assert str(below.value) == (
        f"{tmp_path / 'file' / 'x.jsonl'}: expected a folder at {tmp_path / 'file'}, found a file; choose another path"
    )


def test_a_file_that_can_not_be_written_whole_leaves_the_old_one(put, tmp_path):
    path = put("a.jsonl", "old\n")
    with pytest.raises(DataError, match="expected text that has UTF-8, found '\\\\ud800'"):
        ner.write(path, [ner.Document("x"), ner.Document("\ud800")])
    assert path.read_text() == "old\n"
    assert [each.name for each in tmp_path.iterdir()] == ["a.jsonl"]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", "expected a JSON object a line: Expecting property name enclosed in double quotes"),
        ("[]", "expected a JSON object with a \"text\", found '[]'"),
        ('{"text": "ab", "entities": [{"start": 0}]}', 'expected an entity with "start", "end" and "label", found'),
        ('{"text": "ab", "entities": [{"start": 1, "end": 5, "label": "X"}]}', "expected X 'b' at characters 1 to 5"),
    ],
)
def test_a_line_of_json_that_is_not_as_it_should_be_is_refused_with_its_place(put, line, message):
    path = put("a.jsonl", '{"text": "ok"}\n' + line + "\n")
    with pytest.raises(DataError) as error:
        ner.read(path, "jsonl")
    assert str(error.value).startswith(f"{path}:2: {message}")


TEXTS = st.text(st.sampled_from("ab é漢\u0301\r\n\t\U0001f600\u2028.-"), max_size=12)


@st.composite
def documents(draw):
    """Documents with entities of any range, overlapping or not."""
    text = draw(TEXTS)
    ends = st.integers(0, len(text))
    spans = draw(st.lists(st.tuples(ends, ends, st.sampled_from(["PER", "a b"])), max_size=3)) if text else []
    entities = [ner.Entity(label, text[a:b], a, b) for a, b, label in spans if a < b]
    return ner.Document(text, (), entities, draw(st.none() | TEXTS), draw(st.just({}) | st.just({"k": [1, "x"]})))


@given(given=st.lists(documents(), max_size=3))
def test_json_lines_bring_back_every_document(tmp_path, given):
    ner.write(tmp_path / "a.jsonl", given)
    assert ner.read(tmp_path / "a.jsonl", "jsonl") == given


STREAMED = {
    "conll": "".join(f"w{n} B-PER\nran O\n\n" for n in range(1_000)),
    "lines": "".join(f"w{n}:B-PER ran:O\n" for n in range(1_000)),
    "csv": "Sentence #,Word,Tag\n" + "".join(f"{n},w{n},B-PER\n,ran,O\n" for n in range(1_000)),
    "opennlp": "".join(f"<START:PER> w{n} <END> ran\n" for n in range(1_000)),
    "jsonl": "".join(f'{{"tokens": ["w{n}", "ran"], "tags": ["B-PER", "O"]}}\n' for n in range(1_000)),
}


@pytest.mark.parametrize("name", STREAMED)
def test_no_sentence_is_kept_of_a_file_that_is_read_document_by_document(put, name):
    documents = read_documents(put("file", STREAMED[name]), DataConfig(format=name), Losses())
    before = alive()
    assert [next(documents).sentences[0].words for _ in range(500)][-1] == ["w499", "ran"]
    assert alive() - before < 10
    assert sum(1 for _ in documents) == 500


def alive() -> int:
    """How many sentences there are in this process."""
    gc.collect()
    return sum(type(each) is Sentence for each in gc.get_objects())


@pytest.mark.parametrize(("name", "content"), [("conll", "# a\n# B-X\nb O\n"), ("csv", "Word,Tag\n,O\nb,O\n")])
def test_what_is_told_of_a_file_that_is_read_twice_is_told_once(put, name, content):
    path = put("file", content)
    losses, other = Losses(), Losses()
    data = DataConfig(format=name, comment="# ", empty_words="skip")
    documents = list(read_documents(path, data, losses))
    assert [s.words for d in documents for s in d.sentences] == [s.words for s in read_sentences(path, data, other)]
    assert losses.counts == other.counts
    assert losses.counts.total() == 1


def test_a_table_that_is_streamed_is_refused_where_one_that_is_read_at_once_is(tmp_path):
    path = tmp_path / "file"
    for content in (b"a O\0\n", b"a O\rb O\r", b"a O\n\xff O\n", b"\xff\xfea\0", b"\n\n", b"a\n"):
        path.write_bytes(content)
        messages = []
        for read in (read_sentences, lambda *arguments: list(read_documents(*arguments))):
            with pytest.raises(DataError) as error:
                read(path, DataConfig(format="conll"), Losses())
            messages.append(str(error.value))
        assert messages[0] == messages[1]
