"""A word's characters as a vector."""

from typing import Self

from torch import Tensor, nn

from ner.features.characters import Characters
from ner.features.feature import Feature
from ner.network.characters import CharacterCNN, CharacterEncoders, CharacterLSTM
from ner.network.inputs import Inputs
from ner.network.twin import Twin


class CharacterTwin(Twin):
    """Each distinct spelling of a batch is encoded once and then copied to where it stands: almost for free."""

    of_words = True

    def __init__(self, encoder: CharacterCNN | CharacterLSTM | CharacterEncoders) -> None:
        super().__init__()
        self.encoder = encoder
        self.output_dim = encoder.output_dim

    @classmethod
    def of(cls, feature: Feature) -> Self:
        """As `Twin.of`."""
        assert isinstance(feature, Characters)
        sizes = (feature.num_characters, feature.dim, feature.hidden_dim)
        encoders: list[CharacterCNN | CharacterLSTM] = []
        if feature.encoder in ("cnn", "both"):
            encoders.append(CharacterCNN(*sizes, kernel_size=feature.kernel_size, dropout=feature.dropout))
        if feature.encoder in ("lstm", "both"):
            encoders.append(CharacterLSTM(*sizes, dropout=feature.dropout, bf16=feature.bf16))
        return cls(CharacterEncoders(encoders) if len(encoders) > 1 else encoders[0])

    def forward(self, inputs: Inputs) -> Tensor:
        """As `Twin.forward`."""
        return nn.functional.embedding(inputs.arrays["characters.where"], self.encode_words(inputs.arrays))

    def encode_words(self, words: dict[str, Tensor]) -> Tensor:
        """As `Twin.encode_words`."""
        encodings: Tensor = self.encoder(words["characters.spellings"], words["characters.lengths"])
        return encodings


TWIN = CharacterTwin
