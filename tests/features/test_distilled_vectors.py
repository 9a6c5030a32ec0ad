"""Vectors that are made of a pretrained encoder: each word's is of its own state, and training takes them."""

from pathlib import Path

import numpy as np
import pytest

from ner.errors import ConfigError
from ner.features.distilled_vectors import components, distil
from ner.inference.pretrained import load_encoder
from ner.resources.compact import read_compact
from tests.tiny_bert import CHINESE, WORDS

transformers = pytest.importorskip("transformers", reason="the extra `contextual`")


def test_the_words_are_those_of_the_vocabulary_and_neighbours_stay_neighbours(tiny_bert: Path) -> None:
    vectors, files = distil(str(tiny_bert), load_encoder, dim=16)
    letters = [*"abcdefghijklmnopqrstuvwxyz0123456789"]
    assert vectors.words == [*WORDS, *CHINESE, *letters]
    import torch

    tokenizer = transformers.AutoTokenizer.from_pretrained(tiny_bert)
    model = transformers.AutoModel.from_pretrained(tiny_bert).eval()
    with torch.inference_mode():
        states = np.stack(
            [
                torch.stack(model(**tokenizer(word, return_tensors="pt"), output_hidden_states=True).hidden_states[1:])[
                    :, 0, 1
                ]
                .mean(dim=0)
                .numpy()
                for word in vectors.words
            ]
        )
    # All components: distances are those of the states, but for the scale.
    wanted = np.linalg.norm(states[:, None] - states, axis=-1)
    found = np.linalg.norm(vectors.matrix[:, None] - vectors.matrix, axis=-1)
    np.testing.assert_allclose(found / found.max(), wanted / wanted.max(), atol=3e-3)
    assert vectors.matrix.std() == pytest.approx(0.4, rel=1e-4)
    assert files.width == 16


def test_components_are_those_of_the_singular_value_decomposition() -> None:
    states = np.random.default_rng(2).normal(size=(50, 6)).astype(np.float32) * np.arange(1, 7, dtype=np.float32)
    centred = states - states.mean(axis=0)
    left, sizes, _ = np.linalg.svd(centred, full_matrices=False)
    wanted = (left * sizes)[:, :3]
    found = components(states, 3)
    np.testing.assert_allclose(np.abs(found) / found.std(), np.abs(wanted) / wanted.std(), atol=1e-4)


def test_the_command_writes_vectors_of_a_list(run, tiny_bert: Path, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    (tmp_path / "words.txt").write_text("Anna\nRome\nzebra\n\u200b\nBob\nlee\n", encoding="utf-8")
    out = tmp_path / "vectors"
    options = ["--out", out, "--words", tmp_path / "words.txt", "--dim", "4"]
    code, said, err = run("vectors", "distil", tiny_bert, *options)
    assert (code, err) == (0, "")
    assert said == f"{out}: 5 words of 4 numbers; --set model.vectors={out} --set model.word_dim=4\n"
    vectors = read_compact(out)
    assert (vectors.words, vectors.matrix.shape) == (["Anna", "Rome", "zebra", "Bob", "lee"], (5, 4))
    assert run("vectors", "distil", tiny_bert, *options)[0] == 0  # what it wrote it may replace
    code, _, err = run("vectors", "distil", tiny_bert, "--out", tmp_path)
    assert (code, err) == (
        2,
        f"error: --out: expected a new folder or one of vectors, found something else in {tmp_path}\n",
    )


def test_a_folder_that_is_no_encoder_is_told_of_the_argument_and_not_of_a_setting(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as error:
        distil(str(tmp_path), load_encoder)
    assert str(error.value) == (
        f"ENCODER: expected config.json in {tmp_path}, found none; name a folder that save_pretrained of a model of "
        "transformers wrote"
    )


def test_too_few_words_or_too_many_dimensions_are_refused(tiny_bert: Path) -> None:
    with pytest.raises(ConfigError) as error:
        distil(str(tiny_bert), load_encoder, dim=17)
    assert str(error.value) == "--dim: expected at least 1 and at most 16, the encoder's width, found 17"
    with pytest.raises(ConfigError) as error:
        distil(str(tiny_bert), load_encoder, words=["Anna", "\u200b"], dim=2)
    assert str(error.value) == "--words: expected more than 2 words with pieces, as --dim has it, found 1"
