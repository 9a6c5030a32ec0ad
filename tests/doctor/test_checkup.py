"""Each finding of the data doctor in a file made for it, and the verdict against the reader itself."""

import json
import random
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ner.config import override_data
from ner.doctor.checkup import Checkup, check_files
from ner.doctor.finding import KINDS, Finding
from ner.errors import DataError
from ner.formats.sentences import read_sentences
from ner.schemes import SCHEMES
from ner.settings import DataConfig
from tests.conftest import ROOT


@pytest.fixture
def check(tmp_path, monkeypatch):
    """Writes files `f`, `g`, … and examines them, so that places are short and the same everywhere."""
    monkeypatch.chdir(tmp_path)

    def call(*contents: str | bytes, **described: object) -> Checkup:
        names = "fgh"[: len(contents)]
        for name, content in zip(names, contents, strict=True):
            Path(name).write_bytes(content.encode() if isinstance(content, str) else content)
        return check_files(list(names), DataConfig.model_validate(described))

    return call


def of_kind(checkup: Checkup, kind: str) -> Finding:
    found = [finding for finding in checkup.findings if finding.kind == kind]
    assert len(found) == 1, [finding.kind for finding in checkup.findings]
    return found[0]


# Eleven entities of one label, so that it isn't rare, each in a sentence of its own.
PLENTY = "".join(f"in O\n{name} B-X\n. O\n\n" for name in "abcdefghijk")
TEN_OPEN = "".join(f"{name} I-X\n. O\n\n" for name in "abcdefghij")


@pytest.mark.parametrize(
    ("kind", "contents", "described", "count", "first"),
    [
        ("encoding", [b"a O\ncaf\xe9 B-X\n\nb O\n\xff O\n"], {}, 2, "f:2"),
        ("encoding", ["a O\né B-X\n".encode("gb18030")], {"encoding": "gb18030", "tag_column": -1}, 0, ""),
        ("nul-character", ["a O\n\0 B-X\n"], {}, 1, "f:2"),
        ("unreadable-line", ["a O\nb\nc B-X\nd e\n"], {}, 2, "f:2: expected at least 2 columns, found 1: 'b'"),
        ("unreadable-line", ["a/O :B-X b:B-X\nc:O\nd\n"], {"format": "lines"}, 2,
         "f:1: expected word:TAG, found 'a/O'"),
        ("mixed-prefixes", ["a B-X\nb M-X\n\nc I-X\nd S-X\n"], {}, 4, "f:1: B-X"),
        ("not-kept", ['{"text": "ab", "entities": [{"start": 0, "end": 1, "label": "X"}]}'], {}, 1,
         "f:1: X 'a' at character 0"),
        ("unknown-tags-in-dev", [PLENTY, "a ?\nb B-X\n"], {"unknown_tag": "?"}, 1, "g:1"),
        ("unknown-tags", [PLENTY + "a ?-X\nb ?\n"], {"unknown_tag": "?"}, 2, "f:45"),
        ("mixed-openings", [PLENTY + TEN_OPEN], {}, 10, "f:45: I-X at 'a'"),
        ("orphan-tag", ["a B-X\nb I-X\nc O\nd I-X\ne I-Y\n"], {"scheme": "iob2"}, 2, "f:4: I-X at 'd'"),
        ("orphan-tag", ["a B-X\nb E-X\nc E-X\n\nd S-X\ne I-X\nf E-X\n"], {}, 2, "f:3: E-X at 'c'"),
        ("orphan-tag", ["a ?\nb I-X\nc O\n? O\nd I-X\n"], {"unknown_tag": "?", "scheme": "iob2"}, 1, "f:5: I-X at 'd'"),
        ("orphan-tag", ["a I-X\nb ?\n"], {"unknown_tag": "?", "scheme": "iob2"}, 1, "f:1: I-X at 'a'"),
        ("unclosed-entity", ["a B-X\nb O\nc S-X\n\nd B-X\ne M-X\n"], {}, 2, "f:1: B-X at 'a'"),
        ("unclosed-entity", ["a B-X\nb ?\nc S-X\n\nd B-X\ne M-X\n"], {"unknown_tag": "?"}, 1, "f:6: M-X at 'e'"),
        ("redundant-b", ["a I-X\nb I-X\nc O\nd B-X\ne B-X\nf I-Y\nf B-X\n"], {"scheme": "iob1"}, 2, "f:4: B-X at 'd'"),
        ("unlearnable-label", [PLENTY, "a B-Y\nb B-Z\nc B-Y\n"], {}, 2, "'Y'"),
        ("absent-label", [PLENTY, "a B-Y\nb B-Z\nc B-Y\n"], {}, 1, "'X'"),
        ("rare-label", [PLENTY + "a B-Y\nb B-Y\n"], {}, 1, "'Y': 2"),
        ("like-labels", ["a B-PER\nb O\nc B-Per\nd B-LOC\n"], {}, 1, "'PER' and 'Per'"),
        ("schemes-differ", ["a I-X\nb B-X\n", "a B-X\nb I-X\n"], {}, 1, "f: iob1"),
        ("leaked-sentence", ["a O\nb O\nc O\nd O\ne B-X\n", "x B-X\n\na O\nb O\nc O\nd O\ne B-X\n"], {}, 1,
         "g:3 as f:1: 'a b c d e'"),
        ("duplicate-sentence", ["a B-X\n\na B-X\n\n" + "a B-X\nb O\nc O\nd O\ne O\n\n" * 3], {}, 2,
         "f:11 as f:5: 'a b c d e'"),
        ("tagged-otherwise", ["a B-X\nb I-X\n\na B-X\nb O\n\na B-X\nb I-X\n"], {}, 1, "f:4 as f:1: 'b': O and I-X"),
        ("tagged-otherwise", ["a B-X\nb I-X\n\nc B-X\n", "a I-X\nb I-X\n\nc O\n"], {}, 1, "g:4 as f:4: 'c': O and B-X"),
        ("inconsistent-context", ["in O\nRome B-L\n, O\n\nIn O\nRome B-G\n, O\nz O\n\nin O\nRome O\n, O\n. O\n"], {}, 1,
         "'in' 'Rome' ',': L 1 (f:2), G 1 (f:6), O 1 (f:11)"),
        ("inconsistent-context", ["on O\n12 O\nA B-X\nB I-X\nleft O\n", "no O\n99 O\nA B-Y\nB I-Y\nleft O\n"], {}, 1,
         "'00' 'A B' 'left': X 1 (f:3), Y 1 (g:3)"),
        ("inconsistent-context", ["in O\nA B-X\n\nin O\nA O\n\nA B-X\nB I-X\n"], {}, 1,
         "'in' 'A' '—': X 1 (f:2), O 1 (f:5)"),
        ("replacement-character", ["a\ufffd B-X\n\ufffd O\n"], {}, 2, "f:1: 'a\ufffd'"),
        ("control-character", ["a O\nb\x07 B-X\n\x85 O\n"], {}, 2, r"f:2: 'b\x07'"),
        ("invisible-character", ["a O\nb\u200b B-X\n\u202ec O\nx\u200dy O\n"], {}, 3, r"f:2: 'b\u200b'"),
        ("invisible-character", ["می\u200cروم B-X\n👩\u200d💻 O\nक्\u200dष O\n"], {}, 0, ""),
        ("private-character", ["a O\n\ue305 B-X\n"], {}, 1, r"f:2: '\ue305'"),
        ("blank-in-word", ["a O\nNew\u00a0York B-X\n\u3000 O\nx\u2028 O\n"], {}, 3, r"f:2: 'New\xa0York'"),
        ("mojibake", ["cafÃ© B-X\nä O\nÃ O\ncafé O\n"], {}, 1, "f:1: 'cafÃ©'"),
        ("mojibake", ["Zürich B-X\n"], {"encoding": "latin-1"}, 1, r"f:1: 'ZÃ¼rich'"),
        ("lookalike-letters", ["Pаris B-X\nIFNγ O\nМосква O\nα-synuclein O\n"], {}, 1, "f:1: 'Pаris'"),
        ("decomposed-letters", ["cafe\u0301 B-X\ncafé O\n"], {}, 1, "f:1: 'cafe\u0301'"),
        ("long-sentence", ["a O\n" * 200 + "\n" + "b B-X\n" * 201 + "\n" + "c O\n" * 300], {}, 2, "f:404: 300 tokens"),
        ("long-word", [f"{'x' * 50} O\n{'y' * 51} B-X\n"], {}, 1, f"f:2: '{'y' * 39}…'"),
        ("one-token-sentences", ["a B-X\n\n" * 10 + "b O\nc O\n"], {}, 10, "f:1"),
        ("glued-digits", ["男0 B-X\n人1 I-X\n\n好0 O\n"], {}, 3, "f:1: '男0'"),
        ("glued-digits", ["1990 B-X\n20 O\n3 O\nx1 O\n"], {}, 0, ""),
        ("index-words", ["1 a B-X\n2 b O\n\n1 c O\n2 d O\n3 e O\n"], {}, 2, "f:1: '1'"),
        ("cut-otherwise", ["so O\nRome, B-X\n\n" * 10, "so O\nKiel, B-X\n\n" * 10], {}, 10,
         "f:1: 'Rome,' comes out as 'Rome' ','"),
        ("cut-otherwise", ["so O\nRome, B-X\n\n" * 10], {"tokenizer": "spaces"}, 0, ""),
        ("cut-otherwise", ["男0 B-X\n人1 I-X\n\n" * 10], {}, 0, ""),  # told of its digits already
        ("cut-otherwise", ["男 B-X\n人 I-X\n\n" * 10], {}, 0, ""),
        ("cut-otherwise", ['{"text": "Kiel,Graz. Rome", "entities": [{"start": 0, "end": 4, "label": "X"}]}\n' * 9], {},
         0, ""),
        ("ragged-columns", ["a NN B-X\nb O\nc NN O\nd x y O\n"], {}, 2, "f:2: 2 columns"),
        ("document-mark", ["-DOCSTART- -X- O\n\na B-X\n\n-DOCSTART- O\nb O\n"], {}, 2, "f:1"),
        ("blank-separator", ["a B-X\n\t\nb O\n\nc O\n \t\nd O\n"], {}, 2, "f:2"),
        ("extra-blank-lines", ["a B-X\n\n\nb O\n\n\n\n"], {}, 3, "f:3"),
        ("extra-blank-lines", ["a B-X\n\nb O\n\n"], {}, 0, ""),
        ("line-ends", ["a B-X\r\nb O\n\r\nc O\r\n"], {}, 3, "f:1"),
    ],
)  # fmt: skip
def test_what_was_put_into_a_file_is_found_as_often_as_it_is_there(check, kind, contents, described, count, first):
    found = [finding for finding in check(*contents, **described).findings if finding.kind == kind]
    if not count:
        assert found == []
    else:
        assert len(found) == 1
        assert (found[0].count, found[0].places[0]) == (count, first)


def stories(names: int, *, shuffled: bool = False, marks: int = 0) -> str:
    """Three sentences about each name, one after the other or in any order."""
    sentences = [f"so O\nName{n} B-X\nsaid O\n" for n in range(names) for _ in range(3)]
    if shuffled:
        random.Random(1).shuffle(sentences)
    for place in range(marks):
        sentences[place] = f"-DOCSTART- O\n\n{sentences[place]}"
    return "\n".join(sentences)


@pytest.mark.parametrize(
    ("text", "described", "found"),
    [
        (stories(40), {}, 1),
        (stories(33), {}, 0),  # too few words to say
        (stories(40, shuffled=True), {}, 0),
        (stories(40, marks=1), {}, 1),  # at the top, where it divides nothing
        (stories(40, marks=2), {}, 0),
        (stories(40), {"document_sentences": 10}, 0),
        ("".join(f"so O\nname{n // 3} B-X\n\n" for n in range(120)), {}, 0),
        ("".join(f"Name{n // 3} O\nspoke B-X\n\n" for n in range(120)), {}, 0),  # a first word has a capital anyway
        ("".join(f"so O\nName{n} B-X\n\n" for n in range(150)), {}, 0),
        ("".join(f"so O\nName{n % 149} B-X\n\n" for n in range(150)).replace("148", "147"), {}, 0),  # by chance
    ],
)
def test_running_text_without_marks_is_told_from_sentences_in_any_order(check, text, described, found):
    notes = [finding for finding in check(text, **described).findings if finding.kind == "running-text"]
    assert len(notes) == found
    if notes:
        assert "67% of the words with a capital come again within 10 sentences" in notes[0].found
        assert notes[0].severity == "note"


def test_every_kind_of_finding_is_tested_here():
    source = Path(__file__).read_text(encoding="utf-8")
    assert [kind for kind in KINDS if f'"{kind}"' not in source] == []


def test_a_file_that_is_none_is_an_error_and_the_others_are_examined_all_the_same(check):
    checkup = check("a B-X\n")
    checkup = check_files(["f", "nowhere"], DataConfig())
    finding = of_kind(checkup, "unreadable-file")
    assert (finding.path, finding.severity) == ("nowhere", "error")
    assert finding.found == "no such file (paths are taken as given, then relative to the config's folder)"
    assert checkup.files[0].labels == {"X": 1}


def test_a_file_without_sentences_and_one_without_entities_fail_as_training_does(check):
    assert of_kind(check("\n\n"), "no-sentences").severity == "error"
    assert of_kind(check(b"\xef\xbb\xbf"), "no-sentences").severity == "error"  # found by robustness/fuzz.py
    assert of_kind(check("a O\n"), "no-labels").severity == "error"
    assert not check("a B-X\n", "a O\n").errors
    assert [finding.kind for finding in check("a B_X\nb O\n").errors] == ["unreadable-line"]  # which hold the labels


def test_a_byte_order_mark_is_told_and_is_no_part_of_a_word(check):
    checkup = check("\ufeffa B-X\n")
    assert of_kind(checkup, "byte-order-mark").severity == "note"
    assert not [finding for finding in checkup.findings if finding.kind == "invisible-character"]


@pytest.mark.parametrize(
    ("content", "described", "scheme"),
    [
        ("a U-X\nb B-X\nc L-X\n", {}, "bilou"),
        ("a X\nb X\nc O\n", {"scheme": "io"}, "io"),
        ("a X_S\nb X_B\nc X_E\n", {"tag_pattern": "{label}_{prefix}"}, "bioes"),
    ],
)
def test_the_scheme_is_told_by_its_name_and_its_tags_are_no_faults(check, content, described, scheme):
    checkup = check(content, **described)
    assert checkup.files[0].scheme == scheme
    assert [finding.kind for finding in checkup.findings] == ["rare-label"]
    assert checkup.files[0].labels == {"X": 1 if scheme == "io" else 2}


def test_a_prefix_that_is_written_twice_is_told_with_what_reads_it(check):
    content = "Bob B-B-PER\nDoe I-I-PER\nran O\n"
    assert of_kind(check(content), "mixed-prefixes").remedy == (
        "take one of the two prefixes out; --set data.scheme=iob2 if the second is of the label"
    )
    assert check(content, scheme="iob2").files[0].labels == {"B-PER": 1, "I-PER": 1}


def test_nothing_is_found_in_a_file_where_nothing_is_wrong(check):
    assert check(PLENTY).findings == ()


def test_everything_is_counted(check):
    content = "-DOCSTART- O\n\na B-X\nb I-X\nc B-Y\n\nd B-X\n\n-DOCSTART- O\ne O\n"
    (counts,) = check(content).files
    assert (counts.path, counts.scheme, counts.documents, counts.sentences) == ("f", "iob2", 2, 3)
    assert (counts.tokens, counts.entities, counts.longest, counts.labels) == (5, 3, 3, {"X": 2, "Y": 1})


@pytest.mark.parametrize(
    ("content", "settings"),
    [
        ("a B-X N\nb O V\n", "--set data.tag_column=1"),
        ("a b\tB-X\tN\nc\tO\tV\n", "--set data.tag_column=1 --set 'data.separator=\"\\t\"'"),
        ("# id 1\na B-X\n", "--set 'data.comment=# '"),
        ("#id 1\na B-X\n", "--set 'data.comment=#'"),
        ("a B_PER\nb I_PER\nc O\n", "--set 'data.tag_pattern={prefix}_{label}'"),
        ("a PER-B\nb PER-I\nc O\n", "--set 'data.tag_pattern={label}-{prefix}'"),
        ("a PER_U\nb x-y_B\nc x-y_L\n", "--set 'data.tag_pattern={label}_{prefix}'"),
        ("a PER\nb PER\nc O\nd PER\n\nO ORG\ne ORG\n", "--set data.scheme=io"),
        ("a\tB-First Name\nb\tO\nc\tB-Second\nd\tO\n", "--set 'data.separator=\"\\t\"'"),
        ("a B\nb I\nc O\n", "--set 'data.tag_pattern={prefix}'"),
        ("a B N\nb I V\nc O V\n", "--set data.tag_column=1 --set 'data.tag_pattern={prefix}'"),
        ("a,B\nb,I\nc,O\n", "--set data.separator=, --set 'data.tag_pattern={prefix}'"),
        ("a\tB-X\n\tO\nb\tO\n", "--set data.empty_words=skip"),
        ("1 a N B-X\n2 b N O\n3 c N\n", None),
    ],
)  # fmt: skip
def test_settings_are_advised_for_a_file_that_is_meant_otherwise_and_with_them_it_is_read(check, content, settings):
    remedy = of_kind(check(content), "unreadable-line").remedy
    if settings is None:
        assert remedy == "mend them: no setting or format was found that reads them, and the other 2 are right"
        return
    number = "this setting" if settings.count("--set") == 1 else "these settings"
    named = "; data.label names its entities" if "{prefix}'" in settings and "{label}" not in settings else ""
    assert remedy == f"with {number} all of the file is read: {settings}{named}"
    checkup = check_files(["f"], override_data(DataConfig(), shlex.split(settings)[1::2]))
    assert not checkup.errors


@pytest.mark.parametrize(
    ("content", "described", "settings"),
    [
        ("a\tB-X\nb\tO\n", {"word_column": 1}, "--set data.word_column=0"),
        ("a B-X\nb O\n", {"separator": "\t"}, "--set data.separator="),
        ("1 a B-X N\n2 b O V\n\n1 c B-X N\n2 d O V\n", {}, "--set data.word_column=1 --set data.tag_column=2"),
        ("a B-X\nb O\n", {"format": "jsonl"}, "--set data.format=auto"),
        ("Word,Tag\na,B\nb,O\n", {}, "--set 'data.tag_pattern={prefix}'; data.label names its entities"),
        ('{"text": "ab", "entities": [{"start": 0, "end": 2, "label": "X"}]}\n', {"word_column": 1},
         "--set data.format=jsonl"),
    ],
)  # fmt: skip
def test_settings_that_do_not_fit_are_told_by_those_that_do(check, content, described, settings):
    (finding,) = check(content, **described).errors
    assert finding.remedy.endswith(f"all of the file is read: {settings}")
    before = DataConfig.model_validate(described)
    advised = shlex.split(settings.partition("; ")[0])[1::2]
    assert not check_files(["f"], override_data(before, advised)).errors


@pytest.mark.parametrize(
    ("content", "remedy"),
    [
        ("a:B_PER b:O\n", "its lines hold 2 columns, the first is 'a:B_PER b:O'; see `ner formats`"),
        ("a B_PER\nb\n", "its lines hold 1 to 2 columns, the first is 'a B_PER'; see `ner formats`"),
        ("a\n", "its lines hold 1 column, the first is 'a'; see `ner formats`"),
        (f"{'x' * 80}\n", f"its lines hold 1 column, the first is '{'x' * 57}...'; see `ner formats`"),
    ],
)
def test_where_nothing_reads_a_file_it_is_said_what_its_lines_hold(check, content, remedy):
    finding = of_kind(check(content), "unreadable-line")
    assert finding.remedy == f"no setting or format was found that reads it; {remedy}"


def test_annotations_without_their_text_are_told_that_and_no_setting(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("a.ann").write_text("T1\tPER 0 3\tBob\n", encoding="utf-8")
    (finding,) = check_files(["a.ann"], DataConfig()).errors
    assert (finding.kind, finding.remedy) == ("unreadable-file", "it was read as brat: mend it there")
    assert finding.found == (
        "expected a.txt beside a.ann, found no such file; it holds the text whose characters the annotations count"
    )


def test_a_file_without_labels_is_told_the_column_that_has_them(check):
    (finding,) = check("a B-X O\nb O O\n").errors
    assert (finding.kind, finding.remedy) == (
        "no-labels", "with this setting all of the file is read: --set data.tag_column=1"
    )  # fmt: skip
    (finding,) = check("a O\nb O\n").errors
    assert finding.remedy == (
        "no setting or format was found that reads it; its lines hold 2 columns, the first is 'a O'; see `ner formats`"
    )


def test_the_pattern_that_is_advised_against_glued_digits_parts_them(check):
    remedy = of_kind(check("男0 B-X\n人1 I-X\n"), "glued-digits").remedy
    (advised,) = [part.strip().strip("'") for part in remedy.split("--set ")[1:]]
    (sentence,) = read_sentences("f", override_data(DataConfig(), [advised]))
    assert sentence.words == ["男", "人"]


def test_findings_come_most_serious_first_and_the_text_is_as_documented(check):
    assert str(check("a B-X\n\t\nb O\nc I-X\n", "c\n")) == (
        "file  sentences  tokens  entities  documents  longest  scheme\n"
        "f             2       3         2          0        2    iob2\n"
        "g             0       0         0          0        0    iob2\n"
        "\n"
        "entities  f  g\n"
        "X         2  0\n"
        "\n"
        "error    g: lines that can't be read: 1\n"
        "         g:1: expected at least 2 columns, found 1: 'c'\n"
        "         → no setting or format was found that reads it; its lines hold 1 column, the first is 'c'; "
        "see `ner formats`\n"
        "\n"
        "warning  f: tags that go on with an entity that isn't open: 1\n"
        "         f:4: I-X at 'c'\n"
        "         → each is read as opening one\n"
        "\n"
        "note     f: labels of fewer than 10 entities: 1\n"
        "         'X': 2\n"
        "         → expect unsteady scores there\n"
        "\n"
        "note     f: lines between sentences that aren't empty but hold spaces or TABs: 1\n"
        "         f:2\n"
        "         → nothing: they part sentences\n"
        "\n"
        "training would fail: 1 error, 1 warning, 2 notes"
    )


def test_only_the_first_places_are_shown_and_json_has_all(check):
    checkup = check("a B-X\n\n" + "b O\nc I-X\n\n" * 9, scheme="iob2")
    assert "… and 6 more (--json lists them)" in str(checkup)
    values = json.loads(json.dumps(checkup.as_dict()))
    assert values["ok"] is True
    assert values["files"][0]["labels"] == {"X": 10}
    assert len(values["findings"][0]["places"]) == values["findings"][0]["count"] == 9
    assert set(values["findings"][0]) == {"severity", "kind", "path", "count", "found", "places", "remedy"}


def test_a_label_that_is_not_text_can_be_printed_wherever_it_is_told(check):
    # Found by robustness/fuzz.py: a broken byte in a label of an inconsistent context.
    checkup = check(b"in O\nRome B-\xf9\n, O\nx O\n\nin O\nRome I-X\n, O\n")
    assert "inconsistent-context" in [finding.kind for finding in checkup.findings]
    str(checkup).encode("utf-8")


LINES = st.sampled_from(
    ["a B-X", "a I-X", "a X", "a B_X", "a X-B",
     "b O", "b", "", " ", "\t", "c M-X", "d S-Y", "e E-X", "-DOCSTART- O", "x:B-X y:O", "\ufeff O",
     "# x", "f ?", "g ?-X", "h B-", "\r", "é B-X", "\0 O", "\u2028 O", "a\u00a0b O"]
)  # fmt: skip
DESCRIBED = st.fixed_dictionaries(
    {},
    optional={
        "format": st.sampled_from(["conll", "lines", "jsonl", "auto"]),
        "scheme": st.sampled_from(["auto", *SCHEMES]),
        "tag_pattern": st.sampled_from([None, "{prefix}_{label}", "{label}-{prefix}"]),
        "separator": st.sampled_from([None, " ", "\t", ":"]),
        "unknown_tag": st.sampled_from([None, "?", "O"]),
        "comment": st.sampled_from([None, "#"]),
        "encoding": st.sampled_from(["utf-8", "latin-1", "utf-16", "gb18030", "ascii", "nonsense"]),
        "tag_column": st.sampled_from([-1, 1]),
    },
)


@given(
    content=st.binary(max_size=30) | st.lists(LINES, max_size=8).map(lambda lines: "\n".join(lines).encode()),
    described=DESCRIBED,
)
def test_a_file_has_an_error_exactly_where_the_reader_refuses_it(check, content, described):
    checkup = check(content, **described)
    try:
        sentences = read_sentences("f", DataConfig.model_validate(described))
    except DataError:
        sentences = []
    assert bool(sentences) == all(finding.kind == "no-labels" for finding in checkup.errors)
    assert checkup.files[0].tokens == sum(len(s.tokens) for s in sentences) or not sentences
    str(checkup).encode("utf-8")
    json.dumps(checkup.as_dict())


def test_the_doctor_needs_no_torch(check, tmp_path):
    check(PLENTY)
    code = (
        "import sys\nfrom ner.cli import main\n"
        f"sys.argv = ['ner', 'data', 'check', {str(tmp_path / 'f')!r}]\n"
        "try:\n    main()\nexcept SystemExit as stop:\n    sys.exit(stop.code or 'torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, cwd=ROOT)
    assert (done.returncode, done.stderr) == (0, b"")


ONE = "Rome\tB-LOC\nis\tO\nold\tO\n\n" * 4 + "Bob\tB-person\nran\tO\n\n"
TWO = "in\tO\nRome\tB-ORG\nnow\tO\n\n" * 3 + "Rome\tB-LOC\n\n" + "Bob\tO\nran\tO\n\n" * 3
CORPORA = """
[[data.corpora]]
name = "one"
train = "f"
labels = ["LOC", "ORG", "PER"]
map = { person = "PER" }
[[data.corpora]]
name = "two"
train = "g"
labels = ["LOC", "ORG"]
"""


@pytest.fixture
def check_config(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, content in (("f", ONE), ("g", TWO)):
        Path(name).write_text(content, encoding="utf-8")

    def call(text: str) -> tuple[int, dict[str, tuple[str, str, list[str]]], str]:
        Path("c.toml").write_text(text, encoding="utf-8")
        code, out, err = run("data", "check", "c.toml", "--json")
        told = json.loads(out)["findings"] if out else []
        return code, {f["kind"]: (f["path"], f["found"], f["places"]) for f in told}, err

    return call


def test_words_that_two_corpora_annotate_otherwise_are_told_where_both_annotate_the_labels(check_config):
    code, findings, err = check_config(CORPORA)
    assert (code, err) == (0, "")
    path, found, places = findings["contradictory-corpora"]
    assert (path, found) == ("2 corpora", "words that corpora annotate in contradictory ways: 1")
    # Bob is a person in the one and O in the other, which doesn't look for persons.
    assert places == ["'Rome': LOC 4 of 4 in one (f:1), ORG 3 of 4 in two (g:2)"]


def test_a_corpus_without_an_entity_beside_others_that_have_some_is_no_error(check_config):
    Path("h").write_text("we\tO\nran\tO\n\n", encoding="utf-8")
    beside = CORPORA + '[[data.corpora]]\nname = "three"\ntrain = "h"\nlabels = ["LOC"]\n'
    code, findings, err = check_config(beside)
    assert (code, err) == (0, "")
    assert findings["no-labels-here"] == ("h", "no tag but O: it teaches alone what is no entity", [])
    code, findings, err = check_config('[[data.corpora]]\ntrain = "h"\n')
    assert (code, findings["no-labels"]) == (1, ("h", "no tag but O: nothing to learn", []))


@pytest.mark.parametrize(
    ("changed", "kind", "path", "found", "places"),
    [
        (('labels = ["LOC", "ORG"]\n', 'labels = ["DATE", "LOC", "ORG"]\n'), "unannotated-label", "two",
         "label that labels name and no training file has: 'DATE'", []),
        (('person = "PER"', 'person = "PER", people = "PER"'), "unknown-in-map", "one",
         "labels in its map that its files don't have: 1", ["'people'"]),
        (('labels = ["LOC", "ORG"]\n', 'labels = ["LOC"]\n'), "outside-inventory", "two",
         "tags of labels that it is said not to annotate: 3",
         ["g:2: B-ORG at 'Rome'", "g:6: B-ORG at 'Rome'", "g:10: B-ORG at 'Rome'"]),
    ],
)  # fmt: skip
def test_an_inventory_that_does_not_fit_the_files_is_an_error(check_config, changed, kind, path, found, places):
    code, findings, err = check_config(CORPORA.replace(*changed))
    assert findings[kind] == (path, found, places)
    assert (code, err) == (1, f"error: {path}: {found}; training would fail\n")


def test_the_files_of_a_recipe_of_one_corpus_are_checked_too(check_config):
    code, findings, _ = check_config("[data]\ntrain = 'f'\ndev = 'g'\n")
    assert code == 0
    assert findings["unlearnable-label"][2] == ["'ORG'"]
    code, _, err = check_config("")
    assert (code, err) == (
        2,
        "error: c.toml: expected data.train or data.corpora, whose files are checked, found neither\n",
    )
