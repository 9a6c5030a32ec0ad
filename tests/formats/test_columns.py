"""Column files as they are found: each quirk in a few bytes, each refusal with its whole message."""

import gc
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import ner
from ner.errors import ConfigError, DataError
from ner.formats.column_writer import line_writer
from ner.formats.columns import read_as_written, read_conll, read_tagged, write_conll
from ner.formats.row_reader import read_rows
from ner.formats.sentences import read_sentences
from ner.schemes import SCHEMES
from ner.settings import DataConfig
from ner.text.encoding import decode, decode_lines
from ner.text.sentence import Sentence, Span, Token, sentence_from_words, sentence_with_spans
from ner.text.tags import convert_tags, tags_to_spans
from tests.properties import one_in

EXOTIC = ["\u3000", "\u00a0", "\ufeff", "\u200b", "\u0085", "\u2028", "\u2029", "\x0b", "\x0c", "\x1c", "\u2003"]


@pytest.fixture
def file(tmp_path, monkeypatch):
    """Writes a file `f` in the current folder, so that messages are short and the same everywhere."""
    monkeypatch.chdir(tmp_path)

    def write(content: str | bytes, name: str = "f") -> str:
        Path(name).write_bytes(content.encode() if isinstance(content, str) else content)
        return name

    return write


def plain(sentences):
    return [list(zip(s.words, s.tags, strict=True)) for s in sentences]


SKIP = 'data.empty_words = "skip" leaves such rows out'
TWO = [[("EU", "B-ORG"), ("rejects", "O")], [("Peter", "B-PER"), ("Blackburn", "I-PER")]]


@pytest.mark.parametrize(
    "content",
    [
        "EU B-ORG\nrejects O\n\nPeter B-PER\nBlackburn I-PER\n\n",
        "EU B-ORG\nrejects O\n\nPeter B-PER\nBlackburn I-PER",
        "\n\n\nEU B-ORG\nrejects O\n\n\n\nPeter B-PER\nBlackburn I-PER\n\n\n",
        "EU\tB-ORG\nrejects\tO\n\t\nPeter\tB-PER\nBlackburn\tI-PER\n",
        "EU B-ORG\nrejects O\n  \t  \nPeter B-PER\nBlackburn I-PER\n \n",
        "EU B-ORG\r\nrejects O\r\n\r\nPeter B-PER\r\nBlackburn I-PER\r\n\r\n",
        "EU B-ORG\r\nrejects O\n \t\r\nPeter B-PER\nBlackburn I-PER\r\n",
        "\ufeffEU B-ORG\nrejects O\n\nPeter B-PER\nBlackburn I-PER\n",
        "  EU \t B-ORG\t\nrejects  \t  O \n\n Peter B-PER\nBlackburn\tI-PER\n",
        # IOB1, BIOES, BMES, BILOU
        "EU I-ORG\nrejects O\n\nPeter I-PER\nBlackburn I-PER\n",
        "EU S-ORG\nrejects O\n\nPeter B-PER\nBlackburn E-PER\n",
        "EU S-ORG\nrejects O\n\nPeter M-PER\nBlackburn E-PER\n",
        "EU U-ORG\nrejects O\n\nPeter B-PER\nBlackburn L-PER\n",
        # ragged, the tag last
        "EU NNP I-NP B-ORG\nrejects O\n\nPeter NNP B-PER\nBlackburn a b c d I-PER\n",
    ],
)
def test_the_same_two_sentences_are_read_however_the_file_is_laid_out(file, content):
    assert plain(read_conll(file(content))) == TWO


@pytest.mark.parametrize(
    ("content", "described"),
    [
        ("1 EU B-ORG\n2 rejects O\n\n1 Peter B-PER\n2 Blackburn I-PER\n", {"word_column": 1}),
        ("1\tEU\tNNP\tB-ORG\t_\n2\trejects\tV\tO\t_\n\n1\tPeter\tN\tB-PER\t_\n2\tBlackburn\tN\tI-PER\t_\n",
         {"word_column": 1, "tag_column": 3, "separator": "\t"}),
        ("B-ORG EU\nO rejects\n\nB-PER Peter\nI-PER Blackburn\n", {"word_column": -1, "tag_column": 0}),
        ("x EU B-ORG y\nO rejects O y\n\nO Peter B-PER y\nO Blackburn I-PER y\n", {"word_column": 1, "tag_column": -2}),
        ("EU,B-ORG\nrejects,O\n\nPeter,B-PER\nBlackburn,I-PER\n", {"separator": ","}),
        ("EU ||| B-ORG\nrejects ||| O\n\nPeter ||| B-PER\nBlackburn ||| I-PER\n", {"separator": " ||| "}),
        ("# id 1\nEU B-ORG\n# within\nrejects O\n\n# id 2\nPeter B-PER\nBlackburn I-PER\n# end\n", {"comment": "# "}),
        ("#\tid\nEU B-ORG\nrejects O\n#\n\n#\nPeter B-PER\nBlackburn I-PER\n", {"comment": "#"}),
    ],
)  # fmt: skip
def test_columns_separator_and_comments_are_read_as_described(file, content, described):
    assert plain(read_conll(file(content), **described)) == TWO


def test_a_comment_mark_opens_a_comment_only_at_the_start_of_a_line_and_only_when_set(file):
    name = file("# a O\nC# x O\n#1 O\n")
    assert plain(read_conll(name)) == [[("#", "O"), ("C#", "O"), ("#1", "O")]]
    name = file("# a\nC# O\n#1\n")
    assert plain(read_conll(name, comment="#")) == [[("C#", "O")]]
    name = file("# a\nC# O\n#1 O\n")
    assert plain(read_conll(name, comment="# ")) == [[("C#", "O"), ("#1", "O")]]


@pytest.mark.parametrize(
    "mark",
    [
        "-DOCSTART-",
        "-DOCSTART- O",
        "-DOCSTART- -X- O O",
        "-DOCSTART- -X- -X- O",
        "-DOCSTART- -DOCSTART- O",
        "-DOCSTART- (1 EU)",
        "-DOCSTART-\tO",
        "-DOCSTART-\t-X-\t_\tanything at all",
        "-DOCSTART- NN B-PER I-PER X-Y",
        "-DOCSTART-1",
        "1 -DOCSTART- O",
    ],
)
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("blank", ["", "\n", " \n\n"])
@pytest.mark.parametrize("separator", [None, " "])
def test_a_docstart_line_opens_a_document_and_is_no_token_in_every_form(file, mark, end, blank, separator):
    text = f"{mark}\n{blank}EU NNP B-ORG\n\nPeter NNP B-PER\n{mark}\n{blank}Paris NNP B-LOC\n"
    sentences = read_conll(file(text.replace("\n", end)), separator=separator)
    assert [(s.words, s.opens_document) for s in sentences] == [(["EU"], True), (["Peter"], False), (["Paris"], True)]


@pytest.mark.parametrize(
    ("every", "text", "opening"),
    [
        (None, "a b c d e", ""),
        (1, "a b c", "abc"),
        (2, "a b c d e", "ace"),
        (9, "a b c d e", "a"),
        (2, "| a b c d", "ac"),  # a mark at the top divides nothing
        (2, "| a b c d | e", "ace"),
        (2, "| a | b c d", "ab"),
        (2, "a b c d | e f g h", "ace"),
    ],
)
@pytest.mark.parametrize("end", ["\n", "\n\n\n"])
def test_sentences_make_documents_by_count_up_to_the_first_mark_between_two(file, every, text, opening, end):
    lines = "".join(f"-DOCSTART- O\n{end}" if word == "|" else f"{word} O\n{end}" for word in text.split())
    path = file(lines)
    sentences = read_tagged(path, DataConfig(document_sentences=every))
    assert "".join(s.words[0] for s in sentences if s.opens_document) == opening
    assert read_conll(path, document_sentences=every) == sentences


@pytest.mark.parametrize("character", EXOTIC)
@pytest.mark.parametrize("separator", [None, "\t"])
def test_a_word_that_looks_like_a_blank_or_a_line_end_is_a_word(file, character, separator):
    words = ["a", character, f"b{character}c", f"{character}{character}"]
    sentences = read_conll(file("\n".join(f"{word}\tO" for word in words)), separator=separator)
    assert [s.words for s in sentences] == [words]


def test_a_declared_tab_leaves_spaces_inside_a_word_and_nothing_else_splits(file):
    assert plain(read_conll(file("New York\tB-LOC\n \tO\n"), separator="\t")) == [[("New York", "B-LOC"), (" ", "O")]]


def test_a_label_is_all_that_follows_the_first_hyphen(file):
    name = file("a B-location-stop\nb I-location-stop\nc I-PER.NOM\n")
    assert read_conll(name)[0].tags == ("B-location-stop", "I-location-stop", "B-PER.NOM")


def test_an_orphan_inside_tag_opens_an_entity(file):
    assert read_conll(file("a B-X\nb O\nc I-X\nd I-Y\n\ne I-X\n\nf B-X\n\ng B-X\n"))[0].tags == (
        "B-X", "O", "B-X", "B-Y",
    )  # fmt: skip


def test_offsets_are_those_of_the_words_joined_by_spaces(file):
    (sentence,) = read_conll(file("Angela O\nMerkel O\n北京 O\n"))
    text = " ".join(sentence.words)
    assert [text[token.start : token.end] for token in sentence.tokens] == ["Angela", "Merkel", "北京"]


def test_a_sentence_knows_the_line_of_its_first_token(file):
    sentences = read_conll(file("\n-DOCSTART- O\n\na O\nb O\n\n\n# x\nc O"), comment="#")
    assert [s.source for s in sentences] == ["f:4", "f:9"]


def test_tags_are_handed_out_as_written_beside_their_scheme(file):
    sentences, scheme = read_as_written(file("a M-X\nb E-X\nc S-Y\n"), DataConfig())
    assert (sentences[0].tags, scheme) == (("M-X", "E-X", "S-Y"), "bmes")
    sentences, scheme = read_as_written(file("a I-X\n"), DataConfig(scheme="iob2"))
    assert (sentences[0].tags, scheme) == (("I-X",), "iob2")


# The word without what is glued on.


def test_a_word_pattern_cuts_what_is_glued_onto_a_word_and_leaves_other_words(file):
    name = file("科0\tB-X\n技1\tI-X\n\ue0010\tO\nabc\tO\n12\tO\n")
    (sentence,) = read_tagged(name, DataConfig(word_pattern=r"(.)\d$"))
    assert sentence.words == ["科", "技", "\ue001", "abc", "1"]


# One sentence a line.


def test_token_lists_are_read_one_sentence_a_line(file):
    name = file("\ufeffEU:B-ORG rejects:O\r\n\r\n -DOCSTART-:O\r\nPeter:B-PER\tBlackburn:I-PER \r\n")
    sentences = read_sentences(name, DataConfig(format="lines"))
    assert plain(sentences) == TWO
    assert [(s.opens_document, s.source) for s in sentences] == [(False, "f:1"), (True, "f:4")]


def test_the_last_separator_of_a_token_parts_word_and_tag(file):
    name = file("3:30:B-TIME ::O http://x.y:80:O \u3000:O\n")
    assert plain(read_sentences(name, DataConfig(format="lines"))) == [
        [("3:30", "B-TIME"), (":", "O"), ("http://x.y:80", "O"), ("\u3000", "O")]
    ]


def test_token_lists_have_separators_and_comments_of_their_own(file):
    name = file("# a:O\nEU/S-ORG and/or/O\n")
    data = DataConfig(format="lines", separator="/", comment="#")
    assert plain(read_sentences(name, data)) == [[("EU", "B-ORG"), ("and/or", "O")]]


def test_a_word_of_a_token_list_may_hold_the_separator_and_a_tag_may_not(tmp_path):
    path, words = tmp_path / "a.lines", ("3:30", ":", "http://x.y:80", "a:")
    text = " ".join(words)
    ner.write(
        path, [ner.Document(text, (), [ner.Entity("TIME", "3:30", 0, 4)])], "lines", settings={"tokenizer": "spaces"}
    )
    assert path.read_text() == "3:30:B-TIME ::O http://x.y:80:O a::O\n"
    assert plain(read_sentences(path, DataConfig(format="lines"))) == [
        [("3:30", "B-TIME"), (":", "O"), ("http://x.y:80", "O"), ("a:", "O")]
    ]
    with pytest.raises(DataError, match=r"expected a word or tag that fits in a column, found 'B-a:b'$"):
        ner.write(path, [ner.Document("x", (), [ner.Entity("a:b", "x", 0, 1)])], "lines")


# Encodings.


@pytest.mark.parametrize(
    ("encoding", "mark"),
    [
        *((name, "") for name in ("utf-8", "UTF8", "utf-16-le", "utf-16-be", "utf-32-le")),
        *((name, "\ufeff") for name in ("utf-8", "UTF8", "utf-16-le", "utf-16-be", "utf-32-le")),
        # These codecs write a mark themselves.
        *((name, "") for name in ("utf-8-sig", "utf-16", "UTF_16", "U16", "utf-32")),
    ],
)
def test_a_file_is_read_in_its_encoding_with_and_without_a_byte_order_mark(file, encoding, mark):
    name = file(f"{mark}Ñandú\tB-X\n\u2028\tO\nഊ\tO\n".encode(encoding))
    assert plain(read_conll(name, encoding=encoding)) == [[("Ñandú", "B-X"), ("\u2028", "O"), ("ഊ", "O")]]


@pytest.mark.parametrize(("encoding", "text"), [("latin-1", "Señor"), ("cp1252", "“Señor”"), ("gb18030", "北京")])
def test_older_encodings_are_read_where_they_are_declared(file, encoding, text):
    assert plain(read_conll(file(f"{text} O\n".encode(encoding)), encoding=encoding)) == [[(text, "O")]]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-16-le", "utf-32", "latin-1"])
def test_a_stream_of_lines_is_decoded_as_the_whole_file_is(encoding):
    text = "a b\nñ\u00a0x\r\n\r\nlast"
    if encoding.startswith("utf"):
        text += "\u2028\u0a0a\u0085"  # bytes of U+0A0A look like line feeds
    content = text.encode(encoding)
    lines = content.splitlines(keepends=True) if "16" not in encoding and "32" not in encoding else [content]
    assert "".join(decode_lines(lines, encoding, "stdin")) == decode(content, encoding, "stdin") == text
    assert list(decode_lines(lines, encoding, "stdin")) == text.replace("\n", "\n\0").split("\0")


def test_a_stream_loses_its_byte_order_mark_and_only_that():
    assert list(decode_lines(["\ufeffa\n".encode(), "\ufeffb\n".encode()], "utf-8", "stdin")) == ["a\n", "\ufeffb\n"]


# Rows, for whoever writes the file again.


def test_rows_hold_every_line_of_the_file(file):
    lines = ["# c\r\n", "-DOCSTART- O\n", " \t\n", "EU NNP\n", "x", ""]
    rows = list(read_rows(lines, "f", DataConfig(comment="#"), tagged=False))
    assert [row.line for row in rows] == ["# c", "-DOCSTART- O", " \t", "EU NNP", "x", ""]
    assert [row.kind for row in rows] == ["comment", "document", "blank", "token", "token", "blank"]
    assert [row.number for row in rows] == [1, 2, 3, 4, 5, 6]
    assert [row.word for row in rows if row.kind == "token"] == ["EU", "x"]


def test_untagged_rows_want_no_tag_and_look_at_none():
    rows = list(read_rows(["EU", "rejects NOT-A-TAG"], "f", DataConfig(tag_column=7), tagged=False))
    assert [(row.word, row.tag) for row in rows] == [("EU", ""), ("rejects", "")]


# Refusals.

WITH_PREFIX = [name for name, scheme in SCHEMES.items() if not scheme.is_bare]
TAG_HINT = "are data.tag_column and data.scheme right?"


@pytest.mark.parametrize(
    ("content", "described", "message"),
    [
        ("", {}, "f: expected tagged sentences, found none; is it the right file?"),
        ("\n \n\t\n", {}, "f: expected tagged sentences, found none; is it the right file?"),
        ("-DOCSTART- O\n\n", {}, "f: expected tagged sentences, found none; is it the right file?"),
        ("\ufeff", {}, "f: expected tagged sentences, found none; is it the right file?"),
        ("# EU O\n", {"comment": "#"}, "f: expected tagged sentences, found none; is it the right file?"),
        ("EU O\n\nU.N.\n", {}, "f:3: expected at least 2 columns, found 1: 'U.N.'"),
        ("EU O\n\tO\n", {}, "f:2: expected a word in column 0, found none: '\\tO'; " + SKIP),
        ("a N B O\nU.N. NNP\n", {"tag_column": 3}, "f:2: expected at least 4 columns, found 2: 'U.N. NNP'"),
        ("a N O\nU.N. NNP\n", {"tag_column": -3, "word_column": -1},
         "f:1: expected a tag such as O, B-PER or I-PER, found 'a' in 'a N O'; " + TAG_HINT),
        ("U.N. O\n", {"tag_column": -3, "word_column": -1}, "f:1: expected at least 3 columns, found 2: 'U.N. O'"),
        # In two columns, the second from the left is the first from the right.
        ("U.N. O\n", {"word_column": 1}, "f:1: expected at least 3 columns, found 2: 'U.N. O'"),
        ("U.N. O\n", {"tag_column": -2}, "f:1: expected at least 3 columns, found 2: 'U.N. O'"),
        ("EU,O\n", {"separator": "\t"}, "f:1: expected at least 2 columns, found 1: 'EU,O'"),
        ("x" * 61, {}, "f:1: expected at least 2 columns, found 1: '" + "x" * 57 + "...'"),
        ("EU\tO\n\tO\n", {"separator": "\t"}, "f:2: expected a word in column 0, found none: '\\tO'; " + SKIP),
        ("EU O\n\na O\nEU X_ORG\n", {},
         "f:4: expected a tag such as O, B-PER or I-PER, found 'X_ORG' in 'EU X_ORG'; " + TAG_HINT),
        ("EU B_ORG\nx B-ORG\n", {"tag_pattern": "{prefix}_{label}"},
         "f:2: expected a tag such as O, B_PER or I_PER, found 'B-ORG' in 'x B-ORG'; " + TAG_HINT),
        ("EU B_ORG\nx M_ORG\n", {"tag_pattern": "{prefix}_{label}", "scheme": "iob1"},
         "f:2: expected a tag of scheme iob1, found 'M_ORG' in 'x M_ORG'; " + TAG_HINT),
        ("EU ORG\nx PER-B\ny B-PER\n", {"scheme": "io"},
         "f:3: expected O or a label alone (scheme io), found 'B-PER' in 'y B-PER'; " + TAG_HINT),
        ("EU\tO\t\n", {"separator": "\t", "scheme": "io"},
         "f:1: expected O or a label alone (scheme io), found '' in 'EU\\tO\\t'; " + TAG_HINT),
        ("a PER\n", {"scheme": "bmes"},
         "f:1: expected a tag such as O, B-PER or M-PER, found 'PER' in 'a PER'; " + TAG_HINT),
        ("EU\tO\t\n", {"separator": "\t"},
         "f:1: expected a tag such as O, B-PER or I-PER, found '' in 'EU\\tO\\t'; " + TAG_HINT),
        ("a S-X\n\nb B-X\nc M-X\n", {"scheme": "bioes"},
         "f:4: expected a tag of scheme bioes, found 'M-X' in 'c M-X'; " + TAG_HINT),
        ("a M-X\nb L-X\n", {},
         f"f: expected the tags of one scheme ({', '.join(WITH_PREFIX)}), found L-, M- together; "
         "set data.scheme to learn which line is wrong"),
        ("EU O\rrejects O", {}, "f: expected lines that end in LF or CRLF, found CR only; convert the line ends"),
        (b"a O\n\xc3\xa4 O\nSe\xf1or O\n", {},
         "f:3: expected utf-8, found byte 0xf1; set data.encoding, for example to \"latin-1\""),
        (b"a O\nb \xe4", {}, "f:2: expected utf-8, found byte 0xe4; set data.encoding, for example to \"latin-1\""),
        ("北 O\n京 O".encode("gb18030"), {},
         "f:1: expected utf-8, found byte 0xb1; set data.encoding, for example to \"gb18030\""),
        ("é O".encode(), {"encoding": "ascii"},
         "f:1: expected ascii, found byte 0xc3; set data.encoding, for example to \"utf-8\""),
        (b"a O\nb\0 O\n", {}, "f:2: expected text, found a NUL character; is it a binary file?"),
        ("EU O\n".encode("utf-16"), {}, "f: looks like UTF-16, expected utf-8; set data.encoding = \"utf-16\""),
        (b"\xfe\xff\0E\0U", {"encoding": "latin-1"},
         "f: looks like UTF-16, expected latin-1; set data.encoding = \"utf-16\""),
        ("EU O\n".encode("utf-16") + b"x", {"encoding": "utf-16"},
         "f:2: expected utf-16, found byte 0x78; set data.encoding, for example to \"latin-1\""),
        ("EU O", {"encoding": "utf-9"}, "f: unknown encoding 'utf-9'; data.encoding is for example \"utf-8\""),
        ("EU O", {"encoding": "hex"}, "f: unknown encoding 'hex'; data.encoding is for example \"utf-8\""),
    ],
)  # fmt: skip
def test_a_file_that_is_not_as_described_is_refused_with_its_place(file, content, described, message):
    with pytest.raises(DataError) as error:
        read_conll(file(content), **described)
    assert str(error.value) == message


@pytest.mark.parametrize(
    ("content", "described", "message"),
    [
        ("a:O\n\nb:O c\n", {}, "f:3: expected word:TAG, found 'c'"),
        ("a:O :O\n", {}, "f:1: expected word:TAG, found ':O'"),
        ("a/O b:O\n", {"separator": "/"}, "f:1: expected word/TAG, found 'b:O'"),
        ("a:O\nb:O c:PER\n", {},
         "f:2: expected a tag such as O, B-PER or I-PER, found 'PER' in 'c:PER'; " + TAG_HINT),
        ("\n", {}, "f: expected tagged sentences, found none; is it the right file?"),
    ],
)  # fmt: skip
def test_a_file_of_token_lists_that_is_not_as_described_is_refused_with_its_place(file, content, described, message):
    with pytest.raises(DataError) as error:
        read_sentences(file(content), DataConfig(format="lines", **described))
    assert str(error.value) == message


def test_a_pattern_that_leaves_no_word_is_refused_with_its_place(file):
    with pytest.raises(DataError) as error:
        read_tagged(file("a0 O\n7 O\n"), DataConfig(word_pattern=r"(\D*)\d"))
    assert str(error.value) == "f:2: expected a word in column 0, found none: '7 O'; " + SKIP


def test_a_missing_file_and_a_folder_are_refused(file):
    with pytest.raises(DataError) as error:
        read_conll("nowhere")
    assert str(error.value) == (
        "nowhere: no such file (paths are taken as given, then relative to the config's folder)"
    )
    Path("folder").mkdir(exist_ok=True)
    with pytest.raises(DataError) as error:
        read_conll("folder")
    assert str(error.value) == "folder: expected a readable file: Is a directory"


def test_an_argument_that_no_file_can_meet_is_a_config_error(file):
    with pytest.raises(ConfigError) as error:
        read_conll(file("a O"), scheme="iob3")
    assert str(error.value) == (f"read_conll: data.scheme should be one of auto, {', '.join(SCHEMES)}, found 'iob3'")


@pytest.mark.parametrize(
    ("lines", "encoding", "message"),
    [
        ([b"a\n", b"b\n", b"\xf1\n"], "utf-8",
         "stdin:3: expected utf-8, found byte 0xf1; set data.encoding, for example to \"latin-1\""),
        ([b"a\n"], "utf-9", "stdin: unknown encoding 'utf-9'; data.encoding is for example \"utf-8\""),
        ([b"\xff\xfea\0\n"], "utf-8", "stdin: looks like UTF-16, expected utf-8; set data.encoding = \"utf-16\""),
        (["a\nb".encode("utf-16-le"), b"\0\0"], "utf-16-le",
         "stdin:2: expected text, found a NUL character; is it a binary file?"),
    ],
)  # fmt: skip
def test_a_stream_that_is_not_in_its_encoding_is_refused_with_its_line(lines, encoding, message):
    with pytest.raises(DataError) as error:
        list(decode_lines(lines, encoding, "stdin"))
    assert str(error.value) == message


# Writing.


def test_a_file_is_written_byte_for_byte_as_documented(tmp_path):
    path = tmp_path / "new" / "folder" / "f"
    first = sentence_from_words(["EU", "rejects"], ["B-ORG", "O"])
    second = sentence_from_words(["Peter", "Blackburn"], ["B-PER", "I-PER"])
    write_conll(path, [first, second], scheme="bioes")
    assert path.read_bytes() == b"EU S-ORG\nrejects O\n\nPeter B-PER\nBlackburn E-PER\n"
    write_conll(path, [])
    assert path.read_bytes() == b""
    assert [found.name for found in path.parent.iterdir()] == ["f"]


WORDS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters=" \t\r\n\0"), min_size=1, max_size=4)
LABELS = st.sampled_from(["PER", "location-stop", "PER.NOM", "-", "北", "O"])
TAGS = st.just("O") | st.builds("{}-{}".format, st.sampled_from("BI"), LABELS)


@st.composite
def sentences(draw):
    tokens = draw(st.lists(st.tuples(WORDS | st.sampled_from(EXOTIC), TAGS), min_size=1, max_size=5))
    words, tags = zip(*tokens, strict=True)
    made = sentence_from_words(words, convert_tags(tags, "iob2"))
    return type(made)(made.tokens, made.tags, draw(st.booleans()))


@pytest.mark.parametrize("scheme", WITH_PREFIX)
@given(corpus=st.lists(sentences(), min_size=1, max_size=4))
def test_what_is_written_is_read_back_with_its_documents(tmp_path, scheme, corpus):
    path = tmp_path / "f"
    write_conll(path, corpus, scheme=scheme)
    assert read_conll(path) == corpus
    assert read_conll(path, separator=" ", scheme=scheme) == corpus


PATTERNS = [
    None, "{prefix}_{label}", "{label}-{prefix}", "{label}_{prefix}", "{prefix}{label}", "{label}{prefix}",
    "<{prefix}.+{label}>", "{label}({prefix})",
]  # fmt: skip


@pytest.mark.parametrize("pattern", PATTERNS)
@pytest.mark.parametrize("scheme", WITH_PREFIX)
@one_in(5)
@given(corpus=st.lists(sentences(), min_size=1, max_size=4))
def test_what_is_written_in_a_pattern_is_read_back_with_it(tmp_path, scheme, pattern, corpus):
    path = tmp_path / "f"
    write_conll(path, corpus, scheme=scheme, tag_pattern=pattern)
    assert read_conll(path, scheme=scheme, tag_pattern=pattern) == corpus


ODD_LABELS = ["LEGAL-ACT", "L-", "U-", "B-PER", "S-E", "B", "I-", "O-", "_", "E-MAIL", "B_PER", "PER-B", "PER_I", "-I-"]


@pytest.mark.parametrize("pattern", PATTERNS)
@pytest.mark.parametrize("scheme", WITH_PREFIX)
def test_labels_that_look_like_parts_of_tags_come_back(tmp_path, scheme, pattern):
    path = tmp_path / "f"
    for label in ODD_LABELS:
        spans = (Span(label, 0, 1), Span(label, 2, 4), Span("X", 4, 5), Span(label, 5, 8))
        sentence = sentence_with_spans(sentence_from_words("abcdefghi"), spans)
        write_conll(path, [sentence], scheme=scheme, tag_pattern=pattern)
        for described in ("auto", scheme):
            (found,) = read_conll(path, scheme=described, tag_pattern=pattern)
            assert found.spans == spans


@pytest.mark.parametrize("label", ODD_LABELS)
def test_a_bare_label_that_looks_like_a_tag_is_refused_and_others_come_back(tmp_path, label):
    sentence = sentence_from_words("ab", [f"B-{label}", "O"])
    path = tmp_path / "f"
    if label in {"L-", "U-", "I-", "B", "O-", "_", "LEGAL-ACT", "B_PER", "PER-B", "PER_I", "-I-"}:
        write_conll(path, [sentence], scheme="io")
        assert read_conll(path, scheme="io")[0].spans == sentence.spans
    else:
        with pytest.raises(DataError) as error:
            write_conll(path, [sentence], scheme="io")
        assert str(error.value) == f"{path}: expected a label that can be read back from {{label}}, found {label!r}"


@given(corpus=st.lists(sentences(), min_size=1, max_size=4))
def test_bare_labels_come_back_with_touching_entities_of_one_label_merged(tmp_path, corpus):
    path = tmp_path / "f"
    # The label `O` can't stand alone.
    corpus = [replace(s, tags=tuple(tag.replace("-O", "-Q") for tag in s.tags)) for s in corpus]
    write_conll(path, corpus, scheme="io")
    found = read_conll(path, scheme="io")
    assert [(s.words, s.opens_document) for s in found] == [(s.words, s.opens_document) for s in corpus]
    for mine, read in zip(corpus, found, strict=True):
        labels = [tag.partition("-")[2] for tag in mine.tags]
        assert [tag.partition("-")[2] for tag in read.tags] == labels
        ends = {span.start for span in tags_to_spans(read.tags)}
        assert ends == {n for n, label in enumerate(labels) if label and label != [*labels, ""][n - 1]}


def test_bare_labels_and_other_patterns_are_written_byte_for_byte_as_documented(file):
    sentence = sentence_from_words(
        ["Angela", "Merkel", "Bob", "in", "Paris"], ["B-PER", "I-PER", "B-PER", "O", "B-LOC"]
    )
    write_conll("f", [sentence], scheme="io")
    assert Path("f").read_text() == "Angela PER\nMerkel PER\nBob PER\nin O\nParis LOC\n"
    write_conll("f", [sentence], scheme="bilou", tag_pattern="{label}-{prefix}")
    assert Path("f").read_text() == "Angela PER-B\nMerkel PER-L\nBob PER-U\nin O\nParis LOC-U\n"
    assert read_conll("f", tag_pattern="{label}-{prefix}") == [replace(sentence, source="f:1")]


@pytest.mark.parametrize(
    ("tag", "described", "message"),
    [
        ("B-O", {"scheme": "io"}, "f: expected a label that can be read back from {label}, found 'O'"),
        ("B-B-x", {"scheme": "io"}, "f: expected a label that can be read back from {label}, found 'B-x'"),
    ],
)
def test_a_label_that_would_be_read_as_another_tag_is_not_written(file, tag, described, message):
    with pytest.raises(DataError) as error:
        write_conll("f", [sentence_from_words(["a"], [tag])], **described)
    assert str(error.value) == message
    assert not Path("f").exists()


@pytest.mark.parametrize(
    ("described", "message"),
    [
        ({"scheme": "iob3"}, f"write_conll: data.scheme should be one of auto, {', '.join(SCHEMES)}, found 'iob3'"),
        ({"scheme": "auto"}, f"write_conll: expected one of the schemes {', '.join(SCHEMES)}, found 'auto'"),
        ({"tag_pattern": "_"},
         "write_conll: data.tag_pattern should hold {prefix} and {label}, once each, such as '{prefix}_{label}', or "
         "{prefix} alone, found '_'"),
    ],
)  # fmt: skip
def test_a_scheme_or_pattern_that_is_none_is_not_written(file, described, message):
    with pytest.raises(ConfigError) as error:
        write_conll("f", [], **described)
    assert str(error.value) == message


BARE = "Bob PER\nSmith PER\nin O\nRome LOC\n. O\n\nRome LOC\n"


@pytest.mark.parametrize(
    ("content", "described", "advice"),
    [
        ("EU B_ORG\nin O\n", {}, 'data.tag_pattern = "{prefix}_{label}"'),
        ("EU B_ORG_x\nin O\n", {}, 'data.tag_pattern = "{prefix}_{label}"'),
        ("EU ORG-B\nin O\n", {}, 'data.tag_pattern = "{label}-{prefix}"'),
        ("EU ORG-x-U\nin O\n", {}, 'data.tag_pattern = "{label}-{prefix}"'),
        ("EU ORG_S\nin O\n", {}, 'data.tag_pattern = "{label}_{prefix}"'),
        ("EU B-ORG\nin O\n", {"tag_pattern": "{prefix}_{label}"}, 'data.tag_pattern = "{prefix}-{label}"'),
        ("EU:B_ORG in:O\n", {"format": "lines"}, 'data.tag_pattern = "{prefix}_{label}"'),
        (BARE, {}, 'data.scheme = "io"'),
    ],
)
def test_a_setting_that_reads_the_whole_file_is_named_and_does(file, content, described, advice):
    with pytest.raises(DataError) as error:
        read_sentences(file(content), DataConfig(**described))
    assert str(error.value).endswith(f"; {advice} reads the file")
    key, _, value = advice.removeprefix("data.").partition(" = ")
    sentences = read_sentences("f", DataConfig(**{**described, key: value.strip('"')}))
    assert sum(tag != "O" for s in sentences for tag in s.tags) == content.count("ORG") + content.count("R\n") + (
        content.count("LOC")
    )


@pytest.mark.parametrize(
    "content",
    [
        "EU B_ORG\nin O\nx ORG_B\n",  # two spellings
        "EU B_ORG\nin O\nx\n",  # a line that no setting mends
        "EU ORG\nin O\n",  # nothing comes again
        BARE.replace(" O", " .").replace("in .", "in -"),  # no O
        BARE + "x B-PER\n",
        "a B\nb I\n",  # prefixes alone, and no O
        "".join(f"w{n} L{n}\n" * 3 for n in range(100)) + "x O\n",
        "So So\nO O\nwas was\nit it\n. .\n",  # words for tags
    ],
)
def test_no_setting_is_named_where_none_reads_the_file_or_labels_look_like_words(file, content):
    with pytest.raises(DataError) as error:
        read_conll(file(content))
    assert "reads the file" not in str(error.value)


def test_bare_labels_are_read_only_where_that_is_said(file):
    name = file(BARE + "\nO OO\nO O\n")
    assert [s.tags for s in read_conll(name, scheme="io")] == [
        ("B-PER", "I-PER", "O", "B-LOC", "O"),
        ("B-LOC",),
        ("B-OO", "O"),
    ]
    sentences, scheme = read_as_written(name, DataConfig(scheme="io"))
    assert (sentences[0].tags, scheme) == (("I-PER", "I-PER", "O", "I-LOC", "O"), "io")
    with pytest.raises(DataError):
        read_conll(name)
    assert read_as_written(file("a O\nb O\n"), DataConfig())[1] == "iob2"


@pytest.mark.parametrize(
    ("content", "wanted"),
    [
        ("BRCA1 B\ngene I\nin O\n", ("B-GENE", "I-GENE", "O")),
        ("BRCA1 S\nx B\ny E\n", ("B-GENE", "B-GENE", "I-GENE")),
        ("BRCA1 I\nx B\ny O\n", ("B-GENE", "B-GENE", "O")),
    ],
)
def test_tags_without_a_label_are_read_as_of_the_one_that_is_named_and_written_back(file, content, wanted):
    name = file(content)
    sentences = read_conll(name, tag_pattern="{prefix}", label="GENE")
    assert [s.tags for s in sentences] == [wanted]
    written, scheme = read_as_written(name, DataConfig(tag_pattern="{prefix}", label="GENE"))
    lines = line_writer(DataConfig(tag_pattern="{prefix}", label="GENE", scheme=scheme))
    assert "\n".join(lines(written[0])) + "\n" == content


def test_the_label_of_tags_without_one_has_a_name_without_a_setting(file):
    assert read_conll(file("a B\nb O\n"), tag_pattern="{prefix}")[0].tags == ("B-ENTITY", "O")


def test_another_label_than_the_one_that_is_named_is_not_written_without_a_label(file):
    write = line_writer(DataConfig(tag_pattern="{prefix}", label="GENE"))
    assert write(sentence_from_words(["a"], ["B-GENE"])) == ["a B"]
    with pytest.raises(DataError) as error:
        write(sentence_from_words(["a"], ["B-PER"]))
    assert str(error.value) == "expected a label that can be read back from {prefix}, found 'PER'"


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("f", "a B\nb O\n", "f:1: expected a tag such as O, B-PER or I-PER, found 'B' in 'a B'"),
        ("f", "Word,Tag\na,B\nb,O\n", "f:2: expected a tag such as O, B-PER or I-PER, found 'B' in 'a,B'"),
        ("f", '{"tokens": ["a", "b"], "ner_tags": ["B", "O"]}\n',
         "f:1: expected a tag such as O, B-PER or I-PER, found 'B' under \"ner_tags\"; are data.tags_feature and "
         "data.scheme right?"),
    ],
)  # fmt: skip
def test_tags_without_a_label_are_refused_with_the_setting_that_reads_them(file, name, content, message):
    with pytest.raises(DataError) as error:
        read_sentences(file(content), DataConfig())
    assert str(error.value) == (
        f'{message}; data.tag_pattern = "{{prefix}}" reads the file, and data.label names its entities'
    )
    (sentence,) = read_sentences(name, DataConfig(tag_pattern="{prefix}", label="X"))
    assert sentence.tags == ("B-X", "O")


def test_unknown_tags_follow_the_pattern_and_stand_beside_bare_labels(file):
    data = DataConfig(unknown_tag="?", scheme="iob2", tag_pattern="{label}_{prefix}")
    name = file("a PER_?\nb ?\nc PER_I\nd O\n")
    (sentence,) = read_tagged(name, data)
    assert sentence.tags == ("?-PER", "?", "I-PER", "O")
    write_conll("again", [sentence], tag_pattern="{label}_{prefix}")
    assert Path("again").read_text() == Path(name).read_text()
    (sentence,) = read_tagged(file("a ?\nb PER\nc PER\nd ?-LOC\n"), DataConfig(unknown_tag="?", scheme="io"))
    assert sentence.tags == ("?", "?-PER", "I-PER", "?-LOC")


UNWRITABLE = ["", " ", "New York", "a\tb", "a\n", "\r", "a\0", "\ud800", "x\udfff", "-DOCSTART-", "-DOCSTART-x"]


@pytest.mark.parametrize("word", UNWRITABLE)
def test_a_word_that_would_not_come_back_is_not_written_and_the_old_file_stays(file, word):
    name = file("the old file")
    with pytest.raises(DataError) as error:
        write_conll(name, [sentence_from_words(["fine"], ["O"]), sentence_from_words([word], ["O"])])
    assert str(error.value) == f"f: expected a word or tag that fits in a column, found {word!r}"
    assert Path(name).read_text() == "the old file"
    assert [path.name for path in Path().iterdir()] == ["f"]


def test_a_label_that_would_not_come_back_is_not_written(file):
    with pytest.raises(DataError) as error:
        write_conll("new", [sentence_from_words(["a"], ["B-two words"])])
    assert str(error.value) == "new: expected a word or tag that fits in a column, found 'B-two words'"
    assert not Path("new").exists()


def test_a_sentence_without_tags_is_not_written(file):
    with pytest.raises(DataError) as error:
        write_conll("new", [sentence_from_words(["a", "b", "c", "d", "e", "f"])])
    assert str(error.value) == ("new: expected tagged sentences, found one without tags: ['a', 'b', 'c', 'd', 'e']")
    assert not Path("new").exists()


def test_what_follows_the_trailer_of_a_line_is_not_read(tmp_path):
    file = tmp_path / "queries.txt"
    file.write_text("any:O good:B-Rating places:O <=> <NULL>\nhere:O <=> <NULL>\n")
    sentences = read_sentences(file, DataConfig(format="lines", trailer=" <=> "))
    assert [s.words for s in sentences] == [["any", "good", "places"], ["here"]]
    assert sentences[0].tags == ("O", "B-Rating", "O")


@pytest.mark.parametrize("was_on", [True, False])
def test_reading_leaves_the_garbage_collector_as_it_was_also_after_an_error(file, was_on):
    (gc.enable if was_on else gc.disable)()
    try:
        read_conll(file("Anna B-PER\n"))
        assert gc.isenabled() is was_on
        with pytest.raises(DataError):
            read_conll(file("Anna B-PER\nalone\n"))
        assert gc.isenabled() is was_on
    finally:
        gc.enable()


def test_a_sentence_of_other_tokens_takes_them():
    sentence = read_back = sentence_from_words(["New", "York"], ["B-LOC", "I-LOC"])
    assert read_back.tokens[1] == Token("York", 4, 8)
    moved = tuple(replace(token, start=token.start + 9, end=token.end + 9) for token in sentence.tokens)
    assert replace(sentence, tokens=moved).tokens == moved
    assert replace(sentence, tokens=moved).starts == (9, 13)
    assert replace(sentence, tags=("O", "O")).tokens == sentence.tokens
    assert replace(sentence, tokens=moved) != sentence == Sentence(sentence.tokens, sentence.tags)
