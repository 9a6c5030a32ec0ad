"""Processes that train together come to what one process comes to, and end together."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from ner.config import Config
from ner.formats.corpus import Corpus
from ner.training.training import train_model
from tests.together import together

MakeConfig = Callable[..., Config]
STILL = {"dropout": 0.0, "char_dropout": 0.0}  # nothing is drawn, so that one process and several compute the same


def weights(config: Config, corpus: Corpus, **kwargs: Any) -> dict[str, np.ndarray]:
    model = train_model(config, corpus, **kwargs)
    return {name: tensor.numpy().copy() for name, tensor in model.network.state_dict().items()}


def whole(results: list[Any]) -> list[Any]:
    """The results, where no process failed."""
    for result in results:
        if isinstance(result, BaseException):
            raise result
    return results


@pytest.mark.parametrize(
    ("number", "settings"),
    [
        (2, {"document_context": True}),
        (3, {"average": 0.7, "average_every": "epoch"}),
        (2, {"optimizer": "adamw", "learning_rate": 0.002, "average": 0.9, "average_every": "step"}),
    ],
)
def test_after_fifty_steps_several_processes_have_the_weights_of_one(
    corpus: Corpus, make_config: MakeConfig, number: int, settings: dict[str, Any]
) -> None:
    """Batches of 3, 3 and 2 sentences: shares are uneven, and of three processes one goes without."""
    config = make_config(epochs=17, **STILL, **settings)
    alone = weights(config, corpus)
    found = whole(together(number, lambda rank: weights(config, corpus)))
    for own in found:
        for name, wanted in alone.items():
            np.testing.assert_allclose(own[name], wanted, rtol=0, atol=1e-6)
            np.testing.assert_array_equal(own[name], found[0][name])
