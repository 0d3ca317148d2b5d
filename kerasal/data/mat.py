"""MATLAB files, read in a process apart: SciPy's reader crashes on some damaged ones, its process with it.

One process reads file after file. It ends of itself when it was not asked for a while; then another is
started.
"""

import atexit
import os
import pickle
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np

from kerasal.errors import InputError, one_line

IDLE = 20  # seconds after which a process that is not asked ends
PROGRAM = "import sys; sys.path[:] = sys.argv[1:]; from kerasal.data.mat import serve; serve()"


def mat_variables(path: Path) -> dict[str, Any]:
    """The variables of a MATLAB file (v4 to v7), by their names.

    InputError: no such file, damaged, or of version 7.3, which is HDF5.
    """
    if not path.is_file():
        raise InputError(f"{path} is missing")
    answer = _reader.read(path)
    if isinstance(answer, str):
        raise InputError(answer)
    return answer


def not_sparse(path: Path, name: str, value: Any) -> Any:
    """A variable of `path` that is to be an array. InputError: it is a sparse matrix."""
    if hasattr(value, "toarray"):  # as SciPy's sparse matrices alone have
        raise InputError(f"{path}: {name} is a sparse matrix: save full({name}) in MATLAB")
    return value


def read_mat(path: Path, variable: str | None = None) -> np.ndarray:
    """A variable of a MATLAB file (v4 to v7); without a name, the only one there is.

    InputError: no such file or variable, damaged, sparse, or of version 7.3, which is HDF5.
    """
    variables = mat_variables(path)
    if variable is None and len(variables) == 1:
        (variable,) = variables
    if variable not in variables:
        wanted = f"a variable {variable}" if variable else "one variable"
        raise InputError(f"{path} must hold {wanted}; found {', '.join(variables) or 'nothing'}")
    return not_sparse(path, variable, variables[variable])


class _Reader:
    """The process that reads, as this one sees it."""

    def __init__(self):
        self.process: subprocess.Popen | None = None
        self.owner = 0  # the process that started it
        self.lock = threading.Lock()

    def read(self, path: Path) -> dict[str, Any] | str:
        """The variables, or what is wrong with the file."""
        with self.lock:
            # Twice: the process may have ended of itself, or a file before may have damaged its memory.
            for _ in range(2):
                self._start()
                try:
                    pickle.dump(str(path), self.process.stdin)
                    self.process.stdin.flush()
                    return pickle.load(self.process.stdout)
                except KeyboardInterrupt:
                    self.close()  # its answer would be taken for the next file's
                    raise
                except Exception:  # nothing, or nonsense, came from a process that has ended
                    self.close()
        return f"cannot read {path}: SciPy's reader crashes on it, so it is damaged"

    def _start(self) -> None:
        """Have a process that waits for a path; one that came here by a fork belongs to the other process."""
        if self.process and self.owner == os.getpid() and self.process.poll() is None:
            return
        from kerasal._processes import ENVIRONMENT  # here: as little as can be for `kerasal data list`

        self.close()
        self.owner = os.getpid()
        self.process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, *sys.path],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # a crash has its own lines
            env={**os.environ, **ENVIRONMENT},
        )

    def close(self) -> None:
        """End the process."""
        process, self.process = self.process, None
        if process and self.owner == os.getpid():
            process.kill()
            process.communicate()


_reader = _Reader()
atexit.register(_reader.close)


def serve() -> None:
    """What the process does: for each path on stdin, write to stdout what `_Reader.read` returns."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that asks
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what else is printed must not come between
    while True:
        idle = threading.Timer(IDLE, os._exit, [0])
        idle.daemon = True
        idle.start()
        try:
            path = pickle.load(sys.stdin.buffer)
        except EOFError:  # the process that asks has ended
            return
        idle.cancel()
        answers.write(_answer(path))
        answers.flush()


def _answer(path: str) -> bytes:
    import scipy.io

    try:
        contents = scipy.io.loadmat(path, appendmat=False)
        return pickle.dumps({name: value for name, value in contents.items() if not name.startswith("__")})
    except NotImplementedError:
        return pickle.dumps(f"{path} is a MATLAB 7.3 file: save it in MATLAB with -v7")
    except Exception as error:  # SciPy raises a dozen types on a damaged file
        return pickle.dumps(f"cannot read {path}: {one_line(error)}")
