"""MATLAB files that are whole, damaged, or make the process that reads them crash."""

import os
import subprocess
import sys
import textwrap

import numpy as np
import pytest
import scipy.io
import scipy.sparse

from kerasal.data import folder, mat
from kerasal.data.mat import mat_variables, read_mat
from kerasal.errors import InputError

BY_NAME = """
import sys; sys.path[:] = sys.argv[1:]
import os, scipy.io
from kerasal.data import mat
loadmat = scipy.io.loadmat
def by_name(path, **options):
    if path.endswith("crash.mat"):
        os.abort()
    return loadmat(path, **options)
scipy.io.loadmat = by_name
mat.IDLE = IDLE
mat.serve()
"""


@pytest.fixture
def reader(monkeypatch):
    """A reader of its own."""
    monkeypatch.setattr(mat, "_reader", mat._Reader())
    yield mat._reader
    mat._reader.close()


@pytest.fixture
def files(tmp_path):
    """Files whose names say what happens to the process, and what they hold."""
    values = {name: np.random.default_rng(len(name)).random((7, 2)) for name in ("first", "crash", "last")}
    for name, xy in values.items():
        scipy.io.savemat(tmp_path / f"{name}.mat", {"xy": xy})
    return values


def test_cells_structures_and_text_come_as_scipy_reads_them(tmp_path):
    cell = np.empty((1, 2), object)
    cell[0, :] = [np.arange(6.0).reshape(2, 3), "word"]
    contents = {
        "c": cell,
        "s": {"x": np.uint8([[1, 2]]), "deep": {"y": 1 + 2j}},
        "t": "text",
        "b": np.eye(2) > 0,
    }
    scipy.io.savemat(tmp_path / "a.mat", contents, do_compression=True)
    found = mat_variables(tmp_path / "a.mat")
    assert set(found) == set(contents)
    np.testing.assert_array_equal(found["c"][0, 0], [[0, 1, 2], [3, 4, 5]])
    assert found["c"][0, 1].tolist() == ["word"]
    assert found["s"]["x"][0, 0].dtype == np.uint8
    assert found["s"]["deep"][0, 0]["y"][0, 0].tolist() == [[1 + 2j]]
    assert found["t"].tolist() == ["text"]
    np.testing.assert_array_equal(found["b"], [[1, 0], [0, 1]])


def test_a_file_that_crashes_the_reader_is_named_and_the_next_one_is_read(
    tmp_path, files, reader, monkeypatch
):
    monkeypatch.setattr(mat, "PROGRAM", BY_NAME.replace("= IDLE", "= 60"))
    np.testing.assert_array_equal(mat_variables(tmp_path / "first.mat")["xy"], files["first"])
    with pytest.raises(InputError, match=r"cannot read .*crash\.mat: SciPy's reader crashes"):
        mat_variables(tmp_path / "crash.mat")
    np.testing.assert_array_equal(mat_variables(tmp_path / "last.mat")["xy"], files["last"])


def test_one_process_reads_all_files_and_ends_when_it_is_not_asked(tmp_path, files, reader, monkeypatch):
    monkeypatch.setattr(mat, "PROGRAM", BY_NAME.replace("= IDLE", "= 0.3"))
    mat_variables(tmp_path / "first.mat")
    process = reader.process
    mat_variables(tmp_path / "last.mat")
    assert reader.process is process
    assert process.wait(timeout=20) == 0
    np.testing.assert_array_equal(mat_variables(tmp_path / "first.mat")["xy"], files["first"])
    assert reader.process is not process


def test_a_process_that_was_killed_between_two_files_is_started_anew(tmp_path, files, reader):
    mat_variables(tmp_path / "first.mat")
    reader.process.kill()
    np.testing.assert_array_equal(mat_variables(tmp_path / "last.mat")["xy"], files["last"])


def test_a_process_of_another_one_is_left_alone(tmp_path, files, reader):
    mat_variables(tmp_path / "first.mat")
    others, reader.owner = reader.process, os.getppid()  # as after a fork
    np.testing.assert_array_equal(mat_variables(tmp_path / "last.mat")["xy"], files["last"])
    assert others.poll() is None
    others.kill()
    others.communicate()


def test_a_plain_script_reads_without_the_guard_that_multiprocessing_needs(tmp_path, files):
    (tmp_path / "script.py").write_text(
        textwrap.dedent("""
        from pathlib import Path
        from kerasal.data.mat import mat_variables
        print(mat_variables(Path("first.mat"))["xy"].sum())
        """)
    )
    done = subprocess.run(
        [sys.executable, "script.py"],
        cwd=tmp_path,
        env={**os.environ, "KERASAL_WITHOUT_KERAS": "1"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert float(done.stdout) == pytest.approx(files["first"].sum(), rel=1e-12)
    assert done.stderr == ""


def test_a_missing_file_and_a_folder_of_that_name_are_named(tmp_path):
    (tmp_path / "folder.mat").mkdir()
    scipy.io.savemat(tmp_path / "a.mat", {"x": 1})
    for name in ("nowhere.mat", "folder.mat", "a"):  # SciPy would add .mat
        with pytest.raises(InputError, match=rf"{name} is missing"):
            read_mat(tmp_path / name)


def test_sparse_and_newer_files_say_what_to_do(photo_folder):
    path = photo_folder / "fixations/p0.mat"
    (photo_folder / "fixations/p0.csv").unlink()
    scipy.io.savemat(path, {"xy": scipy.sparse.csc_matrix(np.eye(60, 90))})
    for read in (lambda: folder.load(photo_folder), lambda: read_mat(path), lambda: read_mat(path, "xy")):
        with pytest.raises(InputError, match=r"p0\.mat: xy is a sparse matrix: save full\(xy\)"):
            read()
    path.write_bytes(b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(124) + b"\x00\x02IM" + b"\0" * 512)
    with pytest.raises(InputError, match=r"p0\.mat is a MATLAB 7\.3 file: save it in MATLAB with -v7"):
        folder.load(photo_folder)
