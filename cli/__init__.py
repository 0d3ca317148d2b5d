"""The command line of kerasal: parse, call the library, print.

Installed as kerasal_cli, beside the package kerasal: importing anything inside kerasal loads Keras, which
takes seconds, and `kerasal --help` should not. For the same reason the command files import Python's own
modules, click and each other at the top, and the library inside the commands; tables that import nothing are
read without it (`read_table`).
"""

import atexit
import os
import signal
import sys
import traceback

import click

from kerasal_cli.compare import compare
from kerasal_cli.data import data
from kerasal_cli.errors import ErrorLines, Terminated
from kerasal_cli.evaluate import evaluate
from kerasal_cli.export import export
from kerasal_cli.loading import verbosity_options
from kerasal_cli.losses import losses
from kerasal_cli.metrics import metrics
from kerasal_cli.models import models
from kerasal_cli.predict import predict
from kerasal_cli.quest import quest
from kerasal_cli.serve import serve
from kerasal_cli.train import train
from kerasal_cli.weights import weights


@click.group(
    cls=ErrorLines,
    context_settings={
        "help_option_names": ["-h", "--help"],
        "max_content_width": 100,
        "show_default": True,
    },
)
@click.version_option(package_name="kerasal")
def main() -> None:
    """Predict where people look: train, evaluate, use and export saliency networks.

    \b
    Example, which needs no dataset:
      kerasal train --loss kld+cc+nss
    """


for command in (
    *(train, evaluate, compare, quest, predict, export, serve),
    *(data, losses, metrics, models, weights),
):
    main.add_command(command)
    for each in command.commands.values() if isinstance(command, click.Group) else [command]:
        each.params += verbosity_options()


def run() -> None:
    """The command `kerasal`: `main`, in a process that does end.

    After an error or a Ctrl-C iterators of tf.data are left over, whose threads may be calling Python.
    Python's end lets no thread but its own run, and TensorFlow waits for them in vain.
    """
    code: int | str | None = 1
    end_in_order()
    try:
        main()
    except SystemExit as end:
        code = end.code
    except BaseException:
        traceback.print_exc()
    if not code:
        sys.exit()
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code if isinstance(code, int) else 1)


def end_in_order() -> None:
    """Have SIGTERM end this process as Ctrl-C does, so that nothing half-written stays, be it gigabytes."""
    signal.signal(signal.SIGTERM, _terminate)


def _terminate(*_) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # the next one ends it at once
    raise Terminated("terminated")
