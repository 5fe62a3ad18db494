"""Fixtures for all tests. The environment is set before any library reads it."""

import os
import signal

os.environ["HF_HUB_OFFLINE"] = "1"  # a test that needs the network is a defect
os.environ["TOKENIZERS_PARALLELISM"] = "false"
os.environ.pop("AUDITKIT_DATA", None)  # a developer's own copy must not answer for a test's

from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from auditkit.trace import Trace

ROOT = Path(__file__).resolve().parent.parent


def pytest_addoption(parser: pytest.Parser) -> None:
    text = "keep what golden cases become now; read the diff before committing"
    parser.addoption("--update-golden", action="store_true", help=text)
    parser.addoption(
        "--fuzz", type=int, default=60, metavar="N", help="hostile inputs of each kind"
    )


@pytest.fixture(scope="session")
def update_golden(request: pytest.FixtureRequest) -> bool:
    """Whether golden files are rewritten rather than compared."""
    return bool(request.config.getoption("--update-golden"))


@pytest.fixture(scope="session")
def fuzz(request: pytest.FixtureRequest) -> int:
    """How many hostile inputs of each kind are thrown."""
    return int(request.config.getoption("--fuzz"))


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real data sets beside the project; missing data fail the build under CI."""
    path = ROOT.parent / "shared" / "data"
    if not path.is_dir():
        reason = "no real data at ../shared/data (see CONTRIBUTING.md)"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    return path


@pytest.fixture(scope="session")
def tiny_checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Layout → what `auditkit train` makes of a tiny random encoder; trained when first asked for.

    Read-only: tests that change a checkpoint copy it.
    """
    import tiny
    from command import auditkit

    root = tmp_path_factory.mktemp("tiny")

    @cache
    def trained(layout: str) -> Path:
        backbone = tiny.backbone(layout, root / layout)
        done = auditkit(
            "train", "--dataset", tiny.train_csv(root / "train.csv", 320), "--backbone", backbone,
            "--out", root / f"ltp-{layout}", *tiny.RECIPE,
        )  # fmt: skip
        assert done.code == 0, done.err
        return root / f"ltp-{layout}"

    return trained


@pytest.fixture(scope="session")
def model(tiny_checkpoint: Callable[[str], Path]) -> Path:
    """The tiny BERT checkpoint."""
    return tiny_checkpoint("bert")


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> str:
    """30 documents that the tiny checkpoint knows the classes of."""
    import tiny

    return tiny.audit_csv(tmp_path_factory.mktemp("data") / "audit.csv", count=30)


@pytest.fixture(scope="session")
def tiny_csv(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The audited documents, and one row without a text."""
    import tiny

    path = tmp_path_factory.mktemp("data") / "audit.csv"
    tiny.audit_csv(path)
    with path.open("a", encoding="utf-8") as file:
        file.write('"  ",Garden,web,spring\n')
    return str(path)


@pytest.fixture(scope="session")
def tiny_runs(
    tmp_path_factory: pytest.TempPathFactory, tiny_checkpoint: Callable[[str], Path], tiny_csv: str
) -> Callable[..., Path]:
    """Layout → a run of all probes; `quick=True` → one with the flags `tiny.QUICK`. Read-only."""
    import tiny
    from command import auditkit

    root = tmp_path_factory.mktemp("runs")

    @cache
    def run(layout: str, quick: bool = False) -> Path:
        out = root / f"{layout}-{quick}"
        flags = tiny.QUICK if quick else ("--attribution-sample", "4", "--groups", "source,season")
        done = auditkit(
            "run", "--model", tiny_checkpoint(layout), "--dataset", tiny_csv, "--out", out, *flags
        )
        assert done.code == 0, done.err
        return out

    return run


@pytest.fixture(scope="session")
def tiny_traces(
    tmp_path_factory: pytest.TempPathFactory, tiny_checkpoint: Callable[[str], Path], tiny_csv: str
) -> "Callable[[str], Trace]":
    """Layout → what is recorded of all documents, without a probe. Read-only."""
    from recorded import bench, recorded

    from auditkit.files import Folder
    from auditkit.record.settings import RecordingSettings

    root = tmp_path_factory.mktemp("traces")

    @cache
    def trace(layout: str) -> "Trace":
        folder = Folder(root / layout / "trace")
        return recorded(bench(tiny_checkpoint(layout)), tiny_csv, folder, RecordingSettings())

    return trace


@pytest.fixture
def signals_as_in_a_shell() -> Iterator[None]:
    """Handlers as a command in the foreground has them: tests may run under nohup."""
    usual: dict[signal.Signals, Any] = {
        signal.SIGINT: signal.default_int_handler,
        signal.SIGHUP: signal.SIG_DFL,
    }
    before = {number: signal.signal(number, handler) for number, handler in usual.items()}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)
