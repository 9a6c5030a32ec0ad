"""The lite distribution leaves out what training alone needs: the rest works, and training tells the way out."""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from ner.distribution import _LEFT_OUT, error_of_missing, installed, need_training
from ner.errors import ConfigError
from ner.tagger import Tagger
from tests.conftest import ROOT
from tests.test_without_torch import SEAM, WITHOUT

# A Python in which nothing of it is installed; typer wants rich, so that is there in any case.
BLOCK = f"""
import sys

class LeftOut:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {sorted(set(_LEFT_OUT) - {"rich"})!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, LeftOut())
"""
MISSING = "torch, pytorch-crf, filelock, httpx"
WAY_OUT = (
    "not installed here; `pip install 'bilstm-crf-ner-lite[train]'`, "
    "or `pip install bilstm-crf-ner` where the lite distribution isn't installed"
)


def run(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", BLOCK + code], capture_output=True, text=True, check=False, cwd=ROOT)


def test_all_that_tagging_imports_but_its_backend_does_without_what_the_lite_distribution_leaves_out() -> None:
    names = [f"ner.{module}" for module in (*WITHOUT, *SEAM, "inference.arguments", "output")]
    done = run(f"import importlib\nfor name in {names!r}: importlib.import_module(name)")
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("'train', 'configs/quickstart.toml', '--out', 'nowhere'", f"ner train: expected {MISSING}, {WAY_OUT}"),
        ("'sweep', 'configs/quickstart.toml', '--log', 'nowhere'", f"ner sweep: expected {MISSING}, {WAY_OUT}"),
        ("'data', 'get', 'wnut17', '--out', '/dev/null/nowhere'", f"this command: expected httpx, {WAY_OUT}"),
    ],
)
def test_a_command_that_needs_what_is_left_out_says_what_to_install_and_ends_with_2(arguments, message) -> None:
    if "'get'" in arguments:
        code = "import ner.resources.corpora as c\nc.get_corpus = lambda *a, **k: __import__('httpx')\n"
    else:
        code = ""
    done = run(f"{code}from ner.cli import main\nsys.argv = ['ner', {arguments}]\nmain()")
    assert (done.returncode, done.stdout, done.stderr) == (2, "", f"error: {message}\n")


def test_a_text_is_tagged_there_as_where_all_is_installed(small_model: Path, tagger: Tagger) -> None:
    text = "Angela Merkel visited Paris."
    code = f"import ner\nprint([(e.label, e.start, e.end) for e in ner.load({str(small_model)!r}).tag({text!r})])"
    done = run(code)
    assert done.stderr == ""
    assert done.stdout == f"{[(e.label, e.start, e.end) for e in tagger.tag(text)]}\n"


def test_training_from_python_says_what_to_install_too() -> None:
    done = run("import ner\ntry:\n    ner.train(None, None)\nexcept ner.NerError as error:\n    print(error)")
    assert done.stdout == f"train: expected {MISSING}, {WAY_OUT}\n"


def test_nothing_is_missing_where_all_is_installed() -> None:
    need_training("train")
    assert installed()[0] == "bilstm-crf-ner"


def test_a_module_that_no_distribution_leaves_out_is_a_fault_of_ours_and_not_explained_away() -> None:
    assert error_of_missing(ModuleNotFoundError("No module named 'nonsense'", name="nonsense")) is None
    error = error_of_missing(ModuleNotFoundError("No module named 'torch.nn'", name="torch.nn"))
    assert isinstance(error, ConfigError)
    assert str(error) == f"this command: expected torch, {WAY_OUT}"


def test_what_is_left_out_are_the_dependencies_that_the_lite_distribution_does_not_keep() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    dependencies = {requirement.split(">=")[0] for requirement in project["project"]["dependencies"]}
    assert set(_LEFT_OUT.values()) == dependencies - set(project["tool"]["bilstm-crf-ner"]["lite"])


def test_the_version_stands_in_one_place_and_everything_else_is_of_it() -> None:
    import ner

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert project["project"]["dynamic"] == ["version"]
    assert project["tool"]["setuptools"]["dynamic"]["version"] == {"attr": "ner.distribution.__version__"}
    assert installed()[1] == ner.__version__
    assert f"\nversion: {ner.__version__}\n" in (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    command = [sys.executable, "-m", "ner", "--version"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    assert (done.stdout, done.stderr) == (f"bilstm-crf-ner {ner.__version__}\n", "")


def test_files_that_nobody_installed_go_by_the_full_name(monkeypatch: pytest.MonkeyPatch) -> None:
    import ner

    monkeypatch.setattr("ner.distribution.FULL", "no-such-distribution")
    monkeypatch.setattr("ner.distribution.LITE", "nor-this-one")
    assert installed() == ("no-such-distribution", ner.__version__)
