import re
import zlib
from functools import partial
from typing import Any

import contract
import numpy as np
import probing
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditkit.finding import Undefined
from auditkit.plugin import direction, unmet
from auditkit.probes._perturbed import PERTURBATIONS
from auditkit.probes._sturdy import lost_by
from auditkit.probes.robustness import Robustness
from auditkit.stats.multiplicity import adjusted_together
from auditkit.testing import (
    check_probe,
    contract_traces,
    synthetic_trace,
    whole,
)
from auditkit.trace import Trace

TRACES = contract_traces()
TEXT = "The minister isn't happy, and his friends do not agree with the new proposal."


def changed(name: str, text: str = TEXT, seed: int = 0) -> str:
    found: str = PERTURBATIONS[name](text, np.random.default_rng(seed))
    return found


measured = partial(probing.measured, Robustness())
analysed = partial(probing.analysed, Robustness())


@pytest.fixture(scope="module")
def trace() -> Trace:
    return synthetic_trace(np.random.default_rng(4), documents=560, classes=2)


def losing(trace: Trace, hurt: dict[str, float]) -> Any:
    """A bench's `reads`: an arm turns so large a share of its answers on texts in capitals."""
    texts = whole(trace, "texts")
    rows = {text.upper(): trace.documents.row_of(one)
            for one, text in zip(texts["example_id"], texts["text"], strict=True)}  # fmt: skip
    known = {text: trace.documents.row_of(one)
             for one, text in zip(texts["example_id"], texts["text"], strict=True)}  # fmt: skip
    lower = {text.lower(): row for text, row in known.items()}

    def reads(arm: str, text: str) -> list[float]:
        answers = trace.documents.answers(arm)
        assert answers is not None
        row = rows.get(text, lower.get(text))
        was = 0 if row is None else int(answers.predicted[row, 0])
        turned = text in rows and zlib.crc32(f"{arm} {text}".encode()) % 100 < 100 * hurt[arm]
        said = 1 - was if turned else was
        return [0.9, 0.1] if said == 0 else [0.1, 0.9]

    return reads


@pytest.mark.parametrize("name", contract.traces(TRACES))
def test_contract(name: str) -> None:
    for trace in (TRACES[name], measured(TRACES[name])):
        finding = check_probe(Robustness(), trace)
        assert (finding is None) == bool(unmet(Robustness(), trace.about))


@pytest.mark.slow
def test_a_change_that_breaks_the_pruned_model_is_named(trace: Trace) -> None:
    reads = losing(trace, {"baseline": 0.02, "pruned": 0.4})
    finding = analysed(measured(trace, reads=reads))
    assert "The pruned model loses more accuracy than the baseline to " in finding.claim
    assert "upper case (" in finding.claim.split(";")[0]
    assert "lower case (" not in finding.claim.split(";")[0]
    at = {"arm": "pruned", "against": "baseline", "perturbation": "upper case"}
    drops = [finding.measurement(n, **at).value for n in ("drop", "drop_reference", "drop_change")]
    assert None not in drops
    assert drops[0] - drops[1] == pytest.approx(drops[2])  # type: ignore[operator]
    other = analysed(measured(trace, reads=losing(trace, {"baseline": 0.4, "pruned": 0.02})))
    assert "The pruned model loses less accuracy than the baseline to " in other.claim


@pytest.mark.slow
def test_what_hurts_both_alike_is_no_difference() -> None:
    rng = np.random.default_rng(4)
    trace = synthetic_trace(rng, documents=560, classes=2, accuracy={"pruned": 0.9})
    finding = analysed(measured(trace, reads=losing(trace, {"baseline": 0.3, "pruned": 0.3})))
    assert "upper case" in finding.claim.split("o difference shown under ")[1]


def false_claims(draws: int, seed: int) -> float:
    """Share of audits with any claim, where changes of a text cost both models alike."""
    rng = np.random.default_rng(seed)
    wrong = 0
    for _ in range(draws):
        n, cost = int(rng.choice([40, 200, 500])), rng.uniform(0.0, 0.1, len(PERTURBATIONS))
        makes: list[Any] = []
        for lost in cost:
            sides = [rng.choice([-1.0, 0.0, 1.0], n, p=[lost / 4, 1 - 1.25 * lost, lost])
                     for _ in range(2)]  # fmt: skip
            makes.append(partial(lost_by, sides[0] - sides[1]))
        found = adjusted_together([make() for make in makes], makes)
        wrong += any(direction(one) for one in found)
    return wrong / draws


def test_changes_that_cost_both_alike_are_seldom_named() -> None:
    assert false_claims(100, 1) <= 0.09


@pytest.mark.slow
def test_changes_that_cost_both_alike_are_seldom_named_in_many_draws() -> None:
    assert false_claims(4000, 2) <= 0.06


def test_one_that_changes_no_document_has_the_reason(trace: Trace) -> None:
    finding = analysed(measured(trace))
    table = finding.table("perturbations")
    row = next(r for r in table.rows if r[0] == "negations written otherwise")
    assert row[1] == 0
    assert isinstance(row[2], Undefined)
    assert "negations written otherwise" in finding.claim.split("othing can be said of ")[1]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("lower case", TEXT.lower()),
        ("upper case", TEXT.upper()),
        ("title case", "The Minister Isn't Happy, And His Friends Do Not Agree With The New "
                       "Proposal.".replace("Isn't", "Isn'T")),
        ("negations written otherwise",
         "The minister is not happy, and his friends don't agree with the new proposal."),
        ("wider spaces", TEXT.replace(" ", "  ")),
        ("no punctuation",
         "The minister isn t happy and his friends do not agree with the new proposal"),
        ("the last quarter cut", "The minister isn't happy, and his friends do not agree"),
    ],
)  # fmt: skip
def test_what_is_done(name: str, expected: str) -> None:
    assert changed(name) == expected


@pytest.mark.parametrize(
    ("name", "length"),
    [("letters swapped", 0), ("letters left out", -1), ("letters doubled", 1), ("keys beside", 0),
     ("look-alike letters", 0)],
)  # fmt: skip
def test_slips_change_a_tenth_of_the_longer_words(name: str, length: int) -> None:
    found = changed(name)
    assert found != TEXT
    assert len(found) == len(TEXT) + length  # one of eight words
    before, after = TEXT.split(), found.split()
    assert sum(a != b for a, b in zip(before, after, strict=True)) == 1
    assert changed(name, seed=0) == found
    assert any(changed(name, seed=s) != found for s in range(1, 6))


def test_neutral_words_stand_before_or_after_the_text() -> None:
    assert changed("neutral words before").endswith(TEXT)
    assert changed("neutral words after").startswith(TEXT)


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=60), st.integers(0, 1000), st.sampled_from(sorted(PERTURBATIONS)))
def test_any_text_can_be_changed(text: str, seed: int, name: str) -> None:
    found = changed(name, text, seed)
    assert isinstance(found, str)
    assert found == changed(name, text, seed)
    if not re.search(r"[^\W\d_]{4,}", text) and "letters" in name:
        assert found == text
