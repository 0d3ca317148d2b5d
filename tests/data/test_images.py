import io

import numpy as np
import pytest
from conftest import write_photo
from PIL import Image

from kerasal.data.images import (
    GREY_TOLERANCE,
    ORIENTATION,
    ImageTooLarge,
    list_files,
    map_size,
    read_image,
    read_map,
    read_upload,
)
from kerasal.errors import InputError


@pytest.fixture
def colors() -> np.ndarray:
    return np.arange(4 * 6 * 3, dtype=np.uint8).reshape(4, 6, 3)


def test_png_is_read_exactly(tmp_path, colors):
    Image.fromarray(colors).save(tmp_path / "a.png")
    np.testing.assert_array_equal(read_image(tmp_path / "a.png"), colors)


def test_grey_image_gets_three_equal_channels(tmp_path, colors):
    Image.fromarray(colors[..., 0]).save(tmp_path / "a.png")
    np.testing.assert_array_equal(read_image(tmp_path / "a.png"), np.repeat(colors[..., :1], 3, axis=2))


def test_sixteen_bit_image_is_scaled_to_eight(tmp_path):
    deep = np.array([[0, 257, 65535], [128 * 257, 2570, 1000]], dtype=np.uint16)
    Image.fromarray(deep).save(tmp_path / "a.png")
    np.testing.assert_array_equal(read_image(tmp_path / "a.png")[..., 1], [[0, 1, 255], [128, 10, 4]])


def test_transparent_pixels_become_white(tmp_path, colors):
    alpha = np.full((4, 6, 1), 255, np.uint8)
    alpha[1, 2] = 0
    Image.fromarray(np.concatenate([colors, alpha], axis=2)).save(tmp_path / "a.png")
    image = read_image(tmp_path / "a.png")
    assert image[1, 2].tolist() == [255, 255, 255]
    np.testing.assert_array_equal(image[0], colors[0])


def test_palette_image_is_read_in_its_colors(tmp_path):
    image = Image.new("P", (3, 2))
    image.putpalette([10, 20, 30, 200, 100, 50])
    image.putpixel((2, 1), 1)
    image.save(tmp_path / "a.gif")
    assert read_image(tmp_path / "a.gif")[1, 2].tolist() == [200, 100, 50]


def test_exif_orientation_is_followed(tmp_path, colors):
    image = Image.fromarray(colors)
    exif = image.getexif()
    exif[0x0112] = 6  # to be turned a quarter clockwise
    image.save(tmp_path / "a.png", exif=exif)
    np.testing.assert_array_equal(read_image(tmp_path / "a.png"), np.rot90(colors, -1))


@pytest.mark.parametrize("suffix", ["jpg", "png"])
def test_truncated_image_is_refused_by_name(tmp_path, suffix):
    path = tmp_path / f"cut.{suffix}"
    write_photo(path, (60, 90))
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(InputError, match=rf"cannot read image .*cut\.{suffix}") as error:
        read_image(path)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("content", [b"", b"hello", b"\x89PNG\r\n\x1a\n" + b"\0" * 30])
def test_what_is_no_image_is_refused_by_name(tmp_path, content):
    (tmp_path / "no.png").write_bytes(content)
    with pytest.raises(InputError, match=r"no\.png"):
        read_image(tmp_path / "no.png")


def test_upload_is_read_upright_and_too_large_ones_are_refused_before_they_are_unpacked(colors):
    file = io.BytesIO()
    image = Image.fromarray(colors)
    exif = image.getexif()
    exif[0x0112] = 6
    image.save(file, "png", exif=exif)
    np.testing.assert_array_equal(read_upload(file.getvalue(), 24), np.rot90(colors, -1))
    with pytest.raises(ImageTooLarge, match="6x4"):
        read_upload(file.getvalue()[: file.getvalue().index(b"IDAT") + 9], 23)  # no pixel of it is there
    with pytest.raises(InputError, match="upload"):
        read_upload(b"%!PS-Adobe-3.0 EPSF-3.0", 100)  # Pillow would hand it to Ghostscript


def test_files_are_listed_by_suffix_in_any_case_without_hidden_ones(tmp_path):
    for name in ("b.JPG", "a.jpg", "._a.jpg", "notes.txt"):
        (tmp_path / name).touch()
    assert [path.name for path in list_files(tmp_path, (".jpg",))] == ["a.jpg", "b.JPG"]


def test_missing_and_empty_folders_are_refused(tmp_path):
    with pytest.raises(InputError, match="no folder"):
        list_files(tmp_path / "nowhere", (".jpg",))
    with pytest.raises(InputError, match="no files in"):
        list_files(tmp_path, (".jpg",))


def test_map_is_read_from_grey_levels_and_from_npy(tmp_path):
    values = np.array([[0, 5, 255], [7, 8, 9]], dtype=np.uint8)
    Image.fromarray(values).save(tmp_path / "m.png")
    np.save(tmp_path / "m.npy", values / 3)
    np.testing.assert_array_equal(read_map(tmp_path / "m.png"), values)
    np.testing.assert_array_equal(read_map(tmp_path / "m.npy"), values / 3)


@pytest.mark.parametrize(
    "array", [np.array([[1.0, -0.1]]), np.array([[np.nan, 1.0]]), np.ones((2, 3, 4)), np.array([["a", "b"]])]
)
def test_map_that_is_negative_not_finite_or_not_flat_is_refused(tmp_path, array):
    np.save(tmp_path / "m.npy", array)
    with pytest.raises(InputError, match=r"m\.npy"):
        read_map(tmp_path / "m.npy")


@pytest.mark.parametrize(
    "shape", [(5, 7), (1, 5, 7), (5, 7, 1), (1, 5, 1), (5, 7, 3), (7,), (2, 5, 7), (0, 5)]
)
def test_the_size_of_a_map_is_told_by_its_header(tmp_path, shape):
    path = tmp_path / "map.npy"
    np.save(path, np.ones(shape))
    assert told(map_size, path) == told(lambda path: read_map(path).shape, path)


@pytest.mark.parametrize("orientation", [1, 3, 6])
@pytest.mark.parametrize("suffix", ["jpg", "png", "tiff", "webp"])
def test_the_size_of_a_map_file_is_that_of_the_upright_map(tmp_path, suffix, orientation):
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    path = tmp_path / f"map.{suffix}"
    Image.new("L", (7, 5), 9).save(path, exif=exif)
    assert map_size(path) == read_map(path).shape == ((7, 5) if orientation == 6 else (5, 7))


@pytest.mark.parametrize("suffix", ["png", "npy"])
@pytest.mark.parametrize("kept", [0.4, 0.99])
def test_a_map_that_was_cut_off_is_told_without_unpacking_it(tmp_path, suffix, kept):
    path, noise = tmp_path / f"map.{suffix}", np.random.default_rng(0).integers(0, 256, (50, 60), "uint8")
    np.save(path, noise) if suffix == "npy" else Image.fromarray(noise).save(path)
    assert map_size(path) == (50, 60)
    path.write_bytes(path.read_bytes()[: int(kept * path.stat().st_size)])
    with pytest.raises(InputError, match=path.name):
        map_size(path)


@pytest.mark.parametrize("channel", range(3))
@pytest.mark.parametrize(("levels", "is_refused"), [(GREY_TOLERANCE, False), (GREY_TOLERANCE + 1, True)])
def test_one_coloured_pixel_makes_a_map_a_heat_map(tmp_path, channel, levels, is_refused):
    colors = np.full((5, 7, 3), 100, "uint8")
    colors[3, 4, channel] += levels
    Image.fromarray(colors).save(tmp_path / "map.png")
    found = told(read_map, tmp_path / "map.png")
    assert ("is an image of colours" in found) if is_refused else (found.shape == (5, 7))


def told(function, path):
    """What it returns, or its InputError."""
    try:
        return function(path)
    except InputError as error:
        return str(error)


def test_pickled_array_is_never_loaded(tmp_path):
    np.save(tmp_path / "m.npy", np.array([object()]), allow_pickle=True)
    with pytest.raises(InputError, match=r"m\.npy"):
        read_map(tmp_path / "m.npy")
