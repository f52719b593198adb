"""Fragility: the change of each segment's strain per pixel of contour shift."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from LaMoDCore.heart.case import Case, CineSlice, SliceStrain
from LaMoDCore.heart.cycle.shapes import SliceShapes
from LaMoDCore.heart.geometry import Array, SliceGrid
from LaMoDCore.heart.ring.extent import extent
from LaMoDCore.heart.ring.mask import cavity, epicardial_region, is_closed_ring
from LaMoDCore.heart.ring.polar import RayContours
from LaMoDCore.models.default_model import DEFAULT_MODEL
from LaMoDCore.models.folder import LoadedModel, load_model
from LaMoDCore.runtime.plain_text import table_cell
from LaMoDCore.runtime.progress import SILENT, Progress

#: A segment whose peak Ecc changes by more than this for a shift of one pixel is fragile.
FRAGILE = 0.02
#: The shifted contour, and the direction: outwards (+1) or inwards (−1).
SHIFTS: tuple[tuple[str, int], ...] = (
    ("endo", -1),
    ("endo", 1),
    ("epi", -1),
    ("epi", 1),
    ("both", -1),
    ("both", 1),
)
#: Predictions from the contours as drawn: with the model's samples, and with one sample as for the shifts.
_SAMPLED, _DRAWN = ("sampled", 0), ("drawn", 0)
#: A slice's index and the shift.
Job = tuple[int, tuple[str, int]]
#: Margin around the wall that is kept; farther pixels do not change the canonical picture.
_MARGIN_MM = 20.0
_COLOURS = {"endo": "#c0392b", "epi": "#2a6fb0", "both": "#20262e"}
_NAMES = {"endo": "endocardium", "epi": "epicardium", "both": "both"}
_ARROWS = {1: "^", -1: "v"}


class FragilityCancelled(Exception):  # noqa: N818 - a request, not an error
    """Raised after a request to cancel."""


@dataclass(frozen=True, eq=False)
class SliceFragility:
    """Fragility of one slice with S segments; strains are fractions.

    Attributes:
        slice_name: name of the slice.
        segment_names: [S].
        peak_ecc: [S], minimum of each segment's Ecc curve, from the contours as drawn.
        changes: [len(SHIFTS), S], peak Ecc from the shifted contours minus peak Ecc from the drawn ones.
        model_spread: [S], SD over the model's own samples at the peak; NaN if one sample was drawn.
    """

    slice_name: str
    segment_names: tuple[str, ...]
    peak_ecc: Array
    changes: Array
    model_spread: Array

    @property
    def worst(self) -> Array:
        """[S]: the largest absolute change."""
        return np.asarray(np.abs(self.changes).max(axis=0))

    @property
    def is_fragile(self) -> Array:
        """bool [S]: whether the largest change exceeds `FRAGILE`."""
        return np.asarray(self.worst > FRAGILE)

    def as_dictionary(self) -> dict[str, Any]:
        """The numbers as JSON values; strains are fractions."""

        def rounded(values: Array) -> list[float | None]:
            return [round(float(v), 4) if np.isfinite(v) else None for v in values]

        return {
            "slice": self.slice_name,
            "segments": list(self.segment_names),
            "peak_ecc": rounded(self.peak_ecc),
            "changes": {
                f"{which}{direction:+d}px": rounded(row)
                for (which, direction), row in zip(SHIFTS, self.changes, strict=True)
            },
            "model_spread": rounded(self.model_spread),
            "fragile": [bool(v) for v in self.is_fragile],
        }


def shift_contours(slice_: CineSlice, which: str, pixels: float) -> CineSlice:
    """Shift the endocardium, the epicardium or both along the rays from the cavity's centre, in every frame.

    Frames in which the ring would collapse or open stay unchanged.

    Args:
        slice_: the slice.
        which: endo, epi or both.
        pixels: distance in pixels of the slice's grid; positive is outwards.

    Raises:
        ValueError: an unknown `which`.
    """
    if which not in ("endo", "epi", "both"):
        raise ValueError(f"which must be endo, epi or both, got {which!r}")
    shift_mm = pixels * float(np.mean(slice_.grid.spacing_mm))
    shifted = slice_.myocardium.copy()
    for t, shape in enumerate(SliceShapes.of(slice_).shapes):
        if not shape.is_closed:
            continue
        ring = RayContours.of(shape)
        wider = RayContours(ring.center_mm, np.maximum(ring.endo_mm + shift_mm, 0.0), ring.epi_mm + shift_mm)
        wall, inside = wider.rasterise(slice_.grid.shape, slice_.grid.spacing_mm)
        drawn = slice_.myocardium[t]
        outer = (wall | inside) if which in ("epi", "both") else epicardial_region(drawn)
        inner = inside if which in ("endo", "both") else cavity(drawn)
        if is_closed_ring(outer & ~inner):
            shifted[t] = outer & ~inner
    return replace(slice_, myocardium=shifted, cavity=None)


def measure_fragility(
    case: Case,
    model: str | Path | LoadedModel = DEFAULT_MODEL,
    *,
    is_cancelled: Callable[[], bool] = lambda: False,
    progress: Progress = SILENT,
    workers: int = 2,
    **options: Any,
) -> tuple[SliceFragility, ...]:
    """Predict from the contours as drawn and from each of `SHIFTS`, and compare the segments' peak Ecc.

    All predictions use the same insertion point. Shifted contours are predicted with one sample and the same seed;
    the model's own spread comes from the samples for the contours as drawn.

    Args:
        case: the contours.
        model: see `predict_strain`.
        is_cancelled: checked before each prediction.
        progress: updated after each prediction.
        workers: number of parallel predictions; it does not change the numbers.
        options: further options of `predict_strain` (device, samples, seed, …).

    Returns:
        One entry per slice.

    Raises:
        FragilityCancelled: `is_cancelled` returned True.
    """
    from LaMoDCore.prediction.device_check import choose_device
    from LaMoDCore.prediction.predict import predict_strain

    device = options.pop("device", "auto")
    loaded = model if isinstance(model, LoadedModel) else load_model(model, choose_device(device)[0])
    alone = [replace(case, slices=(_cropped(slice_),)) for slice_ in case.slices]
    one_sample = {**options, "samples": 1}
    jobs = [(k, shift) for k in range(len(alone)) for shift in (_SAMPLED, _DRAWN, *SHIFTS)]

    def predict(job: Job) -> SliceStrain:
        k, shift = job
        if is_cancelled():
            raise FragilityCancelled
        settings = options if shift == _SAMPLED else one_sample
        if shift[1] == 0:
            return predict_strain(alone[k], loaded, **settings).slices[0]
        shifted = shift_contours(alone[k].slices[0], *shift)
        return predict_strain(replace(alone[k], slices=(shifted,)), loaded, **settings).slices[0]

    found = dict(zip(jobs, _in_parallel(predict, jobs, workers, progress), strict=True))
    progress.update("done", 1.0, "fragility measured")
    return tuple(
        SliceFragility(
            slice_name=slice_.name,
            segment_names=found[k, _DRAWN].segment_names,
            peak_ecc=_peaks(found[k, _DRAWN]),
            changes=np.stack([_peaks(found[k, shift]) - _peaks(found[k, _DRAWN]) for shift in SHIFTS]),
            model_spread=_spread_at_peak(found[k, _SAMPLED]),
        )
        for k, slice_ in enumerate(case.slices)
    )


def _in_parallel(
    predict: Callable[[Job], SliceStrain], jobs: Sequence[Job], workers: int, progress: Progress
) -> list[SliceStrain]:
    with ThreadPoolExecutor(max_workers=max(workers, 1)) as pool:
        running = {pool.submit(predict, job): job for job in jobs}
        try:
            for done, future in enumerate(as_completed(running), start=1):
                future.result()
                progress.update("fragility", done / (len(jobs) + 1), _description(running[future]))
        except BaseException:
            pool.shutdown(wait=True, cancel_futures=True)
            raise
    return [future.result() for future in running]


def _cropped(slice_: CineSlice) -> CineSlice:
    """Crop the slice to its wall and a margin: a prediction does not use farther pixels but would compute with them."""
    rows, columns = extent(slice_.myocardium, margin=int(np.ceil(_MARGIN_MM / min(slice_.grid.spacing_mm))))
    affine = np.array(slice_.grid.ijk_to_lps)
    affine[:3, 3] = slice_.grid.pixel_to_lps(np.array([columns.start or 0, rows.start or 0]))
    near = slice_.myocardium[:, rows, columns]
    return replace(
        slice_,
        grid=SliceGrid((near.shape[1], near.shape[2]), affine),
        myocardium=near,
        cavity=None,
        right_ventricle=None,
        cine=None,
    )


def _description(job: Job) -> str:
    which, direction = job[1]
    return "as drawn" if direction == 0 else f"{which} {direction:+d} px"


def _peaks(strain: SliceStrain) -> Array:
    return np.asarray(np.nanmin(strain.segment_curves["ecc"], axis=1))


def _spread_at_peak(strain: SliceStrain) -> Array:
    curves = strain.segment_curves["ecc"]
    spread = strain.segment_curves_std.get("ecc")
    if spread is None:
        return np.full(len(curves), np.nan)
    at = np.nanargmin(curves, axis=1)
    return np.asarray(spread[np.arange(len(curves)), at])


def fragility_text(slices: tuple[SliceFragility, ...]) -> str:
    """Format a table for the terminal: peak Ecc of each segment, its change per shift, the model's spread, the mark."""
    head = "".join(f"{which}{direction:+d}".rjust(9) for which, direction in SHIFTS)
    lines = [f"{'':26}{'Ecc':>8}{head}{'model ±':>9}"]
    for part in slices:
        for s, name in enumerate(part.segment_names):
            cells = "".join(f"{change:+9.3f}" for change in part.changes[:, s])
            spread = "–".rjust(9) if np.isnan(part.model_spread[s]) else f"{part.model_spread[s]:9.3f}"
            mark = "  fragile" if part.is_fragile[s] else ""
            lines.append(f"{part.slice_name[:10]:<11}{name:<15}{part.peak_ecc[s]:+8.3f}{cells}{spread}{mark}")
    return "\n".join(lines)


def fragility_csv(slices: Sequence[SliceFragility]) -> str:
    """Format one row per segment, as fractions: peak Ecc, its change per shift, the spread of the model's samples."""
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    shifts = [f"{which}{direction:+d}px" for which, direction in SHIFTS]
    writer.writerow(["slice", "segment", "peak_ecc", *shifts, "model_spread", "fragile"])
    for part in slices:
        for s, name in enumerate(part.segment_names):
            spread = part.model_spread[s]
            writer.writerow(
                [
                    table_cell(part.slice_name),
                    name,
                    f"{part.peak_ecc[s]:.4f}",
                    *(f"{change:+.4f}" for change in part.changes[:, s]),
                    f"{spread:.4f}" if np.isfinite(spread) else "",
                    "yes" if part.is_fragile[s] else "no",
                ]
            )
    return table.getvalue()


def draw_fragility(slices: Sequence[SliceFragility], path: Path) -> None:
    """Plot the change of each segment's peak Ecc for every shift over the model's own ±1 SD; byte-stable."""
    from matplotlib.figure import Figure

    from LaMoDCore.report.style import page_style

    with page_style():
        figure = Figure(figsize=(6.4, 0.7 + 2.3 * len(slices)), dpi=110, facecolor="white")
        axes = figure.subplots(len(slices), 1, squeeze=False)[:, 0]
        spread = max(float(np.nan_to_num(part.model_spread).max()) for part in slices)
        # the spread of a few samples may be wide: its bars may exceed the axes, but the shifts must be legible
        reach = 125 * max(FRAGILE, min(spread, 2 * FRAGILE), *(float(part.worst.max()) for part in slices))
        for ax, part in zip(axes, slices, strict=True):
            _draw_slice(ax, part)
            ax.set_ylim(-reach, reach)
        handles, names = axes[0].get_legend_handles_labels()
        figure.legend(handles, names, loc="upper center", ncols=5, fontsize=7, frameon=False, columnspacing=1.2)
        figure.tight_layout(rect=(0, 0, 1, 1 - 0.35 / figure.get_figheight()))
        figure.savefig(path, metadata={"Software": None})


def _draw_slice(ax: Any, part: SliceFragility) -> None:
    places = np.arange(len(part.segment_names))
    spread = 100 * np.nan_to_num(part.model_spread)
    ax.bar(places, 2 * spread, bottom=-spread, width=0.8, color="#d9dee4", label="model ± 1 SD")
    for (which, direction), changes in zip(SHIFTS, part.changes, strict=True):
        offset = 0.22 * (list(_COLOURS).index(which) - 1)
        label = _NAMES[which] if direction > 0 else None
        ax.scatter(places + offset, 100 * changes, s=22, marker=_ARROWS[direction], color=_COLOURS[which], label=label)
    for limit in (-FRAGILE, FRAGILE):
        ax.axhline(100 * limit, color="#b3202a", linewidth=0.8, linestyle="--")
    ax.axhline(0, color="#6b7480", linewidth=0.6)
    ax.set_xticks(
        places, [f"{n}\nfragile" if f else n for n, f in zip(part.segment_names, part.is_fragile, strict=True)]
    )
    for tick, fragile in zip(ax.get_xticklabels(), part.is_fragile, strict=True):
        tick.set_color("#b3202a" if fragile else "#20262e")
        tick.set_fontsize(6.5)
    ax.set_ylabel("Δ peak Ecc [%-points]")
    ax.set_title(f"{part.slice_name}: contours shifted by one pixel outwards (▲) and inwards (▼)", fontsize=8)
