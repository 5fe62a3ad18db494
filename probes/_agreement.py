"""What survival depths and attributions are set against, and how far they agree."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from auditkit.plugin import About, Chart, Column, Estimate, Label, Number, Row, Told, tabulate
from auditkit.probes._attribution import (
    FAMILIES,
    METHOD,
    METHODS,
    OTHER,
    SECOND,
    Attributed,
    Floats,
    Ints,
    attributed_arms,
    drawn_arm,
)
from auditkit.stats.agreement import (
    Score,
    as_depth,
    corrected_precision,
    kendall_tau,
    layer_auroc,
    partial_spearman,
)
from auditkit.stats.estimates import document_mean

METHODS_MEET, FAMILIES_MEET, MODELS_MEET = (
    "method against method", "family against family", "model against model",
)  # fmt: skip

CLAIMED = "partial_spearman"
"""The statistic that claims rest on."""

BESIDE = {
    METHODS_MEET: "between gradient methods on the same weights",
    FAMILIES_MEET: "between the two families on the same weights",
    MODELS_MEET: "between models by the same method",
}
"""What agreement of survival is to be seen beside, in words."""

STATISTICS = (
    Number("partial_spearman", "Spearman given position", "correlation", "Rank correlation given "
           "relative position, its square, and whether a token is the first or the last; 0 by "
           "chance. The claim rests on it.", control="chance"),
    Number("kendall_tau", "Kendall's τ-b", "correlation", "Rank correlation of survival depth with "
           "|attribution|; 0 by chance, but a trend along the text that both share moves it.",
           control="chance"),
    Number("auroc", "AUROC", "share", "Chance that a kept token has the larger |attribution| than "
           "a dropped one, mean of the layers that keep some and drop some; 0.5 by chance.",
           control="chance"),
    Number("corrected_precision", "Chance-corrected precision", "share", "Share of the tokens that "
           "outlive all layers among as many largest |attributions|, above chance: 0 by chance, 1 "
           "if they are the same.", control="chance"),
)  # fmt: skip

SURVIVAL, CONTROL, AMONG = "survival", "random keeping", "between attributions"
"""What a comparison is of: what is asked, what chance gives, and how far methods agree."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """One comparison over all documents."""

    label: str
    """As the tables name it."""
    part: str
    """`SURVIVAL`, `CONTROL` or `AMONG`."""
    arm: str
    against: str
    family: str
    """Of the attributions; both where two meet."""
    documents: int
    values: dict[str, Estimate]
    """By statistic."""
    rhos: dict[str, float]
    """By example id the value of each document that `CLAIMED` is the mean of."""
    left_out: dict[str, Counter[str]]
    """Per statistic, documents without a value by reason."""


Sides = tuple[Ints, Floats]
"""Depths and sizes of a document's tokens, (n,) each."""


def compared(about: About, documents: Sequence[Attributed]) -> list[Comparison]:
    """Survival with every attribution, random keeping, methods and models with each other.

    All on the weights under audit stand first.
    """
    found = []
    for label, part, arm, against, family, sides in _plan(about):
        pairs = [(d, pair) for d in documents if (pair := sides(d)) is not None]
        scores = [_scores(*pair, d.position, about.layers) for d, pair in pairs]
        values, left_out = {}, {}
        rhos = {
            document.example_id: rho
            for (document, _), score in zip(pairs, scores, strict=True)
            if (rho := score[CLAIMED].value) is not None
        }
        for name in (number.name for number in STATISTICS):
            column = [score[name] for score in scores]
            known = np.array([s.value for s in column if s.value is not None], dtype=np.float64)
            left_out[name] = Counter(s.why_not for s in column if s.value is None)
            values[name] = document_mean(known)
        told = (len(scores), values, rhos, left_out)
        found.append(Comparison(label, part, arm, against, family, *told))
    return found


def agreement_tables(found: Sequence[Comparison]) -> tuple[Told, Told]:
    """One row a comparison; and documents without a value, by statistic and reason."""
    agreement = tabulate(
        "agreement",
        "Agreement of survival depth with |attribution|, means over documents",
        [
            Label("comparison", "Comparison"),
            Column(name="part", title="Of", kind="label",
                   help="Survival is to be seen between the two others: random keeping shows what "
                   "chance gives, and attributions how far they agree with each other."),
            Column(name="family", title="Family", kind="label",
                   help="Of the attributions: by gradients, or by leaving out one word at a time."),
            Column(name="documents", title="Documents", kind="count",
                   help="Those without a value of a statistic are in the table below."),
            *STATISTICS,
        ],
        [
            Row(
                {"comparison": one.label, "arm": one.arm, "against": one.against},
                one.values,
                {"documents": one.documents, "family": one.family, "part": one.part},
            )
            for one in found
        ],
        note="One value a document, on its tokens without special ones; intervals are Student's t "
        "over documents. Between methods, families and models the depths of a document are dealt "
        "to its tokens by the size of one attribution and set against the other: what to see the "
        "agreement of survival beside, and no bound of it. Leaving a word out gives each of its "
        "pieces an equal part of what the logit loses.",
    )  # fmt: skip
    left_out = tabulate(
        "left_out",
        "Documents without a value",
        [
            Label("comparison", "Comparison"),
            Label("statistic", "Statistic"),
            Label("reason", "Reason"),
            Column(name="documents", title="Documents", kind="count"),
        ],
        [
            Row(
                {"comparison": one.label, "statistic": number.title, "reason": reason},
                facts={"documents": count},
            )
            for one in found
            for number in STATISTICS
            for reason, count in sorted(one.left_out[number.name].items())
        ],
    )
    return agreement, left_out


def agreement_chart(found: Sequence[Comparison]) -> Chart:
    """Survival on the weights under audit, beside what chance gives and how far methods agree."""
    here = found[0].arm
    apart = [one for one in found if one.part != CONTROL and one.arm != here]
    return Chart(
        name="agreement",
        kind="dots",
        table="agreement",
        title="Spearman's correlation of survival depth and |attribution|, given position",
        alt="Mean rank correlation given position with 95 % intervals, on the weights under audit: "
        "of survival with every method, of random keeping, and between methods and families; 0 is "
        "chance. The table has the figures, and those of other weights.",
        x="partial_spearman",
        y="comparison",
        color="part",
        interval="partial_spearman_interval",
        reference=0.0,
        reference_name="chance",
        first=len(found) - len(apart),
    )


def _plan(
    about: About,
) -> Iterator[tuple[str, str, str, str, str, Callable[[Attributed], Sides | None]]]:
    """Label, part, arm, what it is set against, family, and both sides of every comparison."""
    arms, drawn = attributed_arms(about), drawn_arm(about)
    for arm in arms:
        for method in METHODS:
            label, sides = f"survival: {arm}, {method}", partial(_survival, (arm, method))
            yield label, SURVIVAL, arm, method, FAMILIES[method], sides
        for method in (METHOD, OTHER) if drawn and arm == arms[0] else ():
            control = partial(_random, (arm, method))
            yield (
                f"control: {drawn}, {method}",
                CONTROL,
                str(drawn),
                method,
                FAMILIES[method],
                control,
            )
        for what, meet, other in (
            ("methods", METHODS_MEET, SECOND), ("families", FAMILIES_MEET, OTHER),
        ):  # fmt: skip
            families = " and ".join(dict.fromkeys((FAMILIES[METHOD], FAMILIES[other])))
            sides = partial(_dealt, (arm, METHOD), (arm, other))
            yield f"between {what}: {arm}", AMONG, arm, meet, families, sides
    for other in arms[1:]:
        sides = partial(_dealt, (arms[0], METHOD), (other, METHOD))
        label = f"between models: {other} and {arms[0]}"
        yield label, AMONG, other, MODELS_MEET, FAMILIES[METHOD], sides


def _survival(source: tuple[str, str], document: Attributed) -> Sides:
    return document.depth, document.sizes[source]


def _random(source: tuple[str, str], document: Attributed) -> Sides | None:
    return None if document.drawn is None else (document.drawn, document.sizes[source])


def _dealt(one: tuple[str, str], other: tuple[str, str], document: Attributed) -> Sides:
    """One attribution as if tokens had been kept by it, and the other."""
    return as_depth(document.sizes[one], document.depth), document.sizes[other]


def _scores(depth: Ints, size: Floats, position: Floats, layers: int) -> dict[str, Score]:
    """One document's statistics by name."""
    return {
        "partial_spearman": partial_spearman(depth, size, position),
        "kendall_tau": kendall_tau(depth, size),
        "auroc": layer_auroc(depth, size, layers),
        "corrected_precision": corrected_precision(depth, size, layers),
    }
