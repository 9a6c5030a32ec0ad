"""`ner bench` measures what it says, on the model it is given."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from ner.bench import run_benchmark
from ner.errors import DataError

TEXTS = ["Angela Merkel visited Paris. She met nobody.", "", "IBM left."]


def test_every_figure_is_there_and_possible(small_model: Path) -> None:
    result = run_benchmark(small_model, TEXTS, device="cpu", threads=1)
    assert (result.texts, result.sentences, result.tokens, result.threads) == (3, 3, 12, 1)
    assert 0 < result.latency_p50 <= result.latency_p90 <= result.latency_p99 < 10
    assert 0 < result.startup_torch < result.startup
    assert min(result.tokens_per_second, result.tokens_per_second_split) > 0
    assert result.model_bytes == sum(path.stat().st_size for path in small_model.iterdir())
    assert result.memory_peak is None or result.memory_peak > 50 * 2**20  # PyTorch alone takes more
    assert str(result).count("\n") == 6


def test_the_command_prints_a_table_or_one_json_object(small_model: Path, tmp_path: Path) -> None:
    (tmp_path / "text.txt").write_text("\n".join(TEXTS), encoding="utf-8")
    command = [sys.executable, "-m", "ner", "bench", str(small_model), str(tmp_path / "text.txt"), "--threads", "1"]
    table = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert "tokens/s" in table
    values = json.loads(subprocess.run([*command, "--json"], capture_output=True, text=True, check=True).stdout)
    assert values["tokens"] == 12
    assert values["tokens_per_second"] > 0


def test_a_text_without_tokens_is_refused(small_model: Path) -> None:
    with pytest.raises(DataError) as caught:
        run_benchmark(small_model, ["", "  "])
    assert str(caught.value) == "bench: expected text to measure on, found none"


def test_loading_and_tagging_leave_the_slow_parts_of_pytorch_alone(small_model: Path) -> None:
    code = "import sys, ner; ner.load(sys.argv[1]).tag('Paris.'); print('torch._dynamo' in sys.modules)"
    command = [sys.executable, "-c", code, str(small_model)]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "False\n"
