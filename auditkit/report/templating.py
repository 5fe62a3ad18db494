"""Templates and what they may print: everything is escaped, on the page and in markdown.

The sole home of jinja2. All text is escaped by the template engine; what no document may hold
(controls, lone surrogates), and what turns the direction of writing, is replaced on the way out, in
one place (`plain`).
"""

from collections.abc import Callable
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from auditkit.plugin.sentences import figure
from auditkit.report.overview import BADGES
from auditkit.text import cut, inert

if TYPE_CHECKING:
    from jinja2 import Environment

LONGEST_TEXT = 5000
"""Characters of one piece of text on the page."""


@cache
def environment(finalize: Callable[[Any], Any], *, autoescape: bool) -> "Environment":
    """The engine; every expression of a template passes through `finalize`."""
    from jinja2 import Environment, FunctionLoader, StrictUndefined

    environment = Environment(
        autoescape=autoescape,
        undefined=StrictUndefined,
        finalize=finalize,
        loader=FunctionLoader(source),
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {"cut": cut, "figure": lambda v: figure(v, 0)}
    environment.globals |= {"badges": BADGES}
    return environment


def source(name: str) -> str:
    """The text of a file beside the templates."""
    return (files("auditkit.templates") / name).read_text(encoding="utf-8")


def plain(value: Any) -> Any:
    """Every expression of a page passes here before it is escaped."""
    if isinstance(value, str) and not hasattr(value, "__html__"):
        return cut(inert(value), LONGEST_TEXT)
    return value
