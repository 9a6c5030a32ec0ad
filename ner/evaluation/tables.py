"""The parts of an analysis as plain text: what `ner evaluate --details` prints below the report."""

from collections.abc import Iterator, Sequence
from itertools import groupby

from ner.evaluation.analysis import Analysis
from ner.evaluation.mistakes import KINDS, NONE, count_kinds, f1_without, frequent_strings


def details_of(analysis: Analysis) -> str:
    """Intervals of each label, mistakes by kind, confused labels, the strings that go wrong most, and slices."""
    parts = (_labels(analysis), _kinds(analysis), _confusion(analysis), _strings(analysis), _slices(analysis))
    return "\n".join(line for part in parts for line in part)


def _labels(analysis: Analysis) -> Iterator[str]:
    yield from ("", "95% interval of each label's FB1")
    for label, interval in analysis.certainty.labels.items():
        support = analysis.report.labels[label].support
        yield f"{label:>17}: {interval or 'too few to tell'}  ({support} gold)"


def _kinds(analysis: Analysis) -> Iterator[str]:
    mended = f1_without(analysis.report.micro, analysis.mistakes)
    now = analysis.report.micro.f1
    yield from ("", "mistakes by kind, and what mending all of a kind would add to FB1")
    for kind, count in count_kinds(analysis.mistakes).items():
        yield f"{kind:>17}: {count:5d}  {100 * (mended[kind] - now):+6.2f}  {KINDS[kind]}"


def _confusion(analysis: Analysis) -> Iterator[str]:
    names = (*analysis.confusion.labels, NONE)
    yield from ("", "labels taken for each other: gold down, predicted across")
    yield from _grid(names, names, analysis.confusion.rows)


def _strings(analysis: Analysis) -> Iterator[str]:
    yield from ("", "most frequent mistakes: gold → predicted")
    for row in frequent_strings(analysis.mistakes, analysis.sentences):
        yield f"{row['count']:5d}  {row['kind']}: {row['gold'] or 'nothing'} → {row['predicted'] or 'nothing'}"


def _slices(analysis: Analysis) -> Iterator[str]:
    for question, pieces in groupby(analysis.slices, key=lambda piece: piece.question):
        yield from ("", f"by {question}")
        for piece in pieces:
            interval = f"  ({piece.interval})" if piece.interval else ""
            yield f"{piece.part:>24}: {piece.scores}{interval}  {piece.scores.support} gold"


def _grid(rows: Sequence[str], columns: Sequence[str], values: Sequence[Sequence[int]]) -> Iterator[str]:
    width = max([5, *map(len, columns)]) + 2
    left = max(map(len, rows))
    yield " " * left + "".join(f"{name:>{width}}" for name in columns)
    for name, row in zip(rows, values, strict=True):
        yield f"{name:>{left}}" + "".join(f"{value:{width}d}" for value in row)
