"""Audits of texts in other languages, from a file to the page: French, German."""

import os
from pathlib import Path

import pandas as pd
import pytest
import tiny
from command import Done, audit
from foreign import french, labelled

from auditkit.finding import Finding, Results
from auditkit.report.rendering import load_results
from auditkit.text import cut
from auditkit.trace import Trace

FRENCH = "fr_core_news_sm"
TAGGED = ("pos_retention", "stopword", "entity", "domain_term")
"""Probes that go by what a pipeline says of words."""
FLAGS = ("--random-draws", "1", "--repeat-documents", "0", "--speed-documents", "0",
         "--without", "attribution_agreement", "--without", "precision")  # fmt: skip

_GERMAN = (
    (("Der", "DET"), ("Die", "DET"), ("Kein", "DET")),
    (("Nachbar", "NOUN"), ("Stadt", "NOUN"), ("Garten", "NOUN"), ("Regierung", "NOUN")),
    (("sieht", "VERB"), ("kennt", "VERB"), ("war", "AUX"), ("will", "AUX")),
    (("nicht", "PART"), ("immer", "ADV"), ("sehr", "ADV")),
    (("und", "CCONJ"), ("oder", "CCONJ")),
    (("in", "ADP"), ("mit", "ADP"), ("auf", "ADP")),
    (("Berlin", "PROPN"), ("Anna", "PROPN")),
    ((".", "PUNCT"), ("!", "PUNCT")),
)


def word_tags(out: Path) -> pd.DataFrame:
    """Columns lower, upos, is_stop and entity of all words of a run."""
    return pd.concat(
        Trace.open(out / "trace").scan("words", ["lower", "upos", "is_stop", "entity"])
    )


def checked(done: Done, out: Path) -> Results:
    assert done.code == 0, done.err
    return load_results(out)


def statuses(findings: tuple[Finding, ...]) -> dict[str, str]:
    return {finding.probe: finding.status for finding in findings}


@pytest.fixture(scope="module")
def french_pipeline() -> str:
    from spacy.util import is_package

    if not is_package(FRENCH):
        reason = f"no {FRENCH}; `make venv` installs it"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    return FRENCH


@pytest.mark.slow
def test_french_end_to_end(model: Path, french_pipeline: str, tmp_path: Path) -> None:
    csv, out = labelled(tmp_path / "fr.csv", french(60), tiny.CLASSES), tmp_path / "out"
    flags = (*FLAGS, "--spacy-model", french_pipeline)
    found = checked(audit(out, *flags, model=model, dataset=csv), out)
    assert {statuses(found.findings)[name] for name in TAGGED} == {"reported"}

    annotator = found.about["annotator"]
    assert (annotator["language"], annotator["lacks"]) == ("fr", {})
    assert annotator["accuracy"]["pos_acc"] == 0.9623  # of its own meta.json
    assert annotator["entity_f_by_type"] == {}  # it was measured on none
    assert annotator["fit"]["foreign"] == 0

    words = word_tags(out)
    assert set(words["lower"][words["is_stop"]]) >= {"le", "les", "pas", "dans", "elle"}
    assert set(words["entity"]) >= {"PER", "LOC"}
    assert set(words["upos"][words["lower"] == "roses"]) == {"NOUN"}
    kinds = found.finding("entity").table("retention").column("category")
    assert set(kinds) <= {"names", "no entity"}  # French types are all names
    assert "negations" not in {table.name for table in found.finding("stopword").tables}

    page = (out / "report.html").read_text(encoding="utf-8")
    assert "language <bdi>fr</bdi>, its accuracy as its authors measured it" in page
    assert "English" not in page
    assert "en_core" not in page
    assert "upos_ewt" not in page


@pytest.mark.slow
def test_french_read_by_the_english_pipeline(model: Path, tmp_path: Path) -> None:
    csv, out = labelled(tmp_path / "fr.csv", french(60), tiny.CLASSES), tmp_path / "out"
    done = audit(out, *FLAGS, model=model, dataset=csv)
    found = checked(done, out)
    seen = statuses(found.findings)
    assert {seen.pop(name) for name in TAGGED} == {"not_applicable"}
    assert set(seen) == {
        "performance", "efficiency", "layer_view", "word_frequency", "cluster", "faithfulness",
        "superficial_cue", "fairness", "flips", "calibration", "robustness",
        "counterfactual", "validity", "rationale",
    }  # fmt: skip
    assert seen.pop("counterfactual") == "not_applicable"  # the swaps that ship are English
    assert seen.pop("rationale") == "not_applicable"  # nobody marked anything
    seen.pop("faithfulness")  # of this model no layer keeps a part of the tokens
    assert seen.pop("superficial_cue") == "not_applicable"  # of sixty documents
    assert "not_applicable" not in seen.values()
    for name in TAGGED:
        claim = found.finding(name).claim
        assert "the texts are not in English" in claim
        assert "give --spacy-model NAME" in claim
        assert found.finding(name).tables == ()
    words = word_tags(out)
    assert (set(words["upos"]), set(words["is_stop"]), set(words["entity"])) == (
        {""},
        {False},
        {""},
    )
    page = (out / "report.html").read_text(encoding="utf-8")
    assert "<dd>None: spaCy pipeline" in page
    assert "measured it" not in page  # an accuracy on English says nothing here
    told = "60 of 60 texts that are long enough to tell do not read like the pipeline's language"
    assert told in done.out
    assert told in (out / "summary.md").read_text(encoding="utf-8")


# ------------------------------------------------------------------ German tweets


@pytest.fixture(scope="module")
def tweets(tmp_path_factory: pytest.TempPathFactory, shared_data: Path) -> str:
    texts = pd.read_parquet(shared_data / "germeval2018" / "test.parquet")["text"].head(150)
    path = tmp_path_factory.mktemp("german") / "tweets.csv"
    return labelled(path, [cut(text, 200) for text in texts], tiny.CLASSES)


@pytest.fixture(scope="module")
def german_tagger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Trained on made sentences of eight words; nobody measured it."""
    import random

    import spacy
    from spacy.tokens import Doc
    from spacy.training import Example

    rng, nlp = random.Random(0), spacy.blank("de")
    nlp.add_pipe("morphologizer")
    examples = []
    for _ in range(120):
        chosen = [rng.choice(slot) for slot in _GERMAN]
        words, tags = [word for word, _ in chosen], [tag for _, tag in chosen]
        examples.append(Example(Doc(nlp.vocab, words), Doc(nlp.vocab, words, pos=tags)))
    optimizer = nlp.initialize(lambda: examples)
    for _ in range(8):
        nlp.update(examples, sgd=optimizer)
    path = tmp_path_factory.mktemp("tagger") / "de_made"
    nlp.to_disk(path)
    return path


@pytest.mark.slow
def test_german_tweets_get_no_english_tags(model: Path, tweets: str, tmp_path: Path) -> None:
    found = checked(audit(tmp_path / "out", *FLAGS, model=model, dataset=tweets), tmp_path / "out")
    assert {statuses(found.findings)[name] for name in TAGGED} == {"not_applicable"}
    assert set(word_tags(tmp_path / "out")["upos"]) == {""}


@pytest.mark.slow
def test_german_tweets_get_the_tags_of_a_tagger_that_nobody_measured(
    model: Path, tweets: str, german_tagger: Path, tmp_path: Path
) -> None:
    out, glossary = tmp_path / "out", tmp_path / "terms.txt"
    glossary.write_text("deutschland\n", encoding="utf-8")
    flags = (*FLAGS, "--spacy-model", german_tagger, "--glossary", glossary)
    found = checked(audit(out, *flags, model=model, dataset=tweets), out)
    seen = statuses(found.findings)
    assert {name: seen[name] for name in TAGGED} == {
        "pos_retention": "reported", "stopword": "reported", "domain_term": "reported",
        "entity": "not_applicable",
    }  # fmt: skip
    assert "finds no entities (its components: morphologizer)" in found.finding("entity").claim
    assert found.about["annotator"]["accuracy"] == {}
    words = word_tags(out)
    assert set(words["lower"][words["is_stop"]]) >= {"der", "und", "nicht"}
    assert set(words["upos"][words["lower"] == "und"]) == {"CCONJ"}
    page = (out / "report.html").read_text(encoding="utf-8")
    assert "language <bdi>de</bdi>, accuracy unknown." in page
    assert "English" not in page
