from typing import Any

import numpy as np
import pandas as pd
import pytest
from counted import reference_of

from auditkit.finding import Finding, Undefined, parse_address
from auditkit.plugin import GlossaryTerm, Probe, unmet, word_cells
from auditkit.probes._matching import READS, TermOf, match
from auditkit.probes._measured import joined, of_kind
from auditkit.probes._terms import class_terms, fold_of, log_odds_z, term_list
from auditkit.probes.domain_term import DomainTerm
from auditkit.stats.inclusion import inclusion_probability
from auditkit.testing import (
    SyntheticBench,
    check_probe,
    contract_traces,
    replace_tables,
    resharded,
    synthetic_trace,
    whole,
)
from auditkit.trace import Trace

TRAINING = pd.DataFrame(
    [
        (0, "restaurant", 50), (0, "goalkeeper", 80), (0, "the", 500), (0, "of", 300),
        (0, "semiconductor", 2), (0, "42", 90), (0, "q", 70),
        (1, "semiconductor", 90), (1, "market", 60), (1, "the", 500), (1, "of", 300),
    ],
    columns=["label", "lower", "count"],
)  # fmt: skip

QUICK = DomainTerm(resamples=100)

ENGLISH: dict[str, Any] = {"language": "en", "stop_words": {"the", "of"}}


def trace_of(noun: float = 1.0, documents: int = 240) -> Trace:
    return synthetic_trace(np.random.default_rng(0), documents=documents, weights={"NOUN": noun})


def labels(trace: Trace) -> dict[str, int]:
    """The gold class of each document."""
    return dict(zip(trace.documents.ids, trace.documents.label.tolist(), strict=True))


def of_every_class(*terms: str) -> tuple[GlossaryTerm, ...]:
    return tuple(map(GlossaryTerm, terms))


def with_terms(trace: Trace, glossary: tuple[str, ...] = ()) -> Trace:
    bench = SyntheticBench(trace, glossary=of_every_class(*glossary), training=TRAINING)
    return replace_tables(trace, measured_domain_term=DomainTerm().measure(bench))


def analysed(trace: Trace) -> Finding:
    finding: Finding = QUICK.analyse(trace, np.random.default_rng(1))
    return finding


# --- the term list


def test_log_odds_by_hand() -> None:
    counts = np.array([[30.0, 2, 1], [5, 5, 5], [100, 110, 90]])
    z = log_odds_z(counts)
    pooled = counts.sum(axis=1)
    for w in range(3):
        for c in range(3):
            own, rest = counts[w, c], counts[w].sum() - counts[w, c]
            n_own, n_rest = counts[:, c].sum(), counts.sum() - counts[:, c].sum()
            alpha, alpha_all = pooled[w], pooled.sum()
            delta = np.log((own + alpha) / (n_own + alpha_all - own - alpha)) - np.log(
                (rest + alpha) / (n_rest + alpha_all - rest - alpha)
            )
            variance = 1 / (own + alpha) + 1 / (rest + alpha)
            part = n_own / counts.sum()  # of a binomial count of alpha words, to first order
            slope = 1 / (alpha * (1 + part)) + 1 / (alpha * (2 - part))
            null = alpha * part * (1 - part) * slope**2
            assert z[w, c] == pytest.approx(delta / np.sqrt(variance * null / slope))
    assert z[0, 0] > 1.96
    assert (log_odds_z(counts[:, :1]) == 0).all()


@pytest.mark.parametrize("classes", [2, 4, 10, 20])
@pytest.mark.parametrize("count", [20, 200])
def test_the_z_of_a_word_that_marks_no_class_has_a_spread_of_one(classes: int, count: int) -> None:
    """With the posterior variance instead it is .57, .50, .36 and .26."""
    seed, words = 5, 4000
    rng = np.random.default_rng(seed)
    alike = np.full(classes, 1 / classes)
    z = log_odds_z(rng.multinomial(count, alike, size=words).astype(np.float64))
    assert 0.95 < z.std() < 1.05, f"seed {seed}"
    assert abs(z.mean()) < 0.03, f"seed {seed}"


def test_words_that_mark_no_class_are_terms_as_often_as_the_level_says() -> None:
    """Classes of unequal size, words of unequal frequency; 2.5 % is nominal."""
    seed, words = 6, 3000
    rng = np.random.default_rng(seed)
    often = rng.integers(150, 1500, words)
    counts = rng.multinomial(often, [0.4, 0.3, 0.2, 0.1])  # (words, classes)
    letters = [chr(97 + i) for i in range(26)]
    names = ["zq" + "".join(part) for part in zip(*rng.choice(letters, (8, words)), strict=True)]
    frame = pd.DataFrame(
        [(c, name, n) for name, row in zip(names, counts, strict=True) for c, n in enumerate(row)],
        columns=["label", "lower", "count"],
    )
    terms = class_terms(frame, -1, top=words, min_count=1, **ENGLISH)
    share = terms.groupby("label").size() / len(set(names))
    assert share.to_numpy() == pytest.approx(0.025, abs=0.009), f"seed {seed}"


def test_terms_of_the_training_words() -> None:
    from wordfreq import word_frequency

    terms = class_terms(TRAINING, -1, top=50, min_count=10, **ENGLISH)
    assert set(zip(terms["label"], terms["term"], strict=True)) == {
        (0, "restaurant"), (0, "goalkeeper"), (1, "semiconductor"), (1, "market"),
    }  # fmt: skip
    row = terms[terms["term"] == "market"].iloc[0]
    share = 60 / TRAINING.loc[TRAINING["label"] == 1, "count"].sum()
    assert row["weirdness"] == pytest.approx(share / word_frequency("market", "en"))
    assert len(class_terms(TRAINING, -1, top=1, min_count=10, **ENGLISH)) == 2
    assert class_terms(TRAINING, -1, top=50, min_count=1000, **ENGLISH).empty


@pytest.mark.parametrize(
    ("words", "share", "needed"),
    [(5000, 1.0, 5), (5001, 1.0, 6), (100, 1.0, 3), (50_000, 1.0, 10), (2500, 0.5, 3),
     (50_000, 0.5, 5), (100, 0.5, 2)],
)  # fmt: skip
def test_how_often_a_term_stands_in_a_class_of_so_many_words(
    words: int, share: float, needed: int
) -> None:
    """One in a thousand, 3 at least and 10 at most; in half of the words half of that."""
    for count in (needed - 1, needed):
        counts = pd.DataFrame(
            [(0, "goalkeeper", count), (0, "of", words - count), (1, "of", 40 * words)],
            columns=["label", "lower", "count"],
        )
        terms = class_terms(counts, -1, top=9, min_count=None, share=share, **ENGLISH)
        assert len(terms) == (count == needed)


def test_terms_are_weighed_by_their_own_language_and_by_no_other() -> None:
    from wordfreq import word_frequency

    counts = pd.DataFrame(
        [(0, "jardin", 90), (0, "avec", 95), (1, "maire", 90), (1, "avec", 95)],
        columns=["label", "lower", "count"],
    )
    asked: dict[str, Any] = {"top": 9, "min_count": 10}
    french = class_terms(counts, -1, **asked, language="fr", stop_words={"avec"})
    assert list(french["term"]) == ["jardin", "maire"]
    share = 90 / 185
    assert french["weirdness"].tolist() == pytest.approx(
        [share / word_frequency(word, "fr") for word in ("jardin", "maire")]
    )
    for language in ("xx", "zh"):  # no list of words, or nothing that splits them
        unknown = class_terms(counts, -1, **asked, language=language, stop_words={"avec"})
        assert list(unknown["term"]) == ["jardin", "maire"]
        assert unknown["weirdness"].isna().all()
        trace = replace_tables(
            trace_of(),
            measured_domain_term=joined(term=unknown.replace({"jardin": "market", "maire": "won"})),
        )
        cells = analysed(trace).table("terms").column("weirdness")
        assert all(isinstance(cell, Undefined) and "at large" in cell.undefined for cell in cells)


def test_measure_lists_terms_and_glossary() -> None:
    bench = SyntheticBench(
        trace_of(),
        glossary=(*of_every_class("Berlin  Ng", "berlin ng", " ", "Won"), GlossaryTerm("WON", 1)),
        training=TRAINING,
    )
    terms = of_kind(DomainTerm().measure(bench), "term")
    assert list(terms.columns) == ["term", "label", "source", "z", "weirdness", "fold"]
    glossary = terms[terms["source"] == "glossary"]
    assert list(glossary["term"]) == ["berlin ng", "won", "won"]
    assert glossary["label"].tolist() == [-1, -1, 1]
    assert (terms["fold"] == -1).all()
    assert len(terms) == 7


def test_nothing_to_list_is_an_empty_table() -> None:
    bench = SyntheticBench(trace_of(), training=TRAINING.iloc[:0])
    assert DomainTerm().measure(bench).empty
    finding = analysed(replace_tables(trace_of(), measured_domain_term=DomainTerm().measure(bench)))
    assert finding.status == "not_applicable"
    assert "no glossary" in finding.claim


def planted_texts() -> Trace:
    """Documents of class 0 speak of a goalkeeper, of class 1 of a semiconductor."""
    trace = trace_of()
    names = {0: "goalkeeper", 1: "semiconductor"}
    words = whole(trace, "words")
    own = words["example_id"].map(labels(trace)).map(names).to_numpy(dtype=object)
    lower = np.where(words["upos"] == "NOUN", own, words["lower"].to_numpy(dtype=object))
    words = words.assign(lower=lower)
    text = words.groupby("example_id")["lower"].agg(" ".join)
    return replace_tables(trace, words=words, texts=text.rename("text").reset_index())


def test_without_training_words_each_half_is_measured_with_the_terms_of_the_other() -> None:
    trace = planted_texts()
    terms = term_list(SyntheticBench(trace), top=5, min_count=5)
    assert set(terms["fold"]) == {0, 1}
    texts = whole(trace, "texts")
    silent = texts.assign(
        text=[
            "" if fold_of(e) == 0 else t
            for e, t in zip(texts["example_id"], texts["text"], strict=True)
        ]
    )
    half = term_list(SyntheticBench(replace_tables(trace, texts=silent)), top=1, min_count=5)
    assert set(half["fold"]) == {0}  # found on half 1, so measured on half 0 alone
    assert set(half["term"]) == {"goalkeeper", "semiconductor"}
    finding = analysed(replace_tables(trace, measured_domain_term=joined(term=half)))
    words = whole(trace, "words")
    inside = np.array([fold_of(e) == 0 for e in words["example_id"]])
    count = (words["lower"].isin(["goalkeeper", "semiconductor"]) & inside).sum()
    assert finding.measurement("lift", arm="pruned", category="domain terms").n == count
    assert finding.claim.endswith("were measured on the other.")
    assert any("half as many make a term there" in caveat for caveat in finding.caveats)


def test_half_of_the_words_take_half_of_the_occurrences() -> None:
    """`goalkeeper` stands some 100 times in a half; what is asked for is asked of the whole."""
    trace = planted_texts()
    texts = whole(trace, "texts")
    each = [
        sum(
            text.split().count("goalkeeper")
            for example_id, text in zip(texts["example_id"], texts["text"], strict=True)
            if fold_of(example_id) == half
        )
        for half in (0, 1)
    ]
    for asked, found in ((2 * min(each), {0, 1}), (2 * max(each) + 1, set())):
        terms = term_list(SyntheticBench(trace), top=5, min_count=asked)
        assert set(terms.loc[terms["term"] == "goalkeeper", "fold"]) == found


def test_halves_depend_on_the_id_alone_and_are_even() -> None:
    folds = [fold_of(f"doc-{i}") for i in range(2000)]
    assert 900 < sum(folds) < 1100
    assert fold_of("\ud800") in (0, 1)


# --- where terms stand


def matched(words: str, terms: list[str], document: list[int] | None = None) -> list[str]:
    lower = np.array(words.split(), dtype=object)
    where = np.array(document if document is not None else [0] * len(lower))
    return list(match(lower, where, terms))


def test_words_and_phrases_are_matched() -> None:
    assert matched("a stock market falls", ["market"]) == ["", "", "market", ""]
    assert matched("a stock market falls", ["market", "stock market"]) == [
        "", "stock market", "stock market", "",
    ]  # fmt: skip
    assert matched("state - of - the - art", ["state-of-the-art"]) == ["state-of-the-art"] * 7
    assert matched("u.s. dollar", ["u.s."]) == ["u.s.", ""]
    assert matched("stock market", ["stock market"], [0, 1]) == ["", ""]
    assert matched("new new york", ["new york"]) == ["", "new york", "new york"]
    assert matched("york", ["new york"]) == [""]
    assert matched("x", []) == [""]


# --- the finding


@pytest.mark.parametrize(("name", "trace"), contract_traces().items())
def test_contract(name: str, trace: Trace) -> None:
    assert isinstance(QUICK, Probe)
    probe = QUICK
    unmeasured = check_probe(probe, trace)
    if name in ("no_words", "changed", "unlabelled"):
        assert unmeasured is None
        return
    assert unmeasured is not None
    assert unmeasured.status == "not_applicable"
    finding = check_probe(probe, with_terms(trace, ("won", "berlin ng")))
    assert finding is not None
    assert finding.status in ("reported", "not_applicable")


@pytest.mark.parametrize(
    ("noun", "claim"),
    [
        (4.0, "Domain terms are kept longer than other words"),
        (0.25, "Domain terms are dropped sooner than other words"),
        (1.0, "No difference shown"),
    ],
)
def test_claim_follows_the_planted_effect(noun: float, claim: str) -> None:
    finding = analysed(with_terms(trace_of(noun)))
    assert finding.claim.startswith(claim)
    assert "95 % interval" in finding.claim
    assert "one half" not in finding.claim


def test_terms_count_in_their_own_class_by_hand() -> None:
    trace = with_terms(trace_of(2.0), glossary=("berlin",))
    finding, reference, words = analysed(trace), reference_of(trace), whole(trace, "words")
    lists = {0: {"restaurant", "goalkeeper"}, 1: {"semiconductor", "market"}}
    of_class = words["example_id"].map(labels(trace))
    for value, terms in lists.items():
        mine = words["lower"].isin(terms | {"berlin"}) & (of_class == value)
        m = finding.measurement(
            "retention", arm="pruned", **{"class": f"class {value}"}, category="domain terms"
        )
        assert m.n == mine.sum()
        assert m.value == pytest.approx((words["depth"][mine] >= reference).mean())
    everywhere = words["lower"].isin(lists[0] | lists[1] | {"berlin"})
    assert finding.measurement("lift", arm="pruned", category="domain terms").n == everywhere.sum()


def test_table_of_terms_by_hand() -> None:
    trace = with_terms(trace_of(2.0), glossary=("berlin",))
    words, tokens = whole(trace, "words"), whole(trace, "tokens")
    finding, reference = analysed(trace), reference_of(trace)
    table = finding.table("terms")
    shown = dict(zip(table.column("term"), range(5), strict=True))
    assert list(shown) == ["berlin", "goalkeeper", "restaurant", "semiconductor", "market"]
    of_class = words["example_id"].map(labels(trace)) == 1
    mine = words[(words["lower"] == "market") & of_class]
    kept, chance = 0.0, 0.0
    for example_id, g, depth in zip(mine["example_id"], mine["pieces"], mine["depth"], strict=True):
        own = tokens[(tokens["example_id"] == example_id) & ~tokens["special"]]
        kept += depth >= reference
        k = int((own["depth"] >= reference).sum())
        chance += float(inclusion_probability(len(own), k, g))
    row: dict[str, Any] = dict(
        zip((c.name for c in table.columns), table.rows[shown["market"]], strict=True)
    )
    assert row["class"] == "class 1"
    assert row["words"] == len(mine)
    assert row["documents"] == mine["example_id"].nunique()
    assert row["retention"] == pytest.approx(kept / len(mine))
    assert row["lift"] == pytest.approx(kept / chance)
    m = finding.measurement("lift", arm="pruned", term="market", **{"class": "class 1"})
    assert m.value == row["lift"]
    assert table.column("class")[shown["berlin"]] == "(glossary)"
    berlin = finding.measurement("lift", arm="pruned", term="berlin")
    assert berlin.n == (words["lower"] == "berlin").sum()
    assert isinstance(table.column("log_odds_z")[shown["berlin"]], Undefined)
    z = [v for v in table.column("log_odds_z")[1:3] if isinstance(v, float)]
    assert z == sorted(z, reverse=True)


@pytest.mark.slow
@pytest.mark.parametrize(
    "names",
    [
        ("a", "a"),
        ("", ""),
        ("", "a"),
        ("\0\u202e", "x\n" * 99),
        ("x],slice=y", "x"),
        ("Sci, Tech", "Sci"),
        ("x],class=y", "x,class=y"),
        ("all classes", "(glossary)"),
        ('"x"', "x"),
        (" x", "x"),
    ],
)
def test_hostile_class_names_make_no_two_classes_one(names: tuple[str, str]) -> None:
    trace = synthetic_trace(np.random.default_rng(0), documents=40, labels=names)
    finding = check_probe(QUICK, with_terms(trace, ("won",)))
    assert finding is not None
    assert finding.status == "reported"
    assert len(finding.table("outcome").rows) == 3
    words = whole(trace, "words")
    label = words["example_id"].map(labels(trace))
    lists = (["restaurant", "goalkeeper", "won"], ["semiconductor", "market", "won"])
    for value, terms in enumerate(lists):
        at = {"class": trace.about.labels[value]}
        mine = words["lower"].isin(terms) & (label == value)
        whole_class = finding.measurement("lift", arm="pruned", category="domain terms", **at)
        assert whole_class.n == mine.sum()
        (read,) = (a for m, a in addresses(finding) if m == whole_class.where)
        assert read == {"arm": "pruned", "category": "domain terms", **at}
        one = finding.measurement("lift", arm="pruned", term=terms[0], **at)
        assert one.n == ((words["lower"] == terms[0]) & (label == value)).sum()
        assert finding.measurement("accuracy_kept", arm="pruned", **at).at == {
            "arm": "pruned",
            **at,
        }
    assert len({m for m, _ in addresses(finding)}) == len(finding.measurements)


def addresses(finding: Finding) -> list[tuple[str, dict[str, str]]]:
    """Of all measurements, as printed and as read again."""
    printed = [m.where for m in finding.measurements]
    return [(at, dict(parse_address(f"domain_term.{at}").at)) for at in printed]


def test_outcome_by_hand_and_the_caveat() -> None:
    trace = with_terms(trace_of(2.0))
    reference, words = reference_of(trace), whole(trace, "words")
    answers = trace.documents.answers("pruned")
    assert answers is not None
    lists = {0: {"restaurant", "goalkeeper"}, 1: {"semiconductor", "market"}}
    right: dict[bool, list[float]] = {True: [], False: []}
    p_gold: dict[bool, list[float]] = {True: [], False: []}
    for at, (example_id, gold) in enumerate(labels(trace).items()):
        for term in lists[gold]:
            depth = words["depth"][(words["example_id"] == example_id) & (words["lower"] == term)]
            if len(depth):
                alive = bool(depth.max() >= reference)
                right[alive].append(float(answers.predicted[at, 0] == gold))
                p_gold[alive].append(float(answers.probs[at, 0, gold]))
    finding = analysed(trace)
    row = finding.table("outcome").rows[0]
    assert row[:3] == ("all classes", len(right[True]), len(right[False]))
    for name, hits in (("accuracy", right), ("p_gold", p_gold)):
        kept, dropped = np.mean(hits[True]), np.mean(hits[False])
        for part, value in (("kept", kept), ("dropped", dropped), ("difference", kept - dropped)):
            m = finding.measurement(f"{name}_{part}", arm="pruned")
            assert m.value == pytest.approx(value)
            assert m.n == len(hits[True]) + len(hits[False])
            assert finding.table("outcome").column(m.name)[0] == m.value
    assert any("confounded" in caveat for caveat in finding.caveats)


def test_planted_outcome_is_found() -> None:
    trace = with_terms(trace_of())
    reference, words, gold = reference_of(trace), whole(trace, "words"), labels(trace)
    own = np.where(
        words["example_id"].map(gold) == 0,
        words["lower"].isin(["restaurant", "goalkeeper"]),
        words["lower"].isin(["semiconductor", "market"]),
    )
    survives = set(words.loc[own & (words["depth"] >= reference), "example_id"])
    documents = trace.table("documents")
    kept = documents["example_id"].isin(survives)
    slips = np.arange(len(documents)) % 10 == 0  # where all agreed there would be no interval
    said = documents["label"].where(kept.to_numpy() ^ slips, 1 - documents["label"])
    measured = trace.measured("domain_term")
    assert measured is not None
    finding = analysed(
        replace_tables(
            trace,
            documents=documents.assign(predicted_pruned=said),
            measured_domain_term=measured,
        )
    )
    difference = finding.measurement("accuracy_difference", arm="pruned").interval
    assert difference is not None
    assert difference.low > 0.2


def test_a_model_that_drops_no_tokens_has_no_terms_to_keep() -> None:
    changed = contract_traces()["changed"]
    assert unmet(DomainTerm(), changed.about) == ["a model under audit that drops tokens"]


def test_terms_that_do_not_occur_are_not_applicable() -> None:
    terms = pd.DataFrame(
        [("zebra", 0, "log_odds", 5.0, 9.0, -1)],
        columns=["term", "label", "source", "z", "weirdness", "fold"],
    )
    finding = analysed(replace_tables(trace_of(), measured_domain_term=joined(term=terms)))
    assert finding.status == "not_applicable"
    assert "none of 1 terms" in finding.claim


def test_terms_of_other_classes_alone_are_terms_in_no_class() -> None:
    trace = trace_of()
    words = whole(trace, "words")
    lower = words["lower"].where(words["example_id"].map(labels(trace)) == 0, "won")
    finding = analysed(
        replace_tables(
            trace,
            words=words.assign(lower=lower),
            measured_domain_term=joined(
                term=pd.DataFrame(
                    [("market", 1, "log_odds", 5.0, 9.0, -1)],
                    columns=["term", "label", "source", "z", "weirdness", "fold"],
                )
            ),
        )
    )
    assert finding.status == "reported"
    count = (lower == "market").sum()
    assert finding.measurement("lift", arm="pruned", category="domain terms").n == count
    assert finding.table("terms").rows == ()
    assert "by_class" not in [table.name for table in finding.tables]
    assert [row[1:3] for row in finding.table("outcome").rows] == [(0, 0)] * 3


def test_what_was_counted_of_one_term_list_answers_for_no_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stored = resharded(trace_of(documents=40), 3)
    trace, words = stored.bound("domain_term", "2", {}), whole(stored, "words")
    rules = [TermOf(((term, -1, -1),), own=True) for term in ("market", "won")]

    def counted() -> list[tuple[tuple[str, ...], int]]:
        every = [word_cells(trace, rule, READS) for rule in rules]
        return [(cells.names, cells.words[cells.category == 0].sum()) for cells in every]

    by_hand = [((term,), (words["lower"] == term).sum()) for term in ("market", "won")]
    assert counted() == by_hand
    monkeypatch.delattr(TermOf, "__call__")
    assert counted() == by_hand
