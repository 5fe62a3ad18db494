"""A run directory has one writer at a time, and a writer that is gone is none."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import tiny
from command import auditkit as command

from auditkit.errors import SettingsError
from auditkit.files import LOCK, Folder
from auditkit.run.directory import prepared

HOLDS = """
import sys, time
from auditkit.files import Folder
with Folder(sys.argv[1]).held():
    print("held", flush=True)
    time.sleep(600)
"""


@contextmanager
def holder(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds the folder."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLDS, str(folder)], stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "held\n"
            yield process
        finally:
            process.kill()


def test_who_holds_a_folder_is_told_to_whoever_comes_next(tmp_path: Path) -> None:
    with holder(tmp_path) as process:
        told = (
            rf"^{re.escape(str(tmp_path))} is being written by process {process.pid} on "
            rf"{re.escape(socket.gethostname())} since \d{{4}}-.*; wait for it, or give another"
        )
        with pytest.raises(SettingsError, match=told), Folder(tmp_path).held():
            pass
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert (tmp_path / LOCK).exists()
        with Folder(tmp_path).held():
            assert json.loads((tmp_path / LOCK).read_text())["pid"] == os.getpid()
    assert list(tmp_path.iterdir()) == []


def test_a_thread_of_the_same_process_is_another_writer(tmp_path: Path) -> None:
    folder = Folder(tmp_path / "new" / "run")
    with folder.held():
        with pytest.raises(SettingsError, match=f"by process {os.getpid()} "), folder.held():
            pass
        assert folder.names() == []
        assert folder.has(LOCK)
    with folder.held():
        pass
    assert not folder.has(LOCK)


def test_a_lock_that_says_nothing_holds_alike(tmp_path: Path) -> None:
    with holder(tmp_path):
        for said in ("", "[]", '{"pid": "x", "host": "h", "since": "s"}', '{"pid": 1}'):
            (tmp_path / LOCK).write_text(said)
            with pytest.raises(SettingsError, match="by another process"), Folder(tmp_path).held():
                pass


def test_behind_a_url_nothing_is_promised() -> None:
    folder = Folder("memory://lock/run")
    with folder.held(), folder.held():
        assert folder.names() == []


@pytest.mark.parametrize("flags", [(), ("--overwrite",)])
def test_a_second_run_is_refused_and_breaks_nothing(
    flags: tuple[str, ...], tiny_runs: Callable[..., Path], model: Path, tiny_csv: str,
    tmp_path: Path,
) -> None:  # fmt: skip
    run = shutil.copytree(tiny_runs("bert", quick=True), tmp_path / "run")
    before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    with holder(run) as process:
        for done in (
            command("run", "--model", model, "--dataset", tiny_csv, "--out", run,
                    *tiny.QUICK, *flags),
            command("report", run, "--reanalyse"),
        ):  # fmt: skip
            assert done.code == 2
            assert f"is being written by process {process.pid} " in done.complaint
        (run / LOCK).unlink()
    assert {path: path.read_bytes() for path in run.rglob("*") if path.is_file()} == before


# --- overwriting -------------------------------------------------------------------------------


@pytest.mark.parametrize("linked", [False, True])
def test_an_overwriting_that_was_killed_goes_on(
    linked: bool, tiny_runs: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed before each removal in turn; what was bet is there all the time."""
    out, remove, left = tmp_path / "run", Folder.remove, [0]
    real = tmp_path / "elsewhere" if linked else out
    if linked:
        out.symlink_to(real)

    def dying(folder: Folder, name: str = "") -> None:
        if left[0] == 0:
            raise KeyboardInterrupt
        left[0] -= 1
        remove(folder, name)

    for count in range(20):
        shutil.copytree(tiny_runs("bert", quick=True), real)
        (real / "anytime.json").write_text("[]")
        left[0] = count
        monkeypatch.setattr(Folder, "remove", dying)
        try:
            with prepared(Folder(out), overwrite=True):
                break
        except KeyboardInterrupt:
            monkeypatch.undo()
        with prepared(Folder(out), overwrite=False):
            pass  # it is a run directory still
        with prepared(Folder(out), overwrite=True):
            assert Folder(out).names() == ["anytime.json"]
        shutil.rmtree(real)
    assert count >= 8
    assert Folder(out).names() == ["anytime.json"]
    assert out.is_symlink() == linked
