import itertools
import re
import zlib
from collections.abc import Callable
from functools import partial

import contract
import numpy as np
import pandas as pd
import probing
import pytest

from auditkit.finding import Finding
from auditkit.plugin import Ground, Identity, Swaps, unmet
from auditkit.probes._swap_lives import claim_of_lived, lived
from auditkit.probes._swapped import Swapped, claim_of_swaps, grounds_of
from auditkit.probes.counterfactual import Counterfactual
from auditkit.stats.multiplicity import ALPHA
from auditkit.testing import (
    SyntheticBench,
    check_probe,
    contract_traces,
    replace_tables,
    synthetic_trace,
    whole,
)
from auditkit.trace import Trace
from auditkit.trace.about_data import LanguageFit

TRACES = contract_traces()
PEOPLE = Ground("people", ("here", "there"), (("berlin", "ng"), ("won", "returning")), (), ())
THREE = Ground("three", ("a", "b", "c"), (("berlin", "ng", "kowalczyk"),), (), ())
SWAPS = Swaps("en", (PEOPLE,))
TEMPLATES = Swaps(
    templates=tuple(f"[WHO] number {n}." for n in range(40)),
    identities=tuple(Identity(one, (("WHO", one),)) for one in ("x", "y", "z")),
)
CHANGED = {"arm": "pruned", "against": "baseline", "swap": "people"}

measured = partial(probing.measured, Counterfactual())
analysed = partial(probing.analysed, Counterfactual())


@pytest.fixture(scope="module")
def trace() -> Trace:
    return synthetic_trace(np.random.default_rng(7), documents=300, classes=2)


def answering(trace: Trace, shares: dict[str, float]) -> Callable[[str, str], list[float]]:
    """A bench's `reads`: an arm answers otherwise to so large a share of texts that are swapped."""
    originals = set(whole(trace, "texts")["text"])

    def reads(arm: str, text: str) -> list[float]:
        turned = zlib.crc32(f"{arm} {text}".encode()) % 1000 < 1000 * shares.get(arm, 0.0)
        return [0.2, 0.8] if turned and text not in originals else [0.9, 0.1]

    return reads


@pytest.mark.parametrize("name", contract.traces(TRACES))
def test_contract(name: str) -> None:
    for swaps in (Swaps(), SWAPS, TEMPLATES):
        trace = measured(TRACES[name], swaps=swaps)
        finding = check_probe(Counterfactual(), trace)
        assert (finding is None) == bool(unmet(Counterfactual(), trace.about))


def test_a_model_that_minds_the_group_more_is_named(trace: Trace) -> None:
    finding = analysed(
        measured(trace, swaps=SWAPS, reads=answering(trace, {"baseline": 0.02, "pruned": 0.3}))
    )
    assert re.search(r"of people \d+\.\d % .* points more than in the baseline", finding.claim)
    change = finding.measurement("flips_change", **CHANGED)
    assert change.interval is not None
    assert change.interval.low > 0
    other = analysed(
        measured(trace, swaps=SWAPS, reads=answering(trace, {"baseline": 0.3, "pruned": 0.02}))
    )
    assert "points fewer than in the baseline" in other.claim


def test_what_both_mind_alike_is_no_difference(trace: Trace) -> None:
    finding = analysed(
        measured(trace, swaps=SWAPS, reads=answering(trace, {"baseline": 0.1, "pruned": 0.1}))
    )
    assert "no difference shown from the baseline" in finding.claim


def test_numbers_are_those_recomputed_by_hand(trace: Trace) -> None:
    reads = answering(trace, {"baseline": 0.2, "unpruned": 0.1, "pruned": 0.3})
    finding = analysed(measured(trace, swaps=SWAPS, reads=reads))
    texts = whole(trace, "texts")["text"]
    pattern = re.compile(r"\b(Berlin|Ng|won|returning)\b")
    into = {"Berlin": "Ng", "Ng": "Berlin", "won": "returning", "returning": "won"}
    pairs = [
        (text, pattern.sub(lambda found: into[found[0]], text))
        for text in texts
        if pattern.search(text)
    ]
    for arm in ("baseline", "unpruned", "pruned"):
        flips = [np.argmax(reads(arm, one)) != np.argmax(reads(arm, two)) for one, two in pairs]
        rate = finding.measurement("flips", arm=arm, swap="people")
        assert rate.n == len(pairs)
        assert rate.value == pytest.approx(np.mean(flips))
        moved = finding.measurement("moved", arm=arm, swap="people")
        assert moved.value == pytest.approx(0.7 * np.mean(flips))
    changed = finding.table("changed")
    assert {row[1] for row in changed.rows} == {"people"}
    assert all(set(str(row[2]).split(", ")) <= {
        "Berlin → Ng", "Ng → Berlin", "won → returning", "returning → won"}
        for row in changed.rows)  # fmt: skip


def living(longer: str) -> Callable[[str, str], list[int]]:
    """A bench's `lives`: one word lives three layers, and those right beside it two; others one."""

    def lives(arm: str, text: str) -> list[int]:
        words = text.split()
        return [
            3 if word == longer else 2 if longer in words[max(0, i - 1) : i + 2] else 1
            for i, word in enumerate(words)
        ]

    return lives


def test_a_group_whose_words_live_longer_is_named(trace: Trace) -> None:
    finding = analysed(measured(trace, swaps=SWAPS, lives=living("Ng")))
    assert "words of there live " in finding.claim
    assert "layers longer" in finding.claim
    longer = finding.measurement("longer", arm="pruned", swap="people", group="there")
    assert (longer.value or 0) > 0
    near = finding.measurement("near_beyond", arm="pruned", swap="people")
    assert near.interval is not None
    assert near.interval.low > 0
    shorter = analysed(measured(trace, swaps=SWAPS, lives=living("Berlin")))
    assert "layers shorter" in shorter.claim
    none = analysed(measured(trace, swaps=SWAPS))
    assert "live" in none.claim
    assert "longer (" not in none.claim


def test_templates_are_compared_group_by_group(trace: Trace) -> None:
    def reads(arm: str, text: str) -> list[float]:
        return [0.3, 0.7] if text.startswith("Y") and arm == "pruned" else [0.6, 0.4]

    finding = analysed(measured(trace, swaps=TEMPLATES, reads=reads))
    rate = finding.measurement("flips", arm="pruned", swap="templates")
    assert rate.value == pytest.approx(2 / 3)  # x–y and y–z of three pairs
    assert rate.n == 40
    pairs = next(row for row in finding.table("swaps").rows if row[1] == "pruned")
    assert pairs[2:4] == (40, 120)
    assert finding.measurement("flips", arm="baseline", swap="templates").value == 0


def test_the_words_of_templates_are_followed_whole(trace: Trace) -> None:
    """Women and men differ at their beginning alone, which is half of a word."""
    identities = tuple(Identity(one, (("WHO", one),)) for one in ("men", "women"))
    templates = tuple(f"number {n}: the [WHO] left." for n in range(40))
    swaps = Swaps(templates=templates, identities=identities)

    def lives(arm: str, text: str) -> list[int]:
        return [3 if word == "women" else 1 for word in text.split()]

    finding = analysed(measured(trace, swaps=swaps, lives=lives))
    at = {"arm": "pruned", "swap": "templates"}
    assert finding.measurement("longer", group="women", **at).value == 2
    assert finding.measurement("word_change", **at).value == 2
    assert finding.measurement("near_change", **at).value == 0


def test_swaps_of_another_language_are_not_made(trace: Trace) -> None:
    finding = analysed(measured(trace, swaps=SWAPS._replace(language="de")))
    assert finding.status == "not_applicable"
    assert "no document of the swaps' language has a word that can be swapped" in finding.claim
    fit = LanguageFit(documents=9, told=9, foreign=7, script_share=1.0, stop_share=0.0,
                      stop_share_at_large=0.4)  # fmt: skip
    annotator = trace.about.annotator.model_copy(update={"language": "en", "fit": fit})
    foreign = replace_tables(trace, trace.about.model_copy(update={"annotator": annotator}))
    assert analysed(measured(foreign, swaps=SWAPS)).status == "not_applicable"


def test_what_is_swapped_does_not_depend_on_who_else_is_there(trace: Trace) -> None:
    many = Counterfactual(documents=50).measure(bench_of(trace, Swaps("en", (THREE, PEOPLE))))
    few = Counterfactual(documents=20).measure(bench_of(trace, Swaps("en", (PEOPLE, THREE))))
    assert many is not None
    assert few is not None
    key = ["swap", "unit", "words", "arm"]
    rows = [set(frame[key].itertuples(index=False, name=None)) for frame in (few, many)]
    assert rows[0] < rows[1]
    assert few.groupby("swap")["unit"].nunique().to_dict() == {"people": 20, "three": 20}


def bench_of(trace: Trace, swaps: Swaps) -> SyntheticBench:
    return SyntheticBench(trace, swaps=swaps)


def random_swaps(rng: np.random.Generator, units: int, rate: float, alike: float) -> list[Swapped]:
    """Two arms that change as many answers, of which a share is common to both."""
    common = rng.random(units) < rate
    flips = [np.where(rng.random(units) < alike, common, rng.random(units) < rate)
             for _ in range(2)]  # fmt: skip
    ones = np.ones(units)
    return [Swapped("s", arm, ones, one.astype(np.float64), ones)
            for arm, one in zip(("pruned", "baseline"), flips, strict=True)]  # fmt: skip


def says_more(finding: str) -> bool:
    return " points more " in finding or " points fewer " in finding


def false_claims(draws: int, seed: int) -> float:
    """Share of audits of four grounds with any claim, where no arm minds more than another."""
    rng = np.random.default_rng(seed)
    wrong = 0
    for _ in range(draws):
        found = {}
        for ground in "abcd":
            units, rate = int(rng.choice([30, 120, 400])), float(rng.choice([0.01, 0.05, 0.2]))
            mine, theirs = random_swaps(rng, units, rate, float(rng.choice([0.0, 0.7])))
            found[ground] = {"pruned": mine, "baseline": theirs}
        wrong += says_more(claim_of_swaps(grounds_of(found, "pruned", "baseline"), "the model"))
    return wrong / draws


def test_grounds_that_are_minded_alike_are_seldom_named() -> None:
    assert false_claims(200, 3) <= ALPHA + 0.02


@pytest.mark.slow
def test_grounds_that_are_minded_alike_are_seldom_named_in_many_draws() -> None:
    assert false_claims(4000, 4) <= 0.06


def false_lives(draws: int, seed: int) -> float:
    """Share of audits of six groups with any claim, where depths know nothing of groups."""
    rng = np.random.default_rng(seed)
    wrong = 0
    for _ in range(draws):
        units = int(rng.choice([120, 400]))
        first = rng.integers(6, size=units)
        second = (first + rng.integers(1, 6, size=units)) % 6
        depths = rng.choice(4, size=(units, 2), p=[0.5, 0.1, 0.1, 0.3])
        measured = pd.DataFrame(
            {"unit": [f"d{i}" for i in range(units)], "swap": "s", "arm": "pruned",
             "groups_before": [[f"g{one}"] for one in first],
             "groups_after": [[f"g{one}"] for one in second],
             "depths_before": [[one] for one in depths[:, 0]],
             "depths_after": [[one] for one in depths[:, 1]]}
        )  # fmt: skip
        wrong += "Put in another group's place" in claim_of_lived(lived(measured, "pruned"))
    return wrong / draws


def test_groups_whose_words_live_alike_are_seldom_named() -> None:
    assert false_lives(200, 5) <= ALPHA + 0.02


@pytest.mark.slow
def test_groups_whose_words_live_alike_are_seldom_named_in_many_draws() -> None:
    assert false_lives(4000, 6) <= 0.06


def test_power_to_name_a_ground_that_is_minded_more() -> None:
    rng = np.random.default_rng(8)
    named = 0
    for _ in range(100):
        theirs = random_swaps(rng, 400, 0.05, 1.0)[1]
        more = np.maximum(theirs.flips, rng.random(400) < 0.08)
        mine = Swapped("s", "pruned", theirs.pairs, more, theirs.moved)
        grounds = grounds_of({"s": {"pruned": mine, "baseline": theirs}}, "pruned", "baseline")
        named += " points more " in claim_of_swaps(grounds, "the model")
    assert named >= 95


def test_hostile_groups_stay_one_line(trace: Trace) -> None:
    ground = Ground("a\nb", ("<b>x</b>", "y\n\ny"), (("berlin", "ng"),), (), ())
    finding: Finding = analysed(measured(trace, swaps=Swaps("", (ground,)), lives=living("Ng")))
    assert "\n" not in finding.claim
    for table in finding.tables:
        assert all(len(row) == len(table.columns) for row in table.rows)
    assert len(list(itertools.chain(*(t.rows for t in finding.tables)))) > 4
