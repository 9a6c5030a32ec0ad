"""Emissions by PyTorch, on a CPU or a GPU."""

from collections.abc import Callable, Iterator, Sequence

import torch

from ner.crf.chain import Chain
from ner.errors import ConfigError
from ner.features.batches import Batch
from ner.features.feature import Arrays
from ner.inference.backend import Floats, Item, Result
from ner.inference.packed import in_inference_mode
from ner.network.inputs import to_inputs
from ner.network.model import BiLSTMCRF
from ner.threads import count_threads, side_by_side, survive_forks


class TorchBackend:
    """A network as it is now: whoever changes its weights makes another one."""

    def __init__(self, network: BiLSTMCRF) -> None:
        """The network is in eval mode after."""
        survive_forks()
        self.network = network
        self._packed = in_inference_mode(network)
        self._device = network.projection.weight.device
        self.chain: Chain = network.crf.chain()
        self.of_words = network.embedding.of_words

    @torch.inference_mode()
    def encode_words(self, words: Arrays) -> Floats:
        """As `Backend.encode_words`."""
        tensors = {name: torch.from_numpy(array).to(self._device) for name, array in words.items()}
        return self._packed.embedding.encode_words(tensors).cpu().numpy()

    @torch.inference_mode()
    def emissions(self, batch: Batch) -> Floats:
        """As `Backend.emissions`."""
        found = self._packed.emissions(to_inputs(batch).to(self._device))
        return found.cpu().numpy()

    def batches_at_once(self) -> int:
        """As many as PyTorch may use threads, on a CPU."""
        return count_threads() if self._device.type == "cpu" else 1

    def side_by_side(self, work: Callable[[Item], Result], items: Sequence[Item]) -> Iterator[Result]:
        """As `Backend.side_by_side`."""
        return map(work, items) if self.batches_at_once() == 1 else side_by_side(work, items)


def choose_device(name: str) -> torch.device:
    """The device of this name; `auto` is a GPU where there is one.

    Raises:
        ConfigError: no such device, or none here.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device: torch.device | None = torch.device(name)
    except RuntimeError:
        device = None
    if device is None or device.type not in ("cpu", "cuda"):
        raise ConfigError(f"device: expected auto, cpu, cuda or cuda:1, found {name!r}")
    if device.type == "cuda" and (not torch.cuda.is_available() or (device.index or 0) >= torch.cuda.device_count()):
        raise ConfigError(
            f"device: {name!r} isn't here: PyTorch sees {torch.cuda.device_count()} CUDA devices; "
            "auto takes what is there"
        )
    return device
