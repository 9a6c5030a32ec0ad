"""Tags that are only partly known: which tags a token may have, given what its annotators said.

Inside this package `?` is a token of which nothing is known and `?-PER` one that is part of a PER, no matter
which part; all other tags are IOB2, where an `I-` behind a `?` goes on with what the `?` may hide. An `O`
says less where the annotators didn't look for all labels: there it may be any tag of the others.
"""

from collections.abc import Iterable, Sequence

from ner.schemes import find_scheme
from ner.text.tags import OUTSIDE, convert_tags, plain_tag, split_tag, tags_of_labels

UNKNOWN = "?"


def is_unknown(tag: str) -> bool:
    """True for `?` and `?-PER`."""
    return tag == UNKNOWN or tag.startswith(UNKNOWN + "-")


def is_partial(tags: Iterable[str]) -> bool:
    """True where some tag is unknown."""
    return any(is_unknown(tag) for tag in set(tags))


def labels_of(tags: Iterable[str]) -> set[str]:
    """The labels that these tags name."""
    return {tag.partition("-")[2] for tag in tags if tag not in (OUTSIDE, UNKNOWN)}


def known_runs(tags: Sequence[str]) -> list[list[str]]:
    """The stretches of known tags between unknown ones."""
    if not is_partial(tags):
        return [list(tags)] if tags else []
    runs: list[list[str]] = [[]]
    for tag in tags:
        if is_unknown(tag):
            runs.append([])
        else:
            runs[-1].append(tag)
    return [run for run in runs if run]


def to_iob2(tags: Sequence[str], scheme: str) -> list[str]:
    """The same knowledge in IOB2, each stretch of known tags read as conlleval reads it.

    An `I-` behind an unknown tag stays one, except in IOB1 and IO, where it may as well open an entity.

    >>> to_iob2(["?", "I-PER", "O", "B-PER", "?"], "iob2"), to_iob2(["?", "I-PER", "I-PER"], "iob1")
    (['?', 'I-PER', 'O', 'B-PER', '?'], ['?', '?-PER', 'I-PER'])
    """
    if not is_partial(tags):
        return convert_tags(tags, "iob2")
    row = find_scheme(scheme)
    inside_opens = row.begin is None or row.begin_only_parts
    written: list[str] = []
    position = 0
    while position < len(tags):
        if is_unknown(tags[position]):
            written.append(tags[position])
            position += 1
            continue
        end = next((n for n in range(position, len(tags)) if is_unknown(tags[n])), len(tags))
        run = convert_tags(tags[position:end], "iob2")
        first, label = split_tag(plain_tag(tags[position]))
        # Only what may be of the same label can hide the entity's beginning.
        if position and first in "IE" and tags[position - 1] in (UNKNOWN, f"{UNKNOWN}-{label}"):
            run[0] = f"{UNKNOWN if inside_opens else 'I'}-{label}"
        written += run
        position = end
    return written


def possible_tags(tags: Sequence[str], unannotated: Iterable[str] = ()) -> list[list[str] | None]:
    """For each token the BIOES tags it may have; None: any.

    Args:
        tags: of a sentence.
        unannotated: the labels that nobody looked for there: where `O` stands, there may be any of their tags too.

    >>> possible_tags(["B-PER", "?", "I-LOC", "O"])
    [['B-PER', 'S-PER'], None, ['E-LOC'], ['O']]
    >>> possible_tags(["?-PER", "B-PER", "I-PER"])
    [['B-PER', 'I-PER', 'E-PER', 'S-PER'], ['B-PER'], ['E-PER']]
    >>> possible_tags(["O", "B-PER"], ["LOC"])
    [['O', 'B-LOC', 'I-LOC', 'E-LOC', 'S-LOC'], ['S-PER']]
    """
    outside = tags_of_labels(unannotated)
    possible: list[list[str] | None] = []
    for tag, following in zip(tags, [*tags[1:], OUTSIDE], strict=True):
        prefix, _, label = tag.partition("-")
        if tag == UNKNOWN:
            possible.append(None)
        elif prefix == UNKNOWN:
            possible.append([f"{role}-{label}" for role in "BIES"])
        elif tag == OUTSIDE:
            possible.append(outside)
        else:
            going_on, ending = ("B", "S") if prefix == "B" else ("I", "E")
            if following == f"I-{label}":
                roles = [going_on]
            elif following in (UNKNOWN, f"{UNKNOWN}-{label}"):
                roles = [going_on, ending]
            else:
                roles = [ending]
            possible.append([f"{role}-{label}" for role in roles])
    return possible
