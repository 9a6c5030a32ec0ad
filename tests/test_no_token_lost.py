"""Whatever comes in, as much goes out: properties of reading, tagging and writing, and the inputs that fuzzing kept."""

import importlib.util
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ner.errors import DataError
from ner.formats.columns import read_tagged
from ner.formats.row_reader import read_rows
from ner.output import OutputOptions, tag_columns
from ner.settings import DataConfig
from ner.text.encoding import decode_lines
from tests.conftest import ROOT

any_text = st.text(st.characters(), max_size=40)
# What the reader says of a file as a whole, where no single line is to blame.
WHOLE_FILE = re.compile(
    r"expected tagged sentences, found none|looks like UTF-16, expected|expected the tags of one scheme"
    r"|expected lines that end in LF or CRLF, found CR only"
)


@given(words=st.lists(any_text, max_size=30))
def test_as_many_tags_come_out_as_words_went_in(tagger, words):
    tags = tagger.tag_words(words)
    assert len(tags) == len(words)
    assert all(tag == "O" or tag[:2] in ("B-", "I-") for tag in tags)


@given(texts=st.lists(any_text | st.sampled_from(["Jordan King left.", "\ud800Paris", "Amman\0"]), max_size=5))
def test_every_entity_stands_at_its_offsets_and_none_overlaps_the_next(tagger, texts):
    found = list(tagger.pipe(texts, batch_size=2))
    assert len(found) == len(texts)
    for text, entities in zip(texts, found, strict=True):
        end = 0
        for entity in entities:
            assert end <= entity.start < entity.end <= len(text)
            assert text[entity.start : entity.end] == entity.text
            end = entity.end


CELLS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters=" \t\r\n"), min_size=1, max_size=6)
LINES = (
    st.lists(CELLS, min_size=1, max_size=4).map(" ".join)
    | st.lists(CELLS, min_size=1, max_size=4).map("\t".join)
    | st.sampled_from(["", "\t", "  ", "-DOCSTART- O", "-DOCSTART-", "  a  b\t", "\u3000 x", "\u2028 y"])
)


@given(lines=st.lists(LINES, max_size=12), end=st.sampled_from(["\n", "\r\n"]))
def test_a_tagged_column_file_is_the_file_with_a_column_more(tagger, lines, end):
    given_lines = [line + end for line in lines]
    options = OutputOptions("conll")
    pieces = list(tag_columns(tagger, given_lines, options, data=DataConfig(), where="f"))
    assert len(pieces) == len(lines)
    for line, piece in zip(lines, pieces, strict=True):
        written = piece.removesuffix("\n")
        if line.strip(" \t") and "-DOCSTART-" not in re.split(r"[ \t]+", line.strip(" \t"))[0]:
            kept, tag = written[: len(line)], written[len(line) :]
            assert kept == line
            assert re.fullmatch(r"[ \t](O|[BI]-[A-Z]+)", tag)
        else:
            assert written == line


@given(content=st.binary(max_size=60) | st.lists(LINES, max_size=6).map(lambda lines: "\n".join(lines).encode()))
def test_any_bytes_are_read_or_refused_with_file_and_line(tmp_path, content):
    path = tmp_path / "f"
    path.write_bytes(content)
    refusal = ""
    try:
        sentences = read_tagged(path, DataConfig())
    except DataError as error:
        refusal = str(error).removeprefix(f"{path}:")
    else:
        assert all(len(s.tags or ()) == len(s.tokens) for s in sentences)
    assert not refusal or re.match(r"\d+: ", refusal) or WHOLE_FILE.match(refusal.strip()), refusal
    refusal = ""
    try:
        lines = list(decode_lines(content.splitlines(keepends=True), "utf-8", "stdin"))
        assert len(list(read_rows(lines, "stdin", DataConfig(), tagged=False))) == len(lines)
    except DataError as error:
        refusal = str(error)
    assert not refusal or re.match(r"stdin:\d+: |stdin: looks like UTF-16", refusal), refusal


def load_fuzz():
    spec = importlib.util.spec_from_file_location("fuzz", ROOT / "robustness" / "fuzz.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("every", [5, pytest.param(1, marks=pytest.mark.slow)])
@pytest.mark.parametrize("name", ["columns", "tokenizer", "model"])
def test_what_fuzzing_kept_is_no_finding(tmp_path, name, every):
    fuzz = load_fuzz()
    target, seeds = fuzz.TARGETS[name](tmp_path)
    kept = fuzz.kept(name)
    assert len(kept) > 10
    # What once was a finding, each; of what reached other lines of code, one in so many.
    findings = sum(path.suffix != ".zip" for path in (fuzz.KEPT / name).iterdir())
    for content in [*seeds, *kept[:findings], *kept[findings::every]]:
        target(content)


def test_the_fuzzer_keeps_what_it_finds(tmp_path):
    fuzz = load_fuzz()

    def fails_on_an_x(content):
        assert b"x" not in content

    findings = fuzz.Findings(fails_on_an_x, tmp_path)
    fuzz.run_by_chance(findings, [b"\0abc\nabx\n"], 0.2)
    findings.tell()
    assert (tmp_path / "finding-1").read_bytes().count(b"x")
    assert findings.executions > sum(findings.counts.values()) > 0
