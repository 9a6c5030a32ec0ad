"""One caller of `Tagger.tag` beside several threads that call it at once: `python benchmarks/threads.py MODEL FILE`.

Each sentence of the column file of more than ten words is a text. By turns one thread tags some of them, then several
threads take as many from one list; medians over the rounds of texts a second in all, and of the time that a call takes
(p50, p99), for each runtime that is here.
"""

import argparse
import statistics
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle, islice

import ner
from ner.inference.runtimes import usable_runtimes
from ner.tagger import Tagger

ner.settle_threads()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model")
    parser.add_argument("file")
    parser.add_argument("--threads", type=int, default=8, help="callers at once")
    parser.add_argument("--calls", type=int, default=400, help="texts of a turn")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--runtime", action="append", help="only this one; may be repeated")
    options = parser.parse_args()
    sentences = [s.words for s in ner.read_conll(options.file) if len(s.spelled) > 10]
    texts = cycle([" ".join(words) for words in sentences])
    print(f"{'runtime':8}{'callers':>8}{'texts/s':>9}{'p50 ms':>8}{'p99 ms':>8}{'texts/s':>9}{'p99/p50':>9}")
    for runtime in options.runtime or usable_runtimes("cpu", ner.load(options.model).config.model):
        tagger = ner.load(options.model, device="cpu", runtime=runtime)
        turn(tagger, list(islice(texts, options.calls)), 1)  # words get known
        alone, together = [], []
        for _ in range(options.rounds):
            alone.append(turn(tagger, list(islice(texts, options.calls)), 1))
            together.append(turn(tagger, list(islice(texts, options.calls)), options.threads))
        (rate, p50, p99), many = medians(alone), medians(together)
        print(f"{runtime:8}{1:>8}{rate:>9.0f}{1000 * p50:>8.2f}{1000 * p99:>8.2f}")
        print(
            f"{'':8}{options.threads:>8}{many[0]:>9.0f}{1000 * many[1]:>8.2f}{1000 * many[2]:>8.2f}"
            f"{many[0] / rate:>8.2f}x{many[2] / p50:>8.1f}x",
            flush=True,
        )


def turn(tagger: Tagger, texts: list[str], callers: int) -> tuple[float, float, float]:
    """Texts a second in all, and the median and 99th percentile of the seconds of a call."""
    rest = iter(texts)

    def call() -> list[float]:
        return list(timed(tagger, rest))

    with ThreadPoolExecutor(callers) as pool:
        start = time.perf_counter()
        waits = [pool.submit(call) for _ in range(callers)]
        seconds = [second for wait in waits for second in wait.result()]
        whole = time.perf_counter() - start
    assert len(seconds) == len(texts)
    cuts = statistics.quantiles(seconds, n=100)
    return len(texts) / whole, cuts[49], cuts[98]


def timed(tagger: Tagger, texts: Iterator[str]) -> Iterator[float]:
    for text in texts:
        start = time.perf_counter()
        tagger.tag(text)
        yield time.perf_counter() - start


def medians(rounds: list[tuple[float, float, float]]) -> list[float]:
    return [statistics.median(values) for values in zip(*rounds, strict=True)]


if __name__ == "__main__":
    main()
