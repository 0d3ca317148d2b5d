"""The quest for the loss: one network trained once for each loss, compared on anyone's data."""

from kerasal.quest.options import QuestOptions, options
from kerasal.quest.results import Results
from kerasal.quest.run import run
from kerasal.quest.specs import LISTS, parse_losses
from kerasal.quest.tuning import Tuning, tuning

__all__ = ["LISTS", "QuestOptions", "Results", "Tuning", "options", "parse_losses", "run", "tuning"]
