"""What a training corpus held, as far as telling seen entities from unseen ones needs it.

Entity strings are kept as short hashes: compact, and no text of the training corpus leaves with a model. A string that
training never saw is taken for a seen one once in ten billion times.
"""

from base64 import urlsafe_b64encode
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any, Literal

from ner.features.feature import UNKNOWN
from ner.features.script import Script
from ner.features.words import WordVocabulary
from ner.text.partial import is_partial, is_unknown
from ner.text.sentence import Sentence, Span
from ner.text.tags import OUTSIDE, tags_to_spans

Seen = Literal["with that label", "with another label", "never"]
Origin = Literal["training", "vectors", "nowhere"]
_BYTES = 6  # 48 bits: eight characters, and with 20,000 entities a chance of 1e-10 to mistake a string


@dataclass(frozen=True, slots=True)
class Memory:
    """Of each label how many entities training had, and their strings' hashes."""

    counts: dict[str, int]
    hashes: dict[str, frozenset[str]]

    def seen(self, words: Sequence[str], label: str) -> Seen:
        """Whether training had an entity of these words with this label, with another, or with none."""
        key = _hash(words)
        if key in self.hashes.get(label, ()):
            return "with that label"
        return "with another label" if any(key in hashes for hashes in self.hashes.values()) else "never"

    def joined(self, other: "Memory") -> "Memory":
        """The memory of both corpora together."""
        labels = sorted({*self.hashes, *other.hashes})
        counts = {label: self.counts.get(label, 0) + other.counts.get(label, 0) for label in labels}
        none: frozenset[str] = frozenset()
        return Memory(counts, {label: self.hashes.get(label, none) | other.hashes.get(label, none) for label in labels})

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            label: {"count": self.counts[label], "hashes": " ".join(sorted(hashes))}
            for label, hashes in self.hashes.items()
        }


@dataclass(frozen=True, slots=True)
class Training:
    """What is known of the training corpus: the words, and the entities where they are remembered.

    `script` are characters that the model reads as others, and looks words up so.
    """

    words: WordVocabulary
    memory: Memory | None
    script: Script = field(default_factory=dict)


def remember(sentences: Iterable[Sentence]) -> Memory:
    """The memory of tagged sentences; a token whose tag is unknown counts as outside."""
    counts: Counter[str] = Counter()
    hashes: dict[str, set[str]] = {}
    for sentence in sentences:
        words = sentence.words
        for span in _known_spans(sentence):
            counts[span.label] += 1
            hashes.setdefault(span.label, set()).add(_hash(words[span.start : span.end]))
    return Memory(dict(counts), {label: frozenset(hashes[label]) for label in sorted(hashes)})


def _known_spans(sentence: Sentence) -> Sequence[Span]:
    tags = sentence.tags or ()
    if is_partial(tags):
        return tags_to_spans([OUTSIDE if is_unknown(tag) else tag for tag in tags])
    return sentence.spans


def memory_from_dict(values: dict[str, Any]) -> Memory:
    """The memory that `Memory.as_dict` wrote.

    Raises:
        KeyError: an entry is missing.
    """
    counts = {label: int(entry["count"]) for label, entry in values.items()}
    return Memory(counts, {label: frozenset(entry["hashes"].split()) for label, entry in values.items()})


def origin_of(word: str, words: WordVocabulary) -> Origin:
    """Where a word is known from, in the form under which it is looked up."""
    word_id = words.id_of(word)
    if word_id == UNKNOWN:
        return "nowhere"
    return "training" if word_id < words.num_trained else "vectors"


def _hash(words: Sequence[str]) -> str:
    # An unpaired surrogate, which a broken file may hold, has no UTF-8.
    key = " ".join(words).encode("utf-8", errors="surrogatepass")
    return urlsafe_b64encode(blake2b(key, digest_size=_BYTES).digest()).decode("ascii")
