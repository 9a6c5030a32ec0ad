"""How fast a model is on this machine: start-up, throughput, latency, memory.

Everything is timed as a user meets it: a fresh process for the start-up, text in and entities with scores out for
the rest. Medians over repeats; what is quoted of one run holds for that machine at that moment.
"""

import statistics
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ner.errors import DataError, counted, describe
from ner.inference.measured import remember
from ner.inference.runtimes import explain_runtime, usable_runtimes
from ner.settings import ModelConfig
from ner.tagger import Tagger, load
from ner.text.sentence import Sentence
from ner.threads import count_threads, use_threads

_REPEATS = 5
_STARTS = 3
_FEWEST_TO_REMEMBER = 2_000  # tokens: of fewer, the start of a batch decides which runtime is fastest
_MOST_SENTENCES = 500  # whose latency is measured
_STARTED = "ner bench: started"
_START_TORCH = f"import torch; print('{_STARTED}', flush=True)"
_START_NER = (
    "import sys, ner; ner.load(sys.argv[1], device=sys.argv[2], runtime=sys.argv[3]).tag('A short text.'); "
    f"print('{_STARTED}', flush=True)"
)


@dataclass(frozen=True, slots=True)
class RuntimeSpeed:
    """How fast a runtime reads the model; the latency is the median of one sentence at a time, in seconds."""

    tokens_per_second_split: float
    latency_p50: float


@dataclass(frozen=True, slots=True)
class Benchmark:
    """What was measured; times in seconds, memory in bytes, latency of one sentence at a time."""

    threads: int
    device: str
    runtime: str
    reason: str  # for this runtime
    runtimes: dict[str, RuntimeSpeed]  # all that can read the model here
    texts: int
    sentences: int
    tokens: int
    startup: float
    startup_torch: float | None  # None where PyTorch isn't what computes
    tokens_per_second: float
    tokens_per_second_split: float
    latency_p50: float
    latency_p90: float
    latency_p99: float
    memory_peak: int | None  # None where the system doesn't tell
    model_bytes: int

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return asdict(self)

    def __str__(self) -> str:
        mega = 1024 * 1024
        torch = "" if self.startup_torch is None else f", of which PyTorch {self.startup_torch:.2f} s"
        rows = [
            ("start, load, first tag", f"{self.startup:.2f} s{torch}"),
            ("raw text to entities with scores", f"{self.tokens_per_second:,.0f} tokens/s"),
            ("split sentences to entities with scores", f"{self.tokens_per_second_split:,.0f} tokens/s"),
            (
                "one sentence at a time",
                f"p50 {1000 * self.latency_p50:.2f} ms, p90 {1000 * self.latency_p90:.2f} ms, "
                f"p99 {1000 * self.latency_p99:.2f} ms",
            ),
            ("memory, peak", "unknown" if self.memory_peak is None else f"{self.memory_peak / mega:,.0f} MB"),
            ("model directory", f"{self.model_bytes / mega:,.1f} MB"),
        ]
        rows += [
            (
                f"runtime {name}",
                f"{speed.tokens_per_second_split:,.0f} tokens/s split, one sentence {1000 * speed.latency_p50:.2f} ms",
            )
            for name, speed in self.runtimes.items()
        ]
        head = (
            f"{counted(self.texts, 'text')}, {counted(self.sentences, 'sentence')}, {counted(self.tokens, 'token')}; "
            f"{self.device}, {counted(self.threads, 'thread')}, medians of {_REPEATS}\n"
            f"runtime {self.runtime}: {self.reason}"
        )
        return "\n".join([head, *(f"{name:42}{value}" for name, value in rows)])


def run_benchmark(
    folder: Path, texts: Sequence[str], *, device: str = "auto", runtime: str = "auto", threads: int | None = None
) -> Benchmark:
    """Measures a model directory on texts; which runtime was fastest on a processor, `auto` takes from then on.

    Args:
        folder: the model directory.
        texts: at least one with a token.
        device: as `load` takes it.
        runtime: as `load` takes it.
        threads: CPU threads; None: as many as there are cores.

    Raises:
        DataError: no text with a token.
        ModelError: the directory holds no model.
    """
    tagger = load(folder, device=device, runtime=runtime)
    if threads:
        use_threads(threads)
    pairs = [(text, sentence) for text in texts for sentence in tagger.split(text) if sentence.spelled]
    sentences = [sentence for _, sentence in pairs]
    tokens = sum(len(sentence.spelled) for sentence in sentences)
    if not tokens:
        raise DataError("bench: expected text to measure on, found none")
    # Evenly over all of them, since neighbours are alike.
    chosen = pairs[:: -(-len(pairs) // _MOST_SENTENCES)]
    alone = [text[s.tokens[0].start : s.tokens[-1].end] for text, s in chosen]
    latencies = _latencies(tagger, alone)
    model = tagger.config.model
    return Benchmark(
        threads=count_threads(),
        device=str(device),
        runtime=tagger.runtime,
        reason="asked for"
        if runtime != "auto"
        else explain_runtime(device, model, contextual=bool(tagger.config.features.contextual))[1],
        runtimes=_compare_runtimes(folder, device, model, sentences, alone),
        texts=len(texts),
        sentences=len(sentences),
        tokens=tokens,
        startup=_start(_START_NER, str(folder), device, runtime),
        startup_torch=_start(_START_TORCH) if tagger.runtime == "torch" else None,
        tokens_per_second=tokens / _median_seconds(lambda: sum(1 for _ in tagger.pipe(texts))),
        tokens_per_second_split=tokens / _median_seconds(lambda: tagger.find_spans(sentences)),
        latency_p50=float(np.quantile(latencies, 0.5)),
        latency_p90=float(np.quantile(latencies, 0.9)),
        latency_p99=float(np.quantile(latencies, 0.99)),
        memory_peak=_peak_memory(),
        model_bytes=sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()),
    )


def _compare_runtimes(
    folder: Path, device: str, model: ModelConfig, sentences: Sequence[Sentence], texts: Sequence[str]
) -> dict[str, RuntimeSpeed]:
    """Each runtime that can read the model, by name; the fastest of split sentences is remembered on a processor."""
    speeds = {}
    tokens = sum(len(sentence.spelled) for sentence in sentences)
    for name in usable_runtimes(device, model):
        tagger = load(folder, device=device, runtime=name)
        tagger.find_spans(sentences[:100])
        seconds = _median_seconds(lambda tagger=tagger: tagger.find_spans(sentences))  # type: ignore[misc]
        speeds[name] = RuntimeSpeed(tokens / seconds, float(np.median(_latencies(tagger, texts))))
    if len(speeds) > 1 and tokens >= _FEWEST_TO_REMEMBER:
        try:
            remember(model, max(speeds, key=lambda name: speeds[name].tokens_per_second_split))
        except OSError as error:
            warnings.warn(f"bench: which runtime is fastest isn't remembered: {describe(error)}", stacklevel=2)
    return speeds


def _latencies(tagger: Tagger, texts: Sequence[str]) -> list[float]:
    """Seconds for each text on its own; the first ones are tagged once before, to warm up."""
    for text in texts[:20]:
        tagger.tag(text)
    return [_seconds(lambda text=text: tagger.tag(text)) for text in texts]  # type: ignore[misc]


def _median_seconds(work: Callable[[], object]) -> float:
    return statistics.median(_seconds(work) for _ in range(_REPEATS))


def _seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def _start(code: str, *arguments: str) -> float:
    """Seconds until a fresh Python has run this, which ends with a line printed; not those of its end."""
    seconds = []
    for _ in range(_STARTS):
        start = time.perf_counter()
        with subprocess.Popen([sys.executable, "-c", code, *arguments], stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            # Libraries may have things to say too.
            while (line := process.stdout.readline()) and _STARTED not in line.decode(errors="replace"):
                pass
            seconds.append(time.perf_counter() - start)
            process.stdout.read()
        if process.returncode:
            raise subprocess.CalledProcessError(process.returncode, process.args)
    return statistics.median(seconds)


def _peak_memory() -> int | None:
    try:
        import resource
    except ImportError:  # Windows
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else 1024 * peak  # bytes there, kilobytes elsewhere
