import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from auditkit.plugin import changed_decisions

LAYERS = 3

tokens = st.lists(
    st.tuples(st.integers(0, 4), st.booleans(), st.integers(0, LAYERS), st.integers(0, LAYERS)),
    max_size=30,
)


@given(tokens)
def test_decisions_are_those_of_a_loop(rows: list[tuple[int, bool, int, int]]) -> None:
    table = np.array(rows, dtype=np.int64).reshape(-1, 4)
    document, special, ours, theirs = table.T
    changed, whole = changed_decisions(document, special.astype(bool), ours, theirs, LAYERS)
    assert changed.shape == whole.shape == (max((r[0] for r in rows), default=-1) + 1, LAYERS)
    for d in range(len(whole)):
        for layer in range(LAYERS):
            mine = [(a, b) for at, special, a, b in rows if at == d and not special]
            entering = [(a, b) for a, b in mine if a >= layer and b >= layer]
            kept = [(a > layer, b > layer) for a, b in entering]
            assert whole[d, layer] == len(entering)
            assert changed[d, layer] == sum(one != other for one, other in kept)


def test_a_token_is_compared_up_to_its_first_changed_decision() -> None:
    changed, whole = changed_decisions(
        np.array([0, 0]), np.zeros(2, dtype=bool), np.array([1, 3]), np.array([3, 3]), LAYERS
    )
    assert whole.tolist() == [[2, 2, 1]]
    assert changed.tolist() == [[0, 1, 0]]
