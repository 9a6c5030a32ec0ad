"""docs/serve.md tells the truth: its requests have the answers that it shows, its limits are the program's."""

import configparser
import inspect
import json
import re
import shlex
import tomllib

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


def test_the_commands_of_the_deployments_are_the_program_s_and_the_container_has_what_the_extra_brings():
    unit = configparser.ConfigParser(interpolation=None)
    unit.optionxform = str
    unit.read_string(re.findall(r"```ini\n(.*?)```", TEXT, flags=re.DOTALL)[0])
    systemd = shlex.split(unit["Service"]["ExecStart"])
    dockerfile = re.findall(r"```dockerfile\n(.*?)```", TEXT, flags=re.DOTALL)[0]
    container = json.loads(re.findall(r"^CMD (.*)$", dockerfile, flags=re.MULTILINE)[0])
    parameters = inspect.signature(serving.serve).parameters
    for command in (systemd[1:], container[1:]):
        assert command[:2] == ["serve", "en"]
        options, values = command[2::2], command[3::2]
        assert len(options) == len(values)
        assert {option[2:].replace("-", "_") for option in options} <= set(parameters)
    # The key's file is the one that systemd hands over.
    name, _, source = unit["Service"]["LoadCredential"].partition(":")
    assert systemd[systemd.index("--api-key-file") + 1] == f"%d/{name}"
    assert source.startswith("/")
    assert re.findall(r"^EXPOSE (\d+)$", dockerfile, flags=re.MULTILINE) == [str(parameters["port"].default)]
    assert f"http://127.0.0.1:{parameters['port'].default};" in re.findall(r"```nginx\n(.*?)```", TEXT, re.DOTALL)[0]
    installed = re.findall(r"^RUN pip install .*whl (.*)$", dockerfile, flags=re.MULTILINE)[0].split()
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    assert {re.split("[<>=]", wanted)[0] for wanted in extras["serve"]} <= set(installed)
