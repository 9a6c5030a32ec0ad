"""What requests and answers look like: the models that check a body, and that OpenAPI is made of.

A body is parsed and checked once, from its bytes; what a message says of a fault names the place and never the value,
which may be somebody's text.
"""

from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from ner.serving.limits import RefusalError

_MOST_FAULTS = 5  # of one request that are told
Model = TypeVar("Model", bound=BaseModel)
Threshold = Annotated[
    float | None,
    Field(gt=0, lt=1, description="Find each entity of at least this probability; null: decide as the model does."),
]
Score = Annotated[float, Field(ge=0, le=1, description="Leave out entities with a lower score.")]
Name = Annotated[str | None, Field(description="One of GET /v1/models; null: the first of them.")]


class _Request(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class TextDocument(_Request):
    """A text with a name, which comes back in its result."""

    id: str | None = None
    text: str


class EntitiesRequest(_Request):
    """Texts to find entities in: exactly one of `text`, `texts` and `documents`."""

    text: str | None = Field(None, examples=["Angela Merkel visited Paris."])
    texts: list[str] | None = None
    documents: list[TextDocument] | None = None
    threshold: Threshold = None
    min_score: Score = 0.0
    k_best: int = Field(0, ge=0, description="Add so many labellings of each sentence, best first.")
    labels: list[str] | None = Field(None, description="Only entities with these labels; null: all.")
    model: Name = None
    offsets: Literal["code_points", "utf16"] = Field(
        "code_points", description="What start and end count: characters of a Python string, or of a JavaScript one."
    )

    @model_validator(mode="after")
    def _one_kind(self) -> "EntitiesRequest":
        given = [name for name in ("text", "texts", "documents") if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(f"expected one of text, texts and documents, found {' and '.join(given) or 'none'}")
        return self


class WordsRequest(_Request):
    """Sentences that are already cut into words."""

    sentences: list[list[Annotated[str, Field(min_length=1)]]] = Field(
        examples=[[["Angela", "Merkel", "visited", "Paris", "."]]]
    )
    threshold: Threshold = None
    min_score: Score = 0.0
    labels: list[str] | None = Field(None, description="Only entities with these labels; null: all.")
    model: Name = None


class FoundEntity(BaseModel):
    """An entity: the text from `start` up to `end`, and its probability under the model."""

    label: str = Field(examples=["PER"])
    text: str = Field(examples=["Angela Merkel"])
    start: int
    end: int
    score: float


class UnscoredEntity(BaseModel):
    """An entity of one labelling, which as a whole has a probability."""

    label: str
    text: str
    start: int
    end: int


class FoundLabelling(BaseModel):
    """One way of labelling a sentence."""

    probability: float
    entities: list[UnscoredEntity]


class FoundSentence(BaseModel):
    """A sentence and its most probable labellings, best first."""

    start: int
    end: int
    labellings: list[FoundLabelling]


class TextResult(BaseModel):
    """What was found in one text; `id` where the document had one, `sentences` where `k_best` was asked for."""

    id: str | None = None
    entities: list[FoundEntity]
    sentences: list[FoundSentence] | None = None


class EntitiesAnswer(BaseModel):
    """A result for each text, in their order."""

    model: str
    results: list[TextResult]


class FoundSpan(BaseModel):
    """An entity in words: those from `start` up to `end`."""

    label: str
    start: int
    end: int
    score: float


class WordsResult(BaseModel):
    """The IOB2 tags of a sentence, one a word, and the same entities with their probabilities."""

    tags: list[str]
    entities: list[FoundSpan]


class WordsAnswer(BaseModel):
    """A result for each sentence, in their order."""

    model: str
    results: list[WordsResult]


class ToldError(BaseModel):
    """What went wrong: HTTP's status, a word for programs, a sentence for people."""

    status: int
    code: str
    message: str


class ErrorAnswer(BaseModel):
    """The one shape of every error."""

    error: ToldError


class AnyAnswer(BaseModel):
    """An object of JSON."""

    model_config = ConfigDict(extra="allow")


def parse_body(kind: type[Model], body: bytes) -> Model:
    """The request in a body.

    Raises:
        RefusalError: 400 where it isn't JSON in UTF-8, 422 where it is another request.
    """
    try:
        return kind.model_validate_json(body)
    except ValidationError as error:
        raise _refusal(error) from None


def _refusal(error: ValidationError) -> RefusalError:
    faults = error.errors(include_url=False, include_input=False, include_context=False)
    if faults[0]["type"] == "json_invalid":
        return RefusalError(400, "not_json", f"body: expected JSON in UTF-8, found other bytes: {_said(faults[0])}")
    told = [f"{_place(fault['loc'])}: {_said(fault)}" for fault in faults[:_MOST_FAULTS]]
    if len(faults) > _MOST_FAULTS:
        told.append(f"and {len(faults) - _MOST_FAULTS} more")
    return RefusalError(422, "invalid_request", "; ".join(told))


def _place(location: tuple[int | str, ...]) -> str:
    """Where a fault is, as a program would reach it; a key that the request made up is cut."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part[:40]}" for part in location).lstrip(".") or "body"


def _said(fault: Any) -> str:
    message = str(fault["msg"]).removeprefix("Value error, ")
    return message[:1].lower() + message[1:]
