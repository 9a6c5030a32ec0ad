"""A corpus: training, development and test sentences, from column files or from a `datasets` data set."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ner.config import DataConfig
from ner.errors import ConfigError, DataError
from ner.text.columns import read_tagged
from ner.text.sentence import Sentence, sentence_from_words
from ner.text.tags import convert_tags, detect_scheme

# What the splits are called where data sets are published.
_SPLITS = {"train": ("train", "training"), "dev": ("validation", "dev", "valid"), "test": ("test",)}
_BUILDERS = {".parquet": "parquet", ".arrow": "arrow", ".json": "json", ".jsonl": "json"}


@dataclass(frozen=True, slots=True)
class Corpus:
    """Tagged sentences by split, tags as IOB2; `dev` and `test` are empty where there are none."""

    train: list[Sentence]
    dev: list[Sentence]
    test: list[Sentence]


def load_corpus(data: DataConfig) -> Corpus:
    """The corpus that `[data]` describes.

    Raises:
        ConfigError: neither files nor a data set are named, or both are.
        DataError: a file or the data set can't be read as described.
    """
    if data.dataset:
        if data.train or data.dev or data.test:
            raise ConfigError(
                "data.dataset and data.train, data.dev, data.test: expected one or the other, found both"
            )
        return _load_dataset(data.dataset, data)
    if not data.train:
        raise ConfigError("data.train: expected a training file (or data.dataset), found none")
    return Corpus(*(read_tagged(path, data) if path else [] for path in (data.train, data.dev, data.test)))


def _load_dataset(name: str, data: DataConfig) -> Corpus:
    try:
        import datasets
    except ImportError:
        raise ConfigError(
            "data.dataset: expected the package `datasets`; pip install 'bilstm-crf-ner[datasets]'"
        ) from None
    path = Path(name)
    try:
        if path.suffix in _BUILDERS:
            source = datasets.load_dataset(_BUILDERS[path.suffix], data_files={"train": str(path)})
        elif (path / "dataset_dict.json").exists() or (path / "state.json").exists():
            source = datasets.load_from_disk(name)
        else:
            source = datasets.load_dataset(name, data.dataset_config)
    except Exception as error:  # whatever its many back-ends raise: the user needs one line
        raise DataError(f"{name}: expected a data set that `datasets` can load: {error}") from None
    splits = source if isinstance(source, dict) else {"train": source}
    found = {split: next((splits[n] for n in names if n in splits), None) for split, names in _SPLITS.items()}
    if found["train"] is None:
        raise DataError(f"{name}: expected a split called train, found {', '.join(splits)}")
    return Corpus(*(_sentences(rows, f"{name}:{split}", data) for split, rows in found.items()))


def _sentences(rows: Any, where: str, data: DataConfig) -> list[Sentence]:
    if rows is None:
        return []
    for feature in (data.tokens_feature, data.tags_feature):
        if feature not in rows.column_names:
            raise DataError(
                f"{where}: expected a feature {feature!r}, found {', '.join(rows.column_names)}; "
                "set data.tokens_feature and data.tags_feature"
            )
    # A ClassLabel list holds numbers and knows their names; a list of strings is taken as it is.
    names = getattr(getattr(rows.features[data.tags_feature], "feature", None), "names", None)
    words, tags = rows[data.tokens_feature], rows[data.tags_feature]
    sentences: list[Sentence] = []
    for number, (row_words, row_tags) in enumerate(zip(words, tags, strict=True), start=1):
        if len(row_words) != len(row_tags):
            found = f"{len(row_tags)} for {len(row_words)}"
            raise DataError(f"{where}:{number}: expected as many tags as words, found {found}")
        if row_words:
            named = [names[tag] for tag in row_tags] if names else [str(tag) for tag in row_tags]
            sentences.append(sentence_from_words(row_words, named))
    if not sentences:
        raise DataError(f"{where}: expected tagged sentences, found none")
    try:
        # Spans are read alike in every scheme; this refuses tags that are none, or of two schemes.
        detect_scheme(s.tags or () for s in sentences)
        return [
            Sentence(s.tokens, tuple(convert_tags(s.tags or (), "iob2")), where=f"{where}:{number}")
            for number, s in enumerate(sentences, start=1)
        ]
    except ValueError as error:
        raise DataError(f"{where}: {error}; numbers need a ClassLabel feature that names them") from None
