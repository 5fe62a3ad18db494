"""What predictions lose without superficial cues."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from auditkit.plugin import (
    ADJUSTED,
    NO_LABEL,
    RESTS,
    Conclusion,
    Estimate,
    Label,
    Number,
    Row,
    Told,
    Trace,
    Undefined,
    bounds,
    by_direction,
    called,
    columns,
    figure,
    place,
    tabulate,
)
from auditkit.probes._cue_words import CATEGORIES
from auditkit.probes._others import CHOSEN, OTHERS
from auditkit.probes._pairs import NO_GOLD
from auditkit.stats.estimates import document_mean, mean_change
from auditkit.stats.multiplicity import At, adjusted_together, at_any_level

Floats = NDArray[np.float64]
Ints = NDArray[np.integer[Any]]

OUTCOMES = ("p", "flips", "right")
"""Of a document: p of the class predicted, whether the answer is another, whether the gold one."""
NEVER = "no document of the sample has such words and others to stand in for them"
LEVELS = called("Student's t over documents, means over draws.")


@dataclass(frozen=True, slots=True)
class CueRow:
    """One cue taken away in one way."""

    category: str
    do: str
    documents: int
    words: float | None
    """Words taken away, a document."""
    present: float | None
    """Words of the cue, a document."""
    numbers: Mapping[str, Estimate]


def cue_rows(trace: Trace, measured: pd.DataFrame) -> list[CueRow]:
    """Every cue and way of taking it away, adjusted together over all of them."""
    changed = _changes(trace, measured).groupby(["category", "do"])
    asked = {(str(category), str(do)): mine for (category, do), mine in changed}
    doings = sorted({do for _, do in asked})
    found = [
        _row(category, do, asked.get((category, do))) for category in CATEGORIES for do in doings
    ]
    rows = [row for row, _ in found]
    for outcome in OUTCOMES:
        name = f"{outcome}_change_difference"
        together = adjusted_together(
            [row.numbers[name] for row in rows], [at_level[outcome] for _, at_level in found]
        )
        rows = [
            replace(row, numbers={**row.numbers, name: estimate})
            for row, estimate in zip(rows, together, strict=True)
        ]
    return rows


def _changes(trace: Trace, measured: pd.DataFrame) -> pd.DataFrame:
    """Columns category, do, example_id, side, words, present and `OUTCOMES`: a row a question."""
    documents, (audited,) = trace.documents, trace.about.in_role("audited")
    answers = documents.answers(audited)
    assert answers is not None  # it runs on all documents
    row = np.array([documents.row_of(one) for one in measured["example_id"]])
    before, label = answers.predicted[row, 0], documents.label[row]
    probs = np.stack(measured["probs"].to_list())
    was = answers.probs[row, 0]
    at, now = np.arange(len(row)), measured["predicted"].to_numpy()
    return measured[["category", "do", "example_id", "side", "words", "present"]].assign(
        p=probs[at, before] - was[at, before].astype(np.float64),
        flips=(now != before).astype(np.float64),
        right=_right(now, before, label),
    )


def _right(now: Ints, before: Ints, label: Ints) -> Floats:
    """Change of being right (n,); NaN where the data have no labels."""
    change = (now == label).astype(np.float64) - (before == label)
    return np.where(label == NO_LABEL, np.nan, change)


def _row(category: str, do: str, changes: pd.DataFrame | None) -> tuple[CueRow, Mapping[str, At]]:
    """One cue, and how the difference of each outcome is made; values are means over the draws."""
    if changes is None:
        none = Estimate(None, 0, why_not=NEVER)
        names = [f"{o}_change{side}" for o in OUTCOMES for side in ("", "_others", "_difference")]
        row = CueRow(category, do, 0, None, None, dict.fromkeys(names, none))
        return row, dict.fromkeys(OUTCOMES, at_any_level(none))
    numbers: dict[str, Estimate] = {}
    at_level: dict[str, At] = {}
    for outcome in OUTCOMES:
        if changes[outcome].isna().any():
            none = Estimate(None, changes["example_id"].nunique(), why_not=NO_GOLD)
            names = [f"{outcome}_change{side}" for side in ("", "_others", "_difference")]
            numbers |= dict.fromkeys(names, none)
            at_level[outcome] = at_any_level(none)
            continue
        wide = changes.pivot_table(outcome, "example_id", "side", "mean")
        cue, others = (wide[side].to_numpy(dtype=np.float64) for side in (CHOSEN, OTHERS))
        at_level[outcome] = partial(mean_change, cue - others, kind="change")
        numbers[f"{outcome}_change"] = document_mean(cue)
        numbers[f"{outcome}_change_others"] = document_mean(others)
        numbers[f"{outcome}_change_difference"] = at_level[outcome]()
    told = changes[changes["side"] == CHOSEN].groupby("example_id")
    words, present = (float(told[name].mean().mean()) for name in ("words", "present"))
    return CueRow(category, do, len(told), words, present, numbers), at_level


def cue_table(rows: Sequence[CueRow], arm: str) -> Told:
    """Cues, beside as many other words."""
    said = (
        ("p", "p(predicted)", "Probability of the class that is predicted with all words"),
        ("flips", "Answers changed", "Share of other answers than with all words"),
        ("right", "Accuracy", "Share of right answers"),
    )
    return tabulate(
        "cues",
        "Without a cue, and without as many other words",
        [
            Label("category", "Cue"),
            Label("perturbation", "Done"),
            *columns(
                ("documents", "Documents", "count"),
                ("words", "Words taken away", "number", "A document, of the cue or others."),
                ("present", "Words of the cue", "number", "A document that has any."),
            ),
            *(
                number
                for name, title, help_text in said
                for number in (
                    Number(f"{name}_change", f"{title}: change", "share",
                           f"{help_text}, less with all.", interval=None),
                    Number(f"{name}_change_others", f"{title}: without others", "share",
                           interval=None),
                    Number(f"{name}_change_difference", f"{title}: difference", "share",
                           "Without the cue less without others.",
                           interval=LEVELS, p="Of 0.", adjusted=ADJUSTED,
                           control="other words of as many pieces"),
                )
            ),
        ],
        _table_rows(rows),
        arm=arm,
    )  # fmt: skip


def _table_rows(rows: Sequence[CueRow]) -> Iterator[Row]:
    missing = Undefined(NEVER)
    for row in rows:
        yield Row(
            {"category": row.category, "perturbation": row.do},
            row.numbers,
            {
                "documents": row.documents,
                "words": missing if row.words is None else row.words,
                "present": missing if row.present is None else row.present,
            },
            n=row.documents,
        )


def cue_claim(rows: Sequence[CueRow]) -> str:
    """Which cues predictions hang on more than on as many other words, and which less."""
    said = by_direction(
        (row for row in rows if row.do == "drop"),
        lambda row: row.numbers["p_change_difference"],
    )
    parts = []
    if said[-1]:
        parts.append(f"Predictions hang more on {_listed(said[-1])} than on as many other words")
    if said[1]:
        parts.append(f"Predictions hang less on {_listed(said[1])} than on as many other words")
    if said[0]:
        parts.append(f"No difference shown between {_listed(said[0])} and as many other words")
    if said[None]:
        names = ", ".join(row.category for row in said[None])
        parts.append(f"Nothing can be said of {names}")
    return ". ".join(parts) + "."


def conclusions_of_cues(rows: Sequence[CueRow], arm: str) -> tuple[Conclusion, ...]:
    """Cues that predictions hang on more than on other words, each alone; and all others."""
    said = by_direction((row for row in rows if row.do == "drop"),
                        lambda row: row.numbers["p_change_difference"])  # fmt: skip
    concerns = tuple(
        Conclusion(RESTS, _hanging(row), (_where(row, arm),), "notable") for row in said[-1]
    )
    others = [row for row in rows if row not in said[-1]]
    told = tuple(_where(row, arm) for side in (0, 1) for row in said[side])
    return (*concerns, Conclusion(RESTS, cue_claim(others), told)) if told else concerns


def _hanging(row: CueRow) -> str:
    return f"Predictions hang more on {_listed([row])} than on as many other words."


def _where(row: CueRow, arm: str) -> str:
    return place("p_change_difference", arm=arm, category=row.category, perturbation=row.do)


def _listed(rows: Sequence[CueRow]) -> str:
    return ", ".join(f"{row.category} ({_figures(row)})" for row in rows)


def _figures(row: CueRow) -> str:
    cue, others, difference = (
        row.numbers[f"p_change{side}"].scaled(100) for side in ("", "_others", "_difference")
    )
    assert cue.value is not None
    assert others.value is not None
    return (
        f"{figure(cue.value, 1)} points of the predicted class's probability against "
        f"{figure(others.value, 1)}: {bounds(difference, 1)} of the difference"
    )
