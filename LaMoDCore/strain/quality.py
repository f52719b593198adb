"""Notes on doubtful results, based on the masks, the motion and the strain."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from LaMoDCore.heart.case import Case, CineSlice, Motion, SliceStrain
from LaMoDCore.heart.geometry import MIN_AXIS_COSINE, Array
from LaMoDCore.heart.notes import Note, note
from LaMoDCore.heart.ring.mask import is_closed_ring
from LaMoDCore.runtime.plain_text import counted
from LaMoDCore.strain import curves

#: Standard deviation of segmental Ecc over the samples above which they disagree.
MAX_SAMPLE_SD = 0.03
#: Usual range of end-systole, as fractions of the cycle; anything else is noted.
USUAL_END_SYSTOLE = (0.2, 0.6)
#: Largest ratio of the longest to the shortest cardiac cycle of a case that is not noted.
MAX_CYCLE_RATIO = 1.15


def quality_notes(case: Case, motion: Motion, slices: Sequence[SliceStrain], es_frame: int) -> tuple[Note, ...]:
    """List the reasons to doubt the numbers of a case.

    Args:
        case: the input.
        motion: predicted or measured.
        slices: strain of each slice, in the case's order.
        es_frame: end-systole.
    """
    found: list[Note] = []
    for number, (slice_, slice_motion, strain) in enumerate(zip(case.slices, motion.slices, slices, strict=True), 1):
        own = _slice_notes(case, slice_, strain, es_frame)
        found += [replace(each, slice=number, source=slice_.name) for each in own]
        if slice_motion.samples_mm is not None and "ecc" in strain.segment_curves_std:
            spread = float(np.nanmax(strain.segment_curves_std["ecc"][:, es_frame]))
            if spread > MAX_SAMPLE_SD:
                text = f"The samples disagree on segmental Ecc at end-systole by up to {spread:.1%} (SD)."
                found.append(note("samples_disagree", text, slice=number, source=slice_.name))
    if case.rv_insertion_lps is None:
        found.append(
            note(
                "rv_insertion_assumed",
                "No RV insertion point was given, and no right ventricle was found: segments start at its expected "
                "position, right-anterior of the ventricle's centre. It may be 40° off, so that up to two thirds of a "
                "segment bear the name of its neighbour.",
            )
        )
    cycles = [slice_.rr_ms for slice_ in case.slices]
    if max(cycles) / min(cycles) > MAX_CYCLE_RATIO:
        text = (
            f"The slices' cardiac cycles differ by {max(cycles) / min(cycles) - 1:.0%}: times and rates of the whole "
            f"heart are in phase and refer to the median R–R interval, {case.rr_ms:.0f} ms."
        )
        found.append(note("cycles_differ", text))
    return tuple(found)


def _slice_notes(case: Case, slice_: CineSlice, strain: SliceStrain, es_frame: int) -> Iterator[Note]:
    ring = strain.myocardium
    yield from _ring_notes(ring)
    missing = 1 - np.isfinite(strain.fields["ecc"][case.reference_frame][ring]).mean()
    if missing > 0:
        yield note("wall_too_thin", f"{missing:.1%} of the myocardium is too thin for strain and is left out.")
    if not slice_.valid_frames.all():
        left_out = int((~slice_.valid_frames).sum())
        text = f"The acquisition left out {left_out} of {slice_.frames} frames, which peaks ignore."
        yield note("frames_not_acquired", text)
    jacobian = strain.fields["jacobian"][:, ring]
    if np.isfinite(jacobian).any() and np.nanmin(jacobian) <= 0:
        folded = int((np.nanmin(jacobian, axis=0) <= 0).sum())
        text = f"The motion folds at {counted(folded, 'pixel')} (J ≤ 0), where strain is meaningless."
        yield note("motion_folds", text)
    course = curves.slice_cycle(slice_, case.reference_frame, es_frame)
    fraction = course.es_time_ms / slice_.rr_ms
    if not USUAL_END_SYSTOLE[0] <= fraction <= USUAL_END_SYSTOLE[1]:
        yield note("end_systole_unusual", f"End-systole at {fraction:.0%} of the cycle is unusual.")
    if abs(slice_.grid.axis_cosine) < MIN_AXIS_COSINE:
        text = "By its orientation this is hardly a short-axis slice, so the side of the apex is a guess."
        yield note("not_short_axis", text)
    names = strain.segment_names
    empty = ", ".join(name for s, name in enumerate(names, 1) if not (strain.segment == s).any())
    if empty:
        yield note("segments_empty", f"There is no myocardium in the segments {empty}.")


def _ring_notes(ring: Array) -> Iterator[Note]:
    if not is_closed_ring(ring):
        yield note(
            "ring_open_at_reference",
            "The myocardium is open at the reference frame: its centre is that of its convex hull, and there are no "
            "transmural layers.",
        )
    if ring[0].any() or ring[-1].any() or ring[:, 0].any() or ring[:, -1].any():
        yield note("ring_at_image_edge", "The myocardium touches the edge of the image at the reference frame.")
