"""A data set's name → its columns: a file, a local copy, the hub, the corpus that ships.

Nothing is known here about texts and labels; `auditkit.data.examples` reads the columns as
examples.
"""

import os
import re
from collections.abc import Callable, Mapping
from importlib.resources import files
from pathlib import Path

from auditkit.data.delimited import read_delimited
from auditkit.data.formats import Source, from_table, read_jsonl, read_parquet, read_table
from auditkit.data.several import called, files_of, is_several, joined
from auditkit.errors import DataError
from auditkit.text import fault, one_of

KNOWN: Mapping[str, tuple[str, str]] = {
    "agnews": ("ag_news", "fancyzhx/ag_news"),
    "imdb": ("imdb", "stanfordnlp/imdb"),
}
"""Short names: the folder of a local copy (`<data dir>/<folder>/<split>.parquet`), the hub's id."""

ENVIRONMENT = "AUDITKIT_DATA"
"""The environment variable that stands for `--data-dir`."""

HUB_TIMEOUT = 10.0
"""Seconds to wait for the hub's first answer; its own client would retry for half a minute."""

READERS: Mapping[str, Callable[[Path], Source]] = {
    ".csv": read_delimited,
    ".tsv": read_delimited,
    ".csv.gz": read_delimited,
    ".tsv.gz": read_delimited,
    ".jsonl": read_jsonl,
    ".jsonl.gz": read_jsonl,
    ".parquet": read_parquet,
}
"""By the end of a file's name, in lower case: its columns."""

KINDS = ".csv, .tsv, .jsonl or .parquet"
"""As people are told of them; the first three may be packed with gzip."""

LOCAL_WAYS = f"--data-dir DIR or {ENVIRONMENT}=DIR with a local copy, or a {KINDS}"


def open_source(name: str, *, split: str | None = None, data_dir: Path | None = None) -> Source:
    """Find and open a data set.

    Args:
        name: A name in `KNOWN`, a hub id (`OWNER/NAME`), or the path of a file (`READERS`), a
            folder or a pattern of such files, or a URL that fsspec knows.
        split: None is `test`. A file has no splits: `train` and `all` stand for the file itself.
        data_dir: Where local copies of the known data sets are; default: `AUDITKIT_DATA`.

    Raises:
        DataError: The name is unknown or the hub out of reach, the file cannot be read or has no
            rows.
    """
    path = Path(name)
    if is_several(name):
        _check_split(name, split)
        with files_of(name) as paths:
            source = joined(called(name), paths, _reader)
    elif (reader := _reader(path)) is not None:
        source = reader(_file(path, split))
    elif name in KNOWN:
        source = _open_known(name, split or "test", _data_directory(data_dir))
    elif _is_there(path):
        raise DataError(
            f"data set {name!r} is a file of another kind; give a file: {one_of(READERS)}"
        )
    elif re.fullmatch(r"[\w.-]+/[\w.-]+", name, flags=re.ASCII):
        source = _open_hub(name, name, split or "test")
    else:
        raise DataError(
            f"unknown data set {name!r}; {one_of(KNOWN, name)}, OWNER/NAME of the hub, "
            f"or the path of a {KINDS} file"
        )
    if not source.rows:
        raise DataError(f"{name}: no rows; expected at least one row with a text and a label")
    return source


def sample_corpus(domain: str, split: str) -> Path:
    """The CSV of the corpus that ships with auditkit.

    Args:
        domain: `news` or `reviews`.
        split: `train` or `test`.
    """
    return Path(str(files("auditkit") / "data_files" / "sample" / f"{domain}_{split}.csv"))


def _reader(path: Path) -> Callable[[Path], Source] | None:
    """What reads a file of that name; the longest end that is known decides."""
    ends = ["".join(path.suffixes[-count:]).lower() for count in (2, 1)]
    return next((READERS[end] for end in ends if end in READERS), None)


def _is_there(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # longer than a path can be, or below a folder that is closed to us
        return False


def _check_split(name: str, split: str | None) -> None:
    if split not in (None, "train", "all"):
        raise DataError(
            f"split {split!r} of {name}: a file has no splits; leave out --split, "
            "or give the file that holds the split"
        )


def _file(path: Path, split: str | None) -> Path:
    _check_split(path.name, split)
    if not _is_there(path):
        raise DataError(f"data file {str(path)!r} not found; check the path (from {Path.cwd()})")
    return path


def _data_directory(given: Path | None) -> Path | None:
    value = given or os.environ.get(ENVIRONMENT)
    if not value:
        return None
    directory = Path(value)
    if not directory.is_dir():
        flag = "--data-dir" if given else ENVIRONMENT
        raise DataError(f"{flag} {value}: no such directory; give the one that holds ag_news/, …")
    return directory


def _open_known(name: str, split: str, data_dir: Path | None) -> Source:
    folder, hub_id = KNOWN[name]
    if data_dir is None or not (data_dir / folder).is_dir():
        return _open_hub(name, hub_id, split)
    splits = {path.stem: path for path in (data_dir / folder).glob("*.parquet")}
    if split not in splits:
        raise DataError(f"{name} in {data_dir / folder}: no split {split!r}; {one_of(splits)}")
    table = read_table(splits[split])
    return from_table(name, split, table, table.schema.metadata)


def _open_hub(name: str, hub_id: str, split: str) -> Source:
    _check_hub(name, hub_id)
    import datasets  # here, because it takes a second and only the hub needs it

    try:
        found = datasets.load_dataset(hub_id, split=split)
    except Exception as error:
        raise DataError(
            f"data set {hub_id}, split {split!r}, cannot be loaded: {fault(error)}; "
            f"other ways: {LOCAL_WAYS} file"
        ) from error
    table = found.with_format("arrow")[:]
    return from_table(name, split, table, found.features.arrow_schema.metadata)


def _check_hub(name: str, hub_id: str) -> None:
    """Ask the hub once, because its client retries for long where there is no network."""
    from huggingface_hub import HfApi, is_offline_mode
    from huggingface_hub.errors import RepositoryNotFoundError

    if is_offline_mode():
        return  # the library then looks into its cache at once
    try:
        HfApi().dataset_info(hub_id, timeout=HUB_TIMEOUT)
    except RepositoryNotFoundError as error:
        raise DataError(
            f"data set {hub_id!r} is not on the hub, or not open to you; "
            f"{one_of(KNOWN, name)}, or the path of a file"
        ) from error
    except Exception as error:
        raise DataError(
            f"data set {name!r}: the hub cannot be reached ({fault(error)}); other ways: "
            f"{LOCAL_WAYS} file; HF_HUB_OFFLINE=1 reads what was downloaded before"
        ) from error
