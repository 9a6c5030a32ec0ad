"""Redaction takes the entities of a text away and nothing else, and puts them back."""

import hashlib
import hmac
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import ner
from ner import Entity, Redaction, Replacement, redact, restore
from ner.errors import ConfigError, DataError

KEY = b"0123456789abcdef"


def entities_in(text: str, *names: tuple[str, str]) -> list[Entity]:
    """The first occurrence of each name."""
    return [Entity(label, name, text.index(name), text.index(name) + len(name)) for label, name in names]


def test_each_entity_gives_way_to_its_label_and_all_else_stays() -> None:
    text = "Anna\r\n left  Rome.\t"
    done = redact(text, entities_in(text, ("LOC", "Rome"), ("PER", "Anna")))
    assert done.text == "[PER]\r\n left  [LOC].\t"
    assert done.replacements == (Replacement(0, "[PER]", "PER", "Anna"), Replacement(14, "[LOC]", "LOC", "Rome"))
    assert [done.text[each.start : each.end] for each in done.replacements] == ["[PER]", "[LOC]"]


def test_a_name_that_comes_again_has_its_number_again_whatever_its_blanks() -> None:
    text = "Jo Ann, Rome, Max, Jo\n Ann"
    found = [*entities_in(text, ("PER", "Jo Ann"), ("LOC", "Rome"), ("PER", "Max")), Entity("PER", "Jo\n Ann", 19, 26)]
    assert redact(text, found, numbered=True).text == "[PER_1], [LOC_1], [PER_2], [PER_1]"


def test_a_hash_is_the_hmac_of_label_and_name_under_the_key() -> None:
    text = "Anna and Anna"
    found = [Entity("PER", "Anna", 0, 4), Entity("PER", "Anna", 9, 13)]
    digest = hmac.new(KEY, b"PER\0Anna", hashlib.sha256).hexdigest()[:16]
    assert redact(text, found, replace="hash", key=KEY).text == f"[PER_{digest}] and [PER_{digest}]"
    other = redact(text, found, replace="hash", key=KEY[::-1]).text
    assert digest not in other


def test_without_a_key_a_hash_is_the_same_within_a_process_and_no_hash_of_the_name_alone() -> None:
    texts = [redact("Anna", [Entity("PER", "Anna", 0, 4)], replace="hash").text for _ in range(2)]
    assert texts[0] == texts[1]
    assert re.fullmatch(r"\[PER_[0-9a-f]{16}\]", texts[0])
    assert hashlib.sha256(b"PER\0Anna").hexdigest()[:16] not in texts[0]


def test_a_fixed_string_stands_for_each_name_and_may_be_empty() -> None:
    found = [Entity("PER", "Anna", 0, 4)]
    assert redact("Anna left", found, replace="fixed").text == "[REDACTED] left"
    empty = redact("Anna left", found, replace="fixed", fixed="")
    assert empty.text == " left"
    assert restore(empty.text, empty.replacements) == "Anna left"


def test_other_labels_than_those_that_are_named_stay() -> None:
    text = "Anna left Rome"
    assert redact(text, entities_in(text, ("PER", "Anna"), ("LOC", "Rome")), labels=["LOC"]).text == "Anna left [LOC]"


def test_entities_over_one_another_go_together() -> None:
    text = "University of Rome Press"
    found = entities_in(text, ("ORG", "University of Rome"), ("MISC", "Rome Press"), ("LOC", "Rome"))
    assert redact(text, found).text == "[ORG]"


def test_a_name_goes_wherever_it_stands_as_a_word_of_its_own() -> None:
    text = "Rome! Romes Rome's New-Rome Rom\u0065\u0301 (Rome)"
    assert redact(text, entities_in(text, ("LOC", "Rome")), also_repeats=True).text == (
        "[LOC]! Romes [LOC]'s New-[LOC] Rom\u0065\u0301 ([LOC])"
    )


def test_of_a_person_single_words_go_too_but_no_small_ones_and_no_initials() -> None:
    text = "J. Ursula von der Leyen spoke. Leyen von der EU, J. said; Ursula"
    done = redact(text, entities_in(text, ("PER", "J. Ursula von der Leyen")), also_repeats=True)
    assert done.text == "[PER] spoke. [PER] von der EU, J. said; [PER]"
    # Not of other names: a bank isn't the Bank of America.
    text = "Bank of America; a Bank"
    assert redact(text, entities_in(text, ("ORG", "Bank of America")), also_repeats=True).text == "[ORG]; a Bank"


def test_a_surname_has_the_number_of_the_one_name_that_it_is_of() -> None:
    text = "Jo Roe, Max Roe, Ann Lee. Lee, Roe"
    found = entities_in(text, ("PER", "Jo Roe"), ("PER", "Max Roe"), ("PER", "Ann Lee"))
    done = redact(text, found, also_repeats=True, numbered=True)
    assert done.text == "[PER_1], [PER_2], [PER_3]. [PER_3], [PER_4]"


def test_a_chinese_name_goes_in_the_midst_of_other_characters() -> None:
    text = "安娜说，安娜来了"
    assert redact(text, [Entity("PER", "安娜", 0, 2)], also_repeats=True).text == "[PER]说，[PER]来了"


words = st.lists(st.sampled_from(["Anna", "Roe", "Anna Roe", "[PER_1]", "\r\n", " ", "😀", "é", "安", "", "\ud800"]))


@given(words, st.data())
def test_what_was_redacted_is_restored_character_for_character(pieces: list[str], data: st.DataObject) -> None:
    text = "".join(pieces)
    places = st.integers(0, len(text))
    found = []
    for start, end in data.draw(st.lists(st.tuples(places, places), max_size=4)):
        start, end = sorted((start, end))
        found.append(Entity(data.draw(st.sampled_from(["PER", "LOC", "A B\n"])), text[start:end], start, end))
    replace = data.draw(st.sampled_from(["label", "hash", "fixed"]))
    again = data.draw(st.booleans())
    done = redact(
        text,
        found,
        replace=replace,
        numbered=replace == "label" and data.draw(st.booleans()),
        also_repeats=again,
        fixed=data.draw(st.sampled_from(["", "x", "Anna"])),
    )
    assert restore(done.text, done.replacements) == text
    if not again:
        covered = {place for entity in found for place in range(entity.start, entity.end)}
        marks = {place for each in done.replacements for place in range(each.start, each.end)}
        rest = "".join(each for place, each in enumerate(done.text) if place not in marks)
        assert rest == "".join(each for place, each in enumerate(text) if place not in covered)


@pytest.mark.parametrize(
    ("text", "replacements", "message"),
    [
        ("x", "abc", "replacements[0]: expected a Replacement, found 'a'; redact gives them"),
        ("x", 3, "replacements: expected the replacements of a Redaction, found 3"),
        (b"x", [], "text: expected a string, found b'x'"),
    ],
)
def test_only_a_text_and_replacements_are_restored(text: Any, replacements: Any, message: str) -> None:
    with pytest.raises(ConfigError) as error:
        restore(text, replacements)
    assert str(error.value) == message


def test_a_text_that_was_changed_is_not_restored() -> None:
    with pytest.raises(DataError) as caught:
        restore("[LOC] left", [Replacement(0, "[PER]", "PER", "Anna")])
    assert str(caught.value) == (
        "restore: expected '[PER]' at character 0 of the redacted text, found '[LOC]'; the text was changed, or the "
        "map is of another text"
    )


def test_what_was_replaced_is_not_in_what_is_shown_of_a_redaction() -> None:
    assert repr(redact("Anna left", [Entity("PER", "Anna", 0, 4)])) == "Redaction('[PER] left', 1 replaced)"
    assert isinstance(redact("", []), Redaction)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"replace": "x"}, "replace: expected one of label, hash, fixed, found 'x'"),
        (
            {"replace": "hash", "numbered": True},
            "numbered: expected the way label, found hash, whose marks have no number",
        ),
        ({"key": KEY}, "key: expected the way hash, found label, which takes no key"),
        (
            {"replace": "hash", "key": b"short"},
            "key: expected at least 16 bytes, found 5; secrets.token_bytes(32) makes a key",
        ),
        (
            {"replace": "hash", "key": "a string of text"},
            "key: expected at least 16 bytes, found a value of type str; secrets.token_bytes(32) makes a key",
        ),
        ({"labels": "PER"}, "labels: expected a collection of labels, found 'PER'; write ['PER']"),
        ({"labels": 3}, "labels: expected a collection of labels, found 3"),
    ],
)
def test_arguments_that_say_nothing_are_refused(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        redact("Anna", [], **arguments)
    assert str(caught.value) == message


def test_a_text_and_entities_of_another_kind_are_refused() -> None:
    with pytest.raises(ConfigError) as caught:
        redact(None, [])
    assert str(caught.value) == "text: expected a string, found None"
    with pytest.raises(ConfigError) as caught:
        redact("Anna", ["Anna"])
    assert str(caught.value) == "entities[0]: expected an Entity, found 'Anna'"


def test_an_entity_of_another_text_is_refused_without_being_shown() -> None:
    with pytest.raises(DataError) as caught:
        redact("Rome", [Entity("PER", "Anna", 0, 4)])
    assert str(caught.value) == (
        "entities[0]: expected the entity at characters 0 to 4 of the text, found other characters there; it is an "
        "entity of another text"
    )


def test_the_names_are_at_the_front_door() -> None:
    assert ner.redact is redact
    assert ner.restore is restore
