"""Scores of parts of the entities: those seen in training, the long ones, those of a rare label, and so on.

Each question puts an entity into one part by what can be said of a gold and of a predicted one alike, so an entity
that is correct lies in the same part on both sides, and precision and recall have their meaning in each.
"""

from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np

from ner.evaluation.certainty import Array, Interval
from ner.evaluation.scores import Scores, Spans, scores_of
from ner.evaluation.training_entities import Training, origin_of
from ner.text.documents import number_documents
from ner.text.sentence import Sentence, Span

_ENTITY_TOKENS = (1, 2, 3, 4, 5, 10)  # each bin from here to just before the next
_SENTENCE_TOKENS = (1, 6, 11, 21, 41, 81)
_SENTENCES = (1, 2, 6, 16)
_SHARES = (0.0, 0.01, 0.05, 0.2)
_SHARE_NAMES = ("below 1%", "1% to 5%", "5% to 20%", "20% or more")
_SEEN = ("with that label", "with another label", "never")
_ORIGINS = ("training", "vectors", "nowhere")
_WORDS = ("all in training", "some only in the vectors", "some unknown")


@dataclass(frozen=True, slots=True)
class Question:
    """What entities are sorted by, the names of the parts, and the part of a span in a sentence (by its number)."""

    name: str
    parts: tuple[str, ...]
    part_of: Callable[[int, Span], int]


@dataclass(frozen=True, slots=True)
class Slice:
    """The scores of one part of the entities; the interval is of its F1, None where there is none to give."""

    question: str
    part: str
    scores: Scores
    interval: Interval | None

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        interval = None if self.interval is None else [self.interval.low, self.interval.high]
        return {"question": self.question, "part": self.part, **self.scores.as_dict(), "f1_interval": interval}


def questions_about(sentences: Sequence[Sentence], gold: Spans, training: Training | None) -> list[Question]:
    """The questions that can be answered with what is known.

    Args:
        sentences: what was tagged.
        gold: their spans.
        training: what is known of the training corpus; None: nothing.
    """
    words = [sentence.words for sentence in sentences]
    memory = training.memory if training else None
    questions = []
    if memory is not None:
        seen = cache(lambda label, *text: _SEEN.index(memory.seen(text, label)))
        questions.append(
            Question("seen in training", _SEEN, lambda n, span: seen(span.label, *words[n][span.start : span.end]))
        )
    if training is not None:
        table = str.maketrans(dict(training.script))
        origin = cache(lambda word: _ORIGINS.index(origin_of(word.translate(table), training.words)))
        questions.append(Question("its words", _WORDS, lambda n, s: max(map(origin, words[n][s.start : s.end]))))
    counts = Counter(span.label for spans in gold for span in spans) if memory is None else Counter(memory.counts)
    total = counts.total() or 1
    shares = {label: _bin(count / total, _SHARES) for label, count in counts.items()}
    name = "share of its label in " + ("these gold tags" if memory is None else "training")
    sizes = [_bin(len(sentence.spelled), _SENTENCE_TOKENS) for sentence in sentences]
    questions += [
        Question("tokens", _names(_ENTITY_TOKENS), lambda n, span: _bin(span.end - span.start, _ENTITY_TOKENS)),
        Question("tokens of its sentence", _names(_SENTENCE_TOKENS), lambda n, span: sizes[n]),
        Question(name, _SHARE_NAMES, lambda n, span: shares.get(span.label, 0)),
    ]
    documents = number_documents(sentences)
    if any(documents):
        # A sentence's position in its document, from 1.
        starts = {document: index for index, document in reversed(list(enumerate(documents)))}
        positions = [_bin(index - starts[document] + 1, _SENTENCES) for index, document in enumerate(documents)]
        questions.append(Question("sentence of its document", _names(_SENTENCES), lambda n, span: positions[n]))
    return questions


def count_parts(
    gold: Spans, predicted: Spans, questions: Sequence[Question], *, labels: Sequence[str], units: Sequence[int]
) -> Array:
    """Counts (units, columns, 3) of gold, predicted and correct entities.

    The columns: all entities, those of each label, then the parts of each question.

    Args:
        gold: the spans of each sentence.
        predicted: those of as many sentences.
        questions: from `questions_about`.
        labels: of all spans.
        units: for each sentence the unit that it belongs to, from 0.
    """
    first_part = 1 + len(labels)
    of_label = {label: number for number, label in enumerate(labels, start=1)}
    offsets = [first_part]
    for question in questions:
        offsets.append(offsets[-1] + len(question.parts))
    columns = offsets[-1]
    sorters = [(offset, question.part_of) for offset, question in zip(offsets, questions, strict=False)]
    cells: tuple[list[int], list[int], list[int]] = ([], [], [])  # of the flat counts: gold, predicted, correct
    for number, (gold_spans, predicted_spans) in enumerate(zip(gold, predicted, strict=True)):
        if not gold_spans and not predicted_spans:
            continue
        correct = set(gold_spans).intersection(predicted_spans)
        base = units[number] * columns
        for span in {*gold_spans, *predicted_spans}:
            indices = [base, base + of_label[span.label]]
            indices += [base + offset + part_of(number, span) for offset, part_of in sorters]
            if span in correct:
                for kind in cells:
                    kind += indices
            else:
                cells[0 if span in gold_spans else 1].extend(indices)
    num_units = max(units, default=-1) + 1
    size = num_units * columns
    counts = [np.bincount(np.array(kind, dtype=np.int64), minlength=size) for kind in cells]
    return np.stack(counts, axis=-1).reshape(num_units, columns, 3)


def slices_of(
    counts: Array, questions: Sequence[Question], *, first: int, intervals: Sequence[Interval | None]
) -> list[Slice]:
    """The scores of each part that has an entity.

    Args:
        counts: from `count_parts`.
        questions: the same.
        first: the first column that is a part's.
        intervals: of each column.
    """
    names = [(question.name, part) for question in questions for part in question.parts]
    sums = counts.sum(axis=0)[first:].tolist()
    return [
        Slice(*name, scores_of(*numbers), interval)
        for name, numbers, interval in zip(names, sums, intervals[first:], strict=True)
        if any(numbers)
    ]


def _bin(value: float, starts: Sequence[float]) -> int:
    return bisect_right(starts, value) - 1


def _names(starts: Sequence[int]) -> tuple[str, ...]:
    """The names of bins that start so.

    >>> _names((1, 2, 5))
    ('1', '2 to 4', '5 or more')
    """
    names = [str(low) if high == low + 1 else f"{low} to {high - 1}" for low, high in pairwise(starts)]
    return (*names, f"{starts[-1]} or more")
