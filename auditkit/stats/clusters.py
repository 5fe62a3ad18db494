"""Do points of a class lie together? Neighbours, silhouettes and spread in the original space.

Points are compared by the cosine of their angle. Points of one document have one class by
construction and say much the same, so nobody is his own document's neighbour, and documents are the
unit: errors are those of a jackknife that leaves out one document at a time.

Shapes: n points, D their dimensions, d documents, k neighbours.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from auditkit.stats import student
from auditkit.stats.estimates import NO_SPREAD, Estimate, difference_of, too_few

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

ONE_CLASS = "all documents are of one class"
NO_NEIGHBOURS = "too few points in other documents"


@dataclass(frozen=True, slots=True)
class Points:
    """Points in a space, and whose they are."""

    place: Floats
    """(n, D), of length 1."""
    document: Ints
    """(n,) from 0."""
    label: Ints
    """(n,) class of the document."""

    @classmethod
    def of(cls, vectors: NDArray[np.float32], document: Ints, label: Ints) -> "Points":
        """Points from vectors of any length; one of length 0 stays at the origin."""
        wide = vectors.astype(np.float64)
        length = np.linalg.norm(wide, axis=1, keepdims=True)
        return cls(wide / np.where(length > 0, length, 1.0), document, label)

    def distances(self) -> Floats:
        """(n, n) one less the cosine; infinite within a document."""
        apart = 1.0 - np.round(self.place @ self.place.T, 12)
        apart[self.document[:, None] == self.document[None, :]] = np.inf
        return apart


@dataclass(frozen=True, slots=True)
class Purity:
    """How often neighbours share a class."""

    estimate: Estimate
    """Share of the k nearest points of other documents that are of the point's class."""
    chance: float | None
    """The same share of all points of other documents."""
    corrected: Estimate
    """(share − chance)/(1 − chance): 0 is chance, 1 is all."""
    without: Floats
    """(d,) corrected, each document left out: what differences on the same documents rest on."""


def purity(points: Points, k: int) -> Purity:
    """k-nearest-neighbour purity, and what chance gives.

    Args:
        points: Those of one kind.
        k: Neighbours of each.
    """
    label, document = points.label, points.document
    n, documents = len(label), int(document.max(initial=-1)) + 1
    why_not = ""
    if len(np.unique(label)) < 2:
        why_not = ONE_CLASS
    elif few := too_few("mean", documents):
        why_not = few
    elif n - int(np.bincount(document).max()) < k:
        why_not = f"{NO_NEIGHBOURS} ({n} points in all, {k} neighbours each)"
    if why_not:
        none = Estimate(None, documents, why_not=why_not)
        return Purity(none, None, none, np.zeros(0))
    near = _neighbours(points.distances(), k)  # (n, n)
    same = near * (label[:, None] == label[None, :])
    out, pairs_out = _sums(document, same.sum(1), documents), np.bincount(document) * float(k)
    into, pairs_in = (_sums(document, side.sum(0), documents) for side in (same, near))
    share = float(same.sum()) / (n * k)
    left = (same.sum() - out - into) / (n * k - pairs_out - pairs_in)
    chance, chances = _chance(points, documents)
    corrected, without = (share - chance) / (1 - chance), (left - chances) / (1 - chances)
    return Purity(
        jackknife(share, left, limits=(0, 1)),
        chance,
        jackknife(corrected, without, limits=(-chance / (1 - chance), 1)),
        without,
    )


def purity_change(one: Purity, other: Purity) -> Estimate:
    """Corrected purity of `one` less that of `other`, on the same documents, with p of 0."""
    for side in (one, other):
        if side.corrected.value is None:
            return side.corrected
    assert one.corrected.value is not None
    assert other.corrected.value is not None
    return jackknife(one.corrected.value - other.corrected.value, one.without - other.without)


def _neighbours(apart: Floats, k: int) -> Floats:
    """(n, n) how far each point is one of the k nearest of another: 1, 0, or a share of a place.

    Equally near ones share the last places, so that no order of the points decides.
    """
    last = np.partition(apart, k - 1, axis=1)[:, k - 1 : k]
    nearer, tied = apart < last, apart == last
    places = (k - nearer.sum(1, keepdims=True)) / tied.sum(1, keepdims=True)
    near: Floats = nearer + tied * places
    return near


def _sums(document: Ints, values: Floats, documents: int) -> Floats:
    return np.bincount(document, weights=values, minlength=documents).astype(np.float64)


def _chance(points: Points, documents: int) -> tuple[float, Floats]:
    """Share of a point's own class among all points of other documents; (d,) with one left out."""
    sizes = np.bincount(points.document, minlength=documents).astype(np.float64)
    first = np.unique(points.document, return_index=True)[1]
    of = points.label[first]  # (d,) class of each document
    total, by_class = sizes.sum(), np.bincount(of, weights=sizes)

    everyone = float((sizes * (by_class[of] - sizes) / (total - sizes)).sum() / total)
    own = by_class[of][None, :] - sizes[:, None] * (of[:, None] == of[None, :])  # (left out, d)
    rest = total - sizes
    shares = (own - sizes[None, :]) / (rest[:, None] - sizes[None, :])
    np.fill_diagonal(shares, 0.0)
    return everyone, (shares * sizes[None, :]).sum(1) / rest


def silhouette(points: Points) -> Estimate:
    """Mean silhouette by class (Rousseeuw 1987), pairs within a document left out.

    (b − a)/max(a, b): a the mean distance to the point's own class, b to the nearest other one.
    """
    documents = int(points.document.max(initial=-1)) + 1
    classes = np.unique(points.label)
    if len(classes) < 2:
        return Estimate(None, documents, why_not=ONE_CLASS)
    apart = points.distances()
    there = np.isfinite(apart)
    apart[~there] = 0.0
    member = (points.label[:, None] == classes[None, :]).astype(np.float64)  # (n, classes)
    count = there @ member
    mean = np.divide(apart @ member, count, out=np.full(count.shape, np.nan), where=count > 0)
    own = member.astype(bool)
    a, b = mean[own], np.where(own, np.inf, mean).min(1)
    usable = np.isfinite(a) & np.isfinite(b)
    if not usable.any():
        return Estimate(None, documents, why_not=NO_NEIGHBOURS)
    wide = np.maximum(a, b)
    values = np.divide(b - a, wide, out=np.zeros(len(a)), where=usable & (wide > 0))
    held = np.bincount(points.document, weights=usable, minlength=documents)
    sums = _sums(points.document, np.where(usable, values, 0.0), documents)
    whole, points_all = sums.sum(), held.sum()
    with np.errstate(invalid="ignore", divide="ignore"):
        without = (whole - sums) / (points_all - held)
    # a pair counts for both of its documents: the error of a mean over pairs is twice that of its
    # documents' own means (Hoeffding 1948)
    return jackknife(float(whole / points_all), without, pairs=True, limits=(-1, 1))


def spread(points: Points) -> dict[int, Estimate]:
    """By class: mean distance between points of two documents of it; the smaller, the denser."""
    apart = points.distances()
    found = {}
    for value in np.unique(points.label).tolist():
        mine = points.label == value
        document = np.unique(points.document[mine], return_inverse=True)[1]
        n = int(document.max()) + 1
        if few := too_few("mean", n):
            found[value] = Estimate(None, n, why_not=few)
            continue
        inside = apart[np.ix_(mine, mine)]
        there = np.isfinite(inside)
        rows = _sums(document, np.where(there, inside, 0.0).sum(1), n)
        pairs = _sums(document, there.sum(1).astype(np.float64), n)
        whole, count = rows.sum(), pairs.sum()
        found[value] = jackknife(
            float(whole / count), (whole - 2 * rows) / (count - 2 * pairs), limits=(0, 2)
        )
    return found


def spread_change(by_class: dict[int, Estimate], value: int) -> Estimate:
    """Spread of a class less the mean spread of the others, of those that have one."""
    others = [estimate for other, estimate in by_class.items() if other != value]
    if not others:
        return Estimate(None, by_class[value].n, why_not=ONE_CLASS)
    rest = [e for e in others if e.value is not None and e.interval is not None]
    if not rest:
        return Estimate(None, others[0].n, why_not=others[0].why_not)
    mean = sum(e.value for e in rest if e.value is not None) / len(rest)
    half = sum((e.interval[1] - e.interval[0]) ** 2 for e in rest if e.interval) ** 0.5
    half /= 2 * len(rest)
    return difference_of(
        by_class[value], Estimate(mean, min(e.n for e in rest), (mean - half, mean + half))
    )


def jackknife(
    value: float,
    without: Floats,
    *,
    pairs: bool = False,
    limits: tuple[float, float] = (-np.inf, np.inf),
) -> Estimate:
    """An estimate with Student's t interval and p of 0 from its values with one document left out.

    Args:
        value: Of all documents.
        without: (d,) each document left out.
        pairs: Whether `without` leaves out a document's own part of what it shares with others.
        limits: What the value lies between, whatever the documents.
    """
    n = len(without)
    if few := too_few("mean", n):
        return Estimate(value, n, why_not=few)
    influence = (without.mean() - without) * (n - 1) / n * (2 if pairs else 1)
    error, df = student.error_and_degrees(influence)
    if error <= 1e-12:
        return Estimate(value, n, why_not=NO_SPREAD)
    half = student.quantile(0.95, df) * error
    low, high = max(value - half, limits[0]), min(value + half, limits[1])
    return Estimate(value, n, (low, high), p=student.two_sided(value / error, df))
