"""What other systems than Linux lack, taken away here: docs/platforms.md."""

import ast
import errno
import os
import signal
from pathlib import Path
from types import SimpleNamespace

import pytest

from kerasal import _files, _processes

ROOT = Path(__file__).parents[1]


def test_files_are_written_where_folders_cannot_be_opened_and_readers_not_flushed(tmp_path, monkeypatch):
    opened, descriptors = os.open, {}

    def open_as_windows(path, flags, *more):
        if Path(path).is_dir():
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        descriptors[number := opened(path, flags, *more)] = flags
        return number

    def flush_as_windows(descriptor):
        if not descriptors[descriptor] & (os.O_WRONLY | os.O_RDWR):
            raise OSError(errno.EBADF, "Bad file descriptor")

    monkeypatch.setattr(_files, "POSIX", False)
    monkeypatch.setattr(os, "open", open_as_windows)
    monkeypatch.setattr(os, "fsync", flush_as_windows)
    path = _files.write_atomically(tmp_path / "it.bin", lambda file: file.write_bytes(b"abc"), durable=True)
    assert path.read_bytes() == b"abc"
    assert descriptors


def test_where_a_process_cannot_be_asked_what_it_may_be_writing_stays(tmp_path, monkeypatch):
    (tmp_path / ".it.png.partial-1").write_bytes(b"")
    monkeypatch.setattr(_files, "POSIX", False)
    monkeypatch.setattr(os, "kill", lambda *_: pytest.fail("on Windows this ends the process"))
    _files.clear_partials(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [".it.png.partial-1"]


def test_processes_start_where_signals_have_no_masks(monkeypatch):
    def missing():
        raise ModuleNotFoundError("No module named '_posixsubprocess'")

    windows = SimpleNamespace(signal=signal.signal, SIGINT=signal.SIGINT)
    monkeypatch.setattr(_processes, "signal", windows)
    monkeypatch.setattr(_processes.resource_tracker, "ensure_running", missing)
    assert [result() for result in _processes.in_processes(abs, [-1, 2], 2)] == [1, 2]


def without_encoding(path: Path) -> list[int]:
    """The lines that open a text file, or read or write one, in whatever encoding the system has."""
    lines = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Call) or any(keyword.arg == "encoding" for keyword in node.keywords):
            continue
        modes = [arg.value for arg in [*node.args, *(word.value for word in node.keywords)] if is_text(arg)]
        if isinstance(node.func, ast.Name) and node.func.id == "open":
            wrong = not any("b" in mode for mode in modes if set(mode) <= set("rwxab+"))
        elif isinstance(node.func, ast.Attribute):  # pathlib's, with no other argument than the text
            name, count = node.func.attr, len(node.args)
            wrong = (name == "read_text" and count == 0) or (name == "write_text" and count == 1)
        else:
            wrong = False
        lines += [node.lineno] * wrong
    return lines


def is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def test_text_is_read_and_written_in_utf_8_whatever_the_system_prefers():
    for folder in ("kerasal", "weights", "cli"):
        for path in (ROOT / folder).rglob("*.py"):
            assert not without_encoding(path), path


def test_text_in_whatever_encoding_the_system_has_is_found(tmp_path):
    lines = ("open(p)", "open(p, 'rb')", "p.read_text()", "p.write_text(t)", "open(p, 'w', encoding='utf-8')")
    path = tmp_path / "program.py"
    path.write_text("\n".join(lines), encoding="utf-8")
    assert without_encoding(path) == [1, 3, 4]
