"""The budgets trained from one baseline: accuracy against MACs, as measured in training."""

from collections.abc import Sequence

from auditkit.plugin import BudgetAbout, Chart, Label, Number, Row, Told, columns, tabulate
from auditkit.stats.estimates import share_of

HELD_OUT = (
    "Measured at the end of training on documents held out of the training data, not on the "
    "audited data; the same documents for every budget. Accuracies are compared without a paired "
    "test."
)


def budgets_table(budgets: Sequence[BudgetAbout], arm: str | None) -> Told:
    """One row a budget that `arm` was trained for; `undominated` are those no other one beats.

    A budget is Pareto-optimal unless another one has at most its share of MACs and at least its
    accuracy, and is better in one of the two.
    """
    return tabulate(
        "budgets",
        "Budgets trained from this baseline, on held-out training documents",
        [
            Label("model", "Checkpoint"),
            Label("level", "Target share of MACs"),
            *columns(("reached", "Reached share of MACs", "share")),
            Number("held_out_accuracy", "Held-out accuracy", "share",
                   interval="Exact (Clopper and Pearson).", better="higher"),
            *columns(
                ("documents", "Held-out documents", "count"),
                ("change", "Against the baseline (points)", "number"),
                ("undominated", "Pareto-optimal", "text", "No other budget is as cheap and as "
                 "accurate and better in one of the two, by the values alone: intervals may "
                 "overlap."),
            ),
        ],
        [
            Row(
                {
                    "model": "this checkpoint" if budget.audited else "another budget",
                    "level": budget.target,
                },
                {
                    "held_out_accuracy": share_of(
                        round(budget.accuracy * budget.held_out), budget.held_out
                    )
                },
                {
                    "reached": budget.reached,
                    "documents": budget.held_out,
                    "change": (budget.accuracy - budget.baseline_accuracy) * 100,
                    "undominated": "no" if any(_beats(o, budget) for o in budgets) else "yes",
                },
            )
            for budget in budgets
        ],
        note=HELD_OUT,
        arm=arm,
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
        y="held_out_accuracy",
        color="model",
        interval="held_out_accuracy_interval",
        reference=before,
    )


def _beats(one: BudgetAbout, other: BudgetAbout) -> bool:
    no_worse = one.reached <= other.reached and one.accuracy >= other.accuracy
    return no_worse and (one.reached, one.accuracy) != (other.reached, other.accuracy)
