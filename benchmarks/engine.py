"""How much time does pruning save? All variants side by side in one run.

    python benchmarks/engine.py --backbone DIR --data-dir DATA [--device cuda] [--json out.json]

Rows: (a) transformers' own padded forward, (b) this engine with pruning off, (c) this engine with
hard masks at several MACs ratios, (d) masking instead of removing, the original implementation's
way, and what recording the scores adds to (c). Every round runs all variants in turn, so that a
machine whose speed drifts slows all alike; figures are medians over the rounds.

efficiency = (time of the faster of a and b / time of c) / macs_ratio: 1 means that time falls as
counted MACs do.
"""

import argparse
import json
import statistics
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from transformers import AutoModelForSequenceClassification

from auditkit.data import load_dataset
from auditkit.ltp import LTPForSequenceClassification
from auditkit.ltp.budget import fit_offset, warm_start
from auditkit.ltp.checkpoints import from_stock, load_tokenizer, quiet
from auditkit.ltp.cost import macs_share
from auditkit.ltp.inference import pad, plan
from auditkit.speed import alternate

DATA = {"agnews": (0, 128), "imdb": (256, 512)}
"""By data set: shortest document taken and longest one, in tokens; longer ones are cut."""


@dataclass(frozen=True)
class Row:
    """One variant's figures on one data set."""

    data: str
    variant: str
    macs_ratio: float
    seconds: float
    tokens_per_second: float
    time_ratio: float
    """Time of the faster of a and b over this variant's."""
    efficiency: float | None


def main() -> None:
    """Parse, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--backbone", required=True, help="a BERT or RoBERTa checkpoint")
    parser.add_argument("--data-dir", type=Path, help="local copies of agnews and imdb")
    parser.add_argument("--data", default="agnews,imdb")
    parser.add_argument("--documents", type=int, default=256)
    parser.add_argument("--ratios", default="1.5,2,3,4")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--batch-tokens", type=int, default=8192)
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
    dtype = getattr(torch, options.dtype)
    stock = AutoModelForSequenceClassification.from_pretrained(options.backbone, num_labels=4)
    models = {"b pruning off": from_stock(stock)}
    documents = tokens_of(name, options)
    for ratio in map(float, options.ratios.split(",")):
        pruned = from_stock(stock).to(options.device).eval()
        warm_start(pruned, documents[::4], 1 / ratio)
        fit_offset(pruned, documents, 1 / ratio)
        models[f"c hard {ratio:g}"] = pruned
    stock.to(options.device, dtype).eval()
    for model in models.values():
        model.to(options.device).eval()
        for part in (model.embeddings, model.layers, model.head):
            part.to(dtype)
    batches = [
        (
            pad([documents[i] for i in indices], model.config.pad_token_id or 0, stock.device),
            pad([[1] * len(documents[i]) for i in indices], 0, stock.device),
        )
        for indices in plan([len(d) for d in documents], options.batch_tokens)
    ]
    variants: dict[str, Callable[[Tensor, Tensor], Any]] = {
        "a transformers": lambda ids, mask: stock(ids, attention_mask=mask),
        "b pruning off": _forward(models.pop("b pruning off"), pruning="off"),
    }
    shares = {"a transformers": 1.0, "b pruning off": 1.0}
    for label, model in models.items():
        share = _share(model, batches)
        variants[label] = _forward(model, pruning="hard")
        variants[label.replace("c hard", "c + scores")] = _forward(
            model, pruning="hard", output_scores=True
        )
        variants[label.replace("c hard", "d masking")] = _masking(model)
        for kind in ("c hard", "c + scores", "d masking"):
            shares[label.replace("c hard", kind)] = share
    times = timed(variants, batches, options.rounds)
    fastest = min(times["a transformers"], times["b pruning off"])
    count = sum(map(len, documents))
    return [
        Row(
            data=name,
            variant=variant,
            macs_ratio=1 / shares[variant],
            seconds=seconds,
            tokens_per_second=count / seconds,
            time_ratio=fastest / seconds,
            efficiency=fastest / seconds * shares[variant] if variant[0] == "c" else None,
        )
        for variant, seconds in times.items()
    ]


def tokens_of(name: str, options: argparse.Namespace) -> list[list[int]]:
    """Token ids of real documents of the lengths in `DATA`."""
    shortest, longest = DATA[name]
    data = load_dataset(name, split="test", data_dir=options.data_dir)
    tokenizer = load_tokenizer(options.backbone)
    texts = [example.text for example in data.examples[:: len(data.examples) // 2000]]
    ids = tokenizer(texts, truncation=True, max_length=longest)["input_ids"]
    return [document for document in ids if len(document) >= shortest][: options.documents]


def timed(
    variants: dict[str, Callable[[Tensor, Tensor], Any]],
    batches: Sequence[tuple[Tensor, Tensor]],
    rounds: int,
) -> dict[str, float]:
    """Median seconds of each variant over all batches, the variants taking turns."""

    def pass_through(forward: Callable[[Tensor, Tensor], Any]) -> None:
        for ids, mask in batches:
            forward(ids, mask)
        if ids.is_cuda:
            torch.cuda.synchronize()

    calls = {name: partial(pass_through, forward) for name, forward in variants.items()}
    with torch.inference_mode():
        seconds = alternate(calls, rounds)
    return {name: statistics.median(times) for name, times in seconds.items()}


def _forward(model: LTPForSequenceClassification, **how: Any) -> Callable[[Tensor, Tensor], Any]:
    return lambda ids, mask: model(ids, mask, **how)


@torch.inference_mode()
def _share(
    model: LTPForSequenceClassification, batches: Sequence[tuple[Tensor, Tensor]]
) -> float:  # fmt: skip
    lengths = torch.cat([model(ids, mask, pruning="hard").lengths for ids, mask in batches], dim=1)
    return macs_share(model.config, lengths.numpy())


def _masking(model: LTPForSequenceClassification) -> Callable[[Tensor, Tensor], Tensor]:
    """A padded forward that only hides what the thresholds drop: every token is still computed."""
    config, thresholds = model.config, model.thresholds.tolist()

    def forward(ids: Tensor, mask: Tensor) -> Tensor:
        alive = mask.bool()
        length = alive.sum(1, keepdim=True)
        x = model.embeddings(input_ids=ids)
        for layer, threshold in zip(model.layers, thresholds, strict=True):
            batch, tokens, size = x.shape
            heads = layer.qkv(x).view(batch, tokens, 3, layer.heads, -1).permute(2, 0, 3, 1, 4)
            query, key, value = heads.unbind(0)
            logits = query @ key.transpose(2, 3) * query.shape[-1] ** -0.5
            hidden = torch.finfo(x.dtype).min
            probs = torch.softmax(logits.masked_fill(~alive[:, None, None], hidden), -1)
            context = (probs @ value).transpose(1, 2).reshape(batch, tokens, size)
            x = layer.attention_norm(x + layer.attention_out(context))
            received = (probs.sum(1) * alive[:, :, None]).sum(1) / (length * layer.heads)
            first = torch.arange(tokens, device=x.device) == 0
            alive = alive & ((received >= threshold) | first | (threshold == 0))
            x = layer.ffn(x)
        logits: Tensor = model.head(x[:, 0])
        return logits

    assert config.rule == "absolute"
    return forward


def show(rows: Sequence[Row]) -> None:
    """A table on the terminal."""
    print(f"{'data':8} {'variant':16} {'MACs ratio':>10} {'time ratio':>10} {'efficiency':>10} "
          f"{'tokens/s':>10} {'seconds':>8}")  # fmt: skip
    for row in rows:
        efficiency = "" if row.efficiency is None else f"{row.efficiency:.3f}"
        print(f"{row.data:8} {row.variant:16} {row.macs_ratio:10.2f} {row.time_ratio:10.2f} "
              f"{efficiency:>10} {row.tokens_per_second:10,.0f} {row.seconds:8.3f}")  # fmt: skip


if __name__ == "__main__":
    main()
