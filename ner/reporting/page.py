"""An analysis as one self-contained HTML page: figures, charts, and every mistake in its sentence.

Whatever comes from a file is escaped.
"""

import html
import math
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby, islice
from typing import Any

from ner.errors import counted
from ner.evaluation.analysis import Analysis
from ner.evaluation.calibration import thin, threshold_for
from ner.evaluation.certainty import Interval
from ner.evaluation.mistakes import KINDS, NONE, count_kinds, f1_without, frequent_strings
from ner.evaluation.scores import RELAXED, Scores
from ner.reporting.charts import draw_precision_recall, draw_range, draw_reliability
from ner.reporting.marking import marked
from ner.reporting.template import HEAD, SCRIPT
from ner.text.colours import hue_of

_MOST_MISTAKES = 2000  # on the page, which a browser opens at once; a file of all is for more
_FEW = 30  # gold entities of a part: fewer say so little that an axis needn't hold their interval
_COMPARABLE = (
    "A paper's F1 on CoNLL data compares with the first figure (micro, exact), one by seqeval's strict mode with the "
    "strict F1, a macro F1 with the macro F1, and the relaxed ones with nothing but their like."
)


def render_report(analysis: Analysis, title: str) -> Iterator[str]:
    """The page in pieces."""
    yield HEAD.format(title=html.escape(title))
    yield f"<h1>{html.escape(title)}</h1>\n"
    yield from _summary(analysis)
    yield from _labels(analysis)
    yield from _kinds(analysis)
    yield from _confusion(analysis)
    yield from _slices(analysis)
    yield from _calibration(analysis)
    yield from _strings(analysis)
    yield from _mistakes(analysis)
    yield "</body>\n</html>\n"


def _summary(analysis: Analysis) -> Iterator[str]:
    report, certainty = analysis.report, analysis.certainty
    tiles = [
        ("F1, as conlleval", _percent(report.micro.f1), certainty.micro and f"95%: {certainty.micro}"),
        ("precision", _percent(report.micro.precision), f"{report.micro.found} predicted"),
        ("recall", _percent(report.micro.recall), f"{report.micro.support} gold"),
        (f"strict F1 ({analysis.scheme})", _percent(analysis.strict.f1), "ill-formed entities don't count"),
        ("macro F1", _percent(analysis.macro), f"mean of {counted(len(report.labels), 'label')}"),
        *(
            (f"relaxed: {RELAXED[name].title}", _percent(scores.f1), RELAXED[name].needs)
            for name, scores in analysis.relaxed.items()
        ),
        ("token accuracy", _percent(report.accuracy), counted(report.tokens, "token")),
    ]
    yield '<div class="tiles">\n'
    for name, value, note in tiles:
        yield f'<div class="tile"><span>{name}</span><b>{value}</b><span>{note or "&nbsp;"}</span></div>\n'
    yield "</div>\n"
    for remark in analysis.remarks():
        yield f"<p>{html.escape(remark)}</p>\n"
    drawn = f" Intervals: bootstrap over {certainty.count} {certainty.unit}s." if certainty.micro else ""
    yield f'<p class="soft">{_COMPARABLE}{drawn}</p>\n'


def _labels(analysis: Analysis) -> Iterator[str]:
    certainty, rows = analysis.certainty, analysis.report.labels.items()
    lowest = _lowest((s.f1, certainty.labels[label]) for label, s in rows if s.support >= _FEW)
    most = max((s.support for _, s in rows), default=0)
    yield "<h2>Labels</h2>\n"
    yield from _table(
        ["label", *_NUMBERS, _axis(lowest)],
        ([html.escape(label), *_numbers(s), _range(s, certainty.labels[label], lowest, most)] for label, s in rows),
    )


def _kinds(analysis: Analysis) -> Iterator[str]:
    mended, now = f1_without(analysis.report.micro, analysis.mistakes), analysis.report.micro.f1
    yield "<h2>Mistakes by kind</h2>\n"
    yield from _table(
        ["kind", "how many", "F1 if mended", "gain", "what it is"],
        (
            [kind, str(count), _percent(mended[kind]), f"{100 * (mended[kind] - now):+.2f}", KINDS[kind]]
            for kind, count in count_kinds(analysis.mistakes).items()
        ),
        words=(0, 4),
    )


def _confusion(analysis: Analysis) -> Iterator[str]:
    names = (*analysis.confusion.labels, NONE)
    rows = analysis.confusion.rows
    most = max((n for i, row in enumerate(rows) for j, n in enumerate(row) if i != j), default=0) or 1
    yield "<h2>Labels taken for each other</h2>\n"
    yield '<p class="soft">Gold down, predicted across; blue is correct, orange wrong, the darker the more.</p>\n'
    header = "".join(f"<th>{html.escape(name)}</th>" for name in names)
    yield f'<div class="wide"><table class="map"><tr><th></th>{header}</tr>\n'
    for i, (name, row) in enumerate(zip(names, rows, strict=True)):
        cells = []
        for j, number in enumerate(row):
            share = number / (sum(row) or 1) if i == j else number / most
            colour = "24 100 171" if i == j else "194 65 12"
            white = "; color: #fff" if share > 0.6 else ""
            cells.append(f'<td style="background: rgb({colour} / {share:.2f}){white}">{number or ""}</td>')
        yield f"<tr><th>{html.escape(name)}</th>{''.join(cells)}</tr>\n"
    yield "</table></div>\n"


def _slices(analysis: Analysis) -> Iterator[str]:
    if not analysis.slices:
        return
    lowest = _lowest((p.scores.f1, p.interval) for p in analysis.slices if p.scores.support >= _FEW)
    most = max(piece.scores.support for piece in analysis.slices)
    yield "<h2>Parts of the entities</h2>\n"
    for question, pieces in groupby(analysis.slices, key=lambda piece: piece.question):
        yield f"<h3>By {html.escape(question)}</h3>\n"
        yield from _table(
            ["", *_NUMBERS, _axis(lowest)],
            ([p.part, *_numbers(p.scores), _range(p.scores, p.interval, lowest, most)] for p in pieces),
        )


def _calibration(analysis: Analysis) -> Iterator[str]:
    if analysis.calibration is None:
        return
    last = analysis.thresholds[-1]
    yield '<h2>Scores</h2>\n<div class="charts">\n'
    yield (
        f"<figure>{draw_reliability(analysis.calibration)}<figcaption>Calibrated scores lie on the dashed line: "
        f"{html.escape(str(analysis.calibration))}.</figcaption></figure>\n"
    )
    yield (
        f"<figure>{draw_precision_recall(thin(analysis.thresholds))}<figcaption>What keeping only the surer entities "
        f"brings; the dot keeps all {last.kept}.</figcaption></figure>\n</div>\n"
    )
    goals = [(goal, threshold_for(analysis.thresholds, goal)) for goal in (0.9, 0.95, 0.98, 0.99)]
    yield from _table(
        ["wished-for precision", "lowest score", "precision", "recall", "kept"],
        (
            [f"{100 * goal:g}%", *([f"{t.score:.4f}", _percent(t.precision), _percent(t.recall), str(t.kept)])]
            if t
            else [f"{100 * goal:g}%", "none reaches it", "", "", ""]
            for goal, t in goals
        ),
    )


def _strings(analysis: Analysis) -> Iterator[str]:
    rows = frequent_strings(analysis.mistakes, analysis.sentences)
    if rows:
        yield "<h2>What goes wrong most often</h2>\n"
        yield from _table(
            ["times", "kind", "gold", "predicted"],
            (
                [
                    str(row["count"]),
                    row["kind"],
                    *(html.escape(row[side] or "nothing") for side in ("gold", "predicted")),
                ]
                for row in rows
            ),
            words=(1, 2, 3),
        )


def _mistakes(analysis: Analysis) -> Iterator[str]:
    yield "<h2>Every mistake</h2>\n"
    if not analysis.mistakes:
        yield "<p>There are none.</p>\n"
        return
    labels = {label: number for number, label in enumerate(analysis.report.labels)}
    hues: dict[str, int] = {}
    for label in labels:
        hue_of(label, hues)
    kinds = "".join(f"<option>{kind}</option>" for kind, count in count_kinds(analysis.mistakes).items() if count)
    names = "".join(f'<option value="{number}">{html.escape(name)}</option>' for name, number in labels.items())
    sure = '<option value="sure">surest first</option><option value="unsure">least sure first</option>'
    number = min(len(analysis.mistakes), _MOST_MISTAKES)
    yield (
        '<div class="filters">\n'
        f'<label>kind <select id="kind"><option value="">all</option>{kinds}</select></label>\n'
        f'<label>label <select id="label"><option value="">all</option>{names}</select></label>\n'
        '<label>words <input id="words" type="search"></label>\n'
        f'<label>order <select id="order"><option value="file">as in the file</option>{sure}'
        '<option value="kind">by kind</option></select></label>\n'
        f'<span class="soft"><span id="shown">{number}</span> of {number} shown</span>\n</div>\n'
    )
    if number < len(analysis.mistakes):
        yield f'<p class="soft">These are the first {number} of {len(analysis.mistakes)}; --errors writes all.</p>\n'
    yield '<div id="mistakes">\n'
    for index, row in enumerate(islice(analysis.errors(), number)):
        yield _article(index, row, labels, hues)
    yield f"</div>\n{SCRIPT}"


def _article(index: int, row: dict[str, Any], labels: dict[str, int], hues: dict[str, int]) -> str:
    """One mistake: the sentence with its gold entities over the same with the predicted ones."""
    sides = (row["gold"], row["predicted"])
    numbers = " ".join(str(labels[label]) for label in sorted({span["label"] for side in sides for span in side}))
    # Where nothing was predicted there is no score; 0 puts it behind the sure ones.
    score = max((span.get("score", 0.0) for span in row["predicted"]), default=0.0)
    source = html.escape(row["where"].rpartition("/")[2] or f"sentence {row['sentence']}")
    document = f"<span>document {row['document']}</span>" if row["document"] else ""
    lines = "".join(
        f"<div><span>{name}</span><span>{marked(row['words'], side, hues)}</span></div>"
        for name, side in zip(("gold", "predicted"), sides, strict=True)
    )
    return (
        f'<article data-index="{index}" data-kind="{row["kind"]}" data-labels="{numbers}" data-score="{score:.6f}">'
        f"<header><b>{row['kind']}</b><span>{source}</span>{document}</header>{lines}</article>\n"
    )


_NUMBERS = ("precision", "recall", "F1", "gold", "predicted")


def _numbers(scores: Scores) -> list[str]:
    percents = [_percent(value) for value in (scores.precision, scores.recall, scores.f1)]
    return [*percents, str(scores.support), str(scores.found)]


def _table(header: Sequence[str], rows: Iterable[Sequence[str]], *, words: Sequence[int] = (0,)) -> Iterator[str]:
    """A table of cells that are HTML already; `words` are the columns of words, which stand to the left."""

    def line(tag: str, cells: Sequence[str]) -> str:
        left = ' class="text"'
        made = (f"<{tag}{left if n in words else ''}>{cell}</{tag}>" for n, cell in enumerate(cells))
        return f"<tr>{''.join(made)}</tr>\n"

    yield f'<div class="wide"><table>\n{line("th", header)}'
    for row in rows:
        yield line("td", row)
    yield "</table></div>\n"


def _axis(lowest: float) -> str:
    return f'<span class="axis-name"><span>{100 * lowest:g}</span><span>F1, 95% interval</span><span>100</span></span>'


def _range(scores: Scores, interval: Interval | None, lowest: float, most: int) -> str:
    """The F1 of a row on the axis of its table; nothing where there is no gold entity, so no F1 that says anything."""
    return draw_range(scores.f1, interval, lowest, share=scores.support / most) if scores.support else ""


def _lowest(values: Iterable[tuple[float, Interval | None]]) -> float:
    """Where an axis begins that all of these fit on, in steps of a tenth."""
    lows = [min(f1, interval.low if interval else f1) for f1, interval in values]
    return min(math.floor(10 * min(lows, default=0.0)) / 10, 0.9)


def _percent(value: float) -> str:
    return f"{100 * value:.2f}"
