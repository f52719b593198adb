"""Motion of one slice: canonical picture -> E_R -> D_η -> samples of what is left open -> the slice's own pixels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor

from LaMoDCore.baselines import BaselineModel
from LaMoDCore.heart.canonical import FRAMES, CanonicalSlice, displacement_to_source, to_canonical
from LaMoDCore.heart.case import CineSlice, SliceMotion
from LaMoDCore.heart.geometry import Array
from LaMoDCore.heart.outside_wall import extend_beyond_wall
from LaMoDCore.heart.ring.motion_basis import TERMS, RingCoordinates
from LaMoDCore.heart.ring.orientation import insertion_angle
from LaMoDCore.models.folder import LoadedModel
from LaMoDCore.networks.lamod import LaMoDModel
from LaMoDCore.networks.motion_latent import MotionLatent, RingView, ring_view, wall_motion
from LaMoDCore.networks.registration import level_number
from LaMoDCore.prediction.samples import answer_and_samples
from LaMoDCore.runtime.errors import LaMoDInputError
from LaMoDCore.uncertainty.descriptors import descriptors
from LaMoDCore.uncertainty.familiarity import UnlikeTraining


@dataclass(frozen=True, eq=False)
class SlicePrediction:
    """What a model says of one slice.

    Attributes:
        motion: with samples, where some were drawn.
        unlike_training: the flag; None for a model that has none.
    """

    motion: SliceMotion
    unlike_training: UnlikeTraining | None = None


def predict_slice(
    slice_: CineSlice,
    reference_frame: int,
    model: LoadedModel,
    settings: Mapping[str, Any],
    seed: int,
    insertion_lps: Array | None = None,
) -> SlicePrediction:
    """Predict one slice.

    Args:
        slice_: what was drawn.
        reference_frame: its end-diastole.
        model: what predicts.
        settings: what `predict.inference_choice` gives.
        seed: of all randomness.
        insertion_lps: [3] anterior RV insertion, where it is known; only the unlike-training flag looks at it.

    Raises:
        LaMoDInputError: the slice does not fit into the canonical picture, or the motion is not finite.
    """
    canonical = to_canonical(slice_, reference_frame)
    network = model.network
    with torch.inference_mode():
        if isinstance(network, BaselineModel):
            return SlicePrediction(_answer(slice_.name, network.displacement(_masks(canonical, network)), canonical))
        if settings["diffusion"] and settings["space"] == "registration":
            latent = _latent(network, slice_, canonical)
            many = _algorithm_1(network, latent, settings, seed)
            moved = torch.cat([network.decode(one) for one in many.split(1)])
            return SlicePrediction(_answer(slice_.name, moved, canonical))
        coordinates = RingCoordinates.of(canonical.occupancy[0])
        decoded = decoded_slice(network, slice_, canonical, coordinates)
        motion = SliceMotion(decoded.displacement_mm)
        if settings["diffusion"]:
            assert network.motion_latent is not None  # `inference_choice` has checked it
            expected = network.motion_latent.expected_relative(decoded.view)
            relative = _samples(network, network.motion_latent, decoded, settings, seed)
            moved_mm, samples = answer_and_samples(
                decoded.displacement_mm, decoded.canonical_mm, expected, relative, coordinates, canonical
            )
            motion = SliceMotion(moved_mm, cast(Array, samples) if len(samples) > 1 else None)
    known = network.familiarity
    if known is None:
        return SlicePrediction(motion)
    angle = insertion_angle(slice_, reference_frame, insertion_lps)
    return SlicePrediction(motion, known.judge(decoded.descriptors, angle))


@dataclass(frozen=True, eq=False)
class DecodedSlice:
    """What E_R and D_η say of one slice.

    Attributes:
        displacement_mm: [T, 2, H, W] on the slice's own pixels and frames.
        canonical_mm: [40, 2, 128, 128], the same as the networks see it.
        view: what the motion latent is told.
        descriptors: what the flag and the spread of the samples are told, see `uncertainty.descriptors`.
    """

    displacement_mm: Array
    canonical_mm: Array
    view: RingView
    descriptors: Array


def decoded_slice(
    network: LaMoDModel, slice_: CineSlice, canonical: CanonicalSlice, coordinates: RingCoordinates
) -> DecodedSlice:
    """The deterministic part of a prediction.

    Args:
        network: in evaluation mode.
        slice_: what was drawn.
        canonical: its canonical picture.
        coordinates: of that picture's end-diastolic wall.
    """
    latent = _latent(network, slice_, canonical)
    moved = network.decode(latent)
    own = _answer(slice_.name, moved, canonical).displacement_mm
    canonical_mm = moved[0].transpose(0, 1).float().cpu().numpy()
    learned = latent[0, : network.config.latent_channels]
    contours = network.motion_by_contours(canonical.occupancy, coordinates, canonical_mm, _level(slice_))
    view = ring_view(learned, canonical_mm, coordinates, contours)
    where, moved_wall = wall_motion(canonical_mm, coordinates, every=4)
    level = _level(slice_)
    told = descriptors(canonical.occupancy, coordinates, view.ring.cpu().numpy(), where, moved_wall, level)
    return DecodedSlice(own, canonical_mm, view, told)


def _masks(canonical: CanonicalSlice, network: LaMoDModel | BaselineModel) -> Tensor:
    return torch.from_numpy(canonical.occupancy)[None, None].to(next(network.parameters()).device)


def _latent(network: LaMoDModel, slice_: CineSlice, canonical: CanonicalSlice) -> Tensor:
    """z of one slice, normalised; the network is told a level only where it is known."""
    masks = _masks(canonical, network)
    return network.normalise(network.encode(masks, torch.tensor([_level(slice_)], device=masks.device)))


def _level(slice_: CineSlice) -> int:
    return level_number(slice_.level if slice_.level_known else None)


def _algorithm_1(network: LaMoDModel, latent: Tensor, settings: Mapping[str, Any], seed: int) -> Tensor:
    many = latent.expand(settings["samples"], -1, -1, -1, -1).contiguous()
    generator = torch.Generator().manual_seed(seed)
    return network.denoise(
        many, generator, sampler=settings["sampler"], start=settings["start"], steps=settings["steps"]
    )


def spread_of(network: LaMoDModel, decoded: DecodedSlice) -> Tensor | float:
    """The slice's own factors of the samples' scatter, [modes]; 1 for a model that knows one width only."""
    if network.slice_spread is None or network.motion_latent is None:
        return 1.0
    factors = network.slice_spread.factors(decoded.descriptors[None])[0]
    return torch.from_numpy(factors).to(network.motion_latent.scatter)


def _samples(
    network: LaMoDModel, latent: MotionLatent, decoded: DecodedSlice, settings: Mapping[str, Any], seed: int
) -> Array:
    """Relative motions around the expected one, whose mean over a few samples would only be blurred."""
    if settings["samples"] == 1:
        return np.zeros((0, FRAMES, TERMS), dtype=np.complex64)
    codes = latent.sample(
        decoded.view,
        settings["samples"],
        network.config.schedule,
        torch.Generator().manual_seed(seed),
        sampler=settings["sampler"],
        steps=settings["steps"],
        spread=spread_of(network, decoded),
    )
    return latent.around_the_answer(codes)


def _answer(name: str, moved: Tensor, canonical: CanonicalSlice) -> SliceMotion:
    """Canonical displacements [N, 2, 40, 128, 128] on the slice's own pixels; several are averaged."""
    decoded = np.moveaxis(moved.float().cpu().numpy(), 1, 2)
    if not np.isfinite(decoded).all():
        raise LaMoDInputError(name, "the model's motion is not finite", "choose another model or check the masks")
    wall = canonical.occupancy[0] > 0.5
    own = [displacement_to_source(extend_beyond_wall(one, wall), canonical) for one in decoded]
    if len(own) == 1:
        return SliceMotion(own[0])
    stacked = np.stack(own)
    return SliceMotion(stacked.mean(axis=0, dtype=np.float64).astype(np.float32), stacked)
