"""Checkpoints changed at random: each opens and answers with numbers, or one line says why not.

`--fuzz N` tries N of them; a seed is printed, and the number of a case that failed repeats it.
"""

import json
import os
import random
import resource
import shutil
import struct
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny
import torch
from original import config_of, state_of, write
from safetensors.torch import load_file, save_file

from auditkit.bench.opening import open_bench
from auditkit.bench.settings import ModelSettings
from auditkit.errors import AuditError
from auditkit.ltp.checkpoints import from_stock, load_baseline, open_backbone
from auditkit.ltp.inference import run
from auditkit.ltp.layouts import LAYOUTS
from auditkit.ltp.saving import save_stock
from auditkit.ltp.tokenizers import encode
from auditkit.ltp.training.given import first_tokenizer

SEED = 20260
CASES = 100
SECONDS, MEGABYTES = 20, 400
"""What one case may take on a busy machine; most take a twentieth of a second and nothing."""

STOCK = tuple(LAYOUTS)
KINDS = (*STOCK, *(f"ltp-{layout}" for layout in STOCK), "original-roberta")

VALUES: tuple[Any, ...] = (
    -1, 0, 1, 2, 3, 12.5, 10**5, 10**8, 10**9, 10**400, -(10**9), 0.5, 1e-30, 1e30, 1e308,
    float("nan"), float("inf"), float("-inf"), True, None, "", "x", "bert", "roberta", "ltp",
    "distilbert", "auditkit-ltp", "\ud800", "a\x00\x1b[2J\u202e", [], [1, 2], {},
    {"a": {}}, "9" * 5000,
)  # fmt: skip

EXTRA = (
    "num_labels", "problem_type", "quant_mode", "is_decoder", "position_embedding_type",
    "auto_map", "quantization_config", "torch_dtype", "dtype", "tie_word_embeddings",
    "pruned_heads", "vocab_file", "prune_kwargs", "scoring_mode", "token_keep_rate",
)  # fmt: skip
"""Settings that a checkpoint may have besides those that these have."""

RULES: tuple[Any, ...] = (
    {"type": "Sequence", "normalizers": [{"type": "ByteLevel"}] * 40},
    {"type": "Sequence", "normalizers": [
        {"type": "Replace", "pattern": {"String": "a"}, "content": "aa"}] * 40},
    {"type": "Replace", "pattern": {"String": "e"}, "content": "e" * 3_000_000},
    {"type": "Replace", "pattern": {"Regex": "."}, "content": ""},
    {"type": "Replace", "pattern": {"Regex": "[^\ud83c]"}, "content": ""},
    {"type": "Replace", "pattern": {"Regex": "(a+)+$"}, "content": ""},
    {"type": "Prepend", "prepend": "x" * 100_000},
    {"type": "Strip"}, {"type": "Precompiled", "precompiled_charsmap": "AAAA"}, {"type": "None"},
)  # fmt: skip

CUTS: tuple[Any, ...] = (
    {"type": "Split", "pattern": {"Regex": "(a+a+)+b"}, "behavior": "Isolated", "invert": False},
    {"type": "Split", "pattern": {"Regex": ""}, "behavior": "Removed", "invert": False},
    {"type": "Split", "pattern": {"Regex": "("}, "behavior": "Removed", "invert": False},
    {"type": "Sequence", "pretokenizers": [
        {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": False, "use_regex": False}]
     * 40},
    None,
)  # fmt: skip


def change_json(path: Path, rng: random.Random, extra: tuple[str, ...] = ()) -> None:
    """Up to three values of an object, at any depth of it."""
    value = json.loads(path.read_text(encoding="utf-8"))
    for _ in range(rng.randint(1, 3)):
        place = value
        key = rng.choice([*place, *extra])
        while isinstance(place.get(key), dict) and place[key] and rng.random() < 0.7:
            place = place[key]
            key = rng.choice(list(place))
        place[key] = rng.choice(VALUES)
    path.write_text(json.dumps(value))


def config(path: Path, rng: random.Random) -> None:
    change_json(path / "config.json", rng, EXTRA)


def tokenizer(path: Path, rng: random.Random) -> None:
    file = path / rng.choice(("tokenizer.json", "tokenizer.json", "tokenizer_config.json"))
    value = json.loads(file.read_text(encoding="utf-8"))
    if file.name == "tokenizer_config.json":
        key = rng.choice(("model_max_length", "tokenizer_class", "auto_map", *value))
        value[key] = rng.choice((*VALUES, "PreTrainedTokenizer", "LlamaTokenizer", 512))
    else:
        words = value["model"]["vocab"]
        piece = rng.choice(list(words))
        special = value["post_processor"].get("special_tokens") or {"x": {}}
        rng.choice((
            lambda: value.update(normalizer=rng.choice(RULES)),
            lambda: value.update(normalizer=rng.choice(RULES)),
            lambda: value.update(pre_tokenizer=rng.choice(CUTS)),
            lambda: words.pop(rng.choice(("[UNK]", "<unk>", "[SEP]", piece)), None),
            lambda: words.update({piece: rng.choice((10**6, 10**9, -1, 2**32))}),
            lambda: rng.choice(list(special.values())).update(ids=[10**6]),
            lambda: value["added_tokens"][0].update(id=rng.choice((10**9, -1, 77))),
            lambda: value["model"].update(dropout=rng.choice((0.5, 2, "x"))),
            lambda: value.update(post_processor=rng.choice((None, {}, {"type": "ByteLevel"}))),
            lambda: value.update(padding={"strategy": {"Fixed": 10**9}, "direction": "Right",
                                          "pad_id": 10**6, "pad_type_id": 0, "pad_token": "x"}),
            lambda: value["model"].update(vocab=dict(list(words.items())[:7])),
            lambda: value.update(model=rng.choice(VALUES)),
        ))()  # fmt: skip
    file.write_text(json.dumps(value))
    if rng.random() < 0.1:
        file.unlink()


def header(path: Path, rng: random.Random) -> None:
    """What the weights file says of itself."""
    file = path / "model.safetensors"
    data = file.read_bytes()
    (size,) = struct.unpack("<Q", data[:8])
    told = json.loads(data[8 : 8 + size])
    key = rng.choice([key for key in told if key != "__metadata__"])
    entry = told[key]
    rng.choice((
        lambda: entry.update(shape=rng.choice(([10**9] * 2, [], [0], [-1], entry["shape"][::-1]))),
        lambda: entry.update(dtype=rng.choice(("F64", "I32", "BF16", "F8_E4M3", "BOOL", "X"))),
        lambda: entry.update(data_offsets=rng.choice(([0, 10**12], [8, 4], [0, 4]))),
        lambda: told.update({rng.choice(("../x", "embeddings", "layers.9.qkv.weight")): entry}),
        lambda: told.pop(key),
    ))()  # fmt: skip
    text = json.dumps(told).encode()
    size = rng.choice((len(text), len(text), len(text), 2**60, 2**63, 0, 7))
    file.write_bytes(struct.pack("<Q", size) + text + data[8 + len(data[8 : 8 + len(text)]) :])


def weights(path: Path, rng: random.Random) -> None:
    """Their values, and where they lie."""
    file = path / "model.safetensors"
    state = load_file(file)
    key = rng.choice([name for name, value in state.items() if value.is_floating_point()])
    fill = rng.choice((float("nan"), float("inf"), 1e30, -1e30, 1e38, 0.0))
    way = rng.randrange(6)
    if way == 0:
        state = {name: torch.full_like(value.float(), fill) for name, value in state.items()}
    elif way == 1:
        state[key] = torch.full_like(state[key], fill)
    elif way == 2:
        state[key] = state[key].view(torch.int32) if state[key].ndim else state[key].int()
    elif way == 3:
        state[key] = state[key][None] if rng.random() < 0.5 else state[key].flatten()[:0]
    elif way == 4:
        state["bert.encoder.layer.0.extra.weight"] = torch.zeros(2)
    save_file({name: value.contiguous() for name, value in state.items()}, file, {"format": "pt"})
    if way == 5:
        place = rng.choice(("../../x.safetensors", "/etc/passwd", "model.safetensors", "a\x00b", 3))
        names: Any = rng.choice((dict.fromkeys(state, place), {key: place}, [], None))
        index = json.dumps({"weight_map": names})
        (path / "model.safetensors.index.json").write_text(index)
        file.rename(path / rng.choice(("x.safetensors", "model-1.safetensors")))


def record(path: Path, rng: random.Random) -> None:
    """`training.json`."""
    nested: Any = 1
    for _ in range(rng.choice((5, 300, 3000 // 10))):
        nested = {"a": nested}
    text = rng.choice((
        json.dumps(nested), "[" * 10**5, '{"a": "\\ud800"}', "", "\x00", "[]",
        json.dumps({"sweep": [{"target": 0.5}] * 10**5, "settings": {}}),
        json.dumps({"settings": rng.choice(VALUES), "stages": rng.choice(VALUES)}),
    ))  # fmt: skip
    (path / "training.json").write_text(text)


def places(path: Path, rng: random.Random) -> None:
    """Something else where a file belongs."""
    file = path / rng.choice((
        "config.json", "tokenizer.json", "tokenizer_config.json", "training.json",
        "model.safetensors", "model.safetensors.index.json", "special_tokens_map.json",
    ))  # fmt: skip
    file.unlink(missing_ok=True)
    way = rng.randrange(5)
    if way == 0:
        os.mkfifo(file)
    elif way == 1:
        file.symlink_to("/dev/zero")
    elif way == 2:
        file.mkdir()
    elif way == 3:
        file.write_bytes(np.random.default_rng(rng.randrange(99)).bytes(3000))


CHANGES: tuple[Callable[[Path, random.Random], None], ...] = (
    config, config, tokenizer, tokenizer, header, weights, record, places,
)  # fmt: skip


@pytest.fixture(scope="module")
def kinds(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ...]:
    """A stock classifier and a pruned model of ours in every layout, and one of the original."""
    root = tmp_path_factory.mktemp("kinds")
    for layout in STOCK:
        words = tiny.backbone(layout, root / f"{layout}-words")
        stock = open_backbone(str(words), tiny.CLASSES)
        model = from_stock(stock).eval()
        save_stock(model, root / layout)
        model.thresholds.data.fill_(0.02)
        model.save_pretrained(root / f"ltp-{layout}")
        write(root / f"original-{layout}", config_of(model), state_of(model))
        for kind in (layout, f"ltp-{layout}", f"original-{layout}"):
            for file in ("tokenizer.json", "tokenizer_config.json"):
                shutil.copy(words / file, root / kind)
    return tuple(root / kind for kind in KINDS)


def attempt(path: Path) -> str:
    """What a checkpoint comes to, as `train` or `run` opens it: its complaint, or nothing."""
    texts = ["Anna sorted the roses, and we went home.", "é 🌱"]
    try:
        if path.name in STOCK:
            words = first_tokenizer(None, str(path))
            model = load_baseline(str(path))
            ids = encode(words, texts, truncation=True, max_length=72)["input_ids"]
            probs = [result.probs for result in run(model, ids, pruning="off")]
            first_tokenizer(str(path), None)
            open_backbone(str(path), ("a", "b"))
        else:
            bench = open_bench(ModelSettings(model=str(path), device="cpu"))
            answers = bench.answer("pruned", bench.encode(texts))
            probs = [answer.probs for answer in answers]
    except AuditError as error:
        return str(error)
    assert all(np.isfinite(some).all() for some in probs)
    return ""


def test_what_is_as_it_was_opens(kinds: tuple[Path, ...]) -> None:
    assert [attempt(path) for path in kinds] == [""] * len(KINDS)


def test_a_changed_checkpoint_answers_or_is_refused(
    kinds: tuple[Path, ...], tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    count = request.config.getoption("--fuzz", default=None) or CASES
    print(f"seed {SEED}, {count} cases")  # noqa: T201
    came: Counter[str] = Counter()
    wrong = []
    for number in range(count):
        rng = random.Random(f"{SEED} {number}")
        source, change = rng.choice(kinds), rng.choice(CHANGES)
        path = tmp_path / str(number) / source.name
        shutil.copytree(source, path)
        change(path, rng)
        began, before = time.monotonic(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        try:
            said = attempt(path)
        except BaseException as error:  # noqa: BLE001 (a panic of an engine is no Exception)
            said = f"{type(error).__name__}: {error}"
            wrong.append(f"{number}, {change.__name__} of {source.name}: {said[:300]}")
        took = time.monotonic() - began
        grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) >> 10
        if took > SECONDS or grown > MEGABYTES:
            wrong.append(f"{number}, {change.__name__} of {source.name}: {took:.0f} s, {grown} MB")
        if said and (len(said) > 2000 or "\n" in said):
            wrong.append(f"{number}, {change.__name__} of {source.name}: no line: {said[:300]}")
        came["refused" if said else "opened"] += 1
        shutil.rmtree(path.parent)
    print(dict(came))  # noqa: T201
    assert not wrong, "\n".join(wrong)
    assert min(came["opened"], came["refused"]) > count // 20
