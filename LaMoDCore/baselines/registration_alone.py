"""The registration network alone: D_R decodes a model's latent to velocities, and EPDiff shoots them to φ.

Xing et al. 2024, eqs. (1)–(3). φ − id is used as the motion. D_η, which predicts motion that masks do not show, is not
used.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from LaMoDCore.heart.canonical import FRAMES, SIZE, SPACING_MM
from LaMoDCore.lddmm import shoot
from LaMoDCore.networks.lamod import LaMoDModel
from LaMoDCore.networks.motion_decoder import cycle_matrix

_STEPS = 10


def shot_displacement(model: LaMoDModel, masks: Tensor, levels: Tensor | None = None) -> Tensor:
    """Masks [N, 1, 40, 128, 128] -> φ − id [N, 2, 40, 128, 128] in mm, by a periodic spline between latent frames
    if there are fewer of them.

    `levels` [N]: see `LaMoDModel.encode`.
    """
    velocity = model.initial_velocity(masks, levels).float()
    n, _, frames, height, width = velocity.shape
    stride = SIZE // width
    spacing = SPACING_MM * stride
    shot = shoot(velocity.transpose(1, 2).flatten(0, 1), model.metric, (spacing, spacing), _STEPS, "ab2")
    fine = shot.forward
    if stride > 1:
        fine = functional.interpolate(fine, scale_factor=float(stride), mode="bilinear")
    forward = fine.view(n, frames, 2, height * stride, width * stride)
    if frames == FRAMES:
        return forward.transpose(1, 2)
    return torch.einsum("ut,ntcyx->ncuyx", cycle_matrix(frames).to(forward.device), forward)
