"""The noise that a handful of samples starts from, drawn so that they scatter as much as the posterior does.

Eight independent draws see seven directions of the motion latent's dozens, and it is chance whether those bend the
wall much or little: over ten seeds the spread of segmental Ecc differed by a factor of 1.6, that of rotation by 2.6. So
the few directions that matter most for segmental Ecc and rotation get draws with exactly the covariance of the normal
distribution (moment matching of second order, Boyle et al. 1997); the others have its variance. Each draw by itself
is still nearly normal.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from LaMoDCore.heart.geometry import Array
from LaMoDCore.heart.ring.motion_basis import ring_basis

_SEGMENTS, _ANGLES_A_SEGMENT = 6, 4
#: Frames of the cycle that are looked at, one of so many.
_FRAME_STRIDE = 4
#: Weight of rotation's energy beside that of segmental Ecc.
_ROTATION_WEIGHT = 0.5


def shown_directions(unit_motions: Array) -> Array:
    """Orthogonal directions of a latent [M, M], one a column: what shows most in segmental Ecc and rotation first.

    Args:
        unit_motions: complex [M, T, TERMS], the relative motion (`ring_basis`, eq. 1) of one unit of each component.
    """
    count = _SEGMENTS * _ANGLES_A_SEGMENT
    basis = ring_basis(np.full(count, 0.5), 2 * np.pi * np.arange(count) / count)
    motion = unit_motions[:, ::_FRAME_STRIDE] @ basis
    radial = motion.real.reshape(*motion.shape[:-1], _SEGMENTS, _ANGLES_A_SEGMENT).mean(axis=-1)
    bounds = motion.imag[..., ::_ANGLES_A_SEGMENT]
    stretch = radial + (np.roll(bounds, -1, axis=-1) - bounds) * _SEGMENTS / (2 * np.pi)
    shown = [stretch.reshape(len(stretch), -1), motion.imag.mean(axis=-1)]
    weights = (1.0, np.sqrt(_ROTATION_WEIGHT))
    scaled = [w * part / max(float(np.linalg.norm(part)), 1e-12) for w, part in zip(weights, shown, strict=True)]
    return np.asarray(np.linalg.svd(np.concatenate(scaled, axis=1))[0])


def balanced(noise: Tensor, directions: Array) -> Tensor:
    """Independent normal draws [N, M] -> draws of mean 0 and variance 1 (N − 1 degrees of freedom), see above.

    Args:
        noise: N draws; fewer than three are left as they are.
        directions: as `shown_directions` gives them; the first N − 1 get the identity as their covariance.
    """
    count = len(noise)
    if count < 3:
        return noise
    drawn = noise.double().cpu().numpy() @ directions
    centred = drawn - drawn.mean(axis=0)
    exact = min(count - 1, centred.shape[1])
    left, _, right = np.linalg.svd(centred[:, :exact], full_matrices=False)
    centred[:, :exact] = np.sqrt(count - 1) * left @ right
    rest = centred[:, exact:]
    rest *= np.sqrt((count - 1) / np.maximum((rest**2).sum(axis=0), 1e-12))
    return torch.from_numpy(centred @ directions.T).to(noise)
