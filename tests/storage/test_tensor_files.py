"""Tensors on disk: what was written is read, and nothing else."""

from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from ner.storage.tensor_files import Array, DamagedError, checksum, read_header, read_tensors, write_tensors

PAGE = 4096 // 4  # float32


@pytest.fixture
def numbers() -> Array:
    return np.random.default_rng(1).standard_normal(3 * PAGE + 5, dtype=np.float32)


@pytest.mark.parametrize("place", [0, 1, PAGE - 1, PAGE, 3 * PAGE - 1, 3 * PAGE, 3 * PAGE + 4])
def test_every_bit_of_every_page_counts(numbers: Array, place: int) -> None:
    wanted = checksum(numbers)
    for bit in range(32):
        changed = numbers.copy()
        changed.view(np.uint32)[place] ^= np.uint32(1 << bit)
        assert checksum(changed) != wanted


def test_pages_that_change_places_are_noticed(numbers: Array) -> None:
    first, second, rest = numbers[:PAGE], numbers[PAGE : 2 * PAGE], numbers[2 * PAGE :]
    assert checksum(np.concatenate([second, first, rest])) != checksum(numbers)


@pytest.mark.parametrize(
    "tensor",
    [np.zeros((0, 7)), np.zeros(()), np.arange(9).reshape(3, 3).T, np.ones(5, dtype=np.float16)],
    ids=lambda tensor: str(list(tensor.shape)),
)
def test_tensors_of_any_kind_come_back_with_what_is_noted(tmp_path: Path, tensor: Array) -> None:
    path = tmp_path / "a.safetensors"
    write_tensors(path, {"a": tensor}, {"note": [1, "é\ud800"]})
    header = read_header(path)
    assert header.about["note"] == [1, "é\ud800"]
    assert header.numbers == tensor.size
    for found in (read_tensors(path, header), load_file(path)):
        assert np.array_equal(found["a"], tensor)
        assert found["a"].shape == tensor.shape
        assert found["a"].dtype == tensor.dtype


def test_checksums_that_are_missing_or_no_checksums_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    write_tensors(path, {"a": np.ones(2, dtype=np.float32)}, {})
    header = read_header(path)
    right = header.about["checksums"]["a"]
    for noted, wanted in (({}, None), ([1], [1]), ({"a": "x"}, "x")):
        header.about["checksums"] = noted
        with pytest.raises(DamagedError) as error:
            read_tensors(path, header)
        assert str(error.value) == f"expected a with checksum {wanted}, found {right}"


def test_a_file_that_is_not_there_has_no_header(tmp_path: Path) -> None:
    with pytest.raises(DamagedError) as error:
        read_header(tmp_path / "none")
    assert str(error.value) == (
        f"expected a safetensors header, found none ([Errno 2] No such file or directory: '{tmp_path}/none')"
    )
