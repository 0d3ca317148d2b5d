"""What a terminal shows: names as they are, bars where somebody sees them."""

import pytest

from kerasal_cli import loading
from kerasal_cli.table import show_facts, show_rows

NAMES = ["photo[a].jpg", "maps[/b]", ":key:.png", "[bold]"]


@pytest.fixture(params=[False, True], ids=["file", "terminal"])
def terminal(request, monkeypatch):
    """Whether what is written goes to a terminal, as rich sees it."""
    for variable in ("NO_COLOR", "COLUMNS", "TERM", "FORCE_COLOR", "TTY_COMPATIBLE"):
        monkeypatch.delenv(variable, raising=False)
    if request.param:
        monkeypatch.setenv("FORCE_COLOR", "1")
    return request.param


@pytest.mark.usefixtures("terminal")
@pytest.mark.parametrize("name", NAMES)
def test_a_name_in_brackets_or_colons_is_printed_as_it_is(name, capsys):
    show_rows([{"file": name, "what is wrong": "cut off"}])
    show_facts([("images", name), (name, "1")])
    assert capsys.readouterr().out.count(name) == 3


@pytest.mark.parametrize("name", NAMES)
def test_a_bar_has_the_name_of_what_it_is_for_as_it_is(terminal, name, monkeypatch, capsys):
    monkeypatch.setattr(loading, "QUIET", False)  # as another test's -q may have left it
    assert list(loading.progress(range(3), f"{name}: scoring")) == [0, 1, 2]
    told = capsys.readouterr().err
    assert f"{name}: scoring" in told
    assert ("100%" in told) == terminal


@pytest.mark.parametrize("quiet", [False, True])
def test_a_download_has_a_bar_on_a_terminal_alone_and_none_with_q(terminal, quiet, monkeypatch, capsys):
    monkeypatch.setattr(loading, "QUIET", quiet)
    with loading.download_bars() as watch:
        if told := watch("images.zip"):
            told(1_000_000, 4_000_000)
        print("a result")
    shown = capsys.readouterr()
    assert ("images.zip" in shown.err and "1.0/4.0 MB" in shown.err) == (terminal and not quiet)
    assert "a result" in shown.out + shown.err  # rich sends it around the bar
    assert shown.err == "" or terminal
