import random

import pytest

from ner.errors import VectorsError
from ner.resources.parquet_words import read_words

pyarrow = pytest.importorskip("pyarrow", reason="pyarrow, of the `datasets` extra, writes the files to read")
parquet = pytest.importorskip("pyarrow.parquet")


def written(folder, columns, **settings):
    parquet.write_table(pyarrow.table(columns), folder / "words.parquet", **settings)
    return folder / "words.parquet"


def many_words(count=30_000):
    letters = random.Random(0)
    words = {"", "長江", "a\u2028b", "x" * 300}
    while len(words) < count:
        words.add("".join(letters.choices("abcdeé語", k=letters.randint(1, 12))))
    return sorted(words, key=lambda word: (len(word), word))


@pytest.mark.parametrize("compression", ["snappy", "none"])
@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"use_dictionary": False},
        {"dictionary_pagesize_limit": 20_000},  # the dictionary overflows: the rest stands in plain pages
        {"row_group_size": 7_000},
    ],
    ids=["dictionary", "plain", "both", "groups"],
)
def test_the_words_are_those_that_pyarrow_wrote(tmp_path, compression, settings):
    words = many_words()
    assert read_words(written(tmp_path, {"index": words}, compression=compression, **settings)) == words


def test_a_column_that_may_not_be_null_is_read_too(tmp_path):
    schema = pyarrow.schema([pyarrow.field("index", pyarrow.string(), nullable=False)])
    parquet.write_table(pyarrow.table({"index": ["a", "b"]}, schema=schema), tmp_path / "words.parquet")
    assert read_words(tmp_path / "words.parquet") == ["a", "b"]


@pytest.mark.parametrize(
    ("columns", "settings", "found"),
    [
        ({"a": ["x"], "b": ["y"]}, {}, "2 columns"),
        ({"a": ["x"]}, {"compression": "gzip"}, "compression 2"),
        (
            {"a": ["x"]},
            {"use_dictionary": False, "column_encoding": "DELTA_BYTE_ARRAY"},
            "page type 0, or its encoding",
        ),
    ],
)
def test_other_parquet_is_refused(tmp_path, columns, settings, found):
    path = written(tmp_path, columns, **settings)
    with pytest.raises(VectorsError) as error:
        read_words(path)
    assert str(error.value) == f"{path}: expected parquet with one column of words, found something else ({found})"


@pytest.mark.parametrize(
    ("content", "found"),
    [(b"hello, world", "no parquet mark"), (b"PAR1\x1a\x00\x02\0\0\0PAR1", "Thrift type 10")],
)
def test_what_is_no_parquet_is_refused(tmp_path, content, found):
    path = tmp_path / "words.parquet"
    path.write_bytes(content)
    with pytest.raises(VectorsError) as error:
        read_words(path)
    assert str(error.value) == f"{path}: expected parquet with one column of words, found something else ({found})"


@pytest.mark.parametrize("changed", [b"\x05\x0f", b"\xff\xff"], ids=["offset before the start", "too long"])
def test_damaged_compression_is_refused(tmp_path, changed):
    path = written(tmp_path, {"a": ["word" * 20, "word" * 21]}, use_dictionary=False, write_statistics=False)
    content = path.read_bytes()
    at = content.index(b"word") + 4
    path.write_bytes(content[:at] + changed + content[at + 2 :])
    with pytest.raises(VectorsError) as error:
        read_words(path)
    assert str(error.value) == (
        f"{path}: expected parquet with one column of words, found something else (damaged snappy data)"
    )


def test_repeated_words_are_refused(tmp_path):
    path = written(tmp_path, {"a": ["x", "y", "x"]})
    with pytest.raises(VectorsError) as error:
        read_words(path)
    assert str(error.value) == f"{path}: expected 3 distinct words, found 2"
