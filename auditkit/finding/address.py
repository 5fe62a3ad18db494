"""Addresses: one way to name a number, for gates, comparisons, exports and the page alike.

    performance.accuracy[arm=pruned]
    performance.f1[arm=pruned,class="Sci, Tech"].low
    entity.lift[arm=pruned,type=PERSON]

A probe, a measurement, keys from a closed list that say where it was measured, and for one part of
it a field. Values are quoted as in JSON where they hold a character that the grammar uses. Keys are
printed in the order of `KEYS`, and read in any order.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from auditkit.errors import ProbeError, SettingsError
from auditkit.text import cut, one_of

KEYS = (
    "arm", "against", "layer", "class", "category", "type", "pieces", "term", "column", "group",
    "bucket", "perturbation", "swap", "dataset", "draw", "level",
)  # fmt: skip
"""What a place may be told by. A third party's own keys begin with its distribution and a dot."""

FIELDS = ("value", "low", "high", "n", "n_clusters", "p", "p_adjusted")
"""Parts of a measurement; none of them is the name of one."""

_NAME = re.compile(r"[A-Za-z_]\w*", re.ASCII)
_DOTTED = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*", re.ASCII)
_OWN_KEY = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)+", re.ASCII)
_BARE = re.compile(r"[^,=\"\[\]\s](?:[^,=\"\[\]\x00-\x1f]*[^,=\"\[\]\s])?")
_STRING = json.JSONDecoder(strict=False)


def ordered(at: Mapping[str, Any]) -> dict[str, str]:
    """`at` in the order of `KEYS`, keys of third parties last, values as text.

    Raises:
        ProbeError: A key that is not in the list and has no distribution before it.
    """
    for key in at:
        if key not in KEYS and not _OWN_KEY.fullmatch(key):
            raise ProbeError(
                f"key {key!r} is not one that a measurement is told by; {one_of(KEYS, key)}; a key "
                "of your own is written distribution.key"
            )
    places = {key: number for number, key in enumerate(KEYS)}
    keys = sorted(at, key=lambda key: (places.get(key, len(KEYS)), key))
    return {key: str(at[key]) for key in keys}


def named(name: str) -> str:
    """`name`, if a measurement may be called that.

    Raises:
        ProbeError: It is no identifier, or the name of a field.
    """
    if not _NAME.fullmatch(name) or name in FIELDS:
        raise ProbeError(
            f"a measurement is called {name!r:.80}; expected letters, digits and underscores, and "
            f"none of {', '.join(FIELDS)}"
        )
    return name


def where(name: str, at: Mapping[str, str]) -> str:
    """`name[key=value,…]`: the part of an address inside of its probe.

    >>> where("f1", {"arm": "pruned", "class": "Sci, Tech"})
    'f1[arm=pruned,class="Sci, Tech"]'
    """
    parts = ",".join(f"{key}={_quoted(value)}" for key, value in at.items())
    return f"{name}[{parts}]" if parts else name


@dataclass(frozen=True, slots=True)
class Address:
    """Where a number stands.

    Raises:
        ProbeError: A name, a key or a field that no address may have.
    """

    probe: str
    measurement: str
    at: Mapping[str, str] = field(default_factory=dict)
    field: str = ""
    """One of `FIELDS`; "" for the measurement as a whole."""

    def __post_init__(self) -> None:
        named(self.measurement)
        object.__setattr__(self, "at", ordered(self.at))
        if self.field and self.field not in FIELDS:
            raise ProbeError(f"no field {self.field!r}; {one_of(FIELDS, self.field)}")

    def __str__(self) -> str:
        plain = _DOTTED.fullmatch(self.probe)
        probe = self.probe if plain else json.dumps(self.probe, ensure_ascii=False)
        tail = f".{self.field}" if self.field else ""
        return f"{probe}.{where(self.measurement, self.at)}{tail}"


def parse_address(text: str) -> Address:
    """Read what `str(Address)` prints.

    Raises:
        SettingsError: It is no address; the line says what was expected where.
    """
    try:
        return _Reader(text).address()
    except ProbeError as error:
        raise SettingsError(
            f"address {cut(text, 120)!r}: {error}; expected probe.measurement[key=value,…].field"
        ) from error


class _Reader:
    """One pass over the text of an address, from left to right."""

    def __init__(self, text: str) -> None:
        self.text, self.place = text, 0

    def address(self) -> Address:
        names = self.names()
        at: dict[str, str] = {}
        tail = ""
        if self.take("["):
            at = self.keys()
            if self.take("."):
                tail = self.matched(_NAME, "a field")
        elif len(names) > 2 and names[-1] in FIELDS:
            tail = names.pop()
        if self.place < len(self.text):
            raise ProbeError(f"{cut(self.text[self.place :], 40)!r} is left over")
        if len(names) < 2:
            raise ProbeError("a probe and a measurement are needed")
        return Address(".".join(names[:-1]), names[-1], at, tail)

    def names(self) -> list[str]:
        """The dotted names before the bracket; a quoted probe is one of them."""
        found = [self.string() if self.peek() == '"' else self.matched(_PART, "a name")]
        while self.take("."):
            found.append(self.matched(_PART, "a name"))
        return found

    def keys(self) -> dict[str, str]:
        """Everything up to the closing bracket."""
        found: dict[str, str] = {}
        while True:
            key = self.matched(_DOTTED, "a key")
            if key in found:
                raise ProbeError(f"key {key} stands twice")
            if not self.take("="):
                raise ProbeError(f"key {key} has no value")
            quoted = self.peek() == '"'
            found[key] = self.string() if quoted else self.matched(_BARE, f"a value of {key}")
            if self.take("]"):
                return found
            if not self.take(","):
                raise ProbeError(f"after {key} a comma or a closing bracket is missing")

    def peek(self) -> str:
        return self.text[self.place : self.place + 1]

    def take(self, sign: str) -> bool:
        there = self.peek() == sign
        self.place += there
        return there

    def matched(self, pattern: re.Pattern[str], what: str) -> str:
        found = pattern.match(self.text, self.place)
        if found is None:
            seen = cut(self.text[self.place :], 20) or "the end"
            raise ProbeError(f"{what} is missing where {seen!r} stands")
        self.place = found.end()
        return found[0]

    def string(self) -> str:
        """A quoted value."""
        try:
            value, self.place = _STRING.raw_decode(self.text, self.place)
        except ValueError as error:
            raise ProbeError("a quote is not closed") from error
        return str(value)


_PART = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)


def _quoted(value: str) -> str:
    return value if _BARE.fullmatch(value) else json.dumps(value, ensure_ascii=False)
