"""What `auditkit train` says: of a step, of a stage, and of all that was trained."""

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from auditkit.cli.console import clean

if TYPE_CHECKING:
    from auditkit.ltp.training.outcome import Budget, Stage
    from auditkit.ltp.training.trainer import Step


SPLITS = ("train", "test")
"""Of data sets that are known or on the hub: the one that was not trained on is audited."""


def note(step: "Step") -> str:
    """What stands behind a bar after a step."""
    parts = [f"loss {step.loss:.3f}"]
    if step.macs_share is not None and step.stage != "baseline":
        parts.append(f"MACs {step.macs_share:.2f}")
    if step.lam is not None:
        parts.append(f"λ {step.lam:.1e}")
        parts.append("θ " + " ".join(f"{t * 1000:.1f}" for t in step.thresholds) + " e-3")
    if step.keep_rates and step.stage != "baseline":
        parts.append("keep " + " ".join(f"{rate:.2f}" for rate in step.keep_rates))
    return " · ".join(parts)


def line(stage: "Stage") -> str:
    """What a stage came to."""
    keep = " ".join(f"{rate:.2f}" for rate in stage.keep_rates)
    return (
        f"{stage.stage}: held-out accuracy {stage.accuracy:.4f}, "
        f"MACs share {stage.macs_share:.3f}, tokens kept by layer {keep}, {stage.seconds:.0f} s"
    )


def tell_one(stages: "tuple[Stage, ...]", target: float | None, out: Path) -> None:
    """The table of one training, and what its folder holds."""
    from auditkit.ltp.training.outcome import Budget

    rows = [
        (stage.stage, f"{stage.accuracy:.4f}", f"{1 / stage.macs_share:.2f}×",
         f"{stage.keep_rates[-1]:.1%}", f"{stage.documents:,}", _time(stage))
        for stage in stages
    ]  # fmt: skip
    _table(("stage", "accuracy", "MACs ratio", "kept at the last layer", "documents", "time"), rows)
    if target is not None:
        _tell_missed([Budget.of(target, stages)])
    click.echo(f"{out}: pruned model; {out / 'baseline'}: baseline; {out / 'training.json'}")


def tell_sweep(done: "dict[float, tuple[Stage, ...]]", out: Path) -> None:
    """The table of all budgets, below the models that they share."""
    from auditkit.ltp.training.outcome import Budget
    from auditkit.ltp.training.workspace import STOCK

    shared = [stage for stage in max(done.values(), key=_trained) if stage.stage in STOCK]
    before = shared[0].accuracy
    budgets = [Budget.of(share, stages) for share, stages in done.items()]
    rows = [
        (s.stage, "—", "1.000", "1.00×", f"{s.accuracy:.4f}",
         _points(s.accuracy - before) if s.stage != "baseline" else "—", _time(s))
        for s in shared
    ]  # fmt: skip
    rows += [
        (f"share-{b.target:.2f}", f"{b.target:.2f}", f"{b.reached:.3f}", f"{1 / b.reached:.2f}×",
         f"{b.accuracy:.4f}", _points(b.accuracy - b.baseline_accuracy), f"{b.seconds:.0f} s")
        for b in budgets
    ]  # fmt: skip
    titles = ("model", "target", "MACs share", "MACs ratio", "accuracy", "points", "time")
    _table(titles, rows)
    _tell_missed(budgets)
    click.echo(f"{out}: a checkpoint for each budget, with its baseline")


def audit_command(model: str, dataset: str, trained: str, places: Mapping[str, str | None]) -> str:
    """The command that audits a model on documents that it was not trained on.

    Args:
        model: The checkpoint.
        dataset: What it was trained on.
        trained: The split of it that it was trained on.
        places: Where the data lie, by option; None where it was not given.
    """
    held_out, why = ["--dataset", "FILE"], "; FILE: documents that it has not seen"
    if not Path(dataset).is_file() and trained in SPLITS:
        other = SPLITS[trained == SPLITS[0]]
        held_out, why = ["--dataset", dataset, "--split", other], ""
    given = [(f"--{key.replace('_', '-')}", value) for key, value in places.items() if value]
    command = shlex.join(
        ["auditkit", "run", "--model", model, *held_out, *(part for pair in given for part in pair)]
    )
    return clean(command + why)


def _tell_missed(budgets: "Sequence[Budget]") -> None:
    from auditkit.ltp.training.budget import TOLERANCE

    for budget in budgets:
        if not budget.met:
            click.echo(
                f"target missed: {budget.reached:.3f} of the baseline's MACs instead of "
                f"{budget.target:g} ± {TOLERANCE:g}"
            )


def _trained(stages: "Sequence[Stage]") -> int:
    return sum(not stage.given for stage in stages)


def _time(stage: "Stage") -> str:
    return "given" if stage.given else f"{stage.seconds:.0f} s"


def _points(difference: float) -> str:
    return f"{difference * 100:+.1f}".replace("-", "−")


def _table(titles: "Sequence[str]", rows: "Sequence[Sequence[str]]") -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(title="Training, on held-out rows")
    for number, title in enumerate(titles):
        table.add_column(title, justify="right" if number else "left")
    for row in rows:
        table.add_row(*row)
    Console().print(table)
