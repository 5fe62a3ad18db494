"""A hand-made audit that shows everything the page can show, hostile text included."""

from typing import Any

from auditkit.finding.values import (
    Audit,
    Chart,
    Column,
    Example,
    Failure,
    Finding,
    Interval,
    Measurement,
    Segment,
    Status,
    Table,
    Undefined,
)

LAYERS = 6
HOSTILE = (
    "</script></style><img src=x onerror=alert(1)>",
    "nul\x00 bell\x07",
    "lone \ud83d surrogate \udc00",
    "right \u202eto left\u202c mark",
    "{{ 7 * 7 }} {% raw %} ]]> --> &lt;b&gt;",
    '"><svg onload=alert(2)> \' onclick=alert(3) x="',
    "| pipe | `code` **bold** [link](http://example.org) @name #1\n\n# heading",
    "W" * 10_000,
)
STATUSES: tuple[Status, ...] = (
    "pass", "fail", "warn", "inconclusive", "reported", "error", "skipped", "not_applicable",
)  # fmt: skip


def about(**changes: Any) -> dict[str, Any]:
    """`auditkit.trace.tables.About` as plain JSON."""
    model = {
        "name": "minilm-ltp", "sha256": "3f" * 32, "layout": "bert", "layers": LAYERS,
        "hidden_size": 384, "heads": 12, "intermediate_size": 1536, "max_length": 256,
        "score_norm": "length", "protect_first": True,
        "thresholds": [0.0021, 0.0037, 0.0052, 0.0081, 0.0124, 0.0193],
    }  # fmt: skip
    baseline = {**model, "name": "minilm-baseline", "sha256": "a0" * 32, "thresholds": []}
    return {
        "schema_version": 1, "auditkit": "0.1.0", "model": model, "baseline": baseline,
        "no_baseline": "",
        "dataset": {
            "name": "agnews", "split": "test", "sha256": "7c" * 32, "text_column": "text",
            "label_column": "label", "labels": ["World", "Sports", "Business", "Sci/Tech"],
            "group_columns": ["source"], "rows_in": 7663, "audited": 7600,
            "refused": [{"row": 7 * i + 1, "reason": "the text is empty"} for i in range(63)],
            "truncated": 212, "words_cut": 4031,
        },
        "annotator": {
            "name": "auditkit_fallback", "version": "0.1.0", "source": "shipped",
            "accuracy": {"upos": 0.931, "name_f": 0.842}, "entity_types_reliable": False,
            "advice": "Better: python -m spacy download en_core_web_sm",
        },
        "training": {
            "lambda": 0.0123,
            "stages": [{"name": "soft", "epochs": 1}, {"name": "hard", "epochs": 1}],
        },
        "seed": 13, "dtype": "float32", "device": "cpu", "random_draws": 3,
        "random_documents": 2000,
        "settings": {"batch_tokens": 8192, "glossary": None, "probes": ["performance", "entity"]},
        **changes,
    }  # fmt: skip


def performance() -> Finding:
    """Key figures, an undefined cell, dots with intervals and a reference, lines."""
    arms = {"baseline": 0.921, "unpruned": 0.9185, "pruned": 0.9132, "random": 0.801}
    measurements = [
        Measurement(
            name="accuracy", value=value, unit="share", n=7600, n_clusters=7600, arm=arm,
            interval=Interval(value - 0.006, value + 0.006), better="higher",
        )
        for arm, value in arms.items()
    ] + [
        Measurement(
            name="macs_ratio", value=1.9234, unit="ratio", n=7600, n_clusters=7600, arm="pruned",
            interval=Interval(1.911, 1.936), control="baseline", better="higher",
        ),
        Measurement(
            name="ece", value=0.0213, unit="share", n=7600, n_clusters=7600, arm="pruned",
            no_interval="the percentile interval of a debiased estimate misses it", p=0.00002,
        ),
        Measurement(
            name="f1", value=None, unit="share", n=0, n_clusters=0, arm="random",
            slice="class=Weather", undefined="no document of this class",
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
        caveats=("MACs are counted, not timed.", "No noise floor: no other seed was run."),
    )


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


def segments(text: str, depths: tuple[int, ...]) -> tuple[Segment, ...]:
    """Words with depths, and the spaces between them."""
    parts: list[Segment] = []
    for word, depth in zip(text.split(" "), depths, strict=True):
        parts += [Segment(word, depth), Segment(" ", None)]
    return tuple(parts[:-1])


SENTENCE = "This is the best restaurant, and I will be returning for another meal."
DEPTHS = (1, 1, 0, 6, 6, 0, 1, 2, 1, 4, 0, 3, 5)


def layer_view() -> Finding:
    """Examples: one plain, one with text past the model's length, one hostile."""
    plain = Example(
        example_id="d1",
        title="Document d1, right in both models",
        segments=segments(SENTENCE, DEPTHS),
        alive=(12, 8, 7, 6, 5, 4),
        facts=(("gold label", "Positive"), ("pruned model", "Positive, 0.98")),
    )
    still = Example(
        example_id="d2",
        title="Document d2, longer than the model reads",
        segments=(*segments("Stocks rose sharply", (6, 1, 6)), Segment(" and the rest", None)),
        alive=(5, 4, 4, 4, 4, 4),
    )
    hostile = Example(
        example_id="d3",
        title=HOSTILE[0],
        segments=tuple(Segment(text, i % (LAYERS + 1)) for i, text in enumerate(HOSTILE)),
        alive=(9, 8, 6, 4, 3, 2),
        facts=tuple((text[:20], text) for text in HOSTILE),
    )
    return Finding(
        probe="layer_view",
        version="1",
        question="What is left of a document, layer by layer?",
        claim="Three documents are shown; the median document keeps 4 of 15 tokens.",
        status="reported",
        examples=(plain, still, hostile),
    )


def hostile() -> Finding:
    """Every string that a probe may pass on, from a data set that means harm."""
    table = Table(
        name="terms",
        title=HOSTILE[5],
        columns=(
            Column(name="x</th>", title=HOSTILE[0], kind="label", help=HOSTILE[0]),
            Column(name="value", title=HOSTILE[3], kind="number"),
            Column(name="text", title="Text", kind="text"),
        ),
        rows=tuple(
            (text, Undefined(text) if i % 2 else 0.1 * i, text) for i, text in enumerate(HOSTILE)
        ),
        note=HOSTILE[4],
    )
    chart = Chart(
        name="terms", kind="bars", table="terms", title=HOSTILE[0], alt=HOSTILE[2], x="value",
        y="x</th>",
    )  # fmt: skip
    return Finding(
        probe="third/party <b>probe</b>",
        version=HOSTILE[0],
        question="Is hostile text shown as text? " + HOSTILE[5],
        claim=" ".join(HOSTILE),
        status="fail",
        measurements=(
            Measurement(
                name="rate", value=0.5, unit=HOSTILE[0], n=3, n_clusters=3, no_interval=HOSTILE[5],
                slice=HOSTILE[6],
            ),
        ),
        tables=(table,),
        charts=(chart,),
        caveats=HOSTILE,
    )  # fmt: skip


def plain_findings() -> tuple[Finding, ...]:
    """A probe for each status, so that every badge is on the page."""
    return tuple(
        Finding(
            probe=f"status_{status}",
            version="1",
            question=f"How does a probe look whose status is {status}?",
            claim=f"This probe says {status}, and here is the reason.",
            status=status,
        )
        for status in STATUSES
    )


def audit(**changes: Any) -> Audit:
    """The whole case."""
    return Audit(
        about=about(**changes),
        findings=(
            performance(), retention(), attribution(), layer_view(), hostile(), *plain_findings(),
        ),
        failures=(
            Failure(probe="broken", distribution="third-party", error="ValueError: " + HOSTILE[0]),
        ),
    )  # fmt: skip
