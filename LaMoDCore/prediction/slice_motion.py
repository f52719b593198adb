"""Motion of one slice: canonical masks -> E_R -> D_η -> samples of the undetermined part -> the slice's own pixels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from LaMoDCore.baselines import BaselineModel
from LaMoDCore.heart.canonical import FRAMES, CanonicalSlice, cropped_to_source, to_canonical
from LaMoDCore.heart.case import CineSlice, SliceMotion
from LaMoDCore.heart.contour_convention import ConventionUsed, LeftOutLayer, convention_number
from LaMoDCore.heart.cropped import Cropped
from LaMoDCore.heart.geometry import Array
from LaMoDCore.heart.outside_wall import extend_beyond_wall
from LaMoDCore.heart.ring.motion_basis import TERMS, RingCoordinates
from LaMoDCore.heart.ring.orientation import insertion_angle
from LaMoDCore.models.folder import LoadedModel
from LaMoDCore.networks.lamod import LaMoDModel
from LaMoDCore.networks.motion_latent import RingView, ring_view, wall_motion
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
        convention: the contour convention that was used.
        unlike_training: the flag; None for a model without it.
    """

    motion: SliceMotion
    convention: ConventionUsed
    unlike_training: UnlikeTraining | None = None


def predict_slice(
    slice_: CineSlice,
    reference_frame: int,
    model: LoadedModel,
    options: InferenceOptions,
    seed: int,
    insertion_lps: Array | None = None,
) -> SlicePrediction:
    """Predict one slice; see `predict_slices`."""
    return predict_slices([slice_], reference_frame, model, options, seed, [insertion_lps])[0]


def predict_slices(
    slices: Sequence[CineSlice],
    reference_frame: int,
    model: LoadedModel,
    options: InferenceOptions,
    seed: int,
    insertions_lps: Sequence[Array | None],
) -> list[SlicePrediction]:
    """Predict slices together: they pass through the networks as one batch, which is faster on an accelerator.

    Args:
        slices: the slices with their masks.
        reference_frame: their end-diastole.
        model: the model that predicts.
        options: options returned by `resolve_options`.
        seed: random seed, the same for every slice.
        insertions_lps: [3] anterior RV insertion of each slice, if known; used by the unlike-training flag only.

    Raises:
        LaMoDInputError: a slice does not fit into the canonical grid, or a predicted motion is not finite.
    """
    canonicals = [to_canonical(slice_, reference_frame) for slice_ in slices]
    network = model.network
    with torch.inference_mode():
        if isinstance(network, BaselineModel) or network.config.architecture == "paper" or _samples_latents(options):
            return [
                SlicePrediction(
                    _on_own_pixels(slice_.name, _moved(network, slice_, canonical, options, seed), canonical),
                    ConventionUsed(slice_.contour_convention, source=slice_.convention_source),
                )
                for slice_, canonical in zip(slices, canonicals, strict=True)
            ]
        coordinates = [RingCoordinates.of(canonical.occupancy[0]) for canonical in canonicals]
        decoded = decoded_slices(network, slices, canonicals, coordinates)
        motions = [SliceMotion(each.displacement_mm.stored()) for each in decoded]
        if options.diffusion:
            relative = _samples(network, decoded, options, seed)
            motions = [
                _sampled(network, *parts) for parts in zip(decoded, relative, coordinates, canonicals, strict=True)
            ]
    # the decoder alone, without the motion latent, does not use the convention
    is_input = network.takes_convention and options.diffusion
    used = [
        ConventionUsed(slice_.contour_convention, each.layer if is_input else None, is_input, slice_.convention_source)
        for slice_, each in zip(slices, decoded, strict=True)
    ]
    detector = network.familiarity
    if detector is None:
        return [SlicePrediction(motion, convention) for motion, convention in zip(motions, used, strict=True)]
    flags = [
        detector.judge(each.descriptors, insertion_angle(slice_, reference_frame, insertion))
        for each, slice_, insertion in zip(decoded, slices, insertions_lps, strict=True)
    ]
    return [SlicePrediction(*parts) for parts in zip(motions, used, flags, strict=True)]


def _samples_latents(options: InferenceOptions) -> bool:
    return options.diffusion and options.space == "registration"


def _moved(
    network: LaMoDModel | BaselineModel,
    slice_: CineSlice,
    canonical: CanonicalSlice,
    options: InferenceOptions,
    seed: int,
) -> Tensor:
    """Canonical displacements [N, 2, 40, 128, 128] of one slice by a baseline, the paper's networks or Algorithm 1."""
    if isinstance(network, BaselineModel):
        return network.displacement(_masks(canonical, network))
    latent = _latent(network, slice_, canonical)
    if not _samples_latents(options):
        return network.decode(latent)
    many = _algorithm_1(network, latent, options, seed)
    return torch.cat([network.decode(one) for one in torch.split(many, 1)])


def _sampled(
    network: LaMoDModel,
    decoded: DecodedSlice,
    relative: Array,
    coordinates: RingCoordinates,
    canonical: CanonicalSlice,
) -> SliceMotion:
    """The expected motion of one slice and its samples."""
    assert network.motion_latent is not None
    expected = network.motion_latent.expected_relative(decoded.view)
    moved_mm, samples = expected_motion_and_samples(
        decoded.displacement_mm, decoded.canonical_mm, expected, relative, coordinates, canonical
    )
    return SliceMotion(moved_mm.stored(), samples if len(samples) > 1 else None)


@dataclass(frozen=True, eq=False)
class DecodedSlice:
    """Output of E_R and D_η for one slice.

    Attributes:
        displacement_mm: [T, 2, H, W] on the slice's own pixels and frames.
        canonical_mm: [40, 2, 128, 128], the same on the canonical grid and cycle.
        view: input of the motion latent.
        descriptors: input of the unlike-training flag and of the spread of the samples, see `uncertainty.descriptors`.
        layer: the layer that the contours leave out of the wall; None for a model that does not estimate it.
    """

    displacement_mm: Cropped
    canonical_mm: Array
    view: RingView
    descriptors: Array
    layer: LeftOutLayer | None = None


def decoded_slice(
    network: LaMoDModel, slice_: CineSlice, canonical: CanonicalSlice, coordinates: RingCoordinates
) -> DecodedSlice:
    """Compute the deterministic part of a prediction of one slice; see `decoded_slices`."""
    return decoded_slices(network, [slice_], [canonical], [coordinates])[0]


def decoded_slices(
    network: LaMoDModel,
    slices: Sequence[CineSlice],
    canonicals: Sequence[CanonicalSlice],
    coordinates: Sequence[RingCoordinates],
) -> list[DecodedSlice]:
    """Compute the deterministic part of a prediction.

    Args:
        network: the model in evaluation mode.
        slices: the slices with their masks.
        canonicals: the same on the canonical grid and cycle.
        coordinates: ring coordinates of the canonical end-diastolic walls.
    """
    masks = torch.cat([_masks(canonical, network) for canonical in canonicals])
    levels = torch.tensor([_level(slice_) for slice_ in slices], device=masks.device)
    latents = network.normalise(network.encode(masks, levels))
    moved = network.decode(latents).float().cpu()
    return [
        _decoded(network, *each)
        for each in zip(slices, canonicals, coordinates, torch.split(latents, 1), torch.split(moved, 1), strict=True)
    ]


def _decoded(
    network: LaMoDModel,
    slice_: CineSlice,
    canonical: CanonicalSlice,
    coordinates: RingCoordinates,
    latent: Tensor,
    moved: Tensor,
) -> DecodedSlice:
    own = _cropped_on_own_pixels(slice_.name, moved, canonical)[0]
    canonical_mm = moved[0].transpose(0, 1).numpy()
    learned = latent[0, : network.config.latent_channels]
    level, convention = _level(slice_), convention_number(slice_.contour_convention)
    contours = network.ring_contours(canonical.occupancy)
    by_contours = network.motion_by_contours(contours, coordinates, canonical_mm, level, convention)
    view = ring_view(learned, canonical_mm, coordinates, by_contours)
    where, moved_wall = wall_motion(canonical_mm, coordinates, every=4)
    ring = view.ring.cpu().numpy()
    described = descriptors(canonical.occupancy, coordinates, ring, where, moved_wall, level)
    return DecodedSlice(own, canonical_mm, view, described, network.left_out_layer(contours, level))


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
    return torch.from_numpy(factors).float().to(network.motion_latent.scatter.device)


def _samples(network: LaMoDModel, decoded: Sequence[DecodedSlice], options: InferenceOptions, seed: int) -> list[Array]:
    """Relative motions [N, 40, TERMS] of each slice around its expected one; none for a single sample, which is the
    expected one."""
    latent = network.motion_latent
    assert latent is not None  # `resolve_options` has checked it
    if options.samples == 1:
        return [np.zeros((0, FRAMES, TERMS), dtype=np.complex64)] * len(decoded)
    assert options.sampler is not None and options.steps is not None
    spreads = [spread_of(network, each) for each in decoded]
    codes = latent.sample_slices(
        RingView.of_slices([each.view for each in decoded]),
        options.samples,
        network.config.schedule,
        torch.Generator().manual_seed(seed),
        sampler=options.sampler,
        steps=options.steps,
        spread=torch.stack([spread for spread in spreads if isinstance(spread, Tensor)])
        if network.slice_spread is not None
        else 1.0,
        balance=not options.independent,
    )
    if options.independent:
        return [latent.decode(c) - latent.expected_relative(each.view) for c, each in zip(codes, decoded, strict=True)]
    return [latent.centred_samples(each) for each in codes]


def _on_own_pixels(name: str, moved: Tensor, canonical: CanonicalSlice) -> SliceMotion:
    """Resample canonical displacements [N, 2, 40, 128, 128] to the slice's own pixels; several are averaged."""
    own = _cropped_on_own_pixels(name, moved, canonical)
    if len(own) == 1:
        return SliceMotion(own[0].stored())
    stacked = np.stack([each.whole() for each in own])
    return SliceMotion(stacked.mean(axis=0, dtype=np.float64).astype(np.float32), stacked)


def _cropped_on_own_pixels(name: str, moved: Tensor, canonical: CanonicalSlice) -> list[Cropped]:
    """Canonical displacements [N, 2, 40, 128, 128], each on the slice's own pixels."""
    decoded = np.moveaxis(moved.float().cpu().numpy(), 1, 2)
    if not np.isfinite(decoded).all():
        raise LaMoDInputError(name, "the predicted motion is not finite", "choose another model or check the masks")
    wall = canonical.occupancy[0] > 0.5
    return [cropped_to_source(extend_beyond_wall(one, wall), canonical) for one in decoded]
