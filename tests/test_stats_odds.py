import numpy as np
import pytest
from counted import Words, of_words
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import t as student

from auditkit.stats.estimates import Estimate
from auditkit.stats.survival import retention


def odds_ratios(words: Words) -> list[Estimate]:
    """By category, in the order of the names."""
    rows = {row.category: row for row in retention(words.cells(), np.random.default_rng(0)).rows}
    return [rows[name].odds_ratio for name in words.names]


def some_words(seed: int, documents: int = 40, layers: int = 3) -> Words:
    rng = np.random.default_rng(seed)
    size = documents * 12
    category = rng.integers(-1, 2, size)
    depth = np.minimum(rng.geometric(0.35 + 0.1 * (category == 1), size) - 1, layers)
    return of_words(
        np.repeat(np.arange(documents), 12),
        category,
        depth,
        rng.choice([3, 8, 9], size),
        documents=documents,
        categories=2,
        layers=layers,
    )


def tables(words: Words, category: int) -> dict[tuple[int, ...], np.ndarray]:
    """By document, layer, position and pieces: own and other words, kept and dropped (2, 2)."""
    found: dict[tuple[int, ...], np.ndarray] = {}
    for i in range(words.depth.size):
        for layer in range(1, min(int(words.depth[i]) + 1, words.layers) + 1):
            key = (int(words.document[i]), layer, int(words.position[i]), int(words.pieces[i]))
            table = found.setdefault(key, np.zeros((2, 2)))
            table[int(words.category[i] != category), int(words.depth[i] < layer)] += 1
    return found


def test_odds_ratio_interval_and_p_by_hand() -> None:
    words = some_words(0)
    for category, estimate in enumerate(odds_ratios(words)):
        sums = np.zeros((40, 2))
        for (d, *_), table in tables(words, category).items():
            (a, b), (c, e) = table
            sums[d] += np.array([a * e, b * c]) / table.sum()
        up, down = sums[sums.sum(axis=1) > 0].T
        assert estimate.n == up.size
        assert estimate.value == pytest.approx(up.sum() / down.sum())
        t = (up - down).sum() / np.sqrt(up.size * (up - down).var(ddof=1))
        assert estimate.p == pytest.approx(2 * student.sf(abs(t), up.size - 1))
        assert estimate.interval is not None
        for bound in estimate.interval:
            at = up - bound * down
            t = at.sum() / np.sqrt(at.size * at.var(ddof=1))
            two_sided = 2 * student.sf(abs(t), at.size - 1)
            assert two_sided == pytest.approx(1 - estimate.level, abs=1e-9)


def test_odds_ratio_equals_statsmodels() -> None:
    from statsmodels.stats.contingency_tables import StratifiedTable

    words = some_words(4, documents=200)
    strata = [table for table in tables(words, 0).values() if table.sum() > 1]
    expected = StratifiedTable(strata).oddsratio_pooled
    assert odds_ratios(words)[0].value == pytest.approx(expected)


def test_odds_ratio_is_near_that_of_conditional_logistic_regression() -> None:
    from statsmodels.discrete.conditional_models import ConditionalLogit

    words = some_words(7, documents=300)
    outcome, own, stratum = [], [], []
    told = (table for table in tables(words, 1).values() if table.sum(axis=0).all())
    for number, table in enumerate(told):
        for side in (0, 1):
            for fate in (0, 1):
                count = int(table[side, fate])
                outcome += [1 - fate] * count
                own += [1 - side] * count
                stratum += [number] * count
    fit = ConditionalLogit(
        np.array(outcome), np.array(own, dtype=float)[:, None], groups=np.array(stratum)
    ).fit(disp=False)
    value = odds_ratios(words)[1].value
    assert value is not None
    assert np.log(value) == pytest.approx(float(fit.params[0]), abs=0.5 * float(fit.bse[0]))


def test_position_alone_gives_no_adjusted_odds() -> None:
    rng = np.random.default_rng(0)
    documents, size = 200, 6000
    adjusted: list[float] = []
    crude: list[float] = []
    for _ in range(12):
        position = rng.integers(0, 10, size)
        category = np.where(rng.random(size) < (position + 1) / 11, 0, -1)
        depth = rng.binomial(4, 0.2 + 0.06 * position)  # position decides, not category
        for strata, values in ((position, adjusted), (0 * position, crude)):
            words = of_words(
                np.repeat(np.arange(documents), 30), category, depth, strata,
                documents=documents, categories=1, layers=4,
            )  # fmt: skip
            value = odds_ratios(words)[0].value
            assert value is not None
            values.append(value)
    assert np.mean(adjusted) == pytest.approx(1.0, abs=0.04)
    assert min(crude) > 1.3, "seed 0"


def test_documents_that_keep_more_and_have_more_of_a_category_make_no_odds() -> None:
    # strata without the document gave 1.37 here, and an interval without 1 in every draw
    rng, off = np.random.default_rng(1), 0
    values: list[float] = []
    for _ in range(40):
        rate = rng.uniform(0.27, 0.71, 120)
        document = np.repeat(np.arange(120), 30)
        category = np.where(rng.random(document.size) < rate[document] ** 2, 0, -1)
        depth = rng.binomial(1, rate[document])
        words = of_words(
            document, category, depth, rng.integers(0, 3, document.size),
            documents=120, categories=1, layers=1,
        )  # fmt: skip
        (found,) = odds_ratios(words)
        assert found.value is not None
        assert found.p is not None
        values.append(found.value)
        off += found.p < 0.05
    assert np.mean(values) == pytest.approx(1.0, abs=0.03)
    assert off <= 6, "seed 1"  # of 40 at 5 %: more has a chance of 1 in 300


def test_odds_without_comparison_are_undefined() -> None:
    words = some_words(0)
    for depth in (0, 3):
        still = of_words(
            words.document,
            words.category,
            np.full(words.depth.size, depth),
            words.position,
            documents=40,
            categories=2,
            layers=3,
        )
        estimate = odds_ratios(still)[0]
        assert estimate.value is None
        assert "compare" in estimate.why_not


def test_odds_of_few_documents() -> None:
    for documents, known in ((4, False), (29, True)):
        for estimate in odds_ratios(some_words(2, documents)):
            assert (estimate.value is not None) == known
            assert estimate.interval is None
            assert f"({estimate.n}, and at least" in estimate.why_not


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 1000))
def test_order_of_documents_changes_no_odds(seed: int) -> None:
    words = some_words(seed)
    number = np.random.default_rng(seed).permutation(40)
    moved = of_words(
        number[words.document],
        words.category,
        words.depth,
        words.position,
        documents=40,
        categories=2,
        layers=3,
    )
    for a, b in zip(odds_ratios(words), odds_ratios(moved), strict=True):
        assert a.value == pytest.approx(b.value)
        assert a.p == pytest.approx(b.p)


@pytest.mark.slow
def test_odds_ratio_coverage_with_clustered_words() -> None:
    rng, hits, draws = np.random.default_rng(2), 0, 300
    documents = 100
    for _ in range(draws):
        ease = rng.normal(0, 1, documents)  # shared by all words of a document
        document = np.repeat(np.arange(documents), 8)
        keep = 1 / (1 + np.exp(-(0.5 + ease[document])))
        words = of_words(
            document, rng.integers(-1, 1, document.size), rng.binomial(1, keep), 0 * document,
            documents=documents, categories=1, layers=1,
        )  # fmt: skip
        low, high = odds_ratios(words)[0].interval or (1.0, 0.0)
        hits += low <= 1 <= high  # category and fate are independent given the document
    assert 0.92 <= hits / draws <= 0.98, "seed 2"
