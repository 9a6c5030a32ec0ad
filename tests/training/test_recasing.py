"""Training sentences in another case: which are drawn, and that names are found without their capitals after."""

from collections.abc import Callable

import numpy as np
import pytest
import torch

from ner.config import Config
from ner.formats.corpus import Corpus
from ner.text.sentence import Sentence, sentence_from_words
from ner.training.recasing import CASES, draw_augmented, draw_cases, in_all_cases, in_all_ways
from ner.training.training import train_model
from tests.tiny import _same_random_numbers, corpus, make_config, predict_tags, sentences  # noqa: F401

MakeConfig = Callable[..., Config]


def test_every_sentence_stands_in_every_case_with_its_tags_and_documents() -> None:
    some = [
        sentence_from_words(["Ann", "met", "McDonald"], ["B-PER", "O", "?"], opens_document=True, source="a:1"),
        sentence_from_words(["straße", "ﬁn"], ["O", "O"]),
    ]
    shown = in_all_cases(some)
    assert [tuple(s.words) for s in shown] == [
        ("Ann", "met", "McDonald"),
        ("straße", "ﬁn"),
        ("ann", "met", "mcdonald"),
        ("straße", "ﬁn"),
        ("ANN", "MET", "MCDONALD"),
        ("STRASSE", "FIN"),
        ("Ann", "Met", "McDonald"),
        ("Straße", "FIn"),
    ]
    assert [s.tags for s in shown] == 4 * [some[0].tags, some[1].tags]
    assert [s.opens_document for s in shown] == 4 * [True, False]
    assert {s.source for s in shown[::2]} == {"a:1"}


def test_the_share_that_is_asked_for_is_drawn_and_each_row_is_one_of_its_sentence() -> None:
    rows = np.arange(40_000) % 500
    drawn = draw_cases(rows, num_sentences=500, share=0.4, rng=np.random.default_rng(1))
    assert np.array_equal(drawn % 500, rows)
    counts = np.bincount(drawn // 500, minlength=1 + len(CASES)) / len(rows)
    assert counts == pytest.approx([0.6, 0.2, 0.1, 0.1], abs=0.01)
    assert np.array_equal(draw_cases(rows, num_sentences=500, share=0.0, rng=np.random.default_rng(1)), rows)


def test_all_ways_stand_behind_the_sentences_and_are_drawn_by_their_shares() -> None:
    some = [sentence_from_words(["Ann", ",", "left"], ["B-PER", "O", "O"], source="a:1")] * 2
    shown = in_all_ways(some, seed=1, keep_tokens=False)
    assert shown[:8] == in_all_cases(some)
    assert [s.words for s in shown[8:10]] == [["Ann", "left"]] * 2
    assert [s.tags for s in shown[10:]] == [some[0].tags] * 4
    assert in_all_ways(some, seed=1, keep_tokens=True)[8:10] == some
    assert shown == in_all_ways(some, seed=1, keep_tokens=False)
    rows = np.arange(40_000) % 500
    drawn = draw_augmented(rows, num_sentences=500, share=0.4, rng=np.random.default_rng(1))
    assert np.array_equal(drawn % 500, rows)
    counts = np.bincount(drawn // 500) / len(rows)
    assert counts == pytest.approx([0.6, 0.1, 0.05, 0.05, 0.1, 0.05, 0.05], abs=0.01)
    recased = rows + 500
    assert np.array_equal(draw_augmented(recased, num_sentences=500, share=1.0, rng=np.random.default_rng(1)), recased)


def test_a_network_learns_from_sentences_in_all_ways(corpus: Corpus, make_config: MakeConfig) -> None:  # noqa: F811
    model = train_model(make_config(epochs=2, recase=0.3, augment=0.5), corpus)
    assert [epoch["epoch"] for epoch in model.history] == [1, 2]


def test_names_are_found_in_lower_case_after(corpus: Corpus, make_config: MakeConfig) -> None:  # noqa: F811
    settings = {"epochs": 40, "lowercase": False, "casing_dim": 4, "char_encoder": "none", "dropout": 0.0}
    lowered = [sentence_from_words([word.lower() for word in s.words], s.tags) for s in corpus.train]
    found = {}
    for share in (0.0, 0.5):
        model = train_model(make_config(**settings, recase=share), corpus)
        found[share] = [list(s.tags or ()) for s in lowered], predict_tags(model, lowered)
    wrong = {share: sum(a != b for a, b in zip(*pair, strict=True)) for share, pair in found.items()}
    assert wrong[0.5] < wrong[0.0]


def test_nothing_else_is_drawn_otherwise_without_it(corpus: Corpus, make_config: MakeConfig) -> None:  # noqa: F811
    plain, none = (train_model(make_config(**more), corpus) for more in ({}, {"recase": 0.0, "augment": 0.0}))
    for name, tensor in plain.network.state_dict().items():
        assert torch.equal(tensor, none.network.state_dict()[name]), name


def test_text_without_labels_is_shown_in_all_cases_too() -> None:
    bare = Sentence(None, None, spelled=("Ann",), starts=(0,), spans=())
    assert [(tuple(s.words), s.spans) for s in in_all_cases([bare])] == [
        ((w,), ()) for w in ("Ann", "ann", "ANN", "Ann")
    ]
