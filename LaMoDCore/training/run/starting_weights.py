"""The weights that a training starts from: a model without what its weights say of their own doubts."""

from __future__ import annotations

from dataclasses import replace

from LaMoDCore.networks.contour_motion import ContourMotionConfig
from LaMoDCore.networks.lamod import InferenceDefaults, LaMoDModel
from LaMoDCore.networks.motion_latent import MotionLatentConfig

LEFT_OUT = (
    "the samples, intervals and unlike-training flag of {name} belong to its own weights: the trained model answers "
    "without them until `lamod train-posterior` has taught it its own"
)


def without_posterior(network: LaMoDModel) -> LaMoDModel:
    """A copy that holds E_R, D_R, ε_θ and D_η alone; `network` itself where it has nothing else.

    The motion latent, what it is told by contours, the spread of a slice and the flag were fitted to the latents and
    the errors of E_R and D_η as they are, and the intervals were calibrated on them. They say nothing of weights that
    go on learning, so the copy's answer is the decoder's, without diffusion.
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
