"""Recording in several processes of this machine.

Each opens its own models and runs on one thread; a lot is recorded as it would be here, so that the
trace does not depend on how many there are.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, wait
from contextlib import suppress
from typing import Any

from loky import ProcessPoolExecutor
from loky.backend import get_context
from loky.process_executor import BrokenProcessPool

from auditkit.errors import TraceError
from auditkit.record.recorder import Lot, Recipe, Recorder

ATTEMPTS = 3
"""Times in a row that processes may die before anything is recorded."""
TICK = 0.5
"""Seconds between two looks at how far they are."""
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")


def record_in_processes(
    recipe: Recipe, lots: Sequence[Lot], count: int, on_documents: Callable[[int], None]
) -> None:
    """Record lots in `count` processes; those of a process that dies are recorded again.

    Args:
        recipe: How each opens its recorder.
        lots: The documents.
        count: How many processes, at most.
        on_documents: Told, while they are at it, how many documents of all lots are done.

    Raises:
        AuditError: A lot cannot be recorded.
        TraceError: Processes die one after the other.
    """
    left, deaths = {lot.number: lot for lot in lots}, 0
    done = dict.fromkeys(left, 0)
    while left:
        before = len(left)
        try:
            _round(recipe, left, min(count, before), done, on_documents)
        except BrokenProcessPool as error:
            deaths = deaths + 1 if len(left) == before else 1
            if deaths >= ATTEMPTS:
                raise TraceError(
                    f"{deaths} times a process that records ended before it had recorded anything, "
                    f"as one does that lacks memory; {before} shards are left: give fewer --workers"
                ) from error
    on_documents(sum(done.values()))


def _round(
    recipe: Recipe,
    left: dict[int, Lot],
    count: int,
    done: dict[int, int],
    on_documents: Callable[[int], None],
) -> None:
    """Record what is left, which shrinks as it is done, by processes that all live to the end."""
    told = get_context("loky").SimpleQueue()
    pool = ProcessPoolExecutor(
        max_workers=count, initializer=_begin, initargs=(recipe, told), env=ONE_THREAD
    )
    try:
        waiting = {pool.submit(_record, lot): number for number, lot in left.items()}
        while waiting:
            over, _ = wait(waiting, timeout=TICK, return_when=FIRST_COMPLETED)
            while not told.empty():
                number, documents = told.get()
                done[number] = documents
            for future in over:
                future.result()
                number = waiting.pop(future)
                done[number] = len(left.pop(number).examples)
            on_documents(sum(done.values()))
    except BaseException:
        with suppress(Exception):
            pool.shutdown(wait=False, kill_workers=True)
        raise
    pool.shutdown(wait=True)


_here: dict[str, Any] = {}
"""Of a process that records: its recorder, and where it tells how far it is."""


def _begin(recipe: Recipe, told: Any) -> None:
    _here.update(recorder=recipe.opened(), told=told)


def _record(lot: Lot) -> None:
    recorder: Recorder = _here["recorder"]
    recorder(lot, lambda documents: _here["told"].put((lot.number, documents)))
