"""What goes wrong with numbers while a network is trained: noticed, named, and told with the way out."""

import hashlib
import math
from collections.abc import Sequence

from ner.errors import ProcessError, TrainingError, counted
from ner.text.sentence import Sentence
from ner.training.checkpoint import Run

_CALMER = "lower training.learning_rate or training.clip_norm"
# Of the loss of guessing. On the bundled corpus a run that learns has 0.15 in its first epoch and falls; with ten
# to a hundred times the best rates it has 2 to 70, from the first epoch to the last, and finds nothing.
_EXPLODED = 1.5
_COLLAPSED = 3  # epochs; one without a single find happens early in runs that learn


def check_finite(what: str, value: float, epoch: int, batch: int, sentences: Sequence[Sentence]) -> None:
    """Nothing, where a loss or the norm of a gradient is a number; `sentences` are those of the batch.

    Raises:
        TrainingError: it is NaN or infinite.
    """
    if not math.isfinite(value):
        named = ", ".join(sentence.source or " ".join(sentence.words[:5]) for sentence in sentences[:3])
        raise TrainingError(
            f"epoch {epoch}, batch {batch}: expected a finite {what}, found {value}; the batch begins with {named}; "
            f"{_CALMER}"
        )


def check_epoch(run: Run, epoch: int) -> None:
    """Nothing, where a run that is at the end of an epoch can go on.

    Raises:
        TrainingError: weights are no numbers, or the loss is far above that of guessing.
    """
    # The last step shows in no loss of this epoch, and may be the last of all.
    if not all(bool(parameter.isfinite().all()) for parameter in run.network.parameters()):
        raise TrainingError(f"epoch {epoch}: expected finite weights, found NaN or infinity; {_CALMER}")
    position = run.position
    guessing = position.tokens / position.sentences * math.log(run.network.crf.num_tags)
    loss = position.loss / position.sentences
    if epoch > 1 and loss > _EXPLODED * guessing:
        raise TrainingError(
            f"epoch {epoch}: expected a loss below {_EXPLODED} times that of guessing, {guessing:.1f} a sentence, "
            f"found {loss:.1f}: it exploded; {_CALMER}"
        )


def check_together(run: Run, epoch: int) -> None:
    """Raise ProcessError where processes that train together no longer have the same weights to the last bit."""
    if run.group.size == 1:
        return
    digest = hashlib.sha256()
    for tensor in [*run.network.parameters(), *(run.average.values if run.average else ())]:
        digest.update(tensor.detach().cpu().numpy().tobytes())
    if others := run.group.unlike_first(digest.digest()):
        raise ProcessError(
            f"epoch {epoch}: expected the same weights in all processes, found others in process {others}; "
            "train on processors of one kind, or in one process"
        )


def find_collapse(run: Run) -> str | None:
    """What is wrong with a run that found entities of the dev set and, for some epochs now, finds none."""
    last = [epoch["f1"] for epoch in run.history[-_COLLAPSED:]]
    if run.best_f1 <= 0 or last != [0.0] * _COLLAPSED:
        return None
    return (
        f"epoch {len(run.history)}: expected entities of the dev set, found none for {_COLLAPSED} epochs, "
        f"F1 {100 * run.best_f1:.2f} in epoch {run.best_epoch}: the network collapsed to O; {_CALMER}"
    )


def find_failure(run: Run) -> str | None:
    """What is wrong with a run that ends without one entity of the dev set found in any epoch."""
    if run.best_f1 != 0:
        return None
    return (
        f"expected entities of the dev set, found none in {counted(len(run.history), 'epoch')}; train for longer, or "
        "with another training.learning_rate, lower where the loss jumps, higher where it hardly moves"
    )
