"""Hand-made findings with text from elsewhere: documents shown, and data that means harm."""

from report_findings import LAYERS

from auditkit.finding import (
    Chart,
    Column,
    Example,
    Finding,
    Measurement,
    Segment,
    Table,
    Undefined,
)

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
        facts=(("baseline", "Positive (0.91)"), ("pruned", "Positive (0.98)")),
        tokens=15,
        before=(Segment("[CLS]", LAYERS),),
        after=(Segment("[SEP]", 1),),
        gold="Positive",
        flipped=False,
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
                at={"class": HOSTILE[6], "third-party.key": HOSTILE[0]}, headline=True,
            ),
        ),
        tables=(table,),
        charts=(chart,),
        caveats=HOSTILE,
    )  # fmt: skip
