import dataclasses
import math
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import EntryPoint
from types import ModuleType, SimpleNamespace
from typing import ClassVar

import numpy as np
import pandas as pd
import pytest

from auditkit.errors import ProbeError
from auditkit.finding import Finding
from auditkit.plugin import (
    CHAPTERS,
    BenchView,
    MeasuringProbe,
    Place,
    Plugin,
    Probe,
    discover,
    discovery,
    in_order,
    needs,
    not_applicable,
    place_of,
    unmet,
)
from auditkit.plugin.discovery import GROUP
from auditkit.testing import SyntheticBench, synthetic_trace
from auditkit.trace import TAGS, Trace

HOME = "auditkit_third_party"


@dataclass(frozen=True)
class Mine:
    name: ClassVar[str] = "mine"
    version: ClassVar[str] = "1"
    question: ClassVar[str] = "Is it?"
    needs: ClassVar[frozenset[str]] = frozenset()

    resamples: int = 10
    min_count: int = 3

    def analyse(self, trace: Trace, rng: np.random.Generator) -> Finding:
        return not_applicable(self, "it is a test")


@dataclass(frozen=True)
class Other(Mine):
    name: ClassVar[str] = "other"


@dataclass(frozen=True)
class Strange(Mine):
    needs: ClassVar[frozenset[str]] = frozenset({"basline"})


@dataclass(frozen=True)
class Mute:
    name: ClassVar[str] = "mine"
    version: ClassVar[str] = "1"


class Plain:
    name = "mine"


@dataclass(frozen=True)
class Fragile(Mine):
    def __post_init__(self) -> None:
        if self.resamples < 1:
            raise ValueError(f"resamples {self.resamples}: expected 1 or more")


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """A module that a third party installed."""
    module = ModuleType(HOME)
    for kind in (Mine, Other, Strange, Mute, Plain, Fragile):
        setattr(module, kind.__name__, kind)
    monkeypatch.setitem(sys.modules, HOME, module)
    return module


def entry(name: str, value: str, distribution: str = "mine-dist") -> EntryPoint:
    made = EntryPoint(name=name, value=value, group=GROUP)
    vars(made)["dist"] = SimpleNamespace(name=distribution)
    return made


def install(monkeypatch: pytest.MonkeyPatch, *entries: EntryPoint) -> None:
    def answer(*, group: str) -> list[EntryPoint]:
        return [e for e in entries if e.group == group]

    monkeypatch.setattr(discovery, "entry_points", answer)


def load(value: str, **options: object) -> Probe:
    return Plugin("mine", "mine-dist", entry("mine", f"{HOME}:{value}")).load(options)


def test_built_in_probes_come_through_the_door_of_third_parties() -> None:
    found = discover()
    for name in ("performance", "pos_retention", "stopword", "entity", "domain_term",
                 "attribution_agreement", "layer_view"):  # fmt: skip
        assert found[name].distribution == "auditkit"
        assert found[name].load().name == name


def test_probes_are_found_by_name_and_nothing_is_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    install(
        monkeypatch,
        entry("zeta", "no.such.module:X", "auditkit"),
        entry("alpha", "no.such.module:Y"),
        entry("beta", "no.such.module:Z", "auditkit"),
    )
    assert list(discover()) == ["beta", "mine-dist.alpha", "zeta"]


def test_probes_stand_where_they_say_and_the_others_last_by_name() -> None:
    @dataclass(frozen=True)
    class First(Mine):
        name: ClassVar[str] = "z_first"
        place: ClassVar[Place] = Place(0, 0)

    @dataclass(frozen=True)
    class Second(Mine):
        name: ClassVar[str] = "a_second"
        place: ClassVar[Place] = Place(0, 1)

    probes: list[Probe] = [Other(), Mine(), Second(), First()]
    assert list(in_order({probe.name: probe for probe in probes})) == [
        "z_first",
        "a_second",
        "mine",
        "other",
    ]


def test_built_in_probes_have_places_of_their_own() -> None:
    own = [plugin.load() for plugin in discover().values() if plugin.distribution == "auditkit"]
    places = [place_of(probe) for probe in own]
    assert len(set(places)) == len(places)
    assert all(place.chapter < len(CHAPTERS) for place in places)
    assert next(iter(in_order({probe.name: probe for probe in own}))) == "performance"


def test_one_name_twice_names_both_distributions(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, entry("mine", "a:A", "auditkit"), entry("mine", "b:B", "unknown"))
    with pytest.raises(ProbeError, match="probe mine is installed twice, by auditkit and unknown"):
        discover()


def test_one_entry_seen_twice_is_one_probe(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, entry("mine", "a:A"), entry("mine", "a:A"))
    assert list(discover()) == ["mine-dist.mine"]


OUT_OF_RANGE: list[tuple[str, str, list[object]]] = [
    ("performance", "margin", [math.inf, math.nan, 1, True, 0.0, -0.01, "0.01"]),
    ("performance", "resamples", [1e12, 10**12, True, 99, 10**5000, None]),
    ("stopword", "top", [-1, True, 10**9]),
    ("stopword", "min_count", [0, -1, 1.0]),
    ("domain_term", "top", [-1, 10**9]),
    ("domain_term", "min_count", [0, [1]]),
    ("domain_term", "intervened", [-1, 10**9]),
    ("domain_term", "intervened_documents", [-1, 2.5]),
    ("domain_term", "intervened_draws", [0, True]),
    ("domain_term", "resamples", [99, 10**9]),
    ("calibration", "least", [0, 2.5]),
    ("calibration", "resamples", [99, True]),
    ("robustness", "documents", [-1, 10**9]),
    ("validity", "documents", [-1, 2**31, True]),
    ("validity", "epsilon", [0, 1.0, math.nan, "0.01"]),
    ("validity", "padding", [-1, 0.5]),
    ("flips", "least", [0, 2.5]),
    ("flips", "examples", [-1, 10**9]),
    ("flips", "resamples", [99, True]),
    ("counterfactual", "documents", [-1, 1.5]),
    ("fairness", "least", [0, 1.5, -1]),
    ("fairness", "resamples", [99, 10**9]),
    ("word_frequency", "words", ["iraq", [1]]),
    ("word_frequency", "top", [-1, 10**9]),
    ("word_frequency", "most", [0, True]),
    ("cluster", "documents", [-1, 2**31]),
    ("cluster", "tokens", [0, 1.5]),
    ("cluster", "neighbours", [0, True]),
    ("faithfulness", "documents", [-1, 2**31]),
    ("faithfulness", "draws", [0, None]),
    ("superficial_cue", "documents", [-1, 2**31]),
    ("superficial_cue", "draws", [0, True]),
    ("superficial_cue", "edge", [-1, 0.5]),
    ("superficial_cue", "sources", ["AP", [None]]),
    ("layer_view", "examples", [-1, 10**9]),
    ("precision", "documents", [-1, 2**31, False]),
]


@pytest.mark.parametrize(("probe", "option", "values"), OUT_OF_RANGE)
def test_every_option_of_a_built_in_probe_has_its_range(
    probe: str, option: str, values: list[object]
) -> None:
    plugin = discover()[probe]
    default = getattr(plugin.load(), option)
    assert getattr(plugin.load({option: default}), option) == default
    for value in values:
        with pytest.raises(ProbeError, match=f"option {option}: .*, seen ") as told:
            plugin.load({option: value})
        assert "\n" not in str(told.value)


def test_the_table_holds_every_option() -> None:
    options = {
        (name, field.name)
        for name, plugin in discover().items()
        for field in dataclasses.fields(plugin.load())  # type: ignore[arg-type]
    }
    assert {(probe, option) for probe, option, _ in OUT_OF_RANGE} == options


def test_no_probe_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch)
    assert discover() == {}


def test_options_are_the_fields_of_the_dataclass(home: ModuleType) -> None:
    assert load("Mine") == Mine()
    assert load("Mine", resamples=5) == load("Mine", resamples="5") == Mine(resamples=5)


@pytest.mark.parametrize(
    ("value", "options", "complaint"),
    [
        (
            "Mine",
            {"resample": 5},
            r"no option 'resample'; did you mean resamples\? available: min_",
        ),
        ("Mine", {"name": "x"}, "no option 'name'"),
        ("Mine", {"resamples": "many"}, "option resamples: .*valid integer.*, seen 'many'"),
        ("Mine", {"resamples": math.inf}, "option resamples: expected a finite number, seen inf"),
        ("Mine", {"resamples": True}, "option resamples: expected a number, not a truth value"),
        ("Mine", {"resamples": [1]}, "option resamples: .*valid integer.*, seen "),
        ("Nowhere", {}, "cannot be imported: .*Nowhere"),
        ("Plain", {}, f"{HOME}:Plain is not a dataclass"),
        ("Mute", {}, "lacks question, needs, analyse of the probe protocol"),
        ("Other", {}, "calls itself 'other'; both names must be the same"),
        ("Strange", {}, r"needs 'basline'; did you mean baseline\?"),
        ("Fragile", {"resamples": 0}, "resamples 0: expected 1 or more"),
    ],
)
def test_what_is_wrong_with_a_probe_is_told_with_where_it_is_from(
    home: ModuleType, value: str, options: dict[str, object], complaint: str
) -> None:
    with pytest.raises(ProbeError, match=complaint) as told:
        load(value, **options)
    assert str(told.value).startswith("probe mine (from mine-dist): ")
    assert len(str(told.value).splitlines()) == 1


def raising(error: Exception) -> Callable[[str], object]:
    def getter(name: str) -> object:
        raise error

    return getter


@pytest.mark.parametrize(
    "error", [ImportError("no torch"), RuntimeError("two\nlines"), ValueError(), OSError("y")]
)
def test_an_import_may_fail_in_any_way(home: ModuleType, error: Exception) -> None:
    vars(home)["__getattr__"] = raising(error)
    with pytest.raises(ProbeError, match="cannot be imported: ") as told:
        load("Elsewhere")
    assert len(str(told.value).splitlines()) == 1
    assert told.value.__cause__ is error


def needing(*names: str) -> Probe:
    @dataclass(frozen=True)
    class Needy(Mine):
        needs: ClassVar[frozenset[str]] = frozenset(names)

    return Needy()


def test_needs_that_a_run_does_not_offer_are_told_in_words() -> None:
    rng = np.random.default_rng(0)
    everything = synthetic_trace(rng, documents=2).about
    nothing = synthetic_trace(rng, documents=2, baseline=False, draws=0, tagged=False).about
    asked = needing("reference", "random", "words")
    assert unmet(asked, everything) == []
    assert unmet(asked, nothing) == [needs()[need] for need in ("random", "reference", "words")]
    assert "--baseline DIR" in needs()["reference"]
    assert unmet(Mine(), nothing) == []


@pytest.mark.parametrize("name", ["documents", "tokens", "words", "pruned", "baseline", "control"])
def test_tables_arms_and_roles_can_be_needed(name: str) -> None:
    about = synthetic_trace(np.random.default_rng(0), documents=2).about
    assert unmet(needing(name), about) == []
    bare = about.model_copy(update={"runs": (), "counts": dict.fromkeys(about.counts, 0)})
    assert unmet(needing(name), bare) == [needs()[name]]


@pytest.mark.parametrize("tag", TAGS)
def test_tags_that_words_do_not_have_are_told_with_the_reason(tag: str) -> None:
    about = synthetic_trace(np.random.default_rng(0), documents=2).about
    annotator = about.annotator.model_copy(update={"lacks": {tag: "the texts are German"}})
    bare = about.model_copy(update={"annotator": annotator})
    assert unmet(needing(tag), about) == []
    assert unmet(needing(tag), bare) == [f"{TAGS[tag]}: the texts are German"]
    assert unmet(needing(*TAGS.keys() - {tag}, "words"), bare) == []


def test_not_applicable_carries_the_probe_and_the_reason() -> None:
    found = not_applicable(Mine(), "the documents have no words")
    assert (found.probe, found.version, found.question) == ("mine", "1", "Is it?")
    assert found.status == "not_applicable"
    assert found.claim == "Not applicable: the documents have no words."


@dataclass(frozen=True)
class Counting(Mine):
    def measure(self, bench: BenchView) -> pd.DataFrame:
        return pd.DataFrame({"documents": [len(bench.documents)]})


def test_a_probe_that_measures_is_told_from_one_that_does_not() -> None:
    bench: BenchView = SyntheticBench(synthetic_trace(np.random.default_rng(0), documents=2))
    probe: Probe = Counting()
    assert isinstance(probe, MeasuringProbe)
    table = probe.measure(bench)
    assert table is not None
    assert table["documents"].tolist() == [2]
    assert not isinstance(Mine(), MeasuringProbe)
