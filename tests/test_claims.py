"""Claims are read back: what they say in words and numbers is what the finding prints."""

from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest
from claims import contradictions, falsified, random_trace, unfounded

from auditkit.finding import Finding
from auditkit.plugin import discover, unmet
from auditkit.trace import About

QUICK: dict[str, dict[str, Any]] = {
    "performance": {"resamples": 20}, "fairness": {"resamples": 20}, "flips": {"resamples": 20},
    "calibration": {"resamples": 20},
}  # fmt: skip
"""Fewer than a user may ask for: what claims say of their numbers does not depend on it."""
READ = ("performance", "efficiency", "layer_view", "pos_retention", "stopword", "entity")
SLOWER = ("fairness", "flips", "calibration")


def asked(name: str) -> Any:
    """The probe, quick."""
    probe: Any = discover()[name].load({})
    return replace(probe, **QUICK.get(name, {}))


def findings(seed: int, names: tuple[str, ...]) -> list[tuple[Finding, list[str]]]:
    """What probes find in a random run, and what is wrong with their claims."""
    trace, found = random_trace(seed), []
    for name in names:
        probe = asked(name)
        if not unmet(probe, trace.about):
            finding = probe.analyse(trace, np.random.default_rng(seed))
            wrong = [*unfounded(finding), *contradictions(finding, trace.about)]
            found.append((finding, wrong))
    return found


def check(seeds: range, names: tuple[str, ...] = READ) -> None:
    told = 0
    for seed in seeds:
        for finding, wrong in findings(seed, names):
            assert not wrong, f"seed {seed}, {finding.probe}: {wrong} in {finding.claim!r}"
            told += finding.status != "not_applicable"
    assert told > 0.6 * len(names) * len(seeds)


@pytest.mark.slow
def test_claims_of_random_runs_say_what_their_numbers_do() -> None:
    check(range(12))
    check(range(6), SLOWER)


@cache
def told(probe: str) -> list[tuple[Finding, About]]:
    """What a probe finds in a few random runs."""
    quick = asked(probe)
    traces = [(seed, random_trace(seed, 300)) for seed in range(24)]
    return [(quick.analyse(t, np.random.default_rng(seed)), t.about) for seed, t in traces]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("probe", "said", "instead"),
    [
        ("performance", "Pruning costs", "The pruned model gains"),
        ("performance", "No difference in accuracy shown (", "Pruning costs 0.0 points ("),
        ("performance", "is not ruled out", "is ruled out"),
        ("performance", "the loss exceeds", "a loss of more than that is ruled out, not"),
        ("performance", " documents would decide", "1 documents would decide"),
        ("performance", "nothing is decided", "a loss is ruled out"),
        ("performance", "→ ", "→ 1"),
        ("stopword", "are kept longer", "are dropped sooner"),
        ("stopword", "are dropped sooner", "are kept longer"),
        ("stopword", "No difference shown", "It seems"),
        ("stopword", ") agrees; the", ") says nothing; the"),
        ("stopword", "outlive ", "outlive 77"),
        ("pos_retention", " longer than", " no longer than"),
        ("pos_retention", "drops ", "keeps FOO, "),
        ("pos_retention", " tested", "1 tested"),
        ("efficiency", "takes ", "takes 77"),
        ("layer_view", "Of ", "Of 77"),
    ],
)
def test_a_false_claim_is_noticed(probe: str, said: str, instead: str) -> None:
    found = falsified(told(probe), said, instead)
    assert found
    assert not [claim for claim, noticed in found if not noticed]


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_claims_of_many_random_runs_say_what_their_numbers_do() -> None:
    check(range(1000, 1300))
    check(range(1000, 1040), SLOWER)
