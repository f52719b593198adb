"""Automatic contours as files: masks, a table of confidences, and a preview image.

==============================  ===================================================================================
contours.seq.nrrd               labels 1 RV, 2 myocardium, 3 LV cavity; ``contours_sliceN.seq.nrrd`` if the slices
                                do not form a regular stack. The header contains engine, status of each frame and RV
                                insertion
contours.csv                    slice, frame, confidence, status, reason
contours.png                    contours at end-diastole and end-systole
==============================  ===================================================================================

A slice used for volumes only has masks in the frames that show the ventricle; a slice that is left out has none.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from LaMoDCore.contours.automatic.heart_contours import ContouredSlice, HeartContours
from LaMoDCore.contours.automatic.rings import contour_points
from LaMoDCore.heart.geometry import Array
from LaMoDCore.io.results.contour_masks import CAVITY, MYOCARDIUM, RIGHT_VENTRICLE, write_label_stacks
from LaMoDCore.runtime.plain_text import table_row

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLUMNS = ("slice", "frame", "time_ms", "confidence", "status", "verdict", "reason")
#: Colours of the preview: cavity, wall, right ventricle.
_ENDO, _EPI, _RV = "#ffd166", "#4cc9f0", "#b388ff"
_MARGIN_MM = 30.0


def label_frames(slice_: ContouredSlice) -> Array:
    """uint8 [T, H, W]: the masks of a slice as labels; frames that do not count are empty."""
    contours = slice_.contours
    labels = np.zeros(contours.myocardium.shape, dtype=np.uint8)
    if contours.verdict != "left out":
        labels[contours.right_ventricle] = RIGHT_VENTRICLE
        labels[contours.myocardium] = MYOCARDIUM
        labels[contours.cavity] = CAVITY
        labels[~contours.is_ventricle] = 0
    return labels


def write_contours(heart: HeartContours, folder: Path) -> list[str]:
    """Write the files into an existing folder.

    Returns:
        their names; the mask files come first.
    """
    masks = write_masks(heart, folder)
    with (folder / "contours.csv").open("w", newline="", encoding="utf-8") as handle:
        writer = csv.DictWriter(handle, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(map(table_row, contour_rows(heart)))
    draw_preview(heart, folder / "contours.png")
    return [*masks, "contours.csv", "contours.png"]


def write_masks(heart: HeartContours, folder: Path) -> list[str]:
    """Write the mask files alone, with the times that the cine records; returns their names.

    Slices that are left out are not written.
    """
    kept = [s for s in heart.slices if s.contours.verdict != "left out"]
    return write_label_stacks(
        folder,
        [s.cine.slice_grid(0) for s in kept],
        [label_frames(s) for s in kept],
        [s.cine.frame_times_ms for s in kept],
        [s.cine.rr_ms for s in kept],
        [heart.origin_of(s) for s in kept],
    )


def contour_rows(heart: HeartContours) -> Iterator[dict[str, str | int]]:
    """The rows of contours.csv: one per slice and frame; slices count from 1 at the base, frames from 0."""
    for number, slice_ in enumerate(heart.slices, start=1):
        contours = slice_.contours
        status = heart.origin_of(slice_).status
        times = slice_.cine.frame_times_ms
        for frame in range(len(contours.confidence)):
            counts = contours.verdict == "used" or bool(contours.is_ventricle[frame])
            yield {
                "slice": number,
                "frame": frame,
                "time_ms": "" if times is None else f"{float(times[frame]):.3f}",
                "confidence": f"{float(contours.confidence[frame]):.3f}",
                "status": status[frame] if counts else "none",
                "verdict": contours.verdict,
                "reason": contours.frame_reasons[frame] or contours.reason,
            }


def draw_preview(heart: HeartContours, path: Path) -> None:
    """Contours on the cine at end-diastole and end-systole, one column per slice, base on the left."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    from LaMoDCore.report.style import page_style

    with page_style():
        columns = len(heart.slices)
        figure = Figure(figsize=(max(4.0, 1.9 * columns), 4.6), layout="constrained")
        FigureCanvasAgg(figure)
        axes = figure.subplots(2, columns, squeeze=False)
        for column, slice_ in enumerate(heart.slices):
            frames = _shown_frames(slice_)
            for row, (frame, name) in enumerate(zip(frames, ("end-diastole", "end-systole"), strict=True)):
                axis = axes[row, column]
                _draw_frame(axis, slice_, frame)
                axis.set_title(_title(slice_, column + 1) if row == 0 else "", fontsize=7)
                axis.set_xlabel(f"{name}, frame {frame + 1}", fontsize=6.5)
        parts = (f"Contours drawn automatically by {heart.engine.name};", "not reviewed. Research use only.")
        headline = ("\n" if columns < 3 else " ").join(parts)
        figure.suptitle(headline, fontsize=8, x=0.01, ha="left")
        figure.savefig(path, dpi=150, metadata={"Software": None})


def _title(slice_: ContouredSlice, number: int) -> str:
    contours = slice_.contours
    if contours.verdict != "used":
        return f"Slice {number}: {contours.verdict}"
    return f"Slice {number}: confidence {contours.confidence.min():.2f}–{contours.confidence.max():.2f}"


def _shown_frames(slice_: ContouredSlice) -> tuple[int, int]:
    area = slice_.contours.cavity.sum(axis=(1, 2))
    if not area.any():
        return 0, len(area) // 3
    return int(np.argmax(area)), int(np.argmin(np.where(area > 0, area, np.iinfo(np.int64).max)))


def _draw_frame(axis: Axes, slice_: ContouredSlice, frame: int) -> None:
    contours = slice_.contours
    picture = slice_.cine.frames[frame, 0]
    grid = slice_.cine.slice_grid(0)
    dx, dy = grid.spacing_mm
    axis.imshow(picture, cmap="gray", vmin=0, vmax=float(np.percentile(picture, 99.5)), aspect=dy / dx)
    axis.set_xticks([])
    axis.set_yticks([])
    if contours.rings is None:
        middle = axis.text(0.5, 0.5, contours.reason, transform=axis.transAxes, color="white", fontsize=6, wrap=True)
        middle.set_horizontalalignment("center")
        return
    center = contours.grid.to_cine(contours.rings.center_xy.mean(axis=0))
    reach = float(contours.rings.epi.radius_mm.max()) + _MARGIN_MM
    axis.set_xlim(max(-0.5, center[0] - reach / dx), min(grid.shape[1] - 0.5, center[0] + reach / dx))
    axis.set_ylim(min(grid.shape[0] - 0.5, center[1] + reach / dy), max(-0.5, center[1] - reach / dy))
    if contours.verdict == "left out" or not contours.is_ventricle[frame]:
        return
    style = "--" if contours.frame_reasons[frame] else "-"
    for radii, colour in ((contours.rings.endo.radius_mm[frame], _ENDO), (contours.rings.epi.radius_mm[frame], _EPI)):
        points = contour_points(contours.rings.center_xy[frame], radii, contours.grid)
        axis.plot(*np.vstack([points, points[:1]]).T, color=colour, lw=1.1, ls=style)
    if contours.right_ventricle[frame].any():
        axis.contour(contours.right_ventricle[frame], levels=[0.5], colors=[_RV], linewidths=0.9)
    if slice_.rv_insertion_lps is not None:
        x, y = grid.lps_to_pixel(slice_.rv_insertion_lps)
        axis.plot([x], [y], marker="D", color="white", ms=3.5, mec="black", mew=0.5)


def engine_summary(slices: Sequence[ContouredSlice]) -> str:
    """One line about verdicts for the terminal."""
    verdicts = [s.contours.verdict for s in slices]
    parts = [f"{verdicts.count('used')} slice(s) with contours"]
    for verdict, text in (("volume only", "for volumes only"), ("left out", "left out")):
        if verdict in verdicts:
            parts.append(f"{verdicts.count(verdict)} {text}")
    return ", ".join(parts)
