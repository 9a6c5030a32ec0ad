"""Entities in a text, as HTML to look at: the text escaped, each entity marked in the colour of its label."""

import html
from collections.abc import Iterable

from ner.errors import DataError, check_type
from ner.text.colours import colour_of
from ner.text.highlight import highlight
from ner.text.sentence import Entity

_TEXT = "white-space: pre-wrap; overflow-wrap: anywhere; line-height: 2"


class Html(str):
    """A piece of HTML: text that a notebook shows as what it means."""

    __slots__ = ()

    def _repr_html_(self) -> str:
        return str(self)


def render(text: str, entities: Iterable[Entity]) -> Html:
    """A piece of HTML that shows a text with its entities marked, one colour for each label; it needs no style sheet.

    A notebook shows it when it is the last value of a cell.

    Of entities with a character in common, the one that begins first is marked.

    Args:
        text: any string; it is escaped.
        entities: in any order, of ranges in the text.

    Raises:
        ConfigError: an argument of another kind.
        DataError: an entity that isn't in the text as it says.

    >>> render("<3 Rome", [])
    '<div style="white-space: pre-wrap; overflow-wrap: anywhere; line-height: 2">&lt;3 Rome</div>'
    """
    check_type("text", text, str, "a string")
    pieces, done = [], 0
    hues: dict[str, int] = {}
    for entity in _in_order(text, entities):
        if entity.start < done:
            continue
        pieces.append(html.escape(text[done : entity.start]))
        pieces.append(highlight(entity.text, entity.label, entity.score, colour=colour_of(entity.label, hues)))
        done = entity.end
    pieces.append(html.escape(text[done:]))
    return Html(f'<div style="{_TEXT}">{"".join(pieces)}</div>')


def _in_order(text: str, entities: Iterable[Entity]) -> list[Entity]:
    found = list(entities)
    for position, entity in enumerate(found):
        check_type(f"entities[{position}]", entity, Entity, "an Entity")
        start, end = entity.start, entity.end
        if not 0 <= start <= end <= len(text) or text[start:end] != entity.text:
            raise DataError(
                f"entities[{position}]: expected {entity.text!r} at characters {start} to {end} of the text, found "
                f"{text[max(start, 0) : max(end, 0)]!r}; they are the entities of another text"
            )
    return sorted(found, key=lambda entity: (entity.start, -entity.end))
