"""What training begins with: a checked corpus as numbers, a network with its vectors, what teaches it."""

from dataclasses import asdict, replace
from typing import Any

from ner.config import Config
from ner.errors import DataError, TrainingError
from ner.features.batches import encode
from ner.features.feature import Material
from ner.features.growth import grow_vocabularies
from ner.features.lexicon import LexiconMatches
from ner.features.vocabulary import fit_vocabularies
from ner.formats.corpora import names_of
from ner.formats.corpus import Corpus
from ner.inference.loading import Model
from ner.inference.prepared import prepare
from ner.inference.pretrained import load_encoder
from ner.network.model import BiLSTMCRF, build_model
from ner.settings import DataConfig
from ner.text.partial import is_partial, is_unknown, labels_of
from ner.text.recut import natural_cut
from ner.text.tags import plain_tag
from ner.threads import using_threads
from ner.training.continuation import take_over
from ner.training.dev_loss import GoldTags
from ner.training.distillation import Lessons, take_lessons, training_sentences
from ner.training.distributed import Group
from ner.training.epochs import Task
from ner.training.events import Listener
from ner.training.keeping import OldLabels
from ner.training.recasing import in_all_cases, in_all_ways
from ner.training.soft_targets import read_lessons
from ner.training.vectors import measure_coverage, place_lexicon, place_vectors

IN_PYTHON = "sentences given in Python"


def prepare_task(
    config: Config, corpus: Corpus, listener: Listener, start: Model | None, group: Group
) -> tuple[Task, BiLSTMCRF, dict[str, Any] | None]:
    """What to train on, a network with its vectors, fresh or from a model, the vectors' coverage."""
    training = training_sentences(corpus)
    material = Material(training, config, listener.on_message, load_encoder)
    vocabularies = grow_vocabularies(start.vocabularies, material) if start else fit_vocabularies(material)
    if not vocabularies.labels:
        source = source_of(config.data, "train")
        way_out = "; is data.tag_column right?"
        if any(each.map for each in config.data.corpora):
            way_out = "; does a map make O of all of them?"
        elif source == IN_PYTHON:  # where there are no columns
            way_out = ""
        raise TrainingError(f"{source}: expected at least one entity, found none{way_out}")
    for split, sentences in (("dev", corpus.dev), ("test", corpus.test)):
        unseen = {label for s in sentences for label in labels_of(s.tags or ())} - set(vocabularies.labels)
        if unseen:
            found = f"only the {split} set has {', '.join(sorted(unseen))}"
            listener.on_message(f"warning: {found}; no model learns that, all of them count as missed")
    with using_threads(1):  # how many compute it shows in the last digit of a matrix that is made orthogonal
        network = build_model(config.model, vocabularies)
    lexicon = vocabularies.features.get("lexicon")
    if isinstance(lexicon, LexiconMatches) and config.features.lexicon and not start:
        vectors = material.vectors(config.features.lexicon, lexicon.dim, "features.lexicon_dim")
        place_lexicon(vectors, lexicon.lexicon, network.embedding.twin("lexicon").words)  # type: ignore[arg-type]
    shown = in_all_cases(training) if config.training.recase else training
    if config.training.augment:
        # Teachers, soft targets and an old model say something of each token.
        keep = start is not None or bool(config.training.teachers or config.training.soft_targets)
        shown = in_all_ways(training, seed=config.training.seed, keep_tokens=keep)
    encoded = encode(shown, vocabularies, tagged=True)
    if config.training.soft_targets:
        lessons: Lessons | None = read_lessons(config.training.soft_targets, training, vocabularies)
    else:
        lessons = take_lessons(
            config, training, vocabularies=vocabularies, num_labelled=len(corpus.train), listener=listener, group=group
        )
    old = None
    if start and config.training.keep_old and encoded.allowed_tags is not None:
        old = OldLabels.of(start, corpus.train, vocabularies)
    dev = prepare(corpus.dev, vocabularies)
    gold = GoldTags.of(corpus.dev, vocabularies)
    task = Task(config, corpus, vocabularies, training, encoded, dev, gold, listener, old, lessons)
    coverage = None
    if config.model.vectors:
        vectors = material.vectors(config.model.vectors, config.model.word_dim, "model.word_dim")
        # A model has its own words that training never saw.
        placed = replace(vocabularies.words, extra=()) if start else vocabularies.words
        row_of = place_vectors(vectors, placed, network.embedding.word_table())
        words_alone = replace(vocabularies, features={"words": vocabularies.features["words"]})
        coverage = measure_coverage(vectors, row_of, encoded if shown is training else encode(training, words_alone))
        listener.on_message(str(coverage))
    if start:
        take_over(network, vocabularies, start)
    return task, network, asdict(coverage) if coverage else None


def check_tags(corpus: Corpus) -> None:
    """Raise DataError where a sentence hasn't one tag a token, or a tag is none, or is unknown outside training."""
    known_tags: set[str] = set()
    for split, sentences in (("train", corpus.train), ("dev", corpus.dev), ("test", corpus.test)):
        for sentence in sentences:
            if len(sentence.tags or ()) != len(sentence.spelled):
                found = f"{len(sentence.tags or ())} for {len(sentence.spelled)}: {' '.join(sentence.words[:5])}"
                raise DataError(f"{sentence.source or split}: expected as many tags as tokens, found {found}")
            try:
                known_tags.update(
                    plain_tag(tag) for tag in set(sentence.tags or ()) - known_tags if not is_unknown(tag)
                )
            except ValueError as error:
                raise DataError(f"{sentence.source or split}: {error}") from None
            if split != "train" and is_partial(sentence.tags or ()):
                raise DataError(
                    f"{sentence.source or split}: expected known tags outside the training set, found some unknown"
                )


def source_of(data: DataConfig, split: str) -> str:
    """What is told of a split: its file, or where else it is from."""
    if split == "dev" and data.dev_share:
        return f"{data.dev} of {data.train}"
    named = getattr(data, split) or ", ".join(names_of(data.corpora))
    return named or (f"{data.dataset}:{split}" if data.dataset else IN_PYTHON)


def with_tokenizer(config: Config, corpus: Corpus) -> Config:
    """The settings with `data.tokenizer` settled: raw text is cut as the training corpus was."""
    if config.data.tokenizer != "auto":
        return config
    mode = natural_cut([word for sentence in corpus.train for word in sentence.spelled])
    return config.model_copy(update={"data": config.data.model_copy(update={"tokenizer": mode})})
