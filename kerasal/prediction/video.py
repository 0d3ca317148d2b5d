"""Predicting maps of a video, frame by frame: no network here sees motion."""

import contextlib
import os
import threading
import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count, takewhile
from pathlib import Path
from typing import Any, BinaryIO

import cv2
import numpy as np

from kerasal._files import folder_beside, make_folder
from kerasal._threads import ahead
from kerasal.errors import InputError
from kerasal.prediction.attention import attention_share
from kerasal.prediction.files import existing, output_stems
from kerasal.prediction.outputs import Outputs
from kerasal.prediction.predictor import Predictor
from kerasal.prediction.stream import batch_size, predicted

# VP8 in a WebM file: what browsers play and pip's OpenCV writes, in a fifth of VP9's time.
CODEC, SUFFIX = "VP80", ".webm"
SEGMENT, CUES = 0x18538067, 0x1C53BB6B  # elements of such a file: all of it, and its index
SLOWEST = 0.002  # frames a second, of which OpenCV writes thousandths, and none at all of 0.001 and below
FEWEST = 256  # pixels a second: of fewer the encoder, which counts thousands of bits, writes no frame

ONE_AT_A_TIME = threading.Lock()


class UnreadableVideo(InputError):
    """A file from which not one frame can be read."""


def video_stems(videos: list[Path], folder: Path, outputs: Outputs) -> dict[Path, Path]:
    """The path of each video's outputs, but for their suffixes, named as images' are.

    InputError: outputs that videos have not, two videos of one name, or an output that would replace one
    or another's output.
    """
    for name in ("npy", "density", "crop"):
        if videos and getattr(outputs, name):
            raise InputError(f"--{name} is for images, not for videos")
    return output_stems(videos, folder, _suffixes(outputs))


def videos_written_before(stems: dict[Path, Path], outputs: Outputs) -> list[Path]:
    """What `predict_video` would replace, of the stems of `video_stems`."""
    return existing(stems.values(), _suffixes(outputs))


def predict_video(
    predictor: Predictor, path: Path, stem: Path, outputs: Outputs | None = None, *, every: int = 1
) -> dict[str, Any]:
    """Predict each `every`-th frame of a video and write STEM.webm, the maps, and STEM_overlay.webm.

    Each frame's map is stretched to its own maximum. Sound is left out. What is written is VP8 of even sides:
    of odd ones the last column or row comes twice.

    Returns `width`, `height`, `frames` and `frames_per_second` of what was written, and with regions the
    attention share in each frame.
    UnreadableVideo: not a video that OpenCV reads, or frames that the predictor refuses.
    """
    outputs = outputs or Outputs()
    capture = cv2.VideoCapture(str(path))
    pixels = capture.get(cv2.CAP_PROP_FRAME_WIDTH) * capture.get(cv2.CAP_PROP_FRAME_HEIGHT)
    rate = max((capture.get(cv2.CAP_PROP_FPS) or 25) / every, SLOWEST, FEWEST / max(pixels, 1))
    facts: dict[str, Any] = {}
    regions: dict[str, dict[str, Any]] = {region.name: {"share": []} for region in outputs.regions}
    make_folder(stem.parent)

    with (
        contextlib.ExitStack() as files,
        ThreadPoolExecutor(1) as reader,
        ThreadPoolExecutor(1) as writer,
        ThreadPoolExecutor(2) as encoders,
    ):
        videos = {suffix: _Video(stem, suffix, rate, files) for suffix in _suffixes(outputs)}

        def write(item: tuple[int, np.ndarray, np.ndarray]) -> None:
            _, frame, saliency_map = item
            pictures = {}
            if outputs.map:
                pictures[SUFFIX] = cv2.cvtColor(outputs.grey_picture(saliency_map), cv2.COLOR_GRAY2BGR)
            if outputs.overlay:
                pictures[f"_overlay{SUFFIX}"] = outputs.picture(frame, saliency_map)[..., ::-1]
            list(encoders.map(lambda suffix: videos[suffix].add(pictures[suffix]), pictures))
            for region in outputs.regions:
                attention = attention_share(saliency_map, region)
                regions[region.name]["share"].append(attention["share"])
                regions[region.name]["area"] = attention["area"]
            height, width = frame.shape[:2]
            # Where no video is written, what is told of is the frame itself.
            facts.update(width=width + width % 2 * bool(videos), height=height + height % 2 * bool(videos))

        def refused(_: int, error: InputError) -> None:
            raise UnreadableVideo(f"{path}: {error}")  # all its frames have one size

        size = batch_size(predictor)
        frames = ahead(reader, lambda _: _next(capture, every), count(), size)
        stimuli: Iterator = enumerate(takewhile(lambda frame: frame is not None, frames))
        written = sum(1 for _ in ahead(writer, write, predicted(predictor, stimuli, refused), size))
        if not written:
            raise UnreadableVideo(f"cannot read video {path}")
        for video in videos.values():
            video.finish()
    for name, region in regions.items():
        if not region["area"]:
            warnings.warn(f"region {name} lies outside {path}", stacklevel=2)
    facts |= {"frames": written, "frames_per_second": rate}
    if regions:
        facts["regions"] = regions
    return facts


def _suffixes(outputs: Outputs) -> list[str]:
    return [SUFFIX] * outputs.map + [f"_overlay{SUFFIX}"] * outputs.overlay


def _next(capture: cv2.VideoCapture, every: int) -> np.ndarray | None:
    """The next frame as (H, W, 3) uint8 RGB, and past those that are left out; None at the end."""
    read, frame = capture.read()
    for _ in range(every - 1):
        if not capture.grab():
            break  # the end: further calls would look for frames, each for milliseconds
    return np.ascontiguousarray(frame[..., ::-1]) if read else None


class _Video:
    """A video file being written, put in place by `finish`; without it nothing stays once `files` ends."""

    def __init__(self, stem: Path, suffix: str, rate: float, files: contextlib.ExitStack):
        self.path = stem.with_name(stem.name + suffix)
        if self.path.is_dir():
            raise InputError(f"cannot write {self.path}: it is a folder")
        self.partial = files.enter_context(folder_beside(self.path)) / self.path.name
        self.rate = rate
        self.writer = cv2.VideoWriter()
        files.callback(self.writer.release)

    def add(self, frame: np.ndarray) -> None:
        """Append a frame, (H, W, 3) uint8 BGR, brought to even sides; the first one decides the size."""
        height, width = frame.shape[:2]
        # OpenCV would leave out an odd side's last pixels without a word.
        frame = np.pad(frame, ((0, height % 2), (0, width % 2), (0, 0)), "edge")
        if not self.writer.isOpened():
            self._open(frame.shape[1::-1])
        self.writer.write(np.ascontiguousarray(frame))

    def _open(self, size: tuple[int, int]) -> None:
        """Open the file for frames of (columns, rows)."""
        with _no_stderr():  # OpenCV tells that WebM needs no tag for the codec
            opened = self.writer.open(str(self.partial), cv2.VideoWriter.fourcc(*CODEC), self.rate, size)
        if not opened:
            raise InputError(
                f"cannot write {self.path}: the disk is full, or this build of OpenCV has no VP8"
            )

    def finish(self) -> None:
        """Put the file in place. InputError: it is not whole, which OpenCV does not say either."""
        self.writer.release()
        if not _is_whole(self.partial):
            raise InputError(f"cannot write {self.path}: it is not whole, most likely as the disk is full")
        self.partial.replace(self.path)


@contextlib.contextmanager
def _no_stderr() -> Iterator[None]:
    """Nothing is written to stderr, by libraries in C neither."""
    with ONE_AT_A_TIME:  # two threads would each put back what the other had put there
        saved, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 2)
        try:
            yield
        finally:
            os.dup2(saved, 2)
            os.close(saved)
            os.close(nowhere)


def _is_whole(file: Path) -> bool:
    """Whether a WebM file ends where its segment does, and has the index, which is written last.

    It opens, and tells of all its frames, where the last hundred bytes are missing. Elements of Matroska: a
    number that names the kind, a number that counts the bytes, and so many bytes.
    """
    kinds, place, size = set(), 0, file.stat().st_size
    with open(file, "rb") as stream:
        while place < size:
            stream.seek(place)
            kind, length = _number(stream, marked=True), _number(stream)
            if not kind:
                return False
            kinds.add(kind)
            place = stream.tell()
            if kind != SEGMENT:  # within which the others lie
                place += length
            elif place + length != size:
                return False
    return place == size and CUES in kinds


def _number(stream: BinaryIO, marked: bool = False) -> int:
    """A number of Matroska: its leading zeros count further bytes; the one behind them stays if `marked`."""
    first = stream.read(1)
    if not first or not first[0]:
        return 0
    length = 8 - first[0].bit_length()
    head = first[0] if marked else first[0] - (1 << 7 - length)
    return int.from_bytes(bytes([head]) + stream.read(length), "big")
