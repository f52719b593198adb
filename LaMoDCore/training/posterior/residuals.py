"""Residuals of the deterministic model on hearts with known motion: the training data of the motion latent."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from LaMoDCore.heart.canonical import FRAMES
from LaMoDCore.heart.geometry import Array
from LaMoDCore.heart.ring.motion_basis import TERMS, RingCoordinates, moving_center, relative_motion
from LaMoDCore.networks.lamod import LaMoDModel
from LaMoDCore.networks.motion_latent import RingView, ring_view, wall_motion
from LaMoDCore.runtime.progress import SILENT, Progress
from LaMoDCore.training.data.augmentation import Batch, augment
from LaMoDCore.training.data.cache import BLOCK, TrainingCache
from LaMoDCore.training.data.draws import Draws
from LaMoDCore.training.data.loading import load_batch
from LaMoDCore.training.posterior.slice_bank import SliceBank
from LaMoDCore.training.run.settings import AugmentationConfig
from LaMoDCore.uncertainty.descriptors import descriptors

#: Weaker than in training, and upright like the input of a prediction: the posterior may use the septum's direction.
UPRIGHT = AugmentationConfig(
    full_turn_share=0.0, turn_degrees=10.0, shift_mm=1.0, jitter_mm=0.4, scale=0.04, thickening_share=0.5
)
#: Blocks with a smaller measured share are left out.
_MEASURED = 0.4


@dataclass(frozen=True, eq=False)
class ResidualBank(SliceBank):
    """N slices.

    Attributes:
        ring: float16 [N, C, T/2, angles], see `RingView`.
        motion: float32 [N, K], see `RingView`.
        contours: complex64 [N, 40, TERMS], see `RingView`; 0 for a model without an estimate from contours.
        relative: complex64 [N, 40, TERMS]: the true motion relative to the predicted one.
        descriptors: float32 [N, D], see `uncertainty.descriptors`.
        index: int [N]: the slice in the cache.
    """

    ring: Array
    motion: Array
    contours: Array
    relative: Array
    descriptors: Array
    index: Array

    def views(self) -> RingView:
        """The inputs of the motion latent."""
        return RingView(
            torch.from_numpy(self.ring).float(), torch.from_numpy(self.motion), torch.from_numpy(self.contours)
        )


@torch.inference_mode()
def residual_bank(
    model: LaMoDModel,
    cache: TrainingCache,
    chosen: Array,
    *,
    seed: int | None = None,
    augmentation: AugmentationConfig = UPRIGHT,
    progress: Progress = SILENT,
) -> ResidualBank:
    """Predict slices of a cache once and compare with the truth.

    Args:
        model: the model in evaluation mode.
        cache: cache of training or validation data with motion.
        chosen: int [N], slices of the cache.
        seed: random seed of the augmentation; None for no augmentation.
        augmentation: settings.
        progress: updated for every slice.
    """
    device = next(model.parameters()).device
    rows: list[tuple[Array, ...]] = []
    for number, index in enumerate(chosen):
        batch = load_batch(cache, np.array([index]), torch.device("cpu"))
        if seed is not None:
            batch = augment(batch, augmentation, Draws.of(("residuals", seed), [int(index)]))
        levels = None if batch.levels is None else batch.levels.to(device)
        latent = model.normalise(model.encode(batch.masks.to(device), levels))
        predicted = model.decode(latent)[0].transpose(0, 1).float().cpu().numpy()
        masks = batch.masks[0, 0].numpy()
        coordinates = RingCoordinates.of(masks[0])
        level = 0 if batch.levels is None else int(batch.levels[0])
        contours = model.motion_by_contours(
            model.ring_contours(masks), coordinates, predicted, level, cache.convention(int(index))
        )
        view = ring_view(latent[0, : model.config.latent_channels], predicted, coordinates, contours)
        ring = view.ring.cpu().numpy()
        described = descriptors(masks, coordinates, ring, *wall_motion(predicted, coordinates, every=4), level)
        relative = block_residual(predicted, batch, coordinates)
        if contours is None:
            contours = np.zeros((FRAMES, TERMS), dtype=np.complex64)
        rows.append(
            (ring.astype(np.float16), view.motion.cpu().numpy(), contours, relative, described, np.array(index))
        )
        progress.update("residuals", (number + 1) / len(chosen), f"{number + 1} of {len(chosen)} slices")
    return ResidualBank(*(np.stack(column) for column in zip(*rows, strict=True)))


def fully_measured(cache: TrainingCache, chosen: Array) -> Array:
    """Those of the slices [N] with blocks that are measured in every frame, as the residual needs them."""
    weight = cache.arrays["weight"]
    return np.array([i for i in chosen if (weight[i] > _MEASURED * BLOCK**2).all(axis=0).any()], dtype=np.int64)


def block_residual(predicted: Array, batch: Batch, coordinates: RingCoordinates) -> Array:
    """True motion relative to û [40, 2, 128, 128] mm over the measured blocks, complex64 [40, TERMS]."""
    frames, _, height, width = predicted.shape
    blocks = predicted.reshape(frames, 2, height // BLOCK, BLOCK, width // BLOCK, BLOCK).mean(axis=(3, 5))
    rows, columns, where = _measured_blocks((batch.weight[0, 0] > _MEASURED).all(dim=0).numpy())
    guess = where + _complex_at(blocks, rows, columns)
    true = where + _complex_at(batch.displacement[0].transpose(0, 1).numpy(), rows, columns)
    center = moving_center(coordinates.center, guess - where)
    return relative_motion(true, guess, center, coordinates.at(where))


def measured_motion(cache: TrainingCache, index: int) -> tuple[Array, Array]:
    """Positions [P] of the measured blocks of a slice at end-diastole and over the cycle [40, P], complex mm."""
    measured = (cache.arrays["weight"][index] > _MEASURED * BLOCK**2).all(axis=0)
    rows, columns, where = _measured_blocks(measured)
    return where, where + _complex_at(cache.arrays["displacement"][index].astype(np.float64), rows, columns)


def _measured_blocks(measured: Array) -> tuple[Array, Array, Array]:
    """Rows, columns and complex positions (mm) of blocks bool [H, W]."""
    rows, columns = np.nonzero(measured)
    height, width = (BLOCK * side for side in measured.shape)
    middle = BLOCK * np.array([columns, rows]) + (BLOCK - 1) / 2
    return rows, columns, middle[0] - (width - 1) / 2 + 1j * ((height - 1) / 2 - middle[1])


def _complex_at(displacement: Array, rows: Array, columns: Array) -> Array:
    return displacement[:, 0, rows, columns] - 1j * displacement[:, 1, rows, columns]
