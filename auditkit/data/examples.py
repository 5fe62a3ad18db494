"""A data set as examples: id, text, label and the user's columns; what cannot be used is refused.

`rows_in == len(examples) + len(refused)` always holds. With `limit` the sample is drawn from the
usable rows of the whole data set, and `rows_in` counts the rows drawn plus all refused ones.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from auditkit.data.classes import Matching
from auditkit.data.columns import LABEL_COLUMNS, find, find_texts, texts_of
from auditkit.data.formats import Source
from auditkit.data.labels import NOT_LABELLED, classes_of, folded, without_label
from auditkit.data.matching import match, unmatched
from auditkit.data.rationales import Spans, rationales_of
from auditkit.data.sampling import stratified
from auditkit.data.settings import DataSettings
from auditkit.data.sources import open_source
from auditkit.errors import DataError
from auditkit.text import is_unicode, listing
from auditkit.trace import NO_LABEL, Refused

NAMED = 3
"""Reasons that an error names where no row can be used."""


@dataclass(frozen=True, slots=True)
class Example:
    """One document: `label` is an index into the data set's `labels`."""

    example_id: str
    text: str
    label: int
    """`NO_LABEL` where the data have none."""
    groups: tuple[tuple[str, str], ...] = ()
    """The user's columns and this document's values; a missing value has no pair."""
    rationale: Spans = ()
    """What people marked in the text; empty where nothing is, or no column was given."""


@dataclass(frozen=True, slots=True)
class Dataset:
    """Examples, ready for a model, and the account of what was not used."""

    name: str
    split: str
    examples: tuple[Example, ...]
    matching: Matching
    """Its classes by index, in the order of the model's where it gave them."""
    text_column: str
    """Several that were joined have " + " between them."""
    label_column: str
    """"" where there are no labels."""
    group_columns: tuple[str, ...]
    rationale_column: str
    """"" where none was given."""
    rows_in: int
    refused: tuple[Refused, ...]
    sha256: str
    """Of what is used: labels, then id, text, label and groups of every example, in order, and the
    rationale where a column was given."""

    @property
    def labels(self) -> tuple[str, ...]:
        """Class names by class index."""
        return tuple(one.name for one in self.matching.classes)

    def sample(self, size: int, *seed: int) -> tuple[Example, ...]:
        """`size` of the examples, or all, each label with its share; `stratified` says which."""
        labels = {example.example_id: example.label for example in self.examples}
        drawn = set(stratified(labels, size, *seed))
        return tuple(example for example in self.examples if example.example_id in drawn)


def load_dataset(
    settings: DataSettings, *, seed: int = 0, label_names: Sequence[str] | None = None
) -> Dataset:
    """Read a data set.

    Refused, counted and listed are rows without a text or a label, with a text of white space, or
    with characters that are not Unicode (lone surrogates, which no tokenizer reads), or with a
    rationale that does not fit the text. With `unlabelled` no row has a label.

    Example ids are the column `example_id`, whose values must differ; else the column `id` where
    its values are there and differ; else `r` and the row number from 1, `r000001`.

    Args:
        settings: Which documents.
        seed: Of the sample.
        label_names: The model's classes, which those of the data are matched with (`match`).

    Raises:
        DataError: The data set cannot be found or read, a column is missing, no row is usable, ids
            stand twice, the labels cannot be matched with the model's, or no usable row has a
            rationale where a column of them was given.
    """
    source = open_source(settings.dataset, split=settings.split, data_dir=settings.data_dir)
    text_columns = find_texts(source, settings.text_column)
    labelled = not settings.unlabelled
    label_column = find(source, settings.label_column, LABEL_COLUMNS, "label") if labelled else ""
    if label_column in text_columns:
        raise DataError(f"{source.name}: column {label_column!r} cannot be both text and label")
    group_values = {c: source.values(find(source, c, (), "group")) for c in settings.groups}
    groups, texts = list(group_values.values()), texts_of(source, text_columns)
    classes = classes_of(source, label_column) if labelled else [""] * source.rows
    rationales = rationales_of(
        source, settings.rationale_column, (*text_columns, label_column), texts
    )
    declared = source.class_names.get(label_column)
    known = set(filter(None, classes))
    some_without = labelled and without_label(known, declared is not None, settings.labels)
    problems = [
        "the label is -1: not labelled"
        if some_without and classes[row] == NOT_LABELLED
        else _problem(texts[row], classes[row] if labelled else None, [v[row] for v in groups])
        or rationales.problems.get(row, "")
        for row in range(source.rows)
    ]
    refused = tuple(Refused(row=row + 1, reason=p) for row, p in enumerate(problems) if p)
    usable = [row for row, problem in enumerate(problems) if not problem]
    if not usable:
        raise DataError(
            f"{source.name}: none of {source.rows} rows is usable ({_reasons(refused)}); "
            f"expected texts in {' + '.join(text_columns)!r}"
            f"{f' and labels in {label_column!r}' if labelled else ''}"
        )
    if rationales.column and rationales.spans.keys().isdisjoint(usable):
        raise DataError(
            f"{source.name}: no rationale in column {rationales.column!r}, in none of "
            f"{len(usable)} usable rows; name another with --rationale-column, or leave it out"
        )
    ids = _example_ids(source, usable)
    if labelled:
        matching = match(
            f"{source.name}, column {label_column!r}",
            list(dict.fromkeys(classes[row] for row in usable)),
            declared, label_names, settings.labels,
        )  # fmt: skip
        index = matching.index
        labels = {ids[row]: index[folded(classes[row])] for row in usable}
    else:
        matching = unmatched(source.name, label_names, settings.labels)
        labels = {ids[row]: NO_LABEL for row in usable}
    drawn = set(labels if settings.limit is None else stratified(labels, settings.limit, seed))
    examples = tuple(
        Example(
            ids[row], str(texts[row]), labels[ids[row]], _groups_of(group_values, row),
            rationales.spans.get(row, ()),
        )
        for row in usable
        if ids[row] in drawn
    )  # fmt: skip
    return Dataset(
        name=source.name,
        split=source.split,
        examples=examples,
        matching=matching,
        text_column=" + ".join(text_columns),
        label_column=label_column,
        group_columns=tuple(group_values),
        rationale_column=rationales.column,
        rows_in=len(examples) + len(refused),
        refused=refused,
        sha256=_sha256(
            [one.name for one in matching.classes], examples, marked=bool(rationales.column)
        ),
    )


def hold_out(
    dataset: Dataset, count: int, seed: int
) -> tuple[tuple[Example, ...], tuple[Example, ...]]:
    """The examples without a stratified sample of `count`, and that sample."""
    held = dataset.sample(count, seed, 1)
    ids = {example.example_id for example in held}
    return tuple(e for e in dataset.examples if e.example_id not in ids), held


def _problem(text: object, label: str | None, groups: Sequence[object]) -> str:
    """Why the row cannot be used, or ""."""
    if text is None:
        return "the text is missing"
    if not isinstance(text, str):
        return f"the text is not a string but {type(text).__name__}"
    if not text.strip():
        return "the text is empty"
    if label == "":
        return "the label is missing"
    for role, value in (("text", text), ("label", label), *(("group", g) for g in groups)):
        if isinstance(value, str) and not is_unicode(value):
            return f"the {role} is not valid Unicode (a lone surrogate)"
    return ""


def _reasons(refused: Sequence[Refused]) -> str:
    counts = Counter(row.reason for row in refused)
    told = [f"{count} × {reason}" for reason, count in list(counts.items())[:NAMED]]
    return "; ".join([*told, *([f"… {len(counts) - NAMED} more"] if len(counts) > NAMED else [])])


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
        if not text.strip() or not is_unicode(text):
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


def _sha256(labels: Sequence[str], examples: Sequence[Example], *, marked: bool) -> str:
    digest = hashlib.sha256(json.dumps(labels).encode())
    for e in examples:
        told: list[object] = [e.example_id, e.text, e.label, e.groups]
        digest.update(json.dumps([*told, e.rationale] if marked else told).encode())
    return digest.hexdigest()
