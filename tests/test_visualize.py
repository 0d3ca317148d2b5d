import numpy as np

from kerasal.visualize import grey, overlay


def test_grey_keeps_zero_and_takes_the_maximum_to_255():
    assert grey(np.array([[0.0, 0.1, 0.4]])).tolist() == [[0, 64, 255]]


def test_grey_of_an_empty_map_is_black():
    assert not grey(np.zeros((3, 4))).any()


def test_overlay_is_hottest_where_the_map_is_and_shows_the_stimulus_elsewhere():
    stimulus = np.full((30, 40, 3), 100, np.uint8)
    saliency_map = np.zeros((30, 40))
    saliency_map[20, 10] = 1
    picture = overlay(stimulus, saliency_map)
    assert picture.shape == stimulus.shape
    assert picture[0, 0].tolist() == [100, 100, 100]
    assert picture[20, 10, 0] > 150  # red or yellow
    assert picture[20, 10, 2] < picture[20, 10, 0]
