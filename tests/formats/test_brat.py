"""brat: pairs of files in and out, offsets that shift, entities of several parts, lines that are no entities."""

import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import ner
from ner.data_settings import DataConfig
from ner.errors import DataError
from ner.formats.table import name_for_reading
from tests.formats.marked import documents, fault, kept, told

SHARED = Path(__file__).resolve().parents[3] / "shared"
LINES = [
    "R1\tLives Arg1:T9 Arg2:T2",
    "E1\tMove:T5 Who:T9 To:T2",
    "A1\tPast E1",
    "M2\tSure A1 high",
    "N1\tReference T2 Wikipedia:1\tKiel",
    "#1\tAnnotatorNotes T2\ta note: T9 of\ttwo cells",
    "*\tEquiv T2 T5",
]
TEXT = "Bob went to Kiel and to New  York."


@pytest.fixture
def pair(tmp_path):
    def write(text: str, lines, folder: str = "in", name: str = "a") -> Path:
        (tmp_path / folder).mkdir(exist_ok=True)
        (tmp_path / folder / f"{name}.txt").write_bytes(text.encode())
        (tmp_path / folder / f"{name}.ann").write_bytes(("".join(f"{line}\n" for line in lines)).encode())
        return tmp_path / folder

    return write


def spans(document):
    return [(e.label, e.start, e.end, e.text) for e in document.entities]


def test_a_carriage_return_is_a_character_and_a_line_end_in_an_entity_a_space(pair):
    folder = pair("A\r\nB\U0001f600b\r\nNew\nYork", ["T1\tX 3 6\tB\U0001f600b", "T2\tLOC 8 16\tNew York"])
    [document] = ner.read(folder)
    assert spans(document) == [("X", 3, 6, "B\U0001f600b"), ("LOC", 8, 16, "New\nYork")]
    assert (document.id, document.meta, document.sentences) == ("a", {}, ())
    assert ner.read(folder / "a.txt") == ner.read(folder / "a.ann") == [document]


def test_a_folder_is_read_in_the_order_of_names_with_what_lies_in_folders_and_the_single_ones_told(pair, tmp_path):
    for name in ("b", "a.b", "._c"):
        folder = pair("x", [], name=name)
    pair("y", [], folder="in/deep", name="z")
    (folder / "README.txt").write_text("hello")
    (folder / "lost.ann").write_text("")
    (folder / "annotation.conf").write_text("[entities]")
    found, losses = told(ner.read, folder)
    assert [document.id for document in found] == ["a.b", "b", "deep/z"]
    assert sorted(losses) == [
        f"2 hidden files: left out ({'; '.join(str(p) for p in folder.rglob('*') if p.name.startswith('.'))})",
        f"once: annotations without a text (.txt) beside them: left out ({folder / 'lost.ann'})",
        f"once: texts without annotations (.ann) beside them: left out ({folder / 'README.txt'})",
    ]


def test_all_lines_and_ids_come_back_though_an_entity_is_put_in_between(pair, tmp_path):
    entities = ["T9\tPER 0 3\tBob", "T2\tLOC 12 16\tKiel", "T5\tMove 4 8\twent"]
    [document] = ner.read(pair(TEXT, [entities[0], LINES[0], *entities[1:], *LINES[1:]]))
    assert document.meta["brat"]["lines"] == LINES
    ner.write(tmp_path / "out/", [document], "brat")
    assert (tmp_path / "out" / "a.ann").read_text().splitlines() == entities + LINES
    assert ner.read(tmp_path / "out") == [document]

    more = ner.Document(TEXT, (), (ner.Entity("NUM", "and", 17, 20), *document.entities[::-1]), "a", document.meta)
    ner.write(tmp_path / "out/", [more], "brat")
    written = (tmp_path / "out" / "a.ann").read_text().splitlines()
    assert written == ["T1\tNUM 17 20\tand", *entities[::-1], *LINES]


def test_what_speaks_of_an_entity_that_is_gone_goes_with_it_and_is_told(pair, tmp_path):
    [document] = ner.read(pair(TEXT, ["T9\tPER 0 3\tBob", "T2\tLOC 12 16\tKiel", "T5\tMove 4 8\twent", *LINES]))
    left = ner.Document(TEXT, (), document.entities[1:], "a", document.meta)
    _, losses = told(ner.write, tmp_path / "out/", [left], "brat")
    assert losses == [
        "4 relations, attributes and notes of entities that are gone: left out (document 'a', …)",
    ]
    assert (tmp_path / "out" / "a.ann").read_text().splitlines() == [
        "T2\tLOC 12 16\tKiel",
        "T5\tMove 4 8\twent",
        *LINES[4:],
    ]


@pytest.mark.parametrize(
    ("way", "expected", "kind"),
    [
        ("hull", [("LOC", 12, 33)], "read from the first to the last"),
        ("first", [("LOC", 12, 16)], "only the first is read"),
        ("skip", [], "left out"),
    ],
)
def test_an_entity_of_several_parts_is_read_as_asked_and_written_whole(pair, tmp_path, way, expected, kind):
    line = "T1\tLOC 24 27;29 33;12 16\tNew York Kiel"
    folder = pair(TEXT, [line, "T2\tPER 0 3\tBob"])
    [document], losses = told(ner.read, folder, settings={"discontinuous": way})
    assert [span[:3] for span in spans(document)] == [*expected, ("PER", 0, 3)]
    assert losses == [f"once: entities of several parts: {kind} ({folder / 'a.ann'}:1: LOC {TEXT[12:33]!r})"]
    ner.write(tmp_path / "out/", [document], "brat")
    assert sorted((tmp_path / "out" / "a.ann").read_text().splitlines()) == [line, "T2\tPER 0 3\tBob"]


def test_parts_with_blanks_alone_between_are_one_whatever_is_asked_as_brat_parts_names_at_line_ends(pair, tmp_path):
    folder = pair("New\r\n York", ["T1\tLOC 0 3;6 10\tNew York"])
    [document], losses = told(ner.read, folder, settings={"discontinuous": "skip"})
    assert (spans(document), losses) == ([("LOC", 0, 10, "New\r\n York")], [])
    ner.write(tmp_path / "out/", [document], "brat")
    assert (tmp_path / "out" / "a.ann").read_text() == "T1\tLOC 0 3;6 10\tNew York\n"


FITS = "count the text's code points (characters of a Python string), from 0"


@pytest.mark.parametrize(
    ("text", "line", "found", "explained"),
    [
        ("a\r\nb\r\nBob", "T1\tP 4 7\tBob", "'\\r\\nB'", "a CRLF as one character: write the text with LF line ends"),
        ("é漢 Bob", "T1\tP 6 9\tBob", "the end of its 6 characters", f"bytes of UTF-8: {FITS}"),
        ("\U0001f600 Bobby", "T1\tP 3 6\tBob", "'obb'", f"UTF-16 units: {FITS}"),
        ("\r\n\r\n\U0001f600 Bobby", "T1\tP 5 8\tBob", "' Bo'", f"UTF-16 units, a CRLF as one: {FITS}"),
        ("\r\né漢 Bobby", "T1\tP 7 10\tBob", "'bby'", f"bytes of UTF-8, a CRLF as one: {FITS}"),
        ("a Bobby", "T1\tP 3 6\tBob", "'obb'", f"from 1: {FITS}"),
        (
            "\ufeffa Bobby",
            "T1\tP 2 5\tBob",
            "' Bo'",
            "no byte-order mark: take the mark U+FEFF off the text's beginning",
        ),
    ],
)
def test_offsets_that_count_something_else_are_told_with_what_they_count(pair, text, line, found, explained):
    folder = pair(text, [line])
    start, end = line.split()[2:4]
    assert fault(folder) == (
        f"{folder / 'a.ann'}:1: expected 'Bob' at characters {start} to {end} of {folder / 'a.txt'}, found {found}; "
        f"all offsets of the file count {explained}"
    )


def test_the_advice_on_line_ends_reads_the_file(pair):
    folder = pair("a\r\nb\r\nBob", ["T1\tP 4 7\tBob"])
    assert "write the text with LF line ends" in fault(folder)
    (folder / "a.txt").write_bytes((folder / "a.txt").read_bytes().replace(b"\r\n", b"\n"))
    assert spans(ner.read(folder)[0]) == [("P", 4, 7, "Bob")]


def test_a_text_that_stands_elsewhere_without_any_shift_is_refused(pair):
    folder = pair("Ann and Bob", ["T1\tP 0 3\tAnn", "T2\tP 4 7\tBob"])
    assert fault(folder) == (
        f"{folder / 'a.ann'}:2: expected 'Bob' at characters 4 to 7 of {folder / 'a.txt'}, found 'and'; "
        "ranges are half-open and count the text's code points, a CR and a LF one each"
    )


def test_faults_name_file_and_line(pair, tmp_path):
    folder = pair("Bob", ["T1\tP 0 3\tBob", "T2 P 0 3 Bob"])
    assert fault(folder) == (
        f"{folder / 'a.ann'}:2: expected a line of brat, such as 'T1\\tPER 0 4\\tAnna' with its TABs, "
        "found 'T2 P 0 3 Bob'"
    )
    (folder / "a.ann").unlink()
    assert fault(folder / "a.txt", "brat") == (
        f"{folder / 'a.txt'}: expected a.ann beside a.txt, found no such file; it holds the annotations; where a text "
        "has none, an empty file"
    )
    (folder / "a.txt").rename(folder / "b.ann")
    assert fault(folder / "b.ann", "brat") == (
        f"{folder / 'b.ann'}: expected b.txt beside b.ann, found no such file; it holds the text whose characters the "
        "annotations count"
    )
    assert fault(tmp_path / "no", "brat") == (
        f"{tmp_path / 'no'}: expected a folder of .txt and .ann files, or one of a pair, found nothing there"
    )


def test_a_file_that_can_not_be_opened_is_refused(pair):
    folder = pair("Bob", [])
    (folder / "a.txt").unlink()
    (folder / "a.txt").mkdir()
    assert fault(folder / "a.ann", "brat") == f"{folder / 'a.txt'}: expected a readable file: Is a directory"


def test_a_text_that_has_no_utf8_is_refused_and_nothing_is_written(tmp_path):
    with pytest.raises(DataError) as error:
        ner.write(tmp_path / "out/", [ner.Document("a\ud800", id="x")], "brat")
    assert str(error.value) == "document 'x': expected text for a file in UTF-8, found '\\ud800'"
    assert list(tmp_path.iterdir()) == []


def test_names_that_no_file_can_have_are_numbered_and_told(tmp_path):
    given = [None, "a/b", "A/B", "../x", "a/.", "/x", "a.txt/b", "n" * 241, "c:d", "z"]
    _, losses = told(ner.write, tmp_path / "out/", [ner.Document(f"{i}", id=id) for i, id in enumerate(given)], "brat")
    assert sorted(p.relative_to(tmp_path / "out").as_posix() for p in (tmp_path / "out").rglob("*.txt")) == [
        *(f"00000{number}.txt" for number in (1, 3, 4, 5, 6, 7, 8, 9)),
        "a/b.txt",
        "z.txt",
    ]
    assert losses == [
        "once: documents without a name: numbered (document)",
        "7 names of documents that no file can have, or two: numbered (document 'A/B': 'A/B'; document '../x': '../x'; "
        "document 'a/.': 'a/.', …)",
        "once: documents: read again in the order of their names, which isn't this one (document 'A/B')",
    ]


def test_what_brat_can_not_hold_is_told(tmp_path):
    entities = [ner.Entity("a b", "x", 0, 1, 0.5), ner.Entity("", "x", 0, 1)]
    _, losses = told(ner.write, tmp_path / "out/", [ner.Document("x", (), entities, "d", {"k": 1})], "brat")
    assert losses == [
        "once: documents with further fields: not kept (document 'd': k)",
        "once: documents whose entities have probabilities: not kept (document 'd')",
        "2 labels with blanks, or empty: `_` instead (document 'd': 'a b'; document 'd': '')",
    ]
    assert (tmp_path / "out" / "d.ann").read_text() == "T1\ta_b 0 1\tx\nT2\t_ 0 1\tx\n"


@given(given=st.lists(documents(), max_size=3, unique_by=lambda document: document.id.casefold()))
def test_brat_brings_back_every_document(tmp_path, given):
    given = sorted(given, key=lambda document: document.id)
    assert kept(tmp_path / "out", given, "brat") == given


@pytest.mark.skipif(not SHARED.is_dir(), reason=f"research-only files, not part of the project: no {SHARED}")
def test_ronec_has_each_entity_that_its_lines_have_and_comes_back_byte_for_byte(tmp_path):
    folder = SHARED / "corpora" / "open" / "brat-ronec-ro"
    found = ner.read(folder)
    assert [document.id for document in found] == ["01/data", "02/data"]
    for document in found:
        lines = (folder / f"{document.id}.ann").read_bytes().decode().splitlines()
        pattern = re.compile(r"T\d+\t(\S+) (\d+) (\d+)\t(.*)")
        expected = [pattern.fullmatch(line).groups() for line in lines]
        assert [(e.label, str(e.start), str(e.end), e.text) for e in document.entities] == expected
    ner.write(tmp_path / "out/", found, "brat")
    for name in ("01/data", "02/data"):
        assert (tmp_path / "out" / f"{name}.txt").read_bytes() == (folder / f"{name}.txt").read_bytes()
        assert (tmp_path / "out" / f"{name}.ann").read_text().splitlines() == (
            (folder / f"{name}.ann").read_text().splitlines()
        )


def test_brat_is_told_from_a_pair_alone(pair, tmp_path):
    folder = pair("Bob", ["T1\tP 0 3\tBob"])
    (folder / "b.txt").write_text("Bob B-PER\n")
    data = DataConfig()
    assert [name_for_reading(folder / name, data) for name in (".", "a.txt", "a.ann", "b.txt")] == [
        "brat",
        "brat",
        "brat",
        "conll",
    ]
    (folder / "b.ann").write_text("Bob B-PER\n")
    assert name_for_reading(folder / "b.ann", data) == "conll"


def test_a_conversion_names_what_it_wrote(pair, run, tmp_path):
    folder = pair("Bob ran", ["T1\tPER 0 3\tBob"])
    assert run("convert", folder, tmp_path / "a.jsonl")[0] == 0
    assert json.loads((tmp_path / "a.jsonl").read_text())["entities"][0]["text"] == "Bob"
    assert run("convert", tmp_path / "a.jsonl", f"{tmp_path / 'back'}/", "--to", "brat")[0] == 0
    assert (tmp_path / "back" / "a.ann").read_text() == "T1\tPER 0 3\tBob\n"
