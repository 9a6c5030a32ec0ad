"""Entities as a page to look at: one self-contained HTML file, entities coloured by label."""

import html
from collections.abc import Iterable, Iterator
from itertools import chain
from textwrap import shorten

from ner.data_settings import DataConfig
from ner.formats.format import Format, Losses
from ner.text.colours import hue_of
from ner.text.document import Document
from ner.text.sentence import Entity

_HEAD = """<!DOCTYPE html>
<html lang="und">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark; --text: #111; --page: #fff; --line: #d5dae0;
  --vivid: 80%; --light: 84%; --strong: 62%; }}
@media (prefers-color-scheme: dark) {{
  :root {{ --text: #e6e9ed; --page: #14171b; --line: #3a424c; --vivid: 50%; --light: 28%; --strong: 50%; }}
}}
body {{ max-width: 50rem; margin: 0 auto; padding: 1rem 1rem 0; font: 1.05rem/2.1 system-ui, sans-serif;
  color: var(--text); background: var(--page); }}
p {{ white-space: pre-wrap; overflow-wrap: anywhere; }}
mark {{ padding: .15em .4em; border-radius: .35em; color: inherit;
  background: hsl(var(--hue) var(--vivid) var(--light));
  border-bottom: 2px solid hsl(var(--hue) 65% var(--strong)); -webkit-box-decoration-break: clone;
  box-decoration-break: clone; }}
mark small {{ margin-left: .45em; font-size: .68em; font-weight: 700; white-space: nowrap; }}
footer {{ position: sticky; bottom: 0; display: flex; flex-wrap: wrap; gap: .3rem .5rem; padding: .5rem 0 .7rem;
  background: var(--page); border-top: 1px solid var(--line); font-size: .85rem; line-height: 1.6; }}
@media print {{ footer {{ position: static; }} * {{ print-color-adjust: exact; }} }}
</style>
</head>
<body>
"""
_TITLE = 60  # characters: as many as a browser shows of one


def render_html(tagged: Iterable[tuple[str, list[Entity]]]) -> Iterator[str]:
    """The page in pieces: one paragraph a text, its entities marked, everything escaped; then what the colours mean.

    That stays in sight at the lower edge. It comes last, since what labels there are is known when all is read.

    >>> page = "".join(render_html([("<Rome>", [Entity("LOC", "Rome", 1, 5)])])).splitlines()
    >>> page[-4]
    '<p>&lt;<mark style="--hue: 206">Rome<small>LOC</small></mark>&gt;</p>'
    >>> page[-3]
    '<footer><mark style="--hue: 206">LOC</mark></footer>'
    """
    hues: dict[str, int] = {}
    rest = iter(tagged)
    first = next(rest, None)
    title = shorten(first[0], _TITLE, placeholder=" …") if first else ""
    yield _HEAD.format(title=html.escape(title or "Named entities"))
    for text, entities in () if first is None else chain([first], rest):
        pieces, done = [], 0
        for entity in entities:
            label = html.escape(entity.label)
            if entity.score is not None:
                label += f" {entity.score:.2f}"
            pieces.append(html.escape(text[done : entity.start]))
            pieces.append(
                f'<mark style="--hue: {hue_of(entity.label, hues)}">{html.escape(entity.text)}'
                f"<small>{label}</small></mark>"
            )
            done = entity.end
        pieces.append(html.escape(text[done:]))
        yield f"<p>{''.join(pieces)}</p>\n"
    names = "".join(f'<mark style="--hue: {hue}">{html.escape(label)}</mark>' for label, hue in hues.items())
    yield f"<footer>{names}</footer>\n" if names else ""
    yield "</body>\n</html>\n"


def write(documents: Iterable[Document], data: DataConfig, losses: Losses) -> Iterator[str]:
    """The page of documents; of entities with a character in common, the one that begins first is marked."""
    return render_html((document.text, _apart(document, losses)) for document in documents)


def _apart(document: Document, losses: Losses) -> list[Entity]:
    kept: list[Entity] = []
    for entity in sorted(document.entities, key=lambda entity: (entity.start, -entity.end)):
        if kept and entity.start < kept[-1].end:
            losses.add("entities within others or over them: not marked", f"{document.name}: {entity.text!r}")
        else:
            kept.append(entity)
    return kept


FORMAT = Format(about="a page to look at, entities coloured by label", suffixes=(".html",), write=write)
