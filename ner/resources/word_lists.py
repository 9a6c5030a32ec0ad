"""Lists of words or names, one a line, in UTF-8: gazetteers, and lexicons without vectors."""

from pathlib import Path

from ner.errors import DataError


def read_names(path: Path) -> list[str]:
    """The names of a list, one a line, without blank ones and repetitions.

    Raises:
        DataError: no such file, nothing in it, or it isn't UTF-8.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise DataError(f"{path}: no such file; expected a list of names, one a line") from None
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: expected a readable list of names in UTF-8, one a line: {error}") from None
    names = list(dict.fromkeys(line.strip() for line in text.splitlines() if line.strip()))
    if not names:
        raise DataError(f"{path}: expected names, one a line, found none")
    return names
