"""Configurations as YAML: those that ship, and files of the user's own."""

from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml

from auditkit.data.formats import read_text
from auditkit.errors import SettingsError
from auditkit.files import regular
from auditkit.text import listing, one_of

MOST_CHARACTERS = 1_000_000
"""Of a configuration: the largest that ships has thousands."""
MOST_DIGITS = 400
"""Of an integer, whatever its base."""


class _UniqueKeys(yaml.SafeLoader):
    """YAML's safe loader, for which a key that stands twice is an error and none is a truth value.

    YAML 1.1 reads the key `on` as true. Aliases and endless integers are errors: what a file comes
    to is bounded by its length.
    """

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        """The next node, which is no alias: a few of them could stand for any amount of values."""
        if self.check_event(yaml.AliasEvent):
            mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
            raise yaml.composer.ComposerError(
                None, None, "aliases are not read; write the values out", mark
            )
        return super().compose_node(parent, index)

    def construct_yaml_int(self, node: yaml.ScalarNode) -> int:
        """A whole number."""
        if len(node.value) > MOST_DIGITS:
            raise yaml.constructor.ConstructorError(
                None, None, f"an integer of {len(node.value):,} digits", node.start_mark
            )
        return super().construct_yaml_int(node)

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


_UniqueKeys.add_constructor("tag:yaml.org,2002:int", _UniqueKeys.construct_yaml_int)


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
    values = _parsed(text, config)
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
    return _parsed(_text(file, f"no file {file!r}; give a YAML file with gates"), file)


def _text(file: str, otherwise: str) -> str:
    """What the file holds; where it cannot be read as one, `otherwise` is the complaint."""
    try:
        text = read_text(regular(Path(file)))
    except OSError as error:
        raise SettingsError(otherwise) from error
    if len(text) > MOST_CHARACTERS:
        raise SettingsError(f"{file}: more than {MOST_CHARACTERS:,} characters; expected settings")
    return text


def _parsed(text: str, origin: str) -> Any:
    try:
        return yaml.load(text, Loader=_UniqueKeys)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        line = f", line {mark.line + 1}" if mark else ""
        raise SettingsError(f"{origin}{line}: not valid YAML: {error.problem}") from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise SettingsError(f"{origin}: not valid YAML: {listing([str(error)])}") from error
