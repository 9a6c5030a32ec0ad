"""A command never writes over the file that it reads."""

import subprocess
import sys
from pathlib import Path

import pytest

COLUMNS = "Anna B-PER\nleft O\n\n"


@pytest.mark.parametrize("command", ["tag", "convert"])
def test_the_input_is_no_place_for_the_result(run, small_model: Path, tmp_path: Path, command: str) -> None:
    source = tmp_path / "gold.conll"
    source.write_text(COLUMNS, encoding="utf-8")
    other = tmp_path / "link.conll"
    other.symlink_to(source)
    arguments = ["tag", small_model, source, "--input", "conll", "--out"] if command == "tag" else ["convert", source]
    option = "--out" if command == "tag" else "OUT"
    for out in (source, other):
        code, _, err = run(*arguments, out)
        wanted = f"{option} {out}: expected another place than that of the input, found the same; choose another"
        assert (code, err) == (2, f"error: {wanted}\n")
        assert source.read_text(encoding="utf-8") == COLUMNS


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="wants a device that is always full")
@pytest.mark.parametrize("arguments", [["settings"], ["formats"]])
def test_a_full_disk_behind_stdout_is_told_in_one_line(arguments: list[str]) -> None:
    with Path("/dev/full").open("wb") as full:
        command = [sys.executable, "-m", "ner", *arguments]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert (done.returncode, done.stderr) == (
        1,
        "error: stdout: can't be written: No space left on device; free space there, or send the output elsewhere\n",
    )
