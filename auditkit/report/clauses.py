"""What reviewers are asked for, clause by clause, and which numbers of an audit speak to it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from typing import Literal

from pydantic import BaseModel, ConfigDict, TypeAdapter

from auditkit.finding import Address, Results, parse_address
from auditkit.report.overview import KeyFigure, about_of, place_in_words
from auditkit.strict_yaml import parsed

FILE = "evidence/clauses.yaml"
"""The map that ships, in `configs/`."""
AUDITED = "audited"
"""In the map: the arm under audit, whatever it is called."""
MOST = 3
"""Numbers shown of one address."""

Part = Literal["gates", "layers", "look", "unchecked", "reproduce"]
PARTS: Mapping[Part, str] = {
    "gates": "gates", "layers": "layer by layer", "look": "look here",
    "unchecked": "what was not checked", "reproduce": "how to reproduce it",
}  # fmt: skip
"""Parts of the page that a clause may lead to, by anchor."""


class Clause(BaseModel):
    """A clause in our own words, and what speaks to it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    clause: str
    asks: str
    measurements: tuple[str, ...] = ()
    parts: tuple[Part, ...] = ()
    beyond: str = ""

    def addresses(self, audited: str) -> list[Address]:
        """`measurements`, read, with the name of the arm under audit in the place of `audited`."""
        read = [parse_address(text) for text in self.measurements]
        return [
            replace(one, at={**one.at, "arm": audited}) if one.at.get("arm") == AUDITED else one
            for one in read
        ]


class Framework(BaseModel):
    """A law, a guidance or a framework, as far as it is mapped."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    clauses: tuple[Clause, ...]


@dataclass(frozen=True, slots=True)
class Number:
    """A number that speaks to a clause."""

    probe: str
    what: str
    """`Accuracy, pruned: 91.3 % [90.7, 91.9]`."""


@dataclass(frozen=True, slots=True)
class Row:
    """A clause as printed; without numbers and parts it is not covered here."""

    clause: Clause
    numbers: tuple[Number, ...]
    more: int
    """Numbers of the same addresses that are not shown."""
    parts: tuple[tuple[Part, str], ...]
    lacking: str
    """What the clause could be told by, and this run does not have; "" where nothing is lacking."""

    @property
    def covered(self) -> bool:
        """Whether anything here speaks to it."""
        return bool(self.numbers or self.parts)


@cache
def frameworks() -> tuple[Framework, ...]:
    """The map that ships."""
    text = (files("auditkit.configs") / FILE).read_text(encoding="utf-8")
    return TypeAdapter(tuple[Framework, ...]).validate_python(parsed(text, FILE))


def clause_rows(audit: Results) -> list[tuple[str, list[Row]]]:
    """By framework: its clauses, and what this audit tells of each."""
    (audited,) = about_of(audit).in_role("audited")
    return [
        (one.name, [_row(audit, audited, clause) for clause in one.clauses]) for one in frameworks()
    ]


def _row(audit: Results, audited: str, clause: Clause) -> Row:
    addresses = clause.addresses(audited)
    found = [list(_matching(audit, address)) for address in addresses]
    parts = [part for part in clause.parts if part != "gates" or audit.gates]
    lacking = [str(at) for at, some in zip(addresses, found, strict=True) if not some]
    return Row(
        clause,
        tuple(number for some in found for number in some[:MOST]),
        sum(max(0, len(some) - MOST) for some in found),
        tuple((part, PARTS[part]) for part in parts),
        ", ".join([*lacking, *(["gates"] if "gates" in clause.parts and not audit.gates else [])]),
    )


def _matching(audit: Results, address: Address) -> Iterator[Number]:
    """Numbers with a value at an address: the one that has no further keys alone, or all."""
    figures = [
        KeyFigure(finding.probe, m)
        for finding in audit.findings
        if finding.probe == address.probe
        for m in finding.measurements
        if m.name == address.measurement and m.value is not None
        if address.at.items() <= m.at.items()
    ]
    exact = [one for one in figures if one.measurement.at == address.at]
    for one in exact or figures:
        m = one.measurement
        told = f"{place_in_words(m.name, m.at)}: {one.value}{one.unit}"
        yield Number(one.probe, told + (f" {one.bounds}" if m.interval else ""))
