"""docs/serve.md tells the truth: its requests have the answers that it shows, its limits are the program's."""

import inspect
import json
import re
import shlex

import pytest

import ner
from ner.commands import serving
from ner.resources.models import IN_PACKAGE
from ner.serving.limits import Limits
from tests.conftest import ROOT
from tests.serving.running import running

TEXT = (ROOT / "docs" / "serve.md").read_text(encoding="utf-8")


def test_each_curl_has_the_answer_that_the_page_shows():
    if not (IN_PACKAGE / "en").is_dir():
        pytest.skip("a clone in which `make models` hasn't run yet")
    examples = re.findall(
        r"```sh\ncurl -s localhost:8000(\S+) -d (.*?)\n```\n\n```json\n(.*?)\n```", TEXT, flags=re.DOTALL
    )
    assert len(examples) == 2
    with running({"en": ner.load("en")}) as client:
        for path, quoted, wanted in examples:
            (body,) = shlex.split(quoted)
            answer = client.post(path, content=body).json()
            assert answer == rounded(json.loads(wanted), answer)


def rounded(wanted, found):
    """What is wanted, with each score replaced by the one that was found where it is that one, shortened."""
    if isinstance(wanted, dict):
        assert wanted.keys() == found.keys()
        return {
            key: found[key]
            if key == "score" and found[key] == pytest.approx(value, abs=6e-5)
            else rounded(value, found[key])
            for key, value in wanted.items()
        }
    if isinstance(wanted, list):
        return [rounded(one, other) for one, other in zip(wanted, found, strict=True)]
    return wanted


def test_the_limits_are_those_of_the_program():
    rows = dict(re.findall(r"^\| `(--[a-z-]+)` \| .* \| ([\d,]+) \|$", TEXT, flags=re.MULTILINE))
    assert len(rows) == 5
    parameters = inspect.signature(serving.serve).parameters
    for option, default in rows.items():
        assert parameters[option[2:].replace("-", "_")].default == int(default.replace(",", ""))
    limits = Limits()
    assert f"{limits.waiting_characters:,} characters together, all bodies {limits.waiting_bytes >> 20} MB" in TEXT
    assert f"within {limits.header_seconds} seconds, or doesn't take an answer within {limits.send_seconds}" in TEXT
    assert f"more than {limits.connections} connections" in TEXT
    assert f"didn't come in {limits.body_seconds} seconds" in TEXT
    assert f"for up to {limits.stop_seconds} seconds" in TEXT
