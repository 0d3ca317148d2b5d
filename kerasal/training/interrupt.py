"""Ctrl-C: the first one lets the step end and its result be saved, the second one stops at once."""

import os
import signal
import threading

STOPS = (signal.SIGINT, signal.SIGTERM)  # schedulers of clusters send SIGTERM before they take a machine away


class Interrupted(KeyboardInterrupt):
    """Training stopped because the user asked; the message says where, and how to go on."""


class StopRequest:
    """A context in which a Ctrl-C only sets `pending`; the next one has the system's own effect.

    The handlers from before are put back at the end. Outside of the main thread it does nothing.
    """

    def __init__(self):
        self.pending = False
        self._before = {}

    def __enter__(self):
        if threading.current_thread() is threading.main_thread():
            self._before = {number: signal.signal(number, self._note) for number in STOPS}
        return self

    def __exit__(self, *_):
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _note(self, *_):
        self.pending = True
        for number in STOPS:
            signal.signal(number, signal.SIG_DFL)
        # Not print: the signal may have come in the middle of one.
        os.write(2, b"\nstopping after this step and saving; once more stops at once\n")
