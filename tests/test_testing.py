from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pandas as pd
import pytest

from auditkit.errors import ProbeError
from auditkit.finding import Finding
from auditkit.plugin import BenchView
from auditkit.testing import (
    SyntheticBench,
    check_probe,
    contract_traces,
    replace_tables,
    resharded,
    synthetic_trace,
    whole,
    with_depth,
)
from auditkit.trace import Trace

TRACES = contract_traces()


@pytest.mark.parametrize("name", TRACES)
def test_tables_agree_with_each_other(name: str) -> None:
    trace = TRACES[name]
    tokens, words = whole(trace, "tokens"), whole(trace, "words")
    texts = whole(trace, "texts").set_index("example_id")["text"]
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
    for arm in trace.about.arms:
        answers = trace.documents.answers(arm)
        assert answers is not None
        assert answers.probs.argmax(axis=2).tolist() == answers.predicted.tolist()
        assert answers.probs.sum(axis=2) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("name", TRACES)
def test_documents_count_their_tokens(name: str) -> None:
    trace = TRACES[name]
    tokens, costs = whole(trace, "tokens"), whole(trace, "costs")
    for row, example_id in enumerate(trace.documents.ids):
        mine = tokens[tokens["example_id"] == example_id]
        pieces, special = mine[~mine["special"]]["depth"], mine[mine["special"]]["depth"]
        assert trace.documents.tokens[row] == len(mine)
        assert trace.documents.pieces[row] == len(pieces)
        for layer in range(1, trace.about.layers + 1):
            assert trace.documents.kept[row, layer - 1] == (pieces >= layer).sum()
            assert trace.documents.special_kept[row, layer - 1] == (special >= layer).sum()
        for arm in ("baseline", "pruned"):
            own = costs[(costs["example_id"] == example_id) & (costs["arm"] == arm)]
            spent = own["macs_attention"].sum() + own["macs_ffn"].sum()
            macs = trace.documents.macs(arm)
            assert macs is not None
            assert macs[row] == spent


@pytest.mark.parametrize("name", TRACES)
def test_random_keeping_matches_the_counts_of_every_layer(name: str) -> None:
    trace = TRACES[name]
    key = ["example_id", "position"]
    joined = whole(trace, "depths").merge(whole(trace, "tokens"), on=key, suffixes=("", "_pruned"))
    for _, group in joined[~joined["special"]].groupby(["example_id", "arm", "draw"]):
        assert sorted(group["depth"]) == sorted(group["depth_pruned"])


@pytest.mark.parametrize("name", TRACES)
def test_costs_count_the_tokens_alive(name: str) -> None:
    trace = TRACES[name]
    depths = whole(trace, "tokens").groupby("example_id")["depth"]
    for row in whole(trace, "costs").to_dict("records"):
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
    words = whole(trace, "words")
    nouns = words["upos"] == "NOUN"
    assert words[nouns]["depth"].mean() > words[~nouns]["depth"].mean() + 0.5
    right = {
        arm: (answers.predicted[:, 0] == trace.documents.label).mean()
        for arm in trace.about.arms
        if (answers := trace.documents.answers(arm)) is not None
    }
    assert right["pruned"] == pytest.approx(0.6, abs=0.06)
    assert right["baseline"] == pytest.approx(0.9, abs=0.04)


def test_one_seed_makes_one_trace() -> None:
    one, two = (synthetic_trace(np.random.default_rng(3), documents=5) for _ in range(2))
    pd.testing.assert_frame_equal(whole(one, "tokens"), whole(two, "tokens"))


def test_with_depth_prunes_all_or_nothing() -> None:
    for depth in (0, 4):
        tokens = whole(with_depth(TRACES["full"], depth), "tokens")
        assert set(tokens[~tokens["special"]]["depth"]) == {depth}


@dataclass(frozen=True)
class Fine:
    name: ClassVar[str] = "fine"
    version: ClassVar[str] = "1"
    question: ClassVar[str] = "Is it?"
    needs: ClassVar[frozenset[str]] = frozenset()

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


class Cuts(Fine):
    def analyse(self, trace: Trace, rng: np.random.Generator) -> Finding:
        return self.finding(claim=f"It lies in {len(list(trace.scan('tokens')))} shards.")


class Needy(Fine):
    needs = frozenset({"baseline"})


@pytest.mark.parametrize(
    ("probe", "complaint"),
    [
        (Drifts, "two runs of one seed"),
        (Misnamed, "another probe"),
        (Odd, "splendid"),
        (Silent, "one line"),
        (Cuts, "cut into shards"),
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
    labels = [int(bench.documents.label[bench.documents.row_of(i)]) for i in sample]
    assert [labels.count(c) for c in range(4)] == [2, 2, 2, 2]
    asked = (["unpruned"], ["integrated_gradients"], sample)
    one, two = (bench.attribute(*asked) for _ in range(2))
    pd.testing.assert_frame_equal(one, two)
    assert set(one["example_id"]) == set(sample)


def test_replaced_tables_are_checked() -> None:
    with pytest.raises(Exception, match="no table 'wrods'"):
        replace_tables(TRACES["full"], wrods=pd.DataFrame())


@pytest.mark.parametrize("shards", [1, 2, 7])
def test_a_trace_in_other_shards_holds_the_same(shards: int) -> None:
    trace = TRACES["full"]
    order = np.random.default_rng(1).permutation(len(trace.documents))
    cut = resharded(trace, shards, order)
    assert cut.documents.ids.tolist() == trace.documents.ids.tolist()
    for name, key in (("tokens", ["example_id", "position"]), ("words", ["example_id", "word"])):
        one, two = (whole(t, name).sort_values(key, ignore_index=True) for t in (trace, cut))
        pd.testing.assert_frame_equal(one, two)
