"""Packed rows: the tokens of a batch without padding, and how attention sees them.

A batch of B documents is one matrix of rows, document after document. Rows that were pruned are not
in it. What a document's numbers are must depend on nothing but the document, so that neither batch
nor padding changes a decision:

- attention runs over groups of documents of one padded length, which follows from the document's
  own length alone (`LENGTH_MULTIPLE`);
- the number of rows is a multiple of `ROW_MULTIPLE`: products of few or odd rows take another path
  in the CPU libraries and round differently. The rows that fill up are `filler`.

A document whose first token was pruned still classifies from it: that row goes on as a `ghost`,
which no token attends to and whose own attention context is zero (as in the original code).
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

LENGTH_MULTIPLE = {"cpu": 8, "cuda": 64}
"""What lengths are rounded up to by kind of device: on a GPU a few large groups cost less time than
the padding that many small ones would save."""
ROW_MULTIPLE = 16


@dataclass(frozen=True, slots=True)
class Group:
    """Documents of one padded length T."""

    index: Tensor
    """(b, T) row of each token; a filler row where the document is shorter."""
    valid: Tensor | None
    """(b, T) bool, or None where every place is a token."""


@dataclass(frozen=True, slots=True)
class Packing:
    """Where the rows of B documents lie: alive rows by document, then ghosts, then filler rows."""

    lengths: np.ndarray
    """(B,) alive tokens of each document."""
    first: np.ndarray
    """(B,) row of each document's first token, alive or ghost."""
    ghosts: int
    device: torch.device

    @property
    def alive(self) -> int:
        """Number of alive rows."""
        return int(self.lengths.sum())

    @property
    def rows(self) -> int:
        """Number of all rows, filler included: there is at least one."""
        return round_up(self.alive + self.ghosts + 1, ROW_MULTIPLE)

    def documents(self) -> np.ndarray:
        """(alive,) document of each alive row."""
        return np.repeat(np.arange(len(self.lengths)), self.lengths)

    def groups(self) -> tuple[list[Group], Tensor]:
        """The documents grouped by padded length, and where each row is found in the groups.

        Returns:
            The groups, and (rows,) int64: the place of each row in the concatenation of all groups'
            b·T places followed by one zero (where ghosts and filler rows point to).
        """
        starts = np.cumsum(self.lengths) - self.lengths
        multiple = LENGTH_MULTIPLE.get(self.device.type, 64)
        padded = -(-self.lengths // multiple) * multiple
        order = np.argsort(padded, kind="stable")  # documents as the groups hold them
        ends = np.cumsum(padded[order])
        begins = np.empty_like(ends)  # of each document, in the concatenation
        begins[order] = ends - padded[order]
        place = np.full(self.rows, ends[-1], dtype=np.int64)
        place[: self.alive] = np.repeat(begins - starts, self.lengths) + np.arange(self.alive)
        index = np.full(ends[-1], self.rows - 1, dtype=np.int64)
        index[place[: self.alive]] = np.arange(self.alive)
        valid = index < self.rows - 1
        indices, valids = self._tensor(index), self._tensor(valid)
        groups: list[Group] = []
        stop = 0
        lengths, counts = np.unique(padded, return_counts=True)
        for length, documents in zip(lengths.tolist(), counts.tolist(), strict=True):
            start, stop = stop, stop + length * documents
            if length == 0:
                continue  # pruned to nothing
            whole = valid[start:stop].all()
            there = None if whole else valids[start:stop].view(documents, length)
            groups.append(Group(indices[start:stop].view(documents, length), there))
        return groups, self._tensor(place)

    def select(self, keep: np.ndarray) -> tuple["Packing", Tensor]:
        """Drop the alive rows where `keep` (alive,) is False.

        Returns:
            The packing that is left, and (rows,) int64: for each of its rows the row it was here.
        """
        documents = self.documents()
        lengths = np.bincount(documents[keep], minlength=len(self.lengths))
        kept = np.flatnonzero(keep)
        was_ghost = self.first >= self.alive
        dropped_first = ~was_ghost & ~np.append(keep, True)[np.minimum(self.first, self.alive)]
        is_ghost = was_ghost | dropped_first
        ghosts = self.first[is_ghost]
        first = np.empty_like(self.first)
        first[is_ghost] = len(kept) + np.arange(len(ghosts))
        first[~is_ghost] = np.searchsorted(kept, self.first[~is_ghost])
        packing = Packing(lengths, first, len(ghosts), self.device)
        index = np.full(packing.rows, self.rows - 1, dtype=np.int64)
        index[: len(kept)] = kept
        index[len(kept) : len(kept) + len(ghosts)] = ghosts
        return packing, self._tensor(index)

    def _tensor(self, array: np.ndarray) -> Tensor:
        return torch.from_numpy(array).to(self.device, non_blocking=True)


def pack(mask: Tensor) -> tuple[Packing, Tensor, Tensor]:
    """The packing of a padded batch.

    Args:
        mask: (B, T) attention mask; holes and left padding are allowed.

    Returns:
        The packing; (rows,) int64 place of each row in the flattened (B·T) batch, filler rows
        pointing to 0; (rows,) int64 position of each row counted from its document's first token.

    Raises:
        ValueError: A document without a token.
    """
    there = mask.cpu().numpy() != 0  # (B, T)
    lengths = there.sum(axis=1)
    if len(lengths) == 0 or not lengths.all():
        raise ValueError("a document without a token: expected at least one per row of the mask")
    packing = Packing(lengths, np.cumsum(lengths) - lengths, 0, mask.device)
    document, column = np.nonzero(there)
    index = np.zeros(packing.rows, dtype=np.int64)
    index[: packing.alive] = document * there.shape[1] + column
    position = np.zeros(packing.rows, dtype=np.int64)
    position[: packing.alive] = column - there.argmax(axis=1)[document]
    return (
        packing,
        torch.from_numpy(index).to(mask.device),
        torch.from_numpy(position).to(mask.device),
    )


def chunks(group: Group, rows: int) -> Iterator[Group]:
    """The group in pieces of at most `rows` rows (b·T), and of one document at least."""
    step = max(1, rows // group.index.shape[1])
    for start in range(0, len(group.index), step):
        stop = start + step
        yield Group(
            group.index[start:stop], None if group.valid is None else group.valid[start:stop]
        )


def round_up(number: int, multiple: int) -> int:
    """The smallest multiple that is no smaller."""
    return -(-number // multiple) * multiple
