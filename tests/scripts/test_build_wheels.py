"""Two distributions of one source: the same files, other names and dependencies."""

import importlib.util
import subprocess
import sys
import tomllib
import zipfile

import pytest

import ner
from tests.conftest import ROOT

spec = importlib.util.spec_from_file_location("build_wheels", ROOT / "scripts" / "build_wheels.py")
script = importlib.util.module_from_spec(spec)
spec.loader.exec_module(script)
OURS = (ROOT / "pyproject.toml").read_text(encoding="utf-8")


def test_the_lite_project_differs_in_name_dependencies_and_one_extra():
    full, lite = tomllib.loads(OURS), tomllib.loads(script.lite_project(OURS))
    assert lite["project"].pop("name") == "bilstm-crf-ner-lite"
    assert full["project"].pop("name") == "bilstm-crf-ner"
    kept = lite["project"].pop("dependencies")
    train = lite["project"]["optional-dependencies"].pop("train")
    assert [requirement.split(">=")[0] for requirement in kept] == [
        "numpy",
        "platformdirs",
        "pydantic",
        "regex",
        "safetensors",
        "typer",
    ]
    assert "torch>=2.7" in train
    assert sorted(kept + train) == full["project"].pop("dependencies")
    for extra in ("dev", "doors"):  # which name the distribution itself
        own = lite["project"]["optional-dependencies"][extra].pop(0)
        assert own == full["project"]["optional-dependencies"][extra].pop(0).replace("ner[", "ner-lite[")
    assert lite == full


def test_a_lite_dependency_that_is_none_is_refused():
    with pytest.raises(ValueError) as error:
        script.lite_project(OURS.replace('lite = ["numpy"', 'lite = ["nonsense"'))
    assert str(error.value) == "pyproject.toml: expected dependencies in [tool.bilstm-crf-ner] lite, found ['nonsense']"


@pytest.mark.slow
def test_both_wheels_have_the_same_files_and_the_lite_one_runs_alone(tmp_path):
    full, lite = script.build_wheels(tmp_path / "dist", isolated=False)
    assert full.name.startswith(f"bilstm_crf_ner-{ner.__version__}-")
    assert lite.name.startswith(f"bilstm_crf_ner_lite-{ner.__version__}-")

    def contents(wheel):
        with zipfile.ZipFile(wheel) as archive:
            return {name: archive.read(name) for name in archive.namelist() if name.startswith("ner/")}

    assert contents(full) == contents(lite)
    assert set(contents(full)) >= {"ner/__init__.py", "ner/py.typed", "ner/resources/corpora.toml"}
    for wheel in (full, lite):
        target = tmp_path / wheel.name.split("-")[0]
        options = ["--quiet", "--no-deps", "--no-index", "--target", target]
        subprocess.run([sys.executable, "-m", "pip", "install", *options, wheel], check=True)
        code = f"import sys; sys.path.insert(0, {str(target)!r}); import ner; print(ner.__file__)"
        done = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True)
        assert done.stdout == f"{target / 'ner' / '__init__.py'}\n"
