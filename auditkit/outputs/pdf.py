"""The page as a PDF file, printed by a browser that is on this machine."""

import os
import shutil
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

from auditkit.errors import AuditError
from auditkit.text import cut

BROWSERS = (
    "chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "msedge",
    "microsoft-edge",
)  # fmt: skip
"""Programs that can print, as they are called on PATH; the first that is there does."""
TIMEOUT = 120.0
"""Seconds that printing may take."""
_FLAGS = (
    "--headless", "--disable-gpu", "--no-first-run", "--disable-sync", "--disable-extensions",
    "--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage",
    "--proxy-server=127.0.0.1:9",  # the page fetches nothing, and the browser may not either
    "--no-pdf-header-footer",
)  # fmt: skip


def print_page(page: Path, target: Path, timeout: float = TIMEOUT) -> Path:
    """Print a page with its style for paper; `target` is written whole or not at all.

    Args:
        page: An HTML file.
        target: The PDF file; one that is there is replaced.
        timeout: Seconds that it may take.

    Returns:
        `target`.

    Raises:
        AuditError: There is no browser, or it failed.
        OSError: `target` cannot be written.
    """
    program = next(filter(None, map(shutil.which, BROWSERS)), None)
    if program is None:
        raise AuditError(
            f"--pdf: no browser on PATH, expected one of {', '.join(BROWSERS)}; install one "
            "(Debian: apt-get install chromium), or print report.html from a browser elsewhere"
        )
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f"{target.name}.partial")
    try:
        with TemporaryDirectory(prefix="auditkit-") as profile:
            said = _printed(program, page, partial, profile, timeout)
        if not (partial.is_file() and partial.read_bytes()[:5] == b"%PDF-"):
            raise AuditError(f"--pdf: {program} wrote no PDF ({said or 'it says nothing'}); "
                             "print report.html from a browser instead")  # fmt: skip
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)
    return target


def _printed(program: str, page: Path, partial: Path, profile: str, timeout: float) -> str:
    """Let the browser write `partial`; what it says, on one line.

    Raises:
        AuditError: It cannot be started, ends with an error, or takes too long.
    """
    asked = [program, *_FLAGS, f"--user-data-dir={profile}", *_as_root(),
             f"--print-to-pdf={partial.resolve()}", page.resolve().as_uri()]  # fmt: skip
    try:
        done = subprocess.run(
            asked, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
            timeout=timeout, env=_home(profile), check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise AuditError(
            f"--pdf: {program} did not print within {timeout:g} seconds; print report.html from a "
            "browser instead"
        ) from None
    except OSError as error:
        raise AuditError(f"--pdf: {program} cannot be started: {error.strerror}") from error
    said = cut(" ".join(done.stderr.decode("utf-8", "replace").split())[-300:], 300)
    if done.returncode:
        raise AuditError(
            f"--pdf: {program} ended with {done.returncode} ({said or 'it says nothing'}); print "
            "report.html from a browser instead"
        )
    return said


def _as_root() -> list[str]:
    """Chromium has no sandbox for root, and refuses to run as root with one."""
    return ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []


def _home(profile: str) -> dict[str, str]:
    """The environment, with a home that can be written."""
    home = os.environ.get("HOME", "")
    return {**os.environ} if os.access(home, os.W_OK) else {**os.environ, "HOME": profile}
