"""Configurations as YAML: those that ship, and files of the user's own."""

from collections.abc import Iterable
from importlib.resources import files
from pathlib import Path
from typing import Any

from auditkit.data.formats import read_text
from auditkit.errors import SettingsError
from auditkit.files import regular
from auditkit.strict_yaml import parsed
from auditkit.text import one_of, shown

DROPPER = "dropper"
"""What stands for another method that drops tokens, where probes stand by their names."""

MOST_CHARACTERS = 1_000_000
"""Of a configuration: the largest that ships has thousands."""


def read_config(config: str) -> dict[str, Any]:
    """A packaged configuration, that of a YAML file, or that of a run's manifest, by key.

    Raises:
        SettingsError: There is none of that name, or it is not YAML, or no mapping.
    """
    packaged = {
        entry.name.removesuffix(".yaml"): entry
        for entry in files("auditkit.configs").iterdir()
        if entry.name.endswith(".yaml")
    }
    if config in packaged:
        text = packaged[config].read_text(encoding="utf-8")
    else:
        text = _text(config, f"no config {config!r}; a YAML file, or {one_of(packaged, config)}")
    values = parsed(text, config)
    if isinstance(values, dict) and {"auditkit", "files", "settings"} <= values.keys():
        values = values["settings"]  # a run's manifest.json, which YAML reads as it is
    if values is None:
        return {}
    if not isinstance(values, dict) or not all(isinstance(key, str) for key in values):
        raise SettingsError(f"{config}: expected a mapping of names to values, as in default.yaml")
    return values


def read_yaml(file: str) -> Any:
    """What a YAML file holds.

    Raises:
        SettingsError: There is no such file, or it is not YAML.
    """
    return parsed(_text(file, f"no file {file!r}; give a YAML file with gates"), file)


def read_options(assignments: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Options of probes by probe, of lines such as `stopword.top=5`; values are YAML.

    Raises:
        SettingsError: A line is none, its value is not YAML, or an option stands twice.
    """
    found: dict[str, dict[str, Any]] = {}
    for line in assignments:
        place, equals, value = line.partition("=")
        probe, _, option = place.strip().rpartition(".")
        if not equals or not probe or not option:
            raise SettingsError(
                f"--set {shown(line)}: expected PROBE.OPTION=VALUE, such as stopword.top=5; "
                "`auditkit probes show PROBE` lists options"
            )
        if option in found.setdefault(probe, {}):
            raise SettingsError(f"--set {shown(line)}: {option} stands twice; give it once")
        found[probe][option] = parsed(value, f"--set {shown(line)}")
    return found


def _text(file: str, otherwise: str) -> str:
    """What the file holds; where it cannot be read as one, `otherwise` is the complaint."""
    try:
        text = read_text(regular(Path(file)))
    except OSError as error:
        raise SettingsError(otherwise) from error
    if len(text) > MOST_CHARACTERS:
        raise SettingsError(f"{file}: more than {MOST_CHARACTERS:,} characters; expected settings")
    return text
