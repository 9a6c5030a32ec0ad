"""Vocabularies as they come from a model directory, which may be anybody's: each entry is checked."""

from collections import Counter
from typing import Any

from ner.features.phrases import Gazetteer, Lexicon
from ner.features.vocabulary import Vocabularies, WordVocabulary


def vocabularies_from_dict(values: dict[str, Any]) -> Vocabularies:
    """The vocabularies that `Vocabularies.as_dict` wrote.

    Raises:
        ValueError: an entry is missing or of another kind, or a word has two numbers.
    """
    texts = {name: _texts(values, name) for name in ("words", "extra_words", "characters", "labels", "bigrams")}
    words = WordVocabulary(
        trained=texts["words"],
        extra=texts["extra_words"],
        lowercase=_flag(values, "lowercase"),
        normalize_digits=_flag(values, "normalize_digits"),
    )
    lists = (texts["characters"], texts["labels"], texts["bigrams"])
    mentions = "mentions" in values and _flag(values, "mentions")  # an older model has none
    features = (_lexicon(values), _gazetteers(values), mentions)
    vocabularies = Vocabularies(words, *lists, *features)
    both = (*words.trained, *words.extra)
    for name, entries, numbered in (
        ("words", both, words._numbers),
        ("characters", texts["characters"], vocabularies._characters),
        ("labels", texts["labels"], dict.fromkeys(texts["labels"])),
        ("bigrams", texts["bigrams"], vocabularies._bigrams),
    ):
        if len(numbered) < len(entries):
            twice = next(entry for entry, count in Counter(entries).items() if count > 1)
            raise ValueError(f"expected {name} without repetition, found {twice!r} twice")
    return vocabularies


def _lexicon(values: dict[str, Any]) -> Lexicon | None:
    found = values.get("lexicon")
    if found is None:
        return None
    if not isinstance(found, dict) or not isinstance(found.get("counts"), list):
        raise ValueError("expected lexicon to be words and their counts")
    words, counts = _texts(found, "words"), found["counts"]
    if set(map(type, counts)) - {int} or len(counts) > len(words):
        raise ValueError(f"expected at most {len(words)} whole numbers to be the lexicon's counts")
    return Lexicon(words, tuple(counts))


def _gazetteers(values: dict[str, Any]) -> tuple[Gazetteer, ...]:
    found = values.get("gazetteers", [])
    if not isinstance(found, list) or not all(isinstance(g, dict) and isinstance(g.get("name"), str) for g in found):
        raise ValueError("expected gazetteers to be a list of names and phrases")
    return tuple(Gazetteer(gazetteer["name"], _texts(gazetteer, "phrases")) for gazetteer in found)


def _texts(values: dict[str, Any], name: str) -> tuple[str, ...]:
    entries = values.get(name)
    if not isinstance(entries, list):
        raise ValueError(f"expected {name} to be a list of texts, found {type(entries).__name__}")
    if others := set(map(type, entries)) - {str}:
        raise ValueError(f"expected {name} to be a list of texts, found {others.pop().__name__} in it")
    return tuple(entries)


def _flag(values: dict[str, Any], name: str) -> bool:
    value = values.get(name)
    if not isinstance(value, bool):
        raise ValueError(f"expected {name} to be true or false, found {value!r}")
    return value
