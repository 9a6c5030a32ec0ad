"""TensorBoard event files of a training run: loss at each batch, dev scores at each epoch."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from ner.errors import ConfigError
from ner.training.events import Epoch, Listener, Step

_PATTERN = "events.out.tfevents.*"  # as TensorBoard's writer names them


@contextmanager
def event_files(folder: Path, listener: Listener, *, anew: bool) -> Iterator[Listener]:
    """A listener that writes down what it hears, and passes all of it on.

    Args:
        folder: where the event files go.
        listener: hears everything as well.
        anew: remove event files that lie there, which are another run's.

    Raises:
        ConfigError: TensorBoard isn't installed, or the folder can't be written.
    """
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        raise ConfigError(
            "run.tensorboard: expected the package `tensorboard`; pip install 'bilstm-crf-ner[tensorboard]'"
        ) from None
    try:
        for path in folder.glob(_PATTERN) if anew else ():
            path.unlink()
        writer = SummaryWriter(str(folder))
    except OSError as error:
        raise ConfigError(f"{folder}: expected a place for event files: {error.strerror}") from None

    def on_step(step: Step) -> None:
        index = (step.epoch - 1) * step.total + step.done
        writer.add_scalar("train/batch_loss", step.batch_loss, index)
        if step.gradient_norm is not None:
            writer.add_scalar("train/gradient_norm", step.gradient_norm, index)
        listener.on_step(step)

    def on_epoch(epoch: Epoch) -> None:
        values = {"train/loss": epoch.loss, "train/learning_rate": epoch.learning_rate}
        values["train/tokens_per_second"] = epoch.tokens_per_second
        values |= {f"dev/{name}": getattr(epoch, name) for name in ("precision", "recall", "f1")}
        for label, scores in epoch.labels.items():
            values |= {f"dev {name}/{label}": score for name, score in scores.items()}
        for name, value in values.items():
            if value is not None:
                writer.add_scalar(name, value, epoch.epoch)
        writer.flush()
        listener.on_epoch(epoch)

    with writer:
        yield replace(listener, on_step=on_step, on_epoch=on_epoch)
