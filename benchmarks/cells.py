"""Every recurrent cell with one recipe: `python benchmarks/cells.py CONFIG [--set key=value]… --log runs.jsonl`.

Trains each cell with several seeds and prints a Markdown table: parameters of the encoder, training and tagging
speed, dev F1 as mean ± sd. A run that the log already has isn't repeated, so an interrupted benchmark goes on.
"""

import argparse
import json
import statistics
import time
from pathlib import Path

import torch

import ner
from ner.network.cells import CELLS
from ner.network.layer import RecurrentLayer


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("config")
    parser.add_argument("--set", action="append", default=[], dest="overrides", metavar="KEY=VALUE")
    parser.add_argument("--cells", nargs="*", default=list(CELLS))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--log", type=Path, required=True, help="JSON lines, one a run")
    parser.add_argument("--no-runs", action="store_true", help="only print the table of the log")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    if not options.no_runs:
        # Seed by seed, so that a benchmark cut short has compared all cells alike.
        for seed in range(1, options.seeds + 1):
            for cell in options.cells:
                run(options, cell, seed)
    print_table(read_log(options.log), measure_layers(options.cells))


def run(options: argparse.Namespace, cell: str, seed: int) -> None:
    settings = list(options.overrides)
    if any((r["cell"], r["seed"], r["settings"]) == (cell, seed, settings) for r in read_log(options.log)):
        return
    own = [f"model.cell={cell}", f"training.seed={seed}", f"run.threads={options.threads}"]
    config = ner.load_config(options.config, [*settings, *own])
    tagger = ner.train(
        config, ner.load_corpus(config.data), on_epoch=lambda epoch: print(cell, seed, epoch, flush=True)
    )
    line = {
        "cell": cell,
        "seed": seed,
        "settings": settings,
        "f1": tagger.metrics["dev"]["micro"]["f1"],
        "best_epoch": tagger.metrics["training"]["best_epoch"],
        "seconds": tagger.metrics["training"]["seconds"],
        "parameters": tagger.metrics["training"]["parameters"],
    }
    with options.log.open("a") as log:
        log.write(json.dumps(line) + "\n")


def read_log(path: Path) -> list[dict]:
    rows = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
    # Older rows hold the number of threads, which changes no weight.
    return [{**row, "settings": [s for s in row["settings"] if "threads=" not in s]} for row in rows]


def measure_layers(cells: list[str]) -> dict[str, tuple[int, float, float]]:
    """Parameters, and tokens a second trained and tagged, of a bidirectional layer 160 → 2·200, batch 32, 40 tokens."""
    inputs, lengths = torch.randn(32, 40, 160, requires_grad=True), torch.full((32,), 40)
    layers = {cell: RecurrentLayer(cell, 160, 200, bidirectional=True) for cell in cells}
    times: dict[str, list[tuple[float, float]]] = {cell: [] for cell in cells}
    for _ in range(12):  # the cells take turns, so that noise meets all alike
        for cell, layer in layers.items():
            start = time.perf_counter()
            layer(inputs, lengths)[0].sum().backward()
            middle = time.perf_counter()
            with torch.inference_mode():
                layer(inputs, lengths)
            times[cell].append((middle - start, time.perf_counter() - middle))
    tokens = int(lengths.sum())
    speeds = {}
    for cell, layer in layers.items():
        trained, tagged = (tokens / statistics.median(part) for part in zip(*times[cell][2:], strict=True))
        speeds[cell] = (sum(parameter.numel() for parameter in layer.parameters()), trained, tagged)
    return speeds


def print_table(runs: list[dict], layers: dict[str, tuple[int, float, float]]) -> None:
    print(
        "| cell | parameters of the layer | layer, trained | layer, read | dev F1, mean ± sd | seeds | minutes a run |"
    )
    print("|---|---|---|---|---|---|---|")
    for cell, (parameters, trained, tagged) in layers.items():
        own = [r for r in runs if r["cell"] == cell]
        scores = [100 * r["f1"] for r in own]
        spread = f" ± {statistics.stdev(scores):.2f}" if len(scores) > 1 else ""
        f1 = f"{statistics.mean(scores):.2f}{spread}" if scores else "–"
        minutes = f"{statistics.mean(r['seconds'] for r in own) / 60:.1f}" if own else "–"
        print(f"| {cell} | {parameters:,} | {trained:,.0f} | {tagged:,.0f} | {f1} | {len(scores)} | {minutes} |")


if __name__ == "__main__":
    main()
