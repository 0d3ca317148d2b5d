"""kerasal models"""

import click

from kerasal_cli.completion import complete_models
from kerasal_cli.loading import load_tables
from kerasal_cli.table import json_option, show_json


@click.command()
@click.argument("name", required=False, shell_complete=complete_models)
@json_option
def models(name, as_json) -> None:
    """List the saliency models: networks and classical ones. With NAME, tell all about that one.

    \b
    Examples:
      kerasal models
      kerasal models gbvs
    """
    load_tables()
    from kerasal.errors import InputError
    from kerasal.model_list import all_models, details, facts, ready, text_table

    known, trained = all_models(), ready()
    if name is None and as_json:
        show_json({"models": [facts(model) for model in known.values()], "trained": trained})
    elif name is None:
        click.echo(text_table(known.values()))
        click.echo("\nTrained, by name:")
        width = max(map(len, trained))
        click.echo("\n".join(f"{model:<{width}}  {about}" for model, about in trained.items()))
    elif name in known:
        rows = details(known[name])
        if as_json:
            show_json(rows)
        else:
            click.echo("\n".join(f"{label:<12}{fact}" for label, fact in rows.items()))
    elif name in trained:
        if as_json:
            show_json({"name": name, "about": trained[name]})
        else:
            click.echo(trained[name])
    else:
        raise InputError(f"unknown model {name!r}: one of {', '.join([*known, *trained])}")
