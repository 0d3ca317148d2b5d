"""The colour space of Derrington, Krauskopf and Lennie (1984), as the GBVS toolbox computes it."""

import numpy as np

# What a screen emits for the values 1, 6, 11, ... 256 of a channel; the toolbox's full tables of 256 entries
# are linear between these to within 8e-6. Each channel has a table of its own.
ENTRIES = np.arange(1, 257, 5)
# fmt: off
RED = (
    0.024935, 0.02513, 0.025649, 0.026136, 0.026623, 0.027597, 0.028896, 0.029935, 0.031623, 0.034286,
    0.037662, 0.042468, 0.049416, 0.058442, 0.068182, 0.07987, 0.091558, 0.1039, 0.11883, 0.13506,
    0.15325, 0.17338, 0.19675, 0.22078, 0.2474, 0.27532, 0.30649, 0.33701, 0.36818, 0.3987, 0.42987,
    0.46169, 0.49286, 0.51883, 0.54675, 0.57208, 0.59545, 0.62143, 0.64351, 0.66883, 0.68831, 0.70779,
    0.72727, 0.75325, 0.77273, 0.7987, 0.83117, 0.85714, 0.88961, 0.92208, 0.95455, 1,
)
GREEN = (
    0.0076954, 0.0079158, 0.0082966, 0.0088978, 0.0096994, 0.010802, 0.011764, 0.013287, 0.01517,
    0.017856, 0.022044, 0.028056, 0.036072, 0.046493, 0.057715, 0.069739, 0.082766, 0.096994, 0.11343,
    0.13106, 0.1507, 0.17315, 0.19719, 0.22244, 0.2505, 0.28056, 0.31263, 0.34469, 0.37675, 0.40882,
    0.44088, 0.47094, 0.501, 0.53106, 0.55912, 0.58517, 0.60922, 0.63327, 0.65731, 0.67735, 0.69739,
    0.72144, 0.73948, 0.75952, 0.78156, 0.80762, 0.83367, 0.85972, 0.89178, 0.92585, 0.96192, 1,
)
BLUE = (
    0.042291, 0.042566, 0.042841, 0.043392, 0.043943, 0.044934, 0.046366, 0.047797, 0.050441, 0.053414,
    0.058811, 0.064978, 0.074119, 0.085903, 0.096366, 0.10914, 0.12225, 0.13767, 0.15529, 0.17401,
    0.19493, 0.21806, 0.24229, 0.26872, 0.29626, 0.32599, 0.35793, 0.38767, 0.4174, 0.44604, 0.47577,
    0.5033, 0.52863, 0.55507, 0.57819, 0.60242, 0.62225, 0.64648, 0.6685, 0.68943, 0.71035, 0.72907,
    0.7511, 0.77093, 0.79626, 0.82159, 0.84802, 0.87225, 0.90198, 0.93943, 0.96696, 1,
)
# fmt: on
LINEAR = np.stack([np.interp(np.arange(1, 257), ENTRIES, knots) for knots in (RED, GREEN, BLUE)])

# Rows L, M, S of the cones' responses to the linear R, G, B, and their responses to mid grey.
LMS = np.array([[18.32535, 44.60077, 7.46216], [4.09544, 28.20135, 6.66066], [0.02114, 0.10325, 1.05258]])
GREY_L, GREY_M, GREY_S = 34.9185389578, 19.3147966765, 0.5856108185


def rgb_to_dkl(red: np.ndarray, green: np.ndarray, blue: np.ndarray) -> list[np.ndarray]:
    """The three axes (luminance, L - M, S - (L + M)) of planes (H, W) in [0, 1], scaled as there."""
    linear = [table[_entry(plane)] for table, plane in zip(LINEAR, (red, green, blue), strict=True)]
    l, m, s = (  # noqa: E741
        sum(weight * plane for weight, plane in zip(weights, linear, strict=True)) - grey
        for weights, grey in zip(LMS, (GREY_L, GREY_M, GREY_S), strict=True)
    )
    f = 1 / (GREY_L + GREY_M)
    q = np.hypot(GREY_L, GREY_M)
    return [
        0.5774 * np.sqrt(3) * f * (l + m),
        2.7525 * f * q * (l / GREY_L - m / GREY_M),
        0.4526 * (s / GREY_S - f * (l + m)),
    ]


def _entry(plane: np.ndarray) -> np.ndarray:
    """The place in the table. In flat areas the ceiling may go either way: it is sensitive to precision."""
    return np.clip(np.ceil(255 * plane.astype(np.float64)), 1, 256).astype(int) - 1
