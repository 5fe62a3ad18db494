"""A part of somebody else's README that is ours: put in, replaced, and nothing else touched.

A part of ours lies between two lines of comment, in the metadata as in the text, so that it is
found again whatever stands around it.
"""

import re
from typing import Any

import yaml

from auditkit.errors import SettingsError
from auditkit.text import said

BEGIN, END = "auditkit: begin", "auditkit: end"
KEY = "model-index"
"""The list of models with their results, as the hub reads it from the metadata."""
_BLOCK = re.compile(r"\A(\s*---[ \t]*\n)(.*?)(^---[ \t]*(?:\n|\Z))", re.DOTALL | re.MULTILINE)


def spliced(text: str, entry: list[Any], section: str) -> str:
    """A README with an entry at the end of its model-index and a section at the end of its text.

    Those that were put in before are replaced where they stand; all else stays to the byte.

    Args:
        text: The README; "" where there is none.
        entry: Of the model-index, as a list of one; []: none.
        section: Markdown.

    Raises:
        SettingsError: A mark of ours without its other half, or metadata that nothing can be added
            to without writing them anew.
    """
    mark = "\ufeff" * text.startswith("\ufeff")
    ending = "\r\n" if "\r\n" in text else "\n"
    plain = text.removeprefix("\ufeff")
    found = _BLOCK.match(plain.replace("\r\n", "\n"))
    if "\r" in plain.replace("\r\n", "") or (ending == "\r\n" and _mixed(plain)):
        raise SettingsError("README.md ends its lines in several ways; make them all alike")
    plain = plain.replace("\r\n", "\n")
    opening, held, closing = found.groups() if found else ("---\n", "", "---\n")
    body = plain[found.end() :] if found else plain
    metadata = _metadata(held, entry)
    head = opening + metadata + closing if found or metadata else ""
    whole = head + _body(body, section)
    return mark + whole.replace("\n", ending)


def _mixed(text: str) -> bool:
    return text.count("\n") != text.count("\r\n")


def _body(text: str, section: str) -> str:
    ours = f"<!-- {BEGIN} -->\n{section.strip()}\n<!-- {END} -->\n"
    before, after = _around(text, "<!-- {} -->")
    if after is None:
        gap = "" if text.endswith("\n\n") else "\n" if text.endswith("\n") or not text else "\n\n"
        return text + gap + ours
    return before + ours + after


def _metadata(held: str, entry: list[Any]) -> str:
    before, after = _around(held, "# {}")
    left = before + (after or "")
    kept = _mapping(left)
    if not entry:
        return left
    dumped = yaml.safe_dump(entry, sort_keys=False, allow_unicode=True, width=1000)
    if KEY not in kept:
        ours = f"{KEY}:\n{dumped}"
        place, column = (len(before) if after is not None else len(left)), 0
    else:
        place, column = _end_of_list(left)
        ours = dumped
    lines = re.sub(r"^(?=.)", " " * column, f"# {BEGIN}\n{ours}# {END}\n", flags=re.MULTILINE)
    gap = "" if not left[:place] or left[:place].endswith("\n") else "\n"
    made = left[:place] + gap + lines + left[place:]
    expected = {**kept, KEY: [*(kept.get(KEY) or []), *entry]}
    if _mapping(made) != expected:
        raise SettingsError(
            f"README.md: its {KEY} takes no entry without being written anew; write it as a list, "
            "one entry a line and a dash"
        )
    return made


def _around(text: str, style: str) -> tuple[str, str | None]:
    """What stands before and after our part; all of it and None where there is none.

    Raises:
        SettingsError: A mark stands alone, or twice.
    """
    begin, end = (
        [line for line in re.finditer(r"^[ \t]*(.*?)[ \t]*(?:\n|\Z)", text, re.MULTILINE)
         if line[1] == style.format(mark)]
        for mark in (BEGIN, END)
    )  # fmt: skip
    if not begin and not end:
        return text, None
    if len(begin) != 1 or len(end) != 1 or begin[0].start() > end[0].start():
        raise SettingsError(
            f"README.md has {len(begin)} lines `{style.format(BEGIN)}` and {len(end)} lines "
            f"`{style.format(END)}`, expected one of each in this order; mend or remove them"
        )
    return text[: begin[0].start()], text[end[0].end() :]


def _mapping(held: str) -> dict[str, Any]:
    try:
        values = yaml.safe_load(held)
    except yaml.YAMLError as error:
        raise SettingsError(f"README.md: its metadata are no YAML: {said(error)}") from error
    if values is None:
        return {}
    if not isinstance(values, dict):
        raise SettingsError("README.md: its metadata are no mapping of keys to values; mend them")
    return values


def _end_of_list(held: str) -> tuple[int, int]:
    """Where a further entry of the model-index begins: its place in the text, and its column."""
    root = yaml.compose(held)
    assert root is not None  # it holds the key
    (listed,) = (value for key, value in root.value if key.value == KEY)
    if not isinstance(listed, yaml.SequenceNode) or listed.flow_style or not listed.value:
        raise SettingsError(
            f"README.md: its {KEY} is no list with a dash before each entry; write it as one"
        )
    end = _last(listed).end_mark
    within = held.find("\n", end.index) + 1 or len(held)  # of the line that it ends in
    return (within if end.column else end.index), listed.start_mark.column


def _last(node: yaml.Node) -> yaml.Node:
    """The last leaf of a tree."""
    while isinstance(node, yaml.CollectionNode) and node.value and not node.flow_style:
        end = node.value[-1]
        node = end[1] if isinstance(end, tuple) else end
    return node
