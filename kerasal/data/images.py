"""Reading stimuli and maps from files, and writing pictures."""

import io
import warnings
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from kerasal._files import write_encoded
from kerasal.errors import InputError

IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".webp", ".gif")
MAP_SUFFIXES = (*IMAGE_SUFFIXES, ".npy")


# What an image may be, wherever it is read: a side of what a JPEG of its overlay can have; and in all as many
# pixels as Pillow lets pass. Predicting takes 300 MB and 24 bytes a pixel, with other networks than the
# paper's up to 40, whatever the shape.
LARGEST_SIDE = 65_500
LARGEST_IMAGE = 178_956_970


class ImageTooLarge(InputError):
    """An image with a longer side or more pixels than are allowed."""


def list_files(folder: Path | str, suffixes: tuple[str, ...]) -> list[Path]:
    """The files of a folder with one of these suffixes, in any case, sorted by name; no hidden ones.

    InputError: no such folder, or nothing in it.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise InputError(f"no folder {folder}")
    files = sorted(
        path for path in folder.iterdir() if path.suffix.lower() in suffixes and not path.name.startswith(".")
    )
    if not files:
        raise InputError(f"no files in {folder} that end in {', '.join(suffixes)}")
    return files


def read_image(path: Path | str, *, exif: bool = False) -> np.ndarray:
    """A stimulus as (H, W, 3) uint8 RGB, whatever the file holds: grey, palette, alpha, 16 bits, CMYK.

    Transparent parts are laid on white. `exif` turns the image as its orientation tag says: right for
    photographs, wrong for data sets, whose coordinates refer to the stored pixels.
    InputError: not an image, cut off, or not readable.
    """
    return _to_rgb(_open(path), path, exif=exif)


def decode_image(data: bytes, name: Path | str) -> np.ndarray:
    """What `read_image` makes of a file that holds these bytes. InputError, with that name."""
    return _to_rgb(_open(io.BytesIO(data), name=str(name)), name)


def read_upload(content: bytes, max_pixels: int) -> np.ndarray:
    """A stranger's image file as `read_image` reads it, turned by its EXIF tag.

    Only the formats of IMAGE_SUFFIXES are tried, and too large an image is refused before it is unpacked.
    InputError: not such an image, or cut off. ImageTooLarge: more than `max_pixels`.
    """
    formats = ("JPEG", "PNG", "BMP", "TIFF", "WEBP", "GIF")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of what is odd in a stranger's file nobody here wants to know
        image = _open(io.BytesIO(content), name="upload", formats=formats, max_pixels=max_pixels)
        return _to_rgb(image, "upload", exif=True)


def write_picture(path: Path, picture: Image.Image, **options) -> Path:
    """Write a picture in the format that the path's suffix names; `options` are Pillow's.

    InputError: it cannot be written.
    """
    format = Image.registered_extensions()[path.suffix.lower()]
    return write_encoded(path, lambda stream: picture.save(stream, format, **options))


def to_rgb(image: Image.Image, *, exif: bool = False) -> np.ndarray:
    """A Pillow image of any mode as (H, W, 3) uint8 RGB, as `read_image` does it."""
    if exif:
        image = ImageOps.exif_transpose(image)
    if image.mode in ("I;16", "I;16B", "I;16L", "I"):
        deep = np.asarray(image)
        shades = (np.clip(deep / 257, 0, 255) + 0.5 if deep.max() > 255 else np.maximum(deep, 0)).astype(
            "uint8"
        )
        return np.repeat(shades[..., None], 3, axis=2)
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return np.array(image.convert("RGB"))


def padded_box(size: tuple[int, int], outer: tuple[int, int]) -> tuple[slice, slice]:
    """Where an image of `size` (rows, columns) lies in `outer`, resized at its aspect ratio and centred.

    In whole-number divisions, as the reference codes of ML-Net and SAM have it.
    """
    (height, width), (rows, columns) = size, outer
    inner = max(1, min(rows, height * columns // width)), max(1, min(columns, width * rows // height))
    top, left = ((total - part) // 2 for total, part in zip(outer, inner, strict=True))
    return slice(top, top + inner[0]), slice(left, left + inner[1])


def pad_image(image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """An image (H, W, 3), uint8, resized to lie in `size` as `padded_box` says, with zeros around it.

    `kerasal.layers.pad_stimuli` is the same for every backend.
    """
    padded = np.zeros((*size, 3), "uint8")
    box = padded_box(image.shape[:2], size)
    padded[box] = cv2.resize(image, padded[box].shape[1::-1])
    return padded


def read_map(path: Path | str) -> np.ndarray:
    """A density, saliency or fixation map as (H, W) float64, from an image's grey levels or a .npy file.

    InputError: not readable, not two-dimensional, or values that are negative or not finite.
    """
    path = Path(path)
    if path.suffix.lower() == ".npy":
        array = read_npy(path)
        if array.ndim > 2:
            array = np.squeeze(array)
        array = array.astype("float64")
    else:
        image = _open(path)
        array = np.asarray(image if image.mode.startswith("I") else image.convert("L")).astype("float64")
    if array.ndim != 2 or array.size == 0:
        raise InputError(f"{path} must hold a two-dimensional map, got shape {array.shape}")
    if not np.isfinite(array).all() or array.min() < 0:
        raise InputError(f"{path} has negative or non-finite values: a map is non-negative")
    return array


def read_npy(path: Path | str) -> np.ndarray:
    """A numeric array from a .npy file, never unpickling. InputError: not such a file."""
    try:
        with open(path, "rb") as file:
            if file.read(4) == b"PK\x03\x04":
                raise InputError(f"{path} is a ZIP archive, as .npz files are: save one array with np.save")
        # Mapped first: a few bytes that tell of a larger array than follows take no memory for it.
        array = np.load(path, mmap_mode="r", allow_pickle=False)
        array = np.array(array) if isinstance(array, np.memmap) else array
    except InputError:
        raise
    except Exception as error:  # a damaged header makes NumPy raise whatever it comes to
        raise InputError(f"cannot read {path} as a .npy array: {_one_line(error)}") from None
    if array.dtype.kind not in "biuf":
        raise InputError(f"{path} does not hold one numeric array")
    return array


def check_size(name: str, width: int, height: int, max_pixels: int = LARGEST_IMAGE) -> None:
    """ImageTooLarge: a side above `LARGEST_SIDE`, or more pixels than `max_pixels`."""
    if max(width, height) > LARGEST_SIDE:
        raise ImageTooLarge(
            f"{name} has {width}x{height} pixels, and no side may have more than {LARGEST_SIDE:,}: shrink it"
        )
    if width * height > max_pixels:
        raise ImageTooLarge(f"{name} has {width}x{height} pixels, more than {max_pixels:,}: shrink it")


def _open(file, name: str | None = None, formats=None, max_pixels: int = LARGEST_IMAGE) -> Image.Image:
    try:
        image = Image.open(file, formats=formats)
        check_size(name or str(file), *image.size, max_pixels)
        if image.format == "PNG":
            image.verify()  # its checksums, which are not looked at in loading
            if isinstance(file, io.BytesIO):
                file.seek(0)
            image = Image.open(file, formats=formats)
        image.load()  # Pillow is lazy: only this finds a file that was cut off
    except (InputError, MemoryError):
        raise
    except Image.DecompressionBombError as error:
        raise ImageTooLarge(f"cannot read image {name or file}: {_one_line(error)}") from None
    except UnidentifiedImageError:
        raise InputError(f"cannot read image {name or file}: not a kind of image that is known") from None
    except Exception as error:  # a damaged file makes Pillow's readers raise nearly anything
        raise InputError(f"cannot read image {name or file}: {_one_line(error)}") from None
    return image


def _to_rgb(image: Image.Image, name: Path | str, *, exif: bool = False) -> np.ndarray:
    try:
        return to_rgb(image, exif=exif)
    except Exception as error:  # a damaged palette or tag, for one
        raise InputError(f"cannot read image {name}: {_one_line(error)}") from None


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:300] or type(error).__name__
