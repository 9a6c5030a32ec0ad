"""An entity as a piece of HTML: its text escaped and marked in a colour, with its label and its probability."""

import html

_MARK = "padding: .2em .4em; border-radius: .35em; color: #111"
_LABEL = "margin-left: .45em; font-size: .68em; font-weight: 700"


def highlight(text: str, label: str, score: float | None = None, *, colour: str = "#ffd8a8") -> str:
    """The HTML of an entity; it needs no style sheet.

    Args:
        text: any string.
        label: any string.
        score: its probability, if it is known.
        colour: of the background, as CSS spells it; the text is black.

    >>> "<Anna>" in highlight("<Anna>", "PER"), "&lt;Anna&gt;" in highlight("<Anna>", "PER")
    (False, True)
    """
    told = html.escape(label) + ("" if score is None else f" {score:.2f}")
    small = f'<small style="{_LABEL}">{told}</small>'
    return f'<mark style="background: {colour}; {_MARK}">{html.escape(text)}{small}</mark>'
