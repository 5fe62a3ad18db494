"""Schemas that packages of an index carry, read from where they were installed; none is typed here.

`make venv` installs those of the Python index, `make schemas` fetches the others. A schema that is
not there skips its test with the reason; where CI=true it fails the test.
"""

import json
import os
import sys
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any, NoReturn

import pytest
from jsonschema import Draft7Validator, FormatChecker
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT7

FETCHED = Path(sys.prefix) / "schemas"


def packaged(package: str, name: str) -> Any:
    """A JSON file that a Python distribution has installed."""
    try:
        path = Path(str(distribution(package).locate_file(name)))
    except PackageNotFoundError:
        missing(f"{package} is not installed: `make venv`")
    return json.loads(path.read_text(encoding="utf-8"))


def ctrf_schema() -> Any:
    """Of the Common Test Report Format; its authors publish it with the npm package `ctrf`."""
    path = FETCHED / "ctrf" / "package" / "dist" / "ctrf-schema-0.0.json"
    if not path.is_file():
        missing(f"no {path.name} in the environment: `make schemas` (it needs npm)")
    return json.loads(path.read_text(encoding="utf-8"))


def problems(document: Any, schema: Any, beside: Iterable[Any] = ()) -> list[str]:
    """What is wrong with a document, each with its place; `beside`: schemas that `schema` names."""
    known = Registry().with_resources(
        (one["$id"], Resource.from_contents(one, default_specification=DRAFT7)) for one in beside
    )
    validator = Draft7Validator(schema, registry=known, format_checker=FormatChecker())
    return [f"{e.json_path}: {e.message[:300]}" for e in validator.iter_errors(document)]


def missing(reason: str) -> NoReturn:
    """Skip the test, or fail it where CI=true."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)
