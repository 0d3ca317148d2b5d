import json
from dataclasses import replace

import pytest

from kerasal.data import Sample, load, split_by_file
from kerasal.data.splits import ranked_split
from kerasal.errors import InputError


def names(dataset):
    return {split: [sample.name for sample in samples] for split, samples in dataset.splits.items()}


@pytest.fixture
def photos(photo_folder):
    return load(str(photo_folder))


@pytest.mark.parametrize("kind", ["json", "csv"])
def test_a_file_of_names_makes_the_splits(photos, tmp_path, kind):
    path = tmp_path / f"split.{kind}"
    if kind == "json":
        path.write_text(json.dumps({"train": ["p1", "p4.jpg"], "validation": ["p0"], "test": ["p8"]}))
    else:
        path.write_text("name,split\np1,train\np4.jpg, train\n\np0,validation\np8,test\n")
    dataset = split_by_file(photos, path)
    assert names(dataset) == {"train": ["p1", "p4"], "validation": ["p0"], "test": ["p8"]}
    assert any("5 samples" in note for note in dataset.notes)


def test_samples_of_no_split_stay_known_by_name(photos, tmp_path):
    (tmp_path / "split.json").write_text(json.dumps({"train": ["p1", "p4"], "test": ["p8"]}))
    every = sorted(sample.name for sample in photos.samples)
    dataset = split_by_file(photos, tmp_path / "split.json")
    assert sorted(dataset.names) == sorted(dataset.limited(1).names) == every
    assert sorted(dataset.left_out) == ["p0", "p2", "p3", "p5", "p6", "p7"]


def test_names_are_found_in_any_normal_form(photos, tmp_path):
    renamed = replace(photos.samples[0], name="caf\u00e9")
    dataset = replace(photos, splits={"train": [renamed], "validation": [], "test": []})
    (tmp_path / "split.json").write_text(json.dumps({"test": ["cafe\u0301.jpg"]}))
    assert split_by_file(dataset, tmp_path / "split.json")["test"] == [renamed]
    assert dataset.named(["cafe\u0301"]) == [renamed]


def test_load_takes_a_split_file_and_remembers_it(photo_folder, tmp_path):
    path = tmp_path / "split.json"
    path.write_text(json.dumps({"train": ["p1"], "validation": ["p0"], "test": ["p8"]}))
    dataset = load(str(photo_folder), split_file=path)
    assert names(load(**dataset.arguments)) == names(dataset)


def test_a_tilde_before_a_split_file_is_the_home_folder(photo_folder, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "split.json").write_text(json.dumps({"train": ["p1"]}))
    dataset = load(str(photo_folder), split_file="~/split.json")
    assert names(dataset)["train"] == ["p1"]
    assert dataset.arguments["split_file"] == str(tmp_path / "split.json")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"train": ["p99"]}', "p99"),
        ('{"practice": ["p1"]}', "practice"),
        ('{"train": ["p1"], "test": ["p1"]}', "twice"),
        ('{"train": ["p1", "p1.jpg"]}', "twice"),
        ("[1, 2]", "JSON"),
        ("{", "JSON"),
    ],
)
def test_a_wrong_split_file_is_refused(photos, tmp_path, text, words):
    path = tmp_path / "split.json"
    path.write_text(text)
    with pytest.raises(InputError, match=words):
        split_by_file(photos, path)


def test_a_row_of_another_length_is_refused_with_its_line(photos, tmp_path):
    (tmp_path / "split.csv").write_text("name,split\np1,train\np2,a,test\n")
    with pytest.raises(InputError, match=r"split\.csv, line 3 has 3 cells and the first 2: .*p2,a,test"):
        split_by_file(photos, tmp_path / "split.csv")


@pytest.mark.parametrize("text", ["", "p1\np2\n", "name,split\np1\n"])
def test_a_csv_without_its_columns_is_refused(photos, tmp_path, text):
    path = tmp_path / "split.csv"
    path.write_text(text)
    with pytest.raises(InputError, match=r"name and .*split"):
        split_by_file(photos, path)


def test_a_missing_split_file_is_refused(photos, tmp_path):
    with pytest.raises(InputError, match="cannot read the split file"):
        split_by_file(photos, tmp_path / "none.json")


def test_a_split_without_samples_says_so_when_it_is_used(photos, tmp_path):
    path = tmp_path / "split.json"
    path.write_text('{"train": ["p1"]}')
    dataset = split_by_file(photos, path)
    with pytest.raises(InputError, match="no samples in its test split"):
        dataset["test"]
    assert len(dataset["all"]) == 1


def test_a_ranked_split_is_complete_disjoint_and_keeps_the_order():
    samples = [Sample(f"s{number:03}", (4, 4), None, (), 1.0) for number in range(97)]
    parts = ranked_split(samples, 0.7, 0.15, "x")
    assert [len(parts[split]) for split in ("train", "validation", "test")] == [68, 15, 14]
    together = [sample.name for part in parts.values() for sample in part]
    assert sorted(together) == [sample.name for sample in samples]
    for part in parts.values():
        assert [s.name for s in part] == sorted(s.name for s in part)
    assert [s.name for s in ranked_split(samples, 0.7, 0.15, "y")["test"]] != [s.name for s in parts["test"]]
