"""A penalised least-squares smoother over the cycle that keeps chosen frames (Eilers, Anal. Chem. 75:3631, 2003)."""

from __future__ import annotations

import numpy as np

from LaMoDCore.heart.geometry import Array


def smoothing_weights(frames: int, anchors: tuple[int, ...] = (), strength: float = 1.0, closes: bool = True) -> Array:
    """Matrix of the smoother, ``smooth = weights @ values``, which penalises squared second differences.

    Args:
        frames: T.
        anchors: frames whose values are kept exactly.
        strength: weight λ of the penalty; at 1 a jump of one frame is about halved.
        closes: whether the last frame is followed by the first.

    Returns:
        [T, T]; rows sum to 1.
    """
    difference = np.zeros((frames, frames))
    for t in range(frames):
        if not closes and t in (0, frames - 1):
            continue
        difference[t, t] = -2.0
        difference[t, (t - 1) % frames] += 1.0
        difference[t, (t + 1) % frames] += 1.0
    system = np.eye(frames) + strength * difference.T @ difference
    data = np.eye(frames)
    for anchor in anchors:
        system[anchor] = data[anchor] = np.eye(frames)[anchor]
    return np.asarray(np.linalg.solve(system, data))
