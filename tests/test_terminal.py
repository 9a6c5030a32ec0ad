"""`ner tag` for somebody who reads what it prints: a text on the command line, colours on a terminal, short scores."""

import io
import json
import re
import sys

import pytest

from ner import cli
from ner.commands.colours import coloured
from ner.text.sentence import Entity

TEXT = "Angela Merkel visited Paris."


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def seen(monkeypatch):
    """What a terminal is sent by `ner …`."""

    def call(*arguments):
        terminal = Terminal()
        monkeypatch.setattr(sys, "argv", ["ner", *map(str, arguments)])
        monkeypatch.setattr(sys, "stdout", terminal)
        with pytest.raises(SystemExit) as stop:
            cli.main()
        assert not stop.value.code
        return terminal.getvalue()

    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    return call


def bare(sent):
    """What is left when colours go."""
    return re.sub(r"\x1b\[[0-9;]*m", "", sent)


def test_a_text_is_tagged_as_the_same_line_of_a_file(run, small_model):
    assert run("tag", small_model, "--text", TEXT) == run("tag", small_model, stdin=TEXT.encode())
    two = f"{TEXT}\n{TEXT}"
    (row,) = run("tag", small_model, "--text", two)[1].splitlines()
    assert json.loads(row)["text"] == two


@pytest.mark.parametrize(
    ("arguments", "found"), [(["x.txt"], "x.txt"), (["--input", "text"], "--input text")], ids=["file", "format"]
)
def test_a_text_goes_with_no_file(run, small_model, arguments, found):
    code, out, err = run("tag", small_model, *arguments, "--text", TEXT)
    assert (code, out) == (2, "")
    assert err == f"error: --text: expected neither a file nor --input beside it, found {found}\n"


def test_a_terminal_shows_each_entity_in_the_colour_of_its_label(seen, small_model, tagger):
    sent = seen("tag", small_model, "--text", TEXT)
    entities = tagger.tag(TEXT)
    marked = re.findall(r"\x1b\[30;48;5;(\d+)m (.*?) \x1b\[1m([A-Z]+) \x1b\[0m", sent)
    assert [(name, label) for _, name, label in marked] == [(e.text, e.label) for e in entities] != []
    assert len({colour for colour, *_ in marked}) == len({e.label for e in entities})
    assert bare(sent).endswith(".\n")


def test_a_terminal_without_colours_shows_brackets(seen, small_model, tagger, monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    sent = seen("tag", small_model, "--text", TEXT)
    assert re.findall(r"\[(.*?) ([A-Z]+)\]", sent) == [(e.text, e.label) for e in tagger.tag(TEXT)]
    assert re.sub(r"\[(.*?) [A-Z]+\]", r"\1", sent) == f"{TEXT}\n"


def test_a_terminal_is_sent_the_format_that_is_asked_for(seen, run, small_model):
    wanted = run("tag", small_model, "--text", TEXT)[1]
    assert seen("tag", small_model, "--text", TEXT, "--format", "jsonl") == wanted


def test_a_text_cannot_steer_the_terminal():
    hostile = "a\x1b[2Jb\x07\r\x9b31mBob\x7f\tc\n"
    start = hostile.index("Bob")
    shown = coloured(hostile, [Entity("P\x1b", "Bob", start, start + 3)], {}, plain=True)
    assert shown == "a�[2Jb���31m[Bob P�]�\tc\n"


def test_scores_have_four_digits_unless_more_are_asked_for(run, small_model, tagger):
    whole = [entity.score for entity in tagger.tag(TEXT)]
    for options, digits in (([], 4), (["--digits", 2], 2), (["--digits", 17], 17)):
        _, out, _ = run("tag", small_model, *options, "--text", TEXT)
        scores = [entity["score"] for entity in json.loads(out)["entities"]]
        assert scores == [float(f"{score:.{digits}g}") for score in whole]
    assert scores == whole != []
    _, out, _ = run("tag", small_model, "--k-best", 2, "--text", TEXT)
    assert all(len(repr(each["probability"])) < 12 for each in json.loads(out)["labellings"][0])
