"""Emissions without PyTorch: by NumPy, or with the recurrent layers on ONNX Runtime."""

from collections.abc import Callable, Iterator, Sequence

from ner.features.batches import Batch
from ner.features.feature import Arrays
from ner.forward.network import Network
from ner.inference.backend import Floats, Item, Result
from ner.threads import at_once, count_threads


class ArrayBackend:
    """A network of `ner.forward`; each batch is one thread's work."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self.chain = network.chain
        self.of_words = network.of_words

    def encode_words(self, words: Arrays) -> Floats:
        """As `Backend.encode_words`."""
        return self._network.encode_words(words)

    def emissions(self, batch: Batch) -> Floats:
        """As `Backend.emissions`."""
        return self._network.emissions(batch)

    def batches_at_once(self) -> int:
        """As many as there may be threads."""
        return count_threads()

    def side_by_side(self, work: Callable[[Item], Result], items: Sequence[Item]) -> Iterator[Result]:
        """As `Backend.side_by_side`."""
        return at_once(work, items)
