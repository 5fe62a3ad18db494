"""`auditkit train`."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from auditkit.cli.console import bars, clean, quiet_libraries
from auditkit.errors import SettingsError

if TYPE_CHECKING:
    from auditkit.data import Example
    from auditkit.ltp.trainer import Step
    from auditkit.ltp.training import TrainingSettings
    from auditkit.ltp.workspace import Stage

MOST_HELD_OUT = 1000


def data_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The flags that say where the data comes from."""
    for option in (
        click.option("--data-dir", type=click.Path(path_type=Path), metavar="DIR",
                     help="Local copies of agnews and imdb; else the variable AUDITKIT_DATA."),
        click.option("--label-column", metavar="NAME", help="Found by its name unless given."),
        click.option("--text-column", metavar="NAME", help="Found by its name unless given."),
        click.option("--dataset", required=False, metavar="NAME",
                     help="agnews, imdb, a hub id, or a .csv, .jsonl or .parquet file."),
    ):  # fmt: skip
        command = option(command)
    return command


@click.command()
@data_options
@click.option("--backbone", required=True, metavar="PATH_OR_HUB_ID",
              help="Pretrained encoder, BERT or RoBERTa layout.")  # fmt: skip
@click.option("--out", required=True, type=click.Path(path_type=Path), metavar="CKPT",
              help="Gets the pruned model, baseline/ and training.json.")  # fmt: skip
@click.option("--split", default=None, help="Default: train; a file has none.")
@click.option("--train-rows", type=click.IntRange(min=8), help="Train on so many rows, stratified.")
@click.option("--epochs", default="2,1,2", show_default=True, metavar="N[,N,N]",
              help="Per stage: baseline, soft, hard.")  # fmt: skip
@click.option("--target-macs-share", type=float, metavar="SHARE",
              help="MACs of the pruned model over the baseline's.  [default: 0.5]")  # fmt: skip
@click.option("--lambda", "lam", type=float, metavar="λ",
              help="A fixed weight of the regulariser instead of a target.")  # fmt: skip
@click.option("--max-length", default=128, show_default=True, help="Tokens a document, at most.")
@click.option("--batch-size", default=32, show_default=True)
@click.option("--learning-rate", default=1e-4, show_default=True,
              help="Of the baseline stage; the later ones take half.")  # fmt: skip
@click.option("--distill", default=0.5, show_default=True,
              help="Weight of the baseline's predictions in the later stages.")  # fmt: skip
@click.option("--seed", default=0, show_default=True)
@click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda, cuda:1.")
@click.option("--bf16", is_flag=True, help="Mixed precision.")
@click.option("--resume", is_flag=True, help="Go on with an interrupted training.")
def train(
    dataset: str | None,
    backbone: str,
    out: Path,
    split: str | None,
    train_rows: int | None,
    epochs: str,
    target_macs_share: float | None,
    lam: float | None,
    resume: bool,
    seed: int,
    device: str,
    text_column: str | None,
    label_column: str | None,
    data_dir: Path | None,
    **choices: Any,
) -> None:
    """Fine-tune a baseline and prune it: soft masks, then hard ones (Kim et al. 2022)."""
    if dataset is None:
        raise SettingsError("no data set: give --dataset agnews, imdb, a hub id or a file")
    if lam is not None and target_macs_share is not None:
        raise SettingsError(
            "--lambda and --target-macs-share exclude each other: λ is what the target moves"
        )
    from auditkit.data import hold_out, load_dataset

    data = load_dataset(
        dataset, split=split or "train", seed=seed, data_dir=data_dir,
        text_column=text_column, label_column=label_column,
        limit=None if train_rows is None else train_rows + MOST_HELD_OUT,
    )  # fmt: skip
    available = len(data.examples)
    beyond = 0 if train_rows is None else available - train_rows
    held = min(MOST_HELD_OUT, max(1, available // 10, beyond))
    kept, held_out = hold_out(data, held, seed)
    quiet_libraries()
    from auditkit.ltp.inference import resolve_device
    from auditkit.ltp.training import TrainingSettings

    settings = TrainingSettings(
        backbone=backbone,
        epochs=_epochs(epochs),
        target_macs_share=None if lam is not None else target_macs_share or 0.5,
        seed=seed,
        device=resolve_device(device),
        lam=1e-2 if lam is None else lam,
        **choices,
    )
    click.echo(
        f"{data.name}: {len(kept)} rows to train on, {len(held_out)} held out, "
        f"{len(data.refused)} refused; classes {clean(', '.join(data.labels))}",
        err=True,
    )
    stages = train_with_bars(settings, kept, held_out, data.labels, out, resume=resume)
    _table(stages)
    click.echo(f"{out}: pruned model; {out / 'baseline'}: baseline; {out / 'training.json'}")
    click.echo(f"audit it: auditkit run --model {out} --dataset {dataset}")


def train_with_bars(
    settings: "TrainingSettings",
    kept: "Sequence[Example]",
    held_out: "Sequence[Example]",
    labels: "Sequence[str]",
    out: Path,
    *,
    resume: bool,
) -> "tuple[Stage, ...]":
    """Train, with a bar per stage and a line after each."""
    from auditkit.ltp.training import Labelled
    from auditkit.ltp.training import train as run_training

    with bars("documents") as bar:
        return run_training(
            settings,
            Labelled([e.text for e in kept], [e.label for e in kept]),
            Labelled([e.text for e in held_out], [e.label for e in held_out]),
            labels,
            out,
            resume=resume,
            observer=lambda step: bar(
                step.stage, step.documents, step.documents * step.steps / step.step, _note(step)
            ),
            on_stage=lambda stage: bar.say(_line(stage)),
        )


def _epochs(text: str) -> tuple[float, float, float]:
    try:
        numbers = [float(part) for part in text.split(",")]
    except ValueError:
        numbers = []
    if len(numbers) == 1:
        numbers *= 3
    if len(numbers) != 3:
        raise SettingsError(f"--epochs is {text!r}; expected one number, or three: 2,1,2")
    return numbers[0], numbers[1], numbers[2]


def _note(step: "Step") -> str:
    parts = [f"loss {step.loss:.3f}"]
    if step.macs_share is not None and step.stage != "baseline":
        parts.append(f"MACs {step.macs_share:.2f}")
    if step.lam is not None:
        parts.append(f"λ {step.lam:.1e}")
        parts.append("θ " + " ".join(f"{t * 1000:.1f}" for t in step.thresholds) + " e-3")
    if step.keep_rates and step.stage != "baseline":
        parts.append("keep " + " ".join(f"{rate:.2f}" for rate in step.keep_rates))
    return " · ".join(parts)


def _line(stage: "Stage") -> str:
    keep = " ".join(f"{rate:.2f}" for rate in stage.keep_rates)
    return (
        f"{stage.stage}: held-out accuracy {stage.accuracy:.4f}, "
        f"MACs share {stage.macs_share:.3f}, tokens kept by layer {keep}, {stage.seconds:.0f} s"
    )


def _table(stages: "tuple[Stage, ...]") -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(title="Training, on held-out rows")
    table.add_column("stage")
    for name in ("accuracy", "MACs ratio", "kept at the last layer", "documents", "time"):
        table.add_column(name, justify="right")
    for stage in stages:
        table.add_row(
            stage.stage,
            f"{stage.accuracy:.4f}",
            f"{1 / stage.macs_share:.2f}×",
            f"{stage.keep_rates[-1]:.1%}",
            f"{stage.documents:,}",
            f"{stage.seconds:.0f} s",
        )
    Console().print(table)
