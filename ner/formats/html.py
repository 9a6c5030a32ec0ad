"""Entities as a page to look at: one self-contained HTML file, entities coloured by label."""

import html
from collections.abc import Iterable, Iterator

from ner.data_settings import DataConfig
from ner.formats.format import Format, Losses
from ner.text.document import Document
from ner.text.rendering import colour_of
from ner.text.sentence import Entity

_HEAD = """<!DOCTYPE html>
<html lang="und">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Named entities</title>
<style>
body { max-width: 50rem; margin: 2rem auto; padding: 0 1rem; font: 1.05rem/2.1 system-ui, sans-serif; }
body { color: #111; background: #fff; }
p { white-space: pre-wrap; overflow-wrap: anywhere; }
mark { padding: .2em .4em; border-radius: .35em; color: #111; }
mark small { margin-left: .45em; font-size: .68em; font-weight: 700; letter-spacing: .03em; }
</style>
</head>
<body>
"""


def render_html(tagged: Iterable[tuple[str, list[Entity]]]) -> Iterator[str]:
    """The page in pieces: one paragraph a text, its entities marked, everything escaped.

    >>> "".join(render_html([("<Rome>", [Entity("LOC", "Rome", 1, 5)])])).splitlines()[-3]
    '<p>&lt;<mark style="background: #ffd8a8">Rome<small>LOC</small></mark>&gt;</p>'
    """
    colours: dict[str, str] = {}
    yield _HEAD
    for text, entities in tagged:
        pieces, done = [], 0
        for entity in entities:
            colour = colours.setdefault(entity.label, colour_of(len(colours)))
            label = html.escape(entity.label)
            if entity.score is not None:
                label += f" {entity.score:.2f}"
            pieces.append(html.escape(text[done : entity.start]))
            pieces.append(f'<mark style="background: {colour}">{html.escape(entity.text)}<small>{label}</small></mark>')
            done = entity.end
        pieces.append(html.escape(text[done:]))
        yield f"<p>{''.join(pieces)}</p>\n"
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
