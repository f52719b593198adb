"""A small, exact dataset of contracting annuli: three subjects with a DENSE and a cine scan of one plane each."""

from __future__ import annotations

import numpy as np
from contracting_heart import analytic_motion, deformed_wall, short_axis_grid

from LaMoDCore.evaluation.predictors import Predictor
from LaMoDCore.heart.case import Motion, SliceMotion
from LaMoDCore.io.dataset.folder import DatasetCase, DatasetEntry, write_dataset_case, write_dataset_index

FRAMES = 8
SHORTENING = {"s1": 0.20, "s2": 0.28, "s3": 0.12}
INSERTION_MM = 40.0


def _grid(cohort):
    return short_axis_grid((44, 46), (2.0, 2.0), turn_deg=20 if cohort == "dense" else 55)


def _case(subject, cohort, *, frames=FRAMES, acquired=FRAMES):
    grid = _grid(cohort)
    motion, _, wall, angle = analytic_motion(grid, frames, shortening=SHORTENING[subject], rotation_deg=4)
    masks = deformed_wall(motion, grid)
    other = "cine" if cohort == "dense" else "dense"
    toward = np.unravel_index(int(np.argmin(np.abs(angle - np.deg2rad(130)) + 10 * ~wall)), wall.shape)
    lps = np.where(wall[None, ..., None], grid.vectors_to_lps(np.moveaxis(motion, 1, -1)), np.nan).astype(np.float32)
    valid = np.broadcast_to(wall, masks.shape).copy()
    valid[acquired:] = False
    lps[acquired:] = np.nan
    measured = cohort == "dense"
    return DatasetCase(
        id=f"{subject}-{cohort}",
        masks=masks[:, None],
        ijk_to_lps=grid.ijk_to_lps,
        frame_times_ms=np.arange(frames) * 100.0,
        rr_ms=100.0 * frames,
        reference_frame=0,
        level="mid",
        disease="healthy" if subject == "s2" else "dcm",
        displacement_mm=lps[:, None] if measured else None,
        valid=valid[:, None] if measured else None,
        rv_insertion_lps=grid.pixel_to_lps([toward[1], toward[0]]),
        paired_with=f"{subject}-{other}",
    )


def write_annuli(folder):
    """Write the dataset; subject s3's DENSE covers 6 of 8 frames."""
    entries = []
    for subject in SHORTENING:
        for cohort in ("dense", "cine"):
            data = _case(subject, cohort, acquired=6 if subject == "s3" else FRAMES)
            write_dataset_case(folder, data)
            site = "A" if subject == "s1" else "B"
            entries.append(DatasetEntry(data.id, subject, site, "test", cohort, data.disease, data.level))
    write_dataset_index(folder, entries, {"made_by": "lamod phantom"})


def scaled_truth(name, scale, *, spread=0.0, samples=1):
    """A predictor that returns the true motion times ``scale``, optionally with samples around it."""

    def predict(case):
        subject = case.slices[0].name[:2]
        grid = case.slices[0].grid
        motion, *_ = analytic_motion(grid, case.frames, shortening=SHORTENING[subject], rotation_deg=4)
        if samples == 1:
            return Motion((SliceMotion((scale * motion).astype(np.float32)),))
        factors = scale + spread * np.linspace(-1, 1, samples)
        drawn = (factors[:, None, None, None, None] * motion).astype(np.float32)
        return Motion((SliceMotion(drawn.mean(axis=0), drawn),))

    return Predictor(name, predict)
