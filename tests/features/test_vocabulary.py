"""Vocabularies of corpora small enough to number by hand."""

import json

import numpy as np
import pytest

from ner.config import Config
from ner.features.bigrams import Bigrams, bigrams_of
from ner.features.casing import Casing, casing_id
from ner.features.characters import Characters
from ner.features.feature import PADDING, UNKNOWN, Tokens
from ner.features.vocabulary import Vocabularies
from ner.features.words import WordVocabulary, build_words, lookup_forms
from ner.settings import FEATURES
from ner.text.sentence import Sentence, sentence_from_words
from tests.tiny import vocabularies_of


def sentences(*texts: str) -> list[Sentence]:
    """Sentences of words, `word/TAG` where a word has a tag other than O."""
    made = []
    for text in texts:
        parts = [token.partition("/") for token in text.split()]
        made.append(sentence_from_words([word for word, _, _ in parts], [tag or "O" for _, _, tag in parts]))
    return made


def build(*texts: str, pretrained=(), **settings) -> Vocabularies:
    vocabularies = vocabularies_of(sentences(*texts))
    return vocabularies.with_words(build_words(sentences(*texts), pretrained, **settings))


def characters_of(vocabularies: Vocabularies) -> Characters:
    return vocabularies.features["characters"]


# Ids.


def test_words_are_numbered_from_two_the_most_frequent_first_then_by_alphabet():
    words = build("b a c c", "b c d").words
    assert words.trained == ("c", "b", "a", "d")
    assert [words.id_of(word) for word in "cbad"] == [2, 3, 4, 5]
    assert (PADDING, UNKNOWN) == (0, 1)
    assert words.num_trained == 6


def test_extra_words_are_numbered_after_those_of_training_in_their_own_order():
    words = build("b a", pretrained=["z", "a", "y"]).words
    assert words.extra == ("z", "y")
    assert [words.id_of(word) for word in ("a", "b", "z", "y")] == [2, 3, 4, 5]
    assert words.num_trained == 4


def test_extra_words_are_left_out_on_request():
    words = build("b a", pretrained=["z", "a"], keep_all=False).words
    assert words.extra == ()
    assert words.id_of("z") == UNKNOWN


def test_every_id_is_of_one_word():
    vocabularies = build("b a c 1999 x1", "B 2000 é", pretrained=["a", "q", "2001", "Q"])
    words = vocabularies.words
    known = [words.id_of(word) for word in (*words.trained, *words.extra) if word == word.lower()]
    assert len(set(known)) == len(known)
    assert set(range(2, words.num_trained)) <= set(known)


# Lookups.


@pytest.mark.parametrize(
    ("lowercase", "normalize_digits", "forms"),
    [
        (True, True, ["no.5", "no.0"]),
        (True, False, ["no.5"]),
        (False, True, ["No.5", "No.0"]),
        (False, False, ["No.5"]),
    ],
)
def test_the_forms_of_a_word_are_as_the_settings_say(lowercase, normalize_digits, forms):
    assert lookup_forms("No.5", lowercase=lowercase, normalize_digits=normalize_digits) == forms


def test_a_word_without_capitals_and_digits_has_one_form():
    assert lookup_forms("dog", lowercase=True, normalize_digits=True) == ["dog"]


def test_case_and_digits_are_looked_through():
    words = build("Paris 1996-08-22").words
    assert words.trained == ("0000-00-00", "paris")
    assert words.id_of("PARIS") == words.id_of("paris") == 3
    assert words.id_of("2024-01-31") == 2
    assert words.id_of("2024-1-31") == UNKNOWN


def test_letters_whose_accents_stand_apart_are_looked_up_composed_and_as_they_are_first():
    composed, apart = "Zo\u00eb", "Zoe\u0308"
    vocabularies = build(f"{composed} {composed} ran", f"{composed} {composed} ran")
    words, characters = vocabularies.words, characters_of(vocabularies)
    assert words.id_of(apart) == words.id_of(composed) != UNKNOWN
    assert characters.character_ids(apart) == characters.character_ids(composed)
    assert UNKNOWN not in characters.character_ids(apart)
    assert WordVocabulary((composed.lower(), apart.lower())).id_of(apart) == 3  # a model that knows it apart
    assert build(f"{apart} {apart}").words.trained == (composed.lower(),)
    both = Characters(("o", "e", "\u0308", "Z", "\u00eb"))
    assert both.character_ids(apart) == [5, 2, 3, 4]


def test_digits_of_other_scripts_are_digits_too():
    words = build("12").words
    assert words.id_of("١٢") == words.id_of("１２") == words.id_of("00") == 2


def test_a_number_that_has_a_vector_keeps_its_own_digits():
    words = build("1996 1997 1997", pretrained=["1996", "2000"]).words
    assert words.trained == ("0000", "1996")
    assert words.id_of("1996") == 3
    assert words.id_of("1998") == words.id_of("1997") == 2
    assert words.id_of("2000") == 4


def test_without_lowercase_a_word_is_itself_and_its_lower_case_only_before_unknown():
    words = build("Apple apple", "Pear", pretrained=["plum"], lowercase=False).words
    assert words.trained == ("Apple", "Pear", "apple")
    assert [words.id_of(word) for word in ("Apple", "Pear", "apple", "plum")] == [2, 3, 4, 5]
    assert words.id_of("APPLE") == words.id_of("apple")
    assert words.id_of("PLUM") == words.id_of("plum")
    assert words.id_of("pear") == UNKNOWN


def test_without_digit_normalisation_each_number_is_a_word():
    words = build("1 2", normalize_digits=False).words
    assert words.trained == ("1", "2")
    assert words.id_of("3") == UNKNOWN


# Rare words.


def test_words_rarer_than_asked_are_unknown_unless_they_have_a_vector():
    words = build("a a a b b c d", pretrained=["d"], min_count=2).words
    assert words.trained == ("a", "b", "d")
    assert words.id_of("c") == UNKNOWN


def test_counts_are_of_the_form_that_is_looked_up():
    words = build("The the 12 34 THE x", min_count=2).words
    assert words.trained == ("the", "00")


def test_singletons_are_the_words_seen_once():
    words = build("a a b 1 2 c", pretrained=["c", "q"]).words
    assert {words.id_of(word) for word in ("b", "c")} == words.singletons


# Characters.


def test_a_character_seen_once_is_unknown():
    vocabularies = build("abba aX x", "x")
    # a stands in two words, x too; b, twice in one word, and X were met once.
    assert characters_of(vocabularies).characters == ("a", "x")
    assert characters_of(vocabularies).character_ids("axXbé") == [2, 3, UNKNOWN, UNKNOWN, UNKNOWN]


def test_characters_are_counted_by_the_words_that_hold_them_and_keep_their_case():
    vocabularies = build("Aa Aa B B 7 8", "8")
    assert characters_of(vocabularies).characters == ("8", "A", "B", "a")
    assert characters_of(vocabularies).num_characters == 6
    assert characters_of(vocabularies).character_ids("") == []


# Tags.


def test_tags_are_bioes_of_the_labels_in_alphabetic_order_whatever_the_file_had():
    vocabularies = build("x/I-PER y/B-a-b", "z/S-LOC")
    assert vocabularies.labels == ("LOC", "PER", "a-b")
    assert vocabularies.tags == ["O", *(f"{p}-{label}" for label in ("LOC", "PER", "a-b") for p in "BIES")]
    assert [vocabularies.tag_id(tag) for tag in vocabularies.tags] == list(range(13))


def test_a_label_that_training_never_saw_has_no_id():
    with pytest.raises(KeyError) as error:
        build("x/B-PER").tag_id("B-LOC")
    assert error.value.args == ("B-LOC",)


def test_a_sentence_without_tags_adds_words_and_no_labels():
    vocabularies = vocabularies_of([sentence_from_words(["a"])])
    assert (vocabularies.words.trained, vocabularies.labels, vocabularies.tags) == (("a",), (), ["O"])


def test_nothing_at_all_makes_the_specials_alone():
    vocabularies = build()
    assert (vocabularies.words.num_trained, characters_of(vocabularies).num_characters, vocabularies.tags) == (
        2,
        2,
        ["O"],
    )
    assert vocabularies.words.id_of("") == UNKNOWN


# Casing.


@pytest.mark.parametrize(
    ("alike", "different"),
    [
        (["dog", "é", "dog's", "x1", "b2b"], ["Dog", "DOG", "dOg", "12", "--"]),
        (["DOG", "NASA", "F16", "U.S."], ["Dog", "dog"]),
        (["Dog", "Paris", "X-ray", "É", "A", "O'Neil"], ["DOG", "dog", "iPod"]),
        (["iPod", "McDonald", "eBay"], ["ipod", "Ipod", "IPOD"]),
        (["1996", "3.5", "1-0", "１２"], ["F16", "--"]),
        (["--", "北京", "…", "("], ["1"]),
    ],
)
def test_words_of_one_case_share_a_class(alike, different):
    (number,) = {casing_id(word) for word in alike}
    assert number not in {casing_id(word) for word in different}


def test_no_word_is_of_the_padding_class_and_all_classes_are_in_range():
    classes = {casing_id(word) for word in ("dog", "DOG", "Dog", "dOg", "1", "-", "", "\u3000", "ǅ", "ß", "İ", "ŉ")}
    assert classes == set(range(1, Casing(4).num_ids))


# Saved and loaded.


def test_a_round_trip_through_json_changes_no_id():
    built = build("Paris/B-LOC paris 12 é", "NASA/B-ORG é b2b", pretrained=["x", "nasa", "13"], min_count=2)
    for loaded in (Vocabularies.from_dict(values, Config()) for values in (through_json(built), with_lists(built))):
        assert_alike(loaded, built)


def through_json(vocabularies):
    """What `as_dict` gives, as JSON has it; arrays aren't for JSON, and stay."""
    values = vocabularies.as_dict()
    words = values["features"]["words"]
    arrays = {name: words.pop(name) for name in [*words] if isinstance(words[name], np.ndarray)}
    values = json.loads(json.dumps(values))
    values["features"]["words"] |= arrays
    return values


def with_lists(vocabularies):
    """The same as up to format 4 of model directories: the words in lists."""
    values = vocabularies.as_dict()
    words, settings = vocabularies.words, ("lowercase", "normalize_digits")
    lists = {"words": list(words.trained), "extra_words": list(words.extra)}
    values["features"]["words"] = lists | {name: values["features"]["words"][name] for name in settings}
    return json.loads(json.dumps(values))


def assert_alike(loaded, built):
    assert loaded == built
    for word in ("paris", "PARIS", "12", "13", "é", "x", "NASA", "q"):
        assert loaded.words.id_of(word) == built.words.id_of(word)
    assert characters_of(loaded).character_ids("Pé12") == characters_of(built).character_ids("Pé12")
    assert [loaded.tag_id(tag) for tag in built.tags] == list(range(len(built.tags)))


@pytest.mark.parametrize("key", ["words", "extra_words", "lowercase", "normalize_digits", "characters", "labels"])
def test_a_dict_without_an_entry_is_refused_by_its_name(key):
    values = with_lists(build("a"))
    home = next(part for part in (values, *values["features"].values()) if key in part)
    del home[key]
    with pytest.raises(ValueError) as error:
        Vocabularies.from_dict(values, Config())
    kind = (
        "true or false, found None" if key in ("lowercase", "normalize_digits") else "a list of texts, found NoneType"
    )
    assert str(error.value) == f"expected {key} to be {kind}"


def test_the_order_of_sentences_changes_nothing():
    texts = ("Paris/B-LOC paris 12", "NASA/B-ORG é b2b", "a b c")
    assert build(*texts) == build(*reversed(texts))


def test_settings_of_a_vocabulary_are_kept():
    words = WordVocabulary(("Ab",), lowercase=False, normalize_digits=False)
    assert (words.id_of("Ab"), words.id_of("ab")) == (2, UNKNOWN)


def test_bigrams_are_the_pairs_of_training_seen_more_than_once() -> None:
    training = [sentence_from_words(list(text), ["O"] * len(text)) for text in ("会计师", "会计", "出纳")]
    bigrams = vocabularies_of(training, bigram_dim=4).features["bigrams"]
    assert isinstance(bigrams, Bigrams)
    assert bigrams.bigrams == ("会 计",)
    sentence = sentence_from_words(list("会计师"))
    encoded = bigrams.encode(Tokens([sentence], sentence.words, np.arange(3)), {})
    assert encoded["bigrams"].tolist() == [2, 1, 1]
    assert "bigrams" not in vocabularies_of(training).features
    assert bigrams_of(["a"]) == ["a "]


def test_features_that_are_no_rows_of_the_table_are_refused() -> None:
    values = build("a").as_dict()
    values["features"]["sound"] = {}
    with pytest.raises(ValueError) as error:
        Vocabularies.from_dict(values, Config())
    assert str(error.value) == f"expected features {', '.join(FEATURES)}, found 'sound'"
    del values["features"]["sound"], values["features"]["words"]
    with pytest.raises(ValueError) as error:
        Vocabularies.from_dict(values, Config())
    assert str(error.value) == "expected the feature words, found none"
