"""Measured time as the page shows it, apart from what is counted."""

import statistics

from auditkit.bench.speed import Speed
from auditkit.finding import Chart, Interval, Table
from auditkit.plugin.rows import columns
from auditkit.report.sections import ChartView, chart_view


def times(speed: Speed) -> Table:
    """What was measured, by arm."""
    rows = []
    for arm, seconds in speed.seconds.items():
        median = statistics.median(seconds)
        spread = Interval(min(seconds), max(seconds))
        rows.append((arm, median, spread, speed.documents / median, speed.tokens / median))
    return Table(
        name="times",
        title="Measured time by arm: medians over the rounds",
        columns=columns(
            ("arm", "Arm", "label"),
            ("seconds", "Seconds", "number", "For all documents of the sample, from token ids to "
             "probabilities, tokenizing not included."),
            ("spread", "Fastest to slowest round", "interval"),
            ("documents", "Documents per second", "number"),
            ("tokens", "Tokens per second", "number", "Tokens that enter the model, special ones "
             f"included{', whether or not they are pruned later' * (speed.arm == 'pruned')}."),
        ),
        rows=tuple(rows),
    )  # fmt: skip


def rounds(speed: Speed, *, interactive: bool) -> ChartView:
    """A dot for each round: how many times as long what prunes nothing took."""
    table = Table(
        name="rounds",
        title="Measured time by round",
        columns=columns(("round", "Round", "label"), ("ratio", "Times as long", "number")),
        rows=tuple((f"round {at}", ratio) for at, ratio in enumerate(speed.ratios, start=1)),
    )
    chart = Chart(
        name="rounds", kind="dots", table="rounds", x="ratio", y="round", reference=1.0,
        reference_name="as fast", title=f"The {speed.against} took "
        f"{statistics.median(speed.ratios):.2f} times as long, by the median round",
        alt=f"One dot a round: time of the {speed.against} model over that of the {speed.arm} "
        "model.",
    )  # fmt: skip
    return chart_view(chart, table, "times-rounds", interactive=interactive)
