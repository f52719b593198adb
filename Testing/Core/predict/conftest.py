"""A small untrained model and the files of a contracting ring, for tests of the whole prediction without accuracy."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
import torch

from LaMoDCore.models.folder import save_model
from LaMoDCore.networks.lamod import LaMoDModel
from LaMoDCore.networks.motion_decoder import MotionDecoder
from LaMoDCore.training.run.settings import PRESETS

SMALL = PRESETS["smoke"].model


@pytest.fixture(scope="session")
def small_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Untrained, but with a last layer large enough for a measurable motion."""
    torch.manual_seed(11)
    model = LaMoDModel(SMALL)
    decoder: MotionDecoder = model.motion_decoder
    torch.nn.init.normal_(decoder.to_control.weight, std=0.2)
    torch.nn.init.normal_(model.denoiser.to_noise.weight, std=0.02)
    return save_model(model, tmp_path_factory.mktemp("models") / "small", "small")


def ring_frames(frames: int = 12, shape: tuple[int, int] = (80, 96), pixel_mm: float = 1.5) -> np.ndarray:
    """uint8 [T, H, W]: 2 = myocardium, 3 = cavity; end-diastole first."""
    rows, columns = np.meshgrid(np.arange(shape[0]), np.arange(shape[1]), indexing="ij")
    radius = np.hypot(rows - shape[0] / 2, columns - shape[1] / 2) * pixel_mm
    amount = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(frames) / frames)
    inner, outer = 24 - 7 * amount, 33 - 2.5 * amount
    ring = (radius[None] >= inner[:, None, None]) & (radius[None] < outer[:, None, None])
    cavity = radius[None] < inner[:, None, None]
    return (2 * ring + 3 * cavity).astype(np.uint8)


def write_nifti(path: Path, frames: np.ndarray, pixel_mm: float = 1.5, frame_step: float = 40.0) -> Path:
    """4-D NIfTI (x, y, 1, t) in an oblique short-axis plane."""
    image = sitk.GetImageFromArray(frames[:, None], isVector=False)
    image.SetSpacing((pixel_mm, pixel_mm, 8.0, frame_step))
    direction = np.eye(4)
    normal = np.array([-0.48, 0.62, 0.62]) / np.linalg.norm([-0.48, 0.62, 0.62])
    x = np.array([1.0, 0, 0]) - normal[0] * normal
    x /= np.linalg.norm(x)
    direction[:3, :3] = np.stack([x, np.cross(normal, x), normal], axis=1)
    image.SetDirection(direction.ravel())
    sitk.WriteImage(image, str(path))
    return path


@pytest.fixture(scope="session")
def ring_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_nifti(tmp_path_factory.mktemp("ring") / "ring.nii.gz", ring_frames())
