"""The one error class for mistakes that the user can mend, and what others' errors say in its lines."""


class InputError(ValueError):
    """A user's mistake: a wrong path, name, option or file.

    The message is one line that says what was expected and what came. The command line prints it
    and exits with status 2; any other exception is a bug and keeps its traceback.
    """


def one_line(error: Exception, longest: int = 300) -> str:
    """What an error of another library says, on one line; its class where it says nothing."""
    return " ".join(str(error).split())[:longest] or type(error).__name__
