"""Flags that several commands have."""

from collections.abc import Callable, Mapping
from typing import Any

import click

from auditkit.text import shown


class Given(click.ParamType[Any]):
    """A path or a name that is not empty, and spelt as one can be: `auditkit.ranges`."""

    def __init__(self, kind: str) -> None:
        self.name = kind

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The value as what `auditkit.ranges` has under that name."""
        from auditkit import ranges  # here, because it imports pydantic

        try:
            return ranges.check(getattr(ranges, self.name), value)
        except ValueError as error:
            self.fail(f"{shown(value)}: {error}", param, ctx)


PLACE, NAME = Given("Place"), Given("Name")


EXIT_CODES = {
    "0": "done, and all gates that were asked for pass",
    "1": "a gate fails",
    "2": "usage or input; one line says what",
    "3": "a probe broke; the report is written",
    "4": "a gate is inconclusive, or its number is not there",
    "70": "a fault of auditkit's own",
    "130": "interrupted; 141 nobody reads what is printed; 143 terminated",
}
PLAIN_CODES = {"0": "done", **{code: EXIT_CODES[code] for code in ("2", "70", "130")}}
"""Of commands that decide nothing."""


def ending(*examples: str, codes: Mapping[str, str] = PLAIN_CODES) -> str:
    """The end of a command's help: examples and exit codes, each line as it stands."""
    shown = [f"  auditkit {example}" for example in examples]
    told = [f"  {code:<3}  {when}" for code, when in codes.items()]
    return "\n".join(["\b", "Examples:", *shown, "", "\b", "Exit codes:", *told])


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
        click.option("--baseline", metavar="DIR",
                     help="Before pruning, or another change.  [default: CKPT/baseline]"),
        click.option("--model", metavar="CKPT",
                     help="What `auditkit train` wrote, another classifier, or a hub id.  "
                     "[required]"),
    ):  # fmt: skip
        command = option(command)
    return command


def data_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The flags that say where the data comes from."""
    for option in (
        click.option("--data-dir", metavar="DIR",
                     help="Local copies of agnews and imdb; else the variable AUDITKIT_DATA."),
        click.option("--labels", metavar="MODEL=DATA,…",
                     help="Which classes are which; DATA+DATA counts several as one."),
        click.option("--label-column", metavar="NAME", help="Found by its name unless given."),
        click.option("--text-column", metavar="NAME[,NAME]",
                     help="Found by its name unless given; several are joined."),
        click.option("--dataset", metavar="NAME",
                     help="agnews, imdb, a hub id, or a .csv, .tsv, .jsonl or .parquet file.  "
                     "[required]"),
    ):  # fmt: skip
        command = option(command)
    return command
