"""Lists of strings as programs print them into the cells of a table, where it was never meant to be read again.

Python and pandas print `['Bob', 'ran']`, NumPy `['Bob' 'ran']`, with line ends in long ones. Python's own reader would
join the strings of the second into one. A list that NumPy cut short (`...`), or one without quotes, can't be told.
"""

import ast
import re

_STRING = r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*\""""
_find_strings = re.compile(_STRING, re.DOTALL).findall
_is_list = re.compile(
    rf"\[\s*(?:(?:{_STRING})(?:(?:\s*,\s*(?:{_STRING}))*|(?:\s+(?:{_STRING}))*)\s*)?\]", re.DOTALL
).fullmatch


def looks_printed(cell: str) -> bool:
    """Whether a cell has the brackets of a list around it."""
    return cell.startswith("[") and cell.endswith("]")


def read_printed(cell: str) -> list[str] | None:
    r"""The strings of a printed list; None where it is no list, or not one of strings alone.

    >>> read_printed("['Bob', 'ran']"), read_printed("['Bob'\n \"O'Neil\"]"), read_printed("[]")
    (['Bob', 'ran'], ['Bob', "O'Neil"], [])
    >>> read_printed("[1, 0]"), read_printed("['Bob' ... 'ran']"), read_printed("['a', 'b' 'c']")
    (None, None, None)
    """
    if not _is_list(cell):
        return None
    try:
        return [ast.literal_eval(string) for string in _find_strings(cell)]
    except (SyntaxError, ValueError):
        return None
