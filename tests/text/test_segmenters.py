"""Text cut at blanks alone against `str.split`, and into Chinese words against the segmenter's own offsets."""

import builtins

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ner.errors import ConfigError
from ner.text.tokenizer import split_sentences, tokenize

TEXTS = (
    st.text(st.sampled_from("ab.,!?'e\u0301 \n\t\u00a0\u3000\u200b\u200d\ufeff\U0001f600中国北京人,。\ue000"))
    | st.text()
)


def spelled(text: str, mode: str) -> list[str]:
    return [token.text for token in tokenize(text, mode=mode)]  # type: ignore[arg-type]


@given(TEXTS.filter(lambda text: not any(c in text for c in "\u200b\ufeff")))
def test_text_of_plain_characters_is_cut_where_python_finds_blanks(text):
    plain = "".join(c if c.isprintable() else " " for c in text)
    assert spelled(plain, "spaces") == plain.split()


@pytest.mark.parametrize("mode", ["spaces", "words-zh"])
@given(text=TEXTS)
@example(text="\u200d \u200d a\u200db")
def test_every_visible_character_is_in_one_token_and_every_token_stands_at_its_offsets(mode, text):
    if mode == "words-zh":
        pytest.importorskip("rjieba", reason="the extra zh isn't installed")
    tokens = tokenize(text, mode=mode)
    behind = 0
    for token in tokens:
        assert token.text == text[token.start : token.end] != ""
        assert token.start >= behind
        behind = token.end
    inside = {place for token in tokens for place in range(token.start, token.end)}
    in_words = {place for token in tokenize(text) for place in range(token.start, token.end)}
    assert in_words <= inside


@pytest.mark.parametrize("mode", ["spaces", "words-zh"])
@given(text=TEXTS)
def test_sentences_are_the_tokens_in_order_and_end_nowhere_but_in_words_mode(mode, text):
    if mode == "words-zh":
        pytest.importorskip("rjieba", reason="the extra zh isn't installed")
    sentences = split_sentences(text, mode=mode)
    assert [token for sentence in sentences for token in sentence.tokens] == tokenize(text, mode=mode)
    assert {s.starts[0] for s in sentences[1:]} <= {s.starts[0] for s in split_sentences(text)}


def test_sentences_cut_at_blanks_end_where_their_last_word_has_a_full_stop():
    sentences = split_sentences("Ann ran to Kiel. Dr. Doe (of Graz) sat.\n\nWhy?", mode="spaces")
    assert [sentence.words for sentence in sentences] == [
        ["Ann", "ran", "to", "Kiel."],
        ["Dr.", "Doe", "(of", "Graz)", "sat."],
        ["Why?"],
    ]


def test_chinese_is_joined_into_words_and_all_else_is_cut_as_ever():
    pytest.importorskip("rjieba", reason="the extra zh isn't installed")
    text = "陈静离开了U.S.。他的GDP增长3.5%,在北京买iPhone。"
    words = "陈静 离开 了 U.S. 。 他 的 GDP 增长 3.5 % , 在 北京 买 iPhone 。"
    assert spelled(text, "words-zh") == words.split()


def test_a_mark_stays_with_its_chinese_character_within_a_word():
    pytest.importorskip("rjieba", reason="the extra zh isn't installed")
    assert spelled("在北\ufe00京", "words-zh") == ["在", "北\ufe00京"]


def test_chinese_words_without_the_segmenter_say_what_to_install(monkeypatch):
    whole = builtins.__import__

    def without(name, *rest):
        if name == "rjieba":
            raise ImportError(name)
        return whole(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ConfigError) as error:
        tokenize("北京", mode="words-zh")
    assert str(error.value) == (
        "data.tokenizer: expected the package `rjieba` for \"words-zh\"; pip install 'bilstm-crf-ner[zh]'"
    )
