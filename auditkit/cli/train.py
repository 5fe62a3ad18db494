"""`auditkit train`."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from auditkit.cli.bars import bars
from auditkit.cli.console import alone, clean, quiet_libraries
from auditkit.cli.options import PLACE, data_options, ending
from auditkit.cli.training_table import audit_command, line, note, tell_one, tell_sweep
from auditkit.errors import DataError, SettingsError

if TYPE_CHECKING:
    from auditkit.data.examples import Example
    from auditkit.ltp.training.outcome import Stage
    from auditkit.ltp.training.settings import TrainingSettings

MOST_HELD_OUT = 1000


@click.command(
    epilog=ending(
        "train --dataset agnews --backbone DIR --out ckpt",
        "train --dataset agnews --backbone DIR --out ckpt --resume",
        "train --dataset news.csv --baseline DIR --sweep 0.8,0.6,0.4 --out ckpt",
    )
)
@data_options
@click.option("--backbone", metavar="PATH_OR_HUB_ID",
              help="Pretrained encoder: BERT, RoBERTa or DistilBERT layout.  "
              "[this or --baseline is required]")  # fmt: skip
@click.option("--baseline", metavar="CKPT_OR_DIR",
              help="Prune this one instead: a fine-tuned classifier, or the baseline of an earlier "
              "training.")  # fmt: skip
@click.option("--out", required=True, type=PLACE, metavar="CKPT",
              help="Gets the pruned model, baseline/ and training.json; with --sweep, a folder "
              "share-… with all that for each budget.")  # fmt: skip
@click.option("--split", default=None, help="Default: train; a file has none.")
@click.option(
    "--train-rows", type=click.IntRange(8, 10**9), help="Train on so many rows, stratified."
)
@click.option("--epochs", default="2,1,2", show_default=True, metavar="N[,N,N]",
              help="Per stage: baseline, soft, hard.")  # fmt: skip
@click.option("--target-macs-share", type=float, metavar="SHARE",
              help="MACs of the pruned model over the baseline's.  [default: 0.5]")  # fmt: skip
@click.option("--sweep", metavar="SHARE,SHARE,…",
              help="Several budgets from one baseline; more later with --resume.")  # fmt: skip
@click.option("--lambda", "lam", type=float, metavar="λ",
              help="A fixed weight of the regulariser instead of a target.")  # fmt: skip
@click.option("--max-length", default=128, show_default=True, help="Tokens a document, at most.")
@click.option("--batch-size", default=32, show_default=True)
@click.option("--learning-rate", default=1e-4, show_default=True,
              help="Of the baseline stage; the later ones take half.")  # fmt: skip
@click.option("--distill", default=0.5, show_default=True,
              help="Weight of the baseline's predictions in the later stages.")  # fmt: skip
@click.option("--continued", is_flag=True,
              help="Also train the baseline on for as long: the audit's control.")  # fmt: skip
@click.option("--reseeded", is_flag=True,
              help="Also train a second baseline, of the next seed: the audit's noise floor. Where "
              "--baseline says not what it was trained from, --backbone does.")  # fmt: skip
@click.option("--seed", default=0, show_default=True)
@click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda, cuda:1.")
@click.option("--bf16", is_flag=True, help="Mixed precision.")
@click.option("--resume", is_flag=True, help="Go on with an interrupted training.")
def train(
    dataset: str | None,
    baseline: str | None,
    out: Path,
    split: str | None,
    train_rows: int | None,
    epochs: str,
    target_macs_share: float | None,
    sweep: str | None,
    lam: float | None,
    resume: bool,
    seed: int,
    device: str,
    text_column: str | None,
    label_column: str | None,
    labels: str | None,
    data_dir: str | None,
    **choices: Any,
) -> None:
    """Fine-tune a baseline and prune it: soft masks, then hard ones (Kim et al. 2022)."""
    if dataset is None:
        raise SettingsError("no data set: give --dataset agnews, imdb, a hub id or a file")
    if not choices["reseeded"]:
        _exclusive({"--backbone": choices["backbone"], "--baseline": baseline})
    _exclusive({"--target-macs-share": target_macs_share, "--sweep": sweep, "--lambda": lam})
    shares = None if sweep is None else _numbers("--sweep", sweep, "shares: 0.8,0.6,0.4")
    alone()
    with bars() as bar:
        bar("load libraries", 0, 0)
        quiet_libraries()
        from auditkit.bench.order import check_baseline
        from auditkit.data.examples import hold_out, load_dataset
        from auditkit.ltp.inference import resolve_device
        from auditkit.ltp.training.given import baseline_in, classes, first_tokenizer
        from auditkit.ltp.training.settings import TrainingSettings
        from auditkit.run.settings import section_of

        target = 0.5 if target_macs_share is None else target_macs_share
        settings = TrainingSettings(
            baseline=baseline,
            epochs=_epochs(epochs),
            target_macs_share=None if lam is not None else target,
            seed=seed,
            device=resolve_device(device),
            lam=1e-2 if lam is None else lam,
            **choices,
        )
        documents = section_of(
            "data",
            {
                "dataset": dataset,
                "split": "train" if split is None else split,
                "limit": None if train_rows is None else train_rows + MOST_HELD_OUT,
                "text_column": text_column,
                "label_column": label_column,
                "labels": labels,
                "data_dir": data_dir,
            },
        )
        bar("read data", 0, 0)
        # what cannot be trained is said before all else
        first_tokenizer(settings.backbone, baseline)
        names = None if baseline is None else classes(baseline)
        data = load_dataset(documents, seed=seed, label_names=names)
        available = len(data.examples)
        beyond = 0 if train_rows is None else available - train_rows
        held = min(MOST_HELD_OUT, max(1, available // 10, beyond))
        kept, held_out = hold_out(data, held, seed)
        if not kept:
            raise DataError(f"{data.name}: one usable row, which is held out; training takes two")
        if sum(bool(one.data) for one in data.matching.classes) < 2:
            raise DataError(
                f"{data.name}: all rows are {data.labels[0]}; training takes two classes"
            )
        bar.say(
            f"{data.name}: {len(kept)} rows to train on, {len(held_out)} held out, "
            f"{len(data.refused)} refused; {clean(data.matching.told)}: "
            f"{clean(', '.join(data.labels))}"
        )
        if baseline is not None:
            check_baseline(baseline_in(baseline), data, seed, settings.max_length)

    def training(own: "TrainingSettings", place: Path) -> "tuple[Stage, ...]":
        return train_with_bars(own, kept, held_out, data.labels, place, resume=resume)

    places = {"data_dir": data_dir, "text_column": text_column, "label_column": label_column,
              "labels": labels}  # fmt: skip
    if shares is None:
        tell_one(training(settings, out), settings.target_macs_share, out)
        click.echo(f"audit it: {audit_command(str(out), dataset, documents.split, places)}")
        return
    from auditkit.ltp.training.sweep import sweep as run_sweep

    tell_sweep(run_sweep(settings, shares, out, training, resume=resume), out)
    which = f"{out}/share-{shares[0]:.2f}"
    click.echo(f"audit one of them: {audit_command(which, dataset, documents.split, places)}")


def _exclusive(flags: dict[str, Any]) -> None:
    given = [name for name, value in flags.items() if value is not None]
    if len(given) > 1:
        raise SettingsError(f"{' and '.join(given)} exclude each other; give one of them")


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
    with bars() as bar:
        bar("load the trainer", 0, 0)
        from auditkit.ltp.training.documents import Labelled
        from auditkit.ltp.training.stages import train as run_training

        return run_training(
            settings,
            Labelled([e.text for e in kept], [e.label for e in kept]),
            Labelled([e.text for e in held_out], [e.label for e in held_out]),
            labels,
            out,
            resume=resume,
            observer=lambda step: bar(
                step.stage, step.documents, step.documents * step.steps // step.step, note(step)
            ),
            on_stage=lambda stage: bar.say(line(stage)),
            progress=bar,
        )


def _epochs(text: str) -> tuple[float, float, float]:
    wanted = "one number, or three: 2,1,2"
    numbers = _numbers("--epochs", text, wanted)
    if len(numbers) == 1:
        numbers *= 3
    if len(numbers) != 3:
        raise SettingsError(f"--epochs is {text!r}; expected {wanted}")
    return numbers[0], numbers[1], numbers[2]


def _numbers(flag: str, text: str, wanted: str) -> list[float]:
    try:
        return [float(part) for part in text.split(",")]
    except ValueError as error:
        raise SettingsError(f"{flag} is {text!r}; expected {wanted}") from error
