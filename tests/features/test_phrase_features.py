"""The lexicon matches of the SoftLexicon against Ma et al. 2020's definition, set by set."""

import numpy as np
import pytest

from ner.features.batches import encode
from ner.features.gazetteers import Gazetteers
from ner.features.lexicon import LexiconMatches
from ner.features.phrase_features import mark_tokens, match_lexicon
from ner.features.phrases import Gazetteer, Lexicon
from ner.features.vocabulary import Vocabularies
from ner.features.words import Words, WordVocabulary
from ner.text.sentence import sentence_from_words
from tests.tiny import make_batch

WORDS = Words(WordVocabulary(tuple("长江大桥")), 2)
TEXTS = ["长江大桥", "桥", "大大长江"]
SENTENCES = [sentence_from_words(text) for text in TEXTS]
LEXICON = Lexicon(("长江", "大桥", "大", "长江大桥", "江大"), (5, 2, 1))


def sets_by_definition(text):
    """Of each character {(set, word): weight}: by trying each span, with z(w) its count and one more."""
    counts = {word: LEXICON.count(number) for number, word in enumerate(LEXICON.words, start=1)}
    found = []
    for place in range(len(text)):
        spans = [(a, b) for a in range(place + 1) for b in range(place + 1, len(text) + 1) if text[a:b] in counts]
        kinds = [
            ("S" if b - a == 1 else "B" if a == place else "E" if b == place + 1 else "M", text[a:b]) for a, b in spans
        ]
        total = sum(counts[word] for _, word in kinds)
        found.append({(kind, word): 4 * counts[word] / total for kind, word in kinds})
    return found


def test_lexicon_matches_are_what_the_definition_says_with_its_weights():
    sets = match_lexicon(SENTENCES, LEXICON)
    wanted = [token for text in TEXTS for token in sets_by_definition(text)]
    for token, expected in enumerate(wanted):
        found = {}
        for place, role in enumerate("BMES"):
            inside = slice(sets.starts[4 * token + place], sets.starts[4 * token + place + 1])
            for number, weight in zip(sets.words[inside], sets.weights[inside], strict=True):
                found[role, LEXICON.words[number - 1]] = float(weight)
        assert found == pytest.approx(expected)


def test_a_batch_has_the_lexicon_matches_of_its_sentences_at_their_tokens_and_none_for_padding():
    vocabularies = Vocabularies((), {"words": WORDS, "lexicon": LexiconMatches(LEXICON, 3)})
    encoded = encode(SENTENCES, vocabularies)
    for rows in ([0, 1, 2], [1, 2], [2, 0], [1]):
        inputs, _ = make_batch(encoded, np.array(rows))
        steps = inputs.mask.shape[1]
        found = [[{} for _ in range(steps)] for _ in rows]
        for word, weight, index in zip(
            *(inputs.arrays[f"lexicon.{part}"].tolist() for part in ("words", "weights", "sets")), strict=True
        ):
            row, token, role = index // 4 // steps, index // 4 % steps, "BMES"[index % 4]
            found[row][token][role, LEXICON.words[word - 1]] = weight
        for place, row in enumerate(rows):
            wanted = sets_by_definition(TEXTS[row])
            assert found[place] == [pytest.approx(token) for token in [*wanted, *([{}] * (steps - len(wanted)))]]


def test_text_without_a_word_of_the_lexicon_has_no_matches():
    sets = match_lexicon([sentence_from_words("abc")], LEXICON)
    assert (len(sets.words), sets.starts.tolist()) == (0, [0] * 13)


def test_marks_tell_each_lists_places_and_padding_has_none():
    gazetteers = (Gazetteer("places", ("New York", "York", "Ulm")), Gazetteer("people", ("John Q. Public",)))
    sentences = [sentence_from_words(text.split()) for text in ("In New York John Q. Public", "Ulm")]
    marks = mark_tokens(sentences, gazetteers)
    names = [f"{kind}-{role}" for kind in ("places", "people") for role in "BMES"]
    found = [{names[place] for place in np.flatnonzero(row)} for row in marks]
    assert found == [
        set(),
        {"places-B"},
        {"places-E", "places-S"},
        {"people-B"},
        {"people-M"},
        {"people-E"},
        {"places-S"},
    ]
    vocabularies = Vocabularies((), {"words": WORDS, "gazetteers": Gazetteers(gazetteers)})
    inputs, _ = make_batch(encode(sentences, vocabularies), np.array([0, 1]))
    assert inputs.arrays["gazetteers"].shape == (2, 6, 8)
    assert inputs.arrays["gazetteers"][0].numpy().tolist() == marks[:6].tolist()
    assert inputs.arrays["gazetteers"][1].sum() == inputs.arrays["gazetteers"][1, 0].sum() == 1
