"""Variants of a trace, those on which every probe must hold its contract among them."""

from collections.abc import Mapping
from functools import cache
from itertools import count
from typing import Any

import numpy as np
import pandas as pd

from auditkit.files import Folder
from auditkit.testing.synthetic import synthetic_trace
from auditkit.testing.words import cost_rows
from auditkit.trace import NO_LABEL, About, Trace, documents_schema, finish, write_shard
from auditkit.trace.caching import Question, keep_measured
from auditkit.trace.tables import schemas

_PLACES = count()


def whole(trace: Trace, name: str) -> pd.DataFrame:
    """A table of `trace`, whole, as tests need it and probes must not."""
    if name == "documents":
        return trace.table(name)
    ids = list(trace.documents.ids) if name == "texts" else None
    return pd.concat(list(trace.scan(name, ids=ids)), ignore_index=True)


def replace_tables(trace: Trace, about: About | None = None, **tables: pd.DataFrame) -> Trace:
    """`trace` with other tables, and measured tables as `measured_<probe>`; the rest unchanged."""
    kept = {name: whole(trace, name) for name in schemas(trace.about) if name not in tables}
    return Trace.of(about or trace.about, **(kept | tables))


def with_depth(trace: Trace, depth: int) -> Trace:
    """`trace` with every piece that is not special at survival depth `depth`, in all arms."""
    layers = trace.about.layers
    tokens = whole(trace, "tokens")
    tokens.loc[~tokens["special"], "depth"] = depth
    special = tokens.set_index(["example_id", "position"])["special"]
    others = whole(trace, "depths")
    prunable = ~special.reindex(pd.MultiIndex.from_frame(others[["example_id", "position"]]))
    others.loc[prunable.to_numpy(dtype=bool), "depth"] = depth
    words = whole(trace, "words").assign(depth=np.int8(depth))
    depths = {str(k): g["depth"].to_numpy() for k, g in tokens.groupby("example_id", sort=False)}
    costs = pd.DataFrame([r for k, d in depths.items() for r in cost_rows(k, d, layers)])
    spent = costs.assign(macs=costs["macs_attention"] + costs["macs_ffn"])
    spent = spent.pivot_table(index="example_id", columns="arm", values="macs", aggfunc="sum")
    documents = trace.table("documents")
    kept = [[n * (depth >= layer) for layer in range(1, layers + 1)] for n in documents["pieces"]]
    documents = documents.assign(
        kept=pd.Series(kept, index=documents.index, dtype=object),
        macs_pruned=spent["pruned"].reindex(documents["example_id"]).to_numpy(),
    )
    return replace_tables(
        trace, documents=documents, tokens=tokens, depths=others, words=words, costs=costs
    )


def with_changed(trace: Trace) -> Trace:
    """`trace` as of a model that drops no tokens: the arm `changed`, and no control of pruning."""
    trace = with_depth(trace, trace.about.layers)
    gone = {run.name for run in trace.about.runs if run.subject == "model"} - {"pruned"}
    runs = tuple(
        run.model_copy(update={"name": "changed"}) if run.name == "pruned" else run
        for run in trace.about.runs
        if run.name not in gone
    )
    about = trace.about.model_copy(update={"runs": runs})
    told = {f"{part}_pruned": f"{part}_changed" for part in ("predicted", "probs")}
    schema = documents_schema(about.dataset.group_columns, about.arm_keys)
    documents = trace.table("documents").rename(columns=told)[schema.names]
    depths = whole(trace, "depths")
    return replace_tables(trace, about, documents=documents, depths=depths[:0])


def without_labels(trace: Trace) -> Trace:
    """`trace` as of data that have no labels."""
    dataset = trace.about.dataset.model_copy(update={"label_column": ""})
    about = trace.about.model_copy(update={"dataset": dataset})
    documents = trace.table("documents").assign(label=np.int32(NO_LABEL))
    return replace_tables(trace, about, documents=documents)


def resharded(trace: Trace, shards: int, order: np.ndarray | None = None) -> Trace:
    """`trace` on a store of its own, its documents cut into shards.

    Args:
        trace: What to cut.
        shards: How many; the last may hold no documents.
        order: In which order documents are recorded (n,), rows of `trace.documents`; None: as is.
    """
    documents = trace.documents
    rows = np.arange(len(documents)) if order is None else order
    folder = Folder(f"memory://auditkit-testing-{next(_PLACES)}/trace")
    schema = documents_schema(trace.about.dataset.group_columns, trace.about.arm_keys)
    tables = {name: whole(trace, name) for name in schemas(trace.about)}
    for number, part in enumerate(np.array_split(rows, shards)):
        place = {example_id: at for at, example_id in enumerate(documents.ids[part])}
        own = {}
        for name, table in tables.items():
            mine = table[table["example_id"].isin(place)]
            turn = mine["example_id"].map(place)
            own[name] = mine.iloc[np.argsort(turn.to_numpy(), kind="stable")]
        write_shard(folder, number, own, schema)
    finish(folder, trace.about)
    question = Question(asked="", given={})
    for probe, measured in trace._measured.items():  # no public way to a table by any name
        keep_measured(folder, probe, question, measured)
    return Trace.open(folder)


def contract_traces(seed: int = 0) -> dict[str, Trace]:
    """The traces on which every probe must hold its contract, by name; the same at every call."""
    return dict(_contract_traces(seed))


@cache
def _contract_traces(seed: int) -> Mapping[str, Trace]:
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
        "floors": make(documents=24, reseeded=True, repeat=True),
        "changed": with_changed(make(documents=24)),
        "no_words": make(documents=12, tagged=False),
        "one_layer": make(documents=12, layers=1),
        "unlabelled": without_labels(make(documents=24, reseeded=True)),
        "rationales": make(documents=36, rationales=0.7),
        "hostile_labels": make(documents=12, classes=4, labels=hostile),
    }
