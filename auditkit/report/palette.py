"""The colours of page and pictures: the only place where the value of one stands.

Each is a variable of the style sheet, one value on light and on paper, another on dark. What text
may be written in has a contrast of at least 4.5 on `paper` and on `wash`.
"""

from collections.abc import Mapping

_SERIES = (
    ("#1f5fa8", "#7fb0ee"), ("#b3530a", "#eda35e"), ("#217a59", "#6cc7a0"), ("#8a3f8f", "#cf94d6"),
    ("#856600", "#d9bf56"), ("#b02a4c", "#f0889f"), ("#2f7690", "#84c9df"), ("#5a6470", "#aeb6c0"),
)  # fmt: skip

PALETTE: Mapping[str, tuple[str, str]] = {
    "paper": ("#fff", "#14171b"),
    "wash": ("#f4f5f7", "#1d2127"),
    "ink": ("#1b2026", "#e3e7ec"),
    "soft": ("#565f6a", "#a6afba"),
    "rule": ("#b9c0c9", "#4a525d"),
    "grid": ("#e4e7eb", "#2a3038"),
    "link": ("#0a4f96", "#8cbdf5"),
    "gone": ("#666e79", "#98a1ac"),
    "now": ("#a6301c", "#f29a86"),
    "pass": ("#1a6a41", "#74cb9c"),
    "fail": ("#a31f22", "#f58e8b"),
    "warn": ("#7d4f00", "#e0b25c"),
    "open": ("#5b4696", "#b9a6ee"),
    **{f"c{number}": pair for number, pair in enumerate(_SERIES, start=1)},
}
"""By name: the value on light and on dark. `c1`, `c2`, … are those of series."""


def paint(name: str) -> str:
    """The colour of that name, as pictures say it.

    >>> paint("ink")
    'var(--ink)'
    """
    return f"var(--{name})"


SERIES = tuple(paint(f"c{number}") for number in range(1, len(_SERIES) + 1))
"""What the series of a picture are drawn in, in this order."""


def style() -> str:
    """The variables as CSS."""
    light, dark = (
        " ".join(f"--{name}: {pair[scheme]};" for name, pair in PALETTE.items())
        for scheme in (0, 1)
    )
    return (
        f":root {{ color-scheme: light dark; {light} }}\n"
        f"@media screen and (prefers-color-scheme: dark) {{ :root {{ {dark} }} }}\n"
    )
