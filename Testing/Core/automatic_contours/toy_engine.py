"""A contour engine in a few lines: an ONNX file whose network turns intensities into classes."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np

#: Grey values at which the toy network is surest of background, right ventricle, myocardium and cavity.
LEVELS = (0.0, 0.35, 0.6, 1.0)


def write_network(file: Path, shape: tuple[int, int] = (64, 64), classes: int = 4) -> None:
    """An ONNX file: softmax over −200 (x − level)² of each class."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    levels = np.resize(np.array(LEVELS, dtype=np.float32), classes).reshape(1, classes, 1, 1)
    constants = [
        numpy_helper.from_array(levels, "levels"),
        numpy_helper.from_array(np.array(-200.0, dtype=np.float32), "sharpness"),
    ]
    nodes = [
        helper.make_node("Sub", ["x", "levels"], ["difference"]),
        helper.make_node("Mul", ["difference", "difference"], ["square"]),
        helper.make_node("Mul", ["square", "sharpness"], ["logits"]),
        helper.make_node("Softmax", ["logits"], ["y"], axis=1),
    ]
    graph = helper.make_graph(
        nodes,
        "toy",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 1, *shape])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["N", classes, *shape])],
        constants,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.save(model, str(file))


def write_engine(folder: Path, shape: tuple[int, int] = (64, 64), **changes: Any) -> Path:
    """A whole engine folder; `changes` replace fields of its engine.json."""
    folder.mkdir(parents=True, exist_ok=True)
    write_network(folder / "toy.onnx", shape)
    description = {
        "format": "lamod-contour-engine/1",
        "name": "toy",
        "onnx": "toy.onnx",
        "sha256": hashlib.sha256((folder / "toy.onnx").read_bytes()).hexdigest(),
        "input_size": list(shape),
        "normalisation": {"clip_percentiles": [0.0, 100.0], "range": [0.0, 1.0]},
        "labels": {"background": 0, "right_ventricle": 1, "myocardium": 2, "cavity": 3},
        "pixel_mm": {"least": 1.0, "preferred": 2.0, "most": 2.5},
        "views": ["short-axis"],
        "contour_convention": "tissue",
        "licence": {"weights": "none", "training_data": "none", "training_data_name": "nothing"},
        "source": "a test",
    }
    description.update(changes)
    (folder / "engine.json").write_text(json.dumps(description), encoding="utf-8")
    return folder
