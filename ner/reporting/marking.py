"""Entities in a sentence on a page of the report's style: everything escaped, each in the colour of its label."""

import html
from collections.abc import Mapping, Sequence
from typing import Any

from ner.evaluation.mistakes import lay_out
from ner.text.colours import hue_of


def marked(words: Sequence[str], spans: Sequence[Mapping[str, Any]], hues: dict[str, int]) -> str:
    """The sentence as HTML with these spans marked, each in its label's colour; the page's style sheet has the rest.

    Args:
        words: of the sentence.
        spans: apart from each other, in their order; with `label`, `start` and `end`, perhaps with `score`.
        hues: of the labels of the page so far; grows.
    """
    text, starts = lay_out(words)
    done, pieces = 0, []
    for span in spans:
        start, end = starts[span["start"]], starts[span["end"] - 1] + len(words[span["end"] - 1])
        score = f" {span['score']:.2f}" if "score" in span else ""
        pieces.append(html.escape(text[done:start]))
        note = f"<small>{html.escape(span['label'])}{score}</small>"
        pieces.append(f'<mark style="--hue: {hue_of(span["label"], hues)}">{html.escape(text[start:end])}{note}</mark>')
        done = end
    return "".join([*pieces, html.escape(text[done:])])
