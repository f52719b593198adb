"""Augmentation of the training slices of the estimate from contours; never a mirror image."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from LaMoDCore.networks.contour_motion import turned_motion, turned_numbers

#: Standard deviations: rotation, logarithm of scale, and the error that rasterising adds to each coefficient.
_TURN_RAD, _SCALE, _NOISE_MM = math.radians(8.0), 0.04, 0.05
#: Shares of slices whose level is hidden, and whose cycle is time-warped; share whose convention is hidden.
_HIDDEN_SHARE, _WARPED_SHARE = 0.3, 0.5
_CONVENTION_HIDDEN_SHARE = 0.6
#: Standard deviation of each of the four waves of the pace of a warped cycle, and the slowest pace (1 is even).
_PACE, _SLOWEST = 0.15, 0.3


def varied(batch: tuple[Tensor, ...], generator: torch.Generator) -> tuple[Tensor, ...]:
    """Augment the fields of N slices (`ContourBank`), each slice independently.

    Slices are rotated with their motion and scaled, noise is added, and the phases of half of them are warped. The
    level and the convention of some are hidden.
    """
    numbers, motion, radius, levels, conventions, layer = batch
    turn = _TURN_RAD * torch.randn(len(radius), generator=generator)
    scale = torch.exp(_SCALE * torch.randn(len(radius), generator=generator))
    noise = torch.view_as_complex(torch.randn(*numbers.shape, 2, generator=generator))
    when = uneven_cycles(len(radius), numbers.shape[1], generator)
    numbers = turned_numbers(at_phases(numbers, when), turn) * scale[:, None, None] + _NOISE_MM * noise
    hidden = torch.rand(len(radius), generator=generator) < _HIDDEN_SHARE
    if conventions.any():
        withheld = torch.rand(len(radius), generator=generator) < _CONVENTION_HIDDEN_SHARE
        conventions = torch.where(withheld, 0, conventions)
    return (
        numbers,
        turned_motion(at_phases(motion, when), turn),
        radius * scale,
        torch.where(hidden, 0, levels),
        conventions,
        layer * scale,
    )


def uneven_cycles(slices: int, frames: int, generator: torch.Generator) -> Tensor:
    """Phase (fraction of R–R) of each frame, [slices, frames]; end-diastole stays the first frame.

    The pace is 1 + Σ aₖ cos 2πkτ + bₖ sin 2πkτ, k = 1, 2; the waves are scaled down if the pace would be too slow.
    """
    even = torch.arange(frames) / frames
    order = torch.tensor([1.0, 2.0])
    angle = 2 * math.pi * order[:, None] * even
    share = _PACE * torch.randn(slices, 2, 2, generator=generator)
    steepest = share.square().sum(dim=1).sqrt().sum(dim=1)  # at most: the waves' amplitudes add up
    share = share * ((1 - _SLOWEST) / steepest.clamp(min=1 - _SLOWEST))[:, None, None]
    share = share * (torch.rand(slices, generator=generator) < _WARPED_SHARE)[:, None, None]
    waves = torch.stack([torch.sin(angle), 1 - torch.cos(angle)]) / (2 * math.pi * order[:, None])
    return even + torch.einsum("nck,ckt->nt", share, waves)


def at_phases(values: Tensor, when: Tensor) -> Tensor:
    """Periodic curves [N, T, K] at phases [N, T'], interpolated linearly between frames."""
    frames = values.shape[1]
    place = when * frames
    before = place.floor()
    after_share = (place - before)[..., None]
    first = before.long() % frames
    rows = torch.arange(len(values))[:, None]
    return (1 - after_share) * values[rows, first] + after_share * values[rows, (first + 1) % frames]
