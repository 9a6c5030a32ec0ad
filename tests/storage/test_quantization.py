"""Weights in fewer bits: each row within its own rounding, and files that lie about it refused."""

from pathlib import Path

import numpy as np
import pytest

from ner.errors import ModelError
from ner.formats.corpus import Corpus
from ner.inference.loading import load_model, save_model
from ner.inference.shrinking import shrink
from ner.storage.quantization import pack, unpack, unpacked_kinds
from ner.storage.tensor_files import Array, DamagedError, read_header, read_tensors, write_tensors
from ner.training.training import train_model
from tests.tiny import predict_tags

TENSORS = {
    "matrix": np.array([[1.0, -3.0, 0.02], [0.0, 0.0, 0.0], [1e-4, 2e-4, -1e-4]], dtype=np.float32),
    "cube": np.arange(12, dtype=np.float32).reshape(2, 3, 2) - 5,
    "half": np.array([[0.5, -0.25]], dtype=np.float16),
    "bias": np.array([0.1, 0.2], dtype=np.float32),
}


def through_a_file(weights: str, path: Path) -> tuple[dict[str, Array], dict[str, str]]:
    packed, types = pack(TENSORS, weights)
    write_tensors(path, packed, {"packed": types})
    header = read_header(path)
    return unpack(read_tensors(path, header), header), unpacked_kinds(header)


@pytest.mark.parametrize("weights", ["fp32", "fp16", "int8"])
def test_what_is_unpacked_has_the_kinds_of_before(tmp_path: Path, weights: str) -> None:
    found, kinds = through_a_file(weights, tmp_path / "t.safetensors")
    assert {name: (t.shape, t.dtype) for name, t in found.items()} == {
        n: (t.shape, t.dtype) for n, t in TENSORS.items()
    }
    assert kinds == {
        "matrix": "of shape [3, 3]",
        "cube": "of shape [2, 3, 2]",
        "half": "of shape [1, 2] in float16",
        "bias": "of shape [2]",
    }


def test_eight_bits_round_each_row_to_a_127th_of_its_largest(tmp_path: Path) -> None:
    found, _ = through_a_file("int8", tmp_path / "t.safetensors")
    for name, tensor in TENSORS.items():
        rows = tensor.astype(float).reshape(len(tensor), -1)
        steps = np.abs(rows).max(axis=1, keepdims=True) / 127 if tensor.ndim > 1 else 0.0
        off = np.abs(found[name].astype(float).reshape(rows.shape) - rows)
        assert (off <= steps * 0.5001 + 1e-4 * (name == "half") + 1e-9).all(), name
    assert np.array_equal(found["bias"], TENSORS["bias"])


def test_half_precision_rounds_as_half_precision_does(tmp_path: Path) -> None:
    found, _ = through_a_file("fp16", tmp_path / "t.safetensors")
    assert np.array_equal(found["matrix"], TENSORS["matrix"].astype(np.float16).astype(np.float32))
    assert np.array_equal(found["half"], TENSORS["half"])


@pytest.mark.parametrize(
    ("types", "reason"),
    [
        ({"none": "float32"}, "expected notes on the tensors that are packed, found others"),
        ({"matrix": "int4"}, "expected notes on the tensors that are packed, found others"),
        (["matrix"], "expected notes on the tensors that are packed, found others"),
        (
            {"bias": "float32", "matrix": "float32"},
            "expected matrix in int8 with a scale for each row, or in half precision; found of shape [3, 3] in int8",
        ),
    ],
)
def test_notes_that_do_not_fit_the_tensors_are_refused(tmp_path: Path, types: object, reason: str) -> None:
    packed, _ = pack(TENSORS, "int8")
    del packed["matrix.scale"]
    write_tensors(tmp_path / "t.safetensors", packed, {"packed": types})
    with pytest.raises(DamagedError) as error:
        unpacked_kinds(read_header(tmp_path / "t.safetensors"))
    assert str(error.value) == reason


@pytest.mark.parametrize("weights", ["fp16", "int8"])
def test_a_small_model_tags_a_corpus_known_by_heart_as_the_large_one_does(
    corpus: Corpus, make_config: object, tmp_path: Path, weights: str
) -> None:
    model = train_model(make_config(epochs=40), corpus)  # type: ignore[operator]
    save_model(model, tmp_path / "large")
    save_model(shrink(model, weights=weights, keep_vectors="seen"), tmp_path / "small")
    small = load_model(tmp_path / "small", "cpu")
    tags = predict_tags(model, corpus.dev)
    assert predict_tags(small, corpus.dev) == tags
    size, large = ((tmp_path / name / "model.safetensors").stat().st_size for name in ("small", "large"))
    assert size < large
    assert small.config.model.weights == weights
    assert model.config.model.weights == "fp32"


def test_a_model_whose_notes_are_of_other_tensors_is_damaged(
    corpus: Corpus, make_config: object, tmp_path: Path
) -> None:
    model = train_model(make_config(epochs=1), corpus)  # type: ignore[operator]
    save_model(model, tmp_path / "model")
    path = tmp_path / "model/model.safetensors"
    header = read_header(path)
    write_tensors(path, read_tensors(path, header), {**header.about, "packed": {"projection.bias": "float64"}})
    with pytest.raises(ModelError) as error:
        load_model(tmp_path / "model", "cpu")
    assert str(error.value) == (
        f"{path}: damaged: expected notes on the tensors that are packed, found others; train or copy it again"
    )
