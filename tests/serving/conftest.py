"""Services that several modules ask."""

import pytest

from tests.serving.running import running


@pytest.fixture(scope="package")
def client(tagger):
    """A client of a service with the small model, under two names."""
    with running({"small": tagger, "other": tagger}) as client:
        yield client
