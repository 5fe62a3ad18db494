"""The probe protocol, what a probe may ask of the bench, and how it answers."""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple, Protocol, runtime_checkable

import numpy as np
import pandas as pd

from auditkit.finding import Chart, Example, Finding, Measurement, Status, Table
from auditkit.plugin.glossary import GlossaryTerm
from auditkit.plugin.rows import Told
from auditkit.trace import ARMS, TABLES, TAGS, About, Documents, Trace

ROLES = {
    "audited": "a model under audit",
    "reference": "an unpruned baseline model (--baseline DIR, or CKPT/baseline)",
    "control": "a control of the model under audit",
    "floor": "a noise floor (--repeat-documents 1 or more, or CKPT/reseeded)",
}
"""By role of an arm: what a run lacks that has none of it."""

PRUNING = "pruning"
"""The need of a probe that has nothing to say of a model that drops no tokens."""

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


class BenchView(Protocol):
    """What `measure` may ask for; of an arm that cannot be asked an error names those that can.

    All frames are keyed by `example_id`; positions are token positions of the trace.
    """

    @property
    def about(self) -> About:
        """What the trace holds."""
        ...

    @property
    def glossary(self) -> tuple[GlossaryTerm, ...]:
        """Terms that the user supplied (`--glossary`)."""
        ...

    @property
    def attribution_sample(self) -> int:
        """How many documents to attribute (`--attribution-sample`)."""
        ...

    @property
    def documents(self) -> Documents:
        """The documents of the run, without their texts."""
        ...

    def texts(self, example_ids: Sequence[str]) -> Iterator[tuple[str, str]]:
        """Id and text of these documents, shard by shard."""
        ...

    def scan(
        self, name: str, columns: Sequence[str] | None = None, ids: Iterable[str] | None = None
    ) -> Iterator[pd.DataFrame]:
        """A table of the run, shard by shard: `Trace.scan`."""
        ...

    @property
    def stop_words(self) -> frozenset[str]:
        """Those of the pipeline's language, in lower case."""
        ...

    def training_words(self) -> pd.DataFrame | None:
        """Words of the training texts: columns label (int), lower (str), count (int).

        The texts are those of `--training-data`, else of the data set's own training split. Counts
        are numbers of occurrences over all of them. None: there are none.
        """
        ...

    def stratified_sample(self, size: int) -> list[str]:
        """`size` example ids (or all), each class with its share, seeded."""
        ...

    def attribute(self, arm: str, method: str, example_ids: Sequence[str]) -> pd.DataFrame:
        """Attributions of the class that the pruned model predicts, on `arm`'s weights, unpruned.

        Args:
            arm: `unpruned` or `baseline`.
            method: `integrated_gradients` or `input_x_gradient`.
            example_ids: Documents to explain.

        Returns:
            Columns example_id, position, attribution (signed, summed over the embedding), and
            convergence (|δ| / |f(x) − f(x′)| of the document; NaN where the method has none).
        """
        ...

    def ask(self, arm: str, example_ids: Sequence[str], dtype: str) -> pd.DataFrame:
        """What an arm says when it computes in another precision, on the same device.

        Args:
            arm: One that runs on all documents, such as `pruned`, `unpruned` or `baseline`.
            example_ids: Documents to ask about.
            dtype: `float32`, `bfloat16` or `float16`; the checkpoint is opened in it.

        Returns:
            Columns example_id, predicted (class index), and depths (list of the survival depths of
            the document's tokens, in order of position).
        """
        ...

    def intervene(self, arm: str, changes: pd.DataFrame) -> pd.DataFrame:
        """What an arm says where tokens are kept, dropped or left unread against its own decisions.

        Args:
            arm: One that runs on all documents; `keep` and `drop` take one that drops tokens.
            changes: One row a question, any number of them a document. Columns example_id; do:
                `keep` (no layer drops these tokens), `drop` (the first layer drops them, so that
                they were attended to once) or `mask` (they are not read at all; all others keep
                their positions); positions: list of token positions, none of a special token. Of
                the others the arm decides as ever. Further columns are carried along.

        Returns:
            `changes` with predicted (class index) and probs (list of C floats), row by row.
        """
        ...


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
        """What it cannot do without: tables, arms, roles of arms, tags, `pruning` (`needs()`)."""
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


def place_of(probe: Probe) -> Place:
    """The probe's `place`, where it declares one; else after all that do."""
    return Place(*getattr(probe, "place", LAST))


def needs() -> dict[str, str]:
    """What a probe may name in `needs`, and what a run lacks without it."""
    tables = {name: f"the table {name}: it has no rows" for name in TABLES}
    arms = {arm.name: f"the arm {arm.name} ({arm.meaning})" for arm in ARMS}
    return {
        **tables,
        **arms,
        **ROLES,
        **TAGS,
        "words": "documents with at least one word",
        PRUNING: "a model under audit that drops tokens",
    }


def unmet(probe: Probe, about: About) -> list[str]:
    """What the probe needs and the run does not offer; no table is opened to know it."""
    roles = {arm.role for arm in ARMS if arm.name in about.arms}
    tables = {name for name, rows in about.counts.items() if rows}
    offered = {*about.arms, *roles, *tables, *about.annotator.tags}
    offered |= {PRUNING} if about.depths_of else set()
    lacking = needs() | {t: f"{TAGS[t]}: {why}" for t, why in about.annotator.lacks.items()}
    return [lacking[need] for need in sorted(probe.needs) if need not in offered]


def answer(
    probe: Probe,
    claim: str,
    status: Status = "reported",
    *,
    measurements: Sequence[Measurement] = (),
    tables: Sequence[Table | Told] = (),
    charts: Sequence[Chart] = (),
    examples: Sequence[Example] = (),
    caveats: Sequence[str] = (),
) -> Finding:
    """The finding of a probe: its claim and what the claim rests on.

    Args:
        probe: Who answers.
        claim: One sentence that a reviewer can quote, made from the numbers.
        status: `reported` where there was nothing to decide.
        measurements: Numbers that stand in no table.
        tables: The tables; those of `tabulate` bring their measurements.
        charts: Views of the tables.
        examples: Documents, layer by layer.
        caveats: What a reader must bear in mind.
    """
    told = [table for table in tables if isinstance(table, Told)]
    return Finding(
        probe=probe.name,
        version=probe.version,
        question=probe.question,
        claim=claim,
        status=status,
        measurements=(*(m for t in told for m in t.measurements), *measurements),
        tables=tuple(t.table if isinstance(t, Told) else t for t in tables),
        charts=tuple(charts),
        examples=tuple(examples),
        caveats=tuple(caveats),
    )


def not_applicable(probe: Probe, reason: str) -> Finding:
    """The finding of a probe that has nothing to look at, and why."""
    return answer(probe, f"Not applicable: {reason}.", "not_applicable")
