"""The page in a real Chromium."""

import io
import shutil
import threading
import time

import numpy as np
import pytest
from conftest import write_photo
from PIL import Image
from serving_cases import Brightness, serving

pytest.importorskip("starlette")
pytest.importorskip("uvicorn")
webdriver = pytest.importorskip("selenium.webdriver")
from selenium.webdriver.common.by import By  # noqa: E402
from selenium.webdriver.support.ui import Select, WebDriverWait  # noqa: E402

FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --window-size=1000,800"
)
DROP = """
const [target, bytes] = arguments, data = new DataTransfer();
data.items.add(new File([Uint8Array.from(atob(bytes), (c) => c.charCodeAt(0))], "dropped.png"));
target.dispatchEvent(new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true }));
"""


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    driver = shutil.which("chromedriver")
    if not (chromium and driver):
        pytest.skip("needs Chromium and chromedriver, which are not here")
    downloads = tmp_path_factory.mktemp("downloads")
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for flag in [*FLAGS.split(), f"--user-data-dir={tmp_path_factory.mktemp('chromium')}"]:
        options.add_argument(flag)
    options.add_experimental_option("prefs", {"download.default_directory": str(downloads)})
    browser = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))
    browser.downloads = downloads
    yield browser
    browser.quit()


@pytest.fixture
def page(browser):
    with serving({"bright": Brightness(), "shifted": Brightness(20)}) as port:
        browser.get(f"http://127.0.0.1:{port}/")
        WebDriverWait(browser, 20).until(lambda b: b.find_elements(By.CSS_SELECTOR, "#model-a option"))
        yield browser
        assert not [entry for entry in browser.get_log("browser") if "Content Security" in entry["message"]]
        browser.get("about:blank")  # lets go of the connections, so that the server stops at once


def message_of(page):
    """What the page says, once it is done."""
    message = page.find_element(By.ID, "message")
    WebDriverWait(page, 20).until(lambda _: message.text not in ("", "Predicting …"))
    return message.text


def pixels(page, panel=0):
    """The picture of a panel, (H, W, 3)."""
    script = (
        "const c = document.querySelectorAll('canvas')[arguments[0]];"
        "const data = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;"
        "return [c.height, c.width, Array.from(data)]"
    )
    rows, columns, values = page.execute_script(script, panel)
    return np.array(values).reshape(rows, columns, 4)[..., :3]


def slide(page, opacity):
    slider = page.find_element(By.ID, "opacity")
    page.execute_script(
        "arguments[0].value = arguments[1]; arguments[0].dispatchEvent(new Event('input'))", slider, opacity
    )


def test_an_image_gets_the_overlay_that_the_library_paints(page, tmp_path):
    from kerasal.visualize import overlay

    stimulus = write_photo(tmp_path / "photo.png", (40, 60))
    page.find_element(By.ID, "file").send_keys(str(tmp_path / "photo.png"))
    assert message_of(page).startswith("photo.png")
    (saliency_map,) = Brightness().saliency_maps([stimulus])
    for opacity in (60, 100, 0):
        slide(page, opacity)
        expected = overlay(stimulus, saliency_map, opacity=opacity / 100)
        assert np.abs(pixels(page) - expected).max() <= 2
    Select(page.find_element(By.ID, "colors")).select_by_value("viridis")
    slide(page, 80)
    expected = overlay(stimulus, saliency_map, opacity=0.8, colors="viridis")
    assert np.abs(pixels(page) - expected).max() <= 2


def test_two_models_are_shown_side_by_side_and_their_maps_downloaded(page, tmp_path):
    stimulus = write_photo(tmp_path / "two.png", (40, 60))
    page.find_element(By.ID, "file").send_keys(str(tmp_path / "two.png"))
    message_of(page)
    Select(page.find_element(By.ID, "model-b")).select_by_value("shifted")
    WebDriverWait(page, 20).until(lambda b: len(b.find_elements(By.TAG_NAME, "canvas")) == 2)
    first, second = page.find_elements(By.TAG_NAME, "canvas")
    assert first.location["y"] == second.location["y"]
    assert first.location["x"] < second.location["x"]
    assert np.abs(pixels(page, 0) - pixels(page, 1)).max() > 10
    page.find_elements(By.CSS_SELECTOR, "a.map")[1].click()
    path = page.downloads / "two_shifted.png"
    deadline = time.time() + 20
    while not path.exists() and time.time() < deadline:
        time.sleep(0.05)
    expected = Brightness(20).saliency_maps([stimulus])[0]
    saved = np.array(Image.open(io.BytesIO(path.read_bytes())))
    np.testing.assert_allclose(saved, expected * 255 / expected.max(), atol=1)


def test_a_dropped_image_is_taken_and_a_bad_one_named_while_the_picture_before_stays(page, tmp_path):
    import base64

    write_photo(tmp_path / "a.png", (30, 20))
    drop = page.find_element(By.ID, "drop")
    page.execute_script(DROP, drop, base64.b64encode((tmp_path / "a.png").read_bytes()).decode())
    assert message_of(page).startswith("dropped.png")
    before = pixels(page)
    page.execute_script(DROP, drop, base64.b64encode(b"no image").decode())
    WebDriverWait(page, 20).until(lambda b: "cannot read" in b.find_element(By.ID, "message").text)
    assert message_of(page).startswith("dropped.png: ")
    np.testing.assert_array_equal(pixels(page), before)
    # Another model is asked for the picture that is shown.
    Select(page.find_element(By.ID, "model-a")).select_by_visible_text("shifted")
    WebDriverWait(page, 20).until(lambda b: " s" in b.find_element(By.ID, "message").text)
    assert page.find_element(By.CSS_SELECTOR, "figcaption .name").text == "shifted"


def test_a_model_chosen_during_an_upload_is_asked_for_that_file(browser, tmp_path):
    gate = threading.Event()

    class Waiting(Brightness):
        def saliency_maps(self, stimuli):
            gate.wait(20)
            return super().saliency_maps(stimuli)

    with serving({"bright": Waiting(), "shifted": Brightness(20)}) as port:
        browser.get(f"http://127.0.0.1:{port}/")
        WebDriverWait(browser, 20).until(lambda b: b.find_elements(By.CSS_SELECTOR, "#model-a option"))
        said = browser.find_element(By.ID, "message")
        for name, size in (("first", (30, 20)), ("second", (24, 36))):  # nothing on the page, and a picture
            write_photo(tmp_path / f"{name}.png", size)
            gate.clear()
            Select(browser.find_element(By.ID, "model-a")).select_by_visible_text("bright")
            browser.find_element(By.ID, "file").send_keys(str(tmp_path / f"{name}.png"))
            WebDriverWait(browser, 20).until(lambda _: said.text == "Predicting …")
            Select(browser.find_element(By.ID, "model-a")).select_by_visible_text("shifted")
            time.sleep(0.2)
            gate.set()
            WebDriverWait(browser, 20).until(lambda _, name=name: said.text.startswith(f"{name}.png: "))
            assert browser.find_element(By.CSS_SELECTOR, "figcaption .name").text == "shifted"
            assert pixels(browser).shape[:2] == size
        browser.get("about:blank")


def test_a_phone_sees_all_without_scrolling_sideways(page, tmp_path):
    page.set_window_size(500, 800)  # the least that Chromium's window takes
    write_photo(tmp_path / "wide.png", (30, 900))
    page.find_element(By.ID, "file").send_keys(str(tmp_path / "wide.png"))
    message_of(page)
    assert page.execute_script(
        "return document.documentElement.scrollWidth <= document.documentElement.clientWidth"
    )
    page.set_window_size(1000, 800)
