"""The data of the page for its script: geometry, overlays, curves and colours of a result, as JSON values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from LaMoDCore.heart.case import CineSlice, SliceStrain, StrainResult
from LaMoDCore.heart.colour_ranges import COLOUR_RANGES
from LaMoDCore.heart.geometry import Array
from LaMoDCore.heart.ring.mask import epicardial_region
from LaMoDCore.report.bullseye import Ring
from LaMoDCore.report.html.contours import carried_outlines, closed_lines
from LaMoDCore.report.html.long_axis import DrawnLines, long_axis_data
from LaMoDCore.report.html.overlay import quantities_of, slice_overlay
from LaMoDCore.report.html.packing import LENGTH_UNIT_MM, packed, packed_frames, packed_lengths, steps_in_time
from LaMoDCore.report.html.pictures import cine_pictures, tile_size
from LaMoDCore.report.html.view import View, views_of
from LaMoDCore.report.maps import arrow_pixels, direction_letters, marked_insertions
from LaMoDCore.report.numbers import number
from LaMoDCore.report.style import SOFT, STRAIN_COLOURS, WALL_COLOURS
from LaMoDCore.report.wording import sample_count
from LaMoDCore.strain.curves import region_means

#: Colours of quantities that are not signed, as a colour map of Matplotlib.
LENGTH_COLOURS = "viridis"
#: Quantity -> name, unit, colour map, and the meaning of its smallest and largest values.
QUANTITIES = {
    "ecc": ("Ecc", "%", STRAIN_COLOURS, ("shortens", "stretches")),
    "err": ("Err", "%", STRAIN_COLOURS, ("thins", "thickens")),
    "displacement": ("|u|", "mm", LENGTH_COLOURS, ("", "")),
}
_ARROWS_MM = 4.5
#: Distance of a segment's number from the wall, mm.
_NUMBER_MM = 5.0


def script_data(
    result: StrainResult,
    rings: Sequence[Ring],
    segments_csv: str,
    *,
    drawn: bool,
    long_axis: Sequence[DrawnLines] = (),
) -> dict[str, Any]:
    """Everything that the script shows.

    Args:
        result: the result.
        rings: rings of its bullseye.
        segments_csv: text of segments.csv, from which the script takes the curves of the segments.
        drawn: whether the masks of the case are the drawn ones, and not just those of the reference frame.
        long_axis: lines of the long-axis views.
    """
    case = result.case
    cines, strains = list(case.slices), list(result.slices)
    views = views_of([cine.grid for cine in cines], strains)
    shown = [*marked_insertions(result), *[None] * len(cines)]
    slices = [
        _slice_data(result, z, views[z], shown[z], drawn=drawn, tile=tile_size(views[z], case.frames * len(cines)))
        for z in range(len(cines))
    ]
    return {
        "frames": case.frames,
        "ed": case.reference_frame,
        "es": result.es_frame,
        "times_ms": _rounded(case.frame_times_ms, 3),
        "rr_ms": round(case.rr_ms, 3),
        "several_samples": sample_count(result) > 1,
        "unit_mm": LENGTH_UNIT_MM,
        "quantities": {
            key: {
                "label": label,
                "unit": unit,
                "limit": COLOUR_RANGES[key],
                "signed": colours == STRAIN_COLOURS,
                "ends": ends,
                "colours": colour_table(colours),
            }
            for key, (label, unit, colours, ends) in QUANTITIES.items()
        },
        "slices": slices,
        **_heart(result, slices),
        "rings": [{"label": ring.label, "names": ring.names, "slices": ring.slices} for ring in rings],
        "volumes": _volumes(result),
        "long_axis": long_axis_data(result.summary["long_axis"], long_axis) if "long_axis" in result.summary else None,
        "segments_csv": segments_csv,
    }


def _heart(result: StrainResult, slices: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Mean curves of the heart, weighted by the area of the slices' walls, their peaks and names."""
    areas = [
        strain.myocardium.sum() * np.prod(cine.grid.spacing_mm)
        for cine, strain in zip(result.case.slices, result.slices, strict=True)
    ]
    means = {key: [np.array(each["mean"][key], dtype=np.float64) for each in slices] for key in QUANTITIES}
    curves = {key: np.average(each, axis=0, weights=areas) for key, each in means.items()}
    found = result.summary["global"]
    peaks = [100 * number(found["gcs_peak"]), 100 * number(found["grs_peak"]), np.max(curves["displacement"])]
    return {
        "heart": {key: _rounded(curve, 4) for key, curve in curves.items()},
        "heart_peaks": dict(zip(QUANTITIES, _rounded(peaks, 4), strict=True)),
        "heart_names": {"ecc": "GCS", "err": "GRS", "displacement": "mean |u|"},
    }


def _slice_data(
    result: StrainResult, index: int, view: View, insertion_lps: Array | None, *, drawn: bool, tile: int
) -> dict[str, Any]:
    cine, strain = result.case.slices[index], result.slices[index]
    displacement = strain.displacement_mm
    fields = quantities_of(strain)
    overlay = slice_overlay(strain, fields, view, len(result.slices))
    mean_motion = region_means(fields["displacement"], strain.segment, len(strain.segment_names))
    wall = fields["displacement"][:, strain.myocardium]
    outlines = carried_outlines(view, displacement, strain.myocardium)
    data: dict[str, Any] = {
        "number": index + 1,
        "level": cine.level,
        "times_ms": _rounded(cine.frame_times_ms, 3),
        "size_mm": round(2 * view.half_mm, 3),
        "letters": _letters(view),
        "segments": _segments(strain, view),
        "mean": {
            "ecc": _rounded(100 * np.asarray(strain.global_curves["ecc"]), 4),
            "err": _rounded(100 * np.asarray(strain.global_curves["err"]), 4),
            "displacement": _rounded(wall.mean(axis=1), 4),
        },
        "displacement": [_rounded(curve, 4) for curve in mean_motion],
        "overlay": {
            "origin_mm": _rounded(overlay.origin_mm, 4),
            "step_mm": _rounded(overlay.step_mm, 5),
            "size": [overlay.segment.shape[2], overlay.segment.shape[1]],
            "limits": {name: _rounded(limits, 5) for name, limits in overlay.limits.items()},
            "codes": {name: packed_frames(codes) for name, codes in overlay.codes.items()},
            "segment": packed_frames(overlay.segment),
        },
        "predicted": [{"points": line.shape[1], "packed": packed_lengths(steps_in_time(line))} for line in outlines],
        "arrows": _arrows(strain, displacement, view),
        "drawn": _drawn(cine, view) if drawn else None,
        "insertion_mm": None
        if insertion_lps is None
        else _rounded(view.points(cine.grid.lps_to_pixel(insertion_lps)), 3),
        "picture": None,
    }
    if cine.cine is not None:
        pictures = cine_pictures(cine.cine, view, tile)
        data["picture"] = {"webp": pictures.webp, "tile": pictures.tile, "columns": pictures.columns}
    return data


def _arrows(strain: SliceStrain, displacement: Array, view: View) -> dict[str, Any]:
    """Material points on a lattice of the reference wall, and their displacement."""
    chosen = arrow_pixels(strain.myocardium, view.grid.spacing_mm, _ARROWS_MM)
    rows, columns = np.nonzero(chosen)
    motion = view.vectors(np.moveaxis(displacement[:, :, chosen], 1, -1))
    return {
        "points": len(rows),
        "from": packed_lengths(view.points(np.stack([columns, rows], axis=-1))),
        "motion": packed_lengths(steps_in_time(motion)),
    }


def _drawn(cine: CineSlice, view: View) -> dict[str, Any]:
    """The contours of the masks: the numbers of points of the lines of each frame, and all points."""
    lines = [[view.points(line) for line in closed_lines(mask, cine.grid.spacing_mm)] for mask in cine.myocardium]
    points = [line for frame in lines for line in frame]
    everything = np.concatenate(points) if points else np.zeros((0, 2))
    return {"counts": [[len(line) for line in frame] for frame in lines], "packed": packed_lengths(everything)}


def _segments(strain: SliceStrain, view: View) -> list[dict[str, Any]]:
    """Name, AHA number, colour and place of the number of each segment."""
    labels = np.asarray(strain.segment)
    rows, columns = np.nonzero(epicardial_region(strain.myocardium))
    middle = view.points([columns.mean(), rows.mean()]) if rows.size else np.zeros(2)
    found = []
    for s, (name, aha) in enumerate(zip(strain.segment_names, strain.segment_aha, strict=True), start=1):
        place = None
        rows, columns = np.nonzero(labels == s)
        if rows.size:
            pixels = view.points(np.stack([columns, rows], axis=-1)) - middle
            along = pixels.mean(axis=0)
            reach = np.linalg.norm(pixels, axis=1).max() + _NUMBER_MM
            place = _rounded(middle + along / max(float(np.linalg.norm(along)), 1e-6) * reach, 2)
        found.append({"name": name, "aha": aha, "colour": WALL_COLOURS.get(name, SOFT), "place_mm": place})
    return found


def _letters(view: View) -> dict[str, str]:
    """The patient's directions at the edges of the view."""
    right, down = view.grid.directions[:, 0] * view.grid.view_sign, view.grid.directions[:, 1]
    edges = {"right": right, "left": -right, "bottom": down, "top": -down}
    return {edge: direction_letters(direction) for edge, direction in edges.items()}


def _volumes(result: StrainResult) -> dict[str, Any] | None:
    """Volume of the drawn slices over time, if they cover the ventricle."""
    found: Mapping[str, Any] = result.summary.get("function") or {}
    if found.get("edv_ml") is None:
        return None
    return {"times_ms": _rounded(result.case.frame_times_ms, 3), "ml": _rounded(found["volume_ml"], 3)}


def colour_table(name: str) -> str:
    """256 colours, three bytes each."""
    from matplotlib import colormaps

    return packed(colormaps[name](np.arange(256), bytes=True)[:, :3].astype(np.uint8))


def _rounded(values: Any, digits: int) -> list[float | None]:
    """Numbers for JSON; null where they are not finite."""
    return [round(float(value), digits) + 0.0 if np.isfinite(value) else None for value in np.asarray(values)]


__all__ = ["LENGTH_COLOURS", "QUANTITIES", "colour_table", "script_data"]
