from dataclasses import replace

import numpy as np
import pytest
from counted import Words, some_words

from auditkit.errors import ProbeError
from auditkit.stats.cells import position_bins, reference_layer
from auditkit.stats.survival import retention
from auditkit.stats.terms import term_retention


def test_a_selection_is_as_if_the_other_documents_were_not_there() -> None:
    words = some_words(5)
    mask = np.arange(50) % 3 != 0
    part = words.cells().select(mask)
    stay = [d for d in range(50) if mask[d] and d in set(words.document)]
    assert part.total.tolist() == words.total[stay].tolist()
    assert part.kept.tolist() == words.kept[stay].tolist()
    mine = np.isin(words.document, stay)
    alone = replace(
        words,
        total=words.total[stay],
        kept=words.kept[stay],
        document=np.array([stay.index(d) for d in words.document[mine]]),
        **{n: getattr(words, n)[mine] for n in ("category", "pieces", "position", "depth")},
    ).cells()
    for name in ("document", "category", "pieces", "position", "depth", "words"):
        assert getattr(part, name).tolist() == getattr(alone, name).tolist()
        assert getattr(part, name).dtype == getattr(alone, name).dtype


def test_a_selection_keeps_the_reference_layer_of_the_whole_run() -> None:
    total, kept = np.array([10, 30]), np.array([[9, 5], [15, 1]])
    each = np.array([0, 1])
    whole = Words(2, total, kept, ("a", "b"), each, each, each + 1, each, each).cells()
    part = whole.select(each == 0)
    assert whole.reference == part.reference == 1
    assert reference_layer(part.total, part.kept) == 2


def test_cells_out_of_order_are_refused() -> None:
    cells = some_words(2).cells()
    with pytest.raises(ProbeError, match="sort the rows"):
        replace(cells, document=cells.document[::-1])


def test_wider_integers_make_no_difference() -> None:
    narrow = some_words(4).cells()
    names = ("document", "category", "pieces", "position", "depth", "words")
    wide = replace(narrow, **{name: getattr(narrow, name).astype(np.int64) for name in names})
    one, other = (retention(c, np.random.default_rng(0)) for c in (narrow, wide))
    assert one == other
    assert term_retention(narrow) == term_retention(wide)


def test_what_random_keeping_expects_of_a_block_is_in_the_order_of_layers() -> None:
    cells = some_words(6).cells()
    every = cells.expected([1, 2, 3])
    assert every.shape == (50, 4, 3)
    assert cells.expected([3])[:, :, 0] == pytest.approx(every[:, :, 2])
    assert (np.diff(every, axis=2) <= 1e-12).all()
    alive = cells.alive()
    for d, c in ((0, 1), (5, 3)):
        mine = (cells.document == d) & (cells.category == c)
        for layer in range(4):
            assert alive[d, c, layer] == cells.words[mine & (cells.depth >= layer)].sum()
    assert (cells.holders() == (alive[:, :, 0] > 0).sum(axis=0)).all()


def test_position_bins_by_hand() -> None:
    document, word = np.array([1, 0, 0, 1, 1, 0, 3]), np.array([4, 9, 2, 0, 7, 5, 1])
    # document 0 holds words 2, 5, 9, document 1 holds 0, 4, 7, document 3 one word
    assert position_bins(document, word).tolist() == [1, 11, 0, 0, 11, 1, 0]


def test_first_and_last_word_have_bins_of_their_own() -> None:
    bins = position_bins(np.zeros(42, dtype=np.int64), np.arange(42))
    assert bins.tolist() == [0, *np.repeat(np.arange(1, 11), 4), 11]
    for size in range(1, 30):
        bins = position_bins(np.zeros(size, dtype=np.int64), np.arange(size))
        assert (bins == 0).sum() == 1
        assert (bins == 11).sum() == (size > 1)
        assert (np.diff(bins) >= 0).all()


def test_by_pieces_parts_each_category() -> None:
    cells = some_words(0).cells()
    sized = cells.by_pieces()
    for c, name in enumerate(cells.names):
        for place in range(4):
            mine = (cells.category == c) & (
                cells.pieces >= 4 if place == 3 else cells.pieces == place + 1
            )
            assert (mine == (sized.category == 4 * c + place)).all()
            assert sized.names[4 * c + place] == name
    assert ((cells.category < 0) == (sized.category < 0)).all()


@pytest.mark.parametrize(
    ("kept", "layer"),
    [
        ([98, 95, 32, 24, 13, 0], 3),  # the last layer keeps nearly nothing: not taken
        ([75, 25, 0], 2),  # as near on either side: the later
        ([100, 100], 2),
        ([0, 0], 2),
        ([1], 1),
    ],
)
def test_reference_layer_is_where_half_are_alive(kept: list[int], layer: int) -> None:
    whole = np.array([kept])
    assert reference_layer(np.array([100]), whole) == layer
    assert reference_layer(np.array([60, 40]), np.vstack([whole - whole // 2, whole // 2])) == layer
