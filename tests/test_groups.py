import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from auditkit.plugin import Estimate, by_group


@given(st.lists(st.sampled_from(["", "a", "b", "c,d"]), max_size=12))
def test_everyone_comes_first_and_the_groups_part_them(told: list[str]) -> None:
    group = np.array(told, dtype=object)
    found = list(by_group(lambda who: {"size": Estimate(float(who.sum()), len(who))}, group))
    assert [value for value, _, _ in found] == [None, *sorted(set(told))]
    (_, everyone, over_all), *rest = found
    assert everyone.all()
    assert over_all["size"].value == len(told)
    for value, who, numbers in rest:
        assert who.tolist() == [one == value for one in told]
        assert numbers["size"].value == told.count(str(value))
    assert sum(who.astype(int).sum() for _, who, _ in rest) == len(told)
