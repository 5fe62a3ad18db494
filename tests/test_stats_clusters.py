"""Purity of neighbourhoods, silhouettes, spread and the projection, by hand and by oracle."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import silhouette_score

from auditkit.stats.clusters import (
    ONE_CLASS,
    Points,
    jackknife,
    purity,
    purity_change,
    silhouette,
    spread,
    spread_change,
)
from auditkit.stats.projection import flat


def drawn(
    rng: np.random.Generator, documents: int, each: int, shift: float = 0.0, classes: int = 2
) -> Points:
    """Points in 12 dimensions, those of a document alike, classes apart by `shift`."""
    label = rng.integers(0, classes, documents)
    document = np.repeat(np.arange(documents), each)
    place = rng.normal(size=(documents * each, 12)) + rng.normal(size=(documents, 12))[document]
    place[np.arange(len(place)), label[document]] += shift
    return Points.of(place.astype(np.float32), document, label[document])


def cosine(one: np.ndarray, other: np.ndarray) -> float:
    return float(1 - one @ other / np.sqrt((one @ one) * (other @ other)))


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10**6))
def test_purity_by_hand(seed: int) -> None:
    points = drawn(np.random.default_rng(seed), 32, 2, shift=1.0, classes=3)
    same, chance = [], []
    for i in range(64):
        others = [j for j in range(64) if points.document[j] != points.document[i]]
        near = sorted(others, key=lambda j: cosine(points.place[i], points.place[j]))[:5]
        same += [points.label[j] == points.label[i] for j in near]
        chance.append(np.mean([points.label[j] == points.label[i] for j in others]))
    found = purity(points, 5)
    assert found.estimate.value == pytest.approx(np.mean(same))
    assert found.chance == pytest.approx(np.mean(chance))
    expected = (np.mean(same) - np.mean(chance)) / (1 - np.mean(chance))
    assert found.corrected.value == pytest.approx(expected)


def test_chance_with_a_document_left_out_is_that_of_the_others() -> None:
    points = drawn(np.random.default_rng(1), 31, 3, classes=3)
    whole = purity(points, 4)
    for gone in (0, 7, 30):
        there = points.document != gone
        rest = Points(
            points.place[there], np.unique(points.document[there], return_inverse=True)[1],
            points.label[there],
        )  # fmt: skip
        assert whole.chance is not None
        near = np.argsort(points.distances(), axis=1, kind="stable")[:, :4]
        pairs = [(i, j) for i in range(93) for j in near[i]
                 if gone not in (points.document[i], points.document[j])]  # fmt: skip
        share = np.mean([points.label[i] == points.label[j] for i, j in pairs])
        chance = purity(rest, 4).chance
        assert chance is not None
        assert whole.without[gone] == pytest.approx((share - chance) / (1 - chance))


def test_equally_near_points_share_the_last_places() -> None:
    """Of equal words, as input embeddings are: classes of .7 and .3 in the order of documents."""
    seed, rng = 11, np.random.default_rng(11)
    label = np.repeat([0, 1], [84, 36])
    vocabulary = rng.normal(size=(4, 12)).astype(np.float32)
    document = np.repeat(np.arange(120), 2)
    told, claims = [], 0
    for _ in range(100):
        found = purity(Points.of(vocabulary[rng.integers(0, 4, 240)], document, label[document]), 9)
        assert found.corrected.value is not None
        assert found.corrected.interval is not None
        told.append(found.corrected.value)
        claims += not found.corrected.interval[0] <= 0 <= found.corrected.interval[1]
    assert abs(np.mean(told)) < 0.01, f"seed {seed}"
    assert claims <= 8, f"seed {seed}"


@given(st.integers(0, 10**6))
@settings(max_examples=15, deadline=None)
def test_the_order_of_documents_decides_nothing(seed: int) -> None:
    rng = np.random.default_rng(seed)
    document, label = np.repeat(np.arange(40), 2), rng.integers(0, 2, 40)
    vectors = rng.normal(size=(5, 6)).astype(np.float32)[rng.integers(0, 5, 80)]
    order = rng.permutation(40)
    rows = np.argsort(order[document], kind="stable")
    one = purity(Points.of(vectors, document, label[document]), 5)
    other = purity(Points.of(vectors[rows], order[document][rows], label[document][rows]), 5)
    assert one.corrected.value == pytest.approx(other.corrected.value, abs=1e-9)
    assert one.corrected.interval == pytest.approx(other.corrected.interval, abs=1e-9)


def test_points_of_one_document_are_nobodys_neighbours() -> None:
    """Documents apart from all others, each with its own class: neighbours are of other ones."""
    rng = np.random.default_rng(2)
    label = np.arange(40) % 2
    centre = rng.normal(size=(40, 60)) * 20
    document = np.repeat(np.arange(40), 4)
    place = centre[document] + rng.normal(size=(160, 60)) * 0.01
    found = purity(Points.of(place.astype(np.float32), document, label[document]), 3)
    assert found.estimate.value is not None
    assert 0.2 < found.estimate.value < 0.8


def test_the_silhouette_is_that_of_scikit_learn() -> None:
    points = drawn(np.random.default_rng(3), 60, 1, shift=2.0, classes=3)
    expected = silhouette_score(points.place, points.label, metric="cosine")
    assert silhouette(points).value == pytest.approx(expected)


def test_the_spread_is_the_mean_of_all_pairs() -> None:
    points = drawn(np.random.default_rng(4), 80, 1, shift=1.0)
    found = spread(points)
    for value, estimate in found.items():
        mine = points.place[points.label == value]
        pairs = [cosine(a, b) for i, a in enumerate(mine) for b in mine[i + 1 :]]
        assert estimate.value == pytest.approx(np.mean(pairs))
    change = spread_change(found, 0)
    assert found[0].value is not None
    assert found[1].value is not None
    assert change.value == pytest.approx(found[0].value - found[1].value)


def test_the_spread_of_tokens_is_that_of_pairs_in_two_documents() -> None:
    points = drawn(np.random.default_rng(12), 90, 3, shift=1.0)
    inside = {v: [] for v in (0, 1)}  # type: dict[int, list[tuple[int, int, float]]]
    for i in range(270):
        for j in range(i):
            one, other = int(points.document[i]), int(points.document[j])
            if one != other and points.label[i] == points.label[j]:
                near = cosine(points.place[i], points.place[j])
                inside[int(points.label[i])].append((one, other, near))
    for value, found in spread(points).items():
        pairs = inside[value]
        documents = sorted({one for one, *_ in pairs} | {other for _, other, _ in pairs})
        assert found.n == len(documents)
        assert found.value == pytest.approx(np.mean([d for *_, d in pairs]))
        without = [np.mean([d for one, other, d in pairs if gone not in (one, other)])
                   for gone in documents]  # fmt: skip
        expected = jackknife(float(np.mean([d for *_, d in pairs])), np.array(without))
        assert found.interval == pytest.approx(expected.interval)


def test_a_class_of_few_documents_costs_the_others_nothing() -> None:
    rng = np.random.default_rng(13)
    label = np.repeat([0, 1, 2], [60, 60, 5])
    found = spread(Points.of(rng.normal(size=(125, 6)).astype(np.float32), np.arange(125), label))
    assert "too few documents (5" in found[2].why_not
    change = spread_change(found, 0)
    assert found[0].value is not None
    assert found[1].value is not None
    assert change.value == pytest.approx(found[0].value - found[1].value)
    assert "too few documents (5" in spread_change({1: found[1], 2: found[2]}, 1).why_not


def test_a_denser_class_is_found_and_equal_ones_are_not() -> None:
    seed, found, equal = 5, 0, 0
    rng = np.random.default_rng(seed)
    for _ in range(60):
        label = rng.integers(0, 2, 120)
        place = rng.normal(size=(120, 12)) + 2.0
        alike = spread(Points.of(place.astype(np.float32), np.arange(120), label))
        place[label == 1] -= rng.normal(size=(int((label == 1).sum()), 12)) * 0.0
        place[label == 1] = 2.0 + (place[label == 1] - 2.0) * 0.5
        told = spread(Points.of(place.astype(np.float32), np.arange(120), label))
        change, null = spread_change(told, 1), spread_change(alike, 1)
        assert change.interval is not None
        assert null.interval is not None
        found += change.interval[1] < 0
        equal += not null.interval[0] <= 0 <= null.interval[1]
    assert found >= 58, f"seed {seed}"
    assert equal <= 7, f"seed {seed}"


def test_no_classes_no_claim() -> None:
    """Tokens of a document are alike; classes are dealt to documents at random."""
    seed, claims = 6, 0
    rng = np.random.default_rng(seed)
    for _ in range(200):
        found = purity(drawn(rng, 45, 3), 10).corrected
        assert found.interval is not None
        claims += not found.interval[0] <= 0 <= found.interval[1]
    assert claims <= 12, f"seed {seed}"


def test_classes_apart_are_found_and_sets_compared() -> None:
    rng = np.random.default_rng(7)
    documents, label = (
        np.repeat(np.arange(120), 3),
        rng.integers(0, 2, 120)[np.repeat(range(120), 3)],
    )
    noise = rng.normal(size=(360, 12))
    apart = noise.copy()
    apart[np.arange(360), label] += 3.0
    near, far = (
        purity(Points.of(place.astype(np.float32), documents, label), 10)
        for place in (noise, apart)
    )
    assert far.corrected.interval is not None
    assert far.corrected.interval[0] > 0.3
    change, back = purity_change(far, near), purity_change(near, far)
    assert change.interval is not None
    assert change.interval[0] > 0
    assert change.p is not None
    assert change.p < 0.001
    assert back.value == pytest.approx(-change.value if change.value else 0)


def test_the_jackknife_of_a_mean_is_its_standard_error() -> None:
    values = np.random.default_rng(8).normal(size=50)
    without = (values.sum() - values) / 49
    found = jackknife(float(values.mean()), without)
    assert found.interval is not None
    half = (found.interval[1] - found.interval[0]) / 2
    assert half == pytest.approx(2.01 * values.std(ddof=1) / np.sqrt(50), rel=0.03)


def test_undefined_with_a_reason() -> None:
    rng = np.random.default_rng(9)
    one = drawn(rng, 40, 2, classes=1)
    assert purity(one, 5).corrected.why_not == ONE_CLASS
    assert silhouette(one).why_not == ONE_CLASS
    assert spread_change(spread(drawn(rng, 40, 1, classes=1)), 0).why_not == ONE_CLASS
    assert "too few documents (12" in purity(drawn(rng, 12, 3), 5).corrected.why_not
    assert "too few points" in purity(drawn(rng, 40, 1), 40).corrected.why_not
    zero = Points.of(np.zeros((60, 4), np.float32), np.arange(60), np.arange(60) % 2)
    assert purity(zero, 5).estimate.value is not None


def test_a_projection_is_the_same_for_a_seed_and_shows_what_lies_apart() -> None:
    rng = np.random.default_rng(10)
    vectors = rng.normal(size=(60, 20)).astype(np.float32)
    vectors[30:] += 8
    first = flat(vectors, 3)
    assert (first == flat(vectors, 3)).all()
    assert np.abs(first).max() == 1
    near = np.linalg.norm(first[:, None] - first[None], axis=2)
    np.fill_diagonal(near, np.inf)
    assert np.mean((near.argmin(1) < 30) == (np.arange(60) < 30)) > 0.95
    assert flat(vectors[:3], 0).shape == (3, 2)
