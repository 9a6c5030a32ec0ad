"""A sentence seen from inside, and the CRF's transitions, as pictures with words under them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ner.inspection.canvas import LONGEST_LABEL, draw_heat_map, draw_picture, new_figure
from ner.inspection.trace import Inspection, Transitions

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_COLUMN = 0.42  # inches a token; room for a number of two digits
_ROW = 0.3  # inches a tag
_NARROWEST = 7.0  # inches: the titles fit


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture's file, what it is of, and how to read it."""

    path: Path
    title: str
    caption: str


def draw_sentence(inspection: Inspection, folder: Path, prefix: str) -> tuple[list[Picture], list[str]]:
    """Writes the pictures of a sentence to `folder`, names opening with `prefix`.

    Returns:
        Those that were drawn, and warnings.
    """
    planned = [
        (
            Picture(folder / f"{prefix}layer-{number}.png", f"Layer {number}: gates and memory", _LAYER_CAPTION),
            partial(_draw_layer, inspection, layer),
        )
        for number, layer in enumerate(inspection.layers, start=1)
    ]
    scores = Picture(folder / f"{prefix}scores.png", "Emissions and marginals", _SCORES_CAPTION)
    planned.append((scores, partial(_draw_scores, inspection)))
    if inspection.influences:
        influence = Picture(folder / f"{prefix}influence.png", "What each entity rests on", _INFLUENCE_CAPTION)
        planned.append((influence, partial(_draw_influence, inspection)))
    return draw_all(planned)


def draw_all(planned: Sequence[tuple[Picture, Callable[[], "Figure"]]]) -> tuple[list[Picture], list[str]]:
    """Those pictures that could be drawn, and warnings."""
    warnings = [warning for picture, draw in planned for warning in draw_picture(picture.path, draw)]
    return [picture for picture, _ in planned if picture.path.is_file()], warnings


def draw_transitions(transitions: Transitions, path: Path) -> tuple[list[Picture], list[str]]:
    """Writes a heat map of the CRF's transition scores; returns it, if it was drawn, and warnings."""
    return draw_all([(Picture(path, "Transitions", _TRANSITIONS_CAPTION), partial(_draw_transitions, transitions))])


def _draw_transitions(scores: Transitions) -> "Figure":
    table = np.block([[scores.start, np.nan], [scores.transitions, scores.end[:, None]]])
    shown = np.where(np.isinf(table), np.nan, table)
    reach = float(np.nanmax(np.abs(shown), initial=0.1))
    side = 1.8 + _COLUMN * (len(scores.tags) + 1)
    figure = new_figure(side + 0.8, side)
    axes = figure.subplots()
    # Numbers can be read up to a certain number of tags; beyond, colour alone tells.
    numbers = ".1f" if len(scores.tags) <= 40 else ""
    rows, columns = ["(start)", *scores.tags], [*scores.tags, "(end)"]
    image = draw_heat_map(axes, shown, rows=rows, columns=columns, limits=(-reach, reach), numbers=numbers)
    axes.set(xlabel="to", ylabel="from", title="CRF transition scores; white: forbidden")
    figure.colorbar(image, ax=axes, shrink=0.6)
    return figure


def _draw_layer(inspection: Inspection, layer: dict[str, dict[str, Any]]) -> "Figure":
    words = inspection.words
    gates = [name for name in next(iter(layer.values())) if name not in ("hidden", "cell_state")]
    heights = ([0.4 + 0.32 * len(gates)] if gates else []) + [3.2]
    figure = new_figure(max(_NARROWEST, _COLUMN * len(words) + 1.8), len(layer) * (sum(heights) + 1.0))
    grid = figure.subplots(len(layer) * len(heights), 1, squeeze=False, height_ratios=heights * len(layer))[:, 0]
    for index, (side, seen) in enumerate(layer.items()):
        reads = "reads →" if side == "forward" else "reads ←"
        if gates:
            means = np.stack([seen[name].mean(1) for name in gates])
            axes = grid[index * 2]
            draw_heat_map(axes, means, rows=gates, columns=words, limits=(0, 1), numbers=".2f")
            axes.set_title(f"{side} direction ({reads}): mean of each gate, 0 closed, 1 open")
        # Units in the order in which they speak loudest, so that what is held shows as a streak.
        cell_states = seen["cell_state"]
        order = np.argsort(np.abs(cell_states).argmax(0), kind="stable")
        reach = max(float(np.quantile(np.abs(cell_states), 0.99)), 1e-6)
        axes = grid[(index + 1) * len(heights) - 1]
        image = draw_heat_map(axes, cell_states.T[order], rows=(), columns=words, limits=(-reach, reach))
        axes.set(title=f"{side} direction ({reads}): memory", ylabel=f"{cell_states.shape[1]} units")
        axes.set_yticks([])
        figure.colorbar(image, ax=axes, shrink=0.8)
    return figure


def _draw_scores(inspection: Inspection) -> "Figure":
    words, tags = inspection.words, inspection.tags
    width = max(_NARROWEST, _COLUMN * len(words) + 2.4)
    figure = new_figure(width, 2 * (_ROW * len(tags) + 1.3))
    upper, lower = figure.subplots(2, 1)
    reach = float(np.abs(inspection.emissions).max())
    for axes, values, limits, numbers, title in (
        (upper, inspection.emissions, (-reach, reach), ".0f", "emissions: what each token says on its own"),
        (lower, inspection.marginals, (0.0, 1.0), "", "marginals: probability of each tag, all tag sequences weighed"),
    ):
        image = draw_heat_map(axes, values.T, rows=tags, columns=words, limits=limits, numbers=numbers)
        axes.set_title(title)
        figure.colorbar(image, ax=axes, shrink=0.8)
    return figure


def _draw_influence(inspection: Inspection) -> "Figure":
    words = inspection.words
    # As shares: how the influence divides among the tokens. A sure entity's gradient is tiny everywhere.
    norms = np.stack([influence.norms for influence in inspection.influences])
    shares = norms / np.maximum(norms.sum(1, keepdims=True), np.finfo(norms.dtype).tiny)
    names = [f"{each.text}  {each.span.label} {each.score:.3f}" for each in inspection.influences]
    longest = min(max(map(len, names)), LONGEST_LABEL)
    width = max(_NARROWEST, _COLUMN * len(words) + 1.6 + 0.085 * longest)
    figure = new_figure(width, 0.45 * len(names) + 1.6)
    axes = figure.subplots()
    image = draw_heat_map(
        axes, 100 * shares, rows=names, columns=words, limits=(0, float(100 * shares.max())), numbers=".0f"
    )
    axes.set_title("|∂ probability / ∂ input| of each entity, percent of the row")
    figure.colorbar(image, ax=axes, shrink=0.8)
    return figure


_LAYER_CAPTION = (
    "Above, the mean of each gate over all units: a forget gate at 1 keeps the memory as it is, at 0 it forgets "
    "everything. Below, the memory unit by unit: a streak is something that is remembered over several tokens."
)
_SCORES_CAPTION = (
    "Emissions are what the recurrent network thinks of each token; the CRF weighs whole tag sequences, and the "
    "marginals are what is left of each tag's chance after that."
)
_INFLUENCE_CAPTION = (
    "For each entity that was found, how strongly its probability would change with the input at each token: what "
    "the model looked at. Rows are shares, since the gradient of a very sure entity is tiny everywhere."
)
_TRANSITIONS_CAPTION = (
    "What the CRF has learned of which tag follows which; white moves are forbidden by the tag scheme and have "
    "probability zero."
)
