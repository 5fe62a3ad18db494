"""A run's tables, and the words that its model kept and dropped, as CSV for spreadsheets and code.

Text that a spreadsheet would run as a formula has an apostrophe put before it; numbers are numbers.
An interval is two columns, and what is undefined leaves its cell empty and says why in a column of
its own. The words are written shard by shard.
"""

import csv
import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from auditkit.errors import SettingsError
from auditkit.finding import Cell, Interval, Results, Table, Undefined
from auditkit.plugin import class_name
from auditkit.text import one_line
from auditkit.trace import Trace

INDEX = "tables.json"
"""What lies in the directory; without it, it is not ours to write into."""
WORDS = "words.csv"
HEADER = (
    "document", "class", "predicted", "word", "text", "part_of_speech", "stop_word", "entity",
    "pieces", "left_in_layer",
)  # fmt: skip
"""left_in_layer: whose decision dropped the word's last piece, from 1; empty: it outlived all."""

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def write_tables(
    audit: Results,
    trace: Trace | None,
    directory: Path,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> list[Path]:
    """Write every table of the findings, and a row for every word that the model read.

    Args:
        audit: What was found.
        trace: Of the run; None: the words are left out.
        directory: Made where it is not; else empty, or of an earlier call.
        progress: Told (done, total) shards.

    Returns:
        The files.

    Raises:
        SettingsError: The directory holds something else.
    """
    if directory.exists() and (
        not directory.is_dir() or (any(directory.iterdir()) and not (directory / INDEX).is_file())
    ):
        raise SettingsError(f"--tables {directory} is not empty and not of tables; give another")
    directory.mkdir(parents=True, exist_ok=True)
    files: dict[str, str] = {}
    for finding in audit.findings:
        for table in finding.tables:
            name = _distinct(f"{finding.probe}-{table.name}", files)
            files[name] = one_line(table.title)
            _write(directory / name, *_columns(table))
    if trace is not None:
        files[WORDS] = "Every word that the model read, and where it was dropped"
        _write(directory / WORDS, HEADER, _words(trace, progress))
    index = json.dumps(files, ensure_ascii=False, indent=1) + "\n"
    (directory / INDEX).write_text(index, encoding="utf-8")
    return [directory / name for name in (*files, INDEX)]


def _distinct(name: str, taken: Iterable[str]) -> str:
    """A file's name whatever a probe calls its table."""
    slug = re.sub(r"[^A-Za-z0-9_-]+", "-", name)[:80].strip("-") or "table"
    known, number, found = {one.casefold() for one in taken}, 1, f"{slug}.csv"
    while found.casefold() in known or found == WORDS:
        number += 1
        found = f"{slug}-{number}.csv"
    return found


def _write(path: Path, header: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as handle:
        writer = csv.writer(handle)
        writer.writerow(header)
        writer.writerows([harmless(cell) for cell in row] for row in rows)


def harmless(cell: Any) -> Any:
    """A cell that no spreadsheet takes for a formula."""
    if isinstance(cell, str) and cell.startswith(_FORMULA):
        return f"'{cell}"
    return cell


def _columns(table: Table) -> tuple[list[str], Iterator[list[Any]]]:
    """Header and rows: intervals in two columns, reasons beside what is undefined."""
    header: list[str] = []
    lacking = [any(isinstance(cell, Undefined) for cell in table.column(c.name))
               for c in table.columns]  # fmt: skip
    for column, lacks in zip(table.columns, lacking, strict=True):
        sides = ("_low", "_high") if column.kind == "interval" else ("",)
        header += [f"{column.name}{side}" for side in sides]
        header += [f"{column.name}_undefined"] if lacks else []
    return header, (
        [part for column, cell, lacks in zip(table.columns, row, lacking, strict=True)
         for part in _parts(cell, interval=column.kind == "interval", lacks=lacks)]
        for row in table.rows
    )  # fmt: skip


def _parts(cell: Cell, *, interval: bool, lacks: bool) -> list[Any]:
    why = [cell.undefined if isinstance(cell, Undefined) else ""] if lacks else []
    if isinstance(cell, Undefined):
        return [""] * (2 if interval else 1) + why
    if isinstance(cell, Interval):
        return [cell.low, cell.high, *why]
    return [cell, *why]


def _words(trace: Trace, progress: Callable[[int, int], None]) -> Iterator[list[Any]]:
    documents, labels = trace.documents, trace.about.labels
    (audited,) = trace.about.in_role("audited")
    answers = documents.answers(audited)
    assert answers is not None  # it runs on all documents
    layers = trace.about.layers
    columns = ["example_id", "word", "text", "upos", "is_stop", "entity", "pieces", "depth"]
    total = int(documents.shard.max(initial=-1)) + 1
    for done, words in enumerate(trace.scan("words", ["document", *columns]), start=1):
        rows = words[["document", *columns]].itertuples(index=False, name=None)
        for row, one, word, text, upos, stop, entity, pieces, depth in rows:
            yield [
                one, class_name(labels, int(documents.label[row])),
                class_name(labels, int(answers.predicted[row, 0])), word, text, upos,
                "yes" if stop else "no", entity, pieces, "" if depth >= layers else depth + 1,
            ]  # fmt: skip
        progress(done, total)
