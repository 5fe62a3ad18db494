import numpy as np
import pytest
from counted import reference_of

from auditkit.finding import Finding, Undefined
from auditkit.plugin import Probe
from auditkit.probes.entity import Entity
from auditkit.testing import (
    check_probe,
    contract_traces,
    replace_tables,
    synthetic_trace,
    whole,
)
from auditkit.trace import Trace


def trace_of(weight: float = 1.0, *, reliable: bool = False, f: float | None = 0.53) -> Trace:
    trace = synthetic_trace(np.random.default_rng(2), documents=200, weights={"PROPN": weight})
    annotator = trace.about.annotator.model_copy(
        update={
            "entity_types_reliable": reliable,
            "entity_f_by_type": {} if f is None else {"GPE": f},
            "accuracy": {"entity_f": 0.53, "name_f": 0.68},
        }
    )
    return replace_tables(trace, about=trace.about.model_copy(update={"annotator": annotator}))


def analysed(trace: Trace) -> Finding:
    finding: Finding = Entity().analyse(trace, np.random.default_rng(1))
    return finding


@pytest.mark.parametrize(("name", "trace"), contract_traces().items())
def test_contract(name: str, trace: Trace) -> None:
    assert isinstance(Entity(), Probe)
    finding = check_probe(Entity(), trace)
    assert (finding is None) == (name in ("no_words", "changed"))


@pytest.mark.parametrize(
    ("weight", "claim", "typed"),
    [
        (4.0, "Names are kept longer than other words", "longer than"),
        (0.25, "Names are dropped sooner than other words", "sooner"),
        (1.0, "No difference shown", "No difference shown"),
    ],
)
def test_claim_follows_the_planted_effect(weight: float, claim: str, typed: str) -> None:
    finding = analysed(trace_of(weight))
    assert finding.claim.startswith(claim)
    assert " % interval" in finding.claim
    assert any("name or not" in caveat for caveat in finding.caveats)
    by_type = analysed(trace_of(weight, reliable=True))
    assert typed in by_type.claim
    assert "entity types" in by_type.claim
    assert not any("name or not" in caveat for caveat in by_type.caveats)


def test_units_by_hand() -> None:
    trace = trace_of()
    words, reference = whole(trace, "words"), reference_of(trace)
    finding = analysed(trace)
    assert finding.table("by_type").title == (
        f"By type of entity: outlived others, and kept after layer {reference}"
    )
    units = [
        ({"category": "names"}, ["GPE", "PERSON"]),
        ({"category": "numbers and dates"}, ["CARDINAL"]),
        ({"category": "no entity"}, [""]),
        *(({"type": entity}, [entity]) for entity in ("PERSON", "GPE", "CARDINAL")),
    ]
    for at, entities in units:
        mine = words["entity"].isin(entities)
        m = finding.measurement("retention", arm="pruned", **at)
        assert m.n == mine.sum()
        assert m.value == pytest.approx((words["depth"][mine] >= reference).mean())
    assert set(finding.table("by_type").column("type")) == {
        "countries and cities (GPE)", "people (PERSON)", "other numbers (CARDINAL)",
    }  # fmt: skip


def test_types_of_other_languages_are_names_quantities_or_neither() -> None:
    trace = trace_of()
    words = whole(trace, "words")
    polish = {"PERSON": "persName", "GPE": "placeName", "CARDINAL": "date", "": ""}
    finding = analysed(
        replace_tables(trace, words=words.assign(entity=words["entity"].map(polish)))
    )
    plain = analysed(trace)
    for category in ("names", "numbers and dates", "no entity"):
        at = {"arm": "pruned", "category": category}
        assert finding.measurement("retention", **at) == plain.measurement("retention", **at)
    odd = words.assign(entity=words["entity"].replace({"CARDINAL": "DERIV"}))
    other = analysed(replace_tables(trace, words=odd))
    n = other.measurement("retention", arm="pruned", category="other entities").n
    assert n == (odd["entity"] == "DERIV").sum()


def test_typed_rates_stand_beside_the_annotators_f() -> None:
    table = analysed(trace_of()).table("by_type")
    told = dict(zip(table.column("type"), table.column("annotator_f"), strict=True))
    assert told["countries and cities (GPE)"] == 0.53
    assert isinstance(told["people (PERSON)"], Undefined)
    (unknown,) = set(analysed(trace_of(f=None)).table("by_type").column("annotator_f"))
    assert isinstance(unknown, Undefined)


def test_no_names_is_not_applicable() -> None:
    trace = trace_of()
    finding = analysed(replace_tables(trace, words=whole(trace, "words").assign(entity="DATE")))
    assert finding.status == "not_applicable"
    assert "no names" in finding.claim


def test_hostile_types_are_passed_on_as_they_are() -> None:
    trace = trace_of(reliable=True)
    words = whole(trace, "words")
    odd = "</script>\n\x00‮"
    entity = words["entity"].where(words["entity"] != "CARDINAL", odd)
    finding = check_probe(Entity(), replace_tables(trace, words=words.assign(entity=entity)))
    assert finding is not None
    assert odd in finding.table("by_type").column("type")
    assert finding.measurement("lift", arm="pruned", type=odd).n == (entity == odd).sum()
