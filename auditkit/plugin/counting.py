"""Counting the words of a run by category: what every estimate of retention follows from."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from auditkit.stats.cells import WordCells, position_bins, reference_layer
from auditkit.trace import Shard, Trace

Rule = Callable[[pd.DataFrame], NDArray[Any]]
"""Words of a shard, in the order of the text, to the category of each, "" for none. A function of a
module, or a frozen dataclass of plain values that can be called: then what it counts is kept."""


LABEL = "label"


@dataclass(frozen=True, slots=True)
class CountWords:
    """A step of `Trace.fold`: words by document, category, pieces, position and depth."""

    rule: Rule
    columns: tuple[str, ...]
    """Columns of the table `words` that the rule reads; `label` is the class of the document."""
    others: bool
    """Whether words of no category are counted too."""

    def __call__(self, shard: Shard) -> pd.DataFrame:
        """Counts of the shard's words: one row for all that are alike."""
        own = ("document", "word", "pieces", "depth")
        stored = [column for column in self.columns if column not in (*own, LABEL)]
        words = shard.table("words", [*own, *stored])
        if LABEL in self.columns:
            words[LABEL] = shard.documents.label[words["document"]]
        document, word, pieces, depth = (words[name].to_numpy(dtype=np.int64) for name in own)
        position, named = position_bins(document, word), np.asarray(self.rule(words), dtype=object)
        counted = np.ones(len(words), dtype=bool) if self.others else named != ""
        names, category = _coded(named[counted])
        keys = (
            document[counted], category, pieces[counted], position[counted], depth[counted],
        )  # fmt: skip
        sizes = [int(key.max(initial=0)) + 1 for key in keys]
        alike, count = np.unique(np.ravel_multi_index(keys, sizes), return_counts=True)
        document, category, pieces, position, depth = np.unravel_index(alike, sizes)
        return pd.DataFrame(
            {
                "document": document.astype(np.int32),
                "category": pd.Categorical.from_codes(category, categories=pd.Index(names)),
                "pieces": _narrow(pieces),
                "position": position.astype(np.int8),
                "depth": depth.astype(np.int8),
                "words": _narrow(count),
            }
        )


def word_cells(trace: Trace, rule: Rule, reads: Sequence[str], *, others: bool = True) -> WordCells:
    """The words of a run, counted by what retention depends on.

    Args:
        trace: The run.
        rule: Names each word's category, "" for none.
        reads: Columns of the table `words` that the rule reads; `label`, the gold class of the
            word's document, is one too.
        others: Whether words of no category are counted too: `retention` compares with them,
            `term_retention` does not.
    """
    counted = trace.fold(CountWords(rule, tuple(reads), others), by=["document", "category"])
    documents = trace.documents
    total, kept = documents.pieces, documents.kept
    names, category = counted["category"].cat.categories, counted["category"].cat.codes.to_numpy()
    if "" in names:  # sorted, so it is the first: words of no category are −1
        names, category = names[1:], category - 1
    return WordCells(
        layers=trace.about.layers,
        reference=reference_layer(total, kept),
        total=total,
        kept=kept,
        names=tuple(map(str, names)),
        document=counted["document"].to_numpy(),
        category=category,
        pieces=counted["pieces"].to_numpy(),
        position=counted["position"].to_numpy(),
        depth=counted["depth"].to_numpy(),
        words=counted["words"].to_numpy(),
    )


def _narrow(counts: NDArray[np.int64]) -> NDArray[Any]:
    """Counts in the smallest type that holds them; where shards differ a fold takes the wider."""
    return counts.astype(np.min_scalar_type(int(counts.max(initial=0))))


def _coded(named: NDArray[Any]) -> tuple[list[str], NDArray[np.int64]]:
    """Categories in order of name, and the index of each word's own (words,).

    Names stay Python's strings: an array of text pads all to the longest, and cuts off a last NUL.
    """
    told = [str(name) for name in named]
    names = sorted(set(told))
    code = {name: index for index, name in enumerate(names)}
    return names, np.fromiter((code[name] for name in told), dtype=np.int64, count=len(told))
