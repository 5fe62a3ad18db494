"""The arms of an audit: one table that bench, trace, report, command line and docs read.

An arm is one way of answering: whose weights, and what happens to the tokens. Probes ask for roles
and for arms of this table; a new arm is one entry here and what answers for it on the bench.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from auditkit.errors import TraceError
from auditkit.text import one_of

Role = Literal["audited", "reference", "control", "floor"]
"""audited: what the audit is about · reference: what it is compared with · control: what takes one
cause out of that comparison · floor: what would differ anyway."""

Kind = Literal["ltp", "dropper", "change"]
"""Of an audit: of a model that was trained to drop tokens, of another method that drops them from a
model, or of a model that drops none."""

SubjectName = Literal["model", "baseline", "continued", "reseeded"]
"""Whose weights: of the checkpoint under audit, or of a folder beside it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Arm:
    """One arm."""

    name: str
    role: Role
    meaning: str
    """What it is, after its name and a colon."""
    subject: SubjectName
    pruning: Literal["off", "hard", "follow"] = "off"
    """`follow`: depths are dealt to the tokens instead of being decided."""
    kinds: tuple[Kind, ...] = ("ltp", "dropper", "change")
    """Of the audits that it belongs to."""
    drawn: bool = False
    """Whether it is repeated, each time with other chance."""
    sampled: bool = False
    """Whether it is run on some documents only, where there are many."""
    versus: Mapping[str, str] = field(default_factory=dict)
    """By other arm: what the paired difference to that arm is the effect of."""
    present: str = ""
    """What a reader must bear in mind where it was run."""
    trained: str = ""
    """And where its weights were trained for what it does to tokens."""
    absent: str = ""
    """What a reader must bear in mind where it was not, and there is a baseline."""
    leaves_open: str = ""
    """What is then not checked, in a few words."""


ARMS = (
    Arm(
        name="baseline",
        role="reference",
        meaning="fine-tuned, never pruned",
        subject="baseline",
    ),
    Arm(
        name="continued",
        role="control",
        meaning="the baseline, trained on for as long as the pruned model",
        subject="continued",
        kinds=("ltp",),
        versus={"baseline": "more training: nothing pruned"},
        present="The pruned model has had more training than the baseline. The arm continued is "
        "the baseline trained on for as many steps, on the same data and with the same loss but "
        "without pruning, so pruned − continued is free of that.",
        absent="The pruned model has had more training than the baseline: its epochs of LTP. No "
        "baseline that was trained on for as long was run, so pruned − baseline mixes the effect "
        "of pruning with that of training.",
        leaves_open="pruning apart from more training",
    ),
    Arm(
        name="reseeded",
        role="floor",
        meaning="a baseline of another seed",
        subject="reseeded",
        versus={"baseline": "another seed of the training: the noise floor"},
        present="The noise floor, reseeded − baseline, is that of one other seed.",
        absent="No noise floor: no baseline of another seed was run, so a difference that two "
        "seeds would show as well cannot be told from noise.",
        leaves_open="noise between two trainings",
    ),
    Arm(
        name="unpruned",
        role="control",
        meaning="the weights under audit with pruning switched off",
        subject="model",
        kinds=("ltp", "dropper"),
        versus={"baseline": "the training for pruning: nothing pruned"},
    ),
    Arm(
        name="pruned",
        role="audited",
        meaning="the weights under audit with hard masks",
        subject="model",
        kinds=("ltp", "dropper"),
        pruning="hard",
        versus={
            "baseline": "pruning and the training for it, together",
            "continued": "pruning: both trained for as many steps",
            "unpruned": "pruning at inference: same weights",
            "random": "the choice of tokens: as many kept, at random",
        },
        trained="The pruned model's weights are adapted to its own masks, so pruned − unpruned and "
        "pruned − random contain a mismatch term.",
    ),
    Arm(
        name="changed",
        role="audited",
        meaning="the model under audit where it drops no tokens",
        subject="model",
        kinds=("change",),
        versus={"baseline": "what was done to the model"},
    ),
    Arm(
        name="random",
        role="control",
        meaning="the weights under audit, as many tokens kept per layer, chosen at random",
        subject="model",
        kinds=("ltp", "dropper"),
        pruning="follow",
        drawn=True,
        sampled=True,
        present="Random keeping draws a mask of its own in every document and draw; a document's "
        "value is the mean over its draws, so resampling documents carries the variance between "
        "draws along.",
    ),
    Arm(
        name="repeat",
        role="floor",
        meaning="the weights under audit again, in plain padded attention with masks",
        subject="model",
        kinds=("ltp",),
        pruning="hard",
        sampled=True,
        versus={"pruned": "arithmetic alone: the same weights in another implementation"},
        absent="No floor of arithmetic: the weights under audit were not run in another "
        "implementation, so what rounding alone changes is not known.",
        leaves_open="noise of arithmetic",
    ),
)
"""In the order in which an audit tells of them."""


def arms_of(kind: Kind) -> tuple[Arm, ...]:
    """The arms that an audit of a kind can have."""
    return tuple(entry for entry in ARMS if kind in entry.kinds)


def arm(name: str) -> Arm:
    """The arm of that name.

    Raises:
        TraceError: There is none.
    """
    for entry in ARMS:
        if entry.name == name:
            return entry
    raise TraceError(f"no arm {name!r}; {one_of((a.name for a in ARMS), name)}")


def keys(name: str, draws: int) -> tuple[str, ...]:
    """What the columns of an arm end in: its name, or `random_0`, `random_1`, … by draw."""
    return tuple(f"{name}_{draw}" for draw in range(draws)) if arm(name).drawn else (name,)
