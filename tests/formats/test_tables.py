"""Tables of entities say what the documents say, and the recipes of the page on tables run as they stand there."""

import re
import sys
from pathlib import Path

import pytest

import ner
from ner import Document, Entity
from ner.errors import ConfigError
from tests.conftest import ROOT

PAGE = (ROOT / "docs" / "tables.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL)
ANNA, ROME = Entity("PER", "Anna", 0, 4, 0.75), Entity("LOC", "Rome", 21, 25)
CUT = [
    ner.Sentence(spelled=("Anna", "left", "."), starts=(0, 5, 9)),
    ner.Sentence(spelled=("To", "Rome"), starts=(18, 21)),
]
TEXT = "Anna left.        To Rome"
DTYPES = ["int64", "string", "int64", "int64", "string", "string", "float64", "string"]


@pytest.fixture
def pandas():
    return pytest.importorskip("pandas", reason="the extra tables isn't installed")


def test_each_entity_of_a_document_is_a_row_with_its_sentence(pandas) -> None:
    documents = [Document("none"), Document(TEXT, CUT, (ROME, ANNA), id="x"), Document("Anna", (), (ANNA,))]
    table = ner.to_dataframe(iter(documents))
    cells = table.astype(object).where(table.notna(), None).values.tolist()
    assert cells == [
        [1, "x", 21, 25, "LOC", "Rome", None, "To Rome"],
        [1, "x", 0, 4, "PER", "Anna", 0.75, "Anna left."],
        [2, None, 0, 4, "PER", "Anna", 0.75, None],
    ]
    assert [str(kind) for kind in table.dtypes] == DTYPES


def test_entities_of_texts_and_of_one_text_are_rows_too(pandas) -> None:
    table = ner.to_dataframe([[ANNA], [], [ROME]])
    assert table[["document", "text"]].values.tolist() == [[0, "Anna"], [2, "Rome"]]
    assert ner.to_dataframe([ANNA, ROME])["document"].tolist() == [0, 0]


def test_a_table_of_nothing_has_the_same_columns_and_types(pandas) -> None:
    table = ner.to_dataframe([])
    assert list(table.columns) == ["document", "id", "start", "end", "label", "text", "score", "sentence"]
    assert [str(kind) for kind in table.dtypes] == DTYPES
    assert len(table) == 0


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (
            Document("x"),
            "values: expected documents, or entities, found Document('x': no entities); to_dataframe([DOCUMENT]) takes "
            "one",
        ),
        ("Anna", "values: expected documents, or entities, found 'Anna'; tagger.pipe finds them"),
        (["Anna"], "values[0]: expected a Document, an Entity, or entities of a text, found 'Anna'"),
        ([[ANNA], [3]], "values[1]: expected a Document, an Entity, or entities of a text, found 3"),
    ],
)
def test_values_of_another_kind_are_refused(pandas, values: object, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        ner.to_dataframe(values)
    assert str(caught.value) == message


def test_without_pandas_the_extra_is_named(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ConfigError) as caught:
        ner.to_dataframe([])
    assert str(caught.value) == "to_dataframe: expected pandas; pip install 'bilstm-crf-ner[tables]'"


@pytest.fixture
def recipes(pandas, run, tmp_path: Path, monkeypatch):
    """What the blocks of the page up to one made, run in order in an empty folder, with the file that it tells of."""
    monkeypatch.chdir(tmp_path)
    Path("letters.txt").write_text("Angela Merkel visited Paris.\nNobody came.\nParis!\n", encoding="utf-8")
    assert run("tag", "en", "letters.txt", "--out", "tagged.jsonl", "--runtime", "numpy")[0] == 0

    def made(*libraries: str) -> dict[str, object]:
        names: dict[str, object] = {}
        for block in BLOCKS:
            wanted = {library for library, sign in (("polars", "pl."), ("duckdb", "duckdb.")) if sign in block}
            if wanted <= set(libraries):
                exec(block, names)
        return names

    return made


def test_the_recipes_for_pandas_run(recipes) -> None:
    names = recipes()
    assert names["names"]["text"].tolist()[:2] == ["Angela Merkel", "Paris"]
    assert names["unsure"]["score"].is_monotonic_increasing
    assert names["by_label"]["PER", "Merkel"] == 1
    assert names["joined"]["author"].tolist() == ["A", "A", "B"]
    assert Path("names.parquet").stat().st_size


def test_the_recipes_for_polars_run(recipes) -> None:
    pytest.importorskip("polars", reason="polars isn't installed")
    names = recipes("polars")
    assert names["rows"].select("author", "label", "text").rows() == [
        ("A", "PER", "Angela Merkel"),
        ("A", "LOC", "Paris"),
    ]
    assert names["written"]["entities_text"].to_list() == ["Angela Merkel", "Paris", "Paris"]


def test_the_recipes_for_duckdb_run(recipes) -> None:
    duckdb = pytest.importorskip("duckdb", reason="duckdb isn't installed")
    made = recipes("duckdb")
    assert [row[:3] for row in made["most"].fetchall()] == [("LOC", "Paris", 2), ("PER", "Angela Merkel", 1)]
    names = made["names"]
    assert len(names)
    assert ("PER", 3) in duckdb.sql("SELECT label, count(*) FROM names GROUP BY ALL").fetchall()
    assert 'duckdb.sql("SELECT label, count(*) FROM names GROUP BY ALL")' in PAGE
