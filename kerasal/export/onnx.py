"""ONNX, by way of tf2onnx."""

from pathlib import Path

from kerasal.errors import InputError
from kerasal.export.graph import PORTABLE, serving_function
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
        import tf2onnx
    except ImportError:
        raise InputError("exporting to ONNX needs tf2onnx: pip install 'kerasal[onnx]'") from None
    function = serving_function(model, PORTABLE, size)
    graph, _ = tf2onnx.convert.from_function(function, function.input_signature, opset=OPSET)
    if float16:
        _store_as_float16(graph)
    onnx.helper.set_model_props(graph, {"model_card": card})
    onnx.checker.check_model(graph)
    path.write_bytes(graph.SerializeToString())


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
