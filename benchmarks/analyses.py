"""How do time and memory of `auditkit report RUN --reanalyse` grow with the number of documents?

    python benchmarks/analyses.py [--documents 20000,200000] [--shards 1,2,7] [--json out.json]

Traces are made by chance, about 25 words a document, as a recording would leave them: six layers,
four classes, baseline, unpruned and pruned on all documents, random keeping three times on 2,000 of
them, the pruned model again on 256. All installed probes measure on a bench without models; then
the run is analysed and its pages are written, each size in a process of its own. A last trace is
cut into other numbers of shards: its results must be the same to the byte.

before  = peak memory (ru_maxrss) of that process when all is imported and nothing is open
after   = its peak memory when the pages are written
growth  = bytes of peak memory a document, between the smallest and the largest trace
"""

import argparse
import json
import multiprocessing
import resource
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from blocks import CLASSES, DRAWS, LAYERS, SAMPLES, TYPES, Block, Vocabulary
from rich.console import Console
from rich.table import Table

from auditkit.files import Folder
from auditkit.plugin import MeasuringProbe, unmet
from auditkit.record.recording import SHARD
from auditkit.report.rendering import RESULTS
from auditkit.run.asking import chosen_probes
from auditkit.run.directory import TRACE
from auditkit.run.reanalysis import reanalyse
from auditkit.run.settings import ProbeSettings
from auditkit.testing import SyntheticBench, synthetic_trace
from auditkit.trace import About, Trace, documents_schema, finish, write_shard
from auditkit.trace.caching import Question, keep_measured

CUT = 2000
"""Documents of the trace that is cut into several numbers of shards."""
ANSWER = Question(asked="", given={})
"""To what the models are made up to say."""


@dataclass(frozen=True)
class Analysed:
    """What one process measured."""

    documents: int
    seconds: Mapping[str, float]
    """By probe, of `analyse`; by `report`, of the pages."""
    statuses: Mapping[str, str]
    before: int
    """Bytes."""
    after: int
    """Bytes."""


def main() -> None:
    """Parse, measure, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--documents", type=_numbers, default=[20_000, 200_000], metavar="A,B")
    parser.add_argument("--shards", type=_numbers, default=[1, 2, 7], metavar="N,…",
                        help=f"into how many shards {CUT:,} documents are cut")  # fmt: skip
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as root:
        rows = [_measured(Path(root, str(size)), size)[0] for size in sorted(options.documents)]
        cuts = {n: _measured(Path(root, f"cut-{n}"), CUT, n)[1] for n in options.shards}
    same = len(set(cuts.values())) <= 1
    show(rows)
    shards = ", ".join(map(str, cuts))
    verdict = "identical" if same else "DIFFERENT"
    print(f"results of {CUT:,} documents in {shards} shards: {verdict}")
    if options.json:
        told = {"analyses": [asdict(row) for row in rows], "growth": growth(rows),
                "shards": options.shards, "identical": same}  # fmt: skip
        options.json.write_text(json.dumps(told, indent=1) + "\n")
    sys.exit(0 if same else 1)


def _numbers(value: str) -> list[int]:
    return [int(part) for part in value.split(",")]


def _measured(place: Path, documents: int, shards: int | None = None) -> tuple[Analysed, str]:
    _alone(make, place / TRACE, documents, shards)
    found: tuple[Analysed, str] = _alone(analyse, place)
    return found


def _alone(function: Callable[..., Any], *arguments: Any) -> Any:
    """What a function returns in a fresh process, whose peak memory is its own."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        return pool.submit(function, *arguments).result()


def analyse(place: Path) -> tuple[Analysed, str]:
    """Analyse the run in `place` anew; what that took, and its results as JSON."""
    chosen_probes(ProbeSettings())  # imports them, and what they import
    before = _peak()
    outcome = reanalyse(place)
    after, audit = _peak(), outcome.results
    if audit.failures:
        raise SystemExit("; ".join(f"{one.probe}: {one.error}" for one in audit.failures))
    seconds = {
        name.removeprefix("analyse "): spent
        for name, spent in outcome.seconds.items()
        if not name.startswith("measure ")
    }
    statuses = {finding.probe: finding.status for finding in audit.findings}
    documents = audit.about["counts"]["documents"]
    measured = Analysed(documents, seconds, statuses, before, after)
    return measured, (place / RESULTS).read_text(encoding="utf-8")


def _peak() -> int:
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def growth(rows: Sequence[Analysed]) -> float | None:
    """Bytes of peak memory a document, between the smallest and the largest trace."""
    small, large = rows[0], rows[-1]
    more = large.documents - small.documents
    return (large.after - small.after) / more if more else None


# --- making traces -----------------------------------------------------------------------------


def make(place: Path, documents: int, shards: int | None = None) -> None:
    """Write a trace made by chance, with what the probes measure on a bench without models.

    Args:
        place: A folder that is not there.
        documents: How many; the same ones however they are cut.
        shards: How many; None: as many as a recording makes.
    """
    folder, vocabulary = Folder(place), Vocabulary(np.random.default_rng(0))
    about = _about(documents)
    schema = documents_schema(about.dataset.group_columns, about.arm_keys)
    counts = np.zeros((CLASSES, TYPES), dtype=np.int64)
    parts = []
    for number, start in enumerate(range(0, documents, SHARD)):
        block = Block(vocabulary, start, min(SHARD, documents - start), documents)
        np.add.at(counts, (block.label[block.owner], block.types), 1)
        if shards is None:
            write_shard(folder, number, block.tables(), schema)
        else:
            parts.append(block.tables())
    if shards is not None:
        whole = {name: pd.concat([part[name] for part in parts]) for name in parts[0]}
        for number, ids in enumerate(np.array_split(whole["documents"]["example_id"], shards)):
            cut = {name: table[table["example_id"].isin(ids)] for name, table in whole.items()}
            write_shard(folder, number, cut, schema)
    finish(folder, about)
    label, types = np.nonzero(counts)
    training = pd.DataFrame(
        {"label": label, "lower": vocabulary.text[types], "count": counts[label, types]}
    )
    view = SyntheticBench(Trace.open(folder), training=training)
    for one in chosen_probes(ProbeSettings())[0]:
        if isinstance(one.probe, MeasuringProbe) and not unmet(one.probe, view.about):
            keep_measured(folder, one.plugin.name, ANSWER, one.probe.measure(view))


def _about(documents: int) -> About:
    rng = np.random.default_rng(0)
    one = synthetic_trace(
        rng, documents=1, layers=LAYERS, classes=CLASSES, draws=DRAWS, repeat=True
    )
    about = one.about
    runs = tuple(
        run.model_copy(update={"documents": min(SAMPLES.get(run.name, documents), documents)})
        for run in about.runs
    )
    rows = {"rows_in": documents, "audited": documents, "truncated": 0, "words_cut": 0}
    dataset = about.dataset.model_copy(update=rows)
    return about.model_copy(update={"runs": runs, "dataset": dataset})


def show(rows: Sequence[Analysed]) -> None:
    """A table on the terminal."""
    table = Table(box=None, padding=(0, 2, 0, 0))
    table.add_column("documents")
    for row in rows:
        table.add_column(f"{row.documents:,}", justify="right", no_wrap=True)
    for probe, status in rows[0].statuses.items():
        spent = [row.seconds.get(probe) for row in rows]
        note = " (not applicable)" if status == "not_applicable" else ""
        table.add_row(
            f"{probe}, s{note}", *("" if seconds is None else f"{seconds:.2f}" for seconds in spent)
        )
    pages = (row.seconds["report"] for row in rows)
    table.add_row("pages, s", *(f"{spent:.2f}" for spent in pages))
    table.add_row("all, s", *(f"{sum(row.seconds.values()):.2f}" for row in rows))
    table.add_row("before, MB", *(f"{row.before / 1e6:,.0f}" for row in rows))
    table.add_row("after, MB", *(f"{row.after / 1e6:,.0f}" for row in rows))
    more = growth(rows)
    if more is not None:
        table.add_row("growth, bytes a document", *[""] * (len(rows) - 1), f"{more:,.0f}")
    Console().print(table)


if __name__ == "__main__":
    main()
