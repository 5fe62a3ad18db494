"""Ways of calling a pruned model, and what each says otherwise than the trace."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from auditkit.plugin import About, Estimate, Trace
from auditkit.stats.estimates import document_share

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

BATCH = 8
"""Documents a padded batch."""

ROUNDING = {"float32": 1e-4, "float16": 1e-2, "bfloat16": 5e-2}
"""By precision of the run: as near to its threshold, relative, rounding may decide on a token; and
as much it may move a probability."""

NO_THRESHOLD = "the rule topk compares scores with each other and has no threshold"
REMOVED = "what is dropped is removed, so that nothing can come back by construction"
LARGEST = "a largest value has no interval"
EXACTLY = "Exact (Clopper and Pearson)."


@dataclass(frozen=True, slots=True)
class Call:
    """One way of calling."""

    form: str
    name: str
    how: Mapping[str, Any] = field(default_factory=dict)
    """What `BenchView.padded` is asked for; empty: the audit's own batches."""

    @property
    def key(self) -> str:
        """Of its rows among what was measured."""
        return f"{self.form}: {self.name}"


AUDIT = Call("audit", "again")
"""The audit's own packed batches once more."""


def calls(about: About, padding: int) -> list[Call]:
    """All ways of calling, the audit's own first.

    Args:
        about: The run.
        padding: Tokens of extra padding.
    """
    alone: dict[str, Any] = {"batch_size": 1}
    together: dict[str, Any] = {"batch_size": BATCH}
    left, more = {"side": "left"}, {"extra": padding}
    model = {
        "one at a time": alone,
        "padded batches": together,
        "padded on the left": together | left,
        f"{padding} tokens more": together | more,
    }
    masks = {  # which compute all the padding too: few ways, and each of another kind
        "padded batches": together,
        f"{padding} tokens more, on the left": together | left | more,
    }
    if width := trained_width(about):
        masks |= {"one at a time": alone, f"padded to {width}": together | {"width": width}}
    named = (("model", model), ("masks", masks))
    ways = [Call(form, name, how | {"form": form}) for form, all_ways in named
            for name, how in all_ways.items()]  # fmt: skip
    return [AUDIT, *ways]


def trained_width(about: About) -> int:
    """The length that scores are divided by as if all documents were padded to it; 0: none."""
    kind, _, number = about.model.score_norm.partition(":")
    return int(number) if kind == "padded" else 0


def has_thresholds(about: About) -> bool:
    """Whether the rule compares a score with a threshold."""
    return not about.model.rule.startswith("topk")


@dataclass(frozen=True, slots=True, eq=False)
class Recorded:
    """One document: what the trace holds, and what was decided by."""

    predicted: int
    probs: Floats
    """(C,)"""
    depths: Ints
    """(n,)"""
    special: NDArray[np.bool_]
    """(n,)"""
    margins: Floats
    """(L, n) |score − bound| / bound: NaN where a token is not alive, or there is no bound."""


def recorded(trace: Trace, again: pd.DataFrame) -> dict[str, Recorded]:
    """By example id, in the order of ids.

    Args:
        trace: The run.
        again: What `BenchView.scored` said of its thresholds.
    """
    said = again.set_index("example_id")
    answers = trace.documents.answers(str(trace.about.depths_of))
    assert answers is not None  # it runs on all documents
    found = {}
    wanted = ["example_id", "position", "special", "depth"]
    for shard in trace.scan("tokens", wanted, ids=said.index):
        for one, own in shard.groupby("example_id", sort=False):
            own = own.sort_values("position")
            row = trace.documents.row_of(str(one))
            scores, bounds = (np.asarray(said.at[one, name], dtype=np.float64)
                              for name in ("scores", "bounds"))  # fmt: skip
            scores, bound = scores.reshape(len(bounds), -1), bounds[:, None]
            with np.errstate(divide="ignore", invalid="ignore"):
                margins = np.where(scores > 0, np.abs(scores - bound) / bound, np.nan)
            found[str(one)] = Recorded(
                int(answers.predicted[row, 0]), answers.probs[row, 0].astype(np.float64),
                own["depth"].to_numpy(np.int64), own["special"].to_numpy(bool), margins,
            )  # fmt: skip
    return dict(sorted(found.items()))


@dataclass(frozen=True, slots=True)
class Way:
    """What one way of calling says otherwise than the trace."""

    call: Call
    predictions: Estimate
    """Share of documents with another predicted class."""
    depths: Estimate
    """Share of those with another survival depth of any token."""
    beyond: Estimate
    """Share of those that differ by more than rounding can explain."""
    returned: Estimate
    """Share of those in which a dropped token comes back."""
    largest: Estimate
    """|Δp|, over documents and classes."""
    tokens: int
    back: int
    """Of `tokens`: that come back."""

    @property
    def differs(self) -> bool:
        """Whether anything differs."""
        return bool(self.predictions.value or self.depths.value)

    @property
    def wrong(self) -> bool:
        """Whether something differs that rounding does not explain."""
        return self.differs if self.beyond.value is None else self.beyond.value > 0


def ways(
    about: About, known: Mapping[str, Recorded], measured: pd.DataFrame, padding: int
) -> list[Way]:
    """Every way that was asked for, in the order of `calls`."""
    return [
        _way(about, known, measured[measured["call"] == call.key], call)
        for call in calls(about, padding)
    ]


def _way(about: About, known: Mapping[str, Recorded], frame: pd.DataFrame, call: Call) -> Way:
    other = frame.set_index("example_id").loc[list(known)]
    near = ROUNDING[about.dtype]
    predictions, depths, beyond, returned, moved = [], [], [], [], []
    tokens = back = 0
    for row, own in zip(other.itertuples(), known.values(), strict=True):
        theirs = np.asarray(row.depths, dtype=np.int64)
        change = float(np.abs(np.asarray(row.probs, dtype=np.float64) - own.probs).max())
        predictions.append(row.predicted != own.predicted)
        depths.append(bool((theirs != own.depths).any()))
        moved.append(change)
        beyond.append(_unexplained(own, theirs, near) if depths[-1] else change > near)
        if call.form == "masks":
            returns = np.asarray(row.returns, dtype=np.int64)
            tokens, back = tokens + len(returns), back + int((returns > 0).sum())
            returned.append(bool((returns > 0).any()))
    n = len(known)
    return Way(
        call, document_share(np.array(predictions)), document_share(np.array(depths)),
        document_share(np.array(beyond)) if has_thresholds(about)
        else Estimate(None, n, why_not=NO_THRESHOLD),
        document_share(np.array(returned)) if returned else Estimate(None, n, why_not=REMOVED),
        Estimate(max(moved), n, why_not=LARGEST), tokens, back,
    )  # fmt: skip


def _unexplained(own: Recorded, theirs: Ints, near: float) -> bool:
    """Whether, in the first layer that decides otherwise, a score is far from its threshold.

    What comes after that layer reads other tokens, and may differ for that.
    """
    low = np.minimum(own.depths, theirs)
    layer = int(low[own.depths != theirs].min())
    first = (own.depths != theirs) & (low == layer)
    return not bool((own.margins[layer, first] <= near).all())  # NaN is far
