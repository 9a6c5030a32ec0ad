"""Builds the wheels of both distributions of this source into a folder: `python scripts/build_wheels.py [--out dist]`.

`bilstm-crf-ner-lite` has the same files; what its dependencies leave out is its extra `train`. Its pyproject.toml is
written here from ours, in a copy of the source.
"""

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

from ner.distribution import FULL, LITE

ROOT = Path(__file__).parent.parent
PARTS = ("ner", "bilstm_crf_ner_spacy.py", "pyproject.toml", "README.md", "LICENSE")  # what a wheel is made of


def lite_project(text: str) -> str:
    """Our pyproject.toml as that of the lite distribution.

    Raises:
        ValueError: `lite` names what is no dependency.
    """
    project = tomllib.loads(text)
    dependencies = project["project"]["dependencies"]
    names = {requirement: re.split(r"[<>=!~; \[]", requirement)[0] for requirement in dependencies}
    kept = project["tool"][FULL]["lite"]
    if unknown := set(kept) - set(names.values()):
        raise ValueError(f"pyproject.toml: expected dependencies in [tool.{FULL}] lite, found {sorted(unknown)}")
    lite = [requirement for requirement in dependencies if names[requirement] in kept]
    train = [requirement for requirement in dependencies if names[requirement] not in kept]
    text = text.replace(f'name = "{FULL}"', f'name = "{LITE}"').replace(f'"{FULL}[', f'"{LITE}[')
    text = re.sub(r"^dependencies = \[.*?^\]", lambda _: f"dependencies = {_toml(lite)}", text, flags=re.M | re.S)
    opening = "[project.optional-dependencies]\n"
    return text.replace(opening, f"{opening}train = {_toml(train)}\n")


def build_wheels(out: Path, *, isolated: bool = True) -> list[Path]:
    """The two wheels, the full one first.

    Args:
        out: the folder they go to.
        isolated: build in an environment of its own, which pip fetches; else with the setuptools that is here.

    Raises:
        CalledProcessError: pip could not build one; it says why on stderr.
    """
    out.mkdir(parents=True, exist_ok=True)
    wheels = []
    for name in (FULL, LITE):
        with tempfile.TemporaryDirectory() as folder:
            source, made = Path(folder) / "source", Path(folder) / "made"
            for part in PARTS:
                _copy(ROOT / part, source / part)
            if name == LITE:
                project = source / "pyproject.toml"
                project.write_text(lite_project(project.read_text(encoding="utf-8")), encoding="utf-8")
            options = [] if isolated else ["--no-build-isolation", "--no-index"]
            command = [
                sys.executable,
                "-m",
                "pip",
                "wheel",
                "--quiet",
                "--no-deps",
                *options,
                "--wheel-dir",
                made,
                source,
            ]
            subprocess.run(command, check=True)
            for wheel in made.iterdir():
                wheels.append(Path(shutil.copy(wheel, out / wheel.name)))
    return wheels


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
    else:
        shutil.copyfile(source, target)


def _toml(requirements: list[str]) -> str:
    return "".join(["[\n", *(f'    "{requirement}",\n' for requirement in requirements), "]"])


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=ROOT / "dist", help="folder of the wheels")
    parser.add_argument("--no-isolation", action="store_true", help="build with the setuptools that is here")
    options = parser.parse_args()
    for wheel in build_wheels(options.out, isolated=not options.no_isolation):
        print(wheel)


if __name__ == "__main__":
    main()
