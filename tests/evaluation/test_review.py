"""Suspects: what is suspicious, how it is ordered, and planted mistakes that a model finds."""

import re

import pytest

import ner
from ner.evaluation.out_of_fold import OutOfFold, join
from ner.evaluation.review import find_suspects, parted
from ner.inference.prediction import reader_of
from ner.reporting.suspects import render_suspects
from ner.text.sentence import Span, sentence_from_words, sentence_with_spans

WORDS = ["Ann", "Lee", "left", "<Rome>", "for", "Oslo"]


def row(gold, candidates, source="a:1"):
    sentence = sentence_with_spans(sentence_from_words(WORDS, source=source), gold)
    return OutOfFold(sentence, tuple(candidates))


RIGHT = row([Span("PER", 0, 2)], [(Span("PER", 0, 2), 0.99), (Span("PER", 0, 1), 0.005)], "a:1")
WRONG_LABEL = row([Span("ORG", 3, 4)], [(Span("ORG", 3, 4), 0.01), (Span("LOC", 3, 4), 0.98)], "a:9")
MISSING = row([], [(Span("LOC", 5, 6), 0.97), (Span("PER", 0, 2), 0.6)], "a:17")
INVENTED = row([Span("PER", 4, 5)], [(Span("LOC", 5, 6), 0.3)], "a:25")


def test_suspects_are_wrong_labels_missing_and_invented_entities_and_nothing_else():
    rows = [RIGHT, WRONG_LABEL, MISSING, INVENTED]
    told = {s.sentence.source: (s.annotated, s.found) for s in find_suspects(rows)}
    assert told == {
        "a:9": (Span("ORG", 3, 4), Span("LOC", 3, 4)),
        "a:17": (None, Span("LOC", 5, 6)),
        "a:25": (Span("PER", 4, 5), None),
    }
    assert [s.sentence.source for s in find_suspects(rows)] == ["a:25", "a:9", "a:17"]  # 1, 0.99, 0.97
    assert len(find_suspects(rows, least=0.6)) == 4
    others = [WRONG_LABEL.sentence, MISSING.sentence, INVENTED.sentence]
    assert parted(rows, find_suspects(rows)) == ([RIGHT.sentence], others)


def test_a_wrong_boundary_is_one_suspect():
    (one,) = find_suspects([row([Span("PER", 0, 1)], [(Span("PER", 0, 2), 0.99), (Span("PER", 0, 1), 0.001)])])
    assert (one.annotated, one.found) == (Span("PER", 0, 1), Span("PER", 0, 2))
    assert str(one) == "a:1: annotated PER 'Ann' (0.0010), found PER 'Ann Lee' (0.9900)"
    assert one.as_dict()["found"] == {"label": "PER", "text": "Ann Lee", "start": 0, "end": 2, "probability": 0.99}


def test_the_page_shows_each_and_escapes_what_comes_from_a_file():
    page = "".join(render_suspects(find_suspects([WRONG_LABEL, MISSING]), "Suspects of <x>"))
    marks = re.findall(r"<span>(annotated|found)</span>.*?<mark[^>]*>(.*?)<small>(.*?)</small>", page)
    assert marks == [
        ("annotated", "&lt;Rome&gt;", "ORG"), ("found", "&lt;Rome&gt;", "LOC"), ("found", "Oslo", "LOC"),
    ]  # fmt: skip
    assert "annotated ORG &lt;Rome&gt; (0.0100) · found LOC &lt;Rome&gt; (0.9800)" in page
    assert "nothing annotated · found LOC Oslo (0.9700)" in page
    assert "Suspects of &lt;x&gt;" in page
    assert "<Rome>" not in page


def test_wrong_labels_that_are_planted_are_the_first_suspects(tagger, sample_en):
    import ner

    # The fixture's model knows these by heart: so what it finds otherwise was planted.
    sentences = [s for s in ner.read_conll(sample_en / "train.conll") if len(s.tokens) < 25][:80]
    found = reader_of(tagger._model).candidates(sentences)
    chances = [dict(each) for each in found]
    sure = [
        (number, span)
        for number, sentence in enumerate(sentences)
        for span in sentence.spans
        if chances[number].get(span, 0) > 0.9
    ][::7]
    assert len(sure) >= 5
    planted = list(sentences)
    for number, span in sure:
        label = next(label for label in tagger.labels if label != span.label)
        spans = [Span(label, s.start, s.end) if s == span else s for s in planted[number].spans]
        planted[number] = sentence_with_spans(planted[number], spans)
    suspects = find_suspects(join(planted, found), least=0.85)
    hit = {(s.row, s.annotated.start) for s in suspects if s.annotated}
    assert {(number, span.start) for number, span in sure} <= hit


def test_the_command_reviews_a_file_and_what_folds_left(run, small_model, sample_en, tmp_path):
    import json

    from ner.evaluation.out_of_fold import write_out_of_fold

    code, out, _ = run(
        "review",
        small_model,
        sample_en / "dev.conll",
        "--most",
        "3",
        "--html",
        tmp_path / "s.html",
        "--drop",
        tmp_path / "d",
    )
    *lines, last = out.splitlines()
    assert code == 0
    assert [line.split()[0] for line in lines] == ["1", "2", "3"]
    assert "suspects in " in last
    assert (tmp_path / "s.html").read_text().count("<article>") == int(last.split()[0])
    folder = tmp_path / "mine.folds"
    folder.mkdir()
    write_out_of_fold([RIGHT, WRONG_LABEL], folder / "out-of-fold.jsonl")
    code, out, _ = run("review", folder, "--json")
    assert [json.loads(line)["source"] for line in out.splitlines()] == ["a:9"]
    code, _, said = run("review", tmp_path)
    assert (code, said) == (
        2,
        "error: FILE: expected an annotated file, or a folder with out-of-fold.jsonl for MODEL, found neither\n",
    )


def test_sentences_without_a_suspect_and_those_with_one_are_all_and_the_recipe_that_is_told_reads_both(
    run, sample_en, tmp_path
):
    from ner.evaluation.out_of_fold import write_out_of_fold

    write_out_of_fold([RIGHT, WRONG_LABEL, MISSING, INVENTED], tmp_path / "out-of-fold.jsonl")
    sure, doubtful = tmp_path / "sure.conll", tmp_path / "doubtful.conll"
    code, _, told = run("review", tmp_path, "--drop", sure, "--weight", doubtful)
    assert code == 0
    assert len(ner.read_conll(sure)) == 1
    assert [s.spans for s in ner.read_conll(doubtful)] == [r.sentence.spans for r in (WRONG_LABEL, MISSING, INVENTED)]
    head, _, tables = told.partition("\n")
    assert head == "in the recipe, in place of data.train:"
    (tmp_path / "mine.toml").write_text(tables)
    parts = ner.load_corpus(ner.load_config(tmp_path / "mine.toml").data).parts
    assert [(len(part.train), part.weight, sorted(part.labels)) for part in parts] == [
        (1, 1.0, ["ORG", "PER"]),
        (3, 0.3, ["ORG", "PER"]),
    ]
    code, _, told = run("review", tmp_path, "--drop", sure, "--weight", sure)
    assert (code, told) == (
        2,
        f"error: --weight {sure}: expected another place than that of --drop, found the same\n",
    )


def test_entities_of_a_label_that_the_model_does_not_know_are_told_to_be_no_mistakes(run, small_model, tmp_path):
    (tmp_path / "a.conll").write_text("Anna B-GOD\nleft O\n\n")
    code, out, err = run("review", small_model, tmp_path / "a.conll")
    known = ", ".join(ner.load(small_model).labels)
    assert (code, out.splitlines()[-1]) == (0, "1 suspect in 1 of 1 sentence")
    assert err == (
        f"warning: {tmp_path / 'a.conll'}: expected labels that the model finds ({known}), found GOD; such entities "
        "are all suspects\n"
    )


@pytest.mark.parametrize("given", [[RIGHT, WRONG_LABEL, MISSING, INVENTED], []])
def test_what_is_written_is_read_again(given, tmp_path):
    from ner.evaluation.out_of_fold import read_out_of_fold, write_out_of_fold

    write_out_of_fold(given, tmp_path / "f.jsonl")
    assert read_out_of_fold(tmp_path / "f.jsonl") == given
