"""A text file of delimited fields → the columns of a data set.

Every value is text, whatever it looks like: `NA`, `null` and `007` stay as they are written.
"""

import csv
import io
import re
import sys
from collections.abc import Mapping
from pathlib import Path

from auditkit.data.formats import Source, from_rows, read_text
from auditkit.errors import DataError

DELIMITERS: Mapping[str, str] = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "pipes"}
"""What may stand between fields, and how errors call it."""

_SAID = re.compile(r"sep=([,;\t|])\r?\n")
"""The first line by which spreadsheets are told the delimiter."""

Records = list[tuple[int, list[str]]]
"""Fields by record, each with the number of its last line."""


def read_delimited(path: Path) -> Source:
    """A CSV or TSV file with a header line; RFC 4180: quoted fields may hold newlines.

    The delimiter is the one that the header holds; where it holds several, that of most columns by
    which every row is as long as the header. Between tabs a quotation mark is only one where taking
    it for a letter would leave rows of other lengths: most TSV files have no quoting. Blank lines
    between rows are no rows.

    Raises:
        DataError: The file cannot be read, is empty or not valid, or a row is longer or shorter
            than the header.
    """
    text = read_text(path)
    limit = csv.field_size_limit(sys.maxsize)  # a text may be longer than the module's default
    try:
        return _first_that_fits(path, text)
    finally:
        csv.field_size_limit(limit)


def _first_that_fits(path: Path, text: str) -> Source:
    if said := _SAID.match(text):
        text, candidates = "\n" + text[said.end() :], [said[1]]  # the lines keep their numbers
    else:
        usual = "\t" if ".tsv" in path.name.lower() else ","
        order = sorted(DELIMITERS, key=lambda delimiter: delimiter != usual)
        candidates = [d for d in order if _is_in_header(d, text)] or [","]
    fitting, complaints = [], []
    for delimiter in candidates:
        try:
            fitting.append(_rows(text, delimiter))
        except csv.Error as error:
            complaints.append(f"{error}, split at {DELIMITERS[delimiter]}")
    if not fitting:
        raise DataError(f"{path.name}{complaints[0]}; quote fields that hold the delimiter")
    header, *rows = max(fitting, key=lambda rows: len(rows[0]))  # of equals the first
    return from_rows(path.name, header, rows)


def _rows(text: str, delimiter: str) -> list[list[str]]:
    """The fields of every record.

    Raises:
        csv.Error: They cannot be read, there is none, or one is longer or shorter than the first.
    """
    records = _between_tabs(text) if delimiter == "\t" else _records(text, delimiter)
    if not records:
        raise csv.Error(": the file is empty")
    width = len(records[0][1])
    for line, record in records:
        if len(record) != width:
            raise csv.Error(f", line {line}: {len(record)} fields under {width} columns")
    return [record for _, record in records]


def _between_tabs(text: str) -> Records:
    plain = _records(text, "\t", quotes=False)
    try:
        quoted = _records(text, "\t")
    except csv.Error:
        return plain
    even = len({len(record) for _, record in plain}) == 1
    return plain if even and len(quoted) < len(plain) else quoted


def _records(text: str, delimiter: str, *, quotes: bool = True) -> Records:
    reader = csv.reader(
        io.StringIO(text, newline=""),
        delimiter=delimiter,
        quoting=csv.QUOTE_MINIMAL if quotes else csv.QUOTE_NONE,
        strict=True,
    )
    try:
        return [(reader.line_num, record) for record in reader if record]
    except csv.Error as error:
        raise csv.Error(f", line {reader.line_num}: not valid CSV: {error}") from error


def _is_in_header(delimiter: str, text: str) -> bool:
    first = io.StringIO(text.lstrip("\r\n"), newline="")
    try:
        return len(next(csv.reader(first, delimiter=delimiter, strict=True), [])) > 1
    except csv.Error:
        return False
