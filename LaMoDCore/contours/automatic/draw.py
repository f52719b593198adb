"""`draw_contours`: from a cine study to a Case with automatic contours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy.typing as npt

from LaMoDCore.contours.automatic.contour_files import label_frames
from LaMoDCore.contours.automatic.engine import EngineDescription
from LaMoDCore.contours.automatic.heart_contours import HeartContours, contour_study
from LaMoDCore.contours.automatic.registry import DEFAULT_ENGINE
from LaMoDCore.heart.case import Case
from LaMoDCore.heart.contour_convention import parse_conventions
from LaMoDCore.heart.contour_origin import METADATA_KEY, origins_to_text
from LaMoDCore.heart.levels import parse_levels
from LaMoDCore.heart.notes import note
from LaMoDCore.io.case.reader import assemble_case
from LaMoDCore.io.case.slice_reader import read_drawn_slice
from LaMoDCore.io.files.labels import LabelMap
from LaMoDCore.io.results.contour_masks import CAVITY, MYOCARDIUM, RIGHT_VENTRICLE
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

    Masks that `write_result` or `lamod contour` write of it give the same numbers again when `load_case` reads them.

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


def case_of(
    heart: HeartContours,
    *,
    rr_ms: float | None = None,
    levels: str | Sequence[str] | None = None,
    rv_insertion_lps: npt.ArrayLike | None = None,
    slice_insertions_lps: Sequence[npt.ArrayLike] = (),
    reference_frame: int | None = None,
    swap_base_and_apex: bool = False,
    contour_convention: str | Sequence[str] | None = None,
) -> Case:
    """The case of automatic contours, with the cine that they were drawn on.

    Args:
        heart: the contours.
        rr_ms, levels, rv_insertion_lps, slice_insertions_lps, reference_frame, swap_base_and_apex, contour_convention:
            as for `load_case`.

    Raises:
        LaMoDInputError: an option or the times of the cine cannot be used.
    """
    source = heart.paths[0]
    meaning = LabelMap(myocardium=MYOCARDIUM, cavity=CAVITY, right_ventricle=RIGHT_VENTRICLE)
    notes = list(heart.notes)
    read = []
    for number, slice_ in enumerate(heart.slices, start=1):
        name = f"slice {number}"
        if slice_.contours.verdict == "left out":
            text = f"A slice was left out: {slice_.contours.reason}."
            notes.append(note("slice_beyond_ventricle", text, source=name))
            continue
        mask = replace(
            slice_.cine,
            frames=label_frames(slice_)[:, None],
            metadata={METADATA_KEY: origins_to_text([heart.origin_of(slice_)])},
        )
        read.append(read_drawn_slice(mask, slice_.cine, name, source, meaning, rr_ms))
    case = assemble_case(
        read,
        notes,
        inputs=heart.paths,
        levels=parse_levels(levels),
        rv_insertion_lps=rv_insertion_lps,
        slice_insertions_lps=slice_insertions_lps,
        reference_frame=reference_frame,
        swap_base_and_apex=swap_base_and_apex,
        conventions=parse_conventions(contour_convention),
    )
    series = [note("series_left_out", f"A series was left out: {s.reason}.", source=s.title) for s in heart.left_out]
    return replace(case, notes=(*case.notes, *series))
