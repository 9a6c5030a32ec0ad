"""Unlabelled text in the order in which to annotate it: `ner.rank`, and how annotation tools are told of it.

Each sentence becomes a document of its own, with the entities that the model finds already there to be corrected.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from ner.errors import ConfigError, check_type
from ner.formats.predictions import MODEL, least_score
from ner.formats.table import names_model
from ner.inference.acquisition import check_strategy, rank_sentences, within_budget
from ner.inference.arguments import checked_documents
from ner.tagger import Tagger
from ner.text.document import Document, mark_first
from ner.text.sentence import Sentence

_UNITS = ("sentences", "tokens")


class _Place(NamedTuple):
    """A sentence and the document that it stands in, with the entities found there."""

    document: Document
    sentence: Sentence


def rank(
    tagger: Tagger,
    documents: Iterable[Document],
    *,
    strategy: str = "entropy",
    budget: int | None = None,
    unit: str = "sentences",
    seed: int = 1,
) -> list[Document]:
    """The sentences of documents as documents of their own, first those from which the model would learn most.

    Each has the entities that the model finds, with their probabilities; their own aren't looked at. Its `meta` says
    its `rank` (from 1), its `uncertainty`, and where it stood: `document`, `source` (`file:line`) and `offset`, in
    characters of the document.

    Args:
        tagger: of the model that is to learn from them.
        documents: read whole; a text that isn't cut into sentences is cut here.
        strategy: `entropy` of all tag sequences, `margin` of the two best labellings, `least-confident` (the best one
            is improbable), `bald` (networks with other units dropped disagree; PyTorch), `diverse` (entropy, and unlike
            what was taken before), `random`.
        budget: so many sentences or tokens; None: all of them.
        unit: `sentences` or `tokens`: what the budget counts. By tokens a sentence comes sooner the more there is to
            learn from each of them, and long ones have no start.
        seed: of `random` and `bald`.

    Raises:
        ConfigError: no such strategy or unit, a budget of less than 1, or of fewer tokens than any
            sentence has, or `bald` without PyTorch or dropout.
    """
    check_type("tagger", tagger, Tagger, "a Tagger", "ner.load(FOLDER) gives one")
    check_strategy(strategy)
    if unit not in _UNITS:
        raise ConfigError(f"unit: expected {' or '.join(_UNITS)}, found {unit!r}")
    if budget is not None and budget < 1:
        raise ConfigError(f"budget: expected at least 1 of the {unit}, found {budget}")
    bare = (replace(document, entities=()) for document in checked_documents(documents))
    places = [
        _Place(document, sentence)
        for document in tagger.tag_documents(bare)
        for sentence in mark_first(document.sentences)
        if sentence.spelled
    ]
    sentences = [place.sentence for place in places]
    in_tokens = unit == "tokens"
    ranking = rank_sentences(
        tagger.model, tagger.reader, sentences, strategy=strategy, per="token" if in_tokens else "sentence", seed=seed
    )
    lengths = np.array([len(sentence.spelled) for sentence in sentences], dtype=np.int64)
    chosen = within_budget(ranking.order, lengths, budget, in_tokens=in_tokens)
    if len(lengths) and not len(chosen):  # of tokens: one sentence is always within a budget of sentences
        raise ConfigError(f"budget: expected the tokens of a sentence, {lengths.min()} or more, found {budget}")
    ranked = []
    for number, index in enumerate(chosen.tolist(), start=1):
        told: dict[str, Any] = {"rank": number, "strategy": strategy}
        if strategy != "random":
            told["uncertainty"] = round(float(ranking.values[index]), 6)
        ranked.append(_alone(places[index], told))
    return ranked


def told_to_tool(documents: Iterable[Document], format: str, version: str) -> Iterator[Document]:
    """The same documents with what `rank` tells of each, and which model did, where the tool of this format shows it.

    Label Studio sorts by `data` and by the score of a prediction, the surest highest; Prodigy shows `meta`.

    Args:
        documents: as `rank` gives them.
        format: one of `ner formats`.
        version: of the model.
    """
    for document in documents:
        told: Mapping[str, Any] = document.meta
        if format == "label-studio":
            least = least_score(document)
            told = {"data": told, "prediction": {MODEL: version, "score": 1.0 if least is None else least}}
        elif format == "prodigy":
            told = {"meta": {**told, "model": version}}
        elif names_model(format):
            told = {**told, MODEL: version}
        yield replace(document, meta=told)


def _alone(place: _Place, told: dict[str, Any]) -> Document:
    """A sentence as a document of its own."""
    document, sentence = place
    begin = sentence.starts[0]
    end = sentence.starts[-1] + len(sentence.spelled[-1])
    entities = (
        replace(entity, start=entity.start - begin, end=entity.end - begin)
        for entity in document.entities
        if begin <= entity.start < end
    )
    source = sentence.source or document.source
    moved = Sentence(
        None,
        None,
        True,
        source,
        spelled=sentence.spelled,
        starts=tuple(start - begin for start in sentence.starts),
        spans=sentence.spans,
    )
    where = {"document": document.id, "source": source or None, "offset": begin}
    meta = {**told, **{name: value for name, value in where.items() if value is not None}}
    return Document(document.text[begin:end], (moved,), tuple(entities), None, meta, source)
