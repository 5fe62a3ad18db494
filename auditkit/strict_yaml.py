"""YAML whose values are what they look like, and no more of them than the text is long."""

from typing import Any

import yaml

from auditkit.errors import SettingsError
from auditkit.text import listing

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


def parsed(text: str, origin: str) -> Any:
    """What a YAML text holds.

    Args:
        text: The whole text.
        origin: What errors call it.

    Raises:
        SettingsError: It is not YAML.
    """
    try:
        return yaml.load(text, Loader=_UniqueKeys)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        line = f", line {mark.line + 1}" if mark else ""
        raise SettingsError(f"{origin}{line}: not valid YAML: {error.problem}") from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise SettingsError(f"{origin}: not valid YAML: {listing([str(error)])}") from error
