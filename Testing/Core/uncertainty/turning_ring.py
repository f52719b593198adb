"""A small untrained model that samples motion: its modes rotate, stretch and translate the ring."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch

from LaMoDCore.heart.canonical import FRAMES
from LaMoDCore.heart.case import Case, CineSlice
from LaMoDCore.heart.geometry import SliceGrid
from LaMoDCore.heart.ring.motion_basis import TERMS
from LaMoDCore.networks.lamod import InferenceDefaults, LaMoDModel
from LaMoDCore.networks.motion_latent import MotionLatentConfig
from LaMoDCore.training.run.settings import PRESETS

MODES = 3
SAMPLING = replace(
    PRESETS["smoke"].model,
    motion_latent=MotionLatentConfig(modes=MODES, condition=16, width=32, blocks=1),
    inference=InferenceDefaults(space="motion", steps=4, samples=4),
)


def ring_slice(
    frames: int = 12, pixel_mm: float = 1.5, inner: float = 24.0, flip: bool = False, turned: float = 0.0
) -> CineSlice:
    """A closed-form contracting ring in an oblique short-axis plane, seen from the apex or (flip) from the base."""
    shape = (76, 88)
    rows, columns = np.meshgrid(np.arange(shape[0]), np.arange(shape[1]), indexing="ij")
    radius = np.hypot(rows - 37.0, columns - 44.0) * pixel_mm
    amount = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(frames) / frames)
    ring = (radius[None] >= (inner - 6 * amount)[:, None, None]) & (
        radius[None] < (inner + 9 - 2 * amount)[:, None, None]
    )
    normal = np.array([-0.48, 0.62, 0.62]) / np.linalg.norm([-0.48, 0.62, 0.62])
    x = np.array([1.0, 0, 0]) - normal[0] * normal
    x /= np.linalg.norm(x)
    y = np.cross(normal, x)
    x, y = np.cos(turned) * x + np.sin(turned) * y, np.cos(turned) * y - np.sin(turned) * x
    affine = np.eye(4)
    affine[:3, 0], affine[:3, 1], affine[:3, 2] = (-x if flip else x) * pixel_mm, y * pixel_mm, normal * 8
    times = 25.0 + np.arange(frames) * 70.0
    return CineSlice("ring", SliceGrid(shape, affine), ring, times, 70.0 * frames)


def turning_model(seed: int = 5) -> LaMoDModel:
    """Mode 0 rotates the ring (SD 0.1 rad at mid-cycle), mode 1 stretches it, mode 2 translates it (first harmonic)."""
    torch.manual_seed(seed)
    model = LaMoDModel(SAMPLING)
    assert model.motion_latent is not None
    amount = np.sin(np.pi * np.arange(FRAMES) / FRAMES) ** 2
    modes = np.zeros((MODES, 2, FRAMES, TERMS), dtype=np.float32)
    modes[0, 1, :, 0] = 0.10 * amount
    modes[1, 0, :, 0] = 0.02 * amount
    modes[2, 1, :, 1] = 0.05 * amount
    model.motion_latent.modes.copy_(torch.from_numpy(modes.reshape(MODES, -1)))
    torch.nn.init.normal_(model.motion_decoder.to_control.weight, std=0.05)
    return model


def one_slice_case(**options: float) -> Case:
    return Case((ring_slice(**options),))  # type: ignore[arg-type]
