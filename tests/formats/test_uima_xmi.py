"""UIMA XMI: offsets in UTF-16 units, other types, the type system beside, and XML that is not to be trusted."""

import re
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

import ner
from ner.data_settings import DataConfig
from ner.errors import ConfigError
from ner.formats.table import name_for_reading
from tests.formats.marked import documents, fault, kept, told

needs_cassis = pytest.mark.usefixtures("_cassis")
NE = "de.tudarmstadt.ukp.dkpro.core.api.ner.type.NamedEntity"
TOKEN = "de.tudarmstadt.ukp.dkpro.core.api.segmentation.type.Token"


@pytest.fixture
def _cassis():
    pytest.importorskip("cassis", reason="the extra `uima` (dkpro-cassis) is not installed")


def type_of(name, supertype="uima.tcas.Annotation"):
    features = "".join(
        f"<featureDescription><name>{feature}</name><rangeTypeName>uima.cas.String</rangeTypeName></featureDescription>"
        for feature in ("value", "identifier")
        if supertype != NE
    )
    return (
        f"<typeDescription><name>{name}</name><supertypeName>{supertype}</supertypeName>"
        f"<features>{features}</features></typeDescription>"
    )


TYPES = (
    '<typeSystemDescription xmlns="http://uima.apache.org/resourceSpecifier"><types>'
    f"{type_of(NE)}{type_of(TOKEN)}{type_of('my.Person', NE)}</types></typeSystemDescription>"
)
# Written by hand after the XMI specification: the emoji takes two units.
XMI = """<?xml version="1.0" encoding="UTF-8"?>
<xmi:XMI xmlns:xmi="http://www.omg.org/XMI" xmlns:cas="http:///uima/cas.ecore" xmi:version="2.0"
 xmlns:my="http:///my.ecore" xmlns:ner="http:///de/tudarmstadt/ukp/dkpro/core/api/ner/type.ecore"
 xmlns:seg="http:///de/tudarmstadt/ukp/dkpro/core/api/segmentation/type.ecore">
<cas:NULL xmi:id="0"/>
<ner:NamedEntity xmi:id="9" sofa="1" begin="7" end="12" value="LOC" identifier="Q64"/>
<ner:NamedEntity xmi:id="10" sofa="1" begin="3" end="6" value="PER"/>
<my:Person xmi:id="11" sofa="1" begin="3" end="6"/>
<ner:NamedEntity xmi:id="12" sofa="1" begin="0" end="2"/>
<seg:Token xmi:id="13" sofa="1" begin="3" end="6" value="LOC"/>
<cas:Sofa xmi:id="1" sofaNum="1" sofaID="_InitialView" mimeType="text" sofaString="\U0001f600 Bob Aa&#13;&#10;b"/>
<cas:View sofa="1" members="9 10 11 12 13"/>
</xmi:XMI>
"""


@pytest.fixture
def put(tmp_path):
    def write(content=XMI, types=TYPES, name="a.xmi"):
        (tmp_path / "in").mkdir(exist_ok=True)
        (tmp_path / "in" / name).write_text(content, encoding="utf-8")
        (tmp_path / "in" / "TypeSystem.xml").write_text(types, encoding="utf-8")
        return tmp_path / "in" / name

    return write


def spans(document):
    return [(e.label, e.start, e.end, e.text) for e in document.entities]


@needs_cassis
def test_offsets_are_those_of_code_points_and_what_is_no_named_entity_is_counted(put, tmp_path):
    path = put()
    [document], losses = told(ner.read, path)
    assert document.text == "\U0001f600 Bob Aa\r\nb"
    assert spans(document) == [("LOC", 6, 11, "Aa\r\nb"), ("PER", 2, 5, "Bob"), ("Person", 2, 5, "Bob")]
    assert losses == [
        f"once: named entities without a value: left out ({path}: at 0)",
        f"once: annotations of the type {TOKEN}: left out ({path})",
    ]
    assert (document.id, document.meta) == (
        "a",
        {"uima-xmi": {"entities": [{"label": "LOC", "start": 6, "end": 11, "identifier": "Q64"}]}},
    )
    assert kept(tmp_path / "out", [document], "uima-xmi") == [document]
    written = (tmp_path / "out" / "a.xmi").read_text()
    assert re.findall(r'begin="(\d+)" end="(\d+)" value="(\w+)"', written) == [
        ("7", "12", "LOC"),
        ("3", "6", "PER"),
        ("3", "6", "Person"),
    ]


@needs_cassis
def test_another_type_is_read_where_it_is_named(put):
    [document], _ = told(ner.read, put(), settings={"layer": TOKEN})
    assert spans(document) == [("LOC", 2, 5, "Bob")]


@needs_cassis
def test_types_that_the_type_system_lacks_are_told(put):
    path = put(types=TYPES.replace(type_of("my.Person", NE), ""))
    [document], losses = told(ner.read, path)
    assert [span[0] for span in spans(document)] == ["LOC", "PER"]
    assert losses[0].startswith(
        f"once: warnings of dkpro-cassis: what they speak of is left out ({path}: Type with name [my.Person] not found"
    )


@needs_cassis
def test_a_folder_is_written_by_its_ending_and_read_in_the_order_of_names(tmp_path):
    given = [ner.Document("x", id="a/b"), ner.Document("y", id="c")]
    ner.write(f"{tmp_path / 'out'}.xmi/", given)
    assert sorted(p.name for p in (tmp_path / "out.xmi").rglob("*.*")) == ["TypeSystem.xml", "b.xmi", "c.xmi"]
    assert ner.read(tmp_path / "out.xmi") == given
    assert name_for_reading(tmp_path / "out.xmi" / "c.xmi", DataConfig()) == "uima-xmi"


@needs_cassis
def test_what_xmi_can_not_hold_is_told(tmp_path):
    given = [ner.Document("a\x0cb", (), [ner.Entity("", "a", 0, 1, 0.5)], None, {"k": 1})]
    _, losses = told(ner.write, tmp_path / "out", given, "uima-xmi")
    assert losses == [
        "once: documents without a name: numbered (document)",
        "once: documents with further fields: not kept (document: k)",
        "once: documents whose entities have probabilities: not kept (document)",
        "once: characters that XML can't hold: a space or U+FFFD instead (document)",
        "once: labels that are empty: `_` instead (document)",
    ]
    [document] = ner.read(tmp_path / "out")
    assert (document.id, document.text, spans(document)) == ("000001", "a b", [("_", 0, 1, "a")])


@needs_cassis
@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("<xmi:XMI", ":1: expected XML: unclosed token"),
        ('<!DOCTYPE a [<!ENTITY b "c">]>\n<a>&b;</a>', ":1: expected XML without a DOCTYPE, found one"),
        (
            XMI.replace('begin="7" end="12"', 'begin="7" end="99"'),
            ": expected offsets of the text in UTF-16 units, found 99, which is behind its end or within a character",
        ),
        (
            XMI.replace('begin="0" end="2"', 'begin="1" end="2"'),
            ": expected offsets of the text in UTF-16 units, found 1, which is behind its end or within a character",
        ),
        (
            XMI.replace('begin="7" end="12"', 'begin="7" end="2"'),
            ": expected LOC to end behind its start, found characters 6 to 1",
        ),
        (
            re.sub(r' sofaString=".*?"', "", XMI, flags=re.DOTALL),
            ": expected a text in the view _InitialView, found none",
        ),
        (XMI.replace('sofa="1" begin="7"', 'sofa="8" begin="7"'), ": expected a file that dkpro-cassis reads, found 8"),
    ],
)
def test_a_bad_file_is_one_line(put, content, message):
    path = put(content)
    assert fault(path, "uima-xmi") == f"{path}{message}"


@needs_cassis
def test_a_file_without_its_type_system_or_none_at_all_is_refused(put, tmp_path):
    path = put()
    (path.parent / "TypeSystem.xml").unlink()
    assert fault(path) == f"{path}: expected its type system, TypeSystem.xml, beside it, found no such file"
    assert fault(tmp_path / "no.xmi", "uima-xmi") == f"{tmp_path / 'no.xmi'}: no such file"


def test_without_the_package_the_way_out_is_told(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "cassis", None)
    with pytest.raises(ConfigError) as error:
        ner.write(tmp_path / "out", [], "uima-xmi")
    assert str(error.value) == "uima-xmi: expected the package `dkpro-cassis`; pip install 'bilstm-crf-ner[uima]'"


@needs_cassis
@given(given=st.lists(documents(), max_size=2, unique_by=lambda document: document.id.casefold()))
def test_xmi_brings_back_every_document(tmp_path, given):
    given = sorted(given, key=lambda document: document.id)
    assert kept(tmp_path / "out", given, "uima-xmi") == given
