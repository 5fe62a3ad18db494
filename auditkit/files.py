"""Files that are there whole or not at all, whenever the process dies or the power fails.

`Folder` is the one place through which a run directory is read and written, on a local disk or
behind any URL that fsspec knows (`s3://…`, `memory://…`).
"""

import errno
import json
import os
import shutil
import socket
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from auditkit.errors import SettingsError
from auditkit.text import said

LOCK = "lock.json"
"""Says who holds a folder."""

_PARTIAL = ".partial"


def is_url(place: str) -> bool:
    """Whether it is a URL, for fsspec to open, and no local path."""
    return "://" in place


def write_whole(path: Path, text: str) -> None:
    """Replace `path` by a file that holds `text`, in one step."""
    _replace(path, text.encode("utf-8"))


def regular(path: Path) -> Path:
    """`path`, which is a file that ends: a pipe or a device could be read for ever.

    Raises:
        OSError: There is none, it is a folder or a special file, or no file can have that name.
    """
    try:
        mode = path.stat().st_mode
    except ValueError as error:  # it holds NUL, or what no file system can spell
        raise OSError(errno.EINVAL, "no file can have that name", str(path)) from error
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if not stat.S_ISREG(mode):
        raise OSError(errno.EINVAL, "a pipe or a device; give a regular file", str(path))
    return path


@dataclass(frozen=True, slots=True, init=False)
class Folder:
    """A local directory or an fsspec URL; it need not exist yet.

    Names are relative to it, with `/` between parts. A file is written in one step: locally under
    another name that is then replaced, and on the disk when `write` returns; behind a URL as one
    object, which its store shows whole or not at all.
    """

    place: str

    def __init__(self, place: "str | Path | Folder") -> None:
        object.__setattr__(self, "place", str(place))

    def __str__(self) -> str:
        return self.place

    def __truediv__(self, name: str) -> "Folder":
        return Folder(
            f"{self.place.rstrip('/')}/{name}" if self._remote else Path(self.place, name)
        )

    @property
    def _remote(self) -> bool:
        return is_url(self.place)

    @property
    def absolute(self) -> "Folder":
        """The same, from whatever working directory."""
        return self if self._remote else Folder(Path(self.place).resolve())

    @property
    def shared(self) -> bool:
        """Whether other processes see the same files; what is in memory they do not."""
        return not self.place.startswith("memory:")

    def read(self, name: str) -> bytes:
        """What the file holds.

        Raises:
            FileNotFoundError: There is none.
        """
        if not self._remote:
            return Path(self.place, name).read_bytes()
        system, path = self._system(name)
        held: bytes = system.cat_file(path)
        return held

    def write(self, name: str, data: bytes | str) -> None:
        """Make or replace the file, and the folders above it; text is written as UTF-8."""
        held = data.encode("utf-8") if isinstance(data, str) else data
        if not self._remote:
            path = Path(self.place, name)
            _make(path.parent)
            _replace(path, held)
            return
        system, path_there = self._system(name)
        system.makedirs(path_there.rpartition("/")[0], exist_ok=True)
        system.pipe_file(path_there, held)

    def has(self, name: str) -> bool:
        """Whether there is a file or a folder of this name."""
        if not self._remote:
            return Path(self.place, name).exists()
        system, path = self._system(name)
        return bool(system.exists(path))

    def names(self) -> list[str]:
        """Files and folders that lie directly in it, sorted; [] where there is nothing.

        What a process that died left half written is not among them, nor is a lock.
        """
        if not self._remote:
            here = Path(self.place)
            found = [path.name for path in here.iterdir()] if here.is_dir() else []
            return sorted(n for n in found if n != LOCK and not n.endswith(_PARTIAL))
        system, path = self._system("")
        try:
            listed = [str(entry).rstrip("/") for entry in system.ls(path, detail=False)]
        except FileNotFoundError:
            return []
        own = path.rstrip("/")  # some stores list the folder itself as an empty object
        return sorted(entry.rpartition("/")[2] for entry in listed if entry != own)

    def remove(self, name: str = "") -> None:
        """Remove a file, or a folder with all that is in it; fine if there is none."""
        if not self._remote:
            path = Path(self.place, name)
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
            return
        system, path_there = self._system(name)
        if system.exists(path_there):
            system.rm(path_there, recursive=True)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Keep all who ask alike from writing into it, until the block or the process ends.

        The operating system takes the lock back from a process that is gone, however it went.
        Behind a URL nothing is locked, since stores of objects have no locks: there two writers
        have to be kept apart by whoever starts them.

        Raises:
            SettingsError: It is held; by whom is said.
        """
        if self._remote:
            yield
            return
        from filelock import FileLock, Timeout

        path = Path(self.place, LOCK)
        _make(path.parent)
        lock = FileLock(path)
        try:
            lock.acquire(blocking=False)
        except Timeout:
            raise SettingsError(
                f"{self} is being written by {_holder(path)}; wait for it, or give another "
                "directory"
            ) from None
        try:
            since = datetime.now(UTC).isoformat(timespec="seconds")
            holder = {"pid": os.getpid(), "host": socket.gethostname(), "since": since}
            path.write_text(json.dumps(holder) + "\n", encoding="utf-8")
            yield
        finally:
            path.unlink(missing_ok=True)  # while it is held: nobody can have taken it meanwhile
            lock.release()

    def _system(self, name: str) -> tuple[Any, str]:
        """The file system behind the URL, and the path of `name` in it.

        Raises:
            SettingsError: fsspec does not know the URL, or lacks the package for it.
        """
        from fsspec.core import url_to_fs  # slow to import, and most runs are local

        try:
            system, path = url_to_fs(str(self / name) if name else self.place)
        except (ImportError, ValueError) as error:
            raise SettingsError(
                f"{self.place}: {said(error)}; give a local directory, or install what fsspec needs"
            ) from error
        system.invalidate_cache()  # others may have written since
        return system, path


def _replace(path: Path, data: bytes) -> None:
    partial = path.with_name(path.name + _PARTIAL)
    try:
        with partial.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        if error.filename is None:  # the disk is full: which file it was is all that helps
            error.filename = str(path)
        raise
    partial.replace(path)
    _commit(path.parent)


def _make(folder: Path) -> None:
    """Make a folder and those above it."""
    if not folder.is_dir():
        _make(folder.parent)
        folder.mkdir(exist_ok=True)
        _commit(folder.parent)


def _commit(folder: Path) -> None:
    """Bring the names in a folder to the disk, where its file system can."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _holder(path: Path) -> str:
    """Who holds a folder, as its lock says."""
    try:
        told = json.loads(path.read_bytes())
        return f"process {int(told['pid'])} on {told['host']!s:.99} since {told['since']!s:.99}"
    except (OSError, ValueError, LookupError, TypeError):
        return "another process"  # which has not said so yet
