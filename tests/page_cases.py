"""The runs whose pages are kept in `tests/golden/page`, made by hand.

A case is a function here; `pytest tests/test_golden_pages.py --update-golden` writes its folder.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace

import report_case
import report_findings
import report_hostile

from auditkit.bench.speed import Speed
from auditkit.finding import Failure, Finding, Results


def full() -> tuple[Results, Speed | None]:
    """Everything the page can show, and a probe that broke."""
    points = report_findings.attribution()
    some = replace(points, tables=(replace(points.tables[0], rows=points.tables[0].rows[:60]),))
    examples = report_hostile.layer_view()
    findings = (
        report_findings.performance(),
        report_findings.retention(),
        some,
        replace(examples, examples=examples.examples[:2]),
        *report_case.plain_findings(),
    )
    broken = Failure(probe="broken", distribution="third-party", error="analyse: ValueError: no")
    return Results(
        about=report_case.about(), findings=findings, failures=(broken,)
    ), report_case.speed()


def hostile() -> tuple[Results, Speed | None]:
    """Text that means harm, wherever a data set or a third party's probe can put it."""
    wild = report_hostile.HOSTILE
    about = report_case.about(settings={wild[0]: [wild[1], {wild[3]: wild[5]}]}, training=None)
    about["subjects"]["model"] |= {"name": wild[0], "layout": wild[4]}
    about["dataset"] |= {
        "name": wild[3], "split": wild[5], "labels": [wild[0], wild[6]], "text_column": wild[2],
        "refused": [{"row": 1, "reason": wild[0]}], "group_columns": [wild[4]],
    }  # fmt: skip
    about["annotator"] |= {"name": wild[1], "advice": wild[5], "accuracy": {wild[6]: 0.5}}
    findings = (report_hostile.hostile(), report_hostile.layer_view())
    broken = Failure(probe=wild[3], distribution=wild[5], error="ValueError: " + wild[0])
    return Results(about=about, findings=findings, failures=(broken,)), None


def no_baseline() -> tuple[Results, Speed | None]:
    """A run of the model alone: one probe answers, another lacks what it needs."""
    lacking = Finding(
        probe="performance",
        version="1",
        question="What does pruning cost in accuracy, and what does it save?",
        claim="Not applicable: the run lacks the arm baseline.",
        status="not_applicable",
    )
    findings = (report_findings.retention(), lacking)
    return replace(report_case.without_baseline(), findings=findings), None


CASES: Mapping[str, Callable[[], tuple[Results, Speed | None]]] = {
    "full": full,
    "hostile": hostile,
    "no_baseline": no_baseline,
}
