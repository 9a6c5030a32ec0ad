"""Lists of names, as people write them."""

import pytest

from ner.errors import DataError
from ner.resources.word_lists import read_names


def test_names_come_once_without_blank_lines_or_a_byte_order_mark(tmp_path):
    path = tmp_path / "places.txt"
    path.write_bytes("\ufeffNew York\r\n\n  Köln \r\nNew York\n".encode())
    assert read_names(path) == ["New York", "Köln"]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, "no such file; expected a list of names, one a line"),
        (b" \n\n", "expected names, one a line, found none"),
        (
            b"K\xf6ln\n",
            "expected a readable list of names in UTF-8, one a line: "
            "'utf-8' codec can't decode byte 0xf6 in position 1: invalid start byte",
        ),
    ],
)
def test_a_list_that_cannot_be_read_is_named(tmp_path, content, reason):
    path = tmp_path / "places.txt"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(DataError) as error:
        read_names(path)
    assert str(error.value) == f"{path}: {reason}"
