"""How far a quest is, and how long it still takes."""

import time
from collections.abc import Callable

from kerasal.training.progress import duration

LINE_SECONDS = 20.0  # between lines
PERCEPTUAL_WORK = 6.0  # a step of a perceptual loss, in steps of another: about, for the time left alone


class QuestProgress:
    """Counts the steps of all heads and says the time left.

    Args:
        work: of the whole quest, in steps of one head.
        report: takes a line.
    """

    def __init__(self, work: float, report: Callable[[str], None], clock=time.monotonic):
        self.work = work
        self.done = 0.0
        self.report = report
        self.clock = clock
        self._start = self._shown = clock()

    def stage(self, what: str, work_of_step: float, steps: int) -> Callable[[], None]:
        """Begin a stage of so many steps; returns what to call after each of them."""
        self._show(f"{what} begins")
        taken = 0

        def step():
            nonlocal taken
            taken += 1
            self.done += work_of_step
            if self.clock() - self._shown >= LINE_SECONDS:
                self._show(f"{what}, step {taken} of {steps}")

        return step

    def job(self, what: str, work: float) -> None:
        """A job has ended that was computed elsewhere."""
        self.done += work
        self._show(what)

    def left(self) -> str:
        """The time left, as the steps so far let expect; "" before the first."""
        if not self.done:
            return ""
        seconds = (self.clock() - self._start) / self.done * max(0.0, self.work - self.done)
        return f", about {duration(seconds)} left"

    def _show(self, line: str) -> None:
        self._shown = self.clock()
        self.report(f"{line}{self.left()}")
