"""kerasal's command line within the process of a test."""

from click.testing import CliRunner, Result

from kerasal_cli import main


def invoke(*arguments) -> Result:
    """What a command of these arguments, paths among them, writes and ends with; a fault in it is raised."""
    return CliRunner().invoke(main, [str(argument) for argument in arguments], catch_exceptions=False)
