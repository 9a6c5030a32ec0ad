"""A network and its vocabularies tag sentences: the way from Sentence to tags, in training and in use."""

import heapq
import math
from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from ner.errors import ConfigError
from ner.learning.batches import Numbers, batch_rows, encode, make_batch
from ner.network.model import BiLSTMCRF
from ner.text.sentence import Sentence, Span
from ner.text.tags import convert_tags, tags_to_spans
from ner.text.vocabulary import Vocabularies

# Padded tokens of a batch: enough to fill the matrix units of two cores, small enough for their cache.
BATCH_TOKENS = 2048
# A longer "sentence" is cut before it is read, so that memory stays flat where a text has no sentence end: a
# token takes some 8 kB on its way through the network. The longest sentence of CoNLL-2003 has 124 tokens.
LONGEST_SENTENCE = 10_000


def predict_tags(network: BiLSTMCRF, vocabularies: Vocabularies, sentences: Sequence[Sentence]) -> list[list[str]]:
    """IOB2 tags of each sentence, one a token, in the order of the sentences; the network is in eval mode after."""
    names = vocabularies.tags
    pieces = _Pieces(sentences)
    found: list[list[str]] = [[] for _ in pieces.places]
    for rows, emissions, mask in emissions_of(network, vocabularies, pieces.sentences):
        for row, path in zip(rows, network.best_paths(emissions, mask), strict=True):
            found[row] = convert_tags([names[number] for number in path], "iob2")
    tags: list[list[str]] = [[] for _ in sentences]
    for (row, _), piece_tags in zip(pieces.places, found, strict=True):
        tags[row] += piece_tags
    return tags


def predict_spans(
    network: BiLSTMCRF, vocabularies: Vocabularies, sentences: Sequence[Sentence]
) -> list[list[tuple[Span, float]]]:
    """The spans of each sentence, those of `predict_tags`, each with its exact probability under the CRF."""
    names, roles = vocabularies.tags, _roles(vocabularies)
    pieces = _Pieces(sentences)
    found: list[list[tuple[Span, float]]] = [[] for _ in pieces.places]
    for rows, emissions, mask in emissions_of(network, vocabularies, pieces.sentences):
        paths = network.best_paths(emissions, mask)
        spans = [tags_to_spans([names[number] for number in path]) for path in paths]
        places = [(place, span.start, span.end) for place, group in enumerate(spans) for span in group]
        tags = torch.tensor([roles[span.label] for group in spans for span in group], dtype=torch.long).view(-1, 4)
        scores = iter(network.crf.span_posteriors(emissions, mask, places, tags).tolist())
        for row, group in zip(rows, spans, strict=True):
            found[row] = [(span, next(scores)) for span in group]
    scored: list[list[tuple[Span, float]]] = [[] for _ in sentences]
    for (row, start), piece in zip(pieces.places, found, strict=True):
        scored[row] += [(Span(s.label, start + s.start, start + s.end), score) for s, score in piece]
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
    pieces = _Pieces(sentences)
    found: list[list[tuple[list[str], float]]] = [[] for _ in pieces.places]
    for rows, emissions, mask in emissions_of(network, vocabularies, pieces.sentences):
        for row, paths in zip(rows, network.crf.k_best(emissions, mask, k=k), strict=True):
            # Without constraints several paths may read alike; their probabilities add up.
            chances: dict[tuple[str, ...], float] = {}
            for path, value in paths:
                tags = tuple(convert_tags([names[number] for number in path], "iob2"))
                chances[tags] = chances.get(tags, 0.0) + math.exp(value)
            found[row] = [(list(tags), min(chance, 1.0)) for tags, chance in chances.items()]
    readings: list[list[tuple[list[str], float]]] = [[([], 1.0)] for _ in sentences]
    for (row, _), group in zip(pieces.places, found, strict=True):
        # Pieces of one sentence are independent, so the best of the whole are products of the best of each.
        pairs = (
            (a * b, left, right) for left, (_, a) in enumerate(readings[row]) for right, (_, b) in enumerate(group)
        )
        best = heapq.nlargest(k, pairs)
        readings[row] = [(readings[row][left][0] + group[right][0], chance) for chance, left, right in best]
    return readings


class _Pieces:
    """Sentences cut where they are too long; `places` says of each piece which sentence's, from which token.

    An empty sentence has no piece: it has nothing to tag, and no place in a batch.
    """

    def __init__(self, sentences: Sequence[Sentence]) -> None:
        step = LONGEST_SENTENCE
        self.places = [(row, start) for row, s in enumerate(sentences) for start in range(0, len(s.tokens), step)]
        self.sentences = [Sentence(sentences[row].tokens[start : start + step]) for row, start in self.places]


def emissions_of(
    network: BiLSTMCRF, vocabularies: Vocabularies, sentences: Sequence[Sentence]
) -> Iterator[tuple[Numbers, Tensor, Tensor]]:
    """Batches of the sentences: which they are, their emissions (B, T, K), their mask (B, T)."""
    network.eval()
    device = network.projection.weight.device
    encoded = encode(sentences, vocabularies)
    with torch.inference_mode():
        for rows in batch_rows(encoded.lengths, size=1, tokens=BATCH_TOKENS):
            inputs = make_batch(encoded, rows)[0].to(device)
            yield rows, network.emissions(inputs), inputs.mask


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
