"""The retention of words that are sorted into categories, as tables.

Arguments that all have: `key`, what an address tells a category by; `kind`, the noun of one; `at`,
further keys of all addresses.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from auditkit.finding import Column
from auditkit.plugin.rows import ADJUSTED, Label, Number, Row, Told, called, columns, tabulate
from auditkit.plugin.tag_names import tag_name
from auditkit.stats.estimates import Estimate
from auditkit.stats.pieces import OfPieces
from auditkit.stats.survival import FIXED, Retained

RANDOM = "random keeping"
ALIKE = "other words of as many pieces in the document"
WORD = (
    "A word survives while any of its pieces does: its survival depth is the maximum over its "
    "pieces. Special tokens, and words past the model's maximum length, are in no count."
)

WORDS = columns(("words", "Words", "count"), ("documents", "Documents", "count"))
"""How much there is of a category, or of a term."""

SUMS = "Student's t over document sums."
CALLED = called(SUMS)


def rate_numbers(layer: int) -> tuple[Number, Number]:
    """Columns of what is kept after layer `layer`, and of what chance would keep."""
    return (
        Number("retention", "Kept", "share", f"Share alive after layer {layer}: words kept over "
               "words, all documents together.", basis=after(layer)),
        Number("retention_expected", "At random", "share", "The same share if each document kept "
               "as many pieces at random.", interval=None, control=RANDOM, basis=after(layer)),
    )  # fmt: skip


def after(layer: int) -> str:
    """The basis of numbers on what is kept."""
    return f"kept after layer {layer}"


def lift_number(layer: int, interval: str = SUMS, *, tested: bool = False) -> Number:
    """The column of the plain lift."""
    return Number("lift", "Lift", "ratio", "Kept over at random: 1 is what chance gives. It mixes "
                  "in how many pieces words have, and how hard their documents were pruned.",
                  interval=interval, control=RANDOM, p="Of lift = 1." if tested else None,
                  adjusted=ADJUSTED if tested else None, basis=after(layer))  # fmt: skip


def retention_table(
    rows: Sequence[Retained],
    name: str,
    title: str,
    kind: str,
    *,
    key: str = "category",
    more: Sequence[Column] = (),
    facts: Callable[[Retained], Mapping[str, Any]] = lambda row: {},
    at: Mapping[str, Any],
) -> Told:
    """How long words outlive others, and what is kept after the reference layer.

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
        f"{title}: outlived others, and kept after layer {layer}",
        [
            Label(key, kind, shown=tag_name),
            *WORDS,
            Number("concordance", "Outlives", "share", "Share of the other words of as many pieces "
                   "in its document that a word of the row outlives, over all layers, ties "
                   "counting half: .5 is chance.", CALLED, p="Of .5.", adjusted=ADJUSTED,
                   control=ALIKE),
            Number("comparable", "Comparable", "share", "Share of the words that have such others "
                   "to be compared with.", interval=None),
            *rate_numbers(layer),
            lift_number(layer, CALLED, tested=True),
            *more,
        ],
        [
            Row(
                {key: r.category},
                {
                    "concordance": r.concordance,
                    "comparable": r.comparable,
                    "retention": r.rate,
                    "retention_expected": r.expected,
                    "lift": r.lift,
                },
                {"words": r.words, "documents": r.documents, **facts(r)},
                n=r.words,
            )
            for r in rows
        ],
        note=WORD,
        **at,
    )  # fmt: skip


def adjusted_table(
    rows: Sequence[Retained],
    name: str,
    title: str,
    kind: str,
    *,
    key: str = "category",
    at: Mapping[str, Any],
) -> Told:
    """What pieces, position, document and layers add to `retention_table`."""
    layer = rows[0].reference
    ratio = f"Kept after layer {layer} over "
    return tabulate(
        name,
        f"{title}: against words that are alike",
        [
            Label(key, kind, shown=tag_name),
            Number("matched_lift", "Matched lift", "ratio", ratio + "what is expected among words "
                   "of as many pieces in the same document: 1 is chance, and it is pulled towards "
                   "1, because the row's own words are among these.", CALLED, p="Of 1.",
                   adjusted=ADJUSTED, control=ALIKE, basis=after(layer)),
            Number("rate_ratio", "Matched rate ratio", "ratio", ratio + "what there would be if "
                   "these words were kept as the other ones are: sizes are compared by this.",
                   SUMS, control=ALIKE, basis=after(layer)),
            Number("odds_ratio", "Odds ratio", "odds ratio", "Odds of outliving a layer that it "
                   "enters, against other words of as many pieces at a like position of the same "
                   "document (Mantel–Haenszel; first and last word apart, ten parts between).",
                   CALLED, p="Of 1.", adjusted=ADJUSTED,
                   control="other words of as many pieces at a like position"),
            Number("whole_words", "Lift over whole words", "ratio", ratio + "what keeping as many "
                   "whole words a document at random would keep.", SUMS,
                   control="random keeping of whole words", basis=after(layer)),
            Number("depth", "Mean survival depth", "layers", "Layers outlived by the word's "
                   "longest-lived piece."),
            Number("depth_change", "Depth above others", "layers", "Mean depth less that of all "
                   "words of as many pieces in the same document.", SUMS, control=ALIKE),
            Number("retention_macro", "Kept, mean over documents", "share", "Each document's own "
                   f"share, after layer {layer}.", basis=after(layer)),
            Number("z", "z, random pieces", "standard deviations", "Of the stronger null that "
                   "every document kept its pieces at random; lift = 1 claims less.", interval=None,
                   control=f"{RANDOM} in every document (a stronger null)"),
        ],
        [
            Row(
                {key: r.category},
                {
                    "matched_lift": r.matched_lift,
                    "rate_ratio": r.rate_ratio,
                    "odds_ratio": r.odds_ratio,
                    "whole_words": r.whole_words,
                    "depth": r.depth,
                    "depth_change": r.depth_change,
                    "retention_macro": r.macro,
                    "z": r.z,
                },
                n=r.words,
            )
            for r in rows
        ],
        **at,
    )  # fmt: skip


def curve_table(
    rows: Sequence[Retained],
    name: str,
    title: str,
    kind: str,
    *,
    key: str,
    at: Mapping[str, Any],
) -> Told:
    """Rates and matched lifts after every layer."""
    return tabulate(
        name,
        f"{title}: kept after each layer",
        [
            Label(key, kind, shown=tag_name),
            Label("layer", "Layer", "count"),
            Number("retention", "Kept", "share"),
            Number("retention_expected", "At random", "share", interval=None, control=RANDOM),
            Number("matched_lift", "Matched lift", "ratio", interval=SUMS, control=ALIKE),
        ],
        [
            Row(
                {key: r.category, "layer": layer},
                {
                    "retention": rate,
                    "retention_expected": Estimate(expected, rate.n, why_not=FIXED),
                    "matched_lift": matched,
                },
                n=r.words,
            )
            for r in rows
            for layer, (rate, expected, matched) in enumerate(
                zip(r.curve, r.expected_curve, r.matched_curve, strict=True), start=1
            )
        ],
        **at,
    )


def pieces_table(
    rows: Sequence[OfPieces],
    name: str,
    title: str,
    kind: str,
    layer: int,
    *,
    key: str,
    at: Mapping[str, Any],
) -> Told:
    """Each category by the number of pieces of its words, after layer `layer`."""
    return tabulate(
        name,
        f"{title}: by number of pieces",
        [
            Label(key, kind, shown=tag_name),
            Label("pieces", "Pieces"),
            *columns(("words", "Words", "count")),
            Number("retention", "Kept", "share", basis=after(layer)),
            Number("matched_lift", "Matched lift", "ratio", "Kept over what is expected among "
                   "words of as many pieces in the same document.", SUMS, control=ALIKE,
                   basis=after(layer)),
        ],
        [
            Row({key: r.category, "pieces": r.pieces},
                {"retention": r.rate, "matched_lift": r.matched_lift},
                {"words": r.words}, n=r.words)
            for r in rows
        ],
        **at,
    )  # fmt: skip
