"""Which arms a recording runs, on which documents, and why it does not run the others."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from auditkit.bench.subjects import Bench
from auditkit.data.examples import Dataset
from auditkit.record.settings import RecordingSettings
from auditkit.trace import ARMS, ArmAbout, Kind, arm, arms_of, keys

_NOT_OF: Mapping[Kind, str] = {
    "change": "the model under audit drops no tokens",
    "dropper": "another method drops the tokens, of which there is one implementation",
}
"""By kind of audit: why an arm that is sampled does not belong to it."""

_STREAMS = {"random": 2, "repeat": 4}
"""What an arm's sample is drawn with, beside the seed; `ProbeBench` draws with others."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The arms of a recording."""

    runs: tuple[ArmAbout, ...]
    """The arms to run, in the order of `ARMS`."""
    absent: Mapping[str, str]
    """By arm that is not run: why."""
    samples: Mapping[str, frozenset[str]]
    """By arm that is run on some documents only: their ids."""
    group_columns: tuple[str, ...]
    rationales: bool
    """Whether there is a table of them."""
    seed: int

    @property
    def audited(self) -> str:
        """The arm under audit."""
        return next(run.name for run in self.runs if arm(run.name).role == "audited")

    @property
    def arm_keys(self) -> tuple[str, ...]:
        """What the columns of the table `documents` end in."""
        return tuple(key for run in self.runs for key in keys(run.name, run.draws))

    def rows(self, name: str, ids: Sequence[str]) -> list[int]:
        """On which of the documents of these ids an arm is run."""
        chosen = self.samples.get(name)
        return [row for row, one in enumerate(ids) if chosen is None or one in chosen]


def plan_arms(bench: Bench, dataset: Dataset, settings: RecordingSettings) -> Plan:
    """Every arm whose subject the bench has; those that are sampled, on a stratified sample."""
    possible = arms_of(bench.model.kind)
    names = {one.name for one in possible}
    absent = {one.name: bench.absent[one.subject] for one in possible
              if one.subject in bench.absent}  # fmt: skip
    absent |= {
        name: f"{sample.flags} is 0" if name in names else _NOT_OF[bench.model.kind]
        for name, sample in settings.samples.items()
        if not sample.documents or name not in names
    }
    samples = {
        name: frozenset(
            example.example_id
            for example in dataset.sample(sample.documents, settings.seed, _STREAMS[name])
        )
        for name, sample in settings.samples.items()
        if name not in absent
    }
    runs = [
        ArmAbout(
            name=one.name,
            subject=one.subject,
            documents=len(samples[one.name]) if one.sampled else len(dataset.examples),
            draws=settings.samples[one.name].draws if one.sampled else 1,
        )
        for one in ARMS
        if one.name in (*bench.arms, *samples)
    ]
    marked = bool(dataset.rationale_column)
    return Plan(tuple(runs), absent, samples, dataset.group_columns, marked, settings.seed)
