"""A training run as one picture: loss and learning rate, and how well each label was predicted, epoch by epoch."""

from collections.abc import Sequence
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from ner.inspection.canvas import drawing, new_figure, picture_bytes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MOST_LABELS = 10  # as many as there are colours; the first by alphabet


def draw_curves(history: Sequence[dict[str, Any]]) -> bytes | None:
    """The picture as a PNG; None without matplotlib, or without an epoch.

    Args:
        history: an epoch each, as in `history.jsonl`; older ones have no labels.
    """
    if not history or find_spec("matplotlib") is None:
        return None
    from matplotlib.ticker import MaxNLocator

    with drawing():
        scored = history[-1]["f1"] is not None
        figure = new_figure(11, 7 if scored else 3.5)
        panels = figure.subplot_mosaic("LLLRRR\nppqqff" if scored else "LR")
        epochs = [epoch["epoch"] for epoch in history]
        for panel, name, title in (("L", "loss", "mean loss of a sentence"), ("R", "learning_rate", "learning rate")):
            panels[panel].plot(epochs, [epoch[name] for epoch in history], color="#1864ab")
            panels[panel].set(title=title, xlabel="epoch", ylim=(0, None))
        measured = [(e["epoch"], e["dev_loss"]) for e in history if e.get("dev_loss") is not None]
        if measured:  # older models know none
            panels["L"].lines[0].set_label("training, with dropout")
            panels["L"].plot(*zip(*measured, strict=True), color="#c2410c", label="dev")
            panels["L"].legend(fontsize=8)
        for panel, name, title in (("p", "precision", "precision"), ("q", "recall", "recall"), ("f", "f1", "F1")):
            if scored:
                _draw_scores(panels[panel], history, name)
                panels[panel].set(title=f"dev {title}, percent", xlabel="epoch")
        for axes in panels.values():
            axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        if scored:
            for text in panels["f"].legend(fontsize=8, loc="lower right").get_texts():
                text.set_parse_math(False)  # a label such as $%$ is no formula
        return picture_bytes(figure)


def _draw_scores(axes: "Axes", history: Sequence[dict[str, Any]], name: str) -> None:
    """Draws a score of all entities and of each label, and marks the epoch that was kept."""
    labels = sorted({label for epoch in history for label in epoch.get("labels", {})})
    for label in labels[:_MOST_LABELS]:
        known = [(e["epoch"], 100 * e["labels"][label][name]) for e in history if label in e.get("labels", {})]
        # A leading _ would keep it out of the legend.
        axes.plot(*zip(*known, strict=True), linewidth=1, label=f" {label}" if label.startswith("_") else label)
    everything = [100 * epoch[name] for epoch in history]
    axes.plot([epoch["epoch"] for epoch in history], everything, color="black", linewidth=2, label="all")
    best = max((epoch["epoch"] for epoch in history if epoch["best"]), default=None)
    if best is not None:
        axes.axvline(best, color="#999", linestyle="--", linewidth=1)
