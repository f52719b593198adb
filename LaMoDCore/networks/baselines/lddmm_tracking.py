"""LDDMM matching of end-diastole to every frame: eq. (1) optimised for each pair, without a network.

Vialard et al., "Diffeomorphic 3D image registration via geodesic shooting using an efficient adjoint calculation", IJCV
97, 2012, as `LaMoDCore.lddmm.match` does it. The geodesic's end point φ is taken for the motion.
"""

from __future__ import annotations

import numpy as np
import torch

from LaMoDCore.geometry import Array
from LaMoDCore.lddmm import match
from LaMoDCore.preprocessing import FRAMES, SPACING_MM, periodic_weights

#: Every second frame is matched, as many as the networks' latent has; a periodic cubic spline gives the others.
FRAME_STEP = 2


def track_by_matching(occupancy: Array, frame_step: int = FRAME_STEP) -> Array:
    """Lagrangian displacement of a movie of masks.

    Args:
        occupancy: [40, H, W] on pixels of 1 mm, frame 0 the reference.
        frame_step: every so-many-th frame is matched.

    Returns:
        float32 [40, 2, H, W] mm, (x, y).
    """
    masks = torch.from_numpy(np.ascontiguousarray(occupancy > 0.5)).float()[:, None]
    chosen = list(range(0, FRAMES, frame_step))
    found = [np.zeros((2, *occupancy.shape[1:]), dtype=np.float32)]
    for frame in chosen[1:]:
        matched = match(masks[:1], masks[frame : frame + 1], (SPACING_MM, SPACING_MM))
        found.append(matched.shot.forward[0].detach().cpu().numpy())
    weights = periodic_weights(np.array(chosen) / FRAMES, np.arange(FRAMES) / FRAMES)
    return np.tensordot(weights, np.stack(found), axes=1).astype(np.float32)
