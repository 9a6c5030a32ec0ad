"""Weights in fewer bits: each row within its own rounding, and files that lie about it refused."""

import copy
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from ner.errors import ConfigError, ModelError
from ner.formats.corpus import Corpus
from ner.inference.loading import Model, load_model, save_model
from ner.inference.shrinking import shrink
from ner.storage.model_directory import open_model, read_model
from ner.storage.quantization import pack, stored_rows, unpack, unpacked_kinds
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


SMALL = np.random.default_rng(5).standard_normal((3000, 6)).astype(np.float32)
VECTORS = {"words.extra": SMALL.astype(np.float16), "words.trained.weight": SMALL, "other.weight": SMALL}


def test_small_vectors_are_bytes_for_several_numbers_and_the_rest_as_weights_says(tmp_path: Path) -> None:
    packed, types = pack(VECTORS, "int8", "small")
    assert {name: (array.shape, str(array.dtype)) for name, array in packed.items()} == {
        "words.extra": ((3000, 2), "uint8"),
        "words.extra.centroids": ((256, 6), "float16"),
        "words.trained.weight": ((3000, 3), "uint8"),
        "words.trained.weight.centroids": ((256, 6), "float16"),
        "other.weight": ((3000, 6), "int8"),
        "other.weight.scale": ((3000,), "float32"),
    }
    write_tensors(tmp_path / "t.safetensors", packed, {"packed": types})
    header = read_header(tmp_path / "t.safetensors")
    assert unpacked_kinds(header) == {
        "words.extra": "of shape [3000, 6] in float16",
        "words.trained.weight": "of shape [3000, 6]",
        "other.weight": "of shape [3000, 6]",
    }
    found = unpack(read_tensors(tmp_path / "t.safetensors", header), header)
    lost = {name: float(((found[name].astype(float) - SMALL) ** 2).mean()) for name in VECTORS}
    # Numbers of variance 1 in 2, 4 and 8 bits: the best scalar quantiser loses 0.117 and 0.0095 (Max 1960).
    assert lost["words.extra"] < 0.117
    assert lost["words.trained.weight"] < 0.0095
    assert lost["other.weight"] < 0.0002
    again, _ = pack(found, "int8", "small")
    assert all(np.array_equal(again[name], packed[name]) for name in packed if name.startswith("words."))


@pytest.mark.parametrize(
    "table",
    [
        SMALL[:200],  # 256 centroids take more than they save
        SMALL[:0],
        np.where(np.arange(6) == 2, 1e5, SMALL).astype(np.float32),  # beyond half precision
        SMALL.astype(np.float64),
        SMALL.reshape(1500, 2, 6),
    ],
    ids=["few rows", "none", "large", "double", "cube"],
)
def test_a_table_that_codes_do_not_suit_is_stored_as_weights_says(table: Array) -> None:
    whole = pack({"words.extra": table}, "int8")[0]
    small = pack({"words.extra": table}, "int8", "small")[0]
    assert small.keys() == whole.keys()
    assert all(np.array_equal(small[name], whole[name]) for name in whole)


@pytest.mark.parametrize(
    ("weights", "vectors"), [("fp32", "whole"), ("fp16", "whole"), ("int8", "whole"), ("int8", "small")]
)
def test_rows_that_are_asked_for_are_those_of_the_whole_table(tmp_path: Path, weights: str, vectors: str) -> None:
    packed, types = pack(VECTORS, weights, vectors)
    write_tensors(tmp_path / "t.safetensors", packed, {"packed": types})
    header = read_header(tmp_path / "t.safetensors")
    tensors = read_tensors(tmp_path / "t.safetensors", header)
    whole = unpack(tensors, header)
    for name in VECTORS:
        table = stored_rows(tensors, header, name)
        assert table.shape == (3000, 6)
        for ids in (np.array([2999, 0, 7, 0]), np.arange(1000), np.zeros(0, dtype=np.int64)):
            rows = table.rows(ids)
            assert rows.dtype == np.float32
            assert np.array_equal(rows, whole[name][ids].astype(np.float32))
        with pytest.raises(IndexError):
            table.rows(np.array([3000]))


def codes_of(shape: tuple[int, ...], dtype: str = "uint8") -> Array:
    return np.zeros(shape, dtype=dtype)


@pytest.mark.parametrize(
    ("changed", "found"),
    [
        ({"a": codes_of((9, 1))}, "it of shape [9, 1] in uint8, its centroids of shape [4, 6] in float16"),
        ({"a": codes_of((9, 7))}, "it of shape [9, 7] in uint8, its centroids of shape [4, 6] in float16"),
        ({"a": codes_of((9, 2), "int8")}, "it of shape [9, 2] in int8, its centroids of shape [4, 6] in float16"),
        ({"a": codes_of((9,))}, "it of shape [9] in uint8, its centroids of shape [4, 6] in float16"),
        (
            {"a.centroids": codes_of((0, 6), "float16")},
            "it of shape [9, 2] in uint8, its centroids of shape [0, 6] in float16",
        ),
        (
            {"a.centroids": codes_of((257, 6), "float16")},
            "it of shape [9, 2] in uint8, its centroids of shape [257, 6] in float16",
        ),
        ({"a.centroids": codes_of((4, 6), "float32")}, "it of shape [9, 2] in uint8, its centroids of shape [4, 6]"),
        (
            {"a.scale": codes_of((9,), "float32")},
            "it of shape [9, 2] in uint8, its centroids of shape [4, 6] in float16",
        ),
    ],
)
def test_codes_of_another_make_are_refused(tmp_path: Path, changed: dict[str, Array], found: str) -> None:
    tensors = {"a": codes_of((9, 2)), "a.centroids": codes_of((4, 6), "float16"), **changed}
    write_tensors(tmp_path / "t.safetensors", tensors, {"packed": {"a": "float16"}})
    with pytest.raises(DamagedError) as error:
        unpacked_kinds(read_header(tmp_path / "t.safetensors"))
    assert str(error.value) == f"expected a in codes, one for at most 4 numbers of its centroids; found {found}"


def test_a_code_of_no_centroid_is_refused(tmp_path: Path) -> None:
    tensors = {"a": codes_of((9, 2)), "a.centroids": codes_of((4, 6), "float16")}
    tensors["a"][7, 1] = 4
    write_tensors(tmp_path / "t.safetensors", tensors, {"packed": {"a": "float16"}})
    header = read_header(tmp_path / "t.safetensors")
    for read in (lambda: unpack(tensors, header), lambda: stored_rows(tensors, header, "a")):
        with pytest.raises(DamagedError) as error:
            read()
        assert str(error.value) == "expected a with codes below 4, found 4"


def with_many_words(model: Model, count: int) -> Model:
    """The same with so many words more, that training never saw, each with a vector."""
    words = model.vocabularies.words
    extra = tuple(f"{chr(97 + number * 7 % 26)}{number}é" for number in range(count))
    vectors = np.random.default_rng(2).standard_normal((count, model.config.model.word_dim))
    network = copy.deepcopy(model.network)
    network.embedding.word_table().extra = torch.from_numpy(vectors.astype(np.float16))
    return replace(model, network=network, vocabularies=model.vocabularies.with_words(replace(words, extra=extra)))


def test_small_vectors_stay_with_their_words_and_are_saved_again_as_they_are(
    corpus: Corpus, make_config: object, tmp_path: Path
) -> None:
    model = with_many_words(train_model(make_config(epochs=1), corpus), 3000)  # type: ignore[operator]
    save_model(shrink(model, weights="int8", keep_vectors="small"), tmp_path / "small")
    small = load_model(tmp_path / "small", "cpu")
    assert small.config.model.vector_storage == "small"
    words = small.vocabularies.words
    assert list(words.extra) == sorted(model.vocabularies.words.extra)
    assert "words.extra" not in read_header(tmp_path / "small/vocabulary.safetensors").tensors
    asked = [*model.vocabularies.words.extra[:50], *model.vocabularies.words.trained]
    tables = [each.network.embedding.word_table() for each in (model, small)]
    whole, found = (
        table.look_up(torch.from_numpy(each.vocabularies.words.ids_of(asked))).detach().numpy()
        for each, table in zip((model, small), tables, strict=True)
    )
    # Two bits a number: a word's vector is nearer to its own than to any other's.
    nearest = ((whole[:50, None] - found[None, :50]) ** 2).sum(axis=2).argmin(axis=1)
    assert nearest.tolist() == list(range(50))
    assert np.abs(whole[50:] - found[50:]).max() < 0.02  # so few words of training take 8 bits
    save_model(small, tmp_path / "again")
    for name in ("model.safetensors", "vocabulary.safetensors", "vocabulary.json", "config.json"):
        assert (tmp_path / "again" / name).read_bytes() == (tmp_path / "small" / name).read_bytes(), name
    opened = open_model(tmp_path / "small")
    stored = read_model(opened, unpacked_kinds(opened.header), rows=["embedding.words.extra"])
    assert "embedding.words.extra" not in stored.weights
    assert np.array_equal(stored.rows["embedding.words.extra"].rows(np.arange(9)), tables[1].extra[:9].float().numpy())


def test_the_first_words_of_the_vectors_are_kept(corpus: Corpus, make_config: object, tmp_path: Path) -> None:
    model = with_many_words(train_model(make_config(epochs=1), corpus), 300)  # type: ignore[operator]
    less = shrink(model, weights="fp32", keep_vectors="all", most_words=20)
    assert less.vocabularies.words.extra == model.vocabularies.words.extra[:20]
    tables = [each.network.embedding.word_table().extra for each in (less, model)]
    assert torch.equal(tables[0], tables[1][:20])
    save_model(less, tmp_path / "less")
    assert load_model(tmp_path / "less", "cpu").vocabularies == less.vocabularies


def test_words_can_be_left_out_by_count_only_where_they_are_in_the_order_of_their_vectors(
    corpus: Corpus, make_config: object
) -> None:
    model = train_model(make_config(epochs=1), corpus)  # type: ignore[operator]
    with pytest.raises(ConfigError) as error:
        shrink(model, weights="fp32", keep_vectors="all", most_words=0)
    assert str(error.value) == "words: expected at least 1, found 0; vectors seen keeps none"
    small = shrink(model, weights="fp32", keep_vectors="small")
    with pytest.raises(ConfigError) as error:
        shrink(small, weights="fp32", keep_vectors="all", most_words=5)
    assert str(error.value) == (
        "words: expected a model whose vectors are whole, with the most frequent words first, found one made small, "
        "with sorted words; shrink the model it was made of"
    )


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
