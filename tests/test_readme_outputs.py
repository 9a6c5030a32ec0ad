"""What a page says that a command prints, it prints: the quickstart is trained, and each example run."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

pytestmark = pytest.mark.slow
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


@pytest.fixture(scope="module")
def quickstart(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which `runs/quickstart` is the model of `make quickstart`, made by its own commands."""
    folder = tmp_path_factory.mktemp("quickstart")
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    commands = re.findall(r"^\t\$\(BIN\)/ner (vectors get|train)(.*)$", makefile, flags=re.MULTILINE)[:2]
    for name in ("configs", "data"):
        (folder / name).symlink_to(ROOT / name)
    for name, arguments in commands:
        ner = [sys.executable, "-m", "ner", *name.split(), *arguments.split()]
        subprocess.run(ner, cwd=folder, check=True, capture_output=True)
    return folder


def test_each_line_of_json_on_a_page_is_what_the_command_before_it_prints(quickstart: Path) -> None:
    text = "\n".join(path.read_text(encoding="utf-8") for path in PAGES)
    examples = re.findall(r"```sh\n(echo [^\n]*)\n```\n\n```json\n(.*?)\n```", text, flags=re.DOTALL)
    assert examples
    search = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    for command, wanted in examples:
        done = subprocess.run(command, shell=True, cwd=quickstart, env=search, check=True, capture_output=True)
        printed, written = json.loads(done.stdout), json.loads(wanted)
        scores = [[entity.pop("score") for entity in value["entities"]] for value in (printed, written)]
        assert printed == written
        # Training on another processor rounds otherwise, and differences grow from step to step.
        assert scores[0] == pytest.approx(scores[1], abs=0.2)


@pytest.mark.skipif(shutil.which("chromium") is None, reason="no Chromium here to photograph pages with")
def test_the_pictures_of_the_readme_are_as_large_as_the_ones_that_its_script_makes(
    quickstart: Path, tmp_path: Path
) -> None:
    pytest.importorskip("playwright")
    from PIL import Image

    from scripts.front_pictures import main

    main(quickstart / "runs" / "quickstart", tmp_path)
    for name in ("tagged.png", "report.png"):
        with Image.open(tmp_path / name) as made, Image.open(ROOT / "docs" / "pictures" / name) as kept:
            assert made.width == kept.width
            assert made.height == pytest.approx(kept.height, rel=0.1)  # fonts differ
