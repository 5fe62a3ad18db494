"""The ready jobs of configs/ci, read by programs that know what such files may say."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from conftest import ROOT
from schemas import missing, packaged, problems

from auditkit.cli.commands import cli
from auditkit.report.summary import SUMMARY_LIMIT

FILES = ROOT / "configs" / "ci"
GITHUB, GITLAB = FILES / "github.yml", FILES / "gitlab.yml"
SCHEMAS = {GITHUB: "github-workflows", GITLAB: "gitlab-ci"}


def read(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def lint(path: Path) -> list[dict[str, Any]]:
    """What actionlint says."""
    beside = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    program = shutil.which("actionlint", path=beside)
    if program is None:
        missing("actionlint is not installed: `make venv`")
    asked = [str(program), "-no-color", "-format", "{{json .}}", str(path)]
    done = subprocess.run(asked, capture_output=True, text=True, check=False)
    assert done.returncode in (0, 1), done.stderr
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found


def test_actionlint_finds_nothing_in_the_workflow() -> None:
    assert lint(GITHUB) == []


def test_actionlint_would_find_a_mistake(tmp_path: Path) -> None:
    wrong = GITHUB.read_text("utf-8").replace("archive: false", "unzip: true")
    (tmp_path / "github.yml").write_text(wrong.replace("github.token", "github.tokens"), "utf-8")
    told = " ".join(one["message"] for one in lint(tmp_path / "github.yml"))
    assert "unzip" in told
    assert "tokens" in told


@pytest.mark.parametrize("path", SCHEMAS, ids=lambda path: path.stem)
def test_jobs_are_valid_by_the_published_schemas(path: Path) -> None:
    file = f"check_jsonschema/builtin_schemas/vendor/{SCHEMAS[path]}.json"
    schema = packaged("check-jsonschema", file)
    job = {("on" if key is True else key): value for key, value in read(path).items()}
    assert problems(job, schema) == []
    assert problems(job | {"jobs": 3, "audit": 3}, schema)


@pytest.mark.parametrize("path", SCHEMAS, ids=lambda path: path.stem)
def test_commands_of_jobs_are_understood(path: Path) -> None:
    lines = re.findall(r"(?:- |run: |^ +)(auditkit .+)$", path.read_text("utf-8"), re.MULTILINE)
    names = []
    for line in lines:
        _, name, *arguments = shlex.split(line)
        cli.commands[name].make_context(name, arguments)
        names.append(name)
    assert names == ["run", "export", "attest"]


def test_the_page_is_attached_unzipped_and_the_summary_fits_a_comment() -> None:
    steps = read(GITHUB)["jobs"]["audit"]["steps"]
    (page,) = [s["with"] for s in steps if "report.html" in s.get("with", {}).get("path", "")]
    assert page["archive"] is False
    assert "\n" not in page["path"]
    assert "audit/report.html" in read(GITLAB)["audit"]["artifacts"]["paths"]
    assert SUMMARY_LIMIT <= 60_000
