"""t-SNE pictures of kept tokens and of documents, as tables of points."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from auditkit.plugin import UNCOUNTED, Cell, Column, Table, Trace, class_name, columns
from auditkit.probes._points import DOCUMENT, KEPT, STATE
from auditkit.stats.projection import flat

MOST = 800
"""Points of a picture."""
FEWEST = 10
NO_WORD = "(no word)"

X_Y = columns(("x", "First axis", "number"), ("y", "Second axis", "number"))


def maps(trace: Trace, measured: pd.DataFrame, seed: int, *, enough: bool) -> list[Table]:
    """The points of each picture that there is something to show in.

    Args:
        trace: The run.
        measured: States, as `Cluster.measure` gives them.
        seed: Of the projection.
        enough: Whether tokens are shown.
    """
    labels = trace.about.labels
    found = []
    in_state = measured[measured["space"] == STATE]
    kept = _some(in_state[in_state["set"] == KEPT])
    if enough and len(kept) >= FEWEST:
        words = _words(trace, kept)
        places = zip(kept["example_id"], kept["word"], _flat(kept, seed), strict=True)
        rows = [
            (word, _class(trace, one, labels), upos or "none", *at)
            for one, number, at in places
            for word, upos in [words.get((one, number), (NO_WORD, ""))]
        ]
        found.append(
            _table(
                "tokens_map", "Kept tokens: places in the picture",
                (
                    Column(name="word", title="Word", kind="label", held_by=UNCOUNTED),
                    *columns(("class", "Class", "label"), ("category", "Part of speech", "label")),
                ),
                rows,
            )
        )  # fmt: skip
    (audited,) = trace.about.in_role("audited")
    documents = _some(in_state[(in_state["set"] == DOCUMENT) & (in_state["arm"] == audited)])
    if len(documents) >= FEWEST:
        rows_of = [
            (_class(trace, one, labels), *at)
            for one, at in zip(documents["example_id"], _flat(documents, seed), strict=True)
        ]
        title = "Documents: places in the picture"
        found.append(_table("documents_map", title, columns(("class", "Class", "label")), rows_of))
    return found


def _some(points: pd.DataFrame) -> pd.DataFrame:
    """At most `MOST`, spread evenly over the documents, in the order of ids."""
    ordered = points.sort_values(["example_id", "position"], kind="stable")
    if len(ordered) <= MOST:
        return ordered
    return ordered.iloc[np.arange(MOST) * len(ordered) // MOST]


def _flat(points: pd.DataFrame, seed: int) -> list[tuple[float, float]]:
    vectors = np.stack(points["vector"].to_list()).astype(np.float32)
    return [(float(x), float(y)) for x, y in flat(vectors, seed)]


def _words(trace: Trace, kept: pd.DataFrame) -> dict[tuple[str, int], tuple[str, str]]:
    """Text and part of speech by document and word."""
    ids = sorted(set(kept["example_id"]))
    wanted = ["example_id", "word", "text", "upos"]
    return {
        (one, word): (text, upos)
        for shard in trace.scan("words", wanted, ids=ids)
        for one, word, text, upos in shard[wanted].itertuples(index=False, name=None)
    }


def _class(trace: Trace, example_id: str, labels: Sequence[str]) -> str:
    documents = trace.documents
    return class_name(labels, int(documents.label[documents.row_of(example_id)]))


def _table(
    name: str, title: str, named: Sequence[Column], rows: Sequence[tuple[Cell, ...]]
) -> Table:
    return Table(name=name, title=title, columns=(*named, *X_Y), rows=tuple(rows))
