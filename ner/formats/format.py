"""What a format of annotated text is: one object that recognizes, reads and writes its files.

Each row of `data_settings.FORMATS` is a module of this folder (`label-studio`: `label_studio.py`) whose `FORMAT` is
such an object. Readers give documents, writers take documents, and both say in a `Losses` what they could not keep.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from ner.data_settings import DataConfig
from ner.formats.rows import Row
from ner.text.document import Document
from ner.text.sentence import Sentence

_MOST_TOLD = 3  # places of a kind that are named


class Losses:
    """What was read or written otherwise than it stood there, or not at all: counted by kind, first places named."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.places: dict[str, list[str]] = {}  # the first of each kind

    def add(self, kind: str, place: str = "", *, count: int = 1) -> None:
        """Count a loss.

        Args:
            kind: what was lost and what was done instead, such as `entities of several parts: read from the first
                to the last`.
            place: where: `file:line`, or what tells the document, and what stood there.
            count: how many at once.
        """
        self.counts[kind] += count
        places = self.places.setdefault(kind, [])
        if place and len(places) < _MOST_TOLD and place not in places:
            places.append(place)

    def lines(self) -> list[str]:
        """A line for each kind, in the order in which they came, with its number and its first places.

        Kinds are said in the plural, so what came once is told as `once: …`.
        """
        lines = []
        for kind, count in self.counts.items():
            places = self.places[kind]
            more = ", …" if places and count > len(places) else ""
            number = "once:" if count == 1 else f"{count:,}"
            lines.append(f"{number} {kind}" + (f" ({'; '.join(places)}{more})" if places else ""))
        return lines


class LossesByFile:
    """What was lost of each of several files, counted once for a file that is read more than once."""

    def __init__(self) -> None:
        self.files: dict[Path, Losses] = {}

    def next_of(self, path: Path) -> Losses:
        """The losses to count when this file is read now; what an earlier reading counted stays as it is."""
        return Losses() if path in self.files else self.files.setdefault(path, Losses())


@dataclass(frozen=True, slots=True)
class Sample:
    """The beginning of a file, from which its format is told.

    `path` is the file's; `head` its first 64 KiB and its first line whole, as text, without a byte-order mark, what
    isn't UTF-8 replaced, and empty for a folder; `is_whole` tells whether that is all of it.
    """

    path: Path
    head: str
    is_whole: bool

    @property
    def lines(self) -> list[str]:
        """Its lines without their ends (LF, CRLF); a last one that may be cut is left out."""
        lines = self.head.split("\n")
        if not self.is_whole:
            del lines[-1]
        return [line.removesuffix("\r") for line in lines]


Reader = Callable[[Path, DataConfig, Losses], Iterator[Document]]
Writer = Callable[[Iterable[Document], DataConfig, Losses], Iterator[str]]
Saver = Callable[[Path, Iterable[Document], DataConfig, Losses], None]
SentenceReader = Callable[[Path, DataConfig, Losses], list[Sentence]]
# Of what opens messages and the description of a file: what makes rows of a line's number and the line.
LineReader = Callable[[str, DataConfig, Losses], Callable[[int, str], Iterable[Row]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """One format.

    Args:
        about: what it is, in a line of `ner formats`.
        suffixes: ends of the names of its files; a writer is chosen by them, a folder's is `/`.
        settings: the names in `[data]` that say how it is read or written.
        recognizes: whether a file is surely of this format; None: only where it is named.
        read: the documents of a file, as they are needed; raises DataError with `file:line` where it isn't as it
            should be. None: it is only written.
        write: the documents as pieces of one text file in UTF-8; None: it is only read, or is no text.
        save: writes them to a place where nothing stands yet, for a format that is a folder or binary.
        read_sentences: the tagged sentences of a file, for a format that knows tokens and no text; their tags may
            be partly unknown, and they open documents where the file says so.
        line_reader: makes rows of a line, for a format of lines whose faults are told one by one.
        names_model: whether it says which model found the entities (`predictions.MODEL`).
    """

    about: str
    suffixes: tuple[str, ...] = ()
    settings: tuple[str, ...] = ()
    recognizes: Callable[[Sample], bool] | None = None
    read: Reader | None = None
    write: Writer | None = None
    save: Saver | None = None
    read_sentences: SentenceReader | None = None
    line_reader: LineReader | None = None
    names_model: bool = False
