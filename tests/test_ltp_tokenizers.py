"""The tokenizer beside a checkpoint: which are taken, and which refused before a text is read."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import tiny
from transformers import AutoTokenizer, PreTrainedTokenizerFast

from auditkit.errors import CheckpointError
from auditkit.ltp.tokenizers import encode, load_tokenizer
from auditkit.ltp.training.documents import padded


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """By layout a tokenizer of 220 and of 420 pieces."""
    root = tmp_path_factory.mktemp("words")
    return {layout: tiny.backbone(layout, root / layout) for layout in ("bert", "roberta")}


@pytest.fixture
def bert(made: dict[str, Path], tmp_path: Path) -> Path:
    """To be changed."""
    return Path(shutil.copytree(made["bert"], tmp_path / "bert"))


def change(path: Path, edit: Callable[[dict[str, Any]], object], name: str = "") -> None:
    file = path / (name or "tokenizer.json")
    value = json.loads(file.read_text(encoding="utf-8"))
    edit(value)
    file.write_text(json.dumps(value))


def refused(path: Path, vocab_size: int | None = 220) -> str:
    with pytest.raises(CheckpointError) as caught:
        load_tokenizer(str(path), vocab_size)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert message.isprintable()
    assert len(message) < 600
    return message.removeprefix(f"{path}: ")


# --- whether it is the model's ---------------------------------------------------------------


@pytest.mark.parametrize("left", [(), ("tokenizer_config.json",), ("vocab.json",)])
def test_where_no_vocabulary_lies_none_is_made_up(left: tuple[str, ...], bert: Path) -> None:
    for file in bert.glob("token*"):
        if file.name not in left:
            file.unlink()
    (bert / "special_tokens_map.json").write_text('{"unk_token": "[UNK]"}')
    if "vocab.json" in left:  # half of a vocabulary
        (bert / "vocab.json").write_text('{"a": 0}')
    assert refused(bert).startswith("no tokenizer; put the tokenizer.json of the model that it was")


def test_a_vocabulary_alone_is_enough(bert: Path) -> None:
    words = AutoTokenizer.from_pretrained(bert).get_vocab()
    (bert / "tokenizer.json").unlink()
    (bert / "tokenizer_config.json").unlink()
    (bert / "vocab.txt").write_text("\n".join(sorted(words, key=words.__getitem__)) + "\n")
    assert load_tokenizer(str(bert), 220).get_vocab() == words


@pytest.mark.parametrize(("size", "good"), [(219, False), (220, True), (440, True), (441, False)])
def test_a_vocabulary_of_another_size_is_another_models(size: int, good: bool, bert: Path) -> None:
    if good:
        assert len(load_tokenizer(str(bert), size)) == 220
    elif size < 220:
        assert "the tokenizer's ids go up to 219, the model's to 218" in refused(bert, size)
    else:
        assert "the tokenizer has 220 tokens, the model 441" in refused(bert, size)


def test_tokens_added_without_the_model(bert: Path) -> None:
    words = AutoTokenizer.from_pretrained(bert)
    words.add_tokens(["[USER]", "[URL]"])
    words.save_pretrained(bert)
    assert "go up to 221, the model's to 219" in refused(bert)
    assert len(load_tokenizer(str(bert), 222)) == 222


def test_special_ids_that_the_model_does_not_have(bert: Path) -> None:
    change(bert, lambda c: c["post_processor"]["special_tokens"]["[CLS]"].update(ids=[99999]))
    assert "the tokenizer gives the id 99999, the model's go up to 219" in refused(bert)


def test_a_tokenizer_that_pads_with_nothing_is_one_like_others(
    made: dict[str, Path], tmp_path: Path
) -> None:
    whole = AutoTokenizer.from_pretrained(made["roberta"])
    bare = PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=whole.backend_tokenizer, bos_token="<s>", eos_token="</s>",
        unk_token="<unk>",
    )  # fmt: skip
    bare.save_pretrained(tmp_path)
    words = load_tokenizer(str(tmp_path), 420)
    assert words.pad_token is None
    texts = ["Anna", "Anna sorted the roses."]
    assert encode(words, texts)["input_ids"] == encode(whole, texts)["input_ids"]


def test_a_training_batch_is_padded_without_a_pad_token() -> None:
    rows = [{"input_ids": [5, 6, 7], "labels": 1}, {"input_ids": [8], "labels": 0}]
    batch = padded(rows)
    assert batch["input_ids"].tolist() == [[5, 6, 7], [8, 0, 0]]
    assert batch["attention_mask"].tolist() == [[1, 1, 1], [1, 0, 0]]
    assert batch["labels"].tolist() == [1, 0]
    batch = padded([row | {"teacher": [0.5, -1.0]} for row in rows])
    assert batch["teacher"].tolist() == [[0.5, -1.0]] * 2


# --- what it says of itself ------------------------------------------------------------------


@pytest.mark.parametrize("length", [12.5, "512", [512], -1, 0, True, float("nan"), float("inf")])
def test_a_length_that_is_none(length: object, bert: Path) -> None:
    change(bert, lambda c: c.update(model_max_length=length), "tokenizer_config.json")
    assert f"model_max_length is {length!r} in tokenizer_config" in refused(bert)


@pytest.mark.parametrize("length", [12, 512.0, 10**30, 10**400, 1e30, None])
def test_a_length_that_is_one(length: object, bert: Path) -> None:
    change(bert, lambda c: c.update(model_max_length=length), "tokenizer_config.json")
    load_tokenizer(str(bert), 220)


def replace(pattern: str, content: str) -> dict[str, Any]:
    return {"type": "Replace", "pattern": {"Regex": pattern}, "content": content}


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        ({"normalizer": replace("e", "e" * 3_000_000)}, "may make 3e+06 characters of one"),
        ({"normalizer": {"type": "Sequence", "normalizers": [replace("e", "ee")] * 40}},
         "may make 1e+09 characters of one, expected at most 10000"),
        ({"normalizer": {"type": "Sequence", "normalizers": [{"type": "ByteLevel"}] * 40}},
         "may make 1e+09 characters of one"),
        ({"pre_tokenizer": {"type": "Sequence", "pretokenizers": [
            {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True,
             "use_regex": False}] * 40}}, "may make 1e+09 characters of one"),
        ({"normalizer": replace(r"[\s\S]", "")}, "reads none of its own words"),
        ({"pre_tokenizer": {"type": "Split", "pattern": {"Regex": "(a+)+b"},
                            "behavior": "Isolated", "invert": False}},
         "the tokenizer breaks on a text (Onig: Regex search error: retry-limit-in-match over)"),
        ({"normalizer": replace("(", "")}, "the tokenizer cannot be read (Oniguruma error"),
        ({"model": None}, "the tokenizer cannot be read"),
    ],
)  # fmt: skip
def test_rules_that_lead_nowhere(
    rules: dict[str, Any], expected: str, bert: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    change(bert, lambda c: c.update(rules))
    assert expected in refused(bert)
    assert capfd.readouterr().err == ""  # an engine's panic prints lines of its own


def test_rules_that_only_exchange_characters_are_many(bert: Path) -> None:
    rules: list[dict[str, Any]] = [
        {"type": "Replace", "pattern": {"String": c}, "content": c.lower()} for c in "ABCDEFG"
    ]
    rules += [replace(" {2,}", " "), {"type": "BertNormalizer", "clean_text": True,
              "handle_chinese_chars": True, "strip_accents": None, "lowercase": True}]  # fmt: skip
    change(bert, lambda c: c.update(normalizer={"type": "Sequence", "normalizers": rules * 5}))
    load_tokenizer(str(bert), 220)


def test_pieces_that_nothing_stands_for(bert: Path, made: dict[str, Path]) -> None:
    change(bert, lambda c: c["model"]["vocab"].pop("[UNK]"))
    assert "Missing [UNK] token from the vocabulary" in refused(bert)
    shutil.copy(made["bert"] / "tokenizer.json", bert)
    change(bert, lambda c: c.update(unk_token="[NONE]"), "tokenizer_config.json")
    assert "ids go up to 220" in refused(bert)  # transformers adds it
    change(bert, lambda c: c.update(unk_token=""), "tokenizer_config.json")
    assert "word for the unknown, '', is not in its vocabulary" in refused(bert)


def test_what_it_puts_around_a_text_has_an_end(bert: Path) -> None:
    sides = [{"SpecialToken": {"id": "[CLS]", "type_id": 0}}] * 50
    middle = [{"Sequence": {"id": "A", "type_id": 0}}]
    change(bert, lambda c: c["post_processor"].update(single=sides + middle))
    assert "50 of them for any text" in refused(bert)


@pytest.mark.parametrize("dropout", [0.5, 2, "x"])
def test_a_tokenizer_that_draws_at_random(dropout: object, bert: Path) -> None:
    change(bert, lambda c: c["model"].update(dropout=dropout))
    assert "would read the same text differently each time" in refused(bert)


def test_a_text_on_which_a_pattern_gives_up_is_one_line(made: dict[str, Path]) -> None:
    words = load_tokenizer(str(made["bert"]), 220)
    state = json.loads(words.backend_tokenizer.to_str())
    state["pre_tokenizer"] = {"type": "Split", "pattern": {"Regex": "(z+)+q"},
                              "behavior": "Isolated", "invert": False}  # fmt: skip
    words._tokenizer = words.backend_tokenizer.from_str(json.dumps(state))
    assert encode(words, ["roses"])["input_ids"]
    with pytest.raises(CheckpointError, match=r"breaks on a text .*retry-limit"):
        encode(words, ["roses", "z" * 80])


def test_what_a_user_stops_is_stopped(made: dict[str, Path]) -> None:
    def stopped(texts: list[str]) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        encode(stopped, ["a"])  # type: ignore[arg-type]
