import errno
import itertools
import os
import stat
from pathlib import Path

import fsspec
import pytest

from auditkit.errors import SettingsError
from auditkit.files import Folder, regular, write_whole

numbers = itertools.count()


@pytest.fixture(params=["local", "memory"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Folder:
    url = f"memory://f{next(numbers)}/run"
    return Folder(tmp_path / "run" if request.param == "local" else url)


def test_what_is_written_is_read(folder: Folder) -> None:
    folder.write("a.txt", "é\n")
    folder.write("b/c/d.bin", b"\x00\xff")
    assert folder.read("a.txt") == b"\xc3\xa9\n"
    assert (folder / "b" / "c").read("d.bin") == b"\x00\xff"
    folder.write("a.txt", b"shorter")
    assert folder.read("a.txt") == b"shorter"


def test_names_are_those_directly_in_it(folder: Folder) -> None:
    assert folder.names() == []
    for name in ("b.txt", "a/x.txt", "a/y/z.txt", "10"):
        folder.write(name, name)
    assert folder.names() == ["10", "a", "b.txt"]
    assert (folder / "a").names() == ["x.txt", "y"]
    assert (folder / "b").names() == []


def test_files_and_folders_are_there_or_not(folder: Folder) -> None:
    folder.write("a/x.txt", "")
    assert [folder.has(n) for n in ("a", "a/x.txt", "a/y.txt", "b")] == [True, True, False, False]
    with pytest.raises(FileNotFoundError):
        folder.read("a/y.txt")


def test_what_is_removed_is_gone_and_the_rest_stays(folder: Folder) -> None:
    for name in ("a/x.txt", "a/y/z.txt", "b.txt", "c.txt"):
        folder.write(name, name)
    folder.remove("a")
    folder.remove("b.txt")
    folder.remove("never")
    assert folder.names() == ["c.txt"]
    folder.remove()
    assert folder.names() == []
    folder.remove()


def test_a_folder_is_a_value_and_prints_as_it_was_given() -> None:
    assert Folder("runs/a") == Folder(Path("runs") / "a") == Folder("runs") / "a"
    assert str(Folder("s3://bucket/runs/") / "a") == "s3://bucket/runs/a"
    assert Folder(Folder("memory://x")) == Folder("memory://x")
    assert len({Folder("x"), Folder("x"), Folder("y")}) == 2


def test_a_file_that_was_not_finished_is_not_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = Folder(tmp_path)
    folder.write("a.txt", "before")

    def killed(path: Path, target: Path) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", killed)
        for write in (folder.write, lambda name, text: write_whole(tmp_path / name, text)):
            for name in ("a.txt", "new.txt"):
                with pytest.raises(KeyboardInterrupt):
                    write(name, "after")
    assert folder.names() == ["a.txt"]
    assert folder.read("a.txt") == b"before"
    folder.write("new.txt", "after")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.txt", "a.txt.partial", "new.txt"]


def test_a_link_to_a_folder_is_removed_and_not_what_it_leads_to(tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "a.txt").touch()
    (tmp_path / "link").symlink_to(tmp_path / "kept")
    Folder(tmp_path).remove("link")
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["a.txt", "kept"]


def test_what_others_wrote_behind_a_url_is_seen() -> None:
    folder = Folder(f"memory://f{next(numbers)}")
    folder.write("a", "")
    fsspec.filesystem("memory").pipe_file(f"{folder}/b", b"new")
    assert folder.names() == ["a", "b"]
    assert folder.read("b") == b"new"


@pytest.mark.parametrize("url", ["nosuch://a/b", "lakefs://a/b"])
def test_a_url_that_nothing_here_can_open_is_an_error_of_one_line(url: str) -> None:
    with pytest.raises(SettingsError, match=rf"^{url}: .*; give a local directory") as told:
        Folder(url).read("a")
    assert len(str(told.value).splitlines()) == 1


def test_a_file_is_on_the_disk_before_it_is_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it holds before it has its name, then the name, and those of new folders above it."""
    seen: list[str] = []
    fsync, replace, root = os.fsync, Path.replace, str(tmp_path)

    def synced(handle: int) -> None:
        path = Path(f"/proc/self/fd/{handle}").readlink()
        seen.append(f"sync {str(path).removeprefix(root)}")
        fsync(handle)

    def replaced(path: Path, target: Path) -> Path:
        seen.append(f"name {str(target).removeprefix(root)}")
        return replace(path, target)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(Path, "replace", replaced)
    Folder(tmp_path / "a" / "b").write("c.txt", "x")
    write = ["sync /a/b/c.txt.partial", "name /a/b/c.txt", "sync /a/b"]
    assert seen == ["sync ", "sync /a", *write]
    seen.clear()
    Folder(tmp_path / "a").write("b/c.txt", "y")
    assert seen == write


def test_a_folder_that_its_file_system_cannot_sync_is_written_alike(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fsync = os.fsync

    def refusing(handle: int) -> None:
        if stat.S_ISDIR(os.fstat(handle).st_mode):
            raise OSError(errno.EINVAL, "Invalid argument")
        fsync(handle)

    monkeypatch.setattr(os, "fsync", refusing)
    Folder(tmp_path / "new").write("a.txt", "x")
    assert Folder(tmp_path / "new").read("a.txt") == b"x"


def test_a_full_disk_names_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(handle: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    write_whole(tmp_path / "a.txt", "before")
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left on device") as caught:
        Folder(tmp_path).write("a.txt", "x" * 99)
    assert caught.value.filename == str(tmp_path / "a.txt")
    assert (tmp_path / "a.txt").read_text() == "before"


def test_a_regular_file_is_one_that_ends(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("x")
    assert regular(tmp_path / "a") == tmp_path / "a"
    os.mkfifo(tmp_path / "pipe")
    for path, said in (
        (tmp_path / "pipe", "a pipe or a device"), (Path("/dev/null"), "a pipe or a device"),
        (tmp_path, "Is a directory"), (tmp_path / "none", "No such file"),
        (Path("a\0b"), "no file can have that"), (Path("\ud800"), "no file can have that"),
    ):  # fmt: skip
        with pytest.raises(OSError, match=said):
            regular(path)
