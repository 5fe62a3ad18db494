"""`auditkit convert`."""

from pathlib import Path

import click

from auditkit.cli.bars import bars
from auditkit.cli.console import clean, quiet_libraries
from auditkit.cli.options import PLACE, ending


@click.command(epilog=ending("convert original-ltp --out ckpt --score-norm padded:256"))
@click.option("--out", required=True, type=PLACE, metavar="CKPT",
              help="Gets the checkpoint.")  # fmt: skip
@click.option("--score-norm", metavar="NORM",
              help="What scores are divided by: padded:N, alive or length.  "
                   "[default: padded:128; alive where the original says mean_norm]")  # fmt: skip
@click.option("--tokenizer", metavar="DIR_OR_HUB_ID", help="[default: the one beside it, if any]")
@click.argument("original")
def convert(original: str, out: Path, score_norm: str | None, tokenizer: str | None) -> None:
    """Convert ORIGINAL, a checkpoint directory of the original LTP implementation, to ours."""
    with bars() as bar:
        bar("load libraries", 0, 0)
        quiet_libraries()
        from auditkit.ltp.saving import convert as write
        from auditkit.ltp.tokenizers import has_tokenizer

        bar("convert", 0, 0)
        config = write(original, out, score_norm=score_norm, tokenizer=tokenizer).config
    rule = config.rule_in_words or "none: it prunes nothing"
    click.echo(
        f"{out}: {config.num_hidden_layers} layers, rule {rule}, scores divided by "
        f"{config.score_norm}, first token not protected; classes "
        f"{clean(', '.join(config.labels))}"
    )
    if not has_tokenizer(str(out)):
        click.echo(f"{out}: no tokenizer; put tokenizer.json there before you audit it", err=True)
    click.echo(f"audit it: auditkit run --model {out} --baseline DIR --dataset NAME")
