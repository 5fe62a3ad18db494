"""Do the tokens that live longest matter most to the prediction?"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from auditkit.finding.values import Cell, Chart, ColumnKind, Finding, Measurement, Table
from auditkit.plugin.figures import bounds, cells, columns, figure, measurement
from auditkit.plugin.probe import BenchView, answer, not_applicable
from auditkit.stats.agreement import (
    Score,
    as_depth,
    corrected_precision,
    kendall_tau,
    layer_auroc,
    partial_spearman,
)
from auditkit.stats.estimates import Estimate, document_mean, document_share
from auditkit.trace.tables import Trace

METHOD, SECOND = "integrated_gradients", "input_x_gradient"
ARMS = ("unpruned", "baseline")

STATISTICS = {
    "kendall_tau": "Kendall's τ-b",
    "auroc": "AUROC",
    "corrected_precision": "Chance-corrected precision",
    "partial_spearman": "Spearman given position",
}

HELP = {
    "kendall_tau": "Rank correlation of survival depth with |attribution|; 0 by chance.",
    "auroc": "Chance that a kept token has the larger |attribution| than a dropped one, mean of "
    "the layers that keep some and drop some; 0.5 by chance.",
    "corrected_precision": "Share of the tokens that outlive all layers among as many largest "
    "|attributions|, above chance: 0 by chance, 1 if they are the same.",
    "partial_spearman": "Rank correlation given relative position and its square; 0 by chance.",
}

ENOUGH_DOCUMENTS = 200
CONVERGED = 0.05
CONVERGED_SHARE = 0.95

CAVEATS = (
    "Agreement is not correctness: two rankings can agree and both be wrong about what the model "
    "uses (Jain and Wallace 2019; Wiegreffe and Pinter 2019; Krishna et al. 2022).",
    "LTP keeps the tokens that receive attention, so agreement with attention would be circular: "
    "both methods here are gradient methods, computed without pruning.",
    "A ceiling keeps as many tokens per layer as the model did, but those of the largest "
    "attribution by one method or model, and asks how well another agrees with that.",
)


@dataclass(frozen=True, slots=True)
class _Document:
    """The pieces of one document that are not special."""

    position: NDArray[np.float64]  # (n,)
    depth: NDArray[np.int64]  # (n,) of the arm `pruned`
    random: NDArray[np.int64] | None  # (n,) of the first random draw, where there is one
    sizes: dict[tuple[str, str], NDArray[np.float64]]  # |attribution| (n,) by arm and method


@dataclass(frozen=True, slots=True)
class _Row:
    """One comparison over all documents."""

    kind: str
    """`agreement`, `ceiling` or `control`."""
    arm: str
    against: str
    values: dict[str, Estimate]
    left_out: dict[str, Counter[str]]
    """Per statistic, documents without a value by reason."""

    @property
    def label(self) -> str:
        return f"{self.kind}: {self.arm}, {self.against}"


@dataclass(frozen=True)
class AttributionAgreement:
    """Agreement of survival depth with attributions that do not come from attention."""

    name: ClassVar[str] = "attribution_agreement"
    version: ClassVar[str] = "1"
    question: ClassVar[str] = "Do the tokens that live longest matter most to the prediction?"
    needs: ClassVar[frozenset[str]] = frozenset()

    resamples: int = 2000
    """Bootstrap resamples of the documents."""

    def measure(self, bench: BenchView) -> pd.DataFrame | None:
        """Attribute a stratified sample on the unpruned model and the baseline, by both methods.

        Returns:
            Columns example_id, arm, method, position, attribution, convergence; None for a sample
            of no documents.
        """
        sample = bench.stratified_sample(bench.attribution_sample)
        if not sample:
            return None
        arms = [arm for arm in ARMS if arm in bench.about.arms]
        frames = [
            bench.attribute(arm, method, sample).assign(arm=arm, method=method)
            for arm in arms
            for method in (METHOD, SECOND)
        ]
        order = ["example_id", "arm", "method", "position", "attribution", "convergence"]
        return pd.concat(frames, ignore_index=True)[order]

    def analyse(self, trace: Trace, rng: np.random.Generator) -> Finding:
        """Agreement per arm and method, with ceilings and a control of random keeping."""
        measured = trace.measured(self.name)
        if measured is None or measured.empty:
            return not_applicable(self, "this run attributed no documents (--attribution-sample)")
        documents, broken = _documents(trace, measured)
        rows = _rows(documents, trace.about.layers, rng, self.resamples)
        converged = _convergence(measured)
        n = measured["example_id"].nunique()
        missed = [arm for arm, share in converged.items() if (share.value or 0) < CONVERGED_SHARE]
        caveats = [f"Attributions of {n} documents, a sample balanced over the classes.", *CAVEATS]
        if n < ENOUGH_DOCUMENTS:
            caveats.append(f"Fewer than {ENOUGH_DOCUMENTS} documents: take this as a first look.")
        if broken:
            caveats.append(f"{broken} documents hold an attribution that is not finite; left out.")
        if missed:
            caveats.append(
                f"Integrated gradients did not converge to {CONVERGED:.0%} in enough documents on "
                f"{' and '.join(missed)}; their agreement may be that of a numerical error."
            )
        return answer(
            self,
            claim=_claim(rows),
            status="warn" if missed else "reported",
            measurements=(*_measurements(rows), *_converged_measurements(converged)),
            tables=(_agreement_table(rows), _convergence_table(converged), _left_out_table(rows)),
            charts=(_CHART,),
            caveats=tuple(caveats),
        )


def _documents(trace: Trace, measured: pd.DataFrame) -> tuple[list[_Document], int]:
    """The measured documents in document order, and how many had to be left out."""
    tokens = trace.table("tokens")
    tokens = tokens[~tokens["special"] & tokens["example_id"].isin(measured["example_id"].unique())]
    key = ["example_id", "position"]
    sizes = measured.pivot(index=key, columns=["arm", "method"], values="attribution").abs()
    random = trace.table("random")
    first = random[random["draw"] == 0].set_index(key)["depth"].rename("random")
    joined = tokens[[*key, "depth"]].join(first, on=key)
    documents, broken = [], 0
    for _, group in joined.groupby("example_id", sort=False):
        own = sizes.reindex(pd.MultiIndex.from_frame(group[key]))
        if not np.isfinite(own.to_numpy(dtype=np.float64)).all():
            broken += 1
            continue
        documents.append(
            _Document(
                group["position"].to_numpy(dtype=np.float64),
                group["depth"].to_numpy(dtype=np.int64),
                None if group["random"].isna().any() else group["random"].to_numpy(dtype=np.int64),
                {
                    (arm, method): own[arm, method].to_numpy(dtype=np.float64)
                    for arm in ARMS
                    for method in (METHOD, SECOND)
                    if (arm, method) in own.columns
                },
            )
        )
    return documents, broken


def _rows(
    documents: list[_Document], layers: int, rng: np.random.Generator, resamples: int
) -> list[_Row]:
    """All comparisons: agreement, then ceilings, then the control."""
    sources = list(documents[0].sizes) if documents else []
    arms = [arm for arm in ARMS if (arm, METHOD) in sources]
    plan = [("agreement", arm, method) for arm in arms for method in (METHOD, SECOND)]
    plan += [("ceiling", arm, "method against method") for arm in arms]
    if "baseline" in arms:
        plan.append(("ceiling", "baseline", "model against model"))
    if any(d.random is not None for d in documents):
        plan.append(("control", "random", METHOD))
    rows = []
    for kind, arm, against in plan:
        scores = [
            _scores(*pair, layers)
            for document in documents
            if (pair := _pair(document, kind, arm, against)) is not None
        ]
        values, left_out = {}, {}
        for name in STATISTICS:
            column = [score[name] for score in scores]
            known = np.array([s.value for s in column if s.value is not None], dtype=np.float64)
            left_out[name] = Counter(s.why_not for s in column if s.value is None)
            values[name] = document_mean(known, rng, resamples)
        rows.append(_Row(kind, arm, against, values, left_out))
    return rows


def _pair(
    document: _Document, kind: str, arm: str, against: str
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]] | None:
    """Depths, sizes and positions that a comparison sets against each other."""
    sizes, depth, position = document.sizes, document.depth, document.position
    if kind == "agreement":
        return depth, sizes[arm, against], position
    if kind == "control":
        if document.random is None:
            return None
        return document.random, sizes["unpruned", METHOD], position
    if against == "method against method":
        return as_depth(sizes[arm, METHOD], depth), sizes[arm, SECOND], position
    return as_depth(sizes["unpruned", METHOD], depth), sizes["baseline", METHOD], position


def _scores(
    depth: NDArray[np.int64],
    size: NDArray[np.float64],
    position: NDArray[np.float64],
    layers: int,
) -> dict[str, Score]:
    """One document's statistics, by the names of `STATISTICS`."""
    return {
        "kendall_tau": kendall_tau(depth, size),
        "auroc": layer_auroc(depth, size, layers),
        "corrected_precision": corrected_precision(depth, size, layers),
        "partial_spearman": partial_spearman(depth, size, position),
    }


def _convergence(measured: pd.DataFrame) -> dict[str, Estimate]:
    """Share of the documents per arm whose integrated gradients add up, to `CONVERGED`."""
    mine = measured[measured["method"] == METHOD]
    found = {}
    for arm, group in mine.groupby("arm", sort=False):
        gap = group.groupby("example_id", sort=False)["convergence"].max()
        found[str(arm)] = document_share((gap <= CONVERGED).to_numpy(dtype=bool))  # NaN is a miss
    return found


def _measurements(rows: list[_Row]) -> Iterator[Measurement]:
    for row in rows:
        prefix = "" if row.kind == "agreement" else f"{row.kind}_"
        for name, estimate in row.values.items():
            yield measurement(
                prefix + name,
                estimate,
                "correlation" if name in ("kendall_tau", "partial_spearman") else "share",
                arm=row.arm,
                slice=row.against,
                control="chance",
            )


def _converged_measurements(converged: dict[str, Estimate]) -> Iterator[Measurement]:
    for arm, share in converged.items():
        yield measurement("converged", share, "share", arm=arm, better="higher")


def _agreement_table(rows: list[_Row]) -> Table:
    described: list[tuple[str, str, ColumnKind, str]] = [
        ("comparison", "Comparison", "label", ""),
        ("documents", "Documents", "count", ""),
    ]
    for name, title in STATISTICS.items():
        described.append((name, title, "number", HELP[name]))
        described.append((f"{name}_interval", "95 % interval", "interval", ""))
    body: list[tuple[Cell, ...]] = []
    for row in rows:
        documents = max(estimate.n for estimate in row.values.values())
        pairs = [cells(estimate) for estimate in row.values.values()]
        body.append((row.label, documents, *(cell for pair in pairs for cell in pair)))
    return Table(
        name="agreement",
        title="Agreement of survival depth with |attribution|, means over documents",
        columns=columns(*described),
        rows=tuple(body),
        note="One value a document, on its tokens without special ones; intervals are those of the "
        "document bootstrap.",
    )


def _convergence_table(converged: dict[str, Estimate]) -> Table:
    body: list[tuple[Cell, ...]] = []
    for arm, share in converged.items():
        hits = round((share.value or 0.0) * share.n)
        body.append((arm, share.n, share.n - hits, *cells(share)))
    return Table(
        name="convergence",
        title="Convergence of integrated gradients",
        columns=columns(
            ("arm", "Arm", "label"),
            ("documents", "Documents", "count"),
            ("missed", "Missed", "count"),
            ("share", "Converged", "share", f"Attributions add up to f(x) − f(x′) within "
             f"{CONVERGED:.0%}; {CONVERGED_SHARE:.0%} of the documents should."),
            ("share_interval", "95 % interval", "interval"),
        ),
        rows=tuple(body),
    )  # fmt: skip


def _left_out_table(rows: list[_Row]) -> Table:
    body: list[tuple[Cell, ...]] = [
        (row.label, STATISTICS[name], reason, count)
        for row in rows
        for name, reasons in row.left_out.items()
        for reason, count in sorted(reasons.items())
    ]
    return Table(
        name="left_out",
        title="Documents without a value",
        columns=columns(
            ("comparison", "Comparison", "label"),
            ("statistic", "Statistic", "text"),
            ("reason", "Reason", "text"),
            ("documents", "Documents", "count"),
        ),
        rows=tuple(body),
    )


def _claim(rows: list[_Row]) -> str:
    """One sentence: the agreement on the unpruned weights, its interval, its ceiling."""
    found = {(row.kind, row.arm, row.against): row.values["kendall_tau"] for row in rows}
    tau = found.get(("agreement", "unpruned", METHOD), Estimate(None, 0, why_not="no documents"))
    if tau.value is None:
        return f"Agreement with attributions is not defined: {tau.why_not} with a value."
    figures = f"mean Kendall τ-b {figure(tau.value, 2)}, {bounds(tau, 2)}, {tau.n} documents"
    ceiling = found["ceiling", "unpruned", "method against method"]
    beside = ""
    if ceiling.value is not None:
        beside = f"; two attribution methods reach {figure(ceiling.value, 2)} with each other"
    if tau.interval is None or tau.interval[0] <= 0 <= tau.interval[1]:
        verb = "No agreement shown between survival and attribution"
    elif tau.value > 0:
        verb = "Tokens that live longer have larger attributions"
    else:
        verb = "Tokens that live longer have smaller attributions"
    return f"{verb} ({figures}){beside}."


_CHART = Chart(
    name="agreement",
    kind="dots",
    table="agreement",
    title="Kendall's τ-b of survival depth and |attribution|",
    alt="Mean rank correlation with 95 % intervals for every model and method, with ceilings and "
    "the control of random keeping; 0 is chance. The table has the figures.",
    x="kendall_tau",
    y="comparison",
    interval="kendall_tau_interval",
    reference=0.0,
)
