"""Documents of any kind for tests of formats that mark ranges of characters, and what such tests share."""

import warnings
from pathlib import Path

import pytest
from hypothesis import strategies as st

import ner
from ner.errors import DataError

CHARACTERS = "ab é漢\u0301\r\n\t\U0001f600\u2028.-"
NAMES = st.text(st.sampled_from("ab-é漢1"), min_size=1, max_size=8)


@st.composite
def documents(draw, characters: str = CHARACTERS, names=NAMES):
    """A document with a name and entities of any range: over line ends, adjacent, overlapping, twice the same."""
    text = draw(st.text(st.sampled_from(characters), max_size=14))
    ends = st.integers(0, len(text))
    spans = draw(st.lists(st.tuples(ends, ends, st.sampled_from(["PER", "a_b"])), max_size=4))
    entities = [ner.Entity(label, text[a:b], a, b) for a, b, label in spans if a < b]
    return ner.Document(text, (), entities, draw(names))


def kept(path: Path, given, name: str) -> list[ner.Document]:
    """The documents after they were written and read again, with any loss a failure."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ner.write(path, given, name)
        return ner.read(path, name)


def told(action, *arguments, **settings):
    """What an action gives, and the losses that it tells, without their path."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        value = action(*arguments, **settings)
    return value, [str(warning.message).partition(": ")[2] for warning in caught]


def fault(path: Path, name: str | None = None, **settings) -> str:
    """The message with which a file is refused."""
    with pytest.raises(DataError) as error:
        ner.read(path, name, settings=settings)
    return str(error.value)
