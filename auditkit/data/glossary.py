"""The user's domain terms: a file → terms, each of one class or of all."""

from collections.abc import Sequence
from pathlib import Path

from auditkit.data.classes import Matching
from auditkit.data.formats import read_text
from auditkit.data.labels import folded
from auditkit.data.sources import READERS, open_source
from auditkit.errors import DataError
from auditkit.plugin import GlossaryTerm
from auditkit.text import listing

Entry = tuple[str, str]
"""A term, and the name of its class; "" for a term of every class."""


def read_glossary(path: Path) -> tuple[Entry, ...]:
    """The terms of a file, each once a class, whatever its case, in the order of the file.

    A data file (.csv, .tsv, …) has a column `term`, and may have a column `class` that says of
    which class a term is; where it is empty the term is one of every class. Any other file has one
    term of every class a line; a line that starts with `#` is a comment.

    Raises:
        DataError: No such file, not UTF-8, no column `term`, or no term in it.
    """
    if path.name.lower().endswith(tuple(READERS)):
        source = open_source(str(path))
        if "term" not in source.columns:
            raise DataError(
                f"glossary {path.name}: no column 'term'; available: {listing(source.columns)}"
            )
        named = source.values("class") if "class" in source.columns else [None] * source.rows
        found = [
            (str(term), "" if name is None else str(name).strip())
            for term, name in zip(source.values("term"), named, strict=True)
            if term is not None
        ]
    else:
        lines = read_text(path).splitlines()
        found = [(line, "") for line in lines if not line.lstrip().startswith("#")]
    terms: dict[Entry, Entry] = {}
    for term, name in ((" ".join(value.split()), name) for value, name in found):
        if term:
            terms.setdefault((term.casefold(), folded(name)), (term, name))
    if not terms:
        raise DataError(f"glossary {path.name}: no terms; expected one a line")
    return tuple(terms.values())


def with_classes(entries: Sequence[Entry], matching: Matching) -> tuple[GlossaryTerm, ...]:
    """The terms with the classes of the audited data that their classes are.

    A class may be called as it is audited, or as the data call it.

    Raises:
        DataError: One is none of them.
    """
    index = {folded(one.name): i for i, one in enumerate(matching.classes)} | matching.index
    for term, name in entries:
        if name and folded(name) not in index:
            raise DataError(
                f"glossary: {listing([term])} is of the class {listing([name])}, which the data do "
                f"not have; available: {listing([one.name for one in matching.classes])}"
            )
    return tuple(GlossaryTerm(t, index[folded(name)] if name else None) for t, name in entries)
