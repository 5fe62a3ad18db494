"""Does pruning keep the words that make a class recognisable?"""

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import pandas as pd

from auditkit.finding.values import Cell, Finding, Measurement, Table, Undefined
from auditkit.plugin.figures import cells, columns, measurement
from auditkit.plugin.probe import BenchView, answer, not_applicable
from auditkit.plugin.retention import (
    TERM_NOTE,
    caveats_of,
    charts_of,
    claim_of,
    class_name,
    measurements_of,
    retention_table,
    survival_of,
    tables_of,
    term_cells,
    term_columns,
)
from auditkit.probes._terms import ANY_FOLD, GLOSSARY, fold_of, match, term_list
from auditkit.stats.rates import benjamini_hochberg, ratio_difference, ratio_of_sums
from auditkit.stats.survival import Retained, Survival, retention, term_retention
from auditkit.trace.tables import Trace

DOMAIN, OTHER = "domain terms", "other words"

CONFOUNDED = (
    "The effect on the outcome is observational and confounded: documents in which a term survives "
    "differ from those in which it is dropped in more than that (length, position, difficulty)."
)
CROSS_FITTED = (
    "There were no training words: terms found on one half of the audited documents were measured "
    "on the other half."
)


@dataclass(frozen=True)
class DomainTerm:
    """Retention of domain terms: found by class in the training words, or given as a glossary."""

    name: ClassVar[str] = "domain_term"
    version: ClassVar[str] = "1"
    question: ClassVar[str] = "Are the terms that mark a class kept more often than by chance?"
    needs: ClassVar[frozenset[str]] = frozenset({"words"})

    top: int = 50
    """Terms per class at most."""
    min_count: int = 10
    """Occurrences in the class below which a word is no term."""
    resamples: int = 2000
    """Resamples of the document bootstrap."""

    def measure(self, bench: BenchView) -> pd.DataFrame:
        """The term list, one row a term, class and fold.

        Returns:
            Columns term, label (class index; −1 for the glossary), source (`log_odds` or
            `glossary`), z (of the log-odds), weirdness (relative frequency in the class over that
            in general English); both NaN for the glossary; fold (the half of the documents that
            the term is measured on, 0 or 1; −1: all of them).
        """
        terms: pd.DataFrame = term_list(bench, top=self.top, min_count=self.min_count)
        return terms

    def analyse(self, trace: Trace, rng: np.random.Generator) -> Finding:
        """Domain terms against other words, over all and by class; single terms; the outcome."""
        terms = trace.measured(self.name)
        if terms is None:
            return not_applicable(self, "the term list was not measured in this run")
        if terms.empty:
            return not_applicable(self, "no word marks a class, and no glossary is given")
        found = _Found.of(trace, terms)
        if not (found.any != "").any():
            return not_applicable(
                self, f"none of {len(terms)} terms occurs in the audited documents"
            )
        unit = np.where(found.any != "", DOMAIN, OTHER)
        rows = retention(found.survival, unit, rng, resamples=self.resamples)
        by_class = _by_class(trace, found, rng, self.resamples)
        lifts, adjusted, curve = tables_of(rows, "Domain terms and others", "Words")
        outcome, measured = _outcome(trace, found, rng, self.resamples)
        claim = claim_of(next(r for r in rows if r.category == DOMAIN), "Domain terms")
        crossed = bool((terms["fold"] != ANY_FOLD).any())
        if crossed:
            claim = (
                f"{claim[:-1]} (terms found on one half of the documents, measured on the other)."
            )
        return answer(
            self,
            claim=claim,
            status="reported",
            measurements=(
                *measurements_of(rows),
                *measurements_of(by_class, prefix=f"{DOMAIN} of "),
                *measured,
            ),
            tables=(
                lifts,
                adjusted,
                curve,
                retention_table(
                    by_class,
                    "by_class",
                    "Domain terms in their own class",
                    "Class",
                    found.survival.reference,
                ),
                _terms_table(trace, found, terms),
                outcome,
            ),
            charts=charts_of(lifts, curve, "kind of word"),
            caveats=(
                *caveats_of(found.survival),
                CONFOUNDED,
                *([CROSS_FITTED] if crossed else []),
            ),
        )


@dataclass(frozen=True, eq=False)
class _Found:
    """Where the terms stand. Arrays (words,), in the order of the trace's table `words`."""

    survival: Survival
    label: np.ndarray
    """Gold class of the word's document."""
    any: np.ndarray
    """The term of any class, or of the glossary, that the word belongs to; "" for none."""
    own: np.ndarray
    """The same for terms of the document's gold class, and for the glossary."""

    @classmethod
    def of(cls, trace: Trace, terms: pd.DataFrame) -> "_Found":
        words, survival = trace.table("words"), survival_of(trace)
        gold = trace.table("examples").set_index("example_id")["label"]
        label = gold.reindex(words["example_id"]).to_numpy()
        fold = np.array([fold_of(e) for e in survival.example_ids])[survival.document]
        lower = words["lower"].to_numpy(dtype=object)
        everywhere, own = (np.full(len(words), "", dtype=object) for _ in range(2))
        for half in (0, 1):
            of_half = terms[terms["fold"].isin([half, ANY_FOLD])]
            where = np.flatnonzero(fold == half)
            everywhere[where] = match(lower[where], survival.document[where], of_half["term"])
            for value in np.unique(label[where]):
                mine = where[label[where] == value]
                listed = of_half[of_half["label"].isin([value, GLOSSARY])]
                own[mine] = match(lower[mine], survival.document[mine], listed["term"])
        return cls(survival=survival, label=label, any=everywhere, own=own)


def _by_class(
    trace: Trace, found: _Found, rng: np.random.Generator, resamples: int
) -> tuple[Retained, ...]:
    """A class's terms in its own documents, one row a class, adjusted over the classes."""
    rows = []
    for value in np.unique(found.label[found.own != ""]):
        mine = found.label == value
        unit = np.where(found.own[mine] != "", DOMAIN, OTHER)
        of_class = retention(found.survival.select(mine), unit, rng, resamples=resamples)
        row = next(r for r in of_class if r.category == DOMAIN)
        rows.append(replace(row, category=class_name(trace.about.labels, int(value))))
    adjusted = benjamini_hochberg([row.lift.p for row in rows])
    return tuple(replace(row, p_adjusted=p) for row, p in zip(rows, adjusted, strict=True))


def _terms_table(trace: Trace, found: _Found, terms: pd.DataFrame) -> Table:
    """Every term that occurs, by class; a term of two folds is one row, with its larger z."""
    listed = terms.groupby(["label", "term"], sort=True)[["z", "weirdness"]].max()
    reference = found.survival.reference
    rows: list[tuple[tuple[float, float], tuple[Cell, ...]]] = []
    for value in sorted({label for label, _ in listed.index}):
        given = value == GLOSSARY
        mine = np.ones(found.label.size, dtype=bool) if given else found.label == value
        name = "(glossary)" if given else class_name(trace.about.labels, int(value))
        place = 0.0 if given else 1.0 + value
        for term in term_retention(found.survival.select(mine), found.own[mine]):
            if (value, term.term) not in listed.index:
                continue
            z, weirdness = (
                Undefined("not computed for a glossary") if given else float(v)
                for v in listed.loc[(value, term.term)]
            )
            row = (term.term, name, *term_cells(term), z, weirdness)
            rows.append(((place, -z if isinstance(z, float) else 0.0), row))
    return Table(
        name="terms",
        title=f"Domain terms in the documents of their class: kept after layer {reference}",
        columns=(
            *columns(("term", "Term", "label"), ("class", "Class", "label")),
            *term_columns(reference),
            *columns(
                ("z", "z of log-odds", "number", "Class against all other classes, informative "
                 "Dirichlet prior (Monroe et al. 2008)."),
                ("weirdness", "Weirdness", "number", "Relative frequency in the class over that "
                 "in general English."),
            ),
        ),
        rows=tuple(row for _, row in sorted(rows, key=lambda r: r[0])),
        note=TERM_NOTE,
    )  # fmt: skip


def _outcome(
    trace: Trace, found: _Found, rng: np.random.Generator, resamples: int
) -> tuple[Table, tuple[Measurement, ...]]:
    """The pruned arm where a term of the document's class survives, and where it is dropped."""
    survival = found.survival
    has = found.own != ""
    pairs = pd.DataFrame(
        {"document": survival.document[has], "term": found.own[has], "depth": survival.depth[has]}
    )
    alive = pairs.groupby(["document", "term"])["depth"].max() >= survival.reference
    document, n = alive.index.get_level_values("document").to_numpy(), len(survival.example_ids)
    kept = np.bincount(document, weights=alive.to_numpy(), minlength=n).astype(np.float64)
    dropped = np.bincount(document, minlength=n) - kept  # terms of each document, (documents,)
    gold = trace.table("examples").set_index("example_id")["label"].reindex(survival.example_ids)
    label = gold.to_numpy(dtype=np.int64)
    predictions = trace.predictions("pruned").reindex(survival.example_ids)
    right = (predictions["predicted"].to_numpy() == label).astype(np.float64)
    p_gold = np.array([p[c] for p, c in zip(predictions["probs"], label, strict=True)], dtype=float)
    rows, measured = [], []
    for value in (None, *np.unique(label)):
        mine = np.ones(n, dtype=bool) if value is None else label == value
        name = "all classes" if value is None else class_name(trace.about.labels, int(value))
        k, d = kept[mine], dropped[mine]
        row: list[Cell] = [name, int(k.sum()), int(d.sum())]
        for told, unit, y in (
            ("accuracy", "share", right[mine]),
            ("p_gold", "share", p_gold[mine]),
        ):
            difference = ratio_difference((y * k, k), (y * d, d), rng, resamples)
            sides = (cells(ratio_of_sums(y * w, w))[0] for w in (k, d))
            row += [*sides, *cells(difference)]
            measured.append(
                measurement(
                    f"{told}_difference",
                    difference,
                    unit,
                    n=int(k.sum() + d.sum()),
                    arm="pruned",
                    slice="" if value is None else f"{DOMAIN} of {name}",
                    control="documents where the term is dropped",
                )
            )
        rows.append(tuple(row))
    return _outcome_table(tuple(rows), survival.reference), tuple(measured)


def _outcome_table(rows: tuple[tuple[Cell, ...], ...], reference: int) -> Table:
    return Table(
        name="outcome",
        title=f"The pruned model where a term of the class survives layer {reference} and where it "
        "is dropped",
        columns=columns(
            ("class", "Class", "label"),
            ("kept", "Survives", "count", "Document and term pairs in which the term is alive "
             f"after layer {reference}."),
            ("dropped", "Dropped", "count", f"Pairs in which it is dropped by layer {reference}."),
            ("accuracy_kept", "Accuracy, survives", "share"),
            ("accuracy_dropped", "Accuracy, dropped", "share"),
            ("accuracy_difference", "Difference", "number"),
            ("accuracy_interval", "95 % interval", "interval", "Bootstrap over documents."),
            ("p_gold_kept", "p(gold), survives", "share"),
            ("p_gold_dropped", "p(gold), dropped", "share"),
            ("p_gold_difference", "Difference", "number"),
            ("p_gold_interval", "95 % interval", "interval"),
        ),
        rows=rows,
        note=CONFOUNDED,
    )  # fmt: skip
