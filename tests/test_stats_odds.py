import numpy as np
import pytest
from counted import Words, of_words
from hypothesis import given, settings
from hypothesis import strategies as st

from auditkit.stats import odds
from auditkit.stats.odds import odds_ratios
from auditkit.stats.resampling import Bootstrap


def drawing(seed: int, resamples: int = 2000) -> Bootstrap:
    return Bootstrap(np.random.default_rng(seed), resamples)


def some_words(seed: int, documents: int = 40, layers: int = 3) -> Words:
    rng = np.random.default_rng(seed)
    size = documents * 6
    category = rng.integers(-1, 2, size)
    depth = np.minimum(rng.geometric(0.35 + 0.1 * (category == 1), size) - 1, layers)
    return of_words(
        np.repeat(np.arange(documents), 6),
        category,
        depth,
        rng.choice([3, 8, 9], size),
        documents=documents,
        categories=2,
        layers=layers,
    )


def odds_by_hand(words: Words, category: int, weights: np.ndarray) -> float:
    up = down = 0.0
    for layer in range(1, words.layers + 1):
        for stratum in np.unique(words.position):
            cells = {(own, kept): 0.0 for own in (True, False) for kept in (True, False)}
            for i in range(words.depth.size):
                if words.position[i] == stratum and words.depth[i] >= layer - 1:
                    own = bool(words.category[i] == category)
                    cells[own, bool(words.depth[i] >= layer)] += weights[words.document[i]]
            n = sum(cells.values())
            if n:
                up += cells[True, True] * cells[False, False] / n
                down += cells[True, False] * cells[False, True] / n
    return up / down


@pytest.mark.parametrize("at_once", [2**20, 2**13])
def test_odds_ratio_and_interval_by_hand(at_once: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(odds, "_AT_ONCE", at_once)
    words = some_words(0)
    estimates = odds_ratios(words.cells(), drawing(3, 60))
    weights = np.concatenate(list(drawing(3, 60).weights(40)))
    for category, estimate in enumerate(estimates):
        assert estimate.value == pytest.approx(odds_by_hand(words, category, np.ones(40)))
        samples = [odds_by_hand(words, category, w) for w in weights]
        by_hand = (float(np.quantile(samples, 0.025)), float(np.quantile(samples, 0.975)))
        assert estimate.interval == pytest.approx(by_hand)
        holds = {d for d, c in zip(words.document, words.category, strict=True) if c == category}
        assert estimate.n == len(holds)


def test_odds_ratio_equals_statsmodels() -> None:
    from statsmodels.stats.contingency_tables import StratifiedTable

    words = some_words(4, documents=200)
    tables = []
    for layer in range(1, 4):
        for stratum in np.unique(words.position):
            risk = (words.position == stratum) & (words.depth >= layer - 1)
            own, kept = words.category[risk] == 0, words.depth[risk] >= layer
            tables.append(
                [
                    [(own & kept).sum(), (own & ~kept).sum()],
                    [(~own & kept).sum(), (~own & ~kept).sum()],
                ]
            )
    expected = StratifiedTable([np.array(t, dtype=float) for t in tables]).oddsratio_pooled
    estimate = odds_ratios(words.cells(), drawing(0, 10))[0]
    assert estimate.value == pytest.approx(expected)


def test_position_alone_gives_no_adjusted_odds() -> None:
    rng = np.random.default_rng(0)
    documents, size = 400, 4000
    adjusted: list[float] = []
    crude: list[float] = []
    for _ in range(20):
        position = rng.integers(0, 10, size)
        category = np.where(rng.random(size) < (position + 1) / 11, 0, -1)
        depth = rng.binomial(4, 0.2 + 0.06 * position)  # position decides, not category
        for strata, values in ((position, adjusted), (0 * position, crude)):
            words = of_words(
                np.repeat(np.arange(documents), 10),
                category,
                depth,
                strata,
                documents=documents,
                categories=1,
                layers=4,
            )
            value = odds_ratios(words.cells(), Bootstrap(rng, 1))[0].value
            assert value is not None
            values.append(value)
    assert np.mean(adjusted) == pytest.approx(1.0, abs=0.03)
    assert min(crude) > 1.3


def test_strata_keep_position_length_and_pieces_apart() -> None:
    rng = np.random.default_rng(1)
    size = rng.integers(4, 90, 50)
    total = 2 * size
    document = np.repeat(np.arange(50), size)
    words = Words(
        layers=1,
        total=total,
        kept=total[:, None] // 2,
        names=("a",),
        document=document,
        category=np.zeros(document.size, dtype=np.int64),
        pieces=rng.integers(1, 6, document.size),
        position=rng.integers(0, 10, document.size),
        depth=rng.integers(0, 2, document.size),
    ).cells()
    edges = np.quantile(total, [0.2, 0.4, 0.6, 0.8])
    code = odds._strata(words, edges)
    by_hand: dict[tuple[int, int, int], set[int]] = {}
    for row, (d, p, g) in enumerate(zip(words.document, words.position, words.pieces, strict=True)):
        length = sum(1 for edge in edges if edge <= total[d])
        by_hand.setdefault((int(p), length, min(int(g), 3)), set()).add(int(code[row]))
    assert all(len(codes) == 1 for codes in by_hand.values())
    assert len({min(codes) for codes in by_hand.values()}) == len(by_hand)
    assert 0 <= code.min() <= code.max() < odds.STRATA


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
        estimate = odds_ratios(still.cells(), drawing(0, 20))[0]
        assert estimate.value is None
        assert "compare" in estimate.why_not


def test_odds_of_few_documents() -> None:
    for documents, known in ((4, False), (29, True)):
        for estimate in odds_ratios(some_words(2, documents).cells(), drawing(0, 20)):
            assert (estimate.value is not None) == known
            assert estimate.interval is None
            assert f"({estimate.n}, and at least" in estimate.why_not
    none = some_words(0).cells().select(np.zeros(40, dtype=bool))
    assert [e.value for e in odds_ratios(none, drawing(0))] == [None, None]


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
    one, other = (odds_ratios(w.cells(), drawing(0, 2)) for w in (words, moved))
    for a, b in zip(one, other, strict=True):
        assert a.value == pytest.approx(b.value)


@pytest.mark.slow
def test_odds_ratio_coverage_with_clustered_words() -> None:
    rng, hits, draws = np.random.default_rng(2), 0, 1000
    documents = 100
    for _ in range(draws):
        ease = rng.normal(0, 1, documents)  # shared by all words of a document
        document = np.repeat(np.arange(documents), 8)
        category = rng.integers(-1, 1, document.size)
        keep = 1 / (1 + np.exp(-(0.5 + ease[document])))
        words = of_words(
            document,
            category,
            rng.binomial(1, keep),
            np.digitize(ease, [-1, 0, 1])[document],
            documents=documents,
            categories=1,
            layers=1,
        )
        low, high = odds_ratios(words.cells(), Bootstrap(rng, 500))[0].interval or (1.0, 0.0)
        hits += low <= 1 <= high  # category and fate are independent given the document
    assert 0.93 <= hits / draws <= 0.97
