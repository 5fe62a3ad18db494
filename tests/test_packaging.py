"""The wheel holds what the tree holds, and works where the tree is not."""

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import tomllib
import venv
import zipfile
from importlib.metadata import entry_points
from pathlib import Path

import pytest
from conftest import ROOT
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

FOLDERS = {"auditkit": "auditkit", "probes": "auditkit/probes"} | {
    name: f"auditkit/{name}" for name in ("templates", "configs")
}
"""Folders of the tree that are installed, and where."""


def run(*command: str | Path, cwd: Path, code: int = 0) -> str:
    """A command's output, outside of the tree and without this process's import paths."""
    environment = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "PYTHONHOME")}
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True)
    assert done.returncode == code, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def installed(package: str | Path, python: Path, *flags: str) -> None:
    """Put a package into the environment of an interpreter, from here and with no other."""
    command = ("-m", "pip", "--python", str(python), "install", "--quiet", "--no-deps")
    run(sys.executable, *command, "--no-index", *flags, str(package), cwd=python.parent)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from a copy, so that no leftover of an earlier build gets into it."""
    base = tmp_path_factory.mktemp("wheel")
    tree = base / "tree"
    tree.mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE", "NOTICE"):
        shutil.copy(ROOT / name, tree)
    for name in FOLDERS:
        shutil.copytree(ROOT / name, tree / name, ignore=shutil.ignore_patterns("__pycache__"))
    command = ("-m", "build", "--wheel", "--no-isolation", "--outdir", str(base / "dist"))
    run(sys.executable, *command, str(tree), cwd=base)
    (built,) = (base / "dist").glob("*.whl")
    return built


@pytest.fixture(scope="module")
def python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of a clean environment that holds the wheel.

    The dependencies come from here by a path file, which is read after the environment's own
    folder and does not run the path files of an editable install.
    """
    base = tmp_path_factory.mktemp("clean")
    venv.create(base / "env", with_pip=False)
    python = base / "env" / "bin" / "python"
    installed(wheel, python)
    site = run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=base)
    here = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    (Path(site.strip()) / "dependencies.pth").write_text("\n".join(sorted(here)))
    return python


def test_the_wheel_holds_the_files_of_the_tree_and_no_others(wheel: Path) -> None:
    expected = {
        f"{target}/{path.relative_to(ROOT / folder).as_posix()}"
        for folder, target in FOLDERS.items()
        for path in (ROOT / folder).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    with zipfile.ZipFile(wheel) as archive:
        held = {name for name in archive.namelist() if ".dist-info/" not in name}
        licences = {Path(name).name for name in archive.namelist() if "/licenses/" in name}
    assert held == expected
    assert licences == {"LICENSE", "NOTICE"}


def test_every_probe_of_the_tree_has_an_entry_point() -> None:
    modules = {p.stem for p in (ROOT / "probes").glob("*.py") if not p.name.startswith("_")}
    mine = [e for e in entry_points(group="auditkit.probes") if e.module.startswith("auditkit.")]
    assert {e.module.removeprefix("auditkit.probes.") for e in mine} == modules
    assert {e.name for e in mine} == modules


def test_the_wheel_works_where_the_tree_is_not(python: Path) -> None:
    code = (
        "import auditkit, sys\n"
        "from auditkit.plugin import discover\n"
        "from auditkit.run.settings import load_settings\n"
        "load_settings('agnews', {'model': 'm'})\n"
        "for name, plugin in discover().items():\n"
        "    probe = plugin.load()\n"
        "    print(name, plugin.distribution, sys.modules[type(probe).__module__].__file__)\n"
    )
    lines = [line.split(" ", 2) for line in run(python, "-c", code, cwd=python.parent).splitlines()]
    mine = [(name, file) for name, distribution, file in lines if distribution == "auditkit"]
    assert {name for name, _ in mine} == {p.stem for p in (ROOT / "probes").glob("[a-z]*.py")}
    environment = python.parent.parent
    assert all(environment in Path(file).parents for _, file in mine)
    listed = run(python.parent / "auditkit", "probes", cwd=python.parent)
    assert all(name in listed for name, _ in mine)


@pytest.mark.slow
def test_a_third_partys_probes_are_asked_beside_the_wheel(
    python: Path, model: Path, data: str, tmp_path: Path
) -> None:
    """One of a package that `probes new` began, and one that breaks: the others lose nothing."""
    run(python.parent / "auditkit", "probes", "new", "long_words", "--package", cwd=tmp_path)
    package = tmp_path / "auditkit-long-words"
    (module,) = package.glob("src/*/long_words.py")
    good = module.read_text(encoding="utf-8")
    broken = good.replace("long_words", "burst").replace("LongWords", "Burst")
    start = broken.index("def analyse")
    broken = (
        broken[:start] + "def analyse(self, trace, rng):\n        raise OSError('<b>burst</b>')\n"
    )
    (module.with_name("burst.py")).write_text(broken, encoding="utf-8")
    project = package / "pyproject.toml"
    line = next(one for one in project.read_text().splitlines() if one.startswith("long_words ="))
    more = line.replace("LongWords", "Burst").replace("long_words", "burst").partition("  #")[0]
    more = more.replace("auditkit_burst", "auditkit_long_words")
    project.write_text(project.read_text().replace(line, f"{line}\n{more}"), encoding="utf-8")
    installed(package, python, "--no-build-isolation")
    listed = run(python.parent / "auditkit", "probes", cwd=tmp_path)
    assert "auditkit-long-words.long_words" in listed
    out = tmp_path / "run"
    names = ("performance", "auditkit-long-words.long_words", "auditkit-long-words.burst")
    flags = [word for name in names for word in ("--probe", name)]
    told = run(
        python.parent / "auditkit", "run", "--model", model, "--dataset", data, "--out", out,
        "--speed-documents", "0", "--random-draws", "1", *flags, cwd=tmp_path, code=3,
    )  # fmt: skip
    assert "broke" in told
    results = json.loads((out / "results.json").read_text(encoding="utf-8"))
    assert {one["probe"] for one in results["findings"]} == set(names[:2])
    (failure,) = results["failures"]
    assert (failure["probe"], failure["distribution"]) == (names[2], "auditkit-long-words")
    assert "<b>burst</b>" in failure["error"]
    page = (out / "report.html").read_text(encoding="utf-8")
    assert "&lt;b&gt;burst&lt;/b&gt;" in page
    assert "<b>burst" not in page


def test_every_requirement_is_pinned_within_its_bounds() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pins = dict(line.split("==") for line in lines if not line.startswith("#"))
    extras = [line for extra in project["optional-dependencies"].values() for line in extra]
    for requirement in map(Requirement, project["dependencies"] + extras):
        assert requirement.specifier.contains(pins[canonicalize_name(requirement.name)])
