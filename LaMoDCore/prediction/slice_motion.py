"""Motion of one slice: canonical masks -> E_R -> D_η -> samples of the undetermined part -> the slice's own pixels."""

from __future__ import annotations

from dataclasses import dataclass

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
from LaMoDCore.prediction.options import InferenceOptions
from LaMoDCore.prediction.samples import expected_motion_and_samples
from LaMoDCore.runtime.errors import LaMoDInputError
from LaMoDCore.uncertainty.descriptors import descriptors
from LaMoDCore.uncertainty.unlike_training import UnlikeTraining


@dataclass(frozen=True, eq=False)
class SlicePrediction:
    """Prediction for one slice.

    Attributes:
        motion: displacement, with samples if several were drawn.
        unlike_training: the flag; None for a model without it.
    """

    motion: SliceMotion
    unlike_training: UnlikeTraining | None = None


def predict_slice(
    slice_: CineSlice,
    reference_frame: int,
    model: LoadedModel,
    options: InferenceOptions,
    seed: int,
    insertion_lps: Array | None = None,
) -> SlicePrediction:
    """Predict one slice.

    Args:
        slice_: the slice with its masks.
        reference_frame: its end-diastole.
        model: the model that predicts.
        options: options returned by `resolve_options`.
        seed: random seed.
        insertion_lps: [3] anterior RV insertion, if known; used by the unlike-training flag only.

    Raises:
        LaMoDInputError: the slice does not fit into the canonical grid, or the predicted motion is not finite.
    """
    canonical = to_canonical(slice_, reference_frame)
    network = model.network
    with torch.inference_mode():
        if isinstance(network, BaselineModel):
            moved = network.displacement(_masks(canonical, network))
            return SlicePrediction(_on_own_pixels(slice_.name, moved, canonical))
        if options.diffusion and options.space == "registration":
            latent = _latent(network, slice_, canonical)
            many = _algorithm_1(network, latent, options, seed)
            moved = torch.cat([network.decode(one) for one in torch.split(many, 1)])
            return SlicePrediction(_on_own_pixels(slice_.name, moved, canonical))
        if network.config.architecture == "paper":
            moved = network.decode(_latent(network, slice_, canonical))
            return SlicePrediction(_on_own_pixels(slice_.name, moved, canonical))
        coordinates = RingCoordinates.of(canonical.occupancy[0])
        decoded = decoded_slice(network, slice_, canonical, coordinates)
        motion = SliceMotion(decoded.displacement_mm)
        if options.diffusion:
            assert network.motion_latent is not None  # `resolve_options` has checked it
            expected = network.motion_latent.expected_relative(decoded.view)
            relative = _samples(network, network.motion_latent, decoded, options, seed)
            moved_mm, samples = expected_motion_and_samples(
                decoded.displacement_mm, decoded.canonical_mm, expected, relative, coordinates, canonical
            )
            motion = SliceMotion(moved_mm, samples if len(samples) > 1 else None)
    detector = network.familiarity
    if detector is None:
        return SlicePrediction(motion)
    angle = insertion_angle(slice_, reference_frame, insertion_lps)
    return SlicePrediction(motion, detector.judge(decoded.descriptors, angle))


@dataclass(frozen=True, eq=False)
class DecodedSlice:
    """Output of E_R and D_η for one slice.

    Attributes:
        displacement_mm: [T, 2, H, W] on the slice's own pixels and frames.
        canonical_mm: [40, 2, 128, 128], the same on the canonical grid and cycle.
        view: input of the motion latent.
        descriptors: input of the unlike-training flag and of the spread of the samples, see `uncertainty.descriptors`.
    """

    displacement_mm: Array
    canonical_mm: Array
    view: RingView
    descriptors: Array


def decoded_slice(
    network: LaMoDModel, slice_: CineSlice, canonical: CanonicalSlice, coordinates: RingCoordinates
) -> DecodedSlice:
    """Compute the deterministic part of a prediction.

    Args:
        network: the model in evaluation mode.
        slice_: the slice with its masks.
        canonical: the same on the canonical grid and cycle.
        coordinates: ring coordinates of the canonical end-diastolic wall.
    """
    latent = _latent(network, slice_, canonical)
    moved = network.decode(latent)
    own = _on_own_pixels(slice_.name, moved, canonical).displacement_mm
    canonical_mm = moved[0].transpose(0, 1).float().cpu().numpy()
    learned = latent[0, : network.config.latent_channels]
    contours = network.motion_by_contours(canonical.occupancy, coordinates, canonical_mm, _level(slice_))
    view = ring_view(learned, canonical_mm, coordinates, contours)
    where, moved_wall = wall_motion(canonical_mm, coordinates, every=4)
    ring = view.ring.cpu().numpy()
    described = descriptors(canonical.occupancy, coordinates, ring, where, moved_wall, _level(slice_))
    return DecodedSlice(own, canonical_mm, view, described)


def _masks(canonical: CanonicalSlice, network: LaMoDModel | BaselineModel) -> Tensor:
    return torch.from_numpy(canonical.occupancy)[None, None].to(next(network.parameters()).device)


def _latent(network: LaMoDModel, slice_: CineSlice, canonical: CanonicalSlice) -> Tensor:
    """z of one slice, normalised; the level is an input only where it is known."""
    masks = _masks(canonical, network)
    return network.normalise(network.encode(masks, torch.tensor([_level(slice_)], device=masks.device)))


def _level(slice_: CineSlice) -> int:
    return level_number(slice_.level if slice_.level_known else None)


def _algorithm_1(network: LaMoDModel, latent: Tensor, options: InferenceOptions, seed: int) -> Tensor:
    assert options.sampler is not None and options.start is not None and options.steps is not None
    many = latent.expand(options.samples, -1, -1, -1, -1).contiguous()
    generator = torch.Generator().manual_seed(seed)
    return network.denoise(many, generator, sampler=options.sampler, start=options.start, steps=options.steps)


def spread_of(network: LaMoDModel, decoded: DecodedSlice) -> Tensor | float:
    """Factors of the samples' scatter for this slice, [modes]; 1 for a model without a spread per slice."""
    if network.slice_spread is None or network.motion_latent is None:
        return 1.0
    factors = network.slice_spread.factors(decoded.descriptors[None])[0]
    return torch.from_numpy(factors).to(network.motion_latent.scatter)


def _samples(
    network: LaMoDModel, latent: MotionLatent, decoded: DecodedSlice, options: InferenceOptions, seed: int
) -> Array:
    """Relative motions [N, 40, TERMS] around the expected one; none for a single sample, which is the expected one."""
    if options.samples == 1:
        return np.zeros((0, FRAMES, TERMS), dtype=np.complex64)
    assert options.sampler is not None and options.steps is not None
    codes = latent.sample(
        decoded.view,
        options.samples,
        network.config.schedule,
        torch.Generator().manual_seed(seed),
        sampler=options.sampler,
        steps=options.steps,
        spread=spread_of(network, decoded),
        balance=not options.independent,
    )
    if options.independent:
        relative: Array = latent.decode(codes) - latent.expected_relative(decoded.view)
        return relative
    return latent.centred_samples(codes)


def _on_own_pixels(name: str, moved: Tensor, canonical: CanonicalSlice) -> SliceMotion:
    """Resample canonical displacements [N, 2, 40, 128, 128] to the slice's own pixels; several are averaged."""
    decoded = np.moveaxis(moved.float().cpu().numpy(), 1, 2)
    if not np.isfinite(decoded).all():
        raise LaMoDInputError(name, "the predicted motion is not finite", "choose another model or check the masks")
    wall = canonical.occupancy[0] > 0.5
    own = [displacement_to_source(extend_beyond_wall(one, wall), canonical) for one in decoded]
    if len(own) == 1:
        return SliceMotion(own[0])
    stacked = np.stack(own)
    return SliceMotion(stacked.mean(axis=0, dtype=np.float64).astype(np.float32), stacked)
