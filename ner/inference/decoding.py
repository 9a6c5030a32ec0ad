"""How a model decodes: entities of at least a probability that is asked for, in place of its own way."""

import copy
from dataclasses import replace

from ner.errors import ConfigError
from ner.inference.loading import Model


def with_threshold(model: Model, threshold: float) -> Model:
    """The same model, which takes each entity of this probability; what was measured of it before is left out.

    Raises:
        ConfigError: as `check_threshold`.
    """
    check_threshold(threshold)
    settings = model.config.model.model_copy(update={"decoding": "threshold", "threshold": threshold})
    network = copy.copy(model.network)  # the weights are the same ones
    network.decoding = network.decoding._replace(kind="threshold", threshold=threshold)
    metrics = {name: value for name, value in model.metrics.items() if name not in ("dev", "test", "seeds")}
    config = model.config.model_copy(update={"model": settings})
    return replace(model, config=config, network=network, metrics=metrics)


def check_threshold(threshold: float) -> None:
    """Nothing, where it is a probability that can be asked for.

    Raises:
        ConfigError: it isn't above 0 and below 1.
    """
    if not 0 < threshold < 1:
        raise ConfigError(f"threshold: expected a probability above 0 and below 1, found {threshold}")
