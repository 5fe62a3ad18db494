"""`about.json`: what a trace holds, of which models and of which data."""

from typing import Any

from pydantic import Field

from auditkit.ranges import Share
from auditkit.text import sha256
from auditkit.trace.about_data import AnnotatorAbout, DatasetAbout, Frozen, TrainingAbout
from auditkit.trace.arms import Arm, Kind, Role, arm, arms_of, keys

SCHEMA_VERSION = 2

SAVED = "saved predictions"
"""The layout of a subject of which nothing but its answers is known; it has 0 layers."""


class ModelAbout(Frozen):
    """One model under audit. `rule` and `thresholds` are empty for a baseline.

    `original`: its weights come from a checkpoint of the original LTP implementation.
    """

    name: str
    sha256: str
    layout: str
    layers: int
    hidden_size: int
    heads: int
    intermediate_size: int
    max_length: int
    score_norm: str = ""
    protect_first: bool = True
    original: bool = False
    rule: str = ""
    dropper: str = ""
    """Another method that drops its tokens: name, version and options; "" where there is none."""
    thresholds: tuple[float, ...] = ()

    @property
    def hashed(self) -> bool:
        """Whether `sha256` is of files; of a model that was named by its id of the hub it is not.

        There it is of that name, since nothing says which files the hub will hand out.
        """
        return self.sha256 != sha256(self.name).hex()


class BudgetAbout(Frozen):
    """One budget of the sweep that the model under audit comes from, measured in training."""

    target: Share
    """MACs over the baseline's, as asked for."""
    reached: Share
    accuracy: Share
    baseline_accuracy: Share
    held_out: int = Field(ge=1)
    """Held-out documents, on which share and accuracies were measured."""
    audited: bool
    """Whether it is the model under audit."""


class ArmAbout(Frozen):
    """An arm that was run."""

    name: str
    """One of `ARMS`."""
    subject: str
    """Whose answers they are: a key of `About.subjects`."""
    documents: int
    """How many documents it was run on."""
    draws: int = 1


class About(Frozen):
    """`about.json`: what the trace holds. A function of models, data, settings and seed alone."""

    schema_version: int = SCHEMA_VERSION
    auditkit: str
    subjects: dict[str, ModelAbout]
    """By `model` (the one under audit), `baseline`, `continued`, `reseeded`."""
    runs: tuple[ArmAbout, ...]
    """The arms that were run, in the order of `ARMS`."""
    absent: dict[str, str] = Field(default_factory=dict)
    """Why other arms were not run."""
    counts: dict[str, int] = Field(default_factory=dict)
    """Rows by table."""
    dataset: DatasetAbout
    annotator: AnnotatorAbout
    special_tokens: dict[str, str] = Field(default_factory=dict)
    """Names of the tokenizer's special tokens, by token id; empty in older traces."""
    training_data: TrainingAbout | None = None
    """Texts beside the audited ones, for probes to learn from; None: none were given."""
    training: dict[str, Any] | None = None
    """The summary that `auditkit train` left beside the checkpoint."""
    sweep: tuple[BudgetAbout, ...] = ()
    """All budgets that were trained from the same baseline, where there was a sweep."""
    seed: int
    dtype: str
    device: str
    settings: dict[str, Any] = Field(default_factory=dict)

    @property
    def model(self) -> ModelAbout:
        """The model under audit."""
        return self.subjects["model"]

    @property
    def baseline(self) -> ModelAbout | None:
        """What it is compared with, if anything."""
        return self.subjects.get("baseline")

    @property
    def no_baseline(self) -> str:
        """Why there is no baseline; empty where there is one."""
        return self.absent.get("baseline", "")

    @property
    def askable(self) -> bool:
        """Whether there were models to ask, and not their saved predictions alone."""
        return self.model.layout != SAVED

    @property
    def layers(self) -> int:
        """L, the number of layers."""
        return self.model.layers

    @property
    def labels(self) -> tuple[str, ...]:
        """Class names by class index; all numbered where two are the same, so that none are."""
        names = self.dataset.labels
        if len(set(names)) == len(names):
            return names
        return tuple(f"{index}: {name}" for index, name in enumerate(names))

    @property
    def arms(self) -> tuple[str, ...]:
        """The arms that were run."""
        return tuple(run.name for run in self.runs)

    def arm(self, name: str) -> ArmAbout | None:
        """How an arm was run, or None if it was not."""
        return next((run for run in self.runs if run.name == name), None)

    def in_role(self, role: Role) -> tuple[str, ...]:
        """The arms of that role that were run."""
        return tuple(run.name for run in self.runs if arm(run.name).role == role)

    @property
    def depths_of(self) -> str | None:
        """The arm under audit that drops tokens; None where the model under audit drops none.

        What the tables `tokens` and `words` say of survival depth, and `documents` of tokens kept,
        is said of this arm.
        """
        return next((name for name in self.in_role("audited") if arm(name).pruning == "hard"), None)

    @property
    def kind(self) -> Kind:
        """What kind of audit it is."""
        if self.depths_of is None:
            return "change"
        return "dropper" if self.model.dropper else "ltp"

    @property
    def possible(self) -> tuple[Arm, ...]:
        """The arms that such an audit can have, in the order of `ARMS`."""
        return arms_of(self.kind)

    @property
    def unpruned(self) -> tuple[str, ...]:
        """The arms that have the weights under audit and drop no tokens."""
        own = (run.name for run in self.runs if run.subject == "model")
        return tuple(name for name in own if arm(name).pruning == "off")

    @property
    def limits(self) -> list[str]:
        """What a reader must bear in mind: one sentence each, in the order of the table of arms.

        What is said of an arm that was not run is about differences from the reference, and is left
        out where there is none.
        """
        compared = bool(self.in_role("reference"))
        told = []
        if not self.dataset.labelled:
            told.append(
                "The data have no labels: nothing is said of right and wrong answers, and what "
                "needs them is not applicable."
            )
        if known := self.dataset.trained_on:
            told.append(
                f"{known:,} of the {self.dataset.audited:,} documents "
                f"{'is' if known == 1 else 'are'} among those that the model learned from: what is "
                "measured on them is not what it does on new ones."
            )
        for one in self.possible:
            if one.name in self.arms:
                told += [one.present, one.trained * (self.kind == "ltp")]
            else:
                told.append(one.absent * compared)
        return [sentence for sentence in told if sentence]

    @property
    def arm_keys(self) -> tuple[str, ...]:
        """What the columns of the table `documents` end in, arm by arm and draw by draw."""
        return tuple(key for run in self.runs for key in keys(run.name, run.draws))
