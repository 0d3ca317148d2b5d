"""No sample gets another's file: folders of any shape, as cameras, datasets and file systems make them."""

import errno
import os
import sys
import tempfile
import unicodedata
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kerasal.data import Dataset, Sample
from kerasal.data.mixture import mix
from kerasal.data.names import match, named_files
from kerasal.errors import InputError
from kerasal.evaluation import MapFolder

SIZE = (2, 3)


def tree(folder, *names):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    return named_files(folder, (".png", ".npy"), "maps")[0]


def matched(folder, names, *files, of=None):
    found, others = match(names, tree(folder, *files), of)
    return {name: path.relative_to(folder).as_posix() for name, path in found.items()}, sorted(others)


def test_a_file_belongs_to_the_sample_of_its_whole_name(tmp_path):
    names = ["Action/001", "Art/001", "Art/002", "003"]
    found, others = matched(tmp_path, names, "Action/001.png", "Art/001.png", "Art/4.png", "003.npy")
    assert found == {"Action/001": "Action/001.png", "Art/001": "Art/001.png", "003": "003.npy"}
    assert others == ["Art/4"]


def test_a_flat_file_belongs_to_the_only_sample_that_it_can_be_of(tmp_path):
    assert matched(tmp_path, ["Action/001", "Art/002"], "001.png") == ({"Action/001": "001.png"}, [])


def test_a_flat_file_that_could_be_of_several_is_refused_by_name(tmp_path):
    with pytest.raises(InputError, match=r"001\.png could belong to Action/001, Art/001.*Action/001\.png"):
        matched(tmp_path, ["Action/001", "Art/001"], "001.png", "Art/001.png")


@pytest.mark.skipif(sys.platform != "linux", reason="other systems' names are text")
def test_a_name_that_is_no_text_is_refused_while_the_folder_is_read(tmp_path):
    (tmp_path / os.fsdecode(b"caf\xe9.png")).touch()
    with pytest.raises(InputError, match=r"'caf\\udce9': rename it"):
        tree(tmp_path, "a.png")


def test_a_file_in_another_category_is_nobodys(tmp_path):
    assert matched(tmp_path, ["Action/001", "001"], "Art/001.png") == ({}, ["Art/001"])


def test_a_file_may_have_the_sets_name_before_the_samples(tmp_path):
    found, others = matched(
        tmp_path, ["1001", "1002"], "osie/1001.png", "1002.png", "scene/1001.png", of="osie"
    )
    assert found == {"1001": "osie/1001.png", "1002": "1002.png"}
    assert others == ["scene/1001"]


def test_two_files_of_one_sample_are_refused(tmp_path):
    with pytest.raises(InputError, match="Action/001 has two files"):
        matched(tmp_path, ["Action/001"], "001.png", "Action/001.png")
    with pytest.raises(InputError, match=r"two maps .*001\.npy and .*001\.png"):
        tree(tmp_path, "Action/001.npy")


@pytest.mark.parametrize("forms", [("NFC", "NFD"), ("NFD", "NFC"), ("NFD", "NFD")])
def test_normal_forms_of_one_name_are_one_name(tmp_path, forms):
    sample, file = (unicodedata.normalize(form, "café/Ängström 한글") for form in forms)
    found, _ = matched(tmp_path, [sample], f"{file}.png")
    assert list(found) == [sample]
    with pytest.raises(InputError, match="two maps"):
        tree(tmp_path, *(f"{unicodedata.normalize(form, file)}.png" for form in ("NFC", "NFD")))


def test_hidden_files_and_what_systems_leave_count_for_nothing_and_other_kinds_are_told_of(tmp_path):
    stray = ("._1.png", ".DS_Store", "Thumbs.db", "__MACOSX/1.png", ".git/1.png")
    tree(tmp_path, "1.png", "a/2.heic", "notes.txt", *stray)
    files, others = named_files(tmp_path, (".png",), "maps")
    assert list(files) == ["1"]
    assert [path.name for path in others] == ["2.heic", "notes.txt"]


def test_a_link_that_leads_round_in_circles_is_gone_through_once(tmp_path):
    tree(tmp_path, "a/1.png")
    (tmp_path / "a/b").symlink_to(tmp_path, target_is_directory=True)
    assert list(named_files(tmp_path, (".png",), "maps")[0]) == ["a/1"]


def test_a_folder_that_may_not_be_read_is_named_and_not_passed_over(tmp_path, monkeypatch):
    tree(tmp_path, "1.png", "locked/2.png")
    scandir = os.scandir

    def refuse(place):  # as the system does for anyone but root
        if os.path.basename(place) == "locked":
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), place)
        return scandir(place)

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(InputError, match=r"cannot read the folder .*locked: Permission denied"):
        named_files(tmp_path, (".png",), "maps")


def dataset(name, names):
    samples = [Sample(stimulus, SIZE, Path("no-file"), (np.array([[1.0, 1]]),), 1.0) for stimulus in names]
    splits = {"train": samples[::2], "validation": [], "test": samples[1::2]}
    return Dataset(name, splits, name, "none")


stems = st.sampled_from(["1", "2", "é", "p.v1"])
folders = st.sampled_from(["", "Action/", "Art/", "a/Action/", "e\u0301/"])
names_of_a_set = st.lists(
    st.builds(str.__add__, folders, stems),
    min_size=1,
    max_size=6,
    unique_by=lambda name: unicodedata.normalize("NFC", name),
)
# What became of each sample's map: it lies as the stimulus, with the set's name, flat, twice, or nowhere.
places = st.sampled_from(["whole", "whole", "with set", "flat", "missing", "doubled"])


@settings(max_examples=80, deadline=None)
@given(st.data())
def test_in_no_folder_a_sample_is_scored_with_anothers_map(data):
    parts = [dataset(name, data.draw(names_of_a_set)) for name in data.draw(st.sampled_from(["a", "ab"]))]
    whole = parts[0] if len(parts) == 1 else mix(parts)
    owners = [(part.name, sample.name) for part in parts for sample in part.samples]
    tidy = True
    with tempfile.TemporaryDirectory() as folder:
        written = set()

        def write(name, owner):
            nonlocal tidy
            form = data.draw(st.sampled_from(["NFC", "NFD"]))
            path = Path(folder, unicodedata.normalize(form, f"{name}.npy"))
            tidy &= unicodedata.normalize("NFC", name) not in written  # else one replaces, or doubles another
            written.add(unicodedata.normalize("NFC", name))
            path.parent.mkdir(parents=True, exist_ok=True)
            np.save(path, np.full(SIZE, 1.0 + owner))

        whole_names = {unicodedata.normalize("NFC", name) for _, name in owners}
        for number, (part, name) in enumerate(owners):
            place = data.draw(places)
            tidy &= place in ("whole", "with set")
            plain = name if len(parts) == 1 else f"{part}/{name}"
            flat = name.rpartition("/")[2]
            if place in ("whole", "doubled"):
                write(plain, number)
            if place == "with set":
                write(f"{part}/{name}", number)
            # A flat file that has the whole name of another sample is that sample's: nobody can tell.
            if place in ("flat", "doubled") and unicodedata.normalize("NFC", flat) not in whole_names:
                write(flat, number)
        for surplus in data.draw(st.lists(st.sampled_from(["Other/1", "Other/é", "b/Other/2"]), unique=True)):
            write(surplus, 1000)
        if not written:
            return
        asked = whole.limited(data.draw(st.integers(1, 4))) if data.draw(st.booleans()) else whole
        try:
            maps = MapFolder(folder, whole=asked)
            jobs = [
                (part, sample, job)
                for part in asked.sets
                for samples in filter(None, part.splits.values())
                for sample, job in zip(samples, maps.jobs(part, samples), strict=True)
            ]
        except InputError:
            assert not tidy
            return
        for part, sample, job in jobs:
            [(saliency_map, scored)] = job()
            assert scored is sample
            assert saliency_map[0, 0] == 1.0 + owners.index((part.name, sample.name))
