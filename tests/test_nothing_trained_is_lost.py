"""A model is saved whatever a picture or the card raises: a training of hours must not end in a traceback."""

import importlib
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import ner
from ner.inspection import canvas
from ner.reporting import curves
from ner.storage import model_directory
from ner.tagger import Tagger
from tests.conftest import ROOT

Run = Callable[..., tuple[int, str, str]]
CARD, CURVES = "README.md", "learning-curves.png"
CAUSES = [
    ValueError("Key backend: 'module://matplotlib_inline.backend_inline' is not a valid value for backend"),
    ImportError("DLL load failed while importing ft2font"),
    RuntimeError("ParseException: Expected end of text"),
    UnicodeEncodeError("utf-8", "\udcff", 0, 1, "surrogates not allowed"),
    MemoryError(),
    KeyError("no such font"),
]


def raising(error: Exception) -> Callable[..., object]:
    def fail(*arguments: object, **named: object) -> object:
        raise error

    return fail


PLACES = [(canvas, "new_figure", CURVES), (curves, "drawing", CURVES), (model_directory, "write_card", CARD)]
GRID = [(*PLACES[row], cause, (row + column) % 3) for column, cause in enumerate(CAUSES) for row in range(3)]


# Each cause in one place, two in each; in the other places among the slow tests.
@pytest.mark.usefixtures("blank_curves")
@pytest.mark.parametrize(
    ("module", "name", "missing", "cause"),
    [pytest.param(*row[:4], marks=pytest.mark.slow if row[4] else ()) for row in GRID],
    ids=[f"{row[1]}-{type(row[3]).__name__}" for row in GRID],
)
def test_whatever_a_picture_or_the_card_raises_the_model_is_whole(
    tagger: Tagger,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    module: object,
    name: str,
    missing: str,
    cause: Exception,
) -> None:
    monkeypatch.setattr(module, name, raising(cause))
    if name == "new_figure":
        monkeypatch.setattr(curves, name, raising(cause))
    said = f": {cause}" if str(cause) else ""
    with pytest.warns(UserWarning, match="left out, the model is whole: ") as caught:
        tagger.save(tmp_path / "model")
    assert [str(warning.message) for warning in caught] == [
        f"{tmp_path / 'model' / missing}: left out, the model is whole: {type(cause).__name__}{said}"
    ]
    assert not (tmp_path / "model" / missing).exists()
    assert [path.name for path in tmp_path.iterdir()] == ["model"]
    text = "Angela Merkel visited Paris."
    assert ner.load(tmp_path / "model", device="cpu").tag(text) == tagger.tag(text)


def test_a_formula_that_is_none_is_a_label_like_any_other() -> None:
    scores = {"precision": 0.5, "recall": 0.5, "f1": 0.5}
    epoch = {"epoch": 1, "loss": 1.0, "learning_rate": 0.1, "best": True, **scores, "labels": {"$%$": scores}}
    assert (curves.draw_curves([epoch]) or b"").startswith(b"\x89PNG")


@pytest.mark.parametrize("command", ["train", "shrink"])
def test_a_command_tells_in_a_line_what_it_left_out(
    run: Run, small_model: Path, sample_en: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    monkeypatch.setattr(curves, "new_figure", raising(RuntimeError("no such backend\nand a second line")))
    out = tmp_path / "out"
    if command == "train":
        settings = [f"data.{split}={sample_en / 'test.conll'}" for split in ("train", "dev")]
        settings += ["data.test=", "model.vectors=", "training.epochs=1", "run.threads=1"]
        arguments = [ROOT / "configs" / "quickstart.toml", *(word for s in settings for word in ("--set", s))]
    else:
        arguments = [small_model]
    code, _, err = run(command, *arguments, "--out", out)
    assert code == 0
    warning = f"warning: {out / CURVES}: left out, the model is whole: RuntimeError: no such backend"
    assert err.splitlines().count(warning) == 1
    assert "and a second line" not in err
    assert (out / "model.safetensors").exists()
    assert not list(tmp_path.glob("*.unfinished"))


def test_evaluate_prints_its_report_where_no_picture_can_be_drawn(
    run: Run, small_model: Path, sample_en: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plots = importlib.import_module("ner.reporting.plots")
    monkeypatch.setattr(plots, "new_figure", raising(ImportError("broken")))
    code, out, err = run("evaluate", small_model, sample_en / "dev.conll", "--plots", tmp_path / "plots")
    assert code == 0
    assert out.startswith("processed ")
    names = ("confusion", "mistakes", "slices", "reliability", "precision-recall")
    warnings = [f"warning: {tmp_path / 'plots' / name}.png: not drawn: ImportError: broken" for name in names]
    assert [line for line in err.splitlines() if line.startswith("warning")] == warnings


def test_inspect_writes_its_page_where_no_picture_can_be_drawn(
    run: Run, small_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pictures = importlib.import_module("ner.inspection.pictures")
    monkeypatch.setattr(pictures, "new_figure", raising(ValueError("broken")))
    code, out, err = run("inspect", small_model, "Angela Merkel visited Paris.", "--out", tmp_path / "inside")
    assert (code, out) == (0, f"{tmp_path / 'inside' / 'index.html'}\n")
    assert all(line.endswith(".png: not drawn: ValueError: broken") for line in err.splitlines())
    assert [path.name for path in (tmp_path / "inside").iterdir()] == ["index.html"]


@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="file names are Unicode there")
def test_in_a_notebook_and_on_a_path_that_is_not_utf_8_a_model_is_made_with_picture_and_card(
    small_model: Path, tmp_path: Path
) -> None:
    out = os.fsencode(tmp_path) + b"/\xff\xfe"
    environment = {**os.environ, "MPLBACKEND": "module://no_such_package.backend_inline"}
    command = [sys.executable, "-m", "ner", "shrink", str(small_model), "--weights", "int8", "--out", out]
    done = subprocess.run(command, capture_output=True, env=environment, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.startswith(out + b": ")
    assert {CARD, CURVES} <= {path.name for path in Path(os.fsdecode(out)).iterdir()}
    assert ner.load(os.fsdecode(out), device="cpu").labels
