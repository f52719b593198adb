"""A small model with random weights: its motion is meaningless, but as sensitive to the input as a real model's."""

import torch

from LaMoDCore.models.folder import LoadedModel
from LaMoDCore.networks.lamod import LaMoDModel, ModelConfig

SMALL = ModelConfig(
    latent_channels=8,
    encoder_width=8,
    encoder_blocks=1,
    decoder_width=8,
    motion_width=8,
    motion_blocks=1,
    denoiser_width=8,
    denoiser_blocks=1,
)


def any_model() -> LoadedModel:
    """Random weights, seeded, scaled so that points move by about a millimetre."""
    torch.manual_seed(0)
    network = LaMoDModel(SMALL).eval().requires_grad_(False)
    for parameter in network.parameters():
        if parameter.abs().max() == 0:
            torch.nn.init.normal_(parameter, std=0.05)
    network.motion_decoder.to_control.weight.mul_(4000.0)
    return LoadedModel("any", network, "0" * 64, {})
