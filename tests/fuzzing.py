"""Hostile inputs of every kind that is read, made from a seed: what `test_fuzz_input.py` throws."""

import gzip
import json
import random
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

Write = Callable[[random.Random, Path], None]
"""Writes one input to the path."""

SCRAPS = (
    "", " ", "a", "text", "label", "World", "0", "-1", "1.0", "nan", "1e999", "9" * 400, "\t", "\r",
    "\r\n", ",", ";", "|", '"', '""', "'", "\\", "\0", "\x1b[2J", "\ufeff", "\u2028", "\u202e",
    "é", "e\u0301", "🙂", "名", "<script>", "{{7*7}}", "=cmd()", "*a", "&a", "!!python/object", "{",
    "}", "\n", "[", "]", ":", "-", "#", "null", "true", "x" * 3000, "sep=;\n", "..",
)  # fmt: skip
BYTES = (b"\xff", b"\xc3", b"\xed\xa0\x80", b"\x80", b"\xef\xbb\xbf", b"\xff\xfe", b"PK\x03\x04")


def scraps(rng: random.Random, most: int = 12) -> str:
    """Some of the scraps, one after the other."""
    return "".join(rng.choice(SCRAPS) for _ in range(rng.randint(0, most)))


def _bytes(rng: random.Random, text: str) -> bytes:
    """The text as UTF-8, sometimes with bytes that are none."""
    data = text.encode("utf-8", "surrogatepass")
    if rng.random() < 0.15:
        at = rng.randint(0, len(data))
        data = data[:at] + rng.choice(BYTES) + data[at:]
    return data


def _value(rng: random.Random, depth: int = 0) -> Any:
    choices: list[Callable[[], Any]] = [
        lambda: scraps(rng, 3), lambda: rng.choice([None, True, False, 0, 1, -1, 2**31, 10**400]),
        lambda: rng.choice([0.5, 1.0, -0.0, 1e308, float("inf"), float("nan")]),
        lambda: rng.choice(["World", "Sports", "a text", "\ud800"]),
    ]  # fmt: skip
    if depth < 3:
        choices += [
            lambda: [_value(rng, depth + 1) for _ in range(rng.randint(0, 3))],
            lambda: {scraps(rng, 2): _value(rng, depth + 1) for _ in range(rng.randint(0, 3))},
        ]
    return rng.choice(choices)()


def delimited(rng: random.Random, path: Path) -> None:
    """A table of which a cell, a row or the header may be anything."""
    delimiter = rng.choice(",;\t|")
    header = rng.choice([["text", "label"], ["label", "text", "", ""], ["id", "text", "label"]])
    if path.stem == "terms":
        header = ["term", *header]
    rows = [
        header,
        *([f"t{i}", "x", str(i), "", ""][: len(header)] for i in range(rng.randint(0, 4))),
    ]
    for _ in range(rng.randint(0, 3)):
        row = rng.choice(rows)
        row[rng.randrange(len(row))] = scraps(rng, 3)
    text = rng.choice(["\n", "\r\n"]).join(delimiter.join(row) for row in rows)
    data = _bytes(rng, text if rng.random() < 0.8 else scraps(rng, 40))
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    if path.suffix == ".gz" and rng.random() < 0.3:
        path.write_bytes(path.read_bytes()[: rng.randint(0, 40)])


def json_lines(rng: random.Random, path: Path) -> None:
    """Objects, and what is none; integers without end, lists in lists."""
    lines = []
    for _ in range(rng.randint(0, 5)):
        row = {"text": "a text", "label": "x"} if rng.random() < 0.6 else {}
        row |= {rng.choice(["text", "label", "id", "x"]): _value(rng)}
        lines.append(json.dumps(row))
    odd = ("[" * 5000, "9" * 5000, '{"text":' * 2000, '{"a":1,"a":2}', "1", scraps(rng))
    if rng.random() < 0.3:
        lines.insert(rng.randint(0, len(lines)), rng.choice(odd))
    path.write_bytes(_bytes(rng, "\n".join(lines)))


def parquet(rng: random.Random, path: Path) -> None:
    """Columns of any type, metadata of any kind, and files cut or overwritten in the middle."""
    strange: Mapping[str, Any] = {
        "timestamp": pa.array([2**62, 0], pa.timestamp("us")),
        "duration": pa.array([2**62, 0], pa.duration("ms")),
        "date": pa.array([2**30, 0], pa.date32()),
        "nano": pa.array([datetime(2020, 1, 1), None], pa.timestamp("ns")),
        "binary": pa.array([b"\xff", b"a"], pa.binary()),
        "twins": pa.StructArray.from_arrays([pa.array([1, 2]), pa.array([3, 4])], ["a", "a"]),
        "list": pa.array([[1], []]), "map": pa.array([[("a", 1)], []], pa.map_("string", "int64")),
        "null": pa.nulls(2), "float": pa.array([float("nan"), 1.0]), "bool": pa.array([True, None]),
        "big": pa.array([2**63 - 1, -(2**63)]), "text": pa.array(["a", "b"]),
        "dictionary": pa.array(["a", "b"]).dictionary_encode(),
        "broken": pa.array([b"\xff", b"b"], pa.binary()).view(pa.string()),
    }  # fmt: skip
    names = [rng.choice(["text", "label", "id", "x"]) for _ in range(rng.randint(0, 3))]
    columns = [strange[rng.choice(sorted(strange))] for _ in names]
    if rng.random() < 0.7:
        names, columns = [*names, "text", "label"], [*columns, strange["text"], pa.array([0, 1])]
    table = pa.Table.from_arrays(columns, names=names)
    metadata = ("{", "[]", '{"info":' * 10_000, '{"info": {"features": {"label": {"_type": '
                '"ClassLabel", "names": ["a"]}}}}', "\0", "9" * 5000)  # fmt: skip
    if rng.random() < 0.4:
        table = table.replace_schema_metadata({"huggingface": rng.choice(metadata)})
    pq.write_table(table, path)
    if rng.random() < 0.25:
        data = bytearray(path.read_bytes())
        data[rng.randrange(len(data))] ^= 255
        path.write_bytes(data[: rng.randint(0, len(data))] if rng.random() < 0.5 else bytes(data))


def yaml(rng: random.Random, path: Path) -> None:
    """Keys of a configuration with values of any kind, and what is no YAML."""
    keys = ("seed", "limit", "options", "gates", "groups", "out", "probes", "data", "models", "x",
            "data_dir", "glossary", "random_draws", "overwrite", "on", "<<", "1")  # fmt: skip
    values = ("0x" + "f" * 5000, "9" * 5000, ".inf", ".nan", "1.0e12", "true", "[1, [2]]",
              "&a [*a]", "2020-13-45", "1:99:99", "!!binary xxx", "!!set {a}", '"\\0"', "{a: 1}",
              '"\\ud800"', "{stopword: {top: 1e9}}", "[{address: a.b, at_least: .nan}]", "|",
              "[" * 600, "- a", "''", "? a")  # fmt: skip
    lines = [f"{rng.choice(keys)}: {rng.choice(values)}" for _ in range(rng.randint(0, 4))]
    if path.stem == "gates" and rng.random() < 0.7:
        limit = rng.choice(["1", "1", "-0.5", *values])
        lines = [f"gates: [{{address: a.b, at_least: {limit}}}]"]
    path.write_bytes(_bytes(rng, "\n".join(lines) if rng.random() < 0.8 else scraps(rng, 30)))


def glossary(rng: random.Random, path: Path) -> None:
    """Lines, or a table, of anything."""
    if path.suffix == ".csv":
        delimited(rng, path)
    else:
        path.write_bytes(_bytes(rng, "\n".join(scraps(rng, 3) for _ in range(rng.randint(0, 6)))))


def results(rng: random.Random, path: Path, good: str) -> None:
    """A `results.json` of which some values were edited by hand, or by another tool."""
    audit = json.loads(good)
    for _ in range(rng.randint(0, 3)):
        place, key = _somewhere(rng, audit)
        if rng.random() < 0.5:
            place[key] = _value(rng)
        elif isinstance(place, list) and place:
            place *= rng.choice([0, 2, 40])
        else:
            del place[key]
    path.write_bytes(_bytes(rng, json.dumps(audit) if rng.random() < 0.9 else scraps(rng, 30)))


def _somewhere(rng: random.Random, value: Any) -> tuple[Any, Any]:
    """A mapping or list inside of `value`, and a key of it."""
    place, key = value, rng.choice(sorted(value))
    while rng.random() < 0.85:
        inner = place[key]
        if not inner or not isinstance(inner, dict | list):
            break
        place = inner
        key = rng.choice(sorted(inner)) if isinstance(inner, dict) else rng.randrange(len(inner))
    return place, key


def flags(rng: random.Random) -> list[str]:
    """A command with values that nobody means."""
    values = ("", "0", "-1", "1e20", "inf", "nan", "9" * 400, "\0", "\udce9", "x" * 5000, ".",
              "/dev/zero", "..", "a\nb", "1,2", "1,2,3,4", ",", "\u202e", "32769",
              "4294967296")  # fmt: skip
    named = {
        "run": ("--seed", "--limit", "--random-draws", "--random-documents", "--repeat-documents",
                "--attribution-sample", "--speed-documents", "--batch-tokens", "--max-length",
                "--out", "--glossary", "--groups", "--config", "--probe", "--without", "--gates",
                "--device", "--dtype", "--data-dir", "--split", "--text-column", "--spacy-model"),
        "train": ("--epochs", "--target-macs-share", "--sweep", "--lambda", "--max-length", "--out",
                  "--batch-size", "--learning-rate", "--distill", "--seed", "--train-rows",
                  "--device", "--dataset", "--data-dir"),
        "explain": ("--html", "--max-length", "--dtype", "--device", "--baseline"),
        "report": (), "gate": ("--gates",), "convert": ("--out", "--score-norm"),
    }  # fmt: skip
    command = rng.choice(sorted(named))
    given = ["--dataset", "/nowhere/a.csv"] if command in ("run", "train") else [rng.choice(values)]
    if command in ("run", "explain"):
        given += ["--model", "/nowhere/model"]
    if command == "train":
        given += ["--baseline", "/nowhere/model", "--out", "/nowhere/out"]
    for _ in range(rng.randint(0, 2) if named[command] else 0):
        given += [rng.choice(named[command]), rng.choice(values)]
    return [command, *given]
