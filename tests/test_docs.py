"""The pages quote the code as it is, name what exists, link to what is there, and agree with each other."""

import re
import tomllib
from importlib import import_module
from pathlib import Path
from textwrap import dedent

import pytest
import typer

import ner
from ner.cli import app
from ner.config import Config, known_keys
from ner.evaluation.mistakes import KINDS
from ner.network.cells import CELLS
from tests.conftest import ROOT

GUIDES = ["from-rnn-to-bilstm-crf.md", "从RNN到BiLSTM-CRF.md"]
PAGES = [
    *ROOT.glob("*.md"),
    *(ROOT / "docs").glob("*.md"),
    *(ROOT / name / "README.md" for name in ("examples", "findings", "robustness")),
]


def read(name: str) -> str:
    return (ROOT / "docs" / name).read_text(encoding="utf-8")


def squeezed(code: str) -> str:
    return "\n".join(line.strip() for line in dedent(code).strip().splitlines())


def anchors(text: str) -> set[str]:
    """What the headings of a page are called in a link, as forges and MkDocs spell it."""
    titles = re.findall(r"^#+ (.*)$", re.sub(r"```.*?```", "", text, flags=re.DOTALL), flags=re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title.lower()).strip().replace(" ", "-") for title in titles}


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_of_a_page_leads_to_a_file_and_to_a_heading_of_it(path: Path) -> None:
    for link in re.findall(r"\]\(([^)\s]+)\)", path.read_text(encoding="utf-8")):
        if re.match(r"https?://|mailto:", link):
            continue
        name, _, anchor = link.partition("#")
        target = (path.parent / name).resolve() if name else path
        assert target.exists(), link
        assert not anchor or anchor in anchors(target.read_text(encoding="utf-8")), link


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


def test_every_setting_that_a_page_names_exists() -> None:
    sections = "|".join(Config.model_fields)
    for path in PAGES:
        if path.name == "CHANGELOG.md":  # which names those of before, too
            continue
        text = path.read_text(encoding="utf-8")
        for key in re.findall(rf"`((?:{sections})\.[a-z_]+)(?: = [^`]*)?`", text):
            assert key in known_keys() or key.endswith((".toml", ".py", ".safetensors")), (path.name, key)


def test_every_page_has_one_place_in_the_order_of_the_site() -> None:
    text = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    placed = re.findall(r"^ +- .*?: (\S+\.md)$", text, flags=re.MULTILINE)
    assert sorted(placed) == sorted(path.name for path in (ROOT / "docs").glob("*.md"))


def test_the_reference_has_every_public_name() -> None:
    described = set(re.findall(r"^::: (ner\.\S+)$", read("api.md"), flags=re.MULTILINE))
    for name in ner.__all__:
        value = getattr(ner, name)
        assert {f"{value.__module__}.{name}", value.__module__} & described, name
    for name in described:
        module, _, last = name.rpartition(".")
        assert hasattr(import_module(module), last), name


def test_pages_outside_docs_that_are_part_of_the_site_exist() -> None:
    script = (ROOT / "scripts" / "docs_site.py").read_text(encoding="utf-8")
    outside = re.findall(r'^    "(\S+\.md)": "project/', script, flags=re.MULTILINE)
    assert len(outside) == 5
    assert all((ROOT / name).is_file() for name in outside)


def test_the_site_asks_no_other_server_for_fonts_or_scripts() -> None:
    text = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    assert re.search(r"^  font: false", text, flags=re.MULTILINE)
    assert "http" not in text


def test_the_chinese_pages_name_commands_options_and_kinds_that_exist_and_their_english_twins_link_them() -> None:
    commands = typer.main.get_command(app).commands
    for chinese, english in (("开始.md", "index.md"), ("我的数据.md", "own-data.md"), ("评估.md", "evaluation.md")):
        text = read(chinese)
        assert f"[中文]({chinese})" in read(english)
        assert f"]({english})" in text
        for name in re.findall(r"(?:^|`|\| |bin/)ner ([a-z]+)", text, flags=re.MULTILINE):
            assert name in commands, name
        known = {option for command in commands.values() for one in _all_parameters(command) for option in one.opts}
        known |= {"--editable"}  # of pip
        assert set(re.findall(r"(--[a-z][a-z-]*)", text)) <= known
    rows = re.findall(r"^\| `([a-z ]+)` \| ", read("评估.md"), flags=re.MULTILINE)
    assert rows == list(KINDS)


def _all_parameters(command: object) -> list[object]:
    below = getattr(command, "commands", {})
    return [*command.params, *(parameter for one in below.values() for parameter in one.params)]  # type: ignore[attr-defined]
