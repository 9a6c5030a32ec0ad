"""What `ner train` says at its end: a table that agrees with `ner evaluate`, what was fitted, commands that exist."""

import re
import shlex
from dataclasses import replace

from typer.main import get_command

import ner
from ner import cli
from ner.commands.ending import ending, fitted, label_table, next_commands
from ner.config import parse_config


def test_the_table_by_label_has_the_scores_of_evaluating(tagger, sample_en, small_model, run):
    dev = sample_en / "dev.conll"
    _, out, _ = run("evaluate", small_model, dev)
    counted = re.findall(
        r"^ +(\w+): precision: +([\d.]+)%; recall: +([\d.]+)%; FB1: +([\d.]+)", out, flags=re.MULTILINE
    )
    lines = label_table("dev", tagger.evaluate(ner.read_conll(dev)).as_dict())
    assert lines[0].split() == ["dev", "precision", "recall", "F1", "entities"]
    assert [tuple(line.split()[:4]) for line in lines[1:]] == counted != []
    assert len({len(line) for line in lines}) == 1


def test_what_was_fitted_is_told(tagger):
    model = {"temperature": 1.25, "threshold": 0.35}
    config = parse_config({"model": model}, "test")
    assert fitted(config) == "fitted on the dev set: temperature 1.25, threshold 0.35"
    config = parse_config({"model": {**model, "decoding": "viterbi"}}, "test")
    assert fitted(config) == "fitted on the dev set: temperature 1.25; no threshold, since model.decoding is viterbi"
    table = label_table("dev", tagger.metrics["dev"])
    assert ending(tagger) == table  # nothing was fitted for it
    calibrated = tagger.config.training.model_copy(update={"calibrate": True})
    model = replace(tagger._model, config=tagger.config.model_copy(update={"training": calibrated}))
    assert ending(ner.Tagger(model)) == [fitted(tagger.config), *table]
    assert ending(ner.Tagger(replace(model, metrics={}))) == []


def test_the_next_commands_are_understood(tmp_path):
    config = parse_config({"data": {"train": "a.conll", "dev": "my dev.conll"}}, "test")
    first, *lines = next_commands(config, tmp_path / "a model")
    assert first == "next:"
    commands = get_command(cli.app).commands
    for line in lines:
        ner, name, *arguments = shlex.split(line)
        assert (ner, arguments[0]) == ("ner", str(tmp_path / "a model"))
        commands[name].make_context(name, arguments)
    assert any(" 'my dev.conll' " in line for line in lines)
    share = parse_config({"data": {"train": "a.conll", "dev": "10%"}}, "test")
    assert any(" FILE " in line for line in next_commands(share, tmp_path))
