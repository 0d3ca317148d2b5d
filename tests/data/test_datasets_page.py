from pathlib import Path

from kerasal.data import INFO

PAGE = (Path(__file__).parents[2] / "docs/datasets.md").read_text()


def test_the_page_has_the_facts_that_the_loaders_have():
    for info in INFO.values():
        (row,) = [line for line in PAGE.splitlines() if line.startswith(f"| [{info.name}]")]
        cells = [cell.strip() for cell in row.strip("|").split("|")]
        sigma = info.sigma if isinstance(info.sigma, str) else f"{info.sigma:g}"
        degree = f"{info.pixels_per_degree:g}" if info.pixels_per_degree else "not known"
        fixations = f"{info.fixations:,}" if info.fixations else "not counted"
        assert cells == [
            f"[{info.name}]({info.page})",
            f"{info.images:,}",
            info.size,
            info.observers,
            f"{info.seconds:g}",
            sigma,
            degree,
            fixations,
            info.licence,
        ]


def test_the_page_names_every_layout_split_and_defect():
    for info in INFO.values():
        for fact in (f"`{info.layout}`", info.split, *info.defects):
            lines = [line for line in PAGE.splitlines() if line.startswith("- ") and line.endswith(fact)]
            assert any(info.name in line for line in lines), fact
