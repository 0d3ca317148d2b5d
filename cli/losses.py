"""kerasal losses"""

import click

from kerasal_cli.completion import complete_losses
from kerasal_cli.loading import load_library, load_tables
from kerasal_cli.table import json_option, show_json, show_rows

LEGEND = """\
eq.: equation or section of Bruckert et al. 2019, - for a loss that it does not
have. needs: ground truth, density map or fixations. in sum: coefficient of the
bare name in a sum, from the paper; alone it is 1. "kerasal losses SPEC"
explains a loss or a sum of them."""

NOTATION = """\
S is the density map, F the fixation map, P the predicted map, B the centre
bias; dist(X) is X divided by its sum; sums and means go over an image's pixels.
Every loss is minimised: CC, NSS and SIM have the opposite sign of the metrics."""


# Without the setting a spec that begins with a minus would be taken for an option.
@click.command(context_settings={"ignore_unknown_options": True})
@click.argument("spec", required=False, shell_complete=complete_losses)
@json_option
def losses(spec, as_json) -> None:
    """List the losses, or explain the one that SPEC names.

    A spec is a name or a sum of them. A number in brackets is the parameter of the table; quote it, since
    shells read brackets and stars themselves.

    \b
    Examples:
      kerasal losses
      kerasal losses "10*kld+cc+sig-mse(0.25)"
    """
    if spec is None:
        load_tables()
        _list(as_json)
    else:
        load_library()
        _explain(spec, as_json)


def _facts(name: str) -> dict:
    from kerasal.losses.table import LOSSES

    info = LOSSES[name]
    return {
        "spec": name,
        "class": info.class_name,
        "family": info.family,
        "equation": info.equation,
        "needs": info.ground_truth,
        "parameter": info.parameter,
        "default": info.default,
        "coefficient": info.coefficient,
        "formula": info.formula,
        "best": info.best,
    }


def _list(as_json: bool) -> None:
    """A table of all losses, for 80 columns and more."""
    from kerasal.losses.table import LOSSES

    if as_json:
        show_json([_facts(name) for name in LOSSES])
        return
    rows = [
        {
            "spec": name,
            "class": info.class_name,
            "family": info.family,
            "eq.": info.equation or "-",
            "needs": info.ground_truth,
            "parameter": f"{info.parameter} {info.default:g}" if info.parameter else "",
            "in sum": f"{info.coefficient:6g}",
        }
        for name, info in LOSSES.items()
    ]
    show_rows(rows, width=None)
    click.echo(f"\n{LEGEND}")


def _explain(spec: str, as_json: bool) -> None:
    from kerasal import losses
    from kerasal.losses.table import LOSSES

    canonical, loss = losses.canonical(spec), losses.get(spec)
    if as_json:
        terms = [
            {**_facts(name), "coefficient": coefficient, "argument": argument}
            for coefficient, name, argument in losses.expand(spec)
        ]
        needs = {"needs_fixations": loss.needs_fixations, "activation": losses.activation_for(loss)}
        show_json({"spec": canonical, "terms": terms, **needs})
        return
    click.echo(canonical)
    for coefficient, name, argument in losses.expand(spec):
        info = LOSSES[name]
        value = f"; {info.parameter} = {argument:g}" if info.parameter else ""
        needs = "no ground truth" if info.ground_truth == "none" else info.ground_truth
        best = "best value depends on the image" if info.best is None else f"best value {info.best:g}"
        source = f"eq. {info.equation}" if info.equation else "not in the paper"
        click.echo(f"\n{coefficient:g} * {name}  ({info.class_name}, {info.family}, {source})")
        click.echo(f"    {info.formula}{value}")
        click.echo(f"    needs {needs}, {best}")
    click.echo(f"\nNeeds fixations: {'yes' if loss.needs_fixations else 'no'}.")
    click.echo(f"Output activation in training: {losses.activation_for(loss)}.\n\n{NOTATION}")
