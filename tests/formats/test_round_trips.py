"""From each format to each other and back: the same documents, or what was lost is told and the entities are there."""

import re
from collections import Counter
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

import ner
from ner.data_settings import FORMATS, DataConfig
from ner.errors import ConfigError
from ner.formats.files import read_documents, write_documents
from ner.formats.format import Losses
from ner.formats.table import can_write, find_format
from tests.properties import one_in

BOTH_WAYS = [name for name in FORMATS if find_format(name).read and can_write(find_format(name))]
WORDS = ["Anna", "Lee", "Zoë", "漢字", "x-1", "(", "..", "\U0001f600", "A\u0301b", "km²", "O'Neil", "10:30", ":"]
BLANKS = [" ", "  ", "\n", "\r\n"]


@st.composite
def texts(draw):
    """Documents of words and blanks, entities of whole words that lie apart or touch, over line ends too."""
    pieces, starts = "", []
    for _ in range(draw(st.integers(1, 8))):
        starts.append(len(pieces))
        word = draw(st.sampled_from(WORDS))
        pieces += word
        starts[-1] = (starts[-1], len(pieces))
        pieces += draw(st.sampled_from(BLANKS))
    text = pieces.rstrip()
    entities, at = [], 0
    while at < len(starts):
        if draw(st.booleans()):
            last = draw(st.integers(at, min(at + 2, len(starts) - 1)))
            start, end = starts[at][0], starts[last][1]
            entities.append(ner.Entity(draw(st.sampled_from(["PER", "LOC", "S-E", "L-"])), text[start:end], start, end))
            at = last + 1
        else:
            at += 1
    return ner.Document(text, (), entities, draw(st.sampled_from(["a", "b-1"])))


def there_and_back(documents, name, folder):
    """What a format gives back of documents, and what it said that it lost."""
    losses, data = Losses(), DataConfig(format=name)
    path = folder / f"there-{name}"
    try:
        write_documents(path, documents, name, data, losses)
        return list(read_documents(path, data, losses)), losses
    except ConfigError as error:
        if "pip install" not in str(error):
            raise
        pytest.skip(str(error))


def plain(documents):
    """All that counts: texts, entities, names."""
    return [(d.text, sorted(d.entities, key=lambda e: (e.start, e.end, e.label)), d.id) for d in documents]


def labelled(documents):
    """How often there is an entity of this label and these words, blanks left out."""
    return Counter((e.label, re.sub(r"\s", "", e.text)) for d in documents for e in d.entities)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("round")


@pytest.mark.parametrize("name", BOTH_WAYS)
@given(given=st.lists(texts(), min_size=1, max_size=3))
def test_a_format_gives_back_what_it_was_given_or_says_what_it_lost(name, folder, given):
    given = [ner.Document(d.text, (), d.entities, f"{n}{d.id}") for n, d in enumerate(given)]
    found, losses = there_and_back(given, name, folder)
    assert losses.counts or plain(found) == plain(given)
    assert labelled(found) == labelled(given)


# Every pair; those of which none is the columns or JSON lines that most people have are slow tests.
PAIRS = [
    pytest.param(*pair, marks=() if {"conll", "jsonl"} & {*pair} else pytest.mark.slow)
    for pair in permutations(BOTH_WAYS, 2)
]


@pytest.mark.parametrize(("one", "other"), PAIRS)
@one_in(25)
@given(given=st.lists(texts(), min_size=1, max_size=2))
def test_from_one_format_to_another_and_back_the_entities_are_the_same(one, other, folder, given):
    given = [ner.Document(d.text, (), d.entities, f"{n}{d.id}") for n, d in enumerate(given)]
    first, _ = there_and_back(given, one, folder)
    second, losses = there_and_back(first, other, folder)
    third, more = there_and_back(second, one, folder)
    assert losses.counts or more.counts or plain(third) == plain(first)
    assert labelled(third) == labelled(first) == labelled(given)
