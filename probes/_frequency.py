"""Words by class and by outcome: how often they are kept, and what chance would keep."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from auditkit.plugin import (
    Cell,
    Chart,
    Column,
    Estimate,
    Label,
    Number,
    Row,
    Table,
    Told,
    Trace,
    Undefined,
    class_name,
    classes_of,
    columns,
    direction,
    percent,
    tabulate,
)
from auditkit.plugin.retention_tables import lift_number, rate_numbers
from auditkit.stats.cells import WordCells
from auditkit.stats.terms import TermRetained, tested_terms

RIGHT, WRONG = "true positives", "errors"
FEW_CLASSES = 12
"""With more, documents answered rightly and wrongly are told apart over all classes alone."""
CLOUDS = 6
"""Classes that have a cloud of words, the first ones."""
CLOUD_WORDS = 60
NAMED = 5
"""Words that a claim names."""
COUNTED = "a count of these documents"


@dataclass(frozen=True, slots=True)
class Frequent:
    """The words of some documents."""

    at: Mapping[str, str]
    """Class and group; neither for all documents."""
    words: int
    """Of those told of."""
    kept: int
    tested: int
    shown: tuple[TermRetained, ...]
    """Asked for, most kept, most dropped, above chance and below: each once, most kept first."""
    above: tuple[TermRetained, ...]
    below: tuple[TermRetained, ...]
    """Shown to be kept more, and less, than by chance; the farthest first."""
    most_kept: tuple[TermRetained, ...]

    @classmethod
    def of(
        cls,
        cells: WordCells,
        who: NDArray[np.bool_],
        at: Mapping[str, str],
        asked: frozenset[str],
        top: int,
    ) -> "Frequent":
        """Those of some documents (n,)."""
        found = tested_terms(cells.select(who))
        above = [t for t in found if t.lift.p is not None and direction(t.lift, 1) == 1]
        below = [t for t in found if t.lift.p is not None and direction(t.lift, 1) == -1]
        above.sort(key=lambda t: (-(t.lift.value or 0), t.term))
        below.sort(key=lambda t: (t.lift.value or 0, t.term))
        kept = sorted(found, key=lambda t: (-t.kept, t.term))
        dropped = sorted(found, key=lambda t: (t.kept - t.words, t.term))
        told = {t.term for part in (above, below, kept, dropped) for t in part[:top]} | asked
        return cls(
            at,
            sum(t.words for t in found),
            sum(t.kept for t in found),
            sum(t.lift.p is not None for t in found),
            tuple(t for t in kept if t.term in told),
            tuple(above),
            tuple(below),
            tuple(kept[:CLOUD_WORDS]),
        )


def populations(trace: Trace) -> Iterator[tuple[NDArray[np.bool_], dict[str, str]]]:
    """Which documents (n,), and what they are called: all, answered rightly, wrongly; by class."""
    documents, labels = trace.documents, trace.about.labels
    (audited,), label = trace.about.in_role("audited"), documents.label
    answers = documents.answers(audited)
    assert answers is not None  # it runs on all documents
    right = np.asarray(answers.predicted[:, 0] == label)
    classes = classes_of(documents)
    for value in (None, *classes):
        mine = np.ones(len(label), dtype=bool) if value is None else np.asarray(label == value)
        at = {} if value is None else {"class": class_name(labels, value)}
        yield mine, at
        if trace.about.dataset.labelled and (value is None or len(classes) <= FEW_CLASSES):
            yield mine & right, at | {"group": RIGHT}
            yield mine & ~right, at | {"group": WRONG}


def words_table(trace: Trace, found: Sequence[Frequent], layer: int) -> Told:
    """All that are shown, population by population."""
    return tabulate(
        "words",
        f"Words, and what is kept of them after layer {layer}",
        [
            Label("term", "Word", held_by="documents"),
            Label("class", "Class", whole="all classes"),
            Label("group", "Documents", whole="all"),
            *columns(("words", "Words", "count"), ("documents", "Documents that hold it", "count"),
                     ("kept", "Words kept", "count")),
            Number("share", "Share of words", "share", "Of the words told of, in these documents.",
                   interval=None),
            Number("kept_share", "Share of kept words", "share", "The same of what is kept.",
                   interval=None),
            *rate_numbers(layer),
            lift_number(layer, "Fieller's on document sums; of words called different the "
                        "level is 1 − 0.05·R/m, for R of m tested that are.", tested=True),
        ],
        (row for one in found for row in _rows(one)),
        note="Each class and group is a family of tests of its own.",
        arm=trace.about.depths_of,
    )  # fmt: skip


def _rows(one: Frequent) -> Iterator[Row]:
    for t in one.shown:
        yield Row(
            {"term": t.term, **one.at},
            {
                "share": _over(t.words, one.words, t.documents),
                "kept_share": _over(t.kept, one.kept, t.documents),
                "retention": t.rate,
                "retention_expected": t.expected,
                "lift": t.lift,
            },
            {"words": t.words, "documents": t.documents, "kept": t.kept},
            n=t.words,
        )


def _over(part: int, whole: int, documents: int) -> Estimate:
    if not whole:
        return Estimate(None, documents, why_not="no word is kept")
    return Estimate(part / whole, documents, why_not=COUNTED)


def cloud_tables(trace: Trace, found: Sequence[Frequent]) -> list[Table]:
    """The most kept words of each class, as a cloud is made of."""
    by_class = [one for one in found if "class" in one.at and "group" not in one.at][:CLOUDS]
    return [
        Table(
            name=f"cloud_{number}",
            title=f"{one.at['class']}: the most kept words",
            columns=(
                Column(name="term", title="Word", kind="label", held_by="documents"),
                *columns(("kept", "Words kept", "count"), ("over_chance", "Lift", "number"),
                         ("documents", "Documents that hold it", "count")),
            ),
            rows=tuple((t.term, t.kept, _lift(t), t.documents) for t in one.most_kept if t.kept),
        )
        for number, one in enumerate(by_class, start=1)
    ]  # fmt: skip


def _lift(term: TermRetained) -> Cell:
    return Undefined(term.lift.why_not) if term.lift.value is None else float(term.lift.value)


def cloud_charts(tables: Sequence[Table]) -> list[Chart]:
    """Two pictures a class: words as large as they are kept often, and as their lift."""
    return [
        Chart(
            name=f"{table.name}_{size}",
            kind="cloud",
            table=table.name,
            title=f"{table.title}, {told}",
            alt="Words set the larger, the greater the number; the table has the figures.",
            x=size,
            y="term",
        )
        for table in tables
        for size, told in (("kept", "sized by count"), ("over_chance", "sized by lift over chance"))
    ]


def claim_of_words(everyone: Frequent) -> str:
    """Which words are kept most often, and which more and less than by chance."""
    most = ", ".join(f"“{t.term}” ({t.kept:,})" for t in everyone.most_kept[:NAMED] if t.kept)
    parts = [f"The most kept words are {most}" if most else "No word is kept"]
    more, less = len(everyone.above), len(everyone.below)
    if not everyone.tested:
        parts.append("none occurs often enough to be held against chance")
    else:
        parts.append(
            f"of {everyone.tested:,} that occur often enough to be held against chance, {more:,} "
            f"{'is' if more == 1 else 'are'} kept more often ({_farthest(everyone.above)}) and "
            f"{less:,} less often ({_farthest(everyone.below)}), Benjamini–Hochberg at 5 %"
        )
    return "; ".join(parts) + "."


def _farthest(terms: Sequence[TermRetained]) -> str:
    named = [
        f"“{t.term}” {percent(t.rate.value)} against {percent(t.expected.value)}"
        for t in terms[:NAMED]
        if t.rate.value is not None and t.expected.value is not None
    ]
    return ", ".join(named) or "none"
