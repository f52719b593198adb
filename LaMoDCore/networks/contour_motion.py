"""Estimate of motion from contours alone, over the whole cycle.

E_R and D_η are trained on images of masks, a few thousand per training set. The motion visible in masks is contained in
two curves over time, a few hundred numbers that differ between people, and its main uncertainty is how readers draw
them. This second estimate therefore uses no images. Its input are the radii of both curves about the moving centre, as
Fourier coefficients reduced to principal components; a small network with a linear path predicts principal components
of the ring's motion in ring coordinates (`ring_basis`, eq. 1, relative to a ring that only follows its centre). It
trains on hundreds of thousands of slices in minutes and averages the reader's errors over the cycle. The posterior's
mean lies between the motion of D_η and this estimate (`motion_latent`).

Contours that follow the blood pool and contours that follow the tissue mean different motion
(`heart.contour_convention`). A network with this input is given the convention of some training slices and infers it
for the others. A second, small network estimates the layer of trabeculae that the contours leave out, for the report.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from LaMoDCore.heart.canonical import FRAMES
from LaMoDCore.heart.case import LEVELS
from LaMoDCore.heart.contour_convention import CONTOUR_CONVENTIONS, LeftOutLayer
from LaMoDCore.heart.geometry import Array
from LaMoDCore.heart.ring.motion_basis import (
    HARMONICS,
    TERMS,
    RingCoordinates,
    moving_center,
    relative_motion,
    ring_basis,
)
from LaMoDCore.networks.ring_contours import CONTOUR_ANGLES, RingContours
from LaMoDCore.runtime.settings_fields import within

#: Harmonics of the radii that are inputs of the network.
_INPUT_HARMONICS = 8
#: Bound of the input components, in standard deviations.
_MOST_STANDARD = 5.0
_LEAST_VARIANCE = 1e-6
_CURVES = 2 * (1 + _INPUT_HARMONICS)
#: Width of the network that estimates the left-out layer, and bounds of the logarithm of its standard deviation in mm.
_LAYER_WIDTH, _LOG_DEVIATION = 96, (-3.0, 1.0)
#: Harmonics of the angle and of the cycle from which contours count as rough, least roughness in mm, and its number.
_COARSE, _SLOW, _LEAST_ROUGHNESS, _ROUGHNESS = 5, 9, 0.25, 4


@dataclass(frozen=True)
class ContourMotionConfig:
    """Shapes of the network.

    Attributes:
        components: principal components of the contours in its input; 0 means that the model has no such network.
        modes: principal components of motion in its output.
        width, blocks: width and number of the residual blocks.
        dropout: dropout probability in the residual blocks.
        conventions: whether the contour convention is an input, and the left-out layer is estimated.
        roughness: whether the roughness of the contours is an input, see `contour_roughness`.
    """

    components: int = within(0, 0, 10_000)
    modes: int = within(80, 1, 10_000)
    width: int = within(400, 1, 4096)
    blocks: int = within(2, 0, 64)
    dropout: float = within(0.15, 0, 0.95)
    conventions: bool = False
    roughness: bool = False


def contour_numbers(contours: RingContours) -> Array:
    """Input of the network: complex64 [40, 19], harmonics 0…8 of endo and of epi in mm, and the path of the centre."""
    curves = [
        2 * np.fft.rfft(radii, axis=1)[:, : 1 + _INPUT_HARMONICS] / CONTOUR_ANGLES
        for radii in (contours.endo, contours.epi)
    ]
    path = contours.center - contours.center[0]
    return np.concatenate([*curves, path[:, None]], axis=1).astype(np.complex64)


def contour_roughness(numbers: Tensor) -> Tensor:
    """Logarithms of the roughness of both contours, [N, 4], of `contour_numbers` [N, 40, 19].

    A heart's contours are smooth in angle and time, a reader's errors less so: the rougher the contours, the larger
    their errors. Of each contour: root mean square in mm of the harmonics 5…8 without their mean over the cycle, and
    of the harmonics 0…4 above the eighth harmonic of the cycle.
    """
    features = []
    for first in (0, 1 + _INPUT_HARMONICS):
        curves = numbers[..., first : first + 1 + _INPUT_HARMONICS]
        # Real and imaginary parts: absolute values of complex numbers are wrong on some Apple GPUs (pytorch #126643).
        fine = torch.view_as_real(curves[..., _COARSE:])
        fine = fine - fine.mean(dim=1, keepdim=True)
        spectrum = torch.fft.fft(curves[..., :_COARSE], dim=1, norm="forward")
        fast = torch.view_as_real(spectrum[:, _SLOW : FRAMES - _SLOW + 1])
        features += [fine.square().sum(dim=(2, 3)).mean(dim=1), fast.square().sum(dim=(1, 2, 3))]
    return 0.5 * torch.log(torch.stack(features, dim=1) + _LEAST_ROUGHNESS**2)


def turned_numbers(numbers: Tensor, angle: Tensor) -> Tensor:
    """`contour_numbers` [N, 40, 19] of the slices rotated counter-clockwise by angles [N] in rad."""
    order = torch.arange(1 + _INPUT_HARMONICS)
    turn = torch.exp(-1j * angle[:, None, None] * torch.cat([order, order]))
    path = numbers[..., _CURVES:] * torch.exp(1j * angle)[:, None, None]
    return torch.cat([numbers[..., :_CURVES] * turn, path], dim=-1)


def turned_motion(motion: Tensor, angle: Tensor) -> Tensor:
    """Coefficients [N, 40, TERMS] of `ring_basis` after the same rotation."""
    order, partner, sign = (torch.from_numpy(values) for values in _harmonics())
    turn = order * angle[:, None]
    return motion * torch.cos(turn)[:, None] + motion[..., partner] * (sign * torch.sin(turn))[:, None]


@lru_cache(maxsize=1)
def _harmonics() -> tuple[Array, Array, Array]:
    """Of each function of `ring_basis`: its order, the index of its sine or cosine, and the sign of that if turned."""
    order, partner, sign, place = np.zeros(TERMS), np.arange(TERMS), np.zeros(TERMS), 0
    for highest in HARMONICS:
        for k in range(1, highest + 1):
            at = place + 2 * k - 1
            order[at : at + 2], partner[at : at + 2], sign[at : at + 2] = k, (at + 1, at), (-1, 1)
        place += 1 + 2 * highest
    return order.astype(np.float32), partner, sign.astype(np.float32)


def own_motion(true: Array, where: Array, contours: RingContours) -> Array:
    """Motion of a ring relative to a ring that follows its drawn centre, complex64 [40, TERMS].

    Args:
        true: complex positions [40, P] in mm.
        where: complex [P], the positions at end-diastole.
        contours: the contours as drawn.
    """
    following = where - contours.center[0] + contours.center[:, None]
    return relative_motion(true, following, contours.center[:, None], ring_basis(*contours.at(where)))


class ContourMotion(nn.Module):
    """Contours -> motion relative to a ring that follows its centre.

    Args:
        config: shapes; `config.components` > 0.
    """

    told_mean: Tensor
    told_axes: Tensor
    mean: Tensor
    axes: Tensor
    roughness_mean: Tensor
    roughness_scale: Tensor

    def __init__(self, config: ContourMotionConfig) -> None:
        super().__init__()
        self.config = config
        inputs = 2 * FRAMES * (_CURVES + 1)
        # The names of these two buffers are keys of stored weights: mean and principal axes of the inputs.
        self.register_buffer("told_mean", torch.zeros(inputs))
        self.register_buffer("told_axes", torch.zeros(config.components, inputs))
        self.register_buffer("mean", torch.zeros(2 * FRAMES * TERMS))
        self.register_buffer("axes", torch.zeros(config.modes, 2 * FRAMES * TERMS))
        if config.roughness:
            self.register_buffer("roughness_mean", torch.zeros(_ROUGHNESS))
            self.register_buffer("roughness_scale", torch.ones(_ROUGHNESS))
        shape = config.components + len(LEVELS) + (_ROUGHNESS if config.roughness else 0)
        size = shape + (len(CONTOUR_CONVENTIONS) - 1 if config.conventions else 0)
        self.straight = nn.Linear(size, config.modes)
        self.enter = nn.Linear(size, config.width)
        self.blocks = nn.ModuleList(
            nn.Sequential(
                nn.LayerNorm(config.width),
                nn.Linear(config.width, config.width),
                nn.SiLU(),
                nn.Dropout(config.dropout),
                nn.Linear(config.width, config.width),
            )
            for _ in range(config.blocks)
        )
        self.leave = nn.Linear(config.width, config.modes)
        nn.init.zeros_(self.leave.weight)
        self.layer: nn.Sequential | None = None
        if config.conventions:
            self.layer = nn.Sequential(
                nn.Linear(shape, _LAYER_WIDTH), nn.SiLU(), nn.Dropout(config.dropout), nn.Linear(_LAYER_WIDTH, 2)
            )

    def fit_axes(self, numbers: Tensor, motion: Tensor) -> None:
        """Compute the principal axes of contours [N, 40, 19] and motions [N, 40, TERMS], complex.

        The axes of contours are divided by the standard deviation along them, those of motion are multiplied by it.
        Both are rounded to half precision.
        """
        _principal(real_rows(numbers), self.told_mean, self.told_axes, -1)
        _principal(real_rows(motion), self.mean, self.axes, 1)
        if self.config.roughness:
            roughness = contour_roughness(numbers)
            self.roughness_mean.copy_(roughness.mean(dim=0))
            self.roughness_scale.copy_(roughness.std(dim=0) + _LEAST_ROUGHNESS)

    def forward(self, numbers: Tensor, levels: Tensor, conventions: Tensor | None = None) -> Tensor:
        """Codes [N, modes], of order 1.

        Args:
            numbers: contours, complex [N, 40, 19].
            levels: level numbers [N].
            conventions: the `convention_number` of each slice [N]; None if none is known. Ignored by a network without
                this input.
        """
        inputs = self._shape_inputs(numbers, levels)
        if self.config.conventions:
            if conventions is None:
                conventions = torch.zeros_like(levels)
            inputs = torch.cat([inputs, _known(conventions, len(CONTOUR_CONVENTIONS) - 1).to(inputs.dtype)], dim=1)
        features = self.enter(inputs)
        for block in self.blocks:
            features = features + block(features)
        code: Tensor = self.straight(inputs) + self.leave(functional.silu(features))
        return code

    def left_out_layer(self, numbers: Tensor, levels: Tensor) -> tuple[Tensor, Tensor]:
        """Thickness in mm of the layer that contours leave out at end-diastole, and the logarithm of its standard
        deviation, each [N]; for a network with the input `conventions` only."""
        assert self.layer is not None
        thickness, deviation = self.layer(self._shape_inputs(numbers, levels)).unbind(dim=1)
        return thickness, deviation.clamp(*_LOG_DEVIATION)

    def _shape_inputs(self, numbers: Tensor, levels: Tensor) -> Tensor:
        """The contours' components, the level and, if it is an input, the roughness, [N, K]."""
        inputs = ((real_rows(numbers) - self.told_mean) @ self.told_axes.T).clamp(-_MOST_STANDARD, _MOST_STANDARD)
        parts = [inputs, _known(levels, len(LEVELS)).to(inputs.dtype)]
        if self.config.roughness:
            standard = (contour_roughness(numbers) - self.roughness_mean) / self.roughness_scale
            parts.append(standard.clamp(-_MOST_STANDARD, _MOST_STANDARD))
        return torch.cat(parts, dim=1)

    def rows(self, code: Tensor) -> Tensor:
        """Codes [N, modes] -> motions as real rows [N, 2·40·TERMS], see `real_rows`."""
        return self.mean + code @ self.axes

    @torch.no_grad()
    def motion(self, contours: RingContours, level: int, convention: int = 0) -> Array:
        """Motion of one slice, complex64 [40, TERMS]; zero at end-diastole."""
        numbers, levels = self._one(contours, level)
        row = self.rows(self(numbers, levels, torch.full_like(levels, convention)))[0]
        motion = torch.view_as_complex(row.float().cpu().view(FRAMES, TERMS, 2)).numpy()
        return np.asarray(motion - motion[:1])

    @torch.no_grad()
    def estimated_layer(self, contours: RingContours, level: int) -> LeftOutLayer:
        """The layer that the contours of one slice leave out; for a network with the input `conventions` only."""
        thickness, deviation = self.left_out_layer(*self._one(contours, level))
        return LeftOutLayer(max(float(thickness[0]), 0.0), float(deviation[0].exp()))

    def _one(self, contours: RingContours, level: int) -> tuple[Tensor, Tensor]:
        """Inputs of one slice."""
        device = self.mean.device
        numbers = torch.from_numpy(contour_numbers(contours)).to(device)
        return numbers[None], torch.tensor([level], device=device)

    def relative_to(
        self,
        where: Array,
        moved: Array,
        coordinates: RingCoordinates,
        contours: RingContours,
        level: int,
        convention: int = 0,
    ) -> Array:
        """Motion of one slice relative to another estimate of it, complex64 [40, TERMS] of `ring_basis`, eq. (1).

        Args:
            where, moved: positions [P] of wall points and their displacement [40, P] in the other estimate, complex mm.
            coordinates: ring coordinates of the end-diastolic wall, for the result.
            contours: contours of the slice.
            level: a `level_number`.
            convention: a `convention_number`.
        """
        motion = self.motion(contours, level, convention)
        ratio = np.exp(motion @ ring_basis(*contours.at(where)))
        own = contours.center[:, None] + (where - contours.center[0]) * ratio
        center = moving_center(coordinates.center, moved)
        return relative_motion(own, where + moved, center, coordinates.at(where))


def _known(numbers: Tensor, count: int) -> Tensor:
    """One-hot rows [N, count] of numbers from 1; a row of zeros for 0, which is unknown."""
    return functional.one_hot(numbers, 1 + count)[:, 1:]


def real_rows(values: Tensor) -> Tensor:
    """Complex [N, ...] -> real rows [N, 2·…], real and imaginary parts interleaved."""
    return torch.view_as_real(values).flatten(1)


def _principal(rows: Tensor, mean: Tensor, axes: Tensor, power: int) -> None:
    """Write the mean of rows [N, K] and their first principal axes times a power of the deviation along them."""
    double = rows.cpu().double()  # an Apple GPU has no float64
    mean.copy_(double.mean(dim=0))
    centred = double - double.mean(dim=0)
    variance, directions = torch.linalg.eigh(centred.T @ centred / max(len(rows) - 1, 1))
    kept = min(len(axes), len(rows) - 1)  # with fewer slices than axes, the other axes are zero
    deviation = variance.flip(0)[:kept].clamp(min=_LEAST_VARIANCE).sqrt()
    axes.zero_()
    axes[:kept] = (directions.flip(1)[:, :kept] * deviation**power).T.half()
