"""What each format keeps of a document, and tells where it doesn't: the table of docs/formats.md is what happens."""

import re
import warnings
from pathlib import Path

import pytest

import ner
from ner import Document, Entity
from ner.formats.table import find_format, readable, writable
from tests.conftest import ROOT

BOB = Entity("PER", "Bob", 0, 3)
# By the head of a column: a document, and what of it has to come back.
FEATURES = {
    "blanks, line ends": (Document("Bob  ran.\n\n Ann sat.", entities=(BOB, Entity("PER", "Ann", 12, 15))), "text"),
    "touching": (Document("Bob Ann ran.", entities=(BOB, Entity("PER", "Ann", 4, 7))), "entities"),
    "within a word": (Document("Bobs ran.", entities=(BOB,)), "entities"),
    "nested": (
        Document("New York Times", entities=(Entity("ORG", "New York Times", 0, 14), Entity("LOC", "New York", 0, 8))),
        "entities",
    ),
    "two labels": (Document("Bob ran.", entities=(BOB, Entity("X", "Bob", 0, 3))), "entities"),
    "scores": (Document("Bob ran.", entities=(Entity("PER", "Bob", 0, 3, 0.5),)), "scores"),
    "names": (Document("Bob ran.", entities=(BOB,), id="my-7"), "id"),
    "further fields": (Document("Bob ran.", entities=(BOB,), meta={"topic": "news"}), "meta"),
    "empty texts": (Document(""), "text"),
}
READ_AS = {"doccano": "jsonl", "prodigy": "jsonl"}
EXTRAS = {"docbin": "spacy", "uima-xmi": "cassis"}


def formats() -> list[str]:
    return [name for name in writable() if READ_AS.get(name, name) in readable()]


def value_of(document: Document, of_it: str) -> object:
    if of_it == "entities":
        return [(e.label, e.start, e.end, e.text) for e in document.entities]
    return [e.score for e in document.entities] if of_it == "scores" else getattr(document, of_it)


def kept(name: str, document: Document, of_it: str, folder: Path) -> str:
    """`yes`: it comes back; `told`: it doesn't, and a warning or an error says so; `no`: in silence."""
    is_folder = any(end.endswith("/") for end in find_format(name).suffixes)
    path = folder / ("folder" if is_folder else "file")
    others = [Document("Nothing here.", id="other")] if of_it != "id" else []
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        try:
            ner.write(path, [document, *others], name)
        except ner.errors.DataError:
            return "told"
        back = ner.read(path, READ_AS.get(name, name))
    if back and value_of(back[0], of_it) == value_of(document, of_it):
        return "yes"
    return "told" if told else "no"


def table() -> dict[str, list[str]]:
    text = (ROOT / "docs" / "formats.md").read_text(encoding="utf-8")
    head, _, *rows = re.search(r"(\| kept \|.*\n(?:\|.*\n)+)", text)[1].splitlines()
    assert [cell.strip() for cell in head.strip("|").split("|")][1:] == list(FEATURES)
    cells = [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]
    return {name.strip("`"): found for names, *found in cells for name in names.split(", ")}


def test_the_table_has_every_format_that_comes_back():
    assert sorted(table()) == sorted(formats())


@pytest.mark.parametrize("name", formats())
def test_what_the_table_says_of_a_format_is_what_happens(name, tmp_path):
    if name in EXTRAS:
        pytest.importorskip(EXTRAS[name])
    found = []
    for feature, (document, of_it) in FEATURES.items():
        folder = tmp_path / feature.replace(" ", "_")
        folder.mkdir()
        found.append(kept(name, document, of_it, folder))
    assert found == table()[name]
