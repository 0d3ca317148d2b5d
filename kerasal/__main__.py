"""`python -m kerasal`: the command line."""

from kerasal.cli import main

main(prog_name="kerasal")
