"""The files of a pretrained encoder: which are taken, and what is said where they aren't whole."""

import json
import shutil
from pathlib import Path

import pytest

from ner.errors import ConfigError
from ner.features.pretrained import check_installed, load_pretrained
from ner.features.transformer_files import open_files
from ner.inference.pretrained import load_encoder


def make_folder(folder: Path, **settings: object) -> Path:
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(settings))
    (folder / "model.safetensors").write_bytes(b"weights")
    return folder


SHAPE = {"hidden_size": 8, "num_hidden_layers": 2, "max_position_embeddings": 64}


def message(name: Path | str, **options: bool) -> str:
    with pytest.raises(ConfigError) as error:
        open_files(str(name), **options)
    return str(error.value)


@pytest.mark.parametrize(
    ("settings", "limit"),
    [
        ({}, 64),
        ({"max_position_embeddings": 4096}, 512),
        # RoBERTa numbers positions from behind the padding's number.
        ({"max_position_embeddings": 514, "model_type": "roberta", "pad_token_id": 1}, 512),
        ({"max_position_embeddings": None}, 512),
    ],
)
def test_the_shape_is_that_of_the_settings(settings: dict[str, object], limit: int, tmp_path: Path) -> None:
    files = open_files(str(make_folder(tmp_path / "encoder", **{**SHAPE, **settings})))
    assert (files.width, files.num_layers, files.limit) == (8, 2, limit)


def test_names_of_other_families_are_understood(tmp_path: Path) -> None:
    files = open_files(str(make_folder(tmp_path / "distilbert", dim=4, n_layers=6)))
    assert (files.width, files.num_layers) == (4, 6)


def test_the_digest_is_of_contents_and_not_of_the_place(tmp_path: Path) -> None:
    first, second = (open_files(str(make_folder(tmp_path / name, **SHAPE))) for name in ("a", "b"))
    assert first.sha256 == second.sha256
    (tmp_path / "b" / "vocab.txt").write_text("anna\n")
    with_words = open_files(str(tmp_path / "b")).sha256
    assert with_words != first.sha256
    (tmp_path / "b" / "README.md").write_text("no part of it")
    assert open_files(str(tmp_path / "b")).sha256 == with_words


def test_a_copy_is_taken_before_the_folder_that_is_named(tmp_path: Path) -> None:
    copy = make_folder(tmp_path / "copy", **SHAPE)
    assert open_files(str(tmp_path / "nowhere"), copies=[tmp_path / "none", copy]).folder == copy


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    path = tmp_path / "none"
    assert message(path) == f"features.contextual: expected the folder of an encoder, found no such folder: {path}"


def test_a_folder_without_settings_is_refused(tmp_path: Path) -> None:
    assert message(tmp_path) == (
        f"features.contextual: expected config.json in {tmp_path}, found none; "
        "name a folder that save_pretrained of a model of transformers wrote"
    )


def test_weights_in_a_pickle_are_refused(tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "encoder", **SHAPE)
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    assert message(folder) == (
        f"features.contextual: expected weights in {folder / 'model.safetensors'}, found none; "
        "save_pretrained of a model of transformers writes them"
    )


def test_settings_that_are_no_encoders_are_refused(tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "encoder", hidden_size="wide")
    assert message(folder) == (
        f"features.contextual: expected hidden_size and num_hidden_layers in {folder / 'config.json'}, found 'wide' "
        "and None; is it a model of transformers for text?"
    )
    (folder / "config.json").write_text("[")
    assert message(folder) == (
        f"features.contextual: expected settings of an encoder in {folder / 'config.json'}, found something else"
    )


def test_a_name_of_the_hub_that_was_not_fetched_is_told_how_to_be(monkeypatch: pytest.MonkeyPatch) -> None:
    hub = pytest.importorskip("huggingface_hub", reason="the extra `contextual`")
    asked = []

    def nothing(name: str, *, local_files_only: bool, **options: object) -> str:
        asked.append(local_files_only)
        raise OSError("no network\nat all")

    monkeypatch.setattr(hub, "snapshot_download", nothing)
    wanted = (
        "features.contextual: expected a folder or a fetched model of the Hugging Face hub, found no some/bert here"
    )
    way_out = "; fetch it by `hf download some/bert`, or name a folder that holds it"
    assert message("some/bert") == wanted + way_out
    assert asked == [True]
    assert message("some/bert", fetch=True) == (
        f"{wanted} and the hub has none or can't be reached (no network){way_out}"
    )
    assert asked == [True, True, False]


def test_without_the_hubs_package_a_name_is_told_what_it_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ner.distribution.is_there", lambda name: False)
    assert message("some/bert") == (
        "features.contextual: expected a folder, found none named some/bert; names of the Hugging Face hub need "
        "pip install 'bilstm-crf-ner[contextual]'"
    )
    monkeypatch.setattr("ner.features.pretrained.is_there", lambda name: False)
    with pytest.raises(ConfigError) as error:
        check_installed()
    assert str(error.value) == (
        "features.contextual: expected torch and transformers, which run its encoder, not installed here; "
        "pip install 'bilstm-crf-ner[contextual]'"
    )


def test_files_that_transformers_cant_load_are_told(tmp_path: Path) -> None:
    pytest.importorskip("transformers", reason="the extra `contextual`")
    files = open_files(str(make_folder(tmp_path / "encoder", **SHAPE)))
    with pytest.raises(ConfigError) as error:
        load_pretrained(files, "cpu", load_encoder)
    said = str(error.value)
    assert said.startswith(f"features.contextual: {files.folder} can't be loaded: ValueError: ")
    assert said.endswith("; expected a tokenizer and a model as save_pretrained of transformers writes them")


def test_code_that_lies_beside_an_encoder_is_not_run(tiny_bert: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(tiny_bert, tmp_path / "encoder"))
    settings = json.loads((folder / "config.json").read_text())
    own = {"model_type": "own", "auto_map": {"AutoConfig": "own.Config", "AutoModel": "own.Model"}}
    (folder / "config.json").write_text(json.dumps({**settings, **own}))
    (folder / "own.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\n")
    files = open_files(str(folder))
    with pytest.raises(ConfigError) as error:
        load_pretrained(files, "cpu", load_encoder)
    assert str(error.value).startswith(f"features.contextual: {files.folder} can't be loaded: ValueError: ")
    assert not (tmp_path / "ran").exists()
