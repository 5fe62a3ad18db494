"""An audit as it can be shown to others: without text of the data set.

Left out are documents, and words, texts and ids of the data set that fewer than `FEWEST` documents
hold, as the columns of tables declare them (`Column.held_by`). What a person wrote stays: words of
a list (stop words, a lexicon, swaps, a glossary), options, limits, names of classes and of groups.
`results.json` is written whole all the same: it is for those who have the data.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from auditkit.errors import TraceError
from auditkit.finding import (
    UNCOUNTED,
    Cell,
    Column,
    Conclusion,
    Failure,
    Finding,
    GateResult,
    Measurement,
    Results,
    Table,
    Undefined,
    Verdict,
)
from auditkit.report.overview import about_of

FEWEST = 5
"""Documents that must hold a word for it to be shown."""
NOTE = (
    "Redacted: no text of the data set; words that fewer than "
    f"{FEWEST} documents hold are left out."
)
"""What page and summary say of themselves."""
HIDDEN = "…"

_QUOTED = re.compile("“([^”]*)”?")
_FROM_QUOTE = re.compile(r"(?<!\w\w)['\"“].*", re.DOTALL)
"""Not from the apostrophe of a word on."""
_KIND = re.compile(r"((load|measure|analyse): )?([\w.]+: )?", re.ASCII)
"""How the error of a probe begins: when it broke, and with what kind of error."""


def redact(audit: Results) -> Results:
    """The audit without text of the data set; an audit that is redacted already is left as it is.

    In sentences a word stands between “ ”, and stays there where a table of the finding shows it.
    Measurements of words that are left out go with them, and so does what rests on these alone. Of
    a refused row, of a probe that broke and of a gate that names nothing, only the kind is told.

    Raises:
        TraceError: `audit.about` is not that of a trace.
    """
    about_of(audit)  # whatever is none is told before anything is looked up in it
    return replace(
        audit,
        about=_about(audit.about),
        findings=tuple(map(_finding, audit.findings)),
        failures=tuple(map(_failure, audit.failures)),
        gates=tuple(map(_gate, audit.gates)),
    )


def check_declared(results: bytes) -> None:
    """Make sure that the tables of a `results.json` say which cells are words of the data set.

    Raises:
        TraceError: They were written by a version that did not know of that.
    """
    if b'"columns"' in results and b'"held_by"' not in results:
        raise TraceError(
            "results.json does not say which of its words are those of the data set; expected a "
            "run of this version; give --reanalyse too, or run `auditkit run` again"
        )


@dataclass(frozen=True, slots=True)
class _Words:
    """What may be named in a finding."""

    shown: frozenset[tuple[str, str]]
    """Column and cell."""
    gone: frozenset[tuple[str, str]]

    def hides(self, one: Measurement) -> bool:
        """Whether its address names a word that is left out; a term must be one that is shown."""
        return any(
            place in self.gone or (place[0] == "term" and place not in self.shown)
            for place in one.at.items()
        )

    def said(self, sentence: str) -> str:
        """The sentence with … for quoted words that no table shows."""
        known = {cell for _, cell in self.shown}
        return _QUOTED.sub(lambda m: m[0] if m[1] in known else f"“{HIDDEN}”", sentence)


def _finding(finding: Finding) -> Finding:
    tables = tuple(map(_table, finding.tables))
    shown = _named(tables, lambda _: True)
    words = _Words(shown, _named(finding.tables, lambda column: bool(column.held_by)) - shown)
    said = words.said
    measurements = tuple(
        replace(one, undefined=one.undefined and said(one.undefined),
                no_interval=one.no_interval and said(one.no_interval))
        for one in finding.measurements if not words.hides(one)
    )  # fmt: skip
    there = {one.where for one in measurements}
    return replace(
        finding,
        question=said(finding.question),
        claim=said(finding.claim),
        measurements=measurements,
        tables=tuple(_worded(table, said) for table in tables),
        charts=tuple(replace(c, title=said(c.title), alt=said(c.alt)) for c in finding.charts),
        examples=(),
        caveats=(*map(said, finding.caveats), *_left_out(len(finding.examples))),
        conclusions=tuple(_conclusions(finding.conclusions, there, said)),
        verdict=_verdict(finding.verdict, there, said),
        cards=tuple(
            replace(card, value=said(card.value), note=said(card.note))
            for card in finding.cards if there.issuperset(card.measurements)
        ),
        marks=tuple(
            replace(mark, label=said(mark.label))
            for mark in finding.marks if mark.measurement in there
        ),
        unchecked=tuple(map(said, finding.unchecked)),
    )  # fmt: skip


def _left_out(examples: int) -> list[str]:
    if not examples:
        return []
    return [f"Left out: {examples} document{'s' * (examples != 1)} chosen as examples."]


def _table(table: Table) -> Table:
    """The rows of words that enough documents hold; words that nobody counted are hidden."""
    names = [column.name for column in table.columns]
    counts = [
        names.index(column.held_by)
        for column in table.columns
        if column.held_by not in ("", UNCOUNTED)
    ]
    uncounted = [column.held_by == UNCOUNTED for column in table.columns]
    rows = [row for row in table.rows if all(_enough(row[at]) for at in counts)]
    shown = tuple(
        tuple(HIDDEN if hide else cell for hide, cell in zip(uncounted, row, strict=True))
        for row in rows
    )
    told = []
    if left := len(table.rows) - len(rows):
        told.append(
            f"{left:,} {'row' if left == 1 else 'rows'} of what fewer than {FEWEST} documents hold "
            f"{'is' if left == 1 else 'are'} left out."
        )
    if shown != tuple(rows):
        told.append(f"{HIDDEN} stands for what is of a single document.")
    return replace(table, rows=shown, note=" ".join(filter(None, [table.note, *told])))


def _enough(documents: Cell) -> bool:
    return isinstance(documents, int | float) and documents >= FEWEST


def _named(tables: Iterable[Table], which: Callable[[Column], bool]) -> frozenset[tuple[str, str]]:
    """Column and cell of all text in columns of that kind."""
    return frozenset(
        (column.name, cell)
        for table in tables
        for index, column in enumerate(table.columns)
        if which(column)
        for cell in (row[index] for row in table.rows)
        if isinstance(cell, str)
    )


def _worded(table: Table, said: Callable[[str], str]) -> Table:
    """The table with what it says in words."""
    rows = tuple(
        tuple(Undefined(said(c.undefined)) if isinstance(c, Undefined) else c for c in row)
        for row in table.rows
    )
    return replace(table, rows=rows, title=said(table.title), note=said(table.note))


def _conclusions(
    told: Iterable[Conclusion], there: set[str], said: Callable[[str], str]
) -> Iterable[Conclusion]:
    """Those that still rest on something, and still tell a number."""
    for one in told:
        rest, sentence = tuple(p for p in one.measurements if p in there), said(one.sentence)
        if rest and re.search(r"\d", sentence):
            yield replace(one, sentence=sentence, measurements=rest)


def _verdict(
    verdict: Verdict | None, there: set[str], said: Callable[[str], str]
) -> Verdict | None:
    if verdict is None or not there.issuperset(verdict.measurements):
        return None
    return replace(verdict, sentence=said(verdict.sentence), detail=said(verdict.detail))


def _failure(failure: Failure) -> Failure:
    """What an error says may be a text that it could not read: its kind is told alone."""
    kind = _KIND.match(failure.error)
    return replace(failure, error=f"{kind[0] if kind else ''}{HIDDEN}")


def _gate(gate: GateResult) -> GateResult:
    """A gate that names nothing is answered with what there is, words of the data set included."""
    reason = gate.reason
    if gate.status == "not_run":
        reason = re.sub("([:;]).*", rf"\1 {HIDDEN}", reason, flags=re.DOTALL)
    return replace(gate, reason=_QUOTED.sub(f"“{HIDDEN}”", reason))


def _about(about: Mapping[str, Any]) -> dict[str, Any]:
    """Why a row was refused may be told by what stands in it: from the first quote on it goes."""
    data = dict(about["dataset"])
    data["refused"] = [
        {**row, "reason": _FROM_QUOTE.sub(HIDDEN, row["reason"])} for row in data["refused"]
    ]
    return {**about, "dataset": data}
