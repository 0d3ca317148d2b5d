"""Commands of a user who may write almost nowhere, with 64 open files, with 2 GB of data in memory."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import cv2
import pytest
from conftest import write_photo

# Of another user all files may be read, as those of Python and kerasal must be, and his own alone written.
NOBODY = "65534"
AS_NOBODY = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
AS_NOBODY += ["--inh-caps=-all,+dac_read_search", "--ambient-caps=+dac_read_search"]
AS_NOBODY += ["--bounding-set=-all,+dac_read_search"]


@pytest.fixture(scope="module")
def ended():
    """How the cases of restricted.py ended, by their names."""
    # Not below pytest's folder, which is closed to others: access(2) asks without the capabilities above.
    root = Path(tempfile.mkdtemp(prefix="kerasal-user-"))
    pixels = write_photo(root / "photo.png", (64, 96))
    film = cv2.VideoWriter(str(root / "film.avi"), cv2.VideoWriter.fourcc(*"MJPG"), 20, (96, 64))
    for _ in range(4):
        film.write(pixels)
    film.release()
    (root / "others").mkdir()
    if os.geteuid() == 0:
        if shutil.which("setpriv") is None:
            pytest.skip("needs setpriv to be another user than root")
        for path in (root, root / "photo.png", root / "film.avi"):
            os.chown(path, int(NOBODY), int(NOBODY))
    (root / "others").chmod(0o555)
    environment = {**os.environ, "HOME": "/nonexistent", "KERASAL_CACHE": str(root / "cache")}
    result = subprocess.run(
        [
            *(AS_NOBODY if os.geteuid() == 0 else []),
            *(sys.executable, str(Path(__file__).with_name("restricted.py")), str(root)),
        ],
        capture_output=True,
        text=True,
        check=False,
        env=environment,
    )
    assert result.returncode == 0, result.stderr
    yield root, json.loads(result.stdout)
    shutil.rmtree(root)


@pytest.mark.slow
def test_what_may_not_be_written_is_one_line_that_names_it_and_leaves_nothing(ended):
    root, cases = ended
    refused = {name: case for name, case in cases.items() if "elsewhere" in name or "others" in name}
    refused["train-without-home"] = cases["train-without-home"]
    assert len(refused) == 10
    for name, case in refused.items():
        errors = [line for line in case["said"].splitlines() if line.startswith("Error: ")]
        assert case["status"] == 2, (name, case)
        assert len(errors) == 1, (name, case)
        assert "cannot" in errors[0], (name, case)
        assert "permission" in errors[0].lower(), (name, case)
        assert "Traceback" not in case["said"], (name, case)
    assert not list((root / "others").iterdir())
    assert not list(root.rglob("*.partial*"))


@pytest.mark.slow
@pytest.mark.parametrize("command", ["train", "evaluate", "predict", "serve"])
@pytest.mark.parametrize("limit", ["64-files", "2-gb"])
def test_64_open_files_and_2_gb_are_enough(ended, command, limit):
    case = ended[1][f"{command}-{limit}"]
    assert case["status"] == 0, case
    assert "Traceback" not in case["said"]
    assert "Error" not in case["said"]
    assert case["answers"] == [200] * (8 if command == "serve" else 0)
