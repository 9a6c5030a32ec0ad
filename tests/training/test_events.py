"""What an epoch says of itself."""

from dataclasses import replace

from ner.training.events import Epoch


def test_without_a_dev_set_no_epoch_is_called_the_best() -> None:
    epoch = Epoch(
        epoch=1, loss=2.0, learning_rate=0.1, precision=None, recall=None, f1=None, seconds=1.0, tokens_per_second=9.0,
        best=True,
    )  # fmt: skip
    assert str(epoch) == "epoch   1  loss   2.0000         9 tokens/s"
    scored = replace(epoch, precision=0.5, recall=0.5, f1=0.5)
    assert str(scored) == "epoch   1  loss   2.0000  dev P 50.00 R 50.00 F1 50.00         9 tokens/s  best"
