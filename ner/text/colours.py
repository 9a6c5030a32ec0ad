"""The colour of a label: one on every page that shows entities, `ner serve`'s (`ner/serving/page/page.js`) among them.

Labels that most corpora have got theirs by hand; another looks for a free one from a place on that its letters give.
"""

# Hues far apart from their neighbours in this row, in degrees of the colour wheel.
_HUES = (28, 206, 130, 290, 52, 350, 186, 85, 240, 12, 160, 320)
_KNOWN = {"PER": 0, "PERSON": 0, "LOC": 1, "LOCATION": 1, "ORG": 2, "ORGANIZATION": 2, "MISC": 3, "DATE": 4, "GPE": 6}
_GOLDEN_ANGLE = 137.508  # whatever their number, neighbours and their neighbours lie apart


def hue_of(label: str, hues: dict[str, int]) -> int:
    """The hue of a label, in degrees of the colour wheel.

    Args:
        label: any string.
        hues: of the labels of the page so far; the label joins them.

    >>> hues = {}
    >>> [hue_of(label, hues) for label in ("LOC", "PER", "Person", "PER")]
    [206, 28, 130, 28]
    """
    if label not in hues:
        first = _KNOWN.get(label.upper(), sum(map(ord, label)))
        slots = [_HUES[(first + step) % len(_HUES)] for step in range(len(_HUES))]
        taken = set(hues.values())
        further = (int(step * _GOLDEN_ANGLE) % 360 for step in range(len(hues), len(hues) + 360))
        # Of 361 labels some look alike.
        hues[label] = next((hue for hue in [*slots, *further] if hue not in taken), slots[0])
    return hues[label]


def colour_of(label: str, hues: dict[str, int]) -> str:
    """The background of a label as CSS spells it, so light that black text keeps a contrast above 7:1 (WCAG AAA).

    >>> colour_of("PER", {})
    'hsl(28 90% 84%)'
    """
    return f"hsl({hue_of(label, hues)} 90% 84%)"
