import io

import numpy as np
import pytest
import tensorflow as tf
from conftest import write_photo
from PIL import Image

from kerasal import data, models, training
from kerasal.data import Sample
from kerasal.data.reading import JPEG, PNG, PYTHON, _way, resize_stimulus, stimulus_source
from kerasal.errors import InputError


def sample(path, size):
    return Sample(path.name, size, path, (), 1.0)


@pytest.fixture
def files(tmp_path):
    """Images of all kinds, and the way that each is read."""
    kinds = {}
    for number, (name, mode, way) in enumerate(
        [
            ("a.jpg", "RGB", JPEG),
            ("b.jpg", "L", JPEG),
            ("c.jpg", "CMYK", PYTHON),
            ("d.png", "RGB", PNG),
            ("e.png", "L", PNG),
            ("f.png", "P", PYTHON),
            ("g.png", "RGBA", PYTHON),
            ("h.gif", "P", PYTHON),
            ("jpeg.png", "RGB", JPEG),  # by its content
        ]
    ):
        write_photo(tmp_path / name if name != "jpeg.png" else tmp_path / "x.jpg", (33, 47), number, mode)
        if name == "jpeg.png":
            (tmp_path / "x.jpg").rename(tmp_path / name)
        kinds[tmp_path / name] = way
    deep = np.arange(33 * 47, dtype=np.uint16).reshape(33, 47) * 40
    Image.fromarray(deep).save(tmp_path / "deep.png")
    kinds[tmp_path / "deep.png"] = PYTHON
    return kinds


def test_every_kind_of_file_is_read_alike_in_the_graph_and_in_python(files):
    samples = [sample(path, (33, 47)) for path in files]
    assert [_way(one) for one in samples] == list(files.values())
    read = stimulus_source(samples)
    found = tf.data.Dataset.range(len(samples)).map(read).as_numpy_iterator()
    for one, stimulus in zip(samples, found, strict=True):
        np.testing.assert_array_equal(stimulus, one.read_stimulus(), err_msg=one.name)


def test_subsampled_and_progressive_jpegs_are_read_alike(tmp_path):
    random = np.random.default_rng(0)
    picture = Image.fromarray(random.integers(0, 256, (70, 90, 3), dtype=np.uint8))
    samples = []
    for number, options in enumerate(
        [
            {"quality": 30, "subsampling": 2},
            {"quality": 98, "subsampling": 1},
            {"quality": 75, "progressive": True},
            {"quality": 60, "optimize": True},
        ]
    ):
        path = tmp_path / f"{number}.jpg"
        picture.save(path, **options)
        samples.append(sample(path, (70, 90)))
    for one, stimulus in zip(
        samples, tf.data.Dataset.range(4).map(stimulus_source(samples)).as_numpy_iterator(), strict=True
    ):
        np.testing.assert_array_equal(stimulus, one.read_stimulus())


def test_the_graph_reads_the_photographs_of_osie_and_scene_as_python_does(shared):
    paths = sorted((shared / "data/osie/stimuli").iterdir())[::70]
    paths += sorted((shared / "data/scene/stimuli").iterdir())[::50]
    samples = [Sample(path.name, Image.open(path).size[::-1], path, (), 1.0) for path in paths]
    found = tf.data.Dataset.range(len(samples)).map(stimulus_source(samples)).as_numpy_iterator()
    for one, stimulus in zip(samples, found, strict=True):
        np.testing.assert_array_equal(stimulus, one.read_stimulus(), err_msg=one.name)


def test_a_stimulus_of_the_right_size_is_not_resized():
    stimulus = np.random.default_rng(0).integers(0, 256, (20, 30, 3), dtype=np.uint8)
    np.testing.assert_array_equal(resize_stimulus(stimulus, (20, 30)), stimulus)


def test_a_damaged_file_in_a_pipeline_is_named(tmp_path):
    write_photo(tmp_path / "a.jpg", (33, 47))
    (tmp_path / "b.png").write_bytes(b"no image")
    read = stimulus_source([sample(tmp_path / "a.jpg", (33, 47)), sample(tmp_path / "b.png", (33, 47))])
    with pytest.raises(tf.errors.OpError, match=r"b\.png"):
        list(tf.data.Dataset.range(2).map(read))


@pytest.mark.usefixtures("tiny_network")
@pytest.mark.parametrize("split", ["train", "validation"])
def test_a_jpeg_that_pillow_reads_and_tensorflow_does_not_stops_training_by_name(photo_folder, split):
    dataset = data.load(str(photo_folder))
    path = dataset[split][0].stimulus
    plain, found = path.read_bytes(), None
    for place in range(len(plain) // 3, len(plain) - 2):
        damaged = plain[:place] + b"\xff" + plain[place + 1 :]
        try:
            Image.open(io.BytesIO(damaged)).convert("RGB")
        except OSError:
            continue
        try:
            tf.io.decode_jpeg(damaged)
        except tf.errors.InvalidArgumentError:
            found = damaged
            break
    assert found, "no such damage to this file"
    path.write_bytes(found)
    model = models.build("tiny", input_size=(32, 48), activation="sigmoid", dropout=0.0, initial_density=0.05)
    with pytest.raises(InputError, match=f"cannot read image {path}: its data are damaged:"):
        training.fit(model, dataset, "mse", epochs=1, batch_size=2, report=lambda _: None, verbose=0)
