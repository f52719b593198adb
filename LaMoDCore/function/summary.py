"""LV function of a case as strain.json holds it."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from LaMoDCore.function.thickness import wall_thickness
from LaMoDCore.function.ventricle import whole_ventricle
from LaMoDCore.function.volumes import LVFunction, left_ventricular_function
from LaMoDCore.heart.case import Case
from LaMoDCore.heart.notes import Note, note

DEFINITIONS = {
    "volume": "sum over the slices of blood pool area × slice height, half-way to each neighbour; as drawn, so "
    "papillary muscles belong to whichever side the contours put them on",
    "base": "a slice counts in the frames in which its contours show the ventricle",
    "ef": "stroke volume / end-diastolic volume, fraction",
    "cardiac_output": "stroke volume × 60 / R–R interval",
    "mass": "wall volume at end-diastole × 1.05 g/ml",
    "rates": "slope of the parabola through each frame and its neighbours; steepest fall up to and steepest rise after "
    "end-systole",
    "thickness": "distance from endo- to epicardium along rays from the cavity's centroid, mean over the segment",
    "thickening": "(end-systolic − end-diastolic thickness) / end-diastolic thickness, fraction",
}


def function_summary(case: Case, es_frame: int) -> tuple[dict[str, Any], list[list[dict[str, Any]]], list[Note]]:
    """Volumes and indices, wall thickness, and notes.

    Args:
        case: the case, including its volume slices.
        es_frame: end-systole of the strain analysis, for the thickness.

    Returns:
        ``function`` of strain.json, None for what is unknown; per slice one row per segment with its thickness; notes.
    """
    first = case.slices[0]
    notes: list[Note] = []
    try:
        found = left_ventricular_function(whole_ventricle(case), first.phases)
    except ValueError as error:
        found = LVFunction(first.phases * 0.0, 0, 0, incomplete=f"the slices form no stack ({error})")
    lost = sum(each.code == "slice_left_out" for each in case.notes)
    lost -= sum(s.contour_origin is None for s in case.volume_slices)
    if lost > 0 and not found.incomplete:
        reason = "a slice with contours was left out, so a part of the ventricle is missing"
        found = LVFunction(found.volume_ml, found.ed_frame, found.es_frame, incomplete=reason)
    if found.incomplete:
        text = f"Volumes and ejection fraction are not given: {found.incomplete}."
        notes.append(note("function_incomplete", text))
    values = asdict(found)
    values["volume_ml"] = [float(value) for value in found.volume_ml]
    thickness = [
        [
            {**asdict(row), "thickening": row.thickening}
            for row in wall_thickness(
                s, case.reference_frame, es_frame, case.insertion_of(s), walls_known=case.walls_known
            )
        ]
        for s in case.slices
    ]
    return {**values, "definitions": dict(DEFINITIONS)}, thickness, notes
