"""All that happens in a network while it reads one sentence, as arrays.

What an entity rests on is asked of the gradient (Simonyan et al. 2014): how strongly its probability would
change with the input at each token.
"""

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ner.crf.layer import CRF
from ner.errors import DataError, counted, shortened
from ner.features.batches import collate, encode
from ner.features.vocabulary import Vocabularies
from ner.inference.loading import Model, torch_network
from ner.inference.prediction import reader_of
from ner.network.inputs import to_inputs
from ner.network.model import BiLSTMCRF
from ner.text.sentence import Sentence, Span, Token

# What fits a picture a person can read.
LONGEST = 200
_AFTER_EMBEDDING = ("encoder", "projection", "crf")

Array = np.ndarray[Any, Any]


@dataclass(frozen=True, slots=True)
class Influence:
    """A predicted span, its probability, and the norm of that probability's gradient in each token's input (T,)."""

    span: Span
    text: str
    score: float
    norms: Array


@dataclass(frozen=True, slots=True)
class Inspection:
    """A sentence of T tokens seen from inside, with K tags.

    `layers` holds for each layer, by direction (`forward`, `backward`) and name (`hidden`, `cell_state`, a gate),
    values of H units (T, H) in the order of the tokens.
    """

    text: str
    words: tuple[str, ...]
    tags: tuple[str, ...]
    layers: tuple[dict[str, dict[str, Array]], ...]
    emissions: Array  # (T, K)
    marginals: Array  # (T, K)
    influences: tuple[Influence, ...]

    def __repr__(self) -> str:
        """One line: what was read, and how much is known of it."""
        sizes = f"{counted(len(self.words), 'token')}, {counted(len(self.tags), 'tag')}, layers: {len(self.layers)}"
        return f"Inspection({shortened(self.text)!r}: {sizes})"


@dataclass(frozen=True, slots=True)
class Transitions:
    """What the CRF has learned of tag sequences: scores of starts (K,), transitions (K, K) and ends (K,).

    What the constraints forbid is -inf.
    """

    tags: tuple[str, ...]
    start: Array
    transitions: Array
    end: Array


def inspect_sentences(model: Model, sentences: Sequence[Sentence]) -> list[Inspection]:
    """What happens in a model's network while it reads each sentence of a document; it is in eval mode after.

    Raises:
        DataError: a sentence without tokens, or with more than a picture can show.
    """
    for sentence in sentences:
        if not 0 < len(sentence.spelled) <= LONGEST:
            where = f"{sentence.source}: " if sentence.source else ""
            raise DataError(
                f"{where}expected a sentence of 1 to {LONGEST} tokens to look into, found {len(sentence.spelled)}"
            )
    if not sentences:
        return []
    network, vocabularies = torch_network(model), model.vocabularies
    predicted = reader_of(model).scored_spans(sentences)
    encoded = encode(sentences, vocabularies)
    # The gradient of a very sure probability is a difference of nearly equal numbers.
    exact = copy.deepcopy(torch.nn.ModuleDict({name: getattr(network, name) for name in _AFTER_EMBEDDING})).double()

    def inspect(row: int) -> Inspection:
        sentence = sentences[row]
        inputs = to_inputs(collate(encoded, np.array([row]))).to(network.projection.weight.device)
        with torch.no_grad():
            tokens = network.embedding(inputs)  # (1, T, D)
            traces = network.encoder.trace(tokens, inputs.lengths)
            own = network.projection(network.encoder(tokens, inputs.lengths))
            emissions = network.emissions(inputs)
            marginals = network.crf.marginals(emissions, inputs.mask)
        return Inspection(
            text=_text_of(sentence.tokens),
            words=tuple(sentence.words),
            tags=tuple(vocabularies.tags),
            layers=tuple(
                {side: {name: _array(values) for name, values in seen.items()} for side, seen in layer.items()}
                for layer in traces
            ),
            emissions=_array(emissions),
            marginals=_array(marginals),
            influences=tuple(
                Influence(
                    span,
                    _text_of(sentence.tokens[span.start : span.end]),
                    score,
                    _influence(
                        exact,
                        tokens.double(),
                        (emissions - own).double(),
                        inputs.lengths,
                        span,
                        _tags_of(vocabularies, span),
                    ),
                )
                for span, score in predicted[row]
            ),
        )

    return [inspect(row) for row in range(len(sentences))]


def learned_transitions(network: BiLSTMCRF, vocabularies: Vocabularies) -> Transitions:
    """The CRF's transition scores, with the tags' names."""
    scores = network.crf.transition_scores()
    return Transitions(tuple(vocabularies.tags), *(part.detach().cpu().numpy() for part in scores))


def _influence(
    network: torch.nn.ModuleDict, tokens: Tensor, beside: Tensor, lengths: Tensor, span: Span, tags: Sequence[int]
) -> Array:
    """Norm of the gradient of a span's probability in the input of each token (T,).

    `beside` are scores (1, T, K) that the document context adds to the emissions, `tags` those of the span.
    """
    tokens = tokens.detach().requires_grad_()
    # cuDNN's recurrent kernels know no backward pass in eval mode.
    with torch.enable_grad(), torch.backends.cudnn.flags(enabled=False):
        emissions = network["projection"](network["encoder"](tokens, lengths)) + beside
        allowed = torch.ones_like(emissions, dtype=torch.bool)
        for token, tag in zip(range(span.start, span.end), tags, strict=True):
            allowed[0, token] = False
            allowed[0, token, tag] = True
        # All tag sequences that have just this span: their share of everything is its probability.
        crf = network["crf"]
        assert isinstance(crf, CRF)  # a ModuleDict tells no more than Module
        probability = crf.partial_log_likelihood(emissions, allowed, tempered=True).exp()
        (gradient,) = torch.autograd.grad(probability, tokens)
    return _array(gradient.norm(dim=2, keepdim=True))[:, 0]


def _tags_of(vocabularies: Vocabularies, span: Span) -> Sequence[int]:
    length = span.end - span.start
    roles = "S" if length == 1 else "B" + "I" * (length - 2) + "E"
    return [vocabularies.tag_id(f"{role}-{span.label}") for role in roles]


def _text_of(tokens: Sequence[Token]) -> str:
    """The tokens as they stood, with one space for each gap: none in Chinese, some in English."""
    gaps = (" " if before.end < after.start else "" for before, after in pairwise(tokens))
    return tokens[0].text + "".join(gap + token.text for gap, token in zip(gaps, tokens[1:], strict=True))


def _array(values: Tensor) -> Array:
    """The only row of a batch, on the host."""
    return values[0].detach().cpu().numpy()
