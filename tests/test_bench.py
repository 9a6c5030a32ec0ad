"""`ner bench` measures what it says, on the model it is given, by a clock of the test's own: every figure is known."""

import json
from itertools import accumulate, chain, repeat
from pathlib import Path
from types import SimpleNamespace

import pytest

from ner import bench
from ner.bench import Benchmark, RuntimeSpeed, run_benchmark
from ner.errors import DataError

TEXTS = ["Angela Merkel visited Paris. She met nobody.", "", "IBM left."]
MEASURED = {
    "threads": 1,
    "device": "cpu",
    "runtime": "torch",
    "reason": "asked for",
    "runtimes": {name: {"tokens_per_second_split": 12.0, "latency_p50": 1.0} for name in ("torch", "onnx", "numpy")},
    "texts": 3,
    "sentences": 3,
    "tokens": 12,
    "startup": 1.0,
    "startup_torch": 1.0,
    "tokens_per_second": 12.0,
    "tokens_per_second_split": 12.0,
    "latency_p50": 2.0,
    "latency_p90": pytest.approx(4.4),
    "latency_p99": pytest.approx(4.94),
}


def test_every_figure_is_what_the_clock_and_the_files_say(run, small_model: Path, tmp_path: Path, monkeypatch) -> None:
    # Three sentences take 1, 2 and 5 seconds; all else takes one, a fresh Python with PyTorch or the model too.
    times = accumulate(chain([0.0, 1.0, 0.0, 2.0, 0.0, 5.0], repeat(1.0)))
    monkeypatch.setattr(bench, "time", SimpleNamespace(perf_counter=lambda: next(times)))
    monkeypatch.setattr(bench, "_STARTS", 1)
    (tmp_path / "text.txt").write_text("\n".join(TEXTS), encoding="utf-8")
    monkeypatch.setenv("NER_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(bench, "_FEWEST_TO_REMEMBER", 12)
    options = ["--threads", 1, "--device", "cpu", "--runtime", "torch", "--json"]
    code, out, err = run("bench", small_model, tmp_path / "text.txt", *options)
    assert (code, err) == (0, "")
    values = json.loads(out)
    peak, size = values.pop("memory_peak"), values.pop("model_bytes")
    assert values == MEASURED
    assert peak is None or peak > 50 * 2**20  # PyTorch alone takes more
    assert json.loads((tmp_path / "home" / "runtimes.json").read_text(encoding="utf-8")).popitem()[1] == "torch"
    assert size == sum(path.stat().st_size for path in small_model.iterdir())


def test_without_json_the_figures_are_a_table(run, small_model: Path, tmp_path: Path, monkeypatch) -> None:
    runtimes = {"torch": RuntimeSpeed(1200.4, 0.002), "numpy": RuntimeSpeed(800.0, 0.004)}
    numbers = MEASURED | {
        "runtimes": runtimes,
        "latency_p90": 4.4,
        "latency_p99": 4.94,
        "memory_peak": 3 * 2**20,
        "model_bytes": 2**19,
    }
    monkeypatch.setattr(bench, "run_benchmark", lambda folder, texts, **options: Benchmark(**numbers))
    (tmp_path / "text.txt").write_text("\n".join(TEXTS), encoding="utf-8")
    code, out, _ = run("bench", small_model, tmp_path / "text.txt")
    assert code == 0
    assert out.splitlines() == [
        "3 texts, 3 sentences, 12 tokens; cpu, 1 thread, medians of 5",
        "runtime torch: asked for",
        "start, load, first tag                    1.00 s, of which PyTorch 1.00 s",
        "raw text to entities with scores          12 tokens/s",
        "split sentences to entities with scores   12 tokens/s",
        "one sentence at a time                    p50 2000.00 ms, p90 4400.00 ms, p99 4940.00 ms",
        "memory, peak                              3 MB",
        "model directory                           0.5 MB",
        "runtime torch                             1,200 tokens/s split, one sentence 2.00 ms",
        "runtime numpy                             800 tokens/s split, one sentence 4.00 ms",
    ]


def test_a_text_without_tokens_is_refused(small_model: Path) -> None:
    with pytest.raises(DataError) as caught:
        run_benchmark(small_model, ["", "  "])
    assert str(caught.value) == "bench: expected text to measure on, found none"


def test_loading_and_tagging_leave_the_slow_parts_of_pytorch_alone(fresh_use) -> None:
    assert "torch" in fresh_use["modules"]
    assert "torch._dynamo" not in fresh_use["modules"]


def test_a_cache_that_cannot_be_written_costs_no_figure(
    run, small_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "file"
    home.write_text("in the way", encoding="utf-8")
    monkeypatch.setenv("NER_HOME", str(home))
    monkeypatch.setattr(bench, "_FEWEST_TO_REMEMBER", 1)
    monkeypatch.setattr(bench, "_start", lambda *arguments: 1.0)
    (tmp_path / "text.txt").write_text("\n".join(TEXTS), encoding="utf-8")
    code, out, err = run("bench", small_model, tmp_path / "text.txt", "--threads", 1, "--device", "cpu")
    assert code == 0
    assert "one sentence at a time" in out
    assert err.startswith("warning: bench: which runtime is fastest isn't remembered: ")
    assert len(err.splitlines()) == 1
