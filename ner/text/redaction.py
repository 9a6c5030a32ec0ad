"""Redaction: the entities of a text replaced by marks, and put back.

This module alone knows what takes a name's place, where the same name stands again, and how the text is made whole.
Nothing but the entities changes. Names are equal where they differ in blanks and line ends alone; a mark made from a
name is a keyed hash of it (HMAC, RFC 2104), since an unkeyed one is undone by hashing a list of names.
"""

import hmac
import re
import secrets
import unicodedata
from collections.abc import Collection, Iterable, Sequence
from dataclasses import astuple, dataclass
from functools import cache
from typing import Any, Literal

from ner.errors import ConfigError, DataError, check_type
from ner.text.sentence import Entity

Replace = Literal["label", "hash", "fixed"]
WAYS: tuple[Replace, ...] = ("label", "hash", "fixed")
FIXED = "[REDACTED]"
SHORTEST_KEY = 16  # bytes: a shorter one can be tried out
_HASH_DIGITS = 16  # 64 bits: of a million names, two have the same hash once in 37 million runs
# Labels of persons, in lower case: of their names, single words stand for the whole later in a text.
_PERSONS = frozenset({"per", "person", "persons", "pers", "people", "name", "人名"})
_SHORTEST_AGAIN = 2  # characters of a name that is looked for again: one stands in many words
# Scripts whose words stand without blanks between them, so that a name may stand inside what looks like a word.
_NO_BLANKS = ("CJK", "HIRAGANA", "KATAKANA", "BOPOMOFO", "THAI", "LAO", "KHMER", "MYANMAR", "TAI ")


@dataclass(frozen=True, slots=True)
class Replacement:
    """A mark in a redacted text: `placeholder`, from character `start` on, in place of `original`."""

    start: int
    placeholder: str
    label: str
    original: str

    @property
    def end(self) -> int:
        """Where it ends in the redacted text."""
        return self.start + len(self.placeholder)

    def as_list(self) -> list[Any]:
        """Plain JSON values: start, placeholder, label, original.

        >>> Replacement(0, "[PER]", "PER", "Anna").as_list()
        [0, '[PER]', 'PER', 'Anna']
        """
        return list(astuple(self))


@dataclass(frozen=True, slots=True)
class Redaction:
    """A redacted text, and what was replaced in it, in order; `restore` makes the original of both."""

    text: str
    replacements: tuple[Replacement, ...]

    def __repr__(self) -> str:
        """The text alone: what was replaced shouldn't get into a log."""
        return f"Redaction({self.text!r}, {len(self.replacements)} replaced)"


def redact(
    text: str,
    entities: Iterable[Entity],
    *,
    replace: Replace = "label",
    labels: Collection[str] | None = None,
    numbered: bool = False,
    also_repeats: bool = False,
    key: bytes | None = None,
    fixed: str = FIXED,
) -> Redaction:
    """A text with its entities replaced; every other character is as it was.

    Entities with a character in common are replaced together, by the mark of the one that begins first.

    Args:
        text: any string.
        entities: in any order, of ranges in the text.
        replace: `label`: `[PER]`; `hash`: `[PER_9f86d081884c7d65]`, the same for the same name under the same key;
            `fixed`: always the same string.
        labels: replace entities of these labels alone; None: all.
        numbered: `[PER_1]`, `[PER_2]`, …: the same number for the same name in this text (`label` alone).
        also_repeats: replace the same name wherever else it stands in the text, and single words of a person's name.
        key: of the hash, at least 16 bytes; None: one that this process made, and nobody knows.
        fixed: the string of `fixed`.

    Raises:
        ConfigError: an argument of another kind, or one that this way of replacing has no use for.
        DataError: an entity that isn't in the text as it says.

    >>> rome = Entity("LOC", "Rome", 10, 14)
    >>> redact("Anna left Rome. Rome!", [rome], also_repeats=True, numbered=True).text
    'Anna left [LOC_1]. [LOC_1]!'
    """
    check_ways(replace, numbered=numbered, key=key)
    check_type("text", text, str, "a string")
    check_type("labels", labels, Collection | None, "a collection of labels")
    if isinstance(labels, str):
        raise ConfigError(f"labels: expected a collection of labels, found {labels!r}; write [{labels!r}]")
    wanted = [entity for entity in _checked(text, entities) if labels is None or entity.label in labels]
    names = _apart(text, wanted)
    if also_repeats:
        names = _apart(text, [*names, *_repeats(text, names)])
    if numbered:
        marks = _numbers(names, also_parts=also_repeats)
    elif replace == "hash":
        marks = [f"[{_shown(e.label)}_{_hash(e, key or _key_of_this_process())}]" for e in names]
    else:
        marks = [fixed if replace == "fixed" else f"[{_shown(entity.label)}]" for entity in names]
    pieces: list[str] = []
    replacements = []
    done = length = 0
    for entity, mark in zip(names, marks, strict=True):
        length += entity.start - done
        replacements.append(Replacement(length, mark, entity.label, entity.text))
        pieces += text[done : entity.start], mark
        length, done = length + len(mark), entity.end
    return Redaction("".join([*pieces, text[done:]]), tuple(replacements))


def restore(text: str, replacements: Iterable[Replacement]) -> str:
    """The text that was redacted, character for character.

    Args:
        text: as `redact` made it.
        replacements: of it, in order.

    Raises:
        ConfigError: an argument of another kind.
        DataError: a mark isn't where it should be: the text was changed, or the replacements are of another.

    >>> restore("[PER] left.", [Replacement(0, "[PER]", "PER", "Anna")])
    'Anna left.'
    """
    check_type("text", text, str, "a string")
    check_type("replacements", replacements, Iterable, "the replacements of a Redaction")
    pieces: list[str] = []
    done = 0
    for position, each in enumerate(replacements):
        check_type(f"replacements[{position}]", each, Replacement, "a Replacement", "redact gives them")
        if each.start < done or not text.startswith(each.placeholder, each.start):
            raise DataError(
                f"restore: expected {each.placeholder!r} at character {each.start} of the redacted text, found "
                f"{text[max(each.start, 0) : max(each.end, 0)]!r}; the text was changed, or the map is of another text"
            )
        pieces += text[done : each.start], each.original
        done = each.end
    return "".join([*pieces, text[done:]])


def check_ways(replace: object, *, numbered: bool = False, key: bytes | None = None) -> None:
    """Raise ConfigError unless there is such a way of replacing, and it takes a number and a key, where they are given.

    Args:
        replace: as in `redact`, like the others.
        numbered: whether marks are to be numbered.
        key: of the hash.
    """
    if replace not in WAYS:
        raise ConfigError(f"replace: expected one of {', '.join(WAYS)}, found {replace!r}")
    if numbered and replace != "label":
        raise ConfigError(f"numbered: expected the way label, found {replace}, whose marks have no number")
    if key is not None and replace != "hash":
        raise ConfigError(f"key: expected the way hash, found {replace}, which takes no key")
    if key is not None and (not isinstance(key, bytes) or len(key) < SHORTEST_KEY):
        found = f"{len(key)}" if isinstance(key, bytes) else f"a value of type {type(key).__name__}"
        raise ConfigError(
            f"key: expected at least {SHORTEST_KEY} bytes, found {found}; secrets.token_bytes(32) makes a key"
        )


def _checked(text: str, entities: Iterable[Entity]) -> list[Entity]:
    found = list(entities)
    for position, entity in enumerate(found):
        check_type(f"entities[{position}]", entity, Entity, "an Entity")
        start, end = entity.start, entity.end
        if not 0 <= start <= end <= len(text) or text[start:end] != entity.text:
            # Without the text: a message gets into logs.
            raise DataError(
                f"entities[{position}]: expected the entity at characters {start} to {end} of the text, found other "
                "characters there; it is an entity of another text"
            )
    return found


def _apart(text: str, entities: Iterable[Entity]) -> list[Entity]:
    """The ranges of entities in order, those with a character in common as one."""
    apart: list[Entity] = []
    for entity in sorted(entities, key=lambda entity: (entity.start, -entity.end)):
        if entity.start == entity.end:
            continue
        if apart and entity.start < apart[-1].end:
            first = apart.pop()
            end = max(first.end, entity.end)
            entity = Entity(first.label, text[first.start : end], first.start, end)
        apart.append(entity)
    return apart


def _repeats(text: str, names: Iterable[Entity]) -> list[Entity]:
    """Where else in a text the names stand, whole, and of persons' names single words."""
    labels: dict[tuple[str, ...], str] = {}
    for name in names:
        labels.setdefault(tuple(name.text.split()), name.label)
    for name in names:
        for word in _parts(name):
            labels.setdefault((word,), name.label)
    found = []
    for words, label in labels.items():
        if sum(map(len, words)) < _SHORTEST_AGAIN:
            continue
        for match in re.finditer(r"\s+".join(map(re.escape, words)), text):
            start, end = match.span()
            if not (_is_inside_word(text, start) or _is_inside_word(text, end)):
                found.append(Entity(label, text[start:end], start, end))
    return found


def _parts(name: Entity) -> list[str]:
    """The words of a person's name of several that may stand for it: no small ones such as "von", no initials."""
    if name.label.casefold() not in _PERSONS:
        return []
    words = name.text.split()
    stripped = (word.strip("\"'“”‘’«»()[],;:") for word in words if not word.endswith("."))
    return [w for w in stripped if len(w) >= _SHORTEST_AGAIN and not w[0].islower()] if len(words) > 1 else []


def _is_inside_word(text: str, place: int) -> bool:
    """Whether a place of a text is between two characters of one word, as far as blanks tell words."""
    return 0 < place < len(text) and _is_of_word(text[place - 1]) and _is_of_word(text[place])


@cache
def _is_of_word(character: str) -> bool:
    if unicodedata.category(character)[0] not in "LNM":
        return False
    return not unicodedata.name(character, "").startswith(_NO_BLANKS)


def _numbers(names: Sequence[Entity], *, also_parts: bool) -> list[str]:
    """A mark for each name: numbered by label, in the order in which names come first."""
    wholes: dict[tuple[str, str], set[str]] = {}  # a word of a person's name: the names that it is of
    for name in names:
        for part in _parts(name) if also_parts else ():
            wholes.setdefault((name.label, part), set()).add(_same(name.text))
    numbers: dict[str, dict[str, int]] = {}
    marks = []
    for name in names:
        same = _same(name.text)
        whole = wholes.get((name.label, same), set())
        if len(whole) == 1:  # of two Merkels, "Merkel" is either
            (same,) = whole
        known = numbers.setdefault(name.label, {})
        marks.append(f"[{_shown(name.label)}_{known.setdefault(same, len(known) + 1)}]")
    return marks


def _same(name: str) -> str:
    """What names that are the same have in common."""
    return " ".join(unicodedata.normalize("NFC", name).split())


def _hash(entity: Entity, key: bytes) -> str:
    message = f"{entity.label}\0{_same(entity.text)}".encode("utf-8", "surrogatepass")
    return hmac.new(key, message, "sha256").hexdigest()[:_HASH_DIGITS]


@cache
def _key_of_this_process() -> bytes:
    return secrets.token_bytes(32)


def _shown(label: str) -> str:
    """A label in a mark, which is always of one line."""
    return "_".join(label.split())
