"""An LTP checkpoint, or a baseline in its engine, as a subject."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from auditkit.bench.subjects import Answer, Bench, Encoded, Subject
from auditkit.errors import TraceError
from auditkit.ltp import LTPForSequenceClassification
from auditkit.ltp.cost import Cost, count
from auditkit.ltp.inference import Result, hardware, run
from auditkit.ltp.pruning import permute_depths
from auditkit.trace import Arm


@dataclass(frozen=True)
class LTPSubject(Subject):
    """A model of ours: packed rows, so that an answer depends on nothing but its document."""

    kind = "ltp"

    model: LTPForSequenceClassification

    @property
    def hardware(self) -> tuple[str, int]:
        """What it runs on, and threads of the CPU."""
        return hardware(self.model.device)

    def answers(
        self,
        arm: Arm,
        documents: Sequence[Encoded],
        batch_tokens: int,
        depths: Sequence[np.ndarray] | None,
        masks: Mapping[str, Sequence[np.ndarray]],
    ) -> Iterator[list[tuple[int, Answer]]]:
        """Which documents, each with its answer, batch by batch."""
        token_ids = [document.token_ids for document in documents]
        for result in self._results(arm, token_ids, batch_tokens, depths, masks):
            probs = self.grouped(result.probs)
            yield [
                (int(index), Answer(probs[row], result.depths[row], result.lengths[:, row]))
                for row, index in enumerate(result.indices)
            ]

    def _results(
        self,
        arm: Arm,
        token_ids: Sequence[list[int]],
        batch_tokens: int,
        depths: Sequence[np.ndarray] | None,
        masks: Mapping[str, Any],
    ) -> Iterator[Result]:
        if arm.name == "repeat":
            from auditkit.ltp.padded import run_padded

            return run_padded(self.model, token_ids)  # last bits depend on batches: always the same
        return run(
            self.model,
            token_ids,
            batch_tokens=batch_tokens,
            pruning="off" if arm.pruning == "off" else "hard",
            depths=depths,
            **masks,
        )

    def cost(self, lengths: np.ndarray) -> Cost:
        """Counted MACs of documents, (L, B) for attention and FFN."""
        return count(self.model.config, lengths)


def ltp_subject(bench: Bench, arm: str) -> LTPSubject:
    """The subject of an arm that is asked what only a model of ours can answer.

    Raises:
        CheckpointError: The bench has no such model.
        TraceError: There is no such arm, or its model is none of ours.
    """
    subject = bench.subject(arm)
    if not isinstance(subject, LTPSubject):
        raise TraceError(
            f"arm {arm}: {subject.about.name} is no LTP model, and cannot be asked this"
        )
    return subject


def random_depths(document: Encoded, depths: np.ndarray, seed: Sequence[int]) -> np.ndarray:
    """The random control of one document and draw, whatever else is audited."""
    return permute_depths(depths, document.special, np.random.default_rng(list(seed)))
