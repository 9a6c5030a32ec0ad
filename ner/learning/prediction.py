"""A network and its vocabularies tag sentences: the way from Sentence to tags, in training and in use."""

from collections.abc import Sequence

import torch

from ner.errors import ConfigError
from ner.learning.batches import batch_rows, encode, make_batch
from ner.network.model import BiLSTMCRF
from ner.text.sentence import Sentence
from ner.text.tags import convert_tags
from ner.text.vocabulary import Vocabularies

# Padded tokens of a batch: enough to fill the matrix units of two cores, small enough for their cache.
BATCH_TOKENS = 2048
# A longer "sentence" is cut before it is read, so that memory stays flat where a text has no sentence end: a
# token takes some 8 kB on its way through the network. The longest sentence of CoNLL-2003 has 124 tokens.
LONGEST_SENTENCE = 10_000


def predict_tags(network: BiLSTMCRF, vocabularies: Vocabularies, sentences: Sequence[Sentence]) -> list[list[str]]:
    """IOB2 tags of each sentence, one a token, in the order of the sentences; the network is in eval mode after."""
    network.eval()
    device = network.projection.weight.device
    names = vocabularies.tags
    # An empty sentence is no piece: it has nothing to tag, and no place in a batch.
    places = [(row, start) for row, s in enumerate(sentences) for start in range(0, len(s.tokens), LONGEST_SENTENCE)]
    pieces = [Sentence(sentences[row].tokens[start : start + LONGEST_SENTENCE]) for row, start in places]
    encoded = encode(pieces, vocabularies)
    found: list[list[str]] = [[] for _ in pieces]
    with torch.inference_mode():
        for rows in batch_rows(encoded.lengths, size=1, tokens=BATCH_TOKENS):
            inputs, _ = make_batch(encoded, rows)
            for row, path in zip(rows, network.decode(inputs.to(device)), strict=True):
                found[row] = convert_tags([names[number] for number in path], "iob2")
    tags: list[list[str]] = [[] for _ in sentences]
    for (row, _), piece_tags in zip(places, found, strict=True):
        tags[row] += piece_tags
    return tags


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
