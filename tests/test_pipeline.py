"""train → run → explain on tiny checkpoints of all layouts, through the command line.

What a trace holds is computed again from the checkpoint, one document at a time.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import tiny
import torch
from command import auditkit as command
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from auditkit.trace import Trace

LAYERS = 3
layouts = pytest.mark.parametrize(
    "layout", ["bert", "roberta", pytest.param("distilbert", marks=pytest.mark.slow)]
)

Checkpoints = Callable[[str], Path]
Traces = Callable[[str], Trace]


def table_of(trace: Trace, name: str) -> pd.DataFrame:
    ids = trace.documents.ids if name == "texts" else None
    return pd.concat(trace.scan(name, ids=ids), ignore_index=True)


def texts_of(trace: Trace) -> dict[str, str]:
    texts = table_of(trace, "texts")
    return dict(zip(texts["example_id"], texts["text"], strict=True))


def said_by(trace: Trace, arm: str) -> pd.DataFrame:
    """Columns probs and predicted of an arm, by document."""
    table = trace.table("documents").set_index("example_id")
    columns = {f"probs_{arm}": "probs", f"predicted_{arm}": "predicted"}
    return table[list(columns)].rename(columns=columns)


def rows(frame: pd.DataFrame) -> list[Any]:
    """The rows with their cells as attributes, whose types pandas does not know."""
    return list(frame.itertuples())


def by_document(frame: pd.DataFrame) -> dict[str, pd.DataFrame]:
    return {str(key): part for key, part in frame.groupby("example_id", sort=False)}


# --- training ----------------------------------------------------------------------------------


@layouts
def test_train_leaves_two_models_and_its_history(layout: str, tiny_checkpoint: Checkpoints) -> None:
    out = tiny_checkpoint(layout)
    record = json.loads((out / "training.json").read_text(encoding="utf-8"))
    assert [stage["stage"] for stage in record["stages"]] == ["baseline", "soft", "hard"]
    assert record["stages"][-1]["macs_share"] == pytest.approx(0.5, abs=0.1)  # on 16 documents
    assert record["stages"][-1]["accuracy"] > 0.5  # three classes
    assert json.loads((out / "config.json").read_text())["model_type"] == "auditkit-ltp"
    stock = json.loads((out / "baseline" / "config.json").read_text())
    assert (stock["model_type"], stock["id2label"]["2"]) == (layout, "Workshop")
    assert not (out / ".training").exists()


# --- the trace ---------------------------------------------------------------------------------


@layouts
def test_rows_are_accounted_for(layout: str, tiny_traces: Traces) -> None:
    trace = tiny_traces(layout)
    data = trace.about.dataset
    assert (data.rows_in, data.audited, len(data.refused), data.truncated) == (91, 90, 1, 1)
    assert data.refused[0].row == 91
    examples = trace.table("documents")
    assert len(examples) == 90
    assert [tiny.CLASSES[i] for i in examples["label"][:3]] == list(tiny.CLASSES)
    long = examples[examples["truncated"]].iloc[0]
    assert long["tokens"] == tiny.MAX_LENGTH
    assert long["words_cut"] > 0
    assert data.words_cut == examples["words_cut"].sum() == long["words_cut"]
    groups = {column: trace.documents.group(column) for column in data.group_columns}
    assert list(groups) == ["source", "season"]
    assert (groups["source"] != "").all()
    assert 0 < (groups["season"] == "").sum() < 90  # some have no season


@layouts
def test_words_are_slices_of_the_text(layout: str, tiny_traces: Traces) -> None:
    trace = tiny_traces(layout)
    texts = texts_of(trace)
    words = table_of(trace, "words")
    assert len(words) > 90 * 8
    for word in rows(words):
        assert word.text == texts[word.example_id][word.char_start : word.char_end]
        assert word.text.strip() == word.text != ""
    assert {"PROPN", "NOUN", "VERB"} <= set(words["upos"])
    assert set(words[words["text"] == "the"]["is_stop"]) == {True}


@layouts
def test_every_piece_belongs_to_the_word_that_it_overlaps_most(
    layout: str, tiny_traces: Traces
) -> None:
    trace = tiny_traces(layout)
    texts, words = texts_of(trace), by_document(table_of(trace, "words"))
    spaced = 0
    for example_id, tokens in by_document(table_of(trace, "tokens")).items():
        mine = rows(words[example_id])
        for token in rows(tokens):
            if token.special:
                assert token.word == -1
                continue
            overlaps = {
                w.word: min(w.char_end, token.char_end) - max(w.char_start, token.char_start)
                for w in mine
            }
            best = max(overlaps, key=lambda number: (overlaps[number], -number))
            assert token.word == (best if overlaps[best] > 0 else -1)
            piece = texts[example_id][token.char_start : token.char_end]
            spaced += piece.startswith(" ") and len(piece) > 1
    assert (spaced > 90) == (layout == "roberta")  # there a piece's span begins with the space


@layouts
def test_a_word_lives_as_long_as_any_of_its_pieces(layout: str, tiny_traces: Traces) -> None:
    trace = tiny_traces(layout)
    tokens = by_document(table_of(trace, "tokens"))
    several = 0
    for example_id, words in by_document(table_of(trace, "words")).items():
        pieces: dict[int, list[int]] = {}
        for token in rows(tokens[example_id]):
            pieces.setdefault(token.word, []).append(token.depth)
        pieces.pop(-1)
        assert set(words["word"]) == set(pieces)
        for word in rows(words):
            assert word.depth == max(pieces[word.word])
            assert word.pieces == len(pieces[word.word])
            several += word.pieces > 1
    assert several > 20


@layouts
def test_special_tokens_are_marked(
    layout: str, tiny_traces: Traces, tiny_checkpoint: Checkpoints
) -> None:
    tokenizer = AutoTokenizer.from_pretrained(tiny_checkpoint(layout))
    ends = ("<s>", "</s>") if layout == "roberta" else ("[CLS]", "[SEP]")
    assert tuple(tokenizer.convert_ids_to_tokens([0, 2] if layout == "roberta" else [2, 3])) == ends
    for tokens in by_document(table_of(tiny_traces(layout), "tokens")).values():
        special = tokens["special"].to_numpy()
        assert special[0]
        assert special[-1]
        assert not special[1:-1].any()
        assert tokenizer.convert_ids_to_tokens(tokens["token_id"].iloc[[0, -1]].tolist()) == list(
            ends
        )
        assert tokens["depth"].iloc[0] == LAYERS  # the first one is never dropped


# --- predictions -------------------------------------------------------------------------------


def probabilities(model: Any, ids: list[int]) -> tuple[np.ndarray, Any]:
    with torch.inference_mode():
        output = model(input_ids=torch.tensor([ids]), attention_mask=torch.ones(1, len(ids)).long())
    return torch.softmax(output.logits[0], -1).numpy(), output


@layouts
def test_predictions_are_those_of_the_checkpoint_alone(
    layout: str, tiny_traces: Traces, tiny_checkpoint: Checkpoints
) -> None:
    """One document at a time, through the classes that a user of transformers would take."""
    trace, path = tiny_traces(layout), tiny_checkpoint(layout)
    tokenizer = AutoTokenizer.from_pretrained(path)
    pruned = AutoModelForSequenceClassification.from_pretrained(path).eval()
    stock = AutoModelForSequenceClassification.from_pretrained(path / "baseline").eval()
    assert type(pruned).__name__ == "LTPForSequenceClassification"
    assert "LTP" not in type(stock).__name__
    said = {arm: said_by(trace, arm) for arm in ("pruned", "baseline")}
    depths = by_document(table_of(trace, "tokens"))
    for example_id, text in texts_of(trace).items():
        ids = tokenizer(text, truncation=True, max_length=tiny.MAX_LENGTH)["input_ids"]
        assert ids == depths[example_id]["token_id"].tolist()
        expected, output = probabilities(pruned, ids)
        np.testing.assert_allclose(said["pruned"]["probs"][example_id], expected, atol=1e-6)
        assert said["pruned"]["predicted"][example_id] == expected.argmax()
        assert depths[example_id]["depth"].tolist() == output.depth[0].tolist()
        expected, _ = probabilities(stock, ids)
        np.testing.assert_allclose(said["baseline"]["probs"][example_id], expected, atol=1e-5)
    labels = trace.table("documents").set_index("example_id")["label"]
    assert (said["pruned"]["predicted"] == labels).mean() > 0.6


@layouts
def test_counted_macs_follow_from_the_depths(layout: str, tiny_traces: Traces) -> None:
    trace = tiny_traces(layout)
    depths = by_document(table_of(trace, "tokens"))
    costs = by_document(table_of(trace, "costs"))
    d, f = 32, 64
    for example_id, tokens in depths.items():
        for arm, of_arm in costs[example_id].groupby("arm"):
            depth = tokens["depth"].tolist() if arm == "pruned" else [LAYERS] * len(tokens)
            assert of_arm["layer"].tolist() == [1, 2, 3]
            for row in rows(of_arm):
                into = sum(one >= row.layer - 1 for one in depth)
                out = sum(one >= row.layer for one in depth)
                assert (row.tokens_in, row.tokens_out) == (into, out)
                assert row.macs_attention == 4 * d * d * into + 2 * d * into * into
                assert row.macs_ffn == 2 * d * f * out


@layouts
def test_the_random_arm_keeps_as_many_tokens_and_others(layout: str, tiny_traces: Traces) -> None:
    trace = tiny_traces(layout)
    depths = table_of(trace, "depths")
    random = depths[depths["arm"] == "random"]
    pruned = by_document(table_of(trace, "tokens"))
    assert set(random["draw"]) == {0, 1, 2}
    assert random["example_id"].nunique() == trace.documents.label.size == 90
    differ = {"0": 0, "1": 0, "2": 0}
    for key, drawn in random.groupby(["example_id", "draw"]):
        example_id, draw = map(str, key)
        own = pruned[example_id]
        assert drawn["position"].tolist() == own["position"].tolist()
        mine, theirs = own["depth"].to_numpy(), drawn["depth"].to_numpy()
        for layer in range(1, LAYERS + 1):
            assert (theirs >= layer).sum() == (mine >= layer).sum()
        special = own["special"].to_numpy()
        assert theirs[special].tolist() == mine[special].tolist()
        differ[draw] += theirs.tolist() != mine.tolist()
    assert min(differ.values()) > 60
    first, second = (random[random["draw"] == draw]["depth"].to_numpy() for draw in (0, 1))
    assert (first != second).mean() > 0.1


# --- explain -----------------------------------------------------------------------------------


@layouts
def test_explain_says_what_the_trace_says(
    layout: str, tiny_traces: Traces, tiny_checkpoint: Checkpoints
) -> None:
    trace = tiny_traces(layout)
    example_id, text = next(iter(texts_of(trace).items()))
    done = command("explain", "--model", tiny_checkpoint(layout), "--json", text)
    assert done.code == 0, done.err
    said = json.loads(done.out)
    depth = by_document(table_of(trace, "tokens"))[example_id]["depth"]
    assert said["tokens"] == len(depth)
    assert said["alive"] == [int((depth >= layer).sum()) for layer in (1, 2, 3)]
    words = by_document(table_of(trace, "words"))[example_id]
    kept = [(s["text"], s["depth"]) for s in said["segments"] if s["depth"] is not None]
    assert kept == list(zip(words["text"], words["depth"], strict=True))
    assert "".join(segment["text"] for segment in said["segments"]) == text == said["text"]
    for prediction in said["predictions"]:
        expected = said_by(trace, prediction["arm"])["probs"][example_id]
        assert list(prediction["probabilities"]) == list(tiny.CLASSES)
        np.testing.assert_allclose(list(prediction["probabilities"].values()), expected, atol=1e-6)
    assert [p["arm"] for p in said["predictions"]] == ["baseline", "unpruned", "pruned"]
    costs = by_document(table_of(trace, "costs"))[example_id]
    macs = (costs["macs_attention"] + costs["macs_ffn"]).groupby(costs["arm"]).sum()
    assert said["macs_share"] == pytest.approx(macs["pruned"] / macs["baseline"], rel=1e-5)
