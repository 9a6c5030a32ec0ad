"""The gradient's way back in time, and training with and without clipping, as pictures."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ner.inspection.canvas import new_figure
from ner.inspection.gradient_flow import CellFlow, Flow
from ner.inspection.pictures import Picture, draw_all

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Smaller ones are as good as zero, and would press everything else together.
_FLOOR = 1e-12
_COLOURS = ("#1864ab", "#e67700", "#c92a2a", "#2b8a3e", "#862e9c", "#087f5b", "#495057")


def draw_flows(flows: Sequence[CellFlow], folder: Path) -> tuple[list[Picture], list[str]]:
    """Writes `gradient-flow.png` and `clipping.png` to a folder; returns those that were drawn, and warnings."""
    flow = Picture(folder / "gradient-flow.png", "How far a gradient travels back", _FLOW_CAPTION)
    clipping = Picture(folder / "clipping.png", "Training with and without clipping", _CLIPPING_CAPTION)
    return draw_all([(flow, partial(_draw_flow, flows)), (clipping, partial(_draw_clipping, flows))])


def _draw_flow(flows: Sequence[CellFlow]) -> "Figure":
    figure = new_figure(12, 5)
    left, right = figure.subplots(1, 2, sharey=True)
    for axes, state in ((left, "untrained"), (right, "trained")):
        for index, flow in enumerate(flows):
            colour = _COLOURS[index % len(_COLOURS)]
            _plot_flow(axes, getattr(flow, state), flow.cell, colour)
        axes.set(title=state, xlabel="distance k in tokens", yscale="log")
        axes.grid(visible=True, alpha=0.3)
    left.set_ylabel("mean norm of u · ∂s_T / ∂s_(T-k)")
    right.legend(fontsize=8)
    return figure


def _draw_clipping(flows: Sequence[CellFlow]) -> "Figure":
    figure = new_figure(12, 2.4 * len(flows))
    rows = figure.subplots(len(flows), 2, squeeze=False, sharex=True)
    for (losses, norms), flow in zip(rows, flows, strict=True):
        bound = "never" if flow.clip_norm is None else f"{flow.clip_norm:g}"
        for curve, label, colour in (
            (flow.free, "not clipped", "#c92a2a"),
            (flow.clipped, f"clipped to {bound}", "#1864ab"),
        ):
            losses.plot(_smooth(curve.losses), color=colour, label=label + (" (diverged)" if curve.ended else ""))
            norms.plot(curve.norms, color=colour, label=label, linewidth=0.6, alpha=0.8)
        if flow.clip_norm is not None:
            norms.axhline(flow.clip_norm, color="black", linestyle="--", linewidth=0.8)
        losses.set(title=f"{flow.cell}: loss (mean of the last 20 batches)", yscale="log")
        norms.set(title=f"{flow.cell}: norm of the gradient before clipping", yscale="log")
        losses.legend(fontsize=8)
    for axes in rows[-1]:
        axes.set_xlabel("batch")
    return figure


def _plot_flow(axes: "Axes", flow: Flow, name: str, colour: str) -> None:
    hidden, cell_state = (np.maximum(values, _FLOOR) for values in (flow.hidden, flow.cell_state))
    if np.array_equal(hidden, cell_state):
        axes.plot(hidden, color=colour, label=name)
        return
    axes.plot(hidden, color=colour, label=f"{name}: hidden state")
    axes.plot(cell_state, color=colour, linestyle="--", label=f"{name}: memory")


def _smooth(values: Sequence[float], width: int = 20) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Means of the last `width` values, of fewer at the start."""
    sums = np.concatenate(([0.0], np.cumsum(values)))
    ends = np.arange(1, len(sums))
    starts = np.maximum(ends - width, 0)
    return (sums[ends] - sums[starts]) / (ends - starts)


_FLOW_CAPTION = (
    "How much a small change of a cell's state k tokens ago still matters: 1 is all of it, a straight line down is "
    "exponential decay. Hidden states are solid; the memory of the LSTM family, its conveyor belt, is dashed."
)
_CLIPPING_CAPTION = (
    "The same training twice. Clipping scales a gradient whose norm is above the dashed line down to it; it can't "
    "help a vanishing gradient, but takes the leaps out of an exploding one."
)
