from dataclasses import replace
from itertools import pairwise
from time import process_time
from typing import Any

import numpy as np
import pandas as pd
import pytest
from counted import reference_of
from hypothesis import given, settings
from hypothesis import strategies as st

from auditkit.finding import Undefined
from auditkit.plugin import (
    claim_of,
    claim_over,
    direction,
    retention_caveats,
    retention_tables,
    word_cells,
)
from auditkit.stats.cells import WordCells, position_bins, reference_layer
from auditkit.stats.estimates import Estimate
from auditkit.stats.inclusion import inclusion_probability
from auditkit.stats.resampling import Bootstrap
from auditkit.stats.survival import Retained, retention, term_retention
from auditkit.testing import replace_tables, resharded, synthetic_trace, whole, with_depth
from auditkit.trace import TABLES, Trace


def trace_of(seed: int = 0, **options: Any) -> Trace:
    return synthetic_trace(np.random.default_rng(seed), **options)


def by_upos(words: pd.DataFrame) -> np.ndarray:
    return words["upos"].to_numpy(dtype=object)


def cells_of(trace: Trace) -> WordCells:
    return word_cells(trace, by_upos, ["upos"])


def measured(trace: Trace, resamples: int = 200) -> dict[str, Retained]:
    rows = retention(cells_of(trace), Bootstrap(np.random.default_rng(1), resamples))
    return {row.category: row for row in rows}


def shown(row: Retained) -> int | None:
    return direction(replace(row.lift, p_adjusted=row.p_adjusted), 1.0)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000), layers=st.integers(1, 6), keep=st.floats(0.2, 0.95))
def test_reference_layer_follows_its_definition(seed: int, layers: int, keep: float) -> None:
    trace = trace_of(seed, documents=10, layers=layers, keep=keep)
    assert cells_of(trace).reference == reference_of(trace)


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
    words, tokens = whole(full, "words"), whole(full, "tokens")
    spared = full.documents.ids[:3]  # these alone have anything at the end
    words, tokens = (
        t.assign(depth=t["depth"].where(t["example_id"].isin(spared), t["depth"].clip(upper=1)))
        for t in (words, tokens)
    )
    documents = full.table("documents")
    kept = [
        [k, 0] if example_id not in spared else [k, last]
        for example_id, (k, last) in zip(documents["example_id"], documents["kept"], strict=True)
    ]
    trace = replace_tables(
        full, words=words, tokens=tokens, documents=documents.assign(kept=pd.Series(kept))
    )
    assert cells_of(trace).reference == 1
    rows = measured(trace)
    assert shown(rows["PROPN"]) == 1
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
    table = retention_tables(ordered, "Words", "Kind")[0].table
    assert table.title == "Words: kept after layer 1"
    assert any("after layer 1:" in column.help for column in table.columns)
    assert any("after layer 1 of 2" in caveat for caveat in retention_caveats(cells_of(trace)))


def test_every_number_by_hand() -> None:
    trace = trace_of(documents=50)
    reference = reference_of(trace)
    assert reference < trace.about.layers
    layers, words, tokens = trace.about.layers, whole(trace, "words"), whole(trace, "tokens")
    rows = measured(trace)
    for category, row in rows.items():
        kept = np.zeros(layers)
        chance = np.zeros(layers)
        n, depth, per_document = 0, 0, {}
        for example_id in trace.documents.ids:
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


def test_cells_count_the_words_of_every_document_by_hand() -> None:
    trace = trace_of(documents=30)
    cells, words = cells_of(trace), whole(trace, "words")
    document = trace.documents.rows_of(words["example_id"])
    position = position_bins(document.astype(np.int64), words["word"].to_numpy(dtype=np.int64))
    code = [cells.names.index(upos) for upos in words["upos"]]
    by_hand: dict[tuple[int, ...], int] = {}
    for row in zip(document, code, words["pieces"], position, words["depth"], strict=True):
        key = tuple(map(int, row))
        by_hand[key] = by_hand.get(key, 0) + 1
    parts = (cells.document, cells.category, cells.pieces, cells.position, cells.depth)
    counted = {tuple(map(int, row)): int(n) for *row, n in zip(*parts, cells.words, strict=True)}
    assert counted == by_hand
    assert cells.names == tuple(sorted(set(words["upos"])))
    assert (np.diff(cells.document) >= 0).all()


def by_word(words: pd.DataFrame) -> np.ndarray:
    return (words["example_id"] + " " + words["word"].astype(str)).to_numpy(dtype=object)


def test_more_categories_than_a_narrow_integer_holds_stay_apart() -> None:
    one = trace_of(documents=1)
    words = whole(one, "words").sample(34_000, replace=True, random_state=0)
    words = words.assign(word=np.arange(len(words)))
    cells = word_cells(replace_tables(one, words=words), by_word, ["example_id"])
    assert cells.names == tuple(sorted(by_word(words)))
    assert np.bincount(cells.category).tolist() == [1] * len(words)
    depth = dict(zip(by_word(words), words["depth"], strict=True))
    assert [depth[cells.names[c]] for c in cells.category] == cells.depth.tolist()


def ending(words: pd.DataFrame) -> np.ndarray:
    names = {"NOUN": "a\0", "VERB": "a", "ADJ": "\0"}
    return words["upos"].map(lambda upos: names.get(upos, "")).to_numpy(dtype=object)


def test_names_that_differ_in_what_is_not_printed_stay_apart() -> None:
    trace = trace_of(documents=12)
    cells, upos = word_cells(trace, ending, ["upos"]), whole(trace, "words")["upos"]
    assert cells.names == ("\0", "a", "a\0")
    for name, tag in (("\0", "ADJ"), ("a", "VERB"), ("a\0", "NOUN")):
        mine = cells.category == cells.names.index(name)
        assert cells.words[mine].sum() == (upos == tag).sum()


def test_selection_is_a_trace_without_the_other_documents() -> None:
    trace = trace_of(documents=60)
    documents = trace.table("documents")
    part = cells_of(trace).select(trace.documents.label == 1)
    ids = documents.loc[documents["label"] == 1, "example_id"]
    tables = {name: whole(trace, name) for name in TABLES}
    alone = cells_of(
        Trace.of(trace.about, **{n: t[t["example_id"].isin(ids)] for n, t in tables.items()})
    )
    for name in ("total", "kept", "document", "category", "depth", "pieces", "position", "words"):
        assert (getattr(part, name) == getattr(alone, name)).all()


def test_a_selection_keeps_the_reference_layer_of_the_whole_run() -> None:
    total, kept = np.array([10, 30]), np.array([[9, 5], [15, 1]])
    each = np.array([0, 1])
    run = WordCells(
        layers=2,
        reference=reference_layer(total, kept),
        total=total,
        kept=kept,
        names=("word",),
        document=each,
        category=0 * each,
        depth=each,
        pieces=each + 1,
        position=each,
        words=0 * each + 1,
    )
    part = run.select(each == 0)
    assert run.reference == part.reference == 1
    assert reference_layer(part.total, part.kept) == 2


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_shards_and_the_order_of_documents_change_nothing(seed: int) -> None:
    trace = trace_of(seed, documents=35)
    order = np.random.default_rng(seed).permutation(len(trace.documents))
    shuffled = resharded(trace, 1 + seed % 4, order)
    one, other = measured(trace, 50), measured(shuffled, 50)
    assert one.keys() == other.keys()
    for category in one:
        a, b = one[category], other[category]
        assert a == b


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
    cells = WordCells(
        layers=3,
        reference=reference_layer(size, kept),
        total=size,
        kept=kept,
        names=("word",),
        document=document,
        category=np.zeros(document.size, dtype=np.int16),
        depth=depth,
        pieces=np.ones(document.size, dtype=np.int64),
        position=np.zeros(document.size, dtype=np.int64),
        words=np.ones(document.size, dtype=np.int64),
    )
    row = retention(cells, Bootstrap(rng, 50))[0]
    assert [e.value for e in row.curve] == pytest.approx(list(row.expected_curve))
    assert row.lift.value == pytest.approx(1.0)
    assert row.lift.p == 1.0
    assert shown(row) == 0
    assert row.z.value is None  # nothing is left to chance


def test_lift_of_words_of_many_pieces_is_one_under_chance() -> None:
    trace = trace_of(documents=500)
    cells = word_cells(trace, by_pieces, ["pieces"])
    rows = {r.category: r for r in retention(cells, Bootstrap(np.random.default_rng(0)))}
    assert rows["many"].lift.value == pytest.approx(1.0, abs=0.04)
    assert shown(rows["many"]) == 0
    after = cells.reference - 1
    share = cells.kept[cells.document, after] / cells.total[cells.document]
    many = (cells.pieces > 1) * cells.words
    naive = many[cells.depth >= cells.reference].sum() / (share * many).sum()
    assert naive > 1.25  # what k/N in place of π would have printed


def by_pieces(words: pd.DataFrame) -> np.ndarray:
    return np.where(words["pieces"].to_numpy() > 1, "many", "one").astype(object)


def test_planted_preference_shows_in_lift_odds_and_z() -> None:
    rows = measured(trace_of(3, documents=300, weights={"PROPN": 3.0, "DET": 0.3}), 500)
    assert shown(rows["PROPN"]) == 1
    assert shown(rows["DET"]) == -1
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
    trace, rng = trace_of(documents=100), np.random.default_rng
    (alone,) = retention(word_cells(trace, only_nouns, ["upos"]), Bootstrap(rng(0), 20))
    rows = retention(word_cells(trace, nouns_and_others, ["upos"]), Bootstrap(rng(0), 20))
    both = {r.category: r for r in rows}
    assert alone.odds_ratio.value == pytest.approx(both["noun"].odds_ratio.value)
    assert alone.odds_ratio.interval == pytest.approx(both["noun"].odds_ratio.interval)
    assert alone.rate == both["noun"].rate


def only_nouns(words: pd.DataFrame) -> np.ndarray:
    return np.where(words["upos"] == "NOUN", "noun", "").astype(object)


def nouns_and_others(words: pd.DataFrame) -> np.ndarray:
    return np.where(words["upos"] == "NOUN", "noun", "rest").astype(object)


def stop_words(words: pd.DataFrame) -> np.ndarray:
    return np.where(words["is_stop"], words["lower"], "").astype(object)


def test_terms_by_hand() -> None:
    trace = trace_of(documents=60)
    words = whole(trace, "words")
    lower = words["lower"].to_numpy(dtype=object)
    reference, documents = reference_of(trace), trace.documents
    row = documents.rows_of(words["example_id"])
    kept = documents.kept[row, reference - 1]
    chance = inclusion_probability(documents.pieces[row], kept, words["pieces"].to_numpy())
    found = term_retention(word_cells(trace, stop_words, ["is_stop", "lower"]))
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
            assert shown(row) in (0, None)
        assert row.odds_ratio.value is None
        for told in retention_tables([row], "Title", "Kind"):
            assert all(m.undefined or m.value is not None for m in told.measurements)


def test_tables_and_measurements_carry_the_numbers() -> None:
    rows = list(measured(trace_of(documents=80, weights={"NOUN": 4.0})).values())
    told = retention_tables(rows, "Title", "Kind", name="x", key="type", group="a")
    lifts, adjusted, curve = (t.table for t in told)
    assert (lifts.name, adjusted.name, curve.name) == ("x", "x_adjusted", "x_curve")
    assert lifts.column("lift") == tuple(
        Undefined(r.lift.why_not) if r.lift.value is None else r.lift.value for r in rows
    )
    assert len(curve.rows) == 4 * len(rows)
    numbers = {m.where: m for t in told for m in t.measurements}
    noun = numbers["lift[arm=pruned,type=NOUN,group=a]"]
    row = next(r for r in rows if r.category == "NOUN")
    assert (noun.value, noun.p, noun.p_adjusted) == (row.lift.value, row.lift.p, row.p_adjusted)
    assert (noun.n, noun.n_clusters) == (row.words, row.documents)
    assert "stronger null" in numbers["z[arm=pruned,type=NOUN,group=a]"].control
    for layer, rate in enumerate(row.curve, start=1):
        after = numbers[f"retention[arm=pruned,layer={layer},type=NOUN,group=a]"]
        assert after.value == rate.value
    assert numbers["retention[arm=pruned,type=NOUN,group=a]"].value == row.rate.value


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
    cells = WordCells(
        layers=layers,
        reference=reference_layer(total, kept),
        total=total,
        kept=kept,
        names=tuple(f"tag {i:02}" for i in range(17)),
        document=document,
        category=rng.integers(0, 17, document.size),
        depth=depth,
        pieces=np.ones(document.size, dtype=np.int64),
        position=rng.integers(0, 10, document.size),
        words=np.ones(document.size, dtype=np.int64),
    )
    started = process_time()
    rows = retention(cells, Bootstrap(rng))
    assert len(rows) == 17
    assert process_time() - started < 20
