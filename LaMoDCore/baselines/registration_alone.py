"""The registration network alone: D_R decodes a model's latent to velocities, and EPDiff shoots them to φ.

Xing et al. 2024, eqs. (1)–(3). φ − id is used as the motion. D_η, which predicts motion that masks do not show, is not
used.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from LaMoDCore.heart.canonical import SPACING_MM
from LaMoDCore.lddmm import shoot
from LaMoDCore.networks.lamod import LaMoDModel
from LaMoDCore.networks.motion_decoder import cycle_matrix
from LaMoDCore.networks.registration import VELOCITY_STRIDE

_STEPS = 10


def shot_displacement(model: LaMoDModel, masks: Tensor, levels: Tensor | None = None) -> Tensor:
    """Masks [N, 1, 40, 128, 128] -> φ − id [N, 2, 40, 128, 128] in mm, by a periodic spline between latent frames.

    `levels` [N]: see `LaMoDModel.encode`.
    """
    velocity = model.registration_decoder(model.encode(masks, levels)).float()
    n, _, frames, height, width = velocity.shape
    spacing = SPACING_MM * VELOCITY_STRIDE
    shot = shoot(velocity.transpose(1, 2).flatten(0, 1), model.metric, (spacing, spacing), _STEPS, "ab2")
    fine = functional.interpolate(shot.forward, scale_factor=float(VELOCITY_STRIDE), mode="bilinear")
    forward = fine.view(n, frames, 2, height * VELOCITY_STRIDE, width * VELOCITY_STRIDE)
    return torch.einsum("ut,ntcyx->ncuyx", cycle_matrix(frames).to(forward.device), forward)
