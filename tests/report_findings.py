"""Hand-made findings that show all that tables and pictures can show."""

from typing import Any

from auditkit.finding import (
    ACCURACY,
    CHANGED,
    COST,
    DIFFERENCE,
    LOST,
    OUTLIVES,
    SAVED,
    Card,
    Chart,
    Column,
    Conclusion,
    Finding,
    Interval,
    Mark,
    Measurement,
    Table,
    Undefined,
    Verdict,
)

LAYERS = 6
TWICE = "Documents are the unit of every interval."
"""A caveat of two findings."""


def performance() -> Finding:
    """Key figures, an undefined cell, dots with intervals and a reference, lines."""
    arms = {"baseline": 0.921, "unpruned": 0.9185, "pruned": 0.9132, "random": 0.801}
    measurements = [
        Measurement(
            name="accuracy", value=value, unit="share", n=7600, n_clusters=7600,
            at={"arm": arm}, interval=Interval(value - 0.006, value + 0.006), better="higher",
            headline=True,
        )
        for arm, value in arms.items()
    ] + [
        Measurement(
            name="macs_ratio", value=1.9234, unit="ratio", n=7600, n_clusters=7600,
            at={"arm": "pruned"}, interval=Interval(1.911, 1.936), control="baseline",
            better="higher", headline=True,
        ),
        Measurement(
            name="ece", value=0.0213, unit="share", n=7600, n_clusters=7600,
            at={"arm": "pruned"}, p=0.00002,
            no_interval="the percentile interval of a debiased estimate misses it",
        ),
        Measurement(
            name="f1", value=None, unit="share", n=0, n_clusters=0,
            at={"arm": "random", "class": "Weather"}, undefined="no document of this class",
        ),
        Measurement(
            name="flips", value=212.0, unit="documents", n=7600, n_clusters=7600,
            no_interval="a count",
        ),
        *(
            Measurement(
                name="change", value=value, unit="points", n=n, n_clusters=n,
                at={"class": name} if name else {}, interval=Interval(value - 0.5, value + 0.5),
            )
            for name, value, n in (("", -0.8, 7600), ("World", -2.1, 1900), ("Sports", 0.2, 1900))
        ),
    ]  # fmt: skip
    rows = tuple(
        (
            arm,
            7600,
            value,
            Interval(value - 0.006, value + 0.006),
            0.0004 if arm == "random" else 0.31,
        )
        for arm, value in arms.items()
    )
    table = Table(
        name="arms",
        title="Accuracy of the four arms",
        columns=(
            Column(name="arm", title="Arm", kind="label"),
            Column(name="n", title="Documents", kind="count"),
            Column(name="accuracy", title="Accuracy", kind="share", help="Share of right answers."),
            Column(name="interval", title="95 % interval", kind="interval"),
            Column(name="p", title="p", kind="p", help="Exact McNemar test against the baseline."),
        ),
        rows=(
            *rows[:3],
            (*rows[3][:3], Undefined("fewer than 3 draws"), Undefined("no paired draw")),
        ),
        note="All arms read the same token ids.",
    )
    cost = Table(
        name="cost",
        title="Tokens left after every layer",
        columns=(
            Column(name="layer", title="Layer", kind="count"),
            Column(name="arm", title="Arm", kind="label"),
            Column(name="keep_rate", title="Kept", kind="share"),
            Column(name="range", title="Interval", kind="interval"),
            Column(name="macs", title="MACs", kind="number"),
        ),
        rows=tuple(
            (layer, arm, kept, Interval(kept - 0.03, kept + 0.03), 2.3e9 * kept)
            for arm, rate in (("pruned", 0.82),)
            for layer in range(1, LAYERS + 1)
            for kept in (rate**layer,)
        ),
    )
    dots = Chart(
        name="arms", kind="dots", table="arms", title="Accuracy by arm", x="accuracy", y="arm",
        interval="interval", reference=0.921,
        alt="Pruned lies 0.8 points below the baseline; random keeping lies 12 points below.",
    )  # fmt: skip
    lines = Chart(
        name="cost", kind="lines", table="cost", title="Share of tokens kept by layer", x="layer",
        y="keep_rate", color="arm", interval="range",
        alt="The pruned model keeps fewer tokens with every layer, 30 % after the last.",
    )  # fmt: skip
    return Finding(
        probe="performance",
        version="1",
        question="What does pruning cost in accuracy, and what does it save?",
        claim=(
            "Pruning costs 0.8 points of accuracy against the baseline, 95 % interval "
            "[−1.3, −0.3] points, within the margin of 1.5, at 1.92 times fewer MACs."
        ),
        status="pass",
        measurements=tuple(measurements),
        tables=(table, cost),
        charts=(dots, lines),
        caveats=("MACs are counted, not timed.", TWICE),
        chapter="What it costs and saves",
        conclusions=(
            Conclusion(COST, "Pruning costs 0.8 points.", ("change",)),
            Conclusion(LOST, "World loses 2.1 points.", ("change[class=World]",), "serious"),
        ),
        verdict=Verdict(
            sentence="Acceptable on accuracy: a loss of more than 1.5 points is ruled out.",
            detail="On these 7,600 documents the pruned model is 0.8 points worse.",
            measurements=("change",),
            margin=1.5,
        ),
        cards=(
            Card(title=ACCURACY, value="92.1 → 91.3 %",
                 note="−0.8 points, paired 95 %: −1.3 to −0.3", measurements=("change",)),
            Card(title=SAVED, value="1.92×", note="fewer operations, counted.",
                 measurements=("macs_ratio[arm=pruned]",)),
            Card(title=CHANGED, value="212 of 7,600", note="75 now right, 137 now wrong",
                 measurements=("flips",)),
        ),
        marks=(
            Mark(picture=DIFFERENCE, label="Sports", measurement="change[class=Sports]"),
            Mark(picture=DIFFERENCE, label="World", measurement="change[class=World]"),
            Mark(picture=DIFFERENCE, label="All documents", measurement="change", whole=True),
        ),
        unchecked=("2 groups of under 30 documents",),
    )  # fmt: skip


def retention() -> Finding:
    """Grouped dots, bars, a heat map, and a table long enough to be folded."""
    tags = ("ADJ", "ADP", "ADV", "DET", "NOUN", "PRON", "PROPN", "VERB")
    rows = []
    for i, tag in enumerate(tags):
        for arm in ("pruned", "random"):
            lift = 1.0 if arm == "random" else 0.55 + 0.12 * i
            interval = (
                Undefined("fewer than 5 documents")
                if tag == "ADV"
                else Interval(lift - 0.05, lift + 0.06)
            )
            rows.append((tag, arm, 120 * (i + 3), lift, interval))
    lifts = Table(
        name="lift",
        title="Retention by part of speech",
        columns=(
            Column(name="upos", title="Part of speech", kind="label"),
            Column(name="arm", title="Arm", kind="label"),
            Column(name="n", title="Words", kind="count"),
            Column(name="lift", title="Lift", kind="number", help="Observed over expected rate."),
            Column(name="interval", title="95 % interval", kind="interval"),
        ),
        rows=tuple(rows),
    )
    matrix = Table(
        name="matrix",
        title="Share kept by layer and part of speech",
        columns=(
            Column(name="layer", title="Layer", kind="label"),
            Column(name="upos", title="Part of speech", kind="label"),
            Column(name="kept", title="Kept", kind="share"),
        ),
        rows=tuple(
            (str(layer), tag, Undefined("no words") if tag == "ADV" else (0.6 + 0.045 * i) ** layer)
            for i, tag in enumerate(tags)
            for layer in range(1, LAYERS + 1)
        ),
    )
    common: dict[str, Any] = {"table": "lift", "x": "lift", "y": "upos"}
    return Finding(
        probe="pos_retention",
        version="2",
        question="Which parts of speech survive more often than chance would keep them?",
        claim="Verbs survive 1.39 times as often as under random keeping, [1.34, 1.45].",
        status="reported",
        chapter="What is kept",
        caveats=(TWICE,),
        measurements=tuple(
            Measurement(
                name="concordance", value=value, unit="share", n=900, n_clusters=400,
                at={"category": tag}, interval=Interval(value - 0.02, value + 0.02),
            )
            for tag, value in (("VERB", 0.71), ("DET", 0.21))
        ),
        marks=tuple(
            Mark(picture=OUTLIVES, label=label, measurement=f"concordance[category={tag}]")
            for label, tag in (("determiners (DET)", "DET"), ("verbs (VERB)", "VERB"))
        ),
        conclusions=(
            Conclusion(
                LOST, "Determiners outlive 21 % of the other words.",
                ("concordance[category=DET]",), "notable",
            ),
        ),
        tables=(lifts, matrix),
        charts=(
            Chart(
                name="lift", kind="dots", title="Lift by part of speech", color="arm",
                interval="interval", reference=1.0, alt="Verbs highest, adjectives lowest.",
                **common,
            ),
            Chart(name="bars", kind="bars", title="The same as bars", alt="As above.", **common,
                  color="arm", interval="interval", reference=1.0),
            Chart(name="heat", kind="heat", title="Kept by layer", alt="Rates fall by layer.",
                  table="matrix", x="layer", y="upos", color="kept"),
        ),
    )  # fmt: skip


def attribution() -> Finding:
    """A scatter of many points, drawn in part."""
    rows = tuple(
        (f"d{i}", i * 37 % 101 / 100, i * 53 % 97 / 97, ("World", "Sports")[i % 2])
        for i in range(1000)
    )
    columns = (
        Column(name="id", title="Document", kind="label"),
        Column(name="depth", title="Mean survival depth", kind="number"),
        Column(name="agreement", title="Agreement", kind="number"),
        Column(name="label", title="Class", kind="label"),
    )
    chart = Chart(
        name="points", kind="scatter", table="points", title="Agreement and survival depth",
        x="depth", y="agreement", color="label", reference=0.5, alt="No pattern.",
    )  # fmt: skip
    return Finding(
        probe="attribution_agreement",
        version="1",
        question="Does pruning keep what attributions point at?",
        claim="Agreement is 0.03 above chance, 95 % interval [−0.02, 0.08]: no difference shown.",
        status="inconclusive",
        tables=(Table(name="points", title="Documents", columns=columns, rows=rows),),
        charts=(chart,),
        caveats=("Agreement is not correctness.",),
    )
