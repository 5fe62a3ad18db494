"""Configurations as YAML: those that ship, and files of the user's own."""

from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml

from auditkit.data.formats import read_text
from auditkit.errors import SettingsError
from auditkit.text import listing, one_of


class _UniqueKeys(yaml.SafeLoader):
    """YAML's safe loader, for which a key that stands twice is an error and none is a truth value.

    YAML 1.1 reads the key `on` as true.
    """

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """The mapping at `node`."""
        seen: set[str] = set()
        for key in (key for key, _ in node.value if isinstance(key, yaml.ScalarNode)):
            if key.value in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"key {key.value!r} stands twice", key.start_mark
                )
            seen.add(key.value)
            if key.tag == "tag:yaml.org,2002:bool":
                key.tag = "tag:yaml.org,2002:str"
        return super().construct_mapping(node, deep=deep)


def read_config(config: str) -> dict[str, Any]:
    """A packaged configuration, or that of a YAML file, by key.

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
    elif Path(config).is_file():
        text = read_text(Path(config))
    else:
        raise SettingsError(f"no config {config!r}; a YAML file, or {one_of(packaged, config)}")
    values = _parsed(text, config)
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
    if not Path(file).is_file():
        raise SettingsError(f"no file {file!r}; give a YAML file with gates")
    return _parsed(read_text(Path(file)), file)


def _parsed(text: str, origin: str) -> Any:
    try:
        return yaml.load(text, Loader=_UniqueKeys)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        line = f", line {mark.line + 1}" if mark else ""
        raise SettingsError(f"{origin}{line}: not valid YAML: {error.problem}") from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise SettingsError(f"{origin}: not valid YAML: {listing([str(error)])}") from error
