"""Word vectors made of a pretrained encoder: its states of each word read alone, in fewer dimensions.

After model2vec (Tulkens & van Dongen 2024): the encoder reads its own vocabulary, or a list of words, once; principal
components keep what tells the words apart. The vectors are used as any others (`model.vectors`), at no cost when text
is tagged; a word has one vector wherever it stands.
"""

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from ner.errors import ConfigError
from ner.features.pretrained import LoadEncoder, PretrainedEncoder, Reading, check_installed, load_pretrained
from ner.features.transformer_files import TransformerFiles, open_files
from ner.features.transformer_windows import most_pieces
from ner.resources.compact import Vectors

# How far numbers are spread, as those of GloVe-6B in 100 dimensions are: what the recipes' learning rates are set for.
_SPREAD = 0.4
_SPACES = "\u0120\u2581"  # what tokenizers write before a piece that begins a word


def distil(
    encoder: str,
    load_encoder: LoadEncoder,
    *,
    words: Sequence[str] | None = None,
    dim: int = 100,
    on_progress: Callable[[int, int], object] = lambda done, total: None,
) -> tuple[Vectors, TransformerFiles]:
    """Vectors of words (N, dim), and the encoder that they are of.

    Args:
        encoder: a folder, or a name of the Hugging Face hub.
        load_encoder: brings it into memory.
        words: which; None: the whole words among the encoder's pieces. One without pieces has no vector.
        dim: principal components that are kept.
        on_progress: called with how many pieces are read, and how many there are.

    Raises:
        ConfigError: there is no such encoder, or too few words or dimensions.
    """
    check_installed()
    try:
        files = open_files(encoder, fetch=True)
    except ConfigError as error:  # which is told of a setting that isn't asked for here
        raise ConfigError(f"ENCODER: {str(error).removeprefix('features.contextual: ')}") from None
    if not 1 <= dim <= files.width:
        raise ConfigError(f"--dim: expected at least 1 and at most {files.width}, the encoder's width, found {dim}")
    pretrained = load_pretrained(files, "auto", load_encoder)
    named = list(dict.fromkeys(words)) if words is not None else whole_words(pretrained.vocabulary())
    most = most_pieces(pretrained.room)
    cut = [(word, pieces[:most]) for word, pieces in zip(named, pretrained.pieces(named), strict=True) if pieces]
    if len(cut) <= dim:
        raise ConfigError(f"--words: expected more than {dim} words with pieces, as --dim has it, found {len(cut)}")
    states = _read(pretrained, [Reading((pieces,), 0, 1) for _, pieces in cut], files, on_progress)
    return Vectors(f"{files.folder.name}-{dim}d", [word for word, _ in cut], components(states, dim), len(cut)), files


def whole_words(pieces: Sequence[str]) -> list[str]:
    """The words among the pieces of a tokenizer: no marks of its own, and no rests of words.

    >>> whole_words(["[CLS]", "<s>", "the", "##ing", "Ġof", "ing", "▁in"])
    ['of', 'in']
    >>> whole_words(["[CLS]", "the", "##ing"])
    ['the']
    """
    marked = any(piece[:1] in _SPACES for piece in pieces if piece)
    words = []
    for piece in pieces:
        own = (piece.startswith("[") and piece.endswith("]")) or (piece.startswith("<") and piece.endswith(">"))
        if own or piece.startswith("##") or (marked and piece[:1] not in _SPACES):
            continue
        words.append(piece.lstrip(_SPACES))
    return list(dict.fromkeys(word for word in words if word.strip() and "\n" not in word))


def components(states: npt.NDArray[np.float32], dim: int) -> npt.NDArray[np.float32]:
    """The first principal components of N states (N, dim), each with the sign that makes its largest number positive.

    >>> points = np.array([[0, 0], [2, 1], [4, 2]], dtype=np.float32)
    >>> [round(float(number), 2) for number in components(points, 1).ravel()]
    [-0.49, 0.0, 0.49]
    """
    centred = states - states.mean(axis=0)
    _, directions = np.linalg.eigh(centred.T.astype(np.float64) @ centred)  # ascending
    chosen = directions[:, ::-1][:, :dim]
    chosen = chosen * np.sign(chosen[np.abs(chosen).argmax(axis=0), np.arange(dim)])
    made = centred @ chosen.astype(np.float32)
    scaled: npt.NDArray[np.float32] = made * np.float32(_SPREAD / made.std())
    return scaled


def _read(
    pretrained: PretrainedEncoder,
    readings: Sequence[Reading],
    files: TransformerFiles,
    on_progress: Callable[[int, int], object],
) -> npt.NDArray[np.float32]:
    """The mean of all layers of each word (N, W): read alone, the last ones know more of the sentence's marks."""
    states = np.zeros((len(readings), files.width), np.float32)
    layers = range(1, files.num_layers + 1)
    total, done = sum(reading.num_pieces for reading in readings), 0
    for batch in pretrained.batches(readings):
        some = [readings[index] for index in batch]
        states[batch] = pretrained.read(some, layers=layers, mean=True, pieces="mean")[:, 0]
        done += sum(reading.num_pieces for reading in some)
        on_progress(done, total)
    return states
