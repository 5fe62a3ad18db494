"""Claims of what probes measure are read back, on benches with effects drawn at random."""

from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest
from claims import UPOS, contradictions, falsified, random_trace, unfounded
from numpy.typing import NDArray

from auditkit.finding import Finding
from auditkit.plugin import discover, unmet
from auditkit.probes import _maps
from auditkit.testing import SyntheticBench, replace_tables, synthetic_trace, whole
from auditkit.trace import About, Trace

MEASURING = ("faithfulness", "superficial_cue", "cluster", "validity", "rationale")
READ = (*MEASURING, "word_frequency")
MOST = {"superficial_cue": 450, "word_frequency": 330, "validity": 400}
"""Documents of the runs whose claims are falsified: some claims take many."""


@pytest.fixture(autouse=True)
def no_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Claims rest on no picture, which is what takes the time."""

    def line(vectors: NDArray[np.float32], seed: int) -> NDArray[np.float64]:
        return np.linspace((0, 0), (1, 1), len(vectors))

    monkeypatch.setattr(_maps, "flat", line)


def bench_of(trace: Trace, seed: int) -> SyntheticBench:
    """Taken away, stop words and kept tokens cost more or less; tokens and documents lean to their
    class; all by as much as the seed says."""
    rng = np.random.default_rng([seed, 1])
    by_stop, by_depth = rng.choice([-0.2, 0.0, 0.2], 2)
    of_kept, of_others, of_documents, of_first = rng.choice([0.0, 0.0, 1.0, 3.0], 4)
    words, tokens = whole(trace, "words"), whole(trace, "tokens")
    stops = set(map(tuple, words[words["is_stop"]][["example_id", "word"]].to_numpy()))
    layers = trace.about.layers
    cost = {
        (t.example_id, t.position):
            0.05 + by_stop * ((t.example_id, t.word) in stops) + by_depth * t.depth / layers
        for t in tokens.itertuples()
    }  # fmt: skip
    places = zip(tokens["example_id"], tokens["position"], strict=True)
    depth = dict(zip(places, tokens["depth"].tolist(), strict=True))
    classes, noises = len(trace.about.labels), rng.normal(0, 0.02, 997)

    def says(arm: str, example_id: str, do: str, where: frozenset[int]) -> list[float]:
        answers = trace.documents.answers(arm)
        assert answers is not None
        row = trace.documents.row_of(example_id)
        was = answers.probs[row, 0].astype(float)
        noise = float(noises[(row + 7 * len(where)) % len(noises)])
        lost = min(max(sum(cost[example_id, at] for at in where) + noise, -0.5), 1.0)
        mixed: NDArray[np.float64] = was * (1 - max(lost, 0)) + max(lost, 0) / classes
        if lost < 0:
            mixed = was * (1 + lost) - lost * np.eye(classes)[int(was.argmax())]
        return list(mixed)

    def states(arm: str, layer: int | None, example_id: str, position: int) -> list[float]:
        row = trace.documents.row_of(example_id)
        label = int(trace.documents.label[row])
        state = np.random.default_rng([seed, row, position, len(arm)]).normal(size=8)
        if layer is None:
            state[label] += of_documents
            state *= 1 if label else np.exp(of_first * np.arange(8) / 4)
        elif layer > 0:
            state[label] += of_kept if depth[example_id, position] >= layer else of_others
        return list(state)

    fault = int(rng.integers(0, 5))
    depths = {str(one): own.tolist() for one, own in tokens.groupby("example_id")["depth"]}

    def padding(example_id: str, form: str, batch: int, spare: int) -> Any:
        """Padding, masks or neither change answers of a third of the documents; or tokens return.

        Or no more than one depth more, which scores twice the bound do not excuse.
        """
        row, own = trace.documents.row_of(example_id), list(depths[example_id])
        answers = trace.documents.answers("pruned")
        assert answers is not None
        was = int(answers.predicted[row, 0])
        if row % 3 or (fault == 1 and spare < 40) or (fault > 1 and form != "masks"):
            return None
        if fault in (1, 2):
            return (was + 1) % classes, [0] * len(own), [0] * len(own)
        if fault == 3:
            return was, own, [1] * len(own)
        return was, [min(d + 1, layers) for d in own] if fault == 4 else own, [0] * len(own)

    def scores(example_id: str, factor: float) -> Any:
        """Moved thresholds turn answers of a fifth of the documents, the other way by fault."""
        row, own = trace.documents.row_of(example_id), depths[example_id]
        answers = trace.documents.answers("pruned")
        assert answers is not None
        turned = factor != 1 and (factor > 1) == bool(fault % 2) and row % 5 == 0
        bounds = factor * np.array(trace.about.model.thresholds)[:, None]
        alive = np.array(own) >= np.arange(layers)[:, None]
        said = int(answers.predicted[row, 0]) + turned
        return said % classes, own, bounds * alive * np.where(row % 2, 1.000001, 1.5)

    return SyntheticBench(trace, says=says, states=states, padding=padding, scores=scores)


def found_by(name: str, seed: int, trace: Trace) -> tuple[Finding, About] | None:
    """What a probe finds; None where it needs what the run has not."""
    probe: Any = discover()[name].load({})
    if unmet(probe, trace.about):
        return None
    if name in MEASURING:
        quick = {"draws": 2} if name == "faithfulness" else {}
        probe = replace(probe, **quick)
        frame = probe.measure(bench_of(trace, seed))
        if frame is not None:
            trace = replace_tables(trace, **{f"measured_{name}": frame})
    return probe.analyse(trace, np.random.default_rng(seed)), trace.about


def check(seeds: range) -> None:
    told = 0
    for seed in seeds:
        trace = random_trace(seed)
        for name in READ:
            found = found_by(name, seed, trace)
            if found is not None:
                finding, about = found
                wrong = [*unfounded(finding), *contradictions(finding, about)]
                assert not wrong, f"seed {seed}, {name}: {wrong} in {finding.claim!r}"
                told += finding.status != "not_applicable"
    assert told > 2 * len(seeds)


def test_claims_of_random_runs_say_what_their_numbers_do() -> None:
    check(range(5))


@cache
def told(probe: str) -> list[tuple[Finding, About]]:
    """What a probe finds in a few runs of one size and many preferences."""
    size, runs = MOST.get(probe, 120), []
    for seed in range(6):
        weights = {kind: 3.0 ** ((seed + at) % 3 - 1) for at, kind in enumerate(UPOS)}
        rng = np.random.default_rng(seed)
        runs.append(
            synthetic_trace(
                rng,
                documents=size,
                words=(6, 18),
                classes=2 + seed % 3,
                keep=0.6,
                weights=weights,
                rationales=0.9,
                marks_kept=3.0 * (seed % 3 - 1),
            )
        )
    found = (found_by(probe, seed, trace) for seed, trace in enumerate(runs))
    return [one for one in found if one is not None]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("probe", "said", "instead"),
    [
        ("faithfulness", "keep more of the prediction", "keep less of the prediction"),
        ("faithfulness", "keep less of the prediction", "keep more of the prediction"),
        ("faithfulness", "more of it is lost", "less of it is lost"),
        ("faithfulness", " documents)", "1 documents)"),
        ("superficial_cue", "hang more on", "hang less on"),
        ("superficial_cue", "No difference shown between", "Predictions hang more on"),
        ("superficial_cue", "stop words (", "sources ("),
        ("superficial_cue", "probability against ", "probability against 77"),
        ("cluster", "tell classes apart better", "tell classes apart less well"),
        ("cluster", "are not shown to lie among those", "lie among those"),
        ("cluster", " % of the way", "77777 % of the way"),
        ("cluster", "denser than the other classes: ", "denser than the other classes: World, "),
        ("validity", "answers as audited", "is not the one that was audited"),
        ("validity", "is not the one that was audited", "is the one that was audited"),
        ("validity", "no dropped token comes", "dropped tokens come"),
        ("validity", "; dropped tokens come back", "; no dropped token comes back"),
        ("validity", "of 7 ways", "of 9 ways"),
        ("validity", "thresholds higher", "thresholds lower"),
        ("validity", "o trend shown of", "o trend is of"),
        ("validity", " tokens under masks", "1 tokens under masks"),
        ("rationale", "marked more than as many", "marked less than as many"),
        (
            "rationale",
            "are not shown to agree with what people marked more or less",
            "agree with what people marked less",
        ),
        ("rationale", "they agree more than random", "they agree less than random"),
        ("rationale", " by chance, ", "7 by chance, "),
        ("rationale", " documents)", "1 documents)"),
        ("rationale", "survival agrees with them more", "survival agrees with them less"),
        ("word_frequency", "kept more often (", "kept less often ("),
        ("word_frequency", " that occur often enough", "99999 that occur often enough"),
        ("word_frequency", "% against ", "% against 77"),
    ],
)
def test_a_false_claim_is_noticed(probe: str, said: str, instead: str) -> None:
    found = falsified(told(probe), said, instead)
    assert found
    assert not [claim for claim, noticed in found if not noticed]


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_claims_of_a_hundred_random_runs_say_what_their_numbers_do() -> None:
    check(range(1000, 1100))
