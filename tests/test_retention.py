from dataclasses import dataclass, replace
from itertools import pairwise
from time import process_time
from typing import Any, ClassVar

import numpy as np
import pandas as pd
import pytest
from counted import reference_of
from hypothesis import given, settings
from hypothesis import strategies as st

from auditkit.finding import Finding, Undefined
from auditkit.plugin import (
    claim_of,
    claim_over,
    direction,
    retention_answer,
    word_cells,
)
from auditkit.stats.cells import WordCells, position_bins, reference_layer
from auditkit.stats.estimates import Estimate
from auditkit.stats.inclusion import inclusion_probability
from auditkit.stats.survival import Retained, Retention, retention
from auditkit.stats.terms import term_retention
from auditkit.testing import replace_tables, resharded, synthetic_trace, whole, with_depth
from auditkit.trace import TABLES, Trace


def trace_of(seed: int = 0, **options: Any) -> Trace:
    return synthetic_trace(np.random.default_rng(seed), **options)


def by_upos(words: pd.DataFrame) -> np.ndarray:
    return words["upos"].to_numpy(dtype=object)


def cells_of(trace: Trace) -> WordCells:
    return word_cells(trace, by_upos, ["upos"])


def found_in(trace: Trace) -> Retention:
    return retention(cells_of(trace), np.random.default_rng(1))


def measured(trace: Trace) -> dict[str, Retained]:
    return {row.category: row for row in found_in(trace).rows}


def shown(row: Retained) -> int | None:
    return direction(row.concordance, 0.5)


@dataclass(frozen=True)
class Sorting:
    name: ClassVar[str] = "sorting"
    version: ClassVar[str] = "1"
    question: ClassVar[str] = "What is kept?"
    needs: ClassVar[frozenset[str]] = frozenset()

    def analyse(self, trace: Trace, rng: np.random.Generator) -> Finding:
        return retention_answer(
            self, "It is.", trace, retention(cells_of(trace), rng),
            title="Words", kind="Kind", key="type",
        )  # fmt: skip


def finding_of(trace: Trace) -> Finding:
    return Sorting().analyse(trace, np.random.default_rng(1))


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000), layers=st.integers(1, 6), keep=st.floats(0.2, 0.95))
def test_reference_layer_follows_its_definition(seed: int, layers: int, keep: float) -> None:
    trace = trace_of(seed, documents=10, layers=layers, keep=keep)
    assert cells_of(trace).reference == reference_of(trace)


def test_a_last_layer_with_nearly_nothing_kept_makes_no_headline() -> None:
    full = trace_of(3, documents=300, layers=2, keep=0.5, weights={"PROPN": 4.0})
    words, tokens = whole(full, "words"), whole(full, "tokens")
    spared = full.documents.ids[:3]  # these alone have anything at the end
    words, tokens = (
        t.assign(depth=t["depth"].where(t["example_id"].isin(spared), t["depth"].clip(upper=1)))
        for t in (words, tokens)
    )
    documents = full.table("documents")
    kept = [
        [k, 0] if example_id not in spared else [k, last]
        for example_id, (k, last) in zip(documents["example_id"], documents["kept"], strict=True)
    ]
    trace = replace_tables(
        full, words=words, tokens=tokens, documents=documents.assign(kept=pd.Series(kept))
    )
    assert cells_of(trace).reference == 1
    rows = measured(trace)
    assert shown(rows["PROPN"]) == 1
    for category, row in rows.items():
        mine = words[words["upos"] == category]
        assert row.reference == 1
        assert row.rate.value == pytest.approx((mine["depth"] >= 1).mean())
        assert row.rate == row.curve[0]
        assert row.curve[1].value == pytest.approx((mine["depth"] >= 2).mean())
        assert row.curve[1] != row.rate
    assert "after layer 1 of 2" in claim_of(rows["PROPN"], "Names")
    finding = finding_of(trace)
    assert finding.table("retention").title.endswith("kept after layer 1")
    assert any("after layer 1:" in column.help for column in finding.table("retention").columns)
    assert any("after layer 1 of 2" in caveat for caveat in finding.caveats)
    bare = int((trace.documents.kept[:, -1] == 0).sum())
    assert any(f" {bare} of 300 documents have nothing left" in c for c in finding.caveats)


def test_every_number_by_hand() -> None:
    trace = trace_of(documents=50)
    reference = reference_of(trace)
    assert reference < trace.about.layers
    layers, words, tokens = trace.about.layers, whole(trace, "words"), whole(trace, "tokens")
    rows = measured(trace)
    for category, row in rows.items():
        kept = np.zeros(layers)
        chance = np.zeros(layers)
        n, depth, per_document = 0, 0, {}
        for example_id in trace.documents.ids:
            own = tokens[(tokens["example_id"] == example_id) & ~tokens["special"]]
            mine = words[(words["example_id"] == example_id) & (words["upos"] == category)]
            for layer in range(1, layers + 1):
                k = int((own["depth"] >= layer).sum())
                for g, d in zip(mine["pieces"], mine["depth"], strict=True):
                    kept[layer - 1] += d >= layer
                    chance[layer - 1] += float(inclusion_probability(len(own), k, g))
            n, depth = n + len(mine), depth + int(mine["depth"].sum())
            if len(mine):
                per_document[example_id] = (mine["depth"] >= reference).mean()
        assert row.words == n
        assert row.documents == len(per_document)
        r = reference - 1
        assert row.reference == reference
        assert row.rate.value == pytest.approx(kept[r] / n)
        assert row.macro.value == pytest.approx(np.mean(list(per_document.values())))
        assert row.expected.value == pytest.approx(chance[r] / n)
        assert row.lift.value == pytest.approx(kept[r] / chance[r])
        assert row.depth.value == pytest.approx(depth / n)
        assert [e.value for e in row.curve] == pytest.approx(list(kept / n))
        assert row.expected_curve == pytest.approx(tuple(chance / n))


def test_cells_count_the_words_of_every_document_by_hand() -> None:
    trace = trace_of(documents=30)
    cells, words = cells_of(trace), whole(trace, "words")
    document = trace.documents.rows_of(words["example_id"])
    position = position_bins(document.astype(np.int64), words["word"].to_numpy(dtype=np.int64))
    code = [cells.names.index(upos) for upos in words["upos"]]
    by_hand: dict[tuple[int, ...], int] = {}
    for row in zip(document, code, words["pieces"], position, words["depth"], strict=True):
        key = tuple(map(int, row))
        by_hand[key] = by_hand.get(key, 0) + 1
    parts = (cells.document, cells.category, cells.pieces, cells.position, cells.depth)
    counted = {tuple(map(int, row)): int(n) for *row, n in zip(*parts, cells.words, strict=True)}
    assert counted == by_hand
    assert cells.names == tuple(sorted(set(words["upos"])))
    assert (np.diff(cells.document) >= 0).all()


def by_word(words: pd.DataFrame) -> np.ndarray:
    return (words["example_id"] + " " + words["word"].astype(str)).to_numpy(dtype=object)


def test_more_categories_than_a_narrow_integer_holds_stay_apart() -> None:
    one = trace_of(documents=1)
    words = whole(one, "words").sample(34_000, replace=True, random_state=0)
    words = words.assign(word=np.arange(len(words)))
    cells = word_cells(replace_tables(one, words=words), by_word, ["example_id"])
    assert cells.names == tuple(sorted(by_word(words)))
    assert np.bincount(cells.category).tolist() == [1] * len(words)
    depth = dict(zip(by_word(words), words["depth"], strict=True))
    assert [depth[cells.names[c]] for c in cells.category] == cells.depth.tolist()


def ending(words: pd.DataFrame) -> np.ndarray:
    names = {"NOUN": "a\0", "VERB": "a", "ADJ": "\0"}
    return words["upos"].map(lambda upos: names.get(upos, "")).to_numpy(dtype=object)


def test_names_that_differ_in_what_is_not_printed_stay_apart() -> None:
    trace = trace_of(documents=12)
    cells, upos = word_cells(trace, ending, ["upos"]), whole(trace, "words")["upos"]
    assert cells.names == ("\0", "a", "a\0")
    for name, tag in (("\0", "ADJ"), ("a", "VERB"), ("a\0", "NOUN")):
        mine = cells.category == cells.names.index(name)
        assert cells.words[mine].sum() == (upos == tag).sum()


def test_selection_is_a_trace_without_the_other_documents() -> None:
    trace = trace_of(documents=60)
    documents = trace.table("documents")
    part = cells_of(trace).select(trace.documents.label == 1)
    ids = documents.loc[documents["label"] == 1, "example_id"]
    tables = {name: whole(trace, name) for name in TABLES}
    alone = cells_of(
        Trace.of(trace.about, **{n: t[t["example_id"].isin(ids)] for n, t in tables.items()})
    )
    for name in ("total", "kept", "document", "category", "depth", "pieces", "position", "words"):
        assert (getattr(part, name) == getattr(alone, name)).all()


@pytest.mark.slow
@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_shards_and_the_order_of_documents_change_nothing(seed: int) -> None:
    trace = trace_of(seed, documents=35)
    order = np.random.default_rng(seed).permutation(len(trace.documents))
    shuffled = resharded(trace, 1 + seed % 4, order)
    one, other = measured(trace), measured(shuffled)
    assert one.keys() == other.keys()
    for category in one:
        a, b = one[category], other[category]
        assert a == b


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000), layers=st.integers(1, 6))
def test_retention_falls_with_the_layer(seed: int, layers: int) -> None:
    for row in measured(trace_of(seed, documents=20, layers=layers)).values():
        observed = [e.value for e in row.curve if e.value is not None]
        for curve in (observed, list(row.expected_curve)):
            assert all(a >= b - 1e-12 for a, b in pairwise(curve))


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_words_of_one_piece_in_one_category_are_what_is_expected(seed: int) -> None:
    rng = np.random.default_rng(seed)
    size = rng.integers(1, 12, 40)
    document = np.repeat(np.arange(40), size)
    depth = rng.integers(0, 4, document.size)
    kept = np.array(
        [[(depth[document == d] >= layer).sum() for layer in (1, 2, 3)] for d in range(40)]
    )
    cells = WordCells(
        layers=3,
        reference=reference_layer(size, kept),
        total=size,
        kept=kept,
        names=("word",),
        document=document,
        category=np.zeros(document.size, dtype=np.int16),
        depth=depth,
        pieces=np.ones(document.size, dtype=np.int64),
        position=np.zeros(document.size, dtype=np.int64),
        words=np.ones(document.size, dtype=np.int64),
    )
    (row,) = retention(cells, rng).rows
    assert [e.value for e in row.curve] == pytest.approx(list(row.expected_curve))
    assert row.lift.value == pytest.approx(1.0)
    assert shown(row) is None  # there are no other words
    assert row.z.value is None  # nothing is left to chance


def test_lift_of_words_of_many_pieces_is_one_under_chance() -> None:
    trace = trace_of(documents=500)
    cells = word_cells(trace, by_pieces, ["pieces"])
    many = retention(cells, np.random.default_rng(0)).of("many")
    assert many.lift.value == pytest.approx(1.0, abs=0.04)
    assert direction(many.lift, 1.0) == 0
    after = cells.reference - 1
    share = cells.kept[cells.document, after] / cells.total[cells.document]
    words = (cells.pieces > 1) * cells.words
    naive = words[cells.depth >= cells.reference].sum() / (share * words).sum()
    assert naive > 1.25  # what k/N in place of π would have printed


def by_pieces(words: pd.DataFrame) -> np.ndarray:
    return np.where(words["pieces"].to_numpy() > 1, "many", "one").astype(object)


def test_planted_preference_shows_in_lift_odds_and_z() -> None:
    rows = measured(trace_of(3, documents=300, weights={"PROPN": 3.0, "DET": 0.3}))
    assert shown(rows["PROPN"]) == 1
    assert shown(rows["DET"]) == -1
    for category, sign in (("PROPN", 1), ("DET", -1)):
        row = rows[category]
        assert row.odds_ratio.interval is not None
        assert row.z.value is not None
        low, high = row.odds_ratio.interval
        assert (low > 1) if sign > 0 else (high < 1)
        assert sign * row.z.value > 4
    assert next(iter(rows)) == "PROPN"  # what outlives most comes first


def test_uncategorised_words_are_compared_with_but_not_measured() -> None:
    trace, rng = trace_of(documents=100), np.random.default_rng
    (alone,) = retention(word_cells(trace, only_nouns, ["upos"]), rng(0)).rows
    both = retention(word_cells(trace, nouns_and_others, ["upos"]), rng(0), asked=["noun"])
    for name in ("concordance", "matched_lift", "odds_ratio", "rate", "depth_change"):
        ours, theirs = getattr(alone, name), getattr(both.of("noun"), name)
        assert ours.value == pytest.approx(theirs.value)
        assert ours.interval == pytest.approx(theirs.interval)


def only_nouns(words: pd.DataFrame) -> np.ndarray:
    return np.where(words["upos"] == "NOUN", "noun", "").astype(object)


def nouns_and_others(words: pd.DataFrame) -> np.ndarray:
    return np.where(words["upos"] == "NOUN", "noun", "rest").astype(object)


def stop_words(words: pd.DataFrame) -> np.ndarray:
    return np.where(words["is_stop"], words["lower"], "").astype(object)


def test_terms_by_hand() -> None:
    trace = trace_of(documents=60)
    words = whole(trace, "words")
    lower = words["lower"].to_numpy(dtype=object)
    reference, documents = reference_of(trace), trace.documents
    row = documents.rows_of(words["example_id"])
    kept = documents.kept[row, reference - 1]
    chance = inclusion_probability(documents.pieces[row], kept, words["pieces"].to_numpy())
    found = term_retention(word_cells(trace, stop_words, ["is_stop", "lower"]))
    assert {t.term for t in found} == {"the", "of", "and", "is"}
    for term in found:
        mine = lower == term.term
        assert term.words == mine.sum()
        assert term.documents == words.loc[mine, "example_id"].nunique()
        assert term.rate.value == pytest.approx((words.loc[mine, "depth"] >= reference).mean())
        assert term.lift.value == pytest.approx(
            (words.loc[mine, "depth"] >= reference).sum() / chance[mine].sum()
        )


@pytest.mark.parametrize("depth", [0, 4])
def test_extremes_are_undefined_or_one_never_not_a_number(depth: int) -> None:
    for row in measured(with_depth(trace_of(documents=40), depth)).values():
        if depth == 0:
            assert row.lift.value is None
            assert "none either" in row.lift.why_not or "documents" in row.lift.why_not
        else:
            assert row.lift.value == pytest.approx(1.0)
        assert shown(row) in (0, None)
        assert row.odds_ratio.value is None
    finding = finding_of(with_depth(trace_of(documents=40), depth))
    assert all(m.undefined or m.value is not None for m in finding.measurements)


def test_tables_and_measurements_carry_the_numbers() -> None:
    trace = trace_of(documents=80, weights={"NOUN": 4.0})
    found, finding = found_in(trace), finding_of(trace)
    rows = found.rows
    assert [table.name for table in finding.tables] == [
        "retention", "retention_adjusted", "retention_curve", "retention_pieces"
    ]  # fmt: skip
    assert finding.table("retention").column("concordance") == tuple(
        Undefined(r.concordance.why_not) if r.concordance.value is None else r.concordance.value
        for r in rows
    )
    assert len(finding.table("retention_curve").rows) == 4 * len(rows)
    row = found.of("NOUN")
    for name, told in (
        ("concordance", row.concordance), ("lift", row.lift), ("odds_ratio", row.odds_ratio),
        ("matched_lift", row.matched_lift), ("comparable", row.comparable),
        ("rate_ratio", row.rate_ratio), ("depth_change", row.depth_change),
        ("whole_words", row.whole_words), ("depth", row.depth), ("retention", row.rate),
    ):  # fmt: skip
        m = finding.measurement(name, arm="pruned", type="NOUN")
        assert (m.value, m.p, m.p_adjusted) == (told.value, told.p, told.p_adjusted)
        assert m.level == told.level
        assert (m.n, m.n_clusters) == (row.words, told.n)
    for layer, (rate, matched) in enumerate(zip(row.curve, row.matched_curve, strict=True), 1):
        at = {"arm": "pruned", "type": "NOUN", "layer": layer}
        assert finding.measurement("retention", **at).value == rate.value
        assert finding.measurement("matched_lift", **at).value == matched.value


def test_a_category_by_pieces_is_counted_by_hand() -> None:
    trace = trace_of(documents=80)
    words, reference = whole(trace, "words"), reference_of(trace)
    for told in found_in(trace).pieces:
        pieces = words["pieces"].clip(upper=4).astype(str).replace("4", "4+")
        mine = (words["upos"] == told.category) & (pieces == told.pieces)
        assert told.words == mine.sum() > 0
        if told.rate.value is not None:
            assert told.rate.value == pytest.approx((words["depth"][mine] >= reference).mean())
    assert {told.pieces for told in found_in(trace).pieces} >= {"1", "2"}


PLAIN = Estimate(0.5, 90, (0.4, 0.6), p=0.2, p_adjusted=0.2)


def told(
    category: str = "NOUN",
    *,
    outlives: float = 0.5,
    matched: float = 1.0,
    odds: float = 1.0,
    lift: float = 1.0,
    comparable: float = 0.9,
    signs: tuple[int, ...] = (0, 0, 0, 0),
) -> Retained:
    """A row whose estimates are shown to differ from chance wherever they are not chance itself."""

    def shown_at(value: float, null: float) -> Estimate:
        p = 0.5 if value == null else 0.001
        half = 0.1 if value == null else 0.01
        return Estimate(value, 90, (value - half, value + half), p=p, p_adjusted=p)

    return replace(
        measured(trace_of(documents=40))["NOUN"],
        category=category,
        concordance=shown_at(outlives, 0.5),
        matched_lift=shown_at(matched, 1.0),
        odds_ratio=shown_at(odds, 1.0),
        lift=shown_at(lift, 1.0),
        comparable=Estimate(comparable, 90, why_not="a count"),
        signs=signs,
    )


def test_a_claim_on_one_category_follows_concordance_and_names_what_agrees() -> None:
    up = claim_of(told(outlives=0.7, matched=1.4, odds=2.0, lift=1.3), "Nouns")
    assert up.startswith(
        "Nouns are kept longer than other words: they outlive 70.0 % (95 % interval 69.0 to 71.0) "
        "of the other words of as many pieces in their document. The matched lift after layer "
    )
    assert "(1.40, 95 % interval 1.39 to 1.41) and the odds ratio at a like position (2.00" in up
    assert ") agree. Plainly, " in up
    assert "opposite" not in up
    down = claim_of(told(outlives=0.2, matched=0.5, odds=0.4, lift=0.6), "Nouns")
    assert down.startswith("Nouns are dropped sooner than other words: they outlive 20.0 % ")
    assert ") agree. " in down
    none = claim_of(told(), "Nouns")
    assert none.startswith("No difference shown between nouns and other words: they outlive 50.0 %")
    assert "show none either" in none


def test_a_claim_says_where_its_numbers_disagree() -> None:
    longer = claim_of(told(outlives=0.6, matched=1.3, odds=1.5, lift=0.7), "Names")
    assert "(lift 0.70, 95 % interval 0.69 to 0.71): the opposite, because" in longer
    place = claim_of(told(outlives=0.6, matched=1.3, odds=1.0), "Names")
    assert "agrees; the odds ratio at a like position" in place
    assert "does not: position explains it or cannot be ruled out." in place
    against = claim_of(told(outlives=0.6, matched=0.8, odds=0.7), "Names")
    assert "(0.80, 95 % interval 0.79 to 0.81) says less often kept; the odds ratio" in against
    assert "0.71) says less often kept." in against
    unsure = claim_of(told(matched=1.2), "Names")
    assert "0.05" not in unsure
    assert "(1.20, 95 % interval 1.19 to 1.21) says more often kept; the odds ratio" in unsure
    few = claim_of(told(outlives=0.6, comparable=0.4), "Names")
    assert "61.0), where they could be compared, of the other words" in few


def test_a_claim_tells_of_a_sign_that_changes_over_the_layers() -> None:
    turning = claim_of(told(outlives=0.6, signs=(1, 0, -1, -1)), "Names")
    assert turning.endswith(
        "The sign changes over the layers: more often kept than words of as many pieces after "
        "layer 1, less often after layer 3, 4."
    )
    assert "sign changes" not in claim_of(told(signs=(1, 1, 0, 0)), "Names")


def test_no_claim_without_a_test() -> None:
    bare = replace(told(), concordance=Estimate(0.9, 7, why_not="few"))
    assert claim_of(bare, "Nouns") == "Nouns: no comparison with other words is possible: few."
    assert claim_over([bare], "parts") == (
        "None of the parts can be compared with other words; the most frequent, nouns (NOUN): few."
    )


def test_a_claim_over_many_names_three_on_either_side() -> None:
    many = {"A": 0.9, "B": 0.8, "C": 0.7, "D": 0.6, "w": 0.4, "x": 0.3, "y": 0.2, "z": 0.1}
    rows = [told(name, outlives=value, odds=value * 2) for name, value in many.items()]
    claim = claim_over(rows, "parts")
    assert claim == (
        "Of the parts, pruning keeps A, B, C and 1 more longer than other words and drops z, y, x "
        "and 1 more sooner: A outlives 90.0 % (95 % interval 89.0 to 91.0) and z outlives 10.0 % "
        "(95 % interval 9.0 to 11.0) of the other words of as many pieces in the same "
        "document (8 tested, Benjamini–Hochberg at 5 %); position explains none of these."
    )
    rows[0] = told("A", outlives=0.9)
    assert claim_over(rows, "parts").endswith("; position may explain A.")


def test_a_claim_over_many_tells_what_correction_took_away() -> None:
    only = replace(
        told("B", outlives=0.55),
        concordance=Estimate(0.55, 90, (0.52, 0.58), p=0.03, p_adjusted=0.06),
    )
    claim = claim_over([only, told("A")], "parts")
    assert claim.startswith(
        "No difference shown between parts in how long words are kept (2 tested"
    )
    assert "farthest from chance: B outlives 55.0 % (95 % interval 52.0 to 58.0)" in claim
    assert claim.endswith("; B not after correction for 2 tests.")


@pytest.mark.slow
def test_a_whole_test_split_takes_seconds() -> None:
    rng = np.random.default_rng(0)
    documents, layers = 7600, 12
    document = np.repeat(np.arange(documents), rng.poisson(45, documents))
    total = np.bincount(document, minlength=documents)
    depth = rng.integers(0, layers + 1, document.size)
    alive = np.zeros((documents, layers + 1), dtype=np.int64)
    np.add.at(alive, (document, depth), 1)
    kept = alive[:, ::-1].cumsum(axis=1)[:, ::-1][:, 1:]
    cells = WordCells(
        layers=layers,
        reference=reference_layer(total, kept),
        total=total,
        kept=kept,
        names=tuple(f"tag {i:02}" for i in range(17)),
        document=document,
        category=rng.integers(0, 17, document.size),
        depth=depth,
        pieces=np.ones(document.size, dtype=np.int64),
        position=rng.integers(0, 10, document.size),
        words=np.ones(document.size, dtype=np.int64),
    )
    started = process_time()
    rows = retention(cells, rng).rows
    assert len(rows) == 17
    assert process_time() - started < 20
