"""How the classes of the data meet those of the model: by name, by index, or as the user says."""

import re
from collections.abc import Mapping, Sequence

from auditkit.data.classes import Matching
from auditkit.data.labels import Sides, folded, is_numbered
from auditkit.errors import DataError
from auditkit.text import is_unicode, listing
from auditkit.trace import Class

_GENERIC = re.compile(r"(?:label_)?(\d{1,18})", flags=re.IGNORECASE | re.ASCII)


def match(
    where: str,
    used: Sequence[str],
    declared: Sequence[str] | None,
    model: Sequence[str] | None,
    asked: Sequence[Sides] = (),
) -> Matching:
    """Match the names that rows hold with the model's classes.

    Args:
        where: What errors call the column.
        used: The distinct names that rows hold, in order of appearance.
        declared: The names that the column declares, by index, if it does.
        model: The model's names by class index, or None: the data's own are taken.
        asked: What --labels says; whatever it leaves out is matched by name.

    Raises:
        DataError: Two classes have one name, or a name that is used is none of the model's, or the
            numbers in the model's names contradict its order.
    """
    _distinct(declared or (), where)
    if model is None:
        return _own(where, used, declared, asked)
    _distinct(model, "the model")
    data = _by_folded(used)
    if asked:
        return _as_asked(where, data, model, asked)
    names = [folded(name) for name in model]
    if set(data) <= set(names):
        if (numbers := _numbers(model)) != sorted(numbers):
            raise DataError(
                f"{where}: the model numbers its classes {listing(model)}, out of their order, so "
                "that names and indices contradict each other; say which is which with --labels "
                "MODEL=DATA,…"
            )
        return Matching("name", _classes(model, [data.get(name, ()) for name in names]))
    numbers = _numbers(model)
    counted = numbers == list(range(len(model)))
    if (
        declared is None
        and is_numbered(used)
        and (counted or not any(map(_GENERIC.fullmatch, model)))
    ):
        if all(0 <= int(name) < len(model) for name in used):
            rows = [data.get(str(index), ()) for index in range(len(model))]
            return Matching("index", _classes(model, rows), assumed=not counted)
    elif declared is not None and len(declared) == len(model) and counted:
        rows = [data.get(folded(name), ()) for name in declared]
        return Matching("index", _classes(declared, rows), assumed=True)
    stranger = next(shown[0] for key, shown in data.items() if key not in names)
    raise DataError(
        f"{where}: the model has no class {listing([stranger])}; classes of the data: "
        f"{listing(declared or used)}; classes of the model: {listing(model)}; "
        f"{_advice(model)}"
    )


def unmatched(where: str, model: Sequence[str] | None, asked: Sequence[Sides]) -> Matching:
    """The model's classes, where the data have no labels (`--unlabelled`).

    Raises:
        DataError: There is no model yet, or --labels names classes of the data.
    """
    if model is None:
        raise DataError(f"{where}: --unlabelled: nothing can be trained without labels")
    if asked:
        raise DataError(f"{where}: --labels says which classes are which, and there are none")
    return Matching("nothing", _classes(model, [() for _ in model]))


def _own(
    where: str, used: Sequence[str], declared: Sequence[str] | None, asked: Sequence[Sides]
) -> Matching:
    """The data's own classes, some of them under a name that --labels gives."""
    data = _by_folded(used)
    given: dict[str, tuple[str, ...]] = {}
    for left, right in asked:
        if len(left) > 1 or not all(folded(name) in data for name in right):
            raise DataError(
                f"{where}: --labels {'+'.join(left)}={'+'.join(right)}: expected NAME=DATA+DATA "
                f"with classes of the data: {listing(used)}"
            )
        given[left[0]] = tuple(shown for name in right for shown in data.pop(folded(name), ()))
    taken = {folded(name) for names in given.values() for name in names}
    first = declared if declared is not None else [shown[0] for shown in data.values()]
    names = [*given, *(name for name in first if folded(name) not in taken)]
    if declared is None:
        names = _in_order(names)
    _distinct(names, where)
    rows = [given.get(name) or data.get(folded(name), ()) for name in names]
    return Matching("labels" if asked else "own", _classes(names, rows))


def _as_asked(
    where: str,
    data: Mapping[str, tuple[str, ...]],
    model: Sequence[str],
    asked: Sequence[Sides],
) -> Matching:
    """As --labels says: MODEL=DATA, or DATA=MODEL where only that can be meant."""
    own = {folded(name): index for index, name in enumerate(model)}
    readings = (asked, [(right, left) for left, right in asked])
    for reading in readings:
        ours = [folded(name) for left, _ in reading for name in left]
        theirs = [folded(name) for _, right in reading for name in right]
        if set(ours) <= set(own) and set(theirs) <= set(data):
            break
    else:
        raise DataError(
            f"{where}: --labels names a class that is not there; classes of the model: "
            f"{listing(model)}; classes of the data: {listing([v[0] for v in data.values()])}; "
            "expected MODEL=DATA,MODEL=DATA+DATA,…"
        )
    for side in (ours, theirs):
        if len(set(side)) < len(side):
            twice = next(name for name in side if side.count(name) > 1)
            raise DataError(f"{where}: --labels names {listing([twice])} twice on one side")
    classes = [
        Class(
            _common_name([model[own[folded(name)]] for name in left], right),
            tuple(shown for name in right for shown in data[folded(name)]),
            tuple(sorted(own[folded(name)] for name in left)),
        )
        for left, right in reading
    ]
    for name, index in own.items():
        if name not in ours:
            shown = data.get(name, ()) if name not in theirs else ()
            classes.append(Class(model[index], shown, (index,)))
    left_out = set(data) - set(theirs) - (set(own) - set(ours))
    if left_out:
        names = listing([data[name][0] for name in data if name in left_out])
        raise DataError(
            f"{where}: --labels leaves {names} without a class of the model; classes of the model: "
            f"{listing(model)}"
        )
    classes.sort(key=lambda one: one.model)
    _distinct([one.name for one in classes], f"{where}, --labels")
    return Matching("labels", tuple(classes))


def _common_name(left: Sequence[str], right: Sequence[str]) -> str:
    """What a class is called: by the model, or by the data where several of the model's are one."""
    if len(left) == 1:
        return left[0]
    return right[0] if len(right) == 1 else "+".join(left)


def _classes(names: Sequence[str], rows: Sequence[tuple[str, ...]]) -> tuple[Class, ...]:
    pairs = enumerate(zip(names, rows, strict=True))
    return tuple(Class(name, data, (index,)) for index, (name, data) in pairs)


def _by_folded(used: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """The names as they are written, by how they are compared."""
    found: dict[str, tuple[str, ...]] = {}
    for name in used:
        found[folded(name)] = (*found.get(folded(name), ()), name)
    return found


def _numbers(model: Sequence[str]) -> list[int]:
    """The numbers in the model's names, if all are a number or `LABEL_` and a number."""
    found = [match for name in model if (match := _GENERIC.fullmatch(name.strip()))]
    return [int(match[1]) for match in found] if len(found) == len(model) else []


def _advice(model: Sequence[str]) -> str:
    pair = ",".join(f"{name}=…" for name in model[:2])
    if _numbers(model):
        return (
            f"the model names none: say which is which with --labels {pair}, or name its classes "
            "in id2label of its config.json"
        )
    return f"say which is which with --labels {pair}, or choose another data set or model"


def _in_order(names: Sequence[str]) -> list[str]:
    return sorted(names, key=int if is_numbered(names) else folded)


def _distinct(names: Sequence[str], where: str) -> None:
    if len({folded(name) for name in names}) < len(names):
        raise DataError(f"{where}: two classes have one name: {listing(names)}")
    if not all(map(is_unicode, names)):
        raise DataError(f"{where}: a class name is not valid Unicode: {listing(names)}")
