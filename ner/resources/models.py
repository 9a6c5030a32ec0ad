"""Ready-made models: their names, where they lie, and whether they are whole.

A model lies in this package (`ner/models/NAME/`), or in a wheel of data alone, which names it by an entry point of
the group `ner_models`: a module with `MODEL_DIR`, and no other code is run. Each such folder is a model directory with
a `manifest.json` more, which tells what `ner models list` shows and the SHA-256 of every file.
"""

import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ner.errors import ModelError, describe
from ner.resources.download import sha256_of
from ner.resources.model_names import HUB, MANIFEST, TERMS

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

GROUP = "ner_models"
WHEEL_PREFIX = "bilstm-crf-ner-model-"  # of the distributions that scripts/build_model_wheel.py makes
IN_PACKAGE = Path(__file__).parent.parent / "models"
# Those that `make models` trains, whether they are here or not.
RECIPES = {"en": "English", "zh": "Chinese", "ja": "Japanese", "xx": "many languages"}

_LINE = "{:6} {:16} {:24} {:8} {:>6}  {:14} {}"
HEADER = _LINE.format("name", "language", "labels", "version", "dev F1", "licence", "folder")  # of lines of models
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]*")


@dataclass(frozen=True, slots=True)
class ReadyModel:
    """A ready-made model that is here, as its manifest describes it; `sha256` is by file name."""

    name: str
    folder: Path
    language: str
    labels: tuple[str, ...]
    version: str
    licence: str
    dev_f1: float | None
    sha256: dict[str, str]

    def __str__(self) -> str:
        score = "-" if self.dev_f1 is None else f"{100 * self.dev_f1:.2f}"
        labels = " ".join(self.labels)
        return _LINE.format(self.name, self.language, labels, self.version, score, self.licence, self.folder)

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        told = ("name", "language", "labels", "version", "licence", "dev_f1")
        return {**{field: getattr(self, field) for field in told}, "folder": str(self.folder)}


def find_model(model: str | Path, *, warn: Callable[[str], object]) -> Path:
    """The model directory that is meant: a folder, or else that of the ready-made model of this name, checked.

    Text that begins with `hf://` is a model of a hub; a `Path`, and other text with a slash, is a folder. Where both
    are there, a folder that holds a model is taken, and the ready-made model before any other; `warn` is told which.

    Raises:
        ModelError: neither is there, or the ready-made model is damaged.
        NerError: as `ner.resources.hub.pull`.
    """
    if isinstance(model, str) and model.startswith(HUB):
        return _pulled(model)
    if not str(model):
        raise ModelError("expected a model directory, or the name of a ready-made model, found an empty text")
    folder = Path(model)
    if isinstance(model, Path) or not _NAME.fullmatch(model):
        if not folder.exists() and str(model).lower() in model_names() and not isinstance(model, Path):
            raise ModelError(
                f"{model}: no such model directory; did you mean the ready-made model {str(model).lower()}?"
            )
        return folder
    if folder.is_dir() and not (_holds_model(folder) or model not in model_names()):
        warn(
            f"{model}: the ready-made model is taken, since the folder of this name holds none; "
            f"write ./{model} to mean the folder"
        )
    elif folder.is_dir():
        if model in model_names():
            warn(
                f"{model}: taken for the folder of this name, not for the ready-made model; "
                f"rename the folder, or write ./{model} to mean it"
            )
        return folder
    found = find_ready(model)
    check_files(found)
    return found.folder


def _pulled(reference: str) -> Path:
    """The folder of a model of a hub, its files as its manifest says, where it has one."""
    from ner.resources.hub import pull  # which a model that is here shouldn't wait for

    folder = pull(reference)
    if (folder / MANIFEST).exists():
        try:
            check_files(read_manifest(folder))
        except ModelError as error:
            raise ModelError(f"{reference}: {error}; if it is so again, remove {folder}") from None
    return folder


def _holds_model(folder: Path) -> bool:
    """Whether a folder is a model directory, or what is left of one."""
    return any((folder / name).exists() for name in ("config.json", "vocabulary.json", "model.safetensors"))


def is_model(model: str) -> bool:
    """Whether this is a folder, or the name of a ready-made model and no file."""
    path = Path(model)
    return model.startswith(HUB) or path.is_dir() or (not path.exists() and model in model_names())


def model_names() -> list[str]:
    """The names of the ready-made models that are here, in alphabetic order; nothing of them is read."""
    return sorted({path.name for path in _in_package()} | {entry.name for entry in _entries()})


def list_models(*, warn: Callable[[str], object]) -> list[ReadyModel]:
    """The ready-made models that are here, by name; one that can't be read is left out, and `warn` is told."""
    found = []
    for name in model_names():
        try:
            found.append(find_ready(name))
        except ModelError as error:
            warn(str(error))
    return found


def find_ready(name: str) -> ReadyModel:
    """The ready-made model of this name; one that is installed comes before one of this package.

    Raises:
        ModelError: there is none, two wheels have one, or it can't be read.
    """
    entries = [entry for entry in _entries() if entry.name == name]
    if len(entries) > 1:
        wheels = " and ".join(sorted(entry.dist.name if entry.dist else entry.value for entry in entries))
        raise ModelError(f"{name}: expected one ready-made model of this name, found {wheels}; uninstall one of them")
    if entries:
        return read_manifest(_folder_of(entries[0]))
    if name in (path.name for path in _in_package()):
        return read_manifest(IN_PACKAGE / name)
    raise ModelError(
        f"{name}: no such model directory, and no ready-made model of this name{_hint(name, model_names())}; "
        "`ner train` writes a model"
    )


def read_manifest(folder: Path) -> ReadyModel:
    """What the `manifest.json` of a folder says; the other files aren't looked at.

    Raises:
        ModelError: it is missing or damaged.
    """
    path = folder / MANIFEST
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        return ReadyModel(
            name=_text(values["name"]),
            folder=folder,
            language=_text(values["language"]),
            labels=tuple(_text(label) for label in _list(values["labels"])),
            version=_text(values["version"]),
            licence=_text(values["licence"]),
            dev_f1=None if values["dev_f1"] is None else float(values["dev_f1"]),
            sha256={_text(name): _text(digest) for name, digest in values["sha256"].items()},
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ModelError(
            f"{path}: expected the manifest of a model, found {describe(error)}; install it again"
        ) from None


def make_ready(
    folder: Path,
    *,
    name: str,
    version: str,
    language: str,
    labels: Iterable[str],
    licence: str,
    attribution: Iterable[str],
    dev_f1: float | None,
) -> None:
    """Makes a model directory a ready-made model: its card tells the licence, and `manifest.json` has its digests."""
    lines = list(attribution)
    card = folder / "README.md"
    _write_terms(card, name, licence, lines)
    files = [path for path in sorted(folder.rglob("*")) if path.is_file() and path.name != MANIFEST]
    sha256 = {path.relative_to(folder).as_posix(): sha256_of(path) for path in files}
    values = {
        "name": name,
        "version": version,
        "language": language,
        "labels": list(labels),
        "licence": licence,
        "attribution": lines,
        "dev_f1": dev_f1,
        "sha256": sha256,
    }
    (folder / MANIFEST).write_text(json.dumps(values, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _write_terms(card: Path, name: str, licence: str, attribution: list[str]) -> None:
    """The card under the model's name, its last section the licence and what the model was made of."""
    text = card.read_text(encoding="utf-8") if card.exists() else f"# {name}: a named-entity recognizer\n"
    text = text.partition(TERMS)[0]
    text = re.sub(r"\A# .*?: a named-entity", f"# {name}: a named-entity", text)
    text = re.sub(r'(?<=ner\.load\(").*?(?="\))', name, text)
    made_of = "".join(f"- {line}\n" for line in attribution)
    card.write_text(f"{text.rstrip()}\n{TERMS}Licence of the model: {licence}. Made of:\n\n{made_of}", encoding="utf-8")


def check_files(model: ReadyModel) -> None:
    """Raise ModelError unless the folder holds each file that the manifest names, byte for byte."""
    for name, wanted in model.sha256.items():
        path, inner = model.folder / name, Path(name)
        # By its name: what a hub's client kept are links to files elsewhere.
        inside = not inner.anchor and ".." not in inner.parts
        found = sha256_of(path) if inside and path.is_file() else "no such file"
        if found != wanted:
            raise ModelError(
                f"{path}: expected SHA-256 {wanted}, as {MANIFEST} says, found {found}; install the model again"
            )


def _in_package() -> list[Path]:
    return [path.parent for path in IN_PACKAGE.glob(f"*/{MANIFEST}")]


def _entries() -> "list[EntryPoint]":
    from importlib.metadata import entry_points  # 10 ms that a model in a folder shouldn't cost

    return list(entry_points(group=GROUP))


def _folder_of(entry: "EntryPoint") -> Path:
    try:
        return Path(entry.load().MODEL_DIR)
    except Exception as error:  # another's module raises anything
        raise ModelError(
            f"{entry.name}: expected a module with MODEL_DIR by the entry point {entry.value}, found "
            f"{describe(error)}; install the model again"
        ) from None


def _hint(name: str, names: list[str]) -> str:
    import difflib  # for an error alone

    close = difflib.get_close_matches(name, names, n=1)
    there = f"there are {', '.join(names)}" if names else "none is installed here"
    return f" ({f'did you mean {close[0]}? ' if close else ''}{there})"


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} in place of text")
    return value


def _list(value: object) -> list[object]:
    if not isinstance(value, list):
        raise TypeError(f"{value!r} in place of a list")
    return value
