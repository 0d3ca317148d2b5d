"""The paper's Table 1 on anyone's data: all systems that can run, beside the paper's own figures."""

from kerasal.comparison.entries import Entry, entries
from kerasal.comparison.results import Results
from kerasal.comparison.run import run

__all__ = ["Entry", "Results", "entries", "run"]
