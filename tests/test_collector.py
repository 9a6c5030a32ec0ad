"""The search for cycles comes back, whoever forks when."""

import gc
import os

import pytest

from ner.collector import no_search_for_cycles


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
