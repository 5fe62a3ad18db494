"""Progress: figures by hand, lines off a terminal, and a real terminal of 60 columns."""

import os
import pty
import re
import subprocess
import sys
import time
from io import StringIO

import pytest
from conftest import ROOT

from auditkit.cli import bars as module
from auditkit.cli.bars import Step, bars


def step(*told: tuple[float, int], total: int = 7600, name: str = "record documents") -> Step:
    """A step that began at 0 and was told of at these seconds."""
    one = Step(name, 0.0)
    one.tell(0.0, 0, total)
    for now, done in told:
        one.tell(now, done, total)
    return one


# --- figures -----------------------------------------------------------------------------------


def test_figures_by_hand() -> None:
    one = step((10.0, 300), (20.0, 1200))
    # 1,200 in 20 s are 60 a second; 6,400 are left, which take 106.7 s
    assert one.line(20.0) == "record documents: 1,200 of 7,600, 60.0/s, 0:00:20, ETA 0:01:47"
    assert one.end(25.0) == "record documents: 1,200 done in 0:00:25"


def test_what_stalls_gets_slower_and_later() -> None:
    one = step((10.0, 300), (20.0, 1200))
    assert "30.0/s, 0:00:40, ETA 0:03:33" in one.line(40.0)


def test_what_was_done_before_tells_nothing_of_the_pace() -> None:
    one = step((0.2, 5120), (0.4, 6000), (10.4, 6100))
    # 100 in 10 s, 1,500 to go
    assert one.line(10.4) == "record documents: 6,100 of 7,600, 10.0/s, 0:00:10, ETA 0:02:30"


def test_the_last_minute_tells_the_pace() -> None:
    slow = [(float(now), now) for now in range(1, 101)]
    fast = [(float(now), 100 + 20 * (now - 100)) for now in range(101, 201)]
    rate = step(*slow, *fast).rate(200.0)
    assert rate == pytest.approx(20.0)


@pytest.mark.parametrize("told", [[], [(0.5, 100)], [(5.0, 0)]])
def test_no_pace_and_no_eta_where_none_is_known(told: list[tuple[float, int]]) -> None:
    line = step(*told).line(30.0)
    assert "ETA" not in line
    assert "/s" not in line


def test_a_step_that_is_done_has_no_eta() -> None:
    assert step((20.0, 7600)).line(30.0) == "record documents: 7,600 of 7,600, 253.3/s, 0:00:30"


def test_a_step_without_a_count_tells_its_time() -> None:
    one = step(total=0, name="open models")
    assert one.line(75.0) == "open models: 0:01:15"
    assert one.end(75.0) == "open models: done in 0:01:15"
    assert one.end(0.5) == ""


def test_a_count_without_an_end_has_no_eta() -> None:
    assert step((10.0, 50), total=0, name="p").line(10.0) == "p: 50, 5.0/s, 0:00:10"


# --- a line of so many columns -----------------------------------------------------------------


@pytest.mark.parametrize("width", [40, 60, 80, 120])
@pytest.mark.parametrize("note", ["", "loss 0.512 · λ 1.0e-02" + " θ 7.1" * 30])
def test_bar_note_and_name_give_way_to_the_figures(width: int, note: str) -> None:
    one = step((10.0, 300), (20.0, 1200), name="attribution_agreement")
    one.tell(20.0, 1200, 7600, note)
    line = one.drawn(20.0, width, "━╌").plain
    figures = "1,200/7,600 60.0/s 0:00:20 ETA 0:01:47"
    assert figures in line
    assert len(line) <= width
    bar = re.search("[━╌]+", line)
    assert (bar is None) == (width <= 60)
    if width == 120:
        assert bar is not None
        assert (len(bar[0]), bar[0].count("━")) == (24, 24 * 1200 // 7600)
    assert line.startswith("attribution_agreement " if width >= 60 else "… ")


def test_a_short_name_leaves_room_for_a_bar_at_60_columns() -> None:
    line = step((10.0, 300), (20.0, 1200), name="record").drawn(20.0, 60, "━╌").plain
    assert re.fullmatch(r"record [━╌]{13,} 1,200/7,600 60.0/s 0:00:20 ETA 0:01:47", line)
    assert len(line) <= 60


# --- off a terminal ----------------------------------------------------------------------------


def test_off_a_terminal_steps_are_lines(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "EVERY", 0.1)
    monkeypatch.setattr(module, "SHORT", 0.05)
    with bars() as bar:
        bar("open models", 0, 0)
        bar("record documents", 0, 200)
        for done in (20, 40, 60):
            time.sleep(0.1)
            bar("record documents", done, 200)
        time.sleep(0.25)  # nothing is told, and a line comes all the same
        bar.say("a line of its own")
    lines = capsys.readouterr().err.splitlines()
    assert lines[:2] == ["open models", "record documents"]
    assert lines[-1] == "record documents: 60 done in 0:00:01"
    assert lines[-2] == "a line of its own"
    between = lines[2:-2]
    assert len(between) >= 3
    told = r"record documents: \d+ of 200(, [\d.]+/s)?, 0:00:0\d(, ETA 0:00:\d\d)?"
    assert all(re.fullmatch(told, line) for line in between)
    assert between[-1].startswith("record documents: 60 of 200, ")
    assert len([line for line in between if line.startswith("record documents: 60 ")]) >= 2


def test_a_closed_stderr_stops_no_work(monkeypatch: pytest.MonkeyPatch) -> None:
    class Closed(StringIO):
        def write(self, text: str) -> int:
            raise BrokenPipeError(text)

    done = []
    with monkeypatch.context() as patched:
        patched.setattr(sys, "stderr", Closed())
        with bars() as bar:
            for name in ("open models", "read data"):
                bar(name, 0, 0)
                done.append(name)
    assert done == ["open models", "read data"]


# --- on a terminal -----------------------------------------------------------------------------

SHOWN = """
import time
from io import StringIO
from auditkit.cli import bars as module
module.SHORT = 0.05
with module.bars() as bar:
    bar("open models", 0, 0)
    time.sleep(0.6)
    for done in range(0, 1201, 100):
        bar("attribution_agreement", done, 7600, "loss 0.1 " * 20)
        time.sleep(0.06)
    bar.say("[bold]baseline[/bold]: \\x1b[2J held-out accuracy 0.9")
"""


def on_a_terminal(code: str, columns: int, **environment: str) -> str:
    """What Python prints on a pseudo-terminal of so many columns."""
    ours, theirs = pty.openpty()
    known = {**os.environ, "COLUMNS": str(columns), "TERM": "xterm", **environment}
    known.pop("NO_COLOR", None)
    child = subprocess.Popen([sys.executable, "-c", code], stdin=theirs, stdout=theirs,
                             stderr=theirs, env=known, cwd=ROOT)  # fmt: skip
    os.close(theirs)
    seen = b""
    try:
        while part := os.read(ours, 65536):
            seen += part
    except OSError:  # how the end of the other side is told
        pass
    os.close(ours)
    assert child.wait(60) == 0
    return seen.decode()


def lines_of(screen: str) -> list[str]:
    """All that ever stood on a line, without what moves or colours it."""
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", screen)
    return [line.rstrip() for line in re.split(r"[\r\n]+", plain) if line.strip()]


def test_at_60_columns_the_bar_shrinks_and_not_the_figures() -> None:
    screen = on_a_terminal(SHOWN, 60)
    lines = lines_of(screen)
    assert max(map(len, lines)) <= 60
    assert any(re.fullmatch(r"open models [|/\\-] 0:00:0\d", line) for line in lines)
    counted = [line for line in lines if line.startswith("attribution_agree") and "/7,600" in line]
    assert counted
    for line in counted:
        figures = r"[\d,]+/7,600( [\d,.]+/s)? 0:00:0\d( ETA 0:0\d:\d\d)?"
        assert re.search(figures + r"(  .*)?$", line), line
    assert any("ETA" in line for line in counted)
    assert "open models: done in 0:00:01" in lines
    assert any(line.startswith("attribution_agreement: 1,200 done in ") for line in lines)


def test_a_terminal_that_cannot_move_gets_lines() -> None:
    assert lines_of(on_a_terminal(SHOWN, 80, TERM="dumb"))[0] == "open models"
