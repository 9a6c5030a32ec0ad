"""Label Studio's exports and tasks: whose annotations are read, what is kept, what is told."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

import ner
from ner.data_settings import DataConfig
from ner.errors import DataError
from ner.formats.files import read_documents
from ner.formats.format import Losses
from ner.formats.table import name_for_reading
from tests.formats.test_files import documents

TEXT = "\U0001f600 Bob ran in Kiel."


def region(start, end, *labels, **more):
    value = {"start": start, "end": end, "text": TEXT[start:end], "labels": list(labels)}
    return {"value": value, "id": f"r{start}", "from_name": "ner", "to_name": "text", "type": "labels", **more}


CHOICE = {"value": {"choices": ["good"]}, "id": "c", "from_name": "kind", "to_name": "text", "type": "choices"}
RELATION = {"from_id": "r2", "to_id": "r13", "type": "relation", "direction": "right"}
FULL = {
    "id": 12,
    "annotations": [
        {"id": 1, "completed_by": {"id": 3, "email": "a@x.org"}, "result": [region(2, 5, "X")], "was_cancelled": True},
        {
            "id": 2,
            "completed_by": 4,
            "result": [region(2, 5, "PER"), CHOICE, region(13, 17, "LOC", score=0.5, meta={"text": ["?"]}), RELATION],
            "was_cancelled": False,
            "lead_time": 1.5,
        },
        {"id": 3, "completed_by": {"id": 5, "email": "b@x.org"}, "result": [region(13, 17, "LOC")]},
    ],
    "predictions": [{"id": 9, "model_version": "m1", "score": 0.25, "result": [region(2, 9, "PER")]}],
    "data": {"text": TEXT, "source": "news"},
    "created_at": "today",
}
MIN = {"text": TEXT, "id": 12, "label": [region(2, 5, "PER")["value"]], "annotator": 4, "annotation_id": 2, "kind": "a"}


@pytest.fixture
def put(tmp_path):
    def write(value):
        path = tmp_path / "a.json"
        path.write_text(value if isinstance(value, str) else json.dumps(value))
        return path

    return write


def read(path, **told):
    losses = Losses()
    found = list(read_documents(path, DataConfig(**told), losses))
    return [[(e.label, e.text, e.start) for e in document.entities] for document in found], losses.lines()


def test_the_first_annotation_that_is_not_cancelled_is_read_and_the_others_are_counted(put):
    path = put([FULL])
    assert name_for_reading(path, DataConfig()) == "label-studio"
    assert read(path) == (
        [[("PER", "Bob", 2), ("LOC", "Kiel", 13)]],
        [
            f"once: cancelled annotations: left out ({path}:1)",
            f"2 annotations and predictions beside the one that is read: left out ({path}:1, …)",
        ],
    )


@pytest.mark.parametrize(
    ("who", "wanted"),
    [
        ("4", [[("PER", "Bob", 2), ("LOC", "Kiel", 13)]]),
        ("b@x.org", [[("LOC", "Kiel", 13)]]),
        ("5", [[("LOC", "Kiel", 13)]]),
        ("m1", [[("PER", "Bob ran", 2)]]),
        ("a@x.org", []),
        ("nobody", []),
    ],
)
def test_whose_annotation_is_read_can_be_said(put, who, wanted):
    found, told = read(put([FULL]), annotator=who)
    assert found == wanted
    assert (f"once: tasks without an annotation to read: left out ({put([FULL])}:1)" in told) == (not wanted)


@pytest.mark.filterwarnings("ignore:.*(left out|cancelled)")
def test_what_is_read_is_written_again_with_choices_relations_and_further_fields(put, tmp_path):
    ner.write(tmp_path / "b.json", ner.read(put([FULL]), settings={"annotator": "m1"}), "label-studio")
    (task,) = json.loads((tmp_path / "b.json").read_text())
    assert task == FULL | {"annotations": []}
    kept = FULL["annotations"][2]
    ner.write(tmp_path / "b.json", ner.read(put([FULL]), settings={"annotator": "5"}), "label-studio")
    assert json.loads((tmp_path / "b.json").read_text()) == [FULL | {"annotations": [kept], "predictions": []}]


@pytest.mark.filterwarnings("ignore:.*left out")
def test_results_that_are_no_ranges_stay_in_meta(put):
    (document,) = ner.read(put([FULL]))
    assert document.id == "12"
    assert document.meta["results"] == [CHOICE, RELATION]
    assert document.meta["data"] == {"source": "news"}
    assert document.meta["annotation"] == {"id": 2, "completed_by": 4, "was_cancelled": False, "lead_time": 1.5}
    assert document.entities[1].score == 0.5
    assert document.meta["entity_fields"][1]["fields"] == {
        "id": "r13",
        "from_name": "ner",
        "meta": {"text": ["?"]},
    }


def test_tasks_without_annotations_are_read_and_told(put):
    bare = {"id": 1, "data": {"text": "a"}, "annotations": []}
    path = put([bare, FULL | {"annotations": []}, bare | {"annotations": [{"was_cancelled": True, "result": []}]}])
    assert read(path) == (
        [[], [("PER", "Bob ran", 2)]],
        [
            f"once: tasks that nobody annotated: read without entities ({path}:1)",
            f"once: tasks without an annotation: the first prediction is read ({path}:1)",
            f"once: cancelled annotations: left out ({path}:1)",
            f"once: tasks without an annotation to read: left out ({path}:1)",
        ],
    )


def test_the_small_export_is_read_one_annotation_a_task(put):
    second = MIN | {"annotator": 5, "label": [region(13, 17, "LOC")["value"]]}
    third = {"text": "x", "id": 13, "annotator": 4, "annotation_id": 7}
    path = put([MIN, second, third])
    assert name_for_reading(path, DataConfig()) == "label-studio"
    told = f"once: annotations and predictions beside the one that is read: left out ({path}:1)"
    assert read(path) == ([[("PER", "Bob", 2)], []], [told])
    assert read(path, annotator="5") == (
        [[("LOC", "Kiel", 13)]],
        [told, f"once: tasks without an annotation to read: left out ({path}:1)"],
    )


@pytest.mark.parametrize(
    "data",
    [
        {"text": TEXT, "title": "t"},
        {"body": TEXT},
        {"body": TEXT, "title": "a much longer text than the other"},
    ],
)
def test_the_text_is_found_whatever_its_key(put, data):
    task = {"id": 1, "data": data, "annotations": [{"result": [region(2, 5, "PER", to_name="x")]}]}
    other = {"id": 2, "data": data, "annotations": [{"result": []}]}
    found = ner.read(put([task, other]))
    assert [document.text for document in found] == [TEXT, TEXT]


def test_a_region_of_several_labels_is_several_entities_and_told(put):
    path = put([{"data": {"text": TEXT}, "annotations": [{"result": [region(2, 5, "A", "B")]}]}])
    assert read(path) == (
        [[("A", "Bob", 2), ("B", "Bob", 2)]],
        [f"once: regions of several labels: an entity for each ({path}:1)"],
    )


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (
            [{"a": 1}],
            'expected a task with "data" and "annotations", or one of JSON-MIN with "annotation_id", found '
            "'{\"a\": 1}'",
        ),
        (
            [{"data": {"a": "x", "b": "y"}, "annotations": []}],
            'expected a text under one key, found a, b; call it "text"',
        ),
        ([{"data": {"a": 1}, "annotations": []}], 'expected a text under one key, found none; call it "text"'),
        (
            [{"data": {"text": "x"}, "annotations": [{"result": [1]}]}],
            "expected objects under \"result\", found '[1]'",
        ),
        (
            [
                {
                    "data": {"text": "ab"},
                    "annotations": [{"result": [{"value": {"start": "/p", "end": 1, "labels": ["X"]}}]}],
                }
            ],
            'expected whole numbers as start and end of an entity, found \'{"start": "/p", "end": 1, "labels": '
            '["X"]}\'',
        ),
    ],
)
def test_what_is_wrong_with_a_task_is_said_in_full(put, value, message):
    path = put(value)
    with pytest.raises(DataError) as error:
        ner.read(path, "label-studio")
    assert str(error.value) == f"{path}:1: {message}"


def test_probabilities_are_written_as_a_prediction(tmp_path):
    documents = [ner.Document("Bob", (), [ner.Entity("PER", "Bob", 0, 3, 0.5)], "a")]
    ner.write(tmp_path / "a.json", documents, "label-studio")
    value = {"start": 0, "end": 3, "text": "Bob", "labels": ["PER"]}
    result = {"id": "e0", "from_name": "label", "to_name": "text", "type": "labels", "score": 0.5, "value": value}
    assert json.loads((tmp_path / "a.json").read_text()) == [
        {"id": "a", "data": {"text": "Bob"}, "annotations": [], "predictions": [{"result": [result]}]}
    ]
    with pytest.warns(UserWarning, match="the first prediction is read"):
        assert ner.read(tmp_path / "a.json") == documents


@given(given=st.lists(documents(), max_size=3))
def test_tasks_bring_back_every_document(tmp_path, given):
    ner.write(tmp_path / "a.json", given, "label-studio")
    assert ner.read(tmp_path / "a.json", "label-studio") == given
