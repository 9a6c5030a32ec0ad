"""GATE's XML: nodes in the text, sets of annotations, and what is no entity."""

import pytest

import ner
from ner.data_settings import DataConfig
from ner.errors import ConfigError
from ner.formats.table import name_for_reading
from tests.formats.marked import fault, told

# As GATE writes it: the numbers of nodes count UTF-16 units, so that the one behind U+1F600 is one more.
TEXT = (
    '<TextWithNodes><Node id="0"/>Bob<Node id="3"/> \U0001f600 in\n<Node id="10"/>New &amp; York<Node id="20"/>.'
    '<Node id="21"/></TextWithNodes>'
)


def annotation(number, type, start, end, features=""):
    return f'<Annotation Id="{number}" Type="{type}" StartNode="{start}" EndNode="{end}">{features}</Annotation>\n'


def feature(name, value):
    return (
        f'<Feature><Name className="java.lang.String">{name}</Name>'
        f'<Value className="java.lang.String">{value}</Value></Feature>'
    )


PEOPLE = annotation(1, "Token", 0, 3) + annotation(2, "Person", 0, 3, feature("gender", "male"))
PLACES = annotation(7, "Location", 10, 20)


@pytest.fixture
def put(tmp_path):
    def write(sets, text=TEXT, name="d.xml"):
        head = "<?xml version='1.0' encoding='UTF-8'?>\n<GateDocument version=\"3\">\n"
        features = f"<GateDocumentFeatures>{feature('MimeType', 'text/plain')}</GateDocumentFeatures>\n"
        (tmp_path / name).write_bytes(f"{head}{features}{text}\n{sets}</GateDocument>".encode())
        return tmp_path / name

    return write


def spans(document):
    return [(e.label, e.start, e.end, e.text) for e in document.entities]


def test_nodes_stand_where_they_stand_in_the_text_and_what_is_no_entity_is_told(put):
    path = put(
        f"<AnnotationSet>{PEOPLE}{PLACES}</AnnotationSet>\n<AnnotationSet Name='Original markups'>"
        f"{PLACES}</AnnotationSet>"
    )
    [document], losses = told(ner.read, path)
    assert document.text == "Bob \U0001f600 in\nNew & York."
    assert spans(document) == [("Person", 0, 3, "Bob"), ("Location", 9, 19, "New & York")]
    # GATE counts UTF-16 units: the number of each node is the length of what stands before it in them.
    assert [len(document.text[: e.end].encode("utf-16-le")) // 2 for e in document.entities] == [3, 20]
    assert document.id == "d"
    assert document.meta["gate"] == {
        "set": "",
        "features": {"MimeType": "text/plain"},
        "annotations": [
            {"label": "Person", "start": 0, "end": 3, "id": "2", "features": {"gender": "male"}},
            {"label": "Location", "start": 9, "end": 19, "id": "7", "features": {}},
        ],
    }
    assert losses == [
        f"once: annotations of the set Original markups: left out ({path})",
        f"once: annotations of the type Token, which is no entity's: left out ({path}:6)",
    ]


def test_which_of_several_sets_is_asked_for_and_the_advice_reads_the_file(put):
    path = put(f"<AnnotationSet>{PEOPLE}</AnnotationSet><AnnotationSet Name='Key'>{PLACES}</AnnotationSet>")
    with pytest.raises(ConfigError) as error:
        ner.read(path)
    assert str(error.value) == (
        f"{path}: expected one set of annotations with entities, found default, Key; "
        'set data.layer = "Key" or another of them'
    )
    found = {name: spans(told(ner.read, path, settings={"layer": name})[0][0]) for name in ("Key", "default")}
    assert found == {"Key": [("Location", 9, 19, "New & York")], "default": [("Person", 0, 3, "Bob")]}
    with pytest.raises(ConfigError) as error:
        ner.read(path, settings={"layer": "Gold"})
    assert str(error.value) == f"data.layer: expected a set of annotations of {path} (default, Key), found Gold"


def test_a_folder_is_read_in_the_order_of_its_names(put):
    for name in ("b.xml", "a.xml"):
        path = put(f"<AnnotationSet>{PLACES}</AnnotationSet>", name=name)
    assert [document.id for document in ner.read(path.parent)] == ["a", "b"]
    assert name_for_reading(path.parent, DataConfig()) == "gate"
    (path.parent / "a.xml").write_text("<a/>")
    (path.parent / "b.xml").unlink()
    assert fault(path.parent, "gate") == f"{path.parent / 'a.xml'}:1: expected <GateDocument>, found <a>"


@pytest.mark.parametrize(
    ("annotations", "message"),
    [
        (annotation(1, "X", 0, 4), ":6: expected a node of the text for X, found '4', which is none"),
        (annotation(1, "X", 10, 3), ":6: expected X to end behind its start, found nodes 10 and 3"),
    ],
)
def test_nodes_that_can_not_be_are_told_with_their_line(put, annotations, message):
    path = put(f"<AnnotationSet>{annotations}</AnnotationSet>")
    assert fault(path) == f"{path}{message}"


def test_a_document_without_annotations_has_none(put):
    [document] = ner.read(put(""))
    assert (document.entities, document.meta["gate"]["set"]) == ((), "")
