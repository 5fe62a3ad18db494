"""Inferences of the study, and how each is held against the measurements of audits.

They are data: `study.yaml`. What is read of a run is written beside the page that tells of it, so
that the page can be made again from that alone.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import TypeAdapter

from auditkit.finding import Address, Measurement, loads, parse_address
from auditkit.finding.strict_json import to_json
from auditkit.report.tables import printed
from auditkit.stats.estimates import Estimate, difference_of

INFERENCES = Path(__file__).with_name("study.yaml")

MACS = "efficiency.macs_ratio[arm=pruned]"
PERFORMANCE = {
    "agnews": {"accuracy": "93.63", "macro_precision": "93.74", "macro_recall": "93.63",
               "macro_f1": "93.64"},
    "imdb": {"accuracy": "90.17", "macro_precision": "90", "macro_recall": "90",
             "macro_f1": "90"},
}  # fmt: skip
"""What the study prints of its pruned models, in per cent, without an interval and MACs."""

Holds = Literal["holds", "fails", "open", "undefined"]
VERDICTS = ("supported", "weakened", "refuted", "not decidable")


@dataclass(frozen=True)
class Run:
    """What is told of a finished run."""

    tags: str
    """Whose tags its words have."""
    results_sha256: str
    numbers: Mapping[str, Measurement]
    """By address."""
    answered: frozenset[str]
    """Probes that found something."""
    about: Mapping[str, Any]
    claims: Mapping[str, str] = field(default_factory=dict)
    """By probe."""

    @classmethod
    def read(cls, directory: Path) -> "Run":
        """The results in a run directory."""
        text = (directory / "results.json").read_bytes()
        audit = loads(text)
        annotator = audit.about["annotator"]
        numbers = {
            str(Address(finding.probe, m.name, m.at)): m
            for finding in audit.findings
            for m in finding.measurements
        }
        answered = frozenset(f.probe for f in audit.findings if f.status != "not_applicable")
        tags, sha256 = f"{annotator['name']} {annotator['version']}", hashlib.sha256(text)
        claims = {f.probe: f.claim for f in audit.findings if f.probe in answered}
        return cls(tags, sha256.hexdigest(), numbers, answered, audit.about, claims)

    def measurement(self, address: str) -> Measurement | str:
        """What stands at an address, or why nothing does."""
        place = parse_address(address)
        if place.probe not in self.answered:
            return f"{place.probe} did not answer"
        return self.numbers.get(str(place), "not among its measurements")


@dataclass(frozen=True)
class Check:
    """One number that an inference must meet: above or below a value, or another number."""

    data: str
    address: str
    side: Literal["above", "below"]
    than: float | tuple[str, str]
    """A value; or data set and address of another number."""

    def asked(self) -> str:
        """What is asked, such as `> 0.5`."""
        sign = ">" if self.side == "above" else "<"
        if isinstance(self.than, tuple):
            data, address = self.than
            return f"{sign} `{address}`" + ("" if data == self.data else f" of {data}")
        return f"{sign} {self.than:g}"

    def meets(self, runs: Mapping[str, Run]) -> tuple[Holds, str]:
        """How it ends, and the number as printed."""
        if self.data not in runs:
            return "undefined", "not run"
        found = runs[self.data].measurement(self.address)
        if isinstance(found, str):
            return "undefined", found
        if found.value is None:
            return "undefined", f"undefined: {found.undefined}"
        value, interval = printed(found)
        text = f"{value} ({interval})" if interval else f"{value} (no interval)"
        mine = estimate_of(found)
        if isinstance(self.than, tuple):
            data, address = self.than
            other = runs[data].measurement(address) if data in runs else "not run"
            if isinstance(other, str) or other.value is None:
                return "undefined", f"{text}; the other number is not there"
            text = f"{text} against {' ('.join(filter(None, printed(other)))})"
            mine, at = difference_of(mine, estimate_of(other)), 0.0
        else:
            at = self.than
        if mine.interval is None:
            return "open", text
        low, high = mine.interval
        above, below = low > at, high < at
        if not (above or below):
            return "open", text
        return ("holds" if above == (self.side == "above") else "fails"), text


def estimate_of(m: Measurement) -> Estimate:
    """A measurement as what was estimated."""
    interval = None if m.interval is None else (m.interval.low, m.interval.high)
    return Estimate(m.value, m.n_clusters, interval, level=m.level)


@dataclass(frozen=True)
class Inference:
    """One sentence of the study."""

    section: str
    says: str
    checks: tuple[Check, ...]
    note: str = ""

    def verdict(self, ends: Sequence[Holds]) -> str:
        """By the rule that the page prints."""
        if all(end == "holds" for end in ends):
            return "supported"
        if "holds" in ends:
            return "weakened"
        return "refuted" if "fails" in ends else "not decidable"


def inferences(path: Path = INFERENCES) -> Iterator[Inference]:
    """Those of the file; `{term}` in an address stands for each of the check's `terms` in turn."""
    for section in yaml.safe_load(path.read_text(encoding="utf-8")):
        for entry in section["inferences"]:
            checks = [one for raw in entry["checks"] for one in _checks(raw)]
            yield Inference(section["section"], entry["says"], tuple(checks), entry.get("note", ""))


def _checks(raw: Mapping[str, Any]) -> Iterator[Check]:
    side: Literal["above", "below"] = "above" if "above" in raw else "below"
    for term in raw.get("terms", [""]):
        than = raw[side]
        if isinstance(than, Mapping):
            than = (than.get("data", raw["data"]), than["address"].replace("{term}", term))
        yield Check(raw["data"], raw["address"].replace("{term}", term), side, than)


def addresses(data: str) -> list[str]:
    """Those of a data set that inferences are held against."""
    found = set()
    for inference in inferences():
        for check in inference.checks:
            found |= {check.address} if check.data == data else set()
            if isinstance(check.than, tuple) and check.than[0] == data:
                found.add(check.than[1])
    return sorted(found)


def named(runs: Sequence[Mapping[str, Run]]) -> dict[str, Any]:
    """By data set and run, the measurements that the page names and what it tells of the run."""
    found: dict[str, Any] = {}
    for of_tags in runs:
        for data, run in of_tags.items():
            asked = [*addresses(data), *figures(data)]
            there = {str(parse_address(at)): run.measurement(at) for at in asked}
            about = {
                "training": {"settings": {"rows": run.about["training"]["settings"]["rows"]}},
                "dataset": {key: run.about["dataset"][key] for key in ("audited",)},
                "subjects": {"model": {"max_length": run.about["subjects"]["model"]["max_length"]}},
            }
            found.setdefault(data, []).append(
                {
                    "tags": run.tags,
                    "results_sha256": run.results_sha256,
                    "answered": sorted(run.answered),
                    "about": about,
                    "claims": dict(run.claims),
                    "numbers": {
                        at: to_json(m) for at, m in there.items() if isinstance(m, Measurement)
                    },
                }
            )
    return found


def told(numbers: Mapping[str, Any]) -> list[dict[str, Run]]:
    """What `named` wrote down, read again."""
    reader = TypeAdapter(dict[str, Measurement])
    count = min(len(of_data) for of_data in numbers.values())
    return [
        {
            data: Run(
                tags=of_data[number]["tags"],
                results_sha256=of_data[number]["results_sha256"],
                numbers=reader.validate_json(json.dumps(of_data[number]["numbers"])),
                answered=frozenset(of_data[number]["answered"]),
                about=of_data[number]["about"],
                claims=of_data[number]["claims"],
            )
            for data, of_data in numbers.items()
        }
        for number in range(count)
    ]


def figures(data: str) -> list[str]:
    """Addresses of what the study prints a figure of, and of what that was had for."""
    arms = ("baseline", "pruned")
    return [MACS, *(f"performance.{n}[arm={arm}]" for n in PERFORMANCE[data] for arm in arms)]
