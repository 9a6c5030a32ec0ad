"""What training and tagging cost as things grow: `python benchmarks/scaling.py --log FILE.jsonl --picture FILE.png`.

Sentence length, tags, sentences a batch (on one thread and more), and corpus size grow one at a time; the rest stays
as the recipe has it. The corpus is made up on the spot, the same one each time: words by Zipf's law, some of them
names. Every point is measured once a round, so that noise meets all alike; medians of the rounds count. Prints the
table and the slopes on logarithmic axes, where 1 is linear cost; draws them beside a line of slope 1.
"""

import argparse
import json
import math
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from matplotlib.axes import Axes

import ner
from ner.config import Config
from ner.formats.corpus import Corpus
from ner.inference.loading import Model
from ner.inspection.canvas import drawing, new_figure, save_figure
from ner.tagger import Tagger
from ner.text.sentence import Sentence, Span, sentence_from_words
from ner.text.tags import spans_to_tags
from ner.training.training import train_model

LENGTHS = (10, 20, 50, 100, 200, 500, 1000, 2000)
LABELS = (2, 4, 8, 16, 33, 66)  # 4 tags each and O: 9 to 265, those of benchmarks/crf.py among them
BATCHES = (1, 2, 4, 8, 16, 32, 64, 128)
CORPORA = (500, 1000, 2000, 4000, 8000)
# Of CoNLL-2003: 14.5 tokens a sentence, four labels, one token of six in an entity.
LENGTH, NUM_LABELS, NAME_SHARE = 15, 4, 1 / 6
TOKENS = 12_000  # of a point where the corpus isn't what grows, at least
ONE = "tagging one at a time"
PANELS = (
    ("length", "Sentence length", "tokens of a sentence", "milliseconds a sentence"),
    ("corpus", "Corpus size", "sentences", "seconds in all"),
    ("tags", "Tags", "tags", "microseconds a token"),
    ("batch", "Batch size and threads", "sentences at a time", "microseconds a token"),
)
COLOURS = {"training": "#1864ab", "tagging": "#e67700", ONE: "#2b8a3e"}


@dataclass(frozen=True)
class Point:
    """What one measurement gave: `value` of what grows, and the median seconds over the tokens read in them."""

    sweep: str
    what: str
    value: int
    threads: int
    sentences: int
    tokens: int
    entities: int
    seconds: float
    tokens_per_second: float
    rounds: tuple[float, ...]


@dataclass(frozen=True)
class Case:
    """Something to measure: `work` returns seconds and the entities found (0 where none are looked for)."""

    sweep: str
    what: str
    value: int
    threads: int
    sentences: Sequence[Sentence]
    work: Callable[[], tuple[float, int]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("config", nargs="?", default="configs/conll2003.toml")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2], help="the last one is everybody's")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--share", type=float, default=1.0, help="of all sizes but lengths and tags: a quick check")
    parser.add_argument("--log", type=Path, required=True, help="JSON lines, one a point; written anew")
    parser.add_argument("--picture", type=Path, help="a PNG")
    options = parser.parse_args()
    # The vectors would weigh on every point alike; the words' own table grows with the corpus without them too.
    settings = ["model.vectors=", "training.epochs=1", "training.calibrate=false", "run.threads="]
    points = measure(all_cases(ner.load_config(options.config, settings), options), options.rounds)
    options.log.write_text("".join(json.dumps(asdict(point)) + "\n" for point in points), encoding="utf-8")
    print_points(points)
    if options.picture:
        draw(points, options.picture)


def made_up(sentences: int, length: int, *, labels: int = NUM_LABELS) -> list[Sentence]:
    """Tagged sentences of this length. A name tells its label by its ending; entities have one to three tokens."""
    rng = np.random.default_rng([sentences, length, labels])
    ranks = np.minimum(rng.zipf(1.3, size=(sentences, length)), 10**9)
    starts = rng.random((sentences, length)) < NAME_SHARE / 2  # entities have two tokens on average
    kinds, sizes = rng.integers(labels, size=(sentences, length)), rng.integers(1, 4, size=(sentences, length))
    made = []
    for row in range(sentences):
        words, spans = [spelled(int(rank)) for rank in ranks[row]], []
        for place in np.flatnonzero(starts[row]).tolist():
            if spans and place < spans[-1].end:
                continue
            end = min(place + int(sizes[row, place]), length)
            ending = spelled(int(kinds[row, place]))
            words[place:end] = [word.title() + ending for word in words[place:end]]
            spans.append(Span(f"L{kinds[row, place]}", place, end))
        made.append(sentence_from_words(words, spans_to_tags(spans, length)))
    return made


def spelled(rank: int) -> str:
    """A number as syllables, as short as it is small: 0 is `ba`."""
    consonant, vowel = divmod(rank % 80, 5)
    return (spelled(rank // 80 - 1) if rank >= 80 else "") + "bcdfghjklmnprstv"[consonant] + "aeiou"[vowel]


def all_cases(config: Config, options: argparse.Namespace) -> list[Case]:
    """Every point; models that only tag are trained here, before anything is timed."""
    threads, size = options.threads[-1], config.training.batch_size
    torch.set_num_threads(threads)

    def scaled(number: int) -> int:
        return max(math.ceil(options.share * number), size)

    def changed(**settings: int) -> Config:
        return config.model_copy(update={"training": config.training.model_copy(update=settings)})

    def whole(sentences: list[Sentence]) -> Callable[[], tuple[float, int]]:
        return lambda: (timed(lambda: train(config, sentences)), 0)

    largest = made_up(scaled(CORPORA[-1]), LENGTH)
    tagger = Tagger(train(config, largest))
    cases = []
    for length in LENGTHS:
        made = made_up(max(scaled(TOKENS // length), size), length)
        cases += [
            Case("length", "training", length, threads, made, lambda made=made: (epoch(config, made), 0)),
            Case("length", "tagging", length, threads, made, lambda made=made: tag(tagger, made)),
            Case("length", ONE, length, threads, made[:100], lambda made=made: tag(tagger, made[:100], 1)),
        ]
    for labels in LABELS:
        made = made_up(scaled(TOKENS // LENGTH), LENGTH, labels=labels)
        # Enough small steps that it finds entities, which are what scores are computed for.
        own = Tagger(train(changed(batch_size=8, epochs=2), made))
        cases += [
            Case("tags", "training", 4 * labels + 1, threads, made, lambda made=made: (epoch(config, made), 0)),
            Case("tags", "tagging", 4 * labels + 1, threads, made, lambda made=made, own=own: tag(own, made)),
        ]
    for used in options.threads:
        for batch in BATCHES:
            # Small batches are slow: fewer of their sentences take as long.
            part = largest[: scaled(min(TOKENS // LENGTH, 100 * batch))]
            cases += [
                Case(
                    "batch",
                    "training",
                    batch,
                    used,
                    part,
                    lambda part=part, b=batch: (epoch(changed(batch_size=b), part), 0),
                ),
                Case("batch", "tagging", batch, used, part, lambda part=part, b=batch: tag(tagger, part, b)),
            ]
    for number in CORPORA:
        part = largest[: scaled(number)]
        cases += [
            Case("corpus", "training", len(part), threads, part, whole(part)),
            Case("corpus", "tagging", len(part), threads, part, lambda part=part: tag(tagger, part)),
        ]
    return cases


def train(config: Config, sentences: Sequence[Sentence]) -> Model:
    return train_model(config, Corpus(list(sentences), [], []))


def epoch(config: Config, sentences: Sequence[Sentence]) -> float:
    """Seconds of a training epoch alone, without what comes before and after it."""
    speed = train(config, sentences).history[0]["tokens_per_second"]
    return float(sum(len(sentence.tokens) for sentence in sentences) / speed)


def tag(tagger: Tagger, sentences: Sequence[Sentence], at_a_time: int | None = None) -> tuple[float, int]:
    """Seconds of tagging with scores, all sentences at once or so many at a time; the entities found."""
    step, found = at_a_time or len(sentences), []
    start = time.perf_counter()
    for place in range(0, len(sentences), step):
        found += tagger.find_spans(sentences[place : place + step])
    return time.perf_counter() - start, sum(len(spans) for spans in found)


def timed(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def measure(cases: Sequence[Case], rounds: int) -> list[Point]:
    """A point for each case: the median of the rounds after a first one, which warms up."""
    results: list[list[tuple[float, int]]] = [[] for _ in cases]
    for number in range(rounds + 1):
        for case, result in zip(cases, results, strict=True):
            torch.set_num_threads(case.threads)
            result.append(case.work())
        print(f"round {number} of {rounds}", file=sys.stderr, flush=True)
    points = []
    for case, result in zip(cases, results, strict=True):
        times = tuple(seconds for seconds, _ in result[1:])
        tokens, seconds = sum(len(sentence.tokens) for sentence in case.sentences), statistics.median(times)
        head = (case.sweep, case.what, case.value, case.threads, len(case.sentences), tokens, result[-1][1])
        points.append(Point(*head, seconds, tokens / seconds, times))
    return points


def slope(values: Sequence[float], costs: Sequence[float]) -> float:
    """The exponent p of the power law cost ∝ value^p that is nearest on logarithmic axes; 1 is linear."""
    return float(np.polyfit(np.log(values), np.log(costs), 1)[0])


def cost(point: Point) -> float:
    """Milliseconds a sentence where its length grows, seconds in all where the corpus does, else µs a token."""
    if point.sweep == "corpus":
        return point.seconds
    return 1e3 * point.seconds / point.sentences if point.sweep == "length" else 1e6 / point.tokens_per_second


def select(points: Sequence[Point], sweep: str, what: str) -> list[Point]:
    return [point for point in points if (point.sweep, point.what) == (sweep, what)]


def print_points(points: Sequence[Point]) -> None:
    speeds = {(p.sweep, p.value, p.threads, p.what): f"{p.tokens_per_second:,.0f}" for p in points}
    print(f"tokens a second, medians of {len(points[0].rounds)}; tagged with scores\n")
    print("| grows | value | threads | trained | tagged | tagged one at a time |\n|---|---|---|---|---|---|")
    for key in dict.fromkeys((p.sweep, p.value, p.threads) for p in points):
        found = " | ".join(speeds.get((*key, what), "") for what in COLOURS)
        print(f"| {key[0]} | {key[1]:,} | {key[2]} | {found} |")
    print("\n| slope (1 is linear) | all points | upper half |\n|---|---|---|")
    for sweep in ("length", "corpus"):
        for what in COLOURS:
            if own := select(points, sweep, what):
                values, costs = [p.value for p in own], [cost(p) for p in own]
                half = len(own) // 2
                upper = slope(values[half:], costs[half:])
                print(f"| {what} against {sweep} | {slope(values, costs):.2f} | {upper:.2f} |")


def draw(points: Sequence[Point], path: Path) -> None:
    """Writes the picture: four panels on logarithmic axes."""
    with drawing():
        figure = new_figure(12, 9)
        for axes, (sweep, *texts) in zip(figure.subplots(2, 2).flat, PANELS, strict=True):
            draw_panel(axes, [point for point in points if point.sweep == sweep], *texts)
        save_figure(figure, path)


def draw_panel(axes: Axes, points: Sequence[Point], title: str, along: str, up: str) -> None:
    linear, used = points[0].sweep in ("length", "corpus"), sorted({point.threads for point in points})
    for what, colour in COLOURS.items():
        for threads in used:
            own = [point for point in points if (point.what, point.threads) == (what, threads)]
            if not own:
                continue
            values, costs = [p.value for p in own], [cost(p) for p in own]
            name = f"{what}, {threads} thread{'s' * (threads > 1)}" if len(used) > 1 else what
            name += f": slope {slope(values, costs):.2f}" if linear else ""
            style = "-" if threads == used[-1] else ":"
            axes.plot(values, costs, style, marker="o", markersize=4, color=colour, label=name)
            if linear:
                ideal = [costs[-1] * value / values[-1] for value in values]
                axes.plot(values, ideal, "--", color=colour, alpha=0.5, linewidth=1, zorder=0)
    if linear:
        axes.plot([], [], "--", color="#868e96", linewidth=0.9, label="linear cost (slope 1)")
    axes.set(title=title, xlabel=along, ylabel=up, xscale="log", yscale="log")
    ticks = sorted({point.value for point in points})
    axes.set_xticks(ticks, [f"{value:,}" for value in ticks])
    lowest, highest = min(cost(point) for point in points) / 1.3, max(cost(point) for point in points) * 1.3
    steps = [step * 10.0**power for power in range(-4, 6) for step in (1, 2, 5)]
    marks = [step for step in steps if lowest < step < highest]
    axes.set_yticks(marks, [f"{mark:,.6g}" for mark in marks])
    axes.set_ylim(lowest, highest)
    axes.minorticks_off()
    axes.grid(visible=True, alpha=0.3)
    axes.legend(fontsize=8)


if __name__ == "__main__":
    main()
