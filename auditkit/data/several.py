"""Several files of one kind as one data set: a folder, a pattern such as `news/*.parquet`, URLs."""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from auditkit.data.formats import Source
from auditkit.errors import DataError
from auditkit.text import cut, fault, listing

_SIGNS = ("*", "?", "[")


def is_url(name: str) -> bool:
    """Whether a name is that of files behind a URL that fsspec knows."""
    return "://" in name


def is_several(name: str) -> bool:
    """Whether a name can stand for several files: a pattern, or a folder."""
    try:
        if Path(name).is_file():  # whatever its name holds
            return False
        return Path(name).is_dir() or any(sign in name for sign in _SIGNS)
    except (OSError, ValueError):  # no path can be so
        return False


@contextmanager
def fetched(url: str) -> Iterator[list[Path]]:
    """The files behind a URL, or a pattern of them, as local ones while the block runs.

    Raises:
        DataError: They cannot be had.
    """
    import fsspec

    with tempfile.TemporaryDirectory() as home:
        given = {"cache_storage": home, "same_names": True}
        try:
            found = fsspec.open_local(f"simplecache::{url}", simplecache=given)
        except Exception as error:  # what the file system behind a URL raises is its own
            raise DataError(
                f"{cut(url, 120)}: {fault(error)}; give files, or install what fsspec needs for "
                "such URLs"
            ) from error
        yield sorted(map(Path, [found] if isinstance(found, str) else found))


def files_of(name: str) -> list[Path]:
    """The files that a pattern or a folder stands for, in the order of their names.

    Raises:
        DataError: There is none.
    """
    path = Path(name)
    if path.is_dir():
        found = [one for one in path.iterdir() if one.is_file() and not one.name.startswith(".")]
    else:
        import fsspec

        there = fsspec.filesystem("file").glob(str(path.absolute()))
        found = [Path(one) for one in there if Path(one).is_file()]
    if not found:
        raise DataError(f"data set {name!r}: no files there; check the path (from {Path.cwd()})")
    return sorted(found)


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
