"""Gazetteer marks as they are."""

from typing import Self

from torch import Tensor

from ner.features.feature import Feature
from ner.features.gazetteers import Gazetteers
from ner.network.inputs import Inputs
from ner.network.twin import Twin


class GazetteerTwin(Twin):
    """Nothing is learned here: 1 where a list has the token in that place of a name, else 0."""

    def __init__(self, num_marks: int) -> None:
        super().__init__()
        self.output_dim = num_marks

    @classmethod
    def of(cls, feature: Feature) -> Self:
        """As `Twin.of`."""
        assert isinstance(feature, Gazetteers)
        return cls(feature.num_marks)

    def forward(self, inputs: Inputs) -> Tensor:
        """As `Twin.forward`."""
        return inputs.arrays["gazetteers"]


TWIN = GazetteerTwin
