"""What a category prefers: every number against loops over words, every p against its own null."""

import itertools
from math import comb

import numpy as np
import pytest
from by_hand import degrees
from counted import NAMES, Words, some_words
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import hypergeom
from scipy.stats import t as student

from auditkit.stats.cells import WordCells
from auditkit.stats.document_sums import Moments, log_chances
from auditkit.stats.estimates import Estimate
from auditkit.stats.matched import exact_p, log_extremes
from auditkit.stats.preference import layer_signs, matched_lift, over_expected
from auditkit.stats.rates import Sums, against_expected, sums_of
from auditkit.stats.survival import Retained, adjusted, retention


def rows_of(cells: WordCells) -> dict[str, Retained]:
    return {row.category: row for row in retention(cells, np.random.default_rng(0)).rows}


def strata_of(words: Words, category: int) -> dict[tuple[int, int], tuple[list[int], list[int]]]:
    """Depths of own and of other words by document and pieces, where there are both."""
    found: dict[tuple[int, int], tuple[list[int], list[int]]] = {}
    for d, c, g, depth in zip(
        words.document, words.category, words.pieces, words.depth, strict=True
    ):
        found.setdefault((int(d), int(g)), ([], []))[int(c != category)].append(int(depth))
    return {key: sides for key, sides in found.items() if all(sides)}


def t_interval(k: np.ndarray, n: np.ndarray, level: float = 0.95) -> tuple[float, float, float]:
    """Ratio of sums, half of its linearised interval, and p of ½."""
    size, ratio = k.size, k.sum() / n.sum()
    error = np.sqrt(size / (size - 1) * ((k - ratio * n) ** 2).sum()) / n.sum()
    df = degrees(k - ratio * n)
    half = float(student.ppf((1 + level) / 2, df) * error)
    return ratio, half, float(2 * student.sf(abs(ratio - 0.5) / error, df))


@pytest.mark.parametrize("seed", [0, 1])
def test_words_against_others_of_as_many_pieces_one_by_one(seed: int) -> None:
    words = some_words(seed)
    cells = words.cells()
    rows, r = rows_of(cells), cells.reference
    for code, name in enumerate(NAMES):
        strata, row = strata_of(words, code), rows[name]
        by_document: dict[int, np.ndarray] = {}
        for (d, _), (own, others) in strata.items():
            m, n = len(own), len(own) + len(others)
            won = sum(
                (a > b) + 0.5 * (a == b) for a, b in itertools.product(own, others)
            ) / (n - m)  # fmt: skip
            x, k = sum(a >= r for a in own), sum(a >= r for a in own + others)
            more = sum(own) - m * sum(own + others) / n
            told = np.array([won, m, x, m * k / n, m * (k - x) / (n - m), more])
            by_document[d] = by_document.get(d, 0) + told
        table = np.array(list(by_document.values())).T
        won, m, x, expected, others_rate, more = table
        ratio, half, p = t_interval(won, m)
        assert row.concordance.value == pytest.approx(ratio)
        assert row.comparable.value == pytest.approx(m.sum() / row.words)
        assert row.matched_lift.value == pytest.approx(x.sum() / expected.sum())
        assert row.rate_ratio.value == pytest.approx(x.sum() / others_rate.sum())
        assert row.depth_change.value == pytest.approx(more.sum() / m.sum())
        if name == "rare":
            assert row.concordance.interval is None
            assert row.concordance.p is None
            continue
        assert row.concordance.n == m.size
        assert row.concordance.p == pytest.approx(p)
        level = row.concordance.level
        ratio, half, _ = t_interval(won, m, level)
        assert row.concordance.interval == pytest.approx((ratio - half, ratio + half))


def test_a_ratio_to_its_expectation_by_hand() -> None:
    rng = np.random.default_rng(0)
    expected = rng.uniform(0.5, 3, 60)
    seen = rng.poisson(expected * 1.3).astype(float)
    found = against_expected(sums_of(seen, expected))
    difference = seen - expected
    t = difference.sum() / np.sqrt(60 * difference.var(ddof=1))
    assert found.p == pytest.approx(2 * student.sf(abs(t), 59))
    assert found.interval is not None
    for bound in found.interval:  # the statistic at a bound is its own critical value
        at = seen - bound * expected
        assert abs(at.sum() / np.sqrt(60 * at.var(ddof=1))) == pytest.approx(student.ppf(0.975, 59))


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10**6), n=st.integers(30, 80), by=st.floats(0.5, 2.0))
def test_p_and_interval_never_contradict_each_other(seed: int, n: int, by: float) -> None:
    rng = np.random.default_rng(seed)
    expected = rng.uniform(0.1, 4, n)
    found = over_expected(sums_of(rng.poisson(expected * by).astype(float), expected), 9e9)
    if found.interval is not None:
        assert found.p is not None
        low, high = found.interval
        assert (found.p < 0.05) == (not low <= 1 <= high)
        assert found.value is not None
        assert low <= found.value <= high


def test_too_few_words_expected_either_way_have_no_interval_and_no_p() -> None:
    expected = np.full(40, 0.24)
    seen = np.where(np.arange(40) % 3 == 0, 1.0, 0.0)
    for words in (9.6 + 9.9, 9e9):
        found = over_expected(sums_of(seen, expected), words)
        assert (found.interval, found.p) == (None, None)
        assert found.value == pytest.approx(14 / 9.6)
        assert "at least 10 are needed" in found.why_not
    assert over_expected(sums_of(seen, expected * 1.1), 40.0).p is not None


def one_word_each(alive: int, documents: int, kept: int, others: int) -> WordCells:
    """Documents of one word of the category and `others` besides, of which `kept` are alive."""
    document = np.repeat(np.arange(documents), others + 1)
    category = np.tile([0] + [-1] * others, documents)
    depth = np.zeros((documents, others + 1), dtype=np.int64)
    depth[:alive, 0] = 1
    for d in range(documents):
        depth[d, 1 : 1 + kept - depth[d, 0]] = 1
    size = np.full(documents, others + 1)
    same = np.ones(document.size, dtype=np.int64)
    return WordCells(
        layers=1, reference=1, total=size, kept=np.full((documents, 1), kept), names=("word",),
        document=document, category=category, pieces=same, position=0 * same,
        depth=depth.ravel(), words=same,
    )  # fmt: skip


def test_all_kept_at_a_high_rate_proves_nothing() -> None:
    # 30 words at a keep rate of .95, all kept: a bootstrap without spread gave p = .001
    cells = one_word_each(alive=30, documents=30, kept=19, others=19)
    row = rows_of(cells)["word"]
    assert row.matched_lift.p == pytest.approx(0.95**30)
    assert row.matched_lift.interval is None
    assert "all of 30 words" in row.matched_lift.why_not
    assert row.lift.p == pytest.approx(0.95**30)
    assert row.lift.interval is None
    assert row.concordance.p is None
    none = rows_of(one_word_each(alive=0, documents=30, kept=1, others=19))["word"]
    assert none.matched_lift.p == pytest.approx(0.95**30)
    assert "none of 30 words" in none.matched_lift.why_not


def test_extremes_are_products_over_strata() -> None:
    words = some_words(4)
    none, every = log_extremes(words.cells())
    for code in range(len(NAMES)):
        for layer in range(1, 4):
            chance = np.zeros(2)
            with np.errstate(divide="ignore"):
                for own, others in strata_of(words, code).values():
                    n, m = len(own) + len(others), len(own)
                    k = sum(depth >= layer for depth in own + others)
                    ways = np.array([comb(n - k, m), comb(k, m)]) / comb(n, m)
                    chance += np.log(ways)
            assert none[code, layer - 1] == pytest.approx(chance[0])
            assert every[code, layer - 1] == pytest.approx(chance[1])


def test_the_chance_that_all_stay_or_go_is_never_underestimated() -> None:
    pieces, total, kept = [1, 2, 1, 3], 9, 5  # the last word is of another category
    owner = [0, 1, 1, 2, 3, 3, 3, -1, -1]
    ways = [{owner[i] for i in chosen} for chosen in itertools.combinations(range(total), kept)]
    every = np.mean([{0, 1, 2} <= way for way in ways])
    none = np.mean([not {0, 1, 2} & way for way in ways])
    one = np.ones(4, dtype=np.int64)
    cells = WordCells(
        layers=1, reference=1, total=np.array([total]), kept=np.array([[kept]]), names=("a", "b"),
        document=0 * one, category=np.array([0, 0, 0, 1]), pieces=np.array(pieces),
        position=0 * one, depth=one, words=one,
    )  # fmt: skip
    stay = [np.mean([word in way for way in ways]) for word in range(3)]
    logs = log_chances(cells, 0)
    assert np.exp(logs[0]) == pytest.approx(np.prod(1 - np.array(stay)))
    assert np.exp(logs[1]) == pytest.approx(np.prod(stay))
    assert none <= np.exp(logs[0])
    assert every <= np.exp(logs[1])


def test_exact_p_is_that_of_all_ways_to_keep_as_many() -> None:
    words = some_words(5, documents=6)
    cells, code = words.cells(), NAMES.index("noun")
    for layer in (1, 2):
        sides = strata_of(words, code).values()
        chance = np.ones(1)
        observed = 0
        for own, others in sides:
            n, m = len(own) + len(others), len(own)
            k = sum(d >= layer for d in own + others)
            observed += sum(d >= layer for d in own)
            chance = np.convolve(chance, [hypergeom.pmf(i, n, k, m) for i in range(m + 1)])
        at, half = observed, chance[observed] / 2
        by_hand = 2 * min(chance[:at].sum() + half, chance[at + 1 :].sum() + half)
        assert exact_p(cells, code, layer) == pytest.approx(min(1.0, by_hand))


def test_few_documents_have_an_exact_p_and_no_interval() -> None:
    row = rows_of(some_words(0).cells())["rare"]
    assert 5 <= row.matched_lift.n < 30
    assert row.matched_lift.p is not None
    assert row.matched_lift.interval is None
    assert "p is exact" in row.matched_lift.why_not
    sums = Sums(3.0, 2.5, 1.0, 0.5, 1.0, 1.0, 4)
    assert matched_lift(sums, 10.0, (-1.0, -1.0)).value is None


def test_adjusted_rows_exclude_what_they_are_said_to_differ_from() -> None:
    rows = retention(some_words(1, documents=200).cells(), np.random.default_rng(0)).rows
    shifted = [row for row in rows if row.concordance.p_adjusted is not None]
    raw = [row.concordance.p or 0.0 for row in shifted]
    called = [row for row in shifted if (row.concordance.p_adjusted or 0.0) < 0.05]
    for row, p in zip(shifted, raw, strict=True):
        later = [q * len(raw) / sum(o <= q for o in raw) for q in raw if q >= p]
        assert row.concordance.p_adjusted == pytest.approx(min([*later, 1.0]))
    for row in called:
        assert row.concordance.level == pytest.approx(1 - 0.05 * len(called) / len(shifted))
        assert row.concordance.interval is not None
        low, high = row.concordance.interval
        assert not low <= 0.5 <= high


def test_a_category_and_its_complement_are_one_question() -> None:
    cells = some_words(2, documents=120).cells()
    whole = WordCells(**{
        **{name: getattr(cells, name) for name in ("layers", "reference", "total", "kept",
           "document", "pieces", "position", "depth", "words")},
        "names": ("other", "stop"), "category": (cells.category == 1).astype(np.int16),
    })  # fmt: skip
    rows = retention(whole, np.random.default_rng(0), asked=["stop"]).rows
    stop, other = sorted(rows, key=lambda row: row.category, reverse=True)
    assert stop.concordance.p_adjusted == stop.concordance.p
    assert other.concordance.p is None
    assert other.concordance.interval is not None
    assert next(iter(adjusted([stop]))).concordance == stop.concordance


def signs(t: list[float], correlation: float, n: int = 200) -> tuple[int, ...]:
    """The signs for studentised sums `t` of layers, correlated alike."""
    layers = len(t)
    cross = np.full((layers, layers), correlation) + (1 - correlation) * np.eye(layers)
    expected = np.full((1, layers), 50.0)
    top = expected + np.array([t]) * np.sqrt(n / (n - 1))
    zero = np.zeros((1, layers))
    moments = Moments(top, expected, np.array([n]), zero, zero, zero, zero, cross[None])
    return layer_signs(moments, 0, 100.0, np.random.default_rng(0))


def test_signs_are_told_where_both_are_shown_at_once() -> None:
    assert signs([4.0, -4.0, 0.1], 0.0) == (1, -1, 0)
    assert signs([4.0, 5.0, 0.1], 0.0) == (0, 0, 0)  # one side alone: nothing turns
    assert signs([2.2, -2.2, 0.0, 0.0, 0.0, 0.0], 0.0) == (0,) * 6  # each alone would be
    assert signs([2.2, -2.2], 0.9, n=20) == (0, 0)


def test_concordance_of_chance_is_one_half_and_is_not_claimed() -> None:
    rng = np.random.default_rng(3)
    false = tests = 0
    for _ in range(60):
        words = some_words(int(rng.integers(10**6)), documents=60)
        shuffled = Words(
            words.layers, words.total, words.kept, words.names, words.document,
            words.category, 0 * words.pieces + 1, words.position, words.depth,
        )  # fmt: skip
        for row in rows_of(shuffled.cells()).values():
            if row.concordance.p is not None:
                tests += 1
                false += row.concordance.p < 0.05
    assert tests > 100
    assert false <= 0.05 * tests + 3 * np.sqrt(0.05 * 0.95 * tests), "seed 3"


def test_no_estimate_holds_both_an_interval_and_a_reason_for_none() -> None:
    for seed in range(4):
        for row in rows_of(some_words(seed, documents=8 + 30 * seed).cells()).values():
            for name in ("concordance", "lift", "matched_lift", "odds_ratio", "rate_ratio"):
                told: Estimate = getattr(row, name)
                assert (told.interval is None) == bool(told.why_not)
