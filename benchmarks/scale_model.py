"""What more workers bring, by a model fitted on one and two: `python benchmarks/scale_model.py RUNS.json [--out PNG]`.

The time of a job on n workers is

    T(n) = start + scan · bytes + words · (1 + share) / (speed · n) + last

where workers beside others on a machine share its memory and caches, which costs each of them the `share` that the run
on two shows; of one worker, `share` and `last` are 0. `start` is the driver's and a worker's start, `scan` the driver's
single look at the input, `last` half of a shard, for which the others wait on average. RUNS.json is what
`benchmarks/bulk.py --json` writes; where it has no run on one worker, `--share` says what to take. Where the efficiency
T(1) / (n · T(n)) falls under 80 %, a line says.
"""

import argparse
import json
from dataclasses import dataclass
from pathlib import Path

from ner.inspection.canvas import drawing, new_figure, save_figure

ROOT = Path(__file__).parent.parent
ENOUGH = 0.8  # efficiency under which more workers are no longer worth it
WORKERS = (1, 2, 4, 8, 16, 32, 64)
WORDS = (1_000_000, 10_000_000, 100_000_000, 1_000_000_000)  # of the jobs in the picture
COLOURS = ("#adb5bd", "#74c0fc", "#1c7ed6", "#0b3d6e")


@dataclass(frozen=True, slots=True)
class Model:
    """Seconds, words a second of one worker alone, and bytes; `processors` are those of one machine."""

    start: float
    scan: float  # seconds a byte
    speed: float
    share: float
    bytes_per_word: float = 5.5
    shard: int = 4_000_000

    def seconds(self, words: float, workers: int) -> float:
        """How long a job takes."""
        slower = 1 + self.share if workers > 1 else 1.0
        size = words * self.bytes_per_word
        last = min(self.shard, size) / self.bytes_per_word / self.speed * slower / 2 if workers > 1 else 0.0
        return self.start + self.scan * size + words * slower / (self.speed * workers) + last

    def efficiency(self, words: float, workers: int) -> float:
        """The part of n workers' time that is work: the time of one worker over n times that of n."""
        return self.seconds(words, 1) / (workers * self.seconds(words, workers))

    def most_workers(self, words: float, *, enough: float = ENOUGH) -> int:
        """The last number of workers, of those up to 4,096, whose efficiency is enough."""
        return max(n for n in range(1, 4097) if n == 1 or self.efficiency(words, n) >= enough)


def fit(runs: dict[str, float], *, share: float = 0.1) -> Model:
    """The model of measured seconds: of the start, of a scan, and of the work on one worker and on two.

    Without a run on one worker it is made of the run on two and of a share that is taken.
    """
    two = runs["two_workers"]
    one = runs.get("one_worker", 2 * two / (1 + share))
    return Model(
        start=runs["start"],
        scan=runs["scan"] / runs["bytes"],
        speed=runs["words"] / one,
        # On two workers each does half of the words in `two` seconds.
        share=max(0.0, 2 * two / one - 1),
        bytes_per_word=runs["bytes"] / runs["words"],
    )


def draw(model: Model, path: Path) -> None:
    with drawing():
        figure = new_figure(8.3, 4.0)
        left, right = figure.subplots(1, 2)
        for words, colour in zip(WORDS, COLOURS, strict=True):
            name = f"{words // 1_000_000:,} million words"
            times = [model.seconds(words, n) for n in WORKERS]
            left.plot(WORKERS, [times[0] / each for each in times], marker="o", color=colour, label=name)
            right.plot(WORKERS, [100 * model.efficiency(words, n) for n in WORKERS], marker="o", color=colour)
        left.plot(WORKERS, WORKERS, "--", color="#868e96", linewidth=0.9, label="linear")
        right.axhline(100 * ENOUGH, linestyle="--", color="#868e96", linewidth=0.9)
        left.set(title="times as fast as one worker", xlabel="workers", xscale="log", yscale="log")
        right.set(title=f"efficiency, % (dashed: {100 * ENOUGH:.0f})", xlabel="workers", xscale="log", ylim=(0, 105))
        for axes in (left, right):
            axes.set_xticks(WORKERS, [str(n) for n in WORKERS])
            axes.minorticks_off()
            axes.grid(visible=True, alpha=0.3)
        left.set_yticks(WORKERS, [str(n) for n in WORKERS])
        left.legend(fontsize=9)
        save_figure(figure, path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", type=Path)
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "pictures" / "scale.png")
    parser.add_argument("--share", type=float, default=0.1, help="where RUNS.json has no run on one worker")
    options = parser.parse_args()
    model = fit(json.loads(options.runs.read_text(encoding="utf-8")), share=options.share)
    print(model)
    print("| words | 1 worker | 64 workers | efficiency there | most workers at 80 % |\n|---|---|---|---|---|")
    for words in WORDS:
        times = [f"{model.seconds(words, n):,.0f} s" for n in (1, 64)]
        print(
            f"| {words:,} | {' | '.join(times)} | {model.efficiency(words, 64):.0%} | {model.most_workers(words):,} |"
        )
    draw(model, options.out)
    print(options.out)


if __name__ == "__main__":
    main()
