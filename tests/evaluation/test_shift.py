"""Whether two texts are of one kind: against known distributions, scikit-learn, and texts that surely aren't."""

import json
from statistics import NormalDist

import numpy as np
import pytest

import ner
from ner.errors import DataError
from ner.evaluation.shift import Seen, Shift, area, find_shift, told_apart
from ner.inference.seeing import see
from ner.text.sentence import sentence_from_words

NAMES = ("dev.conll", "new.txt")


def seen(vectors):
    return Seen(np.asarray(vectors, dtype=np.float64), 0.03, 0.01)


def test_the_area_is_that_of_scikit_learn():
    metrics = pytest.importorskip("sklearn.metrics", reason="the extra `sklearn`")
    rng = np.random.default_rng(1)
    for _ in range(5):
        scores, positive = rng.integers(0, 12, 40) / 4, rng.random(40) < 0.3
        assert area(scores, positive) == pytest.approx(metrics.roc_auc_score(positive, scores), abs=1e-12)


def test_draws_of_one_distribution_are_hardly_ever_told_apart():
    kinds = []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        shift = find_shift(seen(rng.normal(size=(150, 20))), seen(rng.normal(size=(120, 20))), names=NAMES)
        kinds.append(shift.kind)
    assert kinds.count("alike") >= 19


@pytest.mark.parametrize(("distance", "kind"), [(0.7, "similar"), (2.0, "other")])
def test_the_auc_is_that_of_two_normal_distributions_so_far_apart(distance, kind):
    rng = np.random.default_rng(2)
    direction = np.array([0.6, 0.8, 0, 0, 0])
    there = rng.normal(size=(3000, 5)) + distance * direction
    shift = find_shift(seen(rng.normal(size=(3000, 5))), seen(there), names=NAMES)
    # The best line between them has this area under its curve.
    assert shift.auc == pytest.approx(NormalDist().cdf(distance / 2**0.5), abs=0.015)
    assert shift.low < shift.auc < shift.high
    assert shift.kind == kind


def test_neighbours_about_one_thing_do_not_give_a_text_away():
    # Each ten sentences that stand together share a topic, and no topic comes twice, in one text or the other.
    rng = np.random.default_rng(3)

    def text():
        return np.repeat(rng.normal(size=(20, 40)), 10, axis=0) + 0.1 * rng.normal(size=(200, 40))

    assert find_shift(seen(text()), seen(text()), names=NAMES).kind == "alike"


def test_a_text_that_is_all_of_one_vector_is_told_apart_from_nothing_and_from_others():
    same = np.ones((60, 3))
    assert told_apart(same, same).tolist() == [0.5] * 10
    assert told_apart(same, np.zeros((60, 3))).tolist() == [1.0] * 10


def test_fewer_than_fifty_sentences_are_an_error():
    with pytest.raises(DataError) as error:
        find_shift(seen(np.zeros((50, 2))), seen(np.zeros((49, 2))), names=NAMES)
    assert str(error.value) == "new.txt: expected at least 50 sentences to compare texts by, found 49"


def test_what_is_said_tells_what_follows():
    shift = Shift(*NAMES, (60, 70), 0.9, 0.85, 0.95, (0.03, 0.2), (0.01, 0.125))
    assert str(shift) == (
        "shift to new.txt: told apart with an AUC of 0.900 (0.850 to 0.950; 0.5: not at all); unknown words 1.0% here, "
        "12.5% there; entropy a token 0.030 here, 0.200 there\n"
        "new.txt is another kind of text: neither figures nor scores hold there; annotate 200 sentences of it for "
        "`ner calibrate`"
    )
    assert json.loads(json.dumps(shift.as_dict()))["unknown"] == [0.01, 0.125]


def test_a_model_sees_its_entropy_and_the_words_that_it_does_not_know(tagger, sample_en):
    known = [s for s in ner.read_conll(sample_en / "train.conll") if len(s.tokens) < 25][:10]
    sentences = [*known, sentence_from_words([]), sentence_from_words([known[0].words[0], "Xqzw", "Xqzw", "Vbnq"])]
    found = see(tagger.reader, sentences)
    tokens = sum(len(sentence.words) for sentence in sentences)
    assert found.sentences == 11
    assert found.unknown == pytest.approx(3 / tokens)
    assert found.entropy == pytest.approx(sum(tagger.entropy(sentences)) / tokens)
    assert see(tagger.reader, []).sentences == 0


def test_the_command_tells_chinese_from_english_and_a_text_from_itself_not(run, small_model, sample_en, tmp_path):
    chinese = tmp_path / "zh.txt"
    chinese.write_text("我们 昨天 到 北京 去 了 。\n" * 60, encoding="utf-8")
    dev = sample_en / "train.conll"
    code, out, _ = run("evaluate", small_model, dev, "--shift", chinese)
    assert code == 0
    assert out.splitlines()[-1].startswith(f"{chinese} is another kind of text: neither figures nor scores hold there")
    code, out, _ = run("evaluate", small_model, dev, "--shift", dev, "--json")
    told = json.loads(out)["shift"]
    assert code == 0
    assert told["kind"] == "alike"
    assert told["sentences"] == [len(ner.read_conll(dev))] * 2
