"""A model's vocabularies with what a further corpus adds: new words, new characters, new labels.

What the model knows keeps its id: new words and characters stand behind the old ones. The other features stay as they
are, since what they know came from lists and vectors, or is closed.
"""

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import replace

from ner.features.characters import Characters
from ner.features.contextual import Contextual
from ner.features.feature import NUM_SPECIAL, UNKNOWN, Feature, Material, feature_type
from ner.features.vocabulary import Vocabularies, labels_in
from ner.features.words import Words, WordVocabulary, lookup_forms
from ner.text.sentence import Sentence


def grow_vocabularies(old: Vocabularies, material: Material) -> Vocabularies:
    """A model's vocabularies with the labels, words and characters of a corpus, under settings that fit the model.

    Raises:
        VectorsError: the vectors that the settings name are missing, damaged or of another width.
    """
    model = material.config.model
    labels = labels_in(material.sentences)
    material = replace(material, sentences=old.seen(material.sentences))
    known = material.vectors(model.vectors, model.word_dim, "model.word_dim").words if model.vectors else ()
    features: dict[str, Feature] = {}
    for name, feature in old.features.items():
        if isinstance(feature, Contextual):  # which knows where its encoder lies
            features[name] = feature
            continue
        grown = feature_type(name).from_dict(feature.as_dict(), material.config)
        if isinstance(grown, Words):
            words = grow_words(old.words, material.sentences, frozenset(known), min_count=model.min_count)
            grown = replace(grown, vocabulary=words)
        elif isinstance(grown, Characters) and (fitted := Characters.fit(material)):
            new = [character for character in fitted.characters if character not in frozenset(grown.characters)]
            grown = replace(grown, characters=(*grown.characters, *new))
        features[name] = grown
    return Vocabularies(tuple(sorted({*old.labels, *labels})), features, old.script)


def grow_words(
    old: WordVocabulary, sentences: Iterable[Sentence], pretrained: Collection[str], *, min_count: int = 1
) -> WordVocabulary:
    """A model's words with those of a corpus, behind its trained ones, the most frequent first.

    A pretrained word that the corpus has becomes a trained one; of the others none comes and none goes.

    Args:
        old: the model's.
        sentences: of the corpus.
        pretrained: words that have a vector, from which a new word starts.
        min_count: a new word that occurs less often, and has no vector, stays unknown.
    """
    counts = Counter(word for sentence in sentences for word in sentence.spelled)
    new: Counter[str] = Counter()
    for word, count in counts.items():
        number = old.id_of(word)
        if number >= old.num_trained:
            new[old.extra[number - old.num_trained]] += count
        elif number == UNKNOWN:
            forms = lookup_forms(word, lowercase=old.lowercase, normalize_digits=old.normalize_digits)
            new[next((form for form in forms if form in pretrained), forms[-1])] += count
    moved = new.keys() & frozenset(old.extra)
    ranked = sorted(new.items(), key=lambda item: (-item[1], item[0]))
    added = [word for word, count in ranked if count >= min_count or word in pretrained or word in moved]
    first = len(old.trained) + NUM_SPECIAL
    return WordVocabulary(
        trained=(*old.trained, *added),
        extra=tuple(word for word in old.extra if word not in moved),
        lowercase=old.lowercase,
        normalize_digits=old.normalize_digits,
        singletons=frozenset(number for number, word in enumerate(added, start=first) if new[word] == 1),
    )
