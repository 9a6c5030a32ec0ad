"""BioC XML: offsets of documents, passages and sentences, what else a file holds, and XML that is not to be trusted."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

import ner
from ner.data_settings import DataConfig
from ner.formats.table import name_for_reading
from tests.formats.marked import documents, fault, kept, told

HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE collection SYSTEM "BioC.dtd">\n'
WHOLE = f"""{HEAD}<collection><source>S</source><date>2026</date><key>k.key</key><infon key="i">v</infon>
<document><id>7</id><infon key="license">CC0</infon>
<passage><infon key="section">TITLE</infon><offset>0</offset><text>B\U0001f600b &amp; Al</text>
<annotation id="a"><infon key="type">PER</infon><infon key="identifier">X:1</infon>\
<location offset="0" length="3"/><text>B\U0001f600b</text></annotation>
</passage>
<passage><offset>10</offset>
<sentence><offset>10</offset><text>Al ran.</text><annotation id="b"><infon key="type">PER</infon>\
<location offset="10" length="2"/><text>Al</text></annotation>
<relation id="R2"><node refid="b" role="one"/></relation>
</sentence>
<sentence><offset>18</offset><text>New big York.</text>
<annotation id="c"><infon key="type">LOC</infon>\
<location offset="18" length="3"/><location offset="26" length="4"/><text>New York</text></annotation>
</sentence>
</passage>
<relation id="R1"><infon key="relation">knows</infon>\
<node refid="a" role="who"/><node refid="b" role="whom"/></relation>
</document>
</collection>
"""


@pytest.fixture
def put(tmp_path):
    def write(content, name="a.xml"):
        (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
        return tmp_path / name

    return write


def document_of(body: str) -> str:
    return f"{HEAD}<collection>\n<document><id>1</id>{body}</document></collection>"


def spans(document):
    return [(e.label, e.start, e.end, e.text) for e in document.entities]


def test_passages_and_sentences_stand_at_their_offsets_and_everything_comes_back(put, tmp_path):
    [document], losses = told(ner.read, put(WHOLE))
    assert document.text == "B\U0001f600b & Al\n\nAl ran. New big York."
    assert spans(document) == [
        ("PER", 0, 3, "B\U0001f600b"),
        ("PER", 10, 12, "Al"),
        ("LOC", 18, 30, "New big York"),
    ]
    assert document.id == "7"
    assert losses == [
        f"once: entities of several parts: read from the first to the last ({tmp_path / 'a.xml'}:13: "
        "LOC 'New big York')"
    ]
    ner.write(tmp_path / "b.xml", [document], "bioc")
    assert (tmp_path / "b.xml").read_bytes().replace(b"\n", b"") == WHOLE.encode().replace(b"\n", b"")
    json.dumps(document.meta)


def test_the_package_bioc_reads_the_same_from_what_is_read_and_written(put, tmp_path):
    biocxml = pytest.importorskip("bioc.biocxml", reason="the independent reader `bioc` is not installed")
    entities = [ner.Entity("PER", "B\U0001f600b", 3, 6), ner.Entity("a b", "<&", 8, 10)]
    given, _ = told(ner.read, put(WHOLE))
    given.append(ner.Document('a\r\nB\U0001f600b "<&', (), entities, "8"))
    told(ner.write, tmp_path / "b.xml", given, "bioc")
    with (tmp_path / "b.xml").open("rb") as stream:
        theirs = biocxml.load(stream)
    assert (theirs.source, theirs.date, theirs.key, theirs.infons) == ("S", "2026", "k.key", {"i": "v"})
    [first, second] = theirs.documents
    assert [(p.offset, p.text, [s.text for s in p.sentences]) for p in (*first.passages, *second.passages)] == [
        (0, "B\U0001f600b & Al", []),
        (10, "", ["Al ran.", "New big York."]),
        (0, 'a\r\nB\U0001f600b "<&', []),
    ]
    [passage] = second.passages
    assert [(a.infons, a.text, a.total_span.offset, a.total_span.length) for a in passage.annotations] == [
        ({"type": e.label}, e.text, e.start, e.end - e.start) for e in entities
    ]


def test_a_text_or_an_entity_that_fits_no_passage_any_more_makes_one_passage_of_them(put, tmp_path):
    [document], _ = told(ner.read, put(WHOLE))
    over = ner.Entity("X", document.text[6:12], 6, 12)
    changed = ner.Document(document.text, (), (*document.entities[1:], over), "7", document.meta)
    _, losses = told(ner.write, tmp_path / "b.xml", [changed], "bioc")
    assert losses == [
        "once: passages and sentences that the text or an entity doesn't fit any more: one passage (document '7')",
        "once: relations of entities that are gone: left out (document '7': 'R1')",
    ]
    [again], _ = told(ner.read, tmp_path / "b.xml")
    assert (again.text, spans(again)) == (changed.text, spans(changed))
    assert [relation["id"] for relation in again.meta["bioc"]["passages"][0]["relations"]] == ["R2"]


def test_passages_whose_offsets_can_not_be_are_put_behind_one_another_and_told(put, tmp_path):
    passages = "".join(
        f'<passage><offset>{at}</offset><text>Al {n}</text><annotation id="{n}"><infon key="type">P</infon>'
        f'<location offset="{at}" length="2"/><text>Al</text></annotation></passage>\n'
        for n, at in enumerate((0, 0, 5_000))
    )
    [document], losses = told(ner.read, put(document_of(passages)))
    assert (document.text, [span[1] for span in spans(document)]) == ("Al 0\nAl 1\nAl 2", [0, 5, 10])
    place = tmp_path / "a.xml"
    assert losses == [
        "2 passages with offsets that overlap, or far apart: one behind the other "
        f"({place}:5: at 0; {place}:6: at 5000)"
    ]
    ner.write(tmp_path / "b.xml", [document], "bioc")
    assert passages.replace("\n", "") in (tmp_path / "b.xml").read_text().replace("\n", "")


def test_annotations_of_the_document_have_its_offsets_and_those_without_type_or_place_are_told(put, tmp_path):
    body = (
        "<passage><offset>2</offset><text>a Al</text></passage>"
        '<annotation id="1"><infon key="type">P</infon><location offset="4" length="2"/><text>Al</text></annotation>'
        '<annotation id="2"><location offset="4" length="2"/><text>Al</text></annotation>'
        '<annotation id="3"><infon key="type">P</infon><infon key="type">Q</infon></annotation>'
    )
    [document], losses = told(ner.read, put(document_of(body)))
    assert spans(document) == [("P", 4, 6, "Al")]
    assert losses == [
        f"once: annotations without an infon \"type\": left out ({tmp_path / 'a.xml'}:4: '2')",
        f"once: infons with a key twice: the last is read ({tmp_path / 'a.xml'}:4: 'type')",
        f"once: annotations without a location: left out ({tmp_path / 'a.xml'}:4: '3')",
    ]


def test_a_part_left_out_is_written_again(put, tmp_path):
    [document], _ = told(ner.read, put(WHOLE), settings={"discontinuous": "skip"})
    assert [span[3] for span in spans(document)] == ["B\U0001f600b", "Al"]
    ner.write(tmp_path / "b.xml", [document], "bioc")
    assert (tmp_path / "b.xml").read_bytes().replace(b"\n", b"") == WHOLE.encode().replace(b"\n", b"")


def test_characters_that_xml_can_not_hold_are_replaced_one_by_one_and_told(tmp_path):
    _, losses = told(ner.write, tmp_path / "b.xml", [ner.Document("a\x0cb\x01\x1f", id="d")], "bioc")
    assert losses == ["3 characters that XML can't hold: a space or U+FFFD instead (document 'd', …)"]
    assert ner.read(tmp_path / "b.xml")[0].text == "a b\ufffd "


def test_what_bioc_can_not_hold_is_told(put, tmp_path):
    [document], _ = told(ner.read, put(WHOLE))
    other = ner.Document("x", (), [ner.Entity("X", "x", 0, 1, 0.5)], "d", {"k": 1})
    _, losses = told(ner.write, tmp_path / "b.xml", [document, other], "bioc")
    assert losses == [
        "once: documents of another collection: they join the first one's (document 'd')",
        "once: documents with further fields: not kept (document 'd': k)",
        "once: documents whose entities have probabilities: not kept (document 'd')",
    ]


BOMB = b'<!DOCTYPE collection [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;">]>\n<collection><key>&b;</key></collection>'
FILE = b'<!DOCTYPE collection [\n<!ENTITY a SYSTEM "file:///etc/passwd">]>\n<collection><key>&a;</key></collection>'
SKIPPED = b'<!DOCTYPE collection SYSTEM "http://127.0.0.1:9/x.dtd">\n<collection><source>&b;</source></collection>'
NUMBER = "<passage><offset>x</offset></passage>"
LOCATION = '<passage><offset>0</offset><annotation id="1"><location/></annotation></passage>'
ELSEWHERE = (
    "<passage><offset>0</offset><text>é Bobby</text>"
    '<annotation id="1"><infon key="type">P</infon><location offset="3" length="3"/>'
    "<text>Bob</text></annotation></passage>"
)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (BOMB, ":1: expected XML without entities of its own, found a declaration of one"),
        (FILE, ":2: expected XML without entities of its own, found a declaration of one"),
        (SKIPPED, ":2: expected XML without entities of its own, found &b;"),
        (b"<collection>\n<document></collection>", ":2: expected XML: mismatched tag"),
        (b"<a/>", ":1: expected <collection>, found <a>"),
        (b"\n<collection>", ":2: expected XML: no element found"),
        (b'<?xml version="1.0" encoding="nonsense"?><collection/>', ":1: expected XML: unknown encoding: nonsense"),
        (document_of(NUMBER), ":4: expected an <offset> of <passage>, a whole number, found 'x'"),
        (document_of(LOCATION), ":4: expected an offset of <location>, a whole number, found None"),
        (
            document_of(ELSEWHERE),
            ":4: expected 'Bob' at characters 3 to 6 of the document's text (PATH:4), found 'obb'; all offsets of the "
            "file count bytes of UTF-8: count the text's code points (characters of a Python string), from 0",
        ),
    ],
)
def test_a_bad_file_is_one_line(put, content, message):
    path = put(content)
    assert fault(path, "bioc") == f"{path}{message.replace('PATH', str(path))}"


def test_a_file_that_is_not_there_or_no_file_is_refused(tmp_path):
    assert fault(tmp_path / "no", "bioc") == f"{tmp_path / 'no'}: no such file"
    assert fault(tmp_path, "bioc") == f"{tmp_path}: expected a readable file: Is a directory"


def test_bioc_is_told_from_its_root(put):
    data = DataConfig()
    assert name_for_reading(put(WHOLE), data) == "bioc"
    assert name_for_reading(put(document_of(""), "x"), data) == "bioc"
    assert name_for_reading(put("<collection><book/></collection>", "b"), data) == "conll"


@given(given=st.lists(documents(), max_size=3))
def test_bioc_brings_back_every_document(tmp_path, given):
    assert kept(tmp_path / "a.bioc", given, "bioc") == given
