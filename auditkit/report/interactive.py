"""Pictures that answer the pointer: Vega once, the specification of each picture beside its SVG.

The SVG stays for those whose browser runs no script. Vega interprets its expressions (`ast: true`)
instead of compiling them, so that the page's policy allows no evaluation of text.
"""

import json
from functools import cache
from typing import Any

from auditkit.report.templating import source


def embedded(specification: dict[str, Any]) -> str:
    """A specification as JSON that may stand inside of a script element."""
    tooltips = {"mark": {"tooltip": {"content": "data"}}}
    config = {**specification["config"], **tooltips}
    text = json.dumps({**specification, "config": config}, ensure_ascii=True, sort_keys=True)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


@cache
def vega() -> str:
    """The script that draws: Vega, Vega-Lite and vega-embed, and what calls them."""
    import vl_convert

    bundle = vl_convert.javascript_bundle()  # type: ignore[call-arg]  # all of it may be meant
    return f"{bundle}\n{source('interactive.js')}"
