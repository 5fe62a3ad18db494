"""Gates `on: anytime`: bets that a run directory carries from run to run."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import report_case
from command import auditkit
from test_gates import found

from auditkit.errors import SettingsError, TraceError
from auditkit.files import Folder
from auditkit.finding import Interval, Measurement, dumps
from auditkit.run.betting import BETS, bet
from auditkit.run.directory import prepared
from auditkit.run.gates import Gate, judge
from auditkit.run.settings import load_settings
from auditkit.stats.anytime import Bets, by_hash
from auditkit.testing import synthetic_trace
from auditkit.testing.traces import whole
from auditkit.trace import TABLES, Trace, documents_schema, finish, write_shard

CHANGE = "performance.accuracy_change[arm=pruned,against=baseline]"
GATE = Gate(address=CHANGE, at_least=-10, on="anytime")


def trace(documents: int, seed: int = 0, **changes: object) -> Trace:
    made = {"words": (2, 4), "layers": 2, "draws": 0, **changes}
    return synthetic_trace(np.random.default_rng(seed), documents=documents, **made)  # type: ignore[arg-type]


def by_hand(trace: Trace, without: frozenset[str] = frozenset()) -> Bets:
    """A loop over the documents in the order of their hashes."""
    documents, bets = trace.documents, Bets(0.1)
    pruned, baseline = documents.answers("pruned"), documents.answers("baseline")
    assert pruned is not None
    assert baseline is not None
    for row in by_hash(list(documents.ids)):
        if documents.ids[row] not in without:
            label = documents.label[row]
            right = [int(a.predicted[row, 0] == label) for a in (pruned, baseline)]
            bets = bets.after(np.array([right[0] - right[1]]))
    return bets


def test_bets_are_carried_and_nobody_bets_twice(tmp_path: Path) -> None:
    folder, few, many = Folder(tmp_path), trace(40), trace(90, seed=1)
    (first,) = bet([GATE], few, folder).values()
    assert first == bet([GATE], few, folder)[GATE]  # the same documents are no second look
    assert isinstance(first, Bets)
    assert first.passing == pytest.approx(by_hand(few).passing)
    (later,) = bet([GATE], many, folder).values()
    assert isinstance(later, Bets)
    new = by_hand(many, without=frozenset(few.documents.ids))
    assert later.passing == pytest.approx(np.add(first.passing, new.passing))
    assert later.failing == pytest.approx(np.add(first.failing, new.failing))
    (game,) = json.loads(folder.read(BETS))
    assert game["counted"] == sorted(many.documents.ids)


def test_other_limits_and_other_models_are_other_games(tmp_path: Path) -> None:
    folder, few = Folder(tmp_path), trace(20)
    other = GATE.model_copy(update={"at_least": -5.0})
    bet([GATE], few, folder)
    bet([other], few, folder)
    assert [game["at_least"] for game in json.loads(folder.read(BETS))] == [-10, -5]


def test_an_overwritten_run_keeps_what_was_bet(tmp_path: Path) -> None:
    folder = Folder(tmp_path / "run")
    (folder / "trace").write("inputs.json", "{}")
    folder.write(BETS, "[]")
    with prepared(folder, overwrite=True):
        pass
    assert folder.names() == [BETS]
    with prepared(folder, overwrite=False):
        pass


def test_bets_that_cannot_be_read_are_not_begun_anew(tmp_path: Path) -> None:
    (tmp_path / BETS).write_text("{")
    with pytest.raises(TraceError, match=r"anytime\.json cannot be read; restore it"):
        bet([GATE], trace(5), Folder(tmp_path))


@pytest.mark.parametrize(
    ("address", "baseline"),
    [(CHANGE, False), ("performance.accuracy_change[arm=pruned,against=unpruned]", True)],
)
def test_only_the_model_under_audit_against_its_reference(
    address: str, baseline: bool, tmp_path: Path
) -> None:
    gate = GATE.model_copy(update={"address": address})
    (reason,) = bet([gate], trace(5, baseline=baseline), Folder(tmp_path)).values()
    assert isinstance(reason, str)
    at = gate.parsed.at
    (result,) = judge([gate], found(change(at["against"])), (), {gate: reason})
    assert (result.status, result.reason) == ("inconclusive", reason)


def change(against: str = "baseline") -> Measurement:
    return Measurement(
        name="accuracy_change", value=0.0, unit="points", n=90, n_clusters=90,
        at={"arm": "pruned", "against": against}, interval=Interval(-20.0, 20.0),
    )  # fmt: skip


@pytest.mark.parametrize(("x", "status"), [(1, "pass"), (-1, "fail"), (0, "inconclusive")])
def test_the_side_that_stops_decides_whatever_the_interval(x: int, status: str) -> None:
    bets = {GATE: Bets(0.1).after(np.full(20, x))}
    (result,) = judge([GATE], found(change()), (), bets)
    assert result.status == status
    assert "40 decides" in result.reason
    assert judge([GATE], found(), (), bets)[0].status == "not_run"


@pytest.mark.parametrize(
    "change",
    [
        {"address": "performance.accuracy[arm=pruned]"},
        {"at_least": None, "at_most": 1},
        {"at_least": -100},
    ],
)
def test_there_are_no_other_bets(change: dict[str, object]) -> None:
    gate = {"address": CHANGE, "at_least": -1, "on": "anytime", **change}
    with pytest.raises(SettingsError, match="anytime is for accuracy_change"):
        load_settings(None, {"model": "m", "dataset": "d", "gates": [gate]})


def test_a_finished_run_is_bet_on_from_the_shell(tmp_path: Path) -> None:
    made = trace(60, accuracy={"baseline": 0.5, "pruned": 0.99})
    audit = replace(report_case.audit(), findings=tuple(found(change())), failures=())
    (tmp_path / "results.json").write_text(dumps(audit), encoding="utf-8")
    (tmp_path / "gates.yaml").write_text(f"- {{address: '{CHANGE}', at_least: -10, on: anytime}}")
    assert auditkit("gate", tmp_path, "--gates", tmp_path / "gates.yaml").code == 2  # no trace
    recorded, about = Folder(tmp_path / "trace"), made.about
    schema = documents_schema(about.dataset.group_columns, about.arm_keys)
    write_shard(recorded, 0, {name: whole(made, name) for name in TABLES}, schema)
    finish(recorded, about)
    done = auditkit("gate", tmp_path, "--gates", tmp_path / "gates.yaml")
    assert (done.code, "gate pass" in done.out) == (0, True)
    assert (tmp_path / BETS).exists()
