"""SalGAN, ShallowNet and DeepConvNet as Lasagne and Caffe compute them, and the files of their weights.

Plain NumPy, float64, channels first, one image at a time. Nothing here comes from kerasal.
"""

import struct

import cv2
import numpy as np

VGG_MEAN_BGR = np.array([103.939, 116.779, 123.68])
VGG = ((1, 2), (2, 2), (4, 3), (8, 3), (8, 3))  # times the first block's filters; convolutions
DECODER = (8, 8, 8, 8, 8, 8, 4, 4, 4, 2, 2, 1, 1)
DEEP = {  # side, filters
    "conv1": (7, 96),
    "conv2": (5, 256),
    "conv3": (3, 512),
    "conv4": (5, 512),
    "conv5": (5, 512),
    "conv6": (7, 256),
    "conv7": (11, 128),
    "conv8": (11, 32),
    "conv9": (13, 1),
}


# What the layers compute.


def correlate(x, kernel, bias, half=True):
    """(C, H, W) by a kernel (out, in, rows, columns), as Caffe and Lasagne's flip_filters=False."""
    _, _, rows, columns = kernel.shape
    if half:
        x = np.pad(x, [(0, 0), (rows // 2,) * 2, (columns // 2,) * 2])
    height, width = x.shape[1] - rows + 1, x.shape[2] - columns + 1
    result = np.zeros((len(kernel), height, width)) + np.reshape(bias, (-1, 1, 1))
    for i in range(rows):
        for j in range(columns):
            result += np.tensordot(kernel[:, :, i, j], x[:, i : i + height, j : j + width], 1)
    return result


def convolve(x, kernel, bias, half=True):
    """True convolution, pixel by kernel: out(p) = sum over q of kernel(q) x(p - q). Lasagne's default."""
    _, _, rows, columns = kernel.shape
    if half:
        x = np.pad(x, [(0, 0), (rows // 2,) * 2, (columns // 2,) * 2])
    height, width = x.shape[1] - rows + 1, x.shape[2] - columns + 1
    result = np.zeros((len(kernel), height, width)) + np.reshape(bias, (-1, 1, 1))
    for i in range(rows):
        for j in range(columns):
            top, left = rows - 1 - i, columns - 1 - j
            result += np.tensordot(kernel[:, :, i, j], x[:, top : top + height, left : left + width], 1)
    return result


def relu(x):
    return np.maximum(x, 0)


def pool(x, size):
    """Max pooling without padding; what a whole window does not reach is left out."""
    channels, height, width = x.shape
    x = x[:, : height // size * size, : width // size * size]
    return x.reshape(channels, height // size, size, width // size, size).max(axis=(2, 4))


def caffe_pool(x, size=3, stride=2):
    """Windows begin at stride i, as many as the ceiling says, cut at the border."""
    height, width = (int(np.ceil((side - size) / stride)) + 1 for side in x.shape[1:])
    result = np.empty((len(x), height, width))
    for i in range(height):
        for j in range(width):
            window = x[:, i * stride : i * stride + size, j * stride : j * stride + size]
            result[:, i, j] = window.max(axis=(1, 2))
    return result


def lrn(x, size=5, alpha=1e-4, beta=0.75, k=1.0):
    result = np.empty_like(x)
    for c in range(len(x)):
        near = x[max(0, c - size // 2) : c + size // 2 + 1]
        result[c] = x[c] / (k + alpha / size * (near**2).sum(axis=0)) ** beta
    return result


def maxout(x, pieces):
    return np.array([x[i : i + pieces].max() for i in range(0, len(x), pieces)])


def transposed(x, kernel, stride, crop):
    """(in, H, W) by a kernel (in, out, rows, columns): each pixel paints it; the border is cut off."""
    _, filters, rows, columns = kernel.shape
    height, width = x.shape[1:]
    result = np.zeros((filters, (height - 1) * stride + rows, (width - 1) * stride + columns))
    for i in range(height):
        for j in range(width):
            painted = np.tensordot(x[:, i, j], kernel, 1)
            result[:, i * stride : i * stride + rows, j * stride : j * stride + columns] += painted
    return result[:, crop : result.shape[1] - crop, crop : result.shape[2] - crop]


# The networks.


def salgan(stimulus, arrays):
    """(rows, columns, 3) RGB of the network's size to the map (rows, columns)."""
    layers = iter(zip(arrays[::2], arrays[1::2], strict=True))
    x = (stimulus[..., ::-1] - VGG_MEAN_BGR).transpose(2, 0, 1)
    for block, (_, convolutions) in enumerate(VGG):
        for _ in range(convolutions):
            x = relu(correlate(x, *next(layers)))
        if block < 4:
            x = pool(x, 2)
    for block, convolutions in enumerate((3, 3, 3, 2, 2)):
        if block:
            x = x.repeat(2, axis=1).repeat(2, axis=2)
        for _ in range(convolutions):
            x = relu(convolve(x, *next(layers)))
    return 1 / (1 + np.exp(-convolve(x, *next(layers))[0]))


def salgan_map(map_, size):
    """The map at the stimulus's size as 03-predict.py computes it, but in floats."""
    map_ = cv2.resize(map_.astype("float32"), size[::-1], interpolation=cv2.INTER_CUBIC)
    return cv2.GaussianBlur(np.clip(map_, 0, 1), (5, 5), 0)


def salgan_8_bit_map(map_, size):
    map_ = cv2.resize((map_ * 255).astype("uint8"), size[::-1], interpolation=cv2.INTER_CUBIC)
    return cv2.GaussianBlur(map_, (5, 5), 0) / 255


def discriminator(x, arrays):
    """(rows, columns, 4) to a probability."""
    x, arrays = x.transpose(2, 0, 1), iter(arrays)
    x = relu(convolve(x, next(arrays), next(arrays)))
    x = pool(relu(convolve(x, next(arrays), next(arrays))), 4)
    for _ in range(2):
        x = relu(convolve(x, next(arrays), next(arrays)))
    x = pool(x, 2)
    for _ in range(2):
        w, b, g = next(arrays), next(arrays), next(arrays)
        w = np.stack([w[k] * g[k] / np.sqrt(1e-6 + (w[k] ** 2).sum()) for k in range(len(w))])
        x = relu(convolve(x, w, b))
    x = pool(x, 2).ravel()
    for activation in (np.tanh, np.tanh, lambda v: 1 / (1 + np.exp(-v))):
        x = activation(x @ next(arrays) + next(arrays))
    return x[0]


def shallownet(stimulus, arrays):
    """(96, 96, 3) RGB to the network's own output (48, 48)."""
    x, arrays = (stimulus / 255).transpose(2, 0, 1), iter(arrays)
    for _ in range(3):
        x = pool(relu(convolve(x, next(arrays), next(arrays), half=False)), 2)
    x = maxout(relu(x.ravel() @ next(arrays) + next(arrays)), 2)
    return (x @ next(arrays) + next(arrays)).reshape(48, 48)


def deepconvnet(stimulus, blobs):
    """(rows, columns, 3) RGB to the network's own output."""
    x = ((stimulus[..., ::-1] - [100, 110, 118]) * 0.0078431372549).transpose(2, 0, 1)
    x = caffe_pool(lrn(relu(correlate(x, *blobs["conv1"]))))
    x = caffe_pool(relu(correlate(x, *blobs["conv2"])))
    for name in list(DEEP)[2:-1]:
        x = relu(correlate(x, *blobs[name]))
    x = correlate(x, *blobs["conv9"])
    return transposed(x, blobs["deconv1"][0].astype("float64"), 4, 2)[0]


def deepconvnet_map(output, size):
    """The map at the stimulus's size, its maximum at 1, as deep/__init__.py computes it but for 8 bits."""
    map_ = np.clip(output * 128 + 127, 0, 255).astype("float32")
    map_ = cv2.GaussianBlur(cv2.resize(map_, size[::-1], interpolation=cv2.INTER_CUBIC), (5, 5), 0)
    return np.clip(map_, 0, 255) / map_.max()


# Their weights, random.


def _weights(random, shape, fan_in, gain=1.4):
    return random.standard_normal(shape, "float32") * np.float32(gain / np.sqrt(fan_in))


def _convolution(random, n_in, n_out, side, gain=1.4):
    kernel = _weights(random, (n_out, n_in, side, side), n_in * side**2, gain)
    return [kernel, _weights(random, n_out, 100)]


def salgan_arrays(filters, seed=0):
    random = np.random.default_rng(seed)
    arrays, n_in = [], 3
    for times, convolutions in VGG:
        for _ in range(convolutions):
            arrays += _convolution(random, n_in, times * filters, 3, 0.02 if n_in == 3 else 1.4)
            n_in = times * filters
    for times in DECODER:
        arrays += _convolution(random, n_in, times * filters, 3)
        n_in = times * filters
    return arrays + _convolution(random, n_in, 1, 1, 6.0)


def discriminator_arrays(size, seed=0):
    random = np.random.default_rng(seed)
    arrays = [
        *_convolution(random, 4, 3, 1, 0.02),
        *_convolution(random, 3, 32, 3),
        *_convolution(random, 32, 64, 3),
        *_convolution(random, 64, 64, 3),
    ]
    for _ in range(2):
        gain = random.uniform(0.5, 1.5, 64).astype("float32")
        arrays += [*_convolution(random, 64, 64, 3), gain]
    inputs = 64 * size[0] * size[1] // 256
    for n_in, n_out in ((inputs, 100), (100, 2), (2, 1)):
        arrays += [_weights(random, (n_in, n_out), n_in), _weights(random, n_out, 100)]
    return arrays


def shallownet_arrays(seed=0):
    random = np.random.default_rng(seed)
    arrays = [
        *_convolution(random, 3, 32, 5),
        *_convolution(random, 32, 64, 3),
        *_convolution(random, 64, 64, 3),
    ]
    for n_in, n_out in ((6400, 4608), (2304, 2304)):
        arrays += [_weights(random, (n_in, n_out), n_in), _weights(random, n_out, 100)]
    return arrays


def deepconvnet_blobs(seed=0):
    random = np.random.default_rng(seed)
    blobs, n_in = {}, 3
    for name, (side, n_out) in DEEP.items():
        blobs[name] = _convolution(random, n_in, n_out, side, 30.0 if name == "conv9" else 1.4)
        n_in = n_out
    blobs["deconv1"] = [random.uniform(0, 1 / 32, (1, 1, 8, 8)).astype("float32")]
    return blobs


# Caffe's files, written byte by byte as the encoding of protocol buffers has it.


def varint(value):
    encoded = b""
    while value > 127:
        encoded, value = encoded + bytes([value % 128 + 128]), value // 128
    return encoded + bytes([value])


def message(number, content):
    return varint(8 * number + 2) + varint(len(content)) + content


def blob(array, old=False, packed=True, doubles=False):
    """A BlobProto. `old` has num, channels, height and width in place of a shape."""
    array = np.asarray(array)
    if old:
        sides = (1,) * (4 - array.ndim) + array.shape
        shape = b"".join(varint(8 * i) + varint(side) for i, side in enumerate(sides, start=1))
    else:
        shape = message(7, message(1, b"".join(varint(side) for side in array.shape)))
    number, kind, wire = (8, "<f8", 1) if doubles else (5, "<f4", 5)
    values = array.astype(kind).tobytes()
    if packed:
        return message(number, values) + shape
    key, step = varint(8 * number + wire), struct.calcsize(kind[1:].replace("f8", "d").replace("f4", "f"))
    return b"".join(key + values[i : i + step] for i in range(0, len(values), step)) + shape


def caffemodel(blobs, old=False, **encoding):
    """A NetParameter: its name, then a layer of type "Data" without blobs, then the layers with blobs."""
    content = message(1, b"net")
    fields = {"layer": 2, "name": 4, "blobs": 6} if old else {"layer": 100, "name": 1, "blobs": 7}
    for name, arrays in {"data": [], **blobs}.items():
        layer = message(fields["name"], name.encode())
        layer += varint(8 * 5) + varint(4) if old else message(2, b"Convolution")
        layer += b"".join(message(fields["blobs"], blob(array, old, **encoding)) for array in arrays)
        content += message(fields["layer"], layer)
    return content
