"""Work in a forked process that is killed at a moment of the test's choice.

The process that forks must have computed nothing with TensorFlow, and so started no threads.
"""

import os
import signal
import time
import traceback
from collections.abc import Callable


def fork(work: Callable[[], None]) -> int:
    """The process id of a child that does the work and ends; with status 1 where it fails."""
    if child := os.fork():
        return child
    status = 1
    try:
        work()
        status = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(status)


def killed_at(child: int, moment: Callable[[], bool], number: int = signal.SIGKILL) -> bool:
    """Kill the child when the moment comes, by that signal; False where it ended by itself before.

    RuntimeError: it failed.
    """
    while not moment():
        found, status = os.waitpid(child, os.WNOHANG)
        if found:
            if status:
                raise RuntimeError(f"a child failed with status {status}")
            return False
        time.sleep(0.002)
    os.kill(child, number)
    os.waitpid(child, 0)
    return True


def never() -> bool:
    """A moment that does not come."""
    return False


def after(seconds: float) -> Callable[[], bool]:
    """The moment so many seconds from now."""
    end = time.monotonic() + seconds
    return lambda: time.monotonic() > end
