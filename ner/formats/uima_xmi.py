"""UIMA's CAS as XMI, with DKPro's named entities: a folder of `NAME.xmi` and their type system, `TypeSystem.xml`.

Read and written by `dkpro-cassis`, which turns UIMA's offsets (UTF-16 units) to code points and back; it reads with
lxml, which expands entities, so a file with a DOCTYPE is refused before (XMI has none).
"""

import re
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

from ner.data_settings import DataConfig
from ner.errors import ConfigError, DataError
from ner.formats.file_names import FileNames
from ner.formats.format import Format, Losses, Sample
from ner.formats.marks import kept_by, mark_of, match_marks, tell_what_is_lost
from ner.formats.markup import holdable, refuse_declarations, root_tag
from ner.text.document import Document
from ner.text.sentence import Entity

_ENTITY = "de.tudarmstadt.ukp.dkpro.core.api.ner.type.NamedEntity"
_TYPES = ("TypeSystem.xml", "typesystem.xml")
_END = ".xmi"
_NO_OFFSET = re.compile(r"Not mapping external offset \[(-?[0-9]+)\]").match
_VIEW = "_InitialView"


def read(path: Path, data: DataConfig, losses: Losses) -> Iterator[Document]:
    """The document of a file, or of each `.xmi` in a folder and those in it, in the order of their names.

    Meta keeps the identifiers of entities. Annotations of other types are counted as losses; `data.layer` names
    another type with a `value`.

    Raises:
        DataError: no XMI, or no type system beside it.
        ConfigError: the package `dkpro-cassis` isn't there.
    """
    cassis = _import_cassis()
    # In the order of names without their ends, in which file_names.FileNames tells what is out of order.
    files = sorted(path.rglob(f"*{_END}"), key=lambda file: file.with_suffix("")) if path.is_dir() else [path]
    known: dict[Path, Any] = {}
    for file in files:
        types = _types_of(file, path)
        if types not in known:
            known[types] = _load(cassis.load_typesystem, types, losses)
        name = file.relative_to(path) if path.is_dir() else Path(file.name)
        cas = _load(cassis.load_cas_from_xmi, file, losses, typesystem=known[types], lenient=True)
        yield _document(cas, file, name.with_suffix("").as_posix(), data.layer or _ENTITY, losses)


def _import_cassis() -> ModuleType:
    try:
        import cassis
    except ImportError:
        raise ConfigError("uima-xmi: expected the package `dkpro-cassis`; pip install 'bilstm-crf-ner[uima]'") from None
    assert isinstance(cassis, ModuleType)
    return cassis


def _types_of(file: Path, root: Path) -> Path:
    """The type system of a file: beside it, or in the folder that is read."""
    places = [file.parent / f"{file.stem}.{name}" for name in _TYPES]
    places += [folder / name for folder in dict.fromkeys((file.parent, root)) for name in _TYPES]
    found = next((place for place in places if place.is_file()), None)
    if found is None:
        if not file.exists():
            raise DataError(f"{file}: no such file")
        raise DataError(f"{file}: expected its type system, {_TYPES[0]}, beside it, found no such file")
    return found


def _load(load: Any, path: Path, losses: Losses, **options: Any) -> Any:
    """What `dkpro-cassis` makes of a file; what it warns of is told."""
    refuse_declarations(path)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            with path.open("rb") as stream:
                value = load(stream, **options)
        except Exception as error:  # it raises whatever comes up in its depths where a file is XML and no CAS
            reason = " ".join(str(error).split()) or type(error).__name__
            raise DataError(f"{path}: expected a file that dkpro-cassis reads, found {reason}") from None
    for warning in caught:
        # dkpro-cassis 0.12 warns of an offset that is no character's, and takes it for one of code points.
        if bad := _NO_OFFSET(str(warning.message)):
            found = f"{bad[1]}, which is behind its end or within a character"
            raise DataError(f"{path}: expected offsets of the text in UTF-16 units, found {found}")
        losses.add("warnings of dkpro-cassis: what they speak of is left out", f"{path}: {warning.message}")
    return value


def _document(cas: Any, path: Path, name: str, entity_type: str, losses: Losses) -> Document:
    text = cas.sofa_string
    if text is None:
        raise DataError(f"{path}: expected a text in the view {_VIEW}, found none")
    for view in cas.views:
        if view.sofa.sofaID != _VIEW:
            losses.add(f"views other than {_VIEW}: left out", f"{path}: {view.sofa.sofaID}")
    entities: list[Entity] = []
    marks: list[dict[str, Any]] = []
    others: Counter[str] = Counter()
    known = cas.typesystem.contains_type(entity_type)
    # In the order of their ids, which is that of the file that wrote them; the package sorts them by place.
    for found in sorted(cas.select_all_annotations(), key=lambda found: int(found.xmiID)):
        if not known or not cas.typesystem.subsumes(entity_type, found.type.name):
            others[found.type.name] += 1
            continue
        label = getattr(found, "value", None)
        if label is None and found.type.name != entity_type:
            label = found.type.name.rpartition(".")[2]
        if not label:
            losses.add("named entities without a value: left out", f"{path}: at {found.begin}")
            continue
        start, end = found.begin, found.end
        if start is None or end is None or start > end:
            raise DataError(f"{path}: expected {label} to end behind its start, found characters {start} to {end}")
        entities.append(Entity(label, text[start:end], start, end))
        if getattr(found, "identifier", None):
            marks.append(mark_of(entities[-1], identifier=found.identifier))
    for other, count in others.items():
        losses.add(f"annotations of the type {other}: left out", str(path), count=count)
    return Document(text, (), tuple(entities), name, {"uima-xmi": {"entities": marks}} if marks else {}, str(path))


def save(path: Path, documents: Iterable[Document], data: DataConfig, losses: Losses) -> None:
    """A folder with a file for each document, and the type system of all.

    Raises:
        ConfigError: the package `dkpro-cassis` isn't there.
    """
    cassis = _import_cassis()
    types = cassis.TypeSystem()
    made = types.create_type(_ENTITY, supertypeName="uima.tcas.Annotation")
    for feature in ("value", "identifier"):
        types.create_feature(made, feature, "uima.cas.String")
    types.to_xml(path / _TYPES[0])
    names = FileNames((_END,), losses)
    for document in documents:
        name = names.path_for(document)
        tell_what_is_lost(document, "uima-xmi", losses)
        cas = cassis.Cas(types)
        cas.sofa_string = holdable(document.text, losses, document.name)
        cas.sofa_mime = "text/plain"
        found, _ = match_marks(document.entities, kept_by(document, "uima-xmi").get("entities", []))
        for entity, mark in zip(document.entities, found, strict=True):
            label = holdable(entity.label, losses, document.name)
            if not label:
                losses.add("labels that are empty: `_` instead", document.name)
            cas.add(made(begin=entity.start, end=entity.end, value=label or "_", identifier=mark.get("identifier")))
        file = path / f"{name}{_END}"
        file.parent.mkdir(parents=True, exist_ok=True)
        cas.to_xmi(file)


def recognizes(sample: Sample) -> bool:
    """Whether it is XMI, or a folder that holds some."""
    if sample.path.is_dir():
        return any(sample.path.rglob(f"*{_END}"))
    return root_tag(sample.head) == "xmi:XMI" and "http:///uima/cas.ecore" in sample.head


FORMAT = Format(
    about="UIMA XMI: a folder of .xmi and their TypeSystem.xml, with DKPro's named entities (extra `uima`)",
    suffixes=(f"{_END}/",),
    settings=("layer",),
    recognizes=recognizes,
    read=read,
    save=save,
)
