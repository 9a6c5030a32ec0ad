"""A tiny corpus that a tiny network learns, settings for it, and short ways to batches and predictions."""

import json
from collections.abc import Callable, Sequence

import numpy as np
import pytest
import torch
from torch import Tensor

from ner.config import Config, parse_config
from ner.features.batches import Encoded, collate
from ner.features.feature import Material
from ner.features.vocabulary import Vocabularies, fit_vocabularies
from ner.formats.corpus import Corpus
from ner.inference.loading import Model
from ner.inference.prediction import reader_of
from ner.network.inputs import Inputs, to_inputs
from ner.text.sentence import Sentence, sentence_from_words
from ner.text.tags import spans_to_tags

MakeConfig = Callable[..., Config]

TEXT = """
Anna/B-PER Lee/I-PER lives/O in/O Rome/B-LOC
Rome/B-LOC is/O old/O
Bob/B-PER met/O Anna/B-PER Lee/I-PER
in/O 1984/O Bob/B-PER left/O New/B-LOC York/I-LOC for/O Oslo/B-LOC
nothing/O happened/O
Oslo/B-LOC
the/O old/O town/O of/O New/B-LOC York/I-LOC sleeps/O
Carla/B-PER Bianchi/I-PER sleeps/O
"""


def read_pairs(text: str) -> list[Sentence]:
    """Sentences of lines such as `Bob/B-PER left/O`."""
    lines = [line.split() for line in text.strip().splitlines()]
    return [sentence_from_words(*zip(*(pair.rsplit("/", 1) for pair in line), strict=True)) for line in lines]


@pytest.fixture(autouse=True)
def _same_random_numbers() -> None:
    torch.manual_seed(20)


@pytest.fixture
def sentences() -> list[Sentence]:
    return read_pairs(TEXT)


@pytest.fixture
def corpus(sentences: list[Sentence]) -> Corpus:
    """Its dev set is its training set: to be learned by heart."""
    return Corpus(sentences, sentences, [])


def plain_settings() -> dict[str, dict[str, object]]:
    """The plainest network, trained plainly: tests name what they want besides, whatever the defaults are."""
    model = {"char_encoder": "cnn", "casing_dim": 0, "precision": "fp32", "decoding": "viterbi"}
    training = {"average": None, "average_every": "step", "calibrate": False}
    features, run = {"document_context": False}, {"device": "cpu"}
    return {"model": {**model}, "training": {**training}, "features": features, "run": run}


def plain_overrides() -> list[str]:
    """The same, to be laid over a recipe."""
    return [
        f"{section}.{name}={'' if value is None else json.dumps(value)}"
        for section, table in plain_settings().items()
        for name, value in table.items()
    ]


@pytest.fixture
def make_config() -> MakeConfig:
    """Settings of a tiny network; each key is looked up in `[model]`, `[training]`, `[features]` and `[run]`."""

    def make(**settings: object) -> Config:
        tree = plain_settings()
        tree["model"] |= {"word_dim": 8, "char_dim": 5, "char_hidden_dim": 5, "hidden_dim": 8, "dropout": 0.2}
        tree["training"] |= {"epochs": 3, "batch_size": 3, "learning_rate": 0.05}
        for key, value in settings.items():
            section = next(
                s for s in ("model", "training", "features", "run") if key in getattr(Config(), s).model_dump()
            )
            tree[section][key] = value
        return parse_config(tree, "test")

    return make


def vocabularies_of(sentences: Sequence[Sentence], **settings: object) -> Vocabularies:
    """What these settings of `[model]` make of a training corpus."""
    return fit_vocabularies(Material(sentences, parse_config({"model": settings}, "test")))


def make_batch(encoded: Encoded, rows: Sequence[int]) -> tuple[Inputs, Tensor | None]:
    """The batch of these sentences as tensors, and its tags."""
    batch = collate(encoded, np.asarray(rows, dtype=np.int64))
    return to_inputs(batch), None if batch.tags is None else torch.from_numpy(batch.tags)


def predict_tags(model: Model, sentences: Sequence[Sentence]) -> list[list[str]]:
    """IOB2 tags of each sentence, as the model decodes."""
    found = reader_of(model).spans(sentences)
    return [spans_to_tags(spans, len(s.spelled)) for spans, s in zip(found, sentences, strict=True)]
