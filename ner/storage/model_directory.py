"""Model directories: on disk without pickle, whole or not at all.

What is loaded may come from anyone, so nothing is believed: sizes are checked before memory is taken, then what
the files say of each other, then their checksums.
"""

import hashlib
import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ner.config import Config, parse_config, rename
from ner.errors import ConfigError, ModelError, describe
from ner.evaluation.training_entities import Memory, memory_from_dict
from ner.features.vocabulary import Vocabularies
from ner.resources.model_names import ARRAYS, CALIBRATION, CARD, CURVES, FILES, NEEDED
from ner.storage.calibration_file import read_adjustment
from ner.storage.card import read_terms, write_card
from ner.storage.json_files import MOST_BYTES, read_json, read_text, write_json
from ner.storage.old_defaults import LAST_FORMAT, with_old_defaults
from ner.storage.older import name_now
from ner.storage.quantization import pack, stored_rows, unpack, unpacked_kinds
from ner.storage.rows import StoredRows
from ner.storage.sizes import check_sizes
from ner.storage.tensor_files import Array, DamagedError, Header, read_header, read_tensors, write_tensors
from ner.storage.vocabulary_files import TEXTS, read_vocabularies, write_vocabularies
from ner.whole_files import staged_file, staged_folder

if TYPE_CHECKING:  # of a model that was fitted to a kind of text
    from ner.evaluation.adjustment import Adjustment

FORMAT = 5  # of the model directory; counts up when an older package could not read a newer directory


@dataclass(frozen=True, slots=True)
class StoredModel:
    """All that a model directory holds; the weights as a network computes with them, by name.

    `memory` is what is remembered of the training entities; None where it was told to forget, or is older.
    """

    config: Config
    vocabularies: Vocabularies
    weights: dict[str, Array]
    metrics: dict[str, Any]
    history: list[dict[str, Any]]
    memory: Memory | None = None
    rows: Mapping[str, StoredRows] = field(default_factory=dict)
    """Tables that were asked for as rows; they aren't among the weights, and aren't written."""
    adjustment: "Adjustment | None" = None
    terms: str = ""
    """Licence and attributions, which its card tells last."""


@dataclass(frozen=True, slots=True)
class OpenModel:
    """A model directory whose settings and words were read and checked, and the header of its weights."""

    folder: Path
    config: Config
    vocabularies: Vocabularies
    header: Header
    format: int

    @property
    def weights_file(self) -> Path:
        """Where the weights are."""
        return self.folder / "model.safetensors"


def write_model(
    model: StoredModel, folder: str | Path, *, draw_curves: Callable[[], bytes | None] = lambda: None
) -> list[str]:
    """Writes a model directory; it appears whole, or the one that stood there stays. Returns warnings.

    The picture and the card come last: whatever goes wrong with one of them, the model is there, and a warning tells.

    Args:
        model: what to write.
        folder: a new folder, or a model's.
        draw_curves: makes a picture of the training run, a PNG, or None.

    Raises:
        ConfigError: the folder holds something that isn't a model.
        ModelError: it can't be written.
    """
    folder = Path(folder)
    check_target(folder)
    with _writing(folder) as part:
        weights, packed = pack(model.weights, model.config.model.weights, model.config.model.vector_storage)
        # Every setting is written, lest a default that changes later change this model.
        write_json(part / "config.json", {"format": FORMAT, **model.config.of_model()})
        write_vocabularies(part, model.vocabularies)
        digests = {name: _digest(part / name) for name in ("config.json", TEXTS, ARRAYS)}
        about = {"sha256": digests, **({"packed": dict(sorted(packed.items()))} if packed else {})}
        write_tensors(part / "model.safetensors", weights, about)
        write_json(part / "metrics.json", model.metrics)
        lines, warnings = _lines_of_history(model.history, folder / "history.jsonl")
        (part / "history.jsonl").write_text(lines, encoding="utf-8")
        if model.memory is not None:
            write_json(part / "entities.json", model.memory.as_dict())
        if model.adjustment:
            write_json(part / CALIBRATION, model.adjustment.as_dict())
    warnings += _add(folder / CURVES, draw_curves)

    def make_card() -> bytes:
        card = write_card(
            folder,
            labels=model.vocabularies.labels,
            metrics=model.metrics,
            seed=model.config.training.seed,
            curves=CURVES if (folder / CURVES).exists() else None,
            terms=model.terms,
        )
        # A path may hold bytes that aren't UTF-8.
        return card.encode("utf-8", errors="replace")

    return warnings + _add(folder / CARD, make_card)


def _add(path: Path, make: Callable[[], bytes | None]) -> list[str]:
    """Adds a file to a model directory that works without it; returns a warning where that fails, in whatever way."""
    try:
        content = make()
        if content is not None:
            with staged_file(path) as part:
                part.write_bytes(content)
    except Exception as error:  # a drawing library that is broken raises anything
        return [f"{path}: left out, the model is whole: {describe(error)}"]
    return []


def check_target(folder: Path) -> None:
    """Nothing, where a model may be written to this folder: a new or empty one, or a model's.

    Raises:
        ConfigError: it holds something else, or one stands in it.
    """
    if Path.cwd().is_relative_to(folder.resolve()):
        raise ConfigError(f"{folder}: expected a new folder or a model's, found the current one; choose another --out")
    if folder.is_file():
        raise ConfigError(f"{folder}: expected a new folder or a model's, found a file; choose another --out")
    names = {path.name for path in folder.iterdir()} if folder.is_dir() else set()
    # The folder is replaced as a whole, so nothing may lie there that isn't a model's: many tools write a config.json.
    if names and not {"vocabulary.json"} <= names <= set(FILES):
        raise ConfigError(f"{folder}: expected a new folder or a model's, found other files; choose another --out")


def check_free(folder: Path) -> None:
    """Raise ConfigError where this folder, one that `check_target` took, holds a model."""
    if folder.is_dir() and any(folder.iterdir()):
        raise ConfigError(f"{folder}: expected no model yet, found one; --force replaces it, or choose another --out")


def open_model(folder: str | Path) -> OpenModel:
    """The settings and words of a directory, checked; its weights aren't read yet.

    Raises:
        ModelError: a file is missing or damaged, or the directory is of a newer format.
    """
    folder = Path(folder)
    if folder.is_file():
        raise ModelError(f"{folder}: expected a model directory, found a file; `ner train` writes a model")
    if not folder.is_dir():
        raise ModelError(f"{folder}: no such model directory; `ner train` writes one")
    for name in NEEDED:
        if not (folder / name).exists():
            raise ModelError(f"{folder}: expected {name} in a model directory, found none; train or copy it again")
    weights = folder / "model.safetensors"
    try:
        header = read_header(weights)
    except DamagedError as error:
        raise ModelError(f"{weights}: damaged: {error}; train or copy it again") from None
    values = read_json(folder / "config.json")
    found = values.pop("format", None)
    if type(found) is not int or not 1 <= found <= FORMAT:
        raise ModelError(f"{folder}: expected model format {FORMAT} or older, found {found}; update bilstm-crf-ner")
    if found <= LAST_FORMAT:
        values = with_old_defaults(values)
    rename(values, lambda old, new: None)
    try:
        config = parse_config(values, str(folder / "config.json"))
    except ConfigError as error:
        raise ModelError(str(error)) from None
    vocabularies = read_vocabularies(folder, config, found)
    check_sizes(folder, config, vocabularies, header)
    return OpenModel(folder, config, vocabularies, header, found)


def read_model(opened: OpenModel, wanted: dict[str, str], *, rows: Collection[str] = ()) -> StoredModel:
    """All of an open model directory, its weights memory-mapped where they are stored as they are computed with.

    Args:
        opened: from `open_model`.
        wanted: the tensors that its settings make, by name, each as `kind_of` writes it.
        rows: names of tables of two dimensions that aren't unpacked: `StoredModel.rows` has them.

    Raises:
        ModelError: a file is damaged, or the weights are of another model than settings and words.
    """
    path, header, folder = opened.weights_file, opened.header, opened.folder
    try:
        found = unpacked_kinds(header)
    except DamagedError as error:
        raise ModelError(f"{path}: damaged: {error}; train or copy it again") from None
    names = {name: name_now(name, opened.format) for name in found}
    kinds = {names[name]: kind for name, kind in found.items()}
    for name in sorted(wanted.keys() | kinds.keys()):
        if wanted.get(name) != kinds.get(name):
            raise ModelError(
                f"{path}: expected {name} {wanted.get(name, 'absent')}, found it {kinds.get(name, 'absent')}; "
                "train or copy it again"
            )
    try:
        tensors = read_tensors(path, header)
        tables = {names[name]: stored_rows(tensors, header, name) for name in names if names[name] in rows}
        tensors = unpack({name: array for name, array in tensors.items() if names.get(name) not in rows}, header)
    except DamagedError as error:
        raise ModelError(f"{path}: damaged: {error}; train or copy it again") from None
    _check_digests(folder, header)
    weights = {names[name]: tensor for name, tensor in tensors.items()}
    metrics, history = read_json(folder / "metrics.json"), _read_history(folder)
    adjustment = read_adjustment(folder, opened.vocabularies.labels)
    more = (_read_memory(folder), tables, adjustment, read_terms(folder / CARD))
    return StoredModel(opened.config, opened.vocabularies, weights, metrics, history, *more)


@contextmanager
def _writing(folder: Path) -> Iterator[Path]:
    """A fresh folder that takes this one's place when all went well; a full disk is an error with a way out."""
    from safetensors import SafetensorError

    try:
        with staged_folder(folder) as part:
            yield part
    except (OSError, SafetensorError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ModelError(f"{folder}: can't be written: {reason}; free space there, or choose another --out") from None


def _check_digests(folder: Path, header: Header) -> None:
    """That the settings and words are those that the weights were saved with; older weights don't say."""
    digests = header.about.get("sha256", {})
    if not isinstance(digests, dict):
        raise ModelError(
            f"{folder / 'model.safetensors'}: damaged: expected notes on the SHA-256 of files, found {digests!r}; "
            "train or copy it again"
        )
    for name, wanted in digests.items():
        if name in FILES and (found := _digest(folder / name)) != wanted:
            raise ModelError(
                f"{folder / name}: expected SHA-256 {wanted}, as model.safetensors says, found {found}; "
                "changed or of another model: train or copy it again"
            )


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.exists() else "no such file"


def _lines_of_history(history: Sequence[dict[str, Any]], path: Path) -> tuple[str, list[str]]:
    """What is written of the epochs, in ASCII, without labels where it would be too long to be read; and warnings."""
    lines, most = _json_lines(history), MOST_BYTES[path.name]
    if len(lines) <= most:
        return lines, []
    told = f"{path}: left out the scores of each label: expected at most {most} bytes, found {len(lines)}"
    return _json_lines({name: epoch[name] for name in epoch if name != "labels"} for epoch in history), [told]


def _json_lines(rows: Iterable[dict[str, Any]]) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


def _read_history(folder: Path) -> list[dict[str, Any]]:
    """The epochs; none where a model came without them, since nothing but a copy of the model reads them."""
    path = folder / "history.jsonl"
    if not path.exists():
        return []
    try:
        return [dict(json.loads(line)) for line in read_text(path).splitlines()]
    except (ValueError, TypeError, OSError, RecursionError) as error:
        raise ModelError(f"{path}: damaged: {error}; train or copy it again") from None


def _read_memory(folder: Path) -> Memory | None:
    path = folder / "entities.json"
    if not path.exists():
        return None
    try:
        return memory_from_dict(read_json(path))
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ModelError(f"{path}: damaged: {error!r}; train or copy it again") from None
