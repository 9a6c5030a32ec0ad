import hashlib
import json

import numpy as np
import pytest

from ner.errors import VectorsError
from ner.resources.compact import Vectors, read_compact, read_meta, write_compact
from ner.resources.vector_files import read_vectors


def names(folder):
    return sorted(path.name for path in folder.iterdir())


MATRIX = np.array([[0.5, 1.0], [-2.0, 0.25], [3.0, -8.0]], dtype=np.float32)
VECTORS = Vectors("tiny", ["the", "", "長江\u2028x"], MATRIX, 2)


@pytest.fixture
def folder(tmp_path):
    write_compact(VECTORS, tmp_path / "tiny", source={"address": "here"})
    return tmp_path / "tiny"


def test_what_is_written_is_read_back_memory_mapped(folder):
    found = read_compact(folder)
    assert (found.name, found.words, found.measured) == ("tiny", VECTORS.words, 2)
    assert isinstance(found.matrix, np.memmap)
    assert found.matrix.tolist() == MATRIX.tolist()
    assert not found.matrix.flags.writeable
    assert read_vectors(folder).words == VECTORS.words


def test_the_folder_is_plain_files_that_say_what_they_are(folder):
    assert names(folder) == ["meta.json", "vectors.npy", "words.txt"]
    assert (folder / "words.txt").read_bytes() == "the\n\n長江\u2028x\n".encode()
    assert json.loads((folder / "meta.json").read_text(encoding="utf-8")) == {
        "format": 1,
        "name": "tiny",
        "words": 3,
        "measured": 2,
        "source": {"address": "here"},
        "sha256": {name: digest(folder / name) for name in ("vectors.npy", "words.txt")},
    }


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_sixteen_bits_are_used_where_no_row_moves_by_a_thousandth():
    rows = np.random.default_rng(0).normal(size=(1000, 50)).astype(np.float32)
    moved = np.linalg.norm(rows.astype(np.float16) - rows, axis=1) / np.linalg.norm(rows, axis=1)
    assert moved.max() < 1e-3


@pytest.mark.parametrize(
    ("rows", "dtype"), [([[1.5, 2.0]], np.float16), ([[1e-7, 1e-7]], np.float32), ([[70000.0, 1.0]], np.float32)]
)
def test_numbers_too_large_or_too_small_for_sixteen_bits_keep_thirty_two(tmp_path, rows, dtype):
    write_compact(Vectors("tiny", ["a"], np.array(rows, dtype=np.float32), 1), tmp_path / "tiny", source={})
    found = read_compact(tmp_path / "tiny").matrix
    assert found.dtype == dtype
    assert found.tolist() == np.array(rows, dtype=np.float32).tolist()


def test_writing_again_replaces_the_whole_folder(folder):
    (folder / "stray").write_text("")
    write_compact(Vectors("tiny", ["a"], MATRIX[:1], 1), folder, source={})
    assert names(folder) == ["meta.json", "vectors.npy", "words.txt"]
    assert read_compact(folder).words == ["a"]
    assert names(folder.parent) == [folder.name]


@pytest.mark.parametrize("missing", ["meta.json", "words.txt", "vectors.npy"])
def test_a_missing_file_is_named(folder, missing):
    (folder / missing).unlink()
    with pytest.raises(VectorsError) as error:
        read_compact(folder)
    assert str(error.value) == (
        f"{folder}: expected meta.json, words.txt, vectors.npy, found no {missing}; delete the folder and get it again"
    )


def test_a_newer_format_is_refused(folder):
    meta = read_meta(folder)
    (folder / "meta.json").write_text(json.dumps({**meta, "format": 2}))
    with pytest.raises(VectorsError) as error:
        read_compact(folder)
    assert str(error.value) == (
        f"{folder}: expected format 1 or older, found 2, from a newer version of this package; upgrade bilstm-crf-ner"
    )


@pytest.mark.parametrize("content", ["{", "[]", "{}", '{"format": "x"}'])
def test_a_damaged_description_is_told(folder, content):
    (folder / "meta.json").write_text(content)
    with pytest.raises(VectorsError) as error:
        read_compact(folder)
    assert str(error.value) == (
        f"{folder / 'meta.json'}: expected JSON with a format; delete the folder and get it again"
    )


def test_words_that_were_changed_are_told(folder):
    (folder / "words.txt").write_text("a\nb\nc\n")
    with pytest.raises(VectorsError) as error:
        read_compact(folder)
    assert str(error.value) == (
        f"{folder}: expected 3 intact words and as many rows, found 0 and (3, 2); delete the folder and get it again"
    )


def test_a_matrix_that_was_cut_is_told(folder):
    (folder / "vectors.npy").write_bytes(b"")
    with pytest.raises(VectorsError) as error:
        read_compact(folder)
    assert str(error.value) == f"{folder}: damaged (No data left in file); delete the folder and get it again"


def test_a_word_with_a_line_break_is_refused(tmp_path):
    with pytest.raises(VectorsError) as error:
        write_compact(Vectors("tiny", ["a\nb"], MATRIX[:1], 1), tmp_path / "tiny", source={})
    assert str(error.value) == "tiny: expected words without line breaks, found 'a\\nb'"


def test_a_number_that_is_none_is_refused_and_leaves_nothing(tmp_path):
    matrix = np.array([[1.0, 2.0], [np.nan, 1.0]])
    with pytest.raises(VectorsError) as error:
        write_compact(Vectors("tiny", ["a", "b"], matrix, 2), tmp_path / "tiny", source={})
    assert str(error.value) == "tiny: expected finite numbers, found nan or inf in the vector of 'b'"
    assert names(tmp_path) == []


def test_a_place_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(VectorsError) as error:
        write_compact(VECTORS, tmp_path / "file" / "tiny", source={})
    assert str(error.value) == (
        f"{tmp_path}/file/tiny: can't be written: File exists; free space there, or set NER_HOME to another folder"
    )
