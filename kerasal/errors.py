"""The one error class for mistakes that the user can mend."""


class InputError(ValueError):
    """A user's mistake: a wrong path, name, option or file.

    The message is one line that says what was expected and what came. The command line prints it
    and exits with status 2; any other exception is a bug and keeps its traceback.
    """
