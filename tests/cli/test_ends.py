"""How commands end: by SIGTERM, in a pipe whose reader has gone, and what their processes do then."""

import json
import os
import signal
import subprocess
import sys
import time
import zlib
from pathlib import Path

import pytest

WITHOUT_KERAS = {**os.environ, "KERASAL_WITHOUT_KERAS": "1"}
# A command that fills a folder for as long as it is let.
FILLING = """
import pathlib, sys, time, click
from kerasal_cli import main, run
@main.command()
@click.argument("folder", type=click.Path(path_type=pathlib.Path))
def fill(folder):
    from kerasal._files import new_folder
    with new_folder(folder) as partial:
        (partial / "half").write_text("half")
        print("filling", flush=True)
        time.sleep(600)
run()
"""
# `kerasal data list` without TensorFlow, of which it uses nothing.
LISTING = """
import kerasal_cli.data, kerasal_cli
kerasal_cli.data.load_library = lambda: None
kerasal_cli.run()
"""
WORKING = """
import os, time
from kerasal._processes import in_processes
def items():
    yield from (1, 2)
    yield from (3, 4, 5)
    print("working", flush=True)
    time.sleep(600)
for result in in_processes(abs, items(), 2):
    result()
"""


def started(program, *arguments, **options):
    return subprocess.Popen(
        [sys.executable, "-c", program, *map(str, arguments)],
        env=WITHOUT_KERAS,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        **options,
    )


@pytest.mark.parametrize(
    ("number", "status", "line"),
    [(signal.SIGTERM, 143, b"\nterminated\n"), (signal.SIGINT, 130, b"\ninterrupted\n")],
)
def test_a_signal_ends_a_command_with_one_line_and_nothing_half_written(tmp_path, number, status, line):
    command = started(FILLING, "fill", tmp_path / "folder")
    assert command.stdout.readline() == b"filling\n"
    command.send_signal(number)
    _, errors = command.communicate(timeout=300)
    assert (command.returncode, errors) == (status, line)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("lines", [0, 1])
def test_a_list_in_a_pipe_whose_reader_has_gone_ends_without_a_word(lines):
    command = started(LISTING, "data", "list")
    for _ in range(lines):
        assert b"licence" in command.stdout.readline()
    command.stdout.close()
    assert command.stderr.read() == b""
    assert command.wait(timeout=300) in (0, 1)


def test_processes_end_with_the_one_that_started_them_though_that_is_killed():
    parent = started(WORKING, start_new_session=True)
    assert parent.stdout.readline() == b"working\n"
    parent.kill()
    parent.wait()
    end = time.monotonic() + 120
    try:
        while time.monotonic() < end:
            os.killpg(parent.pid, 0)  # asks whether any of them is left, and sends nothing
            time.sleep(0.1)
    except ProcessLookupError:
        return
    os.killpg(parent.pid, signal.SIGKILL)
    pytest.fail("processes were left")


@pytest.mark.slow
@pytest.mark.parametrize("number", ["KILL", "TERM"])
@pytest.mark.parametrize("work", ["prepare", "predict", "export"])
def test_a_command_ended_at_twenty_random_moments_ends_with_the_files_of_an_unbroken_one(
    work, number, tmp_path
):
    program = Path(__file__).with_name("killed_commands.py")
    result = subprocess.run(
        [sys.executable, program, work, tmp_path, "20", "0", number],
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    seen = json.loads(result.stdout)
    assert len(seen) == 20
    unbroken = files(tmp_path / "unbroken")
    all_broken = list(tmp_path.glob("broken-*"))
    assert all_broken
    for broken in all_broken:
        found = files(broken)
        assert found.keys() == unbroken.keys()
        if work != "export":  # whose archives hold the time; each was compared with its network
            assert found == unbroken
    for sums in seen:
        partial = {name for name in sums if ".partial" in name}
        assert number == "KILL" or not partial
        for name in sums.keys() - partial:
            assert work == "export" or sums[name] == zlib.crc32(unbroken[name]), name
            assert name in unbroken


def files(folder):
    """The content of each file of a folder."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
