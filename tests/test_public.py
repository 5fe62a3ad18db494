"""`import auditkit`: light, and exactly what `__all__` says."""

import importlib
import pkgutil
import subprocess
import sys

import pytest

import auditkit


def test_importing_it_loads_nothing_heavy() -> None:
    code = "import sys, auditkit; auditkit.__all__; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert {name for name in loaded if name.startswith("auditkit")} == {
        "auditkit",
        "auditkit._version",
    }
    assert not {"numpy", "pandas", "pydantic", "torch", "transformers"} & loaded


def test_reading_a_run_needs_no_model_library() -> None:
    code = "import sys, auditkit; auditkit.load, auditkit.Trace; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"torch", "transformers", "spacy", "altair"} & set(done.stdout.split())


def test_every_public_name_is_there() -> None:
    assert auditkit.__all__ == sorted(auditkit.__all__)
    assert dir(auditkit) == auditkit.__all__
    for name in auditkit.__all__:
        value = getattr(auditkit, name)
        home = getattr(value, "__module__", "auditkit")
        assert home.startswith("auditkit")
        assert getattr(value, "__name__", name) == name


def test_no_module_hides_a_public_name() -> None:
    """Importing `auditkit.x` sets the attribute `x` of the package."""
    modules = {module.name for module in pkgutil.iter_modules(auditkit.__path__)}
    assert not modules & set(auditkit.__all__)
    for name in ("run.conduct", "report.page", "trace"):
        importlib.import_module(f"auditkit.{name}")
    assert callable(auditkit.audit)
    assert callable(auditkit.load)


def test_the_errors_are_one_tree() -> None:
    names = [name for name in auditkit.__all__ if name.endswith("Error")]
    assert len(names) == 7
    for name in names:
        assert issubclass(getattr(auditkit, name), auditkit.AuditError)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'auditkit' has no attribute 'adit'"):
        _ = auditkit.adit
