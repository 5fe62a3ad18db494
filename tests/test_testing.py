from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pandas as pd
import pytest

from auditkit.errors import ProbeError
from auditkit.finding.values import Finding
from auditkit.plugin.probe import BenchView
from auditkit.testing.traces import (
    SyntheticBench,
    check_probe,
    contract_traces,
    replace_tables,
    synthetic_trace,
    with_depth,
)
from auditkit.trace.tables import Trace

TRACES = contract_traces()


@pytest.mark.parametrize("name", TRACES)
def test_tables_agree_with_each_other(name: str) -> None:
    trace = TRACES[name]
    tokens, words = trace.table("tokens"), trace.table("words")
    texts = trace.table("examples").set_index("example_id")["text"]
    pieces = tokens[tokens["word"] >= 0].groupby(["example_id", "word"])
    for word in words.to_dict("records"):
        own = pieces.get_group((word["example_id"], word["word"]))
        assert (len(own), own["depth"].max()) == (word["pieces"], word["depth"])
        span = texts[word["example_id"]][word["char_start"] : word["char_end"]]
        assert span == word["text"]
        assert (own["char_start"].min(), own["char_end"].max()) == (
            word["char_start"],
            word["char_end"],
        )
    assert len(words) == len(pieces)
    predictions = trace.table("predictions")
    assert sorted(predictions["arm"].unique()) == sorted(trace.about.arms)
    for row in predictions.to_dict("records"):
        assert int(np.argmax(row["probs"])) == row["predicted"]
        assert sum(row["probs"]) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("name", TRACES)
def test_random_keeping_matches_the_counts_of_every_layer(name: str) -> None:
    trace = TRACES[name]
    key = ["example_id", "position"]
    joined = trace.table("random").merge(trace.table("tokens"), on=key, suffixes=("", "_pruned"))
    for _, group in joined[~joined["special"]].groupby(["example_id", "draw"]):
        assert sorted(group["depth"]) == sorted(group["depth_pruned"])


@pytest.mark.parametrize("name", TRACES)
def test_costs_count_the_tokens_alive(name: str) -> None:
    trace = TRACES[name]
    depths = trace.table("tokens").groupby("example_id")["depth"]
    for row in trace.table("costs").to_dict("records"):
        depth = depths.get_group(row["example_id"])
        layer = row["layer"] if row["arm"] == "pruned" else 0
        n_in, n_out = (depth >= max(layer - 1, 0)).sum(), (depth >= layer).sum()
        assert (row["tokens_in"], row["tokens_out"]) == (n_in, n_out)
        assert row["macs_attention"] == 2 * 64 * n_in**2 + 4 * 64**2 * n_in
        assert row["macs_ffn"] == 8 * 64**2 * n_out


def test_planted_weights_and_accuracies_are_there() -> None:
    rng = np.random.default_rng(1)
    trace = synthetic_trace(
        rng, documents=600, weights={"NOUN": 20.0}, accuracy={"pruned": 0.6}, draws=0
    )
    words = trace.table("words")
    nouns = words["upos"] == "NOUN"
    assert words[nouns]["depth"].mean() > words[~nouns]["depth"].mean() + 0.5
    gold = trace.table("examples")["label"].to_numpy()
    right = {
        a: (trace.predictions(a)["predicted"].to_numpy() == gold).mean() for a in trace.about.arms
    }
    assert right["pruned"] == pytest.approx(0.6, abs=0.06)
    assert right["baseline"] == pytest.approx(0.9, abs=0.04)


def test_one_seed_makes_one_trace() -> None:
    one, two = (synthetic_trace(np.random.default_rng(3), documents=5) for _ in range(2))
    pd.testing.assert_frame_equal(one.table("tokens"), two.table("tokens"))


def test_with_depth_prunes_all_or_nothing() -> None:
    for depth in (0, 4):
        tokens = with_depth(TRACES["full"], depth).table("tokens")
        assert set(tokens[~tokens["special"]]["depth"]) == {depth}


@dataclass(frozen=True)
class Fine:
    name: ClassVar[str] = "fine"
    version: ClassVar[str] = "1"
    question: ClassVar[str] = "Is it?"
    needs: ClassVar[frozenset[str]] = frozenset()

    def measure(self, bench: BenchView) -> None: ...

    def analyse(self, trace: Trace, rng: np.random.Generator) -> Finding:
        return self.finding()

    def finding(self, **changes: Any) -> Finding:
        fields = {"probe": "fine", "version": "1", "question": "Is it?", "claim": "It is."}
        return Finding(**({"status": "reported"} | fields | changes))


class Drifts(Fine):
    def analyse(self, trace: Trace, rng: np.random.Generator) -> Finding:
        return self.finding(claim=f"It is {np.random.default_rng().random()}.")


class Misnamed(Fine):
    def analyse(self, trace: Trace, rng: np.random.Generator) -> Finding:
        return self.finding(probe="other")


class Odd(Fine):
    def analyse(self, trace: Trace, rng: np.random.Generator) -> Finding:
        return self.finding(status="splendid")


class Silent(Fine):
    def analyse(self, trace: Trace, rng: np.random.Generator) -> Finding:
        return self.finding(claim=" ")


class Meddles(Fine):
    def analyse(self, trace: Trace, rng: np.random.Generator) -> Finding:
        trace.table("tokens").loc[0, "depth"] = 0
        return self.finding()


class Needy(Fine):
    needs = frozenset({"baseline"})


@pytest.mark.parametrize(
    ("probe", "complaint"),
    [
        (Drifts, "two runs of one seed"),
        (Misnamed, "another probe"),
        (Odd, "splendid"),
        (Silent, "one line"),
        (Meddles, "changed tables"),
    ],
)
def test_a_broken_contract_is_named(probe: type[Fine], complaint: str) -> None:
    with pytest.raises(ProbeError, match=complaint):
        check_probe(probe(), synthetic_trace(np.random.default_rng(0), documents=3))


def test_a_kept_contract_gives_the_finding_and_unmet_needs_none() -> None:
    found = check_probe(Fine(), TRACES["full"])
    assert found is not None
    assert found.claim == "It is."
    assert check_probe(Needy(), TRACES["no_baseline"]) is None
    assert check_probe(Needy(), TRACES["full"]) is not None


def test_the_bench_samples_every_class_and_attributes_the_same_twice() -> None:
    bench: BenchView = SyntheticBench(TRACES["hostile_labels"])
    sample = bench.stratified_sample(8)
    labels = bench.examples.set_index("example_id").loc[sample, "label"]
    assert labels.value_counts().to_dict() == {0: 2, 1: 2, 2: 2, 3: 2}
    one, two = (bench.attribute("unpruned", "integrated_gradients", sample) for _ in range(2))
    pd.testing.assert_frame_equal(one, two)
    assert set(one["example_id"]) == set(sample)


def test_replaced_tables_are_checked() -> None:
    with pytest.raises(Exception, match="no table 'wrods'"):
        replace_tables(TRACES["full"], wrods=pd.DataFrame())
