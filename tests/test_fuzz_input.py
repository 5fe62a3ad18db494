"""Whatever is given is read, or refused in one line by an error of our own, in bounded time.

`--fuzz N` throws N inputs of every kind; a failure names its seed.
"""

import random
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import fuzzing
import page_cases
import pytest
from command import auditkit as command
from tabular import load

from auditkit.data.glossary import read_glossary
from auditkit.errors import AuditError
from auditkit.finding import dumps
from auditkit.report.rendering import load_results
from auditkit.run.settings import load_settings, read_gates

SECONDS = 5.0
"""Of the processor, within which an input of these sizes has to be answered."""

NEEDED = {"model": "m", "dataset": "d"}

Case = tuple[str, fuzzing.Write, Callable[[Path], Any]]


def refusal(read: Callable[[], Any]) -> str:
    """The line by which it is refused; "" where it is read. Any other exception goes through."""
    start = time.process_time()
    said = ""
    try:
        read()
    except AuditError as error:
        said = str(error)
        if not said.strip() or "\n" in said:
            raise AssertionError(f"not one line: {said!r}") from error
    assert time.process_time() - start < SECONDS
    return said


def read_data(path: Path) -> None:
    """With settings that reach every column; what is read in the end is as usual."""
    for settings in ({"groups": ("x",)}, {"text_column": "text,x"}, {"limit": 1}):
        refusal(partial(load, str(path), **settings))
    data = load(str(path))
    assert data.rows_in == len(data.examples) + len(data.refused)
    assert data.examples


def read_settings(path: Path) -> None:
    load_settings(str(path), NEEDED)


def read_limits(path: Path) -> None:
    read_gates(str(path))


def read_results(path: Path) -> None:
    load_results(path.parent)


GOOD = dumps(page_cases.full()[0])


def edited(rng: random.Random, path: Path) -> None:
    fuzzing.results(rng, path, GOOD)


KINDS: list[Case] = [
    ("a.csv", fuzzing.delimited, read_data),
    ("a.tsv", fuzzing.delimited, read_data),
    ("a.csv.gz", fuzzing.delimited, read_data),
    ("a.jsonl", fuzzing.json_lines, read_data),
    ("a.parquet", fuzzing.parquet, read_data),
    ("a.yaml", fuzzing.yaml, read_settings),
    ("gates.yaml", fuzzing.yaml, read_limits),
    ("terms.txt", fuzzing.glossary, read_glossary),
    ("terms.csv", fuzzing.glossary, read_glossary),
    ("results.json", edited, read_results),
]


@pytest.mark.parametrize(("name", "write", "read"), KINDS, ids=[name for name, _, _ in KINDS])
def test_what_is_given_is_read_or_refused(
    name: str, write: fuzzing.Write, read: Callable[[Path], Any], tmp_path: Path, fuzz: int
) -> None:
    path, lines = tmp_path / name, list[str]()
    for seed in range(fuzz):
        write(random.Random(f"{name} {seed}"), path)
        try:
            lines.append(refusal(lambda: read(path)))
        except Exception as error:
            raise AssertionError(f"{name}, seed {seed}") from error
    assert "" in lines, "none could be read: the fuzzer shows nothing"
    assert any(lines), "none was refused: the fuzzer shows nothing"


def test_a_command_with_values_that_nobody_means_is_one_line(fuzz: int) -> None:
    for seed in range(fuzz):
        arguments = fuzzing.flags(random.Random(f"flags {seed}"))
        done = command(*arguments)
        assert done.code == 2, f"seed {seed}: {arguments} → {done.code}: {done.err[:300]}"
        assert done.complaint


def test_the_same_seed_gives_the_same_input(tmp_path: Path) -> None:
    for name, write, _ in KINDS:
        (tmp_path / "again").mkdir(exist_ok=True)
        first, second = tmp_path / name, tmp_path / "again" / name
        write(random.Random("x"), first)
        write(random.Random("x"), second)
        if first.suffix != ".gz":  # whose header holds the time
            assert first.read_bytes() == second.read_bytes()
