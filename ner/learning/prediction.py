"""A network and its vocabularies tag sentences: the way from Sentence to tags, in training and in use."""

import math
from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from ner.errors import ConfigError
from ner.learning.batches import Numbers, batch_rows, encode, make_batch
from ner.learning.windows import WINDOW, windowed_emissions
from ner.network.model import BiLSTMCRF
from ner.text.sentence import Sentence, Span
from ner.text.tags import convert_tags, tags_to_spans
from ner.text.vocabulary import Vocabularies

# Padded tokens of a batch: enough to fill the matrix units of two cores, small enough for their cache.
BATCH_TOKENS = 2048
# A recurrent layer takes a step for each token, whose cost is hardly less for one sentence than for eight: so where
# fewer than eight would share that batch, they share one that only bounds the memory, at some 130 MB.
_FEWEST = 8
_LONG_BATCH_TOKENS = 16_384


def predict_tags(network: BiLSTMCRF, vocabularies: Vocabularies, sentences: Sequence[Sentence]) -> list[list[str]]:
    """IOB2 tags of each sentence, one a token, in the order of the sentences; the network is in eval mode after."""
    names = vocabularies.tags
    tags: list[list[str]] = [[] for _ in sentences]
    for rows, emissions, mask in emissions_of(network, vocabularies, sentences):
        for row, path in zip(rows, network.best_paths(emissions, mask), strict=True):
            tags[row] = convert_tags([names[number] for number in path], "iob2")
    return tags


def predict_spans(
    network: BiLSTMCRF, vocabularies: Vocabularies, sentences: Sequence[Sentence]
) -> list[list[tuple[Span, float]]]:
    """The spans of each sentence, those of `predict_tags`, each with its exact probability under the CRF."""
    names, roles = vocabularies.tags, _roles(vocabularies)
    scored: list[list[tuple[Span, float]]] = [[] for _ in sentences]
    for rows, emissions, mask in emissions_of(network, vocabularies, sentences):
        paths = network.best_paths(emissions, mask)
        spans = [tags_to_spans([names[number] for number in path]) for path in paths]
        places = [(place, span.start, span.end) for place, group in enumerate(spans) for span in group]
        tags = torch.tensor([roles[span.label] for group in spans for span in group], dtype=torch.long).view(-1, 4)
        scores = iter(network.crf.span_posteriors(emissions, mask, places, tags).tolist())
        for row, group in zip(rows, spans, strict=True):
            scored[row] = [(span, next(scores)) for span in group]
    return scored


def predict_readings(
    network: BiLSTMCRF, vocabularies: Vocabularies, sentences: Sequence[Sentence], *, k: int
) -> list[list[tuple[list[str], float]]]:
    """The k most probable IOB2 taggings of each sentence with their probabilities, best first.

    Raises:
        ConfigError: k is less than 1.
    """
    if k < 1:
        raise ConfigError(f"k: expected at least 1 reading, found {k}")
    names = vocabularies.tags
    readings: list[list[tuple[list[str], float]]] = [[([], 1.0)] for _ in sentences]
    for rows, emissions, mask in emissions_of(network, vocabularies, sentences):
        for row, paths in zip(rows, network.crf.k_best(emissions, mask, k=k), strict=True):
            # Without constraints several paths may read alike; their probabilities add up.
            chances: dict[tuple[str, ...], float] = {}
            for path, value in paths:
                tags = tuple(convert_tags([names[number] for number in path], "iob2"))
                chances[tags] = chances.get(tags, 0.0) + math.exp(value)
            best = sorted(chances, key=lambda tags: chances[tags], reverse=True)
            readings[row] = [(list(tags), min(chances[tags], 1.0)) for tags in best]
    return readings


def emissions_of(
    network: BiLSTMCRF, vocabularies: Vocabularies, sentences: Sequence[Sentence]
) -> Iterator[tuple[Numbers, Tensor, Tensor]]:
    """Batches of the sentences: which they are, their emissions (B, T, K), their mask (B, T).

    An empty sentence is in none of them. One too long for the memory has a batch to itself; see `windows`.
    """
    network.eval()
    device = network.projection.weight.device
    encoded = encode(sentences, vocabularies)
    filled = np.flatnonzero(encoded.lengths)
    with torch.inference_mode():
        for rows in _batches(filled, encoded.lengths):
            if encoded.lengths[rows[0]] > WINDOW:
                emissions = windowed_emissions(network, encoded, rows[0])
                yield rows, emissions, emissions.new_ones(emissions.shape[:2], dtype=torch.bool)
            else:
                inputs = make_batch(encoded, rows)[0].to(device)
                yield rows, network.emissions(inputs), inputs.mask


def _batches(rows: Numbers, lengths: Numbers) -> Iterator[Numbers]:
    """Batches of these rows, the longest first."""
    long = lengths[rows] > BATCH_TOKENS // _FEWEST
    for group, tokens in ((rows[long], _LONG_BATCH_TOKENS), (rows[~long], BATCH_TOKENS)):
        for places in batch_rows(lengths[group], size=1, tokens=tokens):
            yield group[places]


def _roles(vocabularies: Vocabularies) -> dict[str, list[int]]:
    """For each label the numbers of its tags B, I, E and S."""
    return {label: [vocabularies.tag_number(f"{role}-{label}") for role in "BIES"] for label in vocabularies.labels}


def choose_device(name: str) -> torch.device:
    """The device of this name; `auto` is a GPU where there is one.

    Raises:
        ConfigError: no such device, or none here.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device: torch.device | None = torch.device(name)
    except RuntimeError:
        device = None
    if device is None or device.type not in ("cpu", "cuda"):
        raise ConfigError(f"training.device: expected auto, cpu, cuda or cuda:1, found {name!r}")
    if device.type == "cuda" and (not torch.cuda.is_available() or (device.index or 0) >= torch.cuda.device_count()):
        raise ConfigError(
            f"training.device: {name!r} isn't here: PyTorch sees {torch.cuda.device_count()} CUDA devices; "
            "auto takes what is there"
        )
    return device
