import os
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from auditkit.bench.settings import ModelSettings
from auditkit.errors import DataError, SettingsError
from auditkit.ltp.inference import BATCH_TOKENS
from auditkit.run.settings import (
    PLACES,
    SECTIONS,
    Settings,
    load_settings,
    read_gates,
)

NEEDED = {"model": "m", "dataset": "agnews"}
EVERY_KEY = """
baseline: b
reseeded: r
score_norm: alive
max_length: 9
device: cpu
dtype: float16
batch_tokens: 9
split: s
limit: 9
text_column: t
label_column: l
groups: [g]
rationale_column: r
data_dir: d
spacy_model: p
strict: true
seed: 9
random_draws: 9
random_documents: 9
repeat_documents: 9
probes: [stopword]
without: [entity]
options: {stopword: {}}
glossary: g
attribution_sample: 9
speed_documents: 9
out: o
overwrite: true
"""
"""A value that is not the default for every key that has one."""


def test_flags_win_over_the_file_and_the_file_over_the_defaults(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("model: m\ndataset: imdb\nseed: 7\nrandom_draws: 5\ngroups: [a, 'b,c']\n")
    settings = load_settings(str(path), {"seed": 9, "limit": None, "without": (), "dataset": "x"})
    assert settings.recording.seed == 9
    assert settings.data.dataset == "x"
    assert settings.recording.random_draws == 5
    assert settings.data.limit is None
    assert settings.data.groups == ("a", "b,c")
    assert settings.models.batch_tokens == BATCH_TOKENS
    assert load_settings(str(path), {"groups": "a, b ,"}).data.groups == ("a", "b")


def test_the_default_config_repeats_the_defaults_of_every_field() -> None:
    values = yaml.safe_load((files("auditkit.configs") / "default.yaml").read_text())
    assert {*values, "model", "dataset"} == set(PLACES)
    assert load_settings("default", NEEDED) == load_settings(None, NEEDED)


@pytest.mark.parametrize("name", ["agnews", "imdb"])
def test_packaged_configs(name: str) -> None:
    settings = load_settings(name, {"model": "m"})
    assert (settings.data.dataset, settings.data.split) == (name, "test")


def test_no_name_stands_in_two_sections() -> None:
    keys = [key for section in SECTIONS.values() for key in section.model_fields]
    keys += [*SECTIONS, *(key for key in Settings.model_fields if key not in SECTIONS)]
    assert len(keys) == len(set(keys)) == len(PLACES) + len(SECTIONS)
    assert set(SECTIONS) == {"models", "data", "recording", "probing"}


@settings(max_examples=20, deadline=None)
@given(st.sets(st.sampled_from(sorted(set(PLACES) - {"model", "dataset"}))))
def test_a_key_means_the_same_alone_and_in_its_section(inside: set[str]) -> None:
    values = yaml.safe_load(EVERY_KEY)
    nested: dict[str, Any] = {}
    for key, value in values.items():
        *section, _ = PLACES[key]
        where = nested.setdefault(section[0], {}) if section and key in inside else nested
        where[key] = value
    settings = load_settings(None, {**NEEDED, **nested})
    assert settings == load_settings(None, {**NEEDED, **values})
    assert {key: settings.flat()[key] for key in values} == values
    defaults = load_settings(None, NEEDED).flat()
    assert all(value != defaults[key] for key, value in values.items())
    assert set(defaults) == set(PLACES)


def test_a_flag_wins_over_a_key_in_its_section(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("models: {model: m, dtype: bfloat16}\ndata: {dataset: d}\nrecording: {}\n")
    assert load_settings(str(path), {}).models.dtype == "bfloat16"
    assert load_settings(str(path), {"dtype": "float16"}).models.dtype == "float16"
    assert load_settings(str(path), {"models": {"dtype": "float16"}}).models.dtype == "float16"
    path.write_text("dtype: bfloat16\n")
    assert load_settings(str(path), {**NEEDED, "models": {"max_length": 9}}).models == (
        ModelSettings(model="m", dtype="bfloat16", max_length=9)
    )


def test_settings_cannot_be_changed() -> None:
    settings = load_settings(None, NEEDED)
    for section, key in ((settings, "out"), (settings.models, "dtype"), (settings.data, "split")):
        with pytest.raises(ValidationError, match="frozen"):
            setattr(section, key, "float16")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("random_drawz: 3", "random_drawz: no such key; did you mean random_draws[?] available: "),
        ("recording: {random_drawz: 3}", "-> recording -> random_drawz: no such key; did you mean "
         "random_draws[?] available: random_documents, random_draws, ray, repeat_documents, seed"),
        ("models: {seed: 3}", "-> models -> seed: no such key; .*available: baseline, batch_tok"),
        ("models: {dtype: int8}", "-> dtype: .*'float32', 'bfloat16' or 'float16', seen 'int8'"),
        ("models: m", "-> models: expected keys and values, seen 'm'"),
        ("seed: 1\nrecording: {seed: 1}", "-> seed: stands twice, alone and in recording"),
        ("repeat_documents: -1", "-> repeat_documents: .*greater than or equal to 0, seen -1"),
        ("random_draws: -1", "-> random_draws: .*greater than or equal to 0, seen -1"),
        ("batch_tokens: 0", "-> batch_tokens: .*greater than or equal to 1, seen 0"),
        ("batch_tokens: true", "-> batch_tokens: .*valid integer, seen True"),
        ("limit: 1.5", "-> limit: .*seen 1.5"),
        ("strict: 'yes'", "-> strict: .*valid boolean, seen 'yes'"),
        ("dtype: int8", "-> dtype: .*'float32', 'bfloat16' or 'float16', seen 'int8'"),
        ("device: cuda:x", "-> device: expected auto, cpu, cuda or cuda:NUMBER, seen 'cuda:x'"),
        ("probes: [stopwords]", "-> probes: no probe 'stopwords'; did you mean stopword[?] avail"),
        ("without: [x]", "-> without: no probe 'x'; available: .*pos_retention"),
        ("options: {x: {}}", "-> options: no probe 'x'"),
        ("options: {stopword: 3}", "-> options -> stopword: .*dictionary, seen 3"),
        ("groups: {a: 1}", "-> groups: .*tuple"),
        ("seed: 1\nmodel: m\nseed: 2", "bad.yaml, line 3: not valid YAML: key 'seed' stands twice"),
        ("options: {stopword: {a: 1, a: 2}}", "line 1: .*key 'a' stands twice"),
        ("a: [1", "line 1: not valid YAML"),
        ("model: !!python/object/apply:os.getcwd []", "line 1: not valid YAML"),
        ("? [1, 2]\n: 3", "not valid YAML: found unhashable key"),
        ("- a", "expected a mapping of names"),
        ("1: a", "expected a mapping of names"),
        ("model: \x00", "not valid YAML"),
        ("[" * 5000, "not valid YAML"),
        ("seed: 0x" + "f" * 5000, "line 1: not valid YAML: an integer of 5,002 digits"),
        ("seed: " + "9" * 5000, "line 1: not valid YAML: an integer of 5,000 digits"),
        ("seed: 0x" + "f" * 300, "-> seed: .*less than or equal to 2147483647, seen "),
        ("a: &a [x, x]\nb: [*a, *a]", "line 2: not valid YAML: aliases are not read; write the"),
        ("options: &a {stopword: *a}", "line 1: not valid YAML: aliases are not read"),
        ("# " + "x" * 1_000_000, "more than 1,000,000 characters; expected settings"),
        ('glossary: "a\\0b"', "-> glossary: holds NUL or what is not Unicode"),
        ('out: "a\\ud800"', "-> out: .*unicode string"),
        ('groups: ["a\\0"]', "-> groups -> 0: holds NUL"),
        ("out: ''", "-> out: .*at least 1 character"),
        ("data_dir: ''", "-> data_dir: .*at least 1 character"),
        ("seed: 4294967296", "-> seed: .*less than or equal to 2147483647"),
        ("random_draws: 32769", "-> random_draws: .*less than or equal to 1000"),
        ("limit: 1.0e12", "-> limit: .*valid integer"),
        ("gates: [{address: a.b, at_least: .inf}]", "at_least.*finite number, seen inf"),
        ("gates: [{address: a.b, at_least: true}]", "at_least.*valid number, seen True"),
    ],
)  # fmt: skip
def test_a_bad_config_is_one_clear_line(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text(content)
    with pytest.raises(SettingsError, match=message) as caught:
        load_settings(str(path), NEEDED)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_bad_flag_says_that_it_is_a_flag_and_every_fault_is_said() -> None:
    with pytest.raises(SettingsError) as caught:
        load_settings("agnews", {"seed": -1, "dtype": "x" * 999})
    message = str(caught.value)
    assert message.startswith("agnews -> model: missing; give --model or the key in a config; ")
    assert "flags -> seed: " in message
    assert "flags -> dtype: " in message
    assert len(message) < 500


def test_no_such_config(tmp_path: Path) -> None:
    with pytest.raises(
        SettingsError, match="no config 'agnew'; a YAML file, or did you mean agnews"
    ):
        load_settings("agnew", NEEDED)
    os.mkfifo(tmp_path / "pipe.yaml")
    for odd in (str(tmp_path), str(tmp_path / "pipe.yaml"), "", "a\0b", "\ud800", "x" * 5000):
        with pytest.raises(SettingsError, match="available: agnews, default, imdb"):
            load_settings(odd, NEEDED)
        with pytest.raises(SettingsError, match="no file"):
            read_gates(odd)
    (tmp_path / "a.yaml").write_bytes(b"\xff")
    with pytest.raises(DataError, match="not UTF-8"):
        load_settings(str(tmp_path / "a.yaml"), NEEDED)
    (tmp_path / "b.yaml").write_text("# nothing\n")
    assert load_settings(str(tmp_path / "b.yaml"), NEEDED) == load_settings(None, NEEDED)


@settings(deadline=None)
@given(st.recursive(st.none() | st.text() | st.integers(), lambda s: st.lists(s) | st.tuples(s)))
def test_whatever_is_given_the_answer_is_settings_or_a_settings_error(value: Any) -> None:
    for field in (*PLACES, *SECTIONS):
        message = ""
        try:
            load_settings(None, {**NEEDED, field: value})
        except SettingsError as error:
            message = str(error)
        assert message == "" or f"-> {field}" in message
