"""What a column of labels holds: the class of every row, by name."""

import math
import re
import unicodedata
from collections.abc import Collection, Sequence

from auditkit.data.formats import Source
from auditkit.errors import DataError
from auditkit.text import listing

NOT_LABELLED = "-1"
"""How public data sets write that a row has no label."""

Sides = tuple[tuple[str, ...], tuple[str, ...]]
"""One `A=b+c` of --labels: the names on the left and on the right."""

_INTEGER = re.compile(r"-?(0|[1-9]\d{0,17})", flags=re.ASCII)
_NAME = re.compile(r'\s*"(?:[^"]|"")+"\s*|[^",=+]*[^",=+\s][^",=+]*')
_SIDE = rf"(?:{_NAME.pattern})(?:\+(?:{_NAME.pattern}))*"
_PAIR = re.compile(rf"(?P<left>{_SIDE})=(?P<right>{_SIDE})(?:,|$)")
_WHOLE = re.compile(r"(-?\d{1,18})(\.0*)?", flags=re.ASCII)


def folded(name: str) -> str:
    """A name as names are compared: without case, blanks around it, and forms of Unicode."""
    return unicodedata.normalize("NFC", name).strip().casefold()


def is_numbered(names: Collection[str]) -> bool:
    """Whether all are whole numbers: classes that have no names."""
    return all(_INTEGER.fullmatch(name) for name in names)


def classes_of(source: Source, column: str) -> list[str]:
    """Every row's class by name, "" where it is missing; integers by their digits.

    A column of numbers is read alike from every kind of file: pandas writes whole numbers as 0.0
    and 1.0 where one of them is missing. A label of -1 is `NOT_LABELLED`.

    Raises:
        DataError: A value is no class, or outside of the names that the column declares.
    """
    names = source.class_names.get(column)
    found = [
        _class_name(value, names, f"{source.name}, row {row}, column {column!r}")
        for row, value in enumerate(source.values(column), start=1)
    ]
    whole = {name: _WHOLE.fullmatch(name) for name in set(found) if name}
    if names is None and whole and all(whole.values()):
        digits = {name: str(int(match[1])) for name, match in whole.items() if match}
        return [digits.get(name, "") for name in found]
    return found


def without_label(names: Collection[str], declared: bool, asked: Sequence[Sides]) -> bool:
    """Whether a label of -1 says that there is none: beside 0, 1, …, or beside declared names.

    Not where --labels names it, nor beside 1 alone, as in opinions for and against.
    """
    if any(NOT_LABELLED in side for pair in asked for side in pair):
        return False
    others = {name for name in names if name != NOT_LABELLED}
    return declared or (is_numbered(others) and (not others or "0" in others))


def parse_labels(text: str) -> tuple[Sides, ...]:
    """`A=b,C=d+e` as pairs of names; in double quotes a name may hold any of , = + and "".

    Raises:
        ValueError: It is not of that form.
    """
    found, at = [], 0
    while at < len(text):
        match = _PAIR.match(text, at)
        if match is None:
            raise ValueError("expected MODEL=DATA,MODEL=DATA+DATA,…")
        found.append((_plain(match["left"]), _plain(match["right"])))
        at = match.end()
    return tuple(found)


def _plain(side: str) -> tuple[str, ...]:
    """The names of one side, without their quotes."""
    names = (name.strip() for name in _NAME.findall(side))
    return tuple(n[1:-1].replace('""', '"') if n.startswith('"') else n for n in names)


def _class_name(value: object, names: Sequence[str] | None, where: str) -> str:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, int):
        if names is None or value == int(NOT_LABELLED):
            return str(value)
        if 0 <= value < len(names):
            return names[value]
        raise DataError(f"{where}: label {value}; expected 0..{len(names) - 1}: {listing(names)}")
    if isinstance(value, str):
        return value.strip()
    shown = listing([str(value)])
    raise DataError(f"{where}: label {shown} is no class; expected a whole number or a name")
