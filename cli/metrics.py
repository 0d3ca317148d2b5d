"""kerasal metrics"""

import click

from kerasal_cli.loading import load_light
from kerasal_cli.table import json_option, show_json, show_rows


@click.command()
@json_option
def metrics(as_json) -> None:
    """List the metrics: what each compares, which way is better, and its range.

    \b
    Example:
      kerasal metrics
    """
    load_light()
    from kerasal.metrics import METRICS

    rows = [
        {
            "key": info.key,
            "name": info.name,
            "compares with": info.target,
            "better": "higher" if info.higher_is_better else "lower",
            "from": info.range[0],
            "to": info.range[1],
            "unit": info.unit,
        }
        for info in METRICS.values()
    ]
    (show_json if as_json else show_rows)(rows)
