"""What OpenAPI says beyond what FastAPI sees: bodies that are parsed by hand, and the one shape of errors."""

from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from ner.serving.schemas import ErrorAnswer

if TYPE_CHECKING:
    from fastapi import FastAPI

Object = dict[str, Any]
_TEMPLATE = "#/components/schemas/{model}"
_TOLD = {
    400: "The body isn't JSON in UTF-8.",
    401: "A key is wanted.",
    408: "The body came too slowly.",
    413: "Too many bytes, characters or texts; nothing was worked on.",
    422: "JSON, but another request.",
    429: "Too much is waiting; Retry-After says for how many seconds to wait.",
    500: "A fault of the service.",
    503: "The service starts or stops.",
}
# By the name of the model of a request.
EXAMPLES: dict[str, Object] = {
    "EntitiesRequest": {
        "one text": {"text": "Angela Merkel visited Paris."},
        "several texts, persons alone": {"texts": ["Anna left.", "So did Bob."], "labels": ["PER"], "min_score": 0.5},
        "named documents, by threshold": {
            "documents": [{"id": "a", "text": "Angela Merkel visited Paris."}],
            "threshold": 0.3,
        },
        "with the three best labellings": {"text": "Washington won.", "k_best": 3},
    },
    "WordsRequest": {"a sentence": {"sentences": [["Angela", "Merkel", "visited", "Paris", "."]]}},
    "PredictRequest": {
        "a task": {
            "tasks": [{"id": 1, "data": {"text": "Angela Merkel visited Paris."}}],
            "label_config": '<View><Labels name="label" toName="text"><Label value="PER"/></Labels>'
            '<Text name="text" value="$text"/></View>',
        }
    },
    "AnalyzeRequest": {"a text": {"text": "Angela Merkel visited Paris.", "language": "en"}},
}


def errors(answer: type[BaseModel]) -> dict[int | str, Object]:
    """The responses of a path: its answer, and the errors."""
    told: dict[int | str, Object] = {200: {"model": answer}}
    return told | {status: {"model": ErrorAnswer, "description": about} for status, about in _TOLD.items()}


def extra(request: type[BaseModel]) -> Object:
    """The body that a path wants."""
    name = request.__name__
    content: Object = {"schema": {"$ref": _TEMPLATE.format(model=name)}}
    if name in EXAMPLES:
        content["examples"] = {about: {"value": value} for about, value in EXAMPLES[name].items()}
    return {"requestBody": {"required": True, "content": {"application/json": content}}}


def describe_requests(app: "FastAPI", *requests: type[BaseModel]) -> None:
    """Has the application's OpenAPI hold the schemas that `extra` refers to."""
    made = app.openapi

    def openapi() -> Object:
        if app.openapi_schema is None:
            schemas = made()["components"]["schemas"]
            for request in requests:
                schema = request.model_json_schema(ref_template=_TEMPLATE)
                schemas |= schema.pop("$defs", {})
                schemas[request.__name__] = schema
        assert app.openapi_schema is not None
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]
