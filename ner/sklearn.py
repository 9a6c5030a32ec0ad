"""scikit-learn's interface: `Recognizer().fit(X, y).predict(X)` on lists of words and tags, as sklearn-crfsuite has it.

It is an estimator by its parameters (`get_params`, `clone`, `Pipeline`, `GridSearchCV`), and no classifier in
scikit-learn's sense, whose `y` would be one label a row: https://scikit-learn.org/stable/developers/develop.html.
"""

import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

from ner.config import Config, load_config, parse_config
from ner.errors import ConfigError, DataError, check_type, counted, shown
from ner.formats.corpus import Corpus
from ner.inference.loading import save_model
from ner.model_files import hold_files, read_files
from ner.schemes import find_scheme
from ner.tagger import Tagger, load
from ner.text.sentence import Sentence, sentence_from_words, sentence_with_spans
from ner.text.spelling import tag_reader, tag_writer
from ner.text.tags import OUTSIDE, convert_tags, detect_scheme, tags_to_spans

try:
    from sklearn.base import BaseEstimator
    from sklearn.utils.validation import check_is_fitted
except ImportError:
    raise ConfigError(
        "ner.sklearn: expected the package `scikit-learn`; pip install 'bilstm-crf-ner[sklearn]'"
    ) from None

Words = Iterable[Sequence[str]]
Tags = Iterable[Sequence[str]]


class Recognizer(BaseEstimator):  # type: ignore[misc]
    """A recognizer to be trained; after `fit`, `tagger_` is the `ner.Tagger`, which can be saved.

    Tags are read in any scheme of `ner/schemes.py`, and predicted in that of `y`, `scheme_`; those of IOB1 as IOB2.
    `classes_` are all that can be predicted.
    """

    def __init__(
        self,
        *,
        config: str | Path | Config | None = None,
        settings: Mapping[str, Any] | None = None,
        epochs: int | None = None,
        hidden_dim: int | None = None,
        dev_size: float = 0.1,
        random_state: int = 1,
    ) -> None:
        """What it is trained with.

        Args:
            config: a recipe, by its path or as `ner.Config`; None: the defaults. What it says of files isn't read.
            settings: any settings by name, `{"model.dropout": 0.3, "training.learning_rate": 0.01}`.
            epochs: `training.epochs`; None: as the recipe has it.
            hidden_dim: `model.hidden_dim`; None: as the recipe has it.
            dev_size: share of the sentences that `fit` holds out to choose the best epoch by, from 0 (none) to below
                1; they are taken at equal distances.
            random_state: `training.seed`.
        """
        self.config = config
        self.settings = settings
        self.epochs = epochs
        self.hidden_dim = hidden_dim
        self.dev_size = dev_size
        self.random_state = random_state

    def fit(self, X: Words, y: Tags, X_dev: Words | None = None, y_dev: Tags | None = None) -> Self:  # noqa: N803
        """The same recognizer, trained.

        Args:
            X: the words of each sentence.
            y: the tags of each, one a word.
            X_dev: sentences to choose the best epoch by, in place of some of these.
            y_dev: their tags.

        Raises:
            ConfigError: no such setting or value; a text in place of words; or `X_dev` without `y_dev`.
            DataError: words and tags that don't belong together, or tags that are none of one scheme.
            TrainingError: as `ner.train`.
        """
        from ner.trainer import train

        config = self._config()
        tags = _checked("y", y)
        self.scheme_ = _scheme_of(tags, config)
        sentences = _sentences(_checked("X", X), tags, config, ("X", "y"))
        if (X_dev is None) != (y_dev is None):
            raise ConfigError(
                f"X_dev and y_dev: expected both or neither, found {'y' if X_dev is None else 'X'}_dev alone"
            )
        if X_dev is not None and y_dev is not None:
            held = _sentences(_checked("X_dev", X_dev), _checked("y_dev", y_dev), config, ("X_dev", "y_dev"))
        else:
            sentences, held = self._hold_out(sentences)
        self.tagger_: Tagger = train(config, Corpus(sentences, held), progress=False)
        names = self.tagger_.model.vocabularies.tags
        self.classes_ = sorted({_in_scheme(tag, self.scheme_, config) for tag in names})
        return self

    def predict(self, X: Words) -> list[list[str]]:  # noqa: N803
        """The tags of each sentence, one a word.

        Raises:
            NotFittedError: `fit` wasn't called.
            ConfigError: a text in place of words.
            DataError: a word isn't a string.
        """
        check_is_fitted(self, "tagger_")
        write = tag_writer(self.scheme_, self.tagger_.config.data.tag_pattern)
        found = self.tagger_.tag_sentences([sentence_from_words(words) for words in _checked("X", X)])
        return [[write(tag) for tag in convert_tags(tags, self.scheme_)] for tags in found]

    def predict_marginals(self, X: Words) -> list[list[dict[str, float]]]:  # noqa: N803
        """For each word the probability of each tag of `classes_`; those of a word sum to 1.

        Raises:
            NotFittedError: `fit` wasn't called.
            ConfigError: a text in place of words.
            DataError: a word isn't a string.
        """
        check_is_fitted(self, "tagger_")
        config = self.tagger_.config
        names = [_in_scheme(tag, self.scheme_, config) for tag in self.tagger_.model.vocabularies.tags]
        found = self.tagger_.reader.marginals([sentence_from_words(words) for words in _checked("X", X)])
        marginals = []
        for sentence in found:
            rows: list[dict[str, float]] = []
            for row in sentence.tolist():
                rows.append(dict.fromkeys(self.classes_, 0.0))
                for name, value in zip(names, row, strict=True):
                    rows[-1][name] += value
            marginals.append(rows)
        return marginals

    def score(self, X: Words, y: Tags) -> float:  # noqa: N803
        """F1 of the entities, from 0 to 1, as conlleval counts them.

        Raises:
            NotFittedError: `fit` wasn't called.
            ConfigError: a text in place of words.
            DataError: as `fit`.
        """
        check_is_fitted(self, "tagger_")
        sentences = _sentences(_checked("X", X), _checked("y", y), self.tagger_.config, ("X", "y"))
        return self.tagger_.evaluate(sentences).micro.f1

    def _config(self) -> Config:
        """All settings, checked."""
        check_type("config", self.config, str | Path | Config | None, "a recipe's path, a Config, or None")
        check_type("settings", self.settings, Mapping | None, 'settings by name, such as {"model.dropout": 0.3}')
        recipe = self.config
        config = recipe if isinstance(recipe, Config) else Config() if recipe is None else load_config(recipe)
        tree: dict[str, Any] = config.model_dump()
        shown_by = {"epochs": "training.epochs", "hidden_dim": "model.hidden_dim", "random_state": "training.seed"}
        own = {key: getattr(self, name) for name, key in shown_by.items()}
        given = {key: value for key, value in own.items() if value is not None}
        for key, value in {**given, **(self.settings or {})}.items():
            section, _, name = str(key).partition(".")
            if not isinstance(tree.get(section), dict) or not name:
                raise ConfigError(
                    f'settings: expected names such as "model.dropout", found {shown(key)}; `ner settings` lists them'
                )
            tree[section][name] = value
        return parse_config(tree, "Recognizer")

    def _hold_out(self, sentences: list[Sentence]) -> tuple[list[Sentence], list[Sentence]]:
        """The sentences to train on, and those to choose the best epoch by."""
        check_type("dev_size", self.dev_size, int | float, "a share from 0 to below 1")
        if not 0 <= self.dev_size < 1:
            raise ConfigError(f"dev_size: expected a share from 0 to below 1, found {self.dev_size}")
        # One each time that the share of those before and this one passes a whole number.
        held = {n for n in range(len(sentences)) if int((n + 1) * self.dev_size) > int(n * self.dev_size)}
        return [s for n, s in enumerate(sentences) if n not in held], [sentences[n] for n in sorted(held)]

    def __getstate__(self) -> dict[str, Any]:
        state: dict[str, Any] = {**super().__getstate__()}
        if "tagger_" in state:
            with tempfile.TemporaryDirectory() as folder:
                save_model(state["tagger_"].model, Path(folder) / "model")
                state["tagger_"] = read_files(Path(folder) / "model")
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        files = state.get("tagger_")
        super().__setstate__({name: value for name, value in state.items() if name != "tagger_"})
        if files is not None:
            self.tagger_ = load(hold_files(files, self))


def _checked(name: str, rows: Iterable[Sequence[str]]) -> list[list[str]]:
    """The words, or tags, of each sentence."""
    if isinstance(rows, str | bytes) or not isinstance(rows, Iterable):
        raise ConfigError(f"{name}: expected a list of sentences, each a list of strings, found {shown(rows)}")
    found = []
    for place, row in enumerate(rows):
        if isinstance(row, str | bytes) or not isinstance(row, Iterable):
            raise DataError(f"{name}[{place}]: expected a list of strings, one a word, found {shown(row)}")
        values = list(row)
        for position, value in enumerate(values):
            if not isinstance(value, str):
                hint = (
                    "; words are given as they are, features are made of them here" if isinstance(value, dict) else ""
                )
                raise DataError(f"{name}[{place}][{position}]: expected a string, found {shown(value)}{hint}")
        found.append(values)
    return found


def _scheme_of(rows: Sequence[Sequence[str]], config: Config) -> str:
    """In which scheme tags are predicted."""
    scheme = config.data.scheme
    if scheme == "auto":
        read = tag_reader("auto", config.data.tag_pattern)
        place = "y"
        try:
            found = []
            for number, tags in enumerate(rows):
                place = f"y[{number}]"
                found.append([read(tag) for tag in tags])
            place = "y"  # which is of all of them
            scheme = detect_scheme(found)
        except ValueError as error:
            way_out = "settings data.scheme and data.tag_pattern say how tags are written"
            raise DataError(f"{place}: {error}; {way_out}") from None
    return "iob2" if scheme == "iob1" else scheme


def _sentences(
    words: Sequence[Sequence[str]], tags: Sequence[Sequence[str]], config: Config, names: tuple[str, str]
) -> list[Sentence]:
    """The sentences of these words and tags."""
    if len(words) != len(tags):
        raise DataError(f"{names[0]} and {names[1]}: expected as many of both, found {len(words)} and {len(tags)}")
    read = tag_reader(config.data.scheme, config.data.tag_pattern)
    sentences = []
    for place, (spelled, written) in enumerate(zip(words, tags, strict=True)):
        if len(spelled) != len(written):
            raise DataError(
                f"{names[1]}[{place}]: expected {counted(len(spelled), 'tag')}, one a word of {names[0]}[{place}], "
                f"found {len(written)}"
            )
        try:
            spans = tags_to_spans([read(tag) for tag in written])
        except ValueError as error:
            raise DataError(f"{names[1]}[{place}]: {error}") from None
        sentences.append(sentence_with_spans(sentence_from_words(spelled), spans))
    return sentences


def _in_scheme(tag: str, scheme: str, config: Config) -> str:
    """What a tag of the network, in BIOES, is in another scheme that tells it from the tag alone, as it is written."""
    role, _, label = tag.partition("-")
    if role == OUTSIDE:
        return OUTSIDE
    row = find_scheme(scheme)
    begin = row.begin or row.inside
    letters = {"B": begin, "I": row.inside, "E": row.end or row.inside, "S": row.single or begin}
    return tag_writer(scheme, config.data.tag_pattern)(f"{letters[role]}-{label}")
