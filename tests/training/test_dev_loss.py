"""The loss on the dev set: as enumeration and the network give it, and where it goes."""

from dataclasses import replace
from itertools import pairwise, product

import numpy as np
import pytest
import torch

from ner.crf.chain import Chain
from ner.features.batches import collate, encode
from ner.network.inputs import to_inputs
from ner.reporting import curves
from ner.text.sentence import sentence_from_words
from ner.training.dev_loss import GoldTags, losses
from ner.training.training import train_model
from tests.tiny import read_pairs


def test_a_loss_is_the_negative_log_of_the_share_of_a_sequence_of_all_there_are_at_temperature_one() -> None:
    rng = np.random.default_rng(5)
    chain = Chain(rng.normal(size=3), rng.normal(size=(3, 3)), rng.normal(size=3), temperature=2.0)
    emissions, lengths = rng.normal(size=(3, 4, 3)), np.array([4, 2, 3])

    def weight(row: int, tags: tuple[int, ...]) -> float:
        score = chain.start[tags[0]] + chain.end[tags[-1]] + sum(emissions[row, t, tag] for t, tag in enumerate(tags))
        return float(np.exp(score + sum(chain.transitions[a, b] for a, b in pairwise(tags))))

    gold = [(0, 2, 1, 1), (2, 2)]
    padded = np.array([(0, 2, 1, 1), (2, 2, 7, 7), (-1, -1, -1, -1)])
    found = losses(chain, emissions, lengths, padded)
    wanted = []
    for row, tags in enumerate(gold):
        everything = sum(weight(row, each) for each in product(range(3), repeat=int(lengths[row])))
        wanted.append(-np.log(weight(row, tags) / everything))
    assert found == pytest.approx(wanted)


def test_a_run_keeps_the_loss_that_its_network_has_on_the_dev_set_without_dropout(make_config, corpus) -> None:
    dev = read_pairs("Anna/B-PER lives/O in/O Rome/B-LOC\nnothing/O happened/O\n")
    unknown = sentence_from_words(["Acme"], ["B-ORG"])
    model = train_model(make_config(epochs=1), replace(corpus, dev=[*dev, unknown]))
    network, vocabularies = model.network.eval(), model.vocabularies
    inputs = to_inputs(collate(encode(dev, vocabularies), np.arange(2)))
    tags = torch.zeros((2, 4), dtype=torch.long)
    for row, sentence in zip(tags, dev, strict=True):
        own = GoldTags.of([sentence], vocabularies).tags
        row[: len(own)] = torch.from_numpy(own)
    with torch.no_grad():
        wanted = float(network(inputs, tags))
    assert model.history[0]["dev_loss"] == pytest.approx(wanted, rel=1e-4)
    partly = replace(dev[1], annotated=frozenset({"PER"}))
    gold = GoldTags.of([unknown, dev[0], partly], vocabularies)
    assert gold.of_rows(np.array([0, 2]), 2).tolist()[0][0] == -1
    assert gold.tags.tolist() == [-1, *GoldTags.of(dev[:1], vocabularies).tags.tolist(), -1, -1]
    assert train_model(make_config(epochs=1), replace(corpus, dev=[])).history[0]["dev_loss"] is None


def test_of_epochs_of_one_dev_f1_the_one_of_the_least_dev_loss_is_kept(make_config, corpus) -> None:
    dev = corpus.train[:4]
    model = train_model(make_config(epochs=40, learning_rate=0.1, calibrate=False), replace(corpus, dev=dev))
    f1, lost = ([epoch[name] for epoch in model.history] for name in ("f1", "dev_loss"))
    assert f1.count(max(f1)) > 2
    kept = min(range(40), key=lambda n: (-f1[n], lost[n]))
    assert kept > f1.index(max(f1))
    assert [n for n, epoch in enumerate(model.history) if epoch["best"]][-1] == kept
    again = train_model(make_config(epochs=kept + 1, learning_rate=0.1, calibrate=False), replace(corpus, dev=[]))
    assert all(torch.equal(a, b) for a, b in zip(model.network.parameters(), again.network.parameters(), strict=True))


def test_the_curves_show_the_dev_loss_beside_the_training_loss_where_it_is_known(monkeypatch) -> None:
    drawn = []
    monkeypatch.setattr(curves, "picture_bytes", lambda figure: drawn.append(figure) or b"")
    epochs = [
        {"epoch": n, "loss": 3.0 / n, "learning_rate": 0.1, "f1": None, "best": True, "dev_loss": 1.0 + n}
        for n in (1, 2)
    ]
    curves.draw_curves(epochs)
    (axes,) = [axes for axes in drawn[0].axes if axes.get_title() == "mean loss of a sentence"]
    assert {line.get_label(): list(line.get_ydata()) for line in axes.lines} == {
        "training, with dropout": [3.0, 1.5],
        "dev": [2.0, 3.0],
    }
