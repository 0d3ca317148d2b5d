import numpy as np
import pytest

from kerasal.errors import InputError
from kerasal.prediction import Region, attention_share, best_crop, parse_aspect, to_density


def saliency(shape=(40, 60), seed=0):
    return np.random.default_rng(seed).uniform(size=shape).astype("float32")


def test_share_is_the_part_of_the_sum_and_area_the_part_of_the_image():
    values = np.zeros((4, 5), "float32")
    values[1, 2], values[3, 4] = 3, 1
    assert attention_share(values, Region.parse("a:2,1,1,1")) == {"share": 0.75, "area": 0.05}
    assert attention_share(values, Region.parse("a:0,0,5,4")) == {"share": 1, "area": 1}


def test_regions_in_percent_are_those_in_pixels():
    values = saliency()
    assert attention_share(values, Region.parse("a:50%,25%,10%,50%")) == attention_share(
        values, Region.parse("a: 30, 10, 6, 20")
    )


def test_a_regions_name_keeps_its_spaces():
    assert Region.parse(" call to action : 10%, 20, 30, 4.5%") == Region(
        "call to action", (10, 20, 30, 4.5), (True, False, False, True)
    )


def test_a_region_is_cut_off_at_the_images_border():
    values = np.ones((10, 10), "float32")
    assert attention_share(values, Region.parse("a:8,0,90,10"))["share"] == pytest.approx(0.2)
    assert attention_share(values, Region.parse("a:10,0,5,5")) == {"share": 0.0, "area": 0.0}


def test_shares_of_a_map_without_saliency_are_areas():
    assert attention_share(np.zeros((10, 10)), Region.parse("a:0,0,5,4"))["share"] == pytest.approx(0.2)
    assert to_density(np.zeros((2, 5))).tolist() == [[pytest.approx(0.1)] * 5] * 2


@pytest.mark.parametrize(
    "text", ["10,20,30,40", "a:1,2,3", "a:-1,2,3,4", "a:1,2,0,4", "a:x,2,3,4", ":1,2,3,4"]
)
def test_what_is_no_region_is_refused(text):
    with pytest.raises(InputError, match="region"):
        Region.parse(text)


@pytest.mark.parametrize(("aspect", "scale"), [(1, 1), (16 / 9, 1), (0.5, 0.7), (3, 0.3), (1000, 1)])
def test_best_crop_is_the_best_of_all_windows(aspect, scale):
    values = saliency()
    left, top, width, height = best_crop(values, aspect, scale)
    assert 1 <= width <= 60
    assert 1 <= height <= 40
    if aspect < 100:
        assert width / height == pytest.approx(aspect, rel=0.1)
    sums = {
        (x, y): values[y : y + height, x : x + width].sum()
        for y in range(40 - height + 1)
        for x in range(60 - width + 1)
    }
    assert sums[left, top] == pytest.approx(max(sums.values()), rel=1e-6)


def test_largest_crop_fills_one_side():
    assert best_crop(saliency(), 1)[2:] == (40, 40)
    assert best_crop(saliency(), 3)[2:] == (60, 20)


def test_of_equal_crops_the_central_one_is_taken():
    assert best_crop(np.ones((40, 60), "float32"), 1) == (10, 0, 40, 40)
    assert best_crop(np.zeros((40, 60), "float32"), 1, 0.5) == (20, 10, 20, 20)


def test_aspects_are_read_and_others_refused():
    assert parse_aspect("16:9") == pytest.approx(16 / 9)
    assert parse_aspect("1.5") == 1.5
    for text in ("wide", "1:0", "0:1", "-1", "1:2:3", "inf", "nan"):
        with pytest.raises(InputError, match="16:9"):
            parse_aspect(text)
