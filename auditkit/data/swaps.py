"""Words that can stand for one another: a YAML file → `Swaps`."""

import re
from pathlib import Path
from typing import Any

from auditkit.data.shipped import read_shipped
from auditkit.errors import DataError
from auditkit.plugin.swaps import SLOT, TEMPLATES, Forms, Ground, Identity, Swaps
from auditkit.text import one_of

MOST = 10_000
"""Rows of a ground, words of a list, and templates."""
MOST_IDENTITIES = 20
"""Groups of templates: every two of them are compared."""
_SECTIONS = ("anywhere", "before_nouns", "alone")
_KEYS = ("extends", "language", "grounds", "closed", "never_before", "templates", "identities")
_WORD = re.compile(r"[^\W\d_]+")


def read_swaps(name: str) -> Swaps:
    """The swaps of a file that ships (`english`), or of a YAML file.

    The file maps grounds to groups and rows of forms, and may hold templates:

        language: en
        grounds: {gender: {groups: [men, women], alone: [[man, woman], [men, women]]}}
        templates: ["My neighbour is a [IDENTITY_S]."]
        identities: {women: {IDENTITY_S: woman}, men: {IDENTITY_S: man}}

    Raises:
        DataError: There is no such file, it is no such YAML, a row has not one form for each group,
            a form stands twice in a section, or a template has a slot that no identity fills.
    """
    return _read(name)


def _read(name: str, *, alone: str = "") -> Swaps:
    what, values = f"swaps {Path(name).name}", read_shipped("swaps", name, "swaps", alone=alone)
    if not isinstance(values, dict) or not values:
        raise DataError(f"{what}: expected a mapping with `grounds` or `templates`")
    strange = [key for key in values if key not in _KEYS]
    if strange:
        raise DataError(f"{what}: unknown key {strange[0]!r}; {one_of(_KEYS, str(strange[0]))}")
    base = Swaps()
    if "extends" in values:
        base = _read(str(values["extends"]), alone="extends: no swaps that ship are called")
    own = _own(what, values)
    if not (base.grounds or own.grounds or own.templates):
        raise DataError(f"{what}: neither `grounds` nor `templates`")
    mine = {ground.name for ground in own.grounds}
    return Swaps(
        own.language or base.language,
        (*(ground for ground in base.grounds if ground.name not in mine), *own.grounds),
        own.closed or base.closed,
        own.never_before or base.never_before,
        own.templates or base.templates,
        own.identities or base.identities,
    )


def _own(what: str, values: dict[Any, Any]) -> Swaps:
    grounds = values.get("grounds", {})
    if not isinstance(grounds, dict):
        raise DataError(f"{what}: `grounds` is no mapping of grounds to groups and forms")
    templates = _list(f"{what}, templates", values.get("templates", []))
    identities = _identities(what, values.get("identities", {}))
    known = {slot for identity in identities for slot, _ in identity.forms}
    for template in templates:
        slots = set(SLOT.findall(template))
        if not slots or slots - known:
            missing = f"no identity fills {min(slots - known)!r}" if slots else "has no [SLOT]"
            raise DataError(f"{what}: the template {template!r:.80} {missing}")
    return Swaps(
        str(values.get("language", "")),
        tuple(_ground(what, str(name), one) for name, one in grounds.items()),
        tuple(w.lower() for w in _list(f"{what}, closed", values.get("closed", []))),
        tuple(w.lower() for w in _list(f"{what}, never_before", values.get("never_before", []))),
        tuple(templates),
        identities,
    )


def _ground(what: str, name: str, values: Any) -> Ground:
    what = f"{what}, ground {name!r}"
    if name == TEMPLATES:
        raise DataError(f"{what}: that is what templates are called; give it another name")
    if not isinstance(values, dict) or set(values) - {"groups", *_SECTIONS}:
        raise DataError(f"{what}: expected `groups`, and rows of {', '.join(_SECTIONS)}")
    groups = _list(f"{what}, groups", values.get("groups", []))
    if len(groups) < 2 or len(set(groups)) < len(groups):
        raise DataError(f"{what}: {groups!r:.80} are not two and more different groups")
    sections = [_forms(f"{what}, {one}", values.get(one, []), len(groups)) for one in _SECTIONS]
    if not any(sections):
        raise DataError(f"{what}: no row of forms")
    return Ground(name, tuple(groups), *sections)


def _forms(what: str, rows: Any, groups: int) -> Forms:
    if not isinstance(rows, list) or len(rows) > MOST:
        raise DataError(f"{what}: expected a list of rows, {MOST:,} at most")
    told = []
    seen: set[str] = set()
    for row in rows:
        forms = [form.lower() for form in _list(what, row)]
        if len(forms) != groups:
            raise DataError(f"{what}: {row!r:.80} has {len(forms)} forms for {groups} groups")
        for form in forms:
            if not _WORD.fullmatch(form):
                raise DataError(f"{what}: {form!r:.80} is not one word of letters")
            if form in seen:
                raise DataError(f"{what}: {form!r:.80} stands there twice")
            seen.add(form)
        told.append(tuple(forms))
    return tuple(told)


def _identities(what: str, values: Any) -> tuple[Identity, ...]:
    if not isinstance(values, dict) or len(values) > MOST_IDENTITIES:
        raise DataError(
            f"{what}: `identities` is no mapping of {MOST_IDENTITIES} groups at most to their slots"
        )
    told = []
    for group, forms in values.items():
        if not isinstance(forms, dict) or not forms:
            raise DataError(
                f"{what}, identity {group!r}: expected slots, such as IDENTITY_P: women"
            )
        for slot, form in forms.items():
            if not isinstance(form, str) or not form.strip():
                raise DataError(f"{what}, identity {group!r}: {slot!r} holds {form!r:.80}, no text")
        told.append(Identity(str(group), tuple((str(s), f) for s, f in forms.items())))
    return tuple(told)


def _list(what: str, values: Any) -> list[str]:
    if not isinstance(values, list) or len(values) > MOST:
        raise DataError(f"{what}: expected a list, {MOST:,} at most")
    for value in values:
        if not isinstance(value, str) or not value.strip():
            raise DataError(
                f"{what}: {value!r:.80} is no text (write yes, no, on and numbers in quotes)"
            )
    return values
