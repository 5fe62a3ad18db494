"""What comes from data sets and checkpoints must not reach a terminal as it is."""

import json
import shutil
from collections.abc import Sequence
from pathlib import Path

import tiny
from command import assert_harmless
from command import auditkit as command
from tabular import write_csv

from auditkit.cli import console

TEXT = "Anna sorted the roses and the onions before it got dark."
HOSTILE = "Ro\x1b[2J\x1b]0;owned\x07ses \x00 \u202eevil\u202c \x9b31m </script> \u2066x\u2069\r\nZ"


def test_hostile_text_is_explained_harmlessly(model: Path, tmp_path: Path) -> None:
    done = command("explain", "--model", model, HOSTILE)
    assert (done.code, done.err) == (0, "")
    assert "evil" in done.out
    assert_harmless(done)
    done = command("explain", "--model", model, "--json", HOSTILE)
    assert json.loads(done.out)["text"] == HOSTILE  # as data it is whole
    assert_harmless(done)
    page = tmp_path / "page.html"
    done = command("explain", "--model", model, "--html", page, HOSTILE)
    assert done.out == f"{page}\n"
    html = page.read_text(encoding="utf-8")
    assert "</script>" not in html
    assert "&lt;" in html
    assert not set(html) & {"\x1b", "\x00", "\x07", "\x9b"}


def relabelled(model: Path, directory: Path, labels: Sequence[str]) -> Path:
    """A copy of the checkpoint with other class names."""
    copy = shutil.copytree(model, directory)
    for path in (copy / "config.json", copy / "baseline" / "config.json"):
        config = json.loads(path.read_text())
        config["id2label"] = dict(enumerate(labels))
        config["label2id"] = {label: index for index, label in enumerate(labels)}
        path.write_text(json.dumps(config))
    return copy


def test_hostile_class_names_are_printed_harmlessly(model: Path, tmp_path: Path) -> None:
    labels = [f"{HOSTILE} {name}" for name in ("a", "b", "[bold]c[/bold][/x]")]
    hostile = relabelled(model, tmp_path / "model", labels)
    rows = [(text, str(tiny.CLASSES.index(name))) for text, name in tiny.sentences(30, seed=5)]
    path = write_csv(tmp_path / "d.csv", [("text", "label"), *rows])
    done = command("run", "--model", hostile, "--dataset", path, "--out", tmp_path / "run",
                   "--attribution-sample", "2")  # fmt: skip
    assert (done.code, done.err) == (0, "")
    assert_harmless(done)
    done = command("explain", "--model", hostile, TEXT)
    assert done.code == 0
    assert "[bold]c[/bold][/x]" in " ".join(done.out.split())
    assert_harmless(done)


def test_hostile_names_in_an_error_are_printed_harmlessly(model: Path, tmp_path: Path) -> None:
    path = write_csv(tmp_path / "d.csv", [("text", "label", HOSTILE), ("a b", HOSTILE, "")])
    for flags in ([], ["--text-column", HOSTILE], ["--groups", "none"], ["--device", HOSTILE]):
        done = command("run", "--model", model, "--dataset", path, *flags)
        assert done.code == 2
        assert done.complaint
        assert_harmless(done)


def test_a_lone_surrogate_is_refused(model: Path) -> None:
    done = command("explain", "--model", model, "caf\udce9")
    assert done.code == 2
    assert "not valid Unicode" in done.complaint
    done = command("explain", "--model", model, " \n ")
    assert (done.code, "the text is empty" in done.complaint) == (2, True)


def test_clean_keeps_the_length_and_what_is_harmless() -> None:
    assert console.clean("naïve 🌱 \u200d é\tx\n") == "naïve 🌱 \u200d é x "
    assert console.clean(HOSTILE[:6]) == "Ro\ufffd[2J"
    assert len(console.clean(HOSTILE)) == len(HOSTILE)
