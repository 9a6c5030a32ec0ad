"""One self-contained HTML page of pictures: nothing is fetched, everything is escaped."""

import base64
import html
from collections.abc import Iterable, Sequence

from ner.inspection.pictures import Picture
from ner.inspection.trace import Inspection

_HEAD = """<!DOCTYPE html>
<html lang="{language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark; }}
body {{ max-width: 75rem; margin: 2rem auto; padding: 0 1rem; font: 1.02rem/1.6 system-ui, sans-serif; }}
figure {{ margin: 1.5rem 0; }}
figure div {{ overflow-x: auto; background: #fff; border: 1px solid #8884; border-radius: .4em; padding: .5em; }}
figcaption {{ margin-top: .4em; max-width: 50rem; }}
table {{ border-collapse: collapse; }}
td, th {{ padding: .15em .9em .15em 0; text-align: left; }}
.sentence {{ font-size: 1.15rem; }}
.sentence span {{ border-radius: .25em; padding: .1em .15em; }}
@media print {{ figure {{ break-inside: avoid; }} }}
</style>
</head>
<body>
<h1>{title}</h1>
"""


def render_page(
    title: str, sections: Iterable[tuple[Inspection | None, Sequence[Picture]]], *, language: str = "en"
) -> str:
    """The page: each sentence with its entities and pictures; pictures of no sentence stand by themselves."""
    parts = [_HEAD.format(title=html.escape(title), language=html.escape(language))]
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
    gap = "" if "".join(inspection.words) == inspection.text else " "  # Chinese has no spaces
    parts.append("<table><tr><th>entity</th><th>label</th><th>score</th><th>rests on</th></tr>\n")
    for influence in inspection.influences:
        name = html.escape(influence.text)
        top = float(influence.norms.max()) or 1.0
        shaded = gap.join(
            f'<span style="background: rgb(255 140 0 / {0.75 * float(norm) / top:.2f})">{html.escape(word)}</span>'
            for word, norm in zip(inspection.words, influence.norms, strict=True)
        )
        label = html.escape(influence.span.label)
        parts.append(f"<tr><td>{name}</td><td>{label}</td><td>{influence.score:.4f}</td><td>{shaded}</td></tr>\n")
    parts.append("</table>\n")
    return "".join(parts)
