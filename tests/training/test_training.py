"""The training loop: what it learns, keeps, says and refuses."""

import itertools
import json
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

import ner
from ner.config import Config
from ner.errors import ConfigError, DataError, TrainingError
from ner.formats.corpus import Corpus
from ner.inference.loading import Model, save_model
from ner.network.cell import Cell, State
from ner.network.cells import CELLS
from ner.resources import named_vectors
from ner.resources.compact import Vectors
from ner.settings import RunConfig
from ner.tagger import Tagger
from ner.text.sentence import Sentence, sentence_from_words
from ner.training import selection
from ner.training.events import Epoch, Listener, Step
from ner.training.training import train_model
from tests.tiny import predict_tags

MakeConfig = Callable[..., Config]

_SCHEDULES = ("inverse", "linear", "cosine", "constant")
_OPTIMIZERS = ({"optimizer": "sgd"}, {"optimizer": "adamw", "learning_rate": 0.02})
# Every shape of network, each with an optimizer and a schedule in turn; then every way of training. Among the fast
# tests are any two of character encoder, cell and direction, and of cell, connection and context; all, among the slow.
_SHAPES = list(itertools.product(("cnn", "lstm", "none"), ("lstm", "gru", "rnn"), (True, False)))
_PAIRED = [n for n in range(len(_SHAPES)) if (n // 6 + n // 2 % 3 + n) % 2 == 0]
_EVERY_SHAPE: list[dict[str, Any]] = [
    {"char_encoder": chars, "cell": cell, "bidirectional": both, **_OPTIMIZERS[n % 2], "schedule": _SCHEDULES[n % 4]}
    for n, (chars, cell, both) in enumerate(_SHAPES)
]
COMBINATIONS: list[dict[str, Any]] = [_EVERY_SHAPE[n] for n in _PAIRED]
COMBINATIONS += [{**o, "schedule": s, "warmup": 0.1} for o in _OPTIMIZERS for s in _SCHEDULES]
COMBINATIONS += [
    {"num_layers": 3, "casing_dim": 3, "char_encoder": "both"},
    {"variational_dropout": True, "word_dropout": 0.1, "char_kernel_size": 4},
    {"batch_tokens": 12, "clip_norm": None},
    {"average": 0.5, "lowercase": False, "normalize_digits": False},
    {"freeze_vectors": True, "min_count": 2},
    {"constraints": False},
]
_OTHER_CELLS = ("peephole-lstm", "coupled-lstm", "depth-gated-lstm", "clockwork-rnn")
_STACKS = (("none", "none"), ("residual", "global"), ("none", "global"), ("highway", "none"))
_EVERY_STACK: list[dict[str, Any]] = [
    {"cell": cell, "num_layers": 1 + n % 2, "bidirectional": n < 3, "connection": connection, "context": context}
    for cell in _OTHER_CELLS
    for n, (connection, context) in enumerate(_STACKS)
]
# Each cell in one layer and in two.
COMBINATIONS += [row for at, row in enumerate(_EVERY_STACK) if (at % 4 - at // 4) % 4 < 2]
_SLOW = [row for row in (*_EVERY_SHAPE, *_EVERY_STACK) if row not in COMBINATIONS]


def test_every_cell_is_among_the_combinations() -> None:
    assert {settings.get("cell", "lstm") for settings in COMBINATIONS} == set(CELLS)


def same_weights(first: Model, second: Model) -> bool:
    ours, theirs = first.network.state_dict(), second.network.state_dict()
    return ours.keys() == theirs.keys() and all(torch.equal(ours[name], theirs[name]) for name in ours)


def scores_of(model: Model) -> list[dict[str, Any]]:
    """All that was reported but what the clock decides."""
    clock = ("seconds", "tokens_per_second")
    return [{key: value for key, value in epoch.items() if key not in clock} for epoch in model.history]


@pytest.mark.parametrize(
    "settings",
    [*COMBINATIONS, *(pytest.param(row, marks=pytest.mark.slow) for row in _SLOW)],
    ids=lambda s: "-".join(map(str, s.values())),
)
def test_every_combination_of_settings_trains_and_its_loss_falls(
    corpus: Corpus, make_config: MakeConfig, settings: dict[str, Any]
) -> None:
    model = train_model(make_config(epochs=4, unknown_rate=0.0, **settings), replace(corpus, dev=corpus.dev[:2]))
    losses = [epoch["loss"] for epoch in model.history]
    assert losses[-1] < losses[0]


@pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
def test_a_tiny_corpus_is_learned_by_heart(corpus: Corpus, make_config: MakeConfig, optimizer: str) -> None:
    config = make_config(epochs=40, optimizer=optimizer, learning_rate=0.05, unknown_rate=0.0)
    model = train_model(config, corpus)
    gold = [list(sentence.tags or ()) for sentence in corpus.dev]
    assert predict_tags(model, corpus.dev) == gold
    assert model.metrics["dev"]["micro"]["f1"] == 1.0


def test_the_seed_settles_weights_and_scores_and_another_seed_others(corpus: Corpus, make_config: MakeConfig) -> None:
    first, again, other = (train_model(make_config(seed=seed), corpus) for seed in (1, 1, 2))
    assert same_weights(first, again)
    assert scores_of(first) == scores_of(again)
    assert not same_weights(first, other)
    assert scores_of(first) != scores_of(other)


def test_torchs_own_random_numbers_neither_change_nor_are_changed(corpus: Corpus, make_config: MakeConfig) -> None:
    torch.manual_seed(77)
    before = torch.get_rng_state()
    first = train_model(make_config(), corpus)
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(78)
    assert same_weights(first, train_model(make_config(), corpus))


def script_scores(monkeypatch: pytest.MonkeyPatch, scores: list[float]) -> None:
    """Dev F1s come from a list, and whatever is scored after the last epoch is scored as it is."""
    original, left = selection.report_spans, iter(scores)

    def report_spans(gold: Any, predicted: Any, *, seconds: float | None = None) -> Any:
        report = original(gold, predicted, seconds=seconds)
        if seconds is not None:
            return report
        return replace(report, micro=replace(report.micro, f1=next(left)))

    monkeypatch.setattr(selection, "report_spans", report_spans)


def test_the_weights_of_the_best_epoch_are_kept(
    corpus: Corpus, make_config: MakeConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Without a dev set the last epoch is kept, and scoring draws no random number.
    two_epochs = train_model(make_config(epochs=2), replace(corpus, dev=[]))
    script_scores(monkeypatch, [0.25, 0.75, 0.5, 0.7])
    model = train_model(make_config(epochs=4), corpus)
    assert model.metrics["training"]["best_epoch"] == 2
    assert [epoch["best"] for epoch in model.history] == [True, True, False, False]
    assert same_weights(model, two_epochs)


def test_the_kept_weights_give_the_best_score_that_was_seen(corpus: Corpus, make_config: MakeConfig) -> None:
    model = train_model(make_config(epochs=10, learning_rate=0.3), corpus)
    assert model.metrics["dev"]["micro"]["f1"] == max(epoch["f1"] for epoch in model.history)


@pytest.mark.parametrize(("patience", "epochs"), [(1, 3), (2, 6), (3, 7)])
def test_training_stops_when_the_best_score_is_as_many_epochs_old_as_patience_says(
    corpus: Corpus, make_config: MakeConfig, monkeypatch: pytest.MonkeyPatch, patience: int, epochs: int
) -> None:
    script_scores(monkeypatch, [0.1, 0.2, 0.2, 0.3, 0.1, 0.3, 0.2, 0.2, 0.2])
    messages: list[str] = []
    config = make_config(epochs=9, patience=patience)
    model = train_model(config, corpus, listener=Listener(on_message=messages.append))
    assert len(model.history) == epochs
    assert messages == [f"stopped: no better dev F1 for {['1 epoch', '2 epochs', '3 epochs'][patience - 1]}"]


def test_without_a_dev_set_the_last_epoch_is_kept(corpus: Corpus, make_config: MakeConfig) -> None:
    config = make_config(epochs=3, patience=1)
    model = train_model(config, replace(corpus, dev=[]))
    assert model.metrics["training"]["best_epoch"] == 3
    assert "dev" not in model.metrics
    assert [epoch["f1"] for epoch in model.history] == [None] * 3
    assert str(Epoch(**model.history[0])).startswith(f"epoch   1  loss {model.history[0]['loss']:8.4f}  ")


def test_an_epoch_prints_as_one_line() -> None:
    epoch = Epoch(7, 1.5, 0.015, 0.9, 0.8, 0.84712, 2.0, 12345.6, best=True)
    assert str(epoch) == "epoch   7  loss   1.5000  dev P 90.00 R 80.00 F1 84.71    12,346 tokens/s  best"


def test_a_label_only_the_dev_set_has_is_warned_of_and_counts_as_missed(
    corpus: Corpus, make_config: MakeConfig
) -> None:
    dev = [sentence_from_words(["Acme", "rose", "Ode"], ["B-ORG", "O", "B-ART"])]
    messages: list[str] = []
    model = train_model(make_config(), replace(corpus, dev=dev), listener=Listener(on_message=messages.append))
    assert messages[0] == "warning: only the dev set has ART, ORG; no model learns that, all of them count as missed"
    assert model.vocabularies.labels == ("LOC", "PER")
    assert model.metrics["dev"]["labels"]["ORG"]["support"] == 1
    assert model.metrics["dev"]["labels"]["ORG"]["recall"] == 0


@pytest.mark.parametrize("train", [[], [sentence_from_words(["a", "b"], ["O", "O"])]], ids=["empty", "outside"])
def test_a_corpus_without_an_entity_is_refused(make_config: MakeConfig, train: list[Sentence]) -> None:
    columns = "; is data.tag_column right?"
    for source, name, way_out in (
        ("news.conll", "news.conll", columns),
        (None, "sentences given in Python", ""),
    ):
        config = make_config()
        config = config.model_copy(update={"data": config.data.model_copy(update={"train": source})})
        with pytest.raises(TrainingError) as error:
            train_model(config, Corpus(train, [], []))
        assert str(error.value) == f"{name}: expected at least one entity, found none{way_out}"


@pytest.mark.parametrize("split", ["train", "dev", "test"])
def test_a_sentence_without_one_tag_a_token_is_refused(corpus: Corpus, make_config: MakeConfig, split: str) -> None:
    bare = sentence_from_words(["Anna", "met", "Bob", "in", "the", "town"])
    short = replace(sentence_from_words(["Anna", "met"], ["B-PER"]), source="news.conll:7")
    for sentence, message in (
        (bare, f"{split}: expected as many tags as tokens, found 0 for 6: Anna met Bob in the"),
        (short, "news.conll:7: expected as many tags as tokens, found 1 for 2: Anna met"),
    ):
        with pytest.raises(DataError) as error:
            train_model(make_config(), replace(corpus, **{split: [*corpus.dev, sentence]}))
        assert str(error.value) == message


def test_empty_sentences_change_nothing_that_is_learned(corpus: Corpus, make_config: MakeConfig) -> None:
    empty = sentence_from_words([], [])
    with_empty = Corpus([empty, *corpus.train[:3], empty, *corpus.train[3:]], [empty, *corpus.dev], [empty])
    first, second = (train_model(make_config(), each) for each in (corpus, with_empty))
    assert same_weights(first, second)
    assert scores_of(first) == scores_of(second)


def test_a_loss_that_is_no_number_stops_and_names_the_batch(
    corpus: Corpus, make_config: MakeConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ["anna", "rome", "carla"]
    matrix = np.full((3, 8), np.inf, dtype=np.float32)
    monkeypatch.setattr(named_vectors, "open_vectors", lambda name: Vectors(name, words, matrix, 3))
    sentences = [replace(s, source=f"news.conll:{10 * n}") for n, s in enumerate(corpus.train)]
    only = [sentences[7]]  # Carla's
    with pytest.raises(TrainingError) as error:
        train_model(make_config(vectors="infinite", unknown_rate=0.0), Corpus(only, [], []))
    assert str(error.value) == (
        "epoch 1, batch 1: expected a finite loss, found nan; the batch begins with news.conll:70; "
        "lower training.learning_rate or training.clip_norm"
    )
    with pytest.raises(TrainingError, match=r"found nan; the batch begins with Carla Bianchi sleeps; lower"):
        train_model(make_config(vectors="infinite", unknown_rate=0.0), Corpus(corpus.train[7:], [], []))


def test_a_learning_rate_far_too_high_stops_in_the_next_batch(corpus: Corpus, make_config: MakeConfig) -> None:
    train = [replace(sentence, source="news.conll:1") for sentence in corpus.train]
    with pytest.raises(TrainingError) as error:
        train_model(make_config(learning_rate=1e30, clip_norm=None), replace(corpus, train=train))
    assert str(error.value) == (
        "epoch 1, batch 2: expected a finite loss, found nan; the batch begins with news.conll:1, news.conll:1, "
        "news.conll:1; lower training.learning_rate or training.clip_norm"
    )


def test_weights_that_are_no_numbers_stop_though_no_loss_shows_them(corpus: Corpus, make_config: MakeConfig) -> None:
    config = make_config(learning_rate=1e38, weight_decay=1e30, clip_norm=None, batch_size=8)
    for dev in (corpus.dev, []):
        with pytest.raises(TrainingError) as error:
            train_model(config, replace(corpus, dev=dev))
        assert str(error.value) == (
            "epoch 1: expected finite weights, found NaN or infinity; "
            "lower training.learning_rate or training.clip_norm"
        )


def test_the_listener_hears_of_every_batch_and_epoch(corpus: Corpus, make_config: MakeConfig) -> None:
    steps: list[Step] = []
    epochs: list[Epoch] = []
    listener = Listener(on_step=steps.append, on_epoch=epochs.append)
    train_model(make_config(epochs=2), corpus, listener=listener)
    assert [(step.epoch, step.done, step.total) for step in steps] == [(e, d, 3) for e in (1, 2) for d in (1, 2, 3)]
    assert [epoch.epoch for epoch in epochs] == [1, 2]
    assert [steps[2].loss, steps[5].loss] == [epoch.loss for epoch in epochs]


def test_the_reported_loss_is_the_mean_over_sentences(corpus: Corpus, make_config: MakeConfig) -> None:
    settings = {"dropout": 0.0, "char_dropout": 0.0, "unknown_rate": 0.0, "learning_rate": 1e-30, "epochs": 1}
    whole = train_model(make_config(batch_size=8, **settings), corpus)
    parts = train_model(make_config(batch_size=3, **settings), corpus)  # batches of 3, 3 and 2
    assert parts.history[0]["loss"] == pytest.approx(whole.history[0]["loss"], rel=1e-5)


def test_the_average_of_the_weights_is_what_is_scored_and_kept(corpus: Corpus, make_config: MakeConfig) -> None:
    settings = {"epochs": 2, "batch_size": 8, "learning_rate": 0.1}
    without_dev = replace(corpus, dev=[])
    none = train_model(make_config(**settings | {"learning_rate": 1e-30}), without_dev)
    one = train_model(make_config(**settings | {"epochs": 1}), without_dev)
    two = train_model(make_config(**settings), without_dev)
    average = train_model(make_config(average=0.9, **settings), without_dev)
    start, first, second = (dict(model.network.named_parameters()) for model in (none, one, two))
    for name, kept in average.network.named_parameters():
        # Two steps with decays of 1/11 and 2/12.
        mean = start[name] * (1 / 11) * (2 / 12) + first[name] * (10 / 11) * (2 / 12) + second[name] * (10 / 12)
        torch.testing.assert_close(kept, mean, rtol=0, atol=1e-5)


@pytest.mark.parametrize("clip_norm", [0.01, 0.5])
def test_a_step_of_sgd_is_as_long_as_the_clipped_gradient(
    corpus: Corpus, make_config: MakeConfig, clip_norm: float
) -> None:
    settings = {"epochs": 1, "batch_size": 8, "momentum": 0.0, "clip_norm": clip_norm}
    start = train_model(make_config(**settings, learning_rate=1e-30), corpus).network
    end = train_model(make_config(**settings, learning_rate=0.1), corpus).network
    steps = [(a - b).detach().flatten() for a, b in zip(start.parameters(), end.parameters(), strict=True)]
    # The untouched gradient of this batch is far longer than either.
    assert float(torch.cat(steps).norm()) == pytest.approx(0.1 * clip_norm, rel=1e-3)


@pytest.mark.parametrize(
    ("words", "wanted"),
    [(["南", "京", "市", "长", "江"], "characters"), (["Nan", "jing", "is", "a", "city"], "words")],
)
def test_raw_text_is_cut_as_the_training_corpus_was(make_config: MakeConfig, words: list[str], wanted: str) -> None:
    corpus = Corpus([sentence_from_words(words, ["B-LOC", "I-LOC", "O", "O", "O"])], [], [])
    assert train_model(make_config(epochs=1), corpus).config.data.tokenizer == wanted
    for fixed in ("words", "characters"):
        config = make_config(epochs=1)
        config = config.model_copy(update={"data": config.data.model_copy(update={"tokenizer": fixed})})
        assert train_model(config, corpus).config.data.tokenizer == fixed


def test_training_warns_of_words_that_raw_text_is_not_cut_into(make_config: MakeConfig) -> None:
    said: list[str] = []
    listener = Listener(on_message=said.append)
    sentences = [sentence_from_words(["Ann", "ran", "to", "Kiel."], ["B-PER", "O", "O", "B-LOC"])] * 5
    train_model(make_config(epochs=1), Corpus(sentences, [], []), listener=listener)
    about_words = [message for message in said if "data.tokenizer" in message]
    assert about_words == [
        "warning: 25% of 20 words, 50% of those in entities, come out otherwise where text is cut with "
        "data.tokenizer = \"words\" ('Kiel.' comes out as 'Kiel' '.'); "
        'set data.tokenizer = "spaces": with it 0% of the words come out otherwise'
    ]
    config = make_config(epochs=1)
    config = config.model_copy(update={"data": config.data.model_copy(update={"tokenizer": "spaces"})})
    said.clear()
    model = train_model(config, Corpus(sentences, [], []), listener=listener)
    assert not [message for message in said if "data.tokenizer" in message]
    assert [s.words for s in Tagger(model).split("Leo sat in Graz. He ran.")] == [
        ["Leo", "sat", "in", "Graz."],
        ["He", "ran."],
    ]


def test_an_odd_longer_token_leaves_a_corpus_one_of_characters(make_config: MakeConfig) -> None:
    words = ["南", *["京"] * 198, "👨‍👩‍👧"]
    corpus = Corpus([sentence_from_words(words, ["B-LOC", *["O"] * 199])], [], [])
    assert train_model(make_config(epochs=1), corpus).config.data.tokenizer == "characters"


def test_metrics_say_what_was_trained_on_and_scored(corpus: Corpus, make_config: MakeConfig) -> None:
    model = train_model(make_config(epochs=2), replace(corpus, test=corpus.train[:2]))
    made = model.metrics["training"]
    assert (made["sentences"], made["tokens"], made["epochs"]) == (8, 33, 2)
    assert made["source"] == model.metrics["dev"]["source"] == "sentences given in Python"
    assert model.metrics["test"]["sentences"] == 2
    assert model.metrics["versions"]["torch"].startswith(torch.__version__.split("+")[0])
    assert made["parameters"] == sum(math.prod(p.shape) for p in model.network.parameters())
    assert model.metrics["vectors"] is None


def test_to_resume_needs_a_folder(corpus: Corpus, make_config: MakeConfig) -> None:
    with pytest.raises(ConfigError) as error:
        train_model(make_config(), corpus, resume=True)
    assert str(error.value) == "resume: expected the folder of an unfinished run, found none"


@pytest.mark.parametrize(
    ("machine", "setting", "trained_on"), [(4, 3, 3), (1, 3, 3), (4, None, 2), (2, None, 2), (1, None, 1)]
)
def test_training_takes_its_threads_two_if_unset_and_leaves_those_of_the_process(
    corpus: Corpus, make_config: MakeConfig, machine: int, setting: int | None, trained_on: int
) -> None:
    before, seen = torch.get_num_threads(), []
    listener = Listener(on_epoch=lambda epoch: seen.append(torch.get_num_threads()))
    try:
        torch.set_num_threads(machine)
        train_model(make_config(threads=setting, epochs=1), corpus, listener=listener)
        assert (seen, torch.get_num_threads()) == ([trained_on], machine)
    finally:
        torch.set_num_threads(before)


def test_a_model_does_not_hold_what_belongs_to_the_run(corpus: Corpus, make_config: MakeConfig, tmp_path: Path) -> None:
    config = make_config(threads=2, epochs=1, checkpoint_minutes=3.0)
    model = train_model(config, corpus)
    assert (config.run.threads, model.config.run) == (2, RunConfig())
    save_model(model, tmp_path / "model")
    values = json.loads((tmp_path / "model" / "config.json").read_text(encoding="utf-8"))
    assert values.keys() == {"format", "data", "features", "model", "training"}
    assert not {"threads", "device", "tensorboard", "checkpoint_minutes"} & values["training"].keys()


def test_one_thread_and_two_train_the_same_weights(corpus: Corpus, make_config: MakeConfig) -> None:
    before = torch.get_num_threads()
    try:
        one, two = (train_model(make_config(threads=threads), corpus).network.state_dict() for threads in (1, 2))
    finally:
        torch.set_num_threads(before)
    assert all(torch.equal(one[name], two[name]) for name in one)


class MinimalGatedUnit(Cell):
    """Zhou et al. 2016: f = σ(W x + U h' + b); h = (1 - f) ⊙ h' + f ⊙ tanh(W x + U (f ⊙ h') + b)."""

    # The paper's forget gate takes in where it is open, so the bias that opens forget gates isn't for it.
    blocks = ("gate", "candidate")

    def step(self, drive: Tensor, state: State, weight: Tensor) -> tuple[State, dict[str, Tensor]]:
        to_gate, to_candidate = drive.chunk(2, dim=1)
        gate_weight, candidate_weight = weight.chunk(2, dim=1)
        gate = torch.sigmoid(to_gate + state.hidden @ gate_weight)
        candidate = torch.tanh(to_candidate + (gate * state.hidden) @ candidate_weight)
        hidden = torch.lerp(state.hidden, candidate, gate)
        return State(hidden, hidden), {"gate": gate}


@pytest.mark.filterwarnings("ignore:expected entities of the dev set, found none")  # after so few epochs
@pytest.mark.parametrize("settings", [{}, {"num_layers": 2, "context": "global", "connection": "residual"}], ids=str)
def test_a_cell_of_ones_own_and_a_line_in_the_table_train_save_and_tag(
    corpus: Corpus,
    make_config: MakeConfig,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    settings: dict[str, Any],
) -> None:
    config = make_config(epochs=2, cell="mgu", unknown_rate=0.0, **settings)
    with pytest.raises(ConfigError) as error:
        ner.train(config, corpus)
    assert str(error.value) == f"model.cell: expected one of {', '.join(CELLS)}, found 'mgu'"

    monkeypatch.setitem(CELLS, "mgu", MinimalGatedUnit)
    losses: list[float] = []
    tagger = ner.train(config, corpus, on_epoch=lambda epoch: losses.append(epoch.loss))
    assert losses[1] < losses[0]
    tagger.save(tmp_path / "model")
    words = list(corpus.train[0].words)
    tags = tagger.tag_words(words)
    assert len(tags) == len(words)
    assert ner.load(tmp_path / "model", device="cpu").tag_words(words) == tags


def test_a_cell_of_ones_own_learns_by_heart(
    corpus: Corpus, make_config: MakeConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(CELLS, "mgu", MinimalGatedUnit)
    tagger = ner.train(make_config(epochs=40, cell="mgu", unknown_rate=0.0), corpus)
    gold = [list(sentence.tags or ()) for sentence in corpus.train]
    assert [tagger.tag_words(list(sentence.words)) for sentence in corpus.train] == gold


def test_an_average_of_epochs_is_that_of_the_weights_at_their_ends(corpus: Corpus, make_config: MakeConfig) -> None:
    """Without a dev set the weights at an epoch's end are those of a run that ends there."""
    corpus = replace(corpus, dev=[])
    plain = {"optimizer": "sgd", "schedule": "constant"}
    ends = [dict(train_model(make_config(epochs=n, **plain), corpus).network.named_parameters()) for n in (1, 2, 3)]
    # The start counts a quarter after the first epoch: the network as it is drawn, which a rate of zero shows.
    start = dict(train_model(make_config(epochs=1, **plain, learning_rate=1e-30), corpus).network.named_parameters())
    found = train_model(make_config(epochs=3, average=0.45, average_every="epoch", **plain), corpus)
    for name, parameter in found.network.named_parameters():
        mean = start[name]
        for decay, end in zip((1 / 4, 2 / 5, 0.45), ends, strict=True):
            mean = decay * mean + (1 - decay) * end[name]
        assert torch.allclose(parameter, mean, atol=1e-6)
