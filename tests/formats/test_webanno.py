"""WebAnno TSV 3: offsets in UTF-16 units, numbers that join tokens, parts of tokens, layers, escapes.

What is expected was written by hand after the files of the test suite of INCEpTION's own reader and writer.
"""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

import ner
from ner.data_settings import DataConfig
from ner.errors import ConfigError
from ner.formats.format import Losses
from ner.formats.sentences import read_sentences
from ner.formats.table import name_for_reading
from tests.formats.marked import documents, fault, kept, told

NE = "de.tudarmstadt.ukp.dkpro.core.api.ner.type.NamedEntity"
SPAN = "#T_SP=webanno.custom.Span|value"
# The emoji takes two units; sentence 2 begins two units behind sentence 1, sentence 3 at once behind sentence 2.
ROWS = (
    "#Text=Ann \U0001f600 Lee\\r\n#Text=a\\tb\n"
    "1-1\t0-3\tAnn\tPER[1]\t\n1-2\t4-6\t\U0001f600\tPER[1]\t\n1-3\t7-10\tLee\tPER[1]|ORG[2]\t\n"
    "1-4\t12-13\ta\t_\t\n1-5\t14-15\tb\t*\t\n\n"
    "#Text=EU-wide\n2-1\t17-24\tEU-wide\t_\t\n2-1.1\t17-19\tEU\tLOC\t\n\n"
    "#Text=No\n3-1\t24-26\tNo\ta\\|b\\[1\\]\\\\\t\n"
)
HEAD = f"#FORMAT=WebAnno TSV 3.3\n{SPAN}\n\n\n"


@pytest.fixture
def put(tmp_path):
    def write(content, name="a.tsv"):
        path = tmp_path / "in" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode())
        return path

    return write


def spans(document):
    return [(e.label, e.start, e.end, e.text) for e in document.entities]


def test_text_and_entities_are_those_of_code_points(put):
    path = put(HEAD + ROWS)
    [document], losses = told(ner.read, path)
    assert document.text == "Ann \U0001f600 Lee\r\na\tb\n EU-wideNo"
    assert spans(document) == [
        ("PER", 0, 9, "Ann \U0001f600 Lee"),
        ("ORG", 6, 9, "Lee"),
        ("LOC", 16, 18, "EU"),
        ("a|b[1]\\", 23, 25, "No"),
    ]
    assert losses == [f"once: named entities without a value: left out ({path}: at 13)"]
    assert [s.words for s in document.sentences] == [["Ann", "\U0001f600", "Lee", "a", "b"], ["EU-wide"], ["No"]]
    assert (document.id, document.sentences[1].source) == ("a", f"{path}:14")


def test_windows_line_ends_a_mark_and_older_escapes_are_read(put):
    content = "\ufeff#FORMAT=WebAnno TSV 3.1\n#Text=\\u00E9t\\uD83D\\uDE00\n1-1\t0-4\t\u00e9t\U0001f600\n"
    [document] = ner.read(put(content.replace("\n", "\r\n")))
    assert (document.text, document.entities, document.meta) == ("\u00e9t\U0001f600", (), {})


def test_words_of_sentences_that_tags_can_say_have_them_and_others_are_laid_as_settings_say(put):
    plain = put(f"{HEAD}#Text=Ann Lee\n1-1\t0-3\tAnn\tPER[1]\t\n1-2\t4-7\tLee\tPER[1]\t\n", "b.tsv")
    assert ner.read(plain)[0].sentences[0].tags == ("B-PER", "I-PER")
    cut = put(HEAD + ROWS)
    found = {m: read_sentences(cut, DataConfig(misaligned=m), Losses()) for m in ("snap", "split")}
    assert [s[1].words for s in found.values()] == [["EU-wide"], ["EU", "-wide"]]
    assert [s[1].tags for s in found.values()] == [("B-LOC",), ("B-LOC", "O")]


def test_annotations_of_one_number_over_a_sentence_end_are_one_and_apart_from_each_other_two(put):
    sentences = "#Text=a b\n1-1\t0-1\ta\tX[1]\t\n1-2\t2-3\tb\t{}\t\n\n#Text=c\n2-1\t4-5\tc\tX[1]\t\n"
    assert spans(ner.read(put(HEAD + sentences.format("X[1]")))[0]) == [("X", 0, 5, "a b\nc")]
    path = put(HEAD + sentences.format("_"))
    [document], losses = told(ner.read, path)
    assert spans(document) == [("X", 0, 1, "a"), ("X", 4, 5, "c")]
    assert losses == [
        "once: numbers of annotations that come again apart from the first: read as annotations of their own "
        f"({path}: [1])"
    ]


LAYERS = (
    "#FORMAT=WebAnno TSV 3.2\n#T_SP=my.Pos|tag\n#T_SP={}|identifier|value|ROLE_x:y_z|x.Z\n#T_CH=my.Chain|referenceType|"
    "referenceRelation\n#T_RL=my.Rel|kind|BT_my.Pos\n\n\n#Sentence.id=s\n#Text=Ann in Rome\n"
    "1-1\t0-3\tAnn\tN\tQ\\_1[1]|*[2]\tPER[1]|LOC[2]\t_\t_\t*->1-1\tcoref->1-1\tsubj\t1-2\t\n"
    "1-2\t4-6\tin\tP\t_\t_\t_\t_\t_\t_\t_\t_\t\n1-3\t7-11\tRome\tN\t*\tLOC\t*\t1-1\t_\t_\t_\t_\t\n"
)


def test_other_features_are_kept_and_other_layers_told(put, tmp_path):
    path = put(LAYERS.format(NE))
    [document], losses = told(ner.read, path)
    assert spans(document) == [("PER", 0, 3, "Ann"), ("LOC", 0, 3, "Ann"), ("LOC", 7, 11, "Rome")]
    assert losses == [
        f"once: comments: left out ({path}:8)",
        f"3 annotations of the layer my.Pos: left out ({path}, …)",
        f"once: slots of {NE}: left out ({path})",
        f"once: annotations of the layer my.Chain: left out ({path})",
        f"once: annotations of the layer my.Rel: left out ({path})",
    ]
    assert kept(tmp_path / "out", [document], "webanno") == [document]
    assert (tmp_path / "out" / "a.tsv").read_text() == (
        f"#FORMAT=WebAnno TSV 3.3\n#T_SP={NE}|identifier|value\n\n\n#Text=Ann in Rome\n"
        "1-1\t0-3\tAnn\tQ\\_1[1]|*[2]\tPER[1]|LOC[2]\t\n1-2\t4-6\tin\t_\t_\t\n1-3\t7-11\tRome\t*\tLOC\t\n"
    )


def test_the_layer_that_is_named_is_read(put):
    path = put(LAYERS.format(NE))

    def labels(layer):
        return [e.label for e in told(ner.read, path, settings={"layer": layer})[0][0].entities]

    assert labels("my.Pos") == labels("my.Pos|tag") == ["N", "P", "N"]
    assert labels(f"{NE}|identifier") == ["Q_1"]
    with pytest.raises(ConfigError) as error:
        labels("my.Rel")
    assert str(error.value) == f"data.layer: expected a layer of spans of {path}, found my.Rel; it has my.Pos, {NE}"


def test_a_layer_without_features_labels_by_its_name(put):
    path = put("#FORMAT=WebAnno TSV 3.3\n#T_SP=my.Name|\n\n#Text=a b\n1-1\t0-1\ta\t*[1]\t\n1-2\t2-3\tb\t*[1]\t\n")
    assert spans(ner.read(path, settings={"layer": "my.Name"})[0]) == [("Name", 0, 3, "a b")]


def test_which_of_several_layers_is_asked_for_and_the_advice_reads_the_file(put):
    head = HEAD.replace(SPAN, f"{SPAN}\n#T_SP={NE}|value")
    path = put(f"{head}#Text=a\n1-1\t0-1\ta\tX\tY\t\n")
    with pytest.raises(ConfigError) as error:
        ner.read(path)
    assert str(error.value) == (
        f"{path}: expected one layer of named entities, found webanno.custom.Span|value, {NE}|value; "
        'set data.layer = "webanno.custom.Span|value" or another of them'
    )
    [document], losses = told(ner.read, path, settings={"layer": "webanno.custom.Span|value"})
    assert (spans(document), losses) == (
        [("X", 0, 1, "a")],
        [f"once: annotations of the layer {NE}: left out ({path})"],
    )
    path = put("#FORMAT=WebAnno TSV 3.3\n#T_SP=webanno.custom.Two|a|b\n\n#Text=a\n1-1\t0-1\ta\tX\tY\t\n")
    with pytest.raises(ConfigError, match=r"found webanno.custom.Two\|a, webanno.custom.Two\|b; set data.layer"):
        ner.read(path)


def test_a_folder_is_written_by_its_ending_and_files_without_the_layer_are_told(put, tmp_path):
    given = [ner.Document("x", (), [ner.Entity("X", "x", 0, 1)], "a/b"), ner.Document("y", id="c")]
    ner.write(f"{tmp_path / 'out'}.webanno/", given)
    folder = tmp_path / "out.webanno"
    assert name_for_reading(folder, DataConfig()) == name_for_reading(folder / "c.tsv", DataConfig()) == "webanno"
    assert [(d.id, d.text, spans(d), d.meta) for d in ner.read(folder)] == [
        ("a/b", "x", [("X", 0, 1, "x")], {}),
        ("c", "y", [], {}),
    ]
    (folder / "c.tsv").write_text("#FORMAT=WebAnno TSV 3.3\n\n\n#Text=y\n1-1\t0-1\ty\t\n")
    _, losses = told(ner.read, folder, settings={"layer": NE})
    assert losses == [f"once: files without the layer of data.layer: read without entities ({folder / 'c.tsv'})"]
    (folder / "d.tsv").write_text("a\tO\n")
    assert (
        fault(folder) == f"{folder}: expected a file, or a folder of one of the formats of `ner formats`, found neither"
    )


def test_rows_are_those_of_inceptions_writer(tmp_path):
    text = "Ann Lee-Wu"
    entities = [ner.Entity(label, text[a:b], a, b) for label, a, b in [("A", 0, 7), ("B", 0, 3), ("C", 8, 10)]]
    entities += [ner.Entity("D", "", 4, 4), ner.Entity("_;*->", "Lee-Wu", 4, 10)]
    sentence = ner.Sentence(spelled=("Ann", "Lee-Wu"), starts=(0, 4))
    given = [ner.Document(text, [sentence], entities, "a")]
    assert spans(kept(tmp_path / "out", given, "webanno")[0]) == [
        ("A", 0, 7, "Ann Lee"),
        ("B", 0, 3, "Ann"),
        ("_;*->", 4, 10, "Lee-Wu"),
        ("D", 4, 4, ""),
        ("C", 8, 10, "Wu"),
    ]
    assert (tmp_path / "out" / "a.tsv").read_text() == (
        f"#FORMAT=WebAnno TSV 3.3\n#T_SP={NE}|value\n\n\n#Text=Ann Lee-Wu\n"
        "1-1\t0-3\tAnn\tA[1]|B[2]\t\n1-2\t4-10\tLee-Wu\t\\_\\;\\*\\->\t\n"
        "1-2.1\t4-7\tLee\tA[1]\t\n1-2.2\t4-4\t\tD\t\n1-2.3\t8-10\tWu\tC\t\n"
    )


def test_the_layer_that_is_written_is_the_one_of_the_settings_if_it_can_be_one(tmp_path):
    given = [ner.Document("a", (), [ner.Entity("X", "a", 0, 1)], "a")]

    def head(layer):
        ner.write(tmp_path / "out", given, "webanno", settings={"layer": layer})
        assert ner.read(tmp_path / "out")[0].entities == given[0].entities
        return (tmp_path / "out" / "a.tsv").read_text().split("\n")[1]

    assert head("webanno.custom.Ner") == "#T_SP=webanno.custom.Ner|value"
    assert head("webanno.custom.Ner|kind") == "#T_SP=webanno.custom.Ner|kind"
    assert head("outer") == f"#T_SP={NE}|value"


def test_blanks_between_sentences_are_kept_as_inception_reads_them(tmp_path):
    sentences = [
        ner.Sentence(spelled=(word,), starts=(start,)) for word, start in [("a", 0), ("b", 2), ("c", 5), ("d", 6)]
    ]
    given = [ner.Document("a b\n cd\n", sentences, (), "a")]
    assert kept(tmp_path / "out", given, "webanno")[0].text == "a b\n cd\n"
    written = (tmp_path / "out" / "a.tsv").read_text().split("\n\n")
    assert [part.partition("\n1-1")[0].partition("\n2-1")[0] for part in written[1:3]] == ["\n#Text=a ", "#Text=b"]


def test_what_such_a_file_can_not_hold_is_told(tmp_path):
    text = "\n a\ud800 b "
    entities = [ner.Entity("", "a\ud800", 2, 4, 0.5), ner.Entity("X\r", " b ", 4, 7), ner.Entity("Y", " ", 1, 2)]
    _, losses = told(ner.write, tmp_path / "out", [ner.Document(text, (), entities, None, {"k": 1})], "webanno")
    assert losses == [
        "once: documents without a name: numbered (document)",
        "once: documents with further fields: not kept (document: k)",
        "once: documents whose entities have probabilities: not kept (document)",
        "once: characters that no text file holds: U+FFFD instead (document)",
        "once: blanks before the first word: spaces instead, or nothing where there is no word (document)",
        "2 labels that are empty, or have a CR: `_` instead of it (document, …)",
        "once: entities with blanks at their ends: without them (document: ' b ')",
        "once: entities without a word: left out (document: Y at 1)",
    ]
    [document] = ner.read(tmp_path / "out")
    assert (document.text, spans(document)) == ("  a\ufffd b ", [("_", 2, 4, "a\ufffd"), ("X_", 5, 6, "b")])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("#FORMAT=WebAnno TSV 2\n", ":1: expected #FORMAT=WebAnno TSV 3, found '#FORMAT=WebAnno TSV 2'"),
        (
            f"{HEAD}#Text=a\n1-1\t0-1\ta\n",
            ":6: expected SENTENCE-TOKEN, BEGIN-END, a word and 1 more columns, parted by TABs, found '1-1\\t0-1\\ta'",
        ),
        (
            f"{HEAD}#Text=a\n1-1 0-1 a _\n",
            ":6: expected SENTENCE-TOKEN, BEGIN-END, a word and 1 more columns, parted by TABs, found '1-1 0-1 a _'",
        ),
        (
            f"{HEAD}1-1\t0-1\ta\t_\t\n",
            ":5: expected #Text= and a token to open a sentence, found '1-1\\t0-1\\ta\\t_\\t'",
        ),
        (
            f"{HEAD}#Text=a\n1-1.1\t0-1\ta\t_\t\n",
            ":6: expected #Text= and a token to open a sentence, found '1-1.1\\t0-1\\ta\\t_\\t'",
        ),
        (f"{HEAD}#Text=a\n\n", ":6: expected a token of the sentence of #Text=, found no row"),
        (f"{HEAD}#Text=a", ":6: expected a token of the sentence of #Text=, found no row"),
        (
            f"{HEAD}#Text=a b\n1-1\t0-1\ta\t_\t\n\n#Text=c\n2-1\t2-3\tc\t_\t\n",
            ":9: expected the sentence behind the one before it, found it at 2, before the end of the sentence before "
            "it, 3",
        ),
        (
            f"{HEAD}#Text=a b\n1-1\t0-1\tb\t_\t\n",
            ":6: expected 'b' at 0 to 1 of the text, found 'a'; offsets count UTF-16 units",
        ),
        (
            f"{HEAD}#Text=a \U0001f600\n1-1\t0-1\ta\t_\t\n1-2\t2-3\t\U0001f600\t_\t\n",
            ":7: expected '\U0001f600' at 2 to 3 of the text, found a place that isn't in it; offsets count UTF-16 "
            "units",
        ),
    ],
)
def test_a_bad_file_is_one_line(put, content, message):
    path = put(content)
    assert fault(path, "webanno") == f"{path}{message}"


@st.composite
def worded(draw):
    """A document whose text begins with a word, and whose entities begin and end with one."""
    given = draw(documents())
    text = "x" + given.text
    entities = []
    for e in given.entities:
        start, end = e.start + 1 + len(e.text) - len(e.text.lstrip()), e.end + 1 - (len(e.text) - len(e.text.rstrip()))
        if start < end:
            entities.append(ner.Entity(e.label, text[start:end], start, end))
    return ner.Document(text, (), entities, given.id)


@given(given=st.lists(worded(), max_size=2, unique_by=lambda document: document.id.casefold()))
def test_webanno_brings_back_every_document(tmp_path, given):
    given = sorted(given, key=lambda document: document.id)

    def plain(documents):
        return [
            replace(d, sentences=(), entities=sorted(d.entities, key=lambda e: (e.start, e.end, e.label)))
            for d in documents
        ]

    assert plain(kept(tmp_path / "out", given, "webanno")) == plain(given)


def test_a_document_without_a_word_is_a_file_without_rows(tmp_path):
    ner.write(tmp_path / "a.webanno", [ner.Document("", id="x")])
    assert ner.read(tmp_path / "a.webanno") == [ner.Document("", id="x", source=str(tmp_path / "a.webanno" / "x.tsv"))]
    with pytest.warns(UserWarning, match="nothing where there is no word"):
        ner.write(tmp_path / "b.webanno", [ner.Document("  ", id="x")])
    assert [document.text for document in ner.read(tmp_path / "b.webanno")] == [""]
