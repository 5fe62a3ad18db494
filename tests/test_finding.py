import dataclasses
import json
import math
import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditkit.errors import ProbeError, TraceError
from auditkit.finding import (
    KEYS,
    Cell,
    Chart,
    Column,
    Example,
    Failure,
    Finding,
    Interval,
    Measurement,
    Results,
    Segment,
    Table,
    Undefined,
    dumps,
    loads,
    to_json,
)


def number(**changes: Any) -> Measurement:
    fields: dict[str, Any] = {
        "name": "lift",
        "value": 1.2,
        "unit": "ratio",
        "n": 90,
        "n_clusters": 30,
    }
    return Measurement(**(fields | {"interval": Interval(1.1, 1.3)} | changes))


def table(**changes: Any) -> Table:
    fields = {
        "name": "t",
        "title": "T",
        "columns": (Column(name="x", title="X"), Column(name="y", title="Y", kind="number")),
        "rows": (("one", 1.0), ("two", Undefined("no words"))),
    }
    return Table(**(fields | changes))


def chart(**changes: Any) -> Chart:
    fields = {"name": "c", "kind": "bars", "table": "t", "title": "", "alt": "", "x": "y", "y": "x"}
    return Chart(**(fields | changes))


def finding(**changes: Any) -> Finding:
    fields = {"probe": "p", "version": "1", "question": "?", "claim": "So.", "status": "reported"}
    return Finding(**(fields | changes))


def audit(*findings: Finding) -> Results:
    return Results(about={"seed": 0}, findings=findings, failures=())


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"value": math.nan}, "value is nan"),
        ({"value": math.inf}, "value is inf"),
        ({"p": math.nan}, "p is nan"),
        ({"p_adjusted": -math.inf}, "p_adjusted is -inf"),
        ({"value": None}, "a value or the reason"),
        ({"undefined": "no words"}, "a value or the reason"),
        ({"value": None, "undefined": "no words"}, "cannot have an interval"),
        ({"interval": None}, "an interval or the reason"),
        ({"no_interval": "too few"}, "an interval or the reason"),
    ],
)
def test_a_measurement_that_nobody_could_believe(changes: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ProbeError, match=rf"measurement lift\[arm=pruned\].*{complaint}"):
        number(at={"arm": "pruned"}, **changes)


def test_a_measurement_says_where_it_stands() -> None:
    assert number().where == "lift"
    assert (
        number(at={"category": "NOUN", "arm": "pruned"}).where == "lift[arm=pruned,category=NOUN]"
    )


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"name": "value"}, "called 'value'; expected letters.*none of value, low"),
        ({"name": "a b"}, "called 'a b'"),
        ({"at": {"slice": "x"}}, "key 'slice' is not one.*available: against, arm"),
    ],
)
def test_a_measurement_has_an_address(changes: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ProbeError, match=complaint):
        number(**changes)


def test_whole_numbers_are_the_same_before_they_are_written_and_after() -> None:
    one = finding(
        measurements=(number(value=1, interval=Interval(1, 2), p=0),),
        tables=(table(rows=(("a", Interval(0, 1)),)),),
        charts=(chart(reference=1),),
    )
    assert loads(dumps(audit(one))) == audit(one)
    assert dumps(loads(dumps(audit(one)))) == dumps(audit(one))


@pytest.mark.parametrize("ends", [(2.0, 1.0), (math.nan, 1.0), (0.0, math.inf)])
def test_intervals_are_finite_and_in_order(ends: tuple[float, float]) -> None:
    with pytest.raises(ProbeError, match="expected finite low <= high"):
        Interval(*ends)


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"rows": (("one",),)}, "a row of 1 cells, 2 columns"),
        ({"rows": (("one", math.nan),)}, r"column y: nan; give Undefined\(reason\)"),
        ({"columns": (Column(name="x", title=""),) * 2}, "table t: column x is given twice"),
    ],
)
def test_a_table_that_cannot_be_printed(changes: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ProbeError, match=complaint):
        table(**changes)


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"status": "passed"}, "status 'passed'; did you mean pass?"),
        ({"measurements": (number(), number(value=2.0))}, "lift is given twice"),
        ({"tables": (table(), table(title="other"))}, "table t is given twice"),
        ({"tables": (table(),), "charts": (chart(), chart(title="other"))}, "chart c is given"),
        ({"charts": (chart(),)}, "no table 't'; available: none"),
        ({"tables": (table(),), "charts": (chart(interval="z"),)}, "no column 'z'; .*x, y"),
    ],
)
def test_a_finding_at_odds_with_itself(changes: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ProbeError, match=complaint):
        finding(**changes)


def test_parts_are_found_by_name_or_the_names_are_told() -> None:
    found = finding(tables=(table(),), measurements=(number(at={"arm": "pruned", "layer": "2"}),))
    assert found.table("t").column("x") == ("one", "two")
    assert found.measurement("lift", layer=2, arm="pruned").value == 1.2
    with pytest.raises(ProbeError, match=r"no lift; available: lift\[arm=pruned,layer=2\]"):
        found.measurement("lift")
    assert audit(found).finding("p") is found
    with pytest.raises(ProbeError, match="no finding of 'q'; available: p"):
        audit(found).finding("q")


def test_a_failure_shows_in_the_exit_code() -> None:
    broken = Failure(probe="p", distribution="d", error="e")
    assert audit().exit_code == 0
    assert dataclasses.replace(audit(), failures=(broken,)).exit_code == 3


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
REAL = st.floats(allow_nan=False, allow_infinity=False)
INTERVALS = st.tuples(REAL, REAL).map(lambda ends: Interval(min(ends), max(ends)))
CELLS: st.SearchStrategy[Cell] = st.one_of(
    TEXT, st.integers(-(2**62), 2**62), REAL, INTERVALS, TEXT.map(Undefined)
)


@st.composite
def measurements(draw: st.DrawFn, index: int) -> Measurement:
    value, interval = draw(st.none() | REAL), draw(st.none() | INTERVALS)
    return number(
        name=f"lift_{index}",
        value=value,
        undefined=draw(TEXT) if value is None else None,
        interval=None if value is None else interval,
        no_interval=draw(TEXT) if value is not None and interval is None else None,
        better=draw(st.sampled_from(["higher", "lower", None])),
        p=draw(st.none() | st.floats(0, 1)),
        at=draw(st.dictionaries(st.sampled_from(KEYS), TEXT, max_size=3)),
        headline=draw(st.booleans()),
    )


@st.composite
def audits(draw: st.DrawFn) -> Results:
    size = draw(st.integers(0, 3))
    rows = draw(st.lists(st.tuples(CELLS, CELLS), max_size=3))
    depths = st.none() | st.integers(0, 12)
    segments = draw(st.lists(st.builds(Segment, TEXT, depths), max_size=3))
    one = finding(
        claim=draw(TEXT),
        status=draw(st.sampled_from(["pass", "fail", "reported", "not_applicable"])),
        measurements=tuple(draw(measurements(index)) for index in range(size)),
        tables=(table(rows=tuple(rows), note=draw(TEXT)),),
        charts=(chart(reference=draw(st.none() | REAL)),),
        examples=(
            Example(
                example_id=draw(TEXT),
                title="",
                segments=tuple(segments),
                alive=(3, 1),
                facts=(("gold", draw(TEXT)),),
            ),
        ),
        caveats=tuple(draw(st.lists(TEXT, max_size=2))),
    )
    failed = Failure(probe=draw(TEXT), distribution="d", error=draw(TEXT))
    return Results(about={"seed": 3, "x": draw(TEXT)}, findings=(one,), failures=(failed,))


@settings(max_examples=60, deadline=None)
@given(before=audits())
def test_what_is_written_is_what_is_read(before: Results) -> None:
    text = dumps(before)
    after = loads(text)
    assert dumps(after) == text
    assert loads(dumps(after)) == after
    assert after.findings[0].claim == before.findings[0].claim
    assert after.findings[0].examples == before.findings[0].examples
    for was, now in zip(
        before.findings[0].table("t").rows, after.findings[0].table("t").rows, strict=True
    ):
        assert [type(cell) for cell in was] == [type(cell) for cell in now]


@given(value=REAL)
def test_floats_keep_six_significant_digits_and_zero_has_no_sign(value: float) -> None:
    written = to_json(value)
    assert written == pytest.approx(value, rel=5.000001e-6, abs=5e-324)
    digits = re.sub(r"e.*|\D", "", f"{written:.17g}" if written == 0 else repr(written))
    assert len(digits.strip("0")) <= 6
    assert math.copysign(1, to_json(-0.0)) == 1


@pytest.mark.parametrize("value", [math.nan, math.inf, np.float32("nan")])
def test_no_number_is_written_that_is_none(value: float) -> None:
    with pytest.raises(ProbeError, match="cannot be written as JSON"):
        dumps({"deep": [(value,)]})


@pytest.mark.parametrize("value", [object(), {1, 2}, b"bytes", np.arange(3)])
def test_other_types_are_refused_by_name(value: object) -> None:
    with pytest.raises(ProbeError, match=f"{type(value).__name__} cannot be written"):
        dumps(value)


def test_numpy_scalars_are_plain_numbers() -> None:
    values = [np.float32(0.5), np.int8(-3), np.bool_(True), np.str_("a")]
    assert dumps(values) == dumps([0.5, -3, True, "a"])


def test_a_lone_surrogate_does_not_keep_results_from_being_written() -> None:
    hostile = finding(
        claim="a\ud800b", tables=(table(rows=(("\udfff", 1.0),)),), measurements=(number(),)
    )
    text = dumps(Results(about={"\udc00": "\ud83d"}, findings=(hostile,), failures=()))
    text.encode("utf-8")
    read = loads(text)
    assert read.findings[0].claim == "a\ufffdb"
    assert read.findings[0].table("t").column("x") == ("\ufffd",)
    assert read.about == {"\ufffd": "\ufffd"}


def edited(path: list[Any], value: Any) -> str:
    """The JSON of an audit with one value changed."""
    raw = json.loads(dumps(audit(finding(measurements=(number(),), tables=(table(),)))))
    inside = raw
    for key in path[:-1]:
        inside = inside[key]
    inside[path[-1]] = value
    return json.dumps(raw)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "not an audit"),
        ("[]", "not an audit"),
        ("{}", "about: Field required"),
        ("[" * 100_000, "not an audit"),
        ('{"schema_version": 99}', "schema 99, this auditkit reads 2"),
        ('{"schema_version": 2}', "about: Field required"),
        (edited(["schema_version"], 1), "schema 1, this auditkit reads 2"),
        (edited(["findings", 0, "claim"], 5), "findings.0.claim: .*valid string"),
        (edited(["findings", 0, "status"], "fine"), "findings.0.status: .*'pass'"),
        (edited(["findings", 0, "extra"], 1), "findings.0.extra: Unexpected"),
        (edited(["findings", 0, "tables", 0, "rows", 0, 1], [1]), "findings.0.tables.0.rows.0.1"),
        (edited(["findings", 0, "tables", 0, "rows", 0, 1], math.nan), "give Undefined|JSON"),
        (edited(["findings", 0, "measurements", 0, "interval", "low"], 9), "low <= high"),
        (edited(["findings", 0, "measurements", 0, "at", "slice"], "x"), "key 'slice'"),
        (edited(["about"], None), "about: .*an object"),
    ],
)
def test_what_is_no_audit_is_refused_in_one_line(text: str, complaint: str) -> None:
    with pytest.raises(TraceError, match=complaint) as told:
        loads(text)
    assert "auditkit run" in str(told.value)
    assert len(str(told.value).splitlines()) == 1
