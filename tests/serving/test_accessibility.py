"""The pages by axe, a checker of the Web Content Accessibility Guidelines: no fault, in any look."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest
from browser import chromium, errors
from PIL import Image

DOCS = Path(__file__).parents[2] / "docs"
REPORTS = ("quest-osie-150x200/report.html", "quest-osie-150x200-seeds/report.html", "osie-comparison.html")


@pytest.fixture(scope="module")
def axe() -> str:
    spec = importlib.util.find_spec("axe_core_python")
    if spec is None:
        pytest.skip("needs axe-core-python, which is not here")
    return (Path(spec.origin).parent / "axe.min.js").read_text(encoding="utf-8")


@pytest.fixture
def page(tmp_path):
    with chromium(tmp_path / "profile") as browser:
        yield browser


def look(page, width, scheme):
    size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600}
    page.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    media = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
    page.execute_cdp_cmd("Emulation.setEmulatedMedia", media)


def faults(page, axe) -> list[str]:
    """What axe finds, of any weight, with the first element of each; some rules must have applied."""
    # As the protocol runs it, a page's content security policy does not keep it out.
    page.execute_cdp_cmd("Runtime.evaluate", {"expression": axe})
    found = page.execute_async_script("axe.run().then(arguments[arguments.length - 1])")
    assert len(found["passes"]) > 20
    return [
        f"{fault['impact']}: {fault['help']}: {fault['nodes'][0]['html']}" for fault in found["violations"]
    ]


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280, 1920])
@pytest.mark.parametrize("report", REPORTS)
def test_reports_have_no_fault(report, width, scheme, page, axe):
    look(page, width, scheme)
    page.get((DOCS / "results" / report).as_uri())
    assert faults(page, axe) == []
    assert errors(page) == []
    # Nothing but tables, which scroll by themselves, is wider than the window.
    assert page.execute_script("return document.documentElement.scrollWidth") <= width


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280, 1920])
def test_the_local_page_has_no_fault_before_and_with_a_map(width, scheme, page, axe, tmp_path):
    pytest.importorskip("starlette")
    from selenium.webdriver.common.by import By
    from selenium.webdriver.support.ui import WebDriverWait
    from serving_cases import Brightness, serving

    stimulus = np.random.default_rng(0).integers(0, 256, (60, 90, 3), dtype=np.uint8)
    Image.fromarray(stimulus).save(tmp_path / "photo.png")
    look(page, width, scheme)
    with serving({"bright": Brightness(), "shifted": Brightness(20)}) as port:
        page.get(f"http://127.0.0.1:{port}/")
        WebDriverWait(page, 20).until(lambda b: b.find_elements(By.CSS_SELECTOR, "#model-a option"))
        assert faults(page, axe) == []
        page.find_element(By.CSS_SELECTOR, "input[type=file]").send_keys(str(tmp_path / "photo.png"))
        message = page.find_element(By.ID, "message")
        WebDriverWait(page, 20).until(lambda _: message.text not in ("", "Predicting …"))
        assert faults(page, axe) == []
        assert errors(page) == []
        assert page.execute_script("return document.documentElement.scrollWidth") <= width
        page.get("about:blank")
