"""Lines of column files that are odd: headers, comments, sentences told by a column, rows without a word."""

import warnings
from dataclasses import dataclass
from pathlib import Path

import pytest

import ner
from ner.config import Config, override_data
from ner.errors import ConfigError, DataError
from ner.formats.columns import read_as_written, read_conll
from ner.formats.format import Losses
from ner.formats.row_reader import RowReader, read_rows
from ner.formats.sentences import read_sentences
from ner.output import OutputOptions, tag_columns, tag_text
from ner.settings import DataConfig
from ner.text.document import document_from_sentences
from ner.text.sentence import sentence_from_words

HIPE = (
    "TOKEN\tNE-COARSE-LIT\tNE-COARSE-METO\tNEL-LIT\tMISC\n"
    "# hipe2022:document_id = a O\n"
    "Mme\tB-pers\tO\t_\t_\n"
    "Roe\tI-pers\tO\tQ1\tNoSpaceAfter\n"
    ".\tO\tO\t_\tEndOfSentence\n"
    "# segment = 2\n"
    "Elle\tO\tO\t_\t_\n"
    "dort\tO\tO\t_\tNoSpaceAfter|EndOfSentence\n"
    "Bonn\tB-loc\tO\t_\tLED0.00\n"
)


@pytest.fixture
def file(tmp_path, monkeypatch):
    """Writes a file `f` in the current folder, so that messages are short and the same everywhere."""
    monkeypatch.chdir(tmp_path)

    def write(content: str) -> str:
        Path("f").write_bytes(content.encode())
        return "f"

    return write


def plain(sentences):
    return [list(zip(s.words, s.tags, strict=True)) for s in sentences]


def told(name, **described):
    losses = Losses()
    sentences = read_sentences(name, DataConfig(format="conll", **described), losses)
    return plain(sentences), losses.lines()


@pytest.mark.parametrize(
    "header", ["Word Tag", "word\tner_tags", "Token,NER", "# Word Tag", "-DOCSTART- O\n\nWord Tag", "\nFORM NE"]
)
def test_a_line_that_names_the_columns_is_no_token(file, header):
    split = "\t" if "\t" in header else "," if "," in header else " "
    name = file(f"{header}\nBob{split}B-PER\nran{split}O\n")
    described = {"separator": ","} if split == "," else {"comment": "#"} if "#" in header else {}
    assert told(name, **described) == ([[("Bob", "B-PER"), ("ran", "O")]], [])


def test_a_first_token_that_is_called_word_is_one(file):
    assert told(file("Word B-PER\ntag O\n"))[0] == [[("Word", "B-PER"), ("tag", "O")]]
    assert told(file("a O\n\nToken O\n"))[0] == [[("a", "O")], [("Token", "O")]]


def test_the_columns_are_those_that_are_named_unless_the_settings_say_which(file):
    lines = ["id\tNER\tWord\tfine", "1\tB-PER\tBob\tB-X", "2\tO\tran\tO"]
    name = file("\n".join(lines))
    assert told(name)[0] == [[("Bob", "B-PER"), ("ran", "O")]]
    assert told(name, word_column=2, tag_column=3)[0] == [[("Bob", "B-X"), ("ran", "O")]]
    assert [row.word for row in read_rows(lines, "f", DataConfig(), tagged=False)] == ["", "Bob", "ran"]


def test_bare_labels_are_read_below_a_line_that_names_the_columns(file):
    assert told(file("Word Tag\nBob PERSON\nran O\n"), scheme="io")[0] == [[("Bob", "B-PERSON"), ("ran", "O")]]


def test_bare_labels_are_never_guessed_and_the_error_says_how_to_read_them(file):
    with pytest.raises(DataError) as error:
        read_conll(file("Bob PERSON\nran O\nAnn PERSON\nsat O\n"))
    assert str(error.value) == (
        "f:1: expected a tag such as O, B-PER or I-PER, found 'PERSON' in 'Bob PERSON'; "
        'data.scheme = "io" reads the file'
    )


def test_hipe_says_its_columns_itself_and_ends_sentences_by_a_flag(file):
    wanted = [
        [("Mme", "B-pers"), ("Roe", "I-pers"), (".", "O")],
        [("Elle", "O"), ("dort", "O")],
        [("Bonn", "B-loc")],
    ]
    assert told(file(HIPE), comment="# ") == (
        wanted,
        [],
    )
    bare = HIPE.partition("\n")[2]
    described = {"comment": "# ", "tag_column": 1, "separator": "\t"}
    assert told(file(bare), **described, sentence_column=-1)[0] == wanted
    assert told(file(bare), **described)[0] == [[token for sentence in wanted for token in sentence]]


@pytest.mark.parametrize(
    "column", ["1 1 2 2", "S1 S1 S2 S2", "Sentence:1 _ Sentence:2 _", "7 7 7 8", "a a b b", "1 1 2 1"]
)
def test_sentences_begin_where_their_column_changes(file, column):
    cells = [cell.replace("_", "") for cell in column.split()]
    rows = zip(cells, ["Bob", "ran", "Ann", "sat"], ["B-PER", "O", "B-PER", "O"], strict=True)
    name = file("".join("\t".join(row) + "\n" for row in rows))
    sentences = read_conll(name, word_column=1, separator="\t", sentence_column=0)
    wanted = {"7 7 7 8": [3, 1], "1 1 2 1": [2, 1, 1]}.get(column, [2, 2])
    assert [len(sentence.words) for sentence in sentences] == wanted


def test_kaggles_layout_with_tabs_is_told_from_the_names_of_its_columns(file):
    rows = "Sentence #\tWord\tPOS\tTag\nSentence: 1\tBob\tN\tB-per\n\tran\tV\tO\nSentence: 2\tAnn\tN\tB-per\n"
    assert told(file(rows))[0] == [[("Bob", "B-per"), ("ran", "O")], [("Ann", "B-per")]]


def test_a_row_that_ends_before_the_sentences_column_is_refused(file):
    with pytest.raises(DataError) as error:
        read_conll(file("1 a O\n2 b O\nc O\n"), word_column=-2, sentence_column=-3)
    assert str(error.value) == ("f:3: expected a sentence in column -3 (data.sentence_column), found 2 columns: 'c O'")


def test_rows_keep_their_lines_and_a_break_has_none():
    lines = ["1 a\n", "2 b\n"]
    rows = list(read_rows(lines, "f", DataConfig(word_column=1, sentence_column=0), tagged=False))
    assert [(row.kind, row.line) for row in rows] == [("token", "1 a"), ("break", ""), ("token", "2 b")]


@pytest.mark.parametrize("comment", ["#", ("%", "#"), "# "])
def test_a_hashtag_row_is_a_token_by_its_columns_and_that_is_told(file, comment):
    content = "#{0}\tO\nBob\tB-PER\n#{0}1\tO\n#{0}a\tb\tO\n#{0}a comment\n".format(" " if comment == "# " else "")
    name = file(content)
    found, lines = told(name, comment=comment, separator="\t")
    words = [word for word, _ in found[0]]
    assert words == (["# ", "Bob", "# 1"] if comment == "# " else ["#", "Bob", "#1"])
    assert [line.partition(" (f:")[0] for line in lines] == [
        "2 lines that open as comments do, with a tag and as many columns as the others: read as tokens",
        "once: lines that open as comments do, with a tag but not as many columns as the others: read as comments",
    ]
    # The doctor reads a line at a time, and the same.
    reader = RowReader("f", DataConfig(comment=comment, separator="\t"), Losses(), tagged=True)
    rows = [row for number, line in enumerate(content.split("\n"), 1) for row in reader(number, line)]
    assert [row.word for row in rows if row.kind == "token"] == words
    assert [row.number for row in rows] == [1, 2, 3, 4, 5, 6]


def test_lines_that_wait_for_the_first_row_keep_their_order_and_none_is_lost():
    lines = ["# a", "", "-DOCSTART- O", "# b", "Bob O", "# c"]
    rows = list(read_rows(lines, "f", DataConfig(comment="#"), tagged=True))
    assert [row.line for row in rows] == lines
    assert [row.kind for row in rows] == ["comment", "blank", "document", "comment", "token", "comment"]
    assert [row.line for row in read_rows(lines[:4], "f", DataConfig(comment="#"), tagged=True)] == lines[:4]


def test_comments_may_be_of_several_kinds(file):
    name = file("# id\n% note\nBob B-PER\n%\nran O\n")
    assert told(name, comment=("# ", "%")) == ([[("Bob", "B-PER"), ("ran", "O")]], [])
    assert override_data(DataConfig(), ['data.comment=["# ", "%"]']).comments == ("# ", "%")
    assert override_data(DataConfig(), ["data.comment=[x"]).comments == ("[x",)
    assert read_conll(name, comment=["# ", "%"])[0].words == ["Bob", "ran"]


def test_a_comment_that_is_no_text_is_refused():
    with pytest.raises(ConfigError) as error:
        override_data(DataConfig(), ["data.comment=[1]"])
    assert str(error.value) == "--set data.comment=[1]: data.comment should be a text, or a list of texts, found [1]"


def test_the_error_of_an_unknown_comment_names_the_setting_that_reads_the_file(file):
    with pytest.raises(DataError) as error:
        read_conll(file("# id 12ab domain=en\nBob B-PER\nran O\n"))
    assert str(error.value) == (
        "f:1: expected a tag such as O, B-PER or I-PER, found 'domain=en' in '# id 12ab domain=en'; "
        'data.comment = "# " reads the file'
    )


@pytest.mark.parametrize(
    "mark",
    [
        "-DOCSTART",
        "--DOCSTART--",
        "-docstart-",
        "-DOCSTART FILE blogi/1",
        "-DocStart-",
        "-DOCSTART-\tx",
        "--docstart-7",
    ],
)
def test_a_document_mark_of_any_spelling_opens_a_document(file, mark):
    sentences = read_conll(file(f"{mark}\n\nBob B-PER\n\n{mark}\nran O\n"))
    assert [(s.words, s.opens_document) for s in sentences] == [(["Bob"], True), (["ran"], True)]


def test_a_word_that_only_holds_the_mark_is_one(file):
    sentences = read_conll(file("x-DOCSTART- O\n-docstarts O\nDOCSTART O\n"))
    assert sentences[0].words == ["x-DOCSTART-", "-docstarts", "DOCSTART"]


@pytest.mark.parametrize("end", ["\r\r\n", " \n", "\t\r\r\n", "\u00a0\n"])
@pytest.mark.parametrize("separator", [None, "\t"])
def test_what_stands_around_a_tag_is_not_of_its_label(file, end, separator):
    if separator and end[0] == "\t":
        end = end[1:]
    name = file(f"Bob\tB-PER{end}Doe\tI-PER\n{end}Ann\tB-PER{end}")
    sentences = (
        read_conll(name, separator=separator)
        if "\u00a0" not in end
        else read_conll(file(f"Bob\tB-PER{end}Doe\tI-PER\n\nAnn\tB-PER{end}"), separator=separator)
    )
    assert plain(sentences) == [[("Bob", "B-PER"), ("Doe", "I-PER")], [("Ann", "B-PER")]]


def test_a_prefix_that_is_written_twice_is_refused_and_a_label_like_one_is_not(file):
    with pytest.raises(DataError) as error:
        read_conll(file("Bob B-B-PER\nDoe I-I-PER\nran O\n"))
    assert str(error.value) == (
        "f: expected tags with one prefix, found 'B-B-PER', and all others with two as well; "
        "set data.scheme if the second is of the label"
    )
    assert read_conll(file("B B-B-CELL\ncell I-B-CELL\n"))[0].tags == ("B-B-CELL", "I-B-CELL")
    assert read_conll(file("B B-B-CELL\n"), scheme="iob2")[0].tags == ("B-B-CELL",)
    assert read_conll(file("x@y B-E-MAIL\nBob B-PER\n"))[0].tags == ("B-E-MAIL", "B-PER")


def test_rows_without_a_word_are_an_error_or_left_out_and_counted(file):
    content = "Bob\tB-PER\n\tO\nran\tO\n \tO\n\n\tO\n\nAnn\tB-PER\n"
    with pytest.raises(DataError) as error:
        read_conll(file(content))
    assert str(error.value) == (
        "f:2: expected a word in column 0, found none: '\\tO'; data.empty_words = \"skip\" leaves such rows out"
    )
    wanted = [[("Bob", "B-PER"), ("ran", "O")], [("Ann", "B-PER")]]
    assert told(file(content), empty_words="skip") == (
        wanted,
        ["3 rows without a word: left out (f:2; f:4; f:6)"],
    )
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        assert plain(read_conll("f", empty_words="skip")) == wanted
    assert [str(warning.message) for warning in caught] == ["f: 3 rows without a word: left out (f:2; f:4; f:6)"]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (["data.word_column=1", "data.tag_column=1"],
         "--set data.tag_column=1: data.word_column should be another column than data.tag_column, found 1 for both"),
        (["data.sentence_column=0"],
         "--set data.sentence_column=0: "
         "data.word_column should be another column than data.sentence_column, found 0 for both"),
        (["data.sentence_column=-1"],
         "--set data.sentence_column=-1: "
         "data.tag_column should be another column than data.sentence_column, found -1 for both"),
    ],
)  # fmt: skip
def test_one_column_for_two_things_is_refused(settings, message):
    with pytest.raises(ConfigError) as error:
        override_data(DataConfig(), settings)
    assert str(error.value) == message


def test_the_scheme_is_that_of_the_rows_below_a_header(file):
    assert read_as_written(file("Word Tag\na M-X\nb E-X\nc S-Y\n"), DataConfig())[1] == "bmes"


SPACED = "Joe\tB-First Name\nPoe\tI-First Name\nran\tO\n\n"


def test_a_label_with_a_blank_is_read_and_written_with_the_separator_that_the_error_names(file, tmp_path):
    name = file(SPACED * 3)
    with pytest.raises(DataError) as error:
        read_conll(name)
    assert str(error.value) == (
        "f:1: expected a tag such as O, B-PER or I-PER, found 'Name' in 'Joe\\tB-First Name'; "
        'data.separator = "\\t" reads the file'
    )
    documents = ner.read(name, settings={"separator": "\t"})
    assert documents[0].entities[0].label == "First Name"
    with pytest.raises(DataError) as error:
        ner.write("g.conll", documents)
    assert str(error.value) == (
        "f:1: expected a word or tag that fits in a column, found 'B-First Name'; "
        'data.separator = "\\t" parts columns at TABs alone'
    )
    ner.write("g.conll", documents, settings={"separator": "\t"})
    assert Path("g.conll").read_text() == SPACED * 3


def test_a_tag_with_blanks_around_it_is_not_written(file):
    sentence = sentence_from_words(["a"], ["B-x "])
    with pytest.raises(DataError) as error:
        ner.write("g.conll", [document_from_sentences([sentence])], settings={"separator": "\t"})
    assert str(error.value) == "document: expected a tag without blanks around it, found 'B-x '"


@dataclass
class Fixed:
    """A tagger that finds the same everywhere, trained on files with this separator."""

    separator: str | None

    @property
    def config(self):
        return Config(data=DataConfig(separator=self.separator))

    def split(self, text):
        return [sentence_from_words(text.split())]

    def tag_sentences(self, sentences):
        return [["B-First Name"] + ["O"] * (len(sentence.words) - 1) for sentence in sentences if sentence.words]


def test_tagged_columns_part_a_label_with_a_blank_as_the_models_files_do_or_refuse_it():
    options = OutputOptions("conll")
    assert "".join(tag_text(Fixed("\t"), ["Joe ran"], options)) == "Joe\tB-First Name\nran\tO\n\n"
    data = DataConfig(separator="\t")
    columns = tag_columns(Fixed("\t"), ["Joe\tx", "ran\tx"], options, data=data, where="f")
    assert "".join(columns) == "Joe\tx\tB-First Name\nran\tx\tO\n"
    message = (
        "expected a tag that fits in a column, found 'B-First Name'; data.separator = \"\\t\" parts columns at TABs "
        "alone, and jsonl has no columns"
    )
    for separator in (None, ","):
        with pytest.raises(DataError) as error:
            list(tag_text(Fixed(separator), ["Joe ran"], options))
        assert str(error.value) == f"--format conll: {message}"
    with pytest.raises(DataError) as error:
        list(tag_columns(Fixed(None), ["Joe\tx"], options, data=DataConfig(), where="f"))
    assert str(error.value) == f"f: {message}"


def test_tagged_columns_keep_the_lines_of_a_file_whose_sentences_a_column_tells():
    lines = ["1\tJoe", "1\tran", "2\tAnn"]
    data = DataConfig(separator="\t", word_column=1, sentence_column=0)
    pieces = tag_columns(Fixed("\t"), lines, OutputOptions("conll"), data=data, where="f")
    assert "".join(pieces).splitlines() == ["1\tJoe\tB-First Name", "1\tran\tO", "2\tAnn\tB-First Name"]


def test_prefixes_without_labels_are_not_taken_for_labels(file):
    with pytest.raises(DataError) as error:
        read_conll(file("see O\nAcme B\nCorp I\nnow O\n\nBob B\nleft O\n"))
    assert str(error.value).endswith(
        "found 'B' in 'Acme B'; data.tag_pattern = \"{prefix}\" reads the file, and data.label names its entities"
    )
