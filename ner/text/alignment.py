"""Ranges of characters and spans of tokens: from one to the other, with a report of what doesn't fit.

People mark characters, networks label tokens. This module alone knows what to do where the two disagree: an entity
that ends within a token, that shares characters with another, or that goes on past the end of a sentence.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Literal, NamedTuple

from ner.errors import ConfigError, DataError
from ner.text.misfits import AlignmentReport, Misfit, prefix_of, told
from ner.text.sentence import Entity, Sentence, Span

Misaligned = Literal["error", "snap", "split"]
Overlaps = Literal["longest", "first", "error"]

_LEFT_OUT = 'misaligned="snap" and "split" leave it out'
_WAYS_OUT = {
    "out of text": f"ranges are half-open and count the characters of a Python string; {_LEFT_OUT}",
    "empty": _LEFT_OUT,
    "no token": _LEFT_OUT,
    "blank edge": 'misaligned="snap" and "split" leave the blanks out',
    "cut token": 'misaligned="snap" grows it to whole tokens, "split" splits the tokens',
}


class Alignment(NamedTuple):
    """Sentences with the spans of entities, and what didn't fit."""

    sentences: tuple[Sentence, ...]
    report: AlignmentReport


class _Candidate(NamedTuple):
    """An entity as given, and as it would be of tokens."""

    given: Entity
    made: Entity


def entity_of(text: str, sentence: Sentence, span: Span, score: float | None) -> Entity:
    """A span of a sentence as an entity of the text that its tokens' offsets are of."""
    start, last = sentence.starts[span.start], span.end - 1
    end = sentence.starts[last] + len(sentence.spelled[last])
    return Entity(span.label, text[start:end], start, end, score)


def entities_of(text: str, sentences: Iterable[Sentence]) -> tuple[Entity, ...]:
    """The entities of tagged sentences, in order, without scores: what `align` laid over their tokens.

    Raises:
        DataError: a sentence without tags, or with unknown ones.
    """
    return tuple(entity_of(text, sentence, span, None) for sentence in sentences for span in sentence.spans)


def align(
    entities: Iterable[Entity],
    sentences: Sequence[Sentence],
    *,
    text: str,
    misaligned: Misaligned = "error",
    overlaps: Overlaps = "longest",
    name: str = "",
) -> Alignment:
    """The sentences with the spans of these entities in place of what was known of them, and what didn't fit.

    Blanks are all characters that belong to no token. Sentences that an entity runs through are joined to one.

    Args:
        entities: in any order.
        sentences: in order, no two tokens with a character in common.
        text: which the ranges of both are of.
        misaligned: an entity that isn't one of whole tokens is an error (`error`), or grows to whole tokens (`snap`),
            or has the tokens split where it begins and ends (`split`). The last two leave blanks at its edges out, and
            drop an entity without a token.
        overlaps: which of two entities with a character in common is kept: the longer (`longest`; of equals the
            first), the one that begins first (`first`; of equals the longer), or neither, and it is an error.
        name: what errors and report call the text.

    Raises:
        DataError: an entity doesn't fit, where that is an error.
        ConfigError: `misaligned` or `overlaps` is none of those.
    """
    for key, value, known in (
        ("misaligned", misaligned, ("error", "snap", "split")),
        ("overlaps", overlaps, ("longest", "first", "error")),
    ):
        if value not in known:
            raise ConfigError(f"{key}: expected {', '.join(known[:-1])} or {known[-1]}, found {value!r}")
    tokens = _Tokens(
        [start for sentence in sentences for start in sentence.starts],
        [word for sentence in sentences for word in sentence.spelled],
        text,
    )
    misfits: list[Misfit] = []
    candidates: list[_Candidate] = []
    for entity in entities:
        made, kinds = _fit(entity, tokens, snap=misaligned == "snap")
        if kinds and misaligned == "error":
            raise DataError(_refusal(kinds[0], entity, tokens, name))
        misfits += [Misfit(kind, entity, made) for kind in kinds]
        if made:
            candidates.append(_Candidate(entity, made))
    kept, given_way = _choose(candidates, overlaps, name)
    crossing: set[Entity] = set()
    apart = [candidate.made for candidate in kept]
    laid = tuple(_lay(apart, sentences, tokens.cut_by(apart), crossing))
    misfits += given_way + [Misfit("crosses sentences", *c) for c in kept if crossing and c.made in crossing]
    misfits.sort(key=lambda misfit: (misfit.entity.start, misfit.entity.end))
    return Alignment(laid, AlignmentReport(name, tuple(misfits)))


class _Tokens:
    """All tokens of a text, in order."""

    def __init__(self, starts: list[int], words: list[str], text: str) -> None:
        self.starts, self.words, self.text = starts, words, text
        self.ends = [start + len(word) for start, word in zip(starts, words, strict=True)]

    def within(self, start: int, end: int) -> tuple[int, int]:
        """The tokens with a character in this range, from the first to behind the last."""
        return bisect_right(self.ends, start), bisect_left(self.starts, end)

    def cut_by(self, entities: Iterable[Entity]) -> list[int]:
        """The places within a token where an entity begins or ends, in order."""
        places = {place for entity in entities for place in (entity.start, entity.end)}
        return sorted(p for p in places if (token := bisect_left(self.starts, p)) and p < self.ends[token - 1])


def _fit(entity: Entity, tokens: _Tokens, *, snap: bool) -> tuple[Entity | None, list[str]]:
    """The entity without blanks at its edges, and of whole tokens with `snap`; and the kinds of misfit that it is."""
    start, end = entity.start, entity.end
    if not 0 <= start <= end <= len(tokens.text):
        return None, ["out of text"]
    if start == end:
        return None, ["empty"]
    first, behind = tokens.within(start, end)
    if first >= behind:
        return None, ["no token"]
    kinds = []
    whole_start, whole_end = tokens.starts[first], tokens.ends[behind - 1]
    start, end = max(start, whole_start), min(end, whole_end)
    if (start, end) != (entity.start, entity.end):
        kinds.append("blank edge")
    if (start, end) != (whole_start, whole_end):
        kinds.append("cut token")
        if snap:
            start, end = whole_start, whole_end
    same = (start, end) == (entity.start, entity.end)
    return entity if same else Entity(entity.label, tokens.text[start:end], start, end, entity.score), kinds


def _refusal(kind: str, entity: Entity, tokens: _Tokens, name: str) -> str:
    """Why an entity that is of this kind is an error."""
    first, behind = tokens.within(entity.start, entity.end)
    reason = {
        "out of text": f"which isn't within the text's {len(tokens.text)} characters",
        "empty": "which holds no character",
        "no token": "which holds no token",
        "blank edge": "which begins or ends with blanks",
    }.get(kind)
    if reason is None:
        cut = first if tokens.starts[first] < entity.start else behind - 1
        reason = f"which cuts the token {tokens.words[cut]!r}"
    return f"{prefix_of(name)}expected entities of whole tokens, found {told(entity)}, {reason}; {_WAYS_OUT[kind]}"


def _choose(candidates: Sequence[_Candidate], overlaps: Overlaps, name: str) -> tuple[list[_Candidate], list[Misfit]]:
    """Those that are kept, in the order of the text, and those that gave way to one of them."""

    def rank(candidate: _Candidate) -> tuple[int, int]:
        start, length = candidate.made.start, candidate.made.end - candidate.made.start
        return (start, -length) if overlaps == "first" else (-length, start)

    if all(one.made.end <= two.made.start for one, two in pairwise(candidates)):  # nearly always
        return list(candidates), []
    kept: list[_Candidate] = []
    misfits: list[Misfit] = []
    for candidate in sorted(candidates, key=rank):
        mine = candidate.made
        index = bisect_left(kept, mine.start, key=lambda other: other.made.end - 1)
        # Kept ones lie apart, so if any has a character in common, the first that ends behind this one's start has.
        other = kept[index] if index < len(kept) and kept[index].made.start < mine.end else None
        if other is None:
            kept.insert(index, candidate)
            continue
        if overlaps == "error":
            raise DataError(
                f"{prefix_of(name)}expected entities apart from each other, found {told(other.given)} and "
                f'{told(candidate.given)}; overlaps="longest" keeps the longer, "first" the one that begins first'
            )
        theirs = other.made
        nested = (mine.start >= theirs.start and mine.end <= theirs.end) or (
            mine.start <= theirs.start and mine.end >= theirs.end
        )
        misfits.append(Misfit("nested" if nested else "overlap", candidate.given, theirs))
    return kept, misfits


def _lay(
    entities: Sequence[Entity], sentences: Sequence[Sentence], cuts: Sequence[int], crossing: set[Entity]
) -> Iterator[Sentence]:
    """The sentences, cut, with these entities, apart and in order; those over sentence ends join `crossing`."""
    number = position = 0
    while position < len(sentences):
        sentence = sentences[position]
        spelled, starts = _cut(sentence, cuts)
        mine: list[Entity] = []
        position += 1
        while number < len(entities) and spelled and entities[number].start < starts[-1] + len(spelled[-1]):
            entity = entities[number]
            mine.append(entity)
            number += 1
            while entity.end > starts[-1] + len(spelled[-1]):
                crossing.add(entity)
                more = _cut(sentences[position], cuts)
                spelled, starts = spelled + more[0], starts + more[1]
                position += 1
        spans = tuple(Span(e.label, bisect_left(starts, e.start), bisect_left(starts, e.end)) for e in mine)
        known = (sentence.opens_document, sentence.source)
        yield Sentence(None, None, *known, spelled=spelled, starts=starts, spans=spans)


def _cut(sentence: Sentence, cuts: Sequence[int]) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """The words of a sentence and where they start, each word cut at these places, which ascend."""
    spelled, starts = sentence.spelled, sentence.starts
    if not cuts or not spelled or bisect_right(cuts, starts[0]) == bisect_left(cuts, starts[-1] + len(spelled[-1])):
        return spelled, starts
    words: list[str] = []
    places: list[int] = []
    for word, start in zip(spelled, starts, strict=True):
        inside = cuts[bisect_right(cuts, start) : bisect_left(cuts, start + len(word))]
        edges = [start, *inside, start + len(word)]
        words += [word[one - start : other - start] for one, other in pairwise(edges)]
        places += edges[:-1]
    return tuple(words), tuple(places)
