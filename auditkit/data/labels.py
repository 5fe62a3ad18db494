"""How classes are named: what the rows hold, and how it meets the names of the model."""

import math
import re
from collections.abc import Sequence

from auditkit.data.formats import Source
from auditkit.errors import DataError
from auditkit.text import is_unicode, listing

_GENERIC = re.compile(r"label_\d+", flags=re.IGNORECASE | re.ASCII)
_INTEGER = re.compile(r"-?(0|[1-9]\d{0,17})", flags=re.ASCII)


def classes_of(source: Source, column: str) -> list[str]:
    """Every row's class by name, "" where it is missing; integers by their digits.

    Raises:
        DataError: A value is no class, or outside of the names that the column declares.
    """
    names = source.class_names.get(column)
    return [
        _class_name(value, names, f"{source.name}, row {row}, column {column!r}")
        for row, value in enumerate(source.values(column), start=1)
    ]


def _class_name(value: object, names: Sequence[str] | None, where: str) -> str:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():  # integers with gaps, as pandas keeps them
        value = int(value)
    if isinstance(value, int):
        if names is None:
            return str(value)
        if value == -1:  # how the hub's data sets write "not labelled"
            return ""
        if 0 <= value < len(names):
            return names[value]
        raise DataError(f"{where}: label {value}; expected 0..{len(names) - 1}: {listing(names)}")
    if isinstance(value, str):
        return value.strip()
    shown = listing([str(value)])
    raise DataError(f"{where}: label {shown} is no class; expected a whole number or a name")


def folded(name: str) -> str:
    """A name as names are compared: without its case and the blanks around it."""
    return name.strip().casefold()


def reconcile(
    source: Source, column: str, used: Sequence[str], model: Sequence[str] | None
) -> tuple[tuple[str, ...], dict[str, int]]:
    """The labels, and the class index by the data's name for it, `folded`.

    Args:
        source: The data set.
        column: Its column of labels.
        used: The distinct names that rows hold, in order of appearance.
        model: The model's names by class index, or None: the data's own names are taken.

    Raises:
        DataError: Two classes have one name, or the model has no class of a name that is used.
    """
    declared = source.class_names.get(column)
    numbered = declared is None and all(_INTEGER.fullmatch(name) for name in used)
    own = tuple(declared) if declared is not None else _in_order(used, numbered)
    where = f"{source.name}, column {column!r}"
    by_name = _by_key(own, where)
    if model is None:
        return own, by_name
    model_by_name = _by_key(model, "the model")
    if all(folded(name) in model_by_name for name in used):
        return tuple(model), model_by_name
    if numbered and not any(_INTEGER.fullmatch(name.strip()) for name in model):
        if all(0 <= int(name) < len(model) for name in used):
            return tuple(model), {name: int(name) for name in used}
    elif declared is not None and len(own) == len(model) and all(map(_GENERIC.fullmatch, model)):
        return own, by_name
    strangers = [name for name in used if folded(name) not in model_by_name]
    advice = "rename the labels, or choose another data set or model"
    if all(map(_GENERIC.fullmatch, model)):
        advice = (
            f"the model names none: number the labels 0 to {len(model) - 1} in the order that it "
            "was trained with, or name its classes in id2label of its config.json"
        )
    raise DataError(
        f"{where}: the model has no class {listing(strangers[:1])}; classes of the data: "
        f"{listing(own)}; classes of the model: {listing(model)}; {advice}"
    )


def _in_order(used: Sequence[str], numbered: bool) -> tuple[str, ...]:
    """Names that differ by more than case: by number or alphabet, as first written."""
    first = {folded(name): name for name in reversed(used)}
    if numbered:
        return tuple(sorted(first.values(), key=int))
    return tuple(first[key] for key in sorted(first))


def _by_key(names: Sequence[str], where: str) -> dict[str, int]:
    index = {folded(name): number for number, name in enumerate(names)}
    if len(index) < len(names):
        raise DataError(f"{where}: two classes have one name: {listing(names)}")
    if not all(map(is_unicode, names)):
        raise DataError(f"{where}: a class name is not valid Unicode: {listing(names)}")
    return index
