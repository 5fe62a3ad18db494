"""Where a trace comes from: the inputs that decide it, and how the audited model was trained."""

import hashlib
import json
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from auditkit._version import __version__
from auditkit.bench.subjects import Bench
from auditkit.data.annotate import Annotator
from auditkit.data.examples import Dataset
from auditkit.errors import ProbeError, TraceError
from auditkit.files import Folder
from auditkit.finding import to_json
from auditkit.record.settings import RecordingSettings
from auditkit.text import said
from auditkit.trace import ARMS, SCHEMA_VERSION, BudgetAbout
from auditkit.trace.writing import INPUTS, outdated

_OF_WORDS, _OF_MODELS = ("spacy",), ("tokenizers", "torch", "transformers")
"""Libraries of which another version may make other words; other tokens or last bits, which are
made where there are models."""


def inputs(
    bench: Bench, dataset: Dataset, annotator: Annotator, settings: RecordingSettings
) -> dict[str, Any]:
    """All that decides what a trace holds, as plain JSON: equal inputs, equal trace."""
    libraries = (*_OF_WORDS, *(_OF_MODELS if bench.model.askable else ()))
    hashes = {name: subject.about.sha256 for name, subject in bench.subjects.items()}
    drawn = {f"{name}_draws": sample.draws for name, sample in settings.samples.items()}
    marked = [{"rationale": dataset.rationale_column}] if dataset.rationale_column else []
    sampled = {f"{name}_documents": sample.documents for name, sample in settings.samples.items()}
    return {
        "schema_version": SCHEMA_VERSION,
        "auditkit": __version__,
        **{name: hashes.get(name) for name in dict.fromkeys(arm.subject for arm in ARMS)},
        "score_norm": bench.model.about.score_norm,
        "tokenizer": _sha256(bench.reader.rules()),
        "max_length": bench.reader.max_length,
        **_own_readers(bench),
        "dataset": dataset.sha256,
        "classes": [
            [one.name, list(one.data), list(one.model)] for one in dataset.matching.classes
        ],
        "columns": [dataset.text_column, dataset.label_column, *dataset.group_columns, *marked],
        "refused": _sha256([row.model_dump() for row in dataset.refused]),
        "dataset_name": f"{dataset.name} {dataset.split}",
        "annotator": f"{annotator.about.name} {annotator.about.version} {annotator.sha256}",
        "libraries": {name: version(name) for name in libraries},
        "seed": settings.seed,
        **drawn,
        **sampled,
        "device": bench.device,
        "dtype": bench.settings.dtype,
    }


def _own_readers(bench: Bench) -> dict[str, Any]:
    """Of subjects that have a tokenizer or a length of their own."""
    return {
        f"{name}_tokenizer": [_sha256(one.reader.rules()), one.reader.max_length]
        for name, one in bench.subjects.items()
        if one.reader is not bench.reader
    }


def claim(folder: Folder, wanted: Mapping[str, Any]) -> None:
    """Make `folder` the home of the trace of these inputs, or check that it is.

    Raises:
        TraceError: It holds a trace of other inputs, or of another schema version.
    """
    try:
        seen = json.loads(folder.read(INPUTS))
    except FileNotFoundError:
        folder.write(INPUTS, json.dumps(dict(wanted), indent=1) + "\n")
        return
    except (ValueError, RecursionError) as error:
        raise TraceError(
            f"{folder / INPUTS} is no JSON: {said(error)}; give --overwrite to start anew"
        ) from error
    if not isinstance(seen, dict):
        raise TraceError(f"{folder / INPUTS} names no inputs; give --overwrite to start anew")
    schema = seen.get("schema_version", 1)
    if schema != SCHEMA_VERSION:
        raise TraceError(outdated(folder, schema))
    if unknown := [name for name in wanted if name not in seen]:
        raise TraceError(
            f"{folder} was recorded by an auditkit that did not note {unknown[0]}; give "
            "--overwrite to start anew, or another --out"
        )
    for name in dict.fromkeys([*wanted, *seen]):
        if seen.get(name) != wanted.get(name):
            raise TraceError(
                f"{folder} holds a run with {name} {seen.get(name)!r}, this one has "
                f"{wanted.get(name)!r}; give --overwrite to start anew, or another --out"
            )


def training_summary(model: str) -> dict[str, Any] | None:
    """What `auditkit train` recorded beside the checkpoint, without times and machine paths."""
    from auditkit.ltp.stored import training_record

    record = training_record(model)
    if record is None:
        return None
    try:
        settings = {k: v for k, v in record["settings"].items() if k not in ("backbone", "device")}
        backbone = record["settings"]["backbone"]
        settings["backbone"] = None if backbone is None else Path(str(backbone)).name
        stages = [{k: v for k, v in s.items() if k != "seconds"} for s in record["stages"]]
        path = [
            {"step": int(told["step"]), "thresholds": [float(v) for v in told["thresholds"]]}
            for told in record["history"]
            if told["stage"] == "soft"
        ]
        summary = {
            "settings": settings,
            "deviations": record["deviations"],
            "stages": stages,
            "thresholds": path,
        }
        to_json(summary)
    except (LookupError, TypeError, AttributeError, ValueError, ProbeError):
        return None  # not as `auditkit train` writes it
    return summary


def budgets(model: str) -> tuple[BudgetAbout, ...]:
    """The budgets that `auditkit train --sweep` recorded beside the checkpoint, its own marked."""
    from auditkit.ltp.stored import training_record

    record = training_record(model) or {}
    known = set(BudgetAbout.model_fields)
    try:
        own = record["settings"]["target_macs_share"]
        return tuple(
            BudgetAbout.model_validate(
                {k: v for k, v in budget.items() if k in known}
                | {"audited": budget["target"] == own}
            )
            for budget in record["sweep"]
        )
    except (LookupError, TypeError, AttributeError, ValueError):
        return ()  # there was none, or it is not as `auditkit train` writes it


def _sha256(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()
