"""The documents of a run as arrays: the only table that is held whole."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from auditkit.errors import TraceError
from auditkit.text import one_of
from auditkit.trace.about import About
from auditkit.trace.arms import arm as known
from auditkit.trace.arms import keys
from auditkit.trace.tables import COSTED


@dataclass(frozen=True, slots=True, eq=False)
class Answers:
    """What an arm said: m documents, J draws, C classes."""

    rows: np.ndarray
    """(m,) int64, ascending: rows of `Documents` on which every draw was run."""
    predicted: np.ndarray
    """(m, J) int32, class indices."""
    probs: np.ndarray
    """(m, J, C) float32."""


NO_LABEL = -1
"""The class index of documents whose data have no labels."""


@dataclass(frozen=True, eq=False)
class Documents:
    """n documents in the order of their ids, compared as strings; L layers. Arrays are read-only.

    Of a trace: `trace.documents`.
    """

    ids: np.ndarray
    """(n,) object: example_id, str."""
    label: np.ndarray
    """(n,) int32, class index; `NO_LABEL` of all where the data have none."""
    tokens: np.ndarray
    """(n,) int32: what the models read, special tokens included."""
    truncated: np.ndarray
    """(n,) bool."""
    words_cut: np.ndarray
    """(n,) int32."""
    pieces: np.ndarray
    """(n,) int32: tokens that are not special."""
    kept: np.ndarray
    """(n, L) int32: pieces alive after layers 1..L."""
    special_kept: np.ndarray
    """(n, L) int32: special tokens alive after layers 1..L."""
    shard: np.ndarray
    """(n,) int32: where among the shards each document lies."""
    _groups: Mapping[str, np.ndarray] = field(repr=False)
    _answers: Mapping[str, tuple[Answers, ...]] = field(repr=False)
    """By arm, one for each draw."""
    _macs: Mapping[str, np.ndarray] = field(repr=False)

    def __len__(self) -> int:
        return len(self.ids)

    def group(self, column: str) -> np.ndarray:
        """(n,) object: each document's value of one of the run's group columns.

        Raises:
            TraceError: There is no such column.
        """
        if column not in self._groups:
            raise TraceError(f"no group column {column!r}; {one_of(self._groups, column)}")
        return self._groups[column]

    def answers(self, arm: str) -> Answers | None:
        """What an arm said, where all its draws were run; None if the arm was not run.

        Raises:
            TraceError: There is no such arm.
        """
        draws = self._answers.get(known(arm).name, ())
        if len(draws) < 2:
            return draws[0] if draws else None
        rows = draws[0].rows
        for draw in draws[1:]:
            rows = np.intersect1d(rows, draw.rows, assume_unique=True)
        places = [np.searchsorted(draw.rows, rows) for draw in draws]
        pairs = list(zip(draws, places, strict=True))
        return Answers(
            rows=_fixed(rows),
            predicted=_fixed(np.concatenate([d.predicted[at] for d, at in pairs], axis=1)),
            probs=_fixed(np.concatenate([d.probs[at] for d, at in pairs], axis=1)),
        )

    def macs(self, arm: str) -> np.ndarray | None:
        """(n,) int64: counted MACs of `baseline` or `pruned`; None for other arms.

        Raises:
            TraceError: There is no such arm.
        """
        return self._macs.get(known(arm).name)

    def row_of(self, example_id: str) -> int:
        """The row of a document.

        Raises:
            TraceError: There is no such document.
        """
        return int(self.rows_of([example_id])[0])

    def rows_of(self, example_ids: Iterable[str]) -> np.ndarray:
        """(k,) int32: the rows of k documents.

        Raises:
            TraceError: One of them is not there.
        """
        wanted = np.array(list(example_ids), dtype=object)
        rows = np.searchsorted(self.ids, wanted).astype(np.int32)
        for row, example_id in zip(rows, wanted, strict=True):
            if row == len(self) or self.ids[row] != example_id:
                near = self.ids[max(0, row - 2) : row + 2]
                raise TraceError(f"no document {example_id!r}; near it: {', '.join(near)}")
        return rows


def read_documents(about: About, parts: Iterable[pa.Table]) -> Documents:
    """`Documents` from the table `documents` of each shard, in the order of the shards.

    Raises:
        TraceError: A document stands twice.
    """
    total, start = about.counts["documents"], 0
    columns: dict[str, np.ndarray] = {}  # of one piece: freed, they leave no holes in the heap
    for number, table in enumerate(parts):
        mine = slice(start, start + table.num_rows)
        for name, values in _columns(about, table, number):
            if name not in columns:
                columns[name] = np.empty((total, *values.shape[1:]), dtype=values.dtype)
            columns[name][mine] = values
        start = mine.stop
    order = np.argsort(columns["example_id"], kind="stable").astype(np.int32)
    ids = columns["example_id"][order]
    twice = np.flatnonzero(ids[1:] == ids[:-1])
    if len(twice):
        raise TraceError(f"table documents: document {ids[twice[0]]!r} stands twice")

    def column(name: str) -> np.ndarray:
        return _fixed(columns.pop(name)[order])

    everywhere = _fixed(np.arange(total))
    return Documents(
        ids=column("example_id"),
        label=column("label"),
        tokens=column("tokens"),
        truncated=column("truncated"),
        words_cut=column("words_cut"),
        pieces=column("pieces"),
        kept=column("kept"),
        special_kept=column("special_kept"),
        shard=column("shard"),
        _groups={name: column(f"group:{name}") for name in about.dataset.group_columns},
        _answers={
            run.name: tuple(
                _answers(
                    everywhere,
                    column(f"ran_{key}"),
                    column(f"predicted_{key}"),
                    column(f"probs_{key}"),
                )
                for key in keys(run.name, run.draws)
            )
            for run in about.runs
        },
        _macs={name: column(f"macs_{name}") for name in COSTED},
    )


def _columns(about: About, table: pa.Table, shard: int) -> Iterator[tuple[str, np.ndarray]]:
    """The columns of one shard as arrays, and which shard it is."""
    yield "shard", np.full(table.num_rows, shard, dtype=np.int32)
    yield "example_id", np.array(table["example_id"].to_pylist(), dtype=object)
    for name in ("label", "tokens", "truncated", "words_cut", "pieces"):
        yield name, table[name].to_numpy()
    for name in ("kept", "special_kept"):
        yield name, _matrix(table[name], about.layers)
    for name in (f"group:{column}" for column in about.dataset.group_columns):
        coded = table[name].combine_chunks().dictionary_encode()
        values = np.array(coded.dictionary.to_pylist(), dtype=object)
        yield name, values[coded.indices.to_numpy()]  # one string a value, not one a document
    for key in about.arm_keys:
        predicted = table[f"predicted_{key}"]
        yield f"ran_{key}", predicted.is_valid().to_numpy()
        yield f"predicted_{key}", predicted.fill_null(-1).to_numpy()
        yield f"probs_{key}", _matrix(table[f"probs_{key}"], len(about.labels))
    for name in COSTED:
        yield f"macs_{name}", table[f"macs_{name}"].to_numpy()


def _matrix(column: pa.ChunkedArray, width: int) -> np.ndarray:
    """Lists of one length as rows; zeros where there is none."""
    flat = pc.list_flatten(column).to_numpy()
    there = column.is_valid().to_numpy()
    matrix = np.zeros((len(there), width), dtype=flat.dtype)
    matrix[there] = flat.reshape(there.sum(), width)
    return matrix


def _answers(
    everywhere: np.ndarray, ran: np.ndarray, predicted: np.ndarray, probs: np.ndarray
) -> Answers:
    """One draw of an arm, on the documents on which it was run."""
    if ran.all():
        return Answers(everywhere, predicted[:, None], probs[:, None, :])
    return Answers(
        rows=_fixed(np.flatnonzero(ran)),
        predicted=_fixed(predicted[ran][:, None]),
        probs=_fixed(probs[ran][:, None, :]),
    )


def _fixed(array: np.ndarray) -> np.ndarray:
    """`array`, which nobody can change any more, nor make changeable: probes share it."""
    array.setflags(write=False)
    return array.view()
