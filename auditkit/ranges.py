"""What an option may be, wherever it is read: a flag, a key of a file, an option of a probe.

A number's range is written once, where the option is: `margin: Fraction`, or
`epochs: Annotated[float, Field(strict=True, gt=0, le=1000)]`.
"""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    PydanticUserError,
    TypeAdapter,
    ValidationError,
)

from auditkit.text import is_unicode

MOST = 2**31 - 1

Natural = Annotated[int, Field(strict=True, ge=0, le=MOST)]
Positive = Annotated[int, Field(strict=True, ge=1, le=MOST)]

Fraction = Annotated[float, Field(strict=True, gt=0, lt=1)]
"""Between 0 and 1, neither included."""
Share = Annotated[float, Field(strict=True, ge=0, le=1)]
"""From 0 to 1."""
Rows = Annotated[int, Field(strict=True, ge=0, le=1000)]
"""Of a table or a list that people read."""
Resamples = Annotated[int, Field(strict=True, ge=100, le=100_000)]
"""Of a bootstrap: fewer leave no 2.5 % to either side, more take memory and tell no more."""


def _spelt(text: str) -> str:
    if "\0" in text or not is_unicode(text):
        raise ValueError("holds NUL or what is not Unicode; no file or name can be spelt so")
    return text


Name = Annotated[str, Field(min_length=1), AfterValidator(_spelt)]
"""A name or path, as text."""
Place = Annotated[
    Path,
    BeforeValidator(lambda value: check(Name, str(value) if isinstance(value, Path) else value)),
]
"""A path."""


def check(kind: Any, value: object) -> Any:
    """`value` as what the annotation `kind` has it, its range included.

    Raises:
        ValueError: It is not; the message says what was expected, on one line.
    """
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError("expected a finite number")
    if isinstance(value, bool) and kind in (int, float):
        raise ValueError("expected a number, not a truth value")
    try:
        return TypeAdapter(kind).validate_python(value)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise ValueError(first["msg"].removeprefix("Value error, ")) from error


_SIGNS = {
    "minimum": "{} or more", "exclusiveMinimum": "more than {}",
    "maximum": "at most {}", "exclusiveMaximum": "less than {}",
}  # fmt: skip
_TYPES = {"integer": "whole number", "string": "text", "boolean": "true or false", "array": "list"}


def expected(kind: Any) -> str:
    """What the annotation `kind` takes, in words: its type and range.

    >>> expected(Natural), expected(Fraction), expected(tuple[str, ...] | None)
    ('whole number, 0 or more', 'number, more than 0, less than 1', 'list of text, or null')
    """
    try:
        return _worded(TypeAdapter(kind).json_schema())
    except PydanticUserError:  # a type of a third party's own
        return str(getattr(kind, "__name__", kind))


def _worded(schema: Mapping[str, Any]) -> str:
    if "anyOf" in schema:
        return ", or ".join(_worded(part) for part in schema["anyOf"])
    if "enum" in schema:
        return "one of " + ", ".join(map(str, schema["enum"]))
    name = schema.get("type", "value")
    words = _TYPES.get(name, name)
    if items := schema.get("items"):
        words += f" of {_worded(items)}"
    bounds = {key: schema[key] for key in _SIGNS if schema.get(key, MOST) != MOST}
    return ", ".join([words, *(_SIGNS[key].format(bound) for key, bound in bounds.items())])
