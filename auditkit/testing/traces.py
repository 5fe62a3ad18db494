"""For tests of probes, third parties' too: synthetic traces, a stub of the bench, the contract.

from auditkit.testing.traces import check_probe, contract_traces

@pytest.mark.parametrize("name, trace", contract_traces().items())
def test_contract(name, trace):
    check_probe(MyProbe(), trace)
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa

from auditkit.errors import ProbeError
from auditkit.finding.values import Audit, Finding, dumps, loads
from auditkit.plugin.probe import Probe, unmet
from auditkit.trace.tables import TABLES, About, AnnotatorAbout, DatasetAbout, ModelAbout, Trace

HIDDEN, INTERMEDIATE = 64, 256

ACCURACY = {"baseline": 0.9, "continued": 0.9, "unpruned": 0.9, "pruned": 0.85, "random": 0.7}
"""Expected accuracy per arm of `synthetic_trace`."""


class _Word(NamedTuple):
    text: str
    upos: str
    is_stop: bool
    entity: str
    pieces: int


VOCABULARY = (
    _Word("the", "DET", True, "", 1),
    _Word("of", "ADP", True, "", 1),
    _Word("and", "CCONJ", True, "", 1),
    _Word("is", "AUX", True, "", 1),
    _Word("restaurant", "NOUN", False, "", 1),
    _Word("market", "NOUN", False, "", 1),
    _Word("semiconductor", "NOUN", False, "", 3),
    _Word("goalkeeper", "NOUN", False, "", 2),
    _Word("returning", "VERB", False, "", 2),
    _Word("won", "VERB", False, "", 1),
    _Word("best", "ADJ", False, "", 1),
    _Word("unprofitable", "ADJ", False, "", 3),
    _Word("Berlin", "PROPN", False, "GPE", 1),
    _Word("Ng", "PROPN", False, "PERSON", 1),
    _Word("Kowalczyk", "PROPN", False, "PERSON", 3),
    _Word("42", "NUM", False, "CARDINAL", 1),
    _Word(",", "PUNCT", False, "", 1),
    _Word(".", "PUNCT", False, "", 1),
)
"""The words of synthetic documents."""


def synthetic_trace(
    rng: np.random.Generator,
    *,
    documents: int = 40,
    layers: int = 4,
    classes: int = 2,
    baseline: bool = True,
    continued: bool = False,
    draws: int = 1,
    words: tuple[int, int] = (6, 24),
    keep: float = 0.75,
    weights: Mapping[str, float] | None = None,
    accuracy: Mapping[str, float] | None = None,
    coupling: float = 0.9,
    labels: Sequence[str] | None = None,
    tagged: bool = True,
) -> Trace:
    """A trace whose tables agree with each other, made without a model.

    Args:
        rng: The only source of chance.
        documents: How many; every tenth is truncated.
        layers: L.
        classes: C.
        baseline: Whether the arm `baseline` was run.
        continued: Whether the arm `continued` was run too.
        draws: Draws of the arm `random`, each at the counts of `pruned` per layer; 0 leaves it out.
        words: Fewest and most words of a document, both included.
        keep: Share of the pieces alive that a layer keeps, rounded down at random.
        weights: Odds, by UPOS, of a piece to outlive others; 1 where not named.
        accuracy: Expected accuracy by arm, over `ACCURACY`.
        coupling: Share of the documents on which an arm is right or wrong for the reason that all
            arms share (the document's difficulty), so that arms are paired.
        labels: Class names, `class 0` and so on by default.
        tagged: False leaves every piece without a word, and the table `words` empty.
    """
    names = tuple(labels) if labels is not None else tuple(f"class {c}" for c in range(classes))
    ids = [f"doc-{number:04d}" for number in range(documents)]
    rows: dict[str, list[dict[str, Any]]] = {name: [] for name in TABLES}
    difficulty = rng.random(documents)
    about = _about(layers, names, documents, baseline, draws)
    about = about.model_copy(update={"continued": about.baseline if continued else None})
    for number, example_id in enumerate(ids):
        label = number % classes
        document = _document(rng, example_id, words, truncated=number % 10 == 9, tagged=tagged)
        _prune(rng, document, layers, keep, weights or {})
        rows["examples"].append({"example_id": example_id, "text": document.text, "label": label,
                                 "tokens": len(document.tokens),
                                 "truncated": number % 10 == 9,
                                 "words_cut": 5 * (number % 10 == 9)})  # fmt: skip
        rows["groups"].append(
            {"example_id": example_id, "column": "source", "value": "ab"[number % 2]}
        )
        rows["tokens"] += document.tokens
        rows["words"] += document.words
        for draw in range(draws):
            rows["random"] += _shuffled(rng, document, draw)
        for arm in about.arms:
            right = ACCURACY[arm] if accuracy is None else {**ACCURACY, **accuracy}[arm]
            for draw in range(draws if arm == "random" else 1):
                own = difficulty[number] if rng.random() < coupling else rng.random()
                rows["predictions"].append(
                    {"example_id": example_id, "arm": arm, "draw": draw}
                    | _prediction(rng, label, classes, right=own < right)
                )
        rows["costs"] += _costs(example_id, document, layers)
    frames = {name: pd.DataFrame(r, columns=TABLES[name].names) for name, r in rows.items() if r}
    return Trace.of(about, **frames)


def replace_tables(trace: Trace, about: About | None = None, **tables: pd.DataFrame) -> Trace:
    """`trace` with other tables, and measured tables as `measured_<probe>`; the rest unchanged."""
    kept = {name: trace.table(name) for name in TABLES}
    return Trace.of(about or trace.about, **(kept | tables))


def with_depth(trace: Trace, depth: int) -> Trace:
    """`trace` with every piece that is not special at survival depth `depth`, in all arms."""
    tokens = trace.table("tokens").copy()
    tokens.loc[~tokens["special"], "depth"] = depth
    special = tokens.set_index(["example_id", "position"])["special"]
    random = trace.table("random").copy()
    prunable = ~special.reindex(pd.MultiIndex.from_frame(random[["example_id", "position"]]))
    random.loc[prunable.to_numpy(dtype=bool), "depth"] = depth
    words = trace.table("words").assign(depth=np.int8(depth))
    depths = {str(k): g["depth"].to_numpy() for k, g in tokens.groupby("example_id", sort=False)}
    costs = [row for k, d in depths.items() for row in _cost_rows(k, d, trace.about.layers)]
    return replace_tables(
        trace, tokens=tokens, random=random, words=words, costs=pd.DataFrame(costs)
    )


def contract_traces(seed: int = 0) -> dict[str, Trace]:
    """The traces on which every probe must hold its contract, by name."""

    def make(**options: Any) -> Trace:
        return synthetic_trace(np.random.default_rng(seed), **options)

    twice = "</script><script>alert(1)</script>"
    hostile = (twice, "\u202eright to left", "nul \x00 | *md* `x`", twice)
    return {
        "full": make(draws=3),
        "one_document": make(documents=1),
        "one_token": make(documents=12, words=(1, 1)),
        "all_pruned": with_depth(make(documents=12, draws=2), 0),
        "nothing_pruned": with_depth(make(documents=12, draws=2), 4),
        "no_baseline": make(baseline=False),
        "no_random": make(draws=0),
        "continued": make(documents=12, continued=True),
        "no_words": make(documents=12, tagged=False),
        "one_layer": make(documents=12, layers=1),
        "hostile_labels": make(documents=12, classes=4, labels=hostile),
    }


def check_probe(probe: Probe, trace: Trace, *, seed: int = 0) -> Finding | None:
    """Run `probe.analyse` on `trace` and check what every probe owes; its finding.

    The finding carries the probe's name, version and question and a claim of one line; the same
    seed gives the same bytes; they survive a round trip through JSON; the tables of the trace are
    as before. (That the status is known, that nothing stands twice, that numbers are finite and
    that charts have their table is checked when a finding is made.)

    Returns:
        None where the trace does not offer what the probe needs: it would not be run.

    Raises:
        ProbeError: The contract is broken.
    """
    if unmet(probe, trace):
        return None
    before = _fingerprints(trace)
    finding = probe.analyse(trace, np.random.default_rng(seed))
    again = probe.analyse(trace, np.random.default_rng(seed))
    text = dumps(finding)
    read = loads(dumps(Audit(about={}, findings=(finding,), failures=()))).findings[0]
    told = (finding.probe, finding.version, finding.question)
    line = finding.claim.strip()
    checks = {
        "is not a Finding": isinstance(finding, Finding),
        "names another probe, version or question": told
        == (probe.name, probe.version, probe.question),
        "makes no claim of one line": bool(line) and len(line.splitlines()) == 1,
        "differs between two runs of one seed": text == dumps(again),
        "changes when it is written and read": text == dumps(read),
        "comes with changed tables of the trace": before == _fingerprints(trace),
    }
    for broken, holds in checks.items():
        if not holds:
            raise ProbeError(f"probe {probe.name}: its finding {broken}")
    return finding


@dataclass
class SyntheticBench:
    """A `BenchView` without models: attributions follow survival depth, as far as `truth` says."""

    trace: Trace
    glossary: tuple[str, ...] = ()
    attribution_sample: int = 200
    training: pd.DataFrame | None = None
    """What `training_words` returns."""
    truth: float = 0.5
    """Weight of the survival depth in |attribution|; the rest is noise."""
    seed: int = 0
    calls: list[tuple[str, str]] = field(default_factory=list)
    """Arm and method of every call of `attribute`."""
    about: About = field(init=False)

    def __post_init__(self) -> None:
        self.about = self.trace.about

    @property
    def examples(self) -> pd.DataFrame:
        """The trace's table `examples`."""
        return self.trace.table("examples")

    def training_words(self) -> pd.DataFrame | None:
        """`training`."""
        return self.training

    def stratified_sample(self, size: int) -> list[str]:
        """The first `size` example ids, class by class in turn."""
        turn = self.examples.groupby("label").cumcount()
        ordered = self.examples.assign(turn=turn).sort_values(["turn", "label"])
        return sorted(ordered["example_id"].head(size))

    def attribute(self, arm: str, method: str, example_ids: Sequence[str]) -> pd.DataFrame:
        """Attributions that no model made, the same for equal arguments."""
        self.calls.append((arm, method))
        key = hashlib.sha256(f"{arm} {method} {self.seed}".encode()).digest()[:8]
        rng = np.random.default_rng(int.from_bytes(key))
        tokens = self.trace.table("tokens")
        frame = tokens[tokens["example_id"].isin(list(example_ids))]
        depth = frame["depth"].to_numpy(dtype=float)
        size = self.truth * depth / max(self.about.layers, 1)
        size += (1 - self.truth) * rng.random(len(frame))
        gap = 0.01 if method == "integrated_gradients" else np.nan
        return pd.DataFrame(
            {
                "example_id": frame["example_id"].to_numpy(),
                "position": frame["position"].to_numpy(),
                "attribution": size * rng.choice([-1.0, 1.0], len(frame)),
                "convergence": np.full(len(frame), gap),
            }
        )

    def answer(self, arm: str, example_ids: Sequence[str], dtype: str) -> pd.DataFrame:
        """What the trace holds, whatever the precision; depths are those of `pruned`."""
        told = self.trace.predictions(arm)["predicted"][list(example_ids)]
        depths = self.trace.table("tokens").groupby("example_id")["depth"].agg(list)
        return pd.DataFrame({"predicted": told, "depths": depths}).loc[told.index].reset_index()


@dataclass
class _Document:
    text: str
    tokens: list[dict[str, Any]]
    words: list[dict[str, Any]]


def _document(
    rng: np.random.Generator,
    example_id: str,
    words: tuple[int, int],
    *,
    truncated: bool,
    tagged: bool,
) -> _Document:
    """A document without depths. Position 0 and the last are special, as [CLS] and [SEP]."""
    chosen = [
        VOCABULARY[i]
        for i in rng.integers(len(VOCABULARY), size=rng.integers(*words, endpoint=True))
    ]
    document = _Document("", [_token(example_id, 0, 101, (0, 0))], [])
    for number, word in enumerate(chosen):
        start = len(document.text) + (number > 0)
        document.text += (" " if number else "") + word.text
        cuts = [start + len(word.text) * piece // word.pieces for piece in range(word.pieces + 1)]
        for span in pairwise(cuts):
            position = len(document.tokens)
            token = _token(example_id, position, 1000 + position, span, number if tagged else -1)
            document.tokens.append(token)
        if tagged:
            document.words.append(
                {"example_id": example_id, "word": number, "text": word.text,
                 "lower": word.text.lower(), "char_start": start, "char_end": cuts[-1],
                 "upos": word.upos, "is_stop": word.is_stop, "entity": word.entity,
                 "pieces": word.pieces}
            )  # fmt: skip
    end = len(document.text)
    document.tokens.append(_token(example_id, len(document.tokens), 102, (end, end)))
    if truncated:
        document.text += " and what no model read"
    return document


def _token(
    example_id: str, position: int, token_id: int, span: tuple[int, int], word: int | None = None
) -> dict[str, Any]:
    return {"example_id": example_id, "position": position, "token_id": token_id,
            "char_start": span[0], "char_end": span[1], "word": -1 if word is None else word,
            "special": word is None}  # fmt: skip


def _prune(
    rng: np.random.Generator,
    document: _Document,
    layers: int,
    keep: float,
    weights: Mapping[str, float],
) -> None:
    """Give every token and word its depth: layer by layer, the pieces of the longest lives stay."""
    tokens = document.tokens
    upos = {word["word"]: word["upos"] for word in document.words}
    pieces = [t for t in tokens if not t["special"]]
    odds = np.array([weights.get(upos.get(t["word"], ""), 1.0) for t in pieces])
    order = np.argsort(np.log(odds) + rng.gumbel(size=len(pieces)))[::-1]  # longest life first
    depth = np.zeros(len(pieces), dtype=np.int64)
    alive = len(pieces)
    for _ in range(layers):
        alive = min(alive, int(alive * keep + rng.random()))
        depth[order[:alive]] += 1
    for token, own in zip(pieces, depth, strict=True):
        token["depth"] = int(own)
    tokens[0]["depth"] = layers
    tokens[-1]["depth"] = int(rng.integers(layers + 1))
    for word in document.words:
        word["depth"] = max(t["depth"] for t in pieces if t["word"] == word["word"])


def _shuffled(rng: np.random.Generator, document: _Document, draw: int) -> list[dict[str, Any]]:
    """The arm `random`: the depths of the pieces dealt anew, so that counts per layer match."""
    depths = [t["depth"] for t in document.tokens]
    pieces = [i for i, t in enumerate(document.tokens) if not t["special"]]
    for target, source in zip(pieces, rng.permutation(pieces), strict=True):
        depths[target] = document.tokens[source]["depth"]
    return [
        {"example_id": t["example_id"], "position": t["position"], "draw": draw, "depth": depth}
        for t, depth in zip(document.tokens, depths, strict=True)
    ]


def _prediction(
    rng: np.random.Generator, label: int, classes: int, *, right: bool
) -> dict[str, Any]:
    predicted = label if right else (label + int(rng.integers(1, max(classes, 2)))) % classes
    probs = rng.dirichlet(np.ones(classes))
    probs[[int(probs.argmax()), predicted]] = probs[[predicted, int(probs.argmax())]]
    return {"probs": probs.astype(np.float32), "predicted": predicted}


def _costs(example_id: str, document: _Document, layers: int) -> list[dict[str, Any]]:
    return _cost_rows(example_id, np.array([t["depth"] for t in document.tokens]), layers)


def _cost_rows(example_id: str, depth: np.ndarray, layers: int) -> list[dict[str, Any]]:
    """Counted MACs: attention on what enters a layer, FFN on what its decision left."""
    rows = []
    for arm in ("baseline", "pruned"):
        for layer in range(1, layers + 1):
            whole = len(depth)
            entering = whole if arm == "baseline" else int((depth >= layer - 1).sum())
            leaving = whole if arm == "baseline" else int((depth >= layer).sum())
            rows.append(
                {"example_id": example_id, "arm": arm, "layer": layer,
                 "tokens_in": entering, "tokens_out": leaving,
                 "macs_attention": 2 * HIDDEN * entering**2 + 4 * HIDDEN**2 * entering,
                 "macs_ffn": 2 * HIDDEN * INTERMEDIATE * leaving}
            )  # fmt: skip
    return rows


def _about(
    layers: int, labels: tuple[str, ...], documents: int, baseline: bool, draws: int
) -> About:
    model = ModelAbout(
        name="synthetic",
        sha256="0" * 64,
        layout="bert",
        layers=layers,
        hidden_size=HIDDEN,
        heads=4,
        intermediate_size=INTERMEDIATE,
        max_length=128,
        score_norm="length",
        thresholds=tuple(0.01 * (layer + 1) for layer in range(layers)),
    )
    plain = model.model_copy(
        update={"name": "synthetic/baseline", "thresholds": (), "score_norm": ""}
    )
    return About(
        auditkit="0",
        model=model,
        baseline=plain if baseline else None,
        no_baseline="" if baseline else "no --baseline was given and the checkpoint holds none",
        dataset=DatasetAbout(
            name="synthetic",
            split="test",
            sha256="0" * 64,
            text_column="text",
            label_column="label",
            labels=labels,
            group_columns=("source",),
            rows_in=documents,
            audited=documents,
            truncated=documents // 10,
            words_cut=5 * (documents // 10),
        ),
        annotator=AnnotatorAbout(name="synthetic", version="0", source="shipped"),
        seed=0,
        dtype="float32",
        device="cpu",
        random_draws=draws,
        random_documents=documents if draws else 0,
    )


def _fingerprints(trace: Trace) -> dict[str, str]:
    """A hash of every table's content."""
    prints = {}
    for name, schema in TABLES.items():
        table = pa.Table.from_pandas(trace.table(name), schema=schema, preserve_index=False)
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, schema) as writer:
            writer.write_table(table)
        prints[name] = hashlib.sha256(sink.getvalue()).hexdigest()
    return prints
