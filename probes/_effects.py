"""What keeping, dropping or not reading the terms does, against as many random words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from auditkit.plugin import (
    RESTS,
    Conclusion,
    Estimate,
    Label,
    Number,
    Row,
    Told,
    Trace,
    bounds,
    class_name,
    columns,
    compare,
    direction,
    figure,
    place,
    tabulate,
)
from auditkit.probes._intervened import DOINGS, THE_TERMS
from auditkit.probes._matching import DOMAIN
from auditkit.stats.estimates import document_mean, document_share, too_few
from auditkit.stats.paired import answers_difference, drawn_interval
from auditkit.stats.rates import ratio_of_sums
from auditkit.stats.resampling import Bootstrap

RANDOM_WORDS = "random words"
NOTHING = "nothing done"
SIDES = ((DOMAIN, NOTHING), (RANDOM_WORDS, NOTHING), (DOMAIN, RANDOM_WORDS))
"""The words that something is done to, and what that is compared with."""

MOST_PLACES = 3


class Outcome(NamedTuple):
    """What the model says of n documents, once or in k draws."""

    right: NDArray[np.bool_]  # (n, k)
    p_gold: NDArray[np.float64]  # (n, k)
    flipped: NDArray[np.bool_]  # (n, k): another class than where nothing is done

    def among(self, who: NDArray[np.bool_]) -> "Outcome":
        """That on the documents `who` (n,)."""
        return Outcome(self.right[who], self.p_gold[who], self.flipped[who])


@dataclass(frozen=True, slots=True)
class Effects:
    """Outcomes on the documents that were intervened on."""

    label: NDArray[np.int64]  # (n,)
    pieces: Mapping[str, NDArray[np.float64]]
    """By words, (n,): tokens to which something was done."""
    outcomes: Mapping[tuple[str, str], Outcome]
    """By doing, and by the words that it was done to, or `NOTHING`."""

    def among(self, who: NDArray[np.bool_]) -> "Effects":
        """Those on the documents `who` (n,)."""
        return Effects(
            self.label[who],
            {words: pieces[who] for words, pieces in self.pieces.items()},
            {key: one.among(who) for key, one in self.outcomes.items()},
        )

    def estimates(
        self, do: str, words: str, against: str, bootstrap: Bootstrap
    ) -> dict[str, Estimate]:
        """In points, what doing it to `words` changes against `against`."""
        one, other = self.outcomes[do, words], self.outcomes[do, against]
        p_gold = document_mean(one.p_gold.mean(axis=1) - other.p_gold.mean(axis=1), kind="change")
        if against == NOTHING:
            flips = _share(one.flipped)
        else:
            flips = _difference(one.flipped, other.flipped, bootstrap)
        accuracy = _difference(one.right, other.right, bootstrap)
        found = {"accuracy_change": accuracy, "p_gold_change": p_gold, "flips": flips}
        return {name: estimate.scaled(100) for name, estimate in found.items()}


def effects_of(trace: Trace, answers: pd.DataFrame) -> Effects | None:
    """Outcomes by document from rows with columns `ANSWER`, in any order; None of no rows."""
    if answers.empty:
        return None
    (audited,), documents = trace.about.in_role("audited"), trace.documents
    told = documents.answers(audited)
    assert told is not None  # it runs on all documents
    wide = answers.assign(row=documents.rows_of(answers["example_id"])).pivot(
        index="row", columns=["do", "draw"], values=["predicted", "p_gold", "pieces"]
    ).sort_index(axis=1)  # fmt: skip
    rows = wide.index.to_numpy(dtype=np.int64)
    label = documents.label[rows].astype(np.int64)
    before = told.predicted[rows, :1]  # (n, 1)

    def outcome(predicted: NDArray[np.int64], p_gold: NDArray[np.float64]) -> Outcome:
        return Outcome(predicted == label[:, None], p_gold, predicted != before)

    outcomes = {}
    for do in DOINGS:
        said, p = (wide[name, do].to_numpy(dtype=np.float64) for name in ("predicted", "p_gold"))
        outcomes[do, NOTHING] = outcome(before, told.probs[rows, 0, label][:, None].astype(float))
        outcomes[do, DOMAIN] = outcome(said[:, :1], p[:, :1])
        outcomes[do, RANDOM_WORDS] = outcome(said[:, 1:], p[:, 1:])
    pieces = wide["pieces", DOINGS[0]]
    of_words = {DOMAIN: pieces[[THE_TERMS]], RANDOM_WORDS: pieces.drop(columns=THE_TERMS)}
    means = {words: own.to_numpy(np.float64).mean(axis=1) for words, own in of_words.items()}
    return Effects(label, means, outcomes)


def effects_table(trace: Trace, rows: Sequence[Row]) -> Told:
    """What `effect_rows` gives."""
    return tabulate(
        "interventions",
        "The pruned model where words are kept at every layer, dropped by layer 1, or not read",
        [
            Label("class", "Class", whole="all classes"),
            Label("perturbation", "Done", help="keep: no layer drops them; drop: the first layer "
                  "does, so that they were attended to once; mask: they are not read at all."),
            Label("category", "To"),
            Label("against", "Against"),
            *columns(
                ("documents", "Documents", "count"),
                ("pieces", "Tokens", "number", "Tokens of a document that it is done to."),
            ),
            Number("accuracy_change", "Accuracy", "points",
                   interval="Paired: Tango's, or of random words a bootstrap over documents."),
            Number("p_gold_change", "p(gold)", "points", "Change of the probability of the gold "
                   "class, of 100.", interval="Student's t over documents."),
            Number("flips", "Flips", "points", "Documents of 100 whose predicted class is another "
                   "than where nothing is done; against random words how many more.",
                   interval="Exact, linearised, or as for accuracy."),
        ],
        rows,
        arm=trace.about.depths_of,
    )  # fmt: skip


def effect_rows(trace: Trace, effects: Effects, bootstrap: Bootstrap) -> list[Row]:
    """Every doing to every side's words: over all documents, then class by class."""
    classes = [(value, effects.label == value) for value in np.unique(effects.label)]
    rows = []
    for value, who in ((None, np.ones(len(effects.label), dtype=bool)), *classes):
        mine = effects.among(who)
        name = None if value is None else class_name(trace.about.labels, int(value))
        for do in DOINGS:
            for words, against in SIDES:
                at = {"class": name, **_side(do, words, against)}
                facts = {"documents": int(who.sum()), "pieces": float(mine.pieces[words].mean())}
                rows.append(Row(at, mine.estimates(do, words, against, bootstrap), facts))
    return rows


def claim_of_dropping(rows: Sequence[Row]) -> str:
    """What dropping the terms costs against dropping as many random words, over all documents."""
    at = {"class": None, **_side("drop", DOMAIN, RANDOM_WORDS)}
    change = next(row.numbers["accuracy_change"] for row in rows if row.at == at)
    places = _places(change)
    value = change.value or 0.0
    size = figure(abs(value), places)
    found = f"{figure(value, places)} points, {bounds(change, places)}, {change.n:,} documents"
    return compare(
        change,
        less=f"Dropping them by layer 1 costs {size} points more accuracy than dropping as many "
        f"random words of the same documents ({found}).",
        more=f"Dropping them by layer 1 leaves {size} points more accuracy than dropping as many "
        f"random words of the same documents ({found}).",
        none="No difference in accuracy shown between dropping them by layer 1 and dropping as "
        f"many random words of the same documents ({found}).",
        unknown="Whether dropping them by layer 1 costs more accuracy than dropping as many random "
        f"words of the same documents cannot be told: {change.why_not}.",
    )


def conclusion_of_dropping(rows: Sequence[Row], arm: str | None) -> tuple[Conclusion, ...]:
    """The same, for the end of the report; none where the change has no interval."""
    at = _side("drop", DOMAIN, RANDOM_WORDS)
    change = next(row.numbers["accuracy_change"] for row in rows if row.at == {"class": None, **at})
    if change.value is None or change.interval is None:
        return ()
    told = f"Of domain terms: {claim_of_dropping(rows)}"
    return (Conclusion(RESTS, told, (place("accuracy_change", arm=arm, **at),)),)


def told_of_interventions(holders: int, most: int, effects: Effects | None) -> str:
    """Which documents and words the interventions are on, and what they do.

    Args:
        holders: Documents that hold a term of their class.
        most: Documents that were to be chosen, at most.
        effects: On those that were intervened on.
    """
    n, chosen = 0 if effects is None else len(effects.label), min(holders, most)
    left = f", of which {chosen - n:,} have too few other words" if chosen > n else ""
    picked = f", {chosen:,} chosen by a hash of the id{left}" if chosen < holders else left
    return (
        f"Interventions: on {n:,} of the {holders:,} documents that hold a strongest term of their "
        f"class or one of the glossary{picked}. All such terms of a document are kept, dropped or "
        "not read at once. Random words are as many other words that are terms of no class, of as "
        "many tokens each where the document has such words, else of the nearest number. What the "
        "first layer drops has been attended to once."
    )


def _places(change: Estimate) -> int:
    """Decimals at which an effect and the bounds of its interval are not printed as 0."""
    shown = direction(change)
    values = (change.value, *(change.interval or ())) if shown else ()
    enough = (p for p in range(1, MOST_PLACES) if all(round(v or 0.0, p) for v in values))
    return next(enough, MOST_PLACES)


def _side(do: str, words: str, against: str) -> dict[str, str]:
    """Where in an address what is done to words, against something, stands."""
    return {"perturbation": do, "category": words, "against": against}


def _share(hits: NDArray[np.bool_]) -> Estimate:
    """Share of documents, or of the draws in documents, that are hit (n, k)."""
    if hits.shape[1] == 1:
        return document_share(hits[:, 0])
    draws = np.full(len(hits), float(hits.shape[1]))
    return ratio_of_sums(hits.sum(axis=1, dtype=np.float64), draws, bounds=(0, 1))


def _difference(one: NDArray[np.bool_], other: NDArray[np.bool_], bootstrap: Bootstrap) -> Estimate:
    """Share of `one` (n, k) minus that of `other` (n, m), paired."""
    change = one.mean(axis=1) - other.mean(axis=1)
    value, n = float(change.mean()), len(change)
    if few := too_few("difference", n):
        return Estimate(value, n, why_not=few)
    if one.shape[1] == other.shape[1] == 1:
        return Estimate(value, n, answers_difference(one[:, 0], other[:, 0]).interval)
    return Estimate(value, n, drawn_interval(change, bootstrap)[0])
