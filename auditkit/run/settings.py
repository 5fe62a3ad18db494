"""What `auditkit run` is asked to do: a YAML file and flags → `Settings`.

Flags win over the file, the file over the defaults. Relative paths are relative to the working
directory, in a file as well as in a flag.
"""

import re
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, StrictBool, ValidationError, field_validator

from auditkit.data.sources import open_source, read_text
from auditkit.errors import DataError, SettingsError
from auditkit.plugin.probe import discover
from auditkit.text import listing, one_of

Natural = Annotated[int, Field(strict=True, ge=0)]
Positive = Annotated[int, Field(strict=True, ge=1)]


class Settings(BaseModel):
    """One run, fully said. `configs/default.yaml` explains every field and repeats its default."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str
    dataset: str
    baseline: str | None = None
    score_norm: str | None = None
    """Of a checkpoint of the original implementation. None: what its recipe assumes."""
    split: str | None = None
    limit: Positive | None = None
    text_column: str | None = None
    label_column: str | None = None
    groups: tuple[str, ...] = ()
    data_dir: Path | None = None
    out: Path | None = None
    overwrite: StrictBool = False
    device: str = "auto"
    dtype: Literal["float32", "bfloat16", "float16"] = "float32"
    batch_tokens: Positive = 7168
    random_draws: Natural = 3
    random_documents: Natural = 2000
    attribution_sample: Natural = 200
    speed_documents: Natural = 256
    """0: times are not measured."""
    glossary: Path | None = None
    spacy_model: str | None = None
    probes: tuple[str, ...] | None = None
    """None: all that are installed."""
    without: tuple[str, ...] = ()
    options: dict[str, dict[str, Any]] = {}
    """By probe: its options."""
    seed: Natural = 0
    strict: StrictBool = False
    max_length: Positive | None = None
    """None: the checkpoint's."""

    @field_validator("groups", mode="before")
    @classmethod
    def _split_at_commas(cls, value: Any) -> Any:
        if isinstance(value, str):
            return tuple(filter(None, (part.strip() for part in value.split(","))))
        return value

    @field_validator("device")
    @classmethod
    def _is_device(cls, value: str) -> str:
        if not re.fullmatch(r"auto|cpu|cuda(:\d+)?", value, flags=re.ASCII):
            raise ValueError("expected auto, cpu, cuda or cuda:NUMBER")
        return value

    @field_validator("probes", "without", "options")
    @classmethod
    def _are_probes(cls, value: Any) -> Any:
        installed = discover() if value else {}
        for name in value or ():
            if name not in installed:
                raise ValueError(f"no probe {name!r}; {one_of(installed, name)}")
        return value


def load_settings(config: str | None, flags: Mapping[str, Any]) -> Settings:
    """The settings of a run.

    Args:
        config: A packaged configuration (`default`, `agnews`, `imdb`) or the path of a YAML file.
        flags: By field name; None and () are flags that were not given.

    Raises:
        SettingsError: `section -> key: message, value seen`, one for every key at fault, in one
            line; the section is the file or `flags`.
    """
    given = {key: value for key, value in flags.items() if value is not None and value != ()}
    values = _read_config(config) if config is not None else {}
    try:
        return Settings.model_validate({**values, **given})
    except ValidationError as error:
        problems = [
            _problem("flags" if item["loc"][0] in given else config or "flags", item)
            for item in error.errors()
        ]
        raise SettingsError("; ".join(problems)) from error


def read_glossary(path: Path) -> tuple[str, ...]:
    """The user's domain terms, each once, whatever its case, in the order of the file.

    A .csv has a column `term`. Any other file has one term a line; a line that starts with `#` is
    a comment.

    Raises:
        DataError: No such file, not UTF-8, no column `term`, or no term in it.
    """
    if path.suffix.lower() == ".csv":
        source = open_source(str(path))
        if "term" not in source.columns:
            raise DataError(
                f"glossary {path.name}: no column 'term'; available: {listing(source.columns)}"
            )
        found = [str(value) for value in source.values("term")]
    else:
        lines = read_text(path).splitlines()
        found = [line for line in lines if not line.lstrip().startswith("#")]
    terms: dict[str, str] = {}
    for term in (" ".join(value.split()) for value in found):
        if term:
            terms.setdefault(term.casefold(), term)
    if not terms:
        raise DataError(f"glossary {path.name}: no terms; expected one a line")
    return tuple(terms.values())


class _UniqueKeys(yaml.SafeLoader):
    """YAML's safe loader, for which a key that stands twice is an error."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """The mapping at `node`."""
        seen: set[str] = set()
        for key in (key for key, _ in node.value if isinstance(key, yaml.ScalarNode)):
            if key.value in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"key {key.value!r} stands twice", key.start_mark
                )
            seen.add(key.value)
        return super().construct_mapping(node, deep=deep)


def _read_config(config: str) -> dict[str, Any]:
    packaged = {
        entry.name.removesuffix(".yaml"): entry
        for entry in files("auditkit.configs").iterdir()
        if entry.name.endswith(".yaml")
    }
    if config in packaged:
        text = packaged[config].read_text(encoding="utf-8")
    elif Path(config).is_file():
        text = read_text(Path(config))
    else:
        raise SettingsError(f"no config {config!r}; a YAML file, or {one_of(packaged, config)}")
    try:
        values = yaml.load(text, Loader=_UniqueKeys)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        line = f", line {mark.line + 1}" if mark else ""
        raise SettingsError(f"{config}{line}: not valid YAML: {error.problem}") from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise SettingsError(f"{config}: not valid YAML: {listing([str(error)])}") from error
    if values is None:
        return {}
    if not isinstance(values, dict) or not all(isinstance(key, str) for key in values):
        raise SettingsError(f"{config}: expected a mapping of names to values, as in default.yaml")
    return values


def _problem(section: str, item: Mapping[str, Any]) -> str:
    """One pydantic error as `section -> key: message, value seen`."""
    where = " -> ".join([section, *(str(part) for part in item["loc"])])
    if item["type"] == "missing":
        flag = str(item["loc"][0]).replace("_", "-")
        return f"{where}: missing; give --{flag} or the key in a config"
    if item["type"] == "extra_forbidden":
        return f"{where}: no such key; {one_of(Settings.model_fields, str(item['loc'][0]))}"
    message = str(item["msg"]).removeprefix("Value error, ")
    seen = repr(item["input"])
    return f"{where}: {message}, seen {seen if len(seen) <= 80 else f'{seen[:79]}…'}"
