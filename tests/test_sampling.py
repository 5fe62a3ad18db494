"""Which documents are drawn: each label with its share, and whatever order they come in."""

import random
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditkit.data.sampling import stratified

labelled = st.dictionaries(st.text(max_size=4), st.integers(0, 3), max_size=40)


@given(labels=labelled, size=st.integers(0, 50), seed=st.integers(0, 9), shuffle=st.randoms())
def test_the_order_of_the_documents_decides_nothing(
    labels: dict[str, int], size: int, seed: int, shuffle: random.Random
) -> None:
    names = list(labels)
    shuffle.shuffle(names)
    drawn = stratified({name: labels[name] for name in names}, size, seed)
    assert drawn == [name for name in names if name in set(drawn)]
    assert sorted(drawn) == sorted(stratified(labels, size, seed))


@given(labels=labelled, size=st.integers(0, 50))
def test_each_label_has_its_share_to_less_than_one(labels: dict[str, int], size: int) -> None:
    drawn = stratified(labels, size, 0)
    assert len(drawn) == len(set(drawn)) == min(size, len(labels))
    seen = Counter(labels[name] for name in drawn)
    for label, count in Counter(labels.values()).items():
        assert abs(seen[label] - len(drawn) * count / len(labels)) < 1


@pytest.mark.parametrize("other", [(1,), (0, 0), ()])
def test_another_seed_draws_other_documents(other: tuple[int, ...]) -> None:
    labels = {f"d{number}": number % 2 for number in range(100)}
    assert stratified(labels, 50, 0) != stratified(labels, 50, *other)


def test_all_documents_are_drawn_alike_often() -> None:
    """Of 20, four in each of 2,000 draws: each one 400 times, 18 being a standard deviation."""
    labels = {f"d{number}": number % 2 for number in range(20)}
    drawn = Counter(name for seed in range(2000) for name in stratified(labels, 4, seed))
    assert len(drawn) == 20
    assert all(abs(count - 400) < 5 * 18 for count in drawn.values())
