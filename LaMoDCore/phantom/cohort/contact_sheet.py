"""A contact sheet of synthetic slices: picture, contours, motion and strain curves."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from LaMoDCore.heart.geometry import Array, SliceGrid
from LaMoDCore.phantom.cohort.recipe import DEFAULT_TRABECULAE_MM
from LaMoDCore.phantom.heart.slices import PhantomSlice
from LaMoDCore.phantom.imaging.cine import cine_grid, cine_pictures, draw_cine_protocol
from LaMoDCore.phantom.imaging.reader_model import draw_reader_style, drawn_frames

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_SECTORS = ("anteroseptal", "inferoseptal", "inferior", "inferolateral", "anterolateral", "anterior")
_COLOURS = ("#d62728", "#ff7f0e", "#bcbd22", "#17becf", "#1f77b4", "#9467bd")
_PHASES = np.arange(41) / 40


def write_contact_sheet(path: str | Path, planes: Sequence[PhantomSlice], seed: int = 0, columns: int = 6) -> None:
    """Draw two panels per slice: its picture at end-systole with contours and motion, and its strain curves.

    Args:
        path: path of the PNG file.
        planes: slices; thirty fit well.
        seed: random seed of pictures and annotators.
        columns: slices per row.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    rows = -(-len(planes) // columns)
    figure = Figure(figsize=(2.5 * columns, 3.7 * rows), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(2 * rows, columns, squeeze=False, height_ratios=[2.3, 1.2] * rows)
    for axis in axes.ravel():
        axis.set_axis_off()
    for number, plane in enumerate(planes):
        row, column = divmod(number, columns)
        _picture(axes[2 * row, column], plane, seed + number)
        _curves(axes[2 * row + 1, column], plane, legend=number == 0)
    figure.savefig(path, dpi=64, metadata={"Software": None})


def _picture(axis: Axes, plane: PhantomSlice, seed: int) -> None:
    rng = np.random.default_rng([51, seed])
    protocol = draw_cine_protocol(rng, seed)
    grid = cine_grid(plane, protocol)
    phases = np.array([0.0, plane.subject.timing.end_systole])
    picture = cine_pictures(plane, grid, phases[1:], protocol, seed=seed)[0]
    axis.imshow(picture, cmap="gray", vmin=0, vmax=460, interpolation="bilinear")
    drawn, _ = drawn_frames(plane, draw_reader_style(rng, DEFAULT_TRABECULAE_MM), rng, phases, scene_seed=seed)
    for frame, style in ((0, ":"), (1, "-")):
        for contour in drawn.points_xy(frame):
            pixels = _pixels(plane, grid, np.vstack([contour, contour[:1]]))
            axis.plot(*pixels.T, style, color="#ffd400", linewidth=0.8)
    wall = plane.masks(phases[:1], grid)[0]
    wall &= (np.indices(wall.shape) % 3 == 0).all(0)
    moved = plane.displacement_on(phases[1:], grid)[0][:, wall] / protocol.pixel_mm
    y, x = np.nonzero(wall)
    axis.quiver(x, y, *moved, angles="xy", scale_units="xy", scale=1, color="#35d0ff", width=0.006, headwidth=4)
    middle = _pixels(plane, grid, np.zeros((1, 2)))[0]
    reach = 58 / protocol.pixel_mm
    axis.set_xlim(middle[0] - 1.25 * reach, middle[0] + reach)
    axis.set_ylim(middle[1] + reach, middle[1] - reach)
    axis.set_title(f"{plane.disease}, {plane.name}", fontsize=8)


def _curves(axis: Axes, plane: PhantomSlice, *, legend: bool) -> None:
    """Mid-wall Ecc of six sectors, counter-clockwise from the anterior insertion, at every level."""
    theta = np.arange(72) * 2 * np.pi / 72
    shape = plane.parameters.shape
    radius = 0.5 * (shape.endo(theta) + shape.epi(theta))
    ecc = plane.strain(_PHASES, np.stack([radius * np.cos(theta), -radius * np.sin(theta)], -1)).ecc
    sector = np.floor(np.mod(theta - shape.insertion_angle, 2 * np.pi) / (np.pi / 3)).astype(int)
    for number, (name, colour) in enumerate(zip(_SECTORS, _COLOURS, strict=True)):
        axis.plot(
            _PHASES * plane.rr_ms, 100 * ecc[:, sector == number].mean(1), color=colour, linewidth=0.9, label=name
        )
    axis.set_axis_on()
    axis.axhline(0, color="0.6", linewidth=0.5)
    axis.axvline(plane.subject.timing.end_systole * plane.rr_ms, color="0.6", linewidth=0.5, linestyle=":")
    axis.set_ylim(-30, 14)
    axis.set_xlim(0, plane.rr_ms)
    axis.tick_params(labelsize=5, length=2, pad=1)
    if legend:
        axis.legend(fontsize=4, ncols=2, loc="upper right", frameon=False)
        axis.set_ylabel("mid-wall Ecc, %", fontsize=6)
        axis.set_xlabel("ms", fontsize=6)


def _pixels(plane: PhantomSlice, grid: SliceGrid, xy: Array) -> Array:
    return np.asarray(grid.lps_to_pixel(plane.parameters.center_lps + plane.grid.vectors_to_lps(xy)))
