"""Miniature datasets in their official layouts, each with the fixations that must come back.

The writers know the layouts from their descriptions and share no code with the loaders. Every dataset has the
odd cases of its kind; the comments name them.
"""

from pathlib import Path

import numpy as np
import scipy.io
from conftest import write_photo
from PIL import Image


def cell(values, shape=None) -> np.ndarray:
    """A MATLAB cell array of these values: a column, or of the shape."""
    array = np.empty(len(values), object)
    array[:] = values
    return array.reshape(shape or (-1, 1))


def save_mat(path: Path, contents: dict, **options) -> None:
    """A MATLAB file, compressed as MATLAB writes them."""
    scipy.io.savemat(path, contents, do_compression=True, **options)


def binary(size, points) -> np.ndarray:
    """A fixation map (rows, columns) with 1 at the points x, y."""
    array = np.zeros(size, np.uint8)
    for x, y in points:
        array[y, x] = 1
    return array


def gaze(places, samples=60) -> np.ndarray:
    """240 Hz gaze that rests at each place for `samples` and jumps to the next within three."""
    parts = []
    for place, following in zip(places, [*places[1:], None], strict=True):
        parts.append(np.repeat([place], samples, axis=0))
        if following is not None:
            parts.append(np.linspace(place, following, 5)[1:-1])
    return np.concatenate(parts).astype(float)


def mit1003(folder: Path) -> dict[str, list[list]]:
    """Three stimuli of differing sizes, one with an upper-case suffix; two observers.

    A blink (negative samples), a NaN, a fixation off the image, a trial without samples, stray files.
    """
    sizes = {"i1": (60, 90), "istatic_LongName_" + "x" * 60: (90, 70), "synthetic3": (80, 80)}
    names = list(sizes)
    for number, (name, size) in enumerate(sizes.items()):
        write_photo(folder / "ALLSTIMULI" / f"{name}.jpeg", size, seed=number)
    (folder / "ALLSTIMULI" / f"{names[2]}.jpeg").rename(folder / "ALLSTIMULI" / f"{names[2]}.JPEG")
    (folder / "ALLSTIMULI/Thumbs.db").write_bytes(b"stray")
    with_nan = gaze([(40, 30), (20, 20), (70, 50)])
    with_nan[100] = np.nan  # within the rest at (20, 20)
    trials = {
        "CNG": [with_nan, gaze([(35, 45), (10, 80), (-50, -50), (60, 10)]), gaze([(40, 40)])],
        "zb": [gaze([(45, 30), (500, 20), (12, 40)]), np.empty((0, 2)), gaze([(-9, 5), (20, 60), (50, 8)])],
    }
    for user, recordings in trials.items():
        (folder / "DATA" / user).mkdir(parents=True)
        save_mat(folder / "DATA" / user / "CalibrationData.mat", {"c": 1})
        for name, recording in zip(names, recordings, strict=True):
            record = {"imgName": f"{name}.jpeg", "DATA": {"eyeData": recording}}
            path = folder / "DATA" / user / f"{name}.mat"
            save_mat(path, {name[:31]: record}, long_field_names=True)
    return {  # the first fixation of each observer left out, unless it was off the image
        names[0]: [[(20, 20), (70, 50)], [(12, 40)]],
        names[1]: [[(10, 80), (60, 10)], []],
        names[2]: [[], [(20, 60), (50, 8)]],
    }


def cat2000(folder: Path) -> dict[str, list[list]]:
    """Two categories of two images in a folder trainSet; maps of models beside them, and a grey border."""
    expected = {}
    for number, name in enumerate(("Action/001", "Action/007", "Satelite/002", "Satelite/003")):
        stimulus = folder / "trainSet/Stimuli" / f"{name}.jpg"
        write_photo(stimulus, (108, 192), seed=number)
        output = stimulus.parent / "Output" / f"{stimulus.stem}_SaliencyMap.jpg"
        write_photo(output, (108, 192), seed=number, mode="L")
        points = [(3 + number, 5), (190, 100), (60, 50)]
        mat = folder / "trainSet/FIXATIONLOCS" / f"{name}.mat"
        mat.parent.mkdir(parents=True, exist_ok=True)
        kind = (np.uint8, bool, np.float64, np.uint8)[number]  # the type differs between copies
        save_mat(mat, {"fixLocs": binary((108, 192), points).astype(kind)})
        expected[name] = [sorted(points, key=lambda point: point[::-1])]
    bordered = np.full((108, 192, 3), 126, np.uint8)
    bordered[16:96, 48:144] = np.random.default_rng(0).integers(0, 100, (80, 96, 3))
    path = folder / "trainSet/Stimuli/Satelite/003.jpg"
    Image.fromarray(bordered).save(path, quality=100, subsampling=0)
    return expected


def fiwi(folder: Path) -> dict[str, list[list]]:
    """Three screenshots of two sizes with odd names; point maps in RGB, grey, 1 bit; one without points."""
    expected = {}
    names = ("Amazon(2)", "apple-store", "zite")
    sizes, modes = ((76, 136), (76, 137), (76, 136)), ("RGB", "L", "1")
    for seed, (name, size, mode) in enumerate(zip(names, sizes, modes, strict=True)):
        write_photo(folder / "webpages/stimuli" / f"{name}.png", size, seed)
        points = [] if name == "zite" else [(135, 75), (0, 0), (20, 30)]
        path = folder / "webpages/eyeMaps/all5" / f"{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(255 * binary(size, points)).convert(mode).save(path)
        expected[name] = [sorted(points, key=lambda point: point[::-1])]
    return expected


def toronto(folder: Path) -> dict[str, list[list]]:
    """Eleven photographs, so that 10 sorts after 9; one map without points, one that counts 2."""
    expected, maps = {}, []
    root = folder / "eyetrackingdata/fixdens"
    for number in range(1, 12):
        write_photo(root / "Original Image Set" / f"{number}.jpg", (51, 68), seed=number)
        points = [] if number == 4 else [(number, 2), (67, 50)]
        maps.append(binary((51, 68), points).astype(float) * (2 if number == 5 else 1))
        expected[str(number)] = [points]
    save_mat(root / "origfixdata.mat", {"white": cell(maps, (1, -1))})
    return expected


def salicon(folder: Path, edition: int) -> dict[str, list[list]]:
    """Two training and one validation image; `gaze` is a row in 2015, a column in 2017; an empty worker."""
    expected = {}
    workers = [
        [(1, 1), (640, 480)],
        [],
        [(100, 200)],
    ]
    for part, number in (("train", 9), ("train", 25), ("val", 42)):
        name = f"COCO_{part}2014_{number:012}"
        write_photo(folder / "images" / part / f"{name}.jpg", (480, 640), seed=number)
        gazes = np.zeros(len(workers), [("location", object), ("timestamp", object), ("fixations", object)])
        for place, points in enumerate(workers):
            xy = np.array(points, float).reshape(-1, 2) if points else np.empty((0, 0))
            gazes[place] = (np.array([[641.0, 3.0]]), np.array([[0.0]]), xy)
        shape = (1, -1) if edition == 2015 else (-1, 1)
        contents = {"image": name, "resolution": np.array([[480, 640]]), "gaze": gazes.reshape(shape)}
        (folder / part).mkdir(exist_ok=True)
        save_mat(folder / part / f"{name}.mat", contents)
        expected[name] = [[(x - 1, y - 1) for x, y in points] for points in workers]
    write_photo(folder / "images/test/COCO_test2014_000000000001.jpg", (480, 640))
    return expected


def scene(folder: Path) -> dict[str, list[list]]:
    """Three photographs of three sizes, two observers: rows of y, x, latency, duration; an empty cell."""
    rows = []
    sizes = ((40, 60), (64, 64), (90, 30))
    points = [
        [[(1, 1), (60, 40)], [(5.5, 7.25)]],
        [[(64, 1)], []],
        [[(30, 90)], [(0.5, 3)]],  # within a pixel off the image
    ]
    for number, size in enumerate(sizes, start=1):
        write_photo(folder / "stimuli" / f"{number:03}.jpg", size, seed=number)
        for observer in points[number - 1]:
            records = [(y, x, 0.3 * k, 0.2) for k, (x, y) in enumerate(observer)]
            rows.append(np.array(records, float) if records else np.empty((0, 0)))
    (folder / "tidy").mkdir()
    save_mat(folder / "tidy/fixations.mat", {"fixations": cell(rows, (3, 2))})
    return {
        f"{number:03}": [[(max(x - 1, 0), y - 1) for x, y in observer] for observer in observers]
        for number, observers in enumerate(points, start=1)
    }


def osie(folder: Path) -> dict[str, list[list]]:
    """Four stimuli, two observers; one axis is uint8."""
    expected, records = {}, []
    for number in range(1001, 1005):
        write_photo(folder / "stimuli" / f"{number}.jpg", (600, 800), seed=number)
        points = [[(10.5, 20.0), (799.2, 30.0)], [(400.0, 255.0 - number % 5)]]
        subjects = [
            {
                "fix_x": np.array([[x for x, _ in observer]]),
                "fix_y": np.array([[y for _, y in observer]], "uint8" if k else "float64"),
                "fix_duration": np.array([[200] * len(observer)], "uint8"),
            }
            for k, observer in enumerate(points)
        ]
        records.append({"img": f"{number}.jpg", "subjects": cell(subjects)})
        expected[str(number)] = points
    (folder / "eye").mkdir()
    save_mat(folder / "eye/fixations.mat", {"fixations": cell(records)})
    return expected


# name -> writes a miniature into a folder; returns the fixations of each observer, by the sample's name
LAYOUTS = {
    "osie": osie,
    "scene": scene,
    "mit1003": mit1003,
    "cat2000": cat2000,
    "fiwi": fiwi,
    "salicon-2015": lambda folder: salicon(folder, 2015),
    "salicon-2017": lambda folder: salicon(folder, 2017),
    "toronto": toronto,
}
