"""Pre-annotations: documents whose entities a model found, for tools in which people mend them.

Whoever has documents tagged notes the model in their meta under `MODEL`; formats with `Format.names_model` write it
where their tool looks for it, with the probabilities. Documents without it are annotated ones and written as such.
"""

from collections.abc import Collection
from dataclasses import replace

from ner.text.document import Document

MODEL = "model_version"  # in a document's meta: which model found its entities


def model_of(document: Document) -> str | None:
    """Which model found a document's entities; None where that isn't known, or people annotated them."""
    found = document.meta.get(MODEL)
    return found if isinstance(found, str) else None


def with_model(document: Document, version: str | None) -> Document:
    """The same document as one whose entities this model found; None: it isn't to be said which."""
    return document if version is None else replace(document, meta={**document.meta, MODEL: version})


def without(document: Document, keys: Collection[str]) -> Document:
    """The same document without its model, and without these keys of meta."""
    kept = {key: value for key, value in document.meta.items() if key != MODEL and key not in keys}
    return replace(document, meta=kept)


def least_score(document: Document) -> float | None:
    """The probability of its least sure entity, by which tools put first what needs a look; None without any."""
    return min((entity.score for entity in document.entities if entity.score is not None), default=None)
