"""Do the tokens that live longest matter most to the prediction?"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd

from auditkit.plugin import (
    ENGINE,
    MODELS,
    BenchView,
    Estimate,
    Example,
    Finding,
    Place,
    Trace,
    answer,
    bounds,
    compare,
    direction,
    figure,
    not_applicable,
    show_document,
)
from auditkit.probes._agreement import (
    BESIDE,
    CLAIMED,
    Comparison,
    agreement_chart,
    agreement_tables,
    compared,
)
from auditkit.probes._attribution import (
    METHODS,
    OTHER,
    attributed,
    attributed_arms,
)
from auditkit.probes._convergence import converged_by_arm, convergence_table, missed_caveats
from auditkit.probes._same_words import CAVEATS as CAVEATS_OF_CHANGE
from auditkit.probes._same_words import claim_of_same_words, same_words, sizes_by_word

ENOUGH_DOCUMENTS = 200

CAVEATS = (
    "Agreement is not correctness: two rankings can agree and both be wrong about what the model "
    "uses (Jain and Wallace 2019; Wiegreffe and Pinter 2019; Krishna et al. 2022).",
    "LTP keeps the tokens that receive attention, so agreement with attention would be circular: "
    "attributions here are made by gradients and by leaving words out, without pruning.",
    "Leaving one word out at a time misses words that stand in for each other, and gives the model "
    "texts that it was not trained on. The pieces of a word share what it loses, so that what "
    "survival shares with the number of pieces of words may be in that agreement.",
    "Position is taken out as a curve of one turn with a step at either end: a trend of another "
    "form that survival and attribution share would leave some agreement.",
)


@dataclass(frozen=True)
class AttributionAgreement:
    """Agreement of survival depth with attributions that do not come from attention."""

    name: ClassVar[str] = "attribution_agreement"
    version: ClassVar[str] = "4"
    question: ClassVar[str] = "Do the tokens that live longest matter most to the prediction?"
    question_of_change: ClassVar[str] = "Do both models rest their predictions on the same words?"
    needs: ClassVar[frozenset[str]] = frozenset({ENGINE, MODELS, "audited"})
    place: ClassVar[Place] = Place(2, 0)

    def measure(self, bench: BenchView) -> pd.DataFrame | None:
        """Attribute a stratified sample on the unpruned model and the baseline, by every method.

        Returns:
            What `BenchView.attribute` returns; None for a sample of no documents.
        """
        sample = bench.stratified_sample(bench.attribution_sample)
        methods = METHODS if bench.about.depths_of else (OTHER,)
        return bench.attribute(attributed_arms(bench.about), methods, sample) if sample else None

    def analyse(self, trace: Trace, rng: np.random.Generator) -> Finding:
        """Survival with attributions, attributions with each other, and random keeping."""
        measured = trace.measured(self.name)
        if measured is None or measured.empty:
            return not_applicable(self, "this run attributed no documents (--attribution-sample)")
        if not trace.about.depths_of:
            return self._of_change(trace, measured)
        if lacking := sorted(set(METHODS) - set(measured["method"])):
            return not_applicable(
                self,
                f"this run has no attributions by {' and '.join(lacking)}; `auditkit run` "
                "measures them",
            )
        documents, broken = attributed(trace, measured)
        found = compared(trace.about, documents)
        converged = converged_by_arm(measured)
        missed = missed_caveats(converged)
        return answer(
            self,
            _claim(found),
            "warn" if missed else "reported",
            tables=(*agreement_tables(found), convergence_table(converged)),
            charts=(agreement_chart(found),),
            examples=_extremes(trace, measured, found[0]),
            caveats=(*_sample(measured["example_id"].nunique(), broken), *CAVEATS, *missed),
        )

    def _of_change(self, trace: Trace, measured: pd.DataFrame) -> Finding:
        """The words that both models rest on, where none drops any."""
        arm, against = attributed_arms(trace.about)
        documents = sizes_by_word(trace, measured)
        rho, top, table = same_words(documents, arm, against)
        claim, sample = claim_of_same_words(rho, top), _sample(len(documents), 0)
        return answer(self, claim, tables=[table], caveats=(*sample, *CAVEATS_OF_CHANGE))


def _extremes(trace: Trace, measured: pd.DataFrame, claimed: Comparison) -> list[Example]:
    """The documents in which survival and attributions agree least and most, with both."""
    scored = [(rho, example_id) for example_id, rho in claimed.rhos.items()]
    found = []
    for extreme, chosen in (("least", min), ("most", max)) if len(scored) > 1 else ():
        score, example_id = chosen(scored)
        own = measured[
            (measured["example_id"] == example_id)
            & (measured["arm"] == claimed.arm)
            & (measured["method"] == claimed.against)
        ]
        title = f"survival and attribution agree {extreme}: correlation {figure(score, 2)}"
        sizes = dict(zip(own["position"], own["attribution"], strict=True))
        found.append(show_document(trace, example_id, title, sizes))
    return found


def _sample(documents: int, broken: int) -> list[str]:
    told = [f"Attributions of {documents} documents: a sample in which each class has its share."]
    if documents < ENOUGH_DOCUMENTS:
        told.append(f"Fewer than {ENOUGH_DOCUMENTS} documents: take this as a first look.")
    if broken:
        told.append(f"Documents left out, because an attribution is not finite: {broken}.")
    return told


def _claim(found: Sequence[Comparison]) -> str:
    """The agreement on the weights under audit given position, and what to see it beside."""
    rho = found[0].values[CLAIMED]
    if rho.value is None:
        return f"Agreement with attributions is not defined: {rho.why_not} with a value."
    said = compare(
        rho,
        more="Tokens that live longer have larger attributions",
        less="Tokens that live longer have smaller attributions",
        none="No agreement shown between survival and attribution",
        unknown="Whether tokens that live longer have larger attributions cannot be said",
    )
    mean = f"mean Spearman correlation given position {figure(rho.value, 2)}"
    beside = "".join(
        f"; {words} it is {figure(value, 2)}"
        for against, words in BESIDE.items()
        if (value := _claimed(found, against).value) is not None
    )
    return f"{said} ({mean}, {bounds(rho, 2)}, {rho.n} documents){_other(found, rho)}{beside}."


def _other(found: Sequence[Comparison], rho: Estimate) -> str:
    """Whether the family that is no gradient says the same of the same weights."""
    theirs = _claimed(found, OTHER)
    if theirs.value is None:
        return f"; leaving words out, which is no gradient, has no value: {theirs.why_not}"
    if direction(theirs) == direction(rho):
        says = "says the same"
    else:
        says = "says otherwise: " + compare(
            theirs,
            more="larger attributions",
            less="smaller attributions",
            none="no agreement shown",
            unknown="it cannot be said",
        )
    told = f"{figure(theirs.value, 2)}, {bounds(theirs, 2)}"
    return f"; leaving words out, which is no gradient, {says} ({told})"


def _claimed(found: Sequence[Comparison], against: str) -> Estimate:
    """The first comparison with `against`, in the statistic that the claim rests on."""
    none = Estimate(None, 0, why_not="it was not compared")
    return next((one.values[CLAIMED] for one in found if one.against == against), none)
