import numpy as np
import pytest
from by_hand import degrees
from fairlearn.metrics import MetricFrame
from scipy.stats import t as student
from sklearn.metrics import accuracy_score, confusion_matrix
from sklearn.metrics import classification_report as sklearn_report
from statsmodels.stats.proportion import proportion_confint

from auditkit.stats.classification import Scores, classification_report, confusion


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def values(scores: Scores) -> tuple[float | None, ...]:
    return tuple(e.value for e in (scores.precision, scores.recall, scores.f1))


@pytest.mark.parametrize("classes", [2, 4])
def test_values_are_scikit_learns(classes: int) -> None:
    labels = rng(1).integers(classes, size=300)
    predicted = np.where(rng(2).random(300) < 0.7, labels, rng(3).integers(classes, size=300))
    each, macro, weighted = classification_report(predicted[:, None], labels, classes)
    expected = sklearn_report(labels, predicted, output_dict=True)
    rows = [(str(c), each[c]) for c in range(classes)]
    for key, scores in [*rows, ("macro avg", macro), ("weighted avg", weighted)]:
        assert scores.precision.value == pytest.approx(expected[key]["precision"])
        assert scores.recall.value == pytest.approx(expected[key]["recall"])
        assert scores.f1.value == pytest.approx(expected[key]["f1-score"])
        assert scores.support == expected[key]["support"]
        low, high = scores.f1.interval or (1.0, 0.0)
        assert low < expected[key]["f1-score"] < high


def test_undefined_values_are_none_and_make_the_average_so() -> None:
    labels = np.array([0] * 15 + [1] * 15)
    predicted = np.zeros((30, 1), dtype=np.int64)
    each, macro, weighted = classification_report(predicted, labels, 3)
    assert values(each[1]) == (None, 0.0, 0.0)
    assert each[1].precision.why_not == "never predicted"
    assert values(each[2]) == (None, None, None)
    assert each[2].recall.why_not == "no document of the class"
    assert "neither" in each[2].f1.why_not
    assert values(macro) == (None, None, None)
    assert weighted.precision.value is None
    assert weighted.recall.value == 0.5
    assert weighted.f1.value == pytest.approx(each[0].f1.value / 2 if each[0].f1.value else 0)


def test_few_documents_have_values_and_no_interval() -> None:
    each, macro, _ = classification_report(np.array([[0], [1]]), np.array([0, 1]), 2)
    assert macro.f1.value == each[0].f1.value == 1.0
    assert macro.f1.interval is None


def test_draws_are_pooled() -> None:
    labels = rng(4).integers(3, size=80)
    predicted = rng(5).integers(3, size=(80, 2))
    each, macro, _ = classification_report(predicted, labels, 3)
    both = sklearn_report(np.tile(labels, 2), predicted.T.ravel(), output_dict=True)
    assert macro.f1.value == pytest.approx(both["macro avg"]["f1-score"])
    assert [s.support for s in each] == [int((labels == c).sum()) for c in range(3)]
    expected = sum(confusion_matrix(labels, predicted[:, j], labels=range(3)) for j in (0, 1)) / 2
    assert confusion(predicted, labels, 3) == pytest.approx(expected)


def test_precision_and_recall_are_shares_of_documents() -> None:
    labels, predicted = np.array([0] * 40 + [1] * 60), np.array([0] * 30 + [1] * 70)
    (first, _), *_ = classification_report(predicted[:, None], labels, 2)
    assert first.precision.interval == pytest.approx(proportion_confint(30, 30, method="beta"))
    assert first.recall.interval == pytest.approx(proportion_confint(30, 40, method="beta"))


def test_recall_of_a_class_is_fairlearns_accuracy_of_its_group() -> None:
    labels = rng(4).integers(4, size=300)
    predicted = np.where(rng(5).random(300) < 0.7, labels, rng(6).integers(4, size=300))
    frame = MetricFrame(
        metrics=accuracy_score, y_true=labels, y_pred=predicted, sensitive_features=labels
    )
    each, macro, weighted = classification_report(predicted[:, None], labels, 4)
    assert [s.recall.value for s in each] == pytest.approx(frame.by_group.to_list())
    assert macro.recall.value == pytest.approx(frame.by_group.mean())
    assert weighted.recall.value == pytest.approx(frame.overall)


def test_the_error_of_an_average_is_that_of_the_jackknife() -> None:
    labels = rng(1).integers(3, size=200)
    predicted = np.where(rng(2).random(200) < 0.8, labels, rng(3).integers(3, size=200))[:, None]
    each, macro, weighted = classification_report(predicted, labels, 3)
    found = {"macro": macro.f1, "weighted": weighted.f1, "class": each[1].f1}
    left: dict[str, list[float]] = {name: [] for name in found}
    for i in range(200):
        stay = np.arange(200) != i
        one, average, by_support = classification_report(predicted[stay], labels[stay], 3)
        for name, scores in (("macro", average), ("weighted", by_support), ("class", one[1])):
            left[name].append(scores.f1.value or 0.0)
    for name, estimate in found.items():
        assert estimate.value is not None
        assert estimate.interval is not None
        low, high = (np.log(b / (1 - b)) for b in estimate.interval)
        jackknife = np.sqrt(199 * np.var(left[name]))
        df = degrees(np.mean(left[name]) - np.array(left[name]))
        spread = estimate.value * (1 - estimate.value) * (high - low) / 2 / student.ppf(0.975, df)
        assert spread == pytest.approx(jackknife, rel=0.03 if name != "weighted" else 0.25)
