"""`ner tag --format redacted`, and `ner restore`, which undoes it."""

import sys
from dataclasses import dataclass
from io import BufferedReader
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from ner.commands.options import labels_in, say
from ner.commands.results import check_is_another
from ner.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ner.formats.format import Losses
    from ner.redacting import Kind, Redact
    from ner.text.document import Document
    from ner.text.redaction import Replace as Way

_PANEL = "Redaction (--format redacted)"
Replace = Annotated[
    str, typer.Option(metavar="WAY", rich_help_panel=_PANEL, help="What stands for a name: label, hash or fixed.")
]
Labels = Annotated[
    str | None, typer.Option(metavar="PER,ORG", rich_help_panel=_PANEL, help="Replace entities of these labels alone.")
]
Numbered = Annotated[
    bool, typer.Option("--numbered", rich_help_panel=_PANEL, help="[PER_1]: a number for each name of a text.")
]
AlsoRepeats = Annotated[
    bool,
    typer.Option("--also-repeats", rich_help_panel=_PANEL, help="Replace a name wherever else it stands in its text."),
]
KeyFile = Annotated[
    Path | None,
    typer.Option(metavar="FILE", rich_help_panel=_PANEL, help="The key of the hash; default: one for this run."),
]
Fixed = Annotated[
    str | None, typer.Option(metavar="TEXT", rich_help_panel=_PANEL, help="What stands for every name: [REDACTED].")
]
Map = Annotated[
    Path | None,
    typer.Option("--map", metavar="FILE", rich_help_panel=_PANEL, help="Write what undoes it: as secret as the text."),
]


@dataclass(frozen=True, slots=True)
class RedactionOptions:
    """What the options say; `ner.text.redaction.redact` tells what each is."""

    replace: str
    labels: str | None
    numbered: bool
    also_repeats: bool
    key_file: Path | None
    fixed: str | None
    map_path: Path | None

    def check_not_given(self, output_format: str) -> None:
        """Raise ConfigError where one is given and another format is written."""
        given = {
            "--replace": self.replace != "label",
            "--labels": self.labels is not None,
            "--numbered": self.numbered,
            "--also-repeats": self.also_repeats,
            "--key-file": self.key_file,
            "--fixed": self.fixed is not None,
            "--map": self.map_path,
        }
        for option, is_given in given.items():
            if is_given:
                raise ConfigError(f"{option}: expected --format redacted beside it, found --format {output_format}")

    def check(self, source: str, out: Path | None, *, is_folder: bool) -> None:
        """Raise ConfigError where the options contradict one another, or a place is no place to write to.

        Args:
            source: what is tagged.
            out: where the redacted text goes.
            is_folder: whether a folder of texts is tagged.
        """
        from ner.text.redaction import check_ways

        check_ways(self.replace, numbered=self.numbered)
        if self.key_file and self.replace != "hash":
            raise ConfigError(f"--key-file: expected --replace hash beside it, found --replace {self.replace}")
        if self.fixed is not None and self.replace != "fixed":
            raise ConfigError(f"--fixed: expected --replace fixed beside it, found --replace {self.replace}")
        if self.fixed and ("\n" in self.fixed or "\r" in self.fixed):
            raise ConfigError(f"--fixed: expected text of one line, found {self.fixed!r}")
        if is_folder and out is None:
            raise ConfigError("--format redacted: expected --out FOLDER for a folder of texts, found none")
        check_is_another("--map", self.map_path, source)
        if self.map_path and out and self.map_path.resolve() == out.resolve():
            raise ConfigError(f"--map {self.map_path}: expected another place than --out, found the same")
        # The folder appears as a whole, in the place of whatever stood there.
        if self.map_path and out and is_folder and self.map_path.resolve().is_relative_to(out.resolve()):
            raise ConfigError(f"--map {self.map_path}: expected a place outside of --out {out}, found one within it")

    def redact(self, labels: list[str]) -> "Redact":
        """What replaces the entities of a text, found by a model of these labels.

        Raises:
            ConfigError: no such label, or a key that can't be read or is too short.
        """
        from functools import partial

        from ner.text.redaction import FIXED, check_ways, redact

        key = None if self.key_file is None else _read_key(self.key_file)
        check_ways(self.replace, key=key)
        if self.replace == "hash" and key is None:
            say("the key of the hash is of this run alone: another run gives other hashes; --key-file FILE keeps them")
        wanted = None if self.labels is None else labels_in(self.labels, labels)
        return partial(
            redact,
            replace=cast("Way", self.replace),
            labels=wanted,
            numbered=self.numbered,
            also_repeats=self.also_repeats,
            key=key,
            fixed=FIXED if self.fixed is None else self.fixed,
        )


def _read_key(path: Path) -> bytes:
    try:
        return path.read_bytes().removesuffix(b"\n").removesuffix(b"\r")
    except OSError as error:
        raise ConfigError(f"--key-file {path}: expected a file that can be read: {error.strerror}") from None


def write_redacted(
    documents: "Iterable[Document]",
    kind: "Kind",
    redact: "Redact",
    *,
    out: Path | None,
    map_path: Path | None,
    losses: "Losses",
    before: str = "",
) -> None:
    """Write documents with their entities replaced, to a place or to stdout, and say how many there were.

    Args:
        documents: with the entities to replace, taken as they are needed.
        kind: what they were.
        redact: replaces entities.
        out: the file or, of a folder, the folder; None: stdout.
        map_path: where the map goes; None: there is none.
        losses: is told what isn't written.
        before: stands before all of it.
    """
    from ner.formats.files import write_pieces
    from ner.redacting import Redacted, byte_order_mark, redacted_documents, redacted_pieces, write_folder

    done = Redacted()
    if kind == "folder":
        assert out
        redactions = redacted_documents(documents, kind, redact, map_path=map_path, done=done)
        write_folder(
            out, ((str(d.id), byte_order_mark(Path(d.source).read_bytes()[:3]) + r.text) for d, r in redactions)
        )
    else:
        redacted = redacted_pieces(documents, kind, redact, map_path=map_path, done=done, losses=losses)
        pieces = chain([before], redacted)
        if out:
            write_pieces(out, pieces)
        else:
            write_to_stdout(pieces)
    print(done, file=sys.stderr)


def write_to_stdout(pieces: "Iterable[str]") -> None:
    """Writes text to stdout, its line ends as they are."""
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(newline="")  # or Windows would make CRLF of LF, and CRCRLF of CRLF
    for piece in pieces:
        sys.stdout.write(piece)


def mark_of(file: str) -> str:
    """The byte-order mark that a file, or stdin, begins with, or nothing: readers skip it."""
    from ner.redacting import byte_order_mark

    if file == "-":
        stdin = sys.stdin.buffer
        return byte_order_mark(stdin.peek(3)) if isinstance(stdin, BufferedReader) else ""
    try:
        with Path(file).open("rb") as stream:
            return byte_order_mark(stream.read(3))
    except OSError:
        return ""  # its reader says what is wrong with it


def restore(
    redacted: Annotated[Path, typer.Argument(metavar="REDACTED", help="What ner tag --format redacted wrote.")],
    map_path: Annotated[Path, typer.Option("--map", metavar="FILE", help="The map that was written with it.")],
    out: Annotated[
        Path | None, typer.Option(metavar="PATH", help="Where the text goes, not to stdout: whole or not at all.")
    ] = None,
) -> None:
    """Undo a redaction: put the names back, character for character."""
    from ner.formats.files import write_pieces
    from ner.redacting import read_map, restored_folder, restored_pieces, write_folder

    for option, source in (("--out", redacted), ("--out", map_path)):
        check_is_another(option, out, source)
    kind = read_map(map_path)[0]
    if (kind == "folder") != redacted.is_dir():
        wanted, found = ("a folder", "a file") if kind == "folder" else ("a file", "a folder")
        raise ConfigError(f"{redacted}: expected {wanted}, as {map_path} is of {kind}, found {found}")
    if kind != "folder":
        pieces = restored_pieces(redacted, map_path)
        if out:
            write_pieces(out, pieces)
        else:
            write_to_stdout(pieces)
    elif out is None:
        raise ConfigError("ner restore: expected --out FOLDER for a folder of texts, found none")
    else:
        write_folder(out, restored_folder(redacted, map_path))
