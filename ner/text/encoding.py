"""Bytes become text: encodings, byte-order marks, and a message with its line where they don't fit."""

import codecs
import io
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

from ner.errors import DataError

_PIECE = 1 << 20  # bytes: what is held of a line at once where it needn't be whole
_IN_PAIRS = re.compile(rb"(?:[\x00-\x7f]++|[\xa1-\xf7][\xa1-\xfe])*+").fullmatch
_IS_WIDE = re.compile(r"u(tf)?[-_ ]?(16|32)", re.IGNORECASE).match


def read_text(path: str | Path, encoding: str) -> str:
    """A text file's content, without its byte-order mark.

    Raises:
        DataError: no such file, unreadable, binary, or not in this encoding; names the line.
    """
    try:
        content = Path(path).read_bytes()
    except FileNotFoundError:
        raise DataError(
            f"{path}: no such file (paths are taken as given, then relative to the config's folder)"
        ) from None
    except OSError as error:
        raise DataError(f"{path}: expected a readable file: {error.strerror}") from None
    text = decode(content, encoding, str(path))
    _check_ends(text, path)
    return text


def read_lines(path: str | Path, encoding: str) -> Iterator[str]:
    """The lines of a file as they come, with their line ends, without a byte-order mark.

    Raises:
        DataError: no such file, unreadable, or not in this encoding; names the line.
    """
    try:
        with Path(path).open("rb") as stream:
            yield from decode_lines(stream, encoding, str(path))
    except FileNotFoundError:
        raise DataError(f"{path}: no such file") from None
    except OSError as error:
        raise DataError(f"{path}: expected a readable file: {error.strerror}") from None


def read_pieces(path: str | Path, encoding: str) -> Iterator[str]:
    """As `read_lines`, but a long line comes in several pieces: all of a JSON file may be one line.

    Raises:
        DataError: as `read_lines`.
    """
    if _IS_WIDE(encoding):
        yield from read_lines(path, encoding)
        return
    try:
        with Path(path).open("rb") as stream:
            yield from _decode_pieces(stream, encoding, str(path))
    except FileNotFoundError:
        raise DataError(f"{path}: no such file") from None
    except OSError as error:
        raise DataError(f"{path}: expected a readable file: {error.strerror}") from None


def _decode_pieces(stream: BinaryIO, encoding: str, where: str) -> Iterator[str]:
    decode(b"a", encoding, where)  # or there is no such encoding
    decoder = codecs.getincrementaldecoder(encoding)()
    number, is_first, kept = 1, True, b""  # the line, and its bytes that are half a character
    while piece := stream.readline(_PIECE):
        try:
            text = decoder.decode(piece, final=piece.endswith(b"\n"))
        except UnicodeDecodeError:
            decode(kept + piece, encoding, where, first_line=number)
            raise
        is_end = piece.endswith(b"\n")
        kept = b"" if is_end else decoder.getstate()[0]
        yield text.removeprefix("\ufeff") if is_first else text
        number, is_first = number + is_end, False
    if kept:
        decode(kept, encoding, where, first_line=number)


def read_table_lines(path: str | Path, encoding: str) -> Iterator[str]:
    """As `read_lines`, of a file whose content `read_text` takes.

    Raises:
        DataError: as `read_text`.
    """
    if not Path(path).exists():
        read_text(path, encoding)
    for number, line in enumerate(read_lines(path, encoding), start=1):
        if number == 1:
            _check_ends(line, path)  # with CR alone, the first line is all of the file
        if "\0" in line:
            raise DataError(f"{path}:{number}: expected text, found a NUL character; is it a binary file?")
        yield line


def _check_ends(text: str, path: str | Path) -> None:
    if "\r" in text and "\n" not in text:
        raise DataError(f"{path}: expected lines that end in LF or CRLF, found CR only; convert the line ends")


def is_wide(encoding: str) -> bool:
    """Whether an encoding has characters of two or four bytes, so that lines can't be told by their bytes."""
    return bool(_IS_WIDE(encoding))


def way_out(content: bytes) -> str:
    """What to do about a text that isn't in the encoding that was named.

    In Chinese of GB 2312, the core of GBK and GB 18030, bytes above 127 come in pairs; in Western text alone, mostly.
    """
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        return f'set data.encoding, for example to "{"gb18030" if _IN_PAIRS(content) else "latin-1"}"'
    return 'set data.encoding, for example to "utf-8"'


def decode(content: bytes, encoding: str, where: str, *, first_line: int = 1) -> str:
    """Bytes as text, without a byte-order mark; `where` and a line from `first_line` on open a message.

    Raises:
        DataError: binary, or not in this encoding.
    """
    wide = content.startswith((b"\xff\xfe", b"\xfe\xff"))
    if wide and not _IS_WIDE(encoding):
        raise DataError(f'{where}: looks like UTF-16, expected {encoding}; set data.encoding = "utf-16"')
    try:
        text = content.decode(encoding)
    except LookupError:
        raise DataError(f'{where}: unknown encoding {encoding!r}; data.encoding is for example "utf-8"') from None
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + first_line
        found = f"byte 0x{content[error.start]:02x}" if error.start < len(content) else "the end"
        raise DataError(f"{where}:{line}: expected {encoding}, found {found}; {way_out(content)}") from None
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + first_line
        raise DataError(f"{where}:{line}: expected text, found a NUL character; is it a binary file?")
    return text.removeprefix("\ufeff")


def decode_lines(lines: Iterable[bytes], encoding: str, where: str) -> Iterator[str]:
    """Lines of bytes as text, as they come; a byte-order mark before the first is skipped.

    Raises:
        DataError: not in this encoding; names the line.
    """
    if _IS_WIDE(encoding):
        # A line feed's byte may be half of another character there.
        yield from io.StringIO(decode(b"".join(lines), encoding, where), newline="\n")
        return
    for number, line in enumerate(lines, start=1):
        try:
            text = line.decode(encoding)
        except (LookupError, UnicodeDecodeError):
            decode(line, encoding, where, first_line=number)
            raise
        yield text.removeprefix("\ufeff") if number == 1 else text
