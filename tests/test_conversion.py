"""`ner convert`, `ner formats`, and tagging and scoring files of any format, as a user meets them."""

import json
import re

import pytest

from ner.data_settings import FORMATS
from ner.formats.table import can_write, find_format
from ner.formats.tools import TOOLS
from tests.conftest import ROOT

PAGE = (ROOT / "docs" / "formats.md").read_text(encoding="utf-8")

TEXTS = ["Jordan King flew to Amman.", "Reuters  said so."]


@pytest.fixture
def records(tmp_path):
    path = tmp_path / "texts.jsonl"
    entities = [[{"label": "PER", "start": 0, "end": 11}], [{"label": "ORG", "start": 0, "end": 7}]]
    rows = [{"text": text, "entities": found} for text, found in zip(TEXTS, entities, strict=True)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_a_file_is_converted_and_what_is_not_kept_is_told(run, records, tmp_path):
    code, out, err = run("convert", records, tmp_path / "new" / "out.conll", "--set", "data.scheme=bioes")
    assert (code, out) == (0, "")
    assert (tmp_path / "new" / "out.conll").read_text() == (
        "Jordan B-PER\nKing E-PER\nflew O\nto O\nAmman O\n. O\n\nReuters S-ORG\nsaid O\nso O\n. O\n\n"
    )
    assert err.splitlines() == [
        f"warning: {records}: 2 texts: blanks and line ends between words are not kept ({records}:1; {records}:2)",
        f"{tmp_path / 'new' / 'out.conll'}: conll, from jsonl",
    ]


def test_tags_are_written_in_the_scheme_that_is_asked_for_whatever_they_were_read_in(run, tmp_path):
    gold = tmp_path / "gold.iob1"
    gold.write_text("Anna I-PER\nLee I-PER\nBob B-PER\nran O\n\nRome I-LOC\n\n")
    for name, first in (("a.conll", "Anna B-PER"), ("a.csv", "Anna,B-PER"), ("a.conllu", "1\tAnna\t")):
        assert run("convert", gold, tmp_path / name, "--scheme", "bmes")[0] == 0
        written = (tmp_path / name).read_text()
        assert first in written
        assert [written.count(f"{letter}-") for letter in "BMESI"] == [1, 0, 1, 2, 0]
        assert run("convert", tmp_path / name, tmp_path / f"{name}.iob1", "--to", "conll", "--scheme", "iob1")[0] == 0
        assert (tmp_path / f"{name}.iob1").read_text() == gold.read_text()
    for asked, told in (
        (["a.spacy", "--scheme", "bmes"],
         "--scheme: expected a format that is written with tags (conll, lines, csv, conllu, conllup, uner, germeval), "
         "found docbin"),
        (["a.conll", "--scheme", "bmes", "--for", "seqeval"],
         "--for: expected no --scheme beside it, found --scheme bmes"),
        (["a.conll", "--scheme", "iob"], "--scheme: expected one of io, iob1, iob2, bioes, bilou, bmes, found 'iob'"),
    ):  # fmt: skip
        code, out, err = run("convert", gold, tmp_path / "b" / asked[0], *asked[1:])
        assert (code, out, err) == (2, "", f"error: {told}\n")
        assert not (tmp_path / "b").exists()


def test_a_conversion_that_fails_writes_nothing(run, records, tmp_path):
    records.write_text(records.read_text() + "{\n")
    code, out, err = run("convert", records, tmp_path / "out.conll")
    assert (code, out) == (1, "")
    assert err.startswith(f"error: {records}:3: expected a JSON object a line: ")
    assert not (tmp_path / "out.conll").exists()


def test_the_formats_are_listed_with_what_they_can(run):
    code, out, _ = run("formats")
    assert code == 0
    assert [line.split()[0] for line in out.splitlines() if not line.startswith(" ")] == list(FORMATS)
    code, out, _ = run("formats", "--json")
    by_name = {row["name"]: row for row in json.loads(out)}
    assert by_name["html"]["ways"] == ["write"]
    assert by_name["conll"]["ways"] == ["read", "write"]


def test_tagging_a_file_of_texts_gives_what_tagging_the_texts_gives(run, small_model, records, tmp_path):
    plain = [json.loads(line) for line in run("tag", small_model, stdin="\n".join(TEXTS).encode())[1].splitlines()]
    for given in (["--input", "jsonl"], ["--input", "auto"]):
        code, out, err = run("tag", small_model, records, *given)
        assert (code, err) == (0, "")
        assert [json.loads(line) for line in out.splitlines()] == plain
    code, out, _ = run("tag", small_model, "--input", "jsonl", stdin=records.read_bytes())
    assert [json.loads(line) for line in out.splitlines()] == plain
    code, out, _ = run("tag", small_model, records, "--input", "jsonl", "--out", tmp_path / "x" / "tagged.jsonl")
    assert (code, out) == (0, "")
    assert [json.loads(line) for line in (tmp_path / "x" / "tagged.jsonl").read_text().splitlines()] == plain


def test_a_score_below_the_least_one_is_left_out_of_every_format(run, small_model, records):
    sure = run("tag", small_model, records, "--input", "jsonl", "--min-score", "0.9999", "--format", "lines")[1]
    tags = {pair.rpartition(":")[2] for line in sure.splitlines() for pair in line.split()}
    every = [json.loads(line) for line in run("tag", small_model, records, "--input", "jsonl")[1].splitlines()]
    left = {entity["label"] for row in every for entity in row["entities"] if entity["score"] >= 0.9999}
    assert {tag[2:] for tag in tags if tag != "O" and not tag.startswith("-DOC")} == left


def test_a_model_is_scored_on_texts_as_on_columns_where_every_entity_is_one_of_whole_tokens(
    run, small_model, records, tmp_path
):
    run("convert", records, tmp_path / "out.conll")
    figures = []
    for file in (records, tmp_path / "out.conll"):
        code, out, _ = run("evaluate", small_model, file, "--json")
        assert code == 0
        value = json.loads(out)
        figures.append([value[key] for key in ("micro", "accuracy", "tokens", "strict")])
    assert figures[0] == figures[1]


def test_an_entity_that_ends_within_a_token_is_no_other_one_and_a_model_is_not_shown_where_it_ends(
    run, small_model, tmp_path
):
    gold, found = tmp_path / "gold.jsonl", tmp_path / "found.jsonl"
    for path, end in ((gold, 8), (found, 11)):
        path.write_text(json.dumps({"text": "New Yorkers ran", "entities": [{"label": "X", "start": 0, "end": end}]}))
    value = json.loads(run("score", gold, found, "--json")[1])
    assert (value["micro"]["correct"], value["micro"]["found"], value["micro"]["support"]) == (0, 1, 1)
    assert value["relaxed"]["overlap"]["f1"] == 1
    assert json.loads(run("score", found, found, "--json")[1])["micro"]["correct"] == 1
    code, _, err = run("score", gold)
    assert (code, err) == (2, f"error: PRED: expected a file with other entities for the texts of {gold}, found none\n")


def test_texts_that_are_not_the_same_are_not_scored(run, records, tmp_path):
    other = tmp_path / "other.jsonl"
    other.write_text('{"text": "Jordan Kong"}\n')
    code, _, err = run("score", records, other)
    assert (code, err) == (
        1,
        f"error: {other}: expected the text of {records}:1 as document 1, found 'ong' at character 8, "
        "where that has 'ing flew to Amman.'\n",
    )
    other.write_text(json.dumps({"text": TEXTS[0]}))
    code, _, err = run("score", records, other)
    assert (code, err) == (1, f"error: {other}: expected the 2 documents of {records}, found 1\n")


def test_a_recipe_trains_straight_from_texts(run, records, tmp_path):
    (tmp_path / "r.toml").write_text('[data]\ntrain = "texts.jsonl"\ndev = "texts.jsonl"\n[training]\nepochs = 1\n')
    code, out, _ = run("train", tmp_path / "r.toml", "--out", tmp_path / "model", "--device", "cpu")
    assert code == 0
    assert "dev F1" in out


@pytest.fixture
def wrapped(tmp_path):
    """Two files in a folder, of which one wraps a name."""
    folder = tmp_path / "folder"
    (folder / "b").mkdir(parents=True)
    (folder / "b" / "one.txt").write_bytes(b"He met Jordan\r\nKing in Amman.\n")
    (folder / "a.txt").write_bytes(b"Rome.")
    (folder / "other.md").write_text("not this")
    return folder


def test_a_file_or_folder_of_text_is_tagged_as_whole_texts_where_that_is_asked_for(run, small_model, wrapped):
    code, out, err = run("tag", small_model, wrapped)
    assert (code, err) == (0, "")
    rows = [json.loads(line) for line in out.splitlines()]
    assert [(row["id"], row["text"]) for row in rows] == [
        ("a", "Rome."),
        ("b/one", "He met Jordan\r\nKing in Amman.\n"),
    ]
    file = wrapped / "b" / "one.txt"
    (whole,) = (json.loads(line) for line in run("tag", small_model, file, "--input", "text")[1].splitlines())
    assert whole["entities"] == rows[1]["entities"]
    (piped,) = run("tag", small_model, "--input", "text", stdin=file.read_bytes())[1].splitlines()
    assert json.loads(piped) == {"text": whole["text"], "entities": whole["entities"]}
    lines = run("tag", small_model, file)[1].splitlines()
    assert [json.loads(line)["text"] for line in lines] == ["He met Jordan", "King in Amman."]
    assert run("tag", small_model, file, "--lines")[1].splitlines() == lines
    code, _, err = run("tag", small_model, file, "--lines", "--input", "text")
    assert (code, err) == (2, "error: --lines: expected no --input beside it, found --input text\n")
    code, _, err = run("tag", small_model, file, "--input", "text", "--k-best", "2")
    assert (code, err) == (2, "error: --k-best: expected --lines or --input conll, found text\n")


def test_a_folder_of_texts_is_written_as_brat_beside_files_of_the_same_names(run, small_model, wrapped, tmp_path):
    code, out, _ = run("tag", small_model, wrapped, "--format", "brat", "--out", tmp_path / "tagged")
    assert (code, out) == (0, "")
    files = {file.relative_to(tmp_path / "tagged").as_posix() for file in (tmp_path / "tagged").rglob("*.*")}
    assert files == {"a.txt", "a.ann", "b/one.txt", "b/one.ann"}
    assert (tmp_path / "tagged" / "b" / "one.txt").read_bytes() == (wrapped / "b" / "one.txt").read_bytes()


def test_a_folder_without_text_is_refused(run, small_model, tmp_path):
    code, _, err = run("tag", small_model, tmp_path)
    assert (code, err) == (1, f"error: {tmp_path}: expected a folder of .txt files, found none in it\n")


def test_what_is_piped_in_is_called_stdin(run, small_model):
    code, _, err = run("tag", small_model, "--input", "jsonl", stdin=b'{"text": "a"}\n{"text": 1}\n')
    assert code == 1
    assert err.startswith("error: stdin:2: expected ")


def test_a_file_of_another_format_is_not_tagged_as_columns_and_its_lines_not_without_a_warning(
    run, small_model, records
):
    code, out, err = run("tag", small_model, records, "--input", "conll")
    assert (code, out) == (2, "")
    assert err == (
        f"error: {records}: expected columns with the words first, found what looks like jsonl; "
        "--input jsonl reads it so\n"
    )
    code, out, err = run("tag", small_model, records)
    assert (code, len(out.splitlines())) == (0, 2)
    assert err == (
        f"warning: {records}: each line is tagged as a text, and it looks like jsonl; --input jsonl reads it so\n"
    )


def test_the_table_of_the_documentation_is_that_of_the_formats():
    rows = re.findall(
        r"^\| `([a-z0-9-]+)` \| (read|write|read, write) \| (.*?) \| (.*?) \| (.*?) \|$", PAGE, flags=re.MULTILINE
    )
    expected = []
    for name in FORMATS:
        form = find_format(name)
        ways = ", ".join(way for way, can in (("read", form.read), ("write", can_write(form))) if can)
        ends, names = (", ".join(f"`{each}`" for each in some) for some in (form.suffixes, form.settings))
        expected.append((name, ways, form.about, ends, names))
    assert rows == expected


def test_every_tool_that_is_written_for_is_in_the_documentation(run, records, tmp_path):
    for name, tool in TOOLS.items():
        assert re.search(
            rf"^\| .*{name.replace('-', '.')}.* \| `{tool.format}`", PAGE, flags=re.MULTILINE | re.IGNORECASE
        )
    code, _, err = run("convert", records, tmp_path / "out.txt", "--for", "nervaluate")
    assert code == 0
    assert err.splitlines()[-1] == f'{tmp_path / "out.txt"}: conll, from jsonl; Evaluator(…, loader="conll")'
    assert (tmp_path / "out.txt").read_text().startswith("Jordan\tB-PER\nKing\tI-PER\n")
    code, _, err = run("convert", records, tmp_path / "out.txt", "--for", "spacy", "--to", "conll")
    assert (code, err) == (2, "error: --for: expected no --to beside it, found --to conll\n")


HASHTAGS = "# a comment\n#ner B-ORG\nhelps O\n\n#Rome B-LOC\n"


def test_rows_that_open_as_comments_do_are_told_once_wherever_a_column_file_is_read(run, small_model, tmp_path):
    (tmp_path / "gold").write_text(HASHTAGS)
    (tmp_path / "pred").write_text(HASHTAGS.replace("B-LOC", "O"))
    (tmp_path / "both").write_text(HASHTAGS.replace("B-", "X B-").replace("O\n", "X O\n").replace("X", "O"))
    gold, predicted, both = (tmp_path / name for name in ("gold", "pred", "both"))
    kind = "lines that open as comments do, with a tag and as many columns as the others: read as tokens"
    of_gold = f"warning: {gold}: 2 {kind} ({gold}:2: '#ner B-ORG'; {gold}:5: '#Rome B-LOC')"
    of_predicted = f"warning: {predicted}: 2 {kind} ({predicted}:2: '#ner B-ORG'; {predicted}:5: '#Rome O')"
    of_both = f"warning: {both}: 2 {kind} ({both}:2: '#ner O B-ORG'; {both}:5: '#Rome O B-LOC')"
    comment = ("--set", "data.comment=#")
    for arguments, told in [
        (("score", gold, predicted), [of_gold, of_predicted]),
        (("score", gold, predicted, "--train", gold), [of_gold, of_predicted]),
        (("score", both), [of_both]),
        (("evaluate", small_model, gold, "--train", predicted), [of_predicted, of_gold]),
        (("compare", gold, predicted, gold), [of_gold, of_predicted]),
        (("tag", small_model, gold, "--input", "conll"), [of_gold]),
        (("tag", small_model, gold, "--input", "conll", "--out", tmp_path / "out.html"), [of_gold]),
    ]:
        code, _, err = run(*arguments, *comment)
        assert (code, err.splitlines()) == (0, told), arguments


def test_entities_over_others_are_told_where_texts_are_scored(run, small_model, tmp_path):
    outer = {"label": "ORG", "start": 0, "end": 12}
    inner = {"label": "LOC", "start": 8, "end": 12}
    for name, entities in (("gold", [outer, inner]), ("pred", [outer])):
        (tmp_path / name).write_text(json.dumps({"text": "Bank of Rome paid", "entities": entities}) + "\n")
    gold, predicted = tmp_path / "gold", tmp_path / "pred"
    told = (
        f"warning: {gold}: once: entities (nested): it lies in an entity that is kept, or holds one: dropped "
        f"({gold}:1: LOC 'Rome' at character 8)"
    )
    for arguments in (("score", gold, predicted), ("evaluate", small_model, gold)):
        code, _, err = run(*arguments)
        assert (code, err.splitlines()) == (0, [told]), arguments


def test_columns_that_are_tagged_as_text_are_told(tmp_path, run, small_model):
    file = tmp_path / "x.conll"
    file.write_text("Bob\tB-PER\nran\tO\n\nAnn\tB-PER\n", encoding="utf-8")
    told = f"warning: {file}: each line is tagged as a text, and it looks like conll; --input conll reads it so\n"
    assert run("tag", small_model, file)[2] == told
    file.write_text("Bob ran, O\nand so did I\nwithout a thought of O\n", encoding="utf-8")
    assert run("tag", small_model, file)[2] == ""
