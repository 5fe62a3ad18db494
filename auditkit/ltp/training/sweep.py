"""Several budgets from one baseline: trainings in turn, each given the baseline of the first.

    OUT/share-0.80/     an ordinary, self-contained checkpoint: the first one trains the baseline
    OUT/share-0.60/     another, with a copy of that baseline, so that it can be moved and audited
                        alone

A sweep keeps no state of its own. Each training resumes as it does by itself, a finished one is not
made again, and a budget can be added later by naming it beside the others.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from auditkit.errors import SettingsError
from auditkit.files import write_whole
from auditkit.ltp.training.outcome import Stage
from auditkit.ltp.training.settings import TrainingSettings
from auditkit.ltp.training.workspace import begun, read

Training = Callable[[TrainingSettings, Path], Sequence[Stage]]
"""Trains one budget into a directory, or goes on with it there, as
`auditkit.ltp.training.stages.train` does with its data."""


def directory(out: Path, share: float) -> Path:
    """Where a budget of the sweep in `out` lies."""
    return out / f"share-{share:.2f}"


def sweep(
    settings: TrainingSettings,
    shares: Sequence[float],
    out: Path,
    training: Training,
    *,
    resume: bool = False,
) -> dict[float, tuple[Stage, ...]]:
    """Train a budget for each share of MACs.

    Every `training.json` then holds, as `sweep`, all budgets that are finished in `out`.

    Args:
        settings: All choices but the target. Without a `baseline` the first training makes it.
        shares: Targets, each once.
        out: Gets a `directory` for each.
        training: Trains one of them; it must resume as `resume` says.
        resume: Go on with an interrupted sweep, or add budgets to a finished one.

    Returns:
        What the stages of every budget came to, by share.

    Raises:
        SettingsError: Shares that are out of range or stand twice; `out` holds something, or a
            sweep whose first share is not among `shares`. Nothing was written.
    """
    places = [directory(out, share) for share in shares]
    if not shares or len(set(places)) < len(shares):
        listed = ", ".join(f"{share:g}" for share in shares) or "empty"
        raise SettingsError(f"sweep is {listed}; expected shares that differ by 0.01 or more")
    plans = {share: replace(settings, target_macs_share=share) for share in shares}
    _check(out, resume)
    if settings.baseline is None:
        first = _first(out, places)
        own = shares[places.index(first)]
        given = str(first / "baseline")
        others = {s: replace(plan, baseline=given) for s, plan in plans.items() if s != own}
        plans = {own: plans[own], **others}
    done = {}
    for share, plan in plans.items():
        done[share] = tuple(training(plan, directory(out, share)))
        _tell(out)
    return {share: done[share] for share in shares}


def _check(out: Path, resume: bool) -> None:
    if begun(out) is not None:
        raise SettingsError(
            f"{out} holds a training to one budget; give another --out, and --baseline {out} "
            "to prune the same baseline"
        )
    if resume:
        return
    if any(begun(place) is not None for place in out.glob("share-*")):
        raise SettingsError(
            f"{out} holds a sweep already; give --resume to go on with it, or another --out"
        )
    if out.is_file() or (out.is_dir() and any(out.iterdir())):
        raise SettingsError(f"{out} is not an empty directory; give another --out")


def _first(out: Path, places: Sequence[Path]) -> Path:
    """Whose training makes the baseline: the one that has begun to, else the first."""
    for place in sorted(out.glob("share-*")):
        choices = begun(place)
        if choices is not None and choices.get("baseline") is None:
            if place not in places:
                raise SettingsError(
                    f"{out} was begun with {place.name}, which holds the baseline of the others; "
                    "name its share too, or give --baseline and another --out"
                )
            return place
    return places[0]


def _tell(out: Path) -> None:
    """Write all finished budgets into the record of each of them, the dearest first."""
    paths = sorted(out.glob("share-*/training.json"), reverse=True)
    records = {path: read(path.parent, path) for path in paths}
    budgets = [record["budget"] for record in records.values() if "budget" in record]
    for path, record in records.items():
        write_whole(path, json.dumps(record | {"sweep": budgets}, indent=1) + "\n")
