"""JSON lines in the layouts of several tools: what each record says, and what is refused."""

import json
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

import ner
from ner.data_settings import DataConfig
from ner.errors import ConfigError, DataError
from ner.formats import json_records
from ner.formats.files import read_documents
from ner.formats.format import Losses
from ner.formats.json_records import items_of_array
from ner.formats.sentences import read_sentences
from ner.formats.table import name_for_reading
from ner.text import encoding as encodings
from tests.formats.test_files import documents

TEXT = "Bob ran in Kiel."
WANTED = [("PER", "Bob", 0, 3), ("LOC", "Kiel", 11, 15)]
TRIPLES = [[0, 3, "PER"], [11, 15, "LOC"]]
OBJECTS = [{"start": 0, "end": 3, "label": "PER"}, {"start": 11, "end": 15, "label": "LOC"}]
OFFSETS = [{"id": 7, "start_offset": a, "end_offset": b, "label": label} for a, b, label in TRIPLES]
LAYOUTS = {
    "plain": {"text": TEXT, "entities": OBJECTS},
    "plain with mentions": {"text": TEXT, "entities": [o | {"text": TEXT[o["start"] : o["end"]]} for o in OBJECTS]},
    "doccano label": {"text": TEXT, "label": TRIPLES},
    "doccano labels": {"text": TEXT, "labels": TRIPLES},
    "doccano entities": {"text": TEXT, "entities": OFFSETS, "relations": [], "Comments": []},
    "doccano 1": {"text": TEXT, "annotations": OFFSETS},
    "prodigy": {
        "text": TEXT,
        "tokens": [{"text": "Bob", "start": 0, "end": 3, "id": 0}],
        "spans": [o | {"token_start": 0, "token_end": 0} for o in OBJECTS],
        "answer": "accept",
    },
    "spacy": [TEXT, {"entities": TRIPLES}],
    "spacy in an object": {"text": TEXT, "entities": TRIPLES},
    "cluener": {"text": TEXT, "label": {"PER": {"Bob": [[0, 2]]}, "LOC": {"Kiel": [[11, 14]]}}},
    "spans of types": {"text": TEXT, "entities": [{"name": "Bob", "span": [0, 3], "type": "PER"},
                                                  {"name": "Kiel", "span": [11, 15], "type": "LOC"}]},
    "an empty key beside": {"text": TEXT, "label": TRIPLES, "entities": []},
}  # fmt: skip


@pytest.fixture
def put(tmp_path):
    def write(content, name="a.jsonl"):
        path = tmp_path / name
        path.write_bytes(content.encode())
        return path

    return write


def found(document):
    return [(e.label, e.text, e.start, e.end) for e in document.entities]


@pytest.mark.parametrize("name", LAYOUTS)
def test_every_layout_gives_the_same_entities_on_a_line_in_an_array_and_on_many_lines(put, name):
    record = LAYOUTS[name]
    for content in (
        json.dumps(record) + "\n",
        "\ufeff\r\n" + json.dumps(record) + "\r\n\r\n",
        json.dumps([record]),
        json.dumps([record, record], indent=1),
        "\n \n[\n" + json.dumps(record) + "\n ,\n" + json.dumps(record) + "]\n",
    ):
        path = put(content)
        assert name_for_reading(path, DataConfig()) == "jsonl"
        assert {tuple(found(document)) for document in ner.read(path)} == {tuple(WANTED)}


def test_the_records_of_an_array_know_their_lines(put):
    path = put('[\n{"text": "a"},\n\n  {"text": "b"}, {"text": "c"}\n]')
    assert [document.source for document in ner.read(path, "jsonl")] == [f"{path}:{line}" for line in (2, 4, 4)]


def test_every_other_key_comes_back_from_the_same_layout(put, tmp_path):
    entity = {"label": "PER", "text": "Bob", "start": 0, "end": 3, "id": 5, "score": 0.5, "note": {"a": [1]}}
    record = {"id": "x", "text": TEXT, "entities": [entity], "labellings": [{"p": 1.0}], "n": None, "big": 10**40}
    documents = ner.read(put(json.dumps(record) + "\n"))
    assert documents[0].meta == {
        "labellings": [{"p": 1.0}],
        "n": None,
        "big": 10**40,
        "entity_fields": [{"start": 0, "end": 3, "label": "PER", "fields": {"id": 5, "note": {"a": [1]}}}],
    }
    ner.write(tmp_path / "b.jsonl", documents)
    assert json.loads((tmp_path / "b.jsonl").read_text()) == record


def test_prodigy_and_doccano_get_back_what_they_wrote(put, tmp_path):
    doccano = {"id": 3, "text": TEXT, "entities": OFFSETS, "relations": [{"id": 1, "from_id": 7, "to_id": 7}]}
    for record, name in (
        (LAYOUTS["prodigy"], "prodigy"),
        (doccano, "doccano"),
        (LAYOUTS["doccano label"] | {"id": 4}, "doccano"),
    ):
        documents = ner.read(put(json.dumps(record)))
        ner.write(tmp_path / "b.jsonl", documents, name)
        assert json.loads((tmp_path / "b.jsonl").read_text()) == record
        assert ner.read(tmp_path / "b.jsonl", "jsonl") == documents


def test_what_entities_have_does_not_go_to_others_that_take_their_place(put, tmp_path):
    document = ner.read(put(json.dumps({"text": TEXT, "entities": OFFSETS})))[0]
    other = ner.Document(TEXT, (), [ner.Entity("PER", "Bob", 0, 3), ner.Entity("X", "ran", 4, 7)], meta=document.meta)
    with pytest.warns(UserWarning, match="once: further fields of entities that are no longer there: left out"):
        ner.write(tmp_path / "b.jsonl", [other])
    entities = json.loads((tmp_path / "b.jsonl").read_text())["entities"]
    assert entities == [
        {"label": "PER", "text": "Bob", "start": 0, "end": 3, "id": 7},
        {"label": "X", "text": "ran", "start": 4, "end": 7},
    ]


def test_prodigy_scores_are_kept_and_doccano_has_no_place_for_them(tmp_path):
    documents = [ner.Document("Bob", (), [ner.Entity("PER", "Bob", 0, 3, 0.5), ner.Entity("X", "B", 0, 1)])]
    ner.write(tmp_path / "p.jsonl", documents, "prodigy")
    assert ner.read(tmp_path / "p.jsonl") == documents
    with pytest.warns(UserWarning, match=": once: ") as caught:
        ner.write(tmp_path / "d.jsonl", documents, "doccano")
    assert [str(warning.message) for warning in caught] == [
        f"{tmp_path / 'd.jsonl'}: once: documents whose entities have probabilities: not kept (document)",
        f"{tmp_path / 'd.jsonl'}: once: documents with entities in others or over them: doccano takes them where its "
        "project allows that (document)",
    ]


def test_fields_that_would_be_read_as_entities_are_left_out_and_told(tmp_path):
    meta = {"spans": OBJECTS, "text": "other", "ok": 1}
    with pytest.warns(UserWarning, match=": once: ") as caught:
        ner.write(tmp_path / "a.jsonl", [ner.Document(TEXT, (), [ner.Entity("PER", "Bob", 0, 3)], meta=meta)])
    assert [str(warning.message).partition(": once: ")[2] for warning in caught] == [
        "fields that are called as one of the format's own: left out (document: text)",
        "fields that look like entities in another layout: left out (document: spans)",
    ]
    assert ner.read(tmp_path / "a.jsonl")[0].meta == {"ok": 1}


def test_rejected_and_ignored_records_are_left_out_and_counted(put):
    rows = [{"text": "a", "spans": [], "answer": answer} for answer in ("accept", "reject", "ignore")]
    path = put("".join(json.dumps(row) + "\n" for row in rows))
    losses = Losses()
    assert [document.text for document in read_documents(path, DataConfig(), losses)] == ["a"]
    assert losses.lines() == [
        f"2 records that their annotator rejected or ignored: left out ({path}:2; {path}:3)",
    ]


WORDS = {"tokens": ["Bob", "ran", "in", "Kiel"], "id": "s1"}
NAMES = ["O", "B-PER", "B-LOC"]


@pytest.mark.parametrize(
    "more",
    [
        {"ner_tags": ["B-PER", "O", "O", "B-LOC"]},
        {"tags": ["S-PER", "O", "O", "S-LOC"]},
        {"labels": ["I-PER", "O", "O", "I-LOC"], "label": "positive"},
        {"ner_tags": [1, 0, 0, 2], "names": NAMES},
        {"ner_tags": [1, 0, 0, 2], "id2label": {str(n): name for n, name in enumerate(NAMES)}},
        {"ner_tags": ["B-PER", "O", "O", "B-LOC"], "text": "Bob  ran in Kiel!"},
    ],
)
def test_lists_of_words_and_tags_are_sentences(put, more):
    path = put(json.dumps(WORDS | more) + "\n")
    assert name_for_reading(path, DataConfig()) == "jsonl"
    (document,) = ner.read(path)
    assert [(e.label, e.text) for e in document.entities] == [("PER", "Bob"), ("LOC", "Kiel")]
    assert document.text == more.get("text", "Bob ran in Kiel")
    assert (document.id, document.sentences[0].words) == ("s1", WORDS["tokens"])
    (sentence,) = read_sentences(path, DataConfig())
    assert sentence.tags == ("B-PER", "O", "O", "B-LOC")


def test_labels_alone_are_tags_where_the_scheme_says_so(put):
    path = put(json.dumps({"words": ["Bob"], "kinds": ["PER"]}))
    told = {"tokens_feature": "words", "tags_feature": "kinds", "scheme": "io"}
    assert found(ner.read(path, "jsonl", settings=told)[0]) == [("PER", "Bob", 0, 3)]


PLAIN = {"text": TEXT, "entities": [{"start": 0, "end": 2, "label": "PER", "text": "Bob"}]}
PLACE = "ranges are half-open and count the characters of a Python string"
REFUSED = [
    ('{"text": "a", "text": "b"}', "expected a JSON object a line: the key 'text' stands twice in an object"),
    ('{"text": "a", "n": NaN}', "expected a JSON object a line: NaN is no number of JSON"),
    ('{"text": "a", "n": -Infinity}', "expected a JSON object a line: -Infinity is no number of JSON"),
    ('{"text": "a", "n": 1e999}', "expected a JSON object a line: '1e999' is beyond the numbers of Python"),
    ('{"text": "a", "n": ' + "9" * 5000 + "}", "expected a JSON object a line: a whole number has too many digits"),
    ('{"text": "a", "n": ' + "[" * 200_000 + "}", "expected a JSON object a line: it is nested too deeply"),
    ('{"text": "a"} x', "expected a JSON object a line: Extra data at column 15"),
    ('{"text": 1}', "expected a JSON object with a \"text\", found '{\"text\": 1}'"),
    ('"a"', "expected a JSON object with a \"text\", found '\"a\"'"),
    ('["a", {"text": "b"}]', 'expected a text once, found one before the object and one under "text"'),
    (
        json.dumps({"text": TEXT, "label": TRIPLES, "spans": OBJECTS}),
        'expected a record of one layout, found one that may be doccano ("label") or Prodigy ("spans"); leave out the '
        "key that isn't meant",
    ),
    (
        json.dumps({"text": "Bob", "tokens": ["Bob"], "ner_tags": ["O"], "entities": OBJECTS[:1]}),
        'expected a record of one layout, found one that may be ner tag ("entities") or words and tags ("ner_tags"); '
        "leave out the key that isn't meant",
    ),
    (
        '{"text": "ab", "label": {"X": 1}}',
        'expected "label" as [[0, 3, "PER"]] (doccano) or {"PER": {"Bob": [[0, 2]]}} (CLUENER), found \'{"X": 1}\'',
    ),
    ('{"text": "ab", "label": [[0, 1]]}', "expected an entity as [start, end, label], found '[0, 1]'"),
    ('{"text": "ab", "entities": [{"span": [0], "type": "X"}]}',
     'expected an entity with "span" and "type", found \'{"span": [0], "type": "X"}\''),
    ('{"text": "ab", "label": {"X": {"a": [0, 0]}}}',
     "expected ranges as [[start, end]], found '{\"X\": {\"a\": [0, 0]}}'"),
    ('{"text": "ab", "label": [[0, 1.0, "X"]]}',
     "expected whole numbers as start and end of an entity, found '[0, 1.0, \"X\"]'"),
    ('{"text": "ab", "label": [[0, 1, 7]]}', "expected the name of a label, found '7' in '[0, 1, 7]'"),
    ('{"text": "ab", "label": [[0, 1' + "0" * 30 + ', "X"]]}',
     f"expected X 'ab' at characters 0 to 1{'0' * 30} of the text, found 'ab'; {PLACE}"),
    ('{"text": "ab", "label": [[-1, 2, "X"]]}',
     f"expected X 'ab' at characters -1 to 2 of the text, found 'ab'; {PLACE}"),
    (json.dumps(PLAIN), f"expected PER 'Bob' at characters 0 to 2 of the text, found 'Bo'; {PLACE}; every text that "
     "this record says of an entity fits where ends are last characters, not ends of half-open ranges: add 1 to each "
     "end"),
    ('{"text": "Bob", "label": {"PER": {"Bob": [[0, 3]]}}}', "expected PER 'Bob' at characters 0 to 4 of the text, "
     f"found 'Bob'; {PLACE}; every text that this record says of an entity fits where ends are those of half-open "
     "ranges, not last characters: take 1 from each end"),
    ('{"text": "\U0001f600 Bob", "entities": [{"start": 3, "end": 6, "label": "PER", "text": "Bob"}]}',
     f"expected PER 'Bob' at characters 3 to 6 of the text, found 'ob'; {PLACE}; every text that this record says of "
     "an entity fits where ranges count units of UTF-16"),
    ('{"text": "\u00e9 Bob", "entities": [{"start": 3, "end": 6, "label": "PER", "text": "Bob"}]}',
     f"expected PER 'Bob' at characters 3 to 6 of the text, found 'ob'; {PLACE}; every text that this record says of "
     "an entity fits where ranges count bytes of UTF-8"),
    ('{"text": "Bob!", "entities": [{"start": 1, "end": 4, "label": "PER", "text": "Bob"}]}',
     f"expected PER 'Bob' at characters 1 to 4 of the text, found 'ob!'; {PLACE}; every text that this record says of "
     "an entity fits where counting starts at 1: take 1 from each start and end"),
    ('{"text": "Bob!", "entities": [{"start": 1, "end": 3, "label": "PER", "text": "Bob"}]}',
     f"expected PER 'Bob' at characters 1 to 3 of the text, found 'ob'; {PLACE}; every text that this record says of "
     "an entity fits where counting starts at 1 and ends are last characters: take 1 from each start"),
    ('{"text": "Bob!", "entities": [{"start": 0, "end": 3, "label": "PER", "text": "Rob"}]}',
     f"expected PER 'Rob' at characters 0 to 3 of the text, found 'Bob'; {PLACE}"),
    ('{"tokens": ["a", "b"], "ner_tags": ["O"]}', "expected as many tags as words, found 1 for 2"),
    ('{"tokens": ["a", ""], "ner_tags": ["O", "O"]}', "expected words, found '' as word 2"),
    ('{"tokens": ["a"], "tags": ["PER"]}', "expected a tag such as O, B-PER or I-PER, found 'PER' under \"tags\"; are "
     "data.tags_feature and data.scheme right?"),
    ('{"tokens": ["a"], "ner_tags": [1]}', 'expected names of tags under "ner_tags", found the number 1; name them in '
     'each record, such as "names": ["O", "B-PER", "I-PER"], or read the data set with data.dataset, where a '
     "ClassLabel names them"),
    ('{"tokens": ["a"], "ner_tags": [1], "names": ["O"]}',
     "expected the number of one of 1 tag under \"ner_tags\", found '1'"),
    ('{"text": "b a", "tokens": ["a", "b"], "ner_tags": ["O", "O"]}', 'expected the words of the record in its "text" '
     "in their order, found no 'b' from character 3 on; without the key \"text\" the words are joined by spaces"),
]  # fmt: skip


@pytest.mark.parametrize(("line", "message"), REFUSED, ids=range(len(REFUSED)))
def test_what_is_wrong_with_a_record_is_said_in_full(put, line, message):
    path = put('{"text": "ok"}\n' + line + "\n")
    with pytest.raises(DataError) as error:
        ner.read(path, "jsonl")
    assert str(error.value) == f"{path}:2: {message}"


@pytest.mark.parametrize(
    ("content", "line", "message"),
    [
        ('[\n{"text": "a"}\n{', 3, "expected a comma or the end of the JSON array, found '{'"),
        ('[{"text": "a"}', 1, "expected a comma or the end of the JSON array, found the file's end"),
        ('[{"text": "a"},\n]', 2, "expected a JSON array of records: Expecting value at column 1"),
        ('[{"text": "a"},\n{"a": 1, "a": 2}]', 2,
         "expected a JSON array of records: the key 'a' stands twice in an object"),
        ('[{"text": "a"},\n' + "[" * 200_000, 2, "expected a JSON array of records: it is nested too deeply"),
        ('[{"text": "a"}\n]\n\n{', 4, "expected the file's end behind the JSON array, found '{'"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_an_array_is_said_with_its_line(put, content, line, message):
    path = put(content)
    with pytest.raises(DataError) as error:
        ner.read(path, "jsonl")
    assert str(error.value) == f"{path}:{line}: {message}"


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner, max_size=3),
    max_leaves=8,
)


@given(st.lists(VALUES, max_size=6), st.sampled_from([None, 1]), st.booleans(), st.integers(1, 9))
def test_an_array_that_comes_in_pieces_has_the_items_that_it_has_as_a_whole(values, indent, ascii_only, size):
    text = json.dumps(values, indent=indent, ensure_ascii=ascii_only)
    pieces = (text[n : n + size] for n in range(0, len(text), size))
    assert [value for value, _ in items_of_array(pieces, "x")] == values


def test_no_more_of_an_array_of_one_line_is_read_than_its_next_items_need(monkeypatch):
    monkeypatch.setattr(json_records, "_HELD", 1)
    taken = []

    def pieces():
        for number in range(1_000):
            taken.append(number)
            yield ("," if number else "[") + json.dumps({"text": str(number)})
        yield "]"

    items = items_of_array(pieces(), "x")
    assert next(items) == ({"text": "0"}, "x:1")
    assert len(taken) < 5
    assert sum(1 for _ in items) == 999


@pytest.mark.parametrize("size", [1, 2, 7, 100])
def test_a_fault_in_an_array_that_comes_in_pieces_stands_where_it_stands_in_the_file(size, monkeypatch):
    monkeypatch.setattr(json_records, "_HELD", 1)
    text = '[{"a": 1},\n {"b": 2}, {"c": nul}]'
    with pytest.raises(json.JSONDecodeError) as wanted:
        json.loads(text)
    with pytest.raises(DataError) as error:
        list(items_of_array((text[n : n + size] for n in range(0, len(text), size)), "x"))
    told = f"{wanted.value.msg} at column {wanted.value.colno}"
    assert str(error.value) == f"x:{wanted.value.lineno}: expected a JSON array of records: {told}"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "gb18030", "latin-1", "utf-8-sig"])
def test_pieces_of_a_long_line_are_the_characters_of_the_file(tmp_path, monkeypatch, encoding):
    text = "é" * 50 if encoding == "latin-1" else "\ufeff" * (encoding == "utf-8") + "añ李😀" * 20 + "\r\n李\n"
    path = tmp_path / "x"
    path.write_bytes(text.encode(encoding))
    monkeypatch.setattr(encodings, "_PIECE", 3)
    assert "".join(encodings.read_pieces(path, encoding)) == text.removeprefix("\ufeff")


def test_pieces_that_are_not_in_the_encoding_name_the_line(tmp_path, monkeypatch):
    monkeypatch.setattr(encodings, "_PIECE", 4)
    told = 'expected utf-8, found byte 0x{}; set data.encoding, for example to "latin-1"'
    for content, line, byte in (
        (b"abcdefgh\nabcdefgh\xff", 2, "ff"),
        (b"\nabcdefg\xc3", 2, "c3"),
        (b"abc\xc3\nx", 1, "c3"),
    ):
        path = tmp_path / "x"
        path.write_bytes(content)
        with pytest.raises(DataError) as error:
            list(encodings.read_pieces(path, "utf-8"))
        assert str(error.value) == f"{path}:{line}: {told.format(byte)}"
    for encoding in ("none", "hex"):
        with pytest.raises(DataError) as error:
            list(encodings.read_pieces(path, encoding))
        assert str(error.value) == f'{path}: unknown encoding {encoding!r}; data.encoding is for example "utf-8"'
    for missing, reason in (
        (tmp_path / "none", "no such file"),
        (tmp_path, "expected a readable file: Is a directory"),
    ):
        with pytest.raises(DataError) as error:
            list(encodings.read_pieces(missing, "utf-8"))
        assert str(error.value) == f"{missing}: {reason}"


def test_fields_that_are_no_json_are_not_written(tmp_path):
    deep: list = []
    for _ in range(100_000):
        deep = [deep]
    for value, reason in (
        (float("nan"), ", found a number that isn't finite"),
        ({1}, ": Object of type set is not JSON serializable"),
        (deep, ", found nested too deeply"),
    ):
        with pytest.raises(DataError) as error:
            ner.write(tmp_path / "a.jsonl", [ner.Document("a", meta={"k": value})])
        assert str(error.value) == f"document: expected fields that are JSON{reason}"


@pytest.mark.parametrize(
    "content", ["", "{\n", "[1, 2]\n", '[["a", 1]]', '{"data": {"text": "a"}}\n', "[]\n", "null\n"]
)
def test_other_json_is_not_taken_for_records(put, content):
    assert name_for_reading(put(content), DataConfig()) == "conll"


def test_a_record_longer_than_what_a_format_is_told_from_is_recognized(put):
    path = put(json.dumps({"text": "a" * 100_000}) + "\n")
    assert name_for_reading(path, DataConfig()) == "jsonl"


@given(given=st.lists(documents(), max_size=3))
@pytest.mark.filterwarnings("ignore:.*doccano takes them")
def test_doccano_and_prodigy_files_bring_back_every_document(tmp_path, given):
    for name in ("doccano", "prodigy"):
        ner.write(tmp_path / "a.jsonl", given, name)
        assert ner.read(tmp_path / "a.jsonl", "jsonl") == given


def test_a_large_file_is_converted_in_flat_memory(tmp_path):
    pytest.importorskip("resource")
    row = json.dumps({"text": "Bob ran in Kiel. " * 20, "entities": OBJECTS, "note": "x" * 100}) + "\n"
    peaks = []
    for count in (2_000, 40_000):
        (tmp_path / "a.jsonl").write_text(row * count)
        code = (
            "import resource, sys, ner\n"
            "from ner.data_settings import DataConfig\n"
            "from ner.formats.files import read_documents, write_documents\n"
            "from ner.formats.format import Losses\n"
            "data, losses = DataConfig(), Losses()\n"
            f"given = read_documents({str(tmp_path / 'a.jsonl')!r}, data, losses)\n"
            f"write_documents({str(tmp_path / 'b.jsonl')!r}, given, 'prodigy', data, losses)\n"
            "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
        )
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        peaks.append(int(done.stdout))
    assert peaks[1] < 1.2 * peaks[0]


def test_formats_that_are_only_written_are_read_by_the_name_of_jsonl(put):
    with pytest.raises(ConfigError, match=r"^data\.format: expected a format that can be read \(.*\), found doccano$"):
        name_for_reading(put("{}"), DataConfig(format="doccano"))
