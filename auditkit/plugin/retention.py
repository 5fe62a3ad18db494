"""The retention of words that are sorted into categories, as tables and charts.

One way for all probes that sort words: give `word_cells` a rule that names each word's category,
`retention` what it gives, and `retention_tables` and `retention_charts` the rows.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from auditkit.finding import Chart, Column, Table
from auditkit.plugin.rows import Label, Number, Row, Told, columns, tabulate
from auditkit.stats.cells import WordCells
from auditkit.stats.estimates import Estimate
from auditkit.stats.survival import Retained

RANDOM = "random keeping"

WORD = (
    "A word survives while any of its pieces does: its survival depth is the maximum over its "
    "pieces. Special tokens, and words past the model's maximum length, are in no count."
)

WORDS = columns(("words", "Words", "count"), ("documents", "Documents", "count"))
"""How much there is of a category, or of a term."""

FIXED = "it follows from the numbers of kept pieces"


def retention_caveats(cells: WordCells) -> tuple[str, ...]:
    """What holds for every number on retention."""
    return (
        WORD,
        f'"Kept" is kept after layer {cells.reference} of {cells.layers}, the layer after '
        "which the share of all pieces alive is nearest to one half. It is chosen from these "
        "counts alone, before any category is looked at, so it favours none.",
        "Lift compares with random keeping of as many pieces per document; it knows nothing of "
        "position or length, the adjusted odds ratio does (10 relative positions × 5 document "
        "lengths × 1, 2, 3 or more pieces, within each layer).",
    )


def retention_tables(
    rows: Sequence[Retained],
    title: str,
    kind: str,
    *,
    key: str = "category",
    name: str = "retention",
    **at: str,
) -> tuple[Told, Told, Told]:
    """Rates after the reference layer, what adjusts them, and rates after every layer.

    Args:
        rows: Categories, at least one.
        title: What they are, as in "Parts of speech".
        kind: The noun of one category.
        key: What an address tells a category by.
        name: Of the first table; the others begin with it.
        **at: Further keys of all addresses.
    """
    return (
        retention_table(rows, name, title, kind, key=key, at=at),
        adjusted_table(rows, f"{name}_adjusted", title, kind, key=key, at=at),
        _curve_table(rows, f"{name}_curve", title, kind, key, at),
    )


def retention_table(
    rows: Sequence[Retained],
    name: str,
    title: str,
    kind: str,
    *,
    key: str = "category",
    more: Sequence[Column] = (),
    facts: Callable[[Retained], Mapping[str, Any]] = lambda row: {},
    at: Mapping[str, str] | None = None,
) -> Told:
    """Rates after the reference layer against random keeping.

    Args:
        rows: Categories, at least one.
        name: Of the table.
        title: What the categories are.
        kind: The noun of one category.
        key: What an address tells a category by.
        more: Columns of facts behind the usual ones.
        facts: The cells of `more`.
        at: Further keys of all addresses.
    """
    layer = rows[0].reference
    return tabulate(
        name,
        f"{title}: kept after layer {layer}",
        [
            Label(key, kind),
            *WORDS,
            *rate_numbers(layer, lift_interval="Bootstrap over documents.", tested=True),
            *more,
        ],
        [
            Row(
                {key: r.category},
                {
                    "retention": r.rate,
                    "retention_expected": r.expected,
                    "lift": replace(r.lift, p_adjusted=r.p_adjusted),
                },
                {"words": r.words, "documents": r.documents, **facts(r)},
                n=r.words,
            )
            for r in rows
        ],
        note=WORD,
        arm="pruned",
        **(at or {}),
    )


def rate_numbers(
    layer: int, lift_interval: str = "", *, tested: bool = False
) -> tuple[Number, Number, Number]:
    """Columns of what is kept after layer `layer`, by chance, and the one over the other.

    Args:
        layer: The layer.
        lift_interval: What the column of intervals of the lift says of itself.
        tested: Whether lifts have a p.
    """
    return (
        Number("retention", "Kept", "share", f"Share alive after layer {layer}: words kept over "
               "words, all documents together."),
        Number("retention_expected", "At random", "share", "The same share if each document kept "
               "as many pieces at random.", interval=None, control=RANDOM),
        Number("lift", "Lift", "ratio", "Kept over at random: 1 is what chance gives.",
               interval=lift_interval, control=RANDOM,
               p="Of lift = 1, from the bootstrap." if tested else None,
               adjusted="Benjamini–Hochberg over the rows of this table." if tested else None),
    )  # fmt: skip


def adjusted_table(
    rows: Sequence[Retained],
    name: str,
    title: str,
    kind: str,
    *,
    key: str = "category",
    at: Mapping[str, str] | None = None,
) -> Told:
    """What position, length and layers add to `retention_table`, whose arguments it takes."""
    return tabulate(
        name,
        f"{title}: adjusted, and over all layers",
        [
            Label(key, kind),
            Number("odds_ratio", "Adjusted odds ratio", "odds ratio", "Odds of outliving a layer "
                   "that it enters, against other words of like relative position, document length "
                   "and pieces (Mantel–Haenszel).", interval="Bootstrap over documents.",
                   control="other words of like position and length"),
            Number("depth", "Mean survival depth", "layers", "Layers outlived by the word's "
                   "longest-lived piece."),
            Number("retention_macro", "Kept, mean over documents", "share", "Each document's own "
                   "share, after the layer of the table before."),
            Number("z", "z, exact", "standard deviations", "Of the stronger null that every "
                   "document kept its pieces at random; lift = 1 claims less.", interval=None,
                   control=f"{RANDOM} in every document (a stronger null)"),
        ],
        [
            Row(
                {key: r.category},
                {
                    "odds_ratio": r.odds_ratio,
                    "depth": r.depth,
                    "retention_macro": r.macro,
                    "z": r.z,
                },
                n=r.words,
            )
            for r in rows
        ],
        arm="pruned",
        **(at or {}),
    )  # fmt: skip


def retention_charts(lifts: Table, curves: Table, kind: str) -> tuple[Chart, Chart]:
    """Lifts of a `retention_table` as dots, rates after every layer as lines."""
    return (
        Chart(
            name=f"{lifts.name}_lift",
            kind="dots",
            table=lifts.name,
            title=f"Lift over random keeping by {kind}",
            alt=f"One dot per {kind} with its 95 % interval; at 1 words are kept as random keeping "
            "of as many pieces would keep them, right of it more often.",
            x="lift",
            y=lifts.columns[0].name,
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
            y="retention",
            color=curves.columns[0].name,
        ),
    )


def _curve_table(
    rows: Sequence[Retained], name: str, title: str, kind: str, key: str, at: dict[str, str]
) -> Told:
    """Rates after every layer."""
    return tabulate(
        name,
        f"{title}: kept after each layer",
        [
            Label(key, kind),
            Label("layer", "Layer", "count"),
            Number("retention", "Kept", "share"),
            Number("retention_expected", "At random", "share", interval=None, control=RANDOM),
        ],
        [
            Row(
                {key: r.category, "layer": layer},
                {
                    "retention": rate,
                    "retention_expected": Estimate(expected, rate.n, why_not=FIXED),
                },
                n=r.words,
            )
            for r in rows
            for layer, (rate, expected) in enumerate(
                zip(r.curve, r.expected_curve, strict=True), start=1
            )
        ],
        arm="pruned",
        **at,
    )
