"""What `mkdocs.yml` hooks in: pages are plain Markdown on a code host, and more in the site.

Files go by their paths in this repository, so that a link is right in both places, and one that
leads nowhere fails the build. The site adds what `--help` prints, and links to docstrings.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import click
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

from auditkit.cli.commands import cli

ROOT = Path(__file__).parents[1]
BESIDE = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "LICENSE", "NOTICE",
          "configs/**/*.y*ml", "reports/sample/*.html", "auditkit/trace/tables.py")  # fmt: skip
"""What pages may lead to outside of docs/."""


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Name the pages of docs/ by their paths in the tree, and put what they lead to beside them."""

    def add(path: Path, place: str) -> None:
        name = path.relative_to(ROOT).as_posix()
        files.append(File(name, str(ROOT), config.site_dir, False, dest_uri=place))

    for file in list(files):
        if file.src_dir == config.docs_dir:
            files.remove(file)
            add(Path(config.docs_dir, file.src_uri), file.dest_uri)
    for path in (path for pattern in BESIDE for path in sorted(ROOT.glob(pattern))):
        place = path.relative_to(ROOT)
        add(path, (place.with_suffix(".html") if path.suffix == ".md" else place).as_posix())
    return files


def on_page_markdown(markdown: str, page: Page, **_: object) -> str:
    """Add the help of every command to its page, links to docstrings to that on statistics."""
    match page.file.src_uri:
        case "docs/commands.md":
            return "\n".join([markdown, *_helps(cli, "auditkit")])
        case "docs/statistics.md":
            return re.sub(r"`stats\.(\w+\.\w+)`", r"[`\1`][auditkit.stats.\1]", markdown)
    return markdown


def _helps(command: click.Command, name: str, above: click.Context | None = None) -> Iterator[str]:
    """What `--help` prints of a command, and of those below it, in 80 columns."""
    given = {**command.context_settings, "terminal_width": 80}
    context = click.Context(command, above, name, **given)
    yield f"## {context.command_path}\n\n```text\n{context.get_help()}\n```\n"
    if isinstance(command, click.Group):
        for key, below in command.commands.items():
            yield from _helps(below, key, context)
