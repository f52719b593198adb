"""Check whether the position of a heart in the patient contradicts its orientation: mirrored or exchanged axes.

Wall names and the side of the apex are derived from the orientation in the files. Both are wrong, without any sign in
the numbers, for a heart on the right side (dextrocardia), and in images that are mirrored or whose direction matrix is
wrong.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from LaMoDCore.heart.case import CineSlice
from LaMoDCore.heart.geometry import BASE_TO_APEX_LPS, Array
from LaMoDCore.heart.notes import Note, note
from LaMoDCore.heart.ring.mask import epicardial_region
from LaMoDCore.heart.rv_insertion import both_in_order, insertion_points, middle_of_septum

#: Usual direction from the left to the right ventricle in LPS: right, anterior and a little inferior.
RIGHT_VENTRICLE_LPS = np.array([-1.0, -0.6, -0.4])
#: A heart turned farther than this from its usual position is mirrored. Hearts with long axes from vertical to
#: horizontal, turned about them by up to 60°, are turned by up to 92°.
MAX_TURN_DEG = 105.0
#: Long axes farther than this from the usual one are unusual: those of such hearts are within 33°, mirrored they are
#: between 48° and 90°, and the scanner's own axes are at 55°.
MAX_AXIS_OFF_DEG = 56.0
#: A heart with an unusual axis is mirrored if it is turned farther than this.
MAX_TURN_OF_UNUSUAL_AXIS_DEG = 75.0
#: Slices that span less may all come from the middle of the ventricle, where its diameter changes little.
_MIN_SPAN_MM = 40.0
#: An apical third with more than this multiple of the basal third's area is the base.
_MAX_APICAL_AREA = 1.15


def contradictions(slices: Sequence[CineSlice], reference_frame: int, given_lps: Array | None = None) -> list[Note]:
    """Notes on a heart whose anatomy contradicts the orientation of its slices, so that walls cannot be named.

    The septum is on the wrong side of the ventricle (found from the RV labels or from both insertion points), or the
    ventricle grows towards the assumed apex.

    Args:
        slices: slices of one heart, from base to apex.
        reference_frame: end-diastole.
        given_lps: both insertion points [2, 3] in LPS mm, if the user gave them.
    """
    found = []
    turn = turn_degrees(slices, reference_frame, given_lps)
    limit = MAX_TURN_DEG if axis_off_degrees(slices) <= MAX_AXIS_OFF_DEG else MAX_TURN_OF_UNUSUAL_AXIS_DEG
    if turn is not None and turn > limit:
        text = (
            f"By the right ventricle and the orientation of the slices, the heart is turned by {turn:.0f}° from its "
            "usual position: it is mirrored (dextrocardia), or the direction matrix is wrong. Segments have no wall "
            "names, and the sign of rotation is doubtful."
        )
        found.append(note("orientation_contradicted", text))
    if tapers_towards_base(slices, reference_frame):
        text = (
            "The ventricle grows from the first to the last slice: base and apex seem to be exchanged by the "
            "orientation of the slices. Segments have no wall names, and the sign of rotation is doubtful."
        )
        found.append(note("orientation_contradicted", text))
    return found


def turn_degrees(slices: Sequence[CineSlice], reference_frame: int, given_lps: Array | None = None) -> float | None:
    """Angle of the rotation from a heart's usual position to this one: the median over the slices, 0…180.

    The position is the direction of the apex, by the orientation of the slices, and that of the middle of the septum.
    None without an RV label or both insertion points.
    """
    middles = []
    if given_lps is not None:
        near = min(slices, key=lambda s: float(np.abs(s.grid.distance_mm(given_lps)).sum()))
        middles.append((near, both_in_order(given_lps, slices, reference_frame)))
    for slice_ in slices:
        points = insertion_points(slice_, reference_frame)
        if points is not None:
            middles.append((slice_, points))
    usual = _axes(BASE_TO_APEX_LPS, RIGHT_VENTRICLE_LPS)
    turns = []
    for slice_, points in middles:
        apex = -slice_.grid.normal * slice_.grid.view_sign
        rotation = _axes(apex, middle_of_septum(points, slice_, reference_frame)) @ usual.T
        turns.append(float(np.degrees(np.arccos(np.clip((np.trace(rotation) - 1) / 2, -1.0, 1.0)))))
    return float(np.median(turns)) if turns else None


def _axes(apex: Array, septum: Array) -> Array:
    """Orthonormal columns [3, 3]: towards the apex, across it towards the septum, and the normal of both."""
    first = apex / np.linalg.norm(apex)
    second = septum - (septum @ first) * first
    second = second / np.linalg.norm(second)
    return np.stack([first, second, np.cross(first, second)], axis=1)


def tapers_towards_base(slices: Sequence[CineSlice], reference_frame: int) -> bool:
    """Whether the ventricle is clearly larger in the last third of a stack, its apical one, than in the first."""
    if len(slices) < 4:
        return False
    regions = [epicardial_region(s.myocardium[reference_frame]) for s in slices]
    if not all(region.any() for region in regions):
        return False
    centers = [
        s.grid.pixel_to_lps(np.array([np.nonzero(region)[1].mean(), np.nonzero(region)[0].mean()]))
        for s, region in zip(slices, regions, strict=True)
    ]
    if sum(float(np.linalg.norm(b - a)) for a, b in pairwise(centers)) < _MIN_SPAN_MM:
        return False
    areas = [float(region.sum()) * np.prod(s.grid.spacing_mm) for region, s in zip(regions, slices, strict=True)]
    third = max(1, len(areas) // 3)
    return bool(np.mean(areas[-third:]) > _MAX_APICAL_AREA * np.mean(areas[:third]))


def axis_off_degrees(slices: Sequence[CineSlice]) -> float:
    """Angle between the slices' normal and the usual long axis: the median over the slices, 0…90."""
    cosines = [min(1.0, abs(s.grid.axis_cosine)) for s in slices]
    return float(np.degrees(np.arccos(np.median(cosines))))


def unusual_axis(slices: Sequence[CineSlice]) -> Note | None:
    """Note slices whose normal is far from the usual long axis, as in dextrocardia or with a mirrored matrix."""
    off = axis_off_degrees(slices)
    if off <= MAX_AXIS_OFF_DEG:
        return None
    text = (
        f"The long axis of the heart is {off:.0f}° from the usual one (left, anterior, inferior), as in dextrocardia "
        "or with a wrong direction matrix: wall names, base and apex may be wrong."
    )
    return note("axis_unusual", text)
