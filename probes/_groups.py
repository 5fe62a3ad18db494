"""Groups of documents: by the user's columns, class, length, and by whom and what they speak of."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from auditkit.plugin import (
    BenchView,
    IdentityTerm,
    Label,
    Row,
    Told,
    Trace,
    class_name,
    classes_of,
    columns,
    tabulate,
    word_cells,
)
from auditkit.probes._matching import match
from auditkit.probes.entity import NONE, entity_kind, entity_type
from auditkit.stats.cells import WordCells

Bools = NDArray[np.bool_]

CLASS, LENGTH, IDENTITY, ENTITY = ("gold class", "document length", "identity terms", "entities")
"""What tells groups apart beside the user's columns."""
NO_PEOPLE = (CLASS, LENGTH, ENTITY)
"""Of these, what tells no people apart."""
PLACE = "place"
"""The label of a group in tables that charts are made of: column and name in one."""
PARTS = 4
MOST = 50
"""Groups of one column, the largest ones."""
READS = ("example_id", "lower")
TERM = ("term", "group", "category")


@dataclass(frozen=True, slots=True, eq=False)
class Group:
    """Documents that something tells from the others."""

    column: str
    """What tells them apart: a column of the user's, or one of those above."""
    name: str
    who: Bools
    """(n,)"""

    @property
    def size(self) -> int:
        """Its documents."""
        return int(self.who.sum())

    @property
    def label(self) -> str:
        """By what it is told apart, and its name."""
        return f"{self.column}: {self.name}"

    @property
    def at(self) -> dict[str, str]:
        """Where its numbers stand in an address."""
        return {"column": self.column, "group": self.name}

    @property
    def row(self) -> dict[str, str]:
        """The same, and its label as tables show it that charts are made of."""
        return {**self.at, PLACE: self.label}


@dataclass(frozen=True, slots=True)
class GroupOf:
    """A rule for `word_cells`, which reads `READS`: the group whose term each word belongs to."""

    listed: tuple[tuple[str, str], ...]
    """Term and group."""

    def __call__(self, words: pd.DataFrame) -> NDArray[np.object_]:
        """The group of each word, "" of none."""
        group = dict(self.listed)
        document = words["example_id"].factorize()[0].astype(np.int64)
        terms = match(words["lower"].to_numpy(dtype=object), document, group)
        return np.array([group.get(term, "") for term in terms], dtype=object)


def groups_of(trace: Trace, speaking: Mapping[str, WordCells]) -> list[Group]:
    """All groups of a run, of whatever size, column by column; those of the user's columns first.

    Args:
        trace: The run.
        speaking: Words by whom or what they speak of, by what that is called; a document is in
            the group of each of its words.
    """
    documents = trace.documents
    own = [
        group
        for column in trace.about.dataset.group_columns
        for group in _by_values(_apart(column), documents.group(column))
    ]
    label = documents.label
    classes = [
        Group(CLASS, class_name(trace.about.labels, value), np.asarray(label == value))
        for value in classes_of(documents)
    ]
    said = [
        Group(column, name, who)
        for column, cells in speaking.items()
        for name, who in holders(cells)
    ]
    return [*own, *classes, *_by_length(documents.tokens), *said]


def _apart(column: str) -> str:
    """The column's name, if it is none of ours."""
    return f"{column} (column)" if column in (CLASS, LENGTH, IDENTITY, ENTITY) else column


def _by_values(column: str, values: NDArray[Any]) -> Iterator[Group]:
    """One group a value; a document with several is in several, one with none in none."""
    members: dict[str, list[int]] = {}
    for row, value in enumerate(values):
        for name in dict.fromkeys(several(str(value))):
            members.setdefault(name, []).append(row)
    for name in sorted(members):
        who = np.zeros(len(values), dtype=bool)
        who[members[name]] = True
        yield Group(column, name, who)


def several(value: str) -> list[str]:
    """The values that a cell holds: a JSON list of them, or those between semicolons.

    >>> several("Women; Islam"), several('["a", "b"]'), several(" ")
    (['Women', 'Islam'], ['a', 'b'], [])
    """
    if value.startswith("["):
        try:
            listed = json.loads(value)
        except (ValueError, RecursionError):
            listed = None
        if isinstance(listed, list):
            return [str(part).strip() for part in listed if str(part).strip()]
    return [part.strip() for part in value.split(";") if part.strip()]


def _by_length(tokens: NDArray[np.int32]) -> Iterator[Group]:
    """Quarters by number of tokens, those of equal length together; none where all are equal."""
    edges = np.unique(np.quantile(tokens, np.arange(1, PARTS) / PARTS, method="lower"))
    part = np.searchsorted(edges, tokens, side="left")
    numbers = np.unique(part)
    for number in numbers if len(numbers) > 1 else ():
        who = np.asarray(part == number)
        low, high = int(tokens[who].min()), int(tokens[who].max())
        yield Group(LENGTH, f"{low:,} tokens" if low == high else f"{low:,}–{high:,} tokens", who)


def holders(cells: WordCells) -> Iterator[tuple[str, Bools]]:
    """By category that has words: which documents hold one (n,)."""
    for index, name in enumerate(cells.names):
        who = np.zeros(len(cells.total), dtype=bool)
        who[cells.document[cells.category == index]] = True
        if name != NONE and who.any():
            yield name, who


def large_enough(
    groups: Iterable[Group], least: int
) -> tuple[list[Group], list[tuple[Group, str]]]:
    """The groups that are told of, and the others with the reason."""
    told: list[Group] = []
    left: list[tuple[Group, str]] = []
    by_column: dict[str, list[Group]] = {}
    for group in groups:
        by_column.setdefault(group.column, []).append(group)
    for mine in by_column.values():
        largest = sorted(mine, key=lambda group: (-group.size, group.name))[:MOST]
        for group in mine:
            if group.size < least:
                left.append((group, f"fewer than {least} documents"))
            elif group.size == len(group.who):
                left.append((group, "all documents are in it"))
            elif group not in largest:
                left.append((group, f"not among the {MOST} largest of its column"))
            else:
                told.append(group)
    return told, left


def left_table(left: Sequence[tuple[Group, str]]) -> Told:
    """Groups that nothing is told of."""
    return tabulate(
        "left_out",
        "Groups that nothing is told of",
        [Label("column", "By"), Label("group", "Group", held_by="documents"),
         *columns(("documents", "Documents", "count"), ("why", "Why", "text"))],
        [
            Row(group.at, facts={"documents": group.size, "why": why})
            for group, why in left
        ],
    )  # fmt: skip


def lexicon_table(bench: BenchView) -> pd.DataFrame | None:
    """What a probe on groups keeps of the run's lexicon: columns `TERM`; None of an empty one."""
    terms = pd.DataFrame(bench.lexicon, columns=list(TERM))
    return None if terms.empty else terms


def lexicon_of(measured: pd.DataFrame | None) -> list[IdentityTerm]:
    """The lexicon that a probe kept."""
    rows = () if measured is None else measured[list(TERM)].itertuples(index=False, name=None)
    return [IdentityTerm(*map(str, row)) for row in rows]


def speaking_of(trace: Trace, lexicon: Sequence[IdentityTerm] = ()) -> dict[str, WordCells]:
    """Words by the group that they speak of, and by the entity that they are of, as far as tagged.

    Args:
        trace: The run.
        lexicon: Terms of groups.
    """
    found = {}
    if lexicon:
        rule = GroupOf(tuple((one.term, one.group) for one in lexicon))
        found[IDENTITY] = word_cells(trace, rule, READS)
    annotator = trace.about.annotator
    if "entities" in annotator.tags:
        kind = entity_type if annotator.entity_types_reliable else entity_kind
        found[ENTITY] = word_cells(trace, kind, ["entity"])
    return found
