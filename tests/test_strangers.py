"""Third parties' probes that do what no probe should: what becomes of them, and of the others."""

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from copy import copy
from dataclasses import dataclass, replace
from importlib.metadata import EntryPoint
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar

import numpy as np
import pandas as pd
import pytest
from command import assert_harmless
from command import audit as run
from command import auditkit as command
from small_trace import in_memory, places, write

import auditkit
from auditkit.errors import ProbeError, TraceError
from auditkit.files import Folder
from auditkit.finding import Finding, Measurement, Table, dumps, strict_json
from auditkit.plugin import Column, Plugin, answer, discover, discovery
from auditkit.plugin.guard import Stopped, guarded
from auditkit.run.asking import Asked, ask, chosen_probes
from auditkit.run.progress import Clock
from auditkit.run.settings import ProbeSettings
from auditkit.signals import Ended, Interrupted, answered
from auditkit.testing import synthetic_trace
from auditkit.trace import Trace
from auditkit.trace.caching import Question, keep_measured

HOME = "auditkit_strangers"
AWAY = Folder("memory://strangers/run")


@dataclass(frozen=True)
class Stranger:
    """Does in `analyse` what a test tells it to."""

    name: ClassVar[str] = "stranger"
    version: ClassVar[str] = "1"
    question: ClassVar[str] = "What may it do?"
    needs: ClassVar[frozenset[str]] = frozenset()
    does: ClassVar[Callable[..., Any]]

    def analyse(self, trace: Trace, rng: np.random.Generator) -> Finding:
        found: Finding = type(self).does(self, trace)
        return found


def stranger(does: Callable[..., Any]) -> Asked:
    kind: type[Stranger] = type("Doing", (Stranger,), {"does": staticmethod(does)})
    entry = EntryPoint(name="stranger", value=f"{HOME}:Doing", group=discovery.GROUP)
    return Asked(Plugin("stranger", "strange-dist", entry), kind(), {})


def said(does: Callable[..., Any], seconds: int = 60) -> str:
    """How the probe broke; another one is asked after it all the same."""
    others = [stranger(lambda probe, trace: answer(probe, "It is asked."))]
    trace = synthetic_trace(np.random.default_rng(0), documents=3)
    findings, failures = ask([stranger(does), *others], trace, Clock(), AWAY, seconds=seconds)
    assert [finding.claim for finding in findings] == ["It is asked."]
    (failure,) = failures
    assert (failure.probe, failure.distribution) == ("stranger", "strange-dist")
    dumps(failure)
    return failure.error


# --- what it writes into what it gets -----------------------------------------------------------


def scribble(probe: Any, trace: Trace) -> Finding:
    """Write wherever pandas, numpy and Python let one write."""
    documents = trace.documents
    for array in (documents.label, documents.ids, documents.kept, documents.group("kind")):
        with pytest.raises(ValueError, match="WRITEABLE"):
            array.setflags(write=True)
        with pytest.raises(ValueError, match="read-only"):
            array[:1] = array[1:2]
    frames = [trace.table("documents"), *trace.scan("words"), *trace.scan("documents")]
    measured = trace.measured("other")
    assert measured is not None
    folded = trace.fold(lambda shard: shard.table("words", ["document", "depth"]), by=["document"])
    for frame in (*frames, measured, folded):
        for column in frame.columns:
            frame[column] = frame[column].iloc[::-1].to_numpy()
        del frame[frame.columns[0]]
    for held in (trace.about.counts, trace.about.subjects, trace.about.absent):
        held.clear()
    return answer(probe, "It wrote.")


def look(probe: Any, trace: Trace) -> Finding:
    """All that `scribble` writes into, as text."""
    frames = [trace.table("documents"), *trace.scan("words"), *trace.scan("documents")]
    frames.append(trace.fold(lambda s: s.table("words", ["document", "depth"]), by=["document"]))
    documents, measured = trace.documents, trace.measured("other")
    assert measured is not None
    told = [frame.to_json(orient="split") for frame in (*frames, measured)]
    told += [repr(a.tolist()) for a in (documents.label, documents.ids, documents.kept)]
    return answer(probe, "\n".join([*told, trace.about.model_dump_json()]))


@pytest.mark.parametrize("where", ["memory", "disk", "url"])
def test_what_a_probe_writes_no_other_sees(where: str, tmp_path: Path) -> None:
    other = pd.DataFrame({"term": ["a", "b"], "z": [1.0, 2.5]})
    trace = in_memory(measured_other=other)
    if where != "memory":
        place = dict(zip(("disk", "url"), places(tmp_path), strict=True))[where]
        trace = write(place, 2)
        keep_measured(place, "other", Question(asked="what?", given={}), other)
    alone, none = ask([stranger(look)], trace, Clock(), AWAY)
    found, broken = ask([stranger(scribble), stranger(look)], trace, Clock(), AWAY)
    assert (none, broken) == ((), ())
    assert found[0].claim == "It wrote."
    assert found[1:] == alone


# --- what it returns ----------------------------------------------------------------------------


def finding_of(**changes: Any) -> Callable[..., Any]:
    return lambda probe, trace: forced(answer(probe, "It is."), **changes)


def forced(value: Any, /, **changes: Any) -> Any:
    """`value` with fields that its class would have refused."""
    value = copy(value)
    for name, changed in changes.items():
        object.__setattr__(value, name, changed)
    return value


NUMBER = Measurement(
    name="share", value=0.5, unit="share", n=3, n_clusters=3, no_interval="it is a test"
)
TABLE = Table(name="t", title="t", columns=(Column(name="a", title="A"),), rows=(("x",),))


class Sly(Finding):
    """Answers otherwise whenever it is asked."""

    def measurement(self, name: str, **at: Any) -> Measurement:
        raise SystemExit(0)


def sly(probe: Any, trace: Trace) -> Finding:
    return Sly(probe="stranger", version="1", question="?", claim="!", status="reported")


@pytest.mark.parametrize(
    ("does", "expected"),
    [
        (lambda probe, trace: None, "analyse returned None, expected its own Finding"),
        (lambda probe, trace: {"claim": 1}, "analyse returned {'claim': 1}, expected its own"),
        (lambda probe, trace: replace(answer(probe, "x"), probe="performance"), "expected its own"),
        (sly, "expected its own Finding"),
        (finding_of(measurements=({"name": "share", "value": 1},)), "measurements.0.unit"),
        (finding_of(measurements="many"), "measurements: Input should be a valid array"),
        (finding_of(measurements=(forced(NUMBER, value=float("nan")),)), "nan cannot be written"),
        (finding_of(measurements=(forced(NUMBER, n=10**19),)), "an integer of 20 digits"),
        (finding_of(claim=7), "claim: Input should be a valid string"),
        (finding_of(claim=b"x"), "bytes cannot be written as JSON"),
        (finding_of(status="splendid"), "status: Input should be 'pass'"),
        (finding_of(tables=(forced(TABLE, rows=((object(),),)),)), "object cannot be written"),
        (finding_of(tables=(forced(TABLE, rows=(("x", "y"),)),)), "a row of 2 cells"),
    ],
)
def test_a_finding_that_cannot_be_read_again_is_no_finding(
    does: Callable[..., Any], expected: str
) -> None:
    told = said(does)
    assert told.startswith("analyse: ProbeError: ")
    assert expected in told


def test_a_finding_that_nobody_can_hold_is_no_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(strict_json, "LONGEST", 20_000)
    expected = (
        "analyse: ProbeError: its finding takes 20,[12][0-9]+ characters, expected at most 20,0"
    )
    assert re.match(expected, said(finding_of(claim="x" * 20_001)))


# --- what it raises, and how it leaves ----------------------------------------------------------


def raising(error: BaseException) -> Callable[..., Any]:
    def does(probe: Any, trace: Trace) -> None:
        raise error

    return does


def endless(probe: Any, trace: Trace) -> Any:
    return endless(probe, trace)


class Unprintable(Exception):
    def __str__(self) -> str:
        raise ValueError


class Panic(BaseException):
    """As Rust's are."""


@pytest.mark.parametrize(
    ("does", "expected"),
    [
        (raising(asyncio.CancelledError()), "analyse: CancelledError"),
        (raising(GeneratorExit()), "analyse: GeneratorExit"),
        (raising(Panic("no\nluck")), "analyse: Panic: no luck"),
        (raising(MemoryError()), "analyse: MemoryError"),
        (raising(SystemExit(0)), "analyse: SystemExit: 0"),
        (raising(Unprintable()), "analyse: Unprintable"),
        (raising(ValueError("\ud800")), "analyse: ValueError: \ud800"),
        (endless, "analyse: RecursionError: "),
    ],
)
def test_whatever_a_probe_raises_is_told(does: Callable[..., Any], expected: str) -> None:
    assert said(does).startswith(expected)


@pytest.mark.usefixtures("signals_as_in_a_shell")
def test_an_interruption_of_its_own_is_told_from_the_users() -> None:
    with answered():
        assert said(raising(KeyboardInterrupt())) == "analyse: KeyboardInterrupt"
    for error in (KeyboardInterrupt(), Interrupted(), Ended()):
        with pytest.raises(type(error)):  # here Python's own handler is in place
            said(raising(error))


def test_what_takes_too_long_is_stopped() -> None:
    def hang(probe: Any, trace: Trace) -> None:
        while True:
            try:
                sum(range(1000))
            except Exception:  # noqa: BLE001 (no handler of errors is to catch it)
                continue

    assert said(hang, seconds=1) == (
        "analyse: Stopped: it took longer than 1 seconds; --probe-timeout allows more"
    )


def test_nothing_of_the_guard_stays_behind(tmp_path: Path) -> None:
    before = (os._exit, Path.cwd(), signal.getsignal(signal.SIGALRM))
    clock, _ = signal.getitimer(signal.ITIMER_REAL)  # that of the tests, if they have one
    with guarded(9000):
        os.chdir(tmp_path)
    assert (os._exit, Path.cwd(), signal.getsignal(signal.SIGALRM)) == before
    assert signal.getitimer(signal.ITIMER_REAL)[0] == pytest.approx(clock, abs=30)
    with pytest.raises(Stopped, match=r"os\._exit\(3\)"), guarded(60):
        os._exit(3)


def leave_everywhere() -> None:
    """Called in a process of its own: what ends it would end the tests."""
    module = ModuleType(HOME)
    sys.modules[HOME] = module
    vars(module)["__getattr__"] = lambda name: os._exit(0)
    entry = EntryPoint(name="stranger", value=f"{HOME}:Doing", group=discovery.GROUP)
    try:
        Plugin("stranger", "strange-dist", entry).load()
    except ProbeError as error:
        told = [str(error), said(lambda probe, trace: os._exit(0))]
    with guarded(60):
        if (child := os.fork()) == 0:
            os._exit(7)  # as multiprocessing ends its children
    told.append(str(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])))
    sys.stdout.write("\n".join(told))


def test_nobody_leaves_the_process() -> None:
    code = "import test_strangers; test_strangers.leave_everywhere()"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=Path(__file__).parent, capture_output=True, text=True,
        timeout=120, check=False,
    )  # fmt: skip
    assert done.stdout.splitlines() == [
        "probe stranger (from strange-dist): cannot be imported: Stopped: it called os._exit(0)",
        "analyse: Stopped: it called os._exit(0)",
        "7",
    ]


def ask_a_killer(place: str) -> None:
    """Called in a process of its own, which it takes along unless it died with it before."""
    trace = synthetic_trace(np.random.default_rng(0), documents=3)
    killer = stranger(lambda probe, trace: os.kill(os.getpid(), signal.SIGKILL))
    _, failures = ask([killer], trace, Clock(), Folder(place))
    sys.stdout.write(failures[0].error)


def test_whom_a_process_died_with_is_told_by_the_next(tmp_path: Path) -> None:
    code = f"import test_strangers; test_strangers.ask_a_killer({str(tmp_path)!r})"
    for dies in (True, False, True):  # the next is without it, and the one after that asks again
        done = subprocess.run(
            [sys.executable, "-c", code], cwd=Path(__file__).parent, capture_output=True, text=True,
            timeout=120, check=False,
        )  # fmt: skip
        assert done.returncode == (-signal.SIGKILL if dies else 0)
        assert ("the process ended while it was asked" in done.stdout) is not dies
    assert (tmp_path / "asked").read_text() == "stranger"


# --- what cannot be loaded ----------------------------------------------------------------------


@dataclass(frozen=True)
class NeedsNothing(Stranger):
    name: ClassVar[str] = "NeedsNothing"
    needs: ClassVar[Any] = None


@dataclass(frozen=True)
class Numbered(Stranger):
    name: ClassVar[str] = "Numbered"
    version: ClassVar[Any] = 1


@dataclass(frozen=True)
class Nowhere(Stranger):
    name: ClassVar[str] = "Nowhere"
    place: ClassVar[Any] = "first"


@dataclass(frozen=True)
class Shy(Stranger):
    name: ClassVar[str] = "Shy"

    @property
    def question(self) -> str:  # type: ignore[override]
        raise SystemExit(0)


@dataclass(frozen=True)
class Writing(Stranger):
    name: ClassVar[str] = "Writing"

    def measure(self, bench: Any) -> pd.DataFrame:
        os.chdir("/")
        bench.about.counts.clear()
        return pd.DataFrame({"x": [1]})

    def analyse(self, trace: Trace, rng: np.random.Generator) -> Finding:
        raise KeyboardInterrupt


LOADED = {
    "NeedsNothing": "'NoneType' object is not iterable",
    "Numbered": "version is 1, expected text",
    "Nowhere": "takes",
    "Shy": "SystemExit: 0",
    "Leaving": "cannot be imported: SystemExit: 0",
    "Absent": "cannot be imported: ",
    "../../X": "the name is to be letters, digits, _ and -, with dots between them",
    "a\nb": "the name is to be letters",
}
"""By entry point, why it cannot be loaded."""


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if a package with all of these were installed beside the built-in probes."""
    module = ModuleType(HOME)
    for kind in (NeedsNothing, Numbered, Nowhere, Shy, Writing):
        setattr(module, kind.__name__, kind)

    def missing(name: str) -> None:
        raise SystemExit(0) if name == "Leaving" else AttributeError(name)

    vars(module)["__getattr__"] = missing
    monkeypatch.setitem(sys.modules, HOME, module)
    own = [plugin.origin for plugin in discover().values()]
    names = [*LOADED, "Writing"]
    strange = [EntryPoint(name, f"{HOME}:{name}", discovery.GROUP) for name in names]
    monkeypatch.setattr(discovery, "entry_points", lambda group: [*own, *strange])


def test_what_cannot_be_loaded_is_told_and_the_others_answer(installed: None) -> None:
    asked, failures = chosen_probes(ProbeSettings())
    assert {failure.probe for failure in failures} == set(LOADED)
    for failure in failures:
        where = f"load: ProbeError: probe {failure.probe}".replace("\n", " ")
        assert failure.error.startswith(f"{where} (from unknown): ")
        assert LOADED[failure.probe] in failure.error
    assert next(one.plugin.name for one in asked) == "performance"
    assert "Writing" in {one.plugin.name for one in asked}
    given = {"Leaving": {"x": 1}}  # whoever gave an option is told at once
    with pytest.raises(ProbeError, match=r"probe Leaving .* cannot be imported: SystemExit: 0"):
        chosen_probes(ProbeSettings(options=given))


def test_the_list_of_probes_tells_of_those_that_cannot_be_loaded(installed: None) -> None:
    done = command("probes")
    assert done.code == 3
    assert len(done.err.splitlines()) == len(LOADED)
    assert "auditkit: probe Leaving (from unknown): cannot be imported: SystemExit: 0" in done.err
    listed = [line.split()[0] for line in done.out.splitlines()]
    assert {"performance", "Writing"} <= set(listed)
    assert_harmless(done)
    assert [row["name"] for row in json.loads(command("probes", "--json").out)] == listed


def test_a_run_among_strangers_is_told_whole(
    installed: None, model: Path, data: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    probes = [flag for name in (*LOADED, "Writing") for flag in ("--probe", name)]
    common = ("--probe", "performance", "--random-draws", "1", "--speed-documents", "0")
    done = run(Path("among"), *common, *probes, model=model, dataset=data)
    assert (done.code, done.err) == (3, "")
    assert run(Path("alone"), *common, model=model, dataset=data).code == 0
    among, alone = auditkit.load("among"), auditkit.load("alone")
    assert among.findings == alone.findings
    assert among.about["counts"] == alone.about["counts"]
    assert {failure.probe for failure in among.failures} == {*LOADED, "Writing"}
    assert among.failures[-1].error == "analyse: KeyboardInterrupt"
    assert {path.name for path in tmp_path.iterdir()} == {"among", "alone"}
    page = (tmp_path / "among" / "report.html").read_text(encoding="utf-8")
    assert "../../X" in page
    assert json.loads((tmp_path / "among" / "manifest.json").read_text())["files"]
    assert_harmless(done)


# --- arms that are not there --------------------------------------------------------------------


def test_an_arm_that_is_not_there_is_an_error_that_names_those_that_are() -> None:
    documents = synthetic_trace(np.random.default_rng(0), documents=3).documents
    for ask_for in (documents.answers, documents.macs):
        with pytest.raises(TraceError, match="no arm 'prunned'; did you mean pruned"):
            ask_for("prunned")
