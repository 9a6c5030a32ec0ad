"""What `ner tag` and `ner bench` read: lines, whole texts, or the documents of a file of any format."""

import shutil
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from ner.commands.options import read_lines, say
from ner.errors import ConfigError, DataError, NerError
from ner.whole_files import is_full

LINES = "lines of text"  # what is read where --input says nothing

if TYPE_CHECKING:
    from ner.data_settings import DataConfig
    from ner.formats.format import Losses
    from ner.text.document import Document


@dataclass(frozen=True, slots=True)
class Source:
    """What is tagged: a file, or stdin, of this format; or the one text, where there is one."""

    file: str
    format: str
    text: str | None

    def lines(self, encoding: str) -> Iterator[str]:
        """The lines of it; a text is one line, whatever is in it."""
        return read_lines(self.file, encoding) if self.text is None else iter([self.text])


def documents_of(source: Source, data: "DataConfig", losses: "Losses") -> "Iterator[Document]":
    """The documents to tag. What stdin holds is kept in a file while it is read, unless each line is a document.

    Raises:
        DataError: they can't be read, or there is no room for that file.
    """
    from ner.formats.files import read_documents
    from ner.text.document import Document

    file, input_format = source.file, source.format
    if input_format == LINES:
        for line in source.lines(data.encoding):
            yield Document(line.removesuffix("\n").removesuffix("\r"))
        return
    data = data.model_copy(update={"format": input_format})
    if file != "-":
        yield from read_documents(file, data, losses)
        return
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "stdin"
        try:
            with copy.open("wb") as stream:
                shutil.copyfileobj(sys.stdin.buffer, stream)
        except OSError as error:
            if not is_full(error):  # of stdin
                raise
            temporary = copy.parent.parent
            raise DataError(
                f"{temporary}: expected room for a copy of stdin: {error.strerror}; free space there, or set TMPDIR to "
                "another folder"
            ) from None
        try:
            for document in read_documents(copy, data, losses):
                own = document.id == copy.name and input_format == "text"
                place = document.source.replace(str(copy), copy.name)
                yield replace(document, id=None if own else document.id, source=place)
        except NerError as error:
            raise type(error)(str(error).replace(str(copy), copy.name)) from None


def check_what_it_looks_like(file: str, input_format: str, data: "DataConfig") -> None:
    """Raise ConfigError where a file that is called one of columns surely is of another format; warn of other lines."""
    from ner.formats.conll import looks_like_columns
    from ner.formats.table import looks_like, take_sample

    if file == "-" or input_format not in ("conll", LINES) or not Path(file).is_file():
        return
    sample = take_sample(Path(file))
    found = looks_like(sample)
    if not found and input_format == LINES and looks_like_columns(sample):
        found = ["conll"]
    if not found or (input_format == "conll" and (data.word_column or data.separator)):
        return
    way_out = f"--input {found[0]} reads it so"
    if input_format == "conll":
        raise ConfigError(f"{file}: expected columns with the words first, found what looks like {found[0]}; {way_out}")
    say(f"{file}: each line is tagged as a text, and it looks like {found[0]}; {way_out}")
