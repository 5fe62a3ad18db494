import numpy as np
import pytest
from sklearn.metrics import classification_report as sklearn_report
from sklearn.metrics import confusion_matrix

from auditkit.stats.classification import classification_report, confusion
from auditkit.stats.resampling import Bootstrap


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


@pytest.mark.parametrize("classes", [2, 4])
def test_values_are_scikit_learns(classes: int) -> None:
    labels = rng(1).integers(classes, size=300)
    predicted = np.where(rng(2).random(300) < 0.7, labels, rng(3).integers(classes, size=300))
    each, macro, weighted = classification_report(
        predicted[:, None], labels, classes, Bootstrap(rng(), 50)
    )
    expected = sklearn_report(labels, predicted, output_dict=True)
    rows = [(str(c), each[c]) for c in range(classes)]
    for key, scores in [*rows, ("macro avg", macro), ("weighted avg", weighted)]:
        assert scores.precision == pytest.approx(expected[key]["precision"])
        assert scores.recall == pytest.approx(expected[key]["recall"])
        assert scores.f1.value == pytest.approx(expected[key]["f1-score"])
        assert scores.support == expected[key]["support"]
        low, high = scores.f1.interval or (1.0, 0.0)
        assert low < expected[key]["f1-score"] < high


def test_undefined_values_are_none_and_make_the_average_so() -> None:
    labels = np.array([0] * 15 + [1] * 15)
    predicted = np.zeros((30, 1), dtype=np.int64)
    each, macro, weighted = classification_report(predicted, labels, 3, Bootstrap(rng(), 50))
    assert (each[1].precision, each[1].recall, each[1].f1.value) == (None, 0.0, 0.0)
    assert (each[2].precision, each[2].recall, each[2].f1.value) == (None, None, None)
    assert "neither" in each[2].f1.why_not
    assert (macro.precision, macro.recall, macro.f1.value) == (None, None, None)
    assert weighted.precision is None
    assert weighted.recall == 0.5
    assert weighted.f1.value == pytest.approx(each[0].f1.value / 2 if each[0].f1.value else 0)


def test_few_documents_have_values_and_no_interval() -> None:
    each, macro, _ = classification_report(
        np.array([[0], [1]]), np.array([0, 1]), 2, Bootstrap(rng(), 50)
    )
    assert macro.f1.value == each[0].f1.value == 1.0
    assert macro.f1.interval is None


def test_draws_are_pooled() -> None:
    labels = rng(4).integers(3, size=80)
    predicted = rng(5).integers(3, size=(80, 2))
    each, macro, _ = classification_report(predicted, labels, 3, Bootstrap(rng(), 50))
    both = sklearn_report(np.tile(labels, 2), predicted.T.ravel(), output_dict=True)
    assert macro.f1.value == pytest.approx(both["macro avg"]["f1-score"])
    assert [s.support for s in each] == [int((labels == c).sum()) for c in range(3)]
    expected = sum(confusion_matrix(labels, predicted[:, j], labels=range(3)) for j in (0, 1)) / 2
    assert confusion(predicted, labels, 3) == pytest.approx(expected)


@pytest.mark.slow
def test_interval_of_macro_f1_covers() -> None:
    def draw(n: int, source: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        labels = source.choice(3, n, p=[0.5, 0.3, 0.2])
        slips = source.integers(3, size=n)
        return np.where(source.random(n) < 0.8, labels, slips)[:, None], labels

    source = rng(9)
    truth = classification_report(*draw(2_000_000, source), 3, Bootstrap(source, 2))[1].f1.value
    assert truth is not None
    runs, hits = 500, 0
    for _ in range(runs):
        found = classification_report(*draw(300, source), 3, Bootstrap(source, 600))[1].f1
        hits += found.interval is not None and found.interval[0] <= truth <= found.interval[1]
    assert 0.92 <= hits / runs <= 0.98
