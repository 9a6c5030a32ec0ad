"""The README tells the truth: its code runs, its tables are the program's."""

import re
import tomllib

import pytest

from ner.config import Config, affects, known_keys, parse_config
from ner.corpus_settings import CorpusConfig
from ner.network.cells import CELLS
from tests.conftest import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_python_of_the_readme_and_of_the_architecture_runs(small_model, tmp_path, monkeypatch, capsys):
    for name in ("configs", "data"):
        (tmp_path / name).symlink_to(ROOT / name)
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / "quickstart").symlink_to(small_model)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(CELLS, "mgu", CELLS["rnn"])  # the example replaces it, and the test's end removes it again
    architecture = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```python\n(.*?)```", README + architecture, flags=re.DOTALL)
    assert blocks
    for block in blocks:
        exec(compile(block, "README.md", "exec"), {})
    assert "processed" in capsys.readouterr().out
    assert (tmp_path / "runs" / "mine" / "model.safetensors").exists()


def test_the_configuration_table_is_that_of_the_settings():
    rows = re.findall(r"^\| `([a-z]+\.[a-z_]+)` \| (.*?) \| ([a-z]+) \| (.*) \|$", README, flags=re.MULTILINE)
    found = {key: (default, affected, text.replace("\\|", "|")) for key, default, affected, text in rows}
    values = Config().model_dump()

    def written(value):
        if value is None:
            return "unset"
        if isinstance(value, tuple):
            value = list(value)
        return f'`"{value}"`' if isinstance(value, str) else f"`{str(value).lower()}`"

    wanted = {}
    for key, description in known_keys().items():
        section, name = key.split(".")
        wanted[key] = (written(values[section][name]), affects(key), description)
    assert found == wanted


def test_the_table_of_a_corpus_is_that_of_its_settings():
    text = (ROOT / "docs" / "corpora.md").read_text(encoding="utf-8")
    found = re.findall(r"^\| `([a-z]+)` \| (.*?) \| (.*) \|$", text, flags=re.MULTILINE)

    def written(field):
        return "required" if field.is_required() else "unset" if field.default is None else f"`{field.default}`"

    fields = CorpusConfig.model_fields
    assert found == [(name, written(field), field.description) for name, field in fields.items()]


def test_the_example_of_several_corpora_is_read():
    text = (ROOT / "docs" / "corpora.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```toml\n(.*?)```", text, flags=re.DOTALL)
    data = parse_config(tomllib.loads(example), "docs/corpora.md").data
    assert [data.of_corpus(corpus).comment for corpus in data.corpora] == ["# ", "# "]


@pytest.mark.parametrize("name", sorted(path.name for path in (ROOT / "configs").glob("*.toml")))
def test_every_recipe_loads_and_opens_with_its_command(name):
    from ner.config import load_config

    text = (ROOT / "configs" / name).read_text(encoding="utf-8")
    load_config(ROOT / "configs" / name)
    first = next(line for line in text.splitlines() if line.strip())
    assert first.startswith(("# ner train ", "# make "))
    assert re.search(r"# .*F1 \d\d\.\d", text)


def test_the_targets_of_the_readme_are_in_the_makefile():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in re.findall(r"make ([a-z-]+)", README):
        if target not in ("sure",):
            assert re.search(rf"^{target}:", makefile, flags=re.MULTILINE), target
