import gzip
import struct

import numpy as np
import pytest

from ner.errors import VectorsError
from ner.resources.vector_files import read_vectors


def names(folder):
    return sorted(path.name for path in folder.iterdir())


FORMATS = "GloVe or word2vec text, word2vec binary, a fastText .vec, any of these gzip-ed, or a compact folder"
WORDS = ["the", "Zürich", "ｅ・ｕ", "x\u00a0y"]
ROWS = [[0.5, -1.25, 3.0], [0.0, 2.5, -0.125], [1.0, 1.0, 1.0], [-4.0, 0.25, 8.0]]  # exact in 16 bits

GLOVE = "the 0.5 -1.25 3\nZürich 0 2.5 -0.125\nｅ・ｕ 1 1 1.0\nx\u00a0y -4 .25 8e0\n".encode()
HEADED = b"4 3\n" + GLOVE
FASTTEXT = b"4 3\n" + GLOVE.replace(b"\n", b" \n")  # fastText ends each line with a space
TABS = GLOVE.replace(b" ", b"\t")
WINDOWS = GLOVE.replace(b"\n", b"\r\n")
# word2vec.c writes a line break after each vector, gensim writes none.
BINARY = b"4 3\n" + b"".join(
    word.encode() + b" " + struct.pack("<3f", *row) + b"\n" for word, row in zip(WORDS, ROWS, strict=True)
)
BINARY_WITHOUT_BREAKS = b"4 3\n" + b"".join(
    word.encode() + b" " + struct.pack("<3f", *row) for word, row in zip(WORDS, ROWS, strict=True)
)


def written(folder, content, name="vectors.any"):
    path = folder / name
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("zipped", [False, True], ids=["plain", "gzip"])
@pytest.mark.parametrize(
    "content",
    [GLOVE, HEADED, FASTTEXT, TABS, WINDOWS, BINARY, BINARY_WITHOUT_BREAKS],
    ids=["glove", "word2vec-text", "fasttext", "tabs", "crlf", "binary", "binary-without-breaks"],
)
def test_every_published_format_gives_the_same_words_and_numbers(tmp_path, content, zipped):
    path = written(tmp_path, gzip.compress(content) if zipped else content)
    vectors = read_vectors(path)
    assert vectors.words == WORDS
    assert vectors.matrix.tolist() == ROWS
    assert vectors.measured == 4
    assert vectors.name == "vectors.any"


def test_words_with_spaces_are_split_from_the_right(tmp_path):
    path = written(tmp_path, b", 0.5 1.5\n. . . 2.5 3.5\nat name@domain.com 4.5 5.5\n1 2 3\n")
    vectors = read_vectors(path)
    assert vectors.words == [",", ". . .", "at name@domain.com", "1"]
    assert vectors.matrix.tolist() == [[0.5, 1.5], [2.5, 3.5], [4.5, 5.5], [2.0, 3.0]]


def test_of_a_repeated_word_the_first_vector_counts(tmp_path):
    text = written(tmp_path, b"3 1\na 1\nb 2\na 3\n", "text")
    binary = written(
        tmp_path, b"3 1\n" + b"".join(w + b" " + struct.pack("<f", n) for w, n in [(b"a", 1), (b"b", 2), (b"a", 3)])
    )
    for path in (text, binary):
        vectors = read_vectors(path)
        assert vectors.words == ["a", "b"]
        assert vectors.matrix.tolist() == [[1.0], [2.0]]


def test_a_line_separator_inside_a_word_parts_no_line(tmp_path):
    path = written(tmp_path, "a\u2028b 1 2\nc\u0085d 3 4\n".encode())
    assert read_vectors(path).words == ["a\u2028b", "c\u0085d"]


def test_a_word_cut_inside_a_character_costs_no_other_word(tmp_path):
    path = written(tmp_path, b"a 1 2\n\xe4\xb8 3 4\nb 5 6\n")
    assert read_vectors(path).words == ["a", "\ufffd", "b"]


def test_numbers_beyond_sixteen_bits_are_kept_in_thirty_two(tmp_path):
    vectors = read_vectors(written(tmp_path, b"a 1e6 2\nb 3 4\n"))
    assert vectors.matrix.dtype == np.float32
    assert vectors.matrix.tolist() == [[1e6, 2.0], [3.0, 4.0]]


def test_the_second_reading_is_a_map_of_the_first_conversion(tmp_path, home):
    path = written(tmp_path, GLOVE)
    first = read_vectors(path)
    converted = home / "vectors" / "files"
    folders = sorted(name for name in names(converted) if not name.endswith(".lock"))
    before = (converted / folders[0] / "vectors.npy").stat()
    second = read_vectors(path)
    assert isinstance(second.matrix, np.memmap)
    assert (second.words, second.matrix.tolist()) == (first.words, first.matrix.tolist())
    after = (converted / folders[0] / "vectors.npy").stat()
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)


def test_a_file_that_was_changed_is_converted_again(tmp_path):
    path = written(tmp_path, GLOVE)
    read_vectors(path)
    path.write_bytes(b"other 1 2 3\n")
    assert read_vectors(path).words == ["other"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", f"{{path}}: empty; expected {FORMATS}"),
        (b"\n\n", f"{{path}}: empty; expected {FORMATS}"),
        (gzip.compress(b"", mtime=0), f"{{path}}: empty; expected {FORMATS}"),
        (b"PK\x03\x04rest", "{path}: a zip archive; unpack it and name the file inside"),
        (b"hello\n", f"{{path}}:1: expected a word and its numbers, found 'hello'; expected {FORMATS}"),
        (b"0 5\n", "{path}:1: expected the number of words and their width, found 0 and 5"),
        (b"a 1 2\nb 3\n", "{path}:2: expected a word and 2 numbers, found 2 columns: 'b 3'"),
        (b"a 1 2\nb 3.5 4.5 5.5\n", "{path}:2: expected a word and 2 numbers, found 4 columns: 'b 3.5 4.5 5.5'"),
        (b"2 2\na 1 2\nb 3\n", "{path}:3: expected a word and 2 numbers, found 2 columns: 'b 3'"),
        (b"a 1 2\nb 3 x\n", "{path}:2: expected 2 numbers after 'b', found 'x'"),
        (b"a 1 2\nb nan 4\n", "{path}:2: expected 2 numbers after 'b', found 'nan'"),
        (b"3 2\na 1 2\nb 3 4\n", "{path}:1: expected 3 words, found 2 lines; the file is cut short or damaged"),
        (BINARY[:-6], "{path}: expected 4 words, found 3 whole ones; the file is cut short"),
        (
            b"1 1\na " + struct.pack("<f", float("inf")),
            "vectors.any: expected finite numbers, found nan or inf in the vector of 'a'",
        ),
        (
            gzip.compress(GLOVE, mtime=0)[:-12],
            "{path}: damaged gzip file (Compressed file ended before the end-of-stream marker was reached); "
            "get it again",
        ),
    ],
)
def test_a_bad_file_is_told_by_place_and_leaves_no_conversion(tmp_path, home, content, message):
    path = written(tmp_path, content)
    with pytest.raises(VectorsError) as error:
        read_vectors(path)
    assert str(error.value) == message.format(path=path)
    assert [name for name in names(home / "vectors" / "files") if not name.endswith(".lock")] == []


def test_a_file_that_is_not_there_is_told(tmp_path):
    with pytest.raises(VectorsError) as error:
        read_vectors(tmp_path / "none.txt")
    assert str(error.value) == f"{tmp_path / 'none.txt'}: no such file; expected {FORMATS}"


def test_a_cache_that_cannot_be_written_is_told(tmp_path, monkeypatch):
    path = written(tmp_path, GLOVE)
    monkeypatch.setenv("NER_HOME", str(path))
    with pytest.raises(VectorsError) as error:
        read_vectors(path)
    assert str(error.value) == (
        f"{path}: can't be converted in {path}/vectors/files: Not a directory; "
        "set NER_HOME to a folder that can be written"
    )
