"""The path and shapes of Presidio's analyzer service, so that what calls that service can call this one.

Names of labels are Presidio's where it has one for ours, else our own.
"""

from typing import TYPE_CHECKING

from pydantic import BaseModel, Field, RootModel

from ner.serving.answers import Taggers, as_json, check_size, find_tagger, kept
from ner.serving.batcher import Job, Read
from ner.serving.limits import Limits
from ner.serving.presidio_names import LABELS

if TYPE_CHECKING:
    from ner.serving.application import Application


class AnalyzeRequest(BaseModel):
    """What Presidio's client sends; more fields of it, such as ad-hoc recognizers, aren't looked at."""

    text: str | list[str] = Field(examples=["Angela Merkel visited Paris."])
    language: str | None = None
    entities: list[str] | None = Field(None, description="Only these, by Presidio's names; null or none: all.")
    score_threshold: float | None = Field(None, ge=0, le=1)


class AnalyzedEntity(BaseModel):
    """An entity as Presidio's `RecognizerResult` has it."""

    entity_type: str
    start: int
    end: int
    score: float
    analysis_explanation: None = None
    recognition_metadata: dict[str, str]


class Analysis(RootModel[list[AnalyzedEntity] | list[list[AnalyzedEntity]]]):
    """The entities of one text; of a list of texts, a list for each."""


def job_for_analysis(request: AnalyzeRequest, taggers: Taggers, limits: Limits) -> Job:
    """The job of `POST /analyze`, by the first model.

    Raises:
        RefusalError: 413, as `check_size`.
    """
    alone = isinstance(request.text, str)
    texts = [request.text] if isinstance(request.text, str) else request.text
    check_size(texts, limits)
    name, tagger = find_tagger(None, taggers)

    def finish(read: list[list[Read]]) -> bytes:
        results = []
        for text, sentences in zip(texts, read, strict=True):
            found = [
                {
                    "entity_type": LABELS.get(entity.label, entity.label),
                    "start": entity.start,
                    "end": entity.end,
                    "score": entity.score,
                    "analysis_explanation": None,
                    "recognition_metadata": {"recognizer_name": name},
                }
                for entity in kept(text, sentences, request.score_threshold or 0.0)
            ]
            results.append([one for one in found if not request.entities or one["entity_type"] in request.entities])
        return as_json(results[0] if alone else results)

    return Job(tagger, finish, texts)


def add_routes(app: "Application", taggers: Taggers, limits: Limits) -> None:
    """Adds the path."""
    app.add_tagging(
        "/analyze",
        lambda request: job_for_analysis(request, taggers, limits),
        request=AnalyzeRequest,
        answer=Analysis,
        tag="Presidio",
        about="Find entities as Presidio's analyzer tells them.",
    )
