"""What the command line says of itself: help with examples that are understood, versions, settings."""

import json
import shlex
from importlib.metadata import version

import pytest
from typer.main import get_command

from ner.cli import app
from ner.config import Config, affects, known_keys
from tests.conftest import ROOT


def commands(command, path=()):
    """Each command with the words that call it."""
    yield path, command
    for name, below in getattr(command, "commands", {}).items():
        yield from commands(below, (*path, name))


ALL = {" ".join(path): command for path, command in commands(get_command(app)) if path}


@pytest.mark.parametrize("name", ALL)
def test_the_help_of_a_command_has_an_example_that_is_understood_and_names_a_page_that_is_there(name):
    example, page = ALL[name].epilog.split("\n\n")
    assert example.startswith(f"Example: ner {name}")
    words = shlex.split(example.removeprefix("Example: ner "))
    called = max((known for known in ALL if words[: len(known.split())] == known.split()), key=len)
    # Parsed, and not run; an unknown option, or an argument too many, is an error here.
    ALL[called].make_context(called, words[len(called.split()) :])
    assert (ROOT / page.removeprefix("More: ")).is_file()


def test_help_is_in_groups_and_shows_the_example(run, monkeypatch):
    monkeypatch.setenv("COLUMNS", "120")
    _, out, _ = run("--help")
    places = [out.index(f"─ {group} ─") for group in ("Tag text", "Train", "Evaluate", "Data, models and settings")]
    assert places == sorted(places)
    assert places[1] < out.index("│ train ") < places[2] < out.index("│ evaluate ") < places[3]
    _, out, _ = run("score", "--help")
    assert "Example: ner score gold.conll predicted.conll" in out
    assert "More: docs/evaluation.md" in out


def test_an_example_with_an_unknown_option_would_not_be_understood():
    with pytest.raises(Exception, match="No such option: --nonsense"):
        ALL["score"].make_context("score", ["gold.conll", "--nonsense"])


def test_the_version_is_printed_without_a_command(run):
    assert run("--version") == (0, f"bilstm-crf-ner {version('bilstm-crf-ner')}\n", "")


def test_settings_are_listed_with_default_and_description(run):
    code, out, err = run("settings", "--json")
    assert (code, err) == (0, "")
    rows = json.loads(out)
    values = Config().model_dump(mode="json")
    assert [row["key"] for row in rows] == list(known_keys())
    for row in rows:
        section, name = row["key"].split(".")
        assert row["default"] == values[section][name]
        assert (row["description"], row["affects"]) == (known_keys()[row["key"]], affects(row["key"]))
    _, out, _ = run("settings")
    assert out.count("\n    ") == len(rows)
    assert 'model.cell = "lstm"\n    recurrent cell: ' in out
    assert "training.patience = unset\n    stop after " in out


def test_settings_are_those_with_the_word_in_name_or_description(run):
    named = [row["key"] for row in json.loads(run("settings", "DROPOUT", "--json")[1])]
    assert named == [key for key, about in known_keys().items() if "dropout" in f"{key} {about}".lower()]
    assert "model.char_dropout" in named
    code, out, err = run("settings", "xyzzy")
    assert (code, out) == (2, "")
    assert err == "error: WORD: expected a word of a setting, found 'xyzzy' in none; `ner settings` lists all\n"


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["shrimk"], "error: no such command 'shrimk'. Did you mean 'shrink'?; `ner --help` tells what there is"),
        (["tag"], "error: missing argument 'MODEL'; `ner tag --help` tells what there is"),
        (["data", "lst"], "error: no such command 'lst'. Did you mean 'list'?; `ner data --help` tells what there is"),
    ],
)
def test_a_wrong_command_line_is_one_line_that_names_the_help(run, words, line):
    assert run(*words) == (2, "", f"{line}\n")


def test_a_value_that_an_option_does_not_take_is_one_line_too(run):
    code, out, err = run("tag", "en", "--k-best", "x")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert err.startswith("error: invalid value for '--k-best': ")


def test_a_shell_completes_the_commands(run, monkeypatch):
    monkeypatch.setenv("_NER_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", "ner tra")
    monkeypatch.setenv("COMP_CWORD", "1")
    assert run()[1] == "train\n"
