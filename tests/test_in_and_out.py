"""A command never writes over what it reads, nor over a device, a link or its own other result."""

import errno
import json
import os
import shutil
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

import ner
from ner.whole_files import staged_file

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


REPORTS = [
    ("score GOLD PRED --errors GOLD", "--errors"),
    ("score GOLD PRED --html PRED", "--html"),
    ("evaluate MODEL GOLD --errors GOLD", "--errors"),
    ("evaluate MODEL GOLD --train PRED --html PRED", "--html"),
    ("compare GOLD MODEL PRED --differences GOLD", "--differences"),
    ("review MODEL GOLD --html GOLD", "--html"),
    ("review MODEL GOLD --drop GOLD", "--drop"),
    ("merge GOLD PRED --out PRED", "--out"),
]


@pytest.mark.parametrize(("line", "option"), REPORTS)
def test_a_report_takes_the_place_of_nothing_that_was_read(
    run, small_model: Path, tmp_path: Path, line: str, option: str
) -> None:
    places = {"GOLD": tmp_path / "gold.conll", "PRED": tmp_path / "pred.conll", "MODEL": small_model}
    for name in ("GOLD", "PRED"):
        places[name].write_text(COLUMNS, encoding="utf-8")
    code, _, err = run(*(places.get(word, word) for word in line.split()))
    where = places[line.split()[-1]]
    wanted = f"{option} {where}: expected another place than that of the input, found the same; choose another"
    assert (code, err) == (2, f"error: {wanted}\n")
    assert places["GOLD"].read_text(encoding="utf-8") == places["PRED"].read_text(encoding="utf-8") == COLUMNS


def test_two_results_have_two_places(run, tmp_path: Path) -> None:
    gold, out = tmp_path / "gold.conll", tmp_path / "out"
    gold.write_text(COLUMNS, encoding="utf-8")
    code, _, err = run("score", gold, gold, "--html", out, "--errors", out)
    assert (code, err) == (2, f"error: --errors {out}: expected another place than that of --html, found the same\n")
    merged = tmp_path / "merged.safetensors"
    code, _, err = run("merge", gold, gold, "--out", merged)
    wanted = f"--out, its soft targets {merged}: expected another place than that of --out, found the same"
    assert (code, err) == (2, f"error: {wanted}\n")
    assert run("score", gold, gold, "--html", os.devnull, "--errors", os.devnull)[0] == 0


def test_a_merged_file_takes_the_place_of_no_list_of_names(run, tmp_path: Path) -> None:
    gold, names = tmp_path / "gold.conll", tmp_path / "names.txt"
    for file in (gold, names):
        file.write_text(COLUMNS, encoding="utf-8")
    code, _, err = run("merge", gold, "--gazetteer", f"PER={names}", "--out", names)
    wanted = f"--out {names}: expected another place than that of the input, found the same; choose another"
    assert (code, err) == (2, f"error: {wanted}\n")
    assert names.read_text(encoding="utf-8") == COLUMNS


def test_soft_targets_take_the_place_of_no_weights(run, small_model: Path, tmp_path: Path) -> None:
    gold, model = tmp_path / "gold.conll", tmp_path / "model"
    gold.write_text(COLUMNS, encoding="utf-8")
    shutil.copytree(small_model, model)
    code, _, err = run("merge", gold, gold, "--out", model / "model.conll")
    weights = model / "model.safetensors"
    wanted = (
        f"--out {model / 'model.conll'}: expected a place outside of a model directory, whose weights are {weights}"
    )
    assert (code, err) == (2, f"error: {wanted}\n")
    assert weights.read_bytes() == (small_model / "model.safetensors").read_bytes()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="wants a system with named pipes")
def test_a_pipe_is_written_to_and_not_replaced(run, small_model: Path, tmp_path: Path) -> None:
    text, pipe = tmp_path / "in.txt", tmp_path / "pipe.jsonl"
    text.write_text("Anna left.\n", encoding="utf-8")
    os.mkfifo(pipe)
    descriptor = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)  # who opens it to write needn't wait
    try:
        assert run("tag", small_model, text, "--out", pipe)[0] == 0
        assert json.loads(os.read(descriptor, 1000))["text"] == "Anna left."
    finally:
        os.close(descriptor)
    assert stat.S_ISFIFO(pipe.stat().st_mode)


def test_what_a_link_points_to_is_written_and_the_link_stays(run, small_model: Path, tmp_path: Path) -> None:
    text, link, place = tmp_path / "in.txt", tmp_path / "link.jsonl", tmp_path / "far" / "out.jsonl"
    text.write_text("Anna left.\n", encoding="utf-8")
    place.parent.mkdir()
    link.symlink_to(place)
    for _ in range(2):  # nothing is there, and something
        assert run("tag", small_model, text, "--out", link)[0] == 0
        assert json.loads(place.read_text(encoding="utf-8"))["text"] == "Anna left."
        assert link.is_symlink()
    folder = tmp_path / "model"
    folder.symlink_to(tmp_path / "far" / "model", target_is_directory=True)
    ner.load(small_model, device="cpu").save(folder)
    assert folder.is_symlink()
    assert (tmp_path / "far" / "model" / "model.safetensors").is_file()
    assert sorted(each.name for each in tmp_path.iterdir()) == ["far", "in.txt", "link.jsonl", "model"]


def test_where_a_copy_of_stdin_has_no_room_is_told(run, small_model: Path, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    def full(source, target) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(shutil, "copyfileobj", full)
    for place in ([], ["--out", tmp_path / "out.jsonl"]):
        code, out, err = run("tag", small_model, "-", "--input", "jsonl", *place, stdin=b'{"text": "Anna left."}\n')
        assert (code, out, err) == (
            1,
            "",
            f"error: {tmp_path}: expected room for a copy of stdin: No space left on device; free space there, or set "
            "TMPDIR to another folder\n",
        )
    assert not list(tmp_path.iterdir())


def test_a_full_disk_is_told_by_the_name_of_the_file_that_was_being_written(run, tmp_path: Path, monkeypatch) -> None:
    path = tmp_path / "log.json"

    def write(**how: object) -> None:
        with staged_file(path) as stage:
            stage.touch()
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("ner.cli.app", write)
    assert run("settings") == (1, "", f"error: {path}: can't be written: No space left on device; free space there\n")
    assert not list(tmp_path.iterdir())


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
