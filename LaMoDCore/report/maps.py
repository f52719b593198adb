"""Strain and motion of one slice over its image, as seen from the apex."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import ndimage

from LaMoDCore.heart.case import CineSlice, SliceStrain, StrainResult
from LaMoDCore.heart.geometry import Array, SliceGrid
from LaMoDCore.heart.long_axis.view import LongAxisView
from LaMoDCore.heart.ring.mask import epicardial_region, signed_distance_mm
from LaMoDCore.heart.spatial import material_coordinates, push_forward
from LaMoDCore.report.style import FAINT, INK, SOFT, STRAIN_COLOURS, WALL_COLOURS

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: Up to this number of slices, the maps are large enough for the numbers of the segments.
MOST_NUMBERED = 4
#: Number of slices that are shown.
MOST_SHOWN = 12
_FINER = 4
_MARGIN_MM = 13.0


@dataclass(frozen=True, eq=False)
class Window:
    """The part of a slice that is shown, a square in mm from pixel (0, 0): centre (x, y) and half its side length."""

    center_mm: tuple[float, float]
    half_mm: float


def window_of(strain: SliceStrain, grid: SliceGrid, half_mm: float | None = None) -> Window:
    """The square around the reference myocardium, with a margin."""
    rows, columns = np.nonzero(strain.myocardium)
    dx, dy = grid.spacing_mm
    if rows.size == 0:
        return Window((grid.shape[1] * dx / 2, grid.shape[0] * dy / 2), half_mm or 40.0)
    x0, x1, y0, y1 = columns.min() * dx, columns.max() * dx, rows.min() * dy, rows.max() * dy
    reach = max(x1 - x0, y1 - y0) / 2 + _MARGIN_MM
    return Window(((x0 + x1) / 2, (y0 + y1) / 2), half_mm or float(reach))


def smooth_map(
    field: Array,
    displacement_mm: Array,
    myocardium: Array,
    spacing_mm: tuple[float, float],
    finer: int = _FINER,
) -> tuple[Array, tuple[float, float, float, float]]:
    """A material field of one frame on the deformed wall, resampled more finely so that its edge is smooth.

    Args:
        field: [H, W], used inside `myocardium` only.
        displacement_mm: [2, H, W] of the same frame; zero shows the reference frame.
        myocardium: bool [H, W] at the reference frame.
        spacing_mm: (dx, dy).
        finer: resampling factor.

    Returns:
        Image [h, w] with NaN outside the wall, and its extent (left, right, bottom, top) in mm for `imshow`.
    """
    dx, dy = spacing_mm
    wall = np.asarray(myocardium, dtype=bool)
    reach = np.abs(displacement_mm[:, wall]).max(initial=0.0) / min(dx, dy)
    rows, columns = np.nonzero(ndimage.binary_dilation(wall, iterations=3 + int(np.ceil(reach))))
    top, bottom = rows.min(initial=0), rows.max(initial=1)
    left, right = columns.min(initial=0), columns.max(initial=1)
    box = (slice(top, bottom + 1), slice(left, right + 1))
    y = np.linspace(0, bottom - top, (bottom - top) * finer + 1)
    x = np.linspace(0, right - left, (right - left) * finer + 1)
    along_y, along_x = _linear_weights(y, bottom - top + 1), _linear_weights(x, right - left + 1)
    known = (wall & np.isfinite(field))[box]
    nearest = ndimage.distance_transform_edt(~known, return_distances=False, return_indices=True)
    filled = np.asarray(field, dtype=np.float64)[box][tuple(nearest)] if known.any() else np.zeros(known.shape)
    fine_field = along_y @ filled @ along_x.T
    distance = ndimage.gaussian_filter(signed_distance_mm(wall, spacing_mm), 0.8)
    fine_wall = along_y @ distance[box] @ along_x.T <= 0
    fine_motion = along_y @ displacement_mm[:, box[0], box[1]].astype(np.float64) @ along_x.T
    fine_spacing = (dx / finer, dy / finer)
    where = material_coordinates(fine_motion[None], fine_wall, fine_spacing)
    picture = push_forward(fine_field[None], where, fine_wall)[0]
    extent = (
        (left - 0.5 / finer) * dx,
        (right + 0.5 / finer) * dx,
        (bottom + 0.5 / finer) * dy,
        (top - 0.5 / finer) * dy,
    )
    return picture, extent


def _linear_weights(positions: Array, count: int) -> Array:
    """Matrix [P, count] of linear interpolation between `count` samples at positions [P]."""
    return np.asarray(np.maximum(1.0 - np.abs(positions[:, None] - np.arange(count)), 0.0))


def draw_strain_map(
    ax: Axes, cine: CineSlice, strain: SliceStrain, frame: int, window: Window, *, limit_percent: float
) -> Any:
    """Draw Ecc (per cent) of a frame on the deformed wall over the cine; returns the image for a colour bar."""
    draw_background(ax, cine, frame, window)
    picture, extent = smooth_map(
        strain.fields["ecc"][frame], strain.displacement_at(frame), strain.myocardium, cine.grid.spacing_mm
    )
    image = ax.imshow(
        100 * picture,
        extent=extent,
        cmap=STRAIN_COLOURS,
        vmin=-limit_percent,
        vmax=limit_percent,
        alpha=0.92,
        zorder=2,
    )
    _outline(ax, np.isfinite(picture).astype(float), extent, colors=INK, linewidths=0.7)
    frame_view(ax, cine.grid, window)
    return image


def draw_motion(ax: Axes, cine: CineSlice, strain: SliceStrain, frame: int, window: Window) -> None:
    """Draw arrows to scale from end-diastole to `frame`, both contours and the segment numbers."""
    draw_background(ax, cine, frame, window)
    grid = cine.grid
    for displacement, style in (
        (0 * strain.displacement_at(frame), ":"),
        (strain.displacement_at(frame), "-"),
    ):
        shape, extent = smooth_map(strain.fields["ecc"][frame], displacement, strain.myocardium, grid.spacing_mm)
        on_picture = cine.cine is not None
        colour = "white" if on_picture else (SOFT if style == ":" else INK)
        _outline(ax, np.isfinite(shape).astype(float), extent, colors=colour, linewidths=0.8, linestyles=style)
    draw_arrows(ax, strain, frame, grid, colour="#ffc21a" if cine.cine is not None else "#c2570c")
    number_segments(ax, strain, grid, on_picture=cine.cine is not None)
    frame_view(ax, grid, window)


def draw_arrows(
    ax: Axes,
    strain: SliceStrain,
    frame: int,
    grid: SliceGrid,
    *,
    colour: str,
    every_mm: float = 4.0,
    width: float = 0.0045,
) -> None:
    """Draw arrows to scale from the end-diastolic position of points to their position at `frame`."""
    x, y = grid.pixel_centers_mm()
    chosen = arrow_pixels(strain.myocardium, grid.spacing_mm, every_mm)
    u, v = strain.displacement_at(frame)[:, chosen]
    ax.quiver(
        x[chosen], y[chosen], u, v, angles="xy", scale_units="xy", scale=1, color=colour, zorder=4,
        width=width, headwidth=4.0, headlength=4.5, headaxislength=4.0, minlength=0.3,
    )  # fmt: skip


def marked_insertions(result: StrainResult) -> list[Array | None]:
    """The insertion point [3] to mark in each slice that is shown: its own, or the heart's in the nearest slice."""
    cines, heart = result.case.slices, result.case.rv_insertion_lps
    away = [0.0 if heart is None else abs(float(c.grid.distance_mm(heart))) for c in cines]
    nearest = int(np.argmin(away))
    points = [heart if z == nearest and c.rv_insertion_lps is None else c.rv_insertion_lps for z, c in enumerate(cines)]
    return points[:MOST_SHOWN]


def mark_insertion(ax: Axes, grid: SliceGrid, insertion_lps: Array | None, size: float = 4.0) -> None:
    """Draw a diamond at the anterior RV insertion point, projected onto the slice."""
    if insertion_lps is None:
        return
    x, y = grid.lps_to_pixel(insertion_lps) * np.array(grid.spacing_mm)
    ax.plot(
        [x],
        [y],
        marker="D",
        markersize=size,
        color="#35e0c4",
        markeredgecolor=INK,
        markeredgewidth=0.6,
        zorder=6,
    )


def arrow_pixels(myocardium: Array, spacing_mm: tuple[float, float], every_mm: float = 4.0) -> Array:
    """bool [H, W]: pixels of the wall on a lattice with a spacing of about `every_mm`."""
    steps = [max(1, round(every_mm / s)) for s in spacing_mm]
    lattice = np.zeros(myocardium.shape, dtype=bool)
    lattice[steps[1] // 2 :: steps[1], steps[0] // 2 :: steps[0]] = True
    return np.asarray(lattice & np.asarray(myocardium, dtype=bool))


def draw_background(ax: Axes, cine: CineSlice | LongAxisView, frame: int, window: Window) -> None:
    """Draw the frame of the cine in grey, or a pale background if there is no cine."""
    ax.set_facecolor("#f4f6f8")
    if cine.cine is None:
        return
    dx, dy = cine.grid.spacing_mm
    height, width = cine.grid.shape
    cx, cy, half = *window.center_mm, window.half_mm
    rows = slice(max(int((cy - half) / dy), 0), int((cy + half) / dy) + 2)
    columns = slice(max(int((cx - half) / dx), 0), int((cx + half) / dx) + 2)
    seen = cine.cine[frame][rows, columns]
    low, high = np.percentile(seen, [1, 99.5]) if seen.size else (0.0, 1.0)
    extent = (-0.5 * dx, (width - 0.5) * dx, (height - 0.5) * dy, -0.5 * dy)
    ax.imshow(
        cine.cine[frame], extent=extent, cmap="gray", vmin=low, vmax=max(high, low + 1e-6) * 1.05,
        interpolation="bilinear", zorder=1,
    )  # fmt: skip


def frame_view(ax: Axes, grid: SliceGrid, window: Window, *, letters: bool = True) -> None:
    """Limit the axes to the window as seen from the apex, and write the patient's directions at the edges."""
    (cx, cy), half = window.center_mm, window.half_mm
    ax.set_xlim(cx - half, cx + half) if grid.view_sign > 0 else ax.set_xlim(cx + half, cx - half)
    ax.set_ylim(cy + half, cy - half)
    ax.set_aspect("equal")
    ax.xaxis.set_visible(False)
    ax.yaxis.set_visible(False)
    for spine in ax.spines.values():
        spine.set_visible(False)
    if not letters:
        return
    draw_directions(ax, grid.directions[:, 0] * grid.view_sign, grid.directions[:, 1])


def draw_directions(ax: Axes, right: Array, down: Array) -> None:
    """Write the patient's directions at the edges of a picture, whose axes are `right` and `down` in LPS."""
    for x, y, direction, ha, va in (
        (0.985, 0.5, right, "right", "center"),
        (0.015, 0.5, -right, "left", "center"),
        (0.5, 0.015, down, "center", "bottom"),
        (0.5, 0.985, -down, "center", "top"),
    ):
        ax.text(
            x, y, direction_letters(direction), transform=ax.transAxes, ha=ha, va=va, fontsize=6,
            color="white", zorder=6,
            bbox={"boxstyle": "round,pad=0.15", "facecolor": "#00000066", "edgecolor": "none"},
        )  # fmt: skip


def direction_letters(direction_lps: Array) -> str:
    """Name a direction in the patient by up to two of L R, P A, S I, the strongest first."""
    letters = (("L", "R"), ("P", "A"), ("S", "I"))
    order = sorted(range(3), key=lambda axis: -abs(float(direction_lps[axis])))
    chosen = [axis for axis in order[:2] if abs(float(direction_lps[axis])) > 0.38]
    return "".join(letters[axis][0 if direction_lps[axis] > 0 else 1] for axis in chosen)


def _outline(ax: Axes, inside: Array, extent: tuple[float, float, float, float], **style: Any) -> None:
    from matplotlib.collections import PathCollection

    height, width = inside.shape
    left, right, bottom, top = extent
    dx, dy = (right - left) / width, (bottom - top) / height
    x, y = left + (np.arange(width) + 0.5) * dx, top + (np.arange(height) + 0.5) * dy
    smooth = ndimage.gaussian_filter(inside, 1.2)
    found = ax.contour(x, y, smooth, levels=[0.5], zorder=3, **style)
    # Only the lines are kept: a contour set holds the image and its coordinates until the page is written.
    lines = PathCollection(
        found.get_paths(),
        facecolors="none",
        edgecolors=style["colors"],
        linewidths=style["linewidths"],
        linestyles=style.get("linestyles", "-"),
        zorder=3,
    )
    found.remove()
    ax.add_collection(lines, autolim=False)


def number_segments(
    ax: Axes, strain: SliceStrain, grid: SliceGrid, *, on_picture: bool, font_size: float = 6.5
) -> None:
    """Write the AHA number of each segment in its colour outside the wall, or its own number if walls are not known."""
    x, y = grid.pixel_centers_mm()
    region = epicardial_region(strain.myocardium)
    if not region.any():
        return
    middle = np.array([x[region].mean(), y[region].mean()])
    walls = zip(strain.segment_names, strain.segment_aha, strict=True)
    for number, (name, aha) in enumerate(walls, start=1):
        here = strain.segment == number
        if not here.any():
            continue
        along = np.array([x[here].mean(), y[here].mean()]) - middle
        length = float(np.hypot(*along))
        reach = np.hypot(x[here] - middle[0], y[here] - middle[1]).max() + 4.5
        place = middle + along / max(length, 1e-6) * reach
        ax.text(
            float(place[0]), float(place[1]), str(aha or number),
            ha="center", va="center", fontsize=font_size, fontweight="bold",
            color="white",
            zorder=7, bbox={
                "boxstyle": f"circle,pad={0.18 if (aha or number) < 10 else 0.08}",
                "facecolor": WALL_COLOURS.get(name, SOFT),
                "edgecolor": "white" if on_picture else FAINT, "linewidth": 0.5,
            },
        )  # fmt: skip
