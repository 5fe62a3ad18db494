"""A data set as examples: id, text, label and the user's columns; what cannot be used is refused.

`rows_in == len(examples) + len(refused)` always holds. With `limit` the sample is drawn from the
usable rows of the whole data set, and `rows_in` counts the rows drawn plus all refused ones.
"""

import hashlib
import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import numpy as np

from auditkit.data.sources import Source, open_source
from auditkit.errors import DataError
from auditkit.text import listing, one_of
from auditkit.trace.tables import Refused

TEXT_COLUMNS = (
    "text", "sentence", "content", "review", "document", "body", "comment", "tweet", "article",
)  # fmt: skip
LABEL_COLUMNS = (
    "label", "labels", "class", "category", "sentiment", "target", "label_text", "coarse_label",
)  # fmt: skip
"""Names that are looked for, in this order, whatever their case, when the user names no column."""

_GENERIC = re.compile(r"label_\d+", flags=re.IGNORECASE | re.ASCII)
_INTEGER = re.compile(r"-?(0|[1-9]\d{0,17})", flags=re.ASCII)


@dataclass(frozen=True, slots=True)
class Example:
    """One document: `label` is an index into the data set's `labels`."""

    example_id: str
    text: str
    label: int
    groups: tuple[tuple[str, str], ...] = ()
    """The user's columns and this document's values; a missing value has no pair."""


@dataclass(frozen=True, slots=True)
class Dataset:
    """Examples, ready for a model, and the account of what was not used."""

    name: str
    split: str
    examples: tuple[Example, ...]
    labels: tuple[str, ...]
    """Class names by class index; the model's, in the model's order, where it gave them."""
    text_column: str
    label_column: str
    group_columns: tuple[str, ...]
    rows_in: int
    refused: tuple[Refused, ...]
    sha256: str
    """Of what is used: labels, then id, text, label and groups of every example, in order."""


def load_dataset(
    name: str,
    *,
    split: str | None = None,
    limit: int | None = None,
    seed: int = 0,
    text_column: str | None = None,
    label_column: str | None = None,
    groups: Sequence[str] = (),
    data_dir: Path | None = None,
    label_names: Sequence[str] | None = None,
) -> Dataset:
    """Read a data set.

    Refused, counted and listed are rows without a text or a label, with a text of white space, or
    with characters that are not Unicode (lone surrogates, which no tokenizer reads).

    Example ids are the column `example_id`, whose values must differ; else the column `id` where
    its values are there and differ; else `r` and the row number from 1, `r000001`.

    Args:
        name: `agnews`, `imdb`, a hub id, or a path to a .csv, .jsonl or .parquet file.
        split: None is `test`; for a file None, `train` and `all` are the file itself.
        limit: At most so many examples, stratified by label (largest remainder), in their order.
        seed: Of the sample.
        text_column: None: the first of `TEXT_COLUMNS` that is there.
        label_column: None: the first of `LABEL_COLUMNS` that is there.
        groups: Columns to carry along.
        data_dir: Where local copies are; default: the environment variable `AUDITKIT_DATA`.
        label_names: The model's classes. Labels are matched by name, whatever their case; by index
            only where one side has no names: integers, or a checkpoint's `LABEL_0`, ….

    Raises:
        DataError: The data set cannot be found or read, a column is missing, no row is usable, ids
            stand twice, or the labels cannot be matched with the model's.
    """
    if limit is not None and limit < 1:
        raise DataError(f"limit {limit}: expected 1 or more, or no limit")
    source = open_source(name, split=split, data_dir=data_dir)
    text_column = _column(source, text_column, TEXT_COLUMNS, "text")
    label_column = _column(source, label_column, LABEL_COLUMNS, "label")
    if text_column == label_column:
        raise DataError(f"{source.name}: column {text_column!r} cannot be both text and label")
    group_values = {c: source.values(_column(source, c, (), "group")) for c in groups}
    texts = source.values(text_column)
    classes = _classes(source, label_column)
    problems = [
        _problem(texts[row], classes[row], [values[row] for values in group_values.values()])
        for row in range(source.rows)
    ]
    refused = tuple(Refused(row=row + 1, reason=p) for row, p in enumerate(problems) if p)
    usable = [row for row, problem in enumerate(problems) if not problem]
    if not usable:
        raise DataError(
            f"{source.name}: none of {source.rows} rows is usable ({_reasons(refused)}); "
            f"expected texts in {text_column!r} and labels in {label_column!r}"
        )
    labels, index = _reconcile(
        source, label_column, list(dict.fromkeys(classes[row] for row in usable)), label_names
    )
    ids = _example_ids(source, usable)
    coded = {row: index[_key(classes[row])] for row in usable}
    chosen = usable if limit is None else stratified(coded, limit, np.random.default_rng(seed))
    examples = tuple(
        Example(ids[row], str(texts[row]), coded[row], _groups_of(group_values, row))
        for row in chosen
    )
    return Dataset(
        name=source.name,
        split=source.split,
        examples=examples,
        labels=labels,
        text_column=text_column,
        label_column=label_column,
        group_columns=tuple(group_values),
        rows_in=len(examples) + len(refused),
        refused=refused,
        sha256=_sha256(labels, examples),
    )


def _column(source: Source, given: str | None, usual: Sequence[str], role: str) -> str:
    """The column `given`, or the first of the `usual` ones."""
    if given is not None:
        if given not in source.columns or not _is_unicode(given):
            close = one_of(filter(str.isprintable, source.columns), given)
            raise DataError(f"{source.name}: no {role} column {given!r}; {close}")
        return given
    by_key = {_key(column): column for column in reversed(source.columns)}
    for name in usual:
        if name in by_key:
            return by_key[name]
    raise DataError(
        f"{source.name}: no column looks like the {role}; name it with --{role}-column; "
        f"available: {listing(source.columns)}"
    )


def _classes(source: Source, column: str) -> list[str]:
    """Every row's class by name, "" where it is missing; integers by their digits."""
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


def _problem(text: object, label: str, groups: Sequence[object]) -> str:
    """Why the row cannot be used, or ""."""
    if text is None:
        return "the text is missing"
    if not isinstance(text, str):
        return f"the text is not a string but {type(text).__name__}"
    if not text.strip():
        return "the text is empty"
    if not label:
        return "the label is missing"
    for role, value in (("text", text), ("label", label), *(("group", g) for g in groups)):
        if isinstance(value, str) and not _is_unicode(value):
            return f"the {role} is not valid Unicode (a lone surrogate)"
    return ""


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _reasons(refused: Sequence[Refused]) -> str:
    counts: dict[str, int] = {}
    for row in refused:
        counts[row.reason] = counts.get(row.reason, 0) + 1
    return "; ".join(f"{count} × {reason}" for reason, count in counts.items())


def _key(name: str) -> str:
    return name.strip().casefold()


def _reconcile(
    source: Source, column: str, used: Sequence[str], model: Sequence[str] | None
) -> tuple[tuple[str, ...], dict[str, int]]:
    """The labels, and the class index by `_key` of the data's name for it.

    `used` are the distinct names that rows hold, in order of appearance.
    """
    declared = source.class_names.get(column)
    numbered = declared is None and all(_INTEGER.fullmatch(name) for name in used)
    own = tuple(declared) if declared is not None else _in_order(used, numbered)
    where = f"{source.name}, column {column!r}"
    by_name = _by_key(own, where)
    if model is None:
        return own, by_name
    model_by_name = _by_key(model, "the model")
    if all(_key(name) in model_by_name for name in used):
        return tuple(model), model_by_name
    if numbered and not any(_INTEGER.fullmatch(name.strip()) for name in model):
        if all(0 <= int(name) < len(model) for name in used):
            return tuple(model), {name: int(name) for name in used}
    elif declared is not None and len(own) == len(model) and all(map(_GENERIC.fullmatch, model)):
        return own, by_name
    strangers = [name for name in used if _key(name) not in model_by_name]
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
    first = {_key(name): name for name in reversed(used)}
    if numbered:
        return tuple(sorted(first.values(), key=int))
    return tuple(first[key] for key in sorted(first))


def _by_key(names: Sequence[str], where: str) -> dict[str, int]:
    index = {_key(name): number for number, name in enumerate(names)}
    if len(index) < len(names):
        raise DataError(f"{where}: two classes have one name: {listing(names)}")
    if not all(map(_is_unicode, names)):
        raise DataError(f"{where}: a class name is not valid Unicode: {listing(names)}")
    return index


def _example_ids(source: Source, usable: Sequence[int]) -> dict[int, str]:
    """Ids by row index."""
    if "example_id" in source.columns:
        return _ids_of(source, "example_id", usable)
    if "id" in source.columns:
        try:
            return _ids_of(source, "id", usable)
        except DataError:
            pass  # `id` may well be somebody else's: an author's, a product's
    return {row: f"r{row + 1:06d}" for row in usable}


def _ids_of(source: Source, column: str, usable: Sequence[int]) -> dict[int, str]:
    values = source.values(column)
    ids: dict[int, str] = {}
    rows: dict[str, int] = {}
    for row in usable:
        value = values[row]
        text = "" if value is None else str(value)
        where = f"{source.name}, row {row + 1}, column {column!r}"
        if not text.strip() or not _is_unicode(text):
            raise DataError(f"{where}: no usable id; give every row its own, or drop the column")
        if text in rows:
            raise DataError(
                f"{where}: id {listing([text])} also stands in row {rows[text] + 1}; "
                "give every row its own, or drop the column"
            )
        rows[text], ids[row] = row, text
    return ids


def _groups_of(
    group_values: Mapping[str, Sequence[object]], row: int
) -> tuple[tuple[str, str], ...]:
    pairs = ((column, values[row]) for column, values in group_values.items())
    texts = ((column, str(v).strip()) for column, v in pairs if v is not None and v == v)
    return tuple((column, text) for column, text in texts if text)


def stratified(coded: Mapping[int, int], limit: int, rng: np.random.Generator) -> list[int]:
    """`limit` of the rows, each label with its share, rounded by largest remainder."""
    rows = np.array(list(coded))
    if limit >= len(rows):
        return list(coded)
    labels, counts = np.unique(list(coded.values()), return_counts=True)
    quota, remainder = np.divmod(limit * counts, len(rows))  # whole numbers: exact
    for place in np.argsort(-remainder, kind="stable")[: limit - quota.sum()]:
        quota[place] += 1
    of_row = np.array(list(coded.values()))
    chosen = [
        rng.choice(rows[of_row == label], size=size, replace=False)
        for label, size in zip(labels, quota, strict=True)
    ]
    return sorted(int(row) for row in np.concatenate(chosen))


def _sha256(labels: tuple[str, ...], examples: Sequence[Example]) -> str:
    digest = hashlib.sha256(json.dumps(labels).encode())
    for e in examples:
        digest.update(json.dumps([e.example_id, e.text, e.label, e.groups]).encode())
    return digest.hexdigest()


def hold_out(
    dataset: Dataset, count: int, seed: int
) -> tuple[tuple[Example, ...], tuple[Example, ...]]:
    """The examples without a stratified sample of `count`, and that sample."""
    coded = {index: example.label for index, example in enumerate(dataset.examples)}
    held = set(stratified(coded, count, np.random.default_rng([seed, 1])))
    kept = tuple(e for index, e in enumerate(dataset.examples) if index not in held)
    return kept, tuple(dataset.examples[index] for index in sorted(held))


def sample_corpus(domain: str, split: str) -> Path:
    """The CSV of the corpus that ships with auditkit.

    Args:
        domain: `news` or `reviews`.
        split: `train` or `test`.
    """
    return Path(str(files("auditkit") / "data_files" / "sample" / f"{domain}_{split}.csv"))
