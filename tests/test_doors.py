"""The code of docs/doors.md and docs/coming-from.md runs as it stands there."""

import re

import pytest

from tests.conftest import ROOT


def blocks(page: str, section: str) -> list[str]:
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    (part,) = re.findall(rf"^## {section}$(.*?)(?=^## |\Z)", text, flags=re.MULTILINE | re.DOTALL)
    found = re.findall(r"^```python\n(.*?)^```", part, flags=re.MULTILINE | re.DOTALL)
    assert found
    return found


@pytest.mark.parametrize("page", ["doors.md", "coming-from.md"])
def test_spacy_s_code_runs(page, capsys):
    pytest.importorskip("spacy", reason="the extra spacy isn't installed")
    import bilstm_crf_ner_spacy  # noqa: F401  # as its entry point does where the package is installed

    for code in blocks(page, "spaCy"):
        exec(code, {})
        out = capsys.readouterr().out
        assert "Angela Merkel" in out
        assert "PER" in out


def test_flair_s_counterpart_runs(capsys):
    (code,) = blocks("coming-from.md", "Flair")
    exec(code, {})
    assert capsys.readouterr().out == "[('Angela Merkel', 'PER'), ('Paris', 'LOC')]\n"


def test_presidio_s_code_runs(capsys):
    pytest.importorskip("presidio_analyzer", reason="the extra presidio isn't installed")
    (code,) = blocks("doors.md", "Presidio")
    exec(code, {})
    found = [line.split()[:3] for line in capsys.readouterr().out.splitlines()]
    assert ["PERSON", "0", "13"] in found
    assert ["PHONE_NUMBER", "26", "38"] in found


@pytest.mark.parametrize(
    ("page", "section"), [("doors.md", "scikit-learn"), ("coming-from.md", "sklearn-crfsuite and python-crfsuite")]
)
def test_scikit_learns_code_runs(page, section, monkeypatch, tagger, capsys):
    pytest.importorskip("sklearn", reason="the extra sklearn isn't installed")
    # A training takes seconds, and so small a corpus teaches nothing.
    monkeypatch.setattr("ner.trainer.train", lambda config, corpus, *, progress: tagger)
    for code in blocks(page, section):
        exec(code, {})
    assert "'B-PER', 'I-PER', 'O'" in capsys.readouterr().out
