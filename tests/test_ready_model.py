"""The model in the box: it is there by its name, small, whole, and right about sentences that it never saw."""

import subprocess
import sys
from pathlib import Path

import pytest

import ner
from ner.resources.models import find_model
from tests.test_without_torch import _BLOCK

SENTENCES = [
    (
        "Jordan King flew from Amman to Reuters in London with Michael Jordan.",
        ["Jordan King PER", "Amman LOC", "Reuters ORG", "London LOC", "Michael Jordan PER"],
    ),
    (
        "maria sharapova beats serena williams in melbourne",
        ["maria sharapova PER", "serena williams PER", "melbourne LOC"],
    ),
    (
        "MARIA SHARAPOVA BEATS SERENA WILLIAMS IN MELBOURNE",
        ["MARIA SHARAPOVA PER", "SERENA WILLIAMS PER", "MELBOURNE LOC"],
    ),
    ("Nothing happened yesterday.", []),
]


@pytest.fixture(scope="module")
def folder() -> Path:
    return find_model("en", warn=pytest.fail)


@pytest.mark.parametrize("runtime", ["torch", "onnx", "numpy"])
def test_it_finds_the_names_of_sentences_that_nobody_trained_it_on(runtime: str) -> None:
    tagger = ner.load("en", device="cpu", runtime=runtime)
    for text, wanted in SENTENCES:
        assert [f"{entity.text} {entity.label}" for entity in tagger.tag(text)] == wanted


def test_it_takes_ten_megabytes_and_names_its_licence_and_corpora(folder: Path) -> None:
    assert sum(path.stat().st_size for path in folder.iterdir()) < 10.5e6
    card = (folder / "README.md").read_text(encoding="utf-8")
    for told in ("CC BY-SA 4.0", "WikiGold", "CrossNER", "Broad Twitter Corpus", "WNUT 2017", "Universal NER", "GloVe"):
        assert told in card


def test_it_tags_by_its_name_where_pytorch_is_kept_away(tmp_path: Path) -> None:
    code = f"{_BLOCK}\nimport ner\nprint([e.text for e in ner.load('en').tag('Angela Merkel visited Paris.')])"
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout == "['Angela Merkel', 'Paris']\n"
