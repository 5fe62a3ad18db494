"""`auditkit explain`."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from auditkit.cli.bars import bars
from auditkit.cli.console import cell, clean, quiet_libraries
from auditkit.cli.options import PLACE, ending, model_options
from auditkit.errors import DataError, SettingsError

if TYPE_CHECKING:
    from rich.text import Text

    from auditkit.bench.explain import Explanation
    from auditkit.finding import Example


MOST_PIPED = 1_000_000
"""Bytes of standard input: a text, not a stream without end."""


@click.command(
    epilog=ending(
        'explain --model ckpt "This is the best restaurant in town."',
        "explain --model ckpt --html page.html - < text.txt",
    )
)
@model_options
@click.option("--html", type=PLACE, metavar="FILE",
              help="Write a page.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.argument("text")
def explain(
    text: str,
    spacy_model: str | None,
    html: Path | None,
    as_json: bool,
    **flags: Any,
) -> None:
    """Show TEXT layer by layer: what the pruned model drops, and what both models say.

    Words are marked layer by layer: [-word-] is dropped in this layer, [word] was dropped before,
    all others are kept. A dash stands for what comes from standard input.
    """
    if flags["model"] is None:
        raise SettingsError("no model: give --model CKPT, a directory that `auditkit train` wrote")
    from auditkit.run.settings import section_of

    settings = section_of("models", flags)
    if text == "-":
        text = _piped()
    with bars() as bar:
        bar("load libraries", 0, 0)
        quiet_libraries()
        from auditkit.bench.explain import explain as explain_text
        from auditkit.bench.opening import open_bench
        from auditkit.data.annotate import load_annotator

        bar("open models", 0, 0)
        bench = open_bench(settings)
        bar("explain", 0, 0)
        found = explain_text(bench, load_annotator(spacy_model), text)
    if html is not None:
        _write_page(html, bench.model.about.name, found)
        click.echo(html)
    if as_json:
        from auditkit.finding import to_json

        click.echo(json.dumps(to_json(_as_json(found)), indent=1))  # ASCII: safe on a terminal
    elif html is None:
        _print(found, bench.absent.get("baseline", ""))


def _piped() -> str:
    """Standard input as text, without the end of its last line."""
    held: bytes = sys.stdin.buffer.read(MOST_PIPED + 1)
    if len(held) > MOST_PIPED:
        raise DataError(f"standard input: more than {MOST_PIPED:,} bytes; give one text")
    try:
        return held.decode("utf-8-sig").removesuffix("\n")
    except UnicodeDecodeError as error:
        raise DataError(f"standard input: not UTF-8 at offset {error.start}") from error


def _print(found: "Explanation", no_baseline: str) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console()
    table = Table(box=None, padding=(0, 2, 0, 0), show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    table.add_column(justify="right", no_wrap=True)
    whole = cell("".join(segment.text for segment in found.example.segments))
    table.add_row("input", whole, f"{found.tokens} tokens")
    for layer, alive in enumerate(found.example.alive, start=1):
        line = _at_layer(found.example, layer)
        table.add_row(f"layer {layer}", line, f"{alive} tokens")
    console.print(table)
    click.echo("[-word-] dropped in this layer, [word] dropped before")
    if found.truncated:
        click.echo("the text goes on past what the models read")
    click.echo()
    predictions = Table(box=None, padding=(0, 2, 0, 0), show_header=False)
    for prediction in found.predictions:
        others = "  ".join(
            f"{name} {probability:.3f}" for name, probability in prediction.probabilities.items()
        )
        predictions.add_row(prediction.arm, cell(prediction.label, "bold"), cell(others, "dim"))
    console.print(predictions)
    if no_baseline:
        click.echo(f"no baseline: {clean(no_baseline)}")
    click.echo(f"counted MACs: {found.macs_share:.0%} of the unpruned model's")


def _at_layer(example: "Example", layer: int) -> "Text":
    """The text with marks on what is dropped by then, which no colour is needed to read."""
    from rich.text import Text

    line = Text()
    for segment in example.segments:
        shown = clean(segment.text)
        if segment.depth is None or segment.depth >= layer:
            line.append(shown)
        elif segment.depth == layer - 1:
            line.append(f"[-{shown}-]", "bold")
        else:
            line.append(f"[{shown}]", "dim")
    return line


def _as_json(found: "Explanation") -> dict[str, Any]:
    return {
        "text": "".join(segment.text for segment in found.example.segments),
        "tokens": found.tokens,
        "truncated": found.truncated,
        "alive": found.example.alive,
        "segments": found.example.segments,
        "macs_share": found.macs_share,
        "predictions": found.predictions,
    }


def _write_page(path: Path, model: str, found: "Explanation") -> None:
    from auditkit.files import write_whole
    from auditkit.report.page import render_explanation

    facts = [
        ("model", model),
        ("tokens read", str(found.tokens)),
        ("counted MACs", f"{found.macs_share:.0%} of the unpruned model's"),
    ]
    page = render_explanation(found.example, title=found.example.title, facts=facts)
    write_whole(path, page)
