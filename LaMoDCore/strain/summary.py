"""The summary of a case for strain.json: definitions, peaks, global values and indices."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from LaMoDCore.heart.case import Case, CineSlice, SliceStrain
from LaMoDCore.heart.geometry import Array
from LaMoDCore.heart.ring.mask import epicardial_region
from LaMoDCore.runtime.json_file import json_values
from LaMoDCore.strain import curves, indices
from LaMoDCore.strain.frame import ventricle_center
from LaMoDCore.strain.global_strain import heart_curves
from LaMoDCore.strain.layers import LAYER_NAMES, label_layers
from LaMoDCore.strain.matrix import onset_of_shortening_ms, strain_matrix
from LaMoDCore.strain.segments import label_segments, sector_labels

SECTORS = 24
NO_GLS = "not available from short axis"
DEFINITIONS = {
    "strain": "Green–Lagrange, E = ½(FᵀF − I), fractions; −0.18 is −0.20 as engineering strain, √(1 + 2E) − 1",
    "gradient": "local cubic least squares over the reference myocardium within 8 mm (or 3 pixels, if larger)",
    "directions": "radial and circumferential about the centroid of the epicardial region at the reference frame",
    "averaging": "global and segmental curves are means over the pixels of the whole wall at each frame",
    "gcs": "global circumferential strain: mean Ecc; over slices, weighted by myocardial area",
    "peak": "minimum of Ecc, maximum of Err of the mean curve over the acquired cycle",
    "systolic_peak": "the same up to end-systole",
    "ecc_systolic_stretch": "maximum of Ecc of the mean curve up to end-systole",
    "ecc_extreme": "the peak, or the systolic stretch of a segment that stretches by at least 1 % and more than it "
    "shortens",
    "time_to_peak": "from the reference frame to the peak; fraction of the cycle; none if ecc_extreme is a stretch",
    "twist": "difference of rotation between two slices (twist_slices, counted from 1): apical − basal, or the last − "
    "the first without a basal and an apical slice",
    "end_systole": "the frame of the smallest total cavity area over the slices",
    "strain_rate": "slope of the mean curve, 1/s; early diastole is the first half of diastole",
    "jacobian": "in-plane det F: local change of area, not of volume",
    "rotation": "mean angle about the moving centre, degrees, positive counter-clockwise seen from the apex",
    "torsion": "twist × mean epicardial radius / distance between the slices, degrees",
    "cure": "circumferential uniformity ratio estimate of Ecc over systole, 0…1",
    "sd_time_to_peak": "standard deviation (n − 1) of the times to peak Ecc of the segments that have one, ms",
    "clock": "times and rates of the whole heart: phases of the cycle times the median R–R interval of the slices "
    "(rr_ms); those of a slice: its own times",
    "onset": "intersecting tangent of shortening in 24 sectors counter-clockwise from the RV insertion, ms",
}  # fmt: skip
#: Smallest systolic stretch of a segment that counts as stretching.
MIN_STRETCH = 0.01
#: Between slices that are closer, the difference of rotation is smaller than its error.
MIN_TWIST_DISTANCE_MM = 10.0
ROTATION_CAVEAT = "inferred, not measured: a mask does not show the rotation of a ring"


def summarise(case: Case, slices: Sequence[SliceStrain], es_frame: int) -> dict[str, Any]:
    """Compute the summary of one case.

    Args:
        case: the input.
        slices: strain of each slice, in the case's order.
        es_frame: end-systole.

    Returns:
        A dictionary of strings, numbers, lists and None (for unknown values), never NaN.
    """
    parts = [_slice_summary(case, slice_, strain, es_frame) for slice_, strain in zip(case.slices, slices, strict=True)]
    rotations = [
        indices.wall_rotation_degrees(
            strain.displacement_on(strain.myocardium),
            strain.myocardium,
            slice_.grid,
            ventricle_center(strain.myocardium),
        )
        for slice_, strain in zip(case.slices, slices, strict=True)
    ]
    summary: dict[str, Any] = json_values(
        {
            "definitions": dict(DEFINITIONS),
            "reference_frame": case.reference_frame,
            "es_frame": es_frame,
            "global": _heart_globals(case, slices, es_frame),
            "slices": parts,
            "indices": _heart_indices(case, slices, rotations, parts, es_frame),
        }
    )
    return summary


def _globals(ecc: Array, err: Array, times: Array, course: curves.Cycle) -> dict[str, Any]:
    gcs, grs = curves.peak(ecc, course), curves.peak(err, course, "thickening")
    return {
        "gcs_peak": gcs.value,
        "gcs_peak_frame": gcs.frame if gcs.frame >= 0 else None,
        "gcs_time_to_peak_ms": gcs.time_ms,
        "gcs_systolic_peak": curves.peak(ecc, course, systolic=True).value,
        "gcs_es": ecc[course.es_frame],
        "gcs_systolic_rate_per_s": curves.systolic_rate(ecc, times, course),
        "gcs_early_diastolic_rate_per_s": curves.early_diastolic_rate(ecc, times, course),
        "grs_peak": grs.value,
        "grs_peak_frame": grs.frame if grs.frame >= 0 else None,
        "grs_time_to_peak_ms": grs.time_ms,
        "grs_es": err[course.es_frame],
    }


def _heart_globals(case: Case, slices: Sequence[SliceStrain], es_frame: int) -> dict[str, Any]:
    mean = heart_curves(case.slices, slices)
    values = _globals(mean["ecc"], mean["err"], case.frame_times_ms, curves.heart_cycle(case, es_frame))
    return {**values, "gls": NO_GLS, "rr_ms": case.rr_ms}


def _slice_summary(case: Case, slice_: CineSlice, strain: SliceStrain, es_frame: int) -> dict[str, Any]:
    course = curves.slice_cycle(slice_, case.reference_frame, es_frame)
    ecc, err = strain.global_curves["ecc"], strain.global_curves["err"]
    jacobian = strain.fields["jacobian"][es_frame][strain.myocardium]
    values = _globals(ecc, err, slice_.frame_times_ms, course)
    values["jacobian_es"] = float(np.nanmean(jacobian)) if np.isfinite(jacobian).any() else None
    segments = _segments(slice_, strain, course)
    return {
        "name": slice_.name,
        "level": slice_.level,
        "rr_ms": slice_.rr_ms,
        "es_time_ms": course.es_time_ms,
        "global": values,
        "segments": segments,
        "layers": _layers(slice_, strain, es_frame),
        "indices": _slice_indices(case, slice_, strain, course, segments),
    }


def _segments(slice_: CineSlice, strain: SliceStrain, course: curves.Cycle) -> list[dict[str, Any]]:
    count = len(strain.segment_names)
    spread = {name: curves.region_statistics(strain.fields[name], strain.segment, count)[1] for name in ("ecc", "err")}
    rows = []
    for index, (name, aha) in enumerate(zip(strain.segment_names, strain.segment_aha, strict=True)):
        ecc, err = strain.segment_curves["ecc"][index], strain.segment_curves["err"][index]
        shortest, thickest = curves.peak(ecc, course), curves.peak(err, course, "thickening")
        stretch = curves.peak(ecc, course, "thickening", systolic=True)
        stretches = stretch.value > max(-shortest.value, MIN_STRETCH)
        extreme = stretch if stretches else shortest
        row = {
            "segment": index + 1,
            "aha": aha,
            "name": name,
            "pixels": int((strain.segment == index + 1).sum()),
            "ecc_peak": shortest.value,
            "ecc_systolic_peak": curves.peak(ecc, course, systolic=True).value,
            "ecc_systolic_stretch": stretch.value,
            "ecc_extreme": extreme.value,
            "ecc_extreme_frame": extreme.frame if extreme.frame >= 0 else None,
            "ecc_es": ecc[course.es_frame],
            "ecc_es_pixel_sd": spread["ecc"][index, course.es_frame],
            "time_to_peak_ms": None if stretches else shortest.time_ms,
            "time_to_peak_fraction": None if stretches else shortest.time_fraction,
            "ecc_systolic_rate_per_s": curves.systolic_rate(ecc, slice_.frame_times_ms, course),
            "ecc_early_diastolic_rate_per_s": curves.early_diastolic_rate(ecc, slice_.frame_times_ms, course),
            "err_peak": thickest.value,
            "err_es": err[course.es_frame],
            "err_es_pixel_sd": spread["err"][index, course.es_frame],
        }
        for curve, values in strain.segment_curves_std.items():
            row[f"{curve}_es_sample_sd"] = values[index, course.es_frame]
        rows.append(row)
    return rows


def _layers(slice_: CineSlice, strain: SliceStrain, es_frame: int) -> dict[str, Any] | None:
    labels = label_layers(strain.myocardium, slice_.grid.spacing_mm)
    if not labels.any():
        return None
    at_es = {
        name: curves.region_means(strain.fields[name][es_frame : es_frame + 1], labels, len(LAYER_NAMES))[:, 0]
        for name in ("ecc", "err")
    }
    return {
        layer: {"ecc_es": at_es["ecc"][index], "err_es": at_es["err"][index]} for index, layer in enumerate(LAYER_NAMES)
    }


def _slice_indices(
    case: Case, slice_: CineSlice, strain: SliceStrain, course: curves.Cycle, segments: list[dict[str, Any]]
) -> dict[str, Any]:
    map_ = label_segments(strain.myocardium, slice_.grid, slice_.level, case.insertion_of(slice_))
    sectors = sector_labels(strain.myocardium, slice_.grid, map_.center_xy, map_.insertion_angle, SECTORS)
    matrix = strain_matrix(strain.fields["ecc"], sectors, SECTORS)
    # The reference frame has no strain, so it does not count for uniformity.
    systole = matrix[:, course.order[course.systole][1:]]
    whole = np.isfinite(matrix).all(axis=1)
    return {
        "cure": indices.circumferential_uniformity(systole) if whole.all() else None,
        "sd_time_to_peak_ms": indices.dyssynchrony_ms(
            np.array([row["time_to_peak_ms"] for row in segments], dtype=np.float64)
        ),
        "onset_of_shortening_ms": onset_of_shortening_ms(matrix, slice_.frame_times_ms, course),
    }


def _heart_indices(
    case: Case,
    slices: Sequence[SliceStrain],
    rotations: list[Array],
    parts: list[dict[str, Any]],
    es_frame: int,
) -> dict[str, Any]:
    for part, rotation in zip(parts, rotations, strict=True):
        part["indices"]["rotation_degrees"] = rotation
        part["indices"]["rotation_es_degrees"] = rotation[es_frame]
        part["indices"]["rotation_basis"] = ROTATION_CAVEAT
    phases = np.array([row["time_to_peak_fraction"] for part in parts for row in part["segments"]], dtype=np.float64)
    found: dict[str, Any] = {
        "sd_time_to_peak_ms": indices.dyssynchrony_ms(case.rr_ms * phases),
        "twist_slices": None,
        "twist_degrees": None,
        "twist_es_degrees": None,
        "torsion_degrees": None,
        "torsion_es_degrees": None,
        "twist_basis": ROTATION_CAVEAT,
    }
    pair = _twist_pair(case)
    if pair is None:
        found["twist_basis"] = "needs a basal and an apical slice"
        return found
    if not case.walls_known:
        found["twist_basis"] = "not given: the anatomy contradicts the orientation of the slices"
        return found
    base, apex = pair
    if (case.slices[base].level, case.slices[apex].level) != ("base", "apex"):
        found["twist_basis"] = f"between slices {base + 1} and {apex + 1}, not base and apex; {ROTATION_CAVEAT}"
    twist = indices.twist_degrees(rotations[apex], rotations[base])
    found.update(twist_slices=[base + 1, apex + 1], twist_degrees=twist, twist_es_degrees=twist[es_frame])
    distance = abs(float(case.slices[base].grid.distance_mm(case.slices[apex].grid.center_lps)))
    if distance > 1.0:
        torsion = indices.torsion_degrees(
            twist, _epicardial_radius(case, slices, apex), _epicardial_radius(case, slices, base), distance
        )
        found.update(torsion_degrees=torsion, torsion_es_degrees=torsion[es_frame])
    return found


def _twist_pair(case: Case) -> tuple[int, int] | None:
    """The first basal and the last apical slice; without these the outermost two, if they are far enough apart."""
    levels = [slice_.level for slice_ in case.slices]
    if "base" in levels and "apex" in levels:
        return levels.index("base"), len(levels) - 1 - levels[::-1].index("apex")
    first, last = case.slices[0].grid, case.slices[-1].grid
    far = abs(float(first.distance_mm(last.center_lps))) >= MIN_TWIST_DISTANCE_MM
    return (0, len(levels) - 1) if far else None


def _epicardial_radius(case: Case, slices: Sequence[SliceStrain], index: int) -> float:
    """Radius in mm of the disc with the area of the epicardial region."""
    area = epicardial_region(slices[index].myocardium).sum() * np.prod(case.slices[index].grid.spacing_mm)
    return float(np.sqrt(area / np.pi))
