"""`auditkit probes`."""

import json

import click

from auditkit.cli.console import clean
from auditkit.cli.options import EXIT_CODES, ending
from auditkit.errors import ProbeError
from auditkit.text import said


@click.command(epilog=ending("probes", "probes --json", codes=EXIT_CODES))
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def probes(as_json: bool) -> int:
    """List the installed probes; what cannot be loaded is told on stderr."""
    from auditkit.plugin import discover, in_order

    plugins, loaded, broken = discover(), [], []
    for plugin in plugins.values():
        try:
            loaded.append(plugin.load())
        except ProbeError as error:
            broken.append(said(error))
    for complaint in broken:
        click.echo(f"auditkit: {clean(complaint)}", err=True)
    ordered, code = in_order(loaded), 3 if broken else 0
    if as_json:
        rows = [
            {
                "name": probe.name,
                "version": probe.version,
                "question": probe.question,
                "needs": sorted(probe.needs),
                "distribution": plugins[probe.name].distribution,
            }
            for probe in ordered
        ]
        click.echo(json.dumps(rows, indent=1))
        return code
    width = max((len(probe.name) for probe in ordered), default=0)
    for probe in ordered:
        distribution = plugins[probe.name].distribution
        needs = f"  needs {', '.join(sorted(probe.needs))}" if probe.needs else ""
        origin = "" if distribution == "auditkit" else f"  from {distribution}"
        click.echo(f"{probe.name:<{width}}  {probe.question}{needs}{origin}")
    return code
