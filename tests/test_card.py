"""`auditkit card`: what was found, in a README of which nothing else is touched."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import finished_runs
import page_cases
import pytest
import report_case
import yaml
from command import auditkit
from huggingface_hub import ModelCard
from hypothesis import given, settings
from hypothesis import strategies as st

from auditkit.errors import SettingsError
from auditkit.finding import Results, dumps, loads
from auditkit.ltp.checkpoints import fingerprint
from auditkit.outputs.card import updated
from auditkit.outputs.splicing import BEGIN, END, KEY, spliced

AUDIT = loads(dumps(replace(report_case.audit(), gates=finished_runs.gates())))
OURS = re.compile(rf"[ ]*(# |<!-- ){BEGIN}.*?{END}( -->)?\r?\n", re.DOTALL)
AUTHORS = """---
# written by hand, and kept
license: mit   # the usual
tags: [a, a]
unknown-key: {deep: [1, null]}
model-index:
  # of the paper
  - name: theirs
    results:
      - task: {type: text-classification}
        dataset: {name: IMDb, type: imdb}
        metrics:
          - {type: accuracy, value: 0.9, odd: kept}
  - name: second
    results:
      - task: {type: text-classification}
        dataset: {name: IMDb, type: imdb}
        metrics:
          - type: f1
            value: |
              0.8
    # after it
date: 2026-01-02
---

# Theirs

Text <b>with</b> ---\n---\nlines, and no end of line"""


def data(text: str) -> Any:
    """The metadata, as the hub's library has them."""
    return ModelCard(text).data


def test_key_numbers_are_read_from_the_card_by_the_hub_library() -> None:
    card = ModelCard(updated("", AUDIT))
    told = {result.metric_args["address"]: result for result in data(str(card)).eval_results}
    wanted = [
        (f.probe, m) for f in AUDIT.findings for m in f.measurements
        if m.headline and m.value is not None and m.at.get("arm") in (None, "pruned")
    ]  # fmt: skip
    assert len(told) == len(wanted) > 1
    assert not any("baseline" in address for address in told)
    one = told["performance.accuracy[arm=pruned]"]
    assert (one.metric_type, one.metric_value, one.dataset_name) == ("accuracy", 0.9132, "agnews")
    assert (one.metric_args["low"], one.metric_args["high"]) == (0.9072, 0.9192)
    assert data(str(card)).model_name == "minilm-ltp"
    assert "## Token-pruning audit on agnews" in card.text
    assert "fairness.accuracy\\_gap\\[group=asia\\] | at least 0.9 | — | not run |" in card.text
    for finding in AUDIT.findings[:3]:
        assert f"| {finding.probe.replace('_', chr(92) + '_')} | " in card.text


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_nothing_of_the_author_is_lost(ending: str) -> None:
    text = AUTHORS.replace("\n", ending)
    made = updated(text, AUDIT)
    left, parts = OURS.subn("", made)
    assert parts == 2
    assert left in (text, f"{text}{ending}{ending}")  # a line that had no end got one
    results = data(made).eval_results
    assert [r.metric_value for r in results[:2]] == [0.9, "0.8\n"]
    held = yaml.safe_load(made.replace("\r\n", "\n").split("\n---\n")[0])
    mine = yaml.safe_load(AUTHORS.split("\n---\n")[0])
    assert held | {KEY: held[KEY][:-1]} == mine
    assert ("\r" in made) == (ending == "\r\n")
    assert made.count("\n") == made.count(ending)


def test_again_replaces_its_own_part_alone() -> None:
    made = updated(AUTHORS, AUDIT)
    assert updated(made, AUDIT) == made
    moved = made.replace("# Theirs", "# Theirs, changed") + "\nA last word.\n"
    fewer = replace(AUDIT, gates=())
    again = updated(moved, fewer)
    assert again.endswith("\nA last word.\n")
    assert OURS.sub("", again) == OURS.sub("", moved)
    assert "not run" not in again.replace("What was not run never counts", "")
    assert updated(again, AUDIT) == moved


def test_signs_that_end_lines_elsewhere_end_none_here() -> None:
    """YAML and Python do not agree on which signs end a line."""
    held = f'---\na: "x\u2028y"\n{KEY}:\n- name: "\u2028z"\n  results: []'
    made = spliced(f"{held}\n---\nbody \u2028 \x0c\n", [{"name": "m", "results": []}], "## Ours")
    assert OURS.sub("", made) == f"{held}\n---\nbody \u2028 \x0c\n\n"
    assert yaml.safe_load(made.split("\n---\n")[0])[KEY][1] == {"name": "m", "results": []}


@settings(max_examples=100, deadline=None)
@given(
    st.dictionaries(st.text("ab-é", min_size=1), st.text("a:#'\"\n{é", max_size=9), max_size=3),
    st.text("#a\n-<!>", max_size=30),
)
def test_any_readme_keeps_its_text_and_values(keys: dict[str, str], body: str) -> None:
    head = f"---\n{yaml.safe_dump(keys, allow_unicode=True)}---\n" if keys else ""
    text = head + ("" if keys else "x") + body
    made = spliced(text, [{"name": "m", "results": []}], "## Ours")
    assert spliced(made, [{"name": "m", "results": []}], "## Ours") == made
    block, _, rest = made.removeprefix("---\n").partition("\n---\n")
    values = yaml.safe_load(block)
    assert values.pop(KEY) == [{"name": "m", "results": []}]
    assert values == keys
    assert OURS.sub("", rest).rstrip("\n") == text.removeprefix(head).rstrip("\n")


@pytest.mark.parametrize("case", [page_cases.hostile, page_cases.no_baseline])
def test_hostile_and_bare_audits_make_cards(case: Any) -> None:
    audit: Results = loads(dumps(case()[0]))
    made = updated("# Theirs\n", audit)
    assert "# Theirs\n" in made
    assert not re.search("[\x00-\x08\ud800-\udfff\u202a-\u202e]", made)
    assert "<script" not in made
    assert updated(made, audit) == made
    ModelCard(made)


@pytest.mark.parametrize(
    ("text", "said"),
    [("---\n- a\n---\n", "no mapping"), ("---\na: [\n---\n", "no YAML"),
     (f"---\n{KEY}: []\n---\n", "no list with a dash"), (f"---\n{KEY}: x\n---\n", "no list"),
     (f"x\n<!-- {BEGIN} -->\n", "mend or remove"), (f"---\n# {END}\na: 1\n---\n", "mend or remove"),
     ("a\r\nb\n", "several ways"), (f"---\n{KEY}:\n- name: x\n---\n", "would not read it")],
)  # fmt: skip
def test_what_cannot_be_added_to_is_left_alone(text: str, said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        updated(text, AUDIT)


def test_the_command_knows_whose_run_it_is(tmp_path: Path) -> None:
    checkpoint = tmp_path / "ckpt"
    checkpoint.mkdir()
    (checkpoint / "config.json").write_text("{}")
    (checkpoint / "README.md").write_bytes(AUTHORS.encode())
    other = finished_runs.run(tmp_path / "other")
    done = auditkit("card", checkpoint, other)
    assert (done.code, "give the checkpoint that was audited" in done.complaint) == (2, True)
    assert (checkpoint / "README.md").read_bytes() == AUTHORS.encode()
    about: dict[str, Any] = report_case.about()
    about["subjects"]["model"] |= {"sha256": fingerprint(str(checkpoint))}
    audit = replace(report_case.audit(), about=about)
    run = finished_runs.run(tmp_path / "run", audit, finished_runs.gates())
    done = auditkit("card", checkpoint, run)
    assert done.code == 0, done.err
    assert done.out == f"{checkpoint / 'README.md'}\n"
    card = ModelCard.load(checkpoint / "README.md")
    assert "Audited on 2026-11-28 by auditkit" in card.text
    assert "were read on" in card.text
    assert "Redacted" not in card.text
    assert auditkit("card", checkpoint, finished_runs.run(run, audit, redact=True)).code == 0
    assert "Redacted: no text of the data set" in (checkpoint / "README.md").read_text("utf-8")
    (checkpoint / "README.md").write_bytes(b"\xff\xfe")
    assert "is not UTF-8" in auditkit("card", checkpoint, run).complaint
