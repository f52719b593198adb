"""Model folders, archives and contour engines."""

from __future__ import annotations

import hashlib
import io
import json
import os
import pickle
import random
import shutil
import struct
import zipfile
from collections.abc import Callable, Iterator
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from bombs import zip_of_zeros
from trial import PREDICT, Trial

_CONTOUR = ("contour", "cine.nii.gz", "--out", "out", "--engine", "engine", "--fast", "--progress", "none")


def trials(valid: Path) -> Iterator[Trial]:
    yield from _descriptions()
    yield from _weights()
    yield from _archives()
    if (valid / "engine").is_dir() and find_spec("onnxruntime"):
        yield from _engines()


def _model(change: Callable[[Path, random.Random], None], folder: Path, valid: Path, rng: random.Random) -> None:
    shutil.copy(valid / "heart.nii", folder / "heart.nii")
    shutil.copytree(valid / "model", folder / "model")
    change(folder / "model", rng)


def _json(name: str, change: Callable[[Any], Any], path: Path, rng: random.Random) -> None:
    content = json.loads((path / name).read_text())
    changed = change(content)
    (path / name).write_text(json.dumps(content if changed is None else changed))


def _bytes(name: str, data: bytes, path: Path, rng: random.Random) -> None:
    (path / name).write_bytes(data)


def _descriptions() -> Iterator[Trial]:
    def put(keys: tuple[str, ...], value: Any, content: Any) -> None:
        for key in keys[:-1]:
            content = content[key]
        content[keys[-1]] = value

    for keys, values in (
        (("format",), [None, 5, "lamod-model/99"]), (("name",), [None, 5, "", "x" * 5000, "\x1b[2J", "=1+1"]),
        (("config",), [None, 5, [], {"a": 1}]), (("canonical",), [None, {}, 5]), (("weights_sha256",), [None, 5, "", "0" * 64]),
        (("parameters",), ["many", -1, 1e300]), (("training",), [5, []]), (("uncertainty",), [5, [], {"a": 1}]),
        (("kind",), [5, "baseline", "other"]), (("config", "encoder_width"), [10**9, -1, 0, "wide", 1.5, 10**30, True, None]),
        (("config", "encoder_blocks"), [10**6, -1]), (("config", "latent_channels"), [0, 10**6]), (("config", "dropout"), [2.0, -1.0, float("nan")]),
        (("config", "metric_power"), [0, 10**6]), (("config", "schedule"), [5, {"steps": 10**12}, {"steps": 0}, {"name": "x"}, {"beta_first": float("inf")}]),
        (("config", "noise"), [{"width": -1}, {"width": "x"}]), (("config", "motion_latent"), [{"modes": 10**9}, {"width": 10**9}]),
        (("config", "inference"), [{"steps": 10**9}, {"samples": 10**9}, {"sampler": "x"}, {"space": 5}]), (("config", "descriptors"), [10**9, -1]),
    ):  # fmt: skip
        for number, value in enumerate(values):
            change = partial(_json, "model.json", partial(put, keys, value))
            name = f"{'.'.join(keys)} {number}"
            codes = (
                (0, 1)
                if keys[0] in ("parameters", "training", "uncertainty", "kind", "name")
                or keys[-1] in ("dropout", "inference", "schedule", "noise", "metric_power")
                else (1,)
            )
            yield Trial(
                "model.json",
                f"{name}, predict",
                PREDICT,
                partial(_model, change),
                codes,
                ("out",),
                quick=name == "config.encoder_width 0",
            )
            if number == 0:
                yield Trial("model.json", f"{name}, add", ("models", "add", "model"), partial(_model, change), (0, 1))
    for name, data in {
        "empty": b"",
        "deep": b"[" * 200_000,
        "deep objects": b'{"config":' * 50_000,
        "an integer of 9999 digits": b'{"parameters": ' + b"1" * 9999 + b"}",
        "noise": random.Random(3).randbytes(999),
    }.items():
        yield Trial(
            "model.json",
            f"{name}, predict",
            PREDICT,
            partial(_model, partial(_bytes, "model.json", data)),
            (1,),
            ("out",),
            quick=name == "deep",
        )
        yield Trial(
            "model.json",
            f"{name}, show",
            ("models", "show", "model"),
            partial(_model, partial(_bytes, "model.json", data)),
            (0, 1),
        )


def _weights() -> Iterator[Trial]:
    def weights(data: bytes, path: Path, rng: random.Random) -> None:
        """Weights with the right hash."""
        (path / "weights.safetensors").write_bytes(data)
        _json("model.json", lambda c: c.update(weights_sha256=hashlib.sha256(data).hexdigest()), path, rng)

    def header(content: Any, body: bytes = b"") -> bytes:
        text = content if isinstance(content, bytes) else json.dumps(content).encode()
        return struct.pack("<Q", len(text)) + text + body

    def extra(name: str, path: Path, rng: random.Random) -> None:
        (path / name).write_bytes(pickle.dumps({"a": 1}))

    def pipe(path: Path, rng: random.Random) -> None:
        (path / "weights.safetensors").unlink()
        os.mkfifo(path / "weights.safetensors")

    for name, change in {
        "empty": partial(weights, b""), "a header of 8 EB": partial(weights, b"\xff" * 8 + b"{}"),
        "a header of 100 MB": partial(weights, struct.pack("<Q", 100_000_000) + b"{}"), "no tensors": partial(weights, header({})),
        "a deep header": partial(weights, header(b"[" * 100_000)), "a tensor of 8 EB": partial(weights, header({"a": {"dtype": "F32", "shape": [10**9, 10**9], "data_offsets": [0, 4]}}, bytes(4))),
        "offsets beyond the file": partial(weights, header({"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 10**15]}}, bytes(4))),
        "a shape that overflows": partial(weights, header({"a": {"dtype": "F32", "shape": [2**40, 2**40], "data_offsets": [0, 4]}}, bytes(4))),
        "a pickle": partial(weights, pickle.dumps({"a": 1})), "another hash": partial(_bytes, "weights.safetensors", b"x" * 100),
        "a .pt file next to it": partial(extra, "more.pt"), "a .npy file next to it": partial(extra, "more.npy"), "a pipe": pipe,
    }.items():  # fmt: skip
        yield Trial(
            "weights",
            f"{name}, predict",
            PREDICT,
            partial(_model, change),
            (1,),
            ("out",),
            quick=name == "a tensor of 8 EB",
        )
        yield Trial("weights", f"{name}, add", ("models", "add", "model"), partial(_model, change), (1,))


def _archives() -> Iterator[Trial]:
    def archive(members: dict[str, bytes], folder: Path, valid: Path, rng: random.Random) -> None:
        with zipfile.ZipFile(folder / "x.zip", "w", zipfile.ZIP_DEFLATED) as content:
            for name, data in members.items():
                content.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED)

    def bomb(megabytes: int, folder: Path, valid: Path, rng: random.Random) -> None:
        more = {"model/model.json": (valid / "model/model.json").read_bytes()}
        zip_of_zeros(folder / "x.zip", {"model/weights.safetensors": (b"", megabytes)}, more)

    def claims(folder: Path, valid: Path, rng: random.Random) -> None:
        data = bytearray((valid / "model.zip").read_bytes())
        for place in range(len(data) - 46):
            if data[place : place + 4] == b"PK\1\2":
                struct.pack_into("<I", data, place + 24, 0xFFFFFFF0)
        (folder / "x.zip").write_bytes(data)

    def many(folder: Path, valid: Path, rng: random.Random) -> None:
        with zipfile.ZipFile(folder / "x.zip", "w") as content:
            for number in range(70_000):
                content.writestr(zipfile.ZipInfo(f"model/{number}"), b"")

    def changed(folder: Path, valid: Path, rng: random.Random) -> None:
        data = bytearray((valid / "model.zip").read_bytes())
        for _ in range(20):
            data[rng.randrange(len(data))] = rng.randrange(256)
        (folder / "x.zip").write_bytes(data)

    def encrypted(folder: Path, valid: Path, rng: random.Random) -> None:
        data = bytearray((valid / "model.zip").read_bytes())
        for place in range(len(data) - 46):
            if data[place : place + 4] == b"PK\1\2":
                data[place + 8] |= 1
            if data[place : place + 4] == b"PK\3\4":
                data[place + 6] |= 1
        (folder / "x.zip").write_bytes(data)

    def raw(data: bytes, folder: Path, valid: Path, rng: random.Random) -> None:
        (folder / "x.zip").write_bytes(data)

    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w"):
        pass
    words = ("models", "add", "x.zip")
    for name, prepare in {
        "3 GB in 3 MB": partial(bomb, 3000), "500 MB in 500 KB": partial(bomb, 500), "sizes of 4 GB": claims, "70000 files": many,
        "encrypted": encrypted, "empty": partial(raw, b""), "no files": partial(raw, buffer.getvalue()), "noise": partial(raw, random.Random(4).randbytes(5000)),
        "paths to other folders": partial(archive, {"../../../model.json": b"{}", "/etc/weights.safetensors": b"x"}),
        "other files": partial(archive, {"a.txt": b"x"}), "a deep description": partial(archive, {"model.json": b"[" * 200_000}),
        "a description of 200 MB": partial(archive, {"model.json": b" " * (200 << 20)}),
    }.items():  # fmt: skip
        yield Trial("model archive", name, words, prepare, (1,), quick=name in ("encrypted", "500 MB in 500 KB"))
    for number in range(6):
        yield Trial("model archive", f"changed {number}", words, changed, (0, 1))


def _engines() -> Iterator[Trial]:
    def engine(change: Callable[[Path, random.Random], None], folder: Path, valid: Path, rng: random.Random) -> None:
        shutil.copytree(valid / "engine", folder / "engine")
        shutil.copy(valid / "cine.nii.gz", folder / "cine.nii.gz")
        change(folder / "engine", rng)

    def put(key: str, value: Any, content: Any) -> None:
        content[key] = value

    values: dict[str, list[Any]] = {
        "format": [None, 5], "name": [None, "", "\x1b[2J", 5], "onnx": [None, 5, "../../x.onnx", "/etc/passwd", "/dev/zero", "no.onnx", {"file": 5}, ".", {}],
        "sha256": [None, 5, "0" * 64, "x"], "input_size": [None, 5, [64], [10**9, 10**9], [0, 0], ["a", "b"], [64.5, 64]],
        "normalisation": [None, 5, {}, {"clip_percentiles": [50, 10], "range": [0, 1]}, {"clip_percentiles": ["a", 1], "range": [0, 1]}, {"clip_percentiles": [0, 100], "range": [float("nan"), 1]}],
        "labels": [None, [], {"background": 0}, {"background": 0, "right_ventricle": 0, "myocardium": 0, "cavity": 0}, {"background": 10**9, "right_ventricle": 1, "myocardium": 2, "cavity": 3}],
        "pixel_mm": [None, {}, {"least": -1, "preferred": 1, "most": 2}, {"least": 1e300, "preferred": 1e300, "most": 1e300}],
        "views": [None, 5, ["x"], "short-axis"], "contour_convention": [None, 5, "x"], "licence": [None, 5, {}],
        "source": [None, "\x07"], "orientations": [None, [], [[9, True]], [[0, 5]], 5], "size_bytes": [-1, "x", 10**30, 7],
    }  # fmt: skip
    for key, wrong in values.items():
        for number, value in enumerate(wrong):
            change = partial(_json, "engine.json", partial(put, key, value))
            codes = (0, 1) if key in ("normalisation", "orientations", "source", "views", "pixel_mm") else (1,)
            yield Trial(
                "engine.json",
                f"{key} {number}",
                _CONTOUR,
                partial(engine, change),
                codes,
                ("out",),
                quick=key == "input_size" and number == 3,
            )
    for name, data in {
        "empty": b"",
        "deep": b"[" * 200_000,
        "an integer of 9999 digits": b'{"size_bytes": ' + b"1" * 9999 + b"}",
    }.items():
        yield Trial(
            "engine.json", name, _CONTOUR, partial(engine, partial(_bytes, "engine.json", data)), (1,), ("out",)
        )

    def network(make: Callable[[], bytes], path: Path, rng: random.Random) -> None:
        data = make()
        (path / "toy.onnx").write_bytes(data)
        _json("engine.json", lambda c: c.update(sha256=hashlib.sha256(data).hexdigest()), path, rng)

    def built(node: str, attributes: dict[str, Any], constants: dict[str, Any], external: bool = False) -> bytes:
        import numpy as np
        import onnx
        from onnx import TensorProto, helper, numpy_helper

        tensors = [numpy_helper.from_array(np.array(v), k) for k, v in constants.items()]
        if external:
            tensors[0].ClearField("raw_data")
            tensors[0].data_location = TensorProto.EXTERNAL
            entry = tensors[0].external_data.add()
            entry.key, entry.value = "location", "../users-own.txt"
        inputs = list(constants) if node != "Tile" else ["x", *constants]
        nodes = [helper.make_node(node, inputs, ["y"], **attributes)]
        shape = ["N", 4, 64, 64]
        graph = helper.make_graph(
            nodes, "hostile", [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 1, 64, 64])],
            [helper.make_tensor_value_info("y", TensorProto.FLOAT, shape)], tensors,
        )  # fmt: skip
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
        return bytes(model.SerializeToString()) if isinstance(model, onnx.ModelProto) else b""

    for name, make in {
        "empty": lambda: b"", "noise": lambda: random.Random(9).randbytes(5000), "a message of 4 GB": lambda: b"\x3a\xff\xff\xff\xff\x0f" + bytes(20),
        "an array of 4 TB": partial(built, "ConstantOfShape", {}, {"shape": [1000, 1000, 1000, 1000]}),
        "a shape of negative numbers": partial(built, "ConstantOfShape", {}, {"shape": [-1, 4, 64, 64]}),
        "tiles of 1 TB": partial(built, "Tile", {}, {"repeats": [1, 4, 50000, 50000]}),
        "data in the user's file": partial(built, "Identity", {}, {"w": [[1.0, 2.0]]}, True),
        "nested messages": lambda: b"\x3a\x02" * 100_000,
    }.items():  # fmt: skip
        yield Trial(
            "ONNX file",
            name,
            _CONTOUR,
            partial(engine, partial(network, make)),
            (1,),
            ("out",),
            quick=name == "an array of 4 TB",
        )
