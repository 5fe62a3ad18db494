"""Values of this room as strict JSON, and back: the text of `results.json`."""

import dataclasses
import json
import math
import re
from collections.abc import Hashable, Mapping
from functools import cache
from typing import Any

import numpy as np
from pydantic import TypeAdapter, ValidationError

from auditkit.errors import ProbeError, TraceError
from auditkit.finding.values import SCHEMA_VERSION, Finding, Results
from auditkit.text import one_line, said

LONGEST = 2**26
"""Characters of one finding: a page and whoever reads it must be able to hold it."""

MOST_DIGITS = 19
"""Of an integer: more do not fit into 64 bits."""

_SURROGATE = re.compile("[\ud800-\udfff]")


def to_json(value: Any) -> Any:
    """Plain JSON of a value of this module.

    Floats have six significant digits; a lone surrogate, which no file can hold, becomes U+FFFD.

    Raises:
        ProbeError: A number that is not finite, or a value of a type that JSON does not know.
    """
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, str):
        return _SURROGATE.sub("\ufffd", value)
    if value is None or isinstance(value, int):
        return value
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ProbeError(f"{value} cannot be written as JSON; give None and a reason")
        return float(f"{value:.6g}") + 0.0  # -0.0 is 0.0
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: to_json(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {to_json(str(key)): to_json(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [to_json(item) for item in value]
    raise ProbeError(f"{type(value).__name__} cannot be written as JSON")


def dumps(value: Any) -> str:
    """Deterministic, strict JSON text with a trailing newline."""
    return json.dumps(to_json(value), ensure_ascii=False, allow_nan=False, indent=1) + "\n"


def check_finding(finding: Finding) -> None:
    """Make sure that `results.json` can hold a finding, and be read again.

    Raises:
        ProbeError: It is too large, or holds something of another type than is declared.
    """
    text = dumps(finding)
    if len(text) > LONGEST:
        raise ProbeError(
            f"its finding takes {len(text):,} characters, expected at most {LONGEST:,}"
        )
    try:
        _read(Finding, text)
    except (ValidationError, ValueError) as error:
        raise ProbeError(f"its finding cannot be read again: {_first(error)}") from error


def _read(kind: Hashable, text: str | bytes) -> Any:
    json.loads(text, parse_int=_whole)
    return _reader(kind).validate_json(text, strict=True)


@cache
def _reader(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


def loads(text: str | bytes) -> Results:
    """Read `results.json`; bytes are UTF-8.

    Raises:
        TraceError: The text is not an audit of this schema version.
    """
    try:
        audit: Results = _read(Results, text)
    except (ValidationError, ProbeError, ValueError, RecursionError) as error:
        raise TraceError(
            f"results.json {_problem(text, error)}; run `auditkit run` again"
        ) from error
    if audit.schema_version != SCHEMA_VERSION:
        raise TraceError(f"results.json {_version(audit.schema_version)}; run `auditkit run` again")
    return audit


def _whole(digits: str) -> int:
    """An integer as every JSON tool reads it.

    Raises:
        ValueError: It is too long for that.
    """
    if len(digits.removeprefix("-")) > MOST_DIGITS:
        raise ValueError(f"an integer of {len(digits)} digits")
    return int(digits)


def _problem(text: str | bytes, error: Exception) -> str:
    """What is wrong with the text: another version, or its first fault."""
    try:
        version = json.loads(text)["schema_version"]
    except (ValueError, KeyError, TypeError, RecursionError):
        version = SCHEMA_VERSION
    if version != SCHEMA_VERSION:
        return _version(version)
    return f"is not an audit: {_first(error)}"


def _first(error: Exception) -> str:
    """The first fault and where it is."""
    if not isinstance(error, ValidationError):
        return said(error)
    first = error.errors(include_url=False)[0]
    place = ".".join(map(str, first["loc"])) or "the text"
    return f"{place}: {one_line(first['msg'])}"


def _version(seen: object) -> str:
    return f"has schema {seen!r:.40}, this auditkit reads {SCHEMA_VERSION}"
