"""What surrounds a command: streams, signals, launchers, homes, full disks; each as a process."""

import errno
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from unittest.mock import Mock

import page_cases
import pytest
import tiny
from command import auditkit as command
from command import parted
from tabular import write_csv

from auditkit.cli.console import LAUNCHED, alone
from auditkit.errors import SettingsError
from auditkit.finding import dumps

BARE = {name: os.environ[name] for name in ("PATH", "LANG", "LC_ALL") if name in os.environ}


def process(
    *arguments: str | Path, code: str = "from auditkit.cli import main; main()", **more: str
) -> subprocess.CompletedProcess[bytes]:
    """The command line in a process of its own, with nothing but `more` in its environment."""
    line = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.run(line, capture_output=True, env=BARE | more, timeout=120, check=False)


@pytest.fixture
def audited(tmp_path: Path) -> Path:
    """A run directory that a report can be written from."""
    audit = page_cases.full()[0]
    plain = replace(audit, findings=tuple(replace(f, charts=()) for f in audit.findings))
    (tmp_path / "results.json").write_text(dumps(plain), encoding="utf-8")
    return tmp_path


# --- streams ------------------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
def test_an_encoding_that_lacks_what_is_printed_changes_no_exit_code(encoding: str) -> None:
    done = process("train", "--help", PYTHONIOENCODING=encoding)
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"A fixed weight of the regulariser" in done.stdout  # behind the λ
    refused = process("nonsense λ", PYTHONIOENCODING=encoding)
    assert refused.returncode == 2
    assert len(refused.stderr.splitlines()) == 1


@pytest.mark.parametrize("arguments", [["--help"], ["nonsense"]])
def test_a_closed_pipe_is_no_failed_gate(arguments: list[str]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    code = "from auditkit.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], stdout=writing, stderr=writing, timeout=120,
        check=False,
    )  # fmt: skip
    os.close(writing)
    assert done.returncode == 141


@pytest.mark.parametrize("more", [{"NO_COLOR": "1", "COLUMNS": "20"}, {"TERM": "dumb"}])
def test_no_escape_sequence_is_written_to_what_is_no_terminal(more: Mapping[str, str]) -> None:
    done = process("run", "--help", **more)
    assert done.returncode == 0
    assert b"\x1b" not in done.stdout + done.stderr


@pytest.mark.slow
@pytest.mark.parametrize(
    "arguments",
    [
        ["run", "--model", "m", "--dataset", "d.csv"],
        ["explain", "--model", "m", "a text"],
        ["train", "--backbone", "m", "--dataset", "d.csv", "--out", "out"],
        ["convert", "m", "--out", "out"],
    ],
)
def test_nothing_slow_is_imported_before_a_step_is_told(
    arguments: list[str], tmp_path: Path
) -> None:
    line = [sys.executable, "-X", "importtime", "-m", "auditkit", *arguments]
    done = subprocess.run(
        line, capture_output=True, text=True, cwd=tmp_path, timeout=120, check=False
    )
    assert done.returncode == 2
    told = done.stderr.splitlines()
    slow = {"torch", "datasets", "transformers"}
    imports = [at for at, one in enumerate(told) if one.rpartition("|")[2].strip() in slow]
    assert imports
    assert told.index("load libraries") < min(imports)


# --- signals ------------------------------------------------------------------------------------

KILLED_WHILE_IMPORTING = """
import importlib.abc, os, sys, time
number = int(sys.argv.pop())
from auditkit.cli import main
class Killing(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name == "auditkit.cli.console":
            os.kill(os.getpid(), number)
            time.sleep(30)
sys.meta_path.insert(0, Killing())
main()
"""

KILLED_AT_WORK = """
import os, sys, time
number = int(sys.argv.pop())
from auditkit.cli import main
import auditkit.plugin
def discover():
    os.kill(os.getpid(), number)
    time.sleep(30)
auditkit.plugin.discover = discover
main()
"""


@pytest.mark.usefixtures("signals_as_in_a_shell")
@pytest.mark.parametrize(
    "code", [KILLED_WHILE_IMPORTING, pytest.param(KILLED_AT_WORK, marks=pytest.mark.slow)]
)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_is_answered_with_one_line_and_its_code(code: str, number: signal.Signals) -> None:
    done = process("probes", str(int(number)), code=code)
    assert done.returncode == 128 + number
    (line,) = filter(None, done.stderr.decode().splitlines())  # click ends the line of ^C
    said = "interrupted" if number == signal.SIGINT else f"ended by {number.name}"
    assert line.startswith(f"auditkit: {said}; the same command goes on")


@pytest.mark.usefixtures("signals_as_in_a_shell")
def test_a_signal_that_is_ignored_stays_ignored_and_handlers_are_given_back() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        assert command("--version").code == 0
        assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
        assert signal.getsignal(signal.SIGINT) == signal.default_int_handler
    finally:
        signal.signal(signal.SIGHUP, before)


# --- launchers and homes ------------------------------------------------------------------------


def test_what_a_launcher_left_behind_is_ignored_for_one_process(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in (*LAUNCHED, "ACCELERATE_MIXED_PRECISION"):
        monkeypatch.setenv(name, "1")
    alone()
    assert not {*LAUNCHED, "ACCELERATE_MIXED_PRECISION"} & {*os.environ}


@pytest.mark.parametrize("name", ["WORLD_SIZE", "OMPI_COMM_WORLD_SIZE", "PMI_SIZE"])
def test_several_processes_are_refused_before_work_begins(
    name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(name, "2")
    with pytest.raises(SettingsError, match=f"{name} is '2': a launcher has started several"):
        alone()
    done = command("train", "--backbone", "b", "--dataset", "d.csv", "--out", tmp_path / "out")
    assert (done.code, name in done.complaint) == (2, True)
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
@pytest.mark.parametrize("home", [{}, {"HOME": "/proc/nowhere"}, {"HOME": ""}])
def test_no_home_is_needed(home: Mapping[str, str], audited: Path) -> None:
    done = process("report", audited, **home)
    assert (done.returncode, parted(done.stderr.decode())[0]) == (0, "")
    assert "</html>" in (audited / "report.html").read_text(encoding="utf-8")


# --- full disks ---------------------------------------------------------------------------------

FULL = """
import resource, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, resource.RLIM_INFINITY))
from auditkit.cli import main
main()
"""


@pytest.mark.slow
def test_a_full_disk_is_one_line_that_names_the_file_and_the_command_then_goes_on(
    audited: Path,
) -> None:
    done = process("report", audited, code=FULL)
    assert done.returncode == 2
    (line,) = parted(done.stderr.decode())[0].splitlines()
    assert line.startswith(f"auditkit: {audited / 'report.html'}: ")
    assert line.endswith("check the path, its rights and the space")
    assert not (audited / "report.html").exists()
    assert process("report", audited).returncode == 0


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "No space left on device"),
        RuntimeError("Error while serializing: I/O error: No space left on device (os error 28)"),
    ],
)
def test_a_full_disk_is_told_whoever_noticed_it(
    error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("auditkit.plugin.discover", Mock(side_effect=error))
    done = command("probes")
    assert done.code == 2
    assert "No space left on device; check the path, its rights and the space" in done.complaint


# --- data that is too little --------------------------------------------------------------------


def test_training_on_one_row_is_refused(tmp_path: Path) -> None:
    one = write_csv(tmp_path / "one.csv", [("text", "label"), ("a text", "x")])
    encoder = tiny.backbone("bert", tmp_path / "bert")
    done = command("train", "--backbone", encoder, "--dataset", one, "--out", tmp_path / "out")
    assert done.code == 2
    assert "one usable row, which is held out; training takes two" in done.complaint
    assert not (tmp_path / "out").exists()
