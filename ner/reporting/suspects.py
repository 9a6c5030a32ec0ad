"""Suspects of `ner review` as one self-contained page: each in its sentence, what is annotated and what a model finds.

Whatever comes from a file is escaped.
"""

import html
from collections.abc import Iterator, Sequence

from ner.errors import counted
from ner.evaluation.review import Suspect
from ner.reporting.marking import marked
from ner.reporting.template import HEAD
from ner.text.span import Span

_MOST = 2000  # which a browser opens at once


def render_suspects(suspects: Sequence[Suspect], title: str) -> Iterator[str]:
    """The page in pieces."""
    yield HEAD.format(title=html.escape(title))
    yield f"<h1>{html.escape(title)}</h1>\n"
    shown = f", of which {_MOST:,} are shown" if len(suspects) > _MOST else ""
    yield (
        '<p class="soft">'
        f"{counted(len(suspects), 'place')} where the annotation is likely wrong{shown}, the most suspicious first: "
        "what is annotated over what a model finds that didn't see the sentence, with the probability that it gives "
        "each.</p>\n"
    )
    hues: dict[str, int] = {}
    for number, suspect in enumerate(suspects[:_MOST], start=1):
        source = html.escape(suspect.sentence.source)
        yield f"<article>\n<header><b>{number}</b><span>{source}</span></header>\n"
        yield _line("annotated", suspect, suspect.annotated, hues)
        yield _line("found", suspect, suspect.found, hues)
        told = [_told("annotated", suspect, suspect.annotated, suspect.probability)]
        told.append(_told("found", suspect, suspect.found, suspect.found_probability))
        yield f'<p class="soft">{" · ".join(told)}</p>\n</article>\n'
    yield "</body>\n</html>\n"


def _line(name: str, suspect: Suspect, span: Span | None, hues: dict[str, int]) -> str:
    """The sentence, with the entity marked if there is one."""
    spans = [{"label": span.label, "start": span.start, "end": span.end}] if span else []
    return f"<div><span>{name}</span><span>{marked(suspect.sentence.spelled, spans, hues)}</span></div>\n"


def _told(verb: str, suspect: Suspect, span: Span | None, probability: float) -> str:
    if span is None:
        return f"nothing {verb}"
    return f"{verb} {html.escape(span.label)} {html.escape(suspect.text_of(span))} ({probability:.4f})"
