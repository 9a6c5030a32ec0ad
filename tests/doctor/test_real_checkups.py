"""The doctor finds the oddities that the corpora's own README lists, at the lines it names."""

from functools import cache
from pathlib import Path

import pytest

from ner.doctor.checkup import Checkup, check_files
from ner.doctor.finding import Finding
from ner.settings import DataConfig
from ner.text.tokenizer import tokenize

CORPORA = Path(__file__).resolve().parents[3] / "shared" / "corpora"
pytestmark = pytest.mark.skipif(
    not CORPORA.is_dir(), reason=f"the corpora are research-only and not part of the project: no {CORPORA}"
)
ALL = ["conll2003-en", "wnut17", "conll2002-es", "conll2002-nl", "resume-zh", "weibo-zh", "cluener2020-bio",
       "ncbi-disease"]  # fmt: skip


@cache
def check(corpus: str) -> Checkup:
    return check_files(sorted((CORPORA / corpus).iterdir(), reverse=True), DataConfig())  # train before dev


def found(corpus: str, split: str, kind: str) -> Finding:
    of_kind = [f for f in check(corpus).findings if f.kind == kind and Path(f.path).name.startswith(split)]
    assert len(of_kind) == 1, [(f.kind, f.path) for f in check(corpus).findings]
    return of_kind[0]


def lines(finding: Finding) -> list[int]:
    return [int(place.removeprefix(f"{finding.path}:").partition(":")[0]) for place in finding.places]


def kinds(corpus: str) -> set[str]:
    return {finding.kind for finding in check(corpus).findings}


@pytest.mark.parametrize("corpus", ALL)
def test_a_published_corpus_can_be_trained_on(corpus):
    assert check(corpus).errors == []


def test_conll2003_has_its_two_redundant_b_and_the_blank_line_at_the_end_of_dev():
    assert lines(found("conll2003-en", "train", "redundant-b")) == [152_428, 175_436]
    dev = found("conll2003-en", "dev", "extra-blank-lines")
    assert lines(dev) == [len((CORPORA / "conll2003-en" / "dev.txt").read_bytes().splitlines())]
    assert found("conll2003-en", "train", "document-mark").count == 946
    assert (
        "each a sentence of its own, written '-DOCSTART- -X- O O'"
        in found("conll2003-en", "dev", "document-mark").found
    )
    assert {file.scheme for file in check("conll2003-en").files} == {"iob1"}
    assert "orphan-tag" not in kinds("conll2003-en")


def test_wnut_has_its_tabbed_separators_and_its_invisible_characters():
    assert found("wnut17", "train", "blank-separator").count == 2_394
    invisible = found("wnut17", "dev", "invisible-character")
    raw = (CORPORA / "wnut17" / "dev.conll").read_text(encoding="utf-8").split("\n")
    assert lines(invisible) == [n for n, line in enumerate(raw, start=1) if "\ufeff" in line or "\u200b" in line]
    assert "U+FEFF" in invisible.found
    assert "U+200B" in invisible.found


def test_spanish_has_its_orphans_and_its_longest_sentence():
    assert lines(found("conll2002-es", "train", "orphan-tag")) == [221_619]
    assert lines(found("conll2002-es", "dev", "orphan-tag")) == [30_882]
    assert found("conll2002-es", "train", "long-sentence").places[0].endswith(": 1,238 tokens")


def test_a_latin_1_copy_of_the_spanish_dev_set_is_told_from_utf_8_with_its_lines(tmp_path):
    text = (CORPORA / "conll2002-es" / "dev.txt").read_text(encoding="utf-8")
    (tmp_path / "dev.txt").write_text(text, encoding="latin-1")
    checkup = check_files([tmp_path / "dev.txt"], DataConfig())
    (finding,) = checkup.errors
    wanted = [number for number, line in enumerate(text.split("\n"), start=1) if not line.isascii()]
    assert (finding.kind, lines(finding)) == ("encoding", wanted)
    assert check_files([tmp_path / "dev.txt"], DataConfig(encoding="latin-1")).errors == []


def test_dutch_has_its_marks_as_first_tokens_and_its_longest_sentence():
    for split, count in (("train", 287), ("dev", 74)):
        marks = found("conll2002-nl", split, "document-mark")
        assert (marks.count, "each as the first token of a sentence" in marks.found) == (count, True)
    assert found("conll2002-nl", "train", "long-sentence").places[0].endswith(": 859 tokens")


def test_resume_has_its_two_orphans():
    orphans = found("resume-zh", "train", "orphan-tag")
    assert lines(orphans) == [62_392, 64_414]
    assert all("M-ORG" in place for place in orphans.places)
    # Each of them goes on with an entity that was left open two lines above, before a blank line.
    assert lines(found("resume-zh", "train", "unclosed-entity")) == [62_390, 64_412]


def test_weibo_has_its_segmentation_digits_its_ten_orphans_and_its_dotted_labels():
    assert found("weibo-zh", "train", "glued-digits").count > 70_000
    assert found("weibo-zh", "dev", "glued-digits").count > 14_000
    assert found("weibo-zh", "train", "orphan-tag").count == 10
    assert {"PER.NOM", "GPE.NAM"} <= set(check("weibo-zh").files[0].labels)


@pytest.mark.parametrize("corpus", ["cluener2020-bio", "ncbi-disease"])
def test_a_corpus_without_oddities_in_its_readme_has_hardly_any(corpus):
    assert kinds(corpus) <= {"inconsistent-context", "duplicate-sentence", "tagged-otherwise", "running-text"}


@pytest.mark.parametrize("corpus", ALL)
def test_running_text_without_marks_is_found_in_the_two_corpora_that_are(corpus):
    paths = [finding.path for finding in check(corpus).findings if finding.kind == "running-text"]
    assert len(paths) == (2 if corpus in ("conll2002-es", "ncbi-disease") else 0)


@pytest.mark.parametrize("corpus", ALL)
def test_the_words_of_a_published_corpus_come_out_of_raw_text(corpus):
    assert "cut-otherwise" not in kinds(corpus)


@pytest.mark.parametrize("corpus", ["uner-zh-gsd", "uner-zh-gsdsimp"])
def test_a_corpus_cut_into_chinese_words_is_told_that_text_is_not(corpus):
    data = DataConfig(word_column=1, tag_column=2, comment="# ", separator="\t")
    checkup = check_files([CORPORA / "open" / corpus / "train.iob2"], data)
    (finding,) = [finding for finding in checkup.findings if finding.kind == "cut-otherwise"]
    # Of each fourth sentence, the doctor's sample; of the whole file 45.4 %. Each word is cut by itself here.
    blocks = (CORPORA / "open" / corpus / "train.iob2").read_text(encoding="utf-8").strip().split("\n\n")
    lines = [line for block in blocks[::4] for line in block.split("\n") if not line.startswith("# ")]
    words = [line.split("\t")[1] for line in lines]
    otherwise = sum([token.text for token in tokenize(word)] != [word] for word in words)
    assert finding.found.startswith(f"{otherwise / len(words):.0%} of {len(words):,} words")
    assert "words-zh" in finding.remedy
