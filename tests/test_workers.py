"""Recording in several processes: the same bytes, whoever dies on the way."""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from recorded import annotator, bench, contents, dataset, recorded

from auditkit.bench.subjects import Bench
from auditkit.errors import SettingsError, TraceError
from auditkit.files import Folder
from auditkit.record import recording, workers
from auditkit.record.plan import plan_arms
from auditkit.record.recorder import Lot, Recipe, Recorder
from auditkit.record.settings import RecordingSettings
from auditkit.trace import finished_shards

PART, SHARDS = 30, 3
TWO = RecordingSettings(workers=2, random_draws=2, random_documents=20, repeat_documents=20)


@pytest.fixture(scope="module", autouse=True)
def small_shards() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(recording, "SHARD", PART)
        yield


@pytest.fixture(scope="module")
def models(model: Path) -> Bench:
    return bench(model)


@pytest.fixture(scope="module")
def alone(models: Bench, tiny_csv: str, tmp_path_factory: pytest.TempPathFactory) -> Folder:
    """Recorded in this process."""
    folder = Folder(tmp_path_factory.mktemp("alone") / "trace")
    recorded(models, tiny_csv, folder, TWO.model_copy(update={"workers": 1}))
    return folder


def kill_one(shards: Path, pids: Callable[[], Iterable[int]], called: bytes) -> list[int]:
    """Kill, once something is recorded, a process that is called so; the list then holds it."""
    killed: list[int] = []

    def kill() -> None:
        while not killed:
            time.sleep(0.05)
            for pid in pids() if shards.is_dir() else ():
                with suppress(OSError):
                    if called in Path(f"/proc/{pid}/cmdline").read_bytes():
                        os.kill(pid, signal.SIGKILL)
                        killed.append(pid)
                        break

    threading.Thread(target=kill, daemon=True).start()
    return killed


def children() -> list[int]:
    threads = Path(f"/proc/{os.getpid()}/task").iterdir()
    return [int(pid) for one in threads for pid in (one / "children").read_text().split()]


def everybody() -> list[int]:
    return [int(path.name) for path in Path("/proc").glob("[0-9]*")]


@pytest.mark.slow
def test_how_many_record_changes_no_byte(
    models: Bench, alone: Folder, tiny_csv: str, tmp_path: Path
) -> None:
    told: list[tuple[str, int, int]] = []
    folder = Folder(tmp_path / "trace")
    recorded(models, tiny_csv, folder, TWO, lambda *one: told.append(one))
    assert contents(folder) == contents(alone)
    assert {what for what, _, _ in told} == {recording.STEP}
    counts = [done for _, done, _ in told]
    assert counts[0] == 0
    assert counts[-1] == 90
    assert counts == sorted(counts)


@pytest.mark.slow
def test_what_a_process_had_when_it_was_killed_is_recorded_again(
    models: Bench, alone: Folder, tiny_csv: str, tmp_path: Path
) -> None:
    folder = Folder(tmp_path / "trace")
    killed = kill_one(tmp_path / "trace" / "shards", children, b"popen_loky")
    recorded(models, tiny_csv, folder, TWO)
    assert killed
    assert contents(folder) == contents(alone)


@pytest.mark.slow
def test_processes_that_always_die_end_in_one_line(
    monkeypatch: pytest.MonkeyPatch, models: Bench, tiny_csv: str, tmp_path: Path
) -> None:
    own = dataset(tiny_csv, models)
    plan = plan_arms(models, own, TWO)
    recipe = Recorder(models, annotator(), plan, Folder(tmp_path / "trace")).recipe
    dying = Dying(**{name: getattr(recipe, name) for name in Recipe.__dataclass_fields__})
    lots = [Lot(0, own.examples[:PART])]
    with pytest.raises(TraceError, match="3 times a process that records ended before") as error:
        workers.record_in_processes(dying, lots, 2, lambda count: None)
    assert "\n" not in str(error.value)


@pytest.mark.slow
@pytest.mark.parametrize("killing", [False, True])
def test_ray_changes_no_byte(
    killing: bool, models: Bench, alone: Folder, tiny_csv: str, tmp_path: Path
) -> None:
    """Nor does the death of an actor's process."""
    folder, killed = Folder(tmp_path / "trace"), list[int]()
    if killing:
        killed = kill_one(tmp_path / "trace" / "shards", everybody, b"ray::_Recording")
    told: list[int] = []
    settings = TWO.model_copy(update={"ray": "local"})
    recorded(models, tiny_csv, folder, settings, lambda what, done, total: told.append(done))
    assert bool(killed) == killing
    assert contents(folder) == contents(alone)
    assert told[-1] == 90


def test_what_ray_cannot_do_is_one_line(models: Bench, tiny_csv: str) -> None:
    settings = TWO.model_copy(update={"ray": "nowhere:1"})
    with pytest.raises(SettingsError, match="folders in memory are recorded here") as error:
        recorded(models, tiny_csv, Folder("memory://ray/trace"), settings)
    assert "\n" not in str(error.value)


class Dying(Recipe):
    """Whose process dies."""

    def opened(self) -> Recorder:
        os._exit(9)


def test_what_is_in_memory_is_recorded_here(
    models: Bench, alone: Folder, tiny_csv: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workers, "record_in_processes", lambda *_: pytest.fail("in a process"))
    folder = Folder("memory://workers/trace")
    assert not folder.shared
    recorded(models, tiny_csv, folder, TWO)
    assert finished_shards(folder) == set(range(SHARDS))


def test_one_process_is_this_one(
    models: Bench, alone: Folder, tiny_csv: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where nobody says how many, or one shard is left."""
    monkeypatch.setattr(workers, "record_in_processes", lambda *_: pytest.fail("in a process"))
    folder = Folder(tmp_path / "trace")
    recorded(models, tiny_csv, folder, TWO.model_copy(update={"workers": None}))
    assert contents(folder) == contents(alone)
    (folder / "shards" / "000001").remove("shard.json")
    recorded(models, tiny_csv, folder, TWO)
    assert contents(folder) == contents(alone)
