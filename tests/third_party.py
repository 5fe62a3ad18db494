"""Probes of third parties, as if their packages were installed."""

import sys
from importlib.metadata import EntryPoint, entry_points
from types import ModuleType

import pytest

from auditkit.plugin import discovery


def install(monkeypatch: pytest.MonkeyPatch, *probes: type, alone: bool = False) -> None:
    """As if a package with these probes were installed; `alone`: and no other."""
    module = ModuleType("third_party")
    entries = [] if alone else list(entry_points(group=discovery.GROUP))
    for probe in probes:
        setattr(module, probe.__name__, probe)
        name = probe.__dict__["name"]
        value = f"third_party:{probe.__name__}"
        entries.append(EntryPoint(name=name, value=value, group=discovery.GROUP))
    monkeypatch.setitem(sys.modules, "third_party", module)
    monkeypatch.setattr(discovery, "entry_points", lambda group: entries)
