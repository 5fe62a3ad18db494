"""What probes may ask of the models, by hand: a bench over three documents of a small trace."""

import re
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import tiny
import torch
from recorded import annotator
from tabular import write_csv

from auditkit.bench import attribution
from auditkit.bench.attribution import METHODS, Explained, attribute
from auditkit.bench.given import Supplied
from auditkit.bench.ltp_subject import LTPSubject, ltp_subject
from auditkit.bench.opening import open_bench
from auditkit.bench.settings import ModelSettings
from auditkit.bench.speed import ROUNDS, measure
from auditkit.bench.subjects import Bench
from auditkit.bench.view import ProbeBench
from auditkit.data.settings import DataSettings
from auditkit.errors import TraceError
from auditkit.files import Folder
from auditkit.plugin import GlossaryTerm, IdentityTerm, Swaps
from auditkit.run.asking import chosen_probes
from auditkit.run.asking import measure as ask_models
from auditkit.run.settings import ProbeSettings
from auditkit.trace import About, AnnotatorAbout, ArmAbout, DatasetAbout, Trace
from auditkit.trace.caching import Question, keep_measured, part

TEXTS = {
    "r2": "Anna sorted the roses and the onions before it got dark.",
    "r10": "the twins carried hammers",
    "r1": "a friend from Oslo could not find the butter, or the soup.",
}


@pytest.fixture(scope="module")
def bench(tiny_checkpoint: Callable[[str], Path]) -> Bench:
    return open_bench(ModelSettings(model=str(tiny_checkpoint("bert"))))


@pytest.fixture(scope="module")
def trace(bench: Bench) -> Trace:
    """What the pruned model says of the texts, recorded by hand."""
    about = About(
        auditkit="0",
        subjects={name: subject.about for name, subject in bench.subjects.items()},
        runs=(ArmAbout(name="pruned", subject="model", documents=3),),
        dataset=DatasetAbout(
            name="d", split="test", sha256="0", text_column="text", label_column="label",
            labels=bench.labels, rows_in=3, audited=3,
        ),
        annotator=AnnotatorAbout(name="a", version="0", source="shipped"),
        seed=0, dtype="float32", device="cpu",
    )  # fmt: skip
    documents = bench.encode(list(TEXTS.values()))
    answers = bench.answer("pruned", documents)
    layers = range(1, about.layers + 1)
    rows = [
        {
            "example_id": example_id, "label": number % 2, "tokens": len(document.token_ids),
            "truncated": False, "words_cut": 0, "pieces": int((~document.special).sum()),
            "kept": [int((answer.depths >= n)[~document.special].sum()) for n in layers],
            "special_kept": [int((answer.depths >= n)[document.special].sum()) for n in layers],
            "predicted_pruned": answer.predicted, "probs_pruned": answer.probs.tolist(),
            "macs_baseline": 1000 * (number + 1), "macs_pruned": 100 * (number + 1) ** 2,
        }
        for number, (example_id, document, answer) in enumerate(
            zip(TEXTS, documents, answers, strict=True)
        )
    ]  # fmt: skip
    texts = pd.DataFrame({"example_id": list(TEXTS), "text": list(TEXTS.values())})
    tokens = pd.DataFrame(
        [
            {
                "example_id": example_id, "position": place, "token_id": document.token_ids[place],
                "char_start": start, "char_end": end, "special": bool(document.special[place]),
                "word": -1 if document.special[place] else place // 2,  # two pieces a word
                "depth": answer.depths[place],
            }
            for example_id, document, answer in zip(TEXTS, documents, answers, strict=True)
            for place, (start, end) in enumerate(document.spans)
        ]
    )  # fmt: skip
    return Trace.of(about, documents=pd.DataFrame(rows), texts=texts, tokens=tokens)


def view(bench: Bench, trace: Trace, dataset: str = "d.csv", **given: Any) -> ProbeBench:
    data = DataSettings(dataset=dataset)
    supplied = given.pop("supplied", Supplied(glossary=(GlossaryTerm("x"),)))
    return ProbeBench(bench, trace, annotator(), data, supplied, **given)


def test_documents_and_their_texts(bench: Bench, trace: Trace) -> None:
    asked = view(bench, trace)
    assert asked.about is trace.about
    assert list(asked.documents.ids) == ["r1", "r10", "r2"]
    assert dict(asked.texts(["r2", "r1"])) == {name: TEXTS[name] for name in ("r1", "r2")}
    assert list(asked.texts([])) == []


def test_a_sample_keeps_the_shares_of_the_classes(bench: Bench, trace: Trace) -> None:
    asked = view(bench, trace)
    assert asked.stratified_sample(9) == ["r1", "r10", "r2"]
    assert asked.stratified_sample(0) == []
    (first, second) = asked.stratified_sample(2)  # shares 1.33 of r1 and r2, and .67 of r10
    assert (first, second) in {("r1", "r10"), ("r10", "r2")}


def test_attributions_are_those_of_the_class_that_was_predicted(bench: Bench, trace: Trace) -> None:
    arms, methods = ["baseline", "unpruned"], ["leave_one_out", "input_x_gradient"]
    frame = view(bench, trace).attribute(arms, methods, ["r2", "r10"])
    assert list(frame["example_id"].unique()) == ["r10", "r2"]
    assert len(frame.groupby(["example_id", "arm", "method"])) == 2 * 2 * 2
    for (example_id, arm, method), rows in frame.groupby(["example_id", "arm", "method"]):
        (document,) = bench.encode([TEXTS[str(example_id)]])
        target = bench.answer("pruned", [document])[0].predicted
        words = np.where(document.special, -1, np.arange(len(document.token_ids)) // 2)
        subject = ltp_subject(bench, str(arm))
        asked = Explained(document.token_ids, document.special, words, subject.classes[target])
        (expected,) = attribute(subject.model, [asked], str(method))
        assert rows["position"].tolist() == list(range(len(document.token_ids)))
        np.testing.assert_allclose(rows["attribution"], expected.values, rtol=1e-4, atol=1e-7)
    none = view(bench, trace).attribute(arms, methods, [])
    assert list(none.columns) == list(frame.columns)
    assert none.empty


def test_attributions_depend_neither_on_the_order_of_ids_nor_on_ids_that_come_twice(
    bench: Bench, trace: Trace
) -> None:
    methods = ["integrated_gradients"]
    frame = view(bench, trace).attribute(["unpruned"], methods, ["r1", "r2", "r10"])
    again = view(bench, trace).attribute(["unpruned"], methods, ["r10", "r2", "r1", "r2"])
    pd.testing.assert_frame_equal(frame, again)


def test_a_run_that_was_cut_off_goes_on_with_the_documents_that_it_has(
    bench: Bench, trace: Trace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told, passes, cut = list[tuple[int, int]](), list[int](), False

    def measured(folder: str) -> pd.DataFrame:
        told.clear()
        passes.clear()
        kept = partial(part, Folder(tmp_path / folder), "asking")
        asked = view(bench, trace, part=kept, progress=lambda *n: told.append(n))
        return asked.attribute(["unpruned", "baseline"], list(METHODS), list(TEXTS))

    def on_pass(*given: Any) -> None:
        if cut and len(told) == 2:
            raise KeyboardInterrupt
        passes.append(len(told))

    monkeypatch.setattr(attribution, "TOGETHER", 1)  # one document at a time
    hooks = [
        one.model.register_forward_pre_hook(on_pass)
        for one in bench.subjects.values()
        if isinstance(one, LTPSubject)
    ]
    try:
        whole, expected = measured("whole"), passes.count(2)
        assert told == [(1, 3), (2, 3), (3, 3)]
        cut = True
        with pytest.raises(KeyboardInterrupt):
            measured("cut")
        assert told == [(1, 3), (2, 3)]
        cut = False
        again = measured("cut")
    finally:
        for hook in hooks:
            hook.remove()
    assert passes == [2] * expected  # those of the third document alone
    assert told == [(1, 3), (2, 3), (3, 3)]
    pd.testing.assert_frame_equal(again, whole, check_exact=True)
    keep_measured(Folder(tmp_path / "cut"), "asking", Question(asked="", given={}), again)
    left = Folder(tmp_path / "cut" / "measured").names()
    assert left == ["asking.key", "asking.parquet"]  # and no parts


def test_what_decides_a_part_is_told_from_what_does_not(tmp_path: Path) -> None:
    made: list[int] = []

    def make() -> pd.DataFrame:
        made.append(1)
        return pd.DataFrame({"x": [0.1 + len(made)]})

    place = Folder(tmp_path)
    for decides, times in (
        (("a", ("r1", 0)), 1), (("a", ("r1", 0)), 1), (("a", ("r1", 1)), 2), (("b", ("r1", 0)), 3),
    ):  # fmt: skip
        found = part(place, "p", decides, make)
        assert len(made) == times
        assert found["x"].tolist() == [0.1 + (1 if decides == ("a", ("r1", 0)) else times)]
    part(place, "q", ("a", ("r1", 0)), make)
    assert len(made) == 4
    for file in (tmp_path / "measured" / "p.parts").glob("*.parquet"):
        file.write_bytes(file.read_bytes()[:-1])  # torn: made anew
    part(place, "p", ("a", ("r1", 0)), make)
    assert len(made) == 5


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_an_arm_is_asked_in_another_precision(dtype: str, bench: Bench, trace: Trace) -> None:
    frame = view(bench, trace).ask("pruned", ["r1", "r2"], dtype)
    other = open_bench(bench.settings.model_copy(update={"dtype": dtype}))
    expected = other.answer("pruned", other.encode([TEXTS["r1"], TEXTS["r2"]]))
    assert frame["example_id"].tolist() == ["r1", "r2"]
    assert frame["predicted"].tolist() == [answer.predicted for answer in expected]
    assert frame["depths"].tolist() == [answer.depths.tolist() for answer in expected]


@pytest.mark.parametrize("name", ["nope", "changed", "random", "continued"])
def test_an_arm_that_cannot_be_asked_is_an_error_that_names_the_others(
    name: str, bench: Bench, trace: Trace
) -> None:
    asked = view(bench, trace)
    with pytest.raises(TraceError, match="available: baseline, pruned, unpruned"):
        asked.ask(name, ["r1"], "float32")
    with pytest.raises(TraceError, match="available: baseline, unpruned"):
        asked.attribute([name], ["input_x_gradient"], [])
    with pytest.raises(TraceError, match="no arm 'nope'; available: baseline"):
        bench.answer("nope", [])


def test_words_of_a_training_split_that_is_not_there(
    bench: Bench, trace: Trace, tmp_path: Path
) -> None:
    assert view(bench, trace, str(tmp_path / "gone.csv")).training_words() is None
    rows = [("text", "label"), ("Roses and roses", "Garden"), ("soup", "Kitchen")]
    counted = view(bench, trace, write_csv(tmp_path / "d.csv", rows)).training_words()
    assert counted is not None
    garden, kitchen = map(tiny.CLASSES.index, ("Garden", "Kitchen"))
    found = counted.set_index(["label", "lower"])["count"].to_dict()
    assert found[garden, "roses"] == 2
    assert found[kitchen, "soup"] == 1


def test_a_measurement_rests_on_the_training_split_that_it_asked_for(
    bench: Bench, trace: Trace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is made again where the split has appeared, changed or gone, and only then."""
    path, folder, seen = tmp_path / "d.csv", Folder(tmp_path / "trace"), list[str]()
    (terms, other), _ = chosen_probes(ProbeSettings(probes=("domain_term", "precision")))
    for asked in (terms, other):
        monkeypatch.setattr(type(asked.probe), "measure", counting(asked.probe, seen))
    header, rows = ("text", "label"), [("Roses and roses", "Garden"), ("soup", "Kitchen")]
    for split, expected in (
        ([], ["domain_term", "precision"]), ([], []), (rows, ["domain_term"]), (rows, []),
        (rows[::-1], ["domain_term"]), ([], ["domain_term"]), ([], []),
    ):  # fmt: skip
        path.unlink(missing_ok=True)
        if split:
            write_csv(path, [header, *split])
        for asked in (terms, other):
            ask_models(asked, view(bench, trace, str(path)), folder)
        assert seen == expected
        seen.clear()


CHANGED = {
    "glossary": Supplied(glossary=(GlossaryTerm("soup"),)),
    "lexicon": Supplied(lexicon=(IdentityTerm("cook", "cooks", "role"),)),
    "swaps": Supplied(swaps=Swaps(closed=("soup",))),
    "attribution_sample": Supplied(attribution_sample=1),
}


@pytest.mark.parametrize("read", CHANGED)
def test_a_measurement_is_made_again_where_what_it_read_has_changed(
    read: str, bench: Bench, trace: Trace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, seen = Folder(tmp_path / "trace"), list[Any]()
    (asked,), _ = chosen_probes(ProbeSettings(probes=("precision",)))
    monkeypatch.setattr(
        type(asked.probe), "measure", lambda _, bench: seen.append(getattr(bench, read))
    )
    for supplied, times in ((Supplied(), 1), (Supplied(), 1), (CHANGED[read], 2)):
        ask_models(asked, view(bench, trace, supplied=supplied), folder)
        assert len(seen) == times
    for name in CHANGED.keys() - {read}:  # what it has not read
        both = CHANGED[read]._replace(**{name: getattr(CHANGED[name], name)})
        ask_models(asked, view(bench, trace, supplied=both), folder)
    assert len(seen) == 2


def counting(probe: Any, seen: list[str]) -> Callable[[Any, ProbeBench], pd.DataFrame | None]:
    measured = type(probe).measure

    def measure(self: Any, asked: ProbeBench) -> pd.DataFrame | None:
        seen.append(self.name)
        table: pd.DataFrame | None = measured(self, asked)
        return table

    return measure


def test_the_macs_beside_measured_times_are_of_the_same_documents(
    bench: Bench, trace: Trace
) -> None:
    seen: list[tuple[int, int]] = []
    speed = measure(bench, trace, ["r1", "r2"], 2, lambda done, total: seen.append((done, total)))
    assert speed.macs_ratio == (1000 + 3000) / (100 + 900)
    assert speed.against == "baseline"
    assert speed.tokens == sum(len(d.token_ids) for d in bench.encode([TEXTS["r1"], TEXTS["r2"]]))
    assert (len(speed.rounds), seen[-1]) == (ROUNDS, (2 * (ROUNDS + 1) * 2,) * 2)


def changed(example_id: str, do: str, positions: list[int]) -> dict[str, Any]:
    return {"example_id": example_id, "do": do, "positions": positions}


def test_tokens_kept_dropped_or_left_unread(bench: Bench, trace: Trace) -> None:
    ids = dict(zip(TEXTS, bench.encode(list(TEXTS.values())), strict=True))
    asked = [
        changed("r1", "mask", []), changed("r1", "drop", [2, 3]), changed("r10", "keep", [1, 3]),
        changed("r1", "mask", [2, 3, 4]), changed("r2", "keep", [4]),
    ]  # fmt: skip
    said = view(bench, trace).intervene("pruned", pd.DataFrame(asked).assign(variant=list("abcde")))
    model = ltp_subject(bench, "pruned").model
    for number, question in enumerate(asked):
        probs = said["probs"][number]
        tokens = torch.tensor([ids[question["example_id"]].token_ids])
        chosen = torch.zeros_like(tokens)
        chosen[0, question["positions"]] = 1
        extra = {"keep": "force_keep", "drop": "force_drop", "mask": "attention_mask"}
        given = 1 - chosen if question["do"] == "mask" else chosen
        with torch.no_grad():
            logits = model(tokens, pruning="hard", **{extra[question["do"]]: given}).logits
        assert logits is not None
        assert probs == pytest.approx(torch.softmax(logits, -1)[0].tolist(), abs=1e-6)
        assert said["predicted"][number] == int(np.argmax(probs))
    assert list(said["variant"]) == list("abcde")
    alone = view(bench, trace).intervene("pruned", pd.DataFrame(asked[3:4]))
    assert alone["probs"][0] == said["probs"][3]


def test_what_is_said_does_not_depend_on_the_size_of_batches(bench: Bench, trace: Trace) -> None:
    asked = pd.DataFrame(
        [
            changed(name, do, positions)
            for name in ("r1", "r10", "r2")
            for do in ("keep", "drop", "mask")
            for positions in ([1], [2, 3], [])
        ]
    )
    small = open_bench(bench.settings.model_copy(update={"batch_tokens": 8}))
    said, again = (view(one, trace).intervene("pruned", asked) for one in (bench, small))
    assert said["probs"].tolist() == again["probs"].tolist()


def test_what_is_left_unread_is_as_if_it_were_padding(bench: Bench, trace: Trace) -> None:
    """Unpruned, the last token that is no special one: the document ends a place later."""
    whole = view(bench, trace).intervene("unpruned", pd.DataFrame([changed("r10", "mask", [])]))
    less = view(bench, trace).intervene("unpruned", pd.DataFrame([changed("r10", "mask", [1])]))
    answers = bench.answer("unpruned", bench.encode([TEXTS["r10"]]))
    assert whole["probs"][0] == answers[0].probs.tolist()
    assert less["probs"][0] != whole["probs"][0]


@pytest.mark.parametrize(
    ("arm", "do", "where", "line"),
    [
        ("unpruned", "keep", [1], "arm unpruned: 'keep' cannot be done to a token; available: ma"),
        ("pruned", "leave", [1], "arm pruned: 'leave' cannot be done to a token"),
        ("pruned", "drop", [0], "position 0 of a document of 8 tokens holds no token that can be"),
        ("pruned", "drop", [99], "position 99 of a document of 8 tokens"),
        ("repeat", "mask", [1], "no arm 'repeat' can be asked"),
    ],
)
def test_changes_that_are_none(
    bench: Bench, trace: Trace, arm: str, do: str, where: list[int], line: str
) -> None:
    with pytest.raises(TraceError, match=re.escape(line)):
        view(bench, trace).intervene(arm, pd.DataFrame([changed("r10", do, where)]))


@pytest.mark.parametrize("layer", [0, 1, 2])
def test_states_of_tokens_by_hand(bench: Bench, trace: Trace, layer: int) -> None:
    places = pd.DataFrame(
        [("r1", 3), ("r10", 1), ("r1", 1), ("r2", 5)], columns=["example_id", "position"]
    )
    found = view(bench, trace).token_states("unpruned", places, layer)
    for row, (one, position) in enumerate(places.itertuples(index=False)):
        ids = torch.tensor([bench.encode([TEXTS[str(one)]])[0].token_ids])
        model = ltp_subject(bench, "pruned").model
        with torch.no_grad():
            if layer == 0:
                states = model.embeddings.word_embeddings(ids)
            else:
                states = hidden(model, ids, layer)
        assert found[row] == pytest.approx(states[0, int(position)].numpy(), abs=1e-5)


def hidden(model: Any, ids: torch.Tensor, layer: int) -> torch.Tensor:
    """States after a layer as plain attention makes them, one document."""
    positions = torch.arange(ids.shape[1]) + model.config.first_position
    x = model.embeddings(model.embeddings.word_embeddings(ids), positions)[0]
    for own in list(model.layers)[:layer]:
        parts = own.qkv(x).view(len(x), 3, own.heads, -1).permute(1, 2, 0, 3)  # (3, H, n, d)
        context = torch.nn.functional.scaled_dot_product_attention(*parts)
        x = own.finish(x, context.transpose(0, 1).reshape(len(x), -1))
    out: torch.Tensor = x[None]
    return out


@pytest.mark.parametrize("arm", ["unpruned", "pruned", "baseline"])
def test_states_of_documents_are_what_the_prediction_is_made_of(
    bench: Bench, trace: Trace, arm: str
) -> None:
    ids = ["r2", "r1", "r2"]
    found = view(bench, trace).document_states(arm, ids)
    assert (found[0] == found[2]).all()
    subject = ltp_subject(bench, arm).model
    answers = bench.answer(arm, bench.encode([TEXTS[one] for one in ids]))
    with torch.no_grad():
        logits = subject.head(torch.from_numpy(found))
    for row, answer in zip(torch.softmax(logits, -1), answers, strict=True):
        assert row.numpy() == pytest.approx(answer.probs, abs=1e-5)


def test_states_of_an_arm_that_drops_tokens_are_refused(bench: Bench, trace: Trace) -> None:
    places = pd.DataFrame({"example_id": ["r1"], "position": [1]})
    with pytest.raises(TraceError, match="no arm 'pruned' can be asked"):
        view(bench, trace).token_states("pruned", places, 1)


def test_texts_of_a_probes_own_are_read_as_documents_are(bench: Bench, trace: Trace) -> None:
    asked, own = view(bench, trace), list(TEXTS.values())
    texts = pd.DataFrame({"name": ["a", "b", "c"], "text": [*own[:2], own[0]]})
    for arm in ("pruned", "baseline"):
        found = asked.read(arm, texts)
        assert list(found.columns) == ["name", "text", "predicted", "probs", "spans", "depths"]
        documents = bench.encode([*texts["text"]])
        answers = bench.answer(arm, documents)
        for row, answer, document in zip(range(3), answers, documents, strict=True):
            assert found["predicted"][row] == answer.predicted
            assert found["probs"][row] == pytest.approx(answer.probs.tolist())
            assert found["depths"][row] == answer.depths.tolist()
            assert found["spans"][row] == document.spans
        assert found["probs"][0] == found["probs"][2]  # of equal texts
    with pytest.raises(TraceError, match="no arm 'random' can be asked"):
        asked.read("random", texts)


def test_texts_of_the_same_tokens_are_read_once(bench: Bench, trace: Trace) -> None:
    told: list[tuple[int, int]] = []
    text = "Ann sold the roses."
    texts = pd.DataFrame({"text": [text, text.upper(), "  Ann  sold the roses.", "Bob went home."]})
    found = view(bench, trace, progress=lambda *n: told.append(n)).read("pruned", texts)
    assert told[-1] == (4, 4)
    for column in ("predicted", "probs", "depths"):
        assert found[column][0] == found[column][1] == found[column][2]
    assert found["spans"][2] == bench.encode([texts["text"][2]])[0].spans != found["spans"][0]


def test_the_pruned_model_called_otherwise_says_what_was_recorded(
    bench: Bench, trace: Trace
) -> None:
    asked, ids = view(bench, trace), sorted(TEXTS)
    answers = trace.documents.answers("pruned")
    assert answers is not None
    tokens = pd.concat(list(trace.scan("tokens", ["example_id", "depth"])))
    depths = {str(one): own.tolist() for one, own in tokens.groupby("example_id")["depth"]}
    for frame in (
        asked.padded("pruned", ["r2", "r10", "r1"], 2, 5, side="left"), asked.scored("pruned", ids),
    ):  # fmt: skip
        assert frame["example_id"].tolist() == ids
        assert frame["predicted"].tolist() == answers.predicted[:, 0].tolist()
        assert [list(own) for own in frame["depths"]] == [depths[one] for one in ids]
    for call in (partial(asked.padded, batch_size=1), asked.scored):
        with pytest.raises(
            TraceError, match=r"no arm 'unpruned' can be asked; .*available: pruned"
        ):
            call("unpruned", ids)
