"""Which columns of a data set are its texts and its labels, and one text from several columns."""

from collections.abc import Sequence

from auditkit.data.formats import Source
from auditkit.data.labels import folded
from auditkit.errors import DataError
from auditkit.text import is_unicode, listing, one_of

TEXT_COLUMNS = (
    "text", "sentence", "content", "review", "document", "body", "comment", "tweet", "article",
)  # fmt: skip
LABEL_COLUMNS = (
    "label", "labels", "class", "category", "sentiment", "target", "label_text", "coarse_label",
)  # fmt: skip
"""Names that are looked for, in this order, whatever their case, when the user names no column."""

SEPARATOR = "\n"
"""What stands between the columns that make one text."""

_NUMBERED = ("text", "sentence", "sent", "s", "question", "q", "query", "passage", "document",
             "title", "string", "statement", "input")  # fmt: skip
_PAIRS = (
    ("premise", "hypothesis"), ("question", "sentence"), ("question", "passage"),
    ("query", "passage"), ("query", "document"), ("claim", "evidence"), ("text", "text_pair"),
    *((f"{stem}{gap}{first}", f"{stem}{gap}{second}")
      for stem in _NUMBERED for gap in ("", "_", "-", " ") for first, second in ("12", "ab")),
)  # fmt: skip
"""Names of columns, in lower case, that hold a pair of texts, of which neither is the text."""


def find(source: Source, given: str | None, usual: Sequence[str], role: str) -> str:
    """The column `given`, or the first of the `usual` ones.

    Args:
        source: The data set.
        given: Its name as the user wrote it; None: not at all.
        usual: Names to look for.
        role: What errors call it: `text`, `label` or `group`.

    Raises:
        DataError: There is none.
    """
    if given is not None:
        if given not in source.columns or not is_unicode(given):
            close = one_of(filter(str.isprintable, source.columns), given)
            raise DataError(f"{source.name}: no {role} column {given!r}; {close}")
        return given
    by_key = {folded(column): column for column in reversed(source.columns)}
    for name in usual:
        if name in by_key:
            return by_key[name]
    without = ", or give --unlabelled if there are none" if role == "label" else ""
    raise DataError(
        f"{source.name}: no column looks like the {role}; name it with --{role}-column{without}; "
        f"available: {listing(source.columns)}"
    )


def find_texts(source: Source, given: str | None) -> tuple[str, ...]:
    """The column of texts, or those to be joined: `title,body`, where no column is called so.

    Raises:
        DataError: There is none, or it is one half of a pair of texts.
    """
    if given is not None and given not in source.columns and "," in given:
        names = dict.fromkeys(name.strip() for name in given.split(","))
        return tuple(find(source, name, (), "text") for name in names)
    if given is None and not {*TEXT_COLUMNS} & {*map(folded, source.columns)}:
        for column in source.columns:
            _check_whole(source, column)
    found = find(source, given, TEXT_COLUMNS, "text")
    _check_whole(source, found)
    return (found,)


def texts_of(source: Source, columns: Sequence[str]) -> list[object]:
    """By row the text, or what the cells that are there come to with `SEPARATOR` between them.

    A cell that is no string is the row's value as it is, so that the row is refused for it.
    """
    by_row = zip(*(source.values(column) for column in columns), strict=True)
    return [_joined([cell for cell in cells if cell is not None]) for cells in by_row]


def _joined(cells: Sequence[object]) -> object:
    texts = [cell for cell in cells if isinstance(cell, str)]
    if len(texts) < len(cells):
        return next(cell for cell in cells if not isinstance(cell, str))
    if len(texts) < 2:
        return texts[0] if texts else None
    return SEPARATOR.join(text for text in texts if text.strip())


def _check_whole(source: Source, column: str) -> None:
    """Make sure that `column` is not one half of a pair of texts.

    Raises:
        DataError: It is.
    """
    by_key = {folded(name): name for name in source.columns}
    halves = [pair for pair in _PAIRS if folded(column) in pair and by_key.keys() >= {*pair}]
    if halves:
        first, second = (by_key[name] for name in halves[0])
        raise DataError(
            f"{source.name}: {first!r} and {second!r} are a pair of texts, one is audited; join "
            f"them with --text-column {listing([first])},{listing([second])} (a model that was "
            "trained on pairs reads another input), or drop the column that is not meant"
        )
