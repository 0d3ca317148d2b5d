"""The page of speeds: what a benchmark tells is what it shows, and what fell is marked."""

import importlib
import json
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parent / "benchmarks"


@pytest.fixture
def performance(monkeypatch, tmp_path):
    """The script, with one benchmark of its own and a page and a result that are empty."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    module = importlib.import_module("performance")
    yield module
    for name in ("performance", "ratios"):
        sys.modules.pop(name, None)


@pytest.fixture
def alone(performance, monkeypatch, tmp_path):
    page = tmp_path / "performance.md"
    page.write_text(f"before\n\n{performance.BEGIN}\nold\n{performance.END}\n\nafter\n")
    for name, value in {
        "HERE": tmp_path,
        "RESULT": tmp_path / "performance.json",
        "PAGE": page,
        "SCRIPTS": (("A title", "one.py"), ("Another", "two.py {osie}")),
    }.items():
        monkeypatch.setattr(performance, name, value)
    monkeypatch.setattr(sys, "argv", ["performance.py"])

    def run(*ratios):
        lines = [
            f"from ratios import tell_ratio\ntell_ratio({r!r}, 'w{i}', 'p')" for i, r in enumerate(ratios)
        ]
        path = f"import sys\nsys.path.insert(0, {str(BENCHMARKS)!r})\n"
        (tmp_path / "one.py").write_text(path + "\n".join(lines) + "\nprint('seconds 3')\n")
        performance.main()
        return page.read_text(), json.loads((tmp_path / "performance.json").read_text())

    return run


def test_a_ratio_is_read_as_it_was_told(performance, capsys):
    from ratios import read_ratios, tell_ratio

    tell_ratio(12.345, "five at once, 600x800", "pysaliency")
    tell_ratio(0.8, "SAM-VGG: forward", "GEMM, best of three")
    assert read_ratios("noise\n" + capsys.readouterr().out + "ratio 3\n") == [
        ("five at once, 600x800", "pysaliency", 12.3),
        ("SAM-VGG: forward", "GEMM, best of three", 0.8),
    ]


def test_the_page_has_what_was_told_and_keeps_its_text(alone):
    page, result = alone(2.0, 0.5)
    assert page.startswith("before\n")
    assert page.endswith("after\n")
    assert "old" not in page
    assert "| w0 | p | 2 |" in page
    assert "| w1 | p | 0.5 |" in page
    assert "`one.py`" in page
    assert "Another" not in page
    assert [(row["before"], row["best"]) for row in result["one"]["ratios"]] == [(None, None)] * 2


def test_what_fell_by_more_than_a_tenth_is_marked_and_red(alone, performance, monkeypatch):
    alone(2.0, 1.0, 1.0)
    lines = []
    monkeypatch.setattr(performance.click, "secho", lambda line, fg: lines.append((line, fg)))
    page, _ = alone(1.7, 0.95, 1.4)
    assert "| w0 | p | 1.7 **fell from 2** |" in page
    assert "| w1 | p | 0.95 |" in page
    assert "| w2 | p | 1.4 |" in page
    assert [fg for _, fg in lines] == ["red", None, None]
    assert "(before 2, best 2)" in lines[0][0]


def test_falls_of_less_than_a_tenth_add_up_until_the_best_is_taken_out(alone, performance, monkeypatch):
    alone(1.5)
    alone(2.0)
    assert "fell" not in alone(1.9)[0]
    assert "fell" not in alone(1.81)[0]
    page, result = alone(1.79)
    assert "| w0 | p | 1.79 **fell from 2** |" in page
    [row] = result["one"]["ratios"]
    assert (row["before"], row["best"]) == (1.81, 2)
    del row["best"]
    performance.RESULT.write_text(json.dumps(result))
    page, result = alone(1.75)
    assert "fell" not in page
    assert result["one"]["ratios"][0]["best"] == 1.79


def test_a_folder_is_found_from_where_one_stands_whatever_its_name(alone, performance, monkeypatch, tmp_path):
    (tmp_path / "my data" / "osie").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "my data")
    (tmp_path / "two.py").write_text(
        f"import sys\nfrom pathlib import Path\nsys.path.insert(0, {str(BENCHMARKS)!r})\n"
        "from ratios import tell_ratio\ntell_ratio(1 + Path(sys.argv[1]).is_dir(), 'there', 'not')\n"
    )
    for folder in ("osie", tmp_path / "my data" / "osie"):
        monkeypatch.setattr(sys, "argv", ["performance.py", "--only", "two", "--osie", str(folder)])
        performance.main()
        (entry,) = json.loads((tmp_path / "performance.json").read_text()).values()
        assert [row["ratio"] for row in entry["ratios"]] == [2]
        assert entry["command"] == "two.py OSIE"


def test_a_script_that_fails_or_tells_nothing_ends_it_and_changes_no_page(alone, tmp_path):
    before = alone(2.0)[0]
    with pytest.raises(SystemExit, match="told no ratio"):
        alone()
    with pytest.raises(SystemExit, match="failed"):
        alone(float("nan"), None)
    assert (tmp_path / "performance.md").read_text() == before


def test_each_script_is_there_and_tells_its_ratios(performance):
    for _, template in performance.SCRIPTS:
        assert "tell_ratio(" in (BENCHMARKS / template.split()[0]).read_text(encoding="utf-8")


def test_the_committed_page_shows_the_committed_figures(performance, monkeypatch, tmp_path):
    page = performance.PAGE.read_text(encoding="utf-8")
    copy = tmp_path / "performance.md"
    copy.write_text(page, encoding="utf-8")
    monkeypatch.setattr(performance, "PAGE", copy)
    performance.write_page(json.loads(performance.RESULT.read_text(encoding="utf-8")))
    assert copy.read_text(encoding="utf-8") == page
