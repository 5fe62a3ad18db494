"""Parts of speech in each class: how often they occur, and what is kept of them."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from auditkit.plugin import (
    Chart,
    Column,
    Label,
    Number,
    Row,
    Told,
    Trace,
    class_name,
    columns,
    tabulate,
)
from auditkit.stats.cells import WordCells
from auditkit.stats.estimates import Estimate

NONE_KEPT = "no word of the class is kept"
COUNTED = "a count of these documents"

_COLUMNS: tuple[Label | Number | Column, ...] = (
    Label("category", "Part of speech"),
    Label("class", "Class"),
    *columns(
        ("words", "Words", "count"),
        ("kept", "Words kept", "count", "Alive after the layer of the title."),
    ),
    Number("share", "Share of the class's words", "share", interval=None),
    Number("kept_share", "Share of the class's kept words", "share", interval=None),
    Number("retention", "Kept", "share", interval=None),
    Number("depth", "Mean survival depth", "layers", interval=None),
)
CLASSES_CHART = Chart(
    name="depth_by_class",
    kind="heat",
    table="by_class",
    title="Mean survival depth by part of speech and class",
    alt="One cell per part of speech and class; darker cells outlive more layers.",
    x="class",
    y="category",
    color="depth",
)


def classes_table(trace: Trace, cells: WordCells) -> Told:
    """One row a part of speech and class, most frequent first."""
    return tabulate(
        "by_class",
        f"Parts of speech by class: kept after layer {cells.reference}",
        _COLUMNS,
        _class_rows(trace, cells),
        note="Frequencies of kept words follow the frequencies of all words; only comparisons say "
        "what pruning prefers.",
        arm=trace.about.depths_of,
    )


def _class_rows(trace: Trace, cells: WordCells) -> Iterator[Row]:
    label, names = trace.documents.label, trace.about.labels
    by_class = {int(value): _counts(cells.select(label == value)) for value in np.unique(label)}
    frequency = np.sum([counts[0] for counts in by_class.values()], axis=0)
    for upos in sorted(range(len(cells.names)), key=lambda u: (-frequency[u], u)):
        for value, counts in by_class.items():
            of_class, kept_of_class = counts[0].sum(), counts[1].sum()
            words, kept, layers, documents = (int(count[upos]) for count in counts)
            if words:
                yield Row(
                    {"category": cells.names[upos], "class": class_name(names, value)},
                    {
                        "share": _over(words, of_class, documents),
                        "kept_share": _over(kept, kept_of_class, documents),
                        "retention": _over(kept, words, documents),
                        "depth": _over(layers, words, documents),
                    },
                    {"words": words, "kept": kept},
                    n=words,
                )


def _counts(cells: WordCells) -> tuple[NDArray[np.int64], ...]:
    """Words, words kept, layers outlived and documents of each part of speech, (C,) each."""
    inside, size = cells.category >= 0, len(cells.names)
    category, words, depth = cells.category[inside], cells.words[inside], cells.depth[inside]
    kept = words * (depth >= cells.reference)
    sums = (np.bincount(category, weights=w, minlength=size) for w in (words, kept, words * depth))
    return (*(s.astype(np.int64) for s in sums), cells.holders())


def _over(part: int, whole: int, documents: int) -> Estimate:
    value = part / whole if whole else None
    return Estimate(value, documents, why_not=NONE_KEPT if value is None else COUNTED)
