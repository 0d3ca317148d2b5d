"""`python -m kerasal`: the command line."""

from kerasal_cli import run

run()
