"""Likely mistakes of annotators, found by models that didn't see the sentences (cf. CrossWeigh, Wang et al. 2019).

Two things are suspicious: an entity that is annotated and that a model holds for improbable, and one that a model is
sure of and that isn't annotated. How suspicious either is, is a probability: that the annotated entity isn't one, or
that the other is. Where both meet at one place, such as with a wrong label, it is one suspect, with what should stand
there.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from ner.evaluation.out_of_fold import OutOfFold
from ner.text.sentence import Sentence
from ner.text.span import Span

LEAST = 0.95
"""Of what is told of: an annotated entity has a probability of at most 0.05."""


@dataclass(frozen=True, slots=True)
class Suspect:
    """A place of a sentence where the annotation is likely wrong.

    `annotated` is the entity that annotators wrote, None where they wrote none; `found` the most probable one that
    shares a token with it, or stands where none was written. Each has the probability that a model gives it.
    """

    row: int
    sentence: Sentence
    suspicion: float
    annotated: Span | None
    probability: float
    found: Span | None
    found_probability: float

    @property
    def start(self) -> int:
        """The first token of what is annotated or found."""
        return min(span.start for span in (self.annotated, self.found) if span)

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON values; ranges are of tokens."""

        def told(span: Span | None, probability: float) -> dict[str, Any] | None:
            if span is None:
                return None
            place = {"label": span.label, "text": self.text_of(span), "start": span.start, "end": span.end}
            return {**place, "probability": round(probability, 6)}

        return {
            "source": self.sentence.source,
            "words": self.sentence.words,
            "suspicion": round(self.suspicion, 6),
            "annotated": told(self.annotated, self.probability),
            "found": told(self.found, self.found_probability),
        }

    def text_of(self, span: Span) -> str:
        """The words of a span of its sentence."""
        return " ".join(self.sentence.spelled[span.start : span.end])

    def __str__(self) -> str:
        """One line for the user."""
        parts = []
        if self.annotated:
            parts.append(f"annotated {self.annotated.label} {self.text_of(self.annotated)!r} ({self.probability:.4f})")
        else:
            parts.append("nothing annotated")
        if self.found:
            parts.append(f"found {self.found.label} {self.text_of(self.found)!r} ({self.found_probability:.4f})")
        where = f"{self.sentence.source}: " if self.sentence.source else ""
        return f"{where}{', '.join(parts)}"


def find_suspects(rows: Iterable[OutOfFold], *, least: float = LEAST) -> list[Suspect]:
    """The suspects among the annotations of some sentences, the most suspicious first.

    Args:
        rows: tagged sentences, and what models that didn't see them find there.
        least: how suspicious a suspect is at least.
    """
    suspects = []
    for number, row in enumerate(rows):
        gold = row.sentence.spans
        chances = dict(row.candidates)
        others = sorted(
            ((score, span) for span, score in row.candidates if span not in gold),
            key=lambda pair: (-pair[0], pair[1].start, pair[1].end, pair[1].label),
        )
        told: set[Span] = set()
        for span in gold:
            probability = chances.get(span, 0.0)
            if 1 - probability < least:
                continue
            score, found = next(((s, o) for s, o in others if _overlap(o, span)), (0.0, None))
            suspects.append(Suspect(number, row.sentence, 1 - probability, span, probability, found, score))
            told |= {found} if found else set()
        for score, found in others:
            if score < least:
                break
            if found not in told and not any(
                _overlap(found, span) and chances.get(span, 0.0) <= 1 - least for span in gold
            ):
                suspects.append(Suspect(number, row.sentence, score, None, 0.0, found, score))
    # Of two annotated entities that are equally improbable, the one for which something else is sure comes first.
    return sorted(suspects, key=lambda s: (-round(s.suspicion, 3), -s.found_probability, s.row, s.start))


def parted(rows: Sequence[OutOfFold], suspects: Iterable[Suspect]) -> tuple[list[Sentence], list[Sentence]]:
    """The sentences in which nothing is suspicious, and those in which something is, both in their order."""
    suspicious = {suspect.row for suspect in suspects}
    sure = [row.sentence for number, row in enumerate(rows) if number not in suspicious]
    return sure, [rows[number].sentence for number in sorted(suspicious)]


def _overlap(one: Span, other: Span) -> bool:
    return one.start < other.end and other.start < one.end
