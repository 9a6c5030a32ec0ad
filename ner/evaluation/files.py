"""Two files held against each other, or two tag columns of one: what `ner score` does."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import chain, zip_longest
from pathlib import Path

from ner.errors import ConfigError, DataError
from ner.evaluation.analysis import Analysis, AsWritten, analyse
from ner.evaluation.documents import on_common_tokens
from ner.evaluation.scores import token_accuracy
from ner.evaluation.training_entities import Training, remember
from ner.features.words import build_words
from ner.formats.columns import read_as_written
from ner.formats.files import read_documents
from ner.formats.format import LossesByFile
from ner.formats.row_reader import read_rows
from ner.formats.sentences import read_sentences
from ner.formats.table import find_format, name_for_reading
from ner.settings import DataConfig
from ner.text.encoding import read_text
from ner.text.partial import is_partial
from ner.text.sentence import Sentence, Span
from ner.text.tags import spans_to_tags, well_formed


def score_files(
    gold: Path,
    predicted: Path | None,
    data: DataConfig,
    *,
    training: Training | None = None,
    losses: LossesByFile | None = None,
) -> Analysis:
    """The analysis of a file's tags against gold ones.

    Args:
        gold: a file of any format.
        predicted: the same words with other tags, or the same texts with other entities; None: `gold` is a column
            file that holds both, predicted tags in `data`'s tag column and gold ones in the column before.
        data: describes both files; with `scheme` set, tags are compared as they are written.
        training: what is known of the training corpus.
        losses: is told what of the files isn't kept.

    Raises:
        ConfigError: one file, and it isn't of columns or has none before the tag column.
        DataError: a file can't be read, or the two don't hold the same words or texts.
    """
    losses = losses or LossesByFile()
    readers = [find_format(name_for_reading(path, data)).line_reader for path in (gold, predicted) if path]
    if not all(readers):
        if not predicted:
            raise ConfigError(f"PRED: expected a file with other entities for the texts of {gold}, found none")
        return _score_documents(gold, predicted, data, training, losses)
    if not predicted and data.tag_column == 0:
        raise ConfigError("data.tag_column: expected the predicted tags' column, the gold tags' just before, found 0")
    gold_data = data if predicted else data.model_copy(update={"tag_column": data.tag_column - 1})
    sentences, gold_scheme = read_as_written(gold, gold_data, readers[0], losses=losses.next_of(gold))
    other = predicted or gold
    answers, scheme = read_as_written(other, data, readers[-1], losses=losses.next_of(other))
    _check_words(sentences, answers, gold=gold, predicted=other, data=data)
    _check_known(sentences, answers)
    if gold_scheme != scheme:
        # The accuracy compares tags as they are written, as conlleval does, so both must be of one scheme.
        sentences = [replace(s, tags=tuple(spans_to_tags(s.spans, len(s.spelled), scheme))) for s in sentences]
    written = as_written(sentences, answers, scheme)
    return analyse(sentences, [sentence.spans for sentence in answers], written=written, training=training)


def _score_documents(
    gold: Path, predicted: Path, data: DataConfig, training: Training | None, losses: LossesByFile
) -> Analysis:
    lost = losses.next_of(gold), losses.next_of(predicted)
    mine, theirs = (list(read_documents(*each)) for each in ((gold, data, lost[0]), (predicted, data, lost[1])))
    pairs = on_common_tokens(mine, theirs, data, names=(str(gold), str(predicted)), losses=lost)
    sentences = [sentence for side, _ in pairs for sentence in side]
    return analyse(sentences, [sentence.spans for _, side in pairs for sentence in side], training=training)


def as_written(gold: Sequence[Sentence], predicted: Sequence[Sentence], scheme: str) -> AsWritten:
    """What the tags of sentences say beyond their spans.

    Args:
        gold: tagged sentences.
        predicted: as many, of as many tags.
        scheme: how the tags of both are written.

    Raises:
        DataError: a sentence without tags, or with unknown ones.
        ValueError: they aren't as many.
    """
    accuracy = token_accuracy(*([sentence.tags or () for sentence in side] for side in (gold, predicted)))
    sides = ([well_formed(s.spans, s.tags or (), scheme) for s in side] for side in (gold, predicted))
    return AsWritten(scheme, accuracy, *sides)


def read_training(path: Path, data: DataConfig, losses: LossesByFile | None = None) -> Training:
    """What a training file held; `losses` is told what of it isn't kept.

    Raises:
        DataError: the file can't be read as described.
    """
    sentences = read_sentences(path, data, (losses or LossesByFile()).next_of(path))
    return Training(build_words(sentences), remember(sentences))


def read_answers(
    path: Path, sentences: list[Sentence], gold: Path, data: DataConfig, losses: LossesByFile | None = None
) -> list[tuple[Span, ...]]:
    """The spans that a file has for the sentences of a gold file; `losses` is told what of it isn't kept.

    Raises:
        DataError: the file can't be read, has unknown tags, or doesn't hold the same words.
    """
    answers = read_sentences(path, data, (losses or LossesByFile()).next_of(path))
    _check_words(sentences, answers, gold=gold, predicted=path, data=data)
    _check_known(sentences, answers)
    return [sentence.spans for sentence in answers]


def _check_known(*sides: list[Sentence]) -> None:
    for sentence in chain(*sides):
        if is_partial(sentence.tags or ()):
            raise DataError(f"{sentence.source}: expected known tags, found unknown ones; only training takes those")


def _check_words(
    sentences: list[Sentence], answers: list[Sentence], *, gold: Path, predicted: Path, data: DataConfig
) -> None:
    for number, (mine, theirs) in enumerate(zip(sentences, answers, strict=False)):
        for token, (word, other) in enumerate(zip_longest(mine.words, theirs.words, fillvalue="")):
            if word != other:
                here = _line_of(predicted, answers, index=(number, token), data=data)
                there = _line_of(gold, sentences, index=(number, token), data=data)
                raise DataError(f"{here}: expected the words of {there}, found {other!r} where that has {word!r}")
    if len(sentences) != len(answers):
        longer = sentences if len(sentences) > len(answers) else answers
        source = longer[min(len(sentences), len(answers))].source
        raise DataError(
            f"{predicted}: expected the {len(sentences)} sentences of {gold}, found {len(answers)}; "
            f"{source} is the first that stands alone"
        )


def _line_of(path: Path, sentences: list[Sentence], *, index: tuple[int, int], data: DataConfig) -> str:
    """`file:line` of a sentence's token, by their numbers; of one past the last it is the line behind that."""
    number, token = index
    sentence = sentences[number]
    if name_for_reading(path, data) != "conll":
        return sentence.source
    rows = read_rows(read_text(path, data.encoding).split("\n"), str(path), data, tagged=False)
    lines = [row.number for row in rows if row.kind == "token"]
    before = sum(len(other.spelled) for other in sentences[:number])
    last = len(sentence.spelled) - 1
    return f"{path}:{lines[before + min(token, last)] + (token > last)}"
