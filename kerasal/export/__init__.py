"""From a trained network to a file that other programs run, pre- and post-processing inside.

A new format is a file with a function that writes it, and its row in `kerasal.export.table`.
"""

from kerasal.export.formats import FORMATS, Exported, export

__all__ = ["FORMATS", "Exported", "export"]
