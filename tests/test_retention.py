from dataclasses import replace
from itertools import pairwise
from time import process_time
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditkit.finding.values import Undefined
from auditkit.plugin.retention import (
    caveats_of,
    claim_of,
    claim_over,
    measurements_of,
    survival_of,
    tables_of,
)
from auditkit.stats.estimates import Estimate
from auditkit.stats.inclusion import inclusion_probability
from auditkit.stats.survival import (
    Retained,
    Survival,
    position_bins,
    reference_layer,
    retention,
    term_retention,
)
from auditkit.testing.traces import replace_tables, synthetic_trace, with_depth
from auditkit.trace.tables import Trace


def trace_of(seed: int = 0, **options: Any) -> Trace:
    return synthetic_trace(np.random.default_rng(seed), **options)


def upos_of(trace: Trace) -> np.ndarray:
    return trace.table("words")["upos"].to_numpy(dtype=object)


def measured(trace: Trace, resamples: int = 200) -> dict[str, Retained]:
    rows = retention(
        survival_of(trace), upos_of(trace), np.random.default_rng(1), resamples=resamples
    )
    return {row.category: row for row in rows}


def reference_of(trace: Trace) -> int:
    """The definition, layer by layer."""
    tokens = trace.table("tokens")
    depth = tokens.loc[~tokens["special"], "depth"]
    far = {layer: abs((depth >= layer).mean() - 0.5) for layer in range(1, trace.about.layers + 1)}
    return max(layer for layer, value in far.items() if value <= min(far.values()) + 1e-12)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000), layers=st.integers(1, 6), keep=st.floats(0.2, 0.95))
def test_reference_layer_follows_its_definition(seed: int, layers: int, keep: float) -> None:
    trace = trace_of(seed, documents=10, layers=layers, keep=keep)
    assert survival_of(trace).reference == reference_of(trace)


@pytest.mark.parametrize(
    ("kept", "layer"),
    [
        ([98, 95, 32, 24, 13, 0], 3),  # the last layer keeps nearly nothing: not taken
        ([75, 25, 0], 2),  # as near on either side: the later
        ([60, 60, 60], 3),
        ([100, 100], 2),
        ([0, 0], 2),
        ([1], 1),
    ],
)
def test_reference_layer_is_where_half_are_alive(kept: list[int], layer: int) -> None:
    whole = np.array([kept])
    assert reference_layer(np.array([100]), whole) == layer
    assert reference_layer(np.array([60, 40]), np.vstack([whole - whole // 2, whole // 2])) == layer
    assert reference_layer(np.array([0]), 0 * whole) == len(kept)


def test_a_last_layer_with_nearly_nothing_kept_makes_no_headline() -> None:
    full = trace_of(3, documents=300, layers=2, keep=0.5, weights={"PROPN": 4.0})
    words, tokens = full.table("words"), full.table("tokens")
    spared = full.table("examples")["example_id"].iloc[:3]  # these alone have anything at the end
    words, tokens = (
        t.assign(depth=t["depth"].where(t["example_id"].isin(spared), t["depth"].clip(upper=1)))
        for t in (words, tokens)
    )
    trace = replace_tables(full, words=words, tokens=tokens)
    assert survival_of(trace).reference == 1
    rows = measured(trace)
    assert rows["PROPN"].direction == 1
    for category, row in rows.items():
        mine = words[words["upos"] == category]
        assert row.reference == 1
        assert row.rate.value == pytest.approx((mine["depth"] >= 1).mean())
        assert row.rate == row.curve[0]
        assert row.curve[1].value == pytest.approx((mine["depth"] >= 2).mean())
        assert row.curve[1] != row.rate
    ordered = list(rows.values())
    assert "after layer 1 of 2" in claim_over(ordered, "parts")
    assert "after layer 1 of 2" in claim_of(rows["PROPN"], "Names")
    table = tables_of(ordered, "Words", "Kind")[0]
    assert table.title == "Words: kept after layer 1"
    assert any("after layer 1:" in column.help for column in table.columns)
    assert any("after layer 1 of 2" in caveat for caveat in caveats_of(survival_of(trace)))


def test_every_number_by_hand() -> None:
    trace = trace_of(documents=50)
    reference = reference_of(trace)
    assert reference < trace.about.layers
    layers, words, tokens = trace.about.layers, trace.table("words"), trace.table("tokens")
    rows = measured(trace)
    for category, row in rows.items():
        kept = np.zeros(layers)
        chance = np.zeros(layers)
        n, depth, per_document = 0, 0, {}
        for example_id in trace.table("examples")["example_id"]:
            own = tokens[(tokens["example_id"] == example_id) & ~tokens["special"]]
            mine = words[(words["example_id"] == example_id) & (words["upos"] == category)]
            for layer in range(1, layers + 1):
                k = int((own["depth"] >= layer).sum())
                for g, d in zip(mine["pieces"], mine["depth"], strict=True):
                    kept[layer - 1] += d >= layer
                    chance[layer - 1] += float(inclusion_probability(len(own), k, g))
            n, depth = n + len(mine), depth + int(mine["depth"].sum())
            if len(mine):
                per_document[example_id] = (mine["depth"] >= reference).mean()
        assert row.words == n
        assert row.documents == len(per_document)
        r = reference - 1
        assert row.reference == reference
        assert row.rate.value == pytest.approx(kept[r] / n)
        assert row.macro.value == pytest.approx(np.mean(list(per_document.values())))
        assert row.expected.value == pytest.approx(chance[r] / n)
        assert row.lift.value == pytest.approx(kept[r] / chance[r])
        assert row.depth.value == pytest.approx(depth / n)
        assert [e.value for e in row.curve] == pytest.approx(list(kept / n))
        assert row.expected_curve == pytest.approx(tuple(chance / n))


def test_position_bins_by_hand() -> None:
    document = np.array([1, 0, 0, 1, 1, 0, 3])
    word = np.array([4, 9, 2, 0, 7, 5, 1])
    by_hand = []
    for d, w in zip(document, word, strict=True):
        inside = word[document == d]
        by_hand.append(int((inside < w).sum()) * 10 // inside.size)
    assert position_bins(document, word).tolist() == by_hand


def test_strata_keep_position_length_and_pieces_apart() -> None:
    survival = survival_of(trace_of(documents=60))
    code = survival.strata()
    parts = {
        (int(c), int(p), min(int(g), 3))
        for c, p, g in zip(code, survival.position, survival.pieces, strict=True)
    }
    assert len({(c, p) for c, p, _ in parts}) == len({c for c, _, _ in parts})
    assert len({(c, g) for c, _, g in parts}) == len({c for c, _, _ in parts})
    total = survival.total[survival.document]
    lengths = code // 3 % 5
    assert all(total[lengths == i].max() <= total[lengths == i + 1].min() for i in range(4))


def test_selection_is_a_trace_without_the_other_documents() -> None:
    trace = trace_of(documents=60)
    examples, words = trace.table("examples"), trace.table("words")
    label = examples.set_index("example_id")["label"].reindex(words["example_id"]).to_numpy()
    survival = survival_of(trace).select(label == 1)
    ids = examples.loc[examples["label"] == 1, "example_id"]
    alone = survival_of(
        replace_tables(
            trace, **{n: t[t["example_id"].isin(ids)] for n, t in _tables(trace).items()}
        )
    )
    for name in ("example_ids", "total", "kept", "document", "depth", "pieces", "position"):
        assert (getattr(survival, name) == getattr(alone, name)).all()


def test_a_selection_keeps_the_reference_layer_of_the_whole_run() -> None:
    total, kept = np.array([10, 30]), np.array([[9, 5], [15, 1]])
    each = np.array([0, 1])
    whole = Survival(
        layers=2,
        reference=reference_layer(total, kept),
        example_ids=each,
        total=total,
        kept=kept,
        document=each,
        depth=each,
        pieces=each + 1,
        position=each,
    )
    part = whole.select(each == 0)
    assert whole.reference == part.reference == 1
    assert reference_layer(part.total, part.kept) == 2


def _tables(trace: Trace) -> dict[str, Any]:
    names = ("examples", "groups", "predictions", "tokens", "random", "words", "costs")
    return {name: trace.table(name) for name in names}


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_order_of_rows_changes_nothing(seed: int) -> None:
    trace = trace_of(seed, documents=35)
    rng = np.random.default_rng(seed)
    names = ("examples", "words", "tokens")
    moved: dict[str, Any] = {
        name: trace.table(name).iloc[rng.permutation(len(trace.table(name)))] for name in names
    }
    shuffled = replace_tables(trace, **moved)
    one, other = measured(trace, 50), measured(shuffled, 50)
    assert one.keys() == other.keys()
    for category in one:
        a, b = one[category], other[category]
        for name in ("rate", "macro", "expected", "lift", "odds_ratio", "depth", "z"):
            left, right = getattr(a, name), getattr(b, name)
            assert left.value == pytest.approx(right.value)
            assert (left.interval is None) == (right.interval is None)
            if left.interval is not None:
                assert left.interval == pytest.approx(right.interval)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000), layers=st.integers(1, 6))
def test_retention_falls_with_the_layer(seed: int, layers: int) -> None:
    for row in measured(trace_of(seed, documents=20, layers=layers), 10).values():
        observed = [e.value for e in row.curve if e.value is not None]
        for curve in (observed, list(row.expected_curve)):
            assert all(a >= b - 1e-12 for a, b in pairwise(curve))


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_words_of_one_piece_in_one_category_are_what_is_expected(seed: int) -> None:
    rng = np.random.default_rng(seed)
    size = rng.integers(1, 12, 40)
    document = np.repeat(np.arange(40), size)
    depth = rng.integers(0, 4, document.size)
    kept = np.array(
        [[(depth[document == d] >= layer).sum() for layer in (1, 2, 3)] for d in range(40)]
    )
    survival = Survival(
        layers=3,
        reference=reference_layer(size, kept),
        example_ids=np.arange(40),
        total=size,
        kept=kept,
        document=document,
        depth=depth,
        pieces=np.ones(document.size, dtype=np.int64),
        position=np.zeros(document.size, dtype=np.int64),
    )
    row = retention(survival, np.full(document.size, "word", dtype=object), rng, resamples=50)[0]
    assert [e.value for e in row.curve] == pytest.approx(list(row.expected_curve))
    assert row.lift.value == pytest.approx(1.0)
    assert row.lift.p == 1.0
    assert row.direction == 0
    assert row.z.value is None  # nothing is left to chance


def test_lift_of_words_of_many_pieces_is_one_under_chance() -> None:
    trace = trace_of(documents=500)
    pieces = trace.table("words")["pieces"].to_numpy()
    unit = np.where(pieces > 1, "many", "one").astype(object)
    survival = survival_of(trace)
    rows = {r.category: r for r in retention(survival, unit, np.random.default_rng(0))}
    assert rows["many"].lift.value == pytest.approx(1.0, abs=0.04)
    assert rows["many"].direction == 0
    reference = survival.reference
    share = survival.kept[survival.document, reference - 1] / survival.total[survival.document]
    naive = (survival.depth >= reference)[pieces > 1].sum() / share[pieces > 1].sum()
    assert naive > 1.25  # what k/N in place of π would have printed


def test_planted_preference_shows_in_lift_odds_and_z() -> None:
    rows = measured(trace_of(3, documents=300, weights={"PROPN": 3.0, "DET": 0.3}), 500)
    assert rows["PROPN"].direction == 1
    assert rows["DET"].direction == -1
    for category, sign in (("PROPN", 1), ("DET", -1)):
        row = rows[category]
        assert row.odds_ratio.interval is not None
        assert row.z.value is not None
        low, high = row.odds_ratio.interval
        assert (low > 1) if sign > 0 else (high < 1)
        assert sign * row.z.value > 4
    assert next(iter(rows)) == "PROPN"  # highest lift first


def test_adjusted_p_is_over_the_categories() -> None:
    rows = list(measured(trace_of(documents=200)).values())
    raw = sorted(r.lift.p for r in rows if r.lift.p is not None)
    for row in rows:
        if row.lift.p is not None:
            later = [p * len(raw) / (i + 1) for i, p in enumerate(raw) if p >= row.lift.p]
            assert row.p_adjusted == pytest.approx(min([*later, 1.0]))


def test_uncategorised_words_are_compared_with_but_not_measured() -> None:
    trace = trace_of(documents=100)
    unit = np.where(upos_of(trace) == "NOUN", "noun", "").astype(object)
    other = np.where(upos_of(trace) == "NOUN", "noun", "rest").astype(object)
    survival, rng = survival_of(trace), np.random.default_rng
    (alone,) = retention(survival, unit, rng(0), resamples=20)
    both = {r.category: r for r in retention(survival, other, rng(0), resamples=20)}
    assert alone.odds_ratio == both["noun"].odds_ratio
    assert alone.rate == both["noun"].rate


def test_terms_by_hand() -> None:
    trace = trace_of(documents=60)
    words = trace.table("words")
    lower = words["lower"].to_numpy(dtype=object)
    survival = survival_of(trace)
    reference = reference_of(trace)
    chance = survival.inclusion(reference)
    found = term_retention(survival, np.where(words["is_stop"], lower, "").astype(object))
    assert {t.term for t in found} == {"the", "of", "and", "is"}
    for term in found:
        mine = lower == term.term
        assert term.words == mine.sum()
        assert term.documents == words.loc[mine, "example_id"].nunique()
        assert term.rate.value == pytest.approx((words.loc[mine, "depth"] >= reference).mean())
        assert term.lift.value == pytest.approx(
            (words.loc[mine, "depth"] >= reference).sum() / chance[mine].sum()
        )


@pytest.mark.parametrize("depth", [0, 4])
def test_extremes_are_undefined_or_one_never_not_a_number(depth: int) -> None:
    for row in measured(with_depth(trace_of(documents=40), depth), 50).values():
        if depth == 0:
            assert row.lift.value is None
            assert "none either" in row.lift.why_not or "documents" in row.lift.why_not
        else:
            assert row.lift.value == pytest.approx(1.0)
            assert row.direction in (0, None)
        assert row.odds_ratio.value is None
        measurements_of([row])
        tables_of([row], "Title", "Kind")


def test_tables_and_measurements_carry_the_numbers() -> None:
    rows = list(measured(trace_of(documents=80, weights={"NOUN": 4.0})).values())
    lifts, adjusted, curve = tables_of(rows, "Title", "Kind", name="x")
    assert (lifts.name, adjusted.name, curve.name) == ("x", "x_adjusted", "x_curve")
    assert lifts.column("lift") == tuple(
        Undefined(r.lift.why_not) if r.lift.value is None else r.lift.value for r in rows
    )
    assert len(curve.rows) == 4 * len(rows)
    told = {m.address(): m for m in measurements_of(rows, prefix="p ")}
    noun = told["lift[arm=pruned,slice=p NOUN]"]
    row = next(r for r in rows if r.category == "NOUN")
    assert (noun.value, noun.p, noun.p_adjusted) == (row.lift.value, row.lift.p, row.p_adjusted)
    assert (noun.n, noun.n_clusters) == (row.words, row.documents)
    assert "stronger null" in told["z[arm=pruned,slice=p NOUN]"].control


def test_claims_follow_the_direction() -> None:
    row = measured(trace_of(documents=200, weights={"NOUN": 4.0}), 300)["NOUN"]
    assert row.lift.interval is not None
    interval = f"95 % interval {row.lift.interval[0]:.2f} to {row.lift.interval[1]:.2f}"
    up = claim_of(row, "Nouns")
    assert up.startswith("Nouns are kept more often than at random: ")
    assert interval in up
    none = replace(row, p_adjusted=0.3)
    assert claim_of(none, "Nouns").startswith("No difference shown between nouns and random")
    down = replace(row, lift=replace(row.lift, value=0.5))
    assert "less often" in claim_of(down, "Nouns")
    unknown = replace(row, p_adjusted=None, lift=replace(row.lift, p=None, why_not="few"))
    assert "no comparison" in claim_of(unknown, "Nouns")
    assert "few" in claim_of(unknown, "Nouns")
    assert claim_over([none], "parts").startswith("No difference shown")
    both = claim_over([row, replace(down, category="DET")], "parts")
    assert "more often NOUN" in both
    assert "less often DET" in both
    assert "few" in claim_over([unknown], "parts")


def lifted(lifts: dict[str, float], *, bare: str = "") -> list[Retained]:
    """Rows with these lifts, all of them shown to differ from 1; `bare` has no interval."""
    row = measured(trace_of(documents=30))["NOUN"]
    return [
        replace(
            row,
            category=name,
            p_adjusted=0.001,
            lift=Estimate(value, 30, None, "all agree", p=0.001)
            if name == bare
            else Estimate(value, 30, (value, value), p=0.001),
        )
        for name, value in lifts.items()
    ]


def test_a_claim_names_three_on_either_side() -> None:
    many = {"A": 1.5, "B": 1.4, "C": 1.3, "D": 1.2, "w": 0.5, "x": 0.4, "y": 0.3, "z": 0.2}
    claim = claim_over(lifted(many), "parts")
    assert "more often A, B, C and 1 more (most A, lift 1.50," in claim
    assert "less often z, y, x and 1 more (least z, lift 0.20," in claim
    del many["D"], many["w"]
    claim = claim_over(lifted(many), "parts")
    assert "more often A, B, C (most A," in claim
    assert "less often z, y, x (least z," in claim


def test_a_claim_quotes_the_most_extreme_lift_that_has_an_interval() -> None:
    lifts = {"A": 1.5, "B": 1.4, "y": 0.3, "z": 0.0}
    least = claim_over(lifted(lifts, bare="z"), "parts")
    assert "less often z, y (least with an interval y, lift 0.30, 95 % interval" in least
    most = claim_over(lifted(lifts, bare="A"), "parts")
    assert "more often A, B (most with an interval B, lift 1.40, 95 % interval" in most
    alone = claim_over(lifted({"A": 1.5, "z": 0.0}, bare="z"), "parts")
    assert "less often z (lift 0.00, no interval: all agree)" in alone


@pytest.mark.slow
def test_a_whole_test_split_takes_seconds() -> None:
    rng = np.random.default_rng(0)
    documents, layers = 7600, 12
    document = np.repeat(np.arange(documents), rng.poisson(45, documents))
    total = np.bincount(document, minlength=documents)
    depth = rng.integers(0, layers + 1, document.size)
    alive = np.zeros((documents, layers + 1), dtype=np.int64)
    np.add.at(alive, (document, depth), 1)
    kept = alive[:, ::-1].cumsum(axis=1)[:, ::-1][:, 1:]
    survival = Survival(
        layers=layers,
        reference=reference_layer(total, kept),
        example_ids=np.arange(documents),
        total=total,
        kept=kept,
        document=document,
        depth=depth,
        pieces=np.ones(document.size, dtype=np.int64),
        position=rng.integers(0, 10, document.size),
    )
    category = np.array([f"tag {i}" for i in range(17)], dtype=object)
    started = process_time()
    rows = retention(survival, category[rng.integers(0, 17, document.size)], rng)
    assert len(rows) == 17
    assert process_time() - started < 20
