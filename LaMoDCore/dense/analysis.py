"""DENSE analysis: from images to Lagrangian displacement."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from LaMoDCore.dense.background import Background, fit_background
from LaMoDCore.dense.noise import noise_correlation_mm
from LaMoDCore.dense.quality import FrameQuality, frame_quality
from LaMoDCore.dense.trajectories import (
    Samples,
    choose_smoothing_mm,
    fit_frames,
    fit_in_time,
    frame_samples,
)
from LaMoDCore.dense.unwrapping import unwrap_series
from LaMoDCore.heart.geometry import Array
from LaMoDCore.heart.notes import Note, note
from LaMoDCore.heart.ring.mask import signed_distance_mm
from LaMoDCore.io.dense.images import DenseImages, wrap
from LaMoDCore.runtime.errors import LaMoDInputError

#: Order of the temporal polynomial, as in DENSEanalysis …
DEFAULT_TEMPORAL_ORDER = 10
#: … or this share of the number of frames, if that is less.
_ORDER_SHARE = 2 / 3

#: Lower bound of a frame's noise in the temporal fit, in mm, so that no single frame dominates.
_FRAME_NOISE_FLOOR_MM = 0.05


@dataclass(frozen=True)
class DenseOptions:
    """Options of the analysis.

    Attributes:
        background_order: polynomial order of the background phase; None subtracts nothing.
        smoothing_mm: smoothing length of the displacement; None selects it by cross-validation.
        temporal_order: order of the polynomial in time; None selects 10, or two thirds of the number of frames if that
            is less.
        anchored: whether displacement is zero at the encoding instant.
    """

    background_order: int | None = 1
    smoothing_mm: float | None = None
    temporal_order: int | None = None
    anchored: bool = True


@dataclass(frozen=True, eq=False)
class DenseMotion:
    """Lagrangian motion of one slice. Frame 0 is the encoding instant with zero displacement.

    T acquired frames give T + 1 frames of motion.

    Attributes:
        images: the analysed images.
        myocardium: bool [T + 1, H, W]; frame 0 is the reference wall.
        displacement_mm: float32 [T + 1, 2, H, W], (x, y) mm of the material points at frame 0's pixels; NaN outside
            frame 0's myocardium.
        frame_times_ms: [T + 1], from 0.
        eulerian_mm: float32 [T, 2, H, W], unwrapped displacement at the deformed positions; NaN outside the wall.
        background: the background phase; None if none was subtracted.
        quality: one entry per acquired frame.
        smoothing_mm: smoothing length of the displacement.
        temporal_order: order of the polynomial in time.
        notes: assumptions made and processing done.
    """

    images: DenseImages
    myocardium: Array
    displacement_mm: Array
    frame_times_ms: Array
    eulerian_mm: Array
    background: Background | None
    quality: tuple[FrameQuality, ...]
    smoothing_mm: float
    temporal_order: int
    notes: tuple[Note, ...]

    @property
    def covered_ms(self) -> tuple[float, float]:
        """First and last time of the measured motion in ms, from the R wave."""
        return float(self.frame_times_ms[0]), float(self.frame_times_ms[-1])


def analyse_dense(
    images: DenseImages,
    options: DenseOptions | None = None,
    progress: Callable[[str, float], None] = lambda stage, fraction: None,
) -> DenseMotion:
    """Compute Lagrangian displacement from DENSE images.

    1. Subtract the background phase of static tissue (`background`).
    2. Unwrap in space and time; resolve ambiguities of 2π by majority vote (`unwrapping`).
    3. Eulerian displacement: phase / (2π ke).
    4. Assign each frame's samples to their material points and fit a smoothing spline without outliers; then fit a
       polynomial in time with u(0) = 0 at each pixel of the reference wall (`trajectories`).

    Args:
        images: images with a myocardium on every frame.
        options: `DenseOptions()` by default.
        progress: called with a stage and the completed fraction.

    Raises:
        LaMoDInputError: the myocardium is missing.
    """
    chosen = options or DenseOptions()
    mask = _wall(images)
    notes = list(images.notes)

    progress("background", 0.0)
    phase, background = images.phase, None
    if chosen.background_order is not None:
        heart = ndimage.binary_fill_holes(mask.any(axis=0))
        background = fit_background(images.magnitude, phase, np.asarray(heart), chosen.background_order)
        phase = wrap(phase - background.phase)
        notes.append(background.note)

    progress("unwrapping", 0.05)
    weights = _phase_weights(images.magnitude, mask)
    unwrapped = [unwrap_series(phase[:, c], mask, weights) for c in range(2)]
    eulerian = np.stack([u.phase for u in unwrapped], axis=1) * images.mm_per_radian[:, None, None]
    revised = unwrapped[0].revised | unwrapped[1].revised

    progress("trajectories", 0.2)
    spacing = images.grid.spacing_mm
    pixel_mm2 = spacing[0] * spacing[1]
    series = [frame_samples(eulerian[t], mask[t], weights[t], spacing) for t in range(images.frames)]
    smoothing_mm = chosen.smoothing_mm or choose_smoothing_mm(
        series, pixel_mm2, noise_correlation_mm(eulerian, mask, spacing)
    )
    usable = np.array([len(s.position_mm) for s in series])
    order = chosen.temporal_order or max(1, min(DEFAULT_TEMPORAL_ORDER, int(_ORDER_SHARE * images.frames)))

    reference = _reference_wall(images, mask, series, smoothing_mm, pixel_mm2)
    rows, columns = np.nonzero(reference)
    targets = np.column_stack([columns * spacing[0], rows * spacing[1]]).astype(np.float64)
    fits = fit_frames(series, targets, smoothing_mm, pixel_mm2, lambda f: progress("trajectories", 0.2 + 0.75 * f))
    measured = np.stack([fit.displacement_mm if fit else np.zeros_like(targets) for fit in fits])
    noise = np.array([np.median(fit.residual_mm) if fit else np.inf for fit in fits])
    frame_weights = np.where(usable > 0, 1.0 / (noise**2 + _FRAME_NOISE_FLOOR_MM**2), 0.0)
    times = np.concatenate([[0.0], images.frame_times_ms])
    trajectories = fit_in_time(measured, images.frame_times_ms, frame_weights, order, times, anchored=chosen.anchored)

    displacement = np.full((len(times), 2, *images.grid.shape), np.nan, dtype=np.float32)
    displacement[:, :, reference] = trajectories.transpose(0, 2, 1)
    zero = " that is zero at the encoding instant" if chosen.anchored else ""
    fit = f"fitted in time by a polynomial of order {order}{zero}"
    notes.append(note("dense_smoothing", f"Displacement was smoothed over {smoothing_mm:.1f} mm and {fit}."))
    quality = tuple(
        frame_quality(t, series[t], fits[t], phase[t], eulerian[t], revised[t], mask[t], images)
        for t in range(images.frames)
    )
    progress("done", 1.0)
    return DenseMotion(
        images=images,
        myocardium=np.concatenate([reference[None], mask]),
        displacement_mm=displacement,
        frame_times_ms=times,
        eulerian_mm=eulerian.astype(np.float32),
        background=background,
        quality=quality,
        smoothing_mm=smoothing_mm,
        temporal_order=order,
        notes=tuple(notes),
    )


def _wall(images: DenseImages) -> Array:
    if images.myocardium is None:
        raise LaMoDInputError(
            images.name,
            "no myocardium is drawn on it",
            "give masks with --masks, draw contours in DENSEanalysis, or segment the magnitude images with --segment",
        )
    sizes = images.myocardium.reshape(images.frames, -1).sum(axis=1)
    if (sizes == 0).all():
        raise LaMoDInputError(images.name, "the myocardium is empty on every frame", "draw it on the DENSE images")
    first, last = np.flatnonzero(sizes)[[0, -1]]
    empty = np.flatnonzero(sizes == 0)
    inside = empty[(empty > first) & (empty < last)]
    if first > 0 or inside.size:
        missing = ", ".join(str(t + 1) for t in (range(first) if first > 0 else inside))
        raise LaMoDInputError(
            images.name,
            f"the myocardium is missing on frame(s) {missing}",
            "draw it on every frame from the first to the last drawn one",
        )
    return np.asarray(images.myocardium, dtype=bool)


def _phase_weights(magnitude: Array, mask: Array) -> Array:
    """Magnitude², the inverse variance of phase, relative to the wall of the frame: [T, H, W].

    It is capped because bright blood and coil hot spots are not better tissue.
    """
    weights = np.zeros(magnitude.shape)
    for t in range(len(magnitude)):
        if mask[t].any():
            typical = max(float(np.median(magnitude[t][mask[t]])), 1e-30)
            weights[t] = np.clip(magnitude[t] / typical, 0.05, 1.5) ** 2
    return weights


def _reference_wall(
    images: DenseImages, mask: Array, series: list[Samples], smoothing_mm: float, pixel_mm2: float
) -> Array:
    """The wall at the encoding instant: as drawn, or the first frame's contours moved back by its displacement."""
    if images.reference_myocardium is not None:
        return np.asarray(images.reference_myocardium, dtype=bool)
    spacing = images.grid.spacing_mm
    near = ndimage.binary_dilation(mask[0], iterations=3)
    rows, columns = np.nonzero(near)
    points = np.column_stack([columns * spacing[0], rows * spacing[1]]).astype(np.float64)
    (first,) = fit_frames(series[:1], points, smoothing_mm, pixel_mm2)
    if first is None:
        return np.asarray(mask[0])
    deformed = points + first.displacement_mm
    distance = signed_distance_mm(mask[0], spacing)
    distance_at_points = ndimage.map_coordinates(
        distance, [deformed[:, 1] / spacing[1], deformed[:, 0] / spacing[0]], order=1, mode="nearest"
    )
    reference = np.zeros(mask.shape[1:], dtype=bool)
    reference[near] = distance_at_points < 0
    return reference if reference.any() else np.asarray(mask[0])
