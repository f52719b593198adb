"""Write an analysed DENSE scan as a case of a dataset folder, with its quality figures and a picture."""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import numpy as np

from LaMoDCore.dense.analysis import DenseMotion
from LaMoDCore.dense.quality import FrameQuality
from LaMoDCore.heart.contour_convention import ContourConvention
from LaMoDCore.heart.geometry import Array
from LaMoDCore.io.dataset.folder import DatasetCase, write_dataset_case

#: Contours on DENSE images follow the tissue unless the user states otherwise: the same material in every frame.
DENSE_CONVENTION: ContourConvention = "tissue"
#: Keys in the details of DENSE cases only.
_KEYS = frozenset({"covers_ms", "ke_cycles_per_mm"})
QUALITY_FILE = "quality.csv"
PICTURE_FILE = "dense.png"


def dataset_case(
    motion: DenseMotion,
    case_id: str,
    disease: str = "",
    insertion_lps: Array | None = None,
    convention: ContourConvention = DENSE_CONVENTION,
) -> DatasetCase:
    """Convert the motion to a dataset case; frame 0 is the encoding instant, and the case ends with the last frame.

    Args:
        motion: the result of `analyse_dense`.
        case_id: folder name.
        disease: "" if unknown.
        insertion_lps: [3] mm, anterior RV insertion point; None if unknown.
        convention: convention by which the contours were drawn.
    """
    images = motion.images
    # contours may end before the scan does: frames without contours are not part of the case
    frames = 1 + int(np.flatnonzero(motion.myocardium.any(axis=(1, 2)))[-1])
    wall = motion.myocardium[0]
    displacement = np.full((frames, *images.grid.shape, 3), np.nan, dtype=np.float32)
    in_plane = np.moveaxis(motion.displacement_mm[:frames], 1, -1)
    displacement[:, wall] = images.grid.vectors_to_lps(in_plane[:, wall])
    measured = np.concatenate([[True], [q.usable for q in motion.quality]])[:frames]
    magnitude = np.concatenate([images.magnitude[:1], images.magnitude])[:frames]
    return DatasetCase(
        id=case_id,
        masks=motion.myocardium[:frames, None],
        ijk_to_lps=images.grid.ijk_to_lps,
        frame_times_ms=motion.frame_times_ms[:frames],
        rr_ms=images.rr_ms,
        reference_frame=0,
        level=images.level,
        disease=disease,
        displacement_mm=displacement[:, None],
        valid=(measured[:, None, None] & wall)[:, None],
        rv_insertion_lps=insertion_lps,
        cine=magnitude[:, None],
        details={**_details(motion, float(motion.frame_times_ms[frames - 1])), "contour_convention": convention},
    )


def is_dense_case(details: Mapping[str, Any]) -> bool:
    """Whether the details of a case are those of `dataset_case`, of this or an earlier version."""
    return details.get("source") == "cine DENSE" or not _KEYS.isdisjoint(details)


def write_analysis(folder: Path, case: DatasetCase, motion: DenseMotion, *, command: str = "dense") -> Path:
    """Write the case, its quality figures and its picture to `folder/cases/ID`; returns that folder."""
    from LaMoDCore.dense.picture import write_picture

    def write_more(home: Path) -> None:
        write_quality(home / QUALITY_FILE, motion.quality)
        write_picture(home / PICTURE_FILE, motion, case.rv_insertion_lps)

    return write_dataset_case(folder, case, more=write_more, command=command)


def write_quality(path: Path, quality: tuple[FrameQuality, ...]) -> None:
    """Write one row per acquired frame, numbered as in the motion: frame 0 is the encoding instant."""
    with path.open("w", newline="", encoding="utf-8") as handle:
        writer = csv.writer(handle, lineterminator="\n")
        names = [f.name for f in fields(FrameQuality)]
        writer.writerow(["frame", *names])
        for frame, figures in enumerate(quality, 1):
            values = asdict(figures).values()
            writer.writerow([frame, *(f"{v:.4f}" if isinstance(v, float) else int(v) for v in values)])


def _details(motion: DenseMotion, end: float) -> dict[str, object]:
    doubtful = [t + 1 for t, q in enumerate(motion.quality) if q.doubtful]
    noise = [q.noise_mm for q in motion.quality if math.isfinite(q.noise_mm)]
    return {
        "source": "cine DENSE",
        "covers_ms": [0.0, round(end, 3)],
        "covers_phase": [0.0, round(end / motion.images.rr_ms, 4)],
        "ke_cycles_per_mm": [round(float(k), 6) for k in motion.images.ke],
        "smoothing_mm": round(motion.smoothing_mm, 3),
        "temporal_order": motion.temporal_order,
        "median_noise_mm": round(float(np.median(noise)), 4) if noise else None,
        "doubtful_frames": doubtful,
        "notes": [note.to_dict() for note in motion.notes],
    }
