"""Endpoint error: distance between the predicted and the true position of a material point."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from LaMoDCore.heart.geometry import Array


@dataclass(frozen=True, eq=False)
class EndpointError:
    """Endpoint errors in mm.

    Attributes:
        mean: mean over all counted pixels and frames.
        by_frame: [T], mean over the pixels of each frame; NaN without counted pixels.
        motion_by_frame: [T], mean length of the true displacement, which is the error of predicting no motion.
        missing: fraction of the counted pixels without a prediction.
    """

    mean: float
    by_frame: Array
    motion_by_frame: Array
    missing: float


def endpoint_error(
    predicted_mm: Array, truth_mm: Array, valid: Array, *, reference_frame: int | None = None
) -> EndpointError:
    """Compute the endpoint error EPE = ‖û(X, τ) − u(X, τ)‖₂, averaged over the pixels and frames of the truth.

    A missing (not finite) prediction counts as zero displacement, so omitting difficult pixels gives no advantage.
    Pixels without truth are ignored.

    Args:
        predicted_mm: [T, C, H, W] with C components of displacement.
        truth_mm: [T, C, H, W].
        valid: bool [T, H, W], where and when the truth was measured.
        reference_frame: this frame is ignored if given, because every prediction is correct there by definition.

    Raises:
        ValueError: the shapes do not match.
    """
    if predicted_mm.shape != truth_mm.shape or valid.shape != (truth_mm.shape[0], *truth_mm.shape[2:]):
        raise ValueError(
            f"predicted and true displacement must be [T, C, H, W] and valid [T, H, W], "
            f"got {predicted_mm.shape}, {truth_mm.shape} and {valid.shape}"
        )
    counted = np.array(valid, dtype=bool)
    counted[~np.isfinite(truth_mm).all(axis=1)] = False
    if reference_frame is not None:
        counted[reference_frame] = False
    predicted = np.asarray(np.isfinite(predicted_mm).all(axis=1))
    filled = np.where(predicted[:, None], predicted_mm, 0.0).astype(np.float64)
    truth = np.where(counted[:, None], truth_mm, 0.0).astype(np.float64)
    error = np.sqrt(((filled - truth) ** 2).sum(axis=1))
    motion = np.sqrt((truth**2).sum(axis=1))
    number = counted.sum(axis=(1, 2))
    total = int(number.sum())
    with np.errstate(invalid="ignore", divide="ignore"):
        by_frame = np.where(counted, error, 0.0).sum(axis=(1, 2)) / number
        motion_by_frame = motion.sum(axis=(1, 2)) / number
    return EndpointError(
        mean=float(error[counted].mean()) if total else float("nan"),
        by_frame=by_frame,
        motion_by_frame=motion_by_frame,
        missing=float((counted & ~predicted).sum() / total) if total else float("nan"),
    )
