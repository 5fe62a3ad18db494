"""`auditkit probes`: which there are, what one asks, and one of your own."""

import json
from typing import TYPE_CHECKING

import click

from auditkit.cli.console import clean
from auditkit.cli.options import EXIT_CODES, ending
from auditkit.errors import ProbeError, SettingsError
from auditkit.text import one_of, said

if TYPE_CHECKING:
    from auditkit.plugin import Plugin

as_json_option = click.option("--json", "as_json", is_flag=True, help="As JSON.")


@click.group(
    invoke_without_command=True,
    epilog=ending(
        "probes",
        "probes --json",
        "probes show stopword",
        "probes new digits",
        codes=EXIT_CODES,
    ),
)
@as_json_option
@click.pass_context
def probes(context: click.Context, as_json: bool) -> int | None:
    """List the probes, show what one asks, or begin one of your own."""
    if context.invoked_subcommand is None:
        return _listed(as_json)
    if as_json:
        raise click.UsageError("--json is an option of `auditkit probes list`.", context)
    return None


@probes.command("list", epilog=ending("probes list", "probes list --json", codes=EXIT_CODES))
@as_json_option
def list_probes(as_json: bool) -> int:
    """List the installed probes; what cannot be loaded is told on stderr."""
    return _listed(as_json)


@probes.command(epilog=ending("probes show stopword", "probes show own/digits.py:Digits"))
@click.argument("name")
def show(name: str) -> int:
    """Show what a probe asks, what it needs, and its options.

    NAME is that of an installed probe, or a file with a class.
    """
    from auditkit.plugin import needs
    from auditkit.plugin.discovery import options_of
    from auditkit.plugin.probe import chapter_of

    plugin = _plugin(name)
    probe = plugin.load()
    needed = sorted(probe.needs)
    _told("probe", f"{plugin.name}, version {probe.version}")
    _told("asks", probe.question)
    _told("chapter", chapter_of(probe) or "after all others")
    _told("needs", "" if needed else "nothing")
    for need in needed:
        _told("", f"{need}: {needs()[need]}")
    options = options_of(probe)
    _told("options", "" if options else "none")
    for option in options:
        default = json.dumps(option.default, default=str, ensure_ascii=False)
        _told("", f"{option.name} = {default}  ({option.expected})")
    _told("from", plugin.distribution)
    if options:
        _told("set", f"auditkit run … --set {plugin.name}.{options[0].name}=VALUE")
    return 0


@probes.command(epilog=ending("probes new digits", "probes new digits --package"))
@click.argument("name")
@click.option("--package", is_flag=True, help="A package to install and pass on, with its tests.")
def new(name: str, package: bool) -> int:
    """Begin a probe of your own: NAME.py, which works, and its test.

    Nothing that is there is overwritten.
    """
    from auditkit.plugin.beginning import begin

    begun = begin(name, package=package)
    for path in begun.files:
        click.echo(str(path))
    click.echo(f"try it: {begun.test}")
    click.echo(f"use it: {begun.use}")
    return 0


def _told(what: str, words: str) -> None:
    click.echo(f"{what:<8}  {clean(words)}".rstrip())


def _plugin(name: str) -> "Plugin":
    from auditkit.plugin import discover
    from auditkit.plugin.own import in_a_file, read_probe

    if in_a_file(name):
        return read_probe(name)
    plugins = discover()
    if name not in plugins:
        raise SettingsError(f"no probe {name!r}; {one_of(plugins, name)}")
    return plugins[name]


def _listed(as_json: bool) -> int:
    from auditkit.plugin import discover, in_order

    plugins, loaded, broken = discover(), {}, []
    for name, plugin in plugins.items():
        try:
            loaded[name] = plugin.load()
        except ProbeError as error:
            broken.append(said(error))
    for complaint in broken:
        click.echo(f"auditkit: {clean(complaint)}", err=True)
    ordered, code = in_order(loaded), 3 if broken else 0
    if as_json:
        rows = [
            {
                "name": name,
                "version": probe.version,
                "question": probe.question,
                "needs": sorted(probe.needs),
                "distribution": plugins[name].distribution,
            }
            for name, probe in ordered.items()
        ]
        click.echo(json.dumps(rows, indent=1))
        return code
    width = max(map(len, ordered), default=0)
    for name, probe in ordered.items():
        distribution = plugins[name].distribution
        needs = f"  needs {', '.join(sorted(probe.needs))}" if probe.needs else ""
        origin = "" if distribution == "auditkit" else f"  from {distribution}"
        click.echo(f"{name:<{width}}  {clean(probe.question)}{needs}{origin}")
    return code
