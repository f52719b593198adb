"""Slices, residual modes and segmental strain for `mixture_trial`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from LaMoDCore.heart.canonical import FRAMES
from LaMoDCore.heart.contour_convention import CONTOUR_CONVENTIONS
from LaMoDCore.heart.geometry import Array
from LaMoDCore.heart.ring.motion_basis import TERMS, ring_basis
from LaMoDCore.networks.contour_motion import ContourMotion, contour_roughness, real_rows
from LaMoDCore.runtime.atomic import replaced_file
from LaMoDCore.training.posterior.contour_bank import ContourBank, of_phantoms
from LaMoDCore.training.posterior.contour_stage import JoinedContours
from LaMoDCore.training.posterior.contour_variation import varied
from LaMoDCore.training.posterior.randomised_residuals import SLICES

#: Seeds of the cohorts, as of the shipped training, and share of readers that are contour engines.
_PLAIN_SEED, _RANDOMISED_SEED, _ENGINE_SHARE = 3003, 3004, 0.2
#: Noise of rasterised contours, as in the training, mm.
_NOISE_MM = 0.05
#: Points of the middle of the wall, and segments.
_ANGLES, _SEGMENTS = 48, 6
_CHUNK = 512


def synthetic_slices(folder: Path, subjects: int, *, randomise: bool) -> ContourBank:
    """Slices of synthetic subjects, stored in a folder."""
    path = folder / f"{'randomised' if randomise else 'plain'}-{subjects}.npz"
    if not path.exists():
        seed = _RANDOMISED_SEED if randomise else _PLAIN_SEED
        made = of_phantoms(
            range(subjects), seed=seed, engine_share=_ENGINE_SHARE, conventions=True, randomise=randomise
        )
        with replaced_file(path) as part, open(part, "wb") as file:
            np.savez(file, **{field.name: getattr(made, field.name) for field in fields(made)})
    with np.load(path) as stored:
        return ContourBank(**{name: stored[name] for name in stored.files})


@dataclass(frozen=True, eq=False)
class Slices:
    """N slices as tensors.

    Attributes:
        inputs: [N, K], see `ResidualBasis`.
        offset, residual: codes [N, M] of the model's estimate and of the true motion relative to it.
        rest: energy of the residual outside of the modes, rad².
        radius: mm.
        frame, ecc: ES, and true segmental Ecc there [N, 6].
        randomised, subject: whether the heart is a randomised one, and its number.
    """

    inputs: Tensor
    offset: Tensor
    residual: Tensor
    rest: Tensor
    radius: Tensor
    frame: Tensor
    ecc: Tensor
    randomised: Tensor
    subject: Tensor

    def select(self, chosen: Tensor) -> Slices:
        """The slices with these numbers."""
        return Slices(*(getattr(self, field.name)[chosen] for field in fields(self)))


class ResidualBasis:
    """The model's estimate, and directions of motion in which its residual is uncorrelated.

    Inputs of the variants are those of the estimate, its last hidden layer, the convention (none for a withheld one)
    and the roughness of the contours, standardised.

    Args:
        network: the estimate.
        banks: training slices.
    """

    def __init__(self, network: ContourMotion, banks: Sequence[ContourBank]) -> None:
        self._network = network.eval()
        self._seen: list[Tensor] = []
        for layer in (network.straight, network.leave):
            layer.register_forward_pre_hook(lambda _, inputs: self._seen.append(inputs[0]))
        size = network.axes.square().sum(dim=1).sqrt()
        directions = network.axes / size[:, None]
        self._mean, self._directions = network.mean, directions
        joined = JoinedContours(banks)
        parts = [joined.select(torch.arange(first, len(joined), 20)) for first in range(20)]
        rows, inputs = [], []
        with torch.no_grad():
            for numbers, motion, _, levels, conventions, _ in parts:
                rows.append((real_rows(motion) - network.rows(network(numbers, levels))) @ directions.T)
                inputs.append(self._raw_inputs(numbers, conventions))
        residual, every = torch.cat(rows), torch.cat(inputs)
        variance, turned = torch.linalg.eigh((residual.T @ residual / len(residual)).double())
        self.deviation = variance.flip(0).sqrt().float()
        self._directions = turned.flip(1).T.float() @ directions
        self._input_mean, self._input_scale = every.mean(dim=0), every.std(dim=0) + 0.05

    def _raw_inputs(self, numbers: Tensor, conventions: Tensor) -> Tensor:
        """Inputs of the slices of the network's last call."""
        known = functional.one_hot(conventions, len(CONTOUR_CONVENTIONS))[:, 1:].float()
        found = torch.cat([*self._seen, known, contour_roughness(numbers)], dim=1)
        self._seen.clear()
        return found

    @torch.no_grad()
    def slices(self, fields_: Sequence[Tensor], randomised: Tensor, subject: Tensor) -> Slices:
        """From the fields of a `ContourBank` [N]."""
        numbers, motion, radius, levels, conventions, _ = fields_
        offset = self._network.rows(self._network(numbers, levels)) - self._mean
        standard = (self._raw_inputs(numbers, conventions) - self._input_mean) / self._input_scale
        missed = real_rows(motion) - self._mean - offset
        inside = missed @ self._directions.T
        frame = torch.from_numpy(end_systole(motion.numpy()))
        return Slices(
            standard.clamp(-5.0, 5.0),
            offset @ self._directions.T / self.deviation,
            inside / self.deviation,
            (missed.square().sum(dim=1) - inside.square().sum(dim=1)).clamp(min=0.0),
            radius,
            frame,
            torch.from_numpy(segmental_ecc(motion[torch.arange(len(frame)), frame].numpy())).float(),
            randomised,
            subject,
        )

    def ecc(self, code: Tensor, frame: Tensor) -> Array:
        """Segmental Ecc [..., N, 6] of codes [..., N, M] at frames [N]."""
        found = np.empty((*code.shape[:-1], _SEGMENTS), dtype=np.float32)
        directions = (self.deviation[:, None] * self._directions).view(-1, FRAMES, 2 * TERMS)
        mean = self._mean.view(FRAMES, 2 * TERMS)
        for t in frame.unique():
            here = torch.nonzero(frame == t)[:, 0]
            row = code[..., here, :] @ directions[:, t] + mean[t]
            found[..., here.numpy(), :] = segmental_ecc(torch.view_as_complex(row.unflatten(-1, (TERMS, 2))).numpy())
        return found

    def energy(self, code: Tensor) -> Tensor:
        """Squared norm [N] of differences of codes [N, M], rad²."""
        return (code * self.deviation).square().sum(dim=1)


def augmented(basis: ResidualBasis, banks: Sequence[ContourBank], passes: int) -> Slices:
    """Training slices, several times with different augmentation."""
    joined, generator = JoinedContours(banks), torch.Generator().manual_seed(11)
    count, first_randomised = len(joined), len(banks[0].radius)
    found = []
    for _ in range(passes):
        for chosen in torch.arange(count).split(_CHUNK):
            batch = varied(joined.select(chosen), generator)
            found.append(basis.slices(batch, chosen >= first_randomised, chosen // SLICES))
    return Slices(*(torch.cat([getattr(each, field.name) for each in found]) for field in fields(Slices)))


def held_out(basis: ResidualBasis, banks: Sequence[ContourBank]) -> tuple[Slices, Slices]:
    """Slices for scaling the densities, of every fourth subject, and slices for the scores, of the others.

    The convention is withheld in every second slice.
    """
    joined, generator = JoinedContours(banks), torch.Generator().manual_seed(5)
    number = torch.arange(len(joined))
    numbers, motion, radius, levels, conventions, layer = joined.select(number)
    noise = torch.view_as_complex(torch.randn(*numbers.shape, 2, generator=generator))
    known = torch.where((number + number // SLICES) % 2 == 1, conventions, 0)
    batch = (numbers + _NOISE_MM * noise, motion, radius, levels, known, layer)
    slices = basis.slices(batch, number >= len(banks[0].radius), number // SLICES)
    scaled = slices.subject % 4 == 0
    return slices.select(torch.nonzero(scaled)[:, 0]), slices.select(torch.nonzero(~scaled)[:, 0])


def end_systole(motion: Array) -> Array:
    """Frame with the smallest mean stretch, of motions [N, 40, TERMS]."""
    return np.asarray(motion[:, :, 0].real.argmin(axis=1))


def _middle() -> tuple[Array, Array]:
    """Basis functions on the middle of the wall and their derivatives by the angle, complex64 [TERMS, _ANGLES]."""
    angle, depth, step = 2 * np.pi * np.arange(_ANGLES) / _ANGLES, np.full(_ANGLES, 0.5), 1e-4
    ahead, behind = ring_basis(depth, angle + step), ring_basis(depth, angle - step)
    return ring_basis(depth, angle).astype(np.complex64), ((ahead - behind) / (2 * step)).astype(np.complex64)


def segmental_ecc(coefficients: Array) -> Array:
    """Green-Lagrange Ecc [..., 6] on the middle of the wall, of one frame's coefficients [..., TERMS] of `ring_basis`.

    A point r·exp(iθ) of a round ring moves to r·exp(iθ + q), so its tangential stretch is exp(Re q)·|1 − i q′|.
    """
    values, slopes = _middle()
    stretch = np.exp((coefficients @ values).real) * np.abs(1 - 1j * (coefficients @ slopes))
    ecc = (stretch**2 - 1) / 2
    return np.asarray(ecc.reshape(*ecc.shape[:-1], _SEGMENTS, -1).mean(axis=-1))
