"""What a pretrained encoder makes of a word where it stands: a state for each, beside what is known of the word alone.

The encoder is frozen: its states are numbers like any others, made once and kept (`kept_states`). Which of its layers
are used is a setting, and their mix may be learned (Peters et al. 2018, section 3.2). A word's state is that of its
first or last piece, or their mean. How much of a document is read together: `transformer_windows`.
"""

import hashlib
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import accumulate
from pathlib import Path
from typing import Any, Self

import numpy as np

from ner.config import Config
from ner.errors import ConfigError, ModelError
from ner.features.checks import flag
from ner.features.feature import Arrays, Feature, Material, Numbers, Tokens
from ner.features.kept_states import Known, States, kept_now, read_all, read_kept
from ner.features.pretrained import (
    LoadEncoder,
    Pieces,
    PretrainedEncoder,
    Reading,
    check_installed,
    load_pretrained,
    share_unknown,
)
from ner.features.transformer_files import TransformerFiles, files_of, open_files
from ner.features.transformer_windows import most_pieces, windows_of
from ner.resources.model_names import ENCODER
from ner.text.documents import number_documents
from ner.text.sentence import Sentence

_MOST_UNKNOWN = 0.5


@dataclass(frozen=True)
class Contextual(Feature):
    """States `contextual.states` (N, L, W) of half precision, and `contextual.known` (N,): which words have one.

    L is 1, or with `learned` the number of layers; a word without any piece has zeros. The network makes a vector of
    `dim` numbers of them.
    """

    name = "contextual"

    encoder: str
    sha256: str
    width: int
    layers: tuple[int, ...]
    documents: bool
    """Whether a sentence is read with the rest of its document; else alone, as in training."""
    learned: bool
    pieces: Pieces
    dim: int
    dropout: float
    bf16: bool
    copied: bool = False
    files: TransformerFiles | None = field(default=None, compare=False, repr=False)
    load: LoadEncoder | None = field(default=None, compare=False, repr=False)
    device: str = field(default="cpu", compare=False, repr=False)

    @classmethod
    def fit(cls, material: Material) -> Self | None:
        """Where `features.contextual` names an encoder; the hub is asked for one that isn't here.

        Raises:
            ConfigError: there is no such encoder or layer, or what runs one isn't installed.
        """
        config, settings = material.config, material.config.features
        if settings.contextual is None:
            return None
        check_installed()
        files = open_files(settings.contextual, fetch=True)
        encoder = str(files.folder) if Path(settings.contextual).expanduser().is_dir() else settings.contextual
        values = {
            "encoder": encoder,
            "sha256": files.sha256,
            "width": files.width,
            "layers": _layers(settings.contextual_layers, files),
            # Shown single sentences in training, the network wouldn't know what others do to their states.
            "documents": any(sentence.opens_document for sentence in material.sentences),
        }
        fitted = cls.from_dict(values, config)
        return replace(fitted, files=files, load=material.load_encoder, device=config.run.device)

    @property
    def num_states(self) -> int:
        """How many states a word has."""
        return len(self.layers) if self.learned else 1

    def encode(self, tokens: Tokens, of_words: Arrays) -> Arrays:
        """As the class says; from disk, where states are kept.

        Raises:
            ConfigError: the encoder can't be loaded, or knows hardly a piece of what is kept.
        """
        how, shape = kept_now(), (len(tokens.where), self.num_states, self.width)
        found = None
        if how is not None:
            about = {"encoder": self.encoder}
            key = self._key(tokens.sentences)
            found = read_kept(key, shape, how, about=about, plan=lambda: self._plan(tokens, checked=True))
        if found is None:
            if how is not None and how.most_bytes:
                how.on_message(
                    f"features.contextual: states of {2 * np.prod(shape) / 1e9:,.1f} GB aren't kept; "
                    "run.cache_gb says how many may be"
                )
            found = read_all(self._plan(tokens, checked=how is not None), shape, how)
        return {"contextual.states": found[0], "contextual.known": found[1]}

    def as_dict(self) -> dict[str, Any]:
        """Which encoder it is, and what is read of it; not the encoder."""
        layers = list(self.layers)
        told = {"encoder": self.encoder, "sha256": self.sha256, "width": self.width}
        return {**told, "layers": layers, "documents": self.documents}

    @classmethod
    def from_dict(cls, values: dict[str, Any], config: Config) -> Self:
        """As `Feature.from_dict`."""
        settings = config.features
        for entry, kind in (("encoder", str), ("sha256", str), ("width", int)):
            if type(values.get(entry)) is not kind:
                raise ValueError(f"expected {entry} to be {kind.__name__}, found {values.get(entry)!r}")
        width, layers = values["width"], values.get("layers")
        if not 1 <= width <= 1 << 16:
            raise ValueError(f"expected width to be at least 1 and at most {1 << 16}, found {width}")
        if not isinstance(layers, list | tuple) or not layers or any(type(n) is not int or n < 0 for n in layers):
            raise ValueError(f"expected layers to be a list of numbers of layers, found {layers!r}")
        return cls(
            values["encoder"],
            values["sha256"],
            width,
            tuple(layers),
            flag(values, "documents"),
            settings.contextual_mix == "learned",
            settings.contextual_pieces,
            settings.contextual_dim,
            settings.contextual_dropout,
            config.model.precision == "bf16",
            settings.contextual_copy,
        )

    def located(self, folder: Path, device: str, load_encoder: LoadEncoder) -> Self:
        """As `Feature.located`.

        Raises:
            ModelError: its encoder isn't here, or is another one.
            ConfigError: what runs an encoder isn't installed.
        """
        check_installed()
        way_out = f"copy the encoder that it was trained with to {folder / ENCODER}"
        try:
            files = open_files(self.encoder, copies=[folder / ENCODER])
        except ConfigError as error:
            raise ModelError(f"{folder}: its encoder isn't here: {error}; or {way_out}") from None
        if (files.sha256, files.width) != (self.sha256, self.width):
            raise ModelError(
                f"{folder}: expected an encoder with the digest {self.sha256}, found {files.sha256} in {files.folder}; "
                f"{way_out}"
            )
        return replace(self, files=files, load=load_encoder, device=device)

    def write_files(self, folder: Path) -> None:
        """As `Feature.write_files`: a copy of the encoder, where `features.contextual_copy` asks for it."""
        if self.copied and self.files is not None:
            (folder / ENCODER).mkdir()
            for path in files_of(self.files.folder):
                shutil.copyfile(path, folder / ENCODER / path.name)

    def _key(self, sentences: Sequence[Sentence]) -> str:
        """The digest of all that the states depend on."""
        assert self.files is not None
        told = (self.sha256, self.files.limit, self.layers, self.learned, self.pieces, self.documents, self.bf16)
        digest = hashlib.sha256(repr((2, *told)).encode())
        for sentence in sentences:
            written = repr((sentence.spelled, sentence.opens_document))
            digest.update(written.encode("utf-8", errors="surrogatepass"))
        return digest.hexdigest()

    def _plan(self, tokens: Tokens, *, checked: bool) -> "Readings":
        """What there is to read of these tokens; `checked`, the tokenizer has to know its pieces."""
        assert self.files is not None, "a feature is fitted, or located, before it encodes"
        assert self.load is not None, "what it is fitted to, or located with, says how an encoder is loaded"
        encoder = load_pretrained(self.files, self.device, self.load, bf16=self.bf16)
        pieces = encoder.pieces(tokens.distinct)
        if checked:
            counts = np.bincount(tokens.where, minlength=len(pieces)).tolist()
            unknown = share_unknown(pieces, counts, encoder.unknown)
            if unknown > _MOST_UNKNOWN:
                raise ConfigError(
                    f"features.contextual: expected a tokenizer that knows most pieces of this text, found one in "
                    f"{self.files.folder} that makes {unknown:.0%} of them unknown; take an encoder of the text's "
                    "language, and see that the tokenizer's vocabulary lies beside it"
                )
        most = most_pieces(encoder.room)
        pieces = [each[-most:] if self.pieces == "last" else each[:most] for each in pieces]
        return Readings(self, encoder, tokens, pieces)


class Readings:
    """What an encoder has to read of N tokens: each distinct sentence in its context once; a `kept_states.Plan`.

    Those are one whose pieces are the same: an encoder of lowercased text reads a sentence and its variant in capitals
    (`training.recase`) once.
    """

    def __init__(
        self, feature: Contextual, encoder: PretrainedEncoder, tokens: Tokens, pieces: list[tuple[int, ...]]
    ) -> None:
        self._feature, self._encoder = feature, encoder
        self.kind = encoder.kind
        where = tokens.where.tolist()
        self.known: Known = np.array([bool(each) for each in pieces], dtype=np.bool_)[tokens.where]
        self._firsts: list[list[int]] = []  # of each reading the tokens that its first kept word is
        self._readings: list[Reading] = []
        numbers: dict[Reading, int] = {}
        for start, ends in _documents(tokens.sentences, together=feature.documents):
            words = where[start : start + ends[-1]]
            for window in windows_of([len(pieces[word]) for word in words], ends, encoder.room):
                first, last = window.first - window.start, window.last - window.start
                reading = Reading(tuple(pieces[word] for word in words[window.start : window.end]), first, last)
                number = numbers.setdefault(reading, len(numbers))
                if number == len(self._readings):
                    self._readings.append(reading)
                    self._firsts.append([])
                self._firsts[number].append(start + window.first)
        self._batches = encoder.batches(self._readings)
        self.sizes = [sum(self._readings[number].num_pieces + 2 for number in batch) for batch in self._batches]

    def read(self, batch: int) -> Iterator[tuple[Numbers, States]]:
        """As `kept_states.Plan`."""
        numbers, feature = self._batches[batch], self._feature
        readings = [self._readings[number] for number in numbers]
        states = self._encoder.read(readings, layers=feature.layers, mean=not feature.learned, pieces=feature.pieces)
        start = 0
        for number, reading in zip(numbers, readings, strict=True):
            count = reading.last - reading.first
            for first in self._firsts[number]:
                yield np.arange(first, first + count), states[start : start + count]
            start += count


def _documents(sentences: Sequence[Sentence], *, together: bool) -> Iterator[tuple[int, list[int]]]:
    """Of each document with a token the number of its first, and where its sentences end, counted from there.

    Without `together`, or where no document is marked, each sentence is one.
    """
    numbers = number_documents(sentences) if together else [0] * len(sentences)
    ends = list(accumulate(len(sentence.spelled) for sentence in sentences))
    start, own = 0, list[int]()
    for index, end in enumerate(ends):
        own.append(end)
        if index + 1 == len(ends) or not numbers[index] or numbers[index + 1] != numbers[index]:
            if end > start:
                yield start, [each - start for each in own]
            start, own = end, []


def middle_layers(count: int) -> list[int]:
    """The layers that are used of so many where none are named: those from which other tasks learn most when an encoder
    is frozen (Liu et al. 2019; of names docs/contextual.md).

    >>> middle_layers(12), middle_layers(6), middle_layers(1)
    ([5, 6, 7, 8, 9], [2, 3, 4], [1])
    """
    return list(range(max(5 * count // 12, 1), max(3 * count // 4, 1) + 1))


def _layers(named: tuple[int, ...], files: TransformerFiles) -> list[int]:
    """The numbers of layers, 0 the embeddings; negative ones count from the last."""
    count = files.num_layers
    layers = [layer if layer >= 0 else count + 1 + layer for layer in named]
    if not layers:
        return middle_layers(count)
    wrong = next((name for name, layer in zip(named, layers, strict=True) if not 0 <= layer <= count), None)
    if wrong is not None:
        raise ConfigError(
            f"features.contextual_layers: expected layers of {files.name} from 0, its embeddings, to {count}, "
            f"or -1 for its last, found {wrong}"
        )
    return layers


FEATURE = Contextual
