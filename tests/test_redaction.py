"""A report to be shown to others: no text of the data set, no word of few documents."""

import html
import json
import re
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import report_case
import small_trace
from command import auditkit as command
from hypothesis import given
from hypothesis import strategies as st
from probing import analysed, measured

from auditkit.errors import ProbeError, TraceError
from auditkit.files import Folder
from auditkit.finding import (
    ACCURACY,
    DIFFERENCE,
    LOST,
    UNCOUNTED,
    Card,
    Chart,
    Column,
    Conclusion,
    Example,
    Failure,
    Finding,
    GateResult,
    Mark,
    Measurement,
    Results,
    Segment,
    Table,
    Undefined,
    Verdict,
    dumps,
    loads,
)
from auditkit.plugin import Label, Row, columns, discover, tabulate, unmet
from auditkit.probes._reader_words import reader_words
from auditkit.report.page import render_html
from auditkit.report.redaction import FEWEST, NOTE, check_declared, redact
from auditkit.report.summary import render_markdown
from auditkit.run.reanalysis import reanalyse
from auditkit.run.settings import load_settings
from auditkit.testing import replace_tables, synthetic_trace, whole

RARE, COMMON = "zyzzyva<9>", "petroleum"
"""A word of one document, hostile as words are, and one that many documents hold."""
LEFT, STAYS = "lift[term=zyzzyva<9>]", "lift[term=petroleum]"


def lift(word: str, documents: int, **changes: Any) -> Measurement:
    given: dict[str, Any] = {"value": 1.5, "no_interval": f"“{RARE}” stands in one document"}
    return Measurement(name="lift", unit="ratio", n=documents, n_clusters=documents,
                       at={"term": word}, headline=True, **(given | changes))  # fmt: skip


def finding() -> Finding:
    """A finding that names the rare word wherever a finding can name one."""
    both = f"“{COMMON}” 3 times, “{RARE}” once."
    words = Table(
        name="words",
        title=f"From “{RARE}” on",
        columns=(
            Column(name="term", title="Word", kind="label", held_by="documents"),
            *columns(("documents", "Documents", "count"), ("lift", "Lift", "number")),
        ),
        rows=((COMMON, FEWEST, Undefined(both)), (RARE, FEWEST - 1, 2.0), (RARE + "s", 1, 3.0)),
        note=both,
    )
    points = Table(
        name="points",
        title="Points",
        columns=(
            Column(name="word", title="Word", kind="label", held_by=UNCOUNTED),
            *columns(("x", "X", "number")),
        ),
        rows=((RARE, 1.0), (COMMON, 2.0)),
    )
    shown = Example(example_id=RARE, title=RARE, segments=(Segment(RARE, 1),), alive=(1, 1),
                    facts=((RARE, RARE),))  # fmt: skip
    resting = {"measurements": (STAYS, LEFT)}
    return Finding(
        probe="words", version="1", question=f"What of “{RARE}”?", claim=both, status="reported",
        measurements=(lift(COMMON, 9), lift(RARE, 1)),
        tables=(words, points),
        charts=(Chart(name="cloud", kind="cloud", table="words", title=both, alt=both,
                      x="documents", y="term"),),
        examples=(shown,),
        caveats=(both, f"One quote is open: “{RARE}"),
        conclusions=(
            Conclusion(LOST, both, (STAYS, LEFT)),
            Conclusion(LOST, f"1 word, {RARE}, is lost.", (LEFT,)),
            Conclusion(LOST, f"“{RARE}”.", (STAYS,)),
        ),
        verdict=Verdict(sentence=both, detail=both, measurements=(STAYS,)),
        cards=(Card(title=ACCURACY, value=both, note=both, measurements=(STAYS,)),
               Card(title=ACCURACY, value=RARE, note=RARE, **resting)),
        marks=(Mark(picture=DIFFERENCE, label=both, measurement=STAYS),
               Mark(picture=DIFFERENCE, label=RARE, measurement=LEFT)),
        unchecked=(both,),
    )  # fmt: skip


def audit() -> Results:
    about = report_case.about()
    reasons = (
        f"the rationale's word '{RARE}' is not in the text as a word of its own",
        f'the rationale\'s span ["{RARE}", 3] is no pair of whole numbers; expected [start, end]',
        f"the rationale is not JSON, seen '{RARE} {RARE}…; expected a list",
        "the text is empty",
    )
    data = {"refused": [{"row": at, "reason": why} for at, why in enumerate(reasons, start=1)]}
    gate = GateResult(address="words.lift[term=x]", side="at_least", limit=1.0, on="value",
                      status="not_run", reason=f"there is none; near it: words.{LEFT}")  # fmt: skip
    undefined = replace(gate, status="inconclusive", reason=f"it is undefined: “{RARE}”")
    return Results(
        about=about | {"dataset": about["dataset"] | data},
        findings=(finding(), *report_case.plain_findings()),
        failures=(
            Failure(probe="one", distribution="theirs", error=f"analyse: ValueError: {RARE}: no"),
            Failure(probe="two", distribution="theirs", error=f"{RARE} is none"),
        ),
        gates=(gate, undefined),
    )


def told(text: str) -> str:
    """All that a file says, read as often as a reader could."""
    return html.unescape(html.unescape(text)).replace("\\", "").casefold()


@pytest.mark.parametrize("render", [render_html, render_markdown])
def test_no_byte_of_a_page_is_a_word_of_one_document(render: Any) -> None:
    whole_page = told(render(audit()))
    page = told(render(audit(), redacted=True))
    assert "zyzzyva" in whole_page
    assert "redacted" not in whole_page
    assert "zyzzyva" not in page
    assert COMMON in page
    assert told(NOTE) in page


def test_what_is_left_of_each_part() -> None:
    (found, *_), why = redact(audit()).findings, redact(audit())
    words, points = found.tables
    hidden = f"“{COMMON}” 3 times, “…” once."
    assert [row[0] for row in words.rows] == [COMMON]
    assert words.note == f"{hidden} 2 rows of what fewer than 5 documents hold are left out."
    assert words.rows[0][2] == Undefined(hidden)
    assert points.rows == (("…", 1.0), ("…", 2.0))
    assert found.claim == found.cards[0].value == found.marks[0].label == hidden
    assert found.caveats[1:] == (
        "One quote is open: “…”", "Left out: 1 document chosen as examples.",
    )  # fmt: skip
    assert [m.where for m in found.measurements] == [STAYS]
    assert found.conclusions == (Conclusion(LOST, hidden, (STAYS,)),)
    assert (len(found.cards), len(found.marks), found.examples) == (1, 1, ())
    assert found.verdict is not None
    assert [row["reason"] for row in why.about["dataset"]["refused"]] == [
        "the rationale's word …", "the rationale's span […", "the rationale is not JSON, seen …",
        "the text is empty",
    ]  # fmt: skip
    assert [one.error for one in why.failures] == ["analyse: ValueError: …", "…"]
    assert [gate.reason for gate in why.gates] == ["there is none; …", "it is undefined: “…”"]


def test_a_decision_on_a_word_that_is_left_out_goes() -> None:
    verdict = Verdict(sentence="No: 1.", detail="", measurements=(LEFT,))
    (found, *_) = redact(replace(audit(), findings=(replace(finding(), verdict=verdict),))).findings
    assert found.verdict is None


def test_what_holds_no_words_of_the_data_is_left_as_it_is() -> None:
    before = report_case.audit()
    after = redact(before)
    for was, now in zip(before.findings, after.findings, strict=True):
        assert now == replace(was, examples=(), caveats=now.caveats)
    assert after.gates == before.gates


def test_to_redact_twice_is_to_redact_once() -> None:
    once = redact(audit())
    assert redact(once) == once
    assert loads(dumps(once)) == once


CELLS = st.sampled_from(["oil", "the", "…", "“oil”", ""])


@given(
    st.lists(st.tuples(CELLS, st.integers(0, 9), CELLS), max_size=6),
    st.lists(CELLS, max_size=4),
)
def test_laws(rows: list[tuple[str, int, str]], said: list[str]) -> None:
    labels = [Label("category", "Kind"), Label("term", "Word", held_by="documents")]
    table = tabulate(
        "words", "Words", [*labels, *columns(("documents", "Documents", "count"))],
        [Row({"category": kind, "term": word}, facts={"documents": n}) for word, n, kind in rows],
    ).table  # fmt: skip
    claim = "; ".join(f"“{word}” {at}" for at, word in enumerate(said))
    one = Finding(probe="p", version="1", question="?", claim=claim, status="warn", tables=(table,))
    before = Results(about=report_case.about(), findings=(one,), failures=())
    after = redact(before)
    (found,) = after.findings
    assert redact(after) == after
    assert found.status == "warn"
    assert found.tables[0].rows == tuple(row for row in table.rows if int(row[2]) >= FEWEST)  # type: ignore[arg-type]
    names = {cell for row in found.tables[0].rows for cell in row}
    for word in re.findall("“(oil|the)”", found.claim):
        assert word in names
    assert re.findall(r" (\d)", found.claim) == re.findall(r" (\d)", claim)


def test_every_field_of_a_finding_has_been_thought_of() -> None:
    """Who adds one: say in `redact` what becomes of words in it, then add its name here."""
    assert {field.name for field in fields(Finding)} == {
        "probe", "version", "question", "claim", "status", "measurements", "tables", "charts",
        "examples", "caveats", "conclusions", "chapter", "verdict", "cards", "marks", "unchecked",
    }  # fmt: skip
    assert {field.name for field in fields(Results)} == {
        "about", "findings", "failures", "gates", "schema_version",
    }  # fmt: skip


def test_a_column_is_held_by_a_column_of_its_table() -> None:
    with pytest.raises(ProbeError, match="no column 'documents'; available: word"):
        Table(name="t", title="", columns=(Column(name="word", title="", held_by="documents"),),
              rows=())  # fmt: skip


def test_results_that_do_not_say_which_words_are_the_data_s_are_not_redacted() -> None:
    results = dumps(audit())
    check_declared(results.encode())
    old = re.sub(r',\s*"held_by": "\w*"', "", results)
    with pytest.raises(TraceError, match="--reanalyse"):
        check_declared(old.encode())
    assert loads(old).findings[0].tables[0].columns[0].held_by == ""


def spoken() -> Any:
    """A trace of made-up words: of many documents (q…), of all of a class, of four, of one (z…)."""
    trace = synthetic_trace(np.random.default_rng(1), documents=40, draws=3)
    words: pd.DataFrame = whole(trace, "words")
    place = words.groupby("example_id", sort=True).ngroup().to_numpy()
    number = words.groupby("example_id", sort=True).cumcount().to_numpy()
    held = np.array(["qa", "qb", "qc", "qd", "qe"])
    label = trace.documents.label[trace.documents.rows_of(words["example_id"])]
    of_class = np.array([made(f"qx{one}") for one in label])
    one, four = (np.array([made(f"z{n}y{p // n}") for p in place]) for n in (1, 4))
    kind = number % 5
    named = np.select([kind == 0, kind == 1, kind == 2], [of_class, one, four], held[number % 5])
    return replace_tables(trace, words=words.assign(text=named, lower=named))


def made(name: str) -> str:
    """A word of letters alone."""
    return name.translate(str.maketrans("0123456789", "abcdefghij"))


def test_no_word_of_few_documents_is_on_the_page_of_the_built_in_probes() -> None:
    trace = spoken()
    probes = [one.load() for one in discover().values() if one.distribution == "auditkit"]
    words = whole(trace, "words")
    words["label"] = trace.documents.label[trace.documents.rows_of(words["example_id"])]
    known = (20 * words.value_counts(["label", "lower"], sort=False)).reset_index(name="count")
    asked = {"cluster": {}, "domain_term": {"training": known}}
    findings = tuple(
        analysed(p, measured(p, trace, **asked[p.name]) if p.name in asked else trace)
        for p in probes
        if not unmet(p, trace.about)
    )
    assert {"terms", "tokens_map", "words"} <= {t.name for one in findings for t in one.tables}
    found = Results(about=trace.about.model_dump(mode="json"), findings=findings, failures=())
    held = words.assign(word=reader_words(words["lower"])).groupby("word")["example_id"].nunique()
    rare, common = set(held[held < FEWEST].index), set(held[held >= FEWEST].index)
    ids = set(trace.documents.ids.tolist())
    before = dumps(found)
    after = told(render_html(found, redacted=True)) + told(render_markdown(found, redacted=True))
    assert rare & set(re.findall(r"\w+", before))
    assert common <= set(re.findall(r"\w+", after))
    assert not rare & set(re.findall(r"\w+", after))
    assert any(one in before for one in ids)
    assert not any(one in after for one in ids)


def test_a_run_that_is_told_to_redact_has_the_same_results(
    tmp_path: Path,
) -> None:
    run, pages = tmp_path / "run", ("report.html", "summary.md")
    small_trace.write(Folder(run / "trace"), shards=2)
    settings = load_settings(None, {"model": "m", "dataset": "d", "redact": True})
    assert "redact" not in settings.deciding()
    about = {"settings": {"probes": ["layer_view"], "seed": 7}}
    first = {"schema_version": 2, "about": about, "findings": [], "failures": []}
    (run / "results.json").write_text(json.dumps(first), encoding="utf-8")

    def redacted() -> list[bool]:
        return [NOTE.casefold() in told((run / page).read_text(encoding="utf-8")) for page in pages]

    reanalyse(run)
    results = (run / "results.json").read_bytes()
    assert b'"example_id": "g"' in results
    assert redacted() == [False, False]
    for flags, expected in (
        (("--reanalyse", "--redact"), True), ((), True), (("--no-redact",), False),
        (("--reanalyse",), True), (("--reanalyse", "--no-redact"), False), ((), False),
        (("--redact",), True),
    ):  # fmt: skip
        done = command("report", run, *flags)
        assert done.code == 0, done.err
        assert redacted() == [expected, expected], flags
        assert (run / "results.json").read_bytes() == results
    done = command("report", run, "--redact", "--tables", tmp_path / "tables")
    assert (done.code, "give it alone" in done.err) == (2, True)
