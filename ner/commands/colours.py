"""Entities in a text as a terminal shows them: each in the colour of its label, behind it the label."""

import re
from collections.abc import Iterable

from ner.text.sentence import Entity

# Of the 256 colours of a terminal, light ones that black text is read on, told apart by hue.
_COLOURS = (223, 153, 157, 219, 229, 217, 159, 192, 186, 189)
# What a terminal would obey instead of showing it; a text may hold anything.
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def coloured(text: str, entities: Iterable[Entity], colours: dict[str, int], *, plain: bool = False) -> str:
    r"""A text with its entities marked; control characters are shown as `�`, but for tabs and ends of line.

    Args:
        text: any string.
        entities: in their order, apart from each other.
        colours: of the labels so far, by label; grows.
        plain: marks without colours, for a terminal that shows none.

    >>> coloured("Hi Bob", [Entity("PER", "Bob", 3, 6)], {}, plain=True)
    'Hi [Bob PER]'
    >>> coloured("Hi Bob", [Entity("PER", "Bob", 3, 6)], {})
    'Hi \x1b[30;48;5;223m Bob \x1b[1mPER \x1b[0m'
    """
    pieces, done = [], 0
    for entity in entities:
        colour = colours.setdefault(entity.label, _COLOURS[len(colours) % len(_COLOURS)])
        name, label = _shown(entity.text), _shown(entity.label)
        pieces.append(_shown(text[done : entity.start]))
        pieces.append(f"[{name} {label}]" if plain else f"\x1b[30;48;5;{colour}m {name} \x1b[1m{label} \x1b[0m")
        done = entity.end
    return "".join([*pieces, _shown(text[done:])])


def _shown(text: str) -> str:
    return _CONTROLS.sub("�", text)
