"""Strain over the cardiac cycle."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from LaMoDCore.heart.case import CineSlice, SliceStrain, StrainResult
from LaMoDCore.report.style import FAINT, INK, SOFT, WALL_COLOURS

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def draw_segment_curves(
    ax: Axes,
    cine: CineSlice,
    strain: SliceStrain,
    name: str,
    *,
    es_ms: float,
    ed_ms: float,
    half_width_sd: float = 1.0,
) -> None:
    """Draw the mean curve of each segment with its band, and the mean of the slice in black.

    Args:
        ax: axes to draw into.
        cine: the slice.
        strain: its strain.
        name: "ecc" or "err".
        es_ms: time of end-systole.
        ed_ms: time of the reference frame.
        half_width_sd: half the width of the band in standard deviations: of the calibrated interval, otherwise 1.
    """
    time = cine.frame_times_ms
    curves, spread = 100 * np.asarray(strain.segment_curves[name]), strain.segment_curves_std
    for s, wall in enumerate(strain.segment_names):
        colour = WALL_COLOURS.get(wall, SOFT)
        if spread:
            sd = 100 * half_width_sd * np.asarray(spread[name][s])
            ax.fill_between(time, curves[s] - sd, curves[s] + sd, color=colour, alpha=0.13, linewidth=0)
        ax.plot(time, curves[s], color=colour, linewidth=1.1, label=wall)
    ax.plot(time, 100 * np.asarray(strain.global_curves[name]), color=INK, linewidth=2.0, label="whole slice")
    finish_curves(ax, time, es_ms, ed_ms)


def draw_slice_curves(ax: Axes, result: StrainResult, name: str, *, es_ms: float, ed_ms: float) -> None:
    """Draw the mean curve of every slice over the clock of the heart, from base (dark) to apex (light)."""
    from matplotlib import colormaps

    case, count = result.case, len(result.slices)
    colours = colormaps["viridis"](np.linspace(0.0, 0.9, count))
    for index, (cine, strain) in enumerate(zip(case.slices, result.slices, strict=True)):
        label = f"{index + 1} {cine.level}"
        ax.plot(
            cine.frame_times_ms * (case.rr_ms / cine.rr_ms),
            100 * np.asarray(strain.global_curves[name]),
            color=colours[index],
            linewidth=1.2,
            label=label,
        )
    finish_curves(ax, case.frame_times_ms, es_ms, ed_ms)


def finish_curves(ax: Axes, time: np.ndarray, es_ms: float, ed_ms: float) -> None:
    """Mark ED and ES, and set limits, ticks and the label of the time axis from the times [T] in ms."""
    from matplotlib.ticker import MaxNLocator

    ax.axhline(0, color=FAINT, linewidth=0.8, zorder=0)
    for at, label in ((ed_ms, "ED"), (es_ms, "ES")):
        ax.axvline(at, color=SOFT, linewidth=0.7, linestyle=(0, (3, 3)), zorder=0)
        ax.annotate(
            label, (at, 1), xycoords=("data", "axes fraction"), xytext=(2, -1), textcoords="offset points",
            fontsize=6, color=SOFT, va="top",
        )  # fmt: skip
    ax.set_xlim(float(time[0]), float(time[-1]))
    # the times of a cine that begins elsewhere in the beat, as with a pulse trigger, do not count from the R wave
    ax.set_xlabel("time after the R wave (ms)" if ed_ms == time[0] else "time in the cine (ms)", labelpad=2)
    ax.margins(y=0.12)
    ax.yaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))
    ax.tick_params(length=2.5, pad=2)
