"""The table of formats: by name, by what a file holds, by the end of a file's name."""

from collections.abc import Iterable
from functools import cache
from importlib import import_module
from pathlib import Path

from ner.data_settings import FORMATS, DataConfig
from ner.errors import ConfigError, DataError
from ner.formats.format import Format, Sample

_HEAD = 64 * 1024  # bytes that tell a format
_LONGEST_LINE = 1 << 26  # bytes of a first line, which in JSON lines is a whole document
_LONGEST_ITEM = 1 << 22  # bytes that begin an array of documents


@cache
def find_format(name: str) -> Format:
    """The format of this name.

    Raises:
        ConfigError: there is none.
    """
    if name not in FORMATS:
        raise ConfigError(f"format: expected one of {', '.join(FORMATS)}, found {name!r}")
    found = import_module(f"ner.formats.{name.replace('-', '_')}").FORMAT
    assert isinstance(found, Format)
    return found


def name_for_reading(path: str | Path, data: DataConfig) -> str:
    """The name of the format of a file or folder: what `data.format` says, or else what it looks like.

    What looks like no other format is taken for columns, whose reader and doctor tell what is wrong with it.

    Raises:
        ConfigError: it looks like several, or like one that is only written.
        DataError: there is no such file, or it can't be read.
    """
    if data.format != "auto":
        if find_format(data.format).read is None:
            known = _names_of(readable())
            raise ConfigError(f"data.format: expected a format that can be read ({known}), found {data.format}")
        return data.format
    if data.word_column != DataConfig().word_column or data.tag_column != DataConfig().tag_column or data.separator:
        return "conll"  # who says which columns, has columns
    sample = take_sample(Path(path))
    found = looks_like(sample)
    if len(found) > 1:
        raise ConfigError(
            f"{path}: expected a file of one format, found one that may be {' or '.join(found)}; set data.format = "
            f'"{found[0]}" or "{found[1]}"'
        )
    if not found and sample.path.is_dir():
        raise DataError(f"{path}: expected a file, or a folder of one of the formats of `ner formats`, found neither")
    return found[0] if found else "conll"


def looks_like(sample: Sample) -> list[str]:
    """The names of the formats that a file surely is of: one, none, or several where it is in doubt."""
    return [name for name in FORMATS if (tell := find_format(name).recognizes) and tell(sample)]


def name_for_writing(path: str | Path, name: str | None) -> str:
    """The name of the format to write: the one that is named, or the one whose files end so.

    Raises:
        ConfigError: the one that is named can't be written, or the end is no format's, or several's.
    """
    if name is not None:
        if not can_write(find_format(name)):
            raise ConfigError(f"{path}: expected a format that can be written ({_names_of(writable())}), found {name}")
        return name
    text = str(path)
    lower = text.lower()
    # A `Path` has lost the slash at its end that says that it is a folder; a name such as `x.xmi` tells it too.
    ends = {
        name: end
        for name in writable()
        for end in find_format(name).suffixes
        if lower.endswith(end) or (end != "/" and f"{lower}/".endswith(end))
    }
    longest = max(map(len, ends.values()), default=0)
    found = [name for name, end in ends.items() if len(end) == longest]
    if len(found) != 1:
        told = f"found one that may be {' or '.join(found)}" if found else "found a name that tells none"
        raise ConfigError(f"{path}: expected a file whose format is known, {told}; name one of {_names_of(writable())}")
    return found[0]


def readable() -> list[str]:
    """The names of the formats that can be read."""
    return [name for name in FORMATS if find_format(name).read]


def writable() -> list[str]:
    """The names of the formats that can be written."""
    return [name for name in FORMATS if can_write(find_format(name))]


def can_write(form: Format) -> bool:
    """Whether it can be written."""
    return form.write is not None or form.save is not None


def check_writes_tags(name: str) -> None:
    """Raise ConfigError where what is written in this format has no tags, and so no scheme."""
    # JSON lines of words and tags are read, never written.
    tagged = [n for n in writable() if "scheme" in (known := find_format(n).settings) and "tags_feature" not in known]
    if name not in tagged:
        raise ConfigError(f"--scheme: expected a format that is written with tags ({_names_of(tagged)}), found {name}")


def names_model(name: str) -> bool:
    """Whether there is a format of this name, and its files say which model found the entities."""
    return name in FORMATS and find_format(name).names_model


def take_sample(path: Path) -> Sample:
    """What a file's format is told from.

    Raises:
        DataError: there is no such file, or it can't be read.
    """
    if path.is_dir():
        return Sample(path, "", is_whole=True)
    try:
        with path.open("rb") as stream:
            head = stream.read(_HEAD)
            if b"\n" not in head:  # of an array the first items tell it, and all of it may be one line
                head += stream.readline(_LONGEST_ITEM if head.lstrip().startswith(b"[") else _LONGEST_LINE)
            whole = not stream.read(1)
    except FileNotFoundError:
        raise DataError(
            f"{path}: no such file (paths are taken as given, then relative to the config's folder)"
        ) from None
    except OSError as error:
        raise DataError(f"{path}: expected a readable file: {error.strerror}") from None
    return Sample(path, head.decode("utf-8", errors="replace").removeprefix("\ufeff"), is_whole=whole)


def _names_of(names: Iterable[str]) -> str:
    return ", ".join(names)
