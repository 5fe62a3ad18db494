"""A hand-made audit that shows everything the page can show, hostile text included."""

from typing import Any

import report_findings
import report_hostile

from auditkit.bench.speed import Speed
from auditkit.finding import Failure, Finding, Results, Status

STATUSES: tuple[Status, ...] = (
    "pass", "fail", "warn", "inconclusive", "reported", "not_applicable",
)  # fmt: skip
ROUNDS = ((2.0, 1.0), (3.0, 2.0), (2.0, 0.5), (4.4, 2.0), (2.4, 1.2))


def about(**changes: Any) -> dict[str, Any]:
    """`auditkit.trace.About` as plain JSON."""
    model = {
        "name": "minilm-ltp", "sha256": "3f" * 32, "layout": "bert",
        "layers": report_findings.LAYERS, "hidden_size": 384, "heads": 12,
        "intermediate_size": 1536, "max_length": 256,
        "score_norm": "length", "protect_first": True,
        "thresholds": [0.0021, 0.0037, 0.0052, 0.0081, 0.0124, 0.0193],
    }  # fmt: skip
    baseline = {**model, "name": "minilm-baseline", "sha256": "a0" * 32, "thresholds": []}
    runs = [
        {"name": "baseline", "subject": "baseline", "documents": 7600},
        {"name": "unpruned", "subject": "model", "documents": 7600},
        {"name": "pruned", "subject": "model", "documents": 7600},
        {"name": "random", "subject": "model", "documents": 2000, "draws": 3},
    ]
    return {
        "schema_version": 2, "auditkit": "0.1.0",
        "subjects": {"model": model, "baseline": baseline}, "runs": runs,
        "counts": {"documents": 7600, "tokens": 395_200, "words": 301_112},
        "dataset": {
            "name": "agnews", "split": "test", "sha256": "7c" * 32, "text_column": "text",
            "label_column": "label", "labels": ["World", "Sports", "Business", "Sci/Tech"],
            "group_columns": ["source"], "rows_in": 7663, "audited": 7600,
            "refused": [{"row": 7 * i + 1, "reason": "the text is empty"} for i in range(63)],
            "truncated": 212, "words_cut": 4031,
        },
        "annotator": {
            "name": "auditkit_fallback", "version": "0.1.0", "source": "shipped",
            "language": "en",
            "fit": {
                "documents": 1000, "told": 996, "foreign": 9, "script_share": 0.999,
                "stop_share": 0.365, "stop_share_at_large": 0.502,
            },
            "accuracy": {"upos": 0.931, "name_f": 0.842}, "entity_types_reliable": False,
            "advice": "Better: python -m spacy download en_core_web_sm",
        },
        "training": {
            "lambda": 0.0123,
            "stages": [{"name": "soft", "epochs": 1}, {"name": "hard", "epochs": 1}],
        },
        "seed": 13, "dtype": "float32", "device": "cpu",
        "settings": {"batch_tokens": 8192, "glossary": None, "probes": ["performance", "entity"]},
        **changes,
    }  # fmt: skip


def speed(**changes: Any) -> Speed:
    """Measured times whose rounds differ."""
    fields: dict[str, Any] = {
        "against": "baseline", "rounds": ROUNDS, "documents": 256, "tokens": 12_800,
        "requested": 256, "batch_tokens": 8192, "device": "cpu (x86_64)", "threads": 2,
        "dtype": "float32", "torch": "2.13.0", "date": "2026-11-22", "macs_ratio": 1.987,
    }  # fmt: skip
    return Speed(**(fields | changes))


def plain_findings() -> tuple[Finding, ...]:
    """A probe for each status, so that every badge is on the page."""
    return tuple(
        Finding(
            probe=f"status_{status}",
            version="1",
            question=f"How does a probe look whose status is {status}?",
            claim=f"This probe says {status}, and here is the reason.",
            status=status,
        )
        for status in STATUSES
    )


def audit(**changes: Any) -> Results:
    """The whole case."""
    return Results(
        about=about(**changes),
        findings=(
            report_findings.performance(), report_findings.retention(),
            report_findings.attribution(), report_hostile.layer_view(), report_hostile.hostile(),
            *plain_findings(),
        ),
        failures=(
            Failure(
                probe="broken", distribution="third-party",
                error="ValueError: " + report_hostile.HOSTILE[0],
            ),
        ),
    )  # fmt: skip


def without_baseline() -> Results:
    """A run that had nothing to compare with, and no probe."""
    everything = about()
    return Results(
        about=everything
        | {
            "subjects": {"model": everything["subjects"]["model"]},
            "runs": [run for run in everything["runs"] if run["subject"] == "model"],
            "absent": {"baseline": "none was given"},
        },
        findings=(),
        failures=(),
    )
