"""What `auditkit run` is asked to do: a YAML file and flags → `Settings`.

Flags win over the file, the file over the defaults. Relative paths are relative to the working
directory, in a file as well as in a flag. Settings lie in sections, one for each room that takes
them; no name stands in two of them, so that flags and files need not name the section.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

from pydantic import (
    BeforeValidator,
    Field,
    StrictBool,
    ValidationError,
    ValidationInfo,
    field_validator,
)

from auditkit.bench.settings import ModelSettings
from auditkit.data.settings import DataSettings, Section
from auditkit.errors import SettingsError
from auditkit.plugin import discover
from auditkit.plugin.guard import TIMEOUT
from auditkit.plugin.own import in_a_file, without_folder
from auditkit.ranges import Name, Natural, Place, Positive
from auditkit.record.settings import RecordingSettings
from auditkit.run.configs import read_config, read_yaml
from auditkit.run.gates import Gate
from auditkit.text import one_of, shown

Where = tuple[str, ...]
"""Section and key; a key alone at the top."""


_NOT_DECIDING = frozenset(
    ["model", "quantize", "dropper", "dropper_options", "predictions", "baseline", "reseeded",
     "dataset", "data_dir", "out", "overwrite", "batch_tokens", "device", "strict",
     "speed_documents", "probe_timeout", "redact", "workers", "ray"]
)  # fmt: skip
"""Settings that decide no number in `results.json`, or are told by hashes and names:
paths, what is done to a model, speed, time limits, what pages show."""


class ProbeSettings(Section):
    """Which probes answer, and what they are given."""

    probes: tuple[Name, ...] | None = None
    """Names, and files with a class, `own/digits.py:Digits`; None: all that are installed."""
    without: tuple[str, ...] = ()
    options: dict[str, dict[str, Any]] = Field(default={})
    """By probe: its options."""
    glossary: Place | None = None
    lexicon: Name = "identity_en"
    """One that ships, or a YAML file."""
    swaps: Name = "english"
    """Words that can stand for one another, and templates: one that ships, or a YAML file."""
    attribution_sample: Natural = 200
    probe_timeout: Positive = TIMEOUT
    """Seconds that a third party's probe may take to be imported, to measure, and to analyse."""

    @field_validator("probes", "without", "options")
    @classmethod
    def _are_probes(cls, value: Any, info: ValidationInfo) -> Any:
        installed = discover() if value else {}
        chosen = info.data.get("probes") or ()
        if any(in_a_file(name) for name in chosen):  # what they are called is known when they run
            return value
        for name in value or ():
            if name not in installed and not (info.field_name == "probes" and in_a_file(name)):
                raise ValueError(f"no probe {name!r}; {one_of(installed, name)}")
        return value


def _as_text(value: Any) -> Any:
    return str(value) if isinstance(value, Path) else value


class Settings(Section):
    """One run, fully said. `configs/default.yaml` explains every key and repeats its default."""

    models: ModelSettings
    data: DataSettings
    recording: RecordingSettings = RecordingSettings()
    probing: ProbeSettings = ProbeSettings()
    gates: tuple[Gate, ...] = ()
    """Limits on measurements; none: the verdict sets no exit code."""
    speed_documents: Natural = 256
    """0: times are not measured."""
    out: Annotated[Name | None, BeforeValidator(_as_text)] = None
    """A directory, or a URL that fsspec knows."""
    overwrite: StrictBool = False
    redact: StrictBool = False
    """Whether the pages leave out what is of the data set; `results.json` is whole."""

    def flat(self) -> dict[str, Any]:
        """All settings by key, as plain JSON."""
        dumped = self.model_dump(mode="json")
        sections = [dumped.pop(name) for name in SECTIONS]
        return {key: value for part in (*sections, dumped) for key, value in part.items()}

    def deciding(self) -> dict[str, Any]:
        """The settings that decide the numbers, without a machine's paths."""
        kept = {key: value for key, value in self.flat().items() if key not in _NOT_DECIDING}
        for key in ("glossary", "spacy_model", "training_data"):
            kept[key] = Path(kept[key]).name if kept[key] else None
        for key in ("lexicon", "swaps"):
            kept[key] = Path(kept[key]).name
        kept["probes"] = kept["probes"] and [without_folder(name) for name in kept["probes"]]
        return kept


SECTIONS: Mapping[str, type[Section]] = {
    name: field.annotation
    for name, field in Settings.model_fields.items()
    if isinstance(field.annotation, type) and issubclass(field.annotation, Section)
}
PLACES: Mapping[str, Where] = {
    **{key: (name, key) for name, kind in SECTIONS.items() for key in kind.model_fields},
    **{key: (key,) for key in Settings.model_fields if key not in SECTIONS},
}
"""Where each key of a file or flag belongs."""
OPTIONS: Where = PLACES["options"]


def load_settings(
    config: str | None, flags: Mapping[str, Any], *, origin: str = "flags"
) -> Settings:
    """The settings of a run.

    Args:
        config: A packaged configuration (`default`, `agnews`, `imdb`) or the path of a YAML file.
        flags: By key, or by section and key; None and () are flags that were not given.
        origin: What errors call the flags.

    Raises:
        SettingsError: `section -> key: message, value seen`, one for every key at fault, in one
            line; the section is the file or `flags`.
    """
    given = _placed(origin, {k: v for k, v in flags.items() if v is not None and v != ()})
    values = _placed(config, read_config(config)) if config is not None else {}
    if all(isinstance(part.get(OPTIONS), Mapping) for part in (given, values)):
        given[OPTIONS] = _over(values[OPTIONS], given[OPTIONS])
    nested: dict[str, Any] = {name: {} for name in SECTIONS}
    for (*section, key), value in _with_predictions(origin, {**values, **given}).items():
        (nested[section[0]] if section else nested)[key] = value
    try:
        return Settings.model_validate(nested)
    except ValidationError as error:
        problems = [
            _problem(origin if _place(item["loc"]) in given else config or origin, item)
            for item in error.errors()
        ]
        raise SettingsError("; ".join(problems)) from error


def _over(options: Mapping[str, Any], flags: Mapping[str, Any]) -> dict[str, Any]:
    """The options of probes that a file gives, and over them those of flags, one by one."""
    both = [name for name in flags if isinstance(options.get(name), Mapping)]
    return {**options, **flags, **{name: {**options[name], **flags[name]} for name in both}}


def _with_predictions(origin: str, values: Mapping[Where, Any]) -> dict[Where, Any]:
    """Settings in which a file of saved predictions, if there is one, stands for models and data.

    Raises:
        SettingsError: Models or data are named too.
    """
    file = values.get(("models", "predictions"))
    if not isinstance(file, str | Path):  # none is given, or what is no name
        return dict(values)
    stands_for: dict[Where, str] = {
        ("models", "model"): str(file),
        ("data", "dataset"): str(file),
    }
    others = [("models", key) for key in ("baseline", "reseeded", "quantize", "dropper")]
    for place in (*stands_for, *others):
        if values.get(place) not in (None, stands_for.get(place)):
            raise SettingsError(
                f"{origin} -> predictions: it stands for models and data; leave {place[-1]} out, "
                f"seen {shown(values[place])}"
            )
    return {**values, ("models", "predictions"): str(file), **stands_for}


def read_gates(file: str) -> tuple[Gate, ...]:
    """The gates of a YAML file: a list of them, or a configuration with the key `gates`.

    Raises:
        SettingsError: As `load_settings`, or there is none.
    """
    found = read_yaml(file)
    values = found if isinstance(found, Mapping) else {"gates": found}
    if not isinstance(values.get("gates"), list) or not values["gates"]:
        raise SettingsError(f"{file}: no gates; expected a list, each with address and at_least "
                            "or at_most")  # fmt: skip
    gates: tuple[Gate, ...] = section_of("gates", values, origin=file)
    return gates


def section_of(name: str, flags: Mapping[str, Any], *, origin: str = "flags") -> Any:
    """A section or a single key, checked where there are no settings of a run: `load_settings`.

    Raises:
        SettingsError: As `load_settings`.
    """
    needed = {"model": "none", "dataset": "none"}
    return getattr(load_settings(None, {**needed, **flags}, origin=origin), name)


def _placed(origin: str, values: Mapping[str, Any]) -> dict[Where, Any]:
    """Values by place, whether they were given by key or by section and key."""
    placed: dict[Where, Any] = {}
    for name, value in values.items():
        if name not in SECTIONS:
            inside = [(PLACES.get(name, (name,)), value)]
        elif isinstance(value, Mapping):
            inside = [((name, str(key)), part) for key, part in value.items()]
        else:
            raise SettingsError(
                f"{origin} -> {name}: expected keys and values, seen {shown(value)}"
            )
        for place, part in inside:
            if place in placed:
                raise SettingsError(
                    f"{origin} -> {place[-1]}: stands twice, alone and in {place[0]}"
                )
            placed[place] = part
    return placed


def _place(location: Sequence[int | str]) -> Where:
    """Section and key of what pydantic complains of."""
    return tuple(str(part) for part in location[: 2 if location[0] in SECTIONS else 1])


def _problem(origin: str, item: Mapping[str, Any]) -> str:
    """One pydantic error as `section -> key: message, value seen`."""
    *section, key = place = _place(item["loc"])
    if item["type"] == "extra_forbidden":
        names: Iterable[str] = SECTIONS[section[0]].model_fields if section else PLACES
        if place == ("gates",):
            names, key = Gate.model_fields, str(item["loc"][-1])
            place = (*place, *map(str, item["loc"][1:]))
        return f"{' -> '.join([origin, *place])}: no such key; {one_of(names, key)}"
    where = " -> ".join([origin, key, *map(str, item["loc"][len(place) :])])
    if item["type"] == "missing":
        return f"{where}: missing; give --{key.replace('_', '-')} or the key in a config"
    return f"{where}: {str(item['msg']).removeprefix('Value error, ')}, seen {shown(item['input'])}"
