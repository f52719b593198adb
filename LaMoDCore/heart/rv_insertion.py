"""The anterior RV insertion point, where segment 1 begins: given by the user, or found on an RV label."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from LaMoDCore.heart.case import CineSlice
from LaMoDCore.heart.geometry import Array
from LaMoDCore.heart.notes import Note, note
from LaMoDCore.heart.ring.mask import epicardial_region
from LaMoDCore.runtime.errors import LaMoDInputError

#: A point farther than this from the myocardium belongs to another heart or another coordinate system.
MAX_DISTANCE_MM = 30.0
#: A point farther than this from every slice lies between slices.
_IN_PLANE_MM = 4.0
#: The RV label touches the wall if their distance is at most this.
_CONTACT_MM = 2.5
#: A right ventricle touches the septum over an arc between these limits.
_MIN_ARC_DEG, _MAX_ARC_DEG = 30.0, 200.0
#: A given insertion farther than this from the label's may be the inferior one: both are about 120° apart.
_MAX_FROM_LABEL_DEG = 45.0


def anterior_first(points_lps: Array, slice_: CineSlice, frame: int) -> Array:
    """Both insertion points [2, 3] in LPS mm, the anterior one first.

    The septum runs counter-clockwise from the anterior insertion, seen from the apex, in hearts of every orientation:
    the anterior insertion of a horizontal heart may lie posterior of the inferior one. The septum is the arc next to
    the RV label, or the shorter arc if there is no label.

    Args:
        points_lps: both insertion points, in any order.
        slice_: the slice in which, or next to which, they lie.
        frame: the frame whose contours are used.
    """
    first, second = _angles_from_apex(points_lps, slice_, frame)
    septum = np.mod(second - first, 2 * np.pi)
    own = insertion_points(slice_, frame)
    if own is None:
        is_ordered = septum <= np.pi
    else:
        anterior, inferior = _angles_from_apex(own, slice_, frame)
        middle = anterior + np.mod(inferior - anterior, 2 * np.pi) / 2
        is_ordered = np.mod(middle - first, 2 * np.pi) < septum
    return np.asarray(points_lps if is_ordered else points_lps[::-1])


def middle_of_septum(points_lps: Array, slice_: CineSlice, frame: int) -> Array:
    """Unit vector [3] in LPS from the ventricle's centre to the middle of the septum.

    Args:
        points_lps: [2, 3] both insertion points in LPS mm, the anterior one first.
        slice_: the slice in which, or next to which, they lie.
        frame: the frame whose contours are used.
    """
    anterior, inferior = _angles_from_apex(points_lps, slice_, frame)
    angle = slice_.grid.view_sign * (anterior + np.mod(inferior - anterior, 2 * np.pi) / 2)
    return slice_.grid.vectors_to_lps([np.cos(angle), -np.sin(angle)])


def _angles_from_apex(points_lps: Array, slice_: CineSlice, frame: int) -> Array:
    """Angles [N] of points [N, 3] about the ventricle's centre, rad, counter-clockwise seen from the apex."""
    drawn: Array = slice_.myocardium[frame]
    if not drawn.any():
        drawn = np.asarray(slice_.myocardium.any(axis=0))
    center = np.array(ndimage.center_of_mass(epicardial_region(drawn)))[::-1]
    return slice_.grid.angles_from_apex((slice_.grid.lps_to_pixel(points_lps) - center) * slice_.grid.spacing_mm)


def given_insertion(point_lps: npt.ArrayLike, slices: Sequence[CineSlice], reference_frame: int) -> Array:
    """Check the user's point: [3], or [2, 3], of which the anterior one is used; see `anterior_first`.

    Raises:
        LaMoDInputError: not three finite numbers, or far from every slice's myocardium.
    """
    try:
        points = np.atleast_2d(np.asarray(point_lps, dtype=np.float64))
    except (TypeError, ValueError):
        points = np.empty((0, 0))
    if points.ndim != 2 or points.shape[0] not in (1, 2) or points.shape[1] != 3 or not np.isfinite(points).all():
        raise LaMoDInputError(
            "--rv-insertion", "it is not three numbers", "give X,Y,Z in LPS mm, as --rv-insertion=12.5,-30,41"
        )
    for point in points:
        distance = min(_distance_mm(point, s, reference_frame) for s in slices)
        if distance > MAX_DISTANCE_MM:
            shown = ",".join(f"{v:g}" for v in point)
            raise LaMoDInputError(
                "--rv-insertion",
                f"the point {shown} lies {distance:.0f} mm from the myocardium",
                "give it in LPS mm (3D Slicer shows RAS: change the signs of the first two numbers)",
            )
    return np.asarray(points[0] if len(points) == 1 else both_in_order(points, slices, reference_frame)[0])


def both_in_order(points_lps: Array, slices: Sequence[CineSlice], reference_frame: int) -> Array:
    """Both insertion points [2, 3], the anterior one first, by the nearest slice: of those with an RV label, if any."""
    labelled = [s for s in slices if insertion_points(s, reference_frame) is not None]
    candidates = labelled or [s for s in slices if s.myocardium.any()]
    if not candidates:
        raise ValueError("no slice has myocardium")
    away = [float(np.abs(s.grid.distance_mm(points_lps)).sum()) for s in candidates]
    return anterior_first(points_lps, candidates[int(np.argmin(away))], reference_frame)


def with_own_insertions(
    slices: Sequence[CineSlice], points_lps: Sequence[npt.ArrayLike], reference_frame: int
) -> list[CineSlice]:
    """Assign insertion points to single slices: each point [3] to the slice in whose plane it lies.

    Raises:
        LaMoDInputError: a point is not three numbers, is far from the myocardium, or lies in no slice's plane.
    """
    given = list(slices)
    for point_lps in points_lps:
        point = given_insertion(point_lps, slices, reference_frame)
        away = [abs(float(s.grid.distance_mm(point))) for s in slices]
        nearest = int(np.argmin(away))
        if away[nearest] > _IN_PLANE_MM:
            shown = ",".join(f"{v:g}" for v in point)
            raise LaMoDInputError(
                "--slice-insertion",
                f"the point {shown} lies {away[nearest]:.0f} mm from the nearest slice",
                "give a point in the plane of its slice",
            )
        given[nearest] = replace(given[nearest], rv_insertion_lps=point)
    return given


def insertion_doubts(point_lps: Array, slices: Sequence[CineSlice], reference_frame: int) -> list[Note]:
    """A note if a given anterior insertion is far from that of the RV label, as the inferior insertion is.

    Args:
        point_lps: [3] in LPS mm.
        slices: slices of the heart.
        reference_frame: the frame whose contours are used.
    """
    off = []
    for slice_ in slices:
        found = insertion_points(slice_, reference_frame)
        if found is not None:
            given, expected = _angles_from_apex(np.stack([point_lps, found[0]]), slice_, reference_frame)
            off.append(float(np.degrees(np.abs(np.angle(np.exp(1j * (given - expected)))))))
    if not off or np.median(off) <= _MAX_FROM_LABEL_DEG:
        return []
    text = f"The given RV insertion point is {np.median(off):.0f}° from the anterior insertion of the RV label."
    return [note("insertion_contradicts_label", text)]


def _distance_mm(point: Array, slice_: CineSlice, frame: int) -> float:
    rows, columns = np.nonzero(slice_.myocardium[frame])
    wall = slice_.grid.pixel_to_lps(np.stack([columns, rows], axis=-1))
    return float(np.linalg.norm(wall - point, axis=-1).min())


def insertion_from_label(slices: Sequence[CineSlice], reference_frame: int) -> tuple[Array, Note] | None:
    """Find the anterior insertion point [3] on the RV label, with a note; None if no slice has a usable label.

    The slice nearest to the middle of the heart is used, of those whose RV touches the wall over 30° to 200°.
    """
    middle = (len(slices) - 1) / 2
    for index in sorted(range(len(slices)), key=lambda i: abs(i - middle)):
        points = insertion_points(slices[index], reference_frame)
        if points is None:
            continue
        text = "The RV insertion point of the heart was found on the RV label of this slice."
        return points[0], note("insertion_from_label", text, slice=index + 1, source=slices[index].name)
    return None


def insertion_points(slice_: CineSlice, frame: int) -> Array | None:
    """Both ends [2, 3] in LPS mm of the arc along which the RV label touches the epicardium, or None.

    The anterior one, from which the arc runs counter-clockwise seen from the apex, is the first.
    """
    if slice_.right_ventricle is None or not slice_.right_ventricle[frame].any():
        return None
    dx, dy = slice_.grid.spacing_mm
    region = epicardial_region(slice_.myocardium[frame])
    from_rv = ndimage.distance_transform_edt(~slice_.right_ventricle[frame], sampling=(dy, dx))
    rim = region & ~ndimage.binary_erosion(region)
    near = rim & (from_rv <= _CONTACT_MM + max(dx, dy))
    if near.sum() < 3:
        return None
    # where the labels touch, or have a constant gap, the arc ends where the gap grows by half a pixel
    touching = near & (from_rv <= np.percentile(from_rv[near], 25) + 0.5 * max(dx, dy))
    center = np.array(ndimage.center_of_mass(region))[::-1]
    angles, touches, radii = _around(rim, touching, center, (dx, dy))
    ends = _arc_ends(angles, touches)
    if ends is None:
        return None
    radius = float(np.median(radii[touches])) + 0.5 * min(dx, dy)
    if slice_.grid.view_sign > 0:  # angles in the array increase clockwise in the view from the apex
        ends = ends[::-1]
    offsets_mm = radius * np.stack([np.cos(ends), np.sin(ends)], axis=-1)
    return slice_.grid.pixel_to_lps(center + offsets_mm / np.array([dx, dy]))


def _around(rim: Array, touching: Array, center: Array, spacing_mm: tuple[float, float]) -> tuple[Array, Array, Array]:
    """Rim pixels sorted by angle about the centre: angles [N], whether each touches [N], radii [N] in mm."""
    rows, columns = np.nonzero(rim)
    offsets = (np.stack([columns, rows], axis=-1) - center) * np.array(spacing_mm)
    angles = np.arctan2(offsets[:, 1], offsets[:, 0])
    order = np.argsort(angles)
    return angles[order], touching[rows, columns][order], np.linalg.norm(offsets, axis=-1)[order]


def _arc_ends(angles: Array, touches: Array) -> Array | None:
    """Both ends [2] of the arc with all touching pixels, a quarter of a pixel inside the last ones.

    The last pixels touch only at a corner; and no pixel's centre then lies on a segment's border, where rounding would
    decide its segment.
    """
    touching = np.flatnonzero(touches)
    gaps = np.mod(np.diff(angles[np.append(touching, touching[0])]), 2 * np.pi)
    widest = int(np.argmax(gaps))
    arc = 2 * np.pi - gaps[widest]
    if not np.radians(_MIN_ARC_DEG) <= arc <= np.radians(_MAX_ARC_DEG):
        return None
    last, first = touching[widest], touching[(widest + 1) % touching.size]
    end = angles[last] - 0.25 * np.mod(angles[last] - angles[last - 1], 2 * np.pi)
    start = angles[first] + 0.25 * np.mod(angles[(first + 1) % angles.size] - angles[first], 2 * np.pi)
    return np.array([start, end])
