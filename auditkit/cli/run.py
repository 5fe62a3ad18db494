"""`auditkit run`, `auditkit report` and `auditkit probes`."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from auditkit.cli.console import bars, cell, clean, quiet_libraries

if TYPE_CHECKING:
    from auditkit.run.conduct import Outcome

PHASES = {"documents": "record"}
"""How the progress names what is being done."""


def model_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The flags that say which models, and where they run."""
    for option in (
        click.option("--dtype", type=click.Choice(["float32", "bfloat16", "float16"])),
        click.option("--device", metavar="NAME", help="auto, cpu, cuda, cuda:1.  [default: auto]"),
        click.option("--max-length", type=int, metavar="N",
                     help="Tokens a document, at most.  [default: the checkpoint's]"),
        click.option("--score-norm", metavar="NORM",
                     help="For a checkpoint of the original LTP: padded:128, alive or length."),
        click.option("--spacy-model", metavar="NAME_OR_PATH",
                     help="Tags the words.  [default: en_core_web_sm, else the one that ships]"),
        click.option("--baseline", metavar="DIR", help="Unpruned.  [default: CKPT/baseline]"),
        click.option("--model", metavar="CKPT", help="What `auditkit train` wrote, or a hub id."),
    ):  # fmt: skip
        command = option(command)
    return command


@click.command()
@click.option("--config", metavar="NAME_OR_YAML", help="agnews, imdb, or a file; flags win.")
@model_options
@click.option("--dataset", metavar="NAME",
              help="agnews, imdb, a hub id, or a .csv, .jsonl or .parquet file.")  # fmt: skip
@click.option("--split", metavar="NAME", help="[default: test; a file has none]")
@click.option("--limit", type=int, metavar="N", help="Audit N documents, stratified, seeded.")
@click.option("--text-column", metavar="NAME")
@click.option("--label-column", metavar="NAME")
@click.option("--groups", metavar="COL,COL", help="Columns to carry along.")
@click.option("--data-dir", type=click.Path(path_type=Path), metavar="DIR",
              help="Local copies of agnews and imdb; else the variable AUDITKIT_DATA.")  # fmt: skip
@click.option("--out", type=click.Path(path_type=Path), metavar="DIR",
              help="[default: reports/<model>-<dataset>/]")  # fmt: skip
@click.option("--overwrite", is_flag=True, default=None, help="Start anew.")
@click.option("--batch-tokens", type=int, metavar="N", help="Changes speed and memory alone.")
@click.option("--random-draws", type=int, metavar="N", help="[default: 3]")
@click.option("--random-documents", type=int, metavar="N", help="[default: 2000]")
@click.option("--attribution-sample", type=int, metavar="N", help="[default: 200]")
@click.option("--speed-documents", type=int, metavar="N",
              help="Time the models on N documents; 0: do not.  [default: 256]")  # fmt: skip
@click.option("--glossary", type=click.Path(path_type=Path), metavar="FILE",
              help="Domain terms: one a line, or a CSV with a column term.")  # fmt: skip
@click.option("--probe", "probes", metavar="NAME", multiple=True, help="Run this one; repeatable.")
@click.option("--without", metavar="NAME", multiple=True, help="Leave it out; repeatable.")
@click.option("--seed", type=int, metavar="N", help="[default: 0]")
@click.option("--strict", is_flag=True, default=None,
              help="Refused or truncated rows are an error.")  # fmt: skip
def run(config: str | None, **flags: Any) -> int:
    """Audit a pruned model against its baseline and write the report.

    The same command goes on with an interrupted run, and opens a finished one.
    """
    from auditkit.run.settings import load_settings

    settings = load_settings(config, flags)
    quiet_libraries()
    from auditkit.run.conduct import conduct

    with bars("documents") as bar:
        outcome = conduct(
            settings, lambda what, done, total: bar(PHASES.get(what, what), done, total)
        )
    _summary(outcome)
    return outcome.audit.exit_code


def _summary(outcome: "Outcome") -> None:
    from rich.console import Console
    from rich.table import Table

    audit = outcome.audit
    data = audit.about["dataset"]
    console = Console()
    table = Table(box=None, padding=(0, 2, 0, 0))
    for name in ("probe", "status", "finding"):
        table.add_column(name, overflow="fold")
    for finding in audit.findings:
        table.add_row(finding.probe, finding.status.replace("_", " "), cell(finding.claim))
    for failure in audit.failures:
        table.add_row(failure.probe, "broke", cell(failure.error))
    console.print(table)
    refused = len(data["refused"])
    click.echo(
        f"rows: {data['rows_in']} in = {data['audited']} audited + {refused} refused; "
        f"{data['truncated']} truncated"
    )
    for row in data["refused"][:5]:
        click.echo(f"  refused row {row['row']}: {clean(row['reason'])}")
    if refused > 5:
        click.echo(f"  and {refused - 5} more, listed in the report")
    slowest = sorted(outcome.seconds.items(), key=lambda item: -item[1])[:4]
    click.echo("time: " + ", ".join(f"{name} {seconds:.0f} s" for name, seconds in slowest))
    click.echo(f"report: {outcome.directory / 'report.html'}")


@click.command()
@click.argument("directory", type=click.Path(path_type=Path))
def report(directory: Path) -> None:
    """Write report.html and summary.md anew from DIRECTORY/results.json."""
    from auditkit.report.page import rerender

    for path in rerender(directory):
        click.echo(path)


@click.command()
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def probes(as_json: bool) -> None:
    """List the installed probes."""
    from auditkit.plugin.probe import discover

    loaded = [(plugin, plugin.load()) for plugin in discover().values()]
    if as_json:
        rows = [
            {
                "name": plugin.name,
                "version": probe.version,
                "question": probe.question,
                "needs": sorted(probe.needs),
                "distribution": plugin.distribution,
            }
            for plugin, probe in loaded
        ]
        click.echo(json.dumps(rows, indent=1))
        return
    width = max(len(plugin.name) for plugin, _ in loaded)
    for plugin, probe in loaded:
        needs = f"  needs {', '.join(sorted(probe.needs))}" if probe.needs else ""
        origin = "" if plugin.distribution == "auditkit" else f"  from {plugin.distribution}"
        click.echo(f"{plugin.name:<{width}}  {probe.question}{needs}{origin}")
