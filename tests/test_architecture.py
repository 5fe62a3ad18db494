"""The import rule of CONTRIBUTING.md, read from the source without importing any of it."""

import ast
import importlib
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from conftest import ROOT
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ORDER = (
    "_version", "errors", "signals", "text", "ranges", "files", "strict_yaml", "stats", "ltp",
    "finding", "trace", "plugin", "testing", "data", "bench", "record", "report", "outputs",
    "run", "cli", "__main__",
)  # fmt: skip
"""A room imports from itself and from those before it."""

FOR_PROBES = {"errors", "text", "stats", "trace", "finding", "plugin", "probes"}

HOMES = {
    "altair": {"report"},
    "captum": {"bench"},
    "click": {"cli"},
    "datasets": {"data", "ltp"},
    "jinja2": {"report"},
    "loky": {"record"},
    "mlflow": {"outputs"},
    "ray": {"record"},
    "rich": {"cli"},
    "sklearn": {"stats", "probes"},
    "spacy": {"data"},
    "statsmodels": {"stats"},
    "torch": {"ltp", "bench"},
    "transformers": {"ltp", "bench"},
    "vl_convert": {"report"},
}
"""The only rooms that may import a library, at their top or inside a function."""

HEAVY = {
    "altair",
    "datasets",
    "mlflow",
    "pandas",
    "ray",
    "sklearn",
    "spacy",
    "statsmodels",
    "torch",
    "transformers",
}

SOURCES = sorted([*ROOT.glob("auditkit/**/*.py"), *ROOT.glob("probes/**/*.py")])

MOST_LINES = 250

EXCEPTIONS: dict[str, int] = {}
"""Files that are longer, and their lines: a list that only shrinks."""

SLACK = 10
"""A listed file that is shorter than its number by more lines than this gets a lower number."""


def home(path: Path) -> str:
    """The module or package right below auditkit: `trace`, `ltp`, `probes`; "" for auditkit."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    inside = parts if parts[0] == "probes" else parts[1:]
    return "" if inside == ("__init__",) else inside[0]


ROOMS = sorted({home(path) for path in SOURCES if path.parent != ROOT / "auditkit"})


def imports(path: Path) -> Iterator[str]:
    """Dotted names of what a file imports, wherever in the file."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: imports are absolute"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def internal(path: Path) -> Iterator[str]:
    """Which modules and packages right below auditkit a file imports."""
    for name in imports(path):
        parts = name.split(".")
        if parts[0] == "auditkit" and len(parts) > 1:
            yield parts[1]


def dotted(path: Path) -> str:
    """The name that a file is imported by, `auditkit.trace.tables`; a package's its face."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    parts = parts[:-1] if path.name == "__init__.py" else parts
    return ".".join(("auditkit",) * (parts[0] == "probes") + parts)


def relative(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", SOURCES, ids=relative)
def test_imports_obey_the_rule(path: Path) -> None:
    mine = home(path)
    if mine == "":  # the public face may name anything
        return
    if mine == "probes":
        assert set(internal(path)) <= FOR_PROBES
        return
    assert mine in ORDER, f"give {mine} its place in tests/test_architecture.py"
    for other in internal(path):
        assert other in ORDER, f"{relative(path)} imports {other}"
        assert ORDER.index(other) <= ORDER.index(mine), f"{relative(path)} may not import {other}"


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_has_no_circles(room: str) -> None:
    """Faces are left out: they import what they show, and no module of the room imports them."""
    package = f"auditkit.{room}."
    modules = {dotted(p): p for p in SOURCES if home(p) == room and p.name != "__init__.py"}
    uses: dict[str, set[str]] = {}
    for module, path in modules.items():
        named = [name for name in imports(path) if f"{name}.".startswith(package)]
        uses[module] = {n if n in modules else n.rpartition(".")[0] for n in named}
        assert uses[module] <= modules.keys(), f"{module} imports the face of its own room"
    try:
        TopologicalSorter(uses).prepare()
    except CycleError as error:
        pytest.fail(" → ".join(error.args[1]))


@pytest.mark.parametrize("path", SOURCES, ids=relative)
def test_a_library_has_one_home(path: Path) -> None:
    for name in imports(path):
        library = name.split(".")[0]
        assert home(path) in HOMES.get(library, {home(path)}), f"{relative(path)} uses {library}"


def test_every_library_in_use_is_declared() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    lines = project["dependencies"] + extras["demo"] + extras["mlflow"] + extras["ray"]
    declared = {canonicalize_name(Requirement(line).name) for line in lines}
    distributions = packages_distributions()
    used = {name.split(".")[0] for path in SOURCES for name in imports(path)}
    for library in sorted(used - sys.stdlib_module_names - {"auditkit"}):
        owners = {canonicalize_name(owner) for owner in distributions[library]}
        assert owners & declared, f"{library} is imported and not in pyproject.toml"


@pytest.mark.parametrize(
    "path", [p for p in SOURCES if "__all__ = " in p.read_text(encoding="utf-8")], ids=relative
)
def test_all_is_exact_where_it_is_defined(path: Path) -> None:
    package = path.name == "__init__.py"
    module = importlib.import_module(dotted(path))
    public = set()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            public.add(node.name)
        elif package and isinstance(node, ast.ImportFrom):  # a package's face is what it imports
            public |= {alias.asname or alias.name for alias in node.names}
    assert {name for name in public if not name.startswith("_")} <= set(module.__all__)
    assert all(hasattr(module, name) for name in module.__all__)
    assert len(set(module.__all__)) == len(module.__all__)


@pytest.mark.parametrize("path", SOURCES, ids=relative)
def test_files_stay_readable(path: Path) -> None:
    name = relative(path)
    lines = len(path.read_text(encoding="utf-8").splitlines())
    most = EXCEPTIONS.get(name, MOST_LINES)
    assert lines <= most, f"{name} has {lines} lines, {most} at most: find its seam and cut it"
    if name in EXCEPTIONS:
        assert lines > MOST_LINES, f"{name} has {lines} lines now: take it off the list"
        assert lines >= most - SLACK, f"{name} has {lines} lines now: lower its number"


def test_the_exceptions_are_files_that_are_there() -> None:
    assert EXCEPTIONS.keys() <= set(map(relative, SOURCES))


@pytest.mark.parametrize("arguments", [["--help"], ["run", "--help"], ["probes", "--help"]])
def test_help_needs_no_heavy_library(arguments: list[str]) -> None:
    code = (
        "import sys\n"
        "from auditkit.cli import main\n"
        f"sys.argv = ['auditkit', *{arguments!r}]\n"
        "try:\n"
        "    main()\n"
        "except SystemExit as end:\n"
        "    assert end.code in (0, None), end.code\n"
        "print(*sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "Usage" in done.stdout
    assert not HEAVY & set(done.stdout.splitlines()[-1].split())


def test_reading_a_trace_needs_no_model_library() -> None:
    rooms = "auditkit.plugin, auditkit.report.page, auditkit.run.settings"
    code = f"import sys, {rooms}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"torch", "transformers", "spacy", "datasets"} & set(done.stdout.split())
