"""Initial weights of a training: a model without its uncertainty."""

from __future__ import annotations

from dataclasses import replace

from LaMoDCore.networks.contour_motion import ContourMotionConfig
from LaMoDCore.networks.lamod import InferenceDefaults, LaMoDModel
from LaMoDCore.networks.motion_latent import MotionLatentConfig

LEFT_OUT = (
    "the samples, intervals and unlike-training flag of {name} are valid for its own weights only: the trained model "
    "predicts without them until `lamod train-posterior` has fitted new ones"
)


def without_posterior(network: LaMoDModel) -> LaMoDModel:
    """A copy with E_R, D_R, ε_θ and D_η only; `network` itself if it has no other parts.

    The motion latent, the estimate from contours, the spread and the flag were fitted to the latents and errors of the
    present E_R and D_η, and the intervals were calibrated on them. They are not valid for weights that are trained
    further, so the copy predicts by the decoder, without diffusion.
    """
    config = replace(
        network.config, motion_latent=MotionLatentConfig(), contour_motion=ContourMotionConfig(), descriptors=0
    )
    if config == network.config:
        return network
    bare = LaMoDModel(replace(config, inference=InferenceDefaults(diffusion=False)))
    own = network.state_dict()
    bare.load_state_dict({name: own[name] for name in bare.state_dict()})
    return bare
