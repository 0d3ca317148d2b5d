"""Maps of other programs, for `kerasal compare --maps`: run in an environment of theirs, without kerasal.

    pip install hotgaze==0.1.1 img-focus==0.1.1 opencv-contrib-python-headless
    python tests/benchmarks/other_programs.py FOLDER IMAGE [IMAGE ...]

hotgaze (MIT; its default, a heuristic made for screenshots), img-focus (MIT; a DINOv2-S with a head, by ONNX
Runtime), and the two static saliency models of OpenCV's contributed modules (Apache-2.0): the spectral
residual (Hou and Zhang 2007) and the fine grained (Montabone and Soto 2010). Each gets the photograph as it
is, as its own documents have it; maps go into FOLDER/PROGRAM, named as the image, as float32 arrays.
"""

import sys
from pathlib import Path

import cv2
import numpy as np
from hotgaze.engine import run_engine
from img_focus import Salency
from PIL import Image

FOCUS = Salency()
RESIDUAL = cv2.saliency.StaticSaliencySpectralResidual_create()
FINE_GRAINED = cv2.saliency.StaticSaliencyFineGrained_create()


def hotgaze(path: Path) -> np.ndarray:
    return run_engine(str(path)).heatmap


def img_focus(path: Path) -> np.ndarray:
    return FOCUS.get_heatmap(Image.open(path).convert("RGB"))


def opencv_spectral_residual(path: Path) -> np.ndarray:
    return RESIDUAL.computeSaliency(cv2.imread(str(path)))[1]


def opencv_fine_grained(path: Path) -> np.ndarray:
    return FINE_GRAINED.computeSaliency(cv2.imread(str(path)))[1]


def main() -> None:
    folder, images = Path(sys.argv[1]), [Path(name) for name in sys.argv[2:]]
    for program in (hotgaze, img_focus, opencv_spectral_residual, opencv_fine_grained):
        place = folder / program.__name__.replace("_", "-")
        place.mkdir(parents=True, exist_ok=True)
        for number, path in enumerate(images, start=1):
            np.save(place / f"{path.stem}.npy", np.squeeze(program(path)).astype("float32"))
            print(f"\r{place.name}: {number} of {len(images)}", end="", flush=True)
        print()


if __name__ == "__main__":
    main()
