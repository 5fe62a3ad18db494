"""Measured time: the model under audit and its baseline, side by side in one run.

Times are not deterministic: they lie in `timings.json` and in a block of their own on the page, and
never in `results.json`. Counted MACs are another thing (`auditkit.ltp.cost`).
"""

import json
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import pandas as pd
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from auditkit.files import Folder
from auditkit.trace import Trace

if TYPE_CHECKING:  # reading a measurement needs no model library
    from auditkit.bench.subjects import Bench

ROUNDS = 5

Seconds = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=1)]


class Speed(BaseModel):
    """What a run measured, and on what."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    arm: Literal["pruned", "changed"] = "pruned"
    """The arm under audit."""
    against: Literal["baseline", "unpruned"]
    """The arm that it is timed against; `unpruned` where the run has no baseline."""
    rounds: Annotated[tuple[tuple[Seconds, Seconds], ...], Field(min_length=1)]
    """By round: seconds of `against` and of `arm` over all documents, from token ids to
    probabilities, or from texts where the two have tokenizers of their own."""
    documents: Count
    tokens: Count
    """Tokens of these documents, special ones included."""
    requested: Count
    """How many documents were asked for."""
    batch_tokens: Count
    device: str
    threads: Count
    """Of the CPU."""
    dtype: str
    torch: str
    date: str
    macs_ratio: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    """Counted, on the same documents; None: they are not counted."""

    @property
    def seconds(self) -> dict[str, tuple[float, ...]]:
        """By arm: seconds of each round."""
        against, audited = zip(*self.rounds, strict=True)
        return {self.against: against, self.arm: audited}

    @property
    def ratios(self) -> tuple[float, ...]:
        """By round: time of `against` over that of `arm`."""
        return tuple(against / audited for against, audited in self.rounds)

    def sentence(self) -> str:
        """The median ratio with its spread, in words."""
        low, high = min(self.ratios), max(self.ratios)
        unsure = "; the rounds do not agree on which is faster" if low < 1 < high else ""
        return (
            f"The {self.against} model took {statistics.median(self.ratios):.2f} times as long as "
            f"the {self.arm} model (median over {len(self.rounds)} rounds, from {low:.2f} to "
            f"{high:.2f}{unsure})."
        )


def alternate(
    variants: Mapping[str, Callable[[], object]],
    rounds: int,
    on_turn: Callable[[int, int], None] = lambda done, total: None,
    before_turn: Callable[[str], None] = lambda name: None,
) -> dict[str, list[float]]:
    """Seconds of every variant by round, the variants taking turns.

    A machine whose speed drifts then slows all alike; every other round goes backwards, so that
    what follows what does not matter either. A round before the first warms up.

    Args:
        variants: What to time by name; a call returns when the device is done.
        rounds: How many.
        on_turn: Told the number of calls done and in all.
        before_turn: Called with the variant's name, and not timed.
    """
    seconds: dict[str, list[float]] = {name: [] for name in variants}
    names = list(variants)
    order = names + names[::-1]
    total = (rounds + 1) * len(variants)
    for turn in range(total):
        name = order[turn % len(order)]
        before_turn(name)
        start = time.perf_counter()
        variants[name]()
        if turn >= len(variants):
            seconds[name].append(time.perf_counter() - start)
        on_turn(turn + 1, total)
    return seconds


def measure(
    bench: "Bench",
    trace: Trace,
    sample: Sequence[str],
    requested: int,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Speed:
    """Time the model under audit and the baseline on recorded documents.

    Args:
        bench: The models.
        trace: What they recorded.
        sample: At least one example id.
        requested: How many documents were asked for.
        progress: Told the number of documents done and in all, every round and arm counted.
    """
    found = pd.concat(trace.scan("texts", ids=sample)).set_index("example_id")["text"]
    documents = bench.encode([found[example_id] for example_id in sample])
    alone = "baseline" not in bench.subjects
    against: Literal["baseline", "unpruned"] = "unpruned" if alone else "baseline"
    audited: Literal["pruned", "changed"] = "changed" if bench.model.kind == "change" else "pruned"
    seconds = alternate(
        {arm: partial(bench.answer, arm, documents) for arm in (against, audited)},
        ROUNDS,
        lambda done, total: progress(done * len(sample), total * len(sample)),
    )
    rows = trace.documents.rows_of(sample)
    unpruned, pruned = trace.documents.macs("baseline"), trace.documents.macs("pruned")
    assert unpruned is not None
    assert pruned is not None
    spent = int(unpruned[rows].sum()), int(pruned[rows].sum())
    device, threads = bench.model.hardware
    return Speed(
        arm=audited,
        against=against,
        rounds=tuple(
            (round(whole, 6), round(less, 6))
            for whole, less in zip(seconds[against], seconds[audited], strict=True)
        ),
        documents=len(sample),
        tokens=sum(len(document.token_ids) for document in documents),
        requested=requested,
        batch_tokens=bench.settings.batch_tokens,
        device=device,
        threads=threads,
        dtype=trace.about.dtype,
        torch=version("torch"),
        date=datetime.now(UTC).date().isoformat(),
        macs_ratio=spent[0] / spent[1] if all(spent) else None,
    )


def read_speed(directory: Folder | Path | str) -> Speed | None:
    """What a run directory's `timings.json` holds; None where nothing usable was measured."""
    try:
        timings = json.loads(Folder(directory).read("timings.json"))
        return Speed.model_validate(timings["speed"])
    except (OSError, ValueError, LookupError, TypeError, RecursionError, ValidationError):
        return None
