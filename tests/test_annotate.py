import importlib
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scraps import TEXTS

from auditkit.data import annotate
from auditkit.data.annotate import Annotator, Word, align, load_annotator
from auditkit.data.cleaning import clean, truecase
from auditkit.errors import AnnotationError


@pytest.fixture(scope="module")
def annotator() -> Annotator:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(annotate, "PREFERRED", "no_such_pipeline")
        return load_annotator()


def words_of(annotator: Annotator, text: str) -> tuple[Word, ...]:
    (words,) = annotator.annotate([text])
    return words


def word(start: int, end: int) -> Word:
    return Word("x" * (end - start), "x", start, end, "X", False, "")


# ------------------------------------------------------------------ words


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Oracle #39;s price", [("Oracle", "oracle"), ("#39;s", "'s"), ("price", "price")]),
        ("I don #39;t", [("I", "i"), ("do", "do"), ("n #39;t", "n't")]),
        ("&lt;b&gt;Prices&lt;/b&gt;", [("Prices", "prices")]),
        ("only  #36;5", [("only", "only"), ("#36;", "$"), ("5", "5")]),
        ("tiny\\band", [("tiny", "tiny"), ("band", "band")]),
        ("OIL PRICES FALL", [("OIL", "oil"), ("PRICES", "prices"), ("FALL", "fall")]),
        ("go 😀 now", [("go", "go"), ("😀", "😀"), ("now", "now")]),
        ("a\ud800b", [("a", "a"), ("b", "b")]),
        ("\t \n<br />&lt;p&gt; \0", []),
        ("", []),
    ],
)
def test_words_are_slices_of_the_original(
    annotator: Annotator, text: str, words: list[tuple[str, str]]
) -> None:
    found = words_of(annotator, text)
    assert [(w.text, w.lower) for w in found] == words
    assert all(w.text == text[w.char_start : w.char_end] for w in found)


def test_tags_stop_words_and_names(annotator: Annotator) -> None:
    text = "The old minister visited Berlin on Monday."
    found = words_of(annotator, text)
    assert [w.upos for w in found] == [
        *("DET", "ADJ", "NOUN", "VERB", "PROPN", "ADP", "PROPN", "PUNCT")
    ]
    assert [w.text for w in found if w.is_stop] == ["The", "on"]
    named = {w.text: w.entity for w in found if w.entity}
    assert set(named) == {"Berlin", "Monday"}
    assert named["Monday"] == "DATE"


def test_a_headline_is_tagged_as_words_and_not_as_names(annotator: Annotator) -> None:
    text = "Farmers Buy Cheap Water Before Dry Summer The farmers met in Norway on Monday."
    tags = {w.text: w.upos for w in words_of(annotator, text)}
    assert (tags["Farmers"], tags["Cheap"], tags["Water"], tags["Norway"]) == (
        "NOUN",
        "ADJ",
        "NOUN",
        "PROPN",
    )


@settings(max_examples=60, deadline=None)
@given(TEXTS)
@example("İstanbul \ud800\udfff #39;")
@example("(" * 1500)
def test_spans_of_words_are_ordered_and_within_the_text(annotator: Annotator, text: str) -> None:
    at = 0
    for w in words_of(annotator, text):
        assert at <= w.char_start < w.char_end <= len(text)
        assert w.text == text[w.char_start : w.char_end]
        assert w.text.strip()
        assert w.upos
        w.text.encode()  # no lone surrogates
        at = w.char_end


def test_texts_beyond_the_limit_of_spacy_are_read_whole(annotator: Annotator) -> None:
    text = "é" * 1_000_001 + " <br />" + "The farmer saw it. " * 2_000 + "\\Berlin"
    found = words_of(annotator, text)
    assert "".join(w.text for w in found[:2001]) == "é" * 1_000_001
    assert [w.text for w in found[2001:]] == ["The", "farmer", "saw", "it", "."] * 2_000 + [
        "Berlin"
    ]
    assert found[-1].char_end == len(text)


def test_batches_change_nothing(annotator: Annotator) -> None:
    texts = [f"Mrs. Doe paid {i} #39;euros #39; to Acme in Paris. " * (i % 5) for i in range(90)]
    together = list(annotator.annotate(texts))
    assert len(together) == 90
    assert together == [words_of(annotator, text) for text in texts]
    assert together == list(annotator.annotate(texts[::-1]))[::-1]


def test_annotation_streams(annotator: Annotator) -> None:
    def endless() -> Iterator[str]:
        while True:
            yield "It rains."

    assert len(next(annotator.annotate(endless()))) == 3


def test_letters_of_scripts_without_spaces_are_words_where_the_pipeline_looks_for_spaces(
    annotator: Annotator, tmp_path: Path
) -> None:
    import spacy

    text = "北京 (Beijing)通过了法律。ไม่ดี ok"
    found = [w.text for w in words_of(annotator, text)]
    assert found == [*"北京", "(", "Beijing", ")", *"通过了法律。", "ไ", "ม่", "ดี", "ok"]
    assert "".join(found) == text.replace(" ", "")
    spacy.blank("zh").to_disk(tmp_path)
    assert [w.text for w in words_of(load_annotator(str(tmp_path)), "北京通过")] == [*"北京通过"]


# ------------------------------------------------------------------ alignment


def test_leading_spaces_belong_to_the_piece_and_not_to_the_word() -> None:
    words = [word(0, 3), word(4, 9), word(9, 10)]
    # <s> "The" " pri" "ces" "." </s>
    assert align(words, [(0, 0), (0, 3), (3, 7), (7, 9), (9, 10), (0, 0)]) == [-1, 0, 1, 1, 2, -1]


def test_a_piece_over_several_words_goes_to_the_larger_and_to_the_first_on_ties() -> None:
    words = [word(0, 2), word(2, 5), word(5, 8)]
    assert align(words, [(1, 4), (0, 8), (4, 6)]) == [1, 1, 1]


def test_bytes_of_one_character_share_its_word() -> None:
    words = [word(0, 2), word(3, 4), word(5, 8)]
    assert align(words, [(0, 2), (2, 4), (3, 4), (3, 4), (3, 4), (4, 8)]) == [0, 1, 1, 1, 1, 2]


def test_pieces_of_markup_belong_to_no_word_and_cut_off_words_get_none() -> None:
    words = [word(9, 15), word(40, 44)]
    assert align(words, [(0, 4), (4, 9), (9, 12), (12, 15), (15, 19)]) == [-1, -1, 0, 0, -1]
    assert align([], [(0, 4)]) == [-1]
    assert align(words, []) == []


def test_word_pieces_and_byte_pieces_of_an_escape_share_its_word(annotator: Annotator) -> None:
    text = "Oracle #39;s &lt;b&gt;price&lt;/b&gt;"
    words = words_of(annotator, text)
    pieces = [m.span() for m in re.finditer(r" ?\w+| ?[^\w\s]", text)]
    owners = [words[o].text if o >= 0 else "" for o in align(words, pieces)]
    expected = ["Oracle", *["#39;s"] * 4, *[""] * 7, "price", *[""] * 8]
    assert len(pieces) == len(owners)
    assert owners == expected[: len(owners)]


GAPS = st.lists(st.tuples(st.integers(0, 3), st.integers(1, 4)), max_size=12)


def laid_out(gaps: list[tuple[int, int]]) -> list[tuple[int, int]]:
    spans, at = [], 0
    for gap, length in gaps:
        spans.append((at + gap, at + gap + length))
        at += gap + length
    return spans


@given(GAPS, GAPS, st.lists(st.integers(0, 11)), st.booleans())
def test_align_is_the_largest_overlap(
    words_at: list[tuple[int, int]],
    pieces_at: list[tuple[int, int]],
    repeated: list[int],
    reverse: bool,
) -> None:
    words = [word(*span) for span in laid_out(words_at)]
    pieces = laid_out(pieces_at)
    pieces = sorted([*pieces, *(pieces[i] for i in repeated if i < len(pieces)), (0, 0)])
    pieces = pieces[::-1] if reverse else pieces
    expected = []
    for start, end in pieces:
        owner, most = -1, 0
        for index, w in enumerate(words):
            shared = len(set(range(start, end)) & set(range(w.char_start, w.char_end)))
            if shared > most:
                owner, most = index, shared
        expected.append(owner)
    assert align(words, pieces) == expected


# ------------------------------------------------------------------ loading


def test_the_shipped_pipeline_says_what_it_is(annotator: Annotator) -> None:
    about = annotator.about
    assert (about.name, about.source) == ("en_auditkit_annotator", "shipped")
    assert (about.language, about.lacks, about.fit) == ("en", {}, None)
    assert not about.entity_types_reliable
    assert about.accuracy["upos_ewt"] == 0.946
    assert {"upos_gum", "upos_pud", "entity_f", "name_f"} < set(about.accuracy)
    assert "python -m spacy download en_core_web_sm" in about.advice
    folder = annotate._data()
    assert "CC BY-SA 4.0" in (folder / "README.md").read_text(encoding="utf-8")
    assert (folder / "LICENSE").is_file()


def saved_pipeline(folder: Path, *, tags: bool = True, **meta: object) -> Path:
    import spacy

    nlp = spacy.blank("en")
    if tags:
        ruler = nlp.add_pipe("attribute_ruler")
        ruler.add([[{"IS_ALPHA": True}]], {"POS": "NOUN"})  # type: ignore[attr-defined]
    nlp.to_disk(folder)
    path = folder / "meta.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | meta), encoding="utf-8")
    return folder


@pytest.mark.parametrize(
    ("figures", "reliable"),
    [
        ({"ents_f": 0.85}, True),
        ({"entity_f": 0.53}, False),
        ({"pos_acc": 0.97}, False),
        ({"ents_f": 0.79, "ents_per_type": {"ORG": {"f": 0.9}}}, False),
    ],
)
def test_types_are_reliable_by_the_pipelines_own_figures(
    figures: dict[str, object], reliable: bool, tmp_path: Path
) -> None:
    about = load_annotator(str(saved_pipeline(tmp_path / "p", performance=figures))).about
    assert about.entity_types_reliable is reliable


def test_f_by_type_is_read_with_care(tmp_path: Path) -> None:
    types = {"ORG": {"p": 0.7, "f": 0.81}, "GPE": {"f": "high"}, "LOC": 3, "DATE": {"f": 81.2},
             "PER": {"p": 0.0, "r": 0.0, "f": 0.0}}  # fmt: skip
    about = load_annotator(
        str(saved_pipeline(tmp_path / "p", performance={"ents_per_type": types}))
    ).about
    assert about.entity_f_by_type == {"ORG": 0.81}
    odd = saved_pipeline(tmp_path / "q", performance={"ents_per_type": [1, 2]})
    assert load_annotator(str(odd)).about.entity_f_by_type == {}


def test_a_pipeline_from_a_path_runs_no_code_of_that_path(tmp_path: Path) -> None:
    folder = saved_pipeline(
        tmp_path / "mine",
        name="mine",
        version="7.0.0",
        performance={"pos_acc": 0.9, "ents_f": 88.5, "tag_acc": "high", "speed": 1e4},
    )
    trap = f"import pathlib; pathlib.Path({str(tmp_path / 'ran')!r}).touch()"
    for name in ("__init__.py", "functions.py", "load.py"):
        (folder / name).write_text(trap)
    loaded = load_annotator(str(folder))
    assert not (tmp_path / "ran").exists()
    about = loaded.about
    assert (about.name, about.version, about.source) == ("en_mine", "7.0.0", "path")
    assert about.accuracy == {"pos_acc": 0.9}
    assert not about.entity_types_reliable  # 88.5 is no share
    assert about.advice == ""
    assert [w.upos for w in words_of(loaded, "Two words")] == ["NOUN", "NOUN"]


def test_a_pipeline_for_another_spacy_is_used_and_told(tmp_path: Path) -> None:
    folder = saved_pipeline(tmp_path / "old", spacy_version=">=2.0.0,<2.1.0", performance=[1])
    assert "made for spaCy >=2.0.0,<2.1.0" in load_annotator(str(folder)).about.advice


def test_what_a_pipeline_does_not_give_is_told(tmp_path: Path) -> None:
    bare = load_annotator(str(saved_pipeline(tmp_path / "bare", tags=False)))
    assert set(bare.about.lacks) == {"pos", "entities"}
    assert "tags no parts of speech (its components: none)" in bare.about.lacks["pos"]
    assert {(w.upos, w.entity) for w in words_of(bare, "The cat sat.")} == {("", "")}
    assert [w.text for w in words_of(bare, "The cat sat.") if w.is_stop] == ["The"]
    ruled = load_annotator(str(saved_pipeline(tmp_path / "ruled")))
    assert set(ruled.about.lacks) == {"entities"}
    assert "finds no entities (its components: attribute_ruler)" in ruled.about.lacks["entities"]


@pytest.mark.parametrize("tag", ["pos", "stop_words", "entities"])
def test_a_tag_that_words_lack_is_given_to_none(annotator: Annotator, tag: str) -> None:
    lacking = annotator.about.model_copy(update={"lacks": {tag: "for a test"}})
    words = words_of(
        Annotator(annotator._nlp, lacking, annotator.language), "She met Mr Ng in Oslo"
    )
    seen = {
        "pos": any(w.upos for w in words),
        "stop_words": any(w.is_stop for w in words),
        "entities": any(w.entity for w in words),
    }
    assert {name for name, there in seen.items() if not there} == {tag}


def test_a_pipeline_of_several_languages_has_no_stop_words(tmp_path: Path) -> None:
    import spacy

    spacy.blank("xx").to_disk(tmp_path)
    about = load_annotator(str(tmp_path)).suited({"a": "Any text of any language."}).about
    assert about.language == "xx"
    assert set(about.lacks) == {"pos", "stop_words", "entities"}
    assert about.fit is not None
    assert (about.fit.script_share, about.fit.stop_share, about.fit.told) == (None, None, 0)


@pytest.mark.parametrize("name", ["no_such_pipeline", "", "\0", "json", "numpy", "a\nb", "x" * 300])
def test_what_cannot_be_loaded_is_one_line_with_a_way_out(name: str) -> None:
    with pytest.raises(AnnotationError, match="spacy download NAME") as caught:
        load_annotator(name)
    assert "\n" not in str(caught.value)
    assert repr(name) in str(caught.value)


def test_a_damaged_pipeline_is_refused(tmp_path: Path) -> None:
    folder = saved_pipeline(tmp_path / "damaged")
    (folder / "config.cfg").write_text("[nlp]\nlang = ")
    with pytest.raises(AnnotationError, match="spaCy cannot load"):
        load_annotator(str(folder))


def test_the_installed_pipeline_is_preferred(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = "en_auditkit_test_pipeline"
    data = tmp_path / name / f"{name}-1.0.0"
    data.parent.mkdir()
    saved_pipeline(data, name="auditkit_test_pipeline", version="1.0.0")
    (tmp_path / name / "meta.json").write_text((data / "meta.json").read_text())
    (tmp_path / name / "__init__.py").write_text(
        "from spacy.util import load_model_from_init_py\n"
        "def load(**overrides): return load_model_from_init_py(__file__, **overrides)\n"
    )
    info = tmp_path / f"{name}-1.0.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0.0\n")
    monkeypatch.syspath_prepend(tmp_path)
    importlib.invalidate_caches()
    monkeypatch.setattr(annotate, "PREFERRED", name)
    about = load_annotator().about
    sys.modules.pop(name, None)
    assert (about.name, about.source, about.advice) == (name, "installed", "")


@pytest.mark.slow
def test_real_news(annotator: Annotator, shared_data: Path) -> None:
    import pandas as pd

    texts = pd.read_parquet(shared_data / "ag_news" / "test.parquet")["text"].tolist()[:2000]
    views = [clean(text).text for text in texts]
    assert not any(re.search(r"#\d+;|\bquot;|&lt;|\\", view) for view in views)
    fired = [i for i, v in enumerate(views) if truecase(v, annotate._lexicon()) != v]
    assert 0.25 < len(fired) / len(texts) < 0.45
    found = list(annotator.annotate(texts))
    for text, words in zip(texts, found, strict=True):
        assert words
        at = 0
        for w in words:
            assert at <= w.char_start < w.char_end <= len(text)
            at = w.char_end
    opening = [w for i in fired for w in found[i] if w.char_start < 60]
    names = sum(w.upos == "PROPN" for w in opening) / len(opening)
    assert names < 0.3  # 0.37 without true-casing
