"""A pretrained encoder at work: words to pieces, pieces to a state of each word.

What the features ask of it is a `PretrainedEncoder` of `ner/features/pretrained.py`. It is loaded once in a process.
What is ours: which pieces are read together (`transformer_windows`), and that nothing is cut; the library cuts in
silence.
"""

from collections.abc import Sequence
from functools import cache, lru_cache
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ner.features.pretrained import Pieces, Reading, States
from ner.features.transformer_files import TransformerFiles
from ner.network.layer import has_bf16
from ner.processor import multiplies_bf16

# Pieces of a batch, padding included: on two cores more aren't faster, and a GPU wants many.
_BATCH_PIECES = {"cpu": 2048, "cuda": 32_768}
_SHORT = 512  # pieces that most encoders read at once
_LARGEST = float(np.finfo(np.float16).max)


class Transformer:
    """A `PretrainedEncoder` that PyTorch runs."""

    def __init__(self, files: TransformerFiles, device: torch.device, *, bf16: bool) -> None:
        """`bf16`: it computes in bfloat16, unless this encoder can't."""
        self._tokenizer, self._model = _load(files, device)
        self._device = device
        self._begin, self._end = _ends(self._tokenizer)
        self._padding = int(self._tokenizer.pad_token_id or 0)
        self.unknown: int | None = self._tokenizer.unk_token_id
        self.room = files.limit - len(self._begin) - len(self._end)
        self._bf16 = bf16
        if bf16:
            for module in self._model.modules():
                if isinstance(module, nn.Linear):
                    module.to(torch.bfloat16)  # frozen weights are converted by autocast at each batch (torch 2.13)
            if not self._reads_well(files.num_layers):
                self._bf16 = False
                _, self._model = _load(files, device)
        self.kind: str = f"{device.type} bf16" if self._bf16 else device.type

    def pieces(self, words: Sequence[str]) -> list[tuple[int, ...]]:
        """As `PretrainedEncoder`."""
        if not words:
            return []
        # With a space before it, tokenizers that tell the beginning of a word from its middle see the beginning.
        found = self._tokenizer([f" {word}" for word in words], add_special_tokens=False, verbose=False)["input_ids"]
        return list(map(tuple, found))

    def vocabulary(self) -> list[str]:
        """As `PretrainedEncoder`."""
        numbers: dict[str, int] = self._tokenizer.get_vocab()
        return sorted(numbers, key=lambda piece: numbers[piece])

    def batches(self, readings: Sequence[Reading]) -> list[list[int]]:
        """Which readings are computed together: long ones with long ones, the longest first."""
        most = _BATCH_PIECES.get(self._device.type, _BATCH_PIECES["cpu"])
        specials = len(self._begin) + len(self._end)
        sizes = [reading.num_pieces + specials for reading in readings]
        batches: list[list[int]] = []
        for index in sorted(range(len(readings)), key=lambda index: -sizes[index]):
            if batches and (len(batches[-1]) + 1) * sizes[batches[-1][0]] <= most:
                batches[-1].append(index)
            else:
                batches.append([index])
        return batches

    def read(self, readings: Sequence[Reading], *, layers: Sequence[int], mean: bool, pieces: Pieces) -> States:
        """As `PretrainedEncoder`."""
        ids, mask, where, word_of, weights, num_words = self._arrange(readings, pieces)
        half = torch.autocast(self._device.type, dtype=torch.bfloat16, enabled=self._bf16)
        with torch.inference_mode(), half:
            hidden: Sequence[Tensor] = self._model(
                input_ids=ids, attention_mask=mask, output_hidden_states=True
            ).hidden_states  # of each layer (B, T, W)
            states = torch.stack([hidden[layer].flatten(0, 1)[where].float() for layer in layers], dim=1)  # (P, L, W)
            if mean and len(layers) > 1:
                states = states.mean(dim=1, keepdim=True)
            sums = states.new_zeros(num_words, *states.shape[1:])
            sums.index_add_(0, word_of, states * weights[:, None, None])
            return sums.clamp_(-_LARGEST, _LARGEST).half().cpu().numpy()

    def _reads_well(self, layer: int) -> bool:
        """Whether it reads a short and a longer text to finite states; some encoders know float32 alone (DeBERTa).

        Of long texts others compute in another way than of short ones (BigBird from 704 pieces on).
        """
        piece = next(iter(self.pieces(["a"])[0]), 0)
        longest = 3 if self.room <= _SHORT else min(self.room, 2 * _SHORT)
        probe = [Reading(((piece,) * size,), 0, 1) for size in (1, longest)]
        try:
            states = self.read(probe, layers=[layer], mean=True, pieces="mean")
        except Exception:  # the library below raises anything
            return False
        return bool(np.isfinite(states).all())

    def _arrange(
        self, readings: Sequence[Reading], pieces: Pieces
    ) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor, int]:
        """Padded ids and mask (B, T); of P pieces that count where they stand (in B·T), whose word's, how much."""
        rows = [[*self._begin, *(piece for word in each.words for piece in word), *self._end] for each in readings]
        longest = max(map(len, rows))
        ids = torch.full((len(rows), longest), self._padding, dtype=torch.long)
        where: list[int] = []
        word_of: list[int] = []
        weights: list[float] = []
        number = 0
        for row, reading in enumerate(readings):
            ids[row, : len(rows[row])] = torch.tensor(rows[row], dtype=torch.long)
            at = row * longest + len(self._begin) + sum(map(len, reading.words[: reading.first]))
            for word in reading.words[reading.first : reading.last]:
                counted = range(at, at + len(word))
                at += len(word)
                counted = counted if pieces == "mean" else counted[:1] if pieces == "first" else counted[-1:]
                where += counted
                word_of += [number] * len(counted)
                weights += [1 / len(counted)] * len(counted) if counted else []
                number += 1
        lengths = torch.tensor([len(row) for row in rows])
        mask = (torch.arange(longest) < lengths[:, None]).long()
        arranged = (ids, mask, torch.tensor(where, dtype=torch.long), torch.tensor(word_of, dtype=torch.long))
        return *(tensor.to(self._device) for tensor in (*arranged, torch.tensor(weights))), number  # type: ignore[return-value]


def load_transformer(files: TransformerFiles, device: str, bf16: bool) -> Transformer:
    """The encoder of these files, loaded once in a process for each device and precision; a `LoadEncoder`."""
    place, built = _place(device)
    return _loaded(files, place, bf16 and built)


@cache  # each call that tags asks
def _place(device: str) -> tuple[torch.device, bool]:
    """The device of this name, and whether it is built for bfloat16."""
    place = torch.device(("cuda" if torch.cuda.is_available() else "cpu") if device == "auto" else device)
    # Where a processor only imitates bfloat16, oneDNN's products take longer than in float32.
    return place, (place.type == "cuda" or multiplies_bf16()) and has_bf16(place)


@lru_cache(maxsize=2)
def _loaded(files: TransformerFiles, device: torch.device, bf16: bool) -> Transformer:
    return Transformer(files, device, bf16=bf16)


def _load(files: TransformerFiles, device: torch.device) -> tuple[Any, Any]:
    """Tokenizer and model, which is frozen, in float32."""
    import transformers
    from transformers.utils import logging

    # No network, and no code that lies beside the weights: without the second the library would ask on the terminal.
    alone: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}
    shown, verbosity = logging.is_progress_bar_enabled(), logging.get_verbosity()
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    # That a task's own layer isn't used is none of the user's business.
    logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    try:
        tokenizer = transformers.AutoTokenizer.from_pretrained(files.folder, **alone)
        model = transformers.AutoModel.from_pretrained(files.folder, **alone, use_safetensors=True, dtype="float32")
    finally:
        logging.set_verbosity(verbosity)
        if shown:
            logging.enable_progress_bar()  # type: ignore[no-untyped-call]
    encoder = model.get_encoder() if model.config.is_encoder_decoder else model
    return tokenizer, encoder.to(device).eval().requires_grad_(False)


def _ends(tokenizer: Any) -> tuple[list[int], list[int]]:
    """The pieces that a model wants before a text and behind it."""
    inside = tokenizer(" a", add_special_tokens=False)["input_ids"]
    whole = tokenizer(" a")["input_ids"]
    for start in range(len(whole) - len(inside) + 1):
        if whole[start : start + len(inside)] == inside:
            return whole[:start], whole[start + len(inside) :]
    return [], []
