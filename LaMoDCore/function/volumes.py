"""Volumes of the left ventricle over the cycle, and the indices derived from them.

The method is slice summation (disc summation): V(t) = Σ_k A_k(t) h_k, with A_k the drawn blood pool of slice k and h_k
its height (`summation.slice_heights_mm`). A basal slice that does not contain the ventricle in a frame counts as zero
there, which accounts for the descent of the base (Schulz-Menger et al., J. Cardiovasc. Magn. Reson. 22, 2020).
Papillary muscles belong to the blood pool or to the wall as the contours were drawn; the convention is stated, not
corrected.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from LaMoDCore.function.coverage import coverage_gap
from LaMoDCore.function.summation import slice_heights_mm
from LaMoDCore.heart.cycle.plateau import first_or_middle_of_largest, middle_of_smallest
from LaMoDCore.heart.geometry import Array
from LaMoDCore.heart.ventricle import VentricleSlice
from LaMoDCore.strain.curves import strain_rate as periodic_rate

#: Density of myocardium, g/ml.
MYOCARDIAL_DENSITY_G_ML = 1.05
_MM3_PER_ML = 1000.0


@dataclass(frozen=True, eq=False)
class LVFunction:
    """Volumes and indices of one ventricle; None if the stack does not cover the ventricle.

    Attributes:
        volume_ml: float [T], blood volume of the drawn slices at each frame; always given.
        ed_frame: frame of the largest volume.
        es_frame: frame of the smallest volume.
        edv_ml, esv_ml, stroke_volume_ml: end-diastolic, end-systolic and stroke volume.
        ef: ejection fraction, 0–1.
        cardiac_output_l_min: stroke volume × heart rate.
        mass_g: myocardial mass at end-diastole, 1.05 g/ml.
        peak_ejection_rate_ml_s: steepest fall of the volume between end-diastole and end-systole, positive.
        peak_filling_rate_ml_s: steepest rise after end-systole, positive.
        incomplete: why the numbers above are None; "" if the stack covers the ventricle.
    """

    volume_ml: Array
    ed_frame: int
    es_frame: int
    edv_ml: float | None = None
    esv_ml: float | None = None
    stroke_volume_ml: float | None = None
    ef: float | None = None
    cardiac_output_l_min: float | None = None
    mass_g: float | None = None
    peak_ejection_rate_ml_s: float | None = None
    peak_filling_rate_ml_s: float | None = None
    incomplete: str = ""


def volume_curve(slices: Sequence[VentricleSlice], phases: Array | None = None) -> Array:
    """Blood volume of the drawn slices over the cycle, float64 [T] ml.

    Args:
        slices: sorted along the long axis.
        phases: [T] fractions of the cycle at which the volume is wanted; those of the first slice by default. Areas
            of slices with other phases are interpolated linearly over the periodic cycle.

    Raises:
        ValueError: two slices in one plane, or an unsorted stack.
    """
    wanted = slices[0].frame_times_ms / slices[0].rr_ms if phases is None else np.asarray(phases, dtype=np.float64)
    heights = slice_heights_mm([s.grid for s in slices])
    return np.asarray(heights @ np.stack([_area_at(s.cavity_mm2, s, wanted) for s in slices])) / _MM3_PER_ML


def _area_at(area_mm2: Array, slice_: VentricleSlice, phases: Array) -> Array:
    own = slice_.frame_times_ms / slice_.rr_ms
    if own.shape == phases.shape and np.abs(own - phases).max() < 1e-6:
        return area_mm2
    return np.asarray(np.interp(phases, own, area_mm2, period=1.0))


def left_ventricular_function(
    slices: Sequence[VentricleSlice], phases: Array | None = None, ed_frame: int | None = None
) -> LVFunction:
    """Volumes and indices of the ventricle.

    Args:
        slices: slices from base to apex.
        phases: [T] fractions of the cycle of the frames; those of the first slice by default.
        ed_frame: end-diastole; the frame of the largest volume by default.

    Raises:
        ValueError: see `volume_curve`.
    """
    wanted = slices[0].frame_times_ms / slices[0].rr_ms if phases is None else np.asarray(phases, dtype=np.float64)
    volume = volume_curve(slices, wanted)
    ed = first_or_middle_of_largest(volume) if ed_frame is None else ed_frame
    es = middle_of_smallest(volume)
    incomplete = coverage_gap(slices, float(wanted[ed]))
    if incomplete:
        return LVFunction(volume, ed, es, incomplete=incomplete)
    edv, esv = float(volume[ed]), float(volume[es])
    stroke = edv - esv
    rr_ms = float(np.median([s.rr_ms for s in slices]))
    fall, rise = _steepest(volume, wanted * rr_ms, rr_ms, ed, es)
    heights = slice_heights_mm([s.grid for s in slices])
    walls = [float(_area_at(s.myocardium_mm2, s, wanted[ed : ed + 1])[0]) for s in slices]
    return LVFunction(
        volume_ml=volume,
        ed_frame=ed,
        es_frame=es,
        edv_ml=edv,
        esv_ml=esv,
        stroke_volume_ml=stroke,
        ef=stroke / edv if edv > 0 else None,
        cardiac_output_l_min=stroke * 60.0 / rr_ms,
        mass_g=float(heights @ np.array(walls)) / _MM3_PER_ML * MYOCARDIAL_DENSITY_G_ML,
        peak_ejection_rate_ml_s=fall,
        peak_filling_rate_ml_s=rise,
    )


def _steepest(volume: Array, times_ms: Array, rr_ms: float, ed: int, es: int) -> tuple[float | None, float | None]:
    """Steepest fall from end-diastole to end-systole and steepest rise after it, ml/s, of the periodic curve."""
    if len(volume) < 3:
        return None, None
    slope = periodic_rate(volume, times_ms, rr_ms)
    since = np.mod(times_ms - times_ms[ed], rr_ms)
    systole = since <= since[es]
    fall = -float(slope[systole].min()) if systole.any() else None
    rise = float(slope[~systole].max()) if (~systole).any() else None
    return fall, rise
