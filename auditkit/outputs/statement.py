"""A run's gates as an in-toto statement, for whatever signs such statements.

What is written: in-toto Statement v1 with the predicate test-result v0.1.
"""

from auditkit.errors import TraceError
from auditkit.finding import Announcement, GateResult, Results
from auditkit.outputs.documents import as_text
from auditkit.report.overview import about_of

STATEMENT = "https://in-toto.io/Statement/v1"
PREDICATE = "https://in-toto.io/attestation/test-result/v0.1"
HASHED = (
    "over config.json and the files of weights of the checkpoint in the order of their names: of "
    "each its name, then its bytes; of a model in int8 over that and what was done to it; of saved "
    "predictions over classes, ids and probabilities"
)
"""What the SHA-256 of a subject is taken over."""


def result(audit: Results) -> str:
    """`FAILED` where a gate fails, `PASSED` where there are gates and all pass, else `WARNED`.

    What nobody set a limit to has not passed one, nor has a run in which a probe broke.
    """
    statuses = {gate.status for gate in audit.gates}
    if "fail" in statuses:
        return "FAILED"
    return "PASSED" if statuses == {"pass"} and not audit.failures else "WARNED"


def statement(audit: Results, limits: Announcement | None = None, gates_sha256: str = "") -> str:
    """The statement as JSON, not signed. Same arguments, same text.

    Args:
        audit: What was found.
        limits: As they were written down; None: they were not.
        gates_sha256: Of the bytes of the file of limits; "" where there is none.

    Raises:
        TraceError: The checkpoint was never hashed, as where it was named by an id of the hub.
    """
    model = about_of(audit).model
    if not model.hashed:
        raise TraceError(
            f"{model.name!r:.100} was audited by its name on the hub, and its weights have no "
            "SHA-256 to attest; download the checkpoint and audit its directory"
        )
    limit_file = {
        "name": "gates.json",
        "digest": {"sha256": gates_sha256},
        "annotations": {} if limits is None else limits.told,
    }
    document = {
        "_type": STATEMENT,
        "subject": [
            {
                "name": model.name,
                "digest": {"sha256": model.sha256},
                "annotations": {"sha256": HASHED},
            }
        ],
        "predicateType": PREDICATE,
        "predicate": {
            "result": result(audit),
            "configuration": [limit_file] if gates_sha256 else [],
            "passedTests": _named(audit, "pass"),
            "warnedTests": _named(audit, "inconclusive", "not_run"),
            "failedTests": _named(audit, "fail"),
        },
    }
    return as_text(document)


def _named(audit: Results, *statuses: str) -> list[str]:
    return [_told(gate) for gate in audit.gates if gate.status in statuses]


def _told(gate: GateResult) -> str:
    """`performance.accuracy[arm=pruned] at least 0.9`; of an open one, what it is."""
    word = "" if gate.status in ("pass", "fail") else f" ({gate.word})"
    return f"{gate.address} {gate.asked}{word}"
