"""Text that nobody writes and every tagger meets: huge words, empty lines by the million, half characters, endless
sentences. As many tags as tokens, exact offsets, and memory that stays within what the input explains."""

import json
import tracemalloc
from dataclasses import replace

import pytest

from ner.inference import prediction, windows
from ner.output import OutputOptions, tag_columns, tag_text
from ner.text.tokenizer import split_sentences

LONG_WORD = "x" * 50_000
ODD = {
    "a word of 50,000 letters": f"Jordan King met {LONG_WORD} in Amman.",
    "a word of 50,000 ideographs": "東" * 50_000,
    "50,000 combining marks on one letter": "e" + "\u0301" * 50_000 + " in Paris",
    "half surrogates": "Jordan \ud800King\udfff left \udc80 for \ud83d Paris",
    "null characters": "Jordan\0King \0\0 left\0",
    "right to left": "سافر عمر إلى القاهرة. \u202eParis\u202c שָׁלוֹם עֲלֵיכֶם",
    "combining scripts": "नई दिल्ली में กรุงเทพมหานคร Việt Nam e\u0301 한국",
    "emoji": "👩‍👩‍👧‍👦 🏳️‍🌈 🇩🇪 1️⃣ Paris 👍🏽",
    "spaces of every kind": "Jordan\u00a0King\u3000left\u2003for\u2028Paris\u0085now\ufeff\u200b",
    "brackets": "(" * 5_000 + "Paris" + ")" * 5_000,
    "dots": "." * 20_000 + " Paris " + ". " * 5_000,
    "nothing but blanks": " \t\u3000\ufeff" * 5_000,
}


@pytest.mark.parametrize("name", ODD)
def test_odd_text_is_tagged_at_exact_offsets(tagger, name):
    text = ODD[name]
    entities, plain = tagger.pipe([text, "Jordan King left."])
    for entity in entities:
        assert text[entity.start : entity.end] == entity.text
        assert 0 < entity.score <= 1
    (alone,) = tagger.tag("Jordan King left.")
    assert plain == [
        replace(alone, score=pytest.approx(alone.score, abs=1e-6))
    ]  # beside another text, but a last digit


@pytest.mark.parametrize("name", ODD)
def test_odd_text_goes_through_the_command_line_and_comes_out_whole(run, small_model, name):
    text = ODD[name]
    if name == "half surrogates":
        code, out, err = run("tag", small_model, stdin=text.encode("utf-8", errors="surrogatepass"))
        assert (code, out) == (1, "")
        assert err == 'error: stdin:1: expected utf-8, found byte 0xed; set data.encoding, for example to "latin-1"\n'
        return
    code, out, _ = run("tag", small_model, stdin=text.encode())
    (line,) = [json.loads(line) for line in out.split("\n") if line]
    assert (code, line["text"]) == (0, text)


def test_a_null_character_in_columns_is_a_word_like_any_other_to_the_tagger(run, small_model):
    lines = ["Jordan x", "\0 y", "\u3000\tz", "\u202ea b"]
    code, out, _ = run("tag", small_model, "--input", "conll", stdin="\n".join(lines).encode())
    found = out.removesuffix("\n").split("\n")
    assert code == 0
    assert [line.rpartition("\t" if "\t" in line else " ")[0] for line in found] == lines


def test_a_word_of_50000_letters_is_one_column_of_its_line(run, small_model):
    code, out, _ = run("tag", small_model, "--input", "conll", stdin=f"{LONG_WORD} NN\nleft VBD\n".encode())
    first, second = out.splitlines()
    assert code == 0
    assert first.startswith(f"{LONG_WORD} NN ")
    assert second.startswith("left VBD ")


@pytest.mark.parametrize(
    ("input_format", "number"),
    [("text", 30_000), ("conll", 100_000)]
    + [pytest.param(*each, marks=pytest.mark.slow) for each in (("text", 100_000), ("conll", 1_000_000))],
)
def test_empty_lines_by_the_million_stream_through(tagger, input_format, number):
    lines = ("\n" for _ in range(number))
    options = OutputOptions("conll" if input_format == "conll" else "jsonl")
    if input_format == "conll":
        pieces = tag_columns(tagger, lines, options, data=tagger.config.data, where="stdin")
    else:
        pieces = tag_text(tagger, lines, options)
    count = 0
    for piece in pieces:
        count += 1
        assert piece in ("\n", '{"text": "", "entities": []}\n')
    assert count == number


@pytest.mark.parametrize("most", [60_000, pytest.param(200_000, marks=pytest.mark.slow)])
def test_empty_lines_do_not_pile_up(tagger, most):
    def peak(number):
        lines = ["Jordan x\n", *["\n"] * number, "left y\n"]
        tracemalloc.start()
        options = OutputOptions("conll", batch_size=8)
        count = sum(1 for _ in tag_columns(tagger, lines, options, data=tagger.config.data, where="f"))
        (_, highest), _ = tracemalloc.get_traced_memory(), tracemalloc.stop()
        assert count == number + 2
        return highest - 8 * number  # the list of lines itself

    peak(10)
    # Of lines that piled up, each would take more than 50 bytes.
    assert peak(most) < peak(most // 10) + 1_000_000


def test_a_million_empty_lines_in_a_column_file_part_its_sentences_and_no_more(tmp_path):
    from ner.formats.columns import read_conll

    (tmp_path / "f").write_bytes(b"Jordan B-PER\n" + b"\n" * 1_000_000 + b"left O\n")
    assert [sentence.words for sentence in read_conll(tmp_path / "f")] == [["Jordan"], ["left"]]


def test_a_sentence_of_100000_tokens_has_as_many_tags_and_the_entities_of_its_parts(tagger):
    words = ["Jordan", "King", "left", "Amman", "for", "Washington", ",", "said"]
    sentence = (words * 12_500)[:100_000]
    tags = tagger.tag_words(sentence)
    assert len(tags) == 100_000
    # Far from both ends each round of the same words is tagged as the next.
    assert len({tuple(tags[start : start + 8]) for start in range(4_000, 96_000, 8)}) == 1


def test_memory_for_an_endless_text_is_a_fixed_multiple_of_it(tagger):
    def peak(tokens):
        text = "left " * tokens
        tracemalloc.start()
        tagger.tag(text)
        (_, most), _ = tracemalloc.get_traced_memory(), tracemalloc.stop()
        return most / len(text)

    peak(100)
    # Beyond a window, where emissions are in double precision.
    assert peak(48_000) < 1.2 * peak(24_000)


def test_text_without_a_sentence_end_is_one_sentence_longer_than_a_window(tagger, monkeypatch):
    text = "Jordan King left Amman for Washington , " * 300
    assert len(split_sentences(text)) == 1
    whole = tagger.tag(text)
    # The margin stays: with one of 200 tokens a score may differ by 0.002, as training on some processors showed.
    assert len(list(windows.windows_of(2_100))) == 1
    monkeypatch.setattr(windows, "WINDOW", 1_600)
    monkeypatch.setattr(prediction, "WINDOW", 1_600)
    assert len(list(windows.windows_of(2_100))) > 2
    cut = tagger.tag(text)
    assert [(e.label, e.start, e.end) for e in cut] == [(e.label, e.start, e.end) for e in whole] != []
    assert [e.score for e in cut] == pytest.approx([e.score for e in whole], rel=1e-3)
