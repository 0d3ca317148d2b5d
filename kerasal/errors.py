"""The one error class for mistakes that the user can mend, and what others' errors say in its lines."""

import contextlib
from collections.abc import Iterator


class InputError(ValueError):
    """A user's mistake: a wrong path, name, option or file.

    The message is one line that says what was expected and what came. The command line prints it
    and exits with status 2; any other exception is a bug and keeps its traceback.
    """


def one_line(error: Exception) -> str:
    """What an error of another library says, on one line; its class where it says nothing."""
    return " ".join(str(error).split())[:300] or type(error).__name__


@contextlib.contextmanager
def reading(beginning: str) -> Iterator[None]:
    """A block that reads what may be damaged, where another library raises whatever it comes to.

    InputError: one of the block's own, or one with that beginning and what the library says.
    """
    try:
        yield
    except InputError:
        raise
    except Exception as error:
        raise InputError(f"{beginning}: {one_line(error)}") from None
