"""Micro-batching: what requests ask for at the same time is tagged together, which takes a fifth of the time.

Nobody waits for company: a thread that is free takes what is queued at that moment, and while it works the next batch
gathers. Requests of many characters have a thread of their own, so that the others don't wait behind them. The queue is
bounded in requests and in characters; what doesn't fit is refused at once.
"""

import asyncio
import math
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from queue import SimpleQueue
from typing import TYPE_CHECKING, NamedTuple

from ner.collector import no_search_for_cycles
from ner.serving.limits import Limits, RefusalError
from ner.text.sentence import Sentence, Span

if TYPE_CHECKING:
    from ner.inference.prediction import SpanLabelling
    from ner.tagger import Tagger

# From here on a request is long: some 15 batches of one sentence take as long. Each labelling that is asked for takes
# about as long as finding the entities, hence characters times one more than those.
_LONG_WORK = 20_000
# Of a long request, what is tagged in one go; in between its thread looks whether anybody still waits.
_SLICE_WORK = 200_000
# Requests that are finished are remembered for so many seconds, to tell when there will be room.
_REMEMBERED = 5.0


class Read(NamedTuple):
    """A sentence, its spans with their probabilities, and its best labellings where they were asked for."""

    sentence: Sentence
    spans: Sequence[tuple[Span, float]]
    labellings: "Sequence[SpanLabelling]"


Finish = Callable[[list[list[Read]]], bytes]


@dataclass(slots=True, eq=False)
class Job:
    """What one request asks for.

    Attributes:
        tagger: does it.
        texts: to be cut into sentences; or, where `sentences` are given, nothing.
        sentences: that are cut already; each is a text of its own.
        threshold: find each entity of at least this probability; None: as the tagger decides.
        k: labellings of each sentence.
        finish: makes the answer of what was read of each text; called on the thread that tagged.
    """

    tagger: "Tagger"
    finish: Finish
    texts: Sequence[str] = ()
    sentences: Sequence[Sentence] = ()
    threshold: float | None = None
    k: int = 0
    characters: int = field(init=False)
    answer: "asyncio.Future[bytes]" = field(init=False)

    def __post_init__(self) -> None:
        in_words = sum(len(word) for sentence in self.sentences for word in sentence.spelled)
        self.characters = sum(map(len, self.texts)) + in_words

    def __len__(self) -> int:
        """How many texts it has."""
        return len(self.texts) or len(self.sentences)

    @property
    def work(self) -> int:
        """About how much there is to do."""
        return self.characters * (1 + self.k)

    def forget(self) -> None:
        """Lets go of all texts: nobody waits for the answer."""
        self.texts, self.sentences, self.finish = (), (), lambda read: b""

    def slices(self) -> "list[Job]":
        """The same in parts of not too many characters; a text isn't cut, for what it says may count in all of it."""
        parts: list[Job] = []
        texts: list[str] = []
        length = 0
        for text in self.texts:
            texts.append(text)
            length += len(text) * (1 + self.k)
            if length >= _SLICE_WORK:
                parts.append(self._of(texts))
                texts, length = [], 0
        if texts or not self.texts:
            parts.append(self._of(texts))
        return parts

    def _of(self, texts: list[str]) -> "Job":
        return Job(self.tagger, self.finish, texts, self.sentences, self.threshold, self.k)


class Batcher:
    """The queue and the threads that empty it. `start` it within a running event loop; `stop` finishes what it has."""

    def __init__(self, limits: Limits, *, on_batch: Callable[[int], object] = lambda size: None) -> None:
        """`on_batch` is told how many requests a batch has, on the thread that tags it."""
        self._limits = limits
        self._on_batch = on_batch
        self._quick: SimpleQueue[Job | None] = SimpleQueue()  # None: the thread shall end
        self._long: SimpleQueue[Job | None] = SimpleQueue()
        self._stopping = False
        self._threads: list[threading.Thread] = []
        self._finished: deque[tuple[float, int]] = deque()  # when, and how many characters
        self._lately = 0  # all characters of them
        self.waiting = 0
        self.characters = 0

    def start(self) -> None:
        """Starts the threads; answers are given to the event loop that runs here."""
        self._loop = asyncio.get_running_loop()
        self._stopping = False
        for name, work in (("ner-quick", self._work_quick), ("ner-long", self._work_long)):
            thread = threading.Thread(target=work, name=name, daemon=True)
            self._threads.append(thread)
            thread.start()

    def stop(self) -> None:
        """Waits until everything that was accepted is answered, and ends the threads; from now on all is refused."""
        self._stopping = True
        for queue in (self._quick, self._long):
            queue.put(None)
        for thread in self._threads:
            thread.join()
        self._threads = []

    @property
    def ready(self) -> bool:
        """Whether it takes requests."""
        return not self._stopping and bool(self._threads) and all(thread.is_alive() for thread in self._threads)

    def refuse_more(self) -> None:
        """From now on refuses what comes, and goes on with what it has."""
        self._stopping = True

    def is_long(self, job: Job) -> bool:
        """Whether a job is for the thread of long ones: it has more texts than a batch, or much to do."""
        return job.work >= _LONG_WORK or len(job) > self._limits.batch_texts

    async def answer(self, job: Job) -> bytes:
        """The answer of a job, once its turn came.

        Raises:
            RefusalError: 429 where too much waits already, 503 where the service stops.
        """
        if self._stopping:
            raise RefusalError(503, "stopping", "the service stops; ask another, or this one later", retry_after=5)
        limits = self._limits
        more = self.characters + job.characters > limits.waiting_characters and self.characters > 0
        if self.waiting >= limits.waiting or more:
            raise RefusalError(
                429,
                "overloaded",
                f"the service has {self.waiting} requests of {self.characters} characters to answer, and no room for "
                "more; come again after the seconds that Retry-After says",
                retry_after=self._seconds_until_room(),
            )
        job.answer = self._loop.create_future()
        self.waiting += 1
        self.characters += job.characters
        try:
            (self._long if self.is_long(job) else self._quick).put(job)
            return await job.answer
        except asyncio.CancelledError:
            job.forget()  # it may lie in the queue for a while
            raise
        finally:
            self.waiting -= 1
            self.characters -= job.characters
            self._finished.append((time.monotonic(), job.characters))
            self._lately += job.characters
            self._forget_old()

    def _forget_old(self) -> None:
        """Forgets what was finished long ago: at every answer, lest they pile up where nothing is ever refused."""
        oldest = time.monotonic() - _REMEMBERED
        while self._finished and self._finished[0][0] < oldest:
            self._lately -= self._finished.popleft()[1]

    def _seconds_until_room(self) -> int:
        """How long half of what waits takes, as fast as the last seconds went; from 1 to 60."""
        self._forget_old()
        rate = self._lately / _REMEMBERED
        return min(max(math.ceil(self.characters / 2 / rate) if rate else 1, 1), 60)

    def _work_quick(self) -> None:
        ended = False
        while not ended and (job := self._quick.get()) is not None:
            batch, size = [job], len(job)
            while size < self._limits.batch_texts and not self._quick.empty():  # this thread alone takes from it
                job = self._quick.get()
                if job is None:
                    ended = True
                    break
                batch.append(job)
                size += len(job)
            self._answer(batch)

    def _work_long(self) -> None:
        while (job := self._long.get()) is not None:
            self._answer_long(job)

    def _answer(self, batch: list[Job]) -> None:
        """Tags a batch together, whatever its jobs want; one that fails, fails alone."""
        wanted = [job for job in batch if not job.answer.cancelled()]
        if not wanted:
            return
        self._on_batch(len(wanted))
        alike: dict[tuple[int, float | None, int], list[Job]] = {}
        for job in wanted:
            alike.setdefault((id(job.tagger), job.threshold, job.k), []).append(job)
        answers: list[tuple[Job, bytes | Exception]] = []
        for jobs in alike.values():
            try:
                answers += list(zip(jobs, _finished(jobs), strict=True))
            except Exception:
                answers += [(job, _alone(job)) for job in jobs]
        self._tell(answers)

    def _answer_long(self, job: Job) -> None:
        found: list[list[Read]] = []
        try:
            for part in job.slices():
                if job.answer.cancelled():
                    return
                found += read_together([part])[0]
            self._tell([(job, job.finish(found))])
        except Exception as error:
            self._tell([(job, error)])

    def _tell(self, answers: list[tuple[Job, bytes | Exception]]) -> None:
        try:
            self._loop.call_soon_threadsafe(_give, answers)
        except RuntimeError:  # the loop is closed: nobody waits any more
            return


def _give(answers: list[tuple[Job, bytes | Exception]]) -> None:
    for job, answer in answers:
        if job.answer.done():  # whoever asked has gone
            continue
        if isinstance(answer, Exception):
            job.answer.set_exception(answer)
        else:
            job.answer.set_result(answer)


def _finished(jobs: list[Job]) -> list[bytes]:
    return [job.finish(read) for job, read in zip(jobs, read_together(jobs), strict=True)]


def _alone(job: Job) -> bytes | Exception:
    try:
        return _finished([job])[0]
    except Exception as error:
        return error


def read_together(jobs: Sequence[Job]) -> list[list[list[Read]]]:
    """What was read of each sentence of each text of each job; all have the tagger, threshold and k of the first."""
    first = jobs[0]
    tagger, threshold = first.tagger, first.threshold
    with no_search_for_cycles():
        cut = [[tagger.split(text) for text in job.texts] or [[one] for one in job.sentences] for job in jobs]
        flat = [sentence for texts in cut for sentences in texts for sentence in sentences]
        if first.k:
            best = tagger.find_k_best(flat, k=first.k, threshold=threshold)
            read = (Read(sentence, *found) for sentence, found in zip(flat, best, strict=True))
        else:
            spans = tagger.find_spans(flat, threshold=threshold)
            read = (Read(sentence, found, ()) for sentence, found in zip(flat, spans, strict=True))
        return [[[next(read) for _ in sentences] for sentences in texts] for texts in cut]
