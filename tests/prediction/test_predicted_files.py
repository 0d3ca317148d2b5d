"""Images and videos into a folder, by a predictor whose maps can be computed by hand."""

import contextlib
import os
import subprocess
import sys
import threading
import unicodedata
from pathlib import Path

import cv2
import numpy as np
import pytest
from browser import chromium
from conftest import no_file_above, write_photo
from PIL import Image

from kerasal._files import partial_beside
from kerasal._threads import ahead
from kerasal.errors import InputError
from kerasal.prediction import (
    Outputs,
    Region,
    UnreadableVideo,
    files,
    find_inputs,
    predict_to_folder,
    predict_video,
    video,
    video_stems,
)


class Brightness:
    def saliency_maps(self, stimuli):
        return [stimulus.mean(axis=2, dtype="float32") / 255 for stimulus in stimuli]


def predict(images, folder, outputs=None):
    skipped = []
    return predict_to_folder(Brightness(), images, folder, outputs, skipped=skipped), skipped


def test_many_images_get_their_own_maps(tmp_path):
    pixels = {
        tmp_path / f"in/{n}.png": write_photo(tmp_path / f"in/{n}.png", (20 + n, 30), n) for n in range(11)
    }
    facts, skipped = predict(list(pixels), tmp_path / "out", Outputs(npy=True, density=True))
    assert list(facts) == [str(path) for path in pixels]
    assert not skipped
    for path, image in pixels.items():
        saliency_map = np.load(tmp_path / f"out/{path.stem}.npy")
        np.testing.assert_allclose(saliency_map, image.mean(axis=2) / 255, atol=1e-6)
        density = np.load(tmp_path / f"out/{path.stem}_density.npy")
        np.testing.assert_allclose(density, saliency_map / saliency_map.sum(), rtol=1e-4)
    assert len(list((tmp_path / "out").iterdir())) == 4 * 11


def test_only_what_was_asked_for_is_written(tmp_path):
    write_photo(tmp_path / "a.jpg", (30, 50))
    outputs = Outputs(map=False, overlay=False, crop=1.0, regions=(Region.parse("all:0%,0%,100%,100%"),))
    facts, _ = predict([tmp_path / "a.jpg"], tmp_path / "out", outputs)
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["a_crop.jpg"]
    assert Image.open(tmp_path / "out/a_crop.jpg").size == (30, 30)
    (fact,) = facts.values()
    assert (fact["width"], fact["height"]) == (50, 30)
    assert (fact["crop"]["width"], fact["crop"]["height"]) == (30, 30)
    assert fact["regions"]["all"]["share"] == pytest.approx(1)


def test_what_cannot_be_read_is_skipped_and_named(tmp_path):
    write_photo(tmp_path / "a.jpg", (30, 50))
    (tmp_path / "b.jpg").write_bytes((tmp_path / "a.jpg").read_bytes()[:300])
    facts, skipped = predict([tmp_path / "b.jpg", tmp_path / "a.jpg"], tmp_path / "out")
    assert list(facts) == [str(tmp_path / "a.jpg")]
    assert len(skipped) == 1
    assert "b.jpg" in skipped[0]


def test_an_image_is_never_replaced_by_its_map(tmp_path):
    pixels = write_photo(tmp_path / "a.png", (30, 50))
    with pytest.raises(InputError, match=r"a\.png is an input itself"):
        predict([tmp_path / "a.png"], tmp_path)
    np.testing.assert_array_equal(np.array(Image.open(tmp_path / "a.png")), pixels)


@pytest.mark.parametrize(("name", "options"), [("a.png", {}), ("a.npy", {"npy": True})])
def test_what_lies_beside_an_image_by_its_name_is_never_replaced(tmp_path, name, options):
    write_photo(tmp_path / "in/a.jpg", (30, 50))
    (tmp_path / "link").symlink_to(tmp_path / "in")
    images, outputs = [tmp_path / "in/a.jpg"], Outputs(**options)
    for folder in ("in", "link"):
        (tmp_path / "in" / name).write_bytes(b"the user's")
        with pytest.raises(InputError, match=rf"{name} lies among the inputs and would be replaced"):
            predict(images, tmp_path / folder, outputs)
        assert (tmp_path / "in" / name).read_bytes() == b"the user's"
        (tmp_path / "in" / name).unlink()
        assert predict(images, tmp_path / folder, outputs)[0]
        for path in (tmp_path / "in").glob("a.[pn]*"):
            path.unlink()
    # Elsewhere it is of an earlier prediction; beside the images, what has another name than theirs.
    for _ in range(2):
        predict(images, tmp_path / "out", outputs)
        predict(images, tmp_path / "in", Outputs(map=False))


def test_images_of_one_stem_get_names_of_their_own_and_of_one_name_are_refused(tmp_path):
    images = [tmp_path / "a.png", tmp_path / "a.jpg"]
    for path in images:
        write_photo(path, (30, 50))
    predict(images, tmp_path / "out", Outputs(overlay=False))
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["a_jpg.png", "a_png.png"]
    write_photo(tmp_path / "b/a.png", (30, 50))
    with pytest.raises(InputError, match="a_png"):
        predict([*images, tmp_path / "b/a.png"], tmp_path / "out")


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_two_images_never_write_one_file(tmp_path, form):
    images = [tmp_path / "\xe9.jpg", tmp_path / unicodedata.normalize(form, "\xe9_density.jpg")]
    for path in images:
        write_photo(path, (30, 50))
    with pytest.raises(InputError, match=r"both write \xe9_density\.npy"):
        predict(images, tmp_path / "out", Outputs(npy=True, density=True))
    assert not (tmp_path / "out").exists()
    predict(images, tmp_path / "out", Outputs(map=False, overlay=False, density=True))
    assert len(list((tmp_path / "out").iterdir())) == 2


@pytest.mark.parametrize("ignores_case", [False, True])
def test_where_case_is_ignored_no_two_images_write_one_file_nor_one_over_another(
    tmp_path, monkeypatch, ignores_case
):
    monkeypatch.setattr(files, "IGNORES_CASE", ignores_case)
    refused = pytest.raises(InputError) if ignores_case else contextlib.nullcontext()

    def stems(*names):
        found = files.output_stems([tmp_path / name for name in names], tmp_path, ["_overlay.jpg"])
        return [stem.name for stem in found.values()]

    assert stems("A.jpg", "a.png") == (["A_jpg", "a_png"] if ignores_case else ["A", "a"])
    with refused:
        assert stems("1.PNG", "1.png") == ["1_PNG", "1_png"]
    with refused:
        assert stems("b.jpg", "B_OVERLAY.jpg") == ["b", "B_OVERLAY"]
    with refused:
        assert stems("c.jpg", "C_overlay.png", "c_overlay_overlay.jpg")


def test_a_folder_that_cannot_be_made_is_refused(tmp_path):
    write_photo(tmp_path / "a.jpg", (30, 50))
    with pytest.raises(InputError, match="cannot make the folder"):
        predict([tmp_path / "a.jpg"], tmp_path / "a.jpg" / "out")


def test_an_error_while_writing_comes_out(tmp_path, monkeypatch):
    write_photo(tmp_path / "a.png", (30, 50))

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Outputs, "write", full)
    with pytest.raises(OSError, match="space"):
        predict([tmp_path / "a.png"] * 9, tmp_path / "out")


def test_no_more_than_the_next_items_are_worked_on_ahead():
    from concurrent.futures import ThreadPoolExecutor

    begun, lock = [], threading.Lock()

    def work(item):
        with lock:
            begun.append(item)
        return -item

    with ThreadPoolExecutor(3) as pool:
        results = ahead(pool, work, iter(range(100)), depth=4)
        assert [next(results) for _ in range(10)] == [-item for item in range(10)]
        assert max(begun) <= 9 + 4
        assert list(results) == [-item for item in range(10, 100)]


def test_inputs_are_files_folders_patterns_and_videos_each_once(tmp_path, monkeypatch):
    for name in ("b.jpg", "a.png", "c.jpg"):
        write_photo(tmp_path / name, (4, 4))
    for name in ("film.mp4", "notes.txt"):
        (tmp_path / name).touch()
    inputs = find_inputs([tmp_path / "c.jpg", tmp_path, tmp_path / "*.jpg", tmp_path / "film.mp4"])
    assert [path.name for path in inputs.images] == ["c.jpg", "a.png", "b.jpg"]
    assert [path.name for path in inputs.videos] == ["film.mp4"]
    assert [path.name for path in inputs.left_out] == ["notes.txt"]
    (tmp_path / "more").mkdir()
    (tmp_path / "phone.heic").touch()
    left_out = find_inputs([tmp_path, tmp_path / "*"]).left_out
    assert [path.name for path in left_out] == ["more", "notes.txt", "phone.heic"]
    monkeypatch.chdir(tmp_path)
    here = Path("c.jpg")
    again = find_inputs([here, tmp_path, Path("..", tmp_path.name, "c.jpg")])
    assert [path.name for path in again.images] == ["c.jpg", "a.png", "b.jpg"]
    assert again.images[0] == here
    for wrong in ("*.gif", "nothing.jpg"):
        with pytest.raises(InputError, match="no image, video or folder"):
            find_inputs([tmp_path / wrong])


def test_links_to_images_where_the_maps_go_are_images_of_their_folder(tmp_path):
    originals, chosen = tmp_path / "originals", tmp_path / "chosen"
    chosen.mkdir()
    for name in ("a.jpg", "b.jpg"):
        write_photo(originals / name, (20, 30))
        (chosen / name).symlink_to(originals / name)
    assert find_inputs([chosen], output=originals).images == [chosen / "a.jpg", chosen / "b.jpg"]


def test_maps_within_the_folder_that_is_predicted_are_no_inputs_of_the_next_prediction(tmp_path):
    for name in ("a.jpg", "deep/b.jpg", "deep/maps/a.png", "deep/maps/more/c.png"):
        write_photo(tmp_path / name, (4, 4))
    maps = tmp_path / "deep/maps"

    def found(place, output):
        inputs = find_inputs([place], recursive=True, output=output)
        assert not inputs.left_out
        names = sorted(path.name for path in inputs.images)
        assert len(names) + len({path.resolve() for path in inputs.in_output}) == len(before[place])
        return names

    before = {place: list(place.rglob("*.??g")) for place in (tmp_path, maps)}
    (tmp_path / "link").symlink_to(maps)
    for output in (maps, tmp_path / "deep/../deep/maps", tmp_path / "link"):
        assert found(tmp_path, output) == ["a.jpg", "b.jpg"]
    (tmp_path / "link").unlink()
    assert not find_inputs([tmp_path / "deep"], output=maps).left_out
    (tmp_path / "apart").mkdir()
    maps.rename(tmp_path / "apart/maps")  # what is written to may be a link to another place
    maps.symlink_to(tmp_path / "apart/maps")
    assert [path.name for path in find_inputs([tmp_path / "deep"], recursive=True, output=maps).images] == [
        "b.jpg"
    ]
    maps.unlink()
    (tmp_path / "apart/maps").rename(maps)
    assert found(tmp_path, tmp_path / "elsewhere") == ["a.jpg", "a.png", "b.jpg", "c.png"]
    for output in (maps, tmp_path, None):  # what is named itself is meant
        assert found(maps, output) == ["a.png", "c.png"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"map": False, "overlay": False}, "nothing to write"),
        ({"colors": "rainbowy"}, "'rainbowy'.*inferno"),
        ({"opacity": 1.5}, r"opacity .*got 1\.5"),
        ({"contours": (0.5, 1.0)}, "quantiles .*got 1"),
        ({"crop": 1.0, "crop_scale": 0}, "crop's scale .*got 0"),
        ({"crop": 0.0}, "crop's aspect .*got 0"),
        ({"crop": -1.5}, r"crop's aspect .*got -1\.5"),
        ({"stretch": "wide"}, "unknown stretch 'wide'.*percentile"),
        ({"regions": (Region("logo", (0, 0, 5, 5)), Region("logo", (9, 9, 5, 5)))}, "regions are named logo"),
    ],
)
def test_wrong_outputs_are_refused_before_anything_is_predicted(options, words):
    with pytest.raises(InputError, match=words):
        Outputs(**options)


@pytest.fixture
def film(tmp_path):
    """Ten frames of a white square that moves to the right."""
    writer = cv2.VideoWriter(str(tmp_path / "film.avi"), cv2.VideoWriter.fourcc(*"MJPG"), 20, (96, 64))
    for number in range(10):
        frame = np.full((64, 96, 3), 20, np.uint8)
        frame[20:40, 8 * number : 8 * number + 16] = (0, 0, 255)  # red, in OpenCV's BGR
        writer.write(frame)
    writer.release()
    return tmp_path / "film.avi"


def frames(path):
    capture, found = cv2.VideoCapture(str(path)), []
    while (frame := capture.read())[0]:
        found.append(frame[1])
    return np.array(found), capture.get(cv2.CAP_PROP_FPS)


def test_each_frame_of_a_video_gets_its_map_and_overlay(film, tmp_path):
    outputs = Outputs(regions=(Region.parse("left:0%,0%,50%,100%"),))
    facts = predict_video(Brightness(), film, tmp_path / "out/film", outputs)
    assert facts["frames"] == 10
    maps, rate = frames(tmp_path / "out/film.webm")
    assert maps.shape == (10, 64, 96, 3)
    assert rate == 20
    brightest = [map_[..., 0].mean(axis=0).argmax() for map_ in maps]
    assert all(8 * n - 3 <= column <= 8 * n + 19 for n, column in enumerate(brightest))
    shares = facts["regions"]["left"]["share"]
    assert shares[0] > 0.55
    assert shares[9] < 0.45
    overlays, _ = frames(tmp_path / "out/film_overlay.webm")
    assert overlays.shape == maps.shape
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["film.webm", "film_overlay.webm"]


@pytest.mark.parametrize("size", [(63, 95), (64, 95), (63, 96)])
def test_a_video_of_odd_sides_keeps_all_its_pixels_and_its_size_is_told(tmp_path, size):
    rows, columns = size
    frame = np.full((rows, columns, 3), 10, np.uint8)
    frame[:, -1] = frame[-1] = 255  # the last row and column, which must not be lost
    film = [Image.fromarray(np.where(frame == 10, 10 + n, frame).astype("uint8")) for n in range(3)]
    film[0].save(tmp_path / "film.gif", save_all=True, append_images=film[1:])  # OpenCV writes no odd sides
    assert frames(tmp_path / "film.gif")[0].shape == (3, rows, columns, 3)
    facts = predict_video(Brightness(), tmp_path / "film.gif", tmp_path / "out/film")
    for name in ("film.webm", "film_overlay.webm"):
        written, _ = frames(tmp_path / "out" / name)
        assert written.shape[:3] == (3, facts["height"], facts["width"])
        assert (facts["height"], facts["width"]) == (64, 96)
    maps, _ = frames(tmp_path / "out/film.webm")
    assert maps[:, rows - 1].min() > 150
    assert maps[:, :, columns - 1].min() > 150
    assert maps[:, : rows - 4, : columns - 4].max() < 90
    alone = Outputs(map=False, overlay=False, regions=(Region.parse("all:0%,0%,100%,100%"),))
    facts = predict_video(Brightness(), tmp_path / "film.gif", tmp_path / "out/none", alone)
    assert (facts["height"], facts["width"]) == size  # no video, but the frames'


def test_every_third_frame_keeps_the_videos_duration(film, tmp_path):
    facts = predict_video(Brightness(), film, tmp_path / "out/film", Outputs(overlay=False), every=3)
    maps, rate = frames(tmp_path / "out/film.webm")
    assert facts["frames"] == len(maps) == 4  # 0, 3, 6, 9
    assert rate == pytest.approx(20 / 3, rel=1e-3)


def test_of_frames_further_apart_than_the_video_is_long_the_first_is_written(film, tmp_path):
    facts = predict_video(Brightness(), film, tmp_path / "out/film", every=30_000)
    maps, rate = frames(tmp_path / "out/film.webm")
    assert facts["frames"] == len(maps) == 1
    assert maps[0, ..., 0].mean(axis=0).argmax() < 16  # the square's first place
    assert rate == pytest.approx(facts["frames_per_second"], abs=6e-4)


@pytest.mark.parametrize("size", [(2, 2), (6, 2), (16, 16), (64, 48), (320, 240)])
def test_a_video_however_small_keeps_all_its_frames(tmp_path, size):
    film = [Image.new("RGB", size, (20 * n, 0, 0)) for n in range(6)]
    for milliseconds in (20, 10_000):
        film[0].save(
            tmp_path / "film.gif", save_all=True, append_images=film[1:], duration=milliseconds, loop=0
        )
        for every in (1, 3):
            facts = predict_video(Brightness(), tmp_path / "film.gif", tmp_path / "out/film", every=every)
            for name in ("film.webm", "film_overlay.webm"):
                written, rate = frames(tmp_path / "out" / name)
                assert len(written) == facts["frames"] == 6 // every
                assert rate == pytest.approx(
                    facts["frames_per_second"], abs=6e-4
                )  # it is written in thousandths


def test_a_region_outside_a_video_is_told_as_one_outside_an_image(film, tmp_path):
    outputs = Outputs(map=False, overlay=False, regions=(Region.parse("logo:200,0,9,9"),))
    with pytest.warns(UserWarning, match=r"region logo lies outside .*film\.avi"):
        assert predict_video(Brightness(), film, tmp_path / "out/film", outputs)["frames"] == 10


def test_a_video_that_the_disk_does_not_take_is_one_line_and_no_file(film, tmp_path):
    out, outputs = tmp_path / "out", Outputs(overlay=False)
    predict_video(Brightness(), film, out / "film", outputs)
    whole = (out / "film.webm").stat().st_size
    for limit in (0, 1, 100, whole // 3, whole - 300, whole - 100, whole - 8, whole - 1):
        (out / "film.webm").write_bytes(b"old")
        with no_file_above(limit), pytest.raises(InputError, match=r"cannot write .*film\.webm: ") as caught:
            predict_video(Brightness(), film, out / "film", outputs)
        assert "\n" not in str(caught.value)
        assert [(path.name, path.read_bytes()) for path in out.iterdir()] == [("film.webm", b"old")], limit
    with no_file_above(2 * whole):
        predict_video(Brightness(), film, out / "film", outputs)
    assert len(frames(out / "film.webm")[0]) == 10


def test_what_a_killed_process_left_of_a_video_goes_with_the_next(film, tmp_path):
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    here = partial_beside(tmp_path / "film.webm").name.replace(str(os.getpid()), str(gone.pid)) + "-0123abcd"
    elsewhere = f".film.webm.partial-1-{'0' * 8}-0123abcd"
    for name in (here, elsewhere):
        (tmp_path / "out" / name).mkdir(parents=True)
        (tmp_path / "out" / name / "film.webm").write_text("half")
    predict_video(Brightness(), film, tmp_path / "out/film", Outputs(overlay=False))
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == sorted(["film.webm", elsewhere])


def test_where_a_video_goes_a_folder_is_left_alone_and_a_refusal_stays_what_it_was(film, tmp_path):
    class Refusing(Brightness):
        def stream(self, *_, **__):
            raise UnreadableVideo("film.webm: [Errno 5] Input/output error")

        saliency_map = saliency_maps = stream

    (tmp_path / "out/film.webm").mkdir(parents=True)
    with pytest.raises(InputError, match=r"cannot write .*film\.webm: it is a folder$"):
        predict_video(Brightness(), film, tmp_path / "out/film", Outputs(overlay=False))
    with pytest.raises(UnreadableVideo, match=r"^film\.webm: \[Errno 5\]"):
        predict_video(Refusing(), film, tmp_path / "other/film")
    assert [str(path.relative_to(tmp_path)) for path in (tmp_path / "out").rglob("*")] == ["out/film.webm"]
    assert not list((tmp_path / "other").iterdir())


def test_a_file_that_is_no_video_is_refused_and_leaves_nothing(tmp_path):
    (tmp_path / "no.mp4").write_bytes(b"no film")
    with pytest.raises(UnreadableVideo, match=r"no\.mp4"):
        predict_video(Brightness(), tmp_path / "no.mp4", tmp_path / "out/no")
    assert not list((tmp_path / "out").iterdir())


def test_videos_get_names_of_their_own_and_have_no_arrays(tmp_path):
    videos = [tmp_path / "a.mp4", tmp_path / "a.mov", tmp_path / "b.webm"]
    stems = video_stems(videos, tmp_path / "out", Outputs())
    assert [stem.name for stem in stems.values()] == ["a_mp4", "a_mov", "b"]
    with pytest.raises(InputError, match=r"b\.webm is an input itself"):
        video_stems(videos, tmp_path, Outputs())
    with pytest.raises(InputError, match="several inputs are named a"):
        video_stems([tmp_path / "a.mp4", tmp_path / "c/a.mp4"], tmp_path / "out", Outputs())
    (tmp_path / "a.webm").touch()
    with pytest.raises(InputError, match=r"a\.webm lies among the inputs"):
        video_stems([tmp_path / "a.mov"], tmp_path, Outputs())
    with pytest.raises(InputError, match=r"both write a_overlay\.webm"):
        video_stems([tmp_path / "a.mov", tmp_path / "a_overlay.mov"], tmp_path / "out", Outputs())
    with pytest.raises(InputError, match="--npy is for images"):
        video_stems(videos, tmp_path / "out", Outputs(npy=True))


@pytest.mark.ci
def test_a_browser_plays_the_videos(film, tmp_path):
    predict_video(Brightness(), film, tmp_path / "out/film")
    page = tmp_path / "page.html"
    page.write_text("<!doctype html><video id=it muted autoplay src=out/film_overlay.webm></video>")
    with chromium(tmp_path / "profile") as browser:
        browser.get(page.as_uri())
        shown = browser.execute_async_script(
            "const done = arguments[0], video = document.getElementById('it');"
            "const look = () => video.error ? done(video.error.message) : video.currentTime > 0 ? "
            "done(video.videoWidth) : setTimeout(look, 50); look();"
        )
    assert shown == 96


def test_an_opencv_without_vp8_is_one_line_and_no_file(film, tmp_path, monkeypatch):
    monkeypatch.setattr(video, "CODEC", "none")
    with pytest.raises(InputError, match=r"film\.webm: .* this build of OpenCV has no VP8$"):
        predict_video(Brightness(), film, tmp_path / "out/film")
    assert not list((tmp_path / "out").iterdir())


def test_the_encoder_writes_no_line_and_others_still_do(film, tmp_path, capfd):
    for _ in range(5):
        predict_video(Brightness(), film, tmp_path / "out/film")
    os.write(2, b"after them")
    assert capfd.readouterr() == ("", "after them")


def test_pictures_are_stretched_and_arrays_are_not(tmp_path):
    path = tmp_path / "a.png"
    Image.fromarray(np.uint8([[[100] * 3, [110] * 3], [[120] * 3, [150] * 3]])).save(path)
    predict([path], tmp_path / "out", Outputs(npy=True, stretch="min-max"))
    assert np.asarray(Image.open(tmp_path / "out/a.png")).tolist() == [[0, 51], [102, 255]]
    np.testing.assert_allclose(
        np.load(tmp_path / "out/a.npy"), np.array([[100, 110], [120, 150]]) / 255, atol=1e-6
    )
