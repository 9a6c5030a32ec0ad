"""A network in memory and its model directory: from one to the other."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ner.config import Config
from ner.errors import ConfigError, ModelError, shortened
from ner.evaluation.training_entities import Memory
from ner.features.vocabulary import Vocabularies
from ner.forward.network import MakeEncoder, Network, weight_shapes
from ner.forward.weights import Weight
from ner.inference.pretrained import load_encoder
from ner.inference.runtimes import choose_runtime, need_torch
from ner.storage.model_directory import OpenModel, StoredModel, open_model, read_model, write_model
from ner.storage.rows import StoredRows
from ner.storage.tensor_files import Array, kind_of

if TYPE_CHECKING:
    from ner.evaluation.adjustment import Adjustment
    from ner.network.model import BiLSTMCRF


@dataclass(frozen=True, slots=True)
class Model:
    """A trained network with all that using it takes, and what is told of it.

    `memory` is what it remembers of its training entities; None where it was told to forget, or is older.
    """

    config: Config
    vocabularies: Vocabularies
    network: "BiLSTMCRF | Network"
    """PyTorch's, or one that only reads."""
    metrics: dict[str, Any]
    history: list[dict[str, Any]]
    memory: Memory | None = None
    runtime: str = "torch"
    """What computes: a name of `runtimes.RUNTIMES`."""
    adjustment: "Adjustment | None" = None
    """What `ner calibrate` fitted."""
    terms: str = ""
    """Licence and attributions of what it was made of, which its card tells."""


def in_short(model: Model, folder: Path | None) -> str:
    """A line that tells a recognizer: where its model is, what it finds and how well, and what computes.

    Args:
        model: of it.
        folder: holds the model; None: it isn't saved.
    """
    dev = model.metrics.get("dev")
    scores = f"; dev F1 {100 * dev['micro']['f1']:.2f}" if dev else ""
    labels = shortened(", ".join(model.vocabularies.labels))
    place = "not saved" if folder is None else repr(str(folder))
    return f"Tagger({place}: {labels}{scores}; runtime {model.runtime})"


def load_model(folder: str | Path, device: str, *, runtime: str = "torch") -> Model:
    """The model of a directory, ready to read. Torch's random numbers are left as they were.

    Args:
        folder: the model directory.
        device: a name that `choose_device` knows; `auto` and `cpu` are the processor where PyTorch isn't what computes.
        runtime: a name of `RUNTIMES`, or `auto`.

    Raises:
        ModelError: a file is missing or damaged, or the directory is of a newer format.
        ConfigError: no such device or runtime, or none here.
    """
    opened = open_model(folder)
    contextual = "contextual" in opened.vocabularies.features
    chosen = choose_runtime(runtime, device, opened.config.model, contextual=contextual)
    opened = replace(opened, vocabularies=opened.vocabularies.located(opened.folder, device, load_encoder))
    if chosen == "torch":
        return _on_torch(opened, device)
    settings = opened.config.model
    try:
        shapes = weight_shapes(settings, opened.vocabularies)
    except ConfigError as error:
        raise ModelError(f"{opened.folder / 'config.json'}: {error}") from None
    wanted = {
        name: kind_of(list(shape), "float16" if name.endswith(".extra") else "float32")
        for name, shape in shapes.items()
    }
    # The rows of a table of words are read as words come: most of them never do.
    tables = [name for name in wanted if name.endswith((".extra", ".trained.weight"))]
    stored = read_model(opened, wanted, rows=tables)
    weights: dict[str, Weight] = {**stored.weights, **stored.rows}
    network = Network(settings, opened.vocabularies, weights, make_encoder=_encoders(chosen))
    return _made(stored, network, chosen)


def _encoders(runtime: str) -> MakeEncoder:
    if runtime == "onnx":
        from ner.forward.onnx_encoder import OnnxEncoder

        return OnnxEncoder
    from ner.forward.encoder import NumPyEncoder

    return NumPyEncoder


def _on_torch(opened: OpenModel, device: str) -> Model:
    from ner.inference.torch_backend import choose_device

    place = choose_device(device)
    network = _empty(opened)
    wanted = {
        name: kind_of(list(tensor.shape), str(tensor.dtype).removeprefix("torch."))
        for name, tensor in network.state_dict().items()
    }
    stored = read_model(opened, wanted)
    # `to` also lays a recurrent layer's weights side by side, which cuDNN wants.
    return _made(stored, _filled(network, stored.weights).to(place).eval(), "torch")


def _empty(opened: OpenModel) -> "BiLSTMCRF":
    """A network without numbers: on the meta device nothing is initialised that weights replace in the next moment."""
    import torch

    from ner.network.model import build_model

    settings = opened.folder / "config.json"
    try:
        with torch.device("meta"):
            return build_model(opened.config.model, opened.vocabularies)
    except ConfigError as error:
        raise ModelError(f"{settings}: {error}; a cell of your own is added before loading") from None
    except RuntimeError:  # the number of some weights is beyond 64 bits
        raise ModelError(f"{settings}: expected sizes that a computer can hold, found others") from None


def _filled(network: "BiLSTMCRF", weights: dict[str, Array]) -> "BiLSTMCRF":
    import torch

    network.load_state_dict({name: torch.from_numpy(array) for name, array in weights.items()}, assign=True)
    return network


def _made(stored: StoredModel, network: "BiLSTMCRF | Network", runtime: str) -> Model:
    parts = (stored.metrics, stored.history, stored.memory, runtime, stored.adjustment, stored.terms)
    return Model(stored.config, stored.vocabularies, network, *parts)


def torch_network(model: Model) -> "BiLSTMCRF":
    """The model's network as PyTorch has it, which can be looked into and changed; of another runtime, a new one.

    Raises:
        ConfigError: PyTorch isn't installed.
    """
    if not isinstance(model.network, Network):
        return model.network
    need_torch("to look into a network or to change it")
    import torch

    from ner.network.model import build_model

    with torch.device("meta"):
        empty = build_model(model.config.model, model.vocabularies)
    return _filled(empty, _unpacked(model.network)).eval()


def _unpacked(network: Network) -> dict[str, Array]:
    """All weights as arrays."""
    weights = {}
    for name, weight in network.weights.items():
        if isinstance(weight, StoredRows):
            weights[name] = weight.rows(np.arange(weight.shape[0])).astype(weight.dtype, copy=False)
        else:
            weights[name] = weight
    return weights


def to_store(model: Model) -> StoredModel:
    """The same model as its directory holds it; the weights are copied from a GPU, else shared."""
    if isinstance(model.network, Network):
        weights = _unpacked(model.network)
    else:
        weights = {name: tensor.detach().cpu().numpy() for name, tensor in model.network.state_dict().items()}
    parts = (model.metrics, model.history, model.memory)
    return StoredModel(
        model.config, model.vocabularies, weights, *parts, adjustment=model.adjustment, terms=model.terms
    )


def save_model(
    model: Model, folder: str | Path, *, draw_curves: Callable[[], bytes | None] = lambda: None
) -> list[str]:
    """As `write_model`, of a network in memory."""
    return write_model(to_store(model), folder, draw_curves=draw_curves)
