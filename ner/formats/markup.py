"""XML of strangers, in and out: elements as they come, nothing expanded, nothing fetched, each with its line.

The parser is expat, which fetches nothing; a declaration of entities is refused, so that none can grow (a DOCTYPE
alone is allowed: BioC's files have one). XML 1.0 can't hold form feeds and other control characters, and reads a CR
as a line feed unless it is written as a reference.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn
from xml.parsers import expat

from ner.errors import DataError
from ner.formats.format import Losses

_CHUNK = 64 * 1024
_UNHOLDABLE = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_ROOT = re.compile(r"(?:\s|<\?.*?\?>|<!--.*?-->|<!DOCTYPE[^\[>]*>)*<([\w:.-]+)", re.DOTALL).match
_ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "\r": "&#13;"}
_IN_ATTRIBUTES = _ESCAPES | {'"': "&quot;", "\t": "&#9;", "\n": "&#10;"}


class Node:
    """An element: `children` are nodes and strings in their order, `line` is where its tag begins."""

    __slots__ = ("attributes", "children", "line", "tag")

    def __init__(self, tag: str, attributes: dict[str, str], line: int) -> None:
        self.tag, self.attributes, self.line = tag, attributes, line
        self.children: list[Node | str] = []

    @property
    def text(self) -> str:
        """The text that stands in it, not in its children."""
        return "".join(child for child in self.children if isinstance(child, str))

    def all(self, tag: str) -> Iterator["Node"]:
        """Its children of this tag."""
        return (child for child in self.children if isinstance(child, Node) and child.tag == tag)

    def text_of(self, tag: str) -> str:
        """The text of its first child of this tag; "" where there is none."""
        return next((child.text for child in self.all(tag)), "")


def children_of_root(path: Path, root: str) -> Iterator[Node]:
    """The elements within the root of an XML file, whole and one by one.

    Args:
        path: of the file.
        root: its root's tag.

    Raises:
        DataError: no such file, no XML, another root, or entities are declared; names the line.
    """
    parser = expat.ParserCreate()
    parser.buffer_text = True
    open_nodes: list[Node] = []
    done: list[Node] = []

    def refuse(what: str) -> NoReturn:
        raise DataError(f"{path}:{parser.CurrentLineNumber}: expected {what}")

    def begin(tag: str, attributes: dict[str, str]) -> None:
        if not open_nodes and tag != root:
            refuse(f"<{root}>, found <{tag}>")
        node = Node(tag, attributes, parser.CurrentLineNumber)
        if len(open_nodes) > 1:
            open_nodes[-1].children.append(node)
        open_nodes.append(node)

    def end(tag: str) -> None:
        node = open_nodes.pop()
        if len(open_nodes) == 1:
            done.append(node)

    def text(data: str) -> None:
        if len(open_nodes) > 1:
            open_nodes[-1].children.append(data)

    parser.StartElementHandler, parser.EndElementHandler, parser.CharacterDataHandler = begin, end, text
    parser.EntityDeclHandler = lambda *_: refuse("XML without entities of its own, found a declaration of one")
    parser.SkippedEntityHandler = lambda name, _: refuse(f"XML without entities of its own, found &{name};")
    with _faults_told(path), path.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            parser.Parse(chunk, False)
            yield from done
            done.clear()
        parser.Parse(b"", True)
    yield from done


@contextmanager
def _faults_told(path: Path) -> Iterator[None]:
    """Raises DataError for a file that can't be read, or is no XML."""
    try:
        yield
    except FileNotFoundError:
        raise DataError(f"{path}: no such file") from None
    except OSError as error:
        raise DataError(f"{path}: expected a readable file: {error.strerror}") from None
    except expat.ExpatError as error:
        raise DataError(f"{path}:{error.lineno}: expected XML: {expat.ErrorString(error.code)}") from None
    except LookupError as error:  # the encoding that it declares
        raise DataError(f"{path}:1: expected XML: {error}") from None


def refuse_declarations(path: Path) -> None:
    """Raise DataError unless a file is XML without a DOCTYPE, before a parser gets it that would expand entities."""
    parser = expat.ParserCreate()

    def refuse(*_: object) -> NoReturn:
        raise DataError(f"{path}:{parser.CurrentLineNumber}: expected XML without a DOCTYPE, found one")

    parser.StartDoctypeDeclHandler = refuse
    with _faults_told(path), path.open("rb") as stream:
        parser.ParseFile(stream)


def root_tag(head: str) -> str:
    """The tag of the root of XML that begins so; "" where it is none.

    >>> root_tag('<?xml version="1.0"?><!DOCTYPE collection SYSTEM "BioC.dtd"><collection>')
    'collection'
    """
    found = _ROOT(head)
    return found[1] if found else ""


def escape(text: str) -> str:
    """Text as it stands between tags; a CR as a reference, which else would be read as a line feed.

    >>> escape("a<b")
    'a&lt;b'
    """
    return re.sub(r"[&<>\r]", lambda found: _ESCAPES[found[0]], text)


def quote(text: str) -> str:
    """Text as the value of an attribute, with its quotes.

    >>> quote('say "so"')
    '"say &quot;so&quot;"'
    """
    return '"' + re.sub(r'[&<>\r"\t\n]', lambda found: _IN_ATTRIBUTES[found[0]], text) + '"'


def holdable(text: str, losses: Losses, place: str) -> str:
    """The text with a space for each blank that XML 1.0 can't hold (such as a form feed), and U+FFFD for the others.

    It is as long as before, so that all offsets stay.
    """
    made = _UNHOLDABLE.sub(lambda found: " " if found[0].isspace() else "\ufffd", text)
    if made != text:
        count = len(_UNHOLDABLE.findall(text))
        losses.add("characters that XML can't hold: a space or U+FFFD instead", place, count=count)
    return made
