"""Probes: the protocol, what a probe may ask of the bench, and discovery.

Built-in probes come through the same door as third parties': the entry-point group
`auditkit.probes`, whose values are frozen dataclasses that implement `Probe`. Their fields are the
probe's options.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Protocol, get_type_hints, runtime_checkable

import numpy as np
import pandas as pd
from pydantic import TypeAdapter, ValidationError

from auditkit.errors import ProbeError
from auditkit.finding.values import Chart, Example, Finding, Measurement, Status, Table
from auditkit.text import one_of
from auditkit.trace.tables import About, Trace

GROUP = "auditkit.probes"

STORY = (
    "performance", "layer_view", "pos_retention", "stopword", "entity", "domain_term",
    "attribution_agreement", "precision",
)  # fmt: skip
"""The order in which the built-in probes tell the story: what it costs, then what is lost."""

NEEDS = {
    "baseline": "an unpruned baseline model (--baseline DIR, or CKPT/baseline)",
    "random": "the arm of random keeping (--random-draws 1 or more)",
    "words": "documents with at least one word",
}
"""What a run may or may not offer; a probe names what it cannot do without in `needs`."""


class BenchView(Protocol):
    """What `measure` may ask for. Arms: `baseline`, `unpruned`, `pruned`.

    All frames are keyed by `example_id`; positions are token positions of the trace.
    """

    @property
    def about(self) -> About:
        """What the trace holds."""
        ...

    @property
    def glossary(self) -> tuple[str, ...]:
        """Terms that the user supplied (`--glossary`)."""
        ...

    @property
    def attribution_sample(self) -> int:
        """How many documents to attribute (`--attribution-sample`)."""
        ...

    @property
    def examples(self) -> pd.DataFrame:
        """The trace's table `examples`."""
        ...

    def training_words(self) -> pd.DataFrame | None:
        """Words of the training split: columns label (int), lower (str), count (int).

        Counts are numbers of occurrences over the whole split. None: there is no training split.
        """
        ...

    def stratified_sample(self, size: int) -> list[str]:
        """`size` example ids (or all), balanced over the classes, seeded."""
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

    def answer(self, arm: str, example_ids: Sequence[str], dtype: str) -> pd.DataFrame:
        """What an arm says when it computes in another precision, on the same device.

        Args:
            arm: `pruned`, `unpruned` or `baseline`.
            example_ids: Documents to ask about.
            dtype: `float32`, `bfloat16` or `float16`; the checkpoint is opened in it.

        Returns:
            Columns example_id, predicted (class index), and depths (list of the survival depths of
            the document's tokens, in order of position).
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
        """What it cannot do without: names of `NEEDS`."""
        ...

    def measure(self, bench: BenchView) -> pd.DataFrame | None:
        """Ask the models: optional and slow. The table is kept in the trace; None for none."""
        ...

    def analyse(self, trace: Trace, rng: np.random.Generator) -> Finding:
        """Pure: columns in, finding out. `rng` is seeded by the run's seed and the probe's name."""
        ...


def unmet(probe: Probe, trace: Trace) -> list[str]:
    """What the probe needs and the run does not offer, in the words of `NEEDS`."""
    offered = {
        "baseline": "baseline" in trace.about.arms,
        "random": "random" in trace.about.arms,
        "words": len(trace.table("words")) > 0,
    }
    return [NEEDS[need] for need in sorted(probe.needs) if not offered[need]]


def answer(
    probe: Probe,
    claim: str,
    status: Status = "reported",
    *,
    measurements: Sequence[Measurement] = (),
    tables: Sequence[Table] = (),
    charts: Sequence[Chart] = (),
    examples: Sequence[Example] = (),
    caveats: Sequence[str] = (),
) -> Finding:
    """The finding of a probe: its claim and what the claim rests on.

    Args:
        probe: Who answers.
        claim: One sentence that a reviewer can quote, made from the numbers.
        status: `reported` where there was nothing to decide.
        measurements: The numbers.
        tables: The tables.
        charts: Views of the tables.
        examples: Documents, layer by layer.
        caveats: What a reader must bear in mind.
    """
    return Finding(
        probe=probe.name,
        version=probe.version,
        question=probe.question,
        claim=claim,
        status=status,
        measurements=tuple(measurements),
        tables=tuple(tables),
        charts=tuple(charts),
        examples=tuple(examples),
        caveats=tuple(caveats),
    )


def not_applicable(probe: Probe, reason: str) -> Finding:
    """The finding of a probe that has nothing to look at, and why."""
    return answer(probe, f"Not applicable: {reason}.", "not_applicable")


@dataclass(frozen=True, slots=True)
class Plugin:
    """An installed probe, not imported yet."""

    name: str
    distribution: str
    entry_point: EntryPoint

    def load(self, options: Mapping[str, Any] | None = None) -> Probe:
        """Import the probe and build it with `options`.

        Raises:
            ProbeError: The import fails, the class is no probe, or an option is unknown or of
                another type than its field.
        """
        where = f"probe {self.name} (from {self.distribution})"
        try:
            factory = self.entry_point.load()
        except Exception as error:  # a third party's import may raise anything
            raise ProbeError(f"{where}: cannot be imported: {_line(error)}") from error
        if not dataclasses.is_dataclass(factory) or not isinstance(factory, type):
            raise ProbeError(f"{where}: {self.entry_point.value} is not a dataclass")
        try:
            probe = factory(**_options(factory, options or {}))
        except Exception as error:  # or its `__post_init__`
            raise ProbeError(f"{where}: {_line(error)}") from error
        if not isinstance(probe, Probe):
            missing = [n for n in ("name", "version", "question", "needs", "measure", "analyse")
                       if not hasattr(probe, n)]  # fmt: skip
            raise ProbeError(f"{where}: lacks {', '.join(missing)} of the probe protocol")
        if probe.name != self.name:
            raise ProbeError(f"{where}: calls itself {probe.name!r}; both names must be the same")
        strange = set(probe.needs) - set(NEEDS)
        if strange:
            raise ProbeError(f"{where}: needs {min(strange)!r}; {one_of(NEEDS, min(strange))}")
        return probe


def discover() -> dict[str, Plugin]:
    """All installed probes by name: built-in ones in the report's order, then the others by name.

    Raises:
        ProbeError: Two distributions install a probe of the same name.
    """
    found: dict[str, Plugin] = {}
    entries = sorted(entry_points(group=GROUP), key=_place)
    for entry in entries:
        plugin = Plugin(entry.name, _distribution(entry), entry)
        other = found.get(entry.name)
        if other is not None and other.entry_point.value != entry.value:
            raise ProbeError(
                f"probe {entry.name} is installed twice, by {other.distribution} and "
                f"{plugin.distribution}; uninstall one"
            )
        found[entry.name] = plugin
    return found


def _place(entry: EntryPoint) -> tuple[bool, int, str]:
    """Where a probe stands in the report."""
    known = entry.name in STORY
    return _distribution(entry) != "auditkit", STORY.index(entry.name) if known else 99, entry.name


def _options(factory: type, given: Mapping[str, Any]) -> dict[str, Any]:
    """The options that were given, as values of the types of their fields."""
    fields = {f.name for f in dataclasses.fields(factory) if f.init}
    hints = get_type_hints(factory)
    found = {}
    for name, value in given.items():
        if name not in fields:
            raise ProbeError(f"no option {name!r}; {one_of(fields, name)}")
        try:
            found[name] = TypeAdapter(hints[name]).validate_python(value)
        except ValidationError as error:
            problem = error.errors()[0]["msg"]
            raise ProbeError(f"option {name}: {problem}, seen {value!r:.80}") from error
    return found


def _line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__


def _distribution(entry: EntryPoint) -> str:
    return entry.dist.name if entry.dist is not None else "unknown"
