"""Long-axis files of a synthetic heart: masks, cines, guide points, markups."""

from __future__ import annotations

import json

import numpy as np
from long_axis_shapes import ANGLES, SPACING, beat, beating_walls, cavity_of, long_axis_grid
from scipy import ndimage

from LaMoDCore.heart.long_axis.outline import outline_of
from LaMoDCore.io.images.seq_nrrd import write_seq_nrrd

RR_MS = 900.0
FRAMES = 10


def times(frames=FRAMES, rr_ms=RR_MS):
    return np.arange(frames) * rr_ms / frames


def write_masks(path, kind="four_chamber", labels=None, *, frames=FRAMES, rr_ms=RR_MS, grid=None):
    """A .seq.nrrd of one view; by default its walls with label 1."""
    stack = beating_walls(frames).astype(np.uint8) if labels is None else labels
    grid = grid or long_axis_grid(ANGLES[kind])
    write_seq_nrrd(path, stack[:, None], grid.ijk_to_lps, times(frames, rr_ms), metadata={"rr_ms": f"{rr_ms:g}"})
    return path


def cine_images(frames=FRAMES):
    """float32 [T, H, W]: bright blood, dark wall, grey surroundings, with a little noise."""
    rng = np.random.default_rng(0)
    images = []
    for (r, le, _, base, shift), wall in zip(beat(frames), beating_walls(frames), strict=True):
        image = np.full(wall.shape, 120.0)
        image[cavity_of(r, le, base, shift=shift)] = 300.0
        image[wall] = 60.0
        images.append(ndimage.gaussian_filter(image, 0.6) + 5 * rng.standard_normal(wall.shape))
    return np.stack(images).astype(np.float32)


def write_cine(path, kind="four_chamber", *, frames=FRAMES):
    grid = long_axis_grid(ANGLES[kind])
    metadata = {"rr_ms": f"{RR_MS:g}"}
    write_seq_nrrd(path, cine_images(frames)[:, None], grid.ijk_to_lps, times(frames), metadata=metadata)
    return path


def traced(frame, frames=FRAMES):
    return outline_of(beating_walls(frames)[frame], (SPACING, SPACING))


def some_of(line, count):
    """`count` points of a traced line, with both ends."""
    return line[np.rint(np.linspace(0, len(line) - 1, count)).astype(int)]


def guide_rows(kind, frame, *, column=None, series=7, seed=0):
    """Rows of a guide-point file: contour points in no order, rounded to pixels, and two annulus points."""
    rng = np.random.default_rng(seed + frame)
    grid = long_axis_grid(ANGLES[kind])
    contours = traced(frame)
    points = {
        "LAX_LV_ENDOCARDIAL": some_of(contours.endo_mm, 60),
        "LAX_LV_EPICARDIAL": some_of(contours.epi_mm, 60),
        "MITRAL_VALVE": contours.endo_mm[[0, -1]],
    }
    rows = []
    for name, places in points.items():
        lps = grid.pixel_to_lps(np.rint(rng.permutation(places) / SPACING))
        stamp = frame if column is None else column
        rows += ["\t".join([*(f"{v:.5f}" for v in p), name, str(series), "1.0", f"{stamp}.0"]) for p in lps]
    return rows


def write_guide_points(folder, kind="four_chamber", *, frames=FRAMES, column=None, change=lambda t, rows: rows):
    folder.mkdir(exist_ok=True)
    head = "\t".join(["x", "y", "z", "contour type", "frameID", "weight", "time frame"])
    for t in range(frames):
        rows = change(t, guide_rows(kind, t, column=column))
        (folder / f"GPFile_{t:03d}.txt").write_text("\n".join([head, *rows]) + "\n")
    return folder


def write_markups(path, kind="four_chamber", *, frames=FRAMES, closed=False, ras=False, points=None):
    grid = long_axis_grid(ANGLES[kind])
    markups = []

    def positions(places):
        lps = grid.pixel_to_lps(np.asarray(places) / SPACING) * ([-1, -1, 1] if ras else [1, 1, 1])
        return [{"position": p.tolist()} for p in lps]

    for t in range(frames):
        contours = traced(t)
        for name, line in (("endo", contours.endo_mm), ("epi", contours.epi_mm)):
            markups.append(
                {
                    "type": "ClosedCurve" if closed else "OpenCurve",
                    "coordinateSystem": "RAS" if ras else "LPS",
                    "name": f"{name} {t}",
                    "controlPoints": positions(line if closed else some_of(line, 21)),
                }
            )
        for label, place in (points or {}).items():
            control = [{**p, "label": f"{label} {t}"} for p in positions(place(contours))]
            markups.append({"type": "Fiducial", "name": "points", "controlPoints": control})
    path.write_text(json.dumps({"markups": markups}))
    return path
