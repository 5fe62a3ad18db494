"""Terms kept, dropped and left unread, and random words beside them: what is asked, and told."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from functools import cache

import numpy as np
import pandas as pd
import pytest
from claims import contradictions, random_trace, unfounded
from hypothesis import given
from hypothesis import strategies as st

from auditkit.finding import Finding
from auditkit.plugin import GlossaryTerm
from auditkit.probes._intervened import DOINGS, _questions, as_many, interventions
from auditkit.probes._measured import of_kind
from auditkit.probes._terms import term_list
from auditkit.probes.domain_term import DomainTerm
from auditkit.testing import (
    SyntheticBench,
    replace_tables,
    resharded,
    synthetic_trace,
    whole,
)
from auditkit.trace import Trace

Says = Callable[[str, str, str, frozenset[int]], list[float]]

GLOSSARY = (GlossaryTerm("won"), GlossaryTerm("market", 1), GlossaryTerm("semiconductor", 1))
TRAINING = pd.DataFrame(
    [(label, word, 50) for label in (0, 1) for word in ("the", "of")],
    columns=["label", "lower", "count"],
)
"""Words that mark no class: the terms are those of the glossary."""

QUICK = DomainTerm(resamples=200)


@cache
def trace_of(documents: int = 240, seed: int = 0) -> Trace:
    return synthetic_trace(np.random.default_rng(seed), documents=documents, words=(8, 24))


@cache
def places(trace: Trace) -> dict[str, dict[str, frozenset[int]]]:
    """By document and word, in lower case: all positions of its tokens."""
    words = whole(trace, "words").set_index(["example_id", "word"])["lower"].to_dict()
    found: dict[str, dict[str, set[int]]] = {name: {} for name in trace.documents.ids}
    tokens = whole(trace, "tokens")
    for name, word, position in tokens[["example_id", "word", "position"]].to_numpy().tolist():
        if word >= 0:
            found[name].setdefault(words[name, word], set()).add(position)
    return {name: {w: frozenset(at) for w, at in own.items()} for name, own in found.items()}


def terms_at(trace: Trace, example_id: str) -> frozenset[int]:
    """Positions of the terms of the document's class."""
    gold = trace.documents.label[trace.documents.row_of(example_id)]
    mine = [one.term for one in GLOSSARY if one.label in (None, gold)]
    return frozenset().union(*(places(trace)[example_id].get(term, ()) for term in mine))


def measured(trace: Trace, probe: DomainTerm = QUICK, says: Says | None = None) -> pd.DataFrame:
    bench = SyntheticBench(trace, glossary=GLOSSARY, training=TRAINING, says=says)
    table: pd.DataFrame = probe.measure(bench)
    return table


def analysed(trace: Trace, probe: DomainTerm = QUICK, says: Says | None = None) -> Finding:
    table = measured(trace, probe, says)
    given = replace_tables(trace, measured_domain_term=table)
    finding: Finding = probe.analyse(given, np.random.default_rng(1))
    assert not [*unfounded(finding), *contradictions(finding, trace.about)], finding.claim
    return finding


def wrong_where(trace: Trace, breaks: Callable[[str, str, frozenset[int]], bool]) -> Says:
    """A model that errs where `breaks` says so, and else says what the trace holds."""
    recorded = SyntheticBench(trace)._recorded

    def says(arm: str, example_id: str, do: str, where: frozenset[int]) -> list[float]:
        gold = trace.documents.label[trace.documents.row_of(example_id)]
        if breaks(example_id, do, where):
            return [0.1 if label == gold else 0.9 for label in range(2)]
        return recorded(arm, example_id, do, where)

    return says


def by_chance(name: str, where: frozenset[int], share: float) -> bool:
    """Whether it is one of `share` of the questions; the same for the same question."""
    return bool(np.random.default_rng([*map(ord, name), *sorted(where)]).random() < share)


# --- what is asked


sizes = st.lists(st.integers(1, 4), max_size=6)


@given(sizes, st.dictionaries(st.integers(0, 99), st.integers(1, 4), min_size=6), st.integers(0, 9))
def test_as_many_words_of_as_many_tokens(sizes: list[int], free: dict[int, int], seed: int) -> None:
    chosen = as_many(sizes, free, np.random.default_rng(seed))
    assert len(set(chosen)) == len(sizes)
    assert set(chosen) <= set(free)
    asked, there, got = Counter(sizes), Counter(free.values()), Counter(free[w] for w in chosen)
    if all(there[size] >= count for size, count in asked.items()):
        assert got == asked
    assert chosen == as_many(sizes, free, np.random.default_rng(seed))


def test_every_word_of_the_size_may_stand_beside() -> None:
    free = {word: 1 + word % 2 for word in range(10)}
    drawn = Counter(
        word for seed in range(600) for word in as_many([2, 2], free, np.random.default_rng(seed))
    )
    assert set(drawn) == {1, 3, 5, 7, 9}
    assert min(drawn.values()) > 190  # 240 expected, standard deviation 12; seeds 0 to 599


def test_terms_and_their_controls_by_hand() -> None:
    trace, asked = trace_of(), []

    def says(arm: str, example_id: str, do: str, where: frozenset[int]) -> list[float]:
        assert arm == "pruned"
        asked.append((example_id, do, where))
        return [0.3, 0.7]

    table = measured(trace, says=says)
    answers, holders = of_kind(table, "answer"), of_kind(table, "holder")
    counted = Counter[str]()
    for name, lower in whole(trace, "words")[["example_id", "lower"]].to_numpy().tolist():
        gold = trace.documents.label[trace.documents.row_of(name)]
        counted[name] += lower == "won" or (lower in ("market", "semiconductor") and gold == 1)
    assert Counter(dict(zip(holders["example_id"], holders["words"], strict=True))) == +counted
    assert Counter(answers["example_id"]) == dict.fromkeys(+counted, 3 * (1 + 3))
    every = frozenset().union(*(one.term.split() for one in GLOSSARY))
    for (example_id, do, where), row in zip(asked, answers.itertuples(), strict=True):
        assert (row.example_id, row.do, row.pieces) == (example_id, do, len(where))
        own, terms = places(trace)[example_id], terms_at(trace, example_id)
        if row.draw == -1:
            assert where == terms
        else:
            assert not where & frozenset().union(*(own.get(word, ()) for word in every))
        gold = trace.documents.label[trace.documents.row_of(example_id)]
        assert (row.predicted, row.p_gold) == (1, [0.3, 0.7][gold])
    draws = answers.pivot_table(index="example_id", columns="draw", values="pieces")
    assert (draws.sub(draws[-1], axis=0) == 0).to_numpy().mean() > 0.8  # of as many tokens


def test_random_words_come_from_the_id_alone() -> None:
    trace = trace_of(60)
    order = np.random.default_rng(1).permutation(60)
    questions = []
    for cut in (trace, resharded(trace, 3, order)):
        asked: dict[tuple[str, str], list[frozenset[int]]] = {}

        def says(arm: str, name: str, do: str, where: frozenset[int]) -> list[float]:
            asked.setdefault((name, do), []).append(where)  # noqa: B023
            return [0.5, 0.5]

        measured(cut, says=says)
        questions.append(asked)
    assert questions[0] == questions[1]
    for (name, _), where in questions[0].items():  # what is done does not decide to which words
        assert where == questions[0][name, DOINGS[0]]
    fewer = measured(trace, replace(QUICK, intervened_documents=9))
    more = measured(trace, replace(QUICK, intervened_documents=20))
    some, others = (set(of_kind(m, "answer")["example_id"]) for m in (fewer, more))
    assert len(some) == 9
    assert some < others
    assert len(of_kind(fewer, "holder")) == len(of_kind(more, "holder")) > 20


def test_documents_of_the_same_words_have_random_words_of_their_own() -> None:
    names = [f"doc-{number}" for number in range(20)]
    words = pd.DataFrame({"example_id": np.repeat(names, 9), "word": np.tile(range(9), 20)})
    tokens = words.assign(position=words["word"] + 1)
    first = words["word"] == 0

    def drawn(seed: int) -> list[int]:
        asked = _questions(words.assign(term=first, free=~first), tokens, seed, 1)
        return [int(q["positions"][0]) for q in asked if (q["do"], q["draw"]) == ("drop", 0)]

    assert len(drawn(0)) == 20
    assert len(set(drawn(0))) > 4
    assert drawn(0) != drawn(1)


def test_the_strongest_terms_of_each_class_are_meant() -> None:
    rows = [(0, "goalkeeper", 90), (0, "restaurant", 70), (1, "semiconductor", 90),
            (1, "market", 50), (0, "the", 500), (1, "the", 500)]  # fmt: skip
    training = pd.DataFrame(rows, columns=["label", "lower", "count"])
    trace = trace_of()
    bench = SyntheticBench(trace, training=training)
    terms = term_list(bench, top=50, min_count=10)
    assert len(terms) == 4
    holders, answers = interventions(bench, terms, top=1, most=1000, draws=1)
    best = {0: "goalkeeper", 1: "semiconductor"}
    expected = {
        name for name in trace.documents.ids
        if best[trace.documents.label[trace.documents.row_of(name)]] in places(trace)[name]
    }  # fmt: skip
    assert set(holders["example_id"]) == set(answers["example_id"]) == expected


# --- what is told


def test_terms_that_decide_are_found_and_by_hand() -> None:
    trace = trace_of()

    def breaks(name: str, do: str, where: frozenset[int]) -> bool:
        return do != "keep" and (bool(where & terms_at(trace, name)) or by_chance(name, where, 0.2))

    says = wrong_where(trace, breaks)
    finding = analysed(trace, says=says)
    assert "Dropping them by layer 1 costs" in finding.claim
    table, documents = finding.table("interventions"), trace.documents
    assert len(table.rows) == 3 * 3 * 3
    answers = of_kind(measured(trace, says=says), "answer")
    told = documents.answers("pruned")
    assert told is not None
    only: dict[str, str] = {"class": "class 1"}
    for value, at in ((None, {}), (1, only)):
        for do in DOINGS:
            change: dict[tuple[str, str], list[float]] = {}
            for example_id, own in answers[answers["do"] == do].groupby("example_id"):
                row = documents.row_of(str(example_id))
                gold, before = documents.label[row], told.predicted[row, 0]
                if value not in (None, gold):
                    continue
                terms, random = own[own["draw"] == -1].iloc[0], own[own["draw"] >= 0]
                ours = {"accuracy": terms["predicted"] == gold, "p": terms["p_gold"],
                        "flips": terms["predicted"] != before}  # fmt: skip
                theirs = {"accuracy": (random["predicted"] == gold).mean(),
                          "p": random["p_gold"].mean(),
                          "flips": (random["predicted"] != before).mean()}  # fmt: skip
                nothing = {"accuracy": before == gold, "p": told.probs[row, 0, gold], "flips": 0}
                for name in ours:
                    for side, one, other in (("t0", ours, nothing), ("r0", theirs, nothing),
                                             ("tr", ours, theirs)):  # fmt: skip
                        change.setdefault((name, side), []).append(
                            100 * (float(one[name]) - float(other[name]))
                        )
            sides = {"t0": ("domain terms", "nothing done"), "tr": ("domain terms", "random words"),
                     "r0": ("random words", "nothing done")}  # fmt: skip
            for (name, side), values in change.items():
                called = {"accuracy": "accuracy_change", "p": "p_gold_change", "flips": "flips"}
                category, against = sides[side]
                m = finding.measurement(called[name], arm="pruned", perturbation=do,
                                        category=category, against=against, **at)  # fmt: skip
                assert m.value == pytest.approx(np.mean(values), abs=1e-5)
                assert m.n == len(values)
                assert m.unit == "points"


def test_other_words_that_decide_are_found() -> None:
    trace = trace_of()
    says = wrong_where(
        trace, lambda name, do, where: bool(where) and not where & terms_at(trace, name)
    )
    assert "Dropping them by layer 1 leaves" in analysed(trace, says=says).claim


@pytest.mark.parametrize("share", [0.0, 0.1])
def test_where_terms_are_as_other_words_no_difference_is_shown(share: float) -> None:
    trace = trace_of()

    says = wrong_where(trace, lambda name, do, where: by_chance(name, where, share))
    finding = analysed(trace, says=says)
    assert "No difference in accuracy shown between dropping them" in finding.claim


def test_claims_of_random_runs_say_what_their_numbers_do() -> None:
    for seed in range(8):
        trace, rng = random_trace(seed), np.random.default_rng(seed)
        effect = {do: rng.choice([0.0, 0.1, 0.8]) for do in DOINGS}
        classes = len(trace.about.labels)

        def says(arm: str, name: str, do: str, where: frozenset[int]) -> list[float]:
            draw = np.random.default_rng([ord(c) for c in name] + sorted(where))
            hurt = len(where) * effect[do]  # noqa: B023
            return list(draw.dirichlet(np.ones(classes) * (1 + hurt)))  # noqa: B023

        glossary = (GlossaryTerm("won"), GlossaryTerm("market", 0))
        table = QUICK.measure(SyntheticBench(trace, glossary=glossary, says=says))
        finding = QUICK.analyse(replace_tables(trace, measured_domain_term=table), rng)
        assert not [*unfounded(finding), *contradictions(finding, trace.about)], (
            seed,
            finding.claim,
        )


@pytest.mark.parametrize(
    ("said", "instead"),
    [
        ("Dropping them by layer 1 costs", "Dropping them by layer 1 leaves"),
        ("Dropping them by layer 1 costs", "No difference in accuracy shown between them; costs"),
        (" documents).", "9 documents)."),
        (" points more accuracy", "7 points more accuracy"),
    ],
)
def test_a_false_claim_is_noticed(said: str, instead: str) -> None:
    finding = costly()
    assert said in finding.claim
    false = replace(finding, claim=finding.claim.replace(said, instead, 1))
    assert [*unfounded(false), *contradictions(false, trace_of().about)]


@cache
def costly() -> Finding:
    """What is found where the model errs without its terms."""
    trace = trace_of()
    says = wrong_where(trace, lambda name, do, where: bool(where & terms_at(trace, name)))
    return analysed(trace, says=says)


# --- what there may be too little of


def told(finding: Finding) -> str:
    (caveat,) = (c for c in finding.caveats if c.startswith("Interventions: "))
    return caveat


def test_documents_of_one_word_have_no_other_words_to_compare_with() -> None:
    trace = synthetic_trace(np.random.default_rng(3), documents=90, words=(1, 1))
    finding = analysed(trace)
    assert "ropping them" not in finding.claim
    assert "interventions" not in [table.name for table in finding.tables]
    held = sum(bool(terms_at(trace, name)) for name in trace.documents.ids)
    assert f"on 0 of the {held} documents" in told(finding)
    assert f"of which {held} have too few other words" in told(finding)


def test_few_documents_no_interventions_and_one_class() -> None:
    few = analysed(trace_of(12))
    assert "cannot be told: too few documents" in few.claim
    none = analysed(trace_of(40), replace(QUICK, intervened_documents=0))
    assert "0 chosen by a hash of the id" in told(none)
    assert "interventions" not in [table.name for table in none.tables]
    whole_trace = synthetic_trace(np.random.default_rng(4), documents=60, classes=1, words=(8, 24))
    single = analysed(whole_trace)
    assert [row[0] for row in single.table("interventions").rows] == ["all classes"] * 9 + [
        "class 0"
    ] * 9


def test_terms_of_the_glossary_that_never_occur_are_counted() -> None:
    trace = trace_of(60)
    glossary = (*GLOSSARY, GlossaryTerm("zebra"), GlossaryTerm("restaurant", 7))
    bench = SyntheticBench(trace, glossary=glossary, training=TRAINING)
    finding = QUICK.analyse(
        replace_tables(trace, measured_domain_term=QUICK.measure(bench)), np.random.default_rng(0)
    )
    assert any(
        c.startswith("2 of the 5 terms of the glossary occur in no") for c in finding.caveats
    )
    none = analysed(trace)
    assert not any("terms of the glossary occur" in caveat for caveat in none.caveats)
