"""`auditkit report RUN --pdf`: the page printed by a browser of the machine."""

import os
import re
from pathlib import Path

import pytest
import report_case
from browser import program
from command import auditkit

from auditkit.errors import AuditError
from auditkit.finding import dumps
from auditkit.outputs.pdf import BROWSERS, print_page


def pages(pdf: Path) -> int:
    """Pages of a PDF file, by the objects that say that they are one."""
    return len(re.findall(rb"/Type\s*/Page\b", pdf.read_bytes()))


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run directory that holds results alone."""
    run = tmp_path / "a run #1"
    run.mkdir()
    (run / "results.json").write_text(dumps(report_case.audit()), encoding="utf-8")
    return run


@pytest.fixture
def page(tmp_path: Path) -> Path:
    """A page of two sheets of paper, whose style for paper adds a third."""
    path = tmp_path / "page.html"
    path.write_text(
        "<!doctype html><title>T</title><style>p { break-after: page } i { display: none } "
        "@media print { i { display: block } }</style><p>1</p><i><p>2</p></i><b>3</b>"
    )
    return path


def browsers(folder: Path, monkeypatch: pytest.MonkeyPatch, **scripts: str) -> None:
    """A PATH with these programs alone."""
    folder.mkdir()
    for name, script in scripts.items():
        path = folder / name
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))


def test_a_page_is_printed_with_its_style_for_paper(page: Path, tmp_path: Path) -> None:
    program("chromium")
    target = tmp_path / "new" / "it's a file.pdf"
    assert print_page(page, target) == target
    assert target.read_bytes()[:5] == b"%PDF-"
    assert pages(target) == 3
    assert [one.name for one in target.parent.iterdir()] == [target.name]


def test_a_home_that_cannot_be_written_is_none(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program("chromium")
    monkeypatch.setenv("HOME", "/proc/1/nowhere")
    assert pages(print_page(page, tmp_path / "page.pdf")) == 3


def test_the_command_prints_what_it_wrote(run: Path, tmp_path: Path) -> None:
    program("chromium")
    done = auditkit("report", run, "--pdf")
    assert (done.code, done.err) == (0, "")
    assert done.out.splitlines()[-1] == str(run / "report.pdf")
    assert pages(run / "report.pdf") >= 3
    other = tmp_path / "other.pdf"
    done = auditkit("report", run, "--redact", "--pdf", other)
    assert done.out.splitlines()[-1] == str(other)
    assert pages(other) >= 2


def test_without_a_browser_a_line_says_what_to_install(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    browsers(tmp_path / "bin", monkeypatch)
    done = auditkit("report", run, "--pdf")
    assert done.code == 2
    assert "no browser on PATH" in done.complaint
    assert "install chromium" in done.complaint
    assert all(name in done.complaint for name in BROWSERS)
    assert (run / "report.html").exists()
    assert not (run / "report.pdf").exists()


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("echo no '  ' display >&2; exit 3", "ended with 3 (no display)"),
        ("exit 4", "ended with 4 (it says nothing)"),
        ("echo odd >&2", "wrote no PDF (odd)"),
        ('for a; do case $a in --print-to-pdf=*) echo no > "${a#*=}";; esac; done', "wrote no PDF"),
        ("exec sleep 60", "did not print within 1 seconds"),
    ],
)
def test_a_browser_that_fails_leaves_the_file_of_before(
    script: str, said: str, page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OLD", os.environ["PATH"])
    browsers(tmp_path / "bin", monkeypatch, chrome=f"PATH=$OLD; {script}")
    target = tmp_path / "page.pdf"
    target.write_bytes(b"before")
    with pytest.raises(AuditError) as told:
        print_page(page, target, timeout=1)
    assert said in str(told.value)
    assert len(str(told.value).splitlines()) == 1
    assert target.read_bytes() == b"before"
    assert not list(tmp_path.glob("*.partial"))


def test_what_the_browser_is_asked(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = tmp_path / "asked"
    browsers(
        tmp_path / "bin", monkeypatch,
        chrome=f'for a; do echo "$a" >> {asked}; case $a in --print-to-pdf=*) '
        'echo "%PDF-1.4" > "${a#*=}";; esac; done',
    )  # fmt: skip
    for user in (0, 1000):
        monkeypatch.setattr(os, "geteuid", lambda user=user: user)
        asked.unlink(missing_ok=True)
        print_page(page, tmp_path / "page.pdf")
        flags = asked.read_text().splitlines()
        assert ("--no-sandbox" in flags) == (user == 0)
        assert {"--headless", "--no-pdf-header-footer"} <= set(flags)
        assert any(flag.startswith("--user-data-dir=") for flag in flags)
        assert flags[-1] == page.resolve().as_uri()
