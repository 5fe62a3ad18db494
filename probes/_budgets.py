"""The budgets trained from one baseline: accuracy against MACs, as measured in training."""

from collections.abc import Sequence

from auditkit.finding.values import Cell, Chart, Interval, Table
from auditkit.plugin.figures import columns
from auditkit.stats.estimates import share_of
from auditkit.trace.tables import BudgetAbout

HELD_OUT = (
    "Measured at the end of training on documents held out of the training data, not on the "
    "audited data; the same documents for every budget. Accuracies are compared without a paired "
    "test."
)


def budgets_table(budgets: Sequence[BudgetAbout]) -> Table:
    """One row a budget; `undominated` names those that no other budget beats.

    A budget is Pareto-optimal unless another one has at most its share of MACs and at least its
    accuracy, and is better in one of the two.
    """
    rows: list[tuple[Cell, ...]] = []
    for budget in budgets:
        accuracy = share_of(round(budget.accuracy * budget.held_out), budget.held_out)
        low, high = accuracy.interval or (0.0, 1.0)
        rows.append(
            (
                "this checkpoint" if budget.audited else "another budget",
                budget.target,
                budget.reached,
                budget.accuracy,
                Interval(low, high),
                budget.held_out,
                (budget.accuracy - budget.baseline_accuracy) * 100,
                "no" if any(_beats(other, budget) for other in budgets) else "yes",
            )
        )
    return Table(
        name="budgets",
        title="Budgets trained from this baseline, on held-out training documents",
        columns=columns(
            ("model", "Checkpoint", "label"),
            ("target", "Target share of MACs", "share"),
            ("reached", "Reached share of MACs", "share"),
            ("accuracy", "Held-out accuracy", "share"),
            ("interval", "95 % interval", "interval", "Wilson's score interval."),
            ("documents", "Held-out documents", "count"),
            ("change", "Against the baseline (points)", "number"),
            ("undominated", "Pareto-optimal", "text", "No other budget is as cheap and as accurate "
             "and better in one of the two, by the values alone: intervals may overlap."),
        ),
        rows=tuple(rows),
        note=HELD_OUT,
    )  # fmt: skip


def budgets_chart(budgets: Sequence[BudgetAbout]) -> Chart:
    """Accuracy over share of MACs, with the baseline's accuracy as a line."""
    before = budgets[0].baseline_accuracy
    return Chart(
        name="budgets",
        kind="scatter",
        table="budgets",
        title="Held-out accuracy against the share of MACs, by budget",
        alt=f"Accuracy on held-out training documents over the reached share of the baseline's "
        f"MACs, one mark a budget, with 95 % intervals; the dashed line is the baseline, "
        f"{before:.3f}. The table has the figures.",
        x="reached",
        y="accuracy",
        color="model",
        interval="interval",
        reference=before,
    )


def _beats(one: BudgetAbout, other: BudgetAbout) -> bool:
    no_worse = one.reached <= other.reached and one.accuracy >= other.accuracy
    return no_worse and (one.reached, one.accuracy) != (other.reached, other.accuracy)
