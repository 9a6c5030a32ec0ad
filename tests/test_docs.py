"""The guides quote the code as it is, show pictures that exist, and agree with each other."""

import re
import tomllib
from textwrap import dedent

import pytest
import typer

from ner.cli import app
from ner.evaluation.mistakes import KINDS
from ner.network.cells import CELLS
from tests.conftest import ROOT

GUIDES = ["from-rnn-to-bilstm-crf.md", "从RNN到BiLSTM-CRF.md"]


def read(name: str) -> str:
    return (ROOT / "docs" / name).read_text(encoding="utf-8")


def squeezed(code: str) -> str:
    return "\n".join(line.strip() for line in dedent(code).strip().splitlines())


@pytest.mark.parametrize("name", GUIDES)
def test_every_quoted_line_of_code_is_in_the_package(name: str) -> None:
    sources = "\n".join(squeezed(path.read_text(encoding="utf-8")) for path in sorted((ROOT / "ner").rglob("*.py")))
    blocks = re.findall(r"```python\n(.*?)```", read(name), flags=re.DOTALL)
    assert len(blocks) >= 5
    for block in blocks:
        assert squeezed(block) in sources, block


@pytest.mark.parametrize("name", GUIDES)
def test_every_file_that_is_named_exists(name: str) -> None:
    text = read(name)
    links = re.findall(r"\]\(([^)#]+)\)", text)
    assert links
    for link in links:
        assert (ROOT / "docs" / link).exists(), link
    for path in re.findall(r"`((?:ner|configs|benchmarks|robustness)/[a-z0-9_/]+\.(?:py|toml))`", text):
        assert (ROOT / path).exists(), path


@pytest.mark.parametrize("name", GUIDES)
def test_every_cell_is_in_both_tables(name: str) -> None:
    for cell in CELLS:
        assert len(re.findall(rf"^\| `?{re.escape(cell)}`? \|", read(name), flags=re.MULTILINE)) == 2, cell


def test_both_guides_have_the_same_figures_and_equations() -> None:
    english, chinese = (read(name) for name in GUIDES)

    def rows(text: str) -> list[str]:
        return [line for line in text.splitlines() if re.match(r"\| [a-z-]+ \| [\d,]+ \|", line)]

    assert rows(english) == rows(chinese) != []
    assert len(re.findall(r"\$\$", english)) == len(re.findall(r"\$\$", chinese))


def test_the_page_on_evaluation_names_files_options_and_kinds_that_exist() -> None:
    text = read("evaluation.md")
    for path in re.findall(r"`((?:ner|tests|configs)/[a-z0-9_/-]+\.(?:py|toml))`", text):
        assert (ROOT / path).exists(), path
    commands = typer.main.get_command(app).commands.values()
    options = {option for command in commands for parameter in command.params for option in parameter.opts}
    assert set(re.findall(r"`[^`]*?(--[a-z][a-z-]*)", text)) <= options
    rows = re.findall(r"^\| ([a-z ]+) \| (.*?) \|$", text, flags=re.MULTILINE)
    assert dict(KINDS).items() <= dict(rows).items()


def test_the_page_on_models_names_files_that_exist_and_the_licences_that_the_models_are_under() -> None:
    text = read("models.md")
    paths = re.findall(r"\b(?:configs|scripts)/[a-z0-9_/-]+\.(?:py|toml)", text)
    assert len(set(paths)) > 8
    for path in paths:
        assert (ROOT / path).exists(), path
    models = tomllib.loads((ROOT / "scripts" / "models.toml").read_text(encoding="utf-8"))
    rows = re.findall(r"^\| `([a-z]+)` \| `(.*?)` \| .* \| (CC [^|]*) \|$", text, flags=re.MULTILINE)
    assert rows == [(name, f"configs/models/{name}.toml", about["licence"]) for name, about in models.items()]
