"""Hooks of `mkdocs.yml`: pages that stand outside docs/, links to files that the site doesn't have, equations.

A page links to another file as a forge wants it, `../SECURITY.md`. Those of `OUTSIDE` become pages of the site; a link
to any other file of the repository becomes its path, since the repository has no address. Equations become MathML here,
so that no page loads a script for them.
"""

import html
import re
from pathlib import Path
from typing import Any

from latex2mathml.converter import convert
from mkdocs.structure.files import File

ROOT = Path(__file__).parent.parent
# Where each comes to lie among the pages.
OUTSIDE = {
    "CHANGELOG.md": "project/changelog.md",
    "CONTRIBUTING.md": "project/contributing.md",
    "CODE_OF_CONDUCT.md": "project/code-of-conduct.md",
    "SECURITY.md": "project/security.md",
    "findings/README.md": "project/findings.md",
}
LINK = re.compile(r"(?<!!)\[([^\]]+)\]\(([^)\s]+)\)")


def on_config(config: Any) -> Any:
    """The navigation with the pages that stand outside docs/."""
    names = ["Changes", "Contributing", "Code of conduct", "Security", "Findings about other software"]
    config.nav.append({"Project": [{name: path} for name, path in zip(names, OUTSIDE.values(), strict=True)]})
    return config


def on_files(files: Any, config: Any) -> Any:
    """The pages with those that stand outside docs/."""
    for source, path in OUTSIDE.items():
        files.append(File.generated(config, path, content=(ROOT / source).read_text(encoding="utf-8")))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """A page's text, its links turned to pages of the site, or to the path of a file that is none."""
    path = page.file.src_uri
    home = next((source for source, target in OUTSIDE.items() if target == path), f"docs/{path}")
    return LINK.sub(lambda match: _link(*match.groups(), home=home, path=path), markdown)


def on_page_content(content: str, **_: Any) -> str:
    """A page's HTML, its equations as MathML, what is wide in boxes that scroll."""
    wrapped = re.compile(r'<(span|div) class="arithmatex">\\([(\[])(.*?)\\[)\]]</\1>', re.DOTALL)

    def equation(match: re.Match[str]) -> str:
        if match[2] == "(":
            return convert(html.unescape(match[3]))
        # One that is wider than a phone is moved by a finger, not the whole page.
        return f'<div style="overflow-x: auto">{convert(html.unescape(match[3]), display="block")}</div>'

    # A picture's words can't be read at the width of a phone: there it is moved by a finger too; a tap shows it large.
    pictures = re.compile(r'<p>(<img )([^>]*src="([^"]*)"[^>]*>)</p>')
    framed = r'<div style="overflow-x: auto"><a href="\3">\1style="min-width: 700px" \2</a></div>'
    return wrapped.sub(equation, pictures.sub(framed, content))


def _link(text: str, link: str, *, home: str, path: str) -> str:
    name, _, anchor = link.partition("#")
    if not name or ":" in name:
        return f"[{text}]({link})"
    target = (ROOT / home).parent.joinpath(name).resolve().relative_to(ROOT.resolve()).as_posix()
    if target in OUTSIDE:
        found = OUTSIDE[target]
    elif target.startswith("docs/"):
        found = target.removeprefix("docs/")
    elif (ROOT / target).exists():
        return text if "`" in text else f"{text} (`{target}`)"
    else:
        found = name  # MkDocs names it as missing
    up = "../" * path.count("/")
    return f"[{text}]({up}{found}{'#' + anchor if anchor else ''})"
