"""A picture for visual quality control of a DENSE analysis."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from LaMoDCore.dense.analysis import DenseMotion
from LaMoDCore.heart.geometry import Array
from LaMoDCore.strain import compute_strain

_DPI = 110


def write_picture(path: Path, motion: DenseMotion, insertion_lps: Array | None = None) -> None:
    """Draw magnitude, phase, unwrapped phase, displacement, strain and quality at the frame of peak strain.

    Args:
        path: the .png file; the same motion gives the same bytes.
        motion: the result of `analyse_dense`.
        insertion_lps: [3] mm, anterior RV insertion point; marked if given.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    images, wall = motion.images, motion.myocardium[0]
    strain = compute_strain(motion.displacement_mm, wall, images.grid.spacing_mm)
    inside = wall & np.isfinite(strain.ecc).all(axis=0)
    ecc = np.median(strain.ecc[:, inside], axis=1)
    err = np.median(strain.err[:, inside], axis=1)
    length = np.linalg.norm(motion.displacement_mm[:, :, wall], axis=1)
    peak = int(np.argmin(ecc))
    frame = max(peak - 1, 0)  # among the acquired frames

    figure = Figure(figsize=(16, 8.4), dpi=_DPI, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(2, 5)
    view = _window(motion.myocardium)
    _magnitude(axes[0, 0], motion, 0, view, "first frame")
    _magnitude(axes[1, 0], motion, frame, view, f"frame {frame + 1}, {motion.frame_times_ms[peak]:.0f} ms")
    if insertion_lps is not None:
        axes[0, 0].plot(*images.grid.lps_to_pixel(insertion_lps), "+", color="yellow", markersize=12)
    per_radian = images.mm_per_radian
    for c, name in enumerate("xy"):
        _map(figure, axes[c, 1], images.phase[frame, c], view, "twilight", np.pi, f"{name} phase, wrapped (rad)")
        unwrapped = motion.eulerian_mm[frame, c] / per_radian[c]
        limit = max(float(np.nanmax(np.abs(unwrapped))), 1e-3)
        _map(figure, axes[c, 2], unwrapped, view, "RdBu_r", limit, f"{name} phase, unwrapped (rad)")
    _map(figure, axes[0, 3], strain.ecc[peak], view, "RdBu_r", 0.3, "Ecc, Green–Lagrange, on frame 0")
    _map(figure, axes[1, 3], strain.err[peak], view, "RdBu_r", 0.6, "Err")
    _arrows(axes[0, 4], motion, peak, view)
    _curves(axes[1, 4], motion, ecc, err, length.mean(axis=1))
    figure.suptitle(
        f"{images.name} · peak median Ecc {ecc[peak]:+.3f}, Err {err[int(np.argmax(err))]:+.3f}, "
        f"mean displacement {length.mean(axis=1).max():.1f} mm · "
        f"ke {images.ke[0]:.3g}, {images.ke[1]:.3g} cycles/mm · "
        f"covers {motion.covered_ms[1]:.0f} of {images.rr_ms:.0f} ms"
    )
    figure.savefig(path, metadata={"Software": None})


def _window(masks: Array) -> tuple[float, float, float, float]:
    rows, columns = np.nonzero(masks.any(axis=0))
    half = 0.5 * max(np.ptp(rows), np.ptp(columns)) + 6
    y, x = 0.5 * (rows.min() + rows.max()), 0.5 * (columns.min() + columns.max())
    return x - half, x + half, y + half, y - half


def _frame(axis: Any, view: tuple[float, float, float, float], title: str) -> None:
    axis.set_xlim(view[0], view[1])
    axis.set_ylim(view[2], view[3])
    axis.set_xticks([])
    axis.set_yticks([])
    axis.set_title(title, fontsize=10)


def _magnitude(axis: Any, motion: DenseMotion, frame: int, view: tuple[float, float, float, float], title: str) -> None:
    picture, wall = motion.images.magnitude[frame], motion.myocardium[frame + 1]
    top = float(np.percentile(picture[wall], 99)) if wall.any() else float(picture.max())
    axis.imshow(picture, cmap="gray", vmin=0, vmax=top)
    if wall.any():
        axis.contour(wall, [0.5], colors="tab:red", linewidths=1)
    _frame(axis, view, f"magnitude, {title}")


def _map(
    figure: Any, axis: Any, values: Array, view: tuple[float, float, float, float], cmap: str, limit: float, title: str
) -> None:
    drawn = axis.imshow(values, cmap=cmap, vmin=-limit, vmax=limit)
    figure.colorbar(drawn, ax=axis, shrink=0.75)
    _frame(axis, view, title)


def _arrows(axis: Any, motion: DenseMotion, peak: int, view: tuple[float, float, float, float]) -> None:
    wall = motion.myocardium[0]
    rows, columns = np.nonzero(wall)
    dx, dy = motion.images.grid.spacing_mm
    moved = motion.displacement_mm[peak][:, wall]
    axis.imshow(wall, cmap="gray_r", vmin=0, vmax=4)
    axis.quiver(
        columns, rows, moved[0] / dx, moved[1] / dy, np.linalg.norm(moved, axis=0), cmap="viridis",
        angles="xy", scale_units="xy", scale=1, width=0.006,
    )  # fmt: skip
    _frame(axis, view, "displacement from frame 0, to scale")


def _curves(axis: Any, motion: DenseMotion, ecc: Array, err: Array, length_mm: Array) -> None:
    times = motion.frame_times_ms
    axis.axhline(0, color="0.8", linewidth=1)
    axis.plot(times, 100 * ecc, color="tab:blue", label="median Ecc (%)")
    axis.plot(times, 100 * err, color="tab:red", label="median Err (%)")
    axis.plot(times, 10 * length_mm, color="0.4", label="mean displacement (0.1 mm)")
    noise = [10 * q.noise_mm for q in motion.quality]
    axis.plot(times[1:], noise, ".", color="tab:green", markersize=3, label="noise (0.1 mm)")
    for q in motion.quality:
        if q.doubtful:
            axis.axvspan(q.time_ms - 4, q.time_ms + 4, color="orange", alpha=0.3, linewidth=0)
    axis.set_xlabel("ms after the encoding pulses")
    axis.legend(fontsize=7, loc="upper center", bbox_to_anchor=(0.5, -0.18), ncol=2)
    axis.set_title("over the covered part of the cycle", fontsize=10)
