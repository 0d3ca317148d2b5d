"""What the reports of quests and comparisons share: a folder to go on with, the page's style, pictures."""

from kerasal.reports.agreement import agreement_table, rank_correlations
from kerasal.reports.axes import axis_range, ticks
from kerasal.reports.distances import critical_difference_figure
from kerasal.reports.folder import ResultsFolder
from kerasal.reports.page import details, html_table, panel, sorting, style, with_contents
from kerasal.reports.pictures import heat, photo

__all__ = [
    "ResultsFolder",
    "agreement_table",
    "axis_range",
    "critical_difference_figure",
    "details",
    "heat",
    "html_table",
    "panel",
    "photo",
    "rank_correlations",
    "sorting",
    "style",
    "ticks",
    "with_contents",
]
