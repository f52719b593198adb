"""Choose the device of a prediction; an accelerator only if a whole prediction on it agrees with the CPU's.

Drivers and versions of PyTorch differ in the operations that an accelerator supports, and a few return wrong numbers.
Therefore `auto` predicts a synthetic ring on the accelerator and on the CPU first. The outcome is stored per version of
LaMoD and PyTorch, default model and device. Other models are not checked.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import torch

from LaMoDCore import __version__
from LaMoDCore.heart.case import CineSlice
from LaMoDCore.heart.geometry import Array, SliceGrid
from LaMoDCore.models.default_model import DEFAULT_MODEL
from LaMoDCore.models.folder import find_model, load_model, read_description
from LaMoDCore.prediction.options import resolve_options
from LaMoDCore.prediction.slice_motion import predict_slice
from LaMoDCore.runtime.devices import resolve_device
from LaMoDCore.runtime.json_file import json_object_if_any, write_json

#: Largest accepted difference between the displacement on the accelerator and on the CPU, in mm.
TOLERANCE_MM = 0.05
_SAMPLES = 8
_CPU = torch.device("cpu")


def choose_device(name: str = "auto") -> tuple[torch.device, str]:
    """Return the device for `name`, and the reason for the choice as text.

    Args:
        name: auto, cpu, cuda, cuda:N or mps. `auto` selects an accelerator if there is one and it passes
            `fault_of`, otherwise the CPU; the other names are not checked.

    Raises:
        LaMoDInputError: the device is not available.
    """
    device, reason = resolve_device(name)
    if name != "auto" or device.type == "cpu":
        return device, reason
    known = json_object_if_any(_outcomes_file())
    weights = read_description(find_model(DEFAULT_MODEL))["weights_sha256"]
    key = f"LaMoD {__version__}, {DEFAULT_MODEL} {weights[:8]}, PyTorch {torch.__version__}, {reason}"
    fault = known.get(key)
    if not isinstance(fault, str):
        fault = fault_of(device)
        _store({**known, key: fault})
    return (_CPU, f"CPU: {reason} failed the self-check ({fault})") if fault else (device, reason)


def fault_of(device: torch.device) -> str:
    """Compare a prediction with the default model on `device` with the same on the CPU.

    Returns:
        What is wrong with the device, one line; empty if the displacement and its samples agree within `TOLERANCE_MM`.
    """
    on_cpu = _displacement(_CPU)
    try:
        found = _displacement(device)
    except Exception as error:  # drivers raise errors of many types; any of them means that the CPU must be used
        return " ".join(str(error).split())[:200] or type(error).__name__
    difference = float(np.abs(found - on_cpu).max())
    # A NaN is a failure, too.
    return "" if difference <= TOLERANCE_MM else f"its displacement differs from the CPU's by {difference:.3g} mm"


def _displacement(device: torch.device) -> Array:
    """Displacement of the ring and of its samples, [1 + N, T, 2, H, W] mm."""
    model = load_model(DEFAULT_MODEL, device)
    options = resolve_options(model, samples=_SAMPLES)
    motion = predict_slice(_ring(), 0, model, options, seed=0).motion
    assert motion.samples_mm is not None
    return np.concatenate([motion.displacement_mm[None], np.asarray(motion.samples_mm)])


def _ring(frames: int = 10, size: int = 64, pixel_mm: float = 2.0) -> CineSlice:
    """A contracting ring."""
    rows, columns = np.indices((size, size)) - (size - 1) / 2
    radius = pixel_mm * np.hypot(rows, columns)
    contraction = (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(frames) / frames))[:, None, None]
    endocardium, epicardium = 24 - 7 * contraction, 34 - 3 * contraction
    grid = SliceGrid((size, size), np.diag([pixel_mm, pixel_mm, 8.0, 1.0]))
    wall = (radius >= endocardium) & (radius < epicardium)
    return CineSlice("ring", grid, wall, np.arange(frames) * 1000.0 / frames, 1000.0, cavity=radius < endocardium)


def _outcomes_file() -> Path:
    folder = os.environ.get("LAMOD_CACHE")
    return (Path(folder) if folder else Path.home() / ".lamod" / "cache") / "device-checks.json"


def _store(outcomes: dict[str, str]) -> None:
    """Store the outcomes; without a writable folder the check runs again next time."""
    try:
        _outcomes_file().parent.mkdir(parents=True, exist_ok=True)
        write_json(_outcomes_file(), outcomes)
    except (OSError, RuntimeError):
        return
