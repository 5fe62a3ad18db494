"""The budgets trained from one baseline: accuracy against MACs, as measured in training."""

from collections.abc import Sequence

from auditkit.plugin import BudgetAbout, Chart, Label, Number, Row, Told, columns, tabulate
from auditkit.stats.estimates import share_of

HELD_OUT = (
    "Measured at the end of training on documents held out of the training data, not on the "
    "audited data; the same documents for every budget. Accuracies are compared without a paired "
    "test."
)


def budgets_table(budgets: Sequence[BudgetAbout], arm: str) -> Told:
    """One row a budget that `arm` was trained for, and first the baseline, which costs all of it.

    `undominated` are those that no other one beats: with at most its share of MACs and at least
    its accuracy, and better in one of the two.
    """
    whole = budgets[0].model_copy(
        update={"target": 1.0, "reached": 1.0, "accuracy": budgets[0].baseline_accuracy}
    )
    named = [("the baseline", "baseline", whole)]
    named += [("this checkpoint" if b.audited else "another budget", arm, b) for b in budgets]
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
                {"model": name, "arm": of, "level": budget.target},
                {
                    "held_out_accuracy": share_of(
                        round(budget.accuracy * budget.held_out), budget.held_out
                    )
                },
                {
                    "reached": budget.reached,
                    "documents": budget.held_out,
                    "change": (budget.accuracy - budget.baseline_accuracy) * 100,
                    "undominated": "no" if any(_beats(o, budget) for *_, o in named) else "yes",
                },
            )
            for name, of, budget in named
        ],
        note=HELD_OUT,
    )  # fmt: skip


def budgets_chart(budgets: Sequence[BudgetAbout]) -> Chart:
    """Accuracy over share of MACs, each budget beside its target, the baseline's as a line."""
    before = budgets[0].baseline_accuracy
    return Chart(
        name="budgets",
        kind="scatter",
        table="budgets",
        title="Held-out accuracy against the share of MACs, by budget",
        alt="Accuracy on held-out training documents over the reached share of the baseline's "
        "MACs, one mark a budget, beside it the share that it was trained for, with 95 % "
        "intervals. The table has the figures.",
        x="reached",
        y="held_out_accuracy",
        color="model",
        interval="held_out_accuracy_interval",
        label="level",
        reference=before,
        reference_name="the baseline",
    )


def _beats(one: BudgetAbout, other: BudgetAbout) -> bool:
    no_worse = one.reached <= other.reached and one.accuracy >= other.accuracy
    return no_worse and (one.reached, one.accuracy) != (other.reached, other.accuracy)
