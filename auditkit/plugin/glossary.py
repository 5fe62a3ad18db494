"""A domain term that the user supplied."""

from typing import NamedTuple


class GlossaryTerm(NamedTuple):
    """A word or phrase of `--glossary`."""

    term: str
    label: int | None = None
    """Index of the class that it is a term of; None: of every class."""
