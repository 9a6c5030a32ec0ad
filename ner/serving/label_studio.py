"""Label Studio's ML backend protocol: pre-annotations of tasks, with scores and the model's version.

The paths and shapes are those of label-studio-ml-backend 2.0: `/setup`, `/predict`, `/webhook` and, among the service's
own, `/health`. The labelling configuration is XML of a stranger; nothing in it is expanded, and no address is fetched.
"""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from xml.parsers import expat

from pydantic import BaseModel, Field

from ner.serving.answers import Taggers, as_json, check_size, find_tagger, kept
from ner.serving.batcher import Job, Read
from ner.serving.gate import BODY
from ner.serving.limits import Limits, RefusalError
from ner.serving.openapi import errors, extra
from ner.serving.schemas import AnyAnswer, parse_body
from ner.text.sentence import Entity

if TYPE_CHECKING:
    from ner.serving.application import Application

Object = dict[str, Any]


class Task(BaseModel):
    """A task: `data` holds the text under the key that the configuration names."""

    data: dict[str, Any]


class PredictRequest(BaseModel):
    """What Label Studio sends to have tasks pre-annotated; more fields of it aren't looked at."""

    tasks: list[Task]
    label_config: str | None = None


class SetupRequest(BaseModel):
    """What Label Studio sends when the backend is connected; `schema` is the labelling configuration."""

    labelling: str | None = Field(None, alias="schema")


REQUESTS = (PredictRequest, SetupRequest)


@dataclass(slots=True)
class Interface:
    """What a labelling configuration wants: where texts are, and how labels are called there.

    `labels` are the configuration's own by ours, in lower case: a label's value, its alias, or any name in its
    `predicted_values`.
    """

    from_name: str = "label"
    to_name: str = "text"
    key: str = "text"
    labels: dict[str, str] | None = None

    def label_of(self, label: str) -> str | None:
        """How the configuration calls a label; None where it has none of this name."""
        return label if self.labels is None else self.labels.get(label.lower())


def read_interface(config: str | None) -> Interface:
    """What the first `<Labels>` of a configuration and the `<Text>` that it is for say; without one, the usual names.

    Raises:
        RefusalError: 422, it isn't XML, or it has no `<Labels>` for a `<Text>`.
    """
    if not config or not config.strip():
        return Interface()
    found = _Found()
    parser = expat.ParserCreate()
    parser.StartElementHandler = found.begin
    parser.EndElementHandler = found.end
    parser.EntityDeclHandler = _refuse_entities
    try:
        parser.Parse(config.encode("utf-8", "replace"), True)
    except expat.ExpatError as error:
        raise _unusable(f"XML, found a fault in line {error.lineno}: {expat.ErrorString(error.code)}") from None
    for to_names, from_name, labels in found.controls:
        for to_name in to_names.split(","):
            if to_name in found.texts:
                value = found.texts[to_name]
                if not value.startswith("$"):
                    raise _unusable('<Text> with a value such as "$text", found another')
                return Interface(from_name, to_name, value[1:], labels)
    raise _unusable("<Labels> with the name of a <Text> in toName, found none")


@dataclass(slots=True)
class _Found:
    """What is found while a configuration is parsed."""

    controls: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)
    texts: dict[str, str] = field(default_factory=dict)
    inside: bool = False

    def begin(self, tag: str, attributes: dict[str, str]) -> None:
        if tag == "Labels":
            self.controls.append((attributes.get("toName", ""), attributes.get("name", "label"), {}))
            self.inside = True
        elif tag == "Label" and self.inside and "value" in attributes:
            value = attributes.get("alias", attributes["value"])
            for name in (*attributes.get("predicted_values", "").split(","), attributes["value"], value):
                if name.strip():
                    self.controls[-1][2].setdefault(name.strip().lower(), value)
        elif tag in ("Text", "HyperText") and "name" in attributes:
            self.texts[attributes["name"]] = attributes.get("value", "")

    def end(self, tag: str) -> None:
        self.inside = self.inside and tag != "Labels"


def _refuse_entities(*_: object) -> None:
    raise _unusable("XML without entities of its own, found a declaration of one")


def _unusable(what: str) -> RefusalError:
    return RefusalError(422, "unusable_configuration", f"label_config: expected {what}")


def job_for_tasks(request: PredictRequest, taggers: Taggers, limits: Limits, *, version: str) -> Job:
    """The job of `POST /predict`: a prediction for each task, in their order, by the first model.

    Args:
        request: of Label Studio.
        taggers: by name.
        limits: of a request.
        version: of the first model, as it was loaded.

    Raises:
        RefusalError: 413 as `check_size`; 422 where the configuration can't be used, or a task has no text.
    """
    interface = read_interface(request.label_config)
    texts = [_text_of(task, interface.key, place) for place, task in enumerate(request.tasks)]
    check_size(texts, limits)
    _, tagger = find_tagger(None, taggers)

    def finish(read: list[list[Read]]) -> bytes:
        predictions = [
            _prediction(kept(text, sentences), interface, version) for text, sentences in zip(texts, read, strict=True)
        ]
        return as_json({"results": predictions, "model_version": version})

    return Job(tagger, finish, texts)


def _text_of(task: Task, key: str, place: int) -> str:
    value: Any = task.data
    for part in key.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    if not isinstance(value, str):
        raise RefusalError(
            422, "invalid_request", f"tasks[{place}].data: expected a text under the key of the <Text>, found none"
        )
    return value


def _prediction(entities: list[Entity], interface: Interface, version: str) -> Object:
    """A prediction; its score is that of its least certain entity, so that tasks can be ordered by it."""
    regions: list[Object] = []
    for entity in entities:
        label = interface.label_of(entity.label)
        if label is not None:
            regions.append(
                {
                    "id": f"e{len(regions)}",
                    "from_name": interface.from_name,
                    "to_name": interface.to_name,
                    "type": "labels",
                    "value": {"start": entity.start, "end": entity.end, "text": entity.text, "labels": [label]},
                    "score": entity.score,
                }
            )
    prediction: Object = {"model_version": version, "result": regions}
    return prediction | ({"score": min(region["score"] for region in regions)} if regions else {})


def add_routes(app: "Application", taggers: Taggers, limits: Limits) -> None:
    """Adds the paths of the protocol."""
    from fastapi import Request, Response

    # Once: another model may come into the folder while this one serves.
    version = find_tagger(None, taggers)[1].version

    @app.post("/setup", tags=["Label Studio"], responses=errors(AnyAnswer), openapi_extra=extra(SetupRequest))
    async def setup(request: Request) -> Response:
        """Tell the model's version; refuse a configuration that has no labels for a text."""
        read_interface(parse_body(SetupRequest, request.scope[BODY]).labelling)
        return Response(as_json({"model_version": version}), media_type="application/json")

    app.add_tagging(
        "/predict",
        lambda request: job_for_tasks(request, taggers, limits, version=version),
        request=PredictRequest,
        answer=AnyAnswer,
        tag="Label Studio",
        about="Pre-annotate tasks.",
    )

    @app.post("/webhook", tags=["Label Studio"], responses=errors(AnyAnswer), openapi_extra=extra(AnyAnswer))
    async def webhook(request: Request) -> Response:
        """Take note of an event, and do nothing: the service doesn't train."""
        parse_body(AnyAnswer, request.scope[BODY])
        return Response(as_json({"status": "ignored"}), media_type="application/json")
