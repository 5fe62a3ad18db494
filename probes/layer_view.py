"""What does the model read, layer by layer?"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from auditkit.finding.values import Cell, Chart, Example, Finding, Measurement, Table, segments
from auditkit.plugin.figures import bounds, cells, columns, measurement
from auditkit.plugin.probe import BenchView, answer
from auditkit.plugin.retention import class_name, tokens_alive
from auditkit.stats.estimates import FEWEST, Estimate
from auditkit.stats.resampling import bootstrap_sums, percentile_interval
from auditkit.trace.tables import Trace

CHOICES = ("models disagree", "pruned hardest", "pruned least", "typical")

CAVEATS = (
    "The documents shown are chosen, not drawn: per class those where the models disagree, those "
    "pruned hardest and least, and typical ones.",
    "A word is shown as alive while any of its pieces is.",
    "What was dropped was still read by the layers before: its content may live on in what stays.",
)


@dataclass(frozen=True)
class LayerView:
    """Documents with their words dropped layer by layer, and tokens alive on average."""

    name: ClassVar[str] = "layer_view"
    version: ClassVar[str] = "1"
    question: ClassVar[str] = "What does the model read, layer by layer?"
    needs: ClassVar[frozenset[str]] = frozenset()

    examples: int = 8
    """How many documents to show."""
    resamples: int = 2000
    """Bootstrap resamples of the documents."""

    def measure(self, bench: BenchView) -> None:
        """Nothing: the trace holds all depths."""

    def analyse(self, trace: Trace, rng: np.random.Generator) -> Finding:
        """Tokens alive per layer over all documents, and the chosen documents in full."""
        ids = pd.Index(trace.table("examples")["example_id"])
        alive, special = (tokens_alive(trace, ids, special=which) for which in (False, True))
        pieces = _rates(alive, rng, self.resamples)
        specials = _rates(special, rng, self.resamples)
        shown = [
            _example(trace, example_id, why) for example_id, why in _choose(trace, self.examples)
        ]
        return answer(
            self,
            claim=_claim(pieces, alive, len(shown)),
            status="reported",
            measurements=(
                *_measurements("keep_rate", pieces),
                *_measurements("special_keep_rate", specials),
            ),
            tables=(_table({"tokens": (pieces, alive), "special tokens": (specials, special)}),),
            charts=(_CHART,),
            examples=tuple(shown),
            caveats=CAVEATS,
        )


def _rates(alive: NDArray[np.int64], rng: np.random.Generator, resamples: int) -> list[Estimate]:
    """Share of the tokens alive after layers 1..L, with the interval of the document bootstrap."""
    there = alive[alive[:, 0] > 0]  # documents that have such tokens at all
    n, layers = len(there), alive.shape[1] - 1
    if n == 0:
        return [Estimate(None, 0, why_not="no such tokens")] * layers
    rates = there.sum(axis=0)[1:] / there[:, 0].sum()
    if n < FEWEST:
        return [Estimate(float(r), n, why_not=f"fewer than {FEWEST} documents") for r in rates]
    sums = bootstrap_sums(there.astype(np.float64), rng, resamples)
    drawn = sums[:, 1:] / sums[:, :1]  # (resamples, L)
    same = "the same in every document"
    return [
        Estimate(float(r), n, percentile_interval(column))
        if float(np.ptp(column)) > 0
        else Estimate(float(r), n, why_not=same)
        for r, column in zip(rates, drawn.T, strict=True)
    ]


def _choose(trace: Trace, size: int) -> list[tuple[str, str]]:
    """Example ids and why each is shown, class by class in turn, every reason in every class."""
    candidates = _candidates(trace)
    classes = sorted(candidates["label"].unique())
    chosen: list[tuple[str, str]] = []
    for slot in range(min(size, len(candidates))):
        free = candidates[~candidates["example_id"].isin([example_id for example_id, _ in chosen])]
        mine = free[free["label"] == classes[slot % len(classes)]]
        pool = mine if len(mine) else free
        first = slot % len(classes) + slot // len(classes)  # every class meets every reason
        for turn in range(len(CHOICES)):
            why = CHOICES[(first + turn) % len(CHOICES)]
            if found := _pick(pool, why):
                chosen.append((found, why))
                break
    return chosen


def _candidates(trace: Trace) -> pd.DataFrame:
    """Columns example_id, label, kept (mean depth over L of its tokens) and disagree."""
    tokens = trace.table("tokens")
    depth = tokens[~tokens["special"]].groupby("example_id", sort=False)["depth"].mean()
    frame = trace.table("examples")[["example_id", "label"]]
    other = "baseline" if "baseline" in trace.about.arms else "unpruned"
    ids = frame["example_id"]
    pruned = trace.predictions("pruned")["predicted"].reindex(ids).to_numpy()
    reference = trace.predictions(other)["predicted"].reindex(ids).to_numpy()
    kept = depth.reindex(ids).fillna(trace.about.layers).to_numpy() / trace.about.layers
    return frame.assign(kept=kept, disagree=pruned != reference)


def _pick(pool: pd.DataFrame, why: str) -> str | None:
    """The document of `pool` that shows `why` best, the first of equals; None if none does."""
    if why == "models disagree":
        pool = pool[pool["disagree"]]
        if pool.empty:
            return None
    kept = pool["kept"].to_numpy(dtype=np.float64)
    score = {
        "models disagree": np.abs(kept - np.median(kept)),
        "pruned hardest": kept,
        "pruned least": -kept,
        "typical": np.abs(kept - np.median(kept)),
    }[why]
    return str(pool["example_id"].iloc[int(score.argmin())])


def _example(trace: Trace, example_id: str, why: str) -> Example:
    examples = trace.table("examples")
    document = examples[examples["example_id"] == example_id].to_dict("records")[0]
    words = trace.table("words")
    mine = words[words["example_id"] == example_id]
    tokens = trace.table("tokens")
    depth = tokens.loc[tokens["example_id"] == example_id, "depth"].to_numpy()
    labels = trace.about.labels
    facts = [("gold label", class_name(labels, int(document["label"])))]
    for arm in trace.about.arms:
        answers = trace.predictions(arm)
        if example_id in answers.index:
            answer = answers.loc[[example_id]].to_dict("records")[0]
            predicted = int(answer["predicted"])
            probability = float(answer["probs"][predicted])
            facts.append((arm, f"{class_name(labels, predicted)} ({probability:.2f})"))
    facts.append(("tokens", str(len(depth))))
    if document["truncated"]:
        facts.append(("truncated", "the text goes on past what the models read"))
    return Example(
        example_id=example_id,
        title=why,
        segments=segments(
            str(document["text"]),
            [
                (int(start), int(end), int(of))
                for start, end, of in zip(
                    mine["char_start"], mine["char_end"], mine["depth"], strict=True
                )
            ],
        ),
        alive=tuple(int((depth >= layer).sum()) for layer in range(1, trace.about.layers + 1)),
        facts=tuple(facts),
    )


def _measurements(name: str, rates: list[Estimate]) -> Iterator[Measurement]:
    for layer, rate in enumerate(rates, start=1):
        yield measurement(name, rate, "share", arm="pruned", slice=f"layer {layer}")


def _table(groups: dict[str, tuple[list[Estimate], NDArray[np.int64]]]) -> Table:
    rows: list[tuple[Cell, ...]] = []
    for group, (rates, alive) in groups.items():
        means = alive.mean(axis=0)
        rows += [
            (layer, group, float(means[layer]), *cells(rate))
            for layer, rate in enumerate(rates, start=1)
        ]
    return Table(
        name="alive",
        title="Tokens alive after each layer",
        columns=columns(
            ("layer", "Layer", "count"),
            ("group", "Tokens", "label"),
            ("mean_alive", "Alive, mean per document", "number"),
            ("keep_rate", "Keep rate", "share", "Share of the tokens alive after the layer."),
            ("keep_rate_interval", "95 % interval", "interval"),
        ),
        rows=tuple(rows),
        note="Special tokens ([CLS] and [SEP], or <s> and </s>) are in no other keep rate.",
    )


def _claim(pieces: list[Estimate], alive: NDArray[np.int64], shown: int) -> str:
    last = pieces[-1]
    if last.value is None:
        return "The documents hold no tokens but special ones, so there is nothing to prune."
    before, after = alive.mean(axis=0)[[0, -1]]
    percent = last.scaled(100)
    every = "the layer" if len(pieces) == 1 else f"all {len(pieces)} layers"
    return (
        f"Of {before:.1f} tokens that a document has on average, {after:.1f} outlive {every} "
        f"({percent.value:.1f} %, {bounds(percent, 1)}); documents shown in full: {shown}."
    )


_CHART = Chart(
    name="alive",
    kind="lines",
    table="alive",
    title="Tokens alive after each layer",
    alt="Share of the tokens alive after each layer with 95 % intervals, special tokens as a line "
    "of their own. The table has the figures.",
    x="layer",
    y="keep_rate",
    color="group",
    interval="keep_rate_interval",
)
