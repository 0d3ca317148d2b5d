"""Runs commands as a user who may do little, and prints how each ended.

python restricted.py FOLDER [CASE ...]

FOLDER is the user's; FOLDER/others is not, and may not be written to. TensorFlow is imported once; each
command is a fork of this process, which has computed nothing and so started no threads. Prints a JSON object:
of each case its status, what it said on stderr, and a server's answers.
"""

import contextlib
import json
import os
import re
import resource
import signal
import sys
import time
import urllib.request
from pathlib import Path

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
sys.path.insert(0, str(Path(__file__).parents[1]))

from conftest import add_tiny_network
from killing import fork

from kerasal_cli import main as kerasal
from kerasal_cli.loading import load_library

TINY = ["--model", "tiny", "--input-size", "32x48", "--epochs", "1", "--limit", "6"]
FILES = {resource.RLIMIT_NOFILE: 64}
MEMORY = {resource.RLIMIT_DATA: 2_000_000_000}  # bytes; TensorFlow's address space is far larger

# Case -> (the command, its limits, where it runs). The first ones make what the others take.
CASES = {
    "train": (["train", *TINY, "--run", "run"], {}, "."),
    "prepare": (["data", "prepare", "synthetic", "-o", "prepared", "--size", "32x48"], {}, "."),
    "train-elsewhere": (["train", *TINY], {}, "others"),
    "train-into-others": (["train", *TINY, "--run", "others/run"], {}, "."),
    "train-without-home": (["train", *TINY, "--run", "homeless"], {"HOME": None}, "."),
    "train-others-cache": (["train", *TINY, "--run", "uncached", "--cache-dir", "others/cache"], {}, "."),
    "evaluate-others": (["evaluate", "run", "-o", "others/scores"], {}, "."),
    "predict-elsewhere": (["predict", "../photo.png", "--model", "../run"], {}, "others"),
    "predict-video-over-others": (["predict", "film.avi", "--model", "run", "-o", "others"], {}, "."),
    "prepare-into-others": (["data", "prepare", "synthetic", "-o", "others/prepared"], {}, "."),
    "export-into-others": (["export", "run", "-o", "others/model"], {}, "."),
    "quest-into-others": (["quest", "--losses", "mse", *TINY, "-o", "others/quest"], {}, "."),
    "train-64-files": (["train", "--data", "prepared", *TINY, "--run", "run-64"], FILES, "."),
    "evaluate-64-files": (["evaluate", "run", "-o", "scores-64"], FILES, "."),
    "predict-64-files": (["predict", "photo.png", "film.avi", "--model", "run", "-o", "maps-64"], FILES, "."),
    "train-2-gb": (["train", "--data", "prepared", *TINY, "--run", "run-2"], MEMORY, "."),
    "evaluate-2-gb": (["evaluate", "run", "-o", "scores-2"], MEMORY, "."),
    "predict-2-gb": (["predict", "photo.png", "--model", "run", "-o", "maps-2"], MEMORY, "."),
    "serve-64-files": (["serve", "run", "--port", "0"], FILES, "."),
    "serve-2-gb": (["serve", "run", "--port", "0"], MEMORY, "."),
}


def run(root: Path, name: str) -> dict[str, object]:
    """A case in a child: its status and its stderr."""
    arguments, limits, place = CASES[name]

    def work() -> None:
        with open(root / f"{name}.txt", "w") as said, open(root / f"{name}.out", "w") as out:
            os.dup2(said.fileno(), 2)
            os.dup2(out.fileno(), 1)
        os.chdir(root / place)
        for what, limit in limits.items():
            if what == "HOME":
                os.environ.pop("HOME", None)
                os.environ.pop("KERASAL_CACHE", None)
            else:
                resource.setrlimit(what, (limit, limit))
        with contextlib.suppress(SystemExit):
            kerasal(arguments, standalone_mode=False)
            return
        os._exit(2)

    child = fork(work)
    answers = []
    if arguments[0] == "serve":
        answers = asked(root / f"{name}.out", root / "photo.png", 8)
        os.kill(child, signal.SIGINT)
    _, status = os.waitpid(child, 0)
    said = (root / f"{name}.txt").read_text()
    return {"status": os.waitstatus_to_exitcode(status), "said": said, "answers": answers}


def asked(said: Path, photo: Path, times: int) -> list[int]:
    """The statuses of a server's answers to a photograph, once it has said where it is."""
    end = time.monotonic() + 300
    while not (found := said.exists() and re.search(r"http://\S+/", said.read_text())):
        if time.monotonic() > end:
            return []
        time.sleep(0.1)
    request = urllib.request.Request(f"{found[0]}predict", photo.read_bytes())
    statuses = []
    for _ in range(times):
        with urllib.request.urlopen(request) as answer:
            statuses.append(answer.status)
    return statuses


def main() -> None:
    root = Path(sys.argv[1]).absolute()
    load_library()
    add_tiny_network()
    print(json.dumps({name: run(root, name) for name in sys.argv[2:] or CASES}))


if __name__ == "__main__":
    main()
