"""SAM as its reference code computes it, in plain NumPy: Theano's conventions written out, float64.

Channels first. Nothing here comes from kerasal. `network` takes the arrays of a weights file, layer by
layer in the file's order, as `synthetic_weights` makes them and `write_keras1` stores them.
"""

import cv2
import h5py
import numpy as np
import scipy.ndimage

MEAN_BGR = (103.939, 116.779, 123.68)
RESNET_STAGES = {2: ("abc", 1, 1), 3: ("abcd", 2, 1), 4: ("abcdef", 1, 2), 5: ("abc", 1, 4)}


def conv2d(x, kernel, bias=None, *, stride=1, dilation=1, half=True):
    """Theano's conv2d: a true convolution, so the kernel is turned; border "half" or "valid"."""
    _, _, rows, columns = kernel.shape
    turned = kernel[:, :, ::-1, ::-1]
    margin = [(s - 1) * dilation // 2 if half else 0 for s in (rows, columns)]
    padded = np.pad(x, [(0, 0), (0, 0), (margin[0],) * 2, (margin[1],) * 2])
    height = (padded.shape[2] - (rows - 1) * dilation - 1) // stride + 1
    width = (padded.shape[3] - (columns - 1) * dilation - 1) // stride + 1
    result = np.zeros((x.shape[0], kernel.shape[0], height, width))
    for i in range(rows):
        for j in range(columns):
            top, left = i * dilation, j * dilation
            window = padded[
                :,
                :,
                top : top + (height - 1) * stride + 1 : stride,
                left : left + (width - 1) * stride + 1 : stride,
            ]
            result += np.einsum("oc,bchw->bohw", turned[:, :, i, j], window)
    return result if bias is None else result + bias[:, None, None]


def pool2d(x, size, stride, same):
    """Keras 1.1's max pooling on Theano: padded alike on all sides, then cropped."""
    margin = (size - 2 if size % 2 else size - 1) if same else 0
    padded = np.pad(x, [(0, 0), (0, 0), (margin,) * 2, (margin,) * 2], constant_values=-np.inf)
    height, width = ((side - size) // stride + 1 for side in padded.shape[2:])
    result = np.empty((*x.shape[:2], height, width))
    for i in range(height):
        for j in range(width):
            window = padded[:, :, i * stride : i * stride + size, j * stride : j * stride + size]
            result[:, :, i, j] = window.max(axis=(2, 3))
    return result[:, :, : -(-x.shape[2] // stride), : -(-x.shape[3] // stride)] if same else result


def bilinear_upsampling(x, ratio):
    """Theano's: edges repeated once, then the gradient of a strided convolution with a tent, cropped."""
    half = np.arange(1, ratio + 1) / ratio
    tent = np.concatenate([half, half[:-1][::-1]])
    crop = 2 * ratio - (ratio - 1) // 2 - 1
    for axis in (2, 3):
        x = np.moveaxis(x, axis, -1)
        length = x.shape[-1]
        x = np.concatenate([x[..., :1], x, x[..., -1:]], axis=-1)
        spread = np.zeros((*x.shape[:-1], (length + 1) * ratio + 2 * ratio - 1))
        for i in range(length + 2):
            spread[..., i * ratio : i * ratio + 2 * ratio - 1] += x[..., i : i + 1] * tent
        x = np.moveaxis(spread[..., crop : crop + length * ratio], -1, axis)
    return x


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def attentive_convlstm(x, arrays, steps=4):
    """Ten convolutions a step, in the order of the weights file."""
    (w_a, b_wa, u_a, b_ua, v_a, w_i, b_wi, u_i, b_ui, w_f, b_wf, u_f, b_uf, w_c, b_wc, u_c, b_uc) = arrays[
        :17
    ]
    w_o, b_wo, u_o, b_uo = arrays[17:]
    h = np.zeros((x.shape[0], u_i.shape[0], *x.shape[2:]))
    c = np.zeros_like(h)
    for _ in range(steps):
        e = conv2d(np.tanh(conv2d(h, w_a, b_wa) + conv2d(x, u_a, b_ua)), v_a)
        flat = np.exp(e.reshape(len(x), -1))
        a = (flat / flat.sum(axis=1, keepdims=True)).reshape(len(x), 1, *x.shape[2:])
        attended = x * a
        i = sigmoid(conv2d(attended, w_i, b_wi) + conv2d(h, u_i, b_ui))
        f = sigmoid(conv2d(attended, w_f, b_wf) + conv2d(h, u_f, b_uf))
        o = sigmoid(conv2d(attended, w_o, b_wo) + conv2d(h, u_o, b_uo))
        c = f * c + i * np.tanh(conv2d(attended, w_c, b_wc) + conv2d(h, u_c, b_uc))
        h = o * np.tanh(c)
    return h


def gaussian_priors(weights, rows, columns):
    """(N, rows, columns)."""
    mu_x, mu_y, sigma_x, sigma_y = np.split(weights, 4)
    e = rows / columns
    x, y = np.linspace(0, 1, columns), np.linspace((1 - e) / 2, (1 - e) / 2 + e, rows)
    maps = np.empty((len(mu_x), rows, columns))
    for k in range(len(mu_x)):
        mx, my = np.clip(mu_x[k], 0.25, 0.75), np.clip(mu_y[k], 0.35, 0.65)
        sx, sy = np.clip(sigma_x[k], 0.1, 0.9), np.clip(sigma_y[k], 0.2, 0.8)
        for i in range(rows):
            for j in range(columns):
                exponent = (x[j] - mx) ** 2 / (2 * sx**2) + (y[i] - my) ** 2 / (2 * sy**2)
                maps[k, i, j] = np.exp(-exponent) / (2 * np.pi * sx * sy)
        maps[k] /= maps[k].max()
    return maps


def vgg_features(x, layers):
    for block, count in enumerate((2, 2, 3, 3, 3), start=1):
        for _ in range(count):
            x = np.maximum(conv2d(x, *next(layers), dilation=2 if block == 5 else 1), 0)
        if block < 5:
            x = pool2d(x, 2, 1 if block == 4 else 2, same=block > 2)
    return x


def resnet_features(x, layers):
    """`layers` by depth, as Keras 1 saves them: both branches of a stage's first block side by side."""

    def normalised(x, gamma, beta, mean, variance):
        gamma, beta, mean, variance = (v[:, None, None] for v in (gamma, beta, mean, variance))
        return gamma * (x - mean) / np.sqrt(variance + 1e-5) + beta

    x = np.pad(x, [(0, 0), (0, 0), (3, 3), (3, 3)])
    x = conv2d(x, *next(layers), stride=2, half=False)
    x = pool2d(np.maximum(normalised(x, *next(layers)), 0), 3, 2, same=True)
    for blocks, first_stride, dilation in RESNET_STAGES.values():
        for block in blocks:
            stride = first_stride if block == "a" else 1
            y = conv2d(x, *next(layers), stride=stride, half=False)
            y = np.maximum(normalised(y, *next(layers)), 0)
            y = conv2d(y, *next(layers), dilation=dilation)
            y = np.maximum(normalised(y, *next(layers)), 0)
            y = conv2d(y, *next(layers), half=False)
            if block == "a":
                x = conv2d(x, *next(layers), stride=stride, half=False)
            y = normalised(y, *next(layers))
            if block == "a":
                x = normalised(x, *next(layers))
            x = np.maximum(x + y, 0)
    return x


def network(x, layers, resnet=False):
    """Preprocessed stimuli (B, 3, rows, columns) to maps (B, 1, 2 rows, 2 columns)."""
    layers = iter(layers)
    if resnet:
        x = resnet_features(x, layers)
        x = np.maximum(conv2d(x, *next(layers)), 0)
    else:
        x = vgg_features(x, layers)
    x = attentive_convlstm(x, next(layers))
    for _ in range(2):
        priors = gaussian_priors(*next(layers), *x.shape[2:])
        x = np.concatenate([x, np.repeat(priors[None], len(x), axis=0)], axis=1)
        x = np.maximum(conv2d(x, *next(layers), dilation=4), 0)
    return bilinear_upsampling(np.maximum(conv2d(x, *next(layers)), 0), 16)


def preprocess(stimulus, size):
    """A stimulus (H, W, 3), uint8 RGB, as (1, 3, rows, columns)."""
    rows, columns = size
    bgr = stimulus[..., ::-1]
    height, width = bgr.shape[:2]
    padded = np.zeros((rows, columns, 3), np.uint8)
    if height / rows > width / columns:
        inner = width * rows // height
        left = (columns - inner) // 2
        padded[:, left : left + inner] = cv2.resize(bgr, (inner, rows))
    else:
        inner = height * columns // width
        top = (rows - inner) // 2
        padded[top : top + inner] = cv2.resize(bgr, (columns, inner))
    return (padded - np.array(MEAN_BGR)).transpose(2, 0, 1)[None]


def postprocess(map_, size):
    """A map (rows, columns) at the stimulus's size, its maximum at 255."""
    height, width = size
    rows, columns = map_.shape
    map_ = (map_ / map_.max() * 255).astype("float32")
    if height / rows > width / columns:
        inner = columns * height // rows
        left = (inner - width) // 2
        map_ = cv2.resize(map_, (inner, height))[:, left : left + width]
    else:
        inner = rows * width // columns
        top = (inner - height) // 2
        map_ = cv2.resize(map_, (width, inner))[top : top + height]
    map_ = scipy.ndimage.gaussian_filter(map_, sigma=7)
    return map_ / map_.max() * 255


def synthetic_weights(filters, backbone_filters, gaussians, resnet=False, seed=0):
    """Random arrays of all layers with weights: (layer's name, arrays), in the file's order."""
    random = np.random.default_rng(seed)

    def conv(n_in, n_out, side, gain=1.4, bias=True):
        kernel = random.normal(0, gain / np.sqrt(n_in * side**2), (n_out, n_in, side, side))
        return [kernel, random.normal(0, 0.1, n_out)] if bias else [kernel]

    def norm(n):
        return [
            random.uniform(0.7, 1.3, n),
            random.normal(0, 0.2, n),
            random.normal(0, 0.2, n),
            random.uniform(0.5, 2, n),
        ]

    layers, f = [], backbone_filters
    if resnet:
        layers += [("conv1", conv(3, f, 7, 0.02)), ("bn_conv1", norm(f))]
        n_in = f
        for stage, (blocks, _, _) in RESNET_STAGES.items():
            n = f * 2 ** (stage - 2)
            for block in blocks:
                name = f"{stage}{block}_branch"
                layers += [(f"res{name}2a", conv(n_in, n, 1)), (f"bn{name}2a", norm(n))]
                layers += [(f"res{name}2b", conv(n, n, 3)), (f"bn{name}2b", norm(n))]
                layers.append((f"res{name}2c", conv(n, 4 * n, 1)))
                if block == "a":
                    layers.append((f"res{name}1", conv(n_in, 4 * n, 1)))
                layers.append((f"bn{name}2c", norm(4 * n)))
                if block == "a":
                    layers.append((f"bn{name}1", norm(4 * n)))
                n_in = 4 * n
        layers.append(("convolution2d_1", conv(n_in, filters, 3, 0.5)))
        n_in = filters
    else:
        n_in = 3
        for block, count in enumerate((2, 2, 3, 3, 3), start=1):
            n_out = f * min(2 ** (block - 1), 8)
            for i in range(1, count + 1):
                layers.append((f"block{block}_conv{i}", conv(n_in, n_out, 3, 0.02 if n_in == 3 else 1.4)))
                n_in = n_out
    lstm = [*conv(filters, filters, 3), *conv(n_in, filters, 3), *conv(filters, 1, 3, 8.0, bias=False)]
    for _ in "ifco":
        # The attended features are a hundredth of the features; larger kernels make them count.
        lstm += [*conv(n_in, filters, 3, 40.0), *conv(filters, filters, 3)]
    layers.append(("attentiveconvlstm_1", lstm))
    for k, n_in in ((1, filters), (2, filters)):
        # Some of them beyond where they are clipped to.
        layers.append((f"learningprior_{k}", [random.uniform(0.0, 1.0, 4 * gaussians)]))
        layers.append((f"atrousconvolution2d_{k}", conv(n_in + gaussians, filters, 5)))
    layers.append(("convolution2d_12", [np.abs(a) for a in conv(filters, 1, 1)]))
    return [(name, [array.astype("float32") for array in arrays]) for name, arrays in layers]


def write_keras1(path, layers, group=None):
    """A file as Keras 1.1 writes it: layers without weights are listed too."""
    with h5py.File(path, "w") as file:
        root = file.create_group(group) if group else file
        names = ["input_1"]
        for name, _ in layers:
            names += [
                name,
                *{"block5_conv3": ["lambda_1", "input_2"], "learningprior_1": ["merge_1"]}.get(name, []),
            ]
        names.append("lambda_2")
        root.attrs["layer_names"] = [name.encode() for name in names]
        arrays_of = dict(layers)
        for name in names:
            arrays = arrays_of.get(name, [])
            weights = [f"{name}_{'W' if i % 2 == 0 else 'b'}_{i}" for i in range(len(arrays))]
            root.create_group(name).attrs["weight_names"] = [weight.encode() for weight in weights]
            for weight, array in zip(weights, arrays, strict=True):
                root[name].create_dataset(weight, data=array)
