"""The labelled range of tokens, which tags are one way of writing; it knows neither sentences nor tags."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Span:
    """A labelled range of tokens, `start` to `end` (half-open)."""

    label: str
    start: int
    end: int
