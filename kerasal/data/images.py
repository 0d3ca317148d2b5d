"""Reading stimuli and maps from files, and writing pictures.

What a number of a pixel means follows from its type and never from the values: docs/datasets.md has the table
that `to_rgb` and `as_rgb` follow, for files, arrays and tensors alike. Every image is turned as its EXIF
orientation says: a person looked at the turned photograph, and fixations are recorded on it.
"""

import io
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, UnidentifiedImageError

from kerasal._files import write_encoded
from kerasal._stimuli import eight_bits
from kerasal.data.names import check_folder, visible
from kerasal.errors import InputError, one_line, reading

# What is read, by the names that Pillow gives the formats, and the endings that files of each have.
FORMATS = {
    "JPEG": (".jpg", ".jpeg", ".jpe", ".jfif"),
    "PNG": (".png",),
    "GIF": (".gif",),
    "BMP": (".bmp", ".dib"),
    "TIFF": (".tif", ".tiff"),
    "WEBP": (".webp",),
    "AVIF": (".avif",),
    "JPEG2000": (".jp2",),
    "PPM": (".ppm", ".pgm", ".pbm", ".pnm", ".pfm"),
}
IMAGE_SUFFIXES = tuple(suffix for suffixes in FORMATS.values() for suffix in suffixes)
MAP_SUFFIXES = (*IMAGE_SUFFIXES, ".npy")

ORIENTATION = 0x0112  # the EXIF tag, 1 to 8; TIFF has the same
# What shows an image of that orientation as it was seen; 1 is upright.
TURNS: dict[int, Callable[[np.ndarray], np.ndarray]] = {
    2: np.fliplr,
    3: lambda pixels: np.rot90(pixels, 2),
    4: np.flipud,
    5: lambda pixels: pixels.swapaxes(0, 1),
    6: lambda pixels: np.rot90(pixels, -1),
    7: lambda pixels: np.rot90(pixels, 2).swapaxes(0, 1),
    8: np.rot90,
}
BITS_PER_SAMPLE, PHOTOMETRIC, SAMPLE_FORMAT = 258, 262, 339  # tags of TIFF
UNSIGNED, SIGNED = 1, 2  # values of SAMPLE_FORMAT

GREY_MODES = ("1", "L", "LA", "La")  # Pillow's names of what can hold no colour
GREY_TOLERANCE = 8  # levels of 255 between the channels of a grey map: what JPEG does to it
ASPECT_TOLERANCE = 0.02  # the shares of sides that networks round up to, such as 608 for 600

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
    check_folder(folder)
    files = [path for path in visible(folder) if path.suffix.lower() in suffixes]
    if not files:
        raise InputError(f"no files in {folder} that end in {', '.join(suffixes)}")
    return files


def read_image(path: Path | str) -> np.ndarray:
    """A stimulus as (H, W, 3) uint8 RGB, upright, whatever the file holds: see `to_rgb`.

    InputError: not an image, cut off, not readable, or of values that are no picture's.
    """
    return _to_rgb(_open(path), path)


def decode_image(data: bytes, name: Path | str) -> np.ndarray:
    """What `read_image` makes of a file that holds these bytes. InputError, with that name."""
    return _to_rgb(_open(io.BytesIO(data), name=str(name)), name)


def read_upload(content: bytes, max_pixels: int) -> np.ndarray:
    """A stranger's image file as `read_image` reads it.

    Only the formats of FORMATS are tried, and too large an image is refused before it is unpacked.
    InputError: not such an image, or cut off. ImageTooLarge: more than `max_pixels`.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of what is odd in a stranger's file nobody here wants to know
        image = _open(io.BytesIO(content), name="upload", formats=tuple(FORMATS), max_pixels=max_pixels)
        return _to_rgb(image, "upload")


def write_picture(path: Path, picture: Image.Image, **options) -> Path:
    """Write a picture in the format that the path's suffix names; `options` are Pillow's.

    InputError: it cannot be written, or is larger than a JPEG can be.
    """
    format = Image.registered_extensions()[path.suffix.lower()]
    if format == "JPEG" and max(picture.size) > LARGEST_SIDE:
        raise InputError(
            f"cannot write {path}: it would have {picture.width}x{picture.height} pixels, and a JPEG has at "
            f"most {LARGEST_SIDE:,} on a side: put less into it, such as no colour bar"
        )
    return write_encoded(path, lambda stream: picture.save(stream, format, **options))


def to_rgb(image: Image.Image) -> np.ndarray:
    """A Pillow image of any mode as (H, W, 3) uint8 RGB, upright: grey, palette, CMYK, 1 to 32 bits.

    Transparent parts are laid on white. InputError: numbers that `as_rgb` refuses.
    """
    image.load()
    numbers = _numbers(image)
    if numbers is not None:
        if isinstance(clear := image.info.get("transparency"), int):  # the level of transparent pixels
            numbers = np.where(numbers == clear, np.iinfo(numbers.dtype).max, numbers)
        return as_rgb(_upright(numbers, image))
    colors = _on_white(image.convert("RGBA")) if _has_alpha(image) else image.convert("RGB")
    return _upright(np.array(colors), image)


def as_rgb(array: np.ndarray) -> np.ndarray:
    """An array (H, W), (H, W, 1), (H, W, 3) RGB or (H, W, 4) with alpha as (H, W, 3) uint8 RGB.

    White is True of bool, 255 of uint8, 65535 of uint16. All other numbers, signed, longer or with a point,
    lie between 0 and 255. Transparent parts are laid on white.
    InputError: another shape or type; values outside; numbers with a point none of which is above 1.
    """
    if array.ndim == 2:
        array = array[..., None]
    if array.ndim != 3 or array.shape[2] not in (1, 3, 4) or 0 in array.shape:
        hint = ""
        if array.ndim == 3 and array.shape[0] in (1, 3, 4):
            hint = ": channels come last"
        elif array.ndim == 4:
            hint = ": give a batch by itself, without a list around it"
        raise InputError(f"an image is (H, W), (H, W, 1), (H, W, 3) or (H, W, 4), got {array.shape}{hint}")
    levels = eight_bits(array)
    if levels.shape[2] == 4:
        return np.array(_on_white(Image.fromarray(levels)))
    return np.repeat(levels, 3, axis=2) if levels.shape[2] == 1 else levels


def orientation(image: Image.Image) -> int:
    """How a viewer turns an image: its EXIF orientation, 1 where there is none or it makes no sense.

    TIFF files have been turned by Pillow once they are loaded, and then say nothing of it.
    """
    try:
        turned = image.getexif().get(ORIENTATION, 1)
    except Exception:  # a damaged tag makes Pillow raise nearly anything, and viewers pass over it
        return 1
    return turned if turned in TURNS else 1


def file_orientation(path: Path) -> int:
    """The EXIF orientation of an image file, from its header; 1 where Pillow cannot read it."""
    try:
        with Image.open(path) as image:
            # A PNG has it anywhere in the file, and Pillow unpacks all of it to find none.
            if image.format == "PNG" and not any(
                mark in path.read_bytes() for mark in (b"eXIf", b"adobe.xmp")
            ):
                return 1
            return orientation(image)
    except Exception:  # reading the file names what is wrong with it
        return 1


def image_size(path: Path) -> tuple[int, int]:
    """(rows, columns) of an image file, upright, from its header.

    InputError: no such file, no image, too large.
    """
    if not path.exists():
        raise InputError(f"{path} is missing")
    with reading(f"cannot read image {path}"), Image.open(path) as image:
        columns, rows = image.size
        # Pillow gives the size of a TIFF as that of the upright image at once.
        on_its_side = image.format != "TIFF" and file_orientation(path) >= 5
    check_size(str(path), columns, rows)
    return (columns, rows) if on_its_side else (rows, columns)


def same_aspect(found: tuple[int, int], size: tuple[int, int]) -> bool:
    """Whether a map of one size (rows, columns) is an image of the other made smaller or larger.

    Sides may be rounded to whole pixels either way, and aspects differ by ASPECT_TOLERANCE. A single
    pixel, to which nearly every aspect could be rounded, is the image of another alone.
    """
    (rows, columns), (height, width) = found, size
    if found == (1, 1):
        return size == (1, 1)
    rounded = abs(rows - columns * height / width) < 1 or abs(columns - rows * width / height) < 1
    return rounded or abs(rows * width / (columns * height) - 1) <= ASPECT_TOLERANCE


def both_sizes(found: tuple[int, int], size: tuple[int, int]) -> str:
    """Both sizes (rows, columns), of a map and of its image, and whether the map would fit transposed."""
    fits = not same_aspect(found, size) and same_aspect(found[::-1], size)
    text = f"{found[1]}x{found[0]} and {size[1]}x{size[0]}, width x height"
    return text + ("; transposed it would fit" if fits else "")


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
    """A density or saliency map as (H, W) float64, in the numbers of an image of grey levels or a .npy file.

    InputError: not readable, not two-dimensional, in colours or in an alpha channel, or values that are
    negative or not finite.
    """
    path = Path(path)
    array = read_npy(path) if path.suffix.lower() == ".npy" else _grey_levels(path)
    array = array.reshape(_map_shape(path, array.shape)).astype("float64", order="C")
    if not np.isfinite(array).all() or array.min() < 0:
        raise InputError(f"{path} has negative or non-finite values: a map is non-negative")
    return array


def map_size(path: Path) -> tuple[int, int]:
    """(rows, columns) of a map that `read_map` reads, unpacking nothing.

    InputError: not readable, of a PNG or a .npy file also cut off, or not two-dimensional.
    """
    if path.suffix.lower() == ".npy":
        return _map_shape(path, _mapped(path).shape)
    size = image_size(path)
    with reading(f"cannot read image {path}"), Image.open(path) as image:
        image.verify()  # checksums, which only PNG has
    return size


def _map_shape(path: Path, shape: tuple[int, ...]) -> tuple[int, int]:
    """(rows, columns) of a map, whose file may have one channel more."""
    sides = shape[1:] if len(shape) == 3 and shape[0] == 1 else shape
    sides = sides[:2] if len(sides) == 3 and sides[2] == 1 else sides
    if len(sides) != 2 or 0 in sides:
        raise InputError(f"{path} must hold a two-dimensional map, got shape {shape}")
    return sides


def read_marks(path: Path | str) -> np.ndarray:
    """What tells the pixels of an image file apart, (H, W): grey levels, or colours as one number each.

    InputError: as `read_image`.
    """
    image = _open(path)
    with _decoding(path):
        numbers = _numbers(image)
        if numbers is not None:
            return _upright(numbers, image)
    colors = _to_rgb(image, path)
    is_grey = (colors == colors[..., :1]).all()
    return colors[..., 0] if is_grey else colors @ np.array([65536, 256, 1])


def read_npy(path: Path | str) -> np.ndarray:
    """A numeric array from a .npy file, never unpickling. InputError: not such a file."""
    array = _mapped(path)
    with reading(f"cannot read {path} as a .npy array"):
        return np.array(array)


def _mapped(path: Path | str) -> np.ndarray:
    """The array of a .npy file, not read yet: a few bytes that tell of more than follows take no memory."""
    with reading(f"cannot read {path} as a .npy array"):
        with open(path, "rb") as file:
            if file.read(4) == b"PK\x03\x04":
                raise InputError(f"{path} is a ZIP archive, as .npz files are: save one array with np.save")
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    if not isinstance(array, np.ndarray) or array.dtype.kind not in "biuf":
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
        # Not by its path: Pillow would map the file into memory, and garbles a TIFF so that lies on its side.
        with open(file, "rb") if isinstance(file, str | Path) else nullcontext(file) as stream:
            image = Image.open(stream, formats=formats)
            check_size(name or str(file), *image.size, max_pixels)
            if image.format == "PNG":
                image.verify()  # its checksums, which are not looked at in loading
                stream.seek(0)
                image = Image.open(stream, formats=formats)
            image.load()  # Pillow is lazy: only this finds a file that was cut off
    except (InputError, MemoryError):
        raise
    except Image.DecompressionBombError as error:
        raise ImageTooLarge(f"cannot read image {name or file}: {one_line(error)}") from None
    except UnidentifiedImageError:
        raise InputError(
            f"cannot read image {name or file}: not a kind of image, or of its pixels, that is known"
        ) from None
    except Exception as error:  # a damaged file makes Pillow's readers raise nearly anything
        raise InputError(f"cannot read image {name or file}: {one_line(error)}") from None
    return image


@contextmanager
def _decoding(name: Path | str) -> Iterator[None]:
    """Whatever this block raises, as Pillow does of a damaged palette, becomes an InputError of `name`."""
    try:
        yield
    except Exception as error:
        raise InputError(f"cannot read image {name}: {one_line(error)}") from None


def _to_rgb(image: Image.Image, name: Path | str) -> np.ndarray:
    with _decoding(name):
        return to_rgb(image)


def _numbers(image: Image.Image) -> np.ndarray | None:
    """The pixels (H, W) of a grey image that are more than 8 bits or signed, in their own type; else None.

    Pillow's mode says less than the file does: signed bytes pass for unsigned ones, 32 unsigned bits for
    signed ones, 12 bits and 16 that count from white for plain 16.
    """
    tags = getattr(image, "tag_v2", {})
    kind, bits = tags.get(SAMPLE_FORMAT, (UNSIGNED,))[0], tags.get(BITS_PER_SAMPLE, (0,))[0]
    pixels = np.asarray(image) if image.mode in ("L", "I", "F") or image.mode.startswith("I;16") else None
    if pixels is None or (image.mode == "L" and kind != SIGNED):
        return None
    if image.mode == "L":
        return pixels.view("int8")
    if image.mode == "F":
        return pixels
    if image.mode == "I" and image.format not in ("PNG", "PPM"):  # whose numbers of 16 bits Pillow makes 32
        return pixels.view("uint32") if image.format == "TIFF" and kind == UNSIGNED else pixels
    pixels = pixels.astype("uint16")  # in this machine's order of bytes
    if bits == 12:
        pixels = np.round(pixels * (65535 / 4095)).astype("uint16")
    return 65535 - pixels if tags.get(PHOTOMETRIC) == 0 else pixels


def _upright(pixels: np.ndarray, image: Image.Image) -> np.ndarray:
    """Pixels of an image that was loaded, turned as its orientation says."""
    turned = orientation(image)
    return np.ascontiguousarray(TURNS[turned](pixels)) if turned in TURNS else pixels


def _has_alpha(image: Image.Image) -> bool:
    return image.getbands()[-1] in "Aa" or "transparency" in image.info


def _is_transparent(image: Image.Image, numbers: np.ndarray | None) -> bool:
    """Whether any pixel of an image is not opaque; `numbers` are what `_numbers` gives of it."""
    if not _has_alpha(image):
        return False
    if numbers is not None:  # and one level of them is transparent
        return bool(np.any(numbers == image.info["transparency"]))
    return np.asarray(image.convert("RGBA"))[..., 3].min() < 255


def _on_white(image: Image.Image) -> Image.Image:
    """An RGBA image without its alpha."""
    return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB")


def _spread(image: Image.Image) -> int:
    """How far apart, of 255, the channels of a pixel lie at the most."""
    if image.mode in GREY_MODES:
        return 0
    red, green, blue = map(np.asarray, image.convert("RGB").split())
    highest, lowest = np.maximum(np.maximum(red, green), blue), np.minimum(np.minimum(red, green), blue)
    return int((highest - lowest).max())


def _grey_levels(path: Path) -> np.ndarray:
    """The pixels (H, W) of an image file of grey levels, also where it stores them as three equal channels.

    InputError: colours, such as a heat map's, of which no number says what they stand for; transparency.
    """
    image = _open(path)
    with _decoding(path):
        numbers = _numbers(image)
        is_transparent = _is_transparent(image, numbers)
        levels = np.asarray(image.convert("L")) if numbers is None else numbers
        spread = _spread(image) if numbers is None else 0
    if is_transparent:
        raise InputError(
            f"{path} is transparent in parts: a map is an opaque image of grey levels; save in grey what "
            "its alpha channel holds, or what that lies on"
        )
    if spread > GREY_TOLERANCE:
        raise InputError(
            f"{path} is an image of colours, a heat map? A map is an image of grey levels or a .npy array: "
            "save the values themselves"
        )
    return _upright(levels, image)
