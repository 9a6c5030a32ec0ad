"""The parts of benchmarks/ that compute and don't measure."""

import sys
from dataclasses import replace
from importlib.util import find_spec

import pytest

import ner
from ner.text.sentence import sentence_from_words
from tests.conftest import ROOT

sys.path.insert(0, str(ROOT / "benchmarks"))
import formats
import inventories
import peers
import redaction
import scale_model
import scaling
import scoring
import sides
import weak_labels


def test_the_slope_of_a_power_law_is_its_exponent():
    values = [10, 20, 50, 2000]
    assert scaling.slope(values, [0.3 * value for value in values]) == pytest.approx(1.0)
    assert scaling.slope(values, [7 * value**2 for value in values]) == pytest.approx(2.0)
    assert scaling.slope(values, [5.0] * 4) == pytest.approx(0.0, abs=1e-12)


def test_a_fixed_cost_beside_a_linear_one_makes_a_slope_below_one():
    assert 0.5 < scaling.slope([1, 2, 4, 8], [1 + value for value in (1, 2, 4, 8)]) < 1


def test_a_made_up_corpus_is_the_same_each_time_and_of_the_size_that_was_asked_for():
    made = scaling.made_up(300, 12, labels=5)
    assert made == scaling.made_up(300, 12, labels=5)
    assert [len(sentence.tokens) for sentence in made] == [12] * 300
    tags = [tag for sentence in made for tag in sentence.tags]
    assert {tag[2:] for tag in tags if tag != "O"} == {"L0", "L1", "L2", "L3", "L4"}
    assert sum(tag != "O" for tag in tags) / len(tags) == pytest.approx(scaling.NAME_SHARE, abs=0.05)


def test_numbers_are_spelled_each_in_its_own_way():
    assert len({scaling.spelled(rank) for rank in range(20_000)}) == 20_000


def test_prose_is_words_as_they_are_written_in_text():
    words = ["He", "(", "again", ")", "said", "it", "'s", "n't", "so", ":", "'", "sold", "'", "."]
    assert peers.prose(words) == "He (again) said it'sn't so: ' sold '."


def test_the_peers_get_the_words_that_our_reader_finds(sample_en, tmp_path):
    sentences = ner.read_conll(sample_en / "dev.conll")
    ner.write_conll(tmp_path / "dev.conll", sentences)
    for path in (sample_en / "dev.conll", tmp_path / "dev.conll"):
        assert sides.read_words(path) == [sentence.words for sentence in sentences if sentence.tokens]


def test_what_is_timed_when_tags_are_scored_is_what_evaluate_says_of_them(tmp_path):
    gold, predicted = scoring.made_up(50)
    for name, sentences in (("gold", gold), ("predicted", predicted)):
        lines = ["".join(f"{w} {t}\n" for w, t in zip(s.words, s.tags, strict=True)) for s in sentences]
        (tmp_path / name).write_text("\n".join(lines))
    read = [ner.read_conll(tmp_path / name, scheme="iob2") for name in ("gold", "predicted")]
    report = scoring.score(gold, predicted).report
    assert report == scoring.score(*read).report
    assert 0 < report.micro.correct < report.micro.support
    assert report.tokens == 1000


def test_both_sides_of_the_formats_benchmark_find_the_entities_of_the_columns(sample_en, tmp_path):
    sentences = ner.read_conll(sample_en / "dev.conll")
    ner.write(tmp_path / "texts.jsonl", formats.texts_of(sentences, 3))
    count = sum(len(sentence.spans) for sentence in sentences)
    assert formats.to_sentences(tmp_path / "texts.jsonl") == count
    if find_spec("spacy"):
        assert formats.to_doc_bin(tmp_path / "texts.jsonl") == count


def test_a_name_is_gone_where_no_character_of_it_is_left():
    text = "Anna Roe and Max left"
    gold = [ner.Entity("PER", "Anna Roe", 0, 8), ner.Entity("PER", "Max", 13, 16)]
    done = ner.redact(text, [ner.Entity("PER", "Anna", 0, 4), ner.Entity("PER", "Max left", 13, 21)])
    assert redaction.replaced_in(done) == [(0, 4), (13, 21)]
    assert redaction.left_of(text, [(0, 4), (13, 21)], gold) == (1, 10, 5)


def test_the_cost_model_gives_the_hours_that_the_page_on_scale_does():
    model = scale_model.Model(start=3, scan=2e-9, speed=50_000, share=0.1)
    hours, *minutes = (model.seconds(1e9, n) / 60 for n in (1, 16, 64))
    text = (ROOT / "docs" / "scale.md").read_text(encoding="utf-8").replace("\n", " ")
    told = f"are {hours / 60:.1f} hours of one worker, {minutes[0]:.0f} minutes of 16, {minutes[1]:.0f} minutes of 64"
    assert told in text


def test_a_job_without_any_fixed_cost_is_linear_and_one_with_some_is_not():
    runs = {"start": 0, "scan": 0, "bytes": 5_500_000, "words": 1_000_000, "one_worker": 100, "two_workers": 50}
    model = scale_model.fit(runs)
    assert (model.speed, model.share, model.bytes_per_word) == (10_000, 0, 5.5)
    assert replace(model, shard=0).efficiency(1e6, 64) == pytest.approx(1)
    slow = scale_model.fit({**runs, "start": 10, "two_workers": 60})
    assert slow.share == pytest.approx(0.2)
    assert slow.seconds(1e6, 1) == pytest.approx(110)
    # 10 s of start, 1e6 words at 10,000 / 1.2 a second on four workers, and half of a shard of all the words.
    assert slow.seconds(1e6, 4) == pytest.approx(10 + 30 + 4e6 / 5.5 / 10_000 * 1.2 / 2)
    assert slow.most_workers(1e6) < slow.most_workers(1e9) < 4096
    del runs["one_worker"]
    taken = scale_model.fit(runs, share=0.25)
    # Two workers do 20,000 words a second, each 10,000: alone it would do a quarter more.
    assert (taken.speed, taken.share) == (pytest.approx(12_500), pytest.approx(0.25))


def test_corpora_of_different_labels_are_compared_in_the_three_ways_they_can_be_learned_from(tmp_path):
    for name, text in (("a", "Ada B-person\nwon O\nTuring B-award\n\n"), ("b", "Ada B-PER\n\n")):
        (tmp_path / f"{name}.conll").write_text(text)
    recipe = tmp_path / "recipe.toml"
    recipe.write_text(
        """
        [[data.corpora]]
        train = "a.conll"
        labels = ["PER", "MISC"]
        map = { person = "PER", award = "MISC" }

        [[data.corpora]]
        train = "b.conll"
        labels = ["PER"]
        """
    )
    read = {
        name: ner.load_corpus(config.data).train for name, config in inventories.ways(ner.load_config(recipe)).items()
    }
    spans = {name: [[span.label for span in sentence.spans] for sentence in found] for name, found in read.items()}
    assert spans == {
        "inventories": [["PER", "MISC"], ["PER"]],
        "O everywhere": [["PER", "MISC"], ["PER"]],
        "common labels": [["PER"], ["PER"]],
    }
    # Only with inventories may an `O` of the second corpus be what it doesn't annotate.
    tags = {name: found[1].annotated for name, found in read.items()}
    assert tags == {"inventories": {"PER"}, "O everywhere": {"MISC", "PER"}, "common labels": {"PER"}}


def test_an_annotator_with_habits_does_the_same_with_a_name_wherever_it_stands():
    names = ["Rome", "Oslo", "Lima", "Bern", "Kyiv", "Cairo", "Quito", "Paris"]
    gold = [
        sentence_from_words([name, "met", "Ada", "on", day, "."], ["B-LOC", "O", "B-PER", "O", "O", "O"])
        for day in ("Monday", "Tuesday", "Sunday")
        for name in names
    ]
    careless = weak_labels.Care(0.4, 0.5, 0.0, 0.05)
    said = {1: set(), 0: set()}
    for habits, pairs in said.items():
        made = weak_labels.annotate(gold, careless, [1, 0], habits=habits)
        pairs |= {(s.words[0], next((span.label for span in s.spans if not span.start), "")) for s in made}
    assert len(said[1]) == len(names) < len(said[0])
    assert len({label for _, label in said[1]}) > 1
