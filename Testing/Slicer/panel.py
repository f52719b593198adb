"""Shared functions for tests of the panel."""

from __future__ import annotations

import colorsys
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np


def predict(app: SimpleNamespace, seconds: float = 180) -> None:
    """Click Predict Strain and wait until the result or an error is shown."""
    app.settle()
    assert app.widget.ui.predictButton.enabled, app.widget.ui.predictButton.toolTip
    app.mouse.click(app.widget.ui.predictButton)
    assert app.mouse.spin(seconds, lambda: app.widget.predictPanel.job is None), "the prediction did not end"
    app.settle()


def without_pauses(monkeypatch: Any) -> None:
    """Let the steps of the check in Slicer wait until the stand-in is quiet where they pause for a time."""
    from Testing.InSlicer import controls, steps
    from Testing.SlicerHost import quiet

    wait = controls.wait

    def wait_or_be_quiet(seconds: float, until: Callable[[], bool] | None = None) -> bool:
        if until is not None:
            return wait(seconds, until)
        quiet.wait()
        return True

    for module in (controls, steps):
        monkeypatch.setattr(module, "wait", wait_or_be_quiet)


def start(app: SimpleNamespace, pids: Any) -> list[int]:
    """Click Predict Strain and wait until the slow worker and its child run; returns their process IDs."""
    app.settle()
    app.mouse.click(app.widget.ui.predictButton)
    assert app.mouse.spin(300, lambda: pids.exists() and len(pids.read_text(encoding="utf-8").split()) == 2)
    return [int(pid) for pid in pids.read_text(encoding="utf-8").split()]


def is_running(pid: int) -> bool:
    """Whether a process is running and not a zombie."""
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):  # it ended between opening and reading
        return False


def node_names() -> list[str]:
    """Class and name of every node in the scene, to detect changes."""
    import slicer

    scene = slicer.mrmlScene
    nodes = (scene.GetNthNode(i) for i in range(scene.GetNumberOfNodes()))
    return sorted(f"{node.GetClassName()} {node.GetName()}" for node in nodes)


def coloured(picture: np.ndarray, least_saturation: float = 0.25) -> np.ndarray:
    """bool [H, W]: pixels that are neither grey nor black."""
    rgb = picture.astype(float) / 255
    value = rgb.max(axis=2)
    saturation = np.where(value > 0, (value - rgb.min(axis=2)) / np.maximum(value, 1e-6), 0)
    return (saturation > least_saturation) & (value > 0.15)


def hue(rgb: tuple[int, int, int]) -> float:
    """Hue as a fraction of a turn: 0 red, 1/3 green, 2/3 blue."""
    return colorsys.rgb_to_hsv(*(channel / 255 for channel in rgb))[0]


def wall_in_view(view: Any, mask: np.ndarray, grid: Any) -> np.ndarray:
    """bool [height, width]: the pixels of the view that a mask [H, W] of a slice covers."""
    import slicer

    to_ras = slicer.util.arrayFromVTKMatrix(view.node.GetXYToRAS())
    width, height = view.node.GetDimensions()[:2]
    x, y = np.meshgrid(np.arange(width), height - 1 - np.arange(height))
    ras = np.stack([x, y, np.zeros_like(x), np.ones_like(x)], axis=-1) @ to_ras.T
    pixel = np.rint(grid.lps_to_pixel(ras[..., :3] * [-1, -1, 1])).astype(int)
    inside = ((pixel >= 0) & (pixel < np.array(mask.shape)[::-1])).all(axis=-1)
    found = np.zeros((height, width), bool)
    found[inside] = mask[pixel[inside][:, 1], pixel[inside][:, 0]]
    return found
