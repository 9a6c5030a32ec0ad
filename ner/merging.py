"""Annotations of the same sentences by several sources, merged: `ner merge`.

Sources are annotators, labelling functions or lists of names; where one is silent it says `?`. The method is in
`ner.crf.consensus`: here tags become statements, and what is expected becomes labels and soft targets.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from ner.crf.consensus import Votes, emitted, learn, majority, put
from ner.crf.lengths import Array
from ner.crf.span_posteriors import choose_spans, tags_of_spans
from ner.errors import ConfigError, DataError
from ner.evaluation.report import report_spans
from ner.features.phrases import Gazetteer
from ner.storage.soft_targets import SoftTargets, digests_of
from ner.text.partial import UNKNOWN, labels_of, possible_tags, to_iob2
from ner.text.sentence import Sentence
from ner.text.span import Span
from ner.text.tags import convert_tags, legal_transitions, spans_to_tags, tags_of_labels, tags_to_spans

METHODS = ("consensus", "majority")
_HALF = 0.5  # an entity is taken where it is more probable than not


@dataclass(frozen=True, slots=True)
class Source:
    """What one says of sentences; `?` where it is silent.

    Where it is silent of a whole sentence it hasn't looked at it, unless it `looks_at_all`, as a list of names does.
    """

    name: str
    sentences: Sequence[Sentence]
    looks_at_all: bool = False


class Told(NamedTuple):
    """How far a source agrees with what was merged, as fractions of 1, in the sentences that it looked at."""

    name: str
    sentences: int
    precision: float
    recall: float
    f1: float


@dataclass(frozen=True, slots=True, eq=False)
class Merged:
    """The sentences with their merged tags, how sure each is, what is expected, and what that tells of the sources."""

    sentences: list[Sentence]
    chances: list[list[float]]  # of the tag of each token
    targets: SoftTargets
    told: list[Told]

    def partial(self, sure: float) -> list[Sentence]:
        """The same with `?` where a tag is less probable than `sure`."""
        return [
            replace(
                sentence,
                tags=tuple(
                    tag if chance >= sure else UNKNOWN for tag, chance in zip(sentence.tags or (), own, strict=True)
                ),
            )
            for sentence, own in zip(self.sentences, self.chances, strict=True)
        ]


def merge(sources: Sequence[Source], *, method: str = "consensus") -> Merged:
    """What sources say of the same sentences, merged.

    Args:
        sources: at least two.
        method: `consensus`: how reliable each is is learned; `majority`: each token's tag is that of most sources.

    Raises:
        ConfigError: fewer than two sources, no such method, or no source names an entity.
        DataError: the sentences of two sources aren't the same.
    """
    if method not in METHODS:
        raise ConfigError(f"method: expected one of {', '.join(METHODS)}, found {method!r}")
    if len(sources) < 2:
        raise ConfigError(f"sources: expected at least two, found {len(sources)}")
    _check_same(sources)
    labels = sorted(set().union(*(labels_of(s.tags or ()) for source in sources for s in source.sentences)))
    while True:
        if not labels:
            raise ConfigError("sources: expected an entity that most of them agree on, found none")
        votes = _votes(sources, labels)
        tags, marginals, transitions = _expected(votes, labels, method)
        found = {tag[2:] for sequence in tags for tag in sequence} - {""}
        if found == set(labels):
            break
        labels = sorted(found)  # what nobody is sure of is no label to learn
    words = sources[0].sentences
    merged = [replace(s, tags=tuple(convert_tags(list(own), "iob2"))) for s, own in zip(words, tags, strict=True)]
    names = tags_of_labels(labels)
    index = {name: number for number, name in enumerate(names)}
    chances, begin = [], 0
    for sequence in tags:
        own = marginals[np.arange(begin, begin + len(sequence)), [index[tag] for tag in sequence]]
        chances.append(own.tolist())
        begin += len(sequence)
    pairs = np.flatnonzero(votes.legal[1].ravel())
    targets = SoftTargets(
        tuple(names),
        digests_of(words),
        votes.lengths,
        marginals.astype(np.float32),
        transitions.reshape(len(merged), -1)[:, pairs].astype(np.float32),
        pairs,
    )
    return Merged(merged, chances, targets, [_told(source, merged) for source in sources])


def matches_as_source(gazetteer: Gazetteer, label: str, sentences: Iterable[Sentence]) -> Source:
    """A list of names as a source: its matches, the longest first, are entities of this label; else it is silent."""
    made = []
    for sentence in sentences:
        tags = [UNKNOWN] * len(sentence.spelled)
        for start, end, _ in sorted(gazetteer.find(sentence.words), key=lambda match: (match[0] - match[1], match[0])):
            if all(tag == UNKNOWN for tag in tags[start:end]):
                tags[start:end] = spans_to_tags([Span(label, 0, end - start)], end - start)
        made.append(replace(sentence, tags=tuple(tags)))
    return Source(f"{gazetteer.name} ({label})", made, looks_at_all=True)


def _check_same(sources: Sequence[Source]) -> None:
    first, *others = sources
    for other in others:
        if len(other.sentences) != len(first.sentences):
            raise DataError(
                f"{other.name}: expected the {len(first.sentences):,} sentences of {first.name}, found "
                f"{len(other.sentences):,}"
            )
        for one, two in zip(first.sentences, other.sentences, strict=True):
            if one.spelled != two.spelled:
                wanted, found = (" ".join(sentence.spelled[:5]) for sentence in (one, two))
                raise DataError(
                    f"{two.source or other.name}: expected the words of {one.source or first.name}, {wanted!r}, "
                    f"found {found!r}"
                )


def _votes(sources: Sequence[Source], labels: Sequence[str]) -> Votes:
    """What sources say, as numbers: a statement is the set of tags that it allows."""
    names = tags_of_labels(labels)
    everything = tuple(names)
    number: dict[tuple[str, ...], int] = {everything: 0}
    lengths = np.array([len(sentence.spelled) for sentence in sources[0].sentences], dtype=np.int64)
    said = np.full((len(sources), int(lengths.sum())), -1)
    for row, source in enumerate(sources):
        begin = 0
        for sentence in source.sentences:
            size = len(sentence.spelled)
            tags = sentence.tags or (UNKNOWN,) * size
            if _looked_at(source, sentence):
                allowed = possible_tags(to_iob2(tags, "iob2"))
                said[row, begin : begin + size] = [
                    number.setdefault(everything if each is None else tuple(each), len(number)) for each in allowed
                ]
            begin += size
    statements = list(number)
    allowed_tags = np.array([[name in statement for name in names] for statement in statements])
    # A label that was left out allows nothing that is left: such a statement says nothing of its own.
    allowed_tags[~allowed_tags.any(1)] = True
    context = np.array([_context(statement, labels) for statement in statements])
    contexts = np.zeros_like(said)
    contexts[:, 1:] = np.where(said[:, :-1] >= 0, context[said[:, :-1]], 0)
    contexts[:, np.cumsum(lengths)[:-1]] = 0  # where a sentence begins
    start, transitions, end = (np.array(each) for each in legal_transitions(names))
    return Votes(lengths, said, contexts, allowed_tags, (start, transitions, end))


def _looked_at(source: Source, said: Sentence) -> bool:
    return source.looks_at_all or any(tag != UNKNOWN for tag in said.tags or ())


def _context(statement: Sequence[str], labels: Sequence[str]) -> int:
    """What a statement leaves open: 0 nothing, an entity of a label, or, the last number, nobody knows."""
    opened = {tag[2:] if tag[:2] in ("B-", "I-") else "" for tag in statement}
    if len(opened) != 1:
        return len(labels) + 1
    label = opened.pop()
    return 0 if not label or label not in labels else 1 + labels.index(label)


def _expected(votes: Votes, labels: Sequence[str], method: str) -> tuple[list[list[str]], Array, Array]:
    """The BIOES tags of each sentence, the marginals (N, K), and the expected transitions (S, K, K)."""
    names = tags_of_labels(labels)
    num_tags = len(names)
    if method == "majority":
        return _most_said(votes, names)
    consensus = learn(votes)
    marginals = np.zeros((votes.said.shape[1], num_tags))
    transitions = np.zeros((len(votes.lengths), num_tags, num_tags))
    tags: list[list[str]] = [[] for _ in votes.lengths]
    roles = np.arange(1, num_tags).reshape(-1, 4)
    for read in emitted(votes, consensus.reliability):
        counts = consensus.chain.expected_counts(read.emissions, read.lengths)
        put(marginals, votes, read, counts)
        transitions[read.rows] = counts.transitions
        probable = consensus.chain.probable_spans(read.emissions, read.lengths, roles, _HALF)
        for row, length, spans in zip(read.rows, read.lengths, probable, strict=True):
            chosen = choose_spans(spans, _HALF)
            tags[row] = [names[tag] for tag in tags_of_spans(chosen, int(length), roles.tolist(), 0)]
    return tags, marginals, transitions


def _most_said(votes: Votes, names: Sequence[str]) -> tuple[list[list[str]], Array, Array]:
    """The same by the votes for each token alone; its targets are the tags that it takes, each certain."""
    shares = majority(votes)
    best = shares.argmax(1)  # `O` where nobody says anything, and of two with as many votes the first
    tags = []
    begin = 0
    for length in votes.lengths.tolist():
        said = [names[tag] for tag in best[begin : begin + length]]
        spans = tags_to_spans(said)
        tags.append(convert_tags(spans_to_tags(spans, length), "bioes"))
        begin += length
    index = {name: number for number, name in enumerate(names)}
    taken = np.array([index[tag] for sequence in tags for tag in sequence], dtype=np.int64)
    marginals = np.eye(len(names))[taken]
    transitions = np.zeros((len(tags), len(names), len(names)))
    begin = 0
    for row, length in enumerate(votes.lengths.tolist()):
        own = taken[begin : begin + length]
        np.add.at(transitions[row], (own[:-1], own[1:]), 1)
        begin += length
    return tags, marginals, transitions


def _told(source: Source, merged: Sequence[Sentence]) -> Told:
    """How far a source agrees; of a sentence with unknown tags its entities are those that it names whole."""
    pairs = [
        (sentence, _named(said.tags or ()))
        for sentence, said in zip(merged, source.sentences, strict=True)
        if _looked_at(source, said)
    ]
    if not pairs:
        return Told(source.name, 0, 0.0, 0.0, 0.0)
    scores = report_spans([sentence for sentence, _ in pairs], [spans for _, spans in pairs]).micro
    return Told(source.name, len(pairs), scores.precision, scores.recall, scores.f1)


def _named(tags: Sequence[str]) -> list[Span]:
    return tags_to_spans(["O" if tag.startswith(UNKNOWN) else tag for tag in tags])
