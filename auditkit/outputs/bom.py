"""A run as a bill of materials: the checkpoint with a model card, its baseline and the data.

What is written: CycloneDX 1.7 as JSON.
"""

import uuid
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from auditkit._version import __version__
from auditkit.finding import Finding, Measurement, Results
from auditkit.outputs.documents import as_text
from auditkit.report.overview import about_of
from auditkit.report.unchecked import unchecked
from auditkit.trace import About
from auditkit.trace.about import ModelAbout

VERSION = "1.7"
"""Of CycloneDX."""


def bom(audit: Results, written: datetime | None = None, results_sha256: str = "") -> str:
    """The bill. Same arguments, same text.

    Args:
        audit: What was found.
        written: When the run was written; None: the bill has no time.
        results_sha256: Of the bytes of `results.json`, by which the bill has its number.
    """
    about = about_of(audit)
    number = uuid.uuid5(uuid.NAMESPACE_OID, f"auditkit:{results_sha256}:{about.model.sha256}")
    model = _model(about.model, "model") | {"modelCard": _card(audit, about)}
    others = [_model(one, name) for name, one in about.subjects.items() if name != "model"]
    tool = {"type": "application", "name": "auditkit", "version": __version__}
    document = {
        "bomFormat": "CycloneDX",
        "specVersion": VERSION,
        "serialNumber": f"urn:uuid:{number}",
        "version": 1,
        "metadata": {
            **({} if written is None else {"timestamp": written.isoformat()}),
            "tools": {"components": [tool]},
            "component": model,
        },
        "components": [*others, _data(about)],
        "dependencies": [
            {"ref": "model", "dependsOn": [*(one["bom-ref"] for one in others), "data"]}
        ],
    }
    return as_text(document)


def _model(one: ModelAbout, ref: str) -> dict[str, Any]:
    told = {"type": "machine-learning-model", "bom-ref": ref, "name": one.name or ref}
    hashes = [{"alg": "SHA-256", "content": one.sha256}]
    return {**told, "hashes": hashes} if one.hashed else told


def _data(about: About) -> dict[str, Any]:
    data = about.dataset
    told = f"{data.audited:,} documents of {data.rows_in:,} rows, split {data.split}"
    return {
        "type": "data",
        "bom-ref": "data",
        "name": data.name,
        "hashes": [{"alg": "SHA-256", "content": data.sha256}],
        "data": [{"type": "dataset", "name": data.name, "description": told}],
    }


def _card(audit: Results, about: About) -> dict[str, Any]:
    numbers = [_metric(f, m) for f in audit.findings for m in f.measurements if m.value is not None]
    missing = (f"Not checked: {one.what}. {one.why}".strip() for one in unchecked(audit, about))
    return {
        "modelParameters": {
            "approach": {"type": "supervised"},
            "task": "text-classification",
            **_family(about),
            "modelArchitecture": about.model.layout,
            "datasets": [{"ref": "data"}],
        },
        "quantitativeAnalysis": {"performanceMetrics": numbers},
        "considerations": {
            "technicalLimitations": [*about.limits, *missing],
            "performanceTradeoffs": [
                one.sentence for f in audit.findings for one in f.conclusions if one.concern
            ],
            "fairnessAssessments": [one for f in audit.findings for one in _harms(f)],
        },
    }


def _family(about: About) -> dict[str, str]:
    """Nothing of saved predictions, whose models nobody knows."""
    if not about.askable:
        return {}
    pruning = {
        "ltp": " with learned token pruning",
        "dropper": f" from which tokens are dropped by {about.model.dropper}",
        "change": "",
    }
    return {"architectureFamily": f"transformer encoder{pruning[about.kind]}"}


def _metric(finding: Finding, m: Measurement) -> dict[str, Any]:
    """A measurement; the format knows texts alone, and no unit, which stands with the type."""
    told: dict[str, Any] = {
        "type": f"{finding.probe}.{m.name} ({m.unit})", "value": f"{m.value:g}",
    }  # fmt: skip
    if m.at:
        told["slice"] = ",".join(f"{key}={value}" for key, value in m.at.items())
    if m.interval is not None:
        low, high = f"{m.interval.low:g}", f"{m.interval.high:g}"
        told["confidenceInterval"] = {"lowerBound": low, "upperBound": high}
    return told


def _harms(finding: Finding) -> Iterator[dict[str, str]]:
    """Conclusions on groups of documents that a reviewer has to look at."""
    groups = {
        m.where: " ".join(m.at[key] for key in ("column", "group") if key in m.at)
        for m in finding.measurements
        if "group" in m.at
    }
    for one in finding.conclusions:
        named = dict.fromkeys(groups[place] for place in one.measurements if place in groups)
        if one.concern and named:
            yield {"groupAtRisk": ", ".join(named), "harms": one.sentence}
