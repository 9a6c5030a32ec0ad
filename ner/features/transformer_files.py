"""The files of a pretrained encoder: where they lie, whether they are whole, and a digest that tells them from others.

Any folder that `transformers.AutoModel` reads will do, if its weights are safetensors: a pickle may run code. A name
that is no folder is one of the Hugging Face hub, looked for among what was fetched before. Nothing here imports
transformers, so that a training whose states are all on disk never waits for it.
"""

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from ner.errors import ConfigError

# What makes an encoder's numbers: its shape, its weights, and how its tokenizer cuts words.
_PATTERNS = (
    "config.json",
    "model*.safetensors",
    "model.safetensors.index.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.json",
    "vocab.txt",
    "merges.txt",
    "*.model",
)
_HUB_NAME = re.compile(r"[\w.-]+(/[\w.-]+)?")
# What settings of encoders are called, in the families that are about.
_WIDTH = ("hidden_size", "dim", "d_model")
_LAYERS = ("num_hidden_layers", "n_layers", "num_layers")
_POSITIONS = ("max_position_embeddings", "n_positions")
# Those that number positions from behind the padding's: two of 514 aren't for pieces.
_POSITIONS_BEHIND_PADDING = {"roberta", "xlm-roberta", "xlm-roberta-xl", "camembert", "mpnet", "longformer"}
# Pieces read at once, at most: a longer window costs more for each piece, and most encoders end here.
_LONGEST = 512


@dataclass(frozen=True, slots=True)
class TransformerFiles:
    """An encoder that is here.

    `name` is what the settings say, `sha256` the digest of all its files, `width` how many numbers a state has,
    `num_layers` how many layers follow its embeddings, `limit` how many pieces it reads at once.
    """

    name: str
    folder: Path
    sha256: str
    width: int
    num_layers: int
    limit: int


def open_files(name: str, *, fetch: bool = False, copies: Sequence[Path] = ()) -> TransformerFiles:
    """The encoder of this name or path.

    Args:
        name: a folder, or a name of the Hugging Face hub.
        fetch: ask the hub for what isn't here.
        copies: folders that may hold a copy; the first that is there is taken.

    Raises:
        ConfigError: there is no such encoder here, or it isn't whole.
    """
    folder = next((copy for copy in copies if (copy / "config.json").is_file()), None) or _find(name, fetch=fetch)
    paths = files_of(folder)
    if not any(path.suffix == ".safetensors" for path in paths):
        raise ConfigError(
            f"features.contextual: expected weights in {folder / 'model.safetensors'}, found none; "
            "save_pretrained of a model of transformers writes them"
        )
    stats = [path.stat() for path in paths]
    sha256 = _digest(tuple((path, stat.st_size, stat.st_mtime_ns) for path, stat in zip(paths, stats, strict=True)))
    return TransformerFiles(name, folder, sha256, *_shape(folder / "config.json"))


def files_of(folder: Path) -> list[Path]:
    """Those of a folder that make an encoder, by name."""
    return sorted({path for pattern in _PATTERNS for path in folder.glob(pattern) if path.is_file()})


def _find(name: str, *, fetch: bool) -> Path:
    folder = Path(name).expanduser()
    if folder.is_dir():
        if not (folder / "config.json").is_file():
            raise ConfigError(
                f"features.contextual: expected config.json in {folder}, found none; "
                "name a folder that save_pretrained of a model of transformers wrote"
            )
        return folder.resolve()
    if not _HUB_NAME.fullmatch(name) or name.startswith("."):
        raise ConfigError(f"features.contextual: expected the folder of an encoder, found no such folder: {name}")
    from ner.distribution import is_there

    if not is_there("huggingface_hub"):
        raise ConfigError(
            f"features.contextual: expected a folder, found none named {name}; names of the Hugging Face hub need "
            "pip install 'bilstm-crf-ner[contextual]'"
        )
    return _of_hub(name, fetch=fetch)


def _of_hub(name: str, *, fetch: bool) -> Path:
    import huggingface_hub

    for local in (True, False) if fetch else (True,):
        try:
            return Path(huggingface_hub.snapshot_download(name, allow_patterns=list(_PATTERNS), local_files_only=local))
        except Exception as error:  # of the hub, of the network, of the disk: all say that it isn't here
            said = str(error).strip().partition("\n")[0]
    asked = f" and the hub has none or can't be reached ({said})" if fetch else ""
    raise ConfigError(
        f"features.contextual: expected a folder or a fetched model of the Hugging Face hub, found no {name} "
        f"here{asked}; "
        f"fetch it by `hf download {name}`, or name a folder that holds it"
    )


@lru_cache(maxsize=16)
def _digest(paths: tuple[tuple[Path, int, int], ...]) -> str:
    """The SHA-256 of files, their names among it; sizes and times of change are for the cache alone."""
    digest = hashlib.sha256()
    for path, size, _ in paths:
        digest.update(f"{path.name} {size}\n".encode())
        with path.open("rb") as stream:
            digest.update(hashlib.file_digest(stream, "sha256").digest())
    return digest.hexdigest()


def _shape(path: Path) -> tuple[int, int, int]:
    """Width, layers and most pieces of an encoder, as its settings tell them."""
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        values = None
    if not isinstance(values, dict):
        raise ConfigError(f"features.contextual: expected settings of an encoder in {path}, found something else")
    found = [next((values[key] for key in keys if key in values), None) for keys in (_WIDTH, _LAYERS, _POSITIONS)]
    width, layers = found[:2]
    if not (isinstance(width, int) and isinstance(layers, int) and width > 0 and layers > 0):
        raise ConfigError(
            f"features.contextual: expected {_WIDTH[0]} and {_LAYERS[0]} in {path}, found {width!r} and {layers!r}; "
            "is it a model of transformers for text?"
        )
    positions = found[2] if isinstance(found[2], int) and found[2] > 0 else _LONGEST
    if values.get("model_type") in _POSITIONS_BEHIND_PADDING:
        positions -= int(values.get("pad_token_id") or 0) + 1
    return width, layers, min(positions, _LONGEST)
