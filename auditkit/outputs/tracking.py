"""A run's numbers, tables and pages in a run of MLflow: the sole home of mlflow."""

import json
import os
import re
from pathlib import Path
from tempfile import TemporaryDirectory

from auditkit.errors import AuditError, SettingsError
from auditkit.files import Folder
from auditkit.finding import Address, Results
from auditkit.outputs.tables import write_tables
from auditkit.report.gates import counted
from auditkit.report.overview import about_of
from auditkit.report.rendering import PAGES
from auditkit.text import cut, fault, inert

NAMES = "metrics.json"
"""Logged beside them: the address of every metric, by its name in MLflow."""
LONGEST_NAME, LONGEST_TAG = 250, 5000
"""Characters that MLflow takes."""


def log(audit: Results, directory: Folder, uri: str = "") -> str:
    """Log a run; numbers that are undefined are left out.

    Args:
        audit: What was found.
        directory: Of the run; its pages are logged as they lie there.
        uri: Of the tracking server or store; "": MLFLOW_TRACKING_URI says.

    Returns:
        The id of MLflow's run.

    Raises:
        SettingsError: mlflow is not installed, or nobody says where to log.
        AuditError: MLflow refuses.
    """
    if not (uri or os.environ.get("MLFLOW_TRACKING_URI")):
        raise SettingsError(
            "--mlflow has no URI; expected --mlflow URI or the variable MLFLOW_TRACKING_URI, such "
            "as sqlite:///mlflow.db"
        )
    os.environ.setdefault("MLFLOW_LOGGING_LEVEL", "WARNING")
    os.environ.setdefault("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")
    try:
        import mlflow
    except ImportError as error:
        raise SettingsError(
            f"--mlflow: mlflow cannot be imported ({cut(fault(error), 200)}); "
            "pip install 'auditkit[mlflow]'"
        ) from error
    numbers = metrics(audit)
    try:
        if uri:
            mlflow.set_tracking_uri(uri)
        with (
            TemporaryDirectory(prefix="auditkit-") as held,
            mlflow.start_run(run_name=Path(str(directory)).name) as run,
        ):
            mlflow.set_tags(tags(audit))
            mlflow.log_metrics({name: value for name, (_, value) in numbers.items()})
            _lay_out(audit, directory, {name: at for name, (at, _) in numbers.items()}, Path(held))
            mlflow.log_artifacts(held)
    except (mlflow.exceptions.MlflowException, ImportError, OSError) as error:
        raise AuditError(
            f"--mlflow: MLflow refused: {cut(fault(error), 300)}; check the URI, and that its "
            "store answers"
        ) from error
    return str(run.info.run_id)


def metrics(audit: Results) -> dict[str, tuple[str, float]]:
    """By a name that MLflow takes: the address, and the number there; bounds have their own."""
    told: dict[str, tuple[str, float]] = {}
    seen: set[str] = set()
    for finding in audit.findings:
        for m in finding.measurements:
            bounds = {} if m.interval is None else {"low": m.interval.low, "high": m.interval.high}
            for part, value in {"": m.value, **bounds}.items():
                if value is not None:
                    address = Address(finding.probe, m.name, m.at, part)
                    told[_distinct(_name(address), seen)] = (str(address), value)
    return told


def _name(address: Address) -> str:
    """`performance.accuracy/arm-pruned/low`, in the characters that all of its systems take."""
    parts = [f"{address.probe}.{address.measurement}"]
    parts += [f"{key}-{value}" for key, value in address.at.items()]
    parts += [address.field] if address.field else []
    cleaned = (re.sub(r"[^A-Za-z0-9_. -]", "_", part).strip(". ") or "_" for part in parts)
    return "/".join(cleaned)


def _distinct(name: str, seen: set[str]) -> str:
    """The name, or where another comes to the same, numbered; some stores fold cases."""
    found, number = name[:LONGEST_NAME], 1
    while found.casefold() in seen:
        number += 1
        found = f"{name[: LONGEST_NAME - 8]}_{number}"
    seen.add(found.casefold())
    return found


def tags(audit: Results) -> dict[str, str]:
    """What the run is found by."""
    about = about_of(audit)
    told = {
        "version": about.auditkit,
        "checkpoint": about.model.name,
        "checkpoint_sha256": about.model.sha256,
        "data": about.dataset.name,
        "data_sha256": about.dataset.sha256,
        "gates": counted(audit.gates) or "none",
        "exit_code": str(audit.exit_code),
    }
    return {f"auditkit.{name}": cut(inert(value), LONGEST_TAG) for name, value in told.items()}


def _lay_out(audit: Results, directory: Folder, names: dict[str, str], held: Path) -> None:
    """The files that are logged, in a folder."""
    write_tables(audit, None, held / "tables")
    (held / NAMES).write_text(json.dumps(names, ensure_ascii=False, indent=1) + "\n", "utf-8")
    for name in PAGES:
        if directory.has(name):
            (held / name).write_bytes(directory.read(name))
