"""On which traces a probe that takes long holds its contract: all of them, most in slow tests."""

from collections.abc import Iterable
from typing import Any

import pytest

QUICK = frozenset(
    ["full", "one_document", "no_baseline", "changed", "unlabelled", "hostile_labels"]
)


def traces(names: Iterable[str]) -> list[Any]:
    """The names as parameters."""
    return [n if n in QUICK else pytest.param(n, marks=pytest.mark.slow) for n in names]
