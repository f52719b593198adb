"""What a pixel costs: how far contours drawn a pixel further in or out move each segment's strain."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from LaMoDCore.case import Case, CineSlice
from LaMoDCore.contours.rays import RayContours
from LaMoDCore.contours.slice_shapes import SliceShapes
from LaMoDCore.geometry import Array
from LaMoDCore.models import DEFAULT_MODEL, LoadedModel, load_model
from LaMoDCore.progress import SILENT, Progress
from LaMoDCore.ring import cavity, epicardial_region, is_closed_ring

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
    model: str | LoadedModel = DEFAULT_MODEL,
    *,
    is_cancelled: Callable[[], bool] = lambda: False,
    progress: Progress = SILENT,
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
        options: further options of `predict_strain` (device, samples, seed, …).

    Raises:
        FragilityCancelled: `is_cancelled` said so.
    """
    from LaMoDCore.devices import resolve_device
    from LaMoDCore.predict import predict_strain

    device = options.pop("device", "auto")
    loaded = model if isinstance(model, LoadedModel) else load_model(model, resolve_device(device)[0] or "cpu")
    drawn = predict_strain(case, loaded, **options)
    few = {**options, "samples": None if options.get("samples") is None else 1}
    base = drawn if options.get("samples") in (None, 1) else predict_strain(case, loaded, **few)
    changes: list[list[Array]] = [[] for _ in case.slices]
    for number, (which, direction) in enumerate(SHIFTS):
        if is_cancelled():
            raise FragilityCancelled
        progress.update("fragility", (number + 1) / (len(SHIFTS) + 1), f"{which} {direction:+d} px")
        moved = replace(case, slices=tuple(shift_contours(s, which, direction) for s in case.slices))
        result = predict_strain(moved, loaded, **few)
        for k, strain in enumerate(result.slices):
            changes[k].append(_peaks(strain.segment_curves["ecc"]) - _peaks(base.slices[k].segment_curves["ecc"]))
    progress.update("done", 1.0, "fragility measured")
    return tuple(
        SliceFragility(
            slice_name=slice_.name,
            segment_names=strain.segment_names,
            peak_ecc=_peaks(strain.segment_curves["ecc"]),
            changes=np.stack(changes[k]),
            model_spread=_spread_at_peak(strain),
        )
        for k, (slice_, strain) in enumerate(zip(case.slices, drawn.slices, strict=True))
    )


def _peaks(curves: Array) -> Array:
    return np.asarray(np.nanmin(curves, axis=1))


def _spread_at_peak(strain: Any) -> Array:
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
