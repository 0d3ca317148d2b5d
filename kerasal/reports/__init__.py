"""What the reports of quests and of Table 1 share: a folder to go on with, results, style, pictures."""

from kerasal.reports.axes import axis_range, ticks
from kerasal.reports.critical_difference import critical_difference_figure
from kerasal.reports.data_uris import heat, photo, resized
from kerasal.reports.folder import ResultsFolder
from kerasal.reports.page import details, html_page, html_table, maps_of
from kerasal.reports.rank_correlation import agreement_table, agreements, rank_correlations
from kerasal.reports.results import ReportedResults

__all__ = [
    "ReportedResults",
    "ResultsFolder",
    "agreement_table",
    "agreements",
    "axis_range",
    "critical_difference_figure",
    "details",
    "heat",
    "html_page",
    "html_table",
    "maps_of",
    "photo",
    "rank_correlations",
    "resized",
    "ticks",
]
