"""Batches against a slow, obvious transcription of what they should hold."""

import numpy as np
import pytest
import torch

from ner.features.batches import batch_rows, drop_singletons, encode, fingerprint
from ner.features.casing import casing_id
from ner.features.characters import MAX_SPELLING, Characters
from ner.features.feature import UNKNOWN
from ner.features.vocabulary import Vocabularies
from ner.text.sentence import Sentence, sentence_from_words
from ner.text.tags import convert_tags
from tests.tiny import make_batch, vocabularies_of


@pytest.fixture
def vocabularies(sentences: list[Sentence]) -> Vocabularies:
    return vocabularies_of(sentences, casing_dim=2)


def spell(vocabularies: Vocabularies, word: str) -> list[int]:
    characters = vocabularies.features["characters"]
    assert isinstance(characters, Characters)
    return characters.character_ids(word)


def rows_of(*rows: int) -> np.ndarray:
    return np.array(rows, dtype=np.int64)


@pytest.mark.parametrize("rows", [(0, 1, 2, 3, 4, 5, 6, 7), (5,), (3, 1), (7, 5, 0), (2, 2)], ids=str)
def test_a_batch_holds_what_each_token_says_of_itself(
    sentences: list[Sentence], vocabularies: Vocabularies, rows: tuple[int, ...]
) -> None:
    inputs, tags = make_batch(encode(sentences, vocabularies, tagged=True), rows_of(*rows))
    longest = max(len(sentences[row].tokens) for row in rows)
    assert tags is not None
    words, casings, where = (inputs.arrays[name] for name in ("words", "casing", "characters.where"))
    assert tags.shape == words.shape == casings.shape == where.shape == (len(rows), longest)
    assert inputs.lengths.tolist() == [len(sentences[row].tokens) for row in rows]
    for index, row in enumerate(rows):
        sentence = sentences[row]
        named = convert_tags(sentence.tags or (), "bioes")
        for step in range(longest):
            if step >= len(sentence.tokens):
                assert (
                    inputs.arrays["words"][index, step]
                    == inputs.arrays["casing"][index, step]
                    == tags[index, step]
                    == 0
                )
                continue
            word = sentence.tokens[step].text
            assert inputs.arrays["words"][index, step] == vocabularies.words.id_of(word)
            assert inputs.arrays["casing"][index, step] == casing_id(word)
            assert vocabularies.tags[int(tags[index, step])] == named[step]
            spelling = int(inputs.arrays["characters.where"][index, step])
            length = int(inputs.arrays["characters.lengths"][spelling])
            assert inputs.arrays["characters.spellings"][spelling, :length].tolist() == vocabularies.features[
                "characters"
            ].character_ids(word)
            assert not inputs.arrays["characters.spellings"][spelling, length:].any()


def test_a_batch_spells_each_distinct_word_once(sentences: list[Sentence], vocabularies: Vocabularies) -> None:
    rows = (0, 1, 2)
    inputs, _ = make_batch(encode(sentences, vocabularies), rows_of(*rows))
    words = {word for row in rows for word in sentences[row].words}
    assert len(inputs.arrays["characters.spellings"]) == len(words)
    assert inputs.arrays["characters.spellings"].shape[1] == max(map(len, words))


def test_without_tags_a_batch_has_none(sentences: list[Sentence], vocabularies: Vocabularies) -> None:
    assert make_batch(encode(sentences, vocabularies), rows_of(0))[1] is None


def test_a_batch_reads_other_word_ids_where_they_are_given(
    sentences: list[Sentence], vocabularies: Vocabularies
) -> None:
    encoded = encode(sentences, vocabularies)
    inputs, _ = make_batch(encoded.with_words(np.arange(100, 100 + len(encoded.words))), rows_of(1, 0))
    assert inputs.arrays["words"].tolist() == [[105, 106, 107, 0, 0], [100, 101, 102, 103, 104]]


@pytest.mark.parametrize("length", [MAX_SPELLING, MAX_SPELLING + 1, MAX_SPELLING + 2, 1_000_000])
def test_a_long_word_is_spelled_by_its_two_ends(vocabularies: Vocabularies, length: int) -> None:
    word = "Anna" + "o" * (length - 8) + "Rome"
    encoded = encode([sentence_from_words([word, "a"])], vocabularies)
    assert encoded.arrays["characters"]["characters.spellings"].shape == (2, 64)
    spelled = word if length == 64 else word[:32] + word[-32:]
    assert encoded.arrays["characters"]["characters.spellings"][0].tolist() == vocabularies.features[
        "characters"
    ].character_ids(spelled)


def test_a_word_without_characters_is_spelled_by_one_unknown(vocabularies: Vocabularies) -> None:
    encoded = encode([sentence_from_words(["", "Anna"])], vocabularies)
    assert encoded.arrays["characters"]["characters.lengths"].tolist() == [1, 4]
    assert encoded.arrays["characters"]["characters.spellings"][0].tolist() == [UNKNOWN, 0, 0, 0]


def lengths_of(count: int) -> np.ndarray:
    return np.random.default_rng(7).integers(1, 60, size=count)


@pytest.mark.parametrize("count", [0, 1, 5, 1000])
@pytest.mark.parametrize("tokens", [None, 1, 100])
@pytest.mark.parametrize("shuffled", [False, True])
def test_every_row_comes_once(count: int, tokens: int | None, shuffled: bool) -> None:
    generator = np.random.default_rng(1) if shuffled else None
    batches = list(batch_rows(lengths_of(count), size=4, tokens=tokens, generator=generator))
    assert sorted(row for batch in batches for row in batch) == list(range(count))
    assert all(len(batch) for batch in batches)


@pytest.mark.parametrize("shuffled", [False, True])
def test_no_batch_has_more_sentences_than_its_size(shuffled: bool) -> None:
    generator = np.random.default_rng(1) if shuffled else None
    sizes = [len(batch) for batch in batch_rows(lengths_of(1001), size=4, generator=generator)]
    assert max(sizes) == 4
    assert len(sizes) == 251  # as few as 1001 sentences need


@pytest.mark.parametrize("shuffled", [False, True])
@pytest.mark.parametrize("tokens", [30, 128, 1000])
def test_no_batch_passes_its_token_budget_unless_it_is_one_sentence(tokens: int, shuffled: bool) -> None:
    lengths = lengths_of(500)
    generator = np.random.default_rng(1) if shuffled else None
    for batch in batch_rows(lengths, size=4, tokens=tokens, generator=generator):
        assert len(batch) * lengths[batch].max() <= tokens or len(batch) == 1


def test_without_a_generator_the_longest_come_first() -> None:
    lengths = lengths_of(50)
    order = np.concatenate(list(batch_rows(lengths, size=7)))
    assert lengths[order].tolist() == sorted(lengths.tolist(), reverse=True)


def test_the_seed_settles_the_batches_and_another_seed_others() -> None:
    def batches(seed: int) -> list[list[int]]:
        generator = np.random.default_rng(seed)
        return [batch.tolist() for batch in batch_rows(lengths_of(300), size=8, generator=generator)]

    assert batches(1) == batches(1)
    assert batches(1) != batches(2)


def test_training_batches_waste_little_on_padding_and_come_in_no_order_of_length() -> None:
    lengths = lengths_of(3000)
    batches = list(batch_rows(lengths, size=10, generator=np.random.default_rng(1)))
    padded = sum(len(batch) * lengths[batch].max() for batch in batches)
    assert padded < 1.05 * lengths.sum()
    longest = [int(lengths[batch].max()) for batch in batches]
    assert longest != sorted(longest)
    assert longest != sorted(longest, reverse=True)


@pytest.mark.parametrize("rate", [0.0, 0.3, 1.0])
def test_words_seen_once_become_unknown_at_their_rate_and_others_never(rate: float) -> None:
    words = np.tile(np.arange(2, 12), 2000)
    before = words.copy()
    dropped = drop_singletons(words, frozenset({3, 7}), rate, np.random.default_rng(1))
    once = np.isin(words, [3, 7])
    assert (dropped[~once] == words[~once]).all()
    assert np.isin(dropped[once], [3, 7, UNKNOWN]).all()
    # Of 4,000 draws, five deviations of the mean are 0.036.
    assert (dropped[once] == UNKNOWN).mean() == pytest.approx(rate, abs=0.036)
    assert (before == words).all()


def test_nothing_is_dropped_where_no_word_is_single(sentences: list[Sentence], vocabularies: Vocabularies) -> None:
    words = encode(sentences, vocabularies).words
    assert (drop_singletons(words, frozenset(), 1.0, np.random.default_rng(1)) == words).all()


def test_a_fingerprint_tells_corpora_apart(sentences: list[Sentence]) -> None:
    first, second, *others = sentences
    joined = sentence_from_words(first.words + second.words, [*(first.tags or ()), *(second.tags or ())])
    retagged = sentence_from_words(second.words, ["O", "O", "O"])
    respelled = sentence_from_words(["rome", *second.words[1:]], second.tags)
    opening = sentence_from_words(second.words, second.tags, opens_document=True)
    variants = [
        sentences,
        [second, first, *others],
        [joined, *others],
        [first, retagged, *others],
        [first, respelled, *others],
        [first, second],
        [first, opening, *others],
    ]
    assert fingerprint(list(sentences)) == fingerprint(sentences)
    assert len({fingerprint(variant) for variant in variants}) == len(variants)


def test_tensors_own_their_memory(sentences: list[Sentence], vocabularies: Vocabularies) -> None:
    encoded = encode(sentences, vocabularies, tagged=True)
    inputs, tags = make_batch(encoded, rows_of(0, 1))
    assert tags is not None
    for tensor in (*inputs.arrays.values(), inputs.lengths, tags):
        assert tensor.dtype == torch.int64
        tensor.fill_(99)
    again = encode(sentences, vocabularies, tagged=True)
    assert encoded.tags is not None
    assert (encoded.tags == again.tags).all()
    assert (encoded.words == again.words).all()
