import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditkit.errors import ProbeError, SettingsError
from auditkit.finding import FIELDS, KEYS, Address, parse_address

PART = st.from_regex(r"[A-Za-z0-9_-]+", fullmatch=True)
NAME = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]*", fullmatch=True).filter(lambda n: n not in FIELDS)
OWN = st.tuples(PART, PART).map(".".join)
VALUE = st.text(max_size=12) | st.sampled_from(
    ["x],slice=y", "Sci, Tech", "a=b", '"', "\\", "", " ", "[", "\n", "\u2028", "Sci/Tech", "-1"]
)


@given(
    probe=st.lists(PART, min_size=1, max_size=3).map(".".join) | st.text(min_size=1, max_size=9),
    name=NAME,
    at=st.dictionaries(st.sampled_from(KEYS) | OWN, VALUE, max_size=4),
    field=st.sampled_from(["", *FIELDS]),
)
def test_what_is_printed_is_what_is_read(
    probe: str, name: str, at: dict[str, str], field: str
) -> None:
    address = Address(probe, name, at, field)
    text = str(address)
    assert parse_address(text) == address
    assert str(parse_address(text)) == text


def test_keys_are_printed_in_their_order_and_read_in_any() -> None:
    text = "p.f1[class=World,mine.slot=3,arm=pruned].low"
    assert str(parse_address(text)) == "p.f1[arm=pruned,class=World,mine.slot=3].low"


def test_a_class_of_any_name_is_one_class() -> None:
    for name in ("x],slice=y", "a,arm=random", 'say "no"', "=", ""):
        address = Address("performance", "f1", {"class": name, "arm": "pruned"})
        assert parse_address(str(address)).at == {"arm": "pruned", "class": name}


def test_a_plain_address_is_read_as_people_write_it() -> None:
    plain = parse_address("efficiency.macs_ratio")
    assert (plain.probe, plain.measurement, plain.at, plain.field) == (
        "efficiency", "macs_ratio", {}, "",
    )  # fmt: skip
    third = parse_address("their-dist.probe.rate[category=stop words].value")
    assert (third.probe, third.measurement, third.field) == ("their-dist.probe", "rate", "value")
    assert third.at == {"category": "stop words"}
    assert parse_address("p.rate.low").field == "low"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "a name is missing where 'the end' stands"),
        ("accuracy", "a probe and a measurement are needed"),
        ("p.value", "called 'value'"),
        ("p.m[", "a key is missing where 'the end'"),
        ("p.m[]", "a key is missing"),
        ("p.m[arm]", "key arm has no value"),
        ("p.m[arm=]", "a value of arm is missing"),
        ("p.m[arm=x", "a comma or a closing bracket is missing"),
        ("p.m[arm=x,arm=y]", "key arm stands twice"),
        ("p.m[amr=x]", r"key 'amr' is not one.*did you mean arm\?"),
        ('p.m[class="x]', "a quote is not closed"),
        ("p.m[arm=x].lo", r"no field 'lo'; did you mean low\?"),
        ("p.m[arm=x]rest", "'rest' is left over"),
    ],
)
def test_what_is_no_address_is_refused_in_one_line(text: str, complaint: str) -> None:
    with pytest.raises(SettingsError, match=complaint) as told:
        parse_address(text)
    assert len(str(told.value).splitlines()) == 1
    assert "expected probe.measurement[key=value,…].field" in str(told.value)


@pytest.mark.parametrize(
    "changes", [{"measurement": "low"}, {"at": {"slice": "x"}}, {"field": "lower"}]
)
def test_an_address_that_cannot_be_is_not_made(changes: dict[str, object]) -> None:
    fields: dict[str, object] = {"probe": "p", "measurement": "m"} | changes
    with pytest.raises(ProbeError):
        Address(**fields)  # type: ignore[arg-type]
