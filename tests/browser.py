"""Chromium for tests of pages."""

import contextlib
import shutil

import pytest


@contextlib.contextmanager
def chromium(profile, width=1280):
    """A headless Chromium with a window of that width; its log of errors is kept. Skips where it is not."""
    if not (shutil.which("chromium") and shutil.which("chromedriver")):
        pytest.skip("needs chromium and chromedriver")
    webdriver = pytest.importorskip("selenium.webdriver")
    flags = webdriver.ChromeOptions()
    for flag in (
        *("headless", "no-sandbox", "disable-gpu", "disable-quic", "no-first-run", "disable-sync"),
        *("disable-background-networking", "disable-component-update", f"user-data-dir={profile}"),
    ):
        flags.add_argument(f"--{flag}")
    flags.binary_location = shutil.which("chromium")
    flags.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    service = webdriver.ChromeService(shutil.which("chromedriver"))
    browser = webdriver.Chrome(options=flags, service=service)
    try:
        size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600}
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        yield browser
    finally:
        browser.quit()


def errors(browser) -> list:
    """What the page's scripts, or its loading, complained of."""
    return [entry for entry in browser.get_log("browser") if entry["level"] == "SEVERE"]
