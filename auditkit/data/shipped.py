"""Lists of words that ship or that a user writes, as YAML: found by name, and parsed."""

from importlib.resources import files
from pathlib import Path
from typing import Any

from auditkit.data.formats import read_text
from auditkit.errors import DataError, SettingsError
from auditkit.strict_yaml import parsed
from auditkit.text import one_of, said


def read_shipped(folder: str, name: str, what: str, *, alone: str = "") -> Any:
    """The values of a list that ships in `configs/<folder>`, or of a YAML file.

    Args:
        folder: Such as `lexicons`.
        name: Of a list that ships, or a path.
        what: What errors call such lists, such as `lexicon`.
        alone: Said before its name where only one that ships will do; "": a file does, too.

    Raises:
        DataError: There is none of that name, or it is no YAML.
    """
    packaged = {
        entry.name.removesuffix(".yaml"): entry
        for entry in files("auditkit.configs").joinpath(folder).iterdir()
        if entry.name.endswith(".yaml")
    }
    if name in packaged:
        text = packaged[name].read_text(encoding="utf-8")
    elif Path(name).is_file() and not alone:
        text = read_text(Path(name))
    else:
        raise DataError(
            f"{alone or f'no {what}'} {name!r}; a YAML file, or {one_of(packaged, name)}"
        )
    try:
        return parsed(text, f"{what} {Path(name).name}")
    except SettingsError as error:
        raise DataError(said(error)) from error
