"""The simulated loop of annotation: what is chosen, what it is measured on, and how it goes on where it was."""

import copy
import json
import math
from dataclasses import replace

import pytest
import torch

from ner.errors import ConfigError, DataError
from ner.features.batches import fingerprint
from ner.formats.columns import read_conll, write_conll
from ner.formats.corpus import Corpus
from ner.inspection import canvas
from ner.reporting.learning_curve import curve_table, curves_of, draw_learning_curves
from ner.text.documents import chosen_sentences
from ner.text.sentence import sentence_from_words
from ner.training import simulation
from ner.training.simulation import (
    Experiment,
    Round,
    read_rounds,
    simulate,
    tokens_to_reach,
)
from ner.training.training import train_model
from tests.tiny import plain_overrides

EXPERIMENT = Experiment(("all", "entropy", "random"), budget=30, first=10, rounds=2, runs=1, steps=2)


@pytest.fixture
def config(make_config):
    return make_config(epochs=1)


def ordered(rounds):
    return sorted(rounds, key=lambda found: (found.strategy, found.run, found.number))


def same(rounds):
    """What of rounds is settled by seeds: all but the time they took."""
    return [(f.strategy, f.run, f.number, f.f1, f.chosen, f.following) for f in ordered(rounds)]


def test_each_round_has_the_sentences_of_the_last_and_those_it_asked_for_within_its_size(config, corpus, tmp_path):
    found = simulate(config, corpus, EXPERIMENT, log=tmp_path / "rounds.jsonl")
    assert [(f.strategy, f.number) for f in ordered(found)] == [("all", 0)] + [
        (strategy, number) for strategy in ("entropy", "random") for number in range(3)
    ]
    by_place = {(f.strategy, f.number): f for f in found}
    assert by_place["all", 0].tokens == sum(len(s.words) for s in corpus.train)
    assert by_place["entropy", 0].chosen == by_place["random", 0].chosen
    for strategy in ("entropy", "random"):
        for number, size in enumerate(EXPERIMENT.sizes()):
            now = by_place[strategy, number]
            assert now.tokens == sum(len(corpus.train[index].words) for index in now.chosen) <= size
            assert len(set(now.chosen)) == len(now.chosen)
            if number:
                before = by_place[strategy, number - 1]
                assert now.chosen == before.chosen + before.following != before.chosen
        assert by_place[strategy, 2].following == ()


def test_what_the_log_has_is_not_trained_again_and_a_broken_off_experiment_ends_as_an_unbroken_one(
    config,
    corpus,
    tmp_path,
):
    log, heard = tmp_path / "rounds.jsonl", []
    whole = simulate(config, corpus, EXPERIMENT, log=log, on_round=heard.append)
    assert same(heard) == same(whole) == same(read_rounds(log))
    again = simulate(config, corpus, EXPERIMENT, log=log, on_round=lambda found: pytest.fail(str(found)))
    assert same(again) == same(whole)
    lines = log.read_text().splitlines(keepends=True)
    log.write_text("".join(lines[:3]))
    heard.clear()
    assert same(simulate(config, corpus, EXPERIMENT, log=log, on_round=heard.append)) == same(whole)
    assert len(heard) == len(lines) - 3


def test_another_recipe_or_another_size_is_another_experiment_in_the_same_log(config, corpus, make_config, tmp_path):
    log = tmp_path / "rounds.jsonl"
    small = Experiment(("random",), budget=25, first=10, rounds=1, runs=1, steps=2)
    keys = {found.key for found in simulate(config, corpus, small, log=log)}
    keys |= {found.key for found in simulate(make_config(epochs=1, hidden_dim=9), corpus, small, log=log)}
    keys |= {found.key for found in simulate(config, Corpus(corpus.train[1:], corpus.dev), small, log=log)}
    assert len(keys) == 3
    assert len(read_rounds(log)) == 6


def test_another_start_model_of_the_same_settings_is_another_experiment(config, corpus, tmp_path, monkeypatch):
    monkeypatch.setattr(simulation, "train_model", lambda config, corpus, *, start, **_: start)
    start = train_model(config, corpus)
    other = copy.deepcopy(start)
    with torch.no_grad():
        other.network.projection.bias[0] += 1
    small = Experiment(("random",), budget=25, first=10, rounds=1, runs=1, steps=2)
    keys = [
        {found.key for found in simulate(config, corpus, small, log=tmp_path / "rounds.jsonl", start=model)}
        for model in (start, other, copy.deepcopy(start))
    ]
    assert keys[0] == keys[2] != keys[1]
    assert len(read_rounds(tmp_path / "rounds.jsonl")) == 4


def test_chosen_sentences_open_a_document_where_one_began_since_the_sentence_before():
    marks = [True, False, False, True, False, False, True]
    train = [sentence_from_words([str(n)], ["O"], opens_document=mark) for n, mark in enumerate(marks)]
    found = chosen_sentences(train, [5, 2, 1, 4])
    assert [sentence.words for sentence in found] == [["1"], ["2"], ["4"], ["5"]]
    assert [sentence.opens_document for sentence in found] == [True, False, True, False]
    assert fingerprint(chosen_sentences(train, range(7))) == fingerprint(train)


def test_tokens_to_reach_an_f1_lie_between_the_rounds_around_it_or_are_unknown():
    curve = [(100, 0.5), (1000, 0.6), (10_000, 0.9)]
    assert tokens_to_reach(curve, 0.95) is None
    assert tokens_to_reach(curve, 0.4) == 100
    assert tokens_to_reach(curve, 0.9) == pytest.approx(10_000)
    assert tokens_to_reach(curve, 0.7) == pytest.approx(1000 * 10 ** (1 / 3))


def test_the_picture_counts_tokens_in_plain_numbers():
    pytest.importorskip("matplotlib", reason="the extra `plots`")
    rounds = [Round("k", "entropy", 1, n, 500 * 2**n, 0.5 + 0.1 * n, 0.5, 0.5, 1.0, ()) for n in range(4)]
    axes = draw_learning_curves(rounds, title="t").axes[0]
    low, high = axes.get_xlim()
    places = [float(place) for place in axes.get_xticks() if low <= place <= high]
    assert places == [500, 1000, 2000]
    assert [axes.xaxis.get_major_formatter()(place) for place in places] == ["500", "1,000", "2,000"]


def test_a_curve_is_the_mean_over_runs_and_the_table_tells_what_was_reached():
    def made(strategy, run, number, tokens, f1):
        return Round("k", strategy, run, number, tokens, f1, f1, f1, 1.0, ())

    rounds = [made("all", 1, 0, 9000, 0.8)]
    rounds += [made("entropy", run, n, 100 * 10**n, 0.5 + 0.2 * n + 0.04 * run) for run in (1, 2) for n in (0, 1)]
    rounds += [made("random", run, n, 40 * 10**n, 0.5 + 0.1 * n) for run in (1, 2) for n in (0, 1)]
    entropy, other = curves_of(rounds)
    assert entropy.tokens == [100, 1000]
    assert entropy.f1 == pytest.approx([56, 76])
    assert entropy.sd == pytest.approx([100 * 0.04 / math.sqrt(2)] * 2)
    assert entropy.reached == [None, pytest.approx(100 * 10 ** (0.18 / 0.2))]
    assert other.reached == [None, None]
    assert curve_table(rounds).splitlines() == [
        "| dev F1 (after so many tokens) | round 0 | round 1 | tokens to 95% of the full F1 |",
        "|---|---|---|---|",
        "| entropy | 56.0 ± 2.8 (100) | 76.0 ± 2.8 (1,000) | not reached in 1 of 2 runs |",
        "| random | 50.0 ± 0.0 (40) | 60.0 ± 0.0 (400) | not reached in 2 of 2 runs |",
        "",
        "All training sentences: dev F1 80.00; 95% of it is 76.00.",
    ]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"budget": 34},
            "--first and --budget: expected a seed set smaller than the budget, and the budget at most the 33 tokens "
            "of the training set, found 10 and 34",
        ),
        (
            {"first": 30},
            "--first and --budget: expected a seed set smaller than the budget, and the budget at most the 33 tokens "
            "of the training set, found 30 and 30",
        ),
        (
            {"strategies": ("best",)},
            "strategy: expected one of entropy, margin, least-confident, bald, diverse, random, found 'best'",
        ),
    ],
)
def test_an_experiment_that_can_not_be_is_an_error(config, corpus, tmp_path, changes, message):
    with pytest.raises(ConfigError) as error:
        simulate(config, corpus, replace(EXPERIMENT, **changes), log=tmp_path / "rounds.jsonl")
    assert str(error.value) == message


def test_a_seed_set_that_pays_for_no_sentence_is_refused_before_any_training(config, corpus, tmp_path):
    train = [sentence for sentence in corpus.train if len(sentence.words) > 1]
    with pytest.raises(ConfigError) as error:
        simulate(config, Corpus(train, corpus.dev), replace(EXPERIMENT, first=1), log=tmp_path / "rounds.jsonl")
    assert str(error.value) == (
        "--first: expected the tokens of a sentence, 2 or more, found 1, which by default is a sixteenth of --budget"
    )
    assert not (tmp_path / "rounds.jsonl").exists()


def test_without_a_dev_set_there_is_nothing_to_measure_on(config, corpus, tmp_path):
    with pytest.raises(ConfigError) as error:
        simulate(config, Corpus(corpus.train), EXPERIMENT, log=tmp_path / "rounds.jsonl")
    assert str(error.value) == "data.dev: expected a dev set, on which each round is measured; found none"


def test_a_log_of_something_else_is_an_error(config, corpus, tmp_path):
    log = tmp_path / "rounds.jsonl"
    log.write_text('{"chosen": []}\n')
    with pytest.raises(DataError) as error:
        simulate(config, corpus, EXPERIMENT, log=log)
    assert str(error.value) == (
        f"{log}:1: expected a round that `ner simulate` logged, found 'following'; take another folder"
    )


@pytest.fixture
def drawn(monkeypatch):
    """The figures that were to be drawn; fonts and files take seconds."""
    figures = {}

    def keep(path, draw):
        figures[path.name] = draw()
        return [f"{path}: not drawn"]

    monkeypatch.setattr(canvas, "draw_picture", keep)
    return figures


def test_the_command_writes_rounds_labels_and_the_picture(run, tmp_path, sentences, drawn):
    write_conll(tmp_path / "train.conll", sentences)
    (tmp_path / "recipe.toml").write_text(f'[data]\ntrain = "{tmp_path}/train.conll"\ndev = "{tmp_path}/train.conll"\n')
    changed = [*plain_overrides(), "model.word_dim=8", "model.hidden_dim=8", "training.epochs=1", "run.threads=1"]
    options = [word for setting in changed for word in ("--set", setting)]
    out = tmp_path / "curve"
    command = ["simulate", tmp_path / "recipe.toml", "--out", out, "--budget", 6, "--first", 3, "--rounds", 1]
    command += ["--runs", 1, "--steps", 1, "--full", *options]
    code, said, err = run(*command)
    assert code == 0, err
    assert said.splitlines()[2].startswith("| entropy | ")
    rounds = [json.loads(line) for line in (out / "rounds.jsonl").read_text().splitlines()]
    assert len(rounds) == 5
    labels = read_conll(out / "labels" / "entropy-1.conll")
    chosen = next(row["chosen"] for row in rounds if row["strategy"] == "entropy" and row["number"] == 1)
    assert [s.tags for s in labels] == [sentences[index].tags for index in chosen]
    (axes,) = drawn["curve.png"].axes
    assert [line.get_label() for line in axes.lines][:2] == ["entropy", "random"]
    tokens = {row["tokens"] for row in rounds if row["strategy"] == "entropy"}
    assert set(axes.lines[0].get_xdata()) == tokens
    assert run(*command) == (0, said, f"warning: {out}/curve.png: not drawn\n")
