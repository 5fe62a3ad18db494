"""One pass of a batch through the layers: who is alive, and what is recorded on the way.

Shapes: B documents, T padded tokens, R packed rows, P places in groups, L layers, D hidden.
"""

from collections.abc import Iterable

import numpy as np
import torch
from torch import Tensor

from auditkit.ltp.attention import ROWS
from auditkit.ltp.configuration import LTPConfig
from auditkit.ltp.layers import LTPLayer
from auditkit.ltp.packing import ROW_MULTIPLE, Group, pack, round_up
from auditkit.ltp.pruning import finite, keep_mask, norms, prunes, soft_mask


class Pass:
    """One pass of a batch through the layers: what is alive, and what is recorded on the way.

    Args:
        config: The model's.
        thresholds: (L,) the model's.
        mask: (B, T) attention mask.
        mode: `off`, `soft` or `hard`.
        force_keep: (B, T) bool: tokens that no layer drops.
        force_drop: (B, T) bool: tokens that the first layer drops.
        follow: (B, T) survival depths to follow instead of deciding.
        record: Keep scores and soft masks.

    Raises:
        ValueError: A document without a token, or a threshold that is no finite number.
    """

    def __init__(
        self,
        config: LTPConfig,
        thresholds: Tensor,
        mask: Tensor,
        mode: str,
        force_keep: Tensor | None,
        force_drop: Tensor | None,
        follow: Tensor | None,
        record: bool,
    ) -> None:
        self.config, self.mode, self.record = config, mode, record
        self.thresholds = thresholds.float()
        self.threshold_values = finite(thresholds.tolist())
        self.shape = mask.shape
        self.packing, self.place, self.position = pack(mask)
        self.length = self.packing.lengths
        self.lengths = [self.length]
        self.groups: tuple[list[Group], Tensor] | None = None  # made when a layer asks for them
        device = mask.device
        self.origin = torch.arange(self.packing.alive, device=device)  # row before the first layer
        self.depth = torch.zeros(self.packing.alive, dtype=torch.int8, device=device)
        self.force_keep, self.force_drop, self.follow = (
            None if t is None else t.reshape(-1).index_select(0, self.place[: self.packing.alive])
            for t in (force_keep, force_drop, follow)
        )
        self.still = torch.ones(self.packing.alive, dtype=torch.bool, device=device)
        self.regularizer = torch.zeros((), device=device)
        self.scores: list[Tensor] = []
        self.masks: list[Tensor] = []

    def through(self, number: int, layer: LTPLayer, x: Tensor) -> Tensor:
        """Pass the rows through one layer, its decision between the halves."""
        scored = self.mode == "soft" or (
            self.mode == "hard"
            and (self.record or self.follow is None)
            and prunes(self.config, number, self.threshold_values)
        )
        if self.groups is None:
            self.groups = self.packing.groups()
        groups, place = self.groups
        context, received = layer.attend(x, groups, received=scored)
        score = None
        if received is not None:
            documents = self.packing.documents()
            norm = norms(self.config, self.length, self.packing.lengths) * layer.heads
            divisor = torch.from_numpy(norm[documents].astype(np.float32)).to(x.device)
            score = received.index_select(0, place[: self.packing.alive]) / divisor
        if self.record:
            self.scores.append(
                torch.full(self.shape, torch.nan, device=x.device)
                if score is None
                else self.padded(score.detach(), self.origin)
            )
        if self.mode == "soft":
            assert score is not None
            return self._soften(number, score, self._finish(layer, x, None, context, place))
        rows = self._remove(self._decide(number, score))
        self.depth[self.origin] += 1
        self.lengths.append(self.packing.lengths)
        return self._finish(layer, x, rows, context, place)

    def _finish(
        self, layer: LTPLayer, x: Tensor, rows: Tensor | None, context: Tensor, place: Tensor
    ) -> Tensor:
        """The layer's second half, on all of its rows or on some.

        Args:
            layer: The layer.
            x: (R, D) its input.
            rows: (R',) which of these go on; None: all.
            context: (P + 1, D) their contexts.
            place: (R,) where in `context` each row's is found.
        """
        if rows is not None:
            place = place[rows]
        # not in parts where gradients are needed: that of every part's would be as large as `x`
        step = len(place) if x.requires_grad else ROWS.get(x.device.type, len(place))
        parts: Iterable[Tensor] = torch.split(x, step)
        if rows is not None:
            parts = (x.index_select(0, some) for some in torch.split(rows, step))
        out = [
            layer.finish(part, context.index_select(0, where))
            for part, where in zip(parts, torch.split(place, step), strict=True)
        ]
        return out[0] if len(out) == 1 else torch.cat(out)

    def _decide(self, number: int, score: Tensor | None) -> Tensor | None:
        """(alive,) bool of the hard decision, or None where the layer drops nothing."""
        if self.mode == "off":
            return None
        if self.follow is not None:
            return self.follow[self.origin] > number
        keep = None
        if score is not None:
            keep = keep_mask(
                self.config, number, self.thresholds[number], score, self.packing, self.length
            )
            if self.config.protect_first:
                keep = keep | (self.position[: len(self.depth)][self.origin] == 0)
        if number == 0 and self.force_drop is not None:
            stays = ~self.force_drop.bool()
            keep = stays if keep is None else keep & stays
        if keep is not None and self.force_keep is not None:
            keep = keep | self.force_keep.bool()[self.origin]
        return keep

    def _remove(self, keep: Tensor | None) -> Tensor | None:
        """(R',) which of the layer's rows go on, or None where all do."""
        kept = None if keep is None else keep.cpu().numpy()
        if keep is None or kept is None or kept.all():
            return None
        self.packing, rows = self.packing.select(kept)
        self.groups = None
        self.origin = self.origin[keep]
        return rows

    def _soften(self, number: int, score: Tensor, x: Tensor) -> Tensor:
        """Scale the rows by the soft mask; depths follow what the hard decision would have been."""
        mask = soft_mask(self.config, self.thresholds[number], score)
        if self.config.protect_first:
            mask = torch.where(self.position[: len(mask)] == 0, torch.ones_like(mask), mask)
        share = torch.from_numpy((1.0 / self.length)[self.packing.documents()].astype(np.float32))
        self.regularizer = self.regularizer + (mask * share.to(x.device)).sum() / len(self.length)
        self.still &= (mask >= 0.5).detach()
        self.depth += self.still
        documents = self.packing.documents()
        alive = np.bincount(documents[self.still.cpu().numpy()], minlength=len(self.length))
        self.lengths.append(alive)
        if self.record:
            self.masks.append(self.padded(mask))
        filler = mask.new_ones(len(x) - len(mask))
        return x * torch.cat([mask, filler]).to(x.dtype)[:, None]

    def first_rows(self, x: Tensor) -> Tensor:
        """(B', D) first row of every document, filled up so that products round alike."""
        first = self.packing.first
        count = round_up(len(first), ROW_MULTIPLE)
        index = np.full(count, len(x) - 1, dtype=np.int64)
        index[: len(first)] = first
        return x.index_select(0, torch.from_numpy(index).to(x.device))

    def padded(self, rows: Tensor, origin: Tensor | None = None) -> Tensor:
        """(B, T) of a value per row that entered; zero at padding and where no row is given."""
        alive = self.place[: len(self.depth)]
        out = rows.new_zeros(self.shape.numel())
        return out.index_copy(0, alive if origin is None else alive[origin], rows).view(self.shape)
