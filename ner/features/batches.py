"""Sentences become batches of numbers, in NumPy.

Sentences are encoded once, into flat arrays; a batch is then a matter of indexing. Batches hold sentences
of like length, so that little is padding.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from ner.features.feature import UNKNOWN, Arrays, Feature, Numbers, TokenIndices, Tokens
from ner.features.vocabulary import Vocabularies
from ner.text.inventory import unannotated
from ner.text.partial import is_partial, possible_tags, to_iob2
from ner.text.sentence import Sentence
from ner.text.tags import spans_to_tags

# Training sorts by length within so many batches: little padding, yet sentences meet others each epoch.
_POOL = 50


class KnownWords(NamedTuple):
    """S words as a network in use wants them."""

    arrays: Arrays  # what features say of them (S, …), by name
    encodings: npt.NDArray[np.float32]  # the vectors of the features `encoded`, side by side (S, E)
    encoded: frozenset[str]  # features whose vectors stand in the encodings


class WordLookup(Protocol):
    """What knows words that a network met before."""

    def look_up(self, words: Sequence[str]) -> KnownWords:
        """These distinct words, in their order."""


@dataclass(frozen=True)
class Encoded:
    """Sentences as numbers: what each feature made of all N tokens, by the feature's name.

    Sentence i stands at `starts[i] : starts[i] + lengths[i]`; `where` (N,) tells which of S distinct words each token
    is. `tags` (N,) is None where none were asked for; where some are only partly known, they are rows of `allowed_tags`
    (M, K), which tells the tags that each allows, the first K rows a single tag each. With `encodings` (S, E), what a
    network made of the distinct words already, those features aren't here.
    """

    features: Mapping[str, Feature]
    arrays: dict[str, Arrays]
    where: Numbers
    starts: Numbers
    lengths: Numbers
    tags: Numbers | None = None
    allowed_tags: npt.NDArray[np.bool_] | None = None
    encodings: npt.NDArray[np.float32] | None = None

    @property
    def words(self) -> Numbers:
        """Word ids (N,)."""
        return self.arrays["words"]["words"]

    def with_words(self, words: Numbers) -> "Encoded":
        """The same with other word ids (N,)."""
        return replace(self, arrays={**self.arrays, "words": {"words": words}})


class Batch(NamedTuple):
    """B sentences of at most T tokens: the arrays of all features by their names, padding 0."""

    arrays: Arrays
    lengths: Numbers  # tokens of each sentence, at least 1 (B,)
    mask: npt.NDArray[np.bool_]  # True where a token is (B, T)
    tags: Numbers | None = None  # or rows of `allowed_tags` (B, T)
    where: Numbers | None = None  # which row of `encodings` is each token's (B, T)
    encodings: npt.NDArray[np.float32] | None = None  # (S, E)


def encode(
    sentences: Sequence[Sentence], vocabularies: Vocabularies, *, tagged: bool = False, cache: WordLookup | None = None
) -> Encoded:
    """Sentences, at least one of them with a token, as numbers.

    Args:
        sentences: to encode, in this order.
        vocabularies: the model's.
        tagged: encode the tags too, which must be of labels the vocabularies know.
        cache: of a network in use, which then needs no features of the word alone.
    """
    seen = vocabularies.seen(sentences)
    spelled = list(chain.from_iterable(s.spelled for s in seen))
    words = list(dict.fromkeys(spelled))
    row_of = dict(zip(words, range(len(words)), strict=True)).__getitem__  # no step of Python's for each token
    tokens = Tokens(seen, words, np.fromiter(map(row_of, spelled), dtype=np.int64, count=len(spelled)))
    encodings: Any = None
    features = vocabularies.features
    if cache is None:
        of_words = encode_words(features, words)
    else:
        of_words, encodings, encoded = cache.look_up(words)
        features = {name: feature for name, feature in features.items() if name not in encoded}
    tags = allowed_tags = None
    if tagged and any(is_partial(s.tags or ()) or unannotated(s, vocabularies.labels) for s in sentences):
        tags, allowed_tags = _encode_allowed_tags(sentences, vocabularies)
    elif tagged:
        tag_id = vocabularies.tag_id
        named = (tag for s in sentences for tag in spans_to_tags(s.spans, len(s.spelled), "bioes"))
        tags = np.array([tag_id(tag) for tag in named], dtype=np.int64)
    lengths = np.array([len(s.spelled) for s in sentences], dtype=np.int64)
    arrays = {name: feature.encode(tokens, of_words) for name, feature in features.items()}
    return Encoded(features, arrays, tokens.where, np.cumsum(lengths) - lengths, lengths, tags, allowed_tags, encodings)


def encode_words(features: Mapping[str, Feature], words: Sequence[str]) -> Arrays:
    """What features say of S distinct words wherever they stand (S, …)."""
    arrays: Arrays = {}
    for feature in features.values():
        arrays |= feature.encode_words(words)
    return arrays


def fingerprint(sentences: Iterable[Sentence]) -> str:
    """A digest of tagged sentences: it tells apart words, tags, annotated labels, ends of sentences and documents."""
    digest = hashlib.sha256()
    for sentence in sentences:
        written = repr((sentence.words, sentence.tags, sentence.opens_document))
        if sentence.annotated is not None:
            written += repr(sorted(sentence.annotated))
        digest.update(written.encode("utf-8", errors="surrogatepass"))
    return digest.hexdigest()


def collate(encoded: Encoded, rows: Numbers) -> Batch:
    """The batch of these sentences (B,)."""
    lengths = encoded.lengths[rows]
    steps = np.arange(int(lengths.max()))
    mask = steps < lengths[:, None]  # (B, T)
    tokens = np.where(mask, encoded.starts[rows][:, None] + steps, 0)
    # A padding token is spelled as the batch's first word; nothing reads it.
    where = np.where(mask, encoded.where[tokens], encoded.where[tokens[0, 0]])
    indices = TokenIndices(tokens, mask, where)
    arrays: Arrays = {}
    for name, feature in encoded.features.items():
        arrays |= feature.collate(encoded.arrays[name], indices)
    tags = None if encoded.tags is None else np.where(mask, encoded.tags[tokens], 0)
    if encoded.encodings is None:
        return Batch(arrays, lengths, mask, tags)
    return Batch(arrays, lengths, mask, tags, where, encoded.encodings)


def batch_rows(
    lengths: Numbers, *, size: int, tokens: int | None = None, generator: np.random.Generator | None = None
) -> Iterator[Numbers]:
    """The rows of each batch; every row comes once.

    Args:
        lengths: tokens of each sentence.
        size: sentences a batch, at most.
        tokens: sentences times longest sentence of a batch, at most; replaces `size`. A longer sentence
            has a batch to itself.
        generator: shuffles, for training; without it the longest come first.
    """
    if generator is None:
        yield from _cut(np.argsort(-lengths, kind="stable"), lengths, size, tokens)
        return
    order = generator.permutation(len(lengths))
    mean = max(float(lengths.mean()), 1.0) if len(lengths) else 1.0
    pool = _POOL * (size if tokens is None else max(int(tokens / mean), 1))
    batches: list[Numbers] = []
    for start in range(0, len(order), pool):
        rows = order[start : start + pool]
        batches += _cut(rows[np.argsort(-lengths[rows], kind="stable")], lengths, size, tokens)
    for batch in generator.permutation(len(batches)):
        yield batches[batch]


def drop_singletons(words: Numbers, singletons: frozenset[int], rate: float, rng: np.random.Generator) -> Numbers:
    """Word ids (N,) in which words seen once in training became unknown, each with probability `rate`."""
    once = np.isin(words, np.fromiter(singletons, dtype=np.int64, count=len(singletons)))
    dropped = once & (rng.random(len(words)) < rate)
    return np.where(dropped, UNKNOWN, words)


def _encode_allowed_tags(
    sentences: Sequence[Sentence], vocabularies: Vocabularies
) -> tuple[Numbers, npt.NDArray[np.bool_]]:
    """For each token the row of its possible tags, and the rows: one for each tag, then the sets that occur."""
    names = vocabularies.tags
    rows: dict[tuple[str, ...], int] = {(name,): index for index, name in enumerate(names)}
    indices = [
        rows.setdefault(tuple(names if tags is None else tags), len(rows))
        for sentence in sentences
        for tags in possible_tags(to_iob2(sentence.tags or (), "iob2"), unannotated(sentence, vocabularies.labels))
    ]
    allowed_tags = np.zeros((len(rows), len(names)), dtype=np.bool_)
    for tags, row in rows.items():
        allowed_tags[row, [vocabularies.tag_id(tag) for tag in tags]] = True
    return np.array(indices, dtype=np.int64), allowed_tags


def _cut(rows: Numbers, lengths: Numbers, size: int, tokens: int | None) -> Iterator[Numbers]:
    """Consecutive batches of rows that come longest first."""
    start = 0
    while start < len(rows):
        longest = max(int(lengths[rows[start]]), 1)
        step = size if tokens is None else max(tokens // longest, 1)
        yield rows[start : start + step]
        start += step
