"""Model directories and the state of an unfinished run: on disk without pickle, whole or not at all."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor

from ner.config import Config, parse_config
from ner.errors import ConfigError, ModelError
from ner.evaluation.memory import Memory, memory_from_dict
from ner.learning.card import write_card
from ner.network.model import BiLSTMCRF, build_model
from ner.resources.folders import staged_folder
from ner.text.vocabulary import Vocabularies, vocabularies_from_dict

FORMAT = 2  # of the model directory; counts up when an older package could not read a newer directory
_NEEDED = ("config.json", "vocabulary.json", "model.safetensors", "metrics.json")
_CURVES = "learning-curves.png"
_FILES = (*_NEEDED, "history.jsonl", "README.md", "entities.json", _CURVES)


@dataclass(frozen=True, slots=True)
class Model:
    """A trained network with all that using it takes, and what is told of it.

    `memory` is what it remembers of its training entities; None where it was told to forget, or is older.
    """

    config: Config
    vocabularies: Vocabularies
    network: BiLSTMCRF
    metrics: dict[str, Any]
    history: list[dict[str, Any]]
    memory: Memory | None = None


def save_model(model: Model, folder: str | Path, *, curves: bytes | None = None) -> None:
    """Writes a model directory; it appears whole, or the one that stood there stays.

    Args:
        model: what to write.
        folder: a new folder, or a model's.
        curves: a picture of the training run, a PNG; None: without one.

    Raises:
        ModelError: the folder holds something that isn't a model, or can't be written.
    """
    folder = Path(folder)
    check_target(folder)
    with _writing(folder) as part:
        _write_json(
            part / "config.json", {"format": FORMAT, **model.config.model_dump(exclude=_left_out(model.config))}
        )
        _write_json(part / "vocabulary.json", model.vocabularies.as_dict())
        _write_tensors(part / "model.safetensors", model.network.state_dict())
        _write_json(part / "metrics.json", model.metrics)
        lines = "".join(json.dumps(epoch) + "\n" for epoch in model.history)
        (part / "history.jsonl").write_text(lines, encoding="utf-8")
        if model.memory is not None:
            _write_json(part / "entities.json", model.memory.as_dict())
        if curves is not None:
            (part / _CURVES).write_bytes(curves)
        card = write_card(
            folder,
            labels=model.vocabularies.labels,
            metrics=model.metrics,
            seed=model.config.training.seed,
            curves=None if curves is None else _CURVES,
        )
        (part / "README.md").write_text(card, encoding="utf-8")


def check_target(folder: Path) -> None:
    """Nothing, where a model may be written to this folder: a new or empty one, or a model's.

    Raises:
        ModelError: it holds something else, or one stands in it.
    """
    if Path.cwd().is_relative_to(folder.resolve()):
        raise ModelError(f"{folder}: expected a new folder or a model's, found the current one; choose another --out")
    names = {path.name for path in folder.iterdir()} if folder.is_dir() else set()
    # The folder is replaced as a whole, so nothing may lie there that isn't a model's: many tools write a config.json.
    if folder.is_file() or (names and not {"vocabulary.json"} <= names <= set(_FILES)):
        raise ModelError(f"{folder}: expected a new folder or a model's, found other files; choose another --out")


def load_model(folder: str | Path, device: torch.device) -> Model:
    """The model of a directory, on a device, in eval mode. Torch's random numbers are left as they were.

    Raises:
        ModelError: a file is missing or damaged, or the directory is of a newer format.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise ModelError(f"{folder}: no such model directory; `ner train` writes one")
    for name in _NEEDED:
        if not (folder / name).exists():
            raise ModelError(f"{folder}: expected {name} in a model directory, found none; train or copy it again")
    values = _read_json(folder / "config.json")
    found = values.pop("format", None)
    if not isinstance(found, int) or found > FORMAT:
        raise ModelError(f"{folder}: expected model format {FORMAT} or older, found {found}; update bilstm-crf-ner")
    try:
        config = parse_config(values, str(folder / "config.json"))
    except ConfigError as error:
        raise ModelError(str(error)) from None
    try:
        vocabularies = vocabularies_from_dict(_read_json(folder / "vocabulary.json"))
    except (KeyError, TypeError, ValueError) as error:
        raise ModelError(f"{folder / 'vocabulary.json'}: damaged: {error!r}; train or copy it again") from None
    # On the meta device nothing is initialised that the file's weights replace in the next moment.
    try:
        with torch.device("meta"):
            network = build_model(config.model, vocabularies)
    except ConfigError as error:
        raise ModelError(f"{folder / 'config.json'}: {error}; a cell of your own is added before loading") from None
    weights = _read_weights(folder / "model.safetensors", network, device, old_names=found == 1)
    network.load_state_dict(weights, assign=True)
    # `to` also lays a recurrent layer's weights side by side, which cuDNN wants.
    network = network.to(device).eval()
    metrics, history = _read_json(folder / "metrics.json"), _read_history(folder)
    return Model(config, vocabularies, network, metrics, history, _read_memory(folder))


def save_state(folder: Path, tensors: dict[str, Tensor], values: dict[str, Any]) -> None:
    """Writes the state of an unfinished run, so that it can be resumed; the last one stays until it is whole.

    Raises:
        ModelError: the folder can't be written.
    """
    with _writing(folder) as part:
        _write_tensors(part / "state.safetensors", tensors)
        _write_json(part / "state.json", values)


def load_state(folder: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """What `save_state` wrote.

    Raises:
        ModelError: there is none, or it is damaged.
    """
    if not (folder / "state.json").exists():
        raise ModelError(f"{folder}: no unfinished run to resume; train without --resume")
    try:
        values = json.loads((folder / "state.json").read_text(encoding="utf-8"))
        if not isinstance(values, dict):
            raise ValueError(f"expected a JSON object, found {type(values).__name__}")
        missing = {"config", "corpus", "best_f1", "best_epoch", "seconds", "average_steps", "history"} - values.keys()
        if missing:
            raise ValueError(f"expected {', '.join(sorted(missing))} in state.json, found none")
        return load_file(folder / "state.safetensors"), values
    except (SafetensorError, OSError, ValueError) as error:
        raise ModelError(f"{folder}: damaged: {error}; remove it and train without --resume") from None


def package_versions() -> dict[str, str]:
    """The versions that a result depends on."""
    return {name: version(name) for name in ("bilstm-crf-ner", "torch", "pytorch-crf", "numpy")}


def _left_out(config: Config) -> dict[str, set[str]]:
    """Settings that came after this format and change no trained model, where they stand at their default.

    They aren't written, so that an older package reads the directory.
    """
    later, default = {"remember_entities", "tensorboard"}, Config().training
    return {"training": {name for name in later if getattr(config.training, name) == getattr(default, name)}}


@contextmanager
def _writing(folder: Path) -> Iterator[Path]:
    """A fresh folder that takes this one's place when all went well; a full disk is an error with a way out."""
    try:
        with staged_folder(folder) as part:
            yield part
    except (OSError, SafetensorError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ModelError(f"{folder}: can't be written: {reason}; free space there, or choose another --out") from None


def _read_weights(
    path: Path, network: BiLSTMCRF, device: torch.device, *, old_names: bool = False
) -> dict[str, Tensor]:
    """The tensors of a file, each as this network wants it."""
    try:
        found = load_file(path, device=str(device))
    except (SafetensorError, OSError) as error:
        raise ModelError(f"{path}: damaged: {error}; train or copy it again") from None
    if old_names:
        # In format 1 a recurrent cell was PyTorch's own module, not one that holds it.
        found = {re.sub(r"_cell\.(weight|bias)_", r"_cell.fused.\1_", name): tensor for name, tensor in found.items()}
    wanted = {name: list(tensor.shape) for name, tensor in network.state_dict().items()}
    shapes = {name: list(tensor.shape) for name, tensor in found.items()}
    for name in sorted(wanted.keys() | shapes.keys()):
        if wanted.get(name) != shapes.get(name):
            raise ModelError(
                f"{path}: expected {name} {_shape(wanted.get(name))}, found it {_shape(shapes.get(name))}; "
                "train or copy it again"
            )
    return found


def _shape(shape: list[int] | None) -> str:
    return "absent" if shape is None else f"of shape {shape}"


def _read_history(folder: Path) -> list[dict[str, Any]]:
    """The epochs; none where a model came without them, since nothing but a copy of the model reads them."""
    path = folder / "history.jsonl"
    if not path.exists():
        return []
    try:
        return [dict(json.loads(line)) for line in path.read_text(encoding="utf-8").splitlines()]
    except (ValueError, TypeError) as error:
        raise ModelError(f"{path}: damaged: {error}; train or copy it again") from None


def _read_memory(folder: Path) -> Memory | None:
    path = folder / "entities.json"
    if not path.exists():
        return None
    try:
        return memory_from_dict(_read_json(path))
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ModelError(f"{path}: damaged: {error!r}; train or copy it again") from None


def _write_tensors(path: Path, tensors: dict[str, Tensor]) -> None:
    # Not save_file(), whose files only their owner can read.
    path.write_bytes(save({name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}))


def _write_json(path: Path, values: Any) -> None:
    # A word of a vectors file may hold half a surrogate pair, which plain UTF-8 refuses.
    text = json.dumps(values, ensure_ascii=False, indent=1) + "\n"
    path.write_text(text, encoding="utf-8", errors="surrogatepass")


def _read_json(path: Path) -> dict[str, Any]:
    try:
        values = json.loads(path.read_text(encoding="utf-8", errors="surrogatepass"))
    except (ValueError, OSError) as error:
        raise ModelError(f"{path}: damaged: {error}; train or copy it again") from None
    if not isinstance(values, dict):
        raise ModelError(f"{path}: expected a JSON object, found {type(values).__name__}; train or copy it again")
    return values
