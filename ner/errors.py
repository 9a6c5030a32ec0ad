"""The error tree: everything this package raises on purpose is a `NerError`.

A message says where, what was wanted, what was found, and the way out. The command line prints it
without a traceback and ends with the error's `exit_code`: 1 failed, 2 misused.
"""

from types import UnionType

_LONGEST_SHOWN = 40


class NerError(Exception):
    """Base of every error a user can mend; `exit_code` is what the command line ends with."""

    exit_code = 1


def describe(error: BaseException) -> str:
    r"""Any error in one line: its kind, if it isn't one of ours, and the first line of what it says.

    >>> describe(ValueError("no such font\ntry another"))
    'ValueError: no such font'
    """
    said = str(error).strip().partition("\n")[0]
    if isinstance(error, NerError):
        return said
    return f"{type(error).__name__}: {said}" if said else type(error).__name__


def check_type(name: str, value: object, kind: type | UnionType, wanted: str, way_out: str = "") -> None:
    """Raise ConfigError unless an argument is of this kind.

    Args:
        name: of the argument, which begins the message.
        value: what was given.
        kind: as `isinstance` takes it.
        wanted: what the message calls that.
        way_out: how to come by one.
    """
    if not isinstance(value, kind):
        raise ConfigError(f"{name}: expected {wanted}, found {shown(value)}{'; ' if way_out else ''}{way_out}")


def shown(value: object) -> str:
    """A value as a message shows it, in one line of at most 40 characters.

    >>> shown("x" * 99)
    "'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…"
    """
    return shortened(" ".join(repr(value).split("\n")), _LONGEST_SHOWN)


def shortened(text: str, most: int = 80) -> str:
    """A text in at most so many characters, the last of which says that there are more.

    >>> shortened("Angela Merkel", 7)
    'Angela…'
    """
    return text if len(text) <= most else f"{text[: most - 1]}…"


def counted(number: int, thing: str) -> str:
    """A number of things, in words that agree with it.

    >>> counted(1, "entity"), counted(2000, "entity"), counted(0, "sentence")
    ('1 entity', '2,000 entities', '0 sentences')
    """
    if number != 1:
        thing = f"{thing[:-1]}ies" if thing.endswith("y") else f"{thing}s"
    return f"{number:,} {thing}"


class ConfigError(NerError):
    """A setting, an override or an argument is wrong."""

    exit_code = 2


class DataError(NerError):
    """A data file or data set can't be read as described; the message starts with `file:line:`."""


class VectorsError(NerError):
    """Pretrained vectors are missing, damaged or of another width."""


class DownloadError(NerError):
    """A download failed, or what arrived isn't what was promised."""


class ModelError(NerError):
    """A model directory is incomplete, damaged or from a newer version of this package."""


class InterruptionError(NerError):
    """Training was asked to stop, and did; `ner train --resume` goes on."""


class ProcessError(NerError):
    """One of the processes that train together ended, fell silent or trains something else."""


class TrainingError(NerError):
    """Training can't go on: nothing to learn from, or the loss is no longer a number."""
