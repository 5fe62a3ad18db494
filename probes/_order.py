"""The order of tokens by survival and by attributions, against those that people marked."""

from collections.abc import Mapping, Sequence
from functools import partial

from auditkit.plugin import (
    ADJUSTED,
    Label,
    Number,
    Row,
    Told,
    Trace,
    called,
    class_name,
    columns,
    tabulate,
)
from auditkit.probes._attribution import FAMILIES
from auditkit.probes._marks import Marked
from auditkit.probes._ranked import Beside
from auditkit.stats.estimates import document_mean
from auditkit.stats.multiplicity import At, adjusted_together
from auditkit.stats.rationales import Ranking, above_chance, ranking

T = "Student's t over documents."


def ranking_rows(trace: Trace, mine: Marked, scores: Mapping[str, Ranking]) -> list[Row]:
    """Survival over all documents and by class, then the attributions."""
    arm, weights = str(trace.about.depths_of), trace.about.unpruned[:1]
    latest = slice(None, None, -1)  # the highest depth first
    every = ranking(mine.tokens[:, latest], mine.marked[:, latest])
    told = [({"score": "survival depth", "arm": arm}, every)]
    for label, who in mine.classes(trace):
        name = class_name(trace.about.labels, label)
        own = Ranking(*(part[who] for part in every))
        at = {"score": f"survival depth, {name}", "arm": arm, "class": name}
        told.append((at, own))
    for method, own in scores.items():
        at = {"score": f"|attribution|, {method}", "arm": weights[0], "type": method}
        told.append((at, own))
    makers: list[At] = [
        partial(above_chance, own.precision, own.chance, kind="precision") for _, own in told
    ]
    together = adjusted_together([make() for make in makers], makers)
    return [
        Row(
            at,
            {"auprc": document_mean(own.precision, kind="precision"),
             "auprc_chance": document_mean(own.chance), "auprc_difference": difference,
             "auroc": document_mean(own.area)},
            {"documents": len(own.precision)},
        )
        for (at, own), difference in zip(told, together, strict=True)
    ]  # fmt: skip


def ranking_table(rows: Sequence[Row]) -> Told:
    """One line a score."""
    return tabulate(
        "order",
        "Order of tokens: how early it comes to the marked ones",
        [
            Label("score", "By"),
            *columns(("documents", "Documents", "count")),
            Number("auprc", "AUPRC", "share", "Average precision, mean over documents.",
                   interval=None, better="higher"),
            Number("auprc_chance", "by chance", "share", "Expected of a random order with the same "
                   "ties, exactly; it lies above the share of marked tokens.", interval=None),
            Number("auprc_difference", "Difference", "share", "The former less the latter.",
                   called(T), p="Of 0.", adjusted=ADJUSTED, better="higher",
                   control="a random order"),
            Number("auroc", "AUROC", "share", "Chance that a marked token comes before one that is "
                   "not; 0.5 by chance.", T, better="higher", control="chance"),
        ],
        rows,
        note="Survival depth has many ties and attributions have few: their AUPRC have other "
        "chance levels, and are not compared as they stand.",
    )  # fmt: skip


def beside_table(rows: Sequence[Beside], arm: str) -> Told:
    """One line a method."""
    return tabulate(
        "beside_attributions",
        "AUPRC of survival, and of |attribution| at the same counts",
        [
            Label("against", "|Attribution|"),
            *columns(
                ("family", "Family", "label"),
                ("documents", "Documents", "count", "The same for both."),
            ),
            Number("auprc_survival", "Survival", "share", interval=None, better="higher"),
            Number("auprc_attribution", "|Attribution|", "share", "As if as many tokens had been "
                   "kept after each layer, those of the largest |attribution|.", interval=None),
            Number("auprc_change", "Difference", "share", "The former less the latter, paired.",
                   called(T), p="Of 0.", adjusted=ADJUSTED),
        ],
        [
            Row({"against": row.method},
                {"auprc_survival": row.survival, "auprc_attribution": row.attribution,
                 "auprc_change": row.change},
                {"documents": row.documents, "family": FAMILIES[row.method]})
            for row in rows
        ],
        arm=arm,
    )  # fmt: skip
