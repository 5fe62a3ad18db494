"""Retention from counted cells, against the words themselves with masks and loops."""

import tracemalloc
from dataclasses import fields, replace
from itertools import combinations

import numpy as np
import pytest
from by_hand import degrees
from counted import NAMES, Words, some_words
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import t as student

from auditkit.stats import cells as cells_module
from auditkit.stats.cells import WordCells
from auditkit.stats.estimates import Estimate
from auditkit.stats.inclusion import inclusion_probability, pairwise_inclusion
from auditkit.stats.survival import Retained, retention
from auditkit.stats.terms import term_retention


def rows_of(cells: WordCells) -> tuple[Retained, ...]:
    return retention(cells, np.random.default_rng(0)).rows


def ratio_by_hand(k: np.ndarray, n: np.ndarray) -> tuple[float, float]:
    """A ratio of document sums, and half of its interval."""
    there = [(a, b) for a, b in zip(k, n, strict=True) if b > 0]
    rate = sum(a for a, _ in there) / sum(b for _, b in there)
    squares = sum((a - rate * b) ** 2 for a, b in there)
    m = len(there)
    error = np.sqrt(m / (m - 1) * squares) / sum(b for _, b in there)
    df = degrees(np.array([a - rate * b for a, b in there]))
    return rate, float(student.ppf(0.975, df) * error)


def assert_ratio(found: Estimate, k: np.ndarray, n: np.ndarray, high: float = 1.0) -> None:
    rate, half = ratio_by_hand(k, n)
    assert found.value == pytest.approx(rate, rel=1e-6)
    assert found.n == (n > 0).sum()
    bounds = (max(0, rate - half), min(high, rate + half))
    if high == 1.0:  # a share: on the scale of the logit
        middle, reach = np.log(rate / (1 - rate)), half / (rate * (1 - rate))
        low, top = (1 / (1 + np.exp(-(middle + side * reach))) for side in (-1, 1))
        bounds = (float(low), float(top))
    assert found.interval == pytest.approx(bounds, rel=1e-6)


class Dense:
    """What `Words` say of one category, a loop over the words each."""

    def __init__(self, words: Words, category: int, reference: int) -> None:
        documents, layers = words.kept.shape
        self.words, self.category = words, category
        self.n, self.depth = np.zeros(documents), np.zeros(documents)
        self.alive, self.chance = np.zeros((layers, documents)), np.zeros((layers, documents))
        of_document: dict[int, list[int]] = {}
        for i in np.flatnonzero(words.category == category).tolist():
            d = int(words.document[i])
            of_document.setdefault(d, []).append(int(words.pieces[i]))
            self.n[d] += 1
            self.depth[d] += words.depth[i]
            for layer in range(layers):
                self.alive[layer, d] += words.depth[i] > layer
                self.chance[layer, d] += float(
                    inclusion_probability(words.total[d], words.kept[d, layer], words.pieces[i])
                )
        self.variance = 0.0
        for d, pieces in of_document.items():
            of = (int(words.total[d]), int(words.kept[d, reference - 1]))
            single = [float(inclusion_probability(*of, g)) for g in pieces]
            self.variance += sum(p * (1 - p) for p in single)
            for i, j in combinations(range(len(pieces)), 2):
                both = float(pairwise_inclusion(*of, pieces[i], pieces[j]))
                self.variance += 2 * (both - single[i] * single[j])


@pytest.mark.parametrize("seed", [0, 1])
def test_every_number_is_that_of_the_words_one_by_one(seed: int) -> None:
    words = some_words(seed)
    cells = words.cells()
    assert cells.words.max() > 1
    reference = cells.reference
    found = {row.category: row for row in rows_of(cells)}
    assert set(found) == set(NAMES)
    for code, name in enumerate(NAMES):
        row, dense = found[name], Dense(words, code, reference)
        kept, chance = dense.alive[reference - 1], dense.chance[reference - 1]
        assert (row.words, row.documents) == (dense.n.sum(), (dense.n > 0).sum())
        assert row.reference == reference
        assert_ratio(row.rate, kept, dense.n)
        has = dense.n > 0
        assert_ratio(row.macro, kept[has] / dense.n[has], np.ones(has.sum()))
        assert_ratio(row.depth, dense.depth, dense.n, high=words.layers)
        assert row.expected.value == pytest.approx(chance.sum() / dense.n.sum(), rel=1e-6)
        for layer, told in enumerate(row.curve):
            assert_ratio(told, dense.alive[layer], dense.n)
            by_chance = dense.chance[layer].sum() / dense.n.sum()
            assert row.expected_curve[layer] == pytest.approx(by_chance, rel=1e-6)
        z = (kept.sum() - chance.sum()) / np.sqrt(dense.variance)
        assert row.z.value == pytest.approx(z, rel=1e-6)
        assert row.lift.value == pytest.approx(kept.sum() / chance.sum(), rel=1e-6)
        if name == "rare":
            assert 5 <= row.documents < 30
            assert row.lift.p is None
            assert row.lift.interval is None
            continue
        difference = kept[has] - chance[has]
        t = difference.sum() / np.sqrt(difference.size * difference.var(ddof=1))
        assert row.lift.p == pytest.approx(2 * student.sf(abs(t), difference.size - 1))


def test_terms_by_hand() -> None:
    words = some_words(3)
    cells = words.cells()
    found = term_retention(cells)
    assert [t.words for t in found] == sorted((t.words for t in found), reverse=True)
    for term in found:
        dense = Dense(words, NAMES.index(term.term), cells.reference)
        kept, chance = (side[cells.reference - 1] for side in (dense.alive, dense.chance))
        assert (term.words, term.documents) == (dense.n.sum(), (dense.n > 0).sum())
        assert_ratio(term.rate, kept, dense.n)
        assert_ratio(term.lift, kept, chance, high=np.inf)
        assert term.expected.value == pytest.approx(chance.sum() / dense.n.sum())


ESTIMATES = [field.name for field in fields(Retained) if field.type is Estimate]


def assert_same(one: tuple[Retained, ...], other: tuple[Retained, ...]) -> None:
    assert [r.category for r in one] == [r.category for r in other]
    for a, b in zip(one, other, strict=True):
        assert (a.words, a.documents, a.reference) == (b.words, b.documents, b.reference)
        for name in ESTIMATES:
            left, right = getattr(a, name), getattr(b, name)
            assert left.value == pytest.approx(right.value)
            assert left.why_not == right.why_not
            assert left.p == pytest.approx(right.p)
            assert (left.interval or ()) == pytest.approx(right.interval or ())


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000), documents=st.integers(1, 40), block=st.integers(1, 200))
def test_neither_blocks_nor_doubled_rows_change_anything(
    seed: int, documents: int, block: int
) -> None:
    cells = some_words(seed, documents).cells()
    apart = np.repeat(np.arange(cells.words.size), cells.words)
    single = replace(
        cells,
        words=np.ones(apart.size, dtype=np.int32),
        **{
            name: getattr(cells, name)[apart]
            for name in ("document", "category", "pieces", "position", "depth")
        },
    )
    expected, terms = rows_of(cells), term_retention(cells)
    assert_same(rows_of(single), expected)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cells_module, "_BLOCK", block)
        assert_same(rows_of(cells), expected)
        assert [t.rate for t in term_retention(single)] == [t.rate for t in terms]


def test_categories_without_words_are_left_out() -> None:
    cells = some_words(2).cells()
    wider = replace(cells, names=(*NAMES, "zero"))
    assert_same(rows_of(wider), rows_of(cells))
    assert {t.term for t in term_retention(wider)} == set(NAMES)
    none = replace(cells, category=np.full_like(cells.category, -1))
    assert rows_of(none) == ()
    assert term_retention(none) == ()
    empty = cells.select(np.zeros(50, dtype=bool))
    assert rows_of(empty) == ()


def many_cells(documents: int) -> WordCells:
    """About 25 words a document in 10 categories."""
    rng = np.random.default_rng(0)
    size = rng.poisson(25, documents)
    rows, total = int(size.sum()), size.astype(np.int32)
    return WordCells(
        layers=6,
        reference=3,
        total=total,
        kept=np.stack([total * layer // 7 for layer in range(6, 0, -1)], axis=1),
        names=tuple(f"tag {i}" for i in range(10)),
        document=np.repeat(np.arange(documents, dtype=np.int32), size),
        category=rng.integers(0, 10, rows, dtype=np.int16),
        pieces=np.ones(rows, dtype=np.int16),
        position=rng.integers(0, 10, rows, dtype=np.int8),
        depth=rng.integers(0, 7, rows, dtype=np.int8),
        words=np.ones(rows, dtype=np.int32),
    )


@pytest.mark.slow
def test_memory_hardly_grows_with_the_documents() -> None:
    peaks = {}
    for documents in (20_000, 100_000):
        cells = many_cells(documents)
        tracemalloc.start()
        rows_of(cells)  # full chunks of weights, more than one, in either run
        peaks[documents] = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert (peaks[100_000] - peaks[20_000]) / 80_000 < 300  # bytes a document
