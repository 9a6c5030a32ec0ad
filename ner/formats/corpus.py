"""A corpus: training, development and test sentences, from files, several corpora or a `datasets` data set."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path
from typing import Any

from ner.data_settings import DataConfig
from ner.errors import ConfigError, DataError, check_type, counted, shortened
from ner.formats.corpora import Part, hold_out, joined, labels_in, read_parts
from ner.formats.format import Losses
from ner.formats.rows import PREFIXES_READ, as_iob2
from ner.formats.sentences import read_sentences
from ner.formats.table import find_format, readable
from ner.formats.unlabelled import read_unlabelled
from ner.text.document import Document
from ner.text.documents import count_documents
from ner.text.partial import known_runs
from ner.text.recut import natural_cut
from ner.text.sentence import Sentence, sentence_from_words
from ner.text.spelling import tag_reader
from ner.text.tags import OUTSIDE, PREFIXES, detect_scheme

# What the splits are called where data sets are published.
_SPLITS = {"train": ("train", "training"), "dev": ("validation", "dev", "valid"), "test": ("test",)}
_BUILDERS = {".parquet": "parquet", ".arrow": "arrow", ".json": "json", ".jsonl": "json"}
_TEXTS = {".csv", ".txt", ".xml", ".ann", ".zip", ".gz"}


@dataclass(frozen=True, slots=True)
class Corpus:
    """Tagged sentences by split, tags as IOB2; `dev` and `test` are empty where there are none.

    `parts` are the corpora that it is made of, whose sentences stand in `train` and `dev` one part behind the other;
    none where it is a single one.
    `unlabelled` are sentences of which teachers tell, without tags.
    """

    train: list[Sentence]
    dev: list[Sentence] = field(default_factory=list)
    test: list[Sentence] = field(default_factory=list)
    parts: tuple[Part, ...] = ()
    unlabelled: list[Sentence] = field(default_factory=list)

    def __post_init__(self) -> None:
        for split in ("train", "dev", "test"):
            sentences = getattr(self, split)
            check_type(split, sentences, list | tuple, "a list of sentences", "ner.read_conll(FILE) reads one")
            for position, each in enumerate(sentences):
                way = "ner.read_conll(FILE) reads some"
                if isinstance(each, Document):
                    way = "[s for document in documents for s in document.tagged_sentences()] are those of documents"
                check_type(f"{split}[{position}]", each, Sentence, "a Sentence", way)

    def __repr__(self) -> str:
        """One line: how many sentences, and of what labels."""
        sizes = ", ".join(f"{name} {len(getattr(self, name)):,}" for name in ("train", "dev", "test"))
        return f"Corpus({sizes} sentences; {shortened(', '.join(sorted(labels_in(self.train))) or 'no labels')})"


def load_corpus(data: DataConfig) -> Corpus:
    """The corpus that `[data]` describes, its files of any format.

    What didn't fit where character ranges became spans of tokens is a warning for each file.

    Raises:
        ConfigError: `data` is something else, neither files nor corpora nor a data set are named, or both are, or a
            share leaves no dev set or nothing else; or as `read_parts`.
        DataError: a file or the data set can't be read as described.
    """
    check_type("data", data, DataConfig, "what [data] says", "ner.load_config(PATH).data is that of a recipe")
    if data.corpora:
        parts = read_parts(data)
        train, dev = joined(part.train for part in parts), joined(part.dev for part in parts)
        corpus = Corpus(train, dev, _read(data.test, data) if data.test else [], tuple(parts))
        return _with_unlabelled(corpus, data)
    if data.dataset:
        if data.train or data.dev or data.test:
            raise ConfigError("data.dataset and data.train, data.dev, data.test: expected one or the other, found both")
        return _with_unlabelled(_load_dataset(data.dataset, data), data)
    if not data.train:
        raise ConfigError("data.train: expected a training file (or data.corpora, or data.dataset), found none")
    files = (data.train, None if data.dev_share else data.dev, data.test)
    train, dev, test = (_read(path, data) if path else [] for path in files)
    if data.dev_share:
        train, dev = hold_out(train, data.dev_share)
    if data.dev_share and not (train and dev):
        marked = sum(sentence.opens_document for sentence in (*train, *dev))
        unit = "document" if marked else "sentence"
        size = counted(marked or len(train) + len(dev), unit)
        raise ConfigError(
            f"data.dev: expected a share of {data.train} that is one of its {unit}s at least and not all of them, "
            f"found {data.dev} of {size}; name a dev file, or another share"
        )
    return _with_unlabelled(Corpus(train, dev, test), data)


def _with_unlabelled(corpus: Corpus, data: DataConfig) -> Corpus:
    if not data.unlabelled:
        return corpus
    auto = data.tokenizer == "auto"
    cut = natural_cut([word for sentence in corpus.train for word in sentence.spelled]) if auto else data.cut
    return replace(corpus, unlabelled=read_unlabelled(data.unlabelled, data, cut))


def _read(path: str, data: DataConfig) -> list[Sentence]:
    losses = Losses()
    sentences = read_sentences(path, data, losses)
    for line in losses.lines():
        warnings.warn(f"{path}: {line}", stacklevel=3)
    return sentences


def _load_dataset(name: str, data: DataConfig) -> Corpus:
    try:
        import datasets
    except ImportError:
        raise ConfigError(
            "data.dataset: expected the package `datasets`; pip install 'bilstm-crf-ner[datasets]'"
        ) from None
    path = Path(name)
    _check_place(name, path)
    try:
        if path.suffix in _BUILDERS:
            source = datasets.load_dataset(_BUILDERS[path.suffix], data_files={"train": str(path)})
        elif (path / "dataset_dict.json").exists() or (path / "state.json").exists():
            source = datasets.load_from_disk(name)
        else:
            source = datasets.load_dataset(name, data.dataset_config)
    except Exception as error:  # whatever its many back-ends raise: the user needs one line
        reason = str(error).partition("\n")[0] or type(error).__name__
        raise DataError(f"{name}: expected a data set that `datasets` can load: {reason}") from None
    splits = source if isinstance(source, dict) else {"train": source}
    found = {split: next((splits[n] for n in names if n in splits), None) for split, names in _SPLITS.items()}
    if found["train"] is None:
        raise DataError(f"{name}: expected a split called train, found {', '.join(splits)}")
    rows = {split: (split_rows, f"{name}:{split}") for split, split_rows in found.items()}
    train, dev, test = (
        [] if each is None else sentences_of_dataset(each, where, data) for each, where in rows.values()
    )
    return Corpus(train, dev, test)


def _check_place(name: str, path: Path) -> None:
    """Raise DataError for a file that is no data set, and for a path where nothing is: no hub has either."""
    ends = {end for form in readable() for end in find_format(form).suffixes} | _TEXTS
    is_text = path.is_file() or (not path.exists() and path.suffix.lower() in ends)
    if path.suffix not in _BUILDERS and is_text:
        missing = "" if path.exists() else " (which isn't there)"
        raise DataError(
            f"data.dataset: expected a data set (folder, parquet, arrow or JSON file, hub name), found the file "
            f"{name}{missing}; a file of annotated text is named by data.train, with data.dev and data.test"
        )
    # The name of a hub's data set is NAME or OWNER/NAME.
    looks_local = path.suffix in _BUILDERS or path.is_absolute() or name.startswith((".", "~")) or name.count("/") > 1
    looks_local = looks_local or (path.parent != Path() and path.parent.is_dir())
    if looks_local and not path.exists():
        near = [str(each) for each in sorted(path.parent.glob("*")) if each.stem == path.name]
        told = f", but {' and '.join(near[:3])}" if near else ""
        raise DataError(f"data.dataset: expected a data set, found neither a file nor a folder at {name}{told}")


def sentences_of_dataset(rows: Any, where: str, data: DataConfig, *, keep_empty: bool = False) -> list[Sentence]:
    """The tagged sentences of a `datasets.Dataset` whose rows are words and tags, tags as IOB2.

    Args:
        rows: the data set.
        where: opens messages, before the row's number.
        data: names the features, and says how tags are spelled.
        keep_empty: rows without a word are sentences too, and there may be no row.

    Raises:
        DataError: a feature is missing, a row isn't as described, or there is none.
    """
    for feature in (data.tokens_feature, data.tags_feature):
        if feature not in rows.column_names:
            raise DataError(
                f"{where}: expected a feature {feature!r}, found {', '.join(rows.column_names)}; "
                "set data.tokens_feature and data.tags_feature"
            )
    # A ClassLabel list holds numbers and knows their names; a list of strings is taken as it is.
    names = getattr(getattr(rows.features[data.tags_feature], "feature", None), "names", None)
    sentences: list[Sentence] = []
    read = tag_reader(data.scheme, data.tag_pattern, data.unknown_tag, label=data.label)
    words, tags = rows[data.tokens_feature], rows[data.tags_feature]
    for number, (row_words, row_tags) in enumerate(zip(words, tags, strict=True), start=1):
        place = f"{where}:{number}"
        _check_row(row_words, row_tags, place)
        if row_words or keep_empty:
            try:
                known = [_tag(tag, names, read, place) for tag in row_tags]
            except DataError as error:
                raise DataError(f"{error}{_advice(tags, names, data)}") from None
            sentences.append(sentence_from_words(row_words, known, source=place))
    if not sentences and not keep_empty:
        raise DataError(f"{where}: expected tagged sentences, found none")
    try:
        runs = (run for sentence in sentences for run in known_runs(sentence.tags or ()))
        scheme = detect_scheme(runs) if data.scheme == "auto" else data.scheme
    except ValueError as error:
        raise DataError(f"{where}: {error}; set data.scheme to learn which row is wrong") from None
    sentences = count_documents(sentences, data.document_sentences)
    return [as_iob2(sentence, scheme) for sentence in sentences]


def _advice(tags: Any, names: list[str] | None, data: DataConfig) -> str:
    """What reads all tags of a data set whose tags have no label; empty where they have one."""
    found = set(names or chain(*tags))
    return f"; {PREFIXES_READ}" if not data.tag_pattern and found > {OUTSIDE} and found <= {OUTSIDE, *PREFIXES} else ""


def _check_row(words: Any, tags: Any, place: str) -> None:
    for values, wanted in ((words, "words"), (tags, "tags")):
        if not isinstance(values, list):
            raise DataError(f"{place}: expected a list of {wanted}, found {values!r}")
    if len(words) != len(tags):
        raise DataError(f"{place}: expected as many tags as words, found {len(tags)} for {len(words)}")
    for word in words:
        if not isinstance(word, str) or not word:
            raise DataError(f"{place}: expected words, found {word!r}")


def _tag(value: Any, names: list[str] | None, read: Callable[[str], str], place: str) -> str:
    if names:
        if not isinstance(value, int) or not 0 <= value < len(names):
            raise DataError(f"{place}: expected the number of one of {counted(len(names), 'tag')}, found {value!r}")
        value = names[value]
    if not isinstance(value, str):
        raise DataError(f"{place}: expected a tag, found {value!r}; numbers need a ClassLabel feature that names them")
    try:
        return read(value)
    except ValueError as error:
        raise DataError(f"{place}: {error}") from None
