"""A probe of one's own begun: a file that works and its test, or a package of both."""

import keyword
import re
from dataclasses import dataclass
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from string import Template

from auditkit.errors import SettingsError
from auditkit.plugin.discovery import discover
from auditkit.text import shown

_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Begun:
    """What was written, and the commands that go on with it."""

    files: tuple[Path, ...]
    test: str
    use: str


def begin(name: str, folder: Path | str = ".", *, package: bool = False) -> Begun:
    """Write a probe that works, and its test.

    Args:
        name: Of the probe, and of its file.
        folder: Where.
        package: As a package that can be installed, `auditkit-NAME/`.

    Raises:
        SettingsError: No module can have that name, another one has it, or a file is there.
        OSError: It cannot be written.
    """
    if not _NAME.fullmatch(name) or keyword.iskeyword(name):
        raise SettingsError(
            f"probe {shown(name)}: expected a name for a Python file: a small letter, then small "
            "letters, digits and _"
        )
    if name in discover():
        raise SettingsError(f"probe {name!r}: one of that name is installed; give another")
    kind = "".join(part.capitalize() for part in name.split("_"))
    distribution = f"auditkit-{name.replace('_', '-')}"
    inside = distribution.replace("-", "_")
    names = {"name": name, "kind": kind, "called": name, "module": name}
    places = {"probe.py": f"{name}.py", "test_probe.py": f"test_{name}.py"}
    test, use = f"pytest test_{name}.py", f"auditkit run … --probe {name}.py:{kind}"
    if package:
        called = f"{distribution}.{name}"
        names |= {"called": called, "module": f"{inside}.{name}", "distribution": distribution}
        places = {
            "pyproject.toml": f"{distribution}/pyproject.toml",
            "probe.py": f"{distribution}/src/{inside}/{name}.py",
            "test_probe.py": f"{distribution}/tests/test_{name}.py",
        }
        test = f"pytest {distribution}"
        use = f"pip install -e {distribution}, then auditkit run … --probe {called}"
    templates = files("auditkit.templates") / "own_probe"
    written = {
        Path(folder) / place: Template(
            (templates / f"{template}.txt").read_text(encoding="utf-8")
        ).substitute(names)
        for template, place in places.items()
    }
    if package:
        written[Path(folder) / distribution / "src" / inside / "__init__.py"] = '"""A probe."""\n'
    for path in written:
        if path.exists() or path.is_symlink():
            raise SettingsError(f"{path} is there already; give another name, or move it away")
    if not package and find_spec(name) is not None:  # its test would import that one
        raise SettingsError(f"probe {name!r}: Python has a module of that name; give another")
    for path, text in written.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    return Begun(tuple(written), test, use)
