"""Recording on a Ray cluster: an actor a process, each with its own models.

Every node needs auditkit, the models and the trace's folder under the names that they have here: a
shared file system, or URLs. Only Ray's public interface is used, and its own scheduling.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from auditkit.bench.settings import BESIDE
from auditkit.errors import AuditError, SettingsError, TraceError
from auditkit.record.recorder import Lot, Recipe, Recorder
from auditkit.text import said

ATTEMPTS = 3
"""Times that an actor is begun again, and a lot tried again, after a process has died."""
LOCAL = "local"
"""The address of a cluster that is started on this machine, and ends with the run."""


def record_on_ray(
    recipe: Recipe,
    lots: Sequence[Lot],
    address: str,
    count: int | None,
    on_documents: Callable[[int], None],
    *,
    gpu: bool = False,
) -> None:
    """Record lots by actors; what an actor had when it died is recorded again.

    Args:
        recipe: How each opens its recorder.
        lots: The documents.
        address: Of a cluster, as `ray.init` takes it; `LOCAL` starts one here.
        count: How many actors; None: one for every CPU of the cluster, or GPU.
        on_documents: Told, lot by lot, how many documents are done.
        gpu: Whether an actor takes a GPU, and not a CPU.

    Raises:
        AuditError: A lot cannot be recorded.
        SettingsError: Ray is not installed, or there is no such cluster.
        TraceError: Actors die one after the other.
    """
    with _cluster(address, count) as ray:
        from ray.exceptions import RayActorError, RayTaskError
        from ray.util import ActorPool

        kind, own = ("GPU", {"num_gpus": 1}) if gpu else ("CPU", {"num_cpus": 1})
        room = int(ray.cluster_resources().get(kind, 0))
        if room < 1:
            raise SettingsError(f"--ray: the cluster has no {kind} to record on")
        actor = ray.remote(_Recording).options(
            **own, max_restarts=ATTEMPTS, max_task_retries=ATTEMPTS
        )
        given, done = _absolute(recipe), 0
        actors = [actor.remote(given) for _ in range(min(count or room, room, len(lots)))]
        pool: Any = ActorPool(actors)
        try:
            for documents in pool.map_unordered(lambda one, lot: one.record.remote(lot), lots):
                done += documents
                on_documents(done)
        except RayTaskError as error:
            if isinstance(error.cause, AuditError):
                raise error.cause from error
            raise
        except RayActorError as error:
            raise TraceError(
                f"Ray began an actor that records {ATTEMPTS} times anew, and it died "
                f"({said(error)[:200]}), as one does that lacks memory; give fewer --workers"
            ) from error


def _absolute(recipe: Recipe) -> Recipe:
    """The same, from whatever working directory."""
    models = recipe.models
    places = {name: str(Path(place).resolve()) for name in ("model", *BESIDE)
              if (place := getattr(models, name, None)) and Path(place).is_dir()}  # fmt: skip
    if models.dropper is not None:
        places["dropper"] = str(Path(models.dropper).absolute())
    return replace(recipe, models=models.model_copy(update=places), folder=recipe.folder.absolute)


@contextmanager
def _cluster(address: str, count: int | None) -> Iterator[Any]:
    """Ray, connected; what was started here ends with the block."""
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")  # Ray's own advice
    try:
        import ray
    except ImportError as error:
        raise SettingsError("--ray needs Ray: pip install 'auditkit[ray]'") from error
    if ray.is_initialized():  # by who calls
        yield ray
        return
    own = {"num_cpus": count, "include_dashboard": False} if address == LOCAL else {}
    given: dict[str, Any] = {"log_to_driver": False, "logging_level": "ERROR", **own}
    try:
        ray.init(address, **given)
    except (ConnectionError, ValueError, RuntimeError) as error:
        raise SettingsError(
            f"--ray {address}: no such cluster ({said(error)[:200]}); give the address of one, "
            "such as auto or ray://HOST:10001, or --ray alone to start one here"
        ) from error
    try:
        yield ray
    finally:
        ray.shutdown()


class _Recording:
    """An actor: one set of models."""

    def __init__(self, recipe: Recipe) -> None:
        self.recorder: Recorder = recipe.opened()  # on one thread: Ray sees to it

    def record(self, lot: Lot) -> int:
        """Record a lot; how many documents it has."""
        self.recorder(lot, lambda documents: None)
        return len(lot.examples)
