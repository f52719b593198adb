"""A small dataset of contracting rings with exact motion, and the smallest settings with all stages."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from contracting_heart import analytic_motion, deformed_wall, short_axis_grid

from LaMoDCore.io.dataset.folder import DatasetCase, DatasetEntry, write_dataset_case, write_dataset_index
from LaMoDCore.networks.lamod import ModelConfig
from LaMoDCore.training.run.settings import PRESETS

FRAMES = 8
TINY = replace(
    PRESETS["smoke"],
    model=ModelConfig(
        latent_channels=2, encoder_width=12, encoder_blocks=1, decoder_width=4, motion_width=8, motion_blocks=1,
        denoiser_width=4, denoiser_blocks=1, shooting_steps=1,
    ),
    bf16=False,
    shot_frames=1,
)  # fmt: skip


def ring_case(subject: str, shortening: float) -> DatasetCase:
    """Frame 7 was not acquired."""
    grid = short_axis_grid((44, 46), (2.0, 2.0), turn_deg=20)
    motion, _, wall, _ = analytic_motion(grid, FRAMES, shortening=shortening, rotation_deg=4)
    masks = deformed_wall(motion, grid)
    lps = np.where(wall[None, ..., None], grid.vectors_to_lps(np.moveaxis(motion, 1, -1)), np.nan).astype(np.float32)
    valid = np.broadcast_to(wall, masks.shape).copy()
    valid[7], lps[7] = False, np.nan
    return DatasetCase(
        id=f"{subject}-mid",
        masks=masks[:, None],
        ijk_to_lps=grid.ijk_to_lps,
        frame_times_ms=np.arange(FRAMES) * 100.0,
        rr_ms=100.0 * FRAMES,
        reference_frame=0,
        level="mid",
        displacement_mm=lps[:, None],
        valid=valid[:, None],
    )


def write_rings(folder: Path, train: int = 4, val: int = 2) -> Path:
    """One slice per subject."""
    entries = []
    for number in range(train + val):
        subject = f"s{number}"
        case = ring_case(subject, 0.12 + 0.03 * number)
        write_dataset_case(folder, case)
        split = "train" if number < train else "val"
        entries.append(DatasetEntry(case.id, subject, "A", split, "dense", "", case.level))
    write_dataset_index(folder, entries)
    return folder
