"""Settings: what a TOML file and overrides make of them, and what is said of those that can't be."""

from pathlib import Path
from typing import Literal, get_args, get_origin

import pytest
from pydantic import ValidationError

from ner.config import Config, affects, known_keys, load_config, override_data, parse_config
from ner.errors import ConfigError, NerError
from ner.schemes import SCHEMES as TABLE
from ner.settings import DataConfig, FeaturesConfig, ModelConfig, RunConfig, TrainingConfig
from tests.conftest import ROOT

SECTIONS = {
    "data": DataConfig,
    "features": FeaturesConfig,
    "model": ModelConfig,
    "training": TrainingConfig,
    "run": RunConfig,
}


@pytest.fixture
def toml(tmp_path, monkeypatch):
    """Writes `c.toml` into the current folder."""
    monkeypatch.chdir(tmp_path)

    def write(content: str | bytes, name: str = "c.toml") -> str:
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_bytes(content.encode() if isinstance(content, str) else content)
        return name

    return write


# Defaults.


def test_an_empty_file_gives_the_defaults_and_they_are_valid(toml):
    config = load_config(toml(""))
    assert config == Config()
    # Pydantic doesn't look at defaults; said aloud, each must pass its own rules.
    assert Config.model_validate(Config().model_dump()) == Config()


def test_the_defaults_are_those_of_the_design(toml):
    config = Config()
    assert (config.data.word_column, config.data.tag_column, config.data.separator) == (0, -1, None)
    assert (config.data.scheme, config.data.encoding) == ("auto", "utf-8")
    # Ma & Hovy 2016
    assert (config.training.momentum, config.training.decay) == (0.9, 0.05)
    assert (config.training.clip_norm, config.model.dropout) == (5.0, 0.5)


def test_a_file_that_names_a_corpus_and_nothing_else_trains_as_the_default_recipe_does(toml):
    corpus = ["data.train=train.conll", "data.dev=dev.conll"]
    recipe = load_config(ROOT / "configs" / "default.toml", corpus)
    assert load_config(toml('[data]\ntrain = "train.conll"\ndev = "dev.conll"\n')) == recipe
    # As docs/accuracy.md measured it.
    assert recipe.features.document_context is True
    assert (recipe.model.char_encoder, recipe.model.char_hidden_dim) == ("lstm", 50)
    assert (recipe.model.casing_dim, recipe.model.precision, recipe.model.decoding) == (8, "bf16", "threshold")
    training = recipe.training
    assert (training.epochs, training.batch_size, training.learning_rate) == (30, 32, 0.06)
    assert (training.average, training.average_every, training.calibrate) == (0.7, "epoch", True)


def test_every_key_is_known_by_its_section_and_described():
    expected = [f"{section}.{name}" for section, table in SECTIONS.items() for name in table.model_fields]
    assert list(known_keys()) == expected
    assert all(known_keys().values())
    names = [key.partition(".")[2] for key in expected]
    assert len(set(names)) == len(names), "a suggestion goes by the last part of a key"


@pytest.mark.parametrize("key", ["data.train", "data.dev", "data.test", "model.cell", "model.hidden_dim",
    "model.num_layers", "model.vectors", "training.epochs", "training.batch_size", "training.learning_rate",
    "training.seed", "run.threads", "run.device"])  # fmt: skip
def test_the_keys_that_people_type_are_there(key):
    assert key in known_keys()


@pytest.mark.parametrize("value", [Config(), DataConfig(), ModelConfig(), TrainingConfig(), RunConfig()])
def test_settings_are_frozen(value):
    for name in type(value).model_fields:
        with pytest.raises(ValidationError):
            setattr(value, name, getattr(value, name))


def test_each_setting_says_what_it_affects_and_most_of_them_the_result():
    others = {key: affects(key) for key in known_keys() if affects(key) != "result"}
    assert others == {
        "data.test": "record",
        "features.contextual_copy": "record",
        "training.epochs": "end",
        "training.patience": "end",
        "training.remember_entities": "record",
        **{key: "run" for key in known_keys() if key.startswith("run.")},
    }


# Files and overrides.


def test_a_file_sets_what_it_names_and_nothing_else(toml):
    config = load_config(toml('[data]\ntrain = "a"\n[model]\nnum_layers = 2\ndropout = 0\n[training]\nclip_norm = 1\n'))
    assert config == Config(
        data=DataConfig(train="a"), model=ModelConfig(num_layers=2, dropout=0.0), training=TrainingConfig(clip_norm=1.0)
    )


def test_a_byte_order_mark_and_windows_line_ends_change_nothing(toml):
    config = load_config(toml(b"\xef\xbb\xbf[model]\r\nnum_layers = 2\r\n# \xc3\xb1\r\n"))
    assert config.model.num_layers == 2


@pytest.mark.parametrize(
    ("override", "value"),
    [
        ("training.seed=2", 2),
        (" training.seed = 2 ", 2),
        ("training.learning_rate=0.1", 0.1),
        ("training.learning_rate=1e-3", 0.001),
        ("training.learning_rate=1", 1.0),
        ("run.threads=4", 4),
        ("run.threads=", None),
        ("training.clip_norm=", None),
        ('training.clip_norm=""', None),
        ("training.average=0.99", 0.99),
        ("training.optimizer=adamw", "adamw"),
        ("training.optimizer = adamw", "adamw"),
        ('training.optimizer="adamw"', "adamw"),
        ("run.device=cuda:1", "cuda:1"),
        ("model.lowercase=false", False),
        ("model.vectors=glove-6b-50d", "glove-6b-50d"),
        ("model.vectors=", None),
        ("data.train=my corpus/train=1.conll", "my corpus/train=1.conll"),
        ("data.train=123", "123"),
        ("data.train=true", "true"),
        ('data.train="quoted.conll"', "quoted.conll"),
        ("data.train='C:\\x'", "C:\\x"),
        ("data.train=", None),
        ("data.word_column=-2", -2),
        ("data.separator=\t", "\t"),
        ("data.separator= ", " "),
        ('data.separator="\\t"', "\t"),
        ('data.separator="', '"'),  # no whole TOML string, so the text itself
        ("data.separator=", None),
        ("data.comment=# ", "# "),
        ("data.comment=#", "#"),
        ("data.word_pattern=(.)[0-9]", "(.)[0-9]"),
        ("data.scheme=bmes", "bmes"),
        *((f"data.scheme={name}", name) for name in TABLE),
        ("data.tag_pattern={prefix}_{label}", "{prefix}_{label}"),
        ('data.tag_pattern="{label}{prefix}"', "{label}{prefix}"),
        ("data.tag_pattern=", None),
        ("model.cell=coupled-lstm", "coupled-lstm"),
        ("model.forget_bias=-1", -1.0),
        ("model.clock_periods=[1,3]", (1, 3)),
        ("model.clock_periods = [ 2 ]", (2,)),
        ("model.connection=highway", "highway"),
        ("model.context=global", "global"),
        ('features.gazetteer=["my names.txt", "b.txt"]', ("my names.txt", "b.txt")),
        ("features.gazetteer=my names.txt", ("my names.txt",)),
        ("features.gazetteer='my names.txt'", ("my names.txt",)),
        ("features.gazetteer=", ()),
    ],
)
def test_an_override_of_any_type_is_laid_over_the_file(toml, override, value):
    name = toml('[data]\ntrain = "a"\nseparator = ","\ncomment = "%"\n[model]\nvectors = "v"\n[run]\nthreads = 1\n')
    section, _, key = override.strip().partition("=")[0].strip().partition(".")
    found = getattr(getattr(load_config(name, [override]), section), key)
    assert found == value
    assert type(found) is type(value)


def test_the_last_override_of_a_key_counts(toml):
    assert load_config(toml("training.seed = 1"), ["training.seed=2", "training.seed=3"]).training.seed == 3


def test_every_optional_key_is_unset_by_an_empty_value_in_the_file_and_as_an_override(toml):
    for section, table in SECTIONS.items():
        for name, field in table.model_fields.items():
            if type(None) in get_args(field.annotation):
                config = load_config(toml(f'[{section}]\n{name} = ""\n'))
                assert getattr(getattr(config, section), name) is None
                config = load_config(toml(""), [f"{section}.{name}="])
                assert getattr(getattr(config, section), name) is None


def test_every_choice_of_every_setting_is_taken_as_an_override(toml):
    name = toml("")
    for section, table in SECTIONS.items():
        for key, field in table.model_fields.items():
            if get_origin(field.annotation) is Literal:
                for choice in get_args(field.annotation):
                    found = load_config(name, [f"{section}.{key}={choice}"])
                    assert getattr(getattr(found, section), key) == choice


def test_data_overrides_describe_files():
    data = override_data(DataConfig(train="t"), ["data.tag_column=1", " data.comment=# ", "data.scheme=iob1"])
    assert data == DataConfig(train="t", tag_column=1, comment="# ", scheme="iob1")
    assert override_data(data, []) == data


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("threads", "4", 4), ("device", '"cuda:1"', "cuda:1"), ("tensorboard", "true", True),
        ("checkpoint_minutes", "2.5", 2.5),
    ],
)  # fmt: skip
def test_what_belongs_to_a_run_is_still_taken_at_its_old_place_with_a_line_that_names_the_new_one(
    toml, name, text, value
):
    said = []
    config = load_config(toml(f"[training]\n{name} = {text}\n"), warn=said.append)
    assert (getattr(config.run, name), said) == (value, [f"c.toml: training.{name} is now run.{name}"])
    said.clear()
    config = load_config(toml(""), [f"training.{name}={text}"], warn=said.append)
    assert getattr(config.run, name) == value
    assert said == [f"--set training.{name}={text}: training.{name} is now run.{name}"]


def test_a_caller_in_python_is_warned_of_an_old_place(toml):
    with pytest.warns(FutureWarning) as caught:
        load_config(toml("[training]\nthreads = 4\n"))
    assert [str(warning.message) for warning in caught] == ["c.toml: training.threads is now run.threads"]
    assert caught[0].filename == __file__


def test_the_new_place_of_a_setting_goes_before_the_old_one(toml):
    both = toml("[training]\nthreads = 4\n[run]\nthreads = 3\n")
    assert load_config(both, warn=lambda _: None).run.threads == 3
    assert load_config(both, ["training.threads=2"], warn=lambda _: None).run.threads == 2


# Paths.


@pytest.mark.parametrize(
    "key", ["data.train", "data.dev", "data.test", "data.dataset", "model.vectors", "features.lexicon"]
)
def test_a_path_is_taken_as_given_then_relative_to_the_folder_of_the_config(toml, key):
    section, _, field = key.partition(".")
    name = toml(f'[{section}]\n{field} = "x/y"\n', "configs/c.toml")

    def found(*overrides: str) -> str:
        return getattr(getattr(load_config(name, list(overrides)), section), field)

    assert found() == "x/y"
    toml("", "configs/x/y")
    assert found() == str(Path("configs/x/y"))
    assert found(f"{key}=x/y") == str(Path("configs/x/y"))
    toml("", "x/y")
    assert found() == "x/y"
    absolute = str(Path("x/y").absolute())
    assert found(f"{key}={absolute}") == absolute


# Refusals.

PERIODS = "should be whole numbers from 1 on, each greater than the one before"
SCHEMES = f"should be one of auto, {', '.join(TABLE)}"
SHARE = "should be a file, or a share above 0% and below 100%, such as '10%'"
PATTERN = "should hold {prefix} and {label}, once each, such as '{prefix}_{label}', or {prefix} alone"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("[model]\ndroput = 0.1\n", "c.toml: unknown key model.droput; did you mean model.dropout?"),
        ("[training]\ndropout = 0.1\n", "c.toml: unknown key training.dropout; did you mean model.dropout?"),
        ("[modle]\nx = 1\n", "c.toml: unknown key modle; did you mean model?"),
        ("hidden_dim = 3\n", "c.toml: unknown key hidden_dim; did you mean model.hidden_dim?"),
        ("[training]\nlr = 1\n", "c.toml: unknown key training.lr; `ner settings` lists them"),
        ("[zzz]\n", "c.toml: unknown key zzz; `ner settings` lists them"),
        ("model = 3\n", "c.toml: model should be a table, [model], found 3"),
        ("[[data]]\n", "c.toml: data should be a table, [data], found [{}]"),
        ('[model]\nnum_layers = "2"\n', "c.toml: model.num_layers should be a valid integer, found '2'"),
        ("[model]\nnum_layers = 2.0\n", "c.toml: model.num_layers should be a valid integer, found 2.0"),
        ("[model]\nnum_layers = true\n", "c.toml: model.num_layers should be a valid integer, found True"),
        ("[model]\nnum_layers = 5\n", "c.toml: model.num_layers should be less than or equal to 4, found 5"),
        ("[model]\nnum_layers = 0\n", "c.toml: model.num_layers should be greater than or equal to 1, found 0"),
        ("[model]\ndropout = 1.0\n", "c.toml: model.dropout should be less than 1, found 1.0"),
        ("[model]\ndropout = nan\n", "c.toml: model.dropout should be a finite number, found nan"),
        ("[training]\nlearning_rate = inf\n", "c.toml: training.learning_rate should be a finite number, found inf"),
        ("[training]\nlearning_rate = 0\n", "c.toml: training.learning_rate should be greater than 0, found 0"),
        ("[training]\nseed = -1\n", "c.toml: training.seed should be greater than or equal to 0, found -1"),
        (f"[training]\nseed = {2**63}\n", f"c.toml: training.seed should be less than {2**63}, found {2**63}"),
        ("[model]\nlowercase = 1\n", "c.toml: model.lowercase should be a valid boolean, found 1"),
        ("[data]\ntrain = 3\n", "c.toml: data.train should be a valid string, found 3"),
        ('[data]\ntrain = ["a", "b"]\n', "c.toml: data.train should be a valid string, found ['a', 'b']"),
        *((f"[data]\ndev = '{wrong}'\n", f"c.toml: data.dev {SHARE}, found '{wrong}'")
          for wrong in ("0%", "0.0%", "100%", "ten%", "-5%", "%")),
        ('[data]\nscheme = "iob3"\n', f"c.toml: data.scheme {SCHEMES}, found 'iob3'"),
        ("[data]\nword_pattern = '.'\n",
         "c.toml: data.word_pattern should hold a group in parentheses, which is the word, found '.'"),
        ("[data]\nword_pattern = '('\n",
         "c.toml: data.word_pattern should be a regular expression "
         "(missing ), unterminated subpattern at position 0), found '('"),
        ("[model\n", "c.toml: not valid TOML: Expected ']' at the end of a table declaration (at line 1, column 7)"),
        ("a = 1\na = 2\n", "c.toml: not valid TOML: Cannot overwrite a value (at line 2, column 6)"),
        (b"\xff\xfe", "c.toml: expected a readable TOML file in UTF-8: "
         "'utf-8' codec can't decode byte 0xff in position 0: invalid start byte"),
    ],
)  # fmt: skip
def test_a_file_that_is_wrong_is_refused_with_the_key_and_the_way_out(toml, content, message):
    with pytest.raises(ConfigError) as error:
        load_config(toml(content))
    assert str(error.value) == message


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("seed=2", "--set seed=2: expected section.key=value, for example training.seed=2"),
        ("training.seed", "--set training.seed: expected section.key=value, for example training.seed=2"),
        ("=", "--set =: expected section.key=value, for example training.seed=2"),
        ("", "--set : expected section.key=value, for example training.seed=2"),
        ("training.sed=2", "--set training.sed=2: unknown key training.sed; did you mean training.seed?"),
        ("train.epochs=2", "--set train.epochs=2: unknown key train.epochs; did you mean training.epochs?"),
        ("model.a.b=2", "--set model.a.b=2: unknown key model.a.b; `ner settings` lists them"),
        ("training.seed=two", "SET: training.seed should be a valid integer, found 'two'"),
        ("training.seed=", "SET: training.seed should be a valid integer, found ''"),
        ("training.seed=[1]", "SET: training.seed should be a valid integer, found [1]"),
        ("model.lowercase=False", "SET: model.lowercase should be a valid boolean, found 'False'"),
        ("model.connection=skip",
         "SET: model.connection should be 'none', 'residual' or 'highway', found 'skip'"),
        ("model.context=all", "SET: model.context should be 'none' or 'global', found 'all'"),
        ("model.context_dim=0", "SET: model.context_dim should be greater than or equal to 1, found 0"),
        ("model.forget_bias=open", "SET: model.forget_bias should be a valid number, found 'open'"),
        ("model.clock_periods=[]", f"SET: model.clock_periods {PERIODS}, found []"),
        ("model.clock_periods=3", "SET: model.clock_periods should be a list, found 3"),
        ("model.clock_periods=[0,1]", f"SET: model.clock_periods {PERIODS}, found [0, 1]"),
        ("model.clock_periods=[-2,1]", f"SET: model.clock_periods {PERIODS}, found [-2, 1]"),
        ("model.clock_periods=[2,1]", f"SET: model.clock_periods {PERIODS}, found [2, 1]"),
        ("model.clock_periods=[1,2,2]", f"SET: model.clock_periods {PERIODS}, found [1, 2, 2]"),
        ("model.clock_periods=[1,1.5]", "SET: model.clock_periods.1 should be a valid integer, found 1.5"),
        ("model.clock_periods=['1']", "SET: model.clock_periods.0 should be a valid integer, found '1'"),
    ],
)  # fmt: skip
def test_an_override_that_is_wrong_is_refused_with_the_way_out(toml, override, message):
    with pytest.raises(ConfigError) as error:
        load_config(toml(""), [override])
    assert str(error.value) == message.replace("SET:", f"--set {override}:")


def test_a_wrong_value_is_told_from_where_it_stands(toml):
    path = toml("[model]\ncell = 'clockwork-rnn'\nhidden_dim = 0\n")
    with pytest.raises(ConfigError) as error:
        load_config(path, ["model.num_layers=2", "training.seed=3"])
    assert str(error.value) == f"{path}: model.hidden_dim should be greater than or equal to 1, found 0"
    fits = "should be at most 3 periods, as many as hidden_dim has units, found 4"
    with pytest.raises(ConfigError) as error:
        load_config(path, ["model.hidden_dim=9", "model.hidden_dim=3"])
    assert str(error.value) == f"--set model.hidden_dim=3: model.clock_periods {fits}"
    with pytest.warns(FutureWarning), pytest.raises(ConfigError) as error:
        load_config(toml(""), ["training.threads=0"])
    assert str(error.value) == "--set training.threads=0: run.threads should be greater than or equal to 1, found 0"


def test_an_override_of_what_is_no_table_is_refused(toml):
    with pytest.raises(ConfigError) as error:
        load_config(toml("model = 3\n"), ["model.num_layers=2"])
    assert str(error.value) == "--set model.num_layers=2: model should be a table, found 3"


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("training.seed=2",
         "--set training.seed=2: expected data.key=value: only how files are read can be set here"),
        ("data.tag_colum=2", "--set data.tag_colum=2: unknown key data.tag_colum; did you mean data.tag_column?"),
        ("data.scheme=x", f"SET: data.scheme {SCHEMES}, found 'x'"),
        ("data.tag_pattern=_", f"SET: data.tag_pattern {PATTERN}, found '_'"),
        ("data.tag_pattern={label}", f"SET: data.tag_pattern {PATTERN}, found '{{label}}'"),
        ("data.tag_pattern={prefix}-{prefix}{label}",
         f"SET: data.tag_pattern {PATTERN}, found '{{prefix}}-{{prefix}}{{label}}'"),
        ("data.tag_pattern={prefix}-{label}}", f"SET: data.tag_pattern {PATTERN}, found '{{prefix}}-{{label}}}}'"),
        ("data.tag_pattern={ prefix}-{label}", f"SET: data.tag_pattern {PATTERN}, found '{{ prefix}}-{{label}}'"),
    ],
)  # fmt: skip
def test_a_data_override_that_is_wrong_is_refused(override, message):
    with pytest.raises(ConfigError) as error:
        override_data(DataConfig(), [override])
    assert str(error.value) == message.replace("SET:", f"--set {override}:")


CELLS_TOLD = "lstm, gru, rnn, peephole-lstm, coupled-lstm, depth-gated-lstm, clockwork-rnn"
OWN_CELL = "a cell of your own is added to ner.network.cells.CELLS before its recipe is read"


def test_a_cell_that_nobody_knows_is_refused_when_the_recipe_is_read(toml):
    path = toml("[model]\ncell = 'lstmm'")
    with pytest.raises(ConfigError) as error:
        load_config(path)
    found = f"model.cell should be one of {CELLS_TOLD}, found 'lstmm'; did you mean lstm? {OWN_CELL}"
    assert str(error.value) == f"{path}: {found}"
    with pytest.raises(ConfigError) as error:
        load_config(toml(""), ["training.seed=2", "model.cell=xyz"])
    assert str(error.value) == (
        f"--set model.cell=xyz: model.cell should be one of {CELLS_TOLD}, found 'xyz'; {OWN_CELL}"
    )


def test_a_cell_of_ones_own_is_taken_once_it_is_added_and_the_others_are_known_everywhere(toml, monkeypatch):
    from ner import settings
    from ner.forward import cells as without_torch
    from ner.network import cells

    assert settings.CELLS == tuple(cells.CELLS) == tuple(without_torch.CELLS)
    monkeypatch.setitem(cells.CELLS, "mine", cells.CELLS["rnn"])
    assert load_config(toml(""), ["model.cell=mine"]).model.cell == "mine"


def test_a_missing_file_and_a_folder_are_refused(toml):
    toml("")
    with pytest.raises(ConfigError) as error:
        load_config("nowhere.toml")
    assert str(error.value) == "nowhere.toml: no such file; expected a TOML file such as configs/quickstart.toml"
    Path("folder").mkdir()
    with pytest.raises(ConfigError) as error:
        load_config("folder")
    assert str(error.value) == ("folder: expected a readable TOML file in UTF-8: [Errno 21] Is a directory: 'folder'")


def test_a_dict_is_read_as_a_file_is():
    assert parse_config({"training": {"seed": 7}}, "here").training.seed == 7
    with pytest.raises(ConfigError) as error:
        parse_config({"training": {"seed": None}}, "here")
    assert str(error.value) == "here: training.seed should be a valid integer, found None"


def test_misuse_ends_with_two_and_every_other_failure_with_one():
    assert ConfigError.exit_code == 2
    others = [kind for kind in NerError.__subclasses__() if kind is not ConfigError]
    assert {kind.exit_code for kind in (NerError, *others)} == {1}


def test_a_clockwork_network_needs_a_unit_for_each_module() -> None:
    with pytest.raises(ConfigError) as caught:
        parse_config({"model": {"cell": "clockwork-rnn", "hidden_dim": 3}}, "c.toml")
    assert (
        str(caught.value)
        == "c.toml: model.clock_periods should be at most 3 periods, as many as hidden_dim has units, "
        "found 4"
    )
    assert parse_config({"model": {"cell": "clockwork-rnn", "hidden_dim": 4}}, "c.toml").model.hidden_dim == 4
