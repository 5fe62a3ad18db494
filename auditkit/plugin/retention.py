"""The retention of words as a finding prints it: tables, measurements, charts and claims.

One way of saying it for all probes that sort words into categories. The numbers come from
`auditkit.stats.survival`.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from auditkit.finding.values import Cell, Chart, Column, Measurement, Table, Undefined
from auditkit.plugin.figures import bounds, cells, columns, measurement
from auditkit.stats.estimates import Estimate
from auditkit.stats.survival import (
    Retained,
    Survival,
    TermRetained,
    position_bins,
    reference_layer,
)
from auditkit.trace.tables import Trace

RANDOM = "random keeping"

NAMED = 3
"""Categories that a claim names on either side."""

WORD = (
    "A word survives while any of its pieces does: its survival depth is the maximum over its "
    "pieces. Special tokens, and words past the model's maximum length, are in no count."
)


def caveats_of(survival: Survival) -> tuple[str, ...]:
    """What holds for every number on retention."""
    return (
        WORD,
        f'"Kept" is kept after layer {survival.reference} of {survival.layers}, the layer after '
        "which the share of all pieces alive is nearest to one half. It is chosen from these "
        "counts alone, before any category is looked at, so it favours none.",
        "Lift compares with random keeping of as many pieces per document; it knows nothing of "
        "position or length, the adjusted odds ratio does (10 relative positions × 5 document "
        "lengths × 1, 2, 3 or more pieces, within each layer).",
    )


def survival_of(trace: Trace) -> Survival:
    """The words of `trace`, in the order of its table `words`.

    Documents are numbered in the order of their ids, so that results do not depend on the order in
    which they were audited.
    """
    words = trace.table("words")
    index = pd.Index(trace.table("examples")["example_id"]).sort_values()
    alive = tokens_alive(trace, index)
    document = index.get_indexer(words["example_id"]).astype(np.int64)
    return Survival(
        layers=trace.about.layers,
        reference=reference_layer(alive[:, 0], alive[:, 1:]),
        example_ids=index.to_numpy(dtype=object),
        total=alive[:, 0],
        kept=alive[:, 1:],
        document=document,
        depth=words["depth"].to_numpy(dtype=np.int64),
        pieces=words["pieces"].to_numpy(dtype=np.int64),
        position=position_bins(document, words["word"].to_numpy(dtype=np.int64)),
    )


def tokens_alive(trace: Trace, ids: pd.Index, *, special: bool = False) -> NDArray[np.int64]:
    """Tokens of each document alive after layers 0..L, (documents, L + 1); it reads shard by shard.

    Args:
        trace: The run.
        ids: All example ids of the trace, in the order that the rows shall have.
        special: Whether to count the special tokens, instead of all others.
    """
    by_depth = np.zeros((len(ids), trace.about.layers + 1), dtype=np.int64)
    for shard in trace.scan("tokens"):
        mine = shard[shard["special"].to_numpy(dtype=bool) == special]
        owner = ids.get_indexer(pd.Index(mine["example_id"]))
        np.add.at(by_depth, (owner, mine["depth"].to_numpy(dtype=np.int64)), 1)
    return by_depth[:, ::-1].cumsum(axis=1)[:, ::-1]


def claim_of(retained: Retained, noun: str) -> str:
    """One sentence on one category; `noun` in the plural, as in "Stop words"."""
    lift, rate = retained.lift, retained.rate
    if retained.direction is None or rate.value is None or retained.expected.value is None:
        reason = lift.why_not or rate.why_not
        return f"{noun}: no comparison with random keeping is possible: {reason}."
    numbers = (
        f"{_percent(rate.value)} against {_percent(retained.expected.value)} {_after(retained)}, "
        f"{_lift_text(lift)}"
    )
    if retained.direction == 0:
        return f"No difference shown between {_lower(noun)} and random keeping: {numbers}."
    word = "more" if retained.direction > 0 else "less"
    return f"{noun} are kept {word} often than at random: {numbers}."


def claim_over(rows: Sequence[Retained], kind: str) -> str:
    """One sentence on many categories, highest lift first; `kind` in the plural."""
    tested = [r for r in rows if r.direction is not None]
    if not tested:
        largest = max(rows, key=lambda r: (r.documents, r.category))
        return (
            f"None of the {kind} can be compared with random keeping; the most frequent, "
            f"{_plain(largest.category)}: {largest.lift.why_not}."
        )
    more = [r for r in tested if r.direction == 1]
    less = [r for r in reversed(tested) if r.direction == -1]
    where = f"{_after(tested[0])} ({len(tested)} tested, Benjamini–Hochberg at 5 %)"
    if not more and not less:
        far = max(tested, key=lambda r: abs(np.log(max(r.lift.value or 0.0, 1e-9))))
        return (
            f"No difference shown between {kind} and random keeping of as many pieces {where}; "
            f"farthest from it is {_plain(far.category)}, {_lift_text(far.lift)}."
        )
    told = []
    if more:
        told.append(f"more often {_names(more)} ({_end('most', more)})")
    if less:
        told.append(f"less often {_names(less)} ({_end('least', less)})")
    return (
        f"Of the {kind}, pruning keeps {' and '.join(told)}, compared with random keeping of as "
        f"many pieces {where}."
    )


def _plain(category: str) -> str:
    """A category as part of a sentence: a claim is one line whatever a pipeline calls its types."""
    return " ".join(category.split())[:60]


def _after(retained: Retained) -> str:
    return f"after layer {retained.reference} of {len(retained.curve)}"


def _names(rows: Sequence[Retained]) -> str:
    named = ", ".join(_plain(r.category) for r in rows[:NAMED])
    return named + (f" and {len(rows) - NAMED} more" if len(rows) > NAMED else "")


def _end(most: str, rows: Sequence[Retained]) -> str:
    """The first of `rows` that has an interval, of rows in order; the very first if none has."""
    if len(rows) == 1:
        return _lift_text(rows[0].lift)
    end = next((r for r in rows if r.lift.interval is not None), rows[0])
    among = "" if end is rows[0] else " with an interval"
    return f"{most}{among} {_plain(end.category)}, {_lift_text(end.lift)}"


def _lift_text(lift: Estimate) -> str:
    """`lift 1.21, 95 % interval 1.18 to 1.24`."""
    if lift.value is None:
        return f"no lift, {lift.why_not}"
    return f"lift {lift.value:.2f}, {bounds(lift, 2)}"


def _percent(share: float) -> str:
    """`41.2 %`."""
    return f"{100 * share:.1f} %"


def _lower(noun: str) -> str:
    return noun[:1].lower() + noun[1:]


def retention_table(
    rows: Sequence[Retained], name: str, title: str, kind: str, reference: int
) -> Table:
    """Rates after layer `reference` against random keeping; `kind` is one category's noun."""
    return Table(
        name=name,
        title=f"{title}: kept after layer {reference}",
        columns=columns(
            ("category", kind, "label"),
            ("words", "Words", "count"),
            ("documents", "Documents", "count"),
            ("rate", "Kept", "share", f"Share alive after layer {reference}: words kept over "
             "words, all documents together."),
            ("rate_interval", "95 % interval", "interval"),
            ("expected", "At random", "share", "The same share if each document kept as many "
             "pieces at random."),
            ("lift", "Lift", "number", "Kept over at random: 1 is what chance gives."),
            ("lift_interval", "95 % interval", "interval", "Bootstrap over documents."),
            ("p", "p", "p", "Of lift = 1, from the bootstrap."),
            ("p_adjusted", "p adjusted", "p", "Benjamini–Hochberg over the rows of this table."),
        ),
        rows=tuple(
            (r.category, r.words, r.documents, *cells(r.rate), cells(r.expected)[0],
             *cells(r.lift), _p(r.lift.p, r.lift), _p(r.p_adjusted, r.lift))
            for r in rows
        ),
        note=WORD,
    )  # fmt: skip


def adjusted_table(rows: Sequence[Retained], name: str, title: str, kind: str) -> Table:
    """What position, length and layers add to `retention_table`."""
    return Table(
        name=name,
        title=title,
        columns=columns(
            ("category", kind, "label"),
            ("odds_ratio", "Adjusted odds ratio", "number", "Odds of outliving a layer that it "
             "enters, against other words of like relative position, document length and pieces "
             "(Mantel–Haenszel)."),
            ("odds_interval", "95 % interval", "interval", "Bootstrap over documents."),
            ("depth", "Mean survival depth", "number", "Layers outlived by the word's "
             "longest-lived piece."),
            ("depth_interval", "95 % interval", "interval"),
            ("macro", "Kept, mean over documents", "share", "Each document's own share, after the "
             "layer of the table before."),
            ("macro_interval", "95 % interval", "interval"),
            ("z", "z, exact", "number", "Of the stronger null that every document kept its "
             "pieces at random; lift = 1 claims less."),
        ),
        rows=tuple(
            (r.category, *cells(r.odds_ratio), *cells(r.depth), *cells(r.macro), cells(r.z)[0])
            for r in rows
        ),
    )  # fmt: skip


def curve_table(rows: Sequence[Retained], name: str, title: str, kind: str) -> Table:
    """Rates after every layer."""
    return Table(
        name=name,
        title=title,
        columns=columns(
            ("category", kind, "label"),
            ("layer", "Layer", "count"),
            ("rate", "Kept", "share"),
            ("rate_interval", "95 % interval", "interval"),
            ("expected", "At random", "share"),
        ),
        rows=tuple(
            (r.category, layer, *cells(rate), expected)
            for r in rows
            for layer, (rate, expected) in enumerate(
                zip(r.curve, r.expected_curve, strict=True), start=1
            )
        ),
    )


TERM_NOTE = "Intervals here are Student's t over the documents that hold the term."


def term_columns(reference: int) -> tuple[Column, ...]:
    """What a table says of a single term, after its name."""
    return columns(
        ("words", "Words", "count"),
        ("documents", "Documents", "count"),
        ("rate", "Kept", "share", f"Share alive after layer {reference}."),
        ("rate_interval", "95 % interval", "interval"),
        ("expected", "At random", "share"),
        ("lift", "Lift", "number"),
        ("lift_interval", "95 % interval", "interval"),
    )


def term_table(
    rows: Sequence[TermRetained], name: str, title: str, kind: str, reference: int
) -> Table:
    """Rates of single terms after layer `reference` against random keeping."""
    return Table(
        name=name,
        title=title,
        columns=(*columns(("term", kind, "label")), *term_columns(reference)),
        rows=tuple((t.term, *term_cells(t)) for t in rows),
        note=TERM_NOTE,
    )


def term_cells(term: TermRetained) -> tuple[Cell, ...]:
    """The cells under `term_columns`."""
    rate, lift = cells(term.rate), cells(term.lift)
    return term.words, term.documents, *rate, cells(term.expected)[0], *lift


def tables_of(
    rows: Sequence[Retained], title: str, kind: str, name: str = "retention"
) -> tuple[Table, Table, Table]:
    """`retention_table`, `adjusted_table` and `curve_table` of categories; at least one."""
    return (
        retention_table(rows, name, title, kind, rows[0].reference),
        adjusted_table(rows, f"{name}_adjusted", f"{title}: adjusted, and over all layers", kind),
        curve_table(rows, f"{name}_curve", f"{title}: kept after each layer", kind),
    )


def charts_of(lifts: Table, curves: Table, kind: str) -> tuple[Chart, Chart]:
    """Lifts of a `retention_table` as dots, rates of a `curve_table` as lines."""
    return (
        Chart(
            name=f"{lifts.name}_lift",
            kind="dots",
            table=lifts.name,
            title=f"Lift over random keeping by {kind}",
            alt=f"One dot per {kind} with its 95 % interval; at 1 words are kept as random keeping "
            "of as many pieces would keep them, right of it more often.",
            x="lift",
            y="category",
            interval="lift_interval",
            reference=1.0,
        ),
        Chart(
            name=f"{curves.name}_lines",
            kind="lines",
            table=curves.name,
            title=f"Share of words alive after each layer by {kind}",
            alt=f"One line per {kind}, from the first to the last layer; lines can only fall.",
            x="layer",
            y="rate",
            color="category",
        ),
    )


def measurements_of(rows: Sequence[Retained], prefix: str = "") -> tuple[Measurement, ...]:
    """All numbers of all categories, at `<name>[arm=pruned,slice=<prefix><category>]`."""
    return tuple(
        measurement(
            name,
            estimate,
            unit,
            n=r.words,
            arm="pruned",
            slice=f"{prefix}{r.category}",
            control=control,
            p_adjusted=r.p_adjusted if name == "lift" else None,
        )
        for r in rows
        for name, estimate, unit, control in (
            ("retention", r.rate, "share", ""),
            ("retention_macro", r.macro, "share", ""),
            ("retention_expected", r.expected, "share", RANDOM),
            ("lift", r.lift, "ratio", RANDOM),
            ("odds_ratio", r.odds_ratio, "odds ratio", "other words of like position and length"),
            ("depth", r.depth, "layers", ""),
            ("z", r.z, "standard deviations", f"{RANDOM} in every document (a stronger null)"),
        )
    )


def _p(p: float | None, estimate: Estimate) -> Cell:
    return Undefined(estimate.why_not) if p is None else p


def class_name(labels: Sequence[str], label: int) -> str:
    """Name of class `label`; the number where there is no name."""
    return labels[label] if 0 <= label < len(labels) else f"class {label}"
