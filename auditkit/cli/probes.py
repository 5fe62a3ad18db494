"""`auditkit probes`."""

import json

import click


@click.command()
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def probes(as_json: bool) -> None:
    """List the installed probes."""
    from auditkit.plugin import discover, in_order

    plugins = discover()
    ordered = in_order(plugin.load() for plugin in plugins.values())
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
        return
    width = max(map(len, plugins))
    for probe in ordered:
        distribution = plugins[probe.name].distribution
        needs = f"  needs {', '.join(sorted(probe.needs))}" if probe.needs else ""
        origin = "" if distribution == "auditkit" else f"  from {distribution}"
        click.echo(f"{probe.name:<{width}}  {probe.question}{needs}{origin}")
