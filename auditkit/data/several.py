"""Several files of one kind as one data set: a folder, a pattern such as `news/*.parquet`, URLs."""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from auditkit.data.formats import Source
from auditkit.errors import DataError
from auditkit.files import is_url
from auditkit.text import cut, fault, listing

_SIGNS = ("*", "?", "[")


def is_several(name: str) -> bool:
    """Whether a name can stand for several files: a pattern, a folder, a URL of fsspec's."""
    try:
        if Path(name).is_file():  # whatever its name holds
            return False
        return is_url(name) or Path(name).is_dir() or any(sign in name for sign in _SIGNS)
    except (OSError, ValueError):  # no path can be so
        return is_url(name)


@contextmanager
def files_of(name: str) -> Iterator[list[Path]]:
    """The files that a name stands for, in the order of their names, while the block runs.

    Raises:
        DataError: There is none, or they cannot be had.
    """
    import fsspec

    path = Path(name)
    with tempfile.TemporaryDirectory() as home:
        if is_url(name):
            found = _fetched(name, home)
        elif path.is_dir():
            found = [one for one in path.iterdir() if not one.name.startswith(".")]
        else:
            found = [Path(one) for one in fsspec.filesystem("file").glob(str(path.absolute()))]
        files = sorted(one for one in found if one.is_file())
        if not files:
            raise DataError(
                f"data set {name!r}: no files there; check the path (from {Path.cwd()})"
            )
        yield files


def _fetched(url: str, home: str) -> list[Path]:
    """What lies behind a URL, or a pattern of them, put into the folder `home`."""
    import fsspec

    given = {"cache_storage": home, "same_names": True}
    try:
        found = fsspec.open_local(f"simplecache::{url}", simplecache=given)
    except Exception as error:  # what the file system behind a URL raises is its own
        raise DataError(
            f"{cut(url, 120)}: {fault(error)}; give files, or install what fsspec needs for such "
            "URLs"
        ) from error
    return [Path(one) for one in ([found] if isinstance(found, str) else found)]


def joined(
    name: str, paths: Sequence[Path], reader_of: Callable[[Path], Callable[[Path], Source] | None]
) -> Source:
    """The rows of all files, one after the other.

    Args:
        name: What errors and reports call them.
        paths: The files.
        reader_of: What reads a file of that name.

    Raises:
        DataError: One cannot be read, is of another kind, or has other columns or classes.
    """
    readers = {path: reader for path in paths if (reader := reader_of(path)) is not None}
    for path in paths:
        if path not in readers:
            raise DataError(f"data set {name!r}: {listing([path.name])} is a file of another kind; "
                            f"give data files alone")  # fmt: skip
        if readers[path] is not readers[paths[0]]:
            raise DataError(
                f"data set {name!r}: {listing([paths[0].name])} and {listing([path.name])} are of "
                "two kinds; give files of one"
            )
    sources = {path: reader(path) for path, reader in readers.items()}
    first = sources[paths[0]]
    for path, source in sources.items():
        if {*source.columns} != {*first.columns}:
            odd = min({*source.columns} ^ {*first.columns})
            lacks, has = (path, paths[0]) if odd in first.columns else (paths[0], path)
            raise DataError(
                f"data set {name!r}: {listing([lacks.name])} has no column {odd!r}, which "
                f"{listing([has.name])} has; all files have the same columns"
            )
        if source.class_names != first.class_names:
            raise DataError(
                f"data set {name!r}: {listing([path.name])} names other classes than "
                f"{listing([paths[0].name])}; make them the same"
            )

    def values(column: str) -> list[object]:
        return [value for source in sources.values() for value in source.values(column)]

    rows = sum(source.rows for source in sources.values())
    return replace(first, name=name, rows=rows, values=values)


def called(name: str) -> str:
    """What reports call several files: no folders of a machine."""
    parts = Path(name.rstrip("/")).parts
    return parts[-1] if parts else name
