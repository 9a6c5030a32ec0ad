"""What annotation tools are given to mend: entities with their probabilities, and which model found them."""

import hashlib
import json
import shutil
from pathlib import Path

import pytest

import ner
from ner.data_settings import FORMATS
from ner.errors import ModelError
from ner.formats.table import find_format, names_model
from ner.resources.models import find_ready
from ner.sharing import Shared
from ner.storage.versions import version_of

TEXT = "Angela Merkel visited\nParis."
TOOLS = ["argilla", "doccano", "label-studio", "prodigy"]


@pytest.fixture(scope="module")
def expected() -> list[ner.Entity]:
    """What the model finds, with the digits that `ner tag` writes."""
    found = ner.load("en", runtime="numpy").tag(TEXT)
    assert len(found) == 2
    return [ner.Entity(e.label, e.text, e.start, e.end, float(f"{e.score:.4g}")) for e in found]


@pytest.fixture
def tagged(run, tmp_path: Path):
    def tag(form: str, *records: dict[str, object]) -> list[dict[str, object]]:
        source = tmp_path / "in.jsonl"
        source.write_text("".join(json.dumps(each) + "\n" for each in records), encoding="utf-8")
        code, out, err = run("tag", "en", source, "--input", "jsonl", "--format", form, "--runtime", "numpy")
        assert code == 0, err
        tag.told = err
        return json.loads(out) if out.startswith("[") else [json.loads(line) for line in out.splitlines()]

    return tag


def test_the_formats_of_annotation_tools_say_which_model_it_was() -> None:
    assert sorted(name for name in FORMATS if find_format(name).names_model) == TOOLS
    assert not names_model("redacted")


def test_prodigy_gets_tokens_and_spans_of_tokens_both_ends_inclusive(tagged, expected) -> None:
    answered = {"answer": "accept", "_task_hash": 1, "_input_hash": 2, "meta": {"source": "x"}, "note": 3}
    [task] = tagged("prodigy", {"text": TEXT, "spans": [{"start": 0, "end": 6, "label": "PER"}], **answered})
    assert [task["text"][t["start"] : t["end"]] for t in task["tokens"]] == [t["text"] for t in task["tokens"]]
    assert [(t["id"], t["text"], t["ws"]) for t in task["tokens"]] == [
        (0, "Angela", True),
        (1, "Merkel", True),
        (2, "visited", True),
        (3, "Paris", False),
        (4, ".", False),
    ]
    for span, entity in zip(task["spans"], expected, strict=True):
        assert (span["start"], span["end"], span["label"], span["score"]) == (
            entity.start,
            entity.end,
            entity.label,
            entity.score,
        )
        # As Prodigy's own documentation has it: the last token's number, and the end behind its last character.
        assert task["tokens"][span["token_start"]]["start"] == entity.start
        assert task["tokens"][span["token_end"]]["end"] == entity.end
    assert task["meta"] == {"source": "x", "model": "en 0.1.0", "score": min(e.score for e in expected)}
    assert {"answer", "_task_hash", "_input_hash"}.isdisjoint(task)  # or it would pass for one that is done
    assert task["note"] == 3
    assert "meta" in tagged("prodigy", {"text": "nothing"})[0]
    assert "score" not in tagged("prodigy", {"text": "nothing"})[0]["meta"]


def test_doccano_gets_labels_and_beside_them_scores_and_model(tagged, expected) -> None:
    [record] = tagged("doccano", {"text": TEXT, "id": 7})
    assert record == {
        "id": 7,
        "text": TEXT,
        "label": [[e.start, e.end, e.label] for e in expected],
        "scores": [e.score for e in expected],
        "model_version": "en 0.1.0",
    }
    assert tagged.told == ""


def test_label_studio_gets_a_prediction_even_where_nothing_was_found(tagged, expected) -> None:
    first, second = tagged("label-studio", {"text": TEXT}, {"text": "nothing"})
    [prediction] = first["predictions"]
    assert first["annotations"] == []
    assert (prediction["model_version"], prediction["score"]) == ("en 0.1.0", min(e.score for e in expected))
    assert [
        (r["value"]["start"], r["value"]["end"], r["value"]["labels"], r["score"]) for r in prediction["result"]
    ] == [(e.start, e.end, [e.label], e.score) for e in expected]
    assert second["predictions"] == [{"model_version": "en 0.1.0", "result": []}]
    assert "model_version" not in first


def test_label_studio_annotations_are_no_part_of_a_prediction(run, tmp_path: Path) -> None:
    value = {"start": 0, "end": 6, "text": "Angela", "labels": ["PER"]}
    regions = [{"id": "a", "from_name": "label", "to_name": "text", "type": "labels", "value": value}]
    relation = {"type": "relation", "from_id": "a", "to_id": "a"}
    old = [{"model_version": "old", "score": 0.1, "result": []}]
    task = {
        "id": 1,
        "data": {"text": TEXT},
        "annotations": [{"id": 5, "result": [*regions, relation]}],
        "predictions": old,
    }
    (tmp_path / "in.json").write_text(json.dumps([task]), encoding="utf-8")
    arguments = ("--input", "label-studio", "--format", "label-studio", "--runtime", "numpy")
    code, out, err = run("tag", "en", tmp_path / "in.json", *arguments)
    [written] = json.loads(out)
    assert (code, written["annotations"]) == (0, [])
    assert [p["model_version"] for p in written["predictions"]] == ["en 0.1.0"]
    assert "relation" not in out
    assert "once: results of an annotation that are no entities: left out of the prediction" in err


def test_argilla_gets_a_suggestion_with_a_score_for_each_span(tagged, expected) -> None:
    first, second = tagged("argilla", {"text": "漢 " + TEXT, "id": "x", "note": 1}, {"text": "nothing"})
    assert (first["id"], first["fields"]) == ("x", {"text": "漢 " + TEXT})
    assert first["metadata"] == {}
    suggestion = first["suggestions"]["entities"]
    assert [(s["start"] - 2, s["end"] - 2, s["label"]) for s in suggestion["value"]] == [
        (e.start, e.end, e.label) for e in expected
    ]
    assert len(suggestion["score"]) == 2
    assert (suggestion["type"], suggestion["agent"]) == ("model", "en 0.1.0")
    assert second["suggestions"] == {}
    assert "once: documents with further fields: not kept" in tagged.told


def test_argilla_gets_annotations_as_suggestions_of_people_and_is_told_of_overlaps(tmp_path: Path) -> None:
    entities = [ner.Entity("PER", "Anna", 0, 4), ner.Entity("X", "An", 0, 2)]
    with pytest.warns(UserWarning, match="Argilla takes them where its question allows that"):
        ner.write(tmp_path / "a.json", [ner.Document("Anna 漢", (), entities)], "argilla")
    content = (tmp_path / "a.json").read_bytes()
    assert content.isascii()
    assert json.loads(content)[0]["suggestions"]["entities"]["type"] == "human"
    assert json.loads(content)[0]["suggestions"]["entities"]["score"] is None
    ner.write(tmp_path / "b.json", [], "argilla")
    assert (tmp_path / "b.json").read_text() == "[]\n"


def test_a_model_without_a_version_is_told_by_the_digest_of_its_weights(tmp_path: Path) -> None:
    ready, copy = find_ready("en").folder, tmp_path / "model"
    assert version_of(ready) == "en 0.1.0"
    shutil.copytree(ready, copy)
    (copy / "manifest.json").unlink()
    # The head of a safetensors file: its length in eight bytes, then so many.
    content = (ready / "model.safetensors").read_bytes()
    head = content[8 : 8 + int.from_bytes(content[:8], "little")]
    version = f"model {hashlib.sha256(head).hexdigest()[:8]}"
    assert version_of(copy) == ner.load(copy, runtime="numpy").version == version
    (copy / "model.safetensors").unlink()
    with pytest.raises(ModelError) as caught:
        version_of(copy)
    assert str(caught.value) == (
        f"{copy / 'model.safetensors'}: can't be read: [Errno 2] No such file or directory: "
        f"'{copy / 'model.safetensors'}'; train or copy it again"
    )


def test_a_recognizer_that_was_not_saved_says_so() -> None:
    shown = Shared()
    shown._folder = None
    assert shown.version == "not saved"
