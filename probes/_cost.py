"""Counted MACs and tokens alive: over all, and layer by layer."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from auditkit.plugin import (
    SAVED,
    Card,
    Cell,
    Chart,
    Documents,
    Label,
    Number,
    Row,
    Shard,
    Table,
    Told,
    Trace,
    Undefined,
    columns,
    figure,
    percent,
    place,
    tabulate,
)
from auditkit.stats.estimates import Estimate
from auditkit.stats.rates import ratio_of_sums

Floats = NDArray[np.float64]

COUNTED = "MACs are counted, not timed: they are no statement about speed."
NOT_COUNTED = "the trace holds no counted MACs of both models"

_COUNTED_ARMS = ("baseline", "pruned")
"""The arms whose MACs a trace holds: nothing dropped, and tokens dropped."""

_PER_LAYER = ["tokens_in", "tokens_out", "macs_attention", "macs_ffn"]


def keep_rate_charts(layers: Table) -> tuple[Chart, Chart]:
    """Tokens that are left after each layer, and special ones among them."""
    charts = tuple(
        Chart(
            name=column,
            kind="lines",
            table=layers.name,
            title=f"{tokens.capitalize()} alive after each layer",
            alt=f"Share of the {tokens} that are alive after each layer of the pruned model with "
            f"95 % intervals{apart}. The table has the figures.",
            x="layer",
            y=column,
            interval=f"{column}_interval",
        )
        for column, tokens, apart in (
            ("keep_rate", "tokens", ", special tokens left out"),
            ("special_keep_rate", "special tokens", ""),
        )
    )
    rates = layers.column("keep_rate")
    first, last = rates[0], rates[-1]
    if isinstance(first, float) and isinstance(last, float):
        left = f"Tokens left: {percent(first)} after layer 1, {percent(last)} after {len(rates)}"
        return replace(charts[0], title=left), charts[1]
    return charts[0], charts[1]


def counted_macs(documents: Documents) -> tuple[Floats, Floats] | None:
    """MACs of the baseline and of the pruned model (n,) each; None where they were not counted."""
    found = [documents.macs(arm) for arm in _COUNTED_ARMS]
    whole, pruned = (np.zeros(0) if m is None else m.astype(np.float64) for m in found)
    return (whole, pruned) if whole.any() and pruned.any() else None


def macs_ratio(documents: Documents) -> Estimate:
    """MACs of the baseline over those of the pruned model, summed over the documents."""
    macs = counted_macs(documents)
    if macs is None:
        return Estimate(None, 0, why_not=NOT_COUNTED)
    return ratio_of_sums(*macs, bounds=(0, np.inf))


def at_macs(documents: Documents) -> str:
    """What was saved as the end of a clause, ` at 2.1× fewer MACs`; "" where it is not known."""
    macs = counted_macs(documents)
    if macs is None:
        return ""
    ratio = float(macs[0].sum() / macs[1].sum())
    times = f"{ratio:.1f}"
    if times == "1.0":
        return " at about as many MACs"
    return f" at {times}× fewer MACs" if ratio > 1 else f" at {1 / ratio:.1f}× as many MACs"


def saved_card(ratio: Estimate, at: Mapping[str, str]) -> Card:
    """How many times fewer operations; `ratio` has a value."""
    assert ratio.value is not None
    fewer = ratio.value >= 1
    times, *ends = (
        figure(part if fewer else 1 / part, 2) for part in (ratio.value, *(ratio.interval or ()))
    )
    what = "fewer" if fewer else "as many"
    if times == "1.00":
        what = "about as many"
    low_high = " to ".join(ends if fewer else ends[::-1])
    basis = f"95 % {low_high}" if ends else f"no interval: {ratio.why_not}"
    return Card(
        title=SAVED,
        value=f"{times}×",
        note=f"{what} operations, counted ({basis})",
        measurements=(place("macs_ratio", **at),),
    )


def saving_table(trace: Trace, ratio: Estimate) -> Told:
    """Mean MACs of a document, unpruned and pruned, and their ratio."""
    macs = counted_macs(trace.documents)
    facts: dict[str, Cell] = dict.fromkeys(("whole", "pruned"), Undefined(NOT_COUNTED))
    if macs is not None:
        facts = {"whole": float(macs[0].mean()), "pruned": float(macs[1].mean())}
    return tabulate(
        "saving",
        "Counted MACs, means over the documents",
        [
            Label("arm", "Arm"),
            *columns(
                ("whole", "MACs, unpruned", "number"), ("pruned", "MACs, pruned", "number")
            ),
            Number("macs_ratio", "Unpruned over pruned", "ratio", "Sums over all documents.",
                   "Student's t over document sums.", better="higher", headline=True),
        ],
        [Row({"arm": trace.about.depths_of}, {"macs_ratio": ratio}, facts)],
        note=COUNTED,
    )  # fmt: skip


def layers_table(trace: Trace) -> Told:
    """Keep rates, tokens and MACs of the pruned model by layer, and their share of the whole."""
    documents, layers = trace.documents, trace.about.layers
    special = documents.tokens - documents.pieces
    kept = _rates(documents.kept, documents.pieces)
    special_kept = _rates(documents.special_kept, special)
    sums = trace.fold(_sums, by=["arm", "layer"])
    whole, pruned = (_means(sums, arm, layers) for arm in _COUNTED_ARMS)
    facts = np.column_stack([pruned, pruned[:, 2:] / whole[:, 2:]])  # (L, 6)
    names = [*_PER_LAYER, "share_attention", "share_ffn"]
    missing = Undefined("not counted in this run")
    return tabulate(
        "layers",
        "Keep rate and counted cost by layer, means over the documents",
        [
            Label("layer", "Layer", "count"),
            Number("keep_rate", "Keep rate", "share", "Share of all tokens that are alive after "
                   "the layer, special tokens left out.", "Student's t over document sums, on "
                   "the scale of the logit."),
            Number("special_keep_rate", "Keep rate, special tokens", "share", "Of [CLS] and [SEP], "
                   "or <s> and </s>; they are in no other keep rate."),
            *columns(
                ("tokens_in", "Tokens in", "number", "In the layer's attention, with special "
                 "ones."),
                ("tokens_out", "Tokens out", "number", "In its FFN, with special ones."),
                ("macs_attention", "MACs, attention", "number"),
                ("macs_ffn", "MACs, FFN", "number"),
                ("share_attention", "Share of the baseline's, attention", "share"),
                ("share_ffn", "Share of the baseline's, FFN", "share"),
            ),
        ],
        [
            Row(
                {"layer": layer + 1},
                {"keep_rate": kept[layer], "special_keep_rate": special_kept[layer]},
                {
                    name: float(value) if np.isfinite(value) else missing
                    for name, value in zip(names, facts[layer], strict=True)
                },
            )
            for layer in range(layers)
        ],
        note=COUNTED,
        arm=trace.about.depths_of,
    )  # fmt: skip


def _rates(kept: NDArray[Any], tokens: NDArray[Any]) -> list[Estimate]:
    """Share of the tokens (n,) that are kept after each layer (n, L)."""
    whole = tokens.astype(np.float64)
    return [ratio_of_sums(layer.astype(np.float64), whole, bounds=(0, 1)) for layer in kept.T]


def _sums(shard: Shard) -> pd.DataFrame:
    """Sums of `_PER_LAYER` and the number of documents, by arm and layer."""
    costs = shard.table("costs", ["arm", "layer", *_PER_LAYER])
    costs = costs.astype(dict.fromkeys(_PER_LAYER, np.int64)).assign(documents=1)
    return costs.groupby(["arm", "layer"], as_index=False).sum()


def _means(sums: pd.DataFrame, arm: str, layers: int) -> Floats:
    """Means of `_PER_LAYER` over the documents (L, 4); NaN where the arm was not counted."""
    own = sums[sums["arm"] == arm].set_index("layer").reindex(range(1, layers + 1))
    means = own[_PER_LAYER].div(own["documents"], axis=0)
    return np.asarray(means, dtype=np.float64)
