from functools import partial
from typing import Any

import contract
import numpy as np
import pandas as pd
import probing
import pytest

from auditkit.plugin import unmet
from auditkit.probes._cue_words import CATEGORIES, cues_of
from auditkit.probes.superficial_cue import SOURCES, SuperficialCue
from auditkit.testing import (
    check_probe,
    contract_traces,
    synthetic_trace,
    whole,
)
from auditkit.trace import Trace

TRACES = contract_traces()


measured = partial(probing.measured, SuperficialCue())
analysed = partial(probing.analysed, SuperficialCue())


@pytest.fixture(scope="module")
def trace() -> Trace:
    return synthetic_trace(np.random.default_rng(3), documents=420, words=(8, 20))


def losing(trace: Trace, stop: float, other: float) -> Any:
    """A bench's `says`: what a token that goes takes from the predicted class's probability."""
    words = whole(trace, "words")
    stops = set(zip(words["example_id"][words["is_stop"]], words["word"][words["is_stop"]],
                    strict=True))  # fmt: skip
    tokens = whole(trace, "tokens")
    weight = {
        (str(t.example_id), t.position): stop if (t.example_id, t.word) in stops else other
        for t in tokens.itertuples()
    }
    said = trace.documents.answers("pruned")
    assert said is not None

    def says(arm: str, example_id: str, do: str, where: frozenset[int]) -> list[float]:
        row = trace.documents.row_of(example_id)
        target, classes = int(said.predicted[row, 0]), len(trace.about.labels)
        lost = sum(weight[example_id, at] for at in where)
        p = max(0.0, float(said.probs[row, 0, target]) * (1 - lost))
        return [p if c == target else (1 - p) / (classes - 1) for c in range(classes)]

    return says


@pytest.mark.parametrize("name", contract.traces(TRACES))
def test_contract(name: str) -> None:
    for trace in (TRACES[name], measured(TRACES[name])):
        finding = check_probe(SuperficialCue(), trace)
        assert (finding is None) == bool(unmet(SuperficialCue(), trace.about))


def test_a_cue_that_carries_the_prediction_is_named(trace: Trace) -> None:
    finding = analysed(measured(trace, says=losing(trace, stop=0.08, other=0.0)))
    assert "Predictions hang more on stop words" in finding.claim
    change = finding.measurement(
        "p_change_difference", arm="pruned", category="stop words", perturbation="drop"
    )
    assert change.interval is not None
    assert change.interval.high < 0
    assert change.p_adjusted is not None


def test_a_cue_that_carries_less_is_named_as_that(trace: Trace) -> None:
    finding = analysed(measured(trace, says=losing(trace, stop=0.0, other=0.08)))
    assert "Predictions hang less on stop words" in finding.claim


@pytest.mark.slow
def test_without_an_effect_nothing_is_shown(trace: Trace) -> None:
    finding = analysed(measured(trace))
    assert "Predictions hang" not in finding.claim
    for m in finding.measurements:
        if m.name.endswith("_difference") and m.value is not None:
            assert m.value == 0


def test_the_difference_by_hand(trace: Trace) -> None:
    told = measured(trace, says=losing(trace, stop=0.05, other=0.02))
    frame = told.measured("superficial_cue")
    assert frame is not None
    said = trace.documents.answers("pruned")
    assert said is not None
    mine = frame[(frame["category"] == "stop words") & (frame["do"] == "mask")]
    values = []
    for one, own in mine.groupby("example_id"):
        row = trace.documents.row_of(str(one))
        target = int(said.predicted[row, 0])
        lost: dict[str, list[float]] = {"chosen": [], "others": []}
        for side, probs in zip(own["side"], own["probs"], strict=True):
            lost[str(side)].append(float(probs[target]))
        values.append(np.mean(lost["chosen"]) - np.mean(lost["others"]))
    found = analysed(told).measurement(
        "p_change_difference", arm="pruned", category="stop words", perturbation="mask"
    )
    assert found.value == pytest.approx(np.mean(values), abs=1e-6)
    assert found.n == len(values)


def test_which_words_are_which_cue() -> None:
    text = ["(", "Reuters", ")", "The", "oil", "price", "fell", "to", "9", "$", "."]
    words = pd.DataFrame({"text": text, "is_stop": [w in ("The", "to") for w in text]})
    found = cues_of(words, 2, SOURCES)
    named = {name: [text[i] for i in np.flatnonzero(found[name])] for name in CATEGORIES}
    assert named == {
        "stop words": ["The", "to"],
        "punctuation": ["(", ")", "$", "."],
        "first words": ["Reuters", "The"],
        "last words": ["to", "9"],
        "sources": ["Reuters"],
    }
    assert not cues_of(words, 0, ())["first words"].any()
    assert not cues_of(words[:0], 2, SOURCES)["last words"].size


def test_a_cue_that_never_occurs_is_a_row_with_the_reason(trace: Trace) -> None:
    finding = analysed(measured(trace))
    sources = finding.measurement("p_change", arm="pruned", category="sources", perturbation="drop")
    assert sources.value is None
    assert sources.undefined is not None
    assert "no document of the sample has such words" in sources.undefined
    assert "Nothing can be said of" in finding.claim


def test_both_sides_take_as_many_words_away(trace: Trace) -> None:
    frame = measured(trace).measured("superficial_cue")
    assert frame is not None
    key = ["example_id", "category", "do", "draw"]
    wide = frame.pivot_table("words", key, "side")
    assert (wide["chosen"] == wide["others"]).all()
    assert (frame["words"] <= frame["present"]).all()
