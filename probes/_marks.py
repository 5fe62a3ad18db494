"""Which tokens people marked, document by document, and how long these were kept."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from auditkit.plugin import BenchView, Shard, Trace, classes_of

Ints = NDArray[np.int64]

SPANS = ("document", "char_start", "char_end")
READ = (*SPANS, "special", "depth")
COUNTS = ("document", "depth", "tokens", "marked", "spans", "past")


@dataclass(frozen=True, slots=True, eq=False)
class Marked:
    """n documents in which people marked something; L layers."""

    rows: Ints
    """(n,) in `Documents`, ascending."""
    tokens: Ints
    """(n, L + 1): tokens that are not special, by survival depth."""
    marked: Ints
    """(n, L + 1): those of them that a marked span overlaps."""
    spans: Ints
    """(n,) marked."""
    past: Ints
    """(n,) of these, those that reach past the last token that the models read."""

    @property
    def total(self) -> Ints:
        """(n,) tokens that are not special."""
        return np.asarray(self.tokens.sum(axis=1))

    @property
    def found(self) -> Ints:
        """(n,) marked tokens."""
        return np.asarray(self.marked.sum(axis=1))

    def of(self, who: NDArray[np.bool_]) -> "Marked":
        """Some of the documents (n,)."""
        return Marked(
            self.rows[who], self.tokens[who], self.marked[who], self.spans[who], self.past[who]
        )

    @property
    def usable(self) -> NDArray[np.bool_]:
        """(n,) some of the tokens are marked, and some are not."""
        return (self.found > 0) & (self.found < self.total)

    def classes(self, trace: Trace) -> list[tuple[int, NDArray[np.bool_]]]:
        """Every class that has some of the documents, and which (n,)."""
        label = trace.documents.label[self.rows]
        found = [(value, label == value) for value in classes_of(trace.documents)]
        return [(value, who) for value, who in found if who.any()]


def marked_tokens(trace: Trace) -> Marked:
    """Of all documents with a rationale."""
    return _as_arrays(trace.fold(counted, by=["document"]), trace.about.layers)


def marked_ids(bench: BenchView) -> list[str]:
    """Ids of the documents of which some tokens are marked, and some are not."""
    spans = pd.concat(list(bench.scan("rationales", SPANS)))
    ids = bench.documents.ids[np.unique(spans["document"].to_numpy())]
    tokens = pd.concat(list(bench.scan("tokens", READ, ids)))
    found = _as_arrays(_counts(tokens, spans, bench.about.layers), bench.about.layers)
    return list(map(str, bench.documents.ids[found.rows[found.usable]]))


def counted(shard: Shard) -> pd.DataFrame:
    """Columns `COUNTS`: a row for each depth 0..L of each document with a rationale."""
    spans = shard.table("rationales", SPANS)
    return _counts(shard.table("tokens", READ), spans, shard.about.layers)


def _counts(tokens: pd.DataFrame, spans: pd.DataFrame, layers: int) -> pd.DataFrame:
    rows, own = np.unique(spans["document"].to_numpy(), return_inverse=True)
    mine = tokens[~tokens["special"] & tokens["document"].isin(rows)]
    place = np.searchsorted(rows, mine["document"]) * (layers + 1) + mine["depth"].to_numpy()
    last = np.zeros(len(rows), dtype=np.int64)
    np.maximum.at(last, np.searchsorted(rows, mine["document"]), mine["char_end"].to_numpy())
    past = np.bincount(own, spans["char_end"].to_numpy() > last[own], len(rows))
    cells = len(rows) * (layers + 1)
    columns = (
        np.repeat(rows, layers + 1),
        np.tile(np.arange(layers + 1), len(rows)),
        np.bincount(place, minlength=cells),
        np.bincount(place, overlapping(mine, spans), cells),
        np.repeat(np.bincount(own, minlength=len(rows)), layers + 1),
        np.repeat(past, layers + 1),
    )
    return pd.DataFrame(
        {name: column.astype(np.int64) for name, column in zip(COUNTS, columns, strict=True)}
    )


def overlapping(tokens: pd.DataFrame, spans: pd.DataFrame) -> NDArray[np.bool_]:
    """Whether a marked span overlaps each token (tokens,).

    Args:
        tokens: Columns document, char_start and char_end.
        spans: The same, half-open as those; of one document they lie apart.
    """
    if spans.empty:
        return np.zeros(len(tokens), dtype=bool)
    ordered = spans.sort_values(["document", "char_start"])
    document, start, end = (ordered[name].to_numpy(dtype=np.int64) for name in SPANS)
    ours, first, after = (tokens[name].to_numpy(dtype=np.int64) for name in SPANS)
    longest = 1 + max(int(end.max()), int(after.max(initial=0)))
    # of the spans that start before the token ends the last one ends last: they lie apart
    at = np.searchsorted(document * longest + start, ours * longest + after) - 1
    there = np.maximum(at, 0)
    found: NDArray[np.bool_] = (at >= 0) & (document[there] == ours) & (end[there] > first)
    return found & (after > first)


def _as_arrays(counts: pd.DataFrame, layers: int) -> Marked:
    columns: Sequence[Ints] = [
        counts[name].to_numpy(dtype=np.int64).reshape(-1, layers + 1) for name in COUNTS
    ]
    document, _, tokens, marked, spans, past = columns
    return Marked(document[:, 0], tokens, marked, spans[:, 0], past[:, 0])
