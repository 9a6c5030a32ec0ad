"""PubTator: offsets over title and abstract, entities with and without a concept, relations, lines that are wrong."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

import ner
from ner.data_settings import DataConfig
from ner.formats.table import name_for_reading
from tests.formats.marked import documents, fault, kept, told

WHOLE = """1|t|Naloxone, B\U0001f600b
1|a|Breast or ovarian cancer.
1\t0\t8\tNaloxone\tChemical\tD009270
1\t10\t13\tB\U0001f600b\tPerson\t-
1\t14\t38\tBreast or ovarian cancer\tDisease\tD001943|D010051\tBreast cancer|ovarian cancer
1\tCID\tD009270\tD001943

2|t|No abstract
2|a|

"""


@pytest.fixture
def put(tmp_path):
    def write(content):
        (tmp_path / "a.pubtator").write_bytes(content.encode())
        return tmp_path / "a.pubtator"

    return write


def spans(document):
    return [(e.label, e.start, e.end, e.text) for e in document.entities]


def test_offsets_run_over_title_one_separator_and_abstract_and_everything_comes_back(put, tmp_path):
    documents = ner.read(put(WHOLE))
    assert [(d.id, d.text) for d in documents] == [
        ("1", "Naloxone, B\U0001f600b\nBreast or ovarian cancer."),
        ("2", "No abstract"),
    ]
    assert spans(documents[0]) == [
        ("Chemical", 0, 8, "Naloxone"),
        ("Person", 10, 13, "B\U0001f600b"),
        ("Disease", 14, 38, "Breast or ovarian cancer"),
    ]
    assert documents[0].meta["pubtator"]["relations"] == [["CID", "D009270", "D001943"]]
    ner.write(tmp_path / "b.pubtator", documents)
    assert (tmp_path / "b.pubtator").read_text() == WHOLE


@pytest.mark.parametrize("end", ["", "\t", "\t-", "\t\t"])
def test_an_entity_without_a_concept_is_an_entity_and_written_with_a_placeholder(put, tmp_path, end):
    documents = ner.read(put(f"1|t|Bob\r\n1|a|\r\n1\t0\t3\tBob\tPER{end}\r\n"))
    assert (spans(documents[0]), documents[0].meta) == ([("PER", 0, 3, "Bob")], {})
    ner.write(tmp_path / "b.pubtator", documents)
    assert (tmp_path / "b.pubtator").read_text() == "1|t|Bob\n1|a|\n1\t0\t3\tBob\tPER\t-\n\n"


def test_the_package_bioc_finds_each_entity_and_no_other_relation_in_what_is_written(put, tmp_path):
    pubtator = pytest.importorskip("bioc.pubtator", reason="the independent reader `bioc` is not installed")
    documents = ner.read(put(WHOLE + "3|t|Bob\n3|a|\n3\t0\t3\tBob\tPER\t\n"))
    ner.write(tmp_path / "b.pubtator", documents)
    theirs = pubtator.load(io.StringIO((tmp_path / "b.pubtator").read_text()))
    assert [[(a.type, a.start, a.end, a.text) for a in d.annotations] for d in theirs] == [spans(d) for d in documents]
    assert [[(r.type, r.id1, r.id2) for r in d.relations] for d in theirs] == [[("CID", "D009270", "D001943")], [], []]


def test_a_concept_finds_its_entity_again_among_others(put, tmp_path):
    [first, _] = ner.read(put(WHOLE))
    more = ner.Document(
        first.text, (), (first.entities[2], ner.Entity("X", "or", 21, 23), first.entities[0]), "1", first.meta
    )
    ner.write(tmp_path / "b.pubtator", [more])
    rows = WHOLE.split("\n")
    assert (tmp_path / "b.pubtator").read_text().split("\n") == [
        *rows[:2],
        rows[4],
        "1\t21\t23\tor\tX\t-",
        rows[2],
        rows[5],
        "",
        "",
    ]


def test_what_pubtator_can_not_hold_is_told(tmp_path):
    given = [
        ner.Document(
            "a\r\nb\nc", (), [ner.Entity("x\ty", "a\r\nb", 0, 4, 0.5), ner.Entity("", "c", 5, 6)], None, {"k": 1}
        ),
        ner.Document("a\n", id="a|b"),
    ]
    _, losses = told(ner.write, tmp_path / "b.pubtator", given)
    assert losses == [
        "once: documents with further fields: not kept (document: k)",
        "once: documents whose entities have probabilities: not kept (document)",
        "once: documents without a name: numbered (document)",
        "once: texts of more lines than title and abstract, or with TABs: spaces instead (document)",
        "2 labels with TABs or line ends, or empty: others instead (document: 'x\\ty'; document: '')",
        "once: names of documents with `|`, TABs or blanks at their ends: numbered (document 'a|b': 'a|b')",
        "once: texts that end behind the title with a line end: without it (document 'a|b')",
    ]
    assert (tmp_path / "b.pubtator").read_text() == (
        "1|t|a \n1|a|b c\n1\t0\t4\ta  b\tx y\t-\n1\t5\t6\tc\t_\t-\n\n2|t|a\n2|a|\n\n"
    )
    [first, _] = ner.read(tmp_path / "b.pubtator")
    assert spans(first) == [("x y", 0, 4, "a \nb"), ("_", 5, 6, "c")]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("hello\n", ":1: expected a title such as '1|t|Title', found 'hello'"),
        ("1|t|a\n2|a|b\n", ":2: expected an abstract behind the title of the same document, one alone, found '2|a|b'"),
        ("1|a|b\n", ":1: expected an abstract behind the title of the same document, one alone, found '1|a|b'"),
        (
            "1|t|a\n1|a|b\n1|a|b\n",
            ":3: expected an abstract behind the title of the same document, one alone, found '1|a|b'",
        ),
        (
            "1|t|a\n2\t0\t1\ta\tX\n",
            ":2: expected 1, start, end, text and type with TABs between, or a relation, found '2\\t0\\t1\\ta\\tX'",
        ),
        ("1|t|a\n1\t0\t1\ta\n", ":2: expected an entity with its text and type, found 4 columns"),
        (
            "1|t|é Bobby\n1\t3\t6\tBob\tX\n",
            ":2: expected 'Bob' at characters 3 to 6 of title and abstract of 1, found 'obb'; all offsets of the file "
            "count bytes of UTF-8: count the text's code points (characters of a Python string), from 0",
        ),
    ],
)
def test_a_line_that_is_wrong_is_told_with_its_number(put, content, message):
    path = put(content)
    assert fault(path, "pubtator") == f"{path}{message}"


def test_pubtator_is_told_from_title_and_abstract(put):
    assert name_for_reading(put(WHOLE), DataConfig()) == "pubtator"
    assert name_for_reading(put("1|t|a\n2|a|b\n"), DataConfig()) == "conll"


NAMES = st.text(st.sampled_from("ab é漢1"), min_size=1, max_size=8).filter(lambda name: name == name.strip())


@given(given=st.lists(documents("ab é漢\u0301\U0001f600.|-", NAMES), max_size=3), cut=st.integers(0, 9))
def test_pubtator_brings_back_every_document_of_one_or_two_lines(tmp_path, given, cut):
    def with_abstract(document):
        if not 0 < cut < len(document.text) - 1:
            return document
        text = f"{document.text[:cut]}\n{document.text[cut + 1 :]}"
        entities = [ner.Entity(e.label, text[e.start : e.end], e.start, e.end) for e in document.entities]
        return ner.Document(text, (), entities, document.id)

    given = [with_abstract(document) for document in given]
    assert kept(tmp_path / "a.pubtator", given, "pubtator") == given
