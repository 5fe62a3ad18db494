"""Files of a checkpoint's folder: what is not opened, and what is not read to its end."""

import json
import os
import shutil
import struct
import threading
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import tiny
import torch
from command import auditkit
from ltp_models import pruning_model, tiny_stock
from original import config_of, state_of, write
from safetensors.torch import load_file, save_file

from auditkit.errors import CheckpointError
from auditkit.ltp.checkpoints import (
    fingerprint,
    from_stock,
    load_baseline,
    load_ltp,
    open_backbone,
)
from auditkit.ltp.hub import located
from auditkit.ltp.saving import save_stock
from auditkit.ltp.stored import read_json, read_tensors
from auditkit.ltp.weights import check_dense


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    pruning_model("bert").save_pretrained(tmp_path / "saved")
    return tmp_path / "saved"


def refused(open_: Callable[..., object], path: Path, *more: Any) -> str:
    with pytest.raises(CheckpointError) as caught:
        open_(str(path), *more)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert message.isprintable()
    assert len(message) < 600
    return message.removeprefix(f"{path}: ")


NAMES = (
    "config.json", "training.json", "model.safetensors", "model.safetensors.index.json",
    "tokenizer.json", "tokenizer_config.json",
)  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("make", [os.mkfifo, lambda path: path.symlink_to("/dev/zero")])
def test_a_pipe_or_a_device_is_not_opened(
    make: Callable[[Path], object], name: str, saved: Path
) -> None:
    (saved / name).unlink(missing_ok=True)
    make(saved / name)
    assert refused(load_ltp, saved) == (f"'{name}' is a pipe or a device, expected a regular file")


def test_a_folder_where_a_file_belongs(saved: Path) -> None:
    (saved / "config.json").unlink()
    (saved / "config.json").mkdir()
    assert "config.json is no regular file; the directory holds: config.json" in refused(
        load_ltp, saved
    )


def test_a_link_to_a_file_is_a_file(saved: Path, tmp_path: Path) -> None:
    blob = (saved / "model.safetensors").rename(tmp_path / "blob")  # as the hub's copies have it
    (saved / "model.safetensors").symlink_to(blob)
    (saved / "gone.txt").symlink_to(tmp_path / "nowhere")
    load_ltp(str(saved))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[1]", "holds [1], expected a JSON object"),
        ("{", "cannot be read (Expecting property name"),
        ('{"a":' * 10**5, "cannot be read (maximum recursion depth"),
        ('{"a":' * 40 + "1" + "}" * 40, "nests more than 32 levels"),
        ('{"a": "\\udc80"}', "holds half a surrogate pair"),
        ('{"\\ud800": 1}', "holds half a surrogate pair"),
        ('{"a": ' + "9" * 5000 + "}", "cannot be read (Exceeds the limit"),
        ("\x00", "cannot be read"),
    ],
)
def test_json_that_is_none(text: str, expected: str, tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text(text)
    with pytest.raises(CheckpointError, match=r"name: x.json ") as caught:
        read_json("name", tmp_path / "x.json")
    assert expected in str(caught.value)


def test_json_that_is_too_large_is_not_read(tmp_path: Path) -> None:
    with (tmp_path / "x.json").open("wb") as file:
        file.truncate(10**12)  # a hole: it takes no space
    with pytest.raises(CheckpointError, match="has 953674 MB, expected at most 64"):
        read_json("name", tmp_path / "x.json")


def test_pairs_of_surrogates_are_text(tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text('{"a": "\\ud83c\\udf31"}')
    assert read_json("name", tmp_path / "x.json") == {"a": "\U0001f331"}


# --- weights ---------------------------------------------------------------------------------


def split_weights(path: Path, places: Callable[[str], Any]) -> None:
    """The weights in two files, and an index that says `places` of them."""
    state = load_file(path / "model.safetensors")
    (path / "model.safetensors").unlink()
    names = sorted(state)
    for file, keys in (("a.safetensors", names[::2]), ("b.safetensors", names[1::2])):
        save_file({key: state[key] for key in keys}, path / file)
    known = dict.fromkeys(names[::2], "a.safetensors") | dict.fromkeys(names[1::2], "b.safetensors")
    index = {"weight_map": {key: places(known[key]) for key in names}}
    (path / "model.safetensors.index.json").write_text(json.dumps(index))


def test_weights_in_several_files(saved: Path) -> None:
    before = load_ltp(str(saved)).state_dict()
    split_weights(saved, lambda file: file)
    after = load_ltp(str(saved)).state_dict()
    assert all(torch.equal(after[key], value) for key, value in before.items())


def test_an_index_is_part_of_the_fingerprint(saved: Path) -> None:
    split_weights(saved, lambda file: file)
    before = fingerprint(str(saved))
    index = saved / "model.safetensors.index.json"
    index.write_text(index.read_text().replace("a.safetensors", "b.safetensors", 1))
    assert fingerprint(str(saved)) != before


@pytest.mark.parametrize("file", ["../out.safetensors", "/etc/passwd", "..", "", "no\0ne", "x"])
def test_an_index_does_not_lead_out_of_the_folder(file: str, saved: Path, tmp_path: Path) -> None:
    save_file(load_file(saved / "model.safetensors"), tmp_path / "out.safetensors")
    split_weights(saved, lambda place: file)
    seen = refused(load_ltp, saved)
    assert "model.safetensors.index.json names " in seen
    assert "expected a file beside it" in seen


@pytest.mark.parametrize("text", ['{"weight_map": []}', "{}", '{"weight_map": {"a": 3}}'])
def test_an_index_of_nothing(text: str, saved: Path) -> None:
    (saved / "model.safetensors").unlink()
    (saved / "model.safetensors.index.json").write_text(text)
    assert "has no weight_map of names to files" in refused(load_ltp, saved)


def test_an_index_that_names_the_wrong_file(saved: Path) -> None:
    split_weights(saved, lambda place: "a.safetensors")
    assert "is not in a.safetensors, where model.safetensors.index.json has it" in refused(
        load_ltp, saved
    )


def lie(path: Path, change: Callable[[dict[str, Any]], object], size: int | None = None) -> None:
    """Another header before the same tensors."""
    file = path / "model.safetensors"
    data = file.read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + length])
    change(header)
    text = json.dumps(header).encode()
    file.write_bytes(struct.pack("<Q", size or len(text)) + text + data[8 + length :])


KEY = "head.out.weight"


@pytest.mark.parametrize(
    "change",
    [
        lambda h: h[KEY].update(shape=[10**9, 10**9]),
        lambda h: h[KEY].update(shape=[10**12]),
        lambda h: h[KEY].update(data_offsets=[0, 10**13]),
        lambda h: h[KEY].update(data_offsets=[0, 4]),
        lambda h: h[KEY].update(dtype="X"),
        lambda h: h.pop(KEY),
    ],
)
def test_a_header_that_lies(change: Callable[[dict[str, Any]], object], saved: Path) -> None:
    lie(saved, change)
    assert "model.safetensors cannot be read as tensors" in refused(load_ltp, saved)


@pytest.mark.parametrize("size", [2**63, 2**40, 1])
def test_a_header_of_another_length(size: int, saved: Path) -> None:
    lie(saved, lambda header: None, size)
    assert "model.safetensors cannot be read as tensors" in refused(load_ltp, saved)


@pytest.mark.parametrize("dtype", ["I32", "U32"])
def test_the_bits_of_integers_are_no_weights(dtype: str, saved: Path) -> None:
    lie(saved, lambda header: header[KEY].update(dtype=dtype))
    seen = refused(load_ltp, saved)
    assert f"the weight '{KEY}' is a torch." in seen
    assert "expected a dense floating-point tensor" in seen


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_weights_of_other_precisions_open(dtype: torch.dtype, saved: Path) -> None:
    state = load_file(saved / "model.safetensors")
    save_file({key: value.to(dtype) for key, value in state.items()}, saved / "model.safetensors")
    assert load_ltp(str(saved)).head.dense.weight.dtype == torch.float32


@pytest.mark.parametrize("value", [torch.zeros(1).expand(10**12), torch.eye(3).to_sparse(), 3, {}])
def test_what_is_no_dense_tensor(value: object) -> None:
    with pytest.raises(CheckpointError, match="expected a dense floating-point tensor"):
        check_dense("name", {"w": value})


def test_pickled_weights_old_and_new(tmp_path: Path) -> None:
    stock = tiny_stock("bert")
    stock.save_pretrained(tmp_path)
    (tmp_path / "model.safetensors").unlink()
    for zipped in (False, True):
        torch.save(
            stock.state_dict(), tmp_path / "pytorch_model.bin",
            _use_new_zipfile_serialization=zipped,
        )  # fmt: skip
        load_baseline(str(tmp_path))


def test_pickled_weights_that_would_inflate_are_not_read(tmp_path: Path) -> None:
    torch.save({"w": torch.zeros(10)}, tmp_path / "plain.bin")
    with (
        zipfile.ZipFile(tmp_path / "plain.bin") as plain,
        zipfile.ZipFile(tmp_path / "pytorch_model.bin", "w", zipfile.ZIP_DEFLATED) as bomb,
    ):
        for name in plain.namelist():
            bomb.writestr(name, plain.read(name))
    with pytest.raises(CheckpointError, match=r"cannot be read as tensors \(it is compressed\)"):
        read_tensors("name", tmp_path)


# --- where it lies ---------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["", "a\0b", "no/such/directory", "./x", "~/x", "x" * 5000])
def test_a_name_of_nothing(name: str) -> None:
    with pytest.raises(CheckpointError, match=r"no such directory|no path of a directory"):
        located(name)


def test_the_hub_is_asked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a network one line says so, and nothing is asked of the hub's own client."""
    asked = []

    class Session:
        def head(self, url: str, timeout: float) -> None:
            asked.append((url, timeout))
            raise OSError("no network")

    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    monkeypatch.setattr("huggingface_hub.get_session", Session)
    with pytest.raises(CheckpointError, match="nor a hub model that can be reached from here"):
        located("nobody/no-such-model")
    assert asked == [("https://huggingface.co", 5.0)]


def test_a_hub_that_says_nothing_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    silence = threading.Event()

    class Session:
        def head(self, url: str, timeout: float) -> None:
            silence.wait(30)

    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    monkeypatch.setattr("huggingface_hub.get_session", Session)
    monkeypatch.setattr("auditkit.ltp.hub.PATIENCE", 0.05)
    with pytest.raises(CheckpointError, match="nor a hub model that can be reached from here"):
        located("nobody/no-such-model")
    silence.set()


def test_a_copy_of_a_hub_model_opens(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    tiny_stock("bert").save_pretrained(tmp_path)

    def copied(name: str, **options: Any) -> str:
        assert (name, options["local_files_only"]) == ("somebody/model", True)
        assert "*.bin" not in options["allow_patterns"]
        return str(tmp_path)

    monkeypatch.setattr("auditkit.ltp.hub.snapshot_download", copied)
    assert load_baseline("somebody/model").config.layout == "bert"


# --- from the command line -------------------------------------------------------------------


def pattern_that_panics(path: Path) -> None:
    """Of its tokenizer: an engine gives up, with an error that is no `Exception`."""
    file = path / "tokenizer.json"
    value = json.loads(file.read_text(encoding="utf-8"))
    value["pre_tokenizer"] = {"type": "Split", "pattern": {"Regex": "(a+)+b"},
                              "behavior": "Isolated", "invert": False}  # fmt: skip
    file.write_text(json.dumps(value))


def pipe(path: Path) -> None:
    (path / "config.json").unlink()
    os.mkfifo(path / "config.json")


@pytest.mark.parametrize(
    ("damage", "said"),
    [(pipe, "'config.json' is a pipe or a device"), (pattern_that_panics, "breaks on a text")],
)
def test_every_command_says_it_in_one_line_before_it_works(
    damage: Callable[[Path], None], said: str, tmp_path: Path
) -> None:
    kinds = {name: tmp_path / name for name in ("stock", "own", "original")}
    words = tiny.backbone("roberta", tmp_path / "words")
    model = from_stock(open_backbone(str(words), ["a", "b"]))
    save_stock(model, kinds["stock"])
    model.save_pretrained(kinds["own"])
    write(kinds["original"], config_of(model), state_of(model))
    for path in kinds.values():
        for file in ("tokenizer.json", "tokenizer_config.json"):
            shutil.copy(words / file, path)
        damage(path)
    data, out = ("--dataset", tmp_path / "is-not-there.csv"), ("--out", tmp_path / "out")
    for arguments in (
        ("train", "--backbone", kinds["stock"], *data, *out),
        ("train", "--baseline", kinds["stock"], *data, *out),
        ("run", "--model", kinds["own"], *data, *out),
        ("run", "--model", kinds["original"], *data, *out),
        ("explain", "--model", kinds["own"], "a text"),
        ("convert", kinds["original"], *out),
    ):
        done = auditkit(*arguments)
        assert done.code == 2
        assert said in done.complaint
        assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("out", "said"), [("", "at least 1 character"), (".", "expected the name of a new directory")]
)
def test_a_checkpoint_is_not_converted_to_no_name(out: str, said: str, tmp_path: Path) -> None:
    done = auditkit("convert", tmp_path, "--out", out)
    assert done.code == 2
    assert said in done.complaint
