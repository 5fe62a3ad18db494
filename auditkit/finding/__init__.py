"""What an audit says: values, their addresses, and their strict JSON."""

from auditkit.finding.address import FIELDS, KEYS, Address, parse_address
from auditkit.finding.announcement import GATES, Announcement, announce, read_announcement
from auditkit.finding.conclusions import (
    COST,
    KEPT,
    LOST,
    RESTS,
    TOPICS,
    UNSAID,
    Concern,
    Conclusion,
)
from auditkit.finding.examples import Example, Segment, kind_of, segments, weighted
from auditkit.finding.front import (
    ACCURACY,
    CARDS,
    CHANGED,
    DIFFERENCE,
    OUTLIVES,
    PICTURES,
    SAVED,
    Card,
    Mark,
    Verdict,
)
from auditkit.finding.gates import GateResult
from auditkit.finding.numbers import Interval, Measurement, Undefined
from auditkit.finding.strict_json import check_finding, dumps, loads, to_json
from auditkit.finding.tables import UNCOUNTED, Cell, Chart, ChartKind, Column, ColumnKind, Table
from auditkit.finding.values import SCHEMA_VERSION, Failure, Finding, Results, Status

__all__ = [
    "ACCURACY",
    "CARDS",
    "CHANGED",
    "COST",
    "DIFFERENCE",
    "FIELDS",
    "GATES",
    "KEPT",
    "KEYS",
    "LOST",
    "OUTLIVES",
    "PICTURES",
    "RESTS",
    "SAVED",
    "SCHEMA_VERSION",
    "TOPICS",
    "UNCOUNTED",
    "UNSAID",
    "Address",
    "Announcement",
    "Card",
    "Cell",
    "Chart",
    "ChartKind",
    "Column",
    "ColumnKind",
    "Concern",
    "Conclusion",
    "Example",
    "Failure",
    "Finding",
    "GateResult",
    "Interval",
    "Mark",
    "Measurement",
    "Results",
    "Segment",
    "Status",
    "Table",
    "Undefined",
    "Verdict",
    "announce",
    "check_finding",
    "dumps",
    "kind_of",
    "loads",
    "parse_address",
    "read_announcement",
    "segments",
    "to_json",
    "weighted",
]  # fmt: skip
