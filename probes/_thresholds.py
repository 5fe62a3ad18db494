"""Learned thresholds by layer, and the way that they took through the training."""

from collections.abc import Sequence
from typing import Any

from auditkit.plugin import About, Chart, Column, Label, Row, Table, Told, columns, tabulate

PATH = Chart(
    name="threshold_path",
    kind="lines",
    table="threshold_path",
    title="Thresholds of the layers while they were learned",
    alt="One line a layer over the steps of the soft stage; a token whose importance score lies "
    "below the threshold is dropped. The table has the figures.",
    x="step",
    y="threshold",
    color="layer",
)


def path_of(about: About) -> Sequence[dict[str, Any]]:
    """Steps of the soft stage and the thresholds then; none where the training is not known."""
    told: Sequence[dict[str, Any]] = (about.training or {}).get("thresholds", ())
    layers = len(about.model.thresholds)
    return [step for step in told if len(step["thresholds"]) == layers]


def path_table(about: About) -> Table:
    """The threshold of every layer at every step that training told of."""
    return Table(
        name="threshold_path",
        title="Thresholds while they were learned, in the soft stage",
        columns=columns(
            ("step", "Step", "count"),
            ("layer", "Layer", "label"),
            ("threshold", "Threshold", "number"),
        ),
        rows=tuple(
            (int(told["step"]), str(layer), float(value))
            for told in path_of(about)
            for layer, value in enumerate(told["thresholds"], start=1)
        ),
        note="One offset common to all layers is fitted after the last step, to meet the budget.",
    )


def thresholds_table(about: About) -> Told:
    """What was learned, layer by layer, and what it was after each stage of the training."""
    final = about.model.thresholds
    stages = {
        str(stage["stage"]): stage["thresholds"]
        for stage in (about.training or {}).get("stages", ())
        if len(stage.get("thresholds", ())) == len(final) and any(stage["thresholds"])
    }
    return tabulate(
        "thresholds",
        "Learned thresholds by layer",
        [
            Label("layer", "Layer", "count"),
            Column(name="threshold", title="Threshold", kind="number",
                   help="A token whose importance score lies below it is dropped."),
            *(Column(name=f"after_{name}", title=f"After stage {name}", kind="number")
              for name in stages),
        ],
        [
            Row(
                {"layer": layer + 1},
                facts={
                    "threshold": value,
                    **{f"after_{name}": float(told[layer]) for name, told in stages.items()},
                },
            )
            for layer, value in enumerate(final)
        ],
    )  # fmt: skip
