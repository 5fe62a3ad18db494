"""Pages and summaries of kept runs: a folder of `tests/golden/page` is a test.

It holds a run's `results.json`, its `timings.json` where time was measured, and what they become:
`summary.md`, and `report.html` without its style sheet and with digests in the place of pictures.
"""

import hashlib
import json
import re
from pathlib import Path

import pytest
from page_cases import CASES

from auditkit.bench.speed import read_speed
from auditkit.finding import dumps
from auditkit.report.page import render_html
from auditkit.report.rendering import load_results
from auditkit.report.summary import render_markdown

GOLDEN = Path(__file__).parent / "golden" / "page"
NAMES = sorted({*CASES, *(path.name for path in GOLDEN.iterdir())})
READABLE = 150_000
"""Bytes of a folder, so that a difference can be read."""


def inputs(name: str) -> dict[str, str]:
    """The files of a case that is made here, as the program writes them."""
    audit, speed = CASES[name]()
    files = {"results.json": dumps(audit)}
    if speed is not None:
        files["timings.json"] = json.dumps({"speed": speed.model_dump(mode="json")}, indent=1)
    return files


def outputs(folder: Path) -> dict[str, str]:
    """What a kept run becomes."""
    audit, speed = load_results(folder), read_speed(folder)
    html = render_html(audit, speed)
    return {
        "report.html": re.sub(
            r'<svg class="picture".*?</svg>', digest, html[html.index("<body>") :], flags=re.DOTALL
        ),
        "summary.md": render_markdown(audit, speed),
    }


def digest(picture: re.Match[str]) -> str:
    return f"<!-- picture {hashlib.sha256(picture[0].encode()).hexdigest()[:16]} -->"


def settle(folder: Path, files: dict[str, str], *, update: bool) -> None:
    """Compare files with those that are kept, or keep them."""
    for name, text in files.items():
        path = folder / name
        if update:
            folder.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text.encode())
        kept = path.read_bytes().decode() if path.is_file() else ""
        assert text == kept, f"{path}: if it is meant, --update-golden keeps it"


@pytest.mark.parametrize("name", sorted(CASES))
def test_a_kept_run_is_as_the_program_writes_it(name: str, update_golden: bool) -> None:
    settle(GOLDEN / name, inputs(name), update=update_golden)


@pytest.mark.parametrize("name", NAMES)
def test_a_kept_run_becomes_the_same_page_and_summary(name: str, update_golden: bool) -> None:
    made = outputs(GOLDEN / name)
    settle(GOLDEN / name, made, update=update_golden)
    assert outputs(GOLDEN / name) == made


def test_every_folder_holds_a_run_and_its_page_and_can_be_read() -> None:
    wanted = {"results.json", "report.html", "summary.md"}
    for name in NAMES:
        sizes = {path.name: path.stat().st_size for path in (GOLDEN / name).iterdir()}
        assert wanted <= set(sizes) <= {*wanted, "timings.json"}
        assert sum(sizes.values()) < READABLE
