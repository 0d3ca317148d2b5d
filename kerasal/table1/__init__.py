"""The paper's Table 1 on anyone's data: all systems that can run, beside the paper's own figures."""

from kerasal.table1.entries import Entry, entries
from kerasal.table1.results import Results
from kerasal.table1.run import run

__all__ = ["Entry", "Results", "entries", "run"]
