"""Files of a run that were damaged after it: recorded, measured and written again, or one line."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import tiny
from command import auditkit as command

from auditkit.files import Folder
from auditkit.finding import announce, read_announcement

Runs = Callable[..., Path]


@pytest.fixture
def run(tiny_runs: Runs, tmp_path: Path) -> Path:
    return shutil.copytree(tiny_runs("bert", quick=True), tmp_path / "run")


def files(run: Path) -> dict[str, bytes]:
    found = (path for path in run.rglob("*") if path.is_file())
    return {path.relative_to(run).as_posix(): path.read_bytes() for path in found}


def emptied(data: bytes) -> bytes:
    return b""


def cut(data: bytes) -> bytes:
    return data[:-10]


def flipped(data: bytes) -> bytes:
    middle = len(data) // 2
    return data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :]


damages = pytest.mark.parametrize("damage", [emptied, cut, flipped])


@damages
def test_the_same_command_mends_a_run(
    damage: Callable[[bytes], bytes], run: Path, model: Path, tiny_csv: str
) -> None:
    """Every file but the one that says what the run is of; a finished run, an unfinished trace."""
    before = files(run)
    for name, data in before.items():
        if name != "trace/inputs.json":
            (run / name).write_bytes(damage(data))
    done = command("run", "--model", model, "--dataset", tiny_csv, "--out", run, *tiny.QUICK)
    assert (done.code, done.err) == (0, "")
    after = files(run)
    timed = {"timings.json", "manifest.json", "report.html", "summary.md"}
    assert after.keys() == before.keys()
    assert {name for name in after if after[name] != before[name]} <= timed
    assert command("report", run, "--reanalyse").code == 0


def test_a_shard_that_is_gone_from_a_finished_run_is_recorded_again(
    run: Path, model: Path, tiny_csv: str
) -> None:
    before = files(run)
    shutil.rmtree(run / "trace" / "shards" / "000000")
    done = command("run", "--model", model, "--dataset", tiny_csv, "--out", run, *tiny.QUICK)
    assert (done.code, done.err) == (0, "")
    assert "91 in = 90 audited + 1 refused" in done.out
    assert files(run)["results.json"] == before["results.json"]
    shutil.copytree(run / "trace" / "shards" / "000000", run / "trace" / "shards" / "000001")
    before = files(run)
    done = command("run", "--model", model, "--dataset", tiny_csv, "--out", run, *tiny.QUICK)
    assert (done.code, "000001 is no shard of this run" in done.complaint) == (2, True)
    assert files(run) == before


@damages
@pytest.mark.parametrize("name", ["documents", "words", "measured"])
def test_a_good_result_is_not_replaced_by_one_of_damaged_files(
    name: str, damage: Callable[[bytes], bytes], run: Path
) -> None:
    place = "shards/000000" if name != "measured" else "measured"
    file = (
        run / "trace" / place / f"{name if name != 'measured' else 'attribution_agreement'}.parquet"
    )
    file.write_bytes(damage(file.read_bytes()))
    before = files(run)
    done = command("report", run, "--reanalyse")
    assert done.code == 2
    assert "auditkit run" in done.complaint
    assert files(run) == before


@damages
@pytest.mark.parametrize("name", ["trace/about.json", "trace/inputs.json", "results.json"])
def test_what_tells_of_a_run_is_one_line_where_it_is_damaged(
    name: str, damage: Callable[[bytes], bytes], run: Path
) -> None:
    (run / name).write_bytes(damage((run / name).read_bytes()))
    before = files(run)
    done = command("report", run, "--reanalyse")
    if done.code == 0:  # a bit of a number or a text: nobody can tell
        assert damage is flipped
        return
    assert done.code == 2
    assert done.complaint
    assert files(run) == before


def test_results_that_are_no_text_are_one_line(run: Path) -> None:
    (run / "results.json").write_bytes(b"\xff\xfe\x00")
    for flags in ((), ("--reanalyse",)):
        done = command("report", run, *flags)
        assert (done.code, "results.json" in done.complaint) == (2, True)


@pytest.mark.parametrize("settings", [None, 5, [], "x"])
def test_settings_that_are_none_are_one_line_or_left_out(settings: object, run: Path) -> None:
    manifest = json.loads((run / "manifest.json").read_text())
    (run / "manifest.json").write_text(json.dumps(manifest | {"settings": settings}))
    before = (run / "results.json").read_bytes()
    assert command("report", run, "--reanalyse").code == 0
    assert (run / "results.json").read_bytes() == before
    assert json.loads((run / "manifest.json").read_text())["settings"] == {}
    told = json.loads(before)
    told["about"]["settings"] = settings
    (run / "results.json").write_text(json.dumps(told))
    done = command("report", run, "--reanalyse")
    assert (done.code, "results.json tells no settings" in done.complaint) == (2, True)


def test_limits_that_are_torn_are_written_down_anew(tmp_path: Path) -> None:
    limits = [{"address": "performance.accuracy[arm=pruned]", "at_least": 0.5}]
    folder = Folder(tmp_path)
    first = announce(folder, limits, before_results=True)
    for torn in (b"", b"{", b"[]", b"\xff"):
        folder.write("gates.json", torn)
        assert read_announcement(folder) is None
        again = announce(folder, limits, before_results=False)
        assert first is not None
        assert again is not None
        assert (again.sha256, again.before_results) == (first.sha256, False)
