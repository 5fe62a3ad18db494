"""A run as a record of Every Eval Ever, a collection of evaluations of models.

What is written: the record of a whole evaluation, schema 0.3.0; records of single documents would
hold texts of the data set, and are left out.
"""

from datetime import datetime
from typing import Any

from auditkit._version import __version__
from auditkit.finding import Address, Measurement, Results
from auditkit.outputs.documents import as_text
from auditkit.report.overview import about_of, place_in_words
from auditkit.trace import About

VERSION = "0.3.0"
"""Of the schema."""
RANGES = {"share": (0, 1), "points": (-100, 100)}
"""Between which numbers of a unit lie; of others the record says none."""


def record(
    audit: Results,
    written: datetime | None = None,
    *,
    organization: str = "unknown",
    relationship: str = "other",
) -> str:
    """The record as JSON. Same arguments, same text.

    Every number is in it that has a value and a better side; the schema takes no other.

    Args:
        audit: What was found.
        written: When the run was written; None: not known, and told as the start of 1970.
        organization: Who audited.
        relationship: Of the auditor to whoever made the model, in a word of the schema.
    """
    about = about_of(audit)
    moment = "0" if written is None else str(int(written.timestamp()))
    every = [(f.probe, m) for f in audit.findings for m in f.measurements]
    told = [(probe, m) for probe, m in every if m.value is not None and m.better]
    document = {
        "schema_version": VERSION,
        "evaluation_id": f"{about.dataset.name}/{about.model.name}/{moment}",
        "evaluation_timestamp": moment,
        "retrieved_timestamp": moment,
        "source_metadata": {
            "source_name": "auditkit",
            "source_type": "evaluation_run",
            "source_organization_name": organization,
            "evaluator_relationship": relationship,
            "additional_details": {"numbers_left_out": str(len(every) - len(told))},
        },
        "eval_library": {"name": "auditkit", "version": __version__},
        "model_info": {
            "name": about.model.name,
            "id": about.model.name,
            "additional_details": {
                "deployment_type": "self_deployed",
                "model_availability": "unknown",
                "sha256": about.model.sha256,
            },
        },
        "evaluation_results": [_result(about, probe, m) for probe, m in told],
    }
    return as_text(document)


def _result(about: About, probe: str, m: Measurement) -> dict[str, Any]:
    data = about.dataset
    config: dict[str, Any] = {
        "evaluation_description": place_in_words(m.name, m.at),
        "metric_id": f"{probe}.{m.name}",
        "metric_name": m.name,
        "metric_unit": m.unit,
        "metric_parameters": dict(m.at),
        "lower_is_better": m.better == "lower",
    }
    if m.unit in RANGES:
        low, high = RANGES[m.unit]
        config |= {"score_type": "continuous", "min_score": low, "max_score": high}
    address = str(Address(probe, m.name, m.at))
    return {
        "evaluation_result_id": address,
        "evaluation_name": f"{data.name}: {probe}",
        "source_data": {
            "dataset_name": data.name,
            "source_type": "other",
            "additional_details": {"sha256": data.sha256, "split": data.split},
        },
        "metric_config": config,
        "score_details": {"score": m.value, "uncertainty": _uncertainty(m)},
    }


def _uncertainty(m: Measurement) -> dict[str, Any]:
    """The interval, and how many documents it rests on, which are its unit."""
    told: dict[str, Any] = {"num_samples": m.n_clusters}
    if m.interval is not None:
        bounds = {"lower": m.interval.low, "upper": m.interval.high, "confidence_level": m.level}
        told["confidence_interval"] = bounds
    return told
