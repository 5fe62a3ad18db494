"""A run against an earlier one: is any key figure of the model under audit worse?

Each becomes a gate on its difference, which must rule out a loss of more than the margin.
"""

from dataclasses import replace

from auditkit.errors import TraceError
from auditkit.files import Folder
from auditkit.finding import GateResult, Measurement, Results
from auditkit.plugin import ARMS
from auditkit.plugin.rows import measurement
from auditkit.run.differences import change_of, opened, same_documents
from auditkit.run.gates import Gate, decide

MARGIN = 0.01
"""Loss of accuracy that is accepted where nobody says otherwise."""

_AUDITED = frozenset(arm.name for arm in ARMS if arm.role == "audited")


def regressions(
    new: tuple[Results, Folder], old: tuple[Results, Folder], margin: float = MARGIN
) -> tuple[GateResult, ...]:
    """What became of every key figure that both runs have and that has a better side.

    Accuracy is compared document by document where both runs answered the same documents; all else
    by the two intervals (`difference_of`), which is on the safe side where documents are shared.

    Args:
        new: The run that is asked about, and its directory.
        old: The run that it must not fall behind, and its directory.
        margin: The loss that is accepted: of a share, in points / 100; of any other unit, as a
            share of the old value.

    Raises:
        TraceError: The runs have no such figure in common.
    """
    ours, theirs = (_key_figures(audit) for audit, _ in (new, old))
    shared = [address for address in ours if address in theirs]
    if not shared:
        raise TraceError(
            "the runs have no key figure of the model under audit in common; "
            f"here: {', '.join(ours) or 'none'}; there: {', '.join(theirs) or 'none'}"
        )
    traces = same_documents((new[0], opened(new[1])), (old[0], opened(old[1])))
    asked, how = [], []
    for address in shared:
        mine, before = ours[address], theirs[address]
        change, by = change_of(mine, before, traces)
        accepted = margin if mine.unit == "share" else margin * abs(before.value or 0.0)
        higher = mine.better == "higher"
        limit = {"at_least": -accepted} if higher else {"at_most": accepted}
        told = measurement(mine.name, change, mine.unit, at=mine.at)
        asked.append((Gate(address=address, **limit), told))
        how.append(f"{_seen(before)} → {_seen(mine)}, {by}")
    return tuple(
        replace(result, reason=f"change {told}: {result.reason}")
        for result, told in zip(decide(asked), how, strict=True)
    )


def _key_figures(audit: Results) -> dict[str, Measurement]:
    """By address: headlines with a better side, of the model under audit or of no arm."""
    return {
        f"{finding.probe}.{m.where}": m
        for finding in audit.findings
        for m in finding.measurements
        if m.headline and m.better and m.at.get("arm") in (None, *_AUDITED)
    }


def _seen(m: Measurement) -> str:
    return "undefined" if m.value is None else f"{m.value:.4g}"
