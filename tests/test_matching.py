"""How the data's classes meet the model's, and what is said of it."""

import csv
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
import tiny
from command import auditkit
from hypothesis import given
from hypothesis import strategies as st
from tabular import load as load_data
from tabular import write_csv

from auditkit.bench.order import check_baseline
from auditkit.data.classes import Matching
from auditkit.data.labels import Sides, parse_labels
from auditkit.data.matching import match
from auditkit.errors import DataError
from auditkit.ltp.trained_on import count_known, write_texts
from auditkit.report.rendering import load_results
from auditkit.trace import Class

Checkpoints = Callable[[str], Path]


def matched(
    used: Sequence[str],
    model: Sequence[str] | None,
    labels: str = "",
    declared: Sequence[str] | None = None,
) -> Matching:
    return match("here", used, declared, model, parse_labels(labels))


# --- what --labels says


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("NEGATIVE=neg, POSITIVE = pos", [("NEGATIVE", "neg"), ("POSITIVE", "pos")]),
        ("hateful=hate speech+offensive", [("hateful", "hate speech|offensive")]),
        ('"Sci, Tech"=3,"a=b+c"="say ""so"""', [("Sci, Tech", "3"), ("a=b+c", 'say "so"')]),
        ("a+b=c", [("a|b", "c")]),
    ],
)
def test_labels_are_pairs_of_names(text: str, expected: list[tuple[str, str]]) -> None:
    assert parse_labels(text) == tuple(
        (tuple(left.split("|")), tuple(right.split("|"))) for left, right in expected
    )


@pytest.mark.parametrize("text", ["a", "a=", "=b", "a=b=c", '"a=b', "a=b+", "a=,b=c", "a==b", ","])
def test_what_is_no_pair_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="expected MODEL=DATA"):
        parse_labels(text)


NAMES = st.text(st.characters(exclude_categories=["Cs", "Cc", "Z"]), min_size=1).map(str.strip)
SIDES = st.lists(NAMES.filter(bool), min_size=1, max_size=3).map(tuple)


@given(st.lists(st.tuples(SIDES, SIDES), min_size=1, max_size=4))
def test_every_name_can_be_said_in_quotes(pairs: list[Sides]) -> None:
    def quoted(side: tuple[str, ...]) -> str:
        return "+".join('"' + name.replace('"', '""') + '"' for name in side)

    text = ",".join(f"{quoted(left)}={quoted(right)}" for left, right in pairs)
    assert parse_labels(text) == tuple(pairs)


# --- matching


def test_by_name_whatever_case_and_form() -> None:
    found = matched(["Neg", "cafe\u0301"], ["CAF\u00c9", "neg"])
    assert (found.by, found.assumed) == ("name", False)
    assert found.index == {"caf\u00e9": 0, "neg": 1}
    assert found.told == "classes matched by name"


def test_names_that_are_one_class_are_told() -> None:
    found = matched(["us", "US", "Us", "uk"], ["uk", "us"])
    assert found.classes[1].data == ("us", "US", "Us")
    assert "us and US and Us are one class" in found.told
    assert "us and US are one class" in matched(["us", "US"], None).told


def test_an_absent_class_is_told() -> None:
    assert matched(["b"], ["a", "b", "c"]).told == "classes matched by name; no row is a or c"


def test_by_number_where_one_side_has_names_it_is_assumed_and_told() -> None:
    found = matched(["1", "0"], ["neg", "pos"])
    assert (found.by, found.assumed) == ("index", True)
    assert found.told == "classes matched by their numbers: 0 → neg, 1 → pos"
    nameless = matched(["1", "0"], ["LABEL_0", "LABEL_1"])
    assert (nameless.by, nameless.assumed) == ("index", False)
    declared = matched(["pos"], ["0", "1"], declared=["neg", "pos"])
    assert [one.name for one in declared.classes] == ["neg", "pos"]
    assert (declared.by, declared.assumed) == ("index", True)


@pytest.mark.parametrize("model", [["1", "0"], ["LABEL_1", "LABEL_0"], ["0", "2", "1"]])
def test_numbers_in_names_that_contradict_their_order_are_refused(model: list[str]) -> None:
    with pytest.raises(DataError, match="contradict each other; say which is which with --labels"):
        matched(model, model)
    pairs = ",".join(f"{name}={name}" for name in model)
    assert matched(model, model, pairs).by == "labels"


def test_labels_says_which_is_which_in_either_direction() -> None:
    model = ["NEGATIVE", "POSITIVE"]
    found = matched(["pos", "neg"], model, "NEGATIVE=neg,POSITIVE=pos")
    assert found.by == "labels"
    assert found.index == {"neg": 0, "pos": 1}
    assert matched(["pos", "neg"], model, "neg=NEGATIVE,pos=POSITIVE").index == found.index
    assert found.told == "classes matched as --labels says: neg → NEGATIVE, pos → POSITIVE"


def test_what_labels_leaves_out_is_matched_by_name() -> None:
    found = matched(["spam", "ok"], ["OK", "junk", "else"], "junk=spam")
    assert [(one.name, one.data, one.model) for one in found.classes] == [
        ("OK", ("ok",), (0,)), ("junk", ("spam",), (1,)), ("else", (), (2,)),
    ]  # fmt: skip


def test_several_of_the_models_classes_are_one_of_the_data() -> None:
    model = ["hatespeech", "normal", "offensive"]
    found = matched(["hateful", "normal"], model, "hateful=hatespeech+offensive")
    assert found.classes == (
        Class("hateful", ("hateful",), (0, 2)), Class("normal", ("normal",), (1,)),
    )  # fmt: skip
    assert "of hateful the model's 2 classes are added up" in found.told


def test_several_of_the_datas_classes_are_one_of_the_model() -> None:
    found = matched(["hatespeech", "offensive", "x"], ["x", "bad"], "bad=hatespeech+offensive")
    assert found.index == {"x": 0, "hatespeech": 1, "offensive": 1}
    assert "hatespeech + offensive → bad" in found.told


def test_without_a_model_labels_names_and_merges_the_datas_own() -> None:
    found = matched(["b", "c", "a"], None, "bad=b+c")
    assert [(one.name, one.data) for one in found.classes] == [("a", ("a",)), ("bad", ("b", "c"))]


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (
            "x=neg",
            "a class that is not there; classes of the model: N, P; classes of the data: neg",
        ),
        ("N=neg", "leaves pos without a class of the model"),
        ("N=neg,N=pos", "names n twice"),
        ("N=neg,P=neg", "names neg twice"),
    ],
)
def test_what_labels_cannot_mean_is_said(labels: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        matched(["neg", "pos"], ["N", "P"], labels)


def test_minus_one_is_no_label_beside_numbers_from_zero(tmp_path: Path) -> None:
    def read(rows: Sequence[str], labels: str = "") -> tuple[int, tuple[str, ...]]:
        path = tmp_path / "a.csv"
        with path.open("w", newline="") as file:
            csv.writer(file).writerows(
                [("text", "label"), *((f"t{i}", y) for i, y in enumerate(rows))]
            )
        data = load_data(str(path), labels=labels)
        assert {row.reason for row in data.refused} <= {"the label is -1: not labelled"}
        return len(data.refused), data.labels

    assert read(["0", "1", "-1"]) == (1, ("0", "1"))
    assert read(["1.0", "0.0", "-1.0"]) == (1, ("0", "1"))
    assert read(["1", "-1"]) == (0, ("-1", "1"))
    assert read(["0", "1", "-1"], labels="bad=-1") == (0, ("0", "1", "bad"))


# --- the order is tried


def integers(tiny_csv: str, path: Path, order: Sequence[str]) -> str:
    """The tiny data with its classes as numbers in an order of their own."""
    with Path(tiny_csv).open(newline="") as file:
        rows = list(csv.DictReader(file))
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["text", "label"])
        writer.writerows(
            (row["text"], order.index(row["label"])) for row in rows if row["label"] in order
        )
    return str(path)


RIGHT = ["Garden", "Kitchen", "Workshop"]
WRONG = ["Kitchen", "Workshop", "Garden"]


@pytest.mark.slow
def test_a_run_over_a_wrong_order_is_refused_and_labels_mends_it(
    tiny_checkpoint: Checkpoints, tiny_csv: str, tmp_path: Path
) -> None:
    model, data = tiny_checkpoint("bert"), integers(tiny_csv, tmp_path / "wrong.csv", WRONG)
    flags = ["--probe", "performance", "--speed-documents", "0", "--random-draws", "0"]
    flags += ["--repeat-documents", "0"]
    asked = ["run", "--model", str(model), "--dataset", data, "--out", str(tmp_path / "run")]
    done = auditkit(*asked, *flags)
    assert done.code == 2
    assert (
        "0 → Garden, 1 → Kitchen, 2 → Workshop; so the arm baseline is right in" in done.complaint
    )
    assert "--labels MODEL=DATA" in done.complaint
    assert not (tmp_path / "run" / "results.json").exists()
    done = auditkit(*asked, *flags, "--labels", "Garden=2,Kitchen=0,Workshop=1")
    assert done.code == 0, done.err
    told = "classes matched as --labels says: 2 → Garden, 0 → Kitchen, 1 → Workshop"
    assert told in done.out
    audit = load_results(tmp_path / "run")
    assert audit.about["dataset"]["matched"] == told
    for page in ("report.html", "summary.md"):
        assert "as --labels says" in (tmp_path / "run" / page).read_text(encoding="utf-8")
    right = integers(tiny_csv, tmp_path / "right.csv", RIGHT)
    done = auditkit(
        "run", "--model", model, "--dataset", right, "--out", tmp_path / "other", *flags
    )
    assert done.code == 0, done.err
    assert "by their numbers: 0 → Garden, 1 → Kitchen, 2 → Workshop" in done.out
    same = [
        load_results(tmp_path / name).finding("performance").measurements
        for name in ("run", "other")
    ]
    assert same[0] == same[1]


@pytest.mark.slow
def test_a_training_over_a_wrong_order_is_refused(
    tiny_checkpoint: Checkpoints, tiny_csv: str, tmp_path: Path
) -> None:
    baseline = tiny_checkpoint("bert") / "baseline"
    data = integers(tiny_csv, tmp_path / "wrong.csv", WRONG)
    done = auditkit("train", "--baseline", baseline, "--dataset", data, "--out", tmp_path / "ckpt",
                    "--epochs", "1", "--max-length", "40")  # fmt: skip
    assert done.code == 2
    assert "by their numbers" in done.err.splitlines()[-1]
    assert not (tmp_path / "ckpt").exists()
    rows = [("text", "label"), ("a rake", "Outside"), ("an egg", "Kitchen")]
    merged = load_data(
        write_csv(tmp_path / "two.csv", rows), label_names=RIGHT,
        labels="Outside=Garden+Workshop",
    )  # fmt: skip
    with pytest.raises(DataError, match=r"one class Outside of several of .* a training cannot"):
        check_baseline(str(baseline), merged, 0, 40)


def test_one_class_is_no_training(tiny_checkpoint: Checkpoints, tmp_path: Path) -> None:
    path = tmp_path / "one.csv"
    path.write_text("text,label\n" + "".join(f"text {i},ok\n" for i in range(20)))
    done = auditkit("train", "--backbone", tiny_checkpoint("bert") / "baseline", "--dataset", path,
                    "--out", tmp_path / "ckpt")  # fmt: skip
    assert done.code == 2
    assert "all rows are ok; training takes two classes" in done.err.splitlines()[-1]


# --- classes that are made of several of the model's


def test_probabilities_of_merged_classes_are_added(tiny_checkpoint: Checkpoints) -> None:
    from auditkit.bench.opening import open_bench
    from auditkit.bench.settings import ModelSettings

    bench = open_bench(ModelSettings(model=str(tiny_checkpoint("bert"))))
    classes = (Class("inside", ("in",), (0, 2)), Class("Kitchen", (), (1,)))
    merged = bench.grouped(classes)
    assert merged.labels == ("inside", "Kitchen")
    documents = bench.encode(["a rake and a hoe", "boil the eggs", "sand the oak board"])
    for arm in bench.arms:
        for one, other in zip(
            bench.answer(arm, documents), merged.answer(arm, documents), strict=True
        ):
            assert other.probs == pytest.approx([one.probs[0] + one.probs[2], one.probs[1]])
            assert (one.depths == other.depths).all()
    again = bench.grouped(bench.classes)
    assert [a.probs.tolist() for a in again.answer("pruned", documents)] == [
        a.probs.tolist() for a in bench.answer("pruned", documents)
    ]


def test_the_logit_of_merged_classes_is_attributed(tiny_checkpoint: Checkpoints) -> None:
    import torch

    from auditkit.bench.attribution import Attribution, Explained, attribute
    from auditkit.bench.ltp_subject import ltp_subject
    from auditkit.bench.opening import open_bench
    from auditkit.bench.settings import ModelSettings
    from auditkit.bench.subjects import Bench

    bench = open_bench(ModelSettings(model=str(tiny_checkpoint("bert"))))
    merged = bench.grouped((Class("inside", ("in",), (0, 2)), Class("Kitchen", (), (1,))))
    document = bench.encode(["a rake and a hoe by the wall"])[0]
    model = ltp_subject(bench, "pruned").model

    def attributed(of: Bench, target: int, method: str) -> Attribution:
        words = np.arange(len(document.token_ids))
        asked = Explained(document.token_ids, document.special, words, of.model.classes[target])
        return attribute(model, [asked], method)[0]

    parts = [attributed(bench, c, "input_x_gradient").values for c in (0, 2)]
    found = attributed(merged, 0, "input_x_gradient").values
    ids = torch.tensor([document.token_ids])
    with torch.no_grad():
        logits = model(ids, torch.ones_like(ids), pruning="off").logits
    assert logits is not None
    share = (
        logits[0, [0, 2]].double().softmax(0).numpy()
    )  # the chain rule through log(exp a + exp b)
    assert found == pytest.approx(share[0] * parts[0] + share[1] * parts[1], rel=1e-4, abs=1e-7)
    assert attributed(merged, 0, "integrated_gradients").convergence <= 0.05


# --- what the model learned from


def test_documents_that_the_model_learned_from_are_counted_and_told(
    tiny_checkpoint: Checkpoints, tiny_csv: str, tmp_path: Path
) -> None:
    model = tiny_checkpoint("bert")
    seen = tiny.train_csv(tmp_path / "train.csv")
    with Path(tiny_csv).open(newline="") as new, Path(seen).open(newline="") as old:
        rows = [*list(csv.DictReader(new))[:10], *list(csv.DictReader(old))[:20]]
    mixed = write_csv(
        tmp_path / "a.csv", [("text", "label"), *((r["text"], r["label"]) for r in rows)]
    )
    texts = [row["text"] for row in rows]
    known = count_known(str(model), texts)
    assert known is not None
    assert 12 <= known <= 20  # 16 of the 160 rows were held out
    assert count_known(str(model / "baseline"), texts) is None
    done = auditkit("run", "--model", model, "--dataset", mixed, "--out", tmp_path / "run",
                    "--probe", "performance", "--speed-documents", "0")  # fmt: skip
    assert done.code == 0, done.err
    assert f"{known} of the documents are among those that the model learned from" in done.out
    limit = f"{known} of the {load_results(tmp_path / 'run').about['dataset']['audited']} documents"
    assert limit in (tmp_path / "run" / "report.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("damage", [b"", b"\x08\x00\x00\x00\x00\x00\x00\x00{}      ", b"x" * 99])
def test_damaged_hashes_are_as_good_as_none(tmp_path: Path, damage: bytes) -> None:
    write_texts(tmp_path, ["a", "b", "a"])
    assert count_known(str(tmp_path), ["b", "c", "b"]) == 2
    (tmp_path / "trained_on.safetensors").write_bytes(damage)
    assert count_known(str(tmp_path), ["b"]) is None
