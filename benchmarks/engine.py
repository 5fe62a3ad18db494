"""How much time does pruning save? All variants side by side in one run.

    python benchmarks/engine.py --backbone DIR --data-dir DATA [--json out.json]
    python benchmarks/engine.py --backbone DIR --data-dir DATA --device cuda --dtype bfloat16 --base

Rows: (a) transformers' own padded forward, (b) this engine with pruning off, (c) this engine with
hard masks at several MACs ratios, the same with scores recorded, and (d) masking instead of
removing, the original implementation's way. Every round runs all variants in turn, so that a
machine whose speed drifts slows all alike; each begins its turn with a batch that is not timed, so
that none pays for the memory that the one before it left, and every other round goes backwards.
Seconds and ratios are medians over the rounds, a ratio being taken within each.

time ratio  = time of the faster of a and b / time of the variant
efficiency  = time ratio / MACs ratio, of c: 1 means that time falls as counted MACs do
recording   = time with scores recorded / time without
"""

import argparse
import json
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from rich.table import Table
from torch import Tensor
from transformers import AutoConfig, AutoModelForSequenceClassification, PreTrainedModel

from auditkit.bench.speed import alternate
from auditkit.cli.bars import bars
from auditkit.data.examples import load_dataset
from auditkit.data.settings import DataSettings
from auditkit.ltp import LTPForSequenceClassification
from auditkit.ltp.checkpoints import from_stock, quiet
from auditkit.ltp.cost import macs_share
from auditkit.ltp.inference import BATCH_TOKENS, pad, plan
from auditkit.ltp.padded import masked
from auditkit.ltp.tokenizers import load_tokenizer
from auditkit.ltp.training.budget import fit_offset, warm_start

Forward = Callable[[Tensor, Tensor], Any]
"""Token ids and attention mask of a padded batch to whatever the model returns."""

DATA = {"agnews": (0, 128, 256), "imdb": (256, 512, 48)}
"""By data set: shortest document taken and longest one, in tokens (longer ones are cut), and how
many are taken."""


@dataclass(frozen=True)
class Row:
    """One variant's figures on one data set."""

    data: str
    variant: str
    macs_ratio: float
    seconds: float
    rounds: list[float]
    """Seconds by round."""
    tokens_per_second: float
    time_ratio: float
    """Time of the faster of a and b over this variant's."""
    efficiency: float | None
    recording: float | None
    """Time with scores recorded over time without, of the rows that record them."""


@dataclass(frozen=True)
class Variant:
    """Something to time, and what it costs."""

    forward: Forward
    macs_share: float = 1.0


def main() -> None:
    """Parse, measure, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--backbone", required=True, help="a BERT or RoBERTa checkpoint")
    parser.add_argument("--base", action="store_true",
                        help="of RoBERTa-base's size, with random weights")  # fmt: skip
    parser.add_argument("--data-dir", type=Path, help="local copies of agnews and imdb")
    parser.add_argument("--data", default="agnews,imdb")
    parser.add_argument("--documents", type=int, help="of each data set; default: 256 and 48")
    parser.add_argument("--ratios", default="1.5,2,3,4", help="MACs ratios of c; d takes the last")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--batch-tokens", type=int, default=BATCH_TOKENS)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--dtype", default="float32", choices=["float32", "bfloat16", "float16"])
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    quiet()
    rows = []
    for name in options.data.split(","):
        rows += measure(name, options)
        show([row for row in rows if row.data == name])
    if options.json:
        options.json.write_text(json.dumps([asdict(row) for row in rows], indent=1) + "\n")


def measure(name: str, options: argparse.Namespace) -> list[Row]:
    """All variants on one data set."""
    documents = tokens_of(name, options)
    stock = stock_model(options)
    unpruned = from_stock(stock)
    pruned = {}
    for ratio in map(float, options.ratios.split(",")):
        model = from_stock(stock).to(options.device).eval()
        warm_start(model, documents[::4], 1 / ratio)
        fit_offset(model, documents, 1 / ratio)
        pruned[f"{ratio:g}"] = model
    stock.to(options.device, getattr(torch, options.dtype)).eval()
    for model in (unpruned, *pruned.values()):
        model.to(options.device).eval()
        for part in (model.embeddings, model.layers, model.head):  # thresholds stay in float32
            part.to(stock.dtype)
    batches = [
        (
            pad([documents[i] for i in indices], stock.config.pad_token_id or 0, stock.device),
            pad([[1] * len(documents[i]) for i in indices], 0, stock.device),
        )
        for indices in plan([len(d) for d in documents], options.batch_tokens)
    ]
    variants = {
        "a transformers": Variant(lambda ids, mask: stock(ids, attention_mask=mask)),
        "b pruning off": Variant(_forward(unpruned, pruning="off")),
    }
    for times, model in pruned.items():
        share = _share(model, batches)
        hard = _forward(model, pruning="hard")
        recording = _forward(model, pruning="hard", output_scores=True)
        variants[f"c hard {times}"] = Variant(hard, share)
        variants[f"c + scores {times}"] = Variant(recording, share)
    variants[f"d masking {times}"] = Variant(partial(masked, model), share)  # as fast at any ratio
    seconds = timed(variants, batches, options.rounds)
    return [_row(name, variant, variants, seconds, documents) for variant in variants]


def _row(
    data: str,
    name: str,
    variants: Mapping[str, Variant],
    seconds: Mapping[str, list[float]],
    documents: Sequence[Sequence[int]],
) -> Row:
    own, share = statistics.median(seconds[name]), variants[name].macs_share
    faster = min("a transformers", "b pruning off", key=lambda n: statistics.median(seconds[n]))
    time_ratio = _ratio(seconds[faster], seconds[name])
    plain = name.replace("c + scores", "c hard")
    return Row(
        data=data,
        variant=name,
        macs_ratio=1 / share,
        seconds=own,
        rounds=seconds[name],
        tokens_per_second=sum(map(len, documents)) / own,
        time_ratio=time_ratio,
        efficiency=time_ratio * share if name.startswith("c") else None,
        recording=_ratio(seconds[name], seconds[plain]) if plain != name else None,
    )


def _ratio(these: Sequence[float], those: Sequence[float]) -> float:
    """Median over the rounds of the ratio within each: a machine's drift cancels out."""
    return statistics.median(a / b for a, b in zip(these, those, strict=True))


def stock_model(options: argparse.Namespace) -> PreTrainedModel:
    """transformers' own classifier, with a head of random weights."""
    if not options.base:
        model: PreTrainedModel = AutoModelForSequenceClassification.from_pretrained(
            options.backbone, num_labels=4
        )
        return model
    torch.manual_seed(0)
    config = AutoConfig.from_pretrained(options.backbone, num_labels=4)
    config.update({"hidden_size": 768, "num_hidden_layers": 12, "num_attention_heads": 12,
                   "intermediate_size": 3072})  # fmt: skip
    return AutoModelForSequenceClassification.from_config(config)  # type: ignore[no-any-return,no-untyped-call]


def tokens_of(name: str, options: argparse.Namespace) -> list[list[int]]:
    """Token ids of real documents of the lengths in `DATA`."""
    shortest, longest, count = DATA[name]
    data = load_dataset(DataSettings(dataset=name, split="test", data_dir=options.data_dir))
    tokenizer = load_tokenizer(options.backbone)
    texts = [example.text for example in data.examples[:: len(data.examples) // 2000]]
    ids = tokenizer(texts, truncation=True, max_length=longest)["input_ids"]
    return [document for document in ids if len(document) >= shortest][: options.documents or count]


def timed(
    variants: Mapping[str, Variant],
    batches: Sequence[tuple[Tensor, Tensor]],
    rounds: int,
) -> dict[str, list[float]]:
    """Seconds of each variant over all batches by round, the variants taking turns."""

    def run(name: str, some: Sequence[tuple[Tensor, Tensor]]) -> None:
        for ids, mask in some:
            variants[name].forward(ids, mask)
        if ids.is_cuda:
            torch.cuda.synchronize()

    with torch.inference_mode(), bars() as bar:
        return alternate(
            {name: partial(run, name, batches) for name in variants},
            rounds,
            on_turn=partial(bar, "passes over the documents"),
            before_turn=lambda name: run(name, batches[:1]),
        )


def _forward(model: LTPForSequenceClassification, **how: Any) -> Forward:
    return lambda ids, mask: model(ids, mask, **how)


@torch.inference_mode()
def _share(model: LTPForSequenceClassification, batches: Sequence[tuple[Tensor, Tensor]]) -> float:
    read = [model(ids, mask, pruning="hard").lengths for ids, mask in batches]
    lengths = torch.cat([found for found in read if found is not None], dim=1)
    return macs_share(model.config, lengths.cpu().numpy())


def show(rows: Sequence[Row]) -> None:
    """A table on the terminal."""
    table = Table(title=rows[0].data, box=None, padding=(0, 1, 0, 0), title_justify="left")
    for title in ("variant", "MACs ratio", "time ratio", "efficiency", "recording", "tokens/s",
                  "seconds"):  # fmt: skip
        table.add_column(title, justify="left" if title == "variant" else "right", no_wrap=True)
    for row in rows:
        factors = (row.macs_ratio, row.time_ratio, row.efficiency, row.recording)
        table.add_row(
            row.variant, *("" if x is None else f"{x:.2f}" for x in factors),
            f"{row.tokens_per_second:,.0f}", f"{row.seconds:.3f}",
        )  # fmt: skip
    Console().print(table)


if __name__ == "__main__":
    main()
