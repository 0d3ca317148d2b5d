"""The quest for the loss: one network trained once for each loss, compared on anyone's data."""

from kerasal.quest.options import QuestOptions, options
from kerasal.quest.results import Results
from kerasal.quest.run import run
from kerasal.quest.specs import LISTS, parse_losses

__all__ = ["LISTS", "QuestOptions", "Results", "options", "parse_losses", "run"]
