"""What pruning saves: counted MACs, tokens and keep rates by layer."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from auditkit.finding.values import Cell, Chart, Table, Undefined
from auditkit.plugin.figures import columns
from auditkit.plugin.retention import tokens_alive
from auditkit.stats.estimates import FEWEST, Estimate
from auditkit.stats.resampling import bootstrap_sums, percentile_interval
from auditkit.trace.tables import Trace

COUNTED = "MACs are counted, not timed: they are no statement about speed."

KEEP_RATES = Chart(
    name="keep_rate",
    kind="lines",
    table="cost",
    title="Tokens alive after each layer",
    alt="Share of the tokens that are alive after each layer of the pruned model, special "
    "tokens left out. The table has the figures.",
    x="layer",
    y="keep_rate",
)

_PER_LAYER = ["tokens_in", "tokens_out", "macs_attention", "macs_ffn"]


def macs_ratio(trace: Trace, rng: np.random.Generator, resamples: int) -> Estimate:
    """Counted MACs of the baseline over those of the pruned model, summed over the documents.

    The interval is that of the document bootstrap.
    """
    costs = trace.table("costs")
    macs = costs["macs_attention"] + costs["macs_ffn"]
    sums = macs.groupby([costs["example_id"], costs["arm"]], sort=False).sum().unstack("arm")
    if not {"baseline", "pruned"} <= set(sums.columns):
        return Estimate(None, 0, why_not="the trace holds no counted MACs of both models")
    table = sums[["baseline", "pruned"]].dropna().to_numpy(dtype=np.float64)  # (n, 2)
    n, (whole, pruned) = len(table), table.sum(axis=0)
    if n < FEWEST:
        return Estimate(float(whole / pruned), n, why_not=f"fewer than {FEWEST} documents")
    drawn = bootstrap_sums(table, rng, resamples)
    return Estimate(float(whole / pruned), n, percentile_interval(drawn[:, 0] / drawn[:, 1]))


def cost_table(trace: Trace) -> Table:
    """Keep rate, tokens and MACs of the pruned model by layer, and their share of the whole."""
    layers = trace.about.layers
    pruned, whole = _means(trace, "pruned"), _means(trace, "baseline")
    share = pruned[:, 2:] / whole[:, 2:]
    numbers = np.column_stack([_keep_rates(trace), pruned, share])  # (L, 7)
    missing = Undefined("not counted in this run")
    rows: list[tuple[Cell, ...]] = [
        (layer + 1, *(float(v) if np.isfinite(v) else missing for v in numbers[layer]))
        for layer in range(layers)
    ]
    return Table(
        name="cost",
        title="Counted cost by layer, means over the documents",
        columns=columns(
            ("layer", "Layer", "count"),
            ("keep_rate", "Keep rate", "share", "Share of all tokens that are alive after the "
             "layer, special tokens left out."),
            ("tokens_in", "Tokens in", "number", "In the layer's attention, with special ones."),
            ("tokens_out", "Tokens out", "number", "In its FFN, with special ones."),
            ("macs_attention", "MACs, attention", "number"),
            ("macs_ffn", "MACs, FFN", "number"),
            ("share_attention", "Share of the baseline's, attention", "share"),
            ("share_ffn", "Share of the baseline's, FFN", "share"),
        ),
        rows=tuple(rows),
        note=COUNTED,
    )  # fmt: skip


def _means(trace: Trace, arm: str) -> NDArray[np.float64]:
    """Means of `_PER_LAYER` over the documents (L, 4); NaN where the arm was not counted."""
    costs = trace.table("costs")
    means = costs[costs["arm"] == arm].groupby("layer")[_PER_LAYER].mean()
    return means.reindex(range(1, trace.about.layers + 1)).to_numpy(dtype=np.float64)


def _keep_rates(trace: Trace) -> NDArray[np.float64]:
    """Share of all tokens that are not special alive after layers 1..L (L,); NaN without any."""
    alive = tokens_alive(trace, pd.Index(trace.table("examples")["example_id"])).sum(axis=0)
    if alive[0] == 0:
        return np.full(trace.about.layers, np.nan)
    return np.asarray(alive[1:] / alive[0])
