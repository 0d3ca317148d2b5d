"""kerasal models"""

import click

from kerasal_cli.loading import load_library


@click.command()
@click.argument("name", required=False)
def models(name) -> None:
    """List the saliency models: networks and classical ones. With NAME, tell all about that one.

    \b
    Examples:
      kerasal models
      kerasal models gbvs
    """
    load_library()
    from kerasal.errors import InputError
    from kerasal.listing import all_models, details, ready, ready_text, text_table

    entries = all_models()
    if name is None:
        click.echo(text_table(entries.values()))
        click.echo(ready_text(), nl=False)
    elif name in entries:
        click.echo(details(entries[name]))
    elif name in (trained := ready()):
        click.echo(trained[name])
    else:
        raise InputError(f"unknown model {name!r}: one of {', '.join([*entries, *trained])}")
