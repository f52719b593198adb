"""Small files with the names that the documentation uses, so that its commands run in seconds."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from LaMoDCore.heart.geometry import SliceGrid
from LaMoDCore.io.dataset.folder import DatasetCase, DatasetEntry, write_dataset_case, write_dataset_index
from LaMoDCore.models.folder import save_model
from LaMoDCore.networks.lamod import LaMoDModel, ModelConfig
from LaMoDCore.training.run.settings import PRESETS
from Testing.Core.io.heart_files import RR_MS, heart_cine, heart_labels, stack_affine, write_dicom_frames, write_nifti

FRAMES = 12
SHAPE, SPACING_MM = (56, 60), (2.2, 2.2)
#: The smallest settings with all stages.
TINY = replace(
    PRESETS["smoke"],
    model=ModelConfig(
        latent_channels=2, encoder_width=12, encoder_blocks=1, decoder_width=4, motion_width=8, motion_blocks=1,
        denoiser_width=4, denoiser_blocks=1, shooting_steps=1,
    ),
    bf16=False,
    shot_frames=1,
)  # fmt: skip


def write_model(folder: Path) -> Path:
    """An untrained model whose motion is large enough to be measured."""
    torch.manual_seed(3)
    model = LaMoDModel(TINY.model)
    torch.nn.init.normal_(model.motion_decoder.to_control.weight, std=0.2)
    return save_model(model, folder, folder.name)


def write_masks(home: Path) -> None:
    """Masks and cine of one heart: three slices, and two frames of one slice with its cine."""
    affine = stack_affine(SHAPE, SPACING_MM)
    labels = heart_labels(affine, SHAPE, frames=FRAMES)
    cine = heart_cine(labels)
    write_nifti(home / "masks.nii", labels, affine, RR_MS / FRAMES)
    (home / "masks.nii.gz").write_bytes(gzip.compress((home / "masks.nii").read_bytes(), 1))
    write_dicom_frames(home / "dicom-folder", cine, affine, times=np.arange(FRAMES) * RR_MS / FRAMES)
    single = np.array(affine)
    single[:3, 3] += single[:3, 2]  # the middle slice
    write_nifti(home / "cine_4d.nii", cine[:, 1:2], single, RR_MS / FRAMES)
    for name, drawn in (("one.nii", labels[:, 1:2]), ("second.nii", np.roll(labels, 1, axis=-1)[:, 1:2])):
        write_nifti(home / name, drawn, single, RR_MS / FRAMES)
    for number, frame in ((1, 0), (10, 4)):
        write_nifti(home / f"frame{number:02d}_gt.nii", labels[frame : frame + 1, 1:2], single, RR_MS / FRAMES)


def write_hearts(folder: Path, subjects: int = 4) -> Path:
    """A dataset of rings with known motion, one slice per subject, with a test and a validation split."""
    rows, columns = np.indices(SHAPE)
    grid = SliceGrid(SHAPE, stack_affine(SHAPE, SPACING_MM, slices=1))
    center = (np.array(SHAPE) - 1) / 2
    x, y = (columns - center[1]) * SPACING_MM[0], (rows - center[0]) * SPACING_MM[1]
    radius = np.maximum(np.hypot(x, y), 1e-6)
    entries = []
    for number in range(subjects):
        squeeze = (250 + 40 * number) * np.sin(np.pi * np.arange(FRAMES) / FRAMES)[:, None, None] ** 2
        masks = np.stack([(np.sqrt(radius**2 + s) >= 22) & (np.sqrt(radius**2 + s) <= 32) for s in squeeze[:, 0, 0]])
        share = np.sqrt(np.maximum(radius**2 - squeeze, 1)) / radius - 1
        lps = grid.vectors_to_lps(np.stack([x * share, y * share], axis=-1))
        wall = np.broadcast_to(masks[0], masks.shape)
        case = DatasetCase(
            id=f"s{number:05d}-mid-1",
            masks=masks[:, None],
            ijk_to_lps=grid.ijk_to_lps,
            frame_times_ms=np.arange(FRAMES) * RR_MS / FRAMES,
            rr_ms=RR_MS,
            reference_frame=0,
            level="mid",
            displacement_mm=np.where(wall[..., None], lps, np.nan).astype(np.float32)[:, None],
            valid=wall[:, None].copy(),
            rv_insertion_lps=grid.pixel_to_lps([center[1] - 10, center[0] - 10]),
        )
        write_dataset_case(folder, case)
        split = ("train", "train", "val", "test")[number % 4]
        entries.append(DatasetEntry(case.id, f"s{number:05d}", "A", split, "dense", "", "mid"))
    write_dataset_index(folder, entries)
    return folder


def write_arrays(folder: Path) -> None:
    """Three subjects for docs/examples/arrays_to_dataset.py."""
    folder.mkdir()
    affine = stack_affine((48, 48), (1.5, 1.5), slices=1, center=np.zeros(3))
    radius = np.hypot(*(np.mgrid[:48, :48].astype(float) - 24))
    for number in range(8):
        squeeze = (30 + 5 * number) * np.sin(np.pi * np.arange(FRAMES) / FRAMES) ** 2
        masks = np.stack([(np.sqrt(radius**2 + s) > 11) & (np.sqrt(radius**2 + s) < 17) for s in squeeze])
        np.savez(
            folder / f"p{number}-mid.npz", masks=masks.astype(np.uint8), pixel_mm=np.array([1.5, 1.5]),
            frame_ms=np.arange(FRAMES) * RR_MS / FRAMES, rr_ms=RR_MS, subject=f"p{number}", level="mid",
            ijk_to_lps=affine, insertion_lps=[-7.0, -9.0, 0.0],
        )  # fmt: skip


def write_all(home: Path) -> None:
    """Every stand-in, in a folder that serves as the working directory of the documentation."""
    write_masks(home)
    write_hearts(home / "hearts")
    write_arrays(home / "slices")
    for name in ("lamod-phantom-v1", "lamod-phantom-v2"):
        write_model(home / "known-models" / name)
    (home / "run").mkdir()
    write_model(home / "run" / "model")
    (home / "tiny.json").write_text(json.dumps(TINY.to_dict()), encoding="utf-8")
