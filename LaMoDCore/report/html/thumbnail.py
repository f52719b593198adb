"""A small picture of a result for lists of cases: Ecc of the middle slice at end-systole."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from PIL import Image, ImageDraw

from LaMoDCore.heart.case import CineSlice, StrainResult
from LaMoDCore.heart.colour_ranges import COLOUR_RANGES
from LaMoDCore.heart.geometry import Array
from LaMoDCore.report.html.contours import carried_outlines, closed_lines
from LaMoDCore.report.html.overlay import decoded, slice_overlay
from LaMoDCore.report.html.pictures import view_frames, webp
from LaMoDCore.report.html.view import View, view_around, views_of
from LaMoDCore.report.style import STRAIN_COLOURS

#: Width and height in pixels.
SIDE = 112
#: The outline of the wall is drawn this many times finer, so that its edge is smooth.
_FINER = 4
_OPACITY = 0.85
_BACKGROUND = (21, 25, 30)
#: Colour of drawn contours, as on the page of a result.
_DRAWN = (255, 160, 46)


def thumbnail(result: StrainResult) -> bytes:
    """The picture as a WebP file of `SIDE` by `SIDE` pixels."""
    from matplotlib import colormaps

    middle, es = len(result.slices) // 2, result.es_frame
    cine, strain = result.case.slices[middle], result.slices[middle]
    view = views_of([cine.grid], [strain])[0]
    shown = np.broadcast_to(np.array(_BACKGROUND, dtype=np.float64), (SIDE, SIDE, 3))
    if cine.cine is not None:
        shown = np.repeat(view_frames(cine.cine[es : es + 1], view, SIDE)[0][..., None], 3, axis=2).astype(np.float64)
    displacement = strain.displacement_mm[es : es + 1]
    field = {"ecc": 100 * strain.fields["ecc"][es : es + 1]}
    overlay = slice_overlay(replace(strain, displacement_mm=displacement), field, view, 1)
    values = decoded(overlay, "ecc")[0]
    left, top = (
        (origin - step / 2) * SIDE / (2 * view.half_mm)
        for origin, step in zip(overlay.origin_mm, overlay.step_mm, strict=True)
    )
    width, height = (
        count * step * SIDE / (2 * view.half_mm)
        for count, step in zip(values.shape[::-1], overlay.step_mm, strict=True)
    )
    share = 0.5 + 0.5 * np.clip(np.nan_to_num(values) / COLOUR_RANGES["ecc"], -1, 1)
    colours = colormaps[STRAIN_COLOURS](share, bytes=True)[..., :3].astype(np.uint8)
    scale = (values.shape[1] / width, values.shape[0] / height)
    placing = (scale[0], 0, -left * scale[0], 0, scale[1], -top * scale[1])
    coloured = Image.fromarray(colours).transform(
        (SIDE, SIDE), Image.Transform.AFFINE, placing, Image.Resampling.BILINEAR
    )
    alpha = _OPACITY * _wall(carried_outlines(view, displacement, strain.myocardium), view)[..., None]
    mixed = (1 - alpha) * shown + alpha * np.asarray(coloured)
    return webp(Image.fromarray(np.rint(mixed).astype(np.uint8)))


def contour_picture(cine: CineSlice, frame: int, side: int = SIDE) -> bytes:
    """One frame of a slice with its drawn contours, as a WebP file of `side` by `side` pixels."""
    mask = cine.myocardium[frame]
    view = view_around(cine.grid, mask)
    fine = side * _FINER
    shown = Image.new("RGB", (fine, fine), _BACKGROUND)
    if cine.cine is not None:
        grey = Image.fromarray(view_frames(cine.cine[frame : frame + 1], view, side)[0])
        shown = grey.resize((fine, fine), Image.Resampling.BILINEAR).convert("RGB")
    drawing = ImageDraw.Draw(shown)
    for line in closed_lines(mask, cine.grid.spacing_mm):
        points = [tuple(point) for point in view.points(line) * fine / (2 * view.half_mm)]
        drawing.line([*points, points[0]], fill=_DRAWN, width=2 * _FINER, joint="curve")
    return webp(shown.resize((side, side), Image.Resampling.BOX))


def _wall(outlines: list[Array], view: View) -> Array:
    """Share of each pixel that lies in the wall, [SIDE, SIDE]; outlines within outlines are holes."""
    fine = SIDE * _FINER
    inside = np.zeros((fine, fine), dtype=bool)
    for line in outlines:
        drawing = Image.new("1", (fine, fine))
        ImageDraw.Draw(drawing).polygon([tuple(point) for point in line[0] * fine / (2 * view.half_mm)], fill=1)
        inside ^= np.asarray(drawing)
    return np.asarray(inside.reshape(SIDE, _FINER, SIDE, _FINER).mean(axis=(1, 3)))
