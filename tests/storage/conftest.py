"""A tiny corpus that a tiny network learns."""

from tests.tiny import _same_random_numbers, corpus, make_config, sentences  # noqa: F401
