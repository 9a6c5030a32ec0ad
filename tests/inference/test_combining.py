"""Threads that ask at once: each gets its own answer, whatever happens to the others."""

import os
import threading
import time
import warnings
from concurrent.futures import ThreadPoolExecutor

import pytest

import ner
from ner.inference.combining import Combiner


def until(condition) -> None:
    """Waits for it, at most twenty seconds."""
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.001)


class Squares:
    """Squares numbers, and refuses 13; the first call waits until it is told to go on."""

    def __init__(self) -> None:
        self.calls = []
        self.go_on = threading.Event()

    def __call__(self, items):
        self.calls.append(list(items))
        if len(self.calls) == 1:
            assert self.go_on.wait(20)
        if 13 in items:
            raise ValueError(f"13 among {list(items)}")
        return [item * item for item in items]


@pytest.fixture
def combiner():
    return Combiner()


@pytest.fixture
def squares():
    return Squares()


@pytest.fixture
def pool():
    with ThreadPoolExecutor(8) as threads:
        yield threads


def ask_while_the_first_computes(pool, combiner, squares, questions):
    """What is asked, the first of it while nobody computes, the others while it waits; in this order."""
    futures = []
    for number, (kind, items) in enumerate(questions):
        futures.append(pool.submit(combiner.ask, kind, items, squares))
        until((lambda: squares.calls) if not number else (lambda n=number: len(combiner._waiting) == n))
    squares.go_on.set()
    return futures


def test_a_thread_that_is_alone_is_answered_question_by_question(combiner, squares):
    squares.go_on.set()
    assert combiner.ask("square", [2, 3], squares) == [4, 9]
    assert combiner.ask("square", [], squares) == []
    assert squares.calls == [[2, 3], []]


def test_those_who_wait_are_answered_in_one_call_and_each_gets_its_own(pool, combiner, squares):
    questions = [("square", [1]), ("square", [2, 3]), ("square", []), ("square", [4])]
    futures = ask_while_the_first_computes(pool, combiner, squares, questions)
    assert [future.result(20) for future in futures] == [[1], [4, 9], [], [16]]
    assert squares.calls == [[1], [2, 3, 4]]


def test_questions_of_another_kind_are_answered_apart(pool, combiner, squares):
    questions = [("a", [1]), ("b", [2]), ("a", [3]), ("b", [4])]
    futures = ask_while_the_first_computes(pool, combiner, squares, questions)
    assert [future.result(20) for future in futures] == [[1], [4], [9], [16]]
    assert squares.calls == [[1], [2, 4], [3]]


def test_an_error_is_that_of_the_question_that_makes_it(pool, combiner, squares):
    questions = [("square", [1]), ("square", [2]), ("square", [13]), ("square", [4])]
    first, second, wrong, last = ask_while_the_first_computes(pool, combiner, squares, questions)
    assert (first.result(20), second.result(20), last.result(20)) == ([1], [4], [16])
    with pytest.raises(ValueError) as error:
        wrong.result(20)
    assert str(error.value) == "13 among [13]"
    with pytest.raises(ValueError):
        combiner.ask("square", [13], squares)
    assert combiner.ask("square", [5], squares) == [25]


def test_who_waits_is_answered_though_the_one_who_computes_is_interrupted(pool, combiner, squares):
    def interrupted(items):
        squares(items)
        raise KeyboardInterrupt

    first = pool.submit(combiner.ask, "square", [1], interrupted)
    until(lambda: squares.calls)
    leader = pool.submit(combiner.ask, "other", [2], interrupted)
    until(lambda: len(combiner._waiting) == 1)
    led = pool.submit(combiner.ask, "other", [3], squares)
    until(lambda: len(combiner._waiting) == 2)
    squares.go_on.set()
    for each in (first, leader):
        with pytest.raises(KeyboardInterrupt):
            each.result(20)
    assert led.result(20) == [9]
    assert combiner.ask("square", [5], squares) == [25]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="nothing forks here")
def test_a_process_forked_while_a_thread_computes_asks_as_if_nobody_did(pool, combiner, squares):
    future = pool.submit(combiner.ask, "square", [1], squares)
    until(lambda: squares.calls)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of threads, which is the point
        child = os.fork()
    if child == 0:
        os._exit(combiner.ask("square", [3], squares)[0])
    squares.go_on.set()
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9
    assert future.result(20) == [1]


def test_nobody_is_lost_among_many_threads(combiner):
    def work(thread):
        return [combiner.ask(n % 2, [thread, n], lambda items: [-i for i in items]) for n in range(50)]

    with ThreadPoolExecutor(16) as threads:
        found = list(threads.map(work, range(16)))
    assert found == [[[-thread, -n] for n in range(50)] for thread in range(16)]
    assert (combiner._is_busy, combiner._waiting) == (False, [])


@pytest.mark.parametrize("runtime", ["torch", "onnx", "numpy"])
def test_threads_find_what_one_finds(small_model, sample_en, runtime):
    tagger = ner.load(small_model, device="cpu", runtime=runtime)
    texts = [" ".join(s.words) for s in ner.read_conll(sample_en / "dev.conll")[:60]]
    wanted = [tagger.tag(text) for text in texts]
    readings = [tagger.k_best(text, k=2) for text in texts[:20]]
    with ThreadPoolExecutor(8) as pool:
        found = pool.map(tagger.tag, texts)
        best = pool.map(lambda text: tagger.k_best(text, k=2), texts[:20])
        for mine, alone in zip(found, wanted, strict=True):
            assert [(e.label, e.start, e.end) for e in mine] == [(e.label, e.start, e.end) for e in alone]
            assert [e.score for e in mine] == pytest.approx([e.score for e in alone], abs=1e-6)
        for mine, alone in zip(best, readings, strict=True):
            assert [[r.entities for r in s] for s in mine] == [[r.entities for r in s] for s in alone]
