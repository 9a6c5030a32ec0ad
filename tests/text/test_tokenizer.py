"""The tokenizer against Unicode's own categories, and against tables written by hand from the corpora."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ner.text.sentence import Token
from ner.text.tokenizer import split_sentences, tokenize
from ner.text.word_pattern import word_pattern

MODES = ["words", "characters"]
modes = st.sampled_from(MODES)

# Pieces that meet each other's rules at every seam; Cn is left out, for Python's Unicode is older.
PIECES = """. .. ... ! ? … 。 ！ ？ …… , : ; ' ’ " “ ” ( ) [ ] 「 」 - -- – — / \\ @ # $ US$ % & + = * _ ~ ^ | `
    's n't don't U.S. a.m. Mr. Inc. No. J. St. Ph.D. 1 42 1,000.5 10:30 3. 1. A a the The Merkel Paris O'Brien
    http:// https://a.b/c_(d) www. a@b.co .com 汉 字 々 かな カタ ー ｶﾞ Ａ ３ 〇 한국 ไทย नि हिन्दी مرحبا می‌خواهم צה"ל
    é e\u0301 \u0301 \ufe0f ❤️ 👍🏽 👨‍👩‍👧 🇩🇪 🇩 1️⃣ \u200d \u200c \u00ad \u2060 :) ;-) Ω я ß ½ ² ᵃ ™ ° € ́ ー"""
BLANKS = [" ", "  ", "\n", "\n\n", "\r\n", "\t", "\u00a0", "\u3000", "\u200b", "\ufeff", "\u2028", "\x0c", "\x00"]
hostile_texts = st.one_of(
    st.text(st.characters(exclude_categories=["Cn"]), max_size=60),
    st.lists(st.sampled_from(PIECES.split() + BLANKS), max_size=40).map("".join),
    st.lists(st.one_of(st.sampled_from(PIECES.split() + BLANKS), st.text(max_size=3)), max_size=30)
    .map("".join)
    .filter(lambda text: all(unicodedata.category(character) != "Cn" for character in text)),
)


def is_blank(character):
    return unicodedata.category(character) in {"Zs", "Zl", "Zp", "Cc", "Cf"}


def words(text, mode="words"):
    return [token.text for token in tokenize(text, mode=mode)]


def sentences(text):
    return [" ".join(sentence.words) for sentence in split_sentences(text)]


@given(hostile_texts, modes)
def test_every_token_is_what_stands_at_its_offsets(text, mode):
    assert all(token.text == text[token.start : token.end] for token in tokenize(text, mode=mode))


@given(hostile_texts, modes)
def test_tokens_come_in_order_and_do_not_overlap(text, mode):
    end = 0
    for token in tokenize(text, mode=mode):
        assert end <= token.start < token.end
        end = token.end


@given(hostile_texts, modes)
def test_every_character_that_is_not_blank_is_in_a_token(text, mode):
    covered = {at for token in tokenize(text, mode=mode) for at in range(token.start, token.end)}
    assert [at for at, character in enumerate(text) if not is_blank(character) and at not in covered] == []


@given(hostile_texts, modes)
def test_no_token_holds_a_space_or_control_character_or_starts_with_a_blank(text, mode):
    for token in tokenize(text, mode=mode):
        assert not any(is_blank(character) and unicodedata.category(character) != "Cf" for character in token.text)
        assert not is_blank(token.text[0])


@given(hostile_texts, modes)
def test_sentences_are_the_tokens_in_order_with_none_empty_and_no_tags(text, mode):
    found = split_sentences(text, mode=mode)
    assert [token for sentence in found for token in sentence.tokens] == tokenize(text, mode=mode)
    assert all(sentence.tokens and sentence.tags is None for sentence in found)


@given(hostile_texts)
def test_both_modes_end_their_sentences_at_the_same_places(text):
    by_words, by_characters = (split_sentences(text, mode=mode) for mode in ("words", "characters"))
    assert [s.tokens[0].start for s in by_words] == [s.tokens[0].start for s in by_characters]


@given(hostile_texts, modes)
def test_a_text_is_always_cut_the_same_way(text, mode):
    assert split_sentences(text, mode=mode) == split_sentences(text, mode=mode)


@given(hostile_texts, hostile_texts)
def test_a_blank_line_separates_as_two_texts_do(left, right):
    # A lone \r would join with our \n, and a trailing dot sees what follows it; a paragraph sign does neither.
    joined = f"{left}¶\n\n¶{right}"
    assert [s.words for s in split_sentences(joined)] == [
        s.words for part in (f"{left}¶", f"¶{right}") for s in split_sentences(part)
    ]


@given(st.text(st.characters(categories=["Zs", "Zl", "Zp", "Cc", "Cf"]), max_size=20), modes)
def test_a_blank_text_has_no_sentences(text, mode):
    assert split_sentences(text, mode=mode) == []


def test_offsets_count_code_points_of_the_untouched_string():
    assert tokenize(" é👍🏽 3,5%\u3000") == [
        Token("é", 1, 2),
        Token("👍🏽", 2, 4),
        Token("3,5", 5, 8),
        Token("%", 8, 9),
    ]


# Left the raw text, right its tokens between spaces, as the corpus named has them.
CONLL_2003 = [
    ("Germany's", "Germany 's"),
    ("IT'S A RECORD", "IT 'S A RECORD"),
    ("Germany’s", "Germany ’s"),
    ("don't can't won't isn’t", "do n't ca n't wo n't is n’t"),
    ("I'm we're they've he'll she'd", "I 'm we 're they 've he 'll she 'd"),
    ("We cannot accept", "We cannot accept"),
    ("Farmers' Union", "Farmers ' Union"),
    ("O'Brien and O'Neal", "O'Brien and O'Neal"),
    ("Côte d'Ivoire, Giro d'Italia", "Côte d'Ivoire , Giro d'Italia"),
    ("Nuku'alofa o'clock Gen'l", "Nuku'alofa o'clock Gen'l"),
    ("U.S. and U.N. troops", "U.S. and U.N. troops"),
    ("U.S.-led Wash.-based", "U.S.-led Wash.-based"),
    ("St. Louis vs. Boston", "St. Louis vs. Boston"),
    ("Mr. Smith of Acme Corp. said", "Mr. Smith of Acme Corp. said"),
    ("at 9 a.m. on Oct. 3", "at 9 a.m. on Oct. 3"),
    ("J. Smith and Jerzy L., 36", "J. Smith and Jerzy L. , 36"),
    ("J.J.Lehto", "J.J.Lehto"),
    ("World No.2 and No. 1", "World No.2 and No. 1"),
    ("They said no.", "They said no ."),
    ("in group C.", "in group C ."),
    ("one-day Saint-Germain GAZA-STRIP", "one-day Saint-Germain GAZA-STRIP"),
    ("Ata-ur-Rehman -- 1996--Ruehe", "Ata-ur-Rehman -- 1996 -- Ruehe"),
    ("12,900-13,100 3.25-3.75", "12,900-13,100 3.25-3.75"),
    ("won 6-4 7-6 (10-8)", "won 6-4 7-6 ( 10-8 )"),
    ("1996-08-30", "1996-08-30"),
    ("$17,000 C$100 US$50 HK$3.5", "$ 17,000 C$ 100 US$ 50 HK$ 3.5"),
    ("1,000.50 +0.05 +44 .300", "1,000.50 +0.05 +44 .300"),
    ("up 4.45% (net)", "up 4.45 % ( net )"),
    ("at 10:30 in 1:04.541", "at 10:30 in 1:04.541"),
    ("1/2 08/29/1996 1996/97 3-1/2", "1/2 08/29/1996 1996/97 3-1/2"),
    ("and/or yr/yr", "and / or yr / yr"),
    ("S&P AT&T AA+", "S&P AT&T AA+"),
    ("goals... The ..", "goals ... The .."),
    ('"Yes," he said.', '" Yes , " he said .'),
    ("20s 49th 32nd", "20s 49th 32nd"),
    ("derivatives@reuters.com www.internetstartup.com", "derivatives@reuters.com www.internetstartup.com"),
    ("EURO '96", "EURO ' 96"),
]
WNUT_17 = [
    ("@paulwalk It's #photography", "@paulwalk It 's #photography"),
    ("picks @The_Score http://bit.ly/aQun1b", "picks @The_Score http://bit.ly/aQun1b"),
    ("so bored! !! ?! ???", "so bored ! !! ?! ???"),
    ("lol :) ;-) =/ :P", "lol :) ;-) =/ :P"),
    ("http://www.youtube.com/watch?v=eLMui7zBiXo.", "http://www.youtube.com/watch?v=eLMui7zBiXo ."),
    ("(https://a.org/Mercury_(planet)), ok", "( https://a.org/Mercury_(planet) ) , ok"),
    ("j.doe+ner@mail.example.org!", "j.doe+ner@mail.example.org !"),
]
OTHER_LANGUAGES = [
    ("¿Qué tal? ¡Bien!", "¿ Qué tal ? ¡ Bien !"),
    ("l'Europe d’Esquadra aujourd'hui", "l'Europe d’Esquadra aujourd'hui"),
    ("«Moi», dit-il", "« Moi » , dit-il"),
    ("Nord- und Südkorea, z.B. Bonn", "Nord- und Südkorea , z.B. Bonn"),
    ("am 3. Oktober 1990", "am 3. Oktober 1990"),
    ("„Ja“, 's-Hertogenbosch 's avonds 't", "„ Ja “ , 's-Hertogenbosch 's avonds 't"),
    ("Владимир Путин, Москва.", "Владимир Путин , Москва ."),
    ("Αθήνα· ναι", "Αθήνα · ναι"),
    ("هل أنت؟ نعم، أنا", "هل أنت ؟ نعم ، أنا"),
    ("می‌خواهم", "می‌خواهم"),
    ('צה"ל בירושלים', 'צה"ל בירושלים'),
    ("हिन्दी में।", "हिन्दी में ।"),
    ("ภาษาไทย ที่", "ภาษาไทย ที่"),
    ("서울에서 만나요.", "서울에서 만나요 ."),
    ("cafe\u0301s", "cafe\u0301s"),
    ("1990–95, Paris–Nice", "1990–95 , Paris – Nice"),
]
CHINESE_AND_JAPANESE = [
    ("GDP增长3.5%", "GDP 增 长 3.5 %"),
    ("iPhone 15发布，售价5,999元。", "iPhone 15 发 布 ， 售 价 5,999 元 。"),
    ("“好！”他说……", "“ 好 ！ ” 他 说 … …"),
    ("東京タワーへ行く", "東 京 タ ワ ー へ 行 く"),
    ("人々「ＡＢ１」", "人 々 「 Ａ Ｂ １ 」"),
    ("か\u3099", "か\u3099"),
    ("见http://t.cn/Rx1看", "见 http://t.cn/Rx1 看"),
    ("A股#话题#", "A 股 # 话 题 #"),
]
EMOJI = [
    ("👨‍👩‍👧👍🏽", "👨‍👩‍👧 👍🏽"),
    ("🇩🇪🇫🇷", "🇩🇪 🇫🇷"),
    ("1️⃣#️⃣", "1️⃣ #️⃣"),
    ("I❤️NY😀😀", "I ❤️ NY 😀 😀"),
    ("🏴󠁧󠁢󠁥󠁮󠁧󠁿!", "🏴󠁧󠁢󠁥󠁮󠁧󠁿 !"),
]


@pytest.mark.parametrize(("text", "expected"), CONLL_2003 + WNUT_17 + OTHER_LANGUAGES + CHINESE_AND_JAPANESE + EMOJI)
def test_words_are_cut_as_the_corpora_cut_them(text, expected):
    assert words(text) == expected.split(" ")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Paris\u200bBerlin\ufeffRom", "Paris Berlin Rom"),
        ("Mer\u00adkel", "Mer\u00adkel"),
        ("\u200eParis\u200f", "Paris"),
        ("a\u200d b", "a b"),
    ],
)
def test_format_characters_stay_inside_words_only_where_they_join(text, expected):
    assert words(text) == expected.split(" ")


def test_the_letter_apostrophe_opens_a_clitic_as_other_apostrophes_do_and_is_a_letter_elsewhere():
    for text in ("Germany's men don't say it's rock 'n' roll", "O'Brien'll"):
        pieces = [token.text for token in tokenize(text)]
        assert [token.text for token in tokenize(text.replace("'", "ʼ"))] == [p.replace("'", "ʼ") for p in pieces]
    text = "мʼята yáʼátʼééh dooʼ ʼAli"
    assert [token.text for token in tokenize(text)] == text.split()


def test_a_missing_space_after_a_sentence_is_no_domain_name():
    assert words("He went home.The end") == ["He", "went", "home", ".", "The", "end"]
    assert words("see reuters.com") == ["see", "reuters.com"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("（PMP）1966年", "（ P M P ） 1 9 6 6 年"),
        ("e\u0301a 👨‍👩‍👧", "e\u0301 a 👨‍👩‍👧"),
        ("U.S. 10%", "U . S . 1 0 %"),
    ],
)
def test_characters_mode_makes_each_character_with_its_marks_a_token(text, expected):
    assert words(text, mode="characters") == expected.split(" ")


# "|" is where a sentence ends; a text without one is a single sentence.
@pytest.mark.parametrize(
    "marked",
    [
        "He left.| She stayed.| Why?| Because!| Yes",
        "J. R. R. Tolkien met U.S. President Truman and Dr. Smith in St. Louis.",
        "See No. 5 at 9 a.m. on Monday, Oct. 3, in Washington, D.C. or at home.",
        "He lives in the U.S.| The firm is Apple Inc.| It pays 3.5 percent, e.g. The Times says so.",
        "It cost $3.50.| Visit http://a.b/c.html today.| Mail a@b.co.| Fine.",
        '"Stop it."| "No!"| "Why?" he asked.',
        "“Stop!” he said.| ‘So?’| (She left.)| Tom stayed.",
        "Well... maybe.| Or...| Yes.",
        "Merkel (then 50?) Kohl's heir, won.",
        "¿Qué tal?| ¡Bien!| EE.UU. gana.",
        "Dr. med. Roe kam.| Prof. Dr. rer. nat. Doe ging.| Vgl. Kap. Zwei.",
        "Dr. h.c. mult. Roe kam.| Prof. Dr. h. c. mult. Doe ging.| Option a.| Dr. h. c. Li sang.",
        "Wir sahen z. B. Berlin, bzw. Kiel, d. h. Städte.| Er kostet 5 Mio. Euro.",
        "Vino p. ej. Juan de EE. UU. Ayer.| M. Dupont y MM. Roe.",
        "Vill du följa med.| Hon gick.| De straat is nat.| Nee.",
        "Am 3. Oktober kam Dr. Kohl, z.B. Die Nord- und die Südkoreaner.",
        "यह है।| वह है।",
        "هل أنت هنا؟| نعم.",
        "他走了。|我们等着……|真的吗？！|是的！",
        "他说：“好！”|然后走了。",
        "（完。）|下一个，“好。”，他说。",
        "「行く。」と彼は言った。|東京へ。",
        "他说OK.| 然后走了.|好!|我们走，涨了3.5倍",
        "我爱iPhone。|It is great.| 是吗？",
    ],
)
def test_sentences_end_where_a_reader_ends_them(marked):
    text = marked.replace("|", "")
    ends = [len(part) for part in marked.split("|")]
    expected = [sum(ends[:at]) for at in range(len(ends))]
    starts = [sentence.tokens[0].start for sentence in split_sentences(text)]
    assert [start - (text[start - 1] == " ") if start else 0 for start in starts] == expected


def test_wrapped_prose_is_one_sentence_and_the_headline_above_it_another():
    text = (
        "Merkel visits Paris\n"
        "Chancellor Angela Merkel, who has been in office since 2005, met Angela\n"
        "Eagle and the Foreign Minister of the French Republic on Thursday and the\n"
        "talks went well.\n"
        "Nothing else happened\n"
    )
    assert [s.split()[0] for s in sentences(text)] == ["Merkel", "Chancellor", "Nothing"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Apples\nPears\r\nPlums", ["Apples", "Pears", "Plums"]),
        ("and so\n\non", ["and so", "on"]),
        ("1. Pivotal 100-30\n2. Hever 11-4", ["1. Pivotal 100-30", "2. Hever 11-4"]),
        ("- one\n- two", ["- one", "- two"]),
        ("北京\n上海", ["北 京", "上 海"]),
    ],
)
def test_a_line_that_was_not_wrapped_is_a_sentence(text, expected):
    assert sentences(text) == expected


# A quadratic step would take hours of a million, so finishing is the check; the counts are worked out by hand.
@pytest.mark.parametrize("length", [100_000, pytest.param(1_000_000, marks=pytest.mark.slow)])
@pytest.mark.parametrize(
    ("unit", "tokens", "found"),
    [
        ("a", 1, 1),
        (".", 1, 1),
        ("-", 1, 1),
        ("(", 1_000_000, 1),
        ("+", 1, 1),
        (" ", 0, 0),
        ("\n", 0, 0),
        ("\u200d", 0, 0),
        ("\u0301", 1, 1),
        ("汉", 1_000_000, 1),
        ("。", 1_000_000, 1),
        ("a.", 2, 1),
        ("a\n", 500_000, 500_000),
        ("http://", 1, 1),
        ("http://.", 2, 1),
        (".)", 1_000_000, 1),
        ("🇩🇪", 500_000, 1),
        ("\0" * 49 + " ", 0, 0),
        ("\0" * 48 + "a ", 20_000, 1),
    ],
)
def test_a_million_characters_of_anything_are_tokenized_whole(unit, tokens, found, length):
    text = unit * (length // len(unit))
    result = split_sentences(text)
    # One token of however many characters, or so many of a million.
    wanted = [count if count <= 2 else count * length // 1_000_000 for count in (tokens, found)]
    assert [sum(len(sentence.tokens) for sentence in result), len(result)] == wanted


SEAMS = """Mr. No. J. U.S. The He 5 12. März 1. Mai Nord- und bis - . ... AA+ .300 Iraq-U.N. http://x.y/z. 北京。
    z. B. p. ej. ej., Dr. med. med., EE. UU. UU., Annʼs donʼt мʼята
    an-exceptionally-long-compound-word-of-many-parts"""


@given(
    pieces=st.lists(st.sampled_from([*SEAMS.split(), *PIECES.split()]) | st.text(max_size=4), max_size=12),
    blank=st.sampled_from([" ", "  ", "\n", "\t"]),
)
def test_what_is_remembered_of_words_is_what_the_pattern_finds(pieces, blank):
    for text in (" ".join(pieces), blank.join(pieces)):
        found = [(match.group(), match.start()) for match in word_pattern(is_quick=False).finditer(text)]
        assert [(token.text, token.start) for token in tokenize(text)] == found
