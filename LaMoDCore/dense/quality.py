"""Quality figures of each DENSE frame."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from LaMoDCore.dense.trajectories import FrameFit, Samples
from LaMoDCore.heart.geometry import Array
from LaMoDCore.io.dense.images import DenseImages

#: Frames above one of these limits are marked as doubtful.
MAX_PHASE_NOISE_RAD = 0.5
MAX_OUTVOTED = 0.25
MAX_REVISED = 0.1


@dataclass(frozen=True)
class FrameQuality:
    """Quality of one acquired frame.

    Attributes:
        time_ms: acquisition time.
        pixels: number of samples inside the wall.
        phase_noise_rad: robust SD of one encoding's unwrapped phase around the smooth field.
        noise_mm: the same in mm of displacement.
        wrapped: fraction of pixels whose displacement exceeds ±half a wavelength in x or y.
        revised: fraction of pixels whose multiple of 2π was changed by the vote of their neighbours.
        outvoted: fraction of pixels excluded as outliers of the smooth field.
        usable: whether the frame was part of the fit.
        doubtful: whether a person should check the frame.
    """

    time_ms: float
    pixels: int
    phase_noise_rad: float
    noise_mm: float
    wrapped: float
    revised: float
    outvoted: float
    usable: bool
    doubtful: bool


def frame_quality(
    frame: int,
    samples: Samples,
    fit: FrameFit | None,
    wrapped_phase: Array,
    eulerian_mm: Array,
    revised: Array,
    mask: Array,
    images: DenseImages,
) -> FrameQuality:
    """Compute the quality figures of one frame.

    Args:
        frame: index among the acquired frames.
        samples: the samples of the frame.
        fit: the spline through them; None if there were too few samples.
        wrapped_phase: [2, H, W] radians, wrapped, after background subtraction.
        eulerian_mm: [2, H, W] unwrapped displacement.
        revised: bool [H, W], pixels changed by the vote.
        mask: bool [H, W].
        images: the scan.
    """
    time_ms = float(images.frame_times_ms[frame])
    pixels = int(mask.sum())
    if fit is None or pixels == 0:
        return FrameQuality(time_ms, pixels, float("nan"), float("nan"), 0.0, 0.0, 0.0, False, True)
    unwrapped = eulerian_mm / images.mm_per_radian[:, None, None]
    turns = np.abs(unwrapped - wrapped_phase)[:, mask] > np.pi
    # the residual is the length of a 2-D error: its median is 1.177 sigma of one component
    noise_mm = float(np.median(fit.residual_mm)) / 1.177
    noise_rad = noise_mm / float(np.mean(images.mm_per_radian))
    revised_share = float(revised[mask].mean())
    outvoted = float(1.0 - fit.kept.mean())
    return FrameQuality(
        time_ms=time_ms,
        pixels=len(samples.position_mm),
        phase_noise_rad=noise_rad,
        noise_mm=noise_mm,
        wrapped=float(np.nan_to_num(turns).any(axis=0).mean()),
        revised=revised_share,
        outvoted=outvoted,
        usable=True,
        doubtful=noise_rad > MAX_PHASE_NOISE_RAD or outvoted > MAX_OUTVOTED or revised_share > MAX_REVISED,
    )
