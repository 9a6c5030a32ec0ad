"""What a simulated annotation came to: F1 against annotated tokens, strategy by strategy, as a picture and a table."""

import statistics
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from ner.inspection.canvas import new_figure
from ner.training.simulation import ALL, Round, tokens_to_reach

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SHARE = 0.95  # of the F1 of all training sentences, which is to be reached
_COLOURS = {
    "random": "#868e96",
    "entropy": "#1864ab",
    "least-confident": "#2b8a3e",
    "margin": "#e67700",
    "diverse": "#c2255c",
    "bald": "#5f3dc4",
}


class Curve(NamedTuple):
    """A strategy: for each round the mean tokens, the mean F1 and its standard deviation over runs, in F1 points.

    `reached` has for each run the tokens that `SHARE` of the full F1 took; None where it wasn't reached.
    """

    strategy: str
    tokens: list[float]
    f1: list[float]
    sd: list[float]
    reached: list[float | None]


def full_f1(rounds: Sequence[Round]) -> float | None:
    """The F1 of the training on everything; None where there was none."""
    return next((found.f1 for found in rounds if found.strategy == ALL), None)


def curves_of(rounds: Sequence[Round]) -> list[Curve]:
    """A curve for each strategy, in the order in which they first come."""
    full = full_f1(rounds)
    curves = []
    for strategy in dict.fromkeys(found.strategy for found in rounds if found.strategy != ALL):
        own = [found for found in rounds if found.strategy == strategy]
        by_number = [[f for f in own if f.number == number] for number in sorted({found.number for found in own})]
        by_run = [sorted((f.tokens, f.f1) for f in own if f.run == run) for run in sorted({found.run for found in own})]
        curves.append(
            Curve(
                strategy,
                [statistics.mean(found.tokens for found in group) for group in by_number],
                [100 * statistics.mean(found.f1 for found in group) for group in by_number],
                [100 * statistics.stdev([f.f1 for f in group]) if len(group) > 1 else 0.0 for group in by_number],
                [] if full is None else [tokens_to_reach(curve, SHARE * full) for curve in by_run],
            )
        )
    return curves


def curve_table(rounds: Sequence[Round]) -> str:
    """The curves as a Markdown table, a round a column: F1 and, in brackets, the tokens that it took.

    Strategies have other tokens in the same round. Where there was a training on everything, a last column has what it
    took to come close to its F1.
    """
    curves = curves_of(rounds)
    if not curves:
        return ""
    full = full_f1(rounds)
    head = [f"round {number}" for number in range(max(len(curve.tokens) for curve in curves))]
    lines = [
        f"| dev F1 (after so many tokens) | {' | '.join(head)} |" + (" tokens to 95% of the full F1 |" if full else ""),
        "|---" * (len(head) + 1 + bool(full)) + "|",
    ]
    for curve in curves:
        cells = [
            f"{f1:.1f} ± {sd:.1f} ({tokens:,.0f})"
            for tokens, f1, sd in zip(curve.tokens, curve.f1, curve.sd, strict=True)
        ]
        cells += [""] * (len(head) - len(cells))
        told = f" {_told(curve)} |" if full else ""
        lines.append(f"| {curve.strategy} | {' | '.join(cells)} |{told}")
    if full:
        lines += ["", f"All training sentences: dev F1 {100 * full:.2f}; 95% of it is {100 * SHARE * full:.2f}."]
    return "\n".join(lines)


def draw_learning_curves(rounds: Sequence[Round], *, title: str) -> "Figure":
    """The curves, their standard deviations as bands, and the full F1 with 95% of it as lines."""
    from matplotlib.ticker import LogLocator, NullLocator, StrMethodFormatter

    figure = new_figure(8, 5)
    axes = figure.subplots()
    for curve in curves_of(rounds):
        colour = _COLOURS.get(curve.strategy)
        style: dict[str, Any] = {"color": colour, "linestyle": "--" if curve.strategy == "random" else "-"}
        axes.plot(curve.tokens, curve.f1, marker="o", markersize=4, label=curve.strategy, **style)
        low, high = ([f + way * s for f, s in zip(curve.f1, curve.sd, strict=True)] for way in (-1, 1))
        axes.fill_between(curve.tokens, low, high, color=colour, alpha=0.12, linewidth=0)
    full = full_f1(rounds)
    if full is not None:
        axes.axhline(100 * full, color="black", linewidth=1, label="all training sentences")
        axes.axhline(100 * SHARE * full, color="black", linewidth=1, linestyle=":", label="95% of that")
    axes.set(xscale="log", xlabel="annotated tokens", ylabel="dev F1, percent", title=title)
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))  # tokens as people count them, and not 2 × 10³
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.grid(color="#ddd")
    axes.legend(loc="lower right")
    return figure


def _told(curve: Curve) -> str:
    reached = [tokens for tokens in curve.reached if tokens is not None]
    if len(reached) < len(curve.reached):
        return f"not reached in {len(curve.reached) - len(reached)} of {len(curve.reached)} runs"
    return f"{statistics.mean(reached):,.0f}"
