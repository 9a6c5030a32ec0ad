"""Whether the sizes that a model directory tells can be those of its weights, before memory is taken for them."""

from pathlib import Path

from ner.config import Config
from ner.errors import ModelError
from ner.features.vocabulary import Vocabularies
from ner.storage.tensor_files import Header


def check_sizes(folder: Path, config: Config, vocabularies: Vocabularies, header: Header) -> None:
    """Raise ModelError where the network of these settings takes more memory than the weights file has numbers.

    Each cell has a matrix from its units to its units, the CRF one from its tags to its tags.
    """
    model, tags = config.model, len(vocabularies.tags)
    needed = {f"model.{name} = {width}": width for name, width in model if type(width) is int}
    needed[f"model.hidden_dim = {model.hidden_dim}"] = model.hidden_dim**2
    if model.context == "global":
        needed[f"model.context_dim = {model.context_dim}"] = model.context_dim**2
    needed[f"{tags} tags"] = tags**2
    if "lexicon" in vocabularies.features:
        needed[f"features.lexicon_dim = {config.features.lexicon_dim}"] = config.features.lexicon_dim
    if "contextual" in vocabularies.features:
        from ner.features.contextual import Contextual  # which few models have

        contextual = vocabularies.features["contextual"]
        assert isinstance(contextual, Contextual)
        needed[f"features.contextual_dim = {contextual.dim}"] = contextual.dim * contextual.width
    for name, numbers in needed.items():
        if numbers > header.numbers:
            raise ModelError(
                f"{folder}: expected model.safetensors with at least {numbers} numbers for {name}, "
                f"found {header.numbers}; train or copy it again"
            )
