"""Everything that LaMoD has to report on an input: one list for `lamod check`, `lamod info` and `lamod predict`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from LaMoDCore.contours.check import check_contours
from LaMoDCore.contours.checks.out_of_register import check_out_of_register
from LaMoDCore.contours.findings import Finding
from LaMoDCore.function.summary import function_summary
from LaMoDCore.heart.case import Case, CineSlice, Motion, SliceMotion
from LaMoDCore.heart.cycle.shapes import SliceShapes
from LaMoDCore.heart.notes import CODES, Note, note
from LaMoDCore.io.case.drawn_slices import DrawnHeart, read_drawn_heart
from LaMoDCore.io.case.reader import load_case
from LaMoDCore.io.files.labels import LabelMap
from LaMoDCore.runtime.errors import LaMoDInputError
from LaMoDCore.strain import end_systole, quality_notes, slice_strain

#: Codes that only a predicted motion can have; `lamod check` and `lamod info` cannot report them.
NEED_MOTION = frozenset(
    {"motion_folds", "samples_disagree", "unlike_training", "convention_not_used", "convention_contradicted"}
)
#: Slices of the file and of the case are the same if their planes are closer than this.
_SAME_PLANE_MM = 0.5

Labels = str | Mapping[str, int] | LabelMap | None


def input_notes(
    masks: Sequence[str | Path],
    *,
    cine: Sequence[str | Path] = (),
    labels: Labels = None,
    heart: DrawnHeart | None = None,
    **options: Any,
) -> tuple[Note, ...]:
    """Read an input as `lamod predict` does and list every note on it that does not depend on the predicted motion.

    Args:
        masks: files or folders with masks.
        cine: the cine images.
        labels: meaning of the labels.
        heart: the masks as drawn, if they were read.
        **options: further options of `load_case`.

    Returns:
        The notes; an input that `lamod predict` refuses has the note ``input_refused`` with the reason.
    """
    try:
        case = load_case(list(masks), cine=list(cine) or None, labels=labels, **options)
        contours = contour_notes(case, masks, labels, heart, options.get("mask_frames"))
        return tuple(dict.fromkeys([*case.notes, *contours, *_notes_without_motion(case)]))
    except LaMoDInputError as error:
        reason = error.reason[0].upper() + error.reason[1:]
        remedy = error.remedy[0].upper() + error.remedy[1:] + "."
        refusal = note("input_refused", f"{reason}.", source=Path(error.source).name, remedy=remedy)
    # After the except block, since the error keeps everything that was read in memory.
    return (refusal, *_of_refused(heart or _as_drawn(masks, labels, cine, options.get("mask_frames"))))


def contour_notes(
    case: Case,
    masks: Sequence[str | Path] = (),
    labels: Labels = None,
    heart: DrawnHeart | None = None,
    mask_frames: Sequence[int] | None = None,
) -> tuple[Note, ...]:
    """Findings of the contour checks as notes on a case: one per fault, slice and frame.

    Args:
        case: the case.
        masks: its files; the contours are checked as drawn, before small faults are removed. Without files, or if
            contours were carried to frames without any, those of the case are checked.
        labels: meaning of the labels.
        heart: the masks as drawn, if they were read.
        mask_frames: the cine's frames to which the masks belong, if the user gave them.
    """
    if masks and not any(each.code == "contours_carried" for each in case.notes):
        heart = heart or _as_drawn(masks, labels, (), mask_frames)
        if heart is not None:
            slices = [replace(drawn.slice, cine=None) for drawn in heart.slices]
            partly = [drawn.partly_drawn for drawn in heart.slices]
            found = _notes_of(check_contours(slices, heart.reference_frame, partly).findings, slices, case.slices)
            found += _notes_of(_out_of_register(case), case.slices, case.slices)
            return tuple(dict.fromkeys(found))
    report = check_contours(case.slices, case.reference_frame)
    return tuple(dict.fromkeys(_notes_of(report.findings, case.slices, case.slices)))


def _as_drawn(
    masks: Sequence[str | Path], labels: Labels, cine: Sequence[str | Path], mask_frames: Sequence[int] | None
) -> DrawnHeart | None:
    """The masks as drawn; None if they cannot be read, for example without the cine."""
    try:
        return read_drawn_heart(masks, cine=cine, labels=labels, mask_frames=mask_frames)
    except LaMoDInputError:
        return None


def _of_refused(heart: DrawnHeart | None) -> tuple[Note, ...]:
    """Notes on contours that can be read but not used."""
    if heart is None:
        return ()
    slices = [drawn.slice for drawn in heart.slices]
    partly = [drawn.partly_drawn for drawn in heart.slices]
    found = check_contours(slices, heart.reference_frame, partly).findings
    return tuple(dict.fromkeys(_notes_of(found, slices, slices)))


def _out_of_register(case: Case) -> list[Finding]:
    return [
        finding
        for k, slice_ in enumerate(case.slices)
        if slice_.cine is not None
        for finding in check_out_of_register(SliceShapes.of(slice_, k, case.reference_frame))
    ]


def _notes_of(findings: Sequence[Finding], drawn: Sequence[CineSlice], numbered: Sequence[CineSlice]) -> list[Note]:
    """Findings without their numbers, so that frames are grouped; slices are numbered as in the case."""
    number_of = [_number_in(slice_, numbered) for slice_ in drawn]
    return [
        replace(each.note, text=CODES[each.fault.code].meaning, slice=number_of[each.slice_index]) for each in findings
    ]


def _number_in(slice_: CineSlice, slices: Sequence[CineSlice]) -> int | None:
    """The number, from 1, of the slice in the same plane; None if it was left out."""
    rows, columns = np.nonzero(slice_.myocardium.any(axis=0))
    if rows.size == 0:
        return None
    center = slice_.grid.pixel_to_lps(np.array([columns.mean(), rows.mean()]))
    for number, other in enumerate(slices, start=1):
        if abs(float(other.grid.distance_mm(center))) < _SAME_PLANE_MM:
            return number
    return None


def _notes_without_motion(case: Case) -> list[Note]:
    """The notes of a result that depend on the contours alone, computed with a motion of zero."""
    still = tuple(SliceMotion(np.zeros((s.frames, 2, *s.grid.shape), dtype=np.float32)) for s in case.slices)
    strains = [
        slice_strain(s, motion, case.reference_frame, case.rv_insertion_lps, walls_known=case.walls_known)
        for s, motion in zip(case.slices, still, strict=True)
    ]
    es_frame = end_systole(case)
    found = [*quality_notes(case, Motion(still), strains, es_frame), *function_summary(case, es_frame)[2]]
    return [each for each in found if each.code not in NEED_MOTION]
