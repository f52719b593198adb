"""What a pixel costs: how far contours drawn a pixel further in or out move each segment's strain."""

from __future__ import annotations

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
from LaMoDCore.models.folder import DEFAULT_MODEL, LoadedModel, load_model
from LaMoDCore.runtime.progress import SILENT, Progress

#: A segment whose Ecc moves by more than this for a pixel is fragile.
FRAGILE = 0.02
#: What is moved, and outwards (+1) or inwards (−1).
SHIFTS: tuple[tuple[str, int], ...] = (
    ("endo", -1),
    ("endo", 1),
    ("epi", -1),
    ("epi", 1),
    ("both", -1),
    ("both", 1),
)
#: Predictions of the contours as drawn: with the model's samples, and with one sample as all shifts have it.
_SAMPLED, _DRAWN = ("sampled", 0), ("drawn", 0)
#: A slice's number and what is moved of it.
Job = tuple[int, tuple[str, int]]
#: What is kept about the wall: beyond it the canonical picture is the same whatever is drawn.
_MARGIN_MM = 20.0


class FragilityCancelled(Exception):  # noqa: N818 - a wish, not an error
    """The person ended it."""


@dataclass(frozen=True, eq=False)
class SliceFragility:
    """One slice; S segments.

    Attributes:
        slice_name: the slice.
        segment_names: one a segment.
        peak_ecc: [S] of the contours as drawn: the least of each segment's curve.
        changes: [len(SHIFTS), S]: peak Ecc of the moved contours less that of the drawn ones.
        model_spread: [S]: SD over the model's own samples at the peak; NaN where one sample was drawn.
    """

    slice_name: str
    segment_names: tuple[str, ...]
    peak_ecc: Array
    changes: Array
    model_spread: Array

    @property
    def worst(self) -> Array:
        """[S]: the largest change, either way."""
        return np.asarray(np.abs(self.changes).max(axis=0))

    @property
    def is_fragile(self) -> Array:
        """bool [S]."""
        return np.asarray(self.worst > FRAGILE)

    def as_dictionary(self) -> dict[str, Any]:
        """For JSON; fractions, as everywhere in files."""

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
    """The slice with its endo-, its epicardium or both moved outwards (negative: inwards) in every frame.

    Along the rays from the cavity's centre. Frames in which the ring would close up or open stay as they were drawn.

    Args:
        slice_: the slice.
        which: endo, epi or both.
        pixels: how far, in pixels of the slice's own grid.
    """
    if which not in ("endo", "epi", "both"):
        raise ValueError(f"which must be endo, epi or both, got {which!r}")
    shift_mm = pixels * float(np.mean(slice_.grid.spacing_mm))
    moved = slice_.myocardium.copy()
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
            moved[t] = outer & ~inner
    return replace(slice_, myocardium=moved, cavity=None)


def measure_fragility(
    case: Case,
    model: str | Path | LoadedModel = DEFAULT_MODEL,
    *,
    is_cancelled: Callable[[], bool] = lambda: False,
    progress: Progress = SILENT,
    workers: int = 2,
    **options: Any,
) -> tuple[SliceFragility, ...]:
    """Predict the case as drawn and with each of `SHIFTS`, and compare the segments' peak Ecc.

    Segments are counted from the same insertion point throughout. The moved contours are predicted with one sample
    and the same seed; the model's own spread comes from the samples of the contours as drawn.

    Args:
        case: the contours.
        model: as `predict_strain` takes it.
        is_cancelled: asked before each prediction.
        progress: told after each.
        workers: predictions at a time; their numbers do not depend on it.
        options: further options of `predict_strain` (device, samples, seed, …).

    Raises:
        FragilityCancelled: `is_cancelled` said so.
    """
    from LaMoDCore.prediction.predict import predict_strain
    from LaMoDCore.runtime.devices import resolve_device

    device = options.pop("device", "auto")
    loaded = model if isinstance(model, LoadedModel) else load_model(model, resolve_device(device)[0] or "cpu")
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
        moved = shift_contours(alone[k].slices[0], *shift)
        return predict_strain(replace(alone[k], slices=(moved,)), loaded, **settings).slices[0]

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
                progress.update("fragility", done / (len(jobs) + 1), _words(running[future]))
        except BaseException:
            pool.shutdown(wait=True, cancel_futures=True)
            raise
    return [future.result() for future in running]


def _cropped(slice_: CineSlice) -> CineSlice:
    """The slice without what lies far from the wall, which a prediction does not look at and yet computes with."""
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


def _words(job: Job) -> str:
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
    """A table: each segment's peak Ecc, what each shift does to it, the model's own spread, and the mark."""
    head = "".join(f"{which}{direction:+d}".rjust(9) for which, direction in SHIFTS)
    lines = [f"{'':26}{'Ecc':>8}{head}{'model ±':>9}"]
    for part in slices:
        for s, name in enumerate(part.segment_names):
            cells = "".join(f"{change:+9.3f}" for change in part.changes[:, s])
            spread = "–".rjust(9) if np.isnan(part.model_spread[s]) else f"{part.model_spread[s]:9.3f}"
            mark = "  fragile" if part.is_fragile[s] else ""
            lines.append(f"{part.slice_name[:10]:<11}{name:<15}{part.peak_ecc[s]:+8.3f}{cells}{spread}{mark}")
    return "\n".join(lines)
