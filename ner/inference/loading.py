"""A network in memory and its model directory: from one to the other."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ner.config import Config
from ner.errors import ConfigError, ModelError
from ner.evaluation.training_entities import Memory
from ner.features.vocabulary import Vocabularies
from ner.storage.model_directory import StoredModel, open_model, read_model, write_model
from ner.storage.tensor_files import kind_of

if TYPE_CHECKING:
    from ner.network.model import BiLSTMCRF


@dataclass(frozen=True, slots=True)
class Model:
    """A trained network with all that using it takes, and what is told of it.

    `memory` is what it remembers of its training entities; None where it was told to forget, or is older.
    """

    config: Config
    vocabularies: Vocabularies
    network: "BiLSTMCRF"
    metrics: dict[str, Any]
    history: list[dict[str, Any]]
    memory: Memory | None = None


def load_model(folder: str | Path, device: str) -> Model:
    """The model of a directory, on a device, in eval mode. Torch's random numbers are left as they were.

    Args:
        folder: the model directory.
        device: a name that `choose_device` knows.

    Raises:
        ModelError: a file is missing or damaged, or the directory is of a newer format.
    """
    import torch

    from ner.inference.torch_backend import choose_device
    from ner.network.model import build_model

    place = choose_device(device)
    opened = open_model(folder)
    settings = opened.folder / "config.json"
    # On the meta device nothing is initialised that the file's weights replace in the next moment.
    try:
        with torch.device("meta"):
            network = build_model(opened.config.model, opened.vocabularies)
    except ConfigError as error:
        raise ModelError(f"{settings}: {error}; a cell of your own is added before loading") from None
    except RuntimeError:  # the number of some weights is beyond 64 bits
        raise ModelError(f"{settings}: expected sizes that a computer can hold, found others") from None
    wanted = {
        name: kind_of(list(tensor.shape), str(tensor.dtype).removeprefix("torch."))
        for name, tensor in network.state_dict().items()
    }
    stored = read_model(opened, wanted)
    network.load_state_dict({name: torch.from_numpy(array) for name, array in stored.weights.items()}, assign=True)
    # `to` also lays a recurrent layer's weights side by side, which cuDNN wants.
    network = network.to(place).eval()
    return Model(stored.config, stored.vocabularies, network, stored.metrics, stored.history, stored.memory)


def to_store(model: Model) -> StoredModel:
    """The same model as its directory holds it; the weights are copied from a GPU, else shared."""
    weights = {name: tensor.detach().cpu().numpy() for name, tensor in model.network.state_dict().items()}
    return StoredModel(model.config, model.vocabularies, weights, model.metrics, model.history, model.memory)


def save_model(
    model: Model, folder: str | Path, *, draw_curves: Callable[[], bytes | None] = lambda: None
) -> list[str]:
    """As `write_model`, of a network in memory."""
    return write_model(to_store(model), folder, draw_curves=draw_curves)
