"""The search for cycles comes back, whoever forks when."""

import gc
import os
import weakref

import pytest

from ner.collector import no_search_for_cycles, search_only_what_is_new


def test_it_is_off_within_and_as_it_was_after() -> None:
    assert gc.isenabled()
    with no_search_for_cycles():
        with no_search_for_cycles():
            pass
        assert not gc.isenabled()
    assert gc.isenabled()


def test_it_is_back_after_an_error() -> None:
    def fail() -> None:
        with no_search_for_cycles():
            raise ValueError("stop")

    with pytest.raises(ValueError, match="stop"):
        fail()
    assert gc.isenabled()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_it_is_on_in_a_process_forked_meanwhile() -> None:
    with no_search_for_cycles():
        child = os.fork()
        if not child:
            os._exit(0 if gc.isenabled() else 3)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_what_is_there_is_searched_no_more_and_what_comes_is() -> None:
    class Node:
        def __init__(self) -> None:
            self.itself = self

    old = weakref.ref(Node())
    kept = Node()
    try:
        search_only_what_is_new()
        assert old() is None  # nothing that could go is kept
        assert gc.get_freeze_count() > 0
        assert not any(one is kept for one in gc.get_objects())
        new = weakref.ref(Node())
        gc.collect()
        assert new() is None
    finally:
        gc.unfreeze()
