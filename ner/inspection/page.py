"""One self-contained HTML page of pictures: nothing is fetched, everything is escaped."""

import base64
import html
from collections.abc import Sequence

from ner.inspection.pictures import Picture
from ner.inspection.trace import Inspection
from ner.text.colours import hue_of

_HEAD = """<!DOCTYPE html>
<html lang="{language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark; --text: #1b1f24; --soft: #59636e; --page: #fff; --line: #d5dae0; --light: 84%;
  --strong: 62%; }}
@media (prefers-color-scheme: dark) {{
  :root {{ --text: #e6e9ed; --soft: #9aa4b0; --page: #14171b; --line: #3a424c; --light: 28%; --strong: 50%; }}
}}
body {{ max-width: 75rem; margin: 2rem auto; padding: 0 1rem; font: 1.02rem/1.6 system-ui, sans-serif;
  color: var(--text); background: var(--page); }}
h1, h2, .tagged {{ overflow-wrap: anywhere; }}
.tagged {{ font-size: 1.1rem; line-height: 2.1; }}
.soft {{ color: var(--soft); font-size: .9rem; max-width: 50rem; }}
mark {{ color: inherit; padding: .15em .4em; border-radius: .35em; background: hsl(var(--hue) 60% var(--light));
  border-bottom: 2px solid hsl(var(--hue) 65% var(--strong)); }}
mark.perhaps {{ background: none; border: 1.5px dashed hsl(var(--hue) 65% var(--strong)); }}
mark small {{ margin-left: .4em; font-size: .68em; font-weight: 700; white-space: nowrap; }}
figure {{ margin: 1.5rem 0; }}
.wide {{ overflow-x: auto; }}
figure div {{ overflow-x: auto; background: #fff; border: 1px solid var(--line); border-radius: .4em; padding: .5em; }}
figcaption {{ margin-top: .4em; max-width: 50rem; }}
table {{ border-collapse: collapse; }}
td, th {{ padding: .15em .9em .15em 0; text-align: left; vertical-align: top; }}
td:last-child {{ min-width: 14rem; }}
.sentence {{ font-size: 1.15rem; }}
.sentence span {{ border-radius: .25em; padding: .1em .15em; }}
@media print {{ figure {{ break-inside: avoid; }} }}
</style>
</head>
<body>
<h1>{title}</h1>
"""


_PERHAPS = 0.05  # from this probability on to belong to one, a token outside of all entities is marked
_LEGEND = (
    "Filled: an entity that was found, with its probability. Dashed: a token outside of all entities that may be of "
    f"one, with the probability of that label there (from {_PERHAPS:.0%} on): this is where a missed name shows."
)


def render_page(
    title: str, sections: Sequence[tuple[Inspection | None, Sequence[Picture]]], *, language: str = "en"
) -> str:
    """The page: the text with its entities, each sentence with its pictures; others stand by themselves."""
    parts = [_HEAD.format(title=html.escape(title), language=html.escape(language))]
    hues: dict[str, int] = {}
    tagged = [f'<p class="tagged">{_tagged(seen, hues)}</p>\n' for seen, _ in sections if seen is not None]
    if tagged:
        parts += [*tagged, f'<p class="soft">{_LEGEND}</p>\n']
    for inspection, pictures in sections:
        if inspection is not None:
            parts.append(_sentence(inspection))
        for picture in pictures:
            data = base64.b64encode(picture.path.read_bytes()).decode("ascii")
            name, caption = html.escape(picture.title), html.escape(picture.caption)
            image = f'<img alt="{name}" src="data:image/png;base64,{data}">'
            parts.append(f"<figure><h3>{name}</h3><div>{image}</div><figcaption>{caption}</figcaption></figure>\n")
    parts.append("</body>\n</html>\n")
    return "".join(parts)


def _sentence(inspection: Inspection) -> str:
    """The sentence, once for each entity with the tokens it rests on shaded, and the entities as a table."""
    parts = [f'<h2 class="sentence">{html.escape(inspection.text)}</h2>\n']
    if not inspection.influences:
        parts.append("<p>No entity was found.</p>\n")
        return "".join(parts)
    gap = _gap(inspection)
    parts.append('<div class="wide"><table><tr><th>entity</th><th>label</th><th>score</th><th>rests on</th></tr>\n')
    for influence in inspection.influences:
        name = html.escape(influence.text)
        top = float(influence.norms.max()) or 1.0
        shaded = gap.join(
            f'<span style="background: rgb(255 140 0 / {0.75 * float(norm) / top:.2f})">{html.escape(word)}</span>'
            for word, norm in zip(inspection.words, influence.norms, strict=True)
        )
        label = html.escape(influence.span.label)
        parts.append(f"<tr><td>{name}</td><td>{label}</td><td>{influence.score:.4f}</td><td>{shaded}</td></tr>\n")
    parts.append("</table></div>\n")
    return "".join(parts)


def _tagged(inspection: Inspection, hues: dict[str, int]) -> str:
    """The tokens of the sentence with its entities marked, and those that may belong to one that wasn't found."""
    pieces, done = [], 0
    for influence in sorted(inspection.influences, key=lambda one: one.span.start):
        span = influence.span
        pieces += [_maybe(inspection, index, hues) for index in range(done, span.start)]
        pieces.append(
            _mark(_gap(inspection).join(inspection.words[span.start : span.end]), span.label, influence.score, hues)
        )
        done = span.end
    pieces += [_maybe(inspection, index, hues) for index in range(done, len(inspection.words))]
    return _gap(inspection).join(pieces)


def _maybe(inspection: Inspection, index: int, hues: dict[str, int]) -> str:
    """A token outside of all entities, marked by the label that it most probably has if it belongs to one."""
    word = inspection.words[index]
    chances: dict[str, float] = {}
    for tag, chance in zip(inspection.tags, inspection.marginals[index], strict=True):
        label = tag.partition("-")[2]
        chances[label] = chances.get(label, 0.0) + float(chance)
    chances.pop("", None)  # of O
    label = max(chances, key=chances.__getitem__, default="")
    if chances.get(label, 0.0) < _PERHAPS:
        return html.escape(word)
    return _mark(word, label, chances[label], hues, kind=' class="perhaps"')


def _mark(text: str, label: str, chance: float, hues: dict[str, int], *, kind: str = "") -> str:
    hue = hue_of(label, hues)
    return (
        f'<mark{kind} style="--hue: {hue}">{html.escape(text)}<small>{html.escape(label)} {chance:.2f}</small></mark>'
    )


def _gap(inspection: Inspection) -> str:
    """What stands between two tokens: nothing in Chinese, which has no spaces."""
    return "" if "".join(inspection.words) == inspection.text else " "
