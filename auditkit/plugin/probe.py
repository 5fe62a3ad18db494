"""The probe protocol, and how a probe answers."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol, runtime_checkable

import numpy as np
import pandas as pd

from auditkit.finding import (
    Card,
    Chart,
    Conclusion,
    Example,
    Finding,
    Mark,
    Measurement,
    Status,
    Table,
    Verdict,
)
from auditkit.plugin.bench_view import BenchView
from auditkit.plugin.rows import Told
from auditkit.plugin.titles import Telling
from auditkit.stats.cells import WordCells
from auditkit.trace import ARMS, OPTIONAL, TABLES, TAGS, About, Trace

ROLES = {
    "audited": "a model under audit",
    "reference": "an unpruned baseline model (--baseline DIR, or CKPT/baseline)",
    "control": "a control of the model under audit",
    "floor": "a noise floor (--repeat-documents 1 or more, or CKPT/reseeded)",
}
"""By role of an arm: what a run lacks that has none of it."""

GOLD = "gold"
"""The need of a probe that has nothing to say of documents without a gold class."""
MODELS = "models"
"""The need of a probe that asks the models something that saved predictions do not hold."""
PRUNING = "pruning"
"""The need of a probe that has nothing to say of a model that drops no tokens."""
ENGINE = "engine"
"""The need of a probe that looks into a model deeper than where tokens leave: at thresholds, at
gradients and states."""

CHAPTERS = ("What it costs and saves", "What is kept", "What predictions rest on", "Is it sound")
"""Of a report, in order; what names no chapter comes after them."""


class Place(NamedTuple):
    """Where a probe stands in a report."""

    chapter: int
    """Index into `CHAPTERS`."""
    order: int
    """Within the chapter, lowest first."""


LAST = Place(len(CHAPTERS), 0)
"""Where a probe stands that says nothing of it."""


@runtime_checkable
class Probe(Protocol):
    """One question about a pruned model. Implementations are frozen dataclasses."""

    @property
    def name(self) -> str:
        """The name of its entry point."""
        ...

    @property
    def version(self) -> str:
        """Another version may give other numbers from the same trace."""
        ...

    @property
    def question(self) -> str:
        """What it answers, in one sentence."""
        ...

    @property
    def needs(self) -> frozenset[str]:
        """What it cannot do without: what `auditkit.plugin.needs` lists."""
        ...

    def analyse(self, trace: Trace, rng: np.random.Generator) -> Finding:
        """Pure: columns in, finding out. `rng` is seeded by the run's seed and the probe's name."""
        ...


@runtime_checkable
class MeasuringProbe(Probe, Protocol):
    """A probe that asks the models something that the trace does not hold."""

    def measure(self, bench: BenchView) -> pd.DataFrame | None:
        """Ask the models, which is slow. The table is kept in the trace; None for none."""
        ...


@runtime_checkable
class SortingProbe(Probe, Protocol):
    """A probe that sorts the words of a run into categories, of which runs can be compared."""

    def sorted_words(self, trace: Trace) -> WordCells | None:
        """The words by category, as `analyse` counts them; None where there are none to sort."""
        ...


def place_of(probe: Probe) -> Place:
    """The probe's `place`, where it declares one; else after all that do."""
    return Place(*getattr(probe, "place", LAST))


def question_of(probe: Probe, about: About) -> str:
    """What it asks of the run: of a model that drops no tokens its `question_of_change`, if any."""
    asked: str = probe.question
    return asked if about.depths_of else getattr(probe, "question_of_change", asked)


def chapter_of(probe: Probe) -> str:
    """The name of its chapter; "" after all that have one."""
    return dict(enumerate(CHAPTERS)).get(place_of(probe).chapter, "")


def needs() -> dict[str, str]:
    """What a probe may name in `needs`, and what a run lacks without it."""
    tables = {name: f"the table {name}: it has no rows" for name in (*TABLES, *OPTIONAL)}
    arms = {arm.name: f"the arm {arm.name} ({arm.meaning})" for arm in ARMS}
    return {
        **tables,
        **arms,
        **ROLES,
        **TAGS,
        "words": "documents with at least one word",
        GOLD: "labels (the data have none: --unlabelled)",
        "rationales": "documents with a rationale that people marked (--rationale-column)",
        MODELS: "models that can be asked (it is of saved predictions)",
        PRUNING: "a model under audit that drops tokens",
        ENGINE: "auditkit's own engine (another method drops this model's tokens)",
    }


def unmet(probe: Probe, about: About) -> list[str]:
    """What the probe needs and the run does not offer; no table is opened to know it."""
    roles = {arm.role for arm in ARMS if arm.name in about.arms}
    tables = {name for name, rows in about.counts.items() if rows}
    offered = {*about.arms, *roles, *tables, *about.annotator.tags}
    offered |= {PRUNING} if about.depths_of else set()
    offered |= {ENGINE} if about.kind != "dropper" else set()
    offered |= {MODELS} if about.askable else set()
    offered |= {GOLD} if about.dataset.labelled else set()
    lacking = needs() | {t: f"{TAGS[t]}: {why}" for t, why in about.annotator.lacks.items()}
    return [lacking[need] for need in sorted(probe.needs) if need not in offered]


def answer(
    probe: Probe,
    claim: str,
    status: Status = "reported",
    *,
    measurements: Sequence[Measurement] = (),
    tables: Sequence[Table | Told] = (),
    charts: Sequence[Chart | Telling] = (),
    examples: Sequence[Example] = (),
    caveats: Sequence[str] = (),
    conclusions: Sequence[Conclusion] = (),
    verdict: Verdict | None = None,
    cards: Sequence[Card] = (),
    marks: Sequence[Mark] = (),
    unchecked: Sequence[str] = (),
) -> Finding:
    """The finding of a probe: its claim and what the claim rests on.

    Args:
        probe: Who answers.
        claim: One sentence that a reviewer can quote, made from the numbers.
        status: `reported` where there was nothing to decide.
        measurements: Numbers that stand in no table.
        tables: The tables; those of `tabulate` bring their measurements.
        charts: Views of the tables; the page shows the first, and the others where one asks.
        examples: Documents, layer by layer.
        caveats: What a reader must bear in mind.
        conclusions: Sentences for the end of the report, on measurements of this finding; those
            with a `concern` may stand on its first screen.
        verdict: The decision that the report opens with.
        cards: Large figures of the first screen.
        marks: Rows of the pictures of the first screen.
        unchecked: What the probe could not look at, in a few words each.
    """
    told = [table for table in tables if isinstance(table, Told)]
    shown = {table.name: table for t in tables for table in [t.table if isinstance(t, Told) else t]}
    return Finding(
        probe=probe.name,
        version=probe.version,
        question=probe.question,
        claim=claim,
        status=status,
        measurements=(*(m for t in told for m in t.measurements), *measurements),
        tables=tuple(t.table if isinstance(t, Told) else t for t in tables),
        charts=tuple(c.of(shown[c.chart.table]) if isinstance(c, Telling) else c for c in charts),
        examples=tuple(examples),
        caveats=tuple(caveats),
        conclusions=tuple(conclusions),
        chapter=chapter_of(probe),
        verdict=verdict,
        cards=tuple(cards),
        marks=tuple(marks),
        unchecked=tuple(unchecked),
    )


def not_applicable(probe: Probe, reason: str) -> Finding:
    """The finding of a probe that has nothing to look at, and why."""
    return answer(probe, f"Not applicable: {reason}.", "not_applicable")
