"""Sentences become batches of numbers, in NumPy.

Sentences are encoded once, into flat arrays; a batch is then a matter of indexing. Batches hold sentences
of like length, so that little is padding.
"""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ner.features.document_context import fill_mentions
from ner.features.phrase_features import Bags, fill_bags, mark_tokens
from ner.features.vocabulary import UNKNOWN, Vocabularies
from ner.features.words import Numbers, WordLookup, number_words
from ner.text.partial import is_partial, possible_tags, to_iob2
from ner.text.sentence import Sentence
from ner.text.tags import convert_tags

# Training sorts by length within so many batches: little padding, yet sentences meet others each epoch.
_POOL = 50


@dataclass(frozen=True)
class Encoded:
    """Sentences as numbers: flat arrays over all N tokens, rows of `spellings` for S distinct words.

    Sentence i stands at `starts[i] : starts[i] + lengths[i]`; `tags` is None where none were asked for. With
    `encodings`, what a network made of the distinct words already, there are no spellings.
    Where some tags are only partly known, `tags` are rows of `choices`, which tells the tags that each allows.
    """

    words: Numbers  # (N,)
    bigrams: Numbers  # (N,)
    cases: Numbers  # (N,)
    where: Numbers  # (N,)
    tags: Numbers | None  # (N,)
    starts: Numbers
    lengths: Numbers
    spellings: Numbers  # (S, C)
    spelling_lengths: Numbers  # (S,)
    choices: npt.NDArray[np.bool_] | None = None  # (M, K), the first K rows a single tag each
    bags: Bags | None = None  # what the lexicon has around each token, if there is one
    mentions: Bags | None = None  # what stands around each name elsewhere in its document, where that is asked for
    marks: npt.NDArray[np.float32] | None = None  # (N, G), where the gazetteers have each token, if there are any
    encodings: Any = None  # (S, E), as whoever computes with it wants it


class Batch(NamedTuple):
    """B sentences of at most T tokens with S distinct spellings of at most C characters; padding is 0.

    Without a lexicon L is 0, without gazetteers G, without other mentions M and R; where words were encoded before,
    S is 0.
    """

    words: Numbers  # word numbers (B, T)
    bigrams: Numbers  # bigram numbers (B, T)
    cases: Numbers  # capitalisation classes (B, T)
    marks: npt.NDArray[np.float32]  # 1 where a gazetteer has the token in that place of a phrase, else 0 (B, T, G)
    spellings: Numbers  # character numbers of the distinct spellings (S, C)
    spelling_lengths: Numbers  # characters of each, at least 1 (S,)
    where: Numbers  # which spelling stands at each token (B, T)
    lexicon_words: Numbers  # numbers of lexicon words (L,)
    lexicon_weights: npt.NDArray[np.float32]  # (L,)
    lexicon_bags: Numbers  # which of the B·T·4 bags each is in, four a token (L,)
    mention_words: Numbers  # numbers of words around the other mentions of R tokens (M,)
    mention_weights: npt.NDArray[np.float32]  # (M,)
    mention_bags: Numbers  # which of the R·4 bags each is in, four a token (M,)
    mention_tokens: Numbers  # which of the B·T tokens they are, ascending (R,)
    lengths: Numbers  # tokens of each sentence, at least 1 (B,)


def encode(
    sentences: Sequence[Sentence], vocabularies: Vocabularies, *, tagged: bool = False, cache: WordLookup | None = None
) -> Encoded:
    """Sentences, at least one of them with a token, as numbers.

    Args:
        sentences: to encode, in this order.
        vocabularies: the model's.
        tagged: encode the tags too, which must be of labels the vocabularies know.
        cache: of a network in use, which then needs no spellings.
    """
    distinct: dict[str, int] = {}
    where = [distinct.setdefault(word, len(distinct)) for s in sentences for word in s.spelled]
    positions = np.array(where, dtype=np.int64)
    if cache is None:
        words, cases, spellings, spelling_lengths = number_words(list(distinct), vocabularies)
        encodings = None
    else:
        words, cases, encodings = cache.look_up(list(distinct))
        spellings, spelling_lengths = np.zeros((0, 1), dtype=np.int64), np.zeros(0, dtype=np.int64)
    tags = choices = None
    if tagged and any(is_partial(s.tags or ()) for s in sentences):
        tags, choices = _encode_choices(sentences, vocabularies)
    elif tagged:
        tag_number = vocabularies.tag_number
        named = (tag for s in sentences for tag in convert_tags(s.tags or (), "bioes"))
        tags = np.array([tag_number(tag) for tag in named], dtype=np.int64)
    lengths = np.array([len(s.spelled) for s in sentences], dtype=np.int64)
    starts = np.cumsum(lengths) - lengths
    if vocabularies.bigrams:
        pairs = [pair for s in sentences for pair in vocabularies.bigram_numbers(s.words)]
        bigrams = np.array(pairs, dtype=np.int64)
    else:
        bigrams = np.full(len(positions), UNKNOWN, dtype=np.int64)
    of_tokens = (words[positions], bigrams, cases[positions], positions, tags)
    bags = None if vocabularies.lexicon is None else fill_bags(sentences, vocabularies.lexicon)
    mentions = fill_mentions(sentences, positions, list(distinct), cases, words) if vocabularies.mentions else None
    marks = mark_tokens(sentences, vocabularies.gazetteers) if vocabularies.gazetteers else None
    features = (bags, mentions, marks)
    return Encoded(*of_tokens, starts, lengths, spellings, spelling_lengths, choices, *features, encodings)


def fingerprint(sentences: Iterable[Sentence]) -> str:
    """A digest of tagged sentences: it differs where a word, a tag, a sentence's end or a document's beginning does."""
    digest = hashlib.sha256()
    for sentence in sentences:
        written = repr((sentence.words, sentence.tags, sentence.opens_document))
        digest.update(written.encode("utf-8", errors="surrogatepass"))
    return digest.hexdigest()


def collate(encoded: Encoded, rows: Numbers, *, words: Numbers | None = None) -> tuple[Batch, Numbers | None]:
    """The batch of these sentences, and their tags (or rows of `choices`) (B, T), padded with 0.

    Args:
        encoded: all sentences.
        rows: which of them (B,).
        words: word numbers (N,) to read instead of `encoded.words`, for dropping some to the unknown.
    """
    lengths = encoded.lengths[rows]
    steps = np.arange(int(lengths.max()))
    mask = steps < lengths[:, None]  # (B, T)
    places = np.where(mask, encoded.starts[rows][:, None] + steps, 0)
    # A padding token is spelled as the batch's first word; nothing reads it.
    where = np.where(mask, encoded.where[places], encoded.where[places[0, 0]])
    spellings, spelling_lengths = encoded.spellings, encoded.spelling_lengths
    if encoded.encodings is None:
        spelled, where = np.unique(where, return_inverse=True)
        spelling_lengths = spelling_lengths[spelled]
        spellings = spellings[spelled, : int(spelling_lengths.max())]
    flat = encoded.words if words is None else words
    nothing = np.zeros(0, dtype=np.int64)
    no_bags = (nothing, nothing.astype(np.float32), nothing)
    bags = no_bags if encoded.bags is None else encoded.bags.of(places, mask)
    mentions = (*no_bags, nothing) if encoded.mentions is None else encoded.mentions.of_some(places, mask)
    marks = np.zeros((*mask.shape, 0), dtype=np.float32)
    if encoded.marks is not None:
        marks = encoded.marks[places] * mask[..., None].astype(np.float32)
    arrays = (
        np.where(mask, flat[places], 0),
        np.where(mask, encoded.bigrams[places], 0),
        np.where(mask, encoded.cases[places], 0),
        marks,
        spellings,
        spelling_lengths,
        where.reshape(mask.shape),
        *bags,
        *mentions,
        lengths,
    )
    return Batch(*arrays), None if encoded.tags is None else np.where(mask, encoded.tags[places], 0)


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


def drop_singletons(encoded: Encoded, singletons: frozenset[int], rate: float, rng: np.random.Generator) -> Numbers:
    """Word numbers (N,) in which words seen once in training became unknown, each with probability `rate`."""
    once = np.isin(encoded.words, np.fromiter(singletons, dtype=np.int64, count=len(singletons)))
    dropped = once & (rng.random(len(encoded.words)) < rate)
    return np.where(dropped, UNKNOWN, encoded.words)


def _encode_choices(sentences: Sequence[Sentence], vocabularies: Vocabularies) -> tuple[Numbers, npt.NDArray[np.bool_]]:
    """For each token the row of its possible tags, and the rows: one for each tag, then the sets that occur."""
    names = vocabularies.tags
    rows: dict[tuple[str, ...], int] = {(name,): number for number, name in enumerate(names)}
    numbers = [
        rows.setdefault(tuple(names if tags is None else tags), len(rows))
        for sentence in sentences
        for tags in possible_tags(to_iob2(sentence.tags or (), "iob2"))
    ]
    choices = np.zeros((len(rows), len(names)), dtype=np.bool_)
    for tags, row in rows.items():
        choices[row, [vocabularies.tag_number(tag) for tag in tags]] = True
    return np.array(numbers, dtype=np.int64), choices


def _cut(rows: Numbers, lengths: Numbers, size: int, tokens: int | None) -> Iterator[Numbers]:
    """Consecutive batches of rows that come longest first."""
    start = 0
    while start < len(rows):
        longest = max(int(lengths[rows[start]]), 1)
        step = size if tokens is None else max(tokens // longest, 1)
        yield rows[start : start + step]
        start += step
