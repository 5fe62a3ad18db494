"""What people marked in a text as the reason for its label: a cell of `--rationale-column`.

A cell is a JSON list, as text or as the list that a JSONL or Parquet file holds: of half-open spans
`[[start, end], …]` in code points of the text as it is audited, or of words `["word", …]`, of which
every occurrence is marked. Every cell is checked before anything runs, as ERASER checks its data
(DeYoung et al. 2020): what does not fit its text would else be a wrong number in a report.
"""

import json
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from auditkit.data.columns import find
from auditkit.data.formats import Source
from auditkit.errors import DataError
from auditkit.text import is_unicode, shown

Spans = tuple[tuple[int, int], ...]
"""Half-open, in code points of the text; in order, apart from each other, none of them empty."""

FORM = "expected a JSON list of spans [[start, end], …] or of words"


@dataclass(frozen=True, slots=True)
class Rationales:
    """What a column of rationales holds, by row."""

    column: str
    spans: Mapping[int, Spans]
    """Of the rows that have one."""
    problems: Mapping[int, str]
    """Of the rows whose cell cannot be used."""


def rationales_of(
    source: Source, given: str | None, taken: Sequence[str], texts: Sequence[object]
) -> Rationales:
    """A column of rationales, checked cell by cell; nothing where none was given.

    Args:
        source: The data set.
        given: The column as the user named it; None: not at all.
        taken: Columns that hold the text and the label.
        texts: By row, as they are audited; what is no string has a problem of its own.

    Raises:
        DataError: There is no such column, or it is one of those taken.
    """
    if given is None:
        return Rationales("", {}, {})
    column = find(source, given, (), "rationale")
    if column in taken:
        raise DataError(f"{source.name}: column {column!r} cannot be both rationale and text or "
                        "label")  # fmt: skip
    spans, problems = dict[int, Spans](), dict[int, str]()
    for row, (cell, text) in enumerate(zip(source.values(column), texts, strict=True)):
        try:
            found = spans_of(cell, text if isinstance(text, str) else "")
        except ValueError as error:
            problems[row] = str(error)
        else:
            if found:
                spans[row] = found
    return Rationales(column, spans, problems)


def spans_of(cell: object, text: str) -> Spans:
    """What a cell marks in its text; spans that overlap are one, white space at their ends is none.

    Args:
        cell: None, NaN, white space, `null` and an empty list mark nothing.
        text: The text as it is audited.

    Raises:
        ValueError: Why the row cannot be used.
    """
    marks = _parsed(cell)
    if all(isinstance(mark, str) for mark in marks):
        found = [span for mark in marks for span in _occurrences(str(mark), text)]
    elif any(isinstance(mark, str) for mark in marks):
        raise ValueError(f"the rationale mixes words and spans; {FORM}")
    else:
        found = [_span(mark, text) for mark in marks]
    return _merged(found)


def _parsed(cell: object) -> list[object]:
    """The marks of a cell, whatever they are.

    Raises:
        ValueError: It is no list.
    """
    if isinstance(cell, str) and cell.strip():
        if not is_unicode(cell):
            raise ValueError("the rationale is not valid Unicode (a lone surrogate)")
        try:
            cell = json.loads(cell)
        except (ValueError, RecursionError):
            raise ValueError(f"the rationale is not JSON, seen {shown(cell)}; {FORM}") from None
    if cell is None or cell != cell or (isinstance(cell, str) and not cell.strip()):
        return []
    if not isinstance(cell, list):
        raise ValueError(f"the rationale is no list but {type(cell).__name__}; {FORM}")
    return cell


def _span(mark: object, text: str) -> tuple[int, int]:
    """A span without the white space at its ends.

    Raises:
        ValueError: It is none of the text.
    """
    seen = f"the rationale's span {shown(mark)}"
    if not isinstance(mark, list) or len(mark) != 2 or not all(type(end) is int for end in mark):
        raise ValueError(f"{seen} is no pair of whole numbers; {FORM}")
    start, end = mark
    if start < 0:
        raise ValueError(f"{seen} starts before the text")
    if start >= end:
        raise ValueError(f"{seen} is empty: its start must be below its end")
    if end > len(text):
        raise ValueError(f"{seen} ends beyond the text, which has {len(text)} characters")
    marked = text[start:end]
    if not marked.strip():
        raise ValueError(f"{seen} holds white space alone")
    return end - len(marked.lstrip()), start + len(marked.rstrip())


def _occurrences(word: str, text: str) -> Iterator[tuple[int, int]]:
    """Every place where a word stands as it is written, and not as a part of a longer one.

    Raises:
        ValueError: There is none.
    """
    word, start = word.strip(), -1
    if not word:
        raise ValueError(f"the rationale has an empty word; {FORM}")
    found = False
    while (start := text.find(word, start + 1)) >= 0:
        end = start + len(word)
        if not _joined(text[start - 1 : start], word[0]) and not _joined(word[-1], text[end:][:1]):
            found = True
            yield start, end
    if not found:
        raise ValueError(
            f"the rationale's word {shown(word)} is not in the text as a word of its own, "
            "written like that"
        )


def _joined(left: str, right: str) -> bool:
    """Whether two characters that follow each other are of one word; "" is the end of the text."""
    return _lettered(left) and _lettered(right)


def _lettered(character: str) -> bool:
    if not character:
        return False
    return (
        character.isalnum() or character == "_" or unicodedata.category(character).startswith("M")
    )


def _merged(spans: Iterable[tuple[int, int]]) -> Spans:
    """In order; those that overlap or touch are one."""
    merged: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        else:
            merged.append((start, end))
    return tuple(merged)
