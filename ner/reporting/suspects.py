"""Suspects of `ner review` as one self-contained page: each in its sentence, what is annotated and what a model finds.

Whatever comes from a file is escaped.
"""

import html
from collections.abc import Iterator, Sequence

from ner.evaluation.review import Suspect
from ner.reporting.template import HEAD
from ner.text.span import Span

_MOST = 2000  # which a browser opens at once


def render_suspects(suspects: Sequence[Suspect], title: str) -> Iterator[str]:
    """The page in pieces."""
    yield HEAD.format(title=html.escape(title))
    yield f"<h1>{html.escape(title)}</h1>\n"
    shown = f", of which {_MOST:,} are shown" if len(suspects) > _MOST else ""
    yield (
        f'<p class="soft">{len(suspects):,} places where the annotation is likely wrong{shown}, the most suspicious '
        "first. Underlined: what is annotated; bold: what a model finds that didn't see the sentence, with the "
        "probability that it gives each.</p>\n"
    )
    for number, suspect in enumerate(suspects[:_MOST], start=1):
        yield f"<article>\n<p>{''.join(_words(suspect))}</p>\n"
        told = [f"{number}"]
        if suspect.sentence.source:
            told.append(html.escape(suspect.sentence.source))
        told.append(_told("annotated", suspect, suspect.annotated, suspect.probability))
        told.append(_told("found", suspect, suspect.found, suspect.found_probability))
        yield f'<p class="soft">{" · ".join(told)}</p>\n</article>\n'
    yield "</body>\n</html>\n"


def _told(verb: str, suspect: Suspect, span: Span | None, probability: float) -> str:
    if span is None:
        return f"nothing {verb}"
    return f"{verb} {html.escape(span.label)} {html.escape(suspect.text_of(span))} ({probability:.4f})"


def _words(suspect: Suspect) -> Iterator[str]:
    """The words of the sentence, those of either entity marked."""
    for index, word in enumerate(suspect.sentence.spelled):
        text = html.escape(word)
        if suspect.found and suspect.found.start <= index < suspect.found.end:
            text = f"<b>{text}</b>"
        if suspect.annotated and suspect.annotated.start <= index < suspect.annotated.end:
            text = f"<u>{text}</u>"
        yield text if index == 0 else f" {text}"
