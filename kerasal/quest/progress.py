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

    def __init__(self, work: float, report: Callable[[str], None]):
        self.work = work
        self.done = 0.0
        self.report = report
        self._start = self._shown = time.monotonic()

    def stage(self, what: str, work_of_step: float, steps: int) -> Callable[[], None]:
        """Begin a stage of so many steps; returns what to call after each of them."""
        self._show(f"{what} begins")
        taken = 0

        def step():
            nonlocal taken
            taken += 1
            self.done += work_of_step
            if time.monotonic() - self._shown >= LINE_SECONDS:
                self._show(f"{what}, step {taken} of {steps}")

        return step

    def job(self, what: str, work: float) -> None:
        """A job has ended that was computed elsewhere."""
        self.done += work
        self._show(what)

    def _show(self, line: str) -> None:
        """Say the line, and the time left as the steps so far let expect it."""
        self._shown = time.monotonic()
        if self.done:
            seconds = (self._shown - self._start) / self.done * max(0.0, self.work - self.done)
            line += f", about {duration(seconds)} left"
        self.report(line)
