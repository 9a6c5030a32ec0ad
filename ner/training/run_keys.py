"""What tells a run from any other: digests of its settings, of what its corpus says and of the model it goes on from.

A corpus counts by its sentences, whatever its files are called: one that was corrected makes another run.
"""

import hashlib
import json
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ner.config import Config, affects, is_path
from ner.errors import ConfigError
from ner.features.batches import fingerprint
from ner.formats.corpus import load_corpus
from ner.inference.loading import Model, torch_network
from ner.settings import DataConfig

TELLING = ("result", "end")  # what a setting affects that tells two runs apart


@dataclass(frozen=True, slots=True)
class Keys:
    """Digests of a run: of all that can change its scores on the dev set, and of all that its model holds."""

    outcome: str
    model: str


def keys_of(configs: Sequence[Config]) -> list[Keys]:
    """The keys of the runs with these settings; the corpus is read for them, once where they share it.

    Raises:
        ConfigError: there is no dev set, or as `load_corpus`.
        DataError: as `load_corpus`.
    """
    read: dict[str, tuple[str, str]] = {}
    keys = []
    for config in configs:
        described = repr(config.data.model_dump())
        if described not in read:
            read[described] = _read(config.data)
        learned, tested = read[described]
        records = key_of(config, kinds=(*TELLING, "record"))
        keys.append(Keys(_digest([key_of(config), learned]), _digest([records, learned, tested])))
    return keys


def key_of(config: Config, *, kinds: Sequence[str] = TELLING) -> str:
    """A digest of all settings that can change the outcome of a run, those at their default too.

    A default that changes, or a setting that is new, makes another run of it. A path counts by its last two parts.

    Args:
        config: the settings.
        kinds: what a setting affects that counts.
    """
    tables = config.model_dump(mode="json")
    values = {f"{section}.{name}": value for section, table in tables.items() for name, value in table.items()}
    values = {
        key: shortened_path(value) if is_path(key) else value for key, value in values.items() if affects(key) in kinds
    }
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:16]


def weights_key(model: Model) -> str:
    """A digest of a model's weights."""
    digest = hashlib.sha256()
    for name, tensor in torch_network(model).state_dict().items():
        digest.update(name.encode())
        digest.update(tensor.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()


def shortened_path(path: Any) -> Any:
    """The last two parts of a path, of each of several, of a corpus' files: which it is, wherever it lies."""
    if isinstance(path, list):
        return [shortened_path(each) for each in path]
    if isinstance(path, dict):  # one of several corpora
        return path | {split: shortened_path(path[split]) for split in ("train", "dev")}
    if isinstance(path, float):
        return path
    return None if path is None else "/".join(Path(path).parts[-2:])


def _read(data: DataConfig) -> tuple[str, str]:
    """Digests of what a corpus gives to learn from and to choose by, and of its test set."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the run will say them
        corpus = load_corpus(data)
    if not corpus.dev:
        wanted = "data.dev: expected a dev set"
        if data.dataset:
            wanted = f"data.dataset: expected a split of {data.dataset} called validation, dev or valid"
        raise ConfigError(f"{wanted}, by which several runs are compared; found none")
    learned = [fingerprint(sentences) for sentences in (corpus.train, corpus.dev, corpus.unlabelled)]
    return _digest(learned), fingerprint(corpus.test)


def _digest(parts: Sequence[str]) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]
