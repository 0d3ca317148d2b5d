"""ONNX, by way of tf2onnx."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from kerasal.errors import InputError
from kerasal.export.graph import PORTABLE, Function, serving_function
from kerasal.models import SaliencyModel

OPSET = 18
SMALL = 1024  # constants of fewer values stay float32: shapes, means and the like


def write_onnx(
    model: SaliencyModel, path: Path, card: str, size: tuple[int, int] | None, float16: bool
) -> None:
    """An .onnx file: input `stimuli`, outputs `saliency`, `density`; the card is its metadata `model_card`.

    With `float16` the weights are stored in half the space; the arithmetic stays float32.
    InputError: tf2onnx or onnx is not installed.
    """
    try:
        import onnx
        import tf2onnx  # noqa: F401
    except ImportError:
        raise InputError("exporting to ONNX needs tf2onnx: pip install 'kerasal[onnx]'") from None
    graph = converted(serving_function(model, PORTABLE, size))
    if float16:
        _store_as_float16(graph)
    onnx.helper.set_model_props(graph, {"model_card": card})
    onnx.checker.check_model(graph)
    path.write_bytes(graph.SerializeToString())


def converted(function: Function):
    """A function with an input signature as an ONNX model."""
    from tf2onnx import convert

    handlers: dict[str, tuple[Callable, list]] = {"ResizeBilinear": (_resize_to_size, [])}
    return convert.from_function(
        function, function.input_signature, opset=OPSET, custom_op_handlers=handlers
    )[0]


def _resize_to_size(graph, node, name, arguments) -> None:
    """Convert Keras's `Resizing`, naming the size wanted; tf2onnx would write the factors, in float32.

    7 rows by the float32 of 15 / 7 are 14.9999995, of which runtimes make 14.
    """

    def constant(part: str, values: list[int]) -> str:
        return graph.make_const(f"{name}_{part}", np.array(values, "int64")).output[0]

    rows_columns = node.inputs[1].get_tensor_value()
    batch, _, _, channels = graph.get_shape(node.input[0])
    outputs, shapes, dtypes = node.output, node.output_shapes, node.output_dtypes
    images = graph.make_node("Transpose", [node.input[0]], {"perm": (0, 3, 1, 2)})
    if batch > 0:
        size = constant("size", [batch, channels, *rows_columns])
    else:
        shape = graph.make_node("Shape", images.output)
        begin = graph.make_node("Slice", [shape.output[0], constant("first", [0]), constant("end", [2])])
        whole = [begin.output[0], constant("rows_columns", rows_columns)]
        size = graph.make_node("Concat", whole, {"axis": 0}).output[0]
    attributes = {"mode": "linear", "coordinate_transformation_mode": "half_pixel"}
    resized = graph.make_node("Resize", [images.output[0], "", "", size], attributes)
    graph.remove_node(node.name)
    graph.make_node(
        "Transpose", resized.output, {"perm": (0, 2, 3, 1)}, outputs=outputs, shapes=shapes, dtypes=dtypes
    )


def _store_as_float16(graph) -> None:
    """Replace each large float32 constant by a float16 one and a cast back."""
    import onnx
    from onnx import numpy_helper

    casts = []
    for constant in graph.graph.initializer:
        values = numpy_helper.to_array(constant)
        if values.dtype != "float32" or values.size < SMALL:
            continue
        name = constant.name
        constant.CopyFrom(numpy_helper.from_array(values.astype("float16"), f"{name}_float16"))
        casts.append(onnx.helper.make_node("Cast", [constant.name], [name], to=onnx.TensorProto.FLOAT))
    nodes = [*casts, *graph.graph.node]  # the casts first: nodes stand in the order they run
    del graph.graph.node[:]
    graph.graph.node.extend(nodes)
