"""How hard documents are pruned, by their length and by their class."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from auditkit.plugin import (
    Chart,
    Column,
    Documents,
    Label,
    Number,
    Row,
    Telling,
    Told,
    Trace,
    bounds,
    by_group,
    class_name,
    columns,
    figure,
    tabulate,
)
from auditkit.probes._cost import NOT_COUNTED, counted_macs
from auditkit.stats.estimates import Estimate
from auditkit.stats.rates import ratio_of_sums

_NUMBERS: tuple[Column | Number, ...] = (
    *columns(
        ("documents", "Documents", "count"),
        ("length", "Tokens", "text", "Of the shortest and the longest, with special tokens."),
    ),
    Number("keep_rate", "Keep rate, mean over layers", "share", "Share of the pairs of a token and "
           "a layer in which the token is alive after the layer; special tokens left out.",
           "Student's t over document sums."),
    Number("macs_share", "Share of the baseline's MACs", "share", "",
           "Student's t over document sums."),
)  # fmt: skip

BY_LENGTH = Telling(
    Chart(
        name="by_length",
        kind="dots",
        table="by_length",
        title="Mean keep rate by length of the document",
        alt="Share of the tokens alive, mean over the layers, by quartile of the number of tokens, "
        "with 95 % intervals. The table has the figures.",
        x="keep_rate",
        y="length",
        interval="keep_rate_interval",
        count="documents",
    ),
    high="tokens of a document where most is kept",
    low="least",
)


def lengths_table(trace: Trace) -> Told:
    """Over all documents, then by quartile of the number of tokens."""
    return tabulate(
        "by_length",
        "Keep rate and cost by length of the document",
        [Label("bucket", "Quartile", whole="all"), *_NUMBERS],
        _rows(trace.documents, "bucket", quartiles(trace.documents)),
        note="Quartiles of the number of tokens; documents of one length are in one quartile.",
        arm=trace.about.depths_of,
    )


def classes_table(trace: Trace) -> Told:
    """By gold class."""
    documents, labels = trace.documents, trace.about.labels
    _, *rows = _rows(documents, "class", documents.label, lambda c: class_name(labels, int(c)))
    return tabulate(
        "by_class",
        "Keep rate and cost by class",
        [Label("class", "Class"), *_NUMBERS],
        rows,
        arm=trace.about.depths_of,
    )


def quartiles(documents: Documents) -> NDArray[np.int64]:
    """The quartile of each document's number of tokens, 1 to 4 (n,); no length is split."""
    return part_of(documents.tokens, 4)


def part_of(values: NDArray[Any], parts: int) -> NDArray[np.int64]:
    """Which of so many parts of about one size each value (n,) lies in, from 1; equals in one."""
    edges = np.quantile(values, np.arange(1, parts) / parts)
    return np.asarray(np.searchsorted(edges, values) + 1)


def pruned(documents: Documents, who: NDArray[np.bool_]) -> Mapping[str, Estimate]:
    """How much is left of these documents (n,): of tokens over all layers, and of MACs."""
    alive = documents.kept[who].sum(axis=1, dtype=np.float64)
    entered = documents.pieces[who].astype(np.float64) * documents.kept.shape[1]
    macs = counted_macs(documents)
    share = Estimate(None, 0, why_not=NOT_COUNTED)
    if macs is not None:
        share = ratio_of_sums(macs[1][who], macs[0][who], bounds=(0, np.inf))
    return {"keep_rate": ratio_of_sums(alive, entered, bounds=(0, 1)), "macs_share": share}


def lengths(documents: Documents, who: NDArray[np.bool_]) -> str:
    """Tokens of the shortest and the longest of these documents (n,), at least one: `8–24`."""
    tokens = documents.tokens[who]
    return f"{figure(int(tokens.min()), 0)}–{figure(int(tokens.max()), 0)}"


def ends(documents: Documents) -> str:
    """The mean keep rates of the shortest and the longest documents; "" without two to compare."""
    quartile = quartiles(documents)
    told = []
    for end in (1, quartile.max()):
        who = quartile == end
        rate = pruned(documents, who)["keep_rate"].scaled(100)
        if rate.value is None or who.all():
            return ""
        value = f"{figure(rate.value, 1)} % ({bounds(rate, 1)})"
        told.append(f"{value} in documents of {lengths(documents, who)} tokens")
    return f"; the mean keep rate over the layers is {' and '.join(told)}"


def _rows(
    documents: Documents, key: str, group: NDArray[Any], name: Callable[[Any], str] = str
) -> Iterator[Row]:
    """One row over all documents, and one a group, which `name` names."""
    for value, who, estimates in by_group(lambda who: pruned(documents, who), group):
        yield Row(
            {key: None if value is None else name(value)},
            estimates,
            {"documents": int(who.sum()), "length": lengths(documents, who)},
        )
