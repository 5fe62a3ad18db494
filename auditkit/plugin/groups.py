"""Classes and groups of documents: an estimate over all, and the same in every group."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from auditkit.stats.estimates import Estimate
from auditkit.trace import NO_LABEL, Documents


def classes_of(documents: Documents) -> list[int]:
    """Classes that documents are of, ascending; none where the data have no labels."""
    return [int(value) for value in np.unique(documents.label) if value != NO_LABEL]


def class_name(labels: Sequence[str], label: int) -> str:
    """Name of class `label`; the number where there is no name."""
    return labels[label] if 0 <= label < len(labels) else f"class {label}"


def by_group(
    estimate: Callable[[NDArray[np.bool_]], Mapping[str, Estimate]], group: NDArray[Any]
) -> Iterator[tuple[Any, NDArray[np.bool_], Mapping[str, Estimate]]]:
    """Estimates over all documents, then over those of every group, in order of the groups.

    Args:
        estimate: Told which documents (n,), says what there is to say of them, by name.
        group: The group of each document (n,).

    Documents that have no label (`NO_LABEL`) are told of among all alone.

    Yields:
        None, all documents (n,) and the estimates over them; then each group and its own.
    """
    everyone = np.ones(len(group), dtype=bool)
    yield None, everyone, estimate(everyone)
    for value in sorted(set(group.tolist())):
        if value == NO_LABEL:
            continue
        who = np.asarray(group == value)
        yield value, who, estimate(who)
