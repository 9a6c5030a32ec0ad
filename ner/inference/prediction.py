"""A network and its vocabularies tag sentences: the way from Sentence to tags, in training and in use."""

import math
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple, TypeVar

import numpy as np
import torch
from torch import Tensor

from ner.collector import no_search_for_cycles
from ner.errors import ConfigError
from ner.features.batches import batch_rows, encode
from ner.features.vocabulary import Vocabularies
from ner.features.words import Numbers
from ner.inference.packed import for_reading
from ner.inference.windows import WINDOW, windowed_emissions
from ner.inference.word_cache import WordCache
from ner.network.inputs import make_batch
from ner.network.model import BiLSTMCRF
from ner.text.sentence import Sentence, Span
from ner.text.tags import convert_tags, tags_to_spans
from ner.threads import side_by_side

# Padded tokens of a batch: enough to fill the matrix units of two cores, small enough for their cache.
BATCH_TOKENS = 2048
# A recurrent layer takes a step for each token, whose cost is hardly less for one sentence than for eight: so where
# fewer than eight would share that batch, they share one that only bounds the memory, at some 130 MB for all at once.
_FEWEST = 8
_LONG_BATCH_TOKENS = 16_384

Result = TypeVar("Result")


class Reader(NamedTuple):
    """What makes reading fast, as long as a network's weights stay what they are."""

    network: BiLSTMCRF
    words: WordCache


def make_reader(network: BiLSTMCRF, vocabularies: Vocabularies) -> Reader:
    """For a network and its vocabularies; the network is in eval mode after."""
    network = for_reading(network)
    return Reader(network, WordCache(network, vocabularies))


class Batch(NamedTuple):
    """Sentences that were read together."""

    rows: Numbers  # which they are (B,)
    emissions: Tensor  # (B, T, K)
    mask: Tensor  # (B, T)


def predict_tags(
    network: BiLSTMCRF, vocabularies: Vocabularies, sentences: Sequence[Sentence], *, reader: Reader | None = None
) -> list[list[str]]:
    """IOB2 tags of each sentence, one a token, in the order of the sentences; the network is in eval mode after.

    Args:
        network: a trained one.
        vocabularies: its own.
        sentences: of any length, also none.
        reader: `make_reader` of both; without it, one for this call.
    """
    names = vocabularies.tags

    def work(batch: Batch) -> list[list[str]]:
        return [
            convert_tags([names[number] for number in path], "iob2")
            for path in network.best_paths(batch.emissions, batch.mask)
        ]

    return _predict(network, vocabularies, sentences, work, reader)


def predict_spans(
    network: BiLSTMCRF, vocabularies: Vocabularies, sentences: Sequence[Sentence], *, reader: Reader | None = None
) -> list[list[tuple[Span, float]]]:
    """The spans of each sentence, those of `predict_tags`, each with its exact probability under the CRF."""
    names = vocabularies.tags

    def choose(batch: Batch) -> list[list[tuple[Span, float]]]:
        return [
            [(Span(vocabularies.labels[label], start, end), probability) for start, end, label, probability in spans]
            for spans in network.best_spans(batch.emissions, batch.mask)
        ]

    def work(batch: Batch) -> list[list[tuple[Span, float]]]:
        paths = network.best_paths(batch.emissions, batch.mask)
        spans = [tags_to_spans([names[number] for number in path]) for path in paths]
        places = [(place, span.start, span.end) for place, group in enumerate(spans) for span in group]
        roles = {label: vocabularies.roles(label) for label in {span.label for group in spans for span in group}}
        tags = torch.tensor([roles[span.label] for group in spans for span in group], dtype=torch.long).view(-1, 4)
        scores = iter(network.crf.span_posteriors(batch.emissions, batch.mask, places, tags).tolist())
        return [[(span, next(scores)) for span in group] for group in spans]

    by_threshold = network.decoding.kind == "threshold"
    return _predict(network, vocabularies, sentences, choose if by_threshold else work, reader)


def predict_readings(
    network: BiLSTMCRF,
    vocabularies: Vocabularies,
    sentences: Sequence[Sentence],
    *,
    k: int,
    reader: Reader | None = None,
) -> list[list[tuple[list[str], float]]]:
    """The k most probable IOB2 taggings of each sentence with their probabilities, best first.

    Raises:
        ConfigError: k is less than 1.
    """
    if k < 1:
        raise ConfigError(f"k: expected at least 1 reading, found {k}")
    names = vocabularies.tags

    def work(batch: Batch) -> list[list[tuple[list[str], float]]]:
        readings = []
        for paths in network.crf.k_best(batch.emissions, batch.mask, k=k):
            # Without constraints several paths may read alike; their probabilities add up.
            chances: dict[tuple[str, ...], float] = {}
            for path, value in paths:
                tags = tuple(convert_tags([names[number] for number in path], "iob2"))
                chances[tags] = chances.get(tags, 0.0) + math.exp(value)
            best = sorted(chances, key=lambda tags: chances[tags], reverse=True)
            readings.append([(list(tags), min(chances[tags], 1.0)) for tags in best])
        return readings

    return _predict(network, vocabularies, sentences, work, reader, of_empty=[([], 1.0)])


def over_batches(
    network: BiLSTMCRF,
    vocabularies: Vocabularies,
    sentences: Sequence[Sentence],
    work: Callable[[Batch], Result],
    *,
    reader: Reader | None = None,
) -> Iterator[Result]:
    """What `work` makes of each batch of the sentences; on a CPU several are worked on at once.

    An empty sentence is in none of them. One too long for the memory has a batch to itself; see `windows`.
    """
    if network.training:  # setting it takes longer than asking: a tenth of the time of a short sentence
        network.eval()
    device = network.projection.weight.device
    if not any(sentence.spelled for sentence in sentences):
        return
    network, words = reader or make_reader(network, vocabularies)
    encoded = encode(sentences, vocabularies, cache=words)

    def read(rows: Numbers) -> Result:
        with torch.inference_mode():
            if encoded.lengths[rows[0]] > WINDOW:
                emissions = windowed_emissions(network, encoded, rows[0])
                return work(Batch(rows, emissions, emissions.new_ones(emissions.shape[:2], dtype=torch.bool)))
            inputs = make_batch(encoded, rows)[0].to(device)
            return work(Batch(rows, network.emissions(inputs), inputs.mask))

    rows = np.flatnonzero(encoded.lengths)
    endless = encoded.lengths[rows] > WINDOW
    yield from map(read, rows[endless, None])  # one by one, each with all the memory
    at_once = torch.get_num_threads() if device.type == "cpu" else 1
    batches = list(_batches(rows[~endless], encoded.lengths, at_once=at_once))
    yield from map(read, batches) if at_once == 1 else side_by_side(read, batches)


def _predict(
    network: BiLSTMCRF,
    vocabularies: Vocabularies,
    sentences: Sequence[Sentence],
    work: Callable[[Batch], list[list[Result]]],
    reader: Reader | None,
    *,
    of_empty: Sequence[Result] = (),
) -> list[list[Result]]:
    """What `work` makes of each sentence, in the order of the sentences; of an empty one, `of_empty`."""
    results = [list(of_empty) for _ in sentences]

    def with_rows(batch: Batch) -> tuple[Numbers, list[list[Result]]]:
        return batch.rows, work(batch)

    with no_search_for_cycles():
        for rows, made in over_batches(network, vocabularies, sentences, with_rows, reader=reader):
            for row, result in zip(rows, made, strict=True):
                results[row] = result
    return results


def _batches(rows: Numbers, lengths: Numbers, *, at_once: int = 1) -> Iterator[Numbers]:
    """Batches of these rows, the longest first; `at_once` of them share the memory."""
    long = lengths[rows] > BATCH_TOKENS // _FEWEST
    for group, tokens in ((rows[long], max(_LONG_BATCH_TOKENS // at_once, BATCH_TOKENS)), (rows[~long], BATCH_TOKENS)):
        for places in batch_rows(lengths[group], size=1, tokens=tokens):
            yield group[places]


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
