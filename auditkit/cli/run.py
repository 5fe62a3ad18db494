"""`auditkit run`."""

from typing import TYPE_CHECKING, Any

import click

from auditkit.cli.bars import bars
from auditkit.cli.console import cell, clean, quiet_libraries
from auditkit.cli.gate import tell
from auditkit.cli.options import EXIT_CODES, data_options, ending, model_options

if TYPE_CHECKING:
    from rich.console import Console

    from auditkit.report.front import Front
    from auditkit.run.audit import Audit


@click.command(
    epilog=ending(
        "run --model ckpt --dataset agnews",
        "run --model ckpt --dataset news.csv --groups region --glossary terms.txt",
        "run --model small --baseline large --dataset news.csv",
        "run --model ckpt --quantize int8 --dataset news.csv",
        "run --model bert --dropper own/topk.py:TopK --set dropper.share=0.8 --dataset news.csv",
        "run --predictions saved.csv --groups region",
        "run --model ckpt --dataset agnews --gates gates.yaml",
        "run --model ckpt --dataset agnews --probe own/digits.py:Digits --set digits.least=3",
        "run --config reports/ckpt-agnews/manifest.json --limit 500",
        codes=EXIT_CODES,
    )
)
@click.option(
    "--config",
    metavar="NAME_OR_YAML",
    help="agnews, imdb, a file, or a run's manifest.json; flags win, and what is required may "
    "stand there.",
)
@model_options
@click.option(
    "--quantize",
    type=click.Choice(["int8"]),
    help="Audit the model with its Linear layers in int8, against itself.",
)
@click.option(
    "--dropper",
    metavar="FILE:CLASS",
    help="Another method that drops tokens from the model: docs/droppers.md.",
)
@click.option(
    "--predictions",
    metavar="FILE",
    help="Saved predictions, in place of models and data: docs/predictions.md.",
)
@click.option("--reseeded", metavar="DIR",
              help="A baseline of another seed.  [default: CKPT/reseeded]")  # fmt: skip
@data_options
@click.option("--unlabelled", is_flag=True, default=None, help="There are no labels.")
@click.option("--split", metavar="NAME", help="[default: test; a file has none]")
@click.option("--limit", type=int, metavar="N", help="Audit N documents, stratified, seeded.")
@click.option("--groups", metavar="COL,COL", help="Columns to carry along.")
@click.option("--rationale-column", metavar="COL",
              help="What people marked: JSON, [[start, end], …] or [word, …].")  # fmt: skip
@click.option("--out", metavar="DIR", help="[default: reports/<model>-<dataset>/]")
@click.option("--overwrite", is_flag=True, default=None, help="Start anew.")
@click.option("--batch-tokens", type=int, metavar="N", help="Changes speed and memory alone.")
@click.option("--workers", type=int, metavar="N",
              help="Processes that record; changes speed alone.  [default: 1]")  # fmt: skip
@click.option("--ray", metavar="[ADDRESS]", is_flag=False, flag_value="local",
              help="Record on a Ray cluster; without an address on one started here.")  # fmt: skip
@click.option("--random-draws", type=int, metavar="N", help="[default: 3]")
@click.option("--random-documents", type=int, metavar="N", help="[default: 2000]")
@click.option(
    "--repeat-documents",
    type=int,
    metavar="N",
    help="Run the pruned model twice on N documents; 0: do not.  [default: 256]",
)
@click.option("--attribution-sample", type=int, metavar="N", help="[default: 200]")
@click.option("--speed-documents", type=int, metavar="N",
              help="Time the models on N documents; 0: do not.  [default: 256]")  # fmt: skip
@click.option("--glossary", metavar="FILE",
              help="Domain terms: one a line, or a CSV: term, and class if of one.")  # fmt: skip
@click.option("--lexicon", metavar="NAME|FILE",
              help="Words of groups of people, as YAML.  [default: identity_en]")  # fmt: skip
@click.option("--swaps", metavar="NAME|FILE",
              help="Words that stand for one another, as YAML.  [default: english]")  # fmt: skip
@click.option("--training-data", metavar="FILE",
              help="Texts to find domain terms in.  [default: the split train]")  # fmt: skip
@click.option("--probe", "probes", metavar="NAME|FILE:CLASS", multiple=True,
              help="Run this one, or one of yours (own/digits.py:Digits); repeatable.")  # fmt: skip
@click.option("--without", metavar="NAME", multiple=True, help="Leave it out; repeatable.")
@click.option("--set", "assignments", metavar="PROBE.OPTION=VALUE", multiple=True,
              help="One of `auditkit probes show PROBE`; of --dropper dropper.OPTION; "
              "repeatable.")  # fmt: skip
@click.option("--probe-timeout", type=int, metavar="SECONDS",
              help="What a third party's probe may take.  [default: 3600]")  # fmt: skip
@click.option("--gates", "gates_file", metavar="YAML",
              help="Limits that set the exit code: a list of gates.")  # fmt: skip
@click.option("--redact", is_flag=True, default=None,
              help="Pages without text of the data set, to be shown to others.")  # fmt: skip
@click.option("--print-config", is_flag=True, help="Print all settings as YAML and stop.")
@click.option("--seed", type=int, metavar="N", help="[default: 0]")
@click.option("--strict", is_flag=True, default=None,
              help="Refused or truncated rows are an error.")  # fmt: skip
def run(
    config: str | None,
    gates_file: str | None,
    assignments: tuple[str, ...],
    *,
    print_config: bool,
    **flags: Any,
) -> int:
    """Audit a pruned or otherwise changed model against its baseline and write the report.

    The same command goes on with an interrupted run, and opens a finished one.
    """
    from auditkit.run.configs import DROPPER, read_options
    from auditkit.run.settings import load_settings, read_gates

    options = read_options(assignments)
    flags["dropper_options"] = options.pop(DROPPER, None)
    flags["options"] = options or None
    if gates_file is not None:
        flags["gates"] = read_gates(gates_file)
    settings = load_settings(config, flags)
    if print_config:
        import yaml

        click.echo(yaml.safe_dump(settings.flat(), sort_keys=False, allow_unicode=True), nl=False)
        return 0
    with bars() as bar:
        bar("load libraries", 0, 0)
        quiet_libraries(models=settings.models.predictions is None)
        from auditkit.run.conduct import conduct

        audit = conduct(settings, bar)
    _summary(audit)
    return audit.exit_code


def _summary(audit: "Audit") -> None:
    from rich.console import Console
    from rich.table import Table

    from auditkit.report.front import front
    from auditkit.report.overview import about_of

    data = audit.about["dataset"]
    about = about_of(audit.results)
    console = Console()
    table = Table(box=None, padding=(0, 2, 0, 0))
    for name in ("probe", "status", "finding"):
        table.add_column(name, overflow="fold")
    for finding in audit.findings:
        table.add_row(finding.probe, finding.status.replace("_", " "), cell(finding.claim))
    for failure in audit.failures:
        table.add_row(failure.probe, "broke", cell(failure.error))
    console.print(table)
    _told(front(audit.results, about, audit.speed), console)
    tell(audit.gates)
    refused = len(data["refused"])
    click.echo(
        f"rows: {data['rows_in']} in = {data['audited']} audited + {refused} refused; "
        f"{data['truncated']} truncated"
    )
    click.echo(clean(data["matched"]))
    if known := data["trained_on"]:
        click.echo(
            f"{known} of the documents {'is' if known == 1 else 'are'} among those that the model "
            "learned from"
        )
    if about.training_data:
        click.echo(clean(about.training_data.reading))
    click.echo(f"language: {clean(about.annotator.reading)}")
    for row in data["refused"][:5]:
        click.echo(f"  refused row {row['row']}: {clean(row['reason'])}")
    if refused > 5:
        click.echo(f"  and {refused - 5} more, listed in the report")
    slowest = sorted(audit.seconds.items(), key=lambda item: -item[1])[:4]
    click.echo("time: " + ", ".join(f"{name} {seconds:.0f} s" for name, seconds in slowest))
    click.echo(f"report: {audit.directory / 'report.html'}")


def _told(front: "Front", console: "Console") -> None:
    """The first screen of the report in lines: decision, cards, the worst findings."""
    from rich.table import Table

    console.print()
    console.print(cell(f"{front.word.upper()}: {front.sentence}", "bold"))
    if front.detail:
        console.print(cell(front.detail))
    cards = Table(box=None, padding=(0, 2, 0, 0), show_header=False)
    for _ in range(3):
        cards.add_column(overflow="fold")
    for card in front.cards:
        cards.add_row(card.title, cell(card.value, "bold"), cell(card.note))
    names = "; ".join(one.what for one in front.unchecked) or "nothing that auditkit knows of"
    cards.add_row("Not checked", str(len(front.unchecked)), cell(names))
    console.print(cards)
    for concern in front.concerns:
        console.print(cell(f"look here ({concern.told.concern}): {concern.told.sentence}"))
