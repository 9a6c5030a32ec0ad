"""The pictures of an analysis as PNG files, for a paper or a talk."""

import math
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ner.errors import ConfigError
from ner.evaluation.analysis import Analysis
from ner.evaluation.mistakes import NONE, count_kinds
from ner.inspection.canvas import check_drawing, draw_heat_map, draw_picture, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_BLUE = "#1864ab"


def write_plots(analysis: Analysis, folder: Path) -> list[str]:
    """Writes the pictures that there is something for, and returns warnings.

    Confusion, mistakes by kind, F1 of labels and slices; reliability and precision-recall where there are scores. One
    that can't be drawn is a warning.

    Raises:
        ConfigError: matplotlib isn't installed, or the folder can't be written.
    """
    check_drawing()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"{folder}: expected a folder for pictures: {error.strerror}") from None
    figures = {"confusion": _confusion, "mistakes": _kinds, "slices": _slices}
    if analysis.calibration is not None:
        figures |= {"reliability": _reliability, "precision-recall": _precision_recall}
    drawn = (draw_picture(folder / f"{name}.png", partial(draw, analysis)) for name, draw in figures.items())
    return [warning for warnings in drawn for warning in warnings]


def _confusion(analysis: Analysis) -> "Figure":
    names = (*analysis.confusion.labels, NONE)
    counts = np.array(analysis.confusion.rows, dtype=float)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    figure = new_figure(2.5 + 0.6 * len(names), 2 + 0.45 * len(names))
    axes = figure.subplots()
    draw_heat_map(axes, shares, rows=names, columns=names, limits=(0, 1), numbers=".2f")
    axes.set(title="share of each gold label's entities", xlabel="predicted", ylabel="gold")
    return figure


def _kinds(analysis: Analysis) -> "Figure":
    kinds = count_kinds(analysis.mistakes)
    figure = new_figure(7, 3.2)
    axes = figure.subplots()
    bars = axes.barh(list(kinds), list(kinds.values()), color=_BLUE)
    axes.bar_label(bars, padding=3)
    axes.invert_yaxis()
    axes.set(title="mistakes by kind")
    return figure


def _slices(analysis: Analysis) -> "Figure":
    certainty = analysis.certainty
    rows = [("all", analysis.report.micro, certainty.micro)]
    rows += [(label, scores, certainty.labels[label]) for label, scores in analysis.report.labels.items()]
    rows += [(f"{piece.question}: {piece.part}", piece.scores, piece.interval) for piece in analysis.slices]
    rows = [row for row in rows if row[1].support]  # what was only predicted has no F1 worth a dot
    most = max((scores.support for _, scores, _ in rows), default=0)
    figure = new_figure(9, 1.2 + 0.24 * len(rows))
    axes = figure.subplots()
    for index, (_, scores, interval) in enumerate(rows):
        if interval is not None:
            axes.plot([100 * interval.low, 100 * interval.high], [index, index], color=_BLUE, linewidth=1.5)
        axes.plot(100 * scores.f1, index, marker="o", markersize=_size(scores.support, most), color=_BLUE)
    names = [f"{name}  ({scores.support})" for name, scores, _ in rows]
    axes.set_yticks(range(len(rows)), names, fontsize=8)
    for label in axes.get_yticklabels():
        label.set_parse_math(False)  # a label such as $5$ is no formula
    axes.invert_yaxis()
    axes.grid(axis="x", color="#ddd")
    axes.set(title="F1 with 95% interval (gold entities)", xlim=(None, 100.5))
    return figure


def _reliability(analysis: Analysis) -> "Figure":
    assert analysis.calibration is not None  # asked before
    filled = [b for b in analysis.calibration.bins if b.count]
    figure = new_figure(5, 5)
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], color="#999", linestyle="--")
    axes.plot([b.mean_score for b in filled], [b.accuracy for b in filled], color=_BLUE, linewidth=0.8, alpha=0.4)
    most = max((b.count for b in filled), default=0)
    for b in filled:
        axes.plot(b.mean_score, b.accuracy, marker="o", markersize=_size(b.count, most), color=_BLUE)
    axes.set(xlabel="score", ylabel="share that is correct", xlim=(0, 1), ylim=(0, 1.02))
    axes.set_title(str(analysis.calibration), fontsize=9)
    return figure


def _precision_recall(analysis: Analysis) -> "Figure":
    figure = new_figure(5, 5)
    axes = figure.subplots()
    axes.plot([t.recall for t in analysis.thresholds], [t.precision for t in analysis.thresholds], color=_BLUE)
    axes.set(xlabel="recall", ylabel="precision", xlim=(0, 1), ylim=(0, 1.02))
    axes.set_title("keeping only entities above a score", fontsize=9)
    return figure


def _size(count: int, most: int) -> float:
    """The diameter of a dot in points: its area grows with what it stands for."""
    return 2 + 7 * math.sqrt(count / most)
