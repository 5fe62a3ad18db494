"""Words that can stand for one another, as a probe gets them (`BenchView.swaps`)."""

import re
from typing import NamedTuple

SLOT = re.compile(r"\[([A-Z][A-Z0-9_]*)\]")
"""What a template leaves open."""
TEMPLATES = "templates"
"""What the ground of templates is called."""

Forms = tuple[tuple[str, ...], ...]
"""Rows with one form for each group, in lower case."""


class Ground(NamedTuple):
    """One ground on which people are told apart, such as gender."""

    name: str
    groups: tuple[str, ...]
    anywhere: Forms
    """Swapped wherever the word stands."""
    before_nouns: Forms
    """Where a noun phrase follows, and only there."""
    alone: Forms
    """In all other places that are not inside a name."""


class Identity(NamedTuple):
    """How templates speak of one group."""

    group: str
    forms: tuple[tuple[str, str], ...]
    """Slot, such as IDENTITY_P, and what stands there."""


class Swaps(NamedTuple):
    """What can be swapped in texts of one language, and templates to put groups into."""

    language: str = ""
    grounds: tuple[Ground, ...] = ()
    closed: tuple[str, ...] = ()
    """Words that begin no noun phrase after another word, in lower case."""
    never_before: tuple[str, ...] = ()
    """Words before which nothing is swapped."""
    templates: tuple[str, ...] = ()
    """Texts with slots in square brackets."""
    identities: tuple[Identity, ...] = ()


NO_SWAPS = Swaps()
"""Nothing to swap."""
