"""The README and the pages for users tell the truth: their code runs, their tables are the program's."""

import re
import tomllib

import pytest
import typer

import ner
from ner.cli import app
from ner.config import Config, affects, known_keys, parse_config
from ner.corpus_settings import CorpusConfig
from ner.data_settings import FORMATS
from ner.network.cells import CELLS
from ner.resources.models import IN_PACKAGE
from scripts.front_pictures import TEXT
from tests.conftest import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")


def page(name):
    return (ROOT / "docs" / name).read_text(encoding="utf-8")


def test_the_readme_is_short():
    assert len(README.splitlines()) <= 130


@pytest.mark.parametrize("name", ["README.md", "docs/python.md", "docs/architecture.md"])
def test_the_python_of_a_page_runs(name, small_model, tmp_path, monkeypatch, capsys):
    for folder in ("configs", "data"):
        (tmp_path / folder).symlink_to(ROOT / folder)
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / "quickstart").symlink_to(small_model)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(CELLS, "mgu", CELLS["rnn"])  # the example replaces it, and the test's end removes it again
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / name).read_text(encoding="utf-8"), flags=re.DOTALL)
    assert blocks
    names = {}  # a page's later blocks may use what its earlier ones made
    for block in blocks:
        if not (IN_PACKAGE / "en").is_dir():  # a clone in which `make models` hasn't run yet
            block = block.replace('ner.load("en")', 'ner.load("runs/quickstart")')
        exec(compile(block, name, "exec"), names)
    trains = any("ner.train" in block for block in blocks)
    assert ("processed" in capsys.readouterr().out) == trains
    assert (tmp_path / "runs" / "mine" / "model.safetensors").exists() == trains


def test_the_readme_shows_what_its_python_prints(capsys):
    code, output = re.search(r"```python\n(.*?)```\n\n```text\n(.*?)```", README, flags=re.DOTALL).groups()
    exec(compile(code, "README.md", "exec"), {})
    assert capsys.readouterr().out == output


def test_the_picture_of_the_readme_is_told_in_words_as_the_ready_model_finds_it():
    (told,) = re.findall(r"^!\[.*?: (.*)\]\(docs/pictures/tagged\.png\)$", README, flags=re.MULTILINE)
    tagger = ner.load("en")
    found = [entity for line in TEXT.splitlines() for entity in tagger.tag(line)]
    assert told == ", ".join(f"{entity.text} ({entity.label})" for entity in found)


def test_the_figures_of_the_readme_are_those_of_the_pages_that_it_names():
    speeds = re.findall(r"^\| (?:ner|spaCy|Flair).*$", README, flags=re.MULTILINE)
    numbers = {number for row in speeds for number in re.findall(r"\b\d+,\d{3}\b", row)}
    assert len(numbers) > 9
    assert numbers <= set(re.findall(r"\b\d+,\d{3}\b", page("performance.md")))
    rows = page("accuracy.md").partition("## Test splits")[2].partition("\n## ")[0]
    for name, *figures in re.findall(
        r"^\| (\S+?), .*? \| ([\d.]+) \| ([\d.]+) \| ([\d.]+) \|$", README, flags=re.MULTILINE
    ):
        (cells,) = re.findall(rf"^\| {name}: .*? \| (.*?) \| (.*?) \| (.*?) \|$", rows, flags=re.MULTILINE)
        for figure, cell in zip(figures, cells, strict=True):
            known = [float(number) for number in re.findall(r"\d+\.\d+", cell)]
            assert abs(float(figure) - sum(known) / len(known)) <= 0.0501, (name, cell)


def test_the_configuration_table_is_that_of_the_settings():
    rows = re.findall(
        r"^\| `([a-z]+\.[a-z_]+)` \| (.*?) \| ([a-z]+) \| (.*) \|$", page("configuration.md"), flags=re.MULTILINE
    )
    found = {key: (default, affected, text.replace("\\|", "|")) for key, default, affected, text in rows}
    values = Config().model_dump()

    def written(value):
        if value is None:
            return "unset"
        if isinstance(value, tuple):
            value = list(value)
        return f'`"{value}"`' if isinstance(value, str) else f"`{str(value).lower()}`"

    wanted = {}
    for key, description in known_keys().items():
        section, name = key.split(".")
        wanted[key] = (written(values[section][name]), affects(key), description)
    assert found == wanted


def test_the_table_of_a_corpus_is_that_of_its_settings():
    text = page("corpora.md")
    found = re.findall(r"^\| `([a-z]+)` \| (.*?) \| (.*) \|$", text, flags=re.MULTILINE)

    def written(field):
        return "required" if field.is_required() else "unset" if field.default is None else f"`{field.default}`"

    fields = CorpusConfig.model_fields
    assert found == [(name, written(field), field.description) for name, field in fields.items()]


def test_the_example_of_several_corpora_is_read():
    text = page("corpora.md")
    (example,) = re.findall(r"```toml\n(.*?)```", text, flags=re.DOTALL)
    data = parse_config(tomllib.loads(example), "docs/corpora.md").data
    assert [data.of_corpus(corpus).comment for corpus in data.corpora] == ["# ", "# "]


@pytest.mark.parametrize("name", sorted(path.name for path in (ROOT / "configs").glob("*.toml")))
def test_every_recipe_loads_and_opens_with_its_command(name):
    from ner.config import load_config

    text = (ROOT / "configs" / name).read_text(encoding="utf-8")
    load_config(ROOT / "configs" / name)
    first = next(line for line in text.splitlines() if line.strip())
    assert first.startswith(("# ner train ", "# make "))
    assert re.search(r"# .*F1 \d\d\.\d", text)


def test_the_pages_count_formats_and_corpora_rightly():
    ones = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]

    def spelled(number):
        tens = {2: "twenty", 3: "thirty", 4: "forty", 5: "fifty"}[number // 10]
        return f"{tens}-{ones[number % 10]}" if number % 10 else tens

    corpora = tomllib.loads((ROOT / "ner" / "resources" / "corpora.toml").read_text(encoding="utf-8"))
    assert f"annotated text in {spelled(len(FORMATS))} formats" in README
    assert f"names {spelled(len(corpora))} public corpora" in page("own-data.md")


def test_each_setting_stands_under_its_section():
    parts = re.split(r"^## `\[([a-z]+)\]`.*$", page("configuration.md"), flags=re.MULTILINE)
    sections = dict(zip(parts[1::2], parts[2::2], strict=True))
    assert list(sections) == list(Config.model_fields)
    for section, text in sections.items():
        keys = re.findall(r"^\| `([a-z]+\.[a-z_]+)` \|", text, flags=re.MULTILINE)
        assert {key.split(".")[0] for key in keys} == {section}
        assert keys


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md", "docs/index.md"])
def test_the_targets_of_a_page_are_in_the_makefile(name):
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = re.findall(r"(?:`|^)make ([a-z-]+)", (ROOT / name).read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert targets
    for target in targets:
        assert re.search(rf"^{target}:", makefile, flags=re.MULTILINE), target


def _commands():
    """Each command line as it is typed (`data get`), and the options that it knows."""
    found = {}
    for name, command in typer.main.get_command(app).commands.items():
        below = getattr(command, "commands", None)
        named = {f"{name} {inner}": one for inner, one in below.items()} if below else {name: command}
        found |= {
            full: {option for parameter in one.params for option in parameter.opts} for full, one in named.items()
        }
    return found


@pytest.mark.parametrize("name", ["README.md", "docs/commands.md"])
def test_the_table_of_commands_has_each_command(name):
    text = (ROOT / name).read_text(encoding="utf-8")
    rows = [row.split("|")[1] for row in re.findall(r"^\| `ner .*$", text, flags=re.MULTILINE)]
    for command in _commands():
        first, _, below = command.partition(" ")
        assert any(f"`ner {first}" in row and (not below or below in row) for row in rows), command


def test_the_options_in_the_table_of_commands_exist():
    commands = _commands()
    for row in re.findall(r"^\| (`ner .*?) \| ", page("commands.md"), flags=re.MULTILINE):
        for usage in re.findall(r"`ner ([^`]*)`", row):
            words = usage.split()
            options = commands[words[0]] if words[0] in commands else commands[" ".join(words[:2])]
            assert set(re.findall(r"(--[a-z-]+)", usage)) <= options, usage


def test_windows_is_given_the_commands_of_make():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    recipe = re.search(r"^quickstart: .*\n((?:\t.*\n)+)", makefile, flags=re.MULTILINE)[1]
    lines = [line.strip() for line in recipe.splitlines()]
    made = [line.replace("$(BIN)", ".venv/bin") for line in lines if line.startswith("$(BIN)")]
    assert "\n".join(made) in page("index.md")
