"""How far networks with other units dropped disagree on a sentence: BALD by Monte Carlo dropout.

The mutual information between a token's tag and the weights is the entropy of the mean distribution less the mean
entropy (Houlsby et al. 2011); dropout at work draws the weights (Gal & Ghahramani 2016). Its sum over the tokens of a
sentence is what an annotation would tell of the weights, as far as each tag tells it alone; the distributions are exact
marginals of the conditional random field, not samples.
"""

import copy
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch

from ner.crf.chain import Chain
from ner.crf.entropy import entropy_of
from ner.errors import ConfigError
from ner.features.batches import Batch, encode
from ner.features.feature import Arrays
from ner.inference.backend import Floats, Item, Result
from ner.inference.loading import Model, torch_network
from ner.inference.prediction import Emitted, emit
from ner.network.inputs import to_inputs
from ner.network.model import BiLSTMCRF
from ner.text.sentence import Sentence

_PASSES = 10


class DropoutBackend:
    """A network that reads as in training: each time with other units dropped. One batch at a time, in order."""

    of_words: frozenset[str] = frozenset()

    def __init__(self, network: BiLSTMCRF) -> None:
        """`network` is copied, and stays as it is."""
        self._network = copy.deepcopy(network).train()
        self._device = network.projection.weight.device
        self.chain: Chain = network.crf.chain()

    def encode_words(self, words: Arrays) -> Floats:
        """As `Backend.encode_words`: nothing, since another draw would make other vectors."""
        return np.zeros((len(next(iter(words.values()))), 0), np.float32)

    @torch.no_grad()
    def emissions(self, batch: Batch) -> Floats:
        """As `Backend.emissions`."""
        return self._network.emissions(to_inputs(batch).to(self._device)).cpu().numpy()

    def batches_at_once(self) -> int:
        """One."""
        return 1

    def side_by_side(self, work: Callable[[Item], Result], items: Sequence[Item]) -> Iterator[Result]:
        """As `Backend.side_by_side`, one after the other."""
        return map(work, items)


def disagreements(model: Model, sentences: Sequence[Sentence], *, seed: int = 1, passes: int = _PASSES) -> list[float]:
    """The mutual information of each sentence's tags and the weights, summed over its tokens, natural logarithm.

    Args:
        model: trained with dropout.
        sentences: read as they stand.
        seed: of what is dropped; torch's own random numbers stay as they are.
        passes: draws of the network.

    Raises:
        ConfigError: PyTorch isn't installed, or the model was trained without dropout.
    """
    settings = model.config.model
    rates = [settings.dropout, settings.char_dropout, settings.word_dropout]
    if "contextual" in model.vocabularies.features:
        rates.append(model.config.features.contextual_dropout)
    if not any(rates):
        raise ConfigError(
            "strategy bald: expected a model that was trained with dropout, found one without; take entropy"
        )
    values = [0.0] * len(sentences)
    if not any(sentence.spelled for sentence in sentences):
        return values
    backend = DropoutBackend(torch_network(model))
    encoded = encode(sentences, model.vocabularies)
    chain = backend.chain
    means: dict[int, np.ndarray[tuple[int, ...], np.dtype[np.float64]]] = {}

    def work(read: Emitted) -> tuple[Emitted, Floats]:
        return read, chain.marginals(read.emissions, read.lengths)

    device = torch_network(model).projection.weight.device
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(seed)
        for _ in range(passes):
            for read, marginals in emit(backend, encoded, work):
                for row, length, each in zip(read.rows.tolist(), read.lengths, marginals, strict=True):
                    own = each[:length].astype(np.float64)
                    values[row] -= float(entropy_of(own).sum()) / passes
                    means[row] = means.get(row, np.zeros_like(own)) + own / passes
    for row, mean in means.items():
        values[row] = max(values[row] + float(entropy_of(mean).sum()), 0.0)
    return values
