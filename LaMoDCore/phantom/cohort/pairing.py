"""Cine and DENSE scans of nominally the same plane, with realistic differences between the two scans."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from LaMoDCore.heart.geometry import Array, SliceGrid
from LaMoDCore.phantom.heart.anatomy import SliceShape
from LaMoDCore.phantom.heart.slices import PhantomSlice
from LaMoDCore.phantom.heart.timecurves import CycleTiming
from LaMoDCore.phantom.imaging.cine import CineProtocol, cine_grid, draw_cine_protocol

#: DENSE's in-plane resolution and frame time (Kim et al. 2004; the cohort of LaMoD: 2.65–2.8 mm, 17 ms).
DENSE_FRAME_MS = 17.0


@dataclass(frozen=True, eq=False)
class Scan:
    """One acquisition of a plane.

    Attributes:
        plane: the slice during this scan.
        grid: its pixels.
        phases: [T], fractions of this scan's R–R; the first is end-diastole.
        protocol: protocol of the cine images; None for DENSE.
        annotator_bias_mm: (endo, epi) mean offset of the site's readers, positive outwards.
    """

    plane: PhantomSlice
    grid: SliceGrid
    phases: Array
    protocol: CineProtocol | None
    annotator_bias_mm: tuple[float, float]


@dataclass(frozen=True)
class SiteSettings:
    """Differences between sites: a vendor's protocol and the conventions of the readers.

    Attributes:
        cine: index of the vendor's cine protocol.
        dense_pixel_mm: pixel size of the DENSE scans, 2.65–2.8.
        dense_matrix: pixels per side.
        bias_mm: (endo, epi) mean offset of the site's readers, SD 0.35 (papillary muscles, epicardial fat).
    """

    cine: int
    dense_pixel_mm: float
    dense_matrix: int
    bias_mm: tuple[float, float]


def site_settings(number: int, seed: int = 0) -> SiteSettings:
    """Draw the settings of site ``number`` ≥ 0 of a cohort."""
    rng = np.random.default_rng([41, seed, number])
    bias = rng.normal(0, 0.35, 2)
    return SiteSettings(
        cine=number,
        dense_pixel_mm=float(rng.choice([2.65, 2.7, 2.8])),
        dense_matrix=int(rng.choice([80, 90, 96])),
        bias_mm=(float(bias[0]), float(bias[1])),
    )


def cine_scan(plane: PhantomSlice, site: SiteSettings, seed: tuple[int, ...]) -> Scan:
    """The cine scan of a plane, at the subject's heart rate and the nominal position."""
    rng = np.random.default_rng([42, *seed])
    protocol = draw_cine_protocol(rng, site.cine)
    grid = cine_grid(plane, protocol, offset_mm=(rng.normal(0, 12), rng.normal(0, 12)))
    phases = np.arange(protocol.frames) / protocol.frames
    return Scan(plane, grid, phases, protocol, site.bias_mm)


def dense_scan(plane: PhantomSlice, site: SiteSettings, seed: tuple[int, ...]) -> Scan:
    """The DENSE scan of a plane, minutes after the cine scan and in another breath-hold.

    The slice is offset by up to ±2 mm along the axis, the heart is shifted in the plane (SD 1.5 mm), R–R differs
    (SD 6 %), and 60–85 % of the cycle is acquired from the R wave in steps of 17 ms.
    """
    rng = np.random.default_rng([43, *seed])
    other = rescanned(
        plane,
        along_mm=float(rng.uniform(-2, 2)),
        shift_mm=(float(rng.normal(0, 1.5)), float(rng.normal(0, 1.5))),
        rr_ms=float(np.clip(plane.rr_ms * (1 + rng.normal(0, 0.06)), 480, 1450)),
    )
    size = site.dense_matrix
    protocol = CineProtocol(pixel_mm=site.dense_pixel_mm, shape=(size, size), rotation_deg=float(rng.normal(0, 14)))
    grid = cine_grid(other, protocol, offset_mm=(rng.normal(0, 8), rng.normal(0, 8)))
    times = np.arange(0.0, rng.uniform(0.60, 0.85) * other.rr_ms, DENSE_FRAME_MS)
    bias = np.array(site.bias_mm) + rng.normal(0, 0.25, 2)
    return Scan(other, grid, times / other.rr_ms, None, (float(bias[0]), float(bias[1])))


def rescanned(
    plane: PhantomSlice,
    *,
    along_mm: float = 0.0,
    shift_mm: tuple[float, float] = (0.0, 0.0),
    rr_ms: float | None = None,
) -> PhantomSlice:
    """The same heart in another scan.

    Args:
        plane: the slice.
        along_mm: offset of the new plane towards the base, which changes its radius by the taper and its rotation.
        shift_mm: (x, y) shift of the heart in the plane.
        rr_ms: the new R–R interval. Systole takes 12 % of the change, diastole the rest.
    """
    subject, p = plane.subject, plane.parameters
    widening = 1 + p.taper_per_mm * along_mm
    step = -along_mm / subject.long_axis.length_mm
    turning = (16.4 * (abs(subject.mid_strain) / 0.21) ** 0.7 + subject.rotation_slope_deg) * step
    shape = SliceShape(
        endo=p.shape.endo.scaled(np.asarray(widening)),
        epi=p.shape.epi.scaled(np.asarray(widening)),
        insertion_angle=p.shape.insertion_angle,
        inferior_angle=p.shape.inferior_angle,
    )
    rate = 1.0 if rr_ms is None else subject.rr_ms / rr_ms
    parameters = replace(
        p,
        place=p.place + step,
        shape=shape,
        function=replace(p.function, delay=p.function.delay * rate),
        rotation_epi_deg=p.rotation_epi_deg + turning,
        rotation_endo_deg=p.rotation_endo_deg + subject.endo_turn * turning,
        center_lps=p.center_lps + subject.axis_lps * along_mm + plane.grid.directions @ np.asarray(shift_mm),
    )
    if rr_ms is not None:
        subject = replace(subject, rr_ms=rr_ms, timing=_at_rate(subject.timing, subject.rr_ms, rr_ms))
    return PhantomSlice(subject, parameters)


def _at_rate(timing: CycleTiming, before_ms: float, after_ms: float) -> CycleTiming:
    systole = timing.end_systole * before_ms + 0.12 * (after_ms - before_ms)
    return replace(
        timing,
        end_systole=float(np.clip(systole / after_ms, 0.26, 0.50)),
        relaxation=timing.relaxation * before_ms / after_ms,
        rapid_filling=timing.rapid_filling * before_ms / after_ms,
    )
