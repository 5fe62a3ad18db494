"""Charts as inline SVG: accessible, deterministic, legible on light and on dark paper.

The sole home of altair and vl-convert. Every colour is a variable of the page, so that one picture
serves light, dark and print. Nothing is fetched.
"""

from auditkit.report.charts.drawing import MOST, drawn
from auditkit.report.charts.picture import svg

__all__ = ["MOST", "drawn", "svg"]
