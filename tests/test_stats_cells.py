from dataclasses import replace

import numpy as np
import pytest
from counted import Words, some_words

from auditkit.errors import ProbeError
from auditkit.stats.cells import position_bins, reference_layer
from auditkit.stats.resampling import Bootstrap
from auditkit.stats.survival import retention, term_retention


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
    one, other = (retention(c, Bootstrap(np.random.default_rng(0), 20)) for c in (narrow, wide))
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
    by_hand = []
    for d, w in zip(document, word, strict=True):
        inside = word[document == d]
        by_hand.append(int((inside < w).sum()) * 10 // inside.size)
    assert position_bins(document, word).tolist() == by_hand


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
