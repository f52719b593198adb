"""Initial noise for a small number of samples with the same scatter as the posterior.

Eight independent draws span seven of the motion latent's dozens of directions, and by chance these affect the wall
strongly or weakly: over ten seeds the spread of segmental Ecc differed by a factor of 1.6, that of rotation by 2.6. So
the draws have exactly the covariance of the normal distribution along the few directions with most effect on segmental
Ecc and rotation (second-order moment matching, Boyle et al. 1997), and its variance along the others. Each draw by
itself is still nearly normal.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from LaMoDCore.heart.geometry import Array
from LaMoDCore.heart.ring.motion_basis import ring_basis

_SEGMENTS, _ANGLES_PER_SEGMENT = 6, 4
#: Every fourth frame of the cycle is used.
_FRAME_STRIDE = 4
#: Weight of the energy of rotation relative to that of segmental Ecc.
_ROTATION_WEIGHT = 0.5


def most_visible_directions(unit_motions: Array) -> Array:
    """Orthogonal directions of a latent [M, M], one per column, those with most effect on Ecc and rotation first.

    Args:
        unit_motions: complex [M, T, TERMS], the relative motion (`ring_basis`, eq. 1) of one unit of each component.
    """
    count = _SEGMENTS * _ANGLES_PER_SEGMENT
    basis = ring_basis(np.full(count, 0.5), 2 * np.pi * np.arange(count) / count)
    motion = unit_motions[:, ::_FRAME_STRIDE] @ basis
    radial = motion.real.reshape(*motion.shape[:-1], _SEGMENTS, _ANGLES_PER_SEGMENT).mean(axis=-1)
    bounds = motion.imag[..., ::_ANGLES_PER_SEGMENT]
    stretch = radial + (np.roll(bounds, -1, axis=-1) - bounds) * _SEGMENTS / (2 * np.pi)
    shown = [stretch.reshape(len(stretch), -1), motion.imag.mean(axis=-1)]
    weights = (1.0, np.sqrt(_ROTATION_WEIGHT))
    scaled = [w * part / max(float(np.linalg.norm(part)), 1e-12) for w, part in zip(weights, shown, strict=True)]
    return np.asarray(np.linalg.svd(np.concatenate(scaled, axis=1))[0])


def balanced(noise: Tensor, directions: Array) -> Tensor:
    """Independent normal draws [N, M] -> draws of mean 0 and variance 1 (N − 1 degrees of freedom), see above.

    Args:
        noise: N draws; fewer than three are returned unchanged.
        directions: result of `most_visible_directions`; along the first N − 1 the covariance becomes the identity.
    """
    count = len(noise)
    if count < 3:
        return noise
    drawn = noise.cpu().double().numpy() @ directions
    centred = drawn - drawn.mean(axis=0)
    exact = min(count - 1, centred.shape[1])
    left, _, right = np.linalg.svd(centred[:, :exact], full_matrices=False)
    centred[:, :exact] = np.sqrt(count - 1) * left @ right
    rest = centred[:, exact:]
    rest *= np.sqrt((count - 1) / np.maximum((rest**2).sum(axis=0), 1e-12))
    return torch.from_numpy(centred @ directions.T).to(noise.dtype).to(noise.device)
