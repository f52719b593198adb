"""`draw_contours`: from a cine study to a Case with automatic contours."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from LaMoDCore.contours.automatic.contour_files import write_masks
from LaMoDCore.contours.automatic.engine import EngineDescription
from LaMoDCore.contours.automatic.heart_contours import HeartContours, contour_study
from LaMoDCore.contours.automatic.registry import DEFAULT_ENGINE
from LaMoDCore.heart.case import Case
from LaMoDCore.heart.notes import note
from LaMoDCore.io import load_case
from LaMoDCore.runtime.progress import SILENT, Progress


def draw_contours(
    paths: str | Path | Sequence[str | Path],
    *,
    engine: str | Path | EngineDescription = DEFAULT_ENGINE,
    series: str | None = None,
    fast: bool = False,
    progress: Progress = SILENT,
) -> Case:
    """Draw left-ventricular contours on every frame of a study's short-axis cine.

    The case is read back from the mask files that `lamod contour` writes, so that the same masks given to `load_case`
    later give the same numbers.

    Args:
        paths: DICOM folder of a study or of its series, or image files (NIfTI, NRRD, MetaImage) of the cine.
        engine: name or folder of a contour engine.
        series: UID or number of the only DICOM series to use.
        fast: run the network in one orientation per frame instead of two: half the time, slightly worse contours.
        progress: receives the share done and the time left.

    Returns:
        the case, slices from base to apex, with the cine, notes and the confidence of each frame
        (`CineSlice.contour_origin`).

    Raises:
        LaMoDInputError: the engine or the study cannot be used, or no slice shows a beating ventricle.
    """
    listed = [paths] if isinstance(paths, str | Path) else list(paths)
    heart = contour_study(listed, engine=engine, series=series, per_frame=1 if fast else 2, progress=progress)
    return case_of(heart)


def case_of(heart: HeartContours, **options: object) -> Case:
    """The case of automatic contours.

    Args:
        heart: the contours.
        options: further keyword arguments of `load_case` (levels, rv_insertion_lps, rr_ms, reference_frame, …).
    """
    with tempfile.TemporaryDirectory() as folder:
        names = write_masks(heart, Path(folder))
        masks = [Path(folder) / name for name in names]
        case = load_case(masks, cine=heart.paths, **options)  # type: ignore[arg-type]
    notes = [
        note("slice_left_out", f"A slice was left out: {s.contours.reason}.", source=s.cine.name)
        for s in heart.slices
        if s.contours.verdict == "left out"
    ]
    series = [note("series_left_out", f"A series was left out: {s.reason}.", source=s.title) for s in heart.left_out]
    return replace(case, notes=(*heart.notes, *notes, *case.notes, *series))
