"""LDDMM matching of end-diastole to every frame: eq. (1) optimised for each pair, without a network.

Vialard et al., "Diffeomorphic 3D image registration via geodesic shooting using an efficient adjoint calculation", IJCV
97, 2012, implemented by `LaMoDCore.lddmm.match_cycle`. The end point φ of the geodesic is used as the motion.
"""

from __future__ import annotations

import numpy as np
import torch

from LaMoDCore.heart.canonical import SPACING_MM, periodic_weights
from LaMoDCore.heart.geometry import Array
from LaMoDCore.lddmm import match_cycle
from LaMoDCore.lddmm.matching import DEFAULT_METRIC
from LaMoDCore.lddmm.metric import FluidMetric

#: Every second frame is matched, like the networks' latent frames; a periodic cubic spline interpolates the others.
FRAME_STEP = 2


def track_by_matching(
    occupancy: Array, frame_step: int = FRAME_STEP, metric: FluidMetric = DEFAULT_METRIC, sigma: float | None = None
) -> Array:
    """Lagrangian displacement of a cine of masks.

    Args:
        occupancy: [T, H, W] on pixels of 1 mm over one cycle, frame 0 is the reference.
        frame_step: distance between matched frames.
        metric, sigma: see `match`.

    Returns:
        float32 [T, 2, H, W] mm, (x, y).
    """
    chosen = np.arange(0, len(occupancy), frame_step)
    masks = torch.from_numpy(np.ascontiguousarray(occupancy[chosen] > 0.5)).float()
    matches = match_cycle(masks, (SPACING_MM, SPACING_MM), metric, sigma=sigma)
    found = np.stack([matched.shot.forward[0].detach().cpu().numpy() for matched in matches])
    if frame_step == 1:
        return found
    weights = periodic_weights(chosen / len(occupancy), np.arange(len(occupancy)) / len(occupancy))
    return np.tensordot(weights, found, axes=1).astype(np.float32)
