"""Do the tokens that live longest matter most to the prediction?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd

from auditkit.plugin import (
    BenchView,
    Chart,
    Column,
    Finding,
    Label,
    Number,
    Place,
    Row,
    Table,
    Told,
    Trace,
    answer,
    bounds,
    columns,
    compare,
    figure,
    not_applicable,
    tabulate,
)
from auditkit.probes._attribution import (
    ARMS,
    METHOD,
    METHODS_MEET,
    SECOND,
    Comparison,
    attributed,
    compared,
)
from auditkit.stats.estimates import Estimate, document_share
from auditkit.stats.resampling import Bootstrap

STATISTICS = (
    Number("kendall_tau", "Kendall's τ-b", "correlation", "Rank correlation of survival depth with "
           "|attribution|; 0 by chance.", control="chance"),
    Number("auroc", "AUROC", "share", "Chance that a kept token has the larger |attribution| than "
           "a dropped one, mean of the layers that keep some and drop some; 0.5 by chance.",
           control="chance"),
    Number("corrected_precision", "Chance-corrected precision", "share", "Share of the tokens that "
           "outlive all layers among as many largest |attributions|, above chance: 0 by chance, 1 "
           "if they are the same.", control="chance"),
    Number("partial_spearman", "Spearman given position", "correlation", "Rank correlation given "
           "relative position and its square; 0 by chance.", control="chance"),
)  # fmt: skip

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


@dataclass(frozen=True)
class AttributionAgreement:
    """Agreement of survival depth with attributions that do not come from attention."""

    name: ClassVar[str] = "attribution_agreement"
    version: ClassVar[str] = "2"
    question: ClassVar[str] = "Do the tokens that live longest matter most to the prediction?"
    needs: ClassVar[frozenset[str]] = frozenset()
    place: ClassVar[Place] = Place(2, 0)

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
        frames = [
            bench.attribute(arm, method, sample).assign(arm=arm, method=method)
            for arm in ARMS
            if arm in bench.about.arms
            for method in (METHOD, SECOND)
        ]
        order = ["example_id", "arm", "method", "position", "attribution", "convergence"]
        return pd.concat(frames, ignore_index=True)[order]

    def analyse(self, trace: Trace, rng: np.random.Generator) -> Finding:
        """Agreement per arm and method, with ceilings and a control of random keeping."""
        measured = trace.measured(self.name)
        if measured is None or measured.empty:
            return not_applicable(self, "this run attributed no documents (--attribution-sample)")
        documents, broken = attributed(trace, measured)
        found = compared(documents, trace.about.layers, Bootstrap(rng, self.resamples))
        converged = _convergence(measured)
        missed = [arm for arm, share in converged.items() if (share.value or 0) < CONVERGED_SHARE]
        return answer(
            self,
            _claim(found),
            "warn" if missed else "reported",
            tables=(_agreement_table(found), _convergence_table(converged), _left_out_table(found)),
            charts=(_CHART,),
            caveats=_caveats(measured["example_id"].nunique(), broken, missed),
        )


def _caveats(documents: int, broken: int, missed: Sequence[str]) -> list[str]:
    caveats = [f"Attributions of {documents} documents, a sample balanced over the classes."]
    caveats += CAVEATS
    if documents < ENOUGH_DOCUMENTS:
        caveats.append(f"Fewer than {ENOUGH_DOCUMENTS} documents: take this as a first look.")
    if broken:
        caveats.append(f"{broken} documents hold an attribution that is not finite; left out.")
    if missed:
        caveats.append(
            f"Integrated gradients did not converge to {CONVERGED:.0%} in enough documents on "
            f"{' and '.join(missed)}; their agreement may be that of a numerical error."
        )
    return caveats


def _convergence(measured: pd.DataFrame) -> dict[str, Estimate]:
    """Share of the documents per arm whose integrated gradients add up, to `CONVERGED`."""
    mine = measured[measured["method"] == METHOD]
    found = {}
    for arm, group in mine.groupby("arm", sort=False):
        gap = group.groupby("example_id", sort=False)["convergence"].max()
        found[str(arm)] = document_share((gap <= CONVERGED).to_numpy(dtype=bool))  # NaN is a miss
    return found


def _agreement_table(found: Sequence[Comparison]) -> Told:
    return tabulate(
        "agreement",
        "Agreement of survival depth with |attribution|, means over documents",
        [
            Label("comparison", "Comparison"),
            Column(name="documents", title="Documents", kind="count"),
            *STATISTICS,
        ],
        [
            Row(
                {"comparison": one.label, "arm": one.arm, "against": one.against},
                one.values,
                {"documents": max(estimate.n for estimate in one.values.values())},
            )
            for one in found
        ],
        note="One value a document, on its tokens without special ones; intervals are those of the "
        "document bootstrap.",
    )


def _convergence_table(converged: Mapping[str, Estimate]) -> Told:
    def counts(share: Estimate) -> dict[str, int]:
        return {"documents": share.n, "missed": share.n - round((share.value or 0.0) * share.n)}

    return tabulate(
        "convergence",
        "Convergence of integrated gradients",
        [
            Label("arm", "Arm"),
            *columns(("documents", "Documents", "count"), ("missed", "Missed", "count")),
            Number("converged", "Converged", "share", f"Attributions add up to f(x) − f(x′) within "
                   f"{CONVERGED:.0%}; {CONVERGED_SHARE:.0%} of the documents should.",
                   better="higher"),
        ],
        [Row({"arm": a}, {"converged": share}, counts(share)) for a, share in converged.items()],
    )  # fmt: skip


def _left_out_table(found: Sequence[Comparison]) -> Table:
    titles = {number.name: number.title for number in STATISTICS}
    return Table(
        name="left_out",
        title="Documents without a value",
        columns=columns(
            ("comparison", "Comparison", "label"),
            ("statistic", "Statistic", "text"),
            ("reason", "Reason", "text"),
            ("documents", "Documents", "count"),
        ),
        rows=tuple(
            (one.label, titles[name], reason, count)
            for one in found
            for name, reasons in one.left_out.items()
            for reason, count in sorted(reasons.items())
        ),
    )


def _claim(found: Sequence[Comparison]) -> str:
    """One sentence: the agreement on the unpruned weights, its interval, its ceiling."""
    taus = {(one.arm, one.against): one.values["kendall_tau"] for one in found}
    tau = taus.get(("unpruned", METHOD), Estimate(None, 0, why_not="no documents"))
    if tau.value is None:
        return f"Agreement with attributions is not defined: {tau.why_not} with a value."
    figures = f"mean Kendall τ-b {figure(tau.value, 2)}, {bounds(tau, 2)}, {tau.n} documents"
    ceiling, beside = taus["unpruned", METHODS_MEET], ""
    if ceiling.value is not None:
        beside = f"; two attribution methods reach {figure(ceiling.value, 2)} with each other"
    said = compare(
        tau,
        more="Tokens that live longer have larger attributions",
        less="Tokens that live longer have smaller attributions",
        none="No agreement shown between survival and attribution",
    )
    return f"{said} ({figures}){beside}."


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
