"""Words beside as many others of as many pieces."""

import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from auditkit.probes._others import asked_once, beside, documents_words, generator
from auditkit.testing import SyntheticBench, synthetic_trace, whole

WORDS = st.lists(st.tuples(st.integers(1, 4), st.booleans()), max_size=30)


@given(WORDS, st.integers(0, 99))
def test_both_sides_have_as_many_words_of_as_many_pieces(
    words: list[tuple[int, bool]], seed: int
) -> None:
    pieces = np.array([size for size, _ in words], dtype=np.int64)
    chosen = np.array([mine for _, mine in words], dtype=bool)
    mine, theirs = beside(pieces, chosen, np.random.default_rng(seed))
    assert chosen[mine].all()
    assert not chosen[theirs].any()
    assert len(set(mine)) == len(mine)
    assert len(set(theirs)) == len(theirs)
    for size in range(1, 5):
        there = [int(((pieces == size) & side).sum()) for side in (chosen, ~chosen)]
        taken = [int((pieces[rows] == size).sum()) for rows in (mine, theirs)]
        assert taken == [min(there)] * 2


def test_a_documents_draws_depend_on_nothing_but_itself() -> None:
    first, again = (generator(3, "d1", "stop words").random(4) for _ in range(2))
    assert (first == again).all()
    others = [generator(*key).random(4) for key in
              [(4, "d1", "stop words"), (3, "d2", "stop words"), (3, "d1", "sources")]]  # fmt: skip
    assert all((first != other).all() for other in others)


def test_positions_of_words_are_those_of_their_pieces() -> None:
    trace = synthetic_trace(np.random.default_rng(0), documents=12)
    ids = list(trace.documents.ids)
    tokens = whole(trace, "tokens")
    seen = 0
    for document in documents_words(SyntheticBench(trace), ids, ("lower", "upos")):
        mine = tokens[tokens["example_id"] == document.example_id]
        for row, word in enumerate(document.words["word"]):
            expected = mine.loc[mine["word"] == word, "position"].tolist()
            assert list(document.positions[row]) == expected
            assert document.words["pieces"][row] == len(expected)
        rows = np.arange(len(document.positions))
        assert document.positions_of(rows) == mine.loc[mine["word"] >= 0, "position"].tolist()
        assert {"lower", "upos"} <= set(document.words.columns)
        seen += 1
    assert seen == 12


def test_equal_questions_are_put_once_and_all_are_answered() -> None:
    trace = synthetic_trace(np.random.default_rng(0), documents=4)
    ids, put = list(trace.documents.ids), []

    def says(arm: str, example_id: str, do: str, where: frozenset[int]) -> list[float]:
        put.append((example_id, do, where))
        share = (len(where) + ids.index(example_id)) / 20
        return [share, 1 - share]

    asked = pd.DataFrame(
        [(ids[0], "mask", [1, 2], "a"), (ids[1], "mask", [1], "b"), (ids[0], "mask", [1, 2], "c"),
         (ids[0], "drop", [1, 2], "d")],
        columns=["example_id", "do", "positions", "name"], index=[7, 3, 7, 1],
    )  # fmt: skip
    (said,) = asked_once(SyntheticBench(trace, says=says), ["pruned"], asked)
    assert len(put) == 3
    assert said["name"].tolist() == ["a", "b", "c", "d"]
    assert [p[0] for p in said["probs"]] == [2 / 20, 2 / 20, 2 / 20, 2 / 20]
    assert said["predicted"].tolist() == [1, 1, 1, 1]
