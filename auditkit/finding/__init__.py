"""What an audit says: values, their addresses, and their strict JSON."""

from auditkit.finding.address import FIELDS, KEYS, Address, parse_address
from auditkit.finding.announcement import GATES, Announcement, announce, read_announcement
from auditkit.finding.conclusions import COST, KEPT, LOST, RESTS, TOPICS, UNSAID, Conclusion
from auditkit.finding.examples import Example, Segment, segments
from auditkit.finding.gates import GateResult
from auditkit.finding.numbers import Interval, Measurement, Undefined
from auditkit.finding.strict_json import check_finding, dumps, loads, to_json
from auditkit.finding.tables import Cell, Chart, ChartKind, Column, ColumnKind, Table
from auditkit.finding.values import SCHEMA_VERSION, Audit, Failure, Finding, Status

__all__ = [
    "COST", "FIELDS", "GATES", "KEPT", "KEYS", "LOST", "RESTS", "SCHEMA_VERSION", "TOPICS",
    "UNSAID",
    "Address", "Announcement", "Audit", "Cell", "Chart", "ChartKind", "Column", "ColumnKind",
    "Conclusion", "Example", "Failure", "Finding", "GateResult", "Interval", "Measurement",
    "Segment", "Status", "Table", "Undefined", "announce", "check_finding", "dumps", "loads",
    "parse_address", "read_announcement", "segments", "to_json",
]  # fmt: skip
