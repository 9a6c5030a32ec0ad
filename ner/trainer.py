"""Training from Python: the façade's other half, which using a trained model doesn't import."""

import sys
import warnings
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

from ner.config import Config
from ner.distribution import need_training
from ner.errors import check_type
from ner.formats.corpus import Corpus
from ner.inference.loading import load_model
from ner.resources.models import find_model
from ner.tagger import Tagger
from ner.text.sentence import Sentence
from ner.training.events import Epoch, Listener

# Tokens of a sentence that a card shows as an example, and sentences that are tried for one.
_SHORTEST, _LONGEST, _TRIED = 4, 25, 100


def train(
    config: Config,
    corpus: Corpus,
    *,
    on_epoch: Callable[[Epoch], object] | None = None,
    listener: Listener | None = None,
    state: Path | None = None,
    resume: bool = False,
    start: str | Path | None = None,
    teachers: Sequence[str | Path] = (),
    progress: bool = True,
) -> Tagger:
    """A recognizer trained on a corpus; `save` writes it.

    A run that goes wrong and still gives a model, such as one that learned nothing, is a warning, unless a listener
    hears of it.

    Args:
        config: all settings, from `load_config`; its `run` says on which device and how many threads.
        corpus: from `load_corpus`.
        on_epoch: called with each `Epoch`; `print` will do.
        listener: hears of each batch, epoch and message; replaces `on_epoch`.
        state: folder for the state of the unfinished run, so that it can be resumed.
        resume: go on from `state`.
        start: a model to go on from, with more data or more labels: its directory, or the name of a ready-made one.
        teachers: model directories to learn from too; replaces `training.teachers`.
        progress: show it on stderr, if that is a terminal and nobody else hears of it.

    Raises:
        TrainingError: nothing to learn from, or training diverged before there was a model to keep.
        DataError: a sentence hasn't one tag a token.
        VectorsError: the pretrained vectors are missing, damaged or of another width.
        ConfigError: no PyTorch, no such device, a teacher of other labels, a run is resumed under other settings or on
            another corpus, or the model to go on from is of another tokenizer, width or cell.
        ModelError: a teacher or the model to go on from can't be loaded, there is no whole run to resume, or its state
            can't be written.
    """
    need_training("train")
    from ner.training.training import train_model

    check_type("config", config, Config, "a Config", "ner.load_config(PATH) reads one, ner.Config() has the defaults")
    way_out = "ner.load_corpus(config.data) reads one, ner.Corpus(SENTENCES) makes one"
    check_type("corpus", corpus, Corpus, "a Corpus", way_out)
    heard = listener is not None
    if teachers:
        named = tuple(map(str, teachers))
        config = config.model_copy(update={"training": config.training.model_copy(update={"teachers": named})})
    model = None if start is None else load_model(find_model(start, warn=partial(warnings.warn, stacklevel=3)), "cpu")
    with ExitStack() as stack:
        if listener is None and on_epoch is None and progress and sys.stderr.isatty():
            from ner.reporting.progress import TrainingProgress

            listener = stack.enter_context(TrainingProgress(config.training.epochs)).listener
        listener = listener or (Listener(on_epoch=on_epoch) if on_epoch else Listener())
        tagger = Tagger(train_model(config, corpus, listener=listener, state=state, resume=resume, start=model))
    if (wrong := tagger.metrics["training"]["warning"]) and not heard:
        warnings.warn(wrong, stacklevel=2)
    # A sentence is text of the corpus; who lets its entities be forgotten doesn't want that in a model.
    if config.training.remember_entities and (example := _example(tagger, corpus.dev)):
        tagger.metrics["example"] = example
    return tagger


def _example(tagger: Tagger, sentences: Sequence[Sentence]) -> dict[str, Any] | None:
    """The first of some short sentences in which something is found, and what, as plain values; None: in none is."""
    short = [sentence for sentence in sentences if _SHORTEST <= len(sentence.spelled) <= _LONGEST][:_TRIED]
    texts = [_text_of(sentence, together=tagger.config.data.cut in ("characters", "words-zh")) for sentence in short]
    for text, entities in zip(texts, tagger.pipe(texts), strict=True):
        if entities:
            return {"text": text, "entities": [entity.as_dict() for entity in entities]}
    return None


def _text_of(sentence: Sentence, *, together: bool) -> str:
    """The text of a sentence: its words joined by a space, or by nothing, as they stand in a text."""
    text = ""
    for word, start in zip(sentence.spelled, sentence.starts, strict=True):
        apart = start - sentence.starts[0] > len(text) and not together
        text += f" {word}" if apart else word
    return text
