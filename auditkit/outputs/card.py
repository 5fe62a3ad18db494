"""A run's key numbers and findings in the README of its checkpoint, which is its model card."""

from datetime import datetime

from huggingface_hub import EvalResult, ModelCard
from huggingface_hub.repocard_data import eval_results_to_model_index

from auditkit.errors import SettingsError
from auditkit.finding import Announcement, Results
from auditkit.outputs.splicing import spliced
from auditkit.report.overview import KeyFigure, about_of, key_figures, place_in_words
from auditkit.report.summary import render_section
from auditkit.text import one_line, said
from auditkit.trace import About

TASK = "text-classification"


def updated(
    text: str,
    audit: Results,
    limits: Announcement | None = None,
    written: datetime | None = None,
    *,
    redacted: bool = False,
) -> str:
    """The README of a checkpoint with what was found of it. Same arguments, same text.

    An entry of the model-index has the key numbers of the model under audit, each with its interval
    and address; a section has decision, gates and findings. Both replace those of an earlier call
    and nothing else.

    Args:
        text: The README as it is; "" where there is none.
        audit: What was found of the checkpoint.
        limits: The limits of the run as they were written down; None: they were not.
        written: When the run was written; None: not known.
        redacted: Whether `audit` is what can be shown to others, which the section then says.

    Raises:
        SettingsError: The README is not one that can be added to.
    """
    about = about_of(audit)
    audited = ("", *about.in_role("audited"))  # the index is of this model, not of its baseline
    results = [
        _result(about, number)
        for number in key_figures(audit)
        if number.measurement.value is not None and number.measurement.at.get("arm", "") in audited
    ]
    entry = eval_results_to_model_index(one_line(about.model.name), results)
    day = "" if written is None else written.date().isoformat()
    section = render_section(audit, limits, written=day, redacted=redacted)
    card = spliced(text, entry if results else [], section)
    try:
        ModelCard(card)
    except (ValueError, TypeError, AttributeError) as error:
        raise SettingsError(f"README.md: the hub would not read it: {said(error)}") from error
    return card


def _result(about: About, number: KeyFigure) -> EvalResult:
    m, data = number.measurement, about.dataset
    bounds = {} if m.interval is None else {"low": m.interval.low, "high": m.interval.high}
    return EvalResult(
        task_type=TASK,
        dataset_type=one_line(data.name),
        dataset_name=one_line(data.name),
        dataset_split=one_line(data.split),
        dataset_args={"sha256": data.sha256},
        metric_type=m.name,
        metric_value=m.value,
        metric_name=one_line(place_in_words(m.name, m.at)),
        metric_args={
            "address": one_line(number.address), "unit": m.unit, **bounds, "level": m.level,
            "documents": m.n_clusters,
        },
    )  # fmt: skip
