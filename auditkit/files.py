"""Writing files that are there whole or not at all, whenever the process dies."""

from pathlib import Path


def write_whole(path: Path, text: str) -> None:
    """Replace `path` by a file that holds `text`, in one step."""
    partial = path.with_name(path.name + ".partial")
    partial.write_text(text, encoding="utf-8")
    partial.replace(path)
