"""A user's mistake becomes one line and exit status 2; a bug keeps its traceback."""

import errno
import os
import re
import sys
import traceback

import click

from kerasal_cli import loading


class Terminated(KeyboardInterrupt):
    """SIGTERM, which schedulers send before they take a machine away, and `timeout` and `kill` do."""


class ErrorLines(click.Group):
    """A command group that prints the library's InputError and a full disk as one line."""

    def invoke(self, ctx: click.Context):
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt as stop:
            click.echo(f"\n{str(stop) or 'interrupted'}", err=True)
            sys.exit(143 if isinstance(stop, Terminated) else 130)
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except Exception as error:
            if line := _line(error):
                if loading.VERBOSE:
                    traceback.print_exc()
                click.echo(f"Error: {line}", err=True)
                sys.exit(2)
            raise


def _line(error: Exception) -> str | None:
    """What to tell the user, or None for a bug."""
    if loading.is_input_error(error):
        return str(error)
    if isinstance(error, PermissionError):
        return f"no permission to write or read {error.filename}"
    if isinstance(error, OSError) and error.errno == errno.ENAMETOOLONG:
        return f"a name is longer than the system allows: {os.path.basename(error.filename)[:60]}..."
    # A reader's error within tf.data comes wrapped, as text.
    if found := re.search(r"\bInputError: (.+)", str(error)):
        return found[1]
    files = sys.modules.get("kerasal._files")  # not loaded: nothing was written
    if files and (reason := files.refusal(error)):
        is_full = reason == os.strerror(errno.ENOSPC)
        reason = "no space left on the disk" if is_full else f"cannot write: {reason}"
        return f"{reason}: make room, or name another place for what is written"
    return None
