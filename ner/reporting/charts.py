"""Charts as inline SVG, which takes its colours from the page, and so follows light and dark."""

import math
from collections.abc import Sequence

from ner.errors import counted
from ner.evaluation.calibration import NUM_BINS, Calibration, Threshold
from ner.evaluation.certainty import Interval

_SIZE = 260  # of a square chart, in its own units; the page scales it
_LEFT, _TOP, _BOTTOM = 38, 8, 34
_COUNTS = 46  # height of the columns that count


def draw_reliability(calibration: Calibration) -> str:
    """The share of correct entities against their mean score, bin by bin, over how many there are.

    A bin of few entities says little, so its dot is small.
    """
    filled = [b for b in calibration.bins if b.count]
    points = [(b.mean_score, b.accuracy) for b in filled]
    most = max(b.count for b in filled)
    width = _SIZE / NUM_BINS
    top = _TOP + _SIZE + _BOTTOM
    # A logarithm, since nearly all entities of a good model lie in the last bin.
    heights = [_COUNTS * math.log1p(b.count) / math.log1p(most) for b in calibration.bins]
    columns = "".join(
        f'<rect class="columns" x="{_LEFT + n * width + 1:.1f}" y="{top + _COUNTS - height:.1f}" '
        f'width="{width - 2:.1f}" height="{height:.1f}"><title>{counted(b.count, "entity")}</title></rect>'
        for n, (b, height) in enumerate(zip(calibration.bins, heights, strict=True))
    )
    caption = f'<text x="{_LEFT}" y="{top + _COUNTS + 14}">entities, on a logarithmic scale, {most} at most</text>'
    guide = f'<path class="guide" d="{_path([(0, 0), (1, 1)])}"/>'
    curve = f'<path class="thin" d="{_path(points)}"/>'
    inner = guide + curve + _dots(points, [_radius(b.count, most) for b in filled]) + columns + caption
    return _chart(inner, "score", "share that is correct", height=top + _COUNTS + 18)


def draw_precision_recall(thresholds: Sequence[Threshold]) -> str:
    """Precision against recall as the lowest score that is kept falls."""
    points = [(threshold.recall, threshold.precision) for threshold in thresholds]
    return _chart(
        _curve(points) + _dots(points[-1:], ["3.5"]), "recall", "precision", height=_TOP + _SIZE + _BOTTOM + 4
    )


def draw_range(f1: float, interval: Interval | None, lowest: float, *, share: float = 1.0) -> str:
    """An F1 as a dot with its interval as a line, on an axis from `lowest` to 1.

    Args:
        f1: from 0 to 1; one below the axis is a mark that points out of it.
        interval: in which it lies; None: unknown.
        lowest: where the axis begins.
        share: of the largest number of gold entities that a row of the table has; the dot is small where it is.
    """

    def place(value: float) -> str:
        return f"{200 * max(0.0, value - lowest) / (1 - lowest):.1f}"

    line = f'<line x1="{place(interval.low)}" x2="{place(interval.high)}" y1="8" y2="8"/>' if interval else ""
    axis = '<line class="axis" x1="0" x2="200" y1="8" y2="8"/>'
    dot = f'<circle class="dot" cx="{place(f1)}" cy="8" r="{_radius(share, 1)}"/>'
    if f1 < lowest:
        dot = '<path class="dot" d="M-5 8L3 4V12Z"/>'
    return f'<svg class="range" viewBox="-6 0 212 16" role="img" aria-label="F1 {100 * f1:.2f}">{axis}{line}{dot}</svg>'


def _radius(count: float, most: float) -> str:
    """Of a dot: its area grows with what it stands for, and the smallest can still be seen."""
    return f"{1.5 + 4 * math.sqrt(count / (most or 1)):.1f}"


def _chart(inner: str, across: str, up: str, *, height: int) -> str:
    """A square from 0 to 1 both ways, with its axes."""
    ticks = []
    for value in (0, 0.25, 0.5, 0.75, 1):
        x, y = _point((value, value))
        ticks.append(f'<path class="axis" d="M{x} {_TOP}V{_TOP + _SIZE}M{_LEFT} {y}H{_LEFT + _SIZE}"/>')
        ticks.append(f'<text x="{x}" y="{_TOP + _SIZE + 14}" text-anchor="middle">{value:g}</text>')
        ticks.append(f'<text x="{_LEFT - 5}" y="{float(y) + 4:.1f}" text-anchor="end">{value:g}</text>')
    middle = _TOP + _SIZE / 2
    names = (
        f'<text x="{_LEFT + _SIZE / 2}" y="{_TOP + _SIZE + 28}" text-anchor="middle">{across}</text>'
        f'<text transform="translate(9 {middle}) rotate(-90)" text-anchor="middle">{up}</text>'
    )
    view = f"0 0 {_LEFT + _SIZE + 12} {height}"
    return f'<svg viewBox="{view}" role="img" aria-label="{up} by {across}">{"".join(ticks)}{names}{inner}</svg>'


def _curve(points: Sequence[tuple[float, float]]) -> str:
    return f'<path class="curve" d="{_path(points)}"/>'


def _dots(points: Sequence[tuple[float, float]], radii: Sequence[str]) -> str:
    return "".join(
        '<circle class="dot" cx="{}" cy="{}" r="{}"/>'.format(*_point(point), radius)
        for point, radius in zip(points, radii, strict=True)
    )


def _path(points: Sequence[tuple[float, float]]) -> str:
    return "M" + "L".join(" ".join(_point(point)) for point in points)


def _point(point: tuple[float, float]) -> tuple[str, str]:
    return f"{_LEFT + _SIZE * point[0]:.1f}", f"{_TOP + _SIZE * (1 - point[1]):.1f}"
