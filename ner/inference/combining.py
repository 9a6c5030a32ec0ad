"""What several threads ask at once, answered together.

Threads that compute at the same time hinder each other: in Python one waits for another between any two operations,
and a batch of one sentence takes nearly as long as one of eight. So one thread computes, the others wait, and who comes
next answers all that wait: flat combining (Hendler, Incze, Shavit and Tzafrir, SPAA 2010). A thread that is alone
computes as if this were not here.
"""

from collections.abc import Callable, Sequence
from threading import Lock
from typing import Any
from weakref import WeakSet

from ner.threads import after_fork

Answer = Callable[[Sequence[Any]], list[Any]]


class _Question:
    """What one thread asks, and the lock that it waits at."""

    __slots__ = ("answer", "answers", "error", "is_done", "items", "kind", "leads", "turn")

    def __init__(self, kind: object, items: Sequence[Any], answer: Answer) -> None:
        self.kind, self.items, self.answer = kind, items, answer
        self.answers: list[Any] = []
        self.error: Exception | None = None
        self.is_done = False
        self.leads = False  # its thread is the one that computes
        self.turn = Lock()
        self.turn.acquire()

    def lead(self) -> None:
        """Ends the waiting: its thread is the one to compute now."""
        self.leads = True
        self.turn.release()

    def finish(self, answers: list[Any], error: Exception | None = None) -> None:
        """Keeps what it is answered with; its thread waits on."""
        self.answers, self.error, self.is_done = answers, error, True


class Combiner:
    """Answers questions one after another, those that wait and are of one kind together.

    Forked processes may use one; in them nobody waits.
    """

    def __init__(self) -> None:
        self.start()
        _COMBINERS.add(self)

    def start(self) -> None:
        """Nobody asks."""
        self._state = Lock()  # of the two lines below; nobody computes who holds it
        self._is_busy = False
        self._waiting: list[_Question] = []

    def ask(self, kind: object, items: Sequence[Any], answer: Answer) -> list[Any]:
        """The answer to each item.

        Args:
            kind: questions of one kind may be put together: `answer` does the same for all of them.
            items: of this question.
            answer: gives one answer an item, in order, whatever the other items are; what it raises is raised here, if
                these items alone raise it too.
        """
        own = _Question(kind, items, answer)
        together = [own]
        try:
            with self._state:
                if self._is_busy:
                    self._waiting.append(own)
                else:
                    self._is_busy = True
                    own.lead()
            own.turn.acquire()  # until it is answered, or is the one to answer
            if not own.is_done:
                with self._state:
                    together += [each for each in self._waiting if each.kind == kind]
                    self._waiting = [each for each in self._waiting if each.kind != kind]
                _answer_all(together)
        finally:
            self._leave(own, together[1:])
        if own.error is not None:
            raise own.error
        return own.answers

    def _leave(self, own: _Question, others: Sequence[_Question]) -> None:
        """Makes the next thread compute, if this one did. After Ctrl-C, whom it left without an answer comes first."""
        with self._state:
            if own in self._waiting:
                self._waiting.remove(own)
            if own.leads:
                self._waiting[:0] = [each for each in others if not each.is_done]
                if self._waiting:
                    self._waiting.pop(0).lead()
                else:
                    self._is_busy = False
        for each in others:
            if each.is_done:
                each.turn.release()


def _answer_all(questions: Sequence[_Question]) -> None:
    if len(questions) > 1:
        try:
            answers = questions[0].answer([item for each in questions for item in each.items])
        except Exception:
            pass  # whose fault it is, each alone will tell
        else:
            start = 0
            for each in questions:
                end = start + len(each.items)
                each.finish(answers[start:end])
                start = end
            return
    for each in questions:
        try:
            each.finish(each.answer(each.items))
        except Exception as error:
            each.finish([], error)


_COMBINERS: WeakSet[Combiner] = WeakSet()


def _start_all() -> None:
    for combiner in list(_COMBINERS):
        combiner.start()


# Whoever computed or waited in that moment doesn't live on in the child.
after_fork(_start_all)
