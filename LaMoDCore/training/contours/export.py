"""Write a trained network as a contour engine: an ONNX file and its engine.json."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from torch import nn

from LaMoDCore import __version__
from LaMoDCore.contours.automatic.engine import ENGINE_FILE, FORMAT, LABELS
from LaMoDCore.heart.geometry import Array
from LaMoDCore.networks.contour_unet import STRIDE, ContourUNet
from LaMoDCore.runtime.json_file import write_json
from LaMoDCore.training.contours.pictures import PictureSize

if TYPE_CHECKING:
    import onnx

ONNX_FILE = "network.onnx"
#: Understood by onnxruntime 1.17 and later.
_OPSET, _IR_VERSION = 17, 8


def write_engine(folder: Path, network: ContourUNet, size: PictureSize, name: str, training: str) -> None:
    """Write network.onnx and engine.json.

    Args:
        folder: an existing folder.
        network: the trained network.
        size: size and normalisation of its input.
        name: name of the engine.
        training: how it was trained, for the description's `source`.
    """
    data = onnx_model(network, size.side).SerializeToString()
    (folder / ONNX_FILE).write_bytes(data)
    description = {
        "format": FORMAT,
        "name": name,
        "onnx": ONNX_FILE,
        "sha256": hashlib.sha256(data).hexdigest(),
        "size_bytes": len(data),
        "input_size": [size.side, size.side],
        "normalisation": {"clip_percentiles": list(size.clip_percentiles), "range": [0.0, 1.0]},
        "labels": {label: channel for channel, label in enumerate(LABELS)},
        "orientations": [[0, False], [0, True]],
        "pixel_mm": {"least": size.pixel_mm, "preferred": size.pixel_mm, "most": size.pixel_mm},
        "views": ["short-axis"],
        "contour_convention": "tissue",
        "licence": {
            "weights": "Apache-2.0",
            "training_data": "Apache-2.0",
            "training_data_name": "synthetic scenes of LaMoD's phantom; no patient data",
        },
        "source": f"lamod train-contours of LaMoD {__version__}, {training}",
    }
    write_json(folder / ENGINE_FILE, description)


def onnx_model(network: ContourUNet, side: int) -> onnx.ModelProto:
    """The network with a softmax as ONNX: float32 [N, 1, side, side] -> probabilities [N, classes, side, side].

    Batch normalisation is folded into the convolutions. The graph is written directly, so that it does not depend on
    the version of torch and its exporter.
    """
    from onnx import TensorProto, helper

    network = network.eval()
    graph = _Graph()
    classes = network.head.out_channels // STRIDE**2
    # With one channel, SpaceToDepth orders the new channels as pixel_unshuffle does.
    x = graph.add("SpaceToDepth", ["image"], blocksize=STRIDE)
    passed: list[str] = []
    for level, block in enumerate(network.down):
        if level:
            x = graph.add("MaxPool", [x], kernel_shape=[2, 2], strides=[2, 2])
        x = graph.block(block, x)
        passed.append(x)
    scales = graph.constant(np.array([1, 1, 2, 2], dtype=np.float32))
    for level in range(len(network.up) - 1, -1, -1):
        lifted = graph.convolution(network.lift[level], x)
        lifted = graph.add("Resize", [lifted, "", scales], mode="nearest", **_NEAREST)
        x = graph.block(network.up[level], graph.add("Add", [lifted, passed[level]]))
    x = graph.add("DepthToSpace", [graph.convolution(network.head, x)], blocksize=STRIDE, mode="CRD")
    graph.add("Softmax", [x], output="probabilities", axis=1)
    inputs, outputs = (
        [helper.make_tensor_value_info(label, TensorProto.FLOAT, ["n", channels, side, side])]
        for label, channels in (("image", 1), ("probabilities", classes))
    )
    made = helper.make_graph(graph.nodes, "contours", inputs, outputs, initializer=graph.constants)
    return helper.make_model(
        made, opset_imports=[helper.make_opsetid("", _OPSET)], ir_version=_IR_VERSION, producer_name="lamod"
    )


_NEAREST = {"coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}


class _Graph:
    """Nodes and constants of an ONNX graph; every method returns the name of its output."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []

    def add(self, kind: str, inputs: Sequence[str], *, output: str = "", **attributes: Any) -> str:
        from onnx import helper

        output = output or f"{kind.lower()}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, list(inputs), [output], **attributes))
        return output

    def constant(self, values: Array) -> str:
        from onnx import numpy_helper

        name = f"constant_{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name

    def convolution(self, layer: nn.Module, x: str, norm: nn.BatchNorm2d | None = None) -> str:
        """A convolution, with the batch normalisation that follows it."""
        assert isinstance(layer, nn.Conv2d)
        weight = layer.weight.detach().cpu().double().numpy()
        bias = np.zeros(len(weight)) if layer.bias is None else layer.bias.detach().cpu().double().numpy()
        if norm is not None:
            assert norm.running_mean is not None and norm.running_var is not None
            mean, variance, gain, shift = (
                part.detach().cpu().double().numpy()
                for part in (norm.running_mean, norm.running_var, norm.weight, norm.bias)
            )
            factor = gain / np.sqrt(variance + norm.eps)
            weight, bias = weight * factor[:, None, None, None], (bias - mean) * factor + shift
        inputs = [x, self.constant(weight.astype(np.float32)), self.constant(bias.astype(np.float32))]
        pad = int(layer.kernel_size[0]) // 2
        return self.add("Conv", inputs, kernel_shape=list(layer.kernel_size), pads=[pad] * 4)

    def block(self, block: nn.Module, x: str) -> str:
        """Convolutions with batch normalisation and ReLU."""
        assert isinstance(block, nn.Sequential)
        for first in range(0, len(block), 3):
            norm = block[first + 1]
            assert isinstance(norm, nn.BatchNorm2d)
            x = self.add("Relu", [self.convolution(block[first], x, norm)])
        return x
