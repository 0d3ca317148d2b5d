import numpy as np
import pytest
from layouts import gaze

from kerasal.data.csv_rows import csv_rows
from kerasal.data.gaze import fixations_from_gaze
from kerasal.errors import InputError


def slow_fixations(samples):
    """The description of checkFixations.m, step by step, with MATLAB's indices from 1.

    Each with its x and y, and the samples that it takes as a half-open span, which counts from 0.
    """
    n = len(samples)
    xy = {k: samples[k - 1] for k in range(1, n + 1)}
    step = {1: 0.0}
    for k in range(2, n + 1):
        step[k] = float(np.sqrt((xy[k][0] - xy[k - 1][0]) ** 2 + (xy[k][1] - xy[k - 1][1]) ** 2))
    smooth = {k: sum(step[j] for j in range(max(1, k - 3), k + 1)) / 4 for k in step}
    accel = dict.fromkeys(range(1, n + 1), 0.0)
    for k in range(2, n - 5 + 1):
        first = sum(smooth[j] for j in range(k, k + 5)) / (4 / 240)
        second = sum(smooth[j] for j in range(k + 1, k + 6)) / (4 / 240)
        accel[k] = second - first
    high = [k for k in accel if accel[k] > 204]
    runs = [k for k in high if k - 1 in high or k + 1 in high]
    saccades = []
    if len(runs) >= 3:
        for start in (k for k in runs if k - 1 not in runs):
            end = None
            for k in range(start, min(start + 25, n - 1) + 1):
                if accel[k] < -204 and not accel[k + 1] < -204:
                    end = k
                    break
            if end is None and start + 25 >= n:
                end = n
            if end is None:
                continue
            if saccades and start - saccades[-1][1] - 1 <= 12:
                saccades[-1][1] = max(end, saccades[-1][1])
            else:
                saccades.append([start, end])
    fixations, last = [], 0
    for start, end in [*saccades, [n + 1, n + 1]]:
        if start - last > 1:
            part = np.array([xy[k] for k in range(last + 1, start)])
            known = [axis[~np.isnan(axis)] for axis in part.T]
            place = [np.median(axis) if len(axis) else np.nan for axis in known]
            fixations.append((*place, last, start - 1))
        last = end
    return np.array(fixations)


def recording(seed):
    """Three seconds of an eye that drifts, jumps, trembles, and now and then blinks or is lost."""
    random = np.random.default_rng(seed)
    parts = []
    while sum(map(len, parts)) < 720:
        place = random.uniform([0, 0], [1024, 768])
        rest = place + np.cumsum(random.normal(0, 0.4, (random.integers(5, 120), 2)), axis=0)
        if random.random() < 0.15:
            rest[:] = -random.uniform(0, 500, 2)
        if random.random() < 0.15:
            rest[random.integers(len(rest))] = np.nan
        if parts:
            steps = random.integers(2, 9)
            parts.append(parts[-1][-1] + (rest[0] - parts[-1][-1]) * np.linspace(0, 1, steps + 2)[1:-1, None])
        parts.append(rest)
    return np.concatenate(parts)[:720]


@pytest.mark.parametrize("seed", range(12))
def test_fixations_are_those_of_the_authors_method(seed):
    samples = recording(seed)
    places, spans = fixations_from_gaze(samples)
    expected = slow_fixations(samples)
    assert 3 < len(expected) < 60
    np.testing.assert_allclose(places, expected[:, :2])
    np.testing.assert_array_equal(spans, expected[:, 2:])


@pytest.mark.parametrize("count", [1, 2, 5, 7, 12])
def test_a_short_recording_at_rest_is_one_fixation(count):
    places, spans = fixations_from_gaze(np.tile([[30.0, 40.0]], (count, 1)))
    np.testing.assert_array_equal(places, [[30, 40]])
    assert spans == [(0, count)]


def test_no_samples_are_no_fixations():
    assert fixations_from_gaze(np.empty((0, 2)))[0].shape == (0, 2)


def test_places_that_an_eye_rests_at_are_found_in_order():
    places = [(40, 30), (200, 220), (500, 50), (90, 400)]
    np.testing.assert_array_equal(fixations_from_gaze(gaze(places, samples=80))[0], places)


def test_samples_that_are_all_lost_give_a_place_that_is_not_finite():
    assert np.isnan(fixations_from_gaze(np.full((50, 2), np.nan))[0]).all()


@pytest.mark.parametrize("character", ["\x00", "\x0b", "\x1c", "\x1f", "\x7f", "\x85"])
def test_a_control_character_in_a_csv_file_is_refused_with_its_line(tmp_path, character):
    path = tmp_path / "a.csv"
    with pytest.raises(InputError, match=r"a\.csv as CSV, line 3: it has the character"):
        csv_rows(f"x,y\n1,2\n5{character},6\n", path, "two numbers")
    assert csv_rows("x,y\r\n1,\t2\r\n", path, "two numbers")[1] == (2, ["1", "2"])
