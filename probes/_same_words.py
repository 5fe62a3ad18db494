"""Whether two models that drop no tokens rest their predictions on the same words."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from auditkit.plugin import (
    Column,
    Estimate,
    Label,
    Number,
    Row,
    Told,
    Trace,
    bounds,
    compare,
    figure,
    percent,
    tabulate,
)
from auditkit.stats.agreement import partial_spearman
from auditkit.stats.estimates import document_mean, document_share

CAVEATS = (
    "Agreement is not correctness: two models can rest on the same words and both be wrong.",
    "Leaving one word out at a time misses words that stand in for each other, and gives a model "
    "texts that it was not trained on.",
    "Both models are asked about the class that the model under audit predicts.",
)

Floats = NDArray[np.float64]


def sizes_by_word(trace: Trace, measured: pd.DataFrame) -> list[pd.DataFrame]:
    """Of each document |attribution| by word (rows, in their order) and arm."""
    ids = sorted(set(measured["example_id"]))
    key = ["example_id", "position"]
    tokens = pd.concat(list(trace.scan("tokens", [*key, "word"], ids=ids)), ignore_index=True)
    joined = measured.merge(tokens[tokens["word"] >= 0], on=key)
    by_word = joined.pivot_table(
        index=["example_id", "word"], columns="arm", values="attribution", aggfunc="sum"
    ).abs()
    return [own for _, own in by_word.groupby(level="example_id", sort=True)]


def same_words(
    documents: list[pd.DataFrame], arm: str, against: str
) -> tuple[Estimate, Estimate, Told]:
    """Rank correlation given position, how often the largest is the same word, and their table."""
    pairs = [(own[arm].to_numpy(float), own[against].to_numpy(float)) for own in documents]
    scores = [_correlation(mine, theirs) for mine, theirs in pairs]
    rho = document_mean(np.array([value for value in scores if value is not None], dtype=float))
    top = document_share(np.array([m.argmax() == t.argmax() for m, t in pairs], dtype=bool))
    table = tabulate(
        "same_words",
        f"|Attribution| of words: {arm} beside {against}",
        [
            Label("comparison", "Comparison"),
            Column(name="documents", title="Documents", kind="count"),
            Number("partial_spearman", "Spearman given position", "correlation", "Rank correlation "
                   "of words given relative position, its square, and whether a word is the first "
                   "or the last, means over documents; 0 by chance.", control="chance"),
            Number("same_largest", "Same largest word", "share", "Documents in which both models "
                   "lose most without the same word."),
        ],
        [
            Row(
                {"comparison": f"{arm} and {against}", "arm": arm, "against": against},
                {"partial_spearman": rho, "same_largest": top},
                {"documents": len(documents)},
            )
        ],
        note="One value a document: what the logit loses without a word.",
    )  # fmt: skip
    return rho, top, table


def claim_of_same_words(rho: Estimate, top: Estimate) -> str:
    """Whether both models rest on the same words."""
    if rho.value is None:
        return f"Whether both models rest on the same words is not defined: {rho.why_not}."
    told = compare(
        rho,
        more="Words that matter more to one model matter more to the other",
        less="Words that matter more to one model matter less to the other",
        none="No agreement shown between the models on which words matter",
        unknown="Whether the same words matter to both models cannot be said",
    )
    return (
        f"{told} (mean Spearman correlation given position {figure(rho.value, 2)}, "
        f"{bounds(rho, 2)}, {rho.n} documents); both lose most without the same word in "
        f"{percent(top.value or 0.0)} of the documents."
    )


def _correlation(mine: Floats, theirs: Floats) -> float | None:
    order = np.unique(mine, return_inverse=True)[1]  # ranks that count equals once
    return partial_spearman(order, theirs, np.arange(len(mine), dtype=np.float64)).value
