"""Names of files made of names of documents, for formats that are folders with files for each document."""

import re
from pathlib import PurePosixPath

from ner.formats.format import Losses
from ner.text.document import Document

_IS_NAME = re.compile(r'[^\x00-\x1f\x7f\\:*?"<>|\ud800-\udfff]+').fullmatch  # what every file system takes
_LONGEST = 240  # bytes of a name; file systems take 255, and its end is still to come


class FileNames:
    """Makes the path of each document's files below a folder, `/` between its parts, without their ends.

    A document is called by its name, or by its number in the order of writing where that can't be a file's name, or is
    another's already; this is told, and so is an order of documents that isn't that of their paths, in which a folder
    is read.
    """

    def __init__(self, ends: tuple[str, ...], losses: Losses) -> None:
        self.ends, self.losses = ends, losses
        self.written: set[str] = set()
        self.number = 0
        self.last: PurePosixPath | None = None

    def path_for(self, document: Document) -> str:
        """The path of the next document's files."""
        self.number += 1
        made = self._made_for(document)
        self.written.add(made.casefold())  # not every file system tells capitals from small letters
        path = PurePosixPath(made)
        if self.last is not None and path < self.last:
            self.losses.add("documents: read again in the order of their names, which isn't this one", document.name)
        self.last = path
        return made

    def _made_for(self, document: Document) -> str:
        name = document.id
        if name is None:
            self.losses.add("documents without a name: numbered", document.name)
        else:
            parts = name.split("/")
            clear = not any(part.endswith(self.ends) for part in parts[:-1])  # a folder called as a file may be
            if clear and name.casefold() not in self.written and all(map(_fits, parts)):
                return name
            self.losses.add("names of documents that no file can have, or two: numbered", f"{document.name}: {name!r}")
        made = f"{self.number:06d}"
        while made in self.written:
            made += "-"
        return made


def _fits(part: str) -> bool:
    return bool(_IS_NAME(part)) and part == part.strip(" .") and len(part.encode()) <= _LONGEST
