"""JSON documents for other tools."""

import json
from typing import Any

from auditkit.text import inert


def as_text(document: Any) -> str:
    """The document; no text in it holds controls or turns the direction of writing."""
    return json.dumps(_inert(document), ensure_ascii=False, allow_nan=False, indent=1) + "\n"


def _inert(value: Any) -> Any:
    if isinstance(value, str):
        return inert(value)
    if isinstance(value, dict):
        return {_inert(key): _inert(item) for key, item in value.items()}
    return [_inert(item) for item in value] if isinstance(value, list | tuple) else value
