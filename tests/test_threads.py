"""Batches side by side: in order, each on one thread, and nobody else notices."""

import threading

import pytest
import torch

from ner.threads import side_by_side


@pytest.fixture
def three_threads():
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    yield
    torch.set_num_threads(before)


def test_results_come_in_order_from_threads_that_use_no_others(three_threads: None) -> None:
    met = threading.Barrier(3, timeout=20)  # three at once, or it breaks

    def work(number: int) -> tuple[int, int, str]:
        met.wait()
        return number, torch.get_num_threads(), threading.current_thread().name

    results = list(side_by_side(work, range(9)))
    assert [number for number, _, _ in results] == list(range(9))
    assert {threads for _, threads, _ in results} == {1}
    assert threading.current_thread().name not in {name for _, _, name in results}


def test_the_caller_and_threads_to_come_keep_their_number(three_threads: None) -> None:
    list(side_by_side(lambda _: torch.ones(4).sum(), range(5)))
    assert torch.get_num_threads() == 3
    seen = []
    later = threading.Thread(target=lambda: seen.append(torch.get_num_threads()))
    later.start()
    later.join()
    assert seen == [3]


def test_with_one_thread_the_caller_does_the_work_itself() -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        names = list(side_by_side(lambda _: threading.current_thread().name, range(3)))
    finally:
        torch.set_num_threads(before)
    assert names == [threading.current_thread().name] * 3


def test_an_error_is_the_callers(three_threads: None) -> None:
    def work(number: int) -> float:
        return 1 / (number - 2)

    with pytest.raises(ZeroDivisionError):
        list(side_by_side(work, range(5)))
    assert list(side_by_side(work, [3, 4])) == [1.0, 0.5]
