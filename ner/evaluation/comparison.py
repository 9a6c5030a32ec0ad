"""Two or more systems on the same gold tags: how they differ, whether that may be chance, and where.

A system is one run or several (seeds); several count by their mean F1, pair by pair in the order given.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from statistics import mean, stdev
from typing import Any

from ner.errors import ConfigError, counted
from ner.evaluation.analysis import units_of
from ner.evaluation.certainty import ROUNDS, Array, Difference, compare_counts
from ner.evaluation.mistakes import join_words, span_as_dict
from ner.evaluation.scores import Scores, Spans, score_spans
from ner.evaluation.slices import count_parts
from ner.text.sentence import Sentence, Span

_SIGNIFICANT = 0.05  # the field's custom


@dataclass(frozen=True, slots=True)
class System:
    """What one system predicted: for each run the spans of each sentence."""

    name: str
    runs: tuple[Spans, ...]


@dataclass(frozen=True, slots=True)
class Standing:
    """The micro scores of each run of a system."""

    name: str
    runs: tuple[Scores, ...]

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON values; the standard deviation is that of a sample, None of a single run."""
        f1 = [scores.f1 for scores in self.runs]
        spread = stdev(f1) if len(f1) > 1 else None
        summary = {"mean": mean(f1), "sd": spread, "lowest": min(f1), "highest": max(f1)}
        return {"name": self.name, "f1": summary, "runs": [scores.as_dict() for scores in self.runs]}

    def __str__(self) -> str:
        """One line for the user."""
        f1 = [100 * scores.f1 for scores in self.runs]
        if len(f1) == 1:
            return f"{self.name}: {self.runs[0]}"
        return f"{self.name}: FB1 {mean(f1):.2f} ± {stdev(f1):.2f} ({min(f1):.2f} to {max(f1):.2f}, {len(f1)} runs)"


@dataclass(frozen=True, slots=True)
class Contest:
    """Two systems, by their names, and how the second differs from the first."""

    first: str
    second: str
    difference: Difference

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON values, fractions of 1."""
        difference = self.difference
        return {
            "first": self.first,
            "second": self.second,
            "f1_difference": difference.f1,
            "interval": [difference.interval.low, difference.interval.high],
            "p_bootstrap": difference.bootstrap,
            "p_randomisation": difference.randomisation,
        }

    def __str__(self) -> str:
        """Two lines for the user."""
        f1, interval = self.difference.f1, self.difference.interval
        bootstrap, randomisation = self.difference.bootstrap, self.difference.randomisation
        small = [p < _SIGNIFICANT for p in (bootstrap, randomisation)]
        verdict = "significant" if all(small) else "not significant" if not any(small) else "the tests disagree"
        return (
            f"{self.second} less {self.first}: {100 * f1:+.2f} (95% interval {interval})\n"
            f"  p = {bootstrap:.4f} by paired bootstrap, {randomisation:.4f} by approximate randomisation: "
            f"{verdict} at {_SIGNIFICANT}"
        )


@dataclass(frozen=True, slots=True)
class Disagreement:
    """A sentence that two systems' first runs tag differently; `better` names the one nearer to gold, if one is."""

    sentence: Sentence
    gold: tuple[Span, ...]
    first: tuple[Span, ...]
    second: tuple[Span, ...]
    better: str

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        words = self.sentence.words
        sides = {"gold": self.gold, "first": self.first, "second": self.second}
        spans = {name: [span_as_dict(span, words) for span in side] for name, side in sides.items()}
        return {"where": self.sentence.source, "better": self.better or None, **spans, "words": words}


@dataclass(frozen=True, slots=True)
class Comparison:
    """Systems on the same `count` units (sentences, or documents), each pair tested.

    `disagreements` are those of the first two systems.
    """

    unit: str
    count: int
    support: int
    standings: tuple[Standing, ...]
    contests: tuple[Contest, ...]
    disagreements: tuple[Disagreement, ...]

    def as_dict(self) -> dict[str, Any]:
        """Everything as plain JSON values."""
        return {
            "unit": self.unit,
            "units": self.count,
            "support": self.support,
            "rounds": ROUNDS,
            "systems": [standing.as_dict() for standing in self.standings],
            "contests": [contest.as_dict() for contest in self.contests],
            "disagreements": [disagreement.as_dict() for disagreement in self.disagreements],
        }

    def __str__(self) -> str:
        """What a terminal has room for: the first disagreements alone."""
        lines = [f"{self.support} gold entities; tests over {self.count} {self.unit}s, {ROUNDS} rounds each"]
        lines += map(str, (*self.standings, *self.contests))
        if len(self.contests) > 1:
            lines.append("these p-values aren't corrected for the number of pairs")
        if self.contests:
            lines += _told(self.disagreements, self.contests[0])
        return "\n".join(lines)


def compare_systems(gold: Sequence[Sentence], systems: Sequence[System]) -> Comparison:
    """The comparison of systems, each with every other.

    Args:
        gold: tagged sentences.
        systems: at least one; what they predicted for these sentences.

    Raises:
        ConfigError: systems of different numbers of runs.
    """
    for system in systems[1:]:
        if len(system.runs) != len(systems[0].runs):
            expected = f"as many runs as of {systems[0].name}, {len(systems[0].runs)}"
            raise ConfigError(f"{system.name}: expected {expected}, found {len(system.runs)}")
    gold_spans = [sentence.spans for sentence in gold]
    unit, units = units_of(gold)
    counts = [[_counts(gold_spans, run, units) for run in system.runs] for system in systems]
    standings = [Standing(s.name, tuple(score_spans(gold_spans, run)[0] for run in s.runs)) for s in systems]
    contests = [
        Contest(systems[one].name, systems[other].name, compare_counts(counts[one], counts[other]))
        for one, other in combinations(range(len(systems)), 2)
    ]
    disagreements = tuple(_disagreements(gold, systems)) if contests else ()
    support = sum(map(len, gold_spans))
    return Comparison(unit, len(set(units)), support, tuple(standings), tuple(contests), disagreements)


def _counts(gold: Spans, predicted: Spans, units: Sequence[int]) -> Array:
    """(units, 3): gold, predicted, correct."""
    labels = sorted({span.label for side in (gold, predicted) for spans in side for span in spans})
    counts: Array = count_parts(gold, predicted, [], labels=labels, units=units)[:, 0]
    return counts


def _disagreements(gold: Sequence[Sentence], systems: Sequence[System]) -> Iterator[Disagreement]:
    first, second = systems[:2]
    for sentence, one, other in zip(gold, first.runs[0], second.runs[0], strict=True):
        if set(one) != set(other):
            # Every gold entity that is missing and every predicted one that is wrong is a step away from gold.
            steps = [len(set(sentence.spans).symmetric_difference(spans)) for spans in (one, other)]
            better = "" if steps[0] == steps[1] else first.name if steps[0] < steps[1] else second.name
            yield Disagreement(sentence, tuple(sentence.spans), tuple(one), tuple(other), better)


def _told(disagreements: Sequence[Disagreement], contest: Contest, most: int = 5) -> list[str]:
    """How many sentences are tagged differently, and for either system some in which it is better."""
    names = (contest.first, contest.second)
    wins = {name: [d for d in disagreements if d.better == name] for name in names}
    counts = ", ".join(f"{len(won)} better by {name}" for name, won in wins.items())
    lines = [f"tagged differently: {counted(len(disagreements), 'sentence')}, {counts}"]
    for won in wins.values():
        for disagreement in won[:most]:
            words = disagreement.sentence.words
            sides = zip(("gold", *names), (disagreement.gold, disagreement.first, disagreement.second), strict=True)
            lines.append(f"  {disagreement.sentence.source}: better by {disagreement.better}: {join_words(words)}")
            lines += [f"    {name}: {_listed(spans, words)}" for name, spans in sides]
    return lines


def _listed(spans: Sequence[Span], words: Sequence[str]) -> str:
    return ", ".join(f"{join_words(words[span.start : span.end])} ({span.label})" for span in spans) or "nothing"
