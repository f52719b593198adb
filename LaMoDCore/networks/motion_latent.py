"""The posterior of motion given the masks: samples of the true motion around the predicted one.

The deterministic part of the model predicts one motion û. The true motion relative to it (`ring_basis`, eq. 1) is
nearly a normal variable of few dimensions: its principal components over the training set, each divided by its
standard deviation, are the motion latent w. The mean of w has two parts: a share, fitted per component, of the estimate
from contours alone (`contour_motion`), if the model has one; and for the rest a linear regression on z_reg and û, which
a few hundred slices determine well. A diffusion model samples the deviations from that mean, in units of the residual
scatter times a factor of the slice (`slice_spread`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from LaMoDCore.heart.canonical import FRAMES, SIZE
from LaMoDCore.heart.geometry import Array
from LaMoDCore.heart.ring.motion_basis import RING_ANGLES, TERMS, RingCoordinates, moving_center, relative_motion
from LaMoDCore.networks.balanced_draws import balanced, most_visible_directions
from LaMoDCore.networks.conditional_denoiser import ConditionalDenoiser, RingCondition
from LaMoDCore.networks.diffusion import NoiseSchedule, SamplerName, reverse_process
from LaMoDCore.networks.registration import LATENT_FRAME_STRIDE
from LaMoDCore.runtime.settings_fields import within

#: Harmonics of z_reg on the ring (along the cycle, along the angle) that are inputs of the regression.
_RING_HARMONICS = ((0, 0), (1, 0), (2, 0), (3, 0), (0, 1), (1, 1), (19, 1), (0, 2))
#: Least scale of an input of the regression, and bound of the standardised inputs.
_LEAST_SCALE, _MOST_STANDARD = 1e-2, 4.0
#: Modes with less than this share of the first mode's deviation are dropped.
_LEAST_MODE = 1e-4
#: The predicted motion is an input of the denoiser at every fourth frame.
_MOTION_STRIDE = 4
#: Scale the coefficients of the predicted motion (logarithms) and the radii (mm) to order 1.
_MOTION_UNIT, _RADIUS_MEAN_MM, _RADIUS_UNIT_MM = 0.05, 28.0, 6.0
_MOTION_TERMS = 2 * TERMS * (FRAMES // _MOTION_STRIDE) + RING_ANGLES


@dataclass(frozen=True)
class MotionLatentConfig:
    """Shapes of the motion latent's networks.

    Attributes:
        modes: length of w; 0 means that the model has no motion latent.
        condition: length of the conditioning vector.
        width, blocks: size of the denoiser.
        dropout: dropout probability in both networks.
    """

    modes: int = within(0, 0, 10_000)
    condition: int = within(64, 1, 10_000)
    width: int = within(128, 1, 4096)
    blocks: int = within(2, 0, 64)
    dropout: float = within(0.1, 0, 0.95)


@dataclass(frozen=True, eq=False)
class RingView:
    """Inputs of the motion latent for one slice, or for N slices along an additional first axis.

    Attributes:
        ring: float32 [C, T/2, RING_ANGLES], the normalised z_reg along the middle of the wall.
        motion: float32 [K], the predicted motion and the ring's radii.
        contours: complex64 [T, TERMS], the estimate from contours relative to the predicted motion; None for a model
            without one.
    """

    ring: Tensor
    motion: Tensor
    contours: Tensor | None = None

    def alone(self) -> RingView:
        """One slice with a first axis of length 1."""
        return RingView.of_slices([self])

    @classmethod
    def of_slices(cls, views: Sequence[RingView]) -> RingView:
        """The inputs of several slices along an additional first axis."""
        contours = [view.contours for view in views if view.contours is not None]
        return cls(
            torch.stack([view.ring for view in views]),
            torch.stack([view.motion for view in views]),
            torch.stack(contours) if contours else None,
        )


def ring_view(
    latent: Tensor, displacement: Array, coordinates: RingCoordinates, contours: Array | None = None
) -> RingView:
    """Compute the inputs for one slice.

    Args:
        latent: normalised z_reg [C, T/2, h, w].
        displacement: û [40, 2, 128, 128] on the canonical grid, (x, y) mm.
        coordinates: ring coordinates of the end-diastolic wall.
        contours: result of `ContourMotion.relative_to`.
    """
    middle = coordinates.middle()
    half = SIZE / 2
    points = torch.from_numpy((np.stack([middle.real, -middle.imag], axis=-1) / half).astype(np.float32)).to(latent)
    grid = points[None, None].expand(latent.shape[1], 1, -1, -1)
    ring = functional.grid_sample(latent.transpose(0, 1), grid, align_corners=False)[:, :, 0].transpose(0, 1)
    where, moved = wall_motion(displacement, coordinates)
    center = moving_center(coordinates.center, moved)
    basis = coordinates.at(where)
    stretch = relative_motion(where + moved, where - coordinates.center + center, center, basis)
    radii = (np.abs(middle - coordinates.center) - _RADIUS_MEAN_MM) / _RADIUS_UNIT_MM
    kept = stretch[::_MOTION_STRIDE] / _MOTION_UNIT
    motion = np.concatenate([kept.real.ravel(), kept.imag.ravel(), radii])
    return RingView(
        ring.float(),
        torch.from_numpy(motion.astype(np.float32)).to(latent.device),
        None if contours is None else torch.from_numpy(contours).to(latent.device),
    )


def wall_motion(displacement: Array, coordinates: RingCoordinates, every: int = 2) -> tuple[Array, Array]:
    """Positions [P] and displacements [T, P] in complex mm of wall pixels, every `every`-th row and column."""
    height, width = coordinates.wall.shape
    chosen = np.zeros_like(coordinates.wall)
    chosen[::every, ::every] = coordinates.wall[::every, ::every]
    if not chosen.any():
        chosen = coordinates.wall
    rows, columns = np.nonzero(chosen)
    where = columns - (width - 1) / 2 + 1j * ((height - 1) / 2 - rows)
    moved = displacement[:, 0, rows, columns] - 1j * displacement[:, 1, rows, columns]
    return where, np.asarray(moved, dtype=np.complex128)


class MotionLatent(nn.Module):
    """w <-> relative motion, and p(w | z_reg, û).

    Args:
        config: shapes; `config.modes` > 0.
        latent_channels: C of z_reg.
        contours: whether the model has an estimate from contours.
    """

    mean: Tensor
    modes: Tensor
    told_mean: Tensor
    told_scale: Tensor
    regression: Tensor
    offset: Tensor
    share: Tensor
    scatter: Tensor

    def __init__(self, config: MotionLatentConfig, latent_channels: int, contours: bool = False) -> None:
        super().__init__()
        self.config = config
        self.contours = contours
        inputs = _MOTION_TERMS + latent_channels * len(_RING_HARMONICS) * 2
        # The names of these two buffers are keys of stored weights: mean and scale of the inputs of the regression.
        self.register_buffer("told_mean", torch.zeros(inputs))
        self.register_buffer("told_scale", torch.ones(inputs))
        self.register_buffer("regression", torch.zeros(inputs, config.modes))
        self.register_buffer("offset", torch.zeros(config.modes))
        if contours:
            self.register_buffer("share", torch.zeros(config.modes))
        self.register_buffer("scatter", torch.ones(config.modes))
        self.register_buffer("mean", torch.zeros(2 * TERMS * FRAMES))
        self.register_buffer("modes", torch.zeros(config.modes, 2 * TERMS * FRAMES))
        self.condition = RingCondition(
            latent_channels, FRAMES // LATENT_FRAME_STRIDE, RING_ANGLES, _MOTION_TERMS, config.condition, config.dropout
        )
        self.unknown = nn.Parameter(torch.zeros(config.condition))
        self.denoiser = ConditionalDenoiser(config.modes, config.condition, config.width, config.blocks, config.dropout)

    def fit_modes(self, relative: Array) -> float:
        """Compute the principal components of relative motions [N, T, TERMS] complex; returns their share of energy.

        Each mode is stored times its standard deviation, so that w has unit variance in every component.
        """
        rows = _flat(relative)
        mean = rows.mean(axis=0)
        _, scale, directions = np.linalg.svd(rows - mean, full_matrices=False)
        # At most as many modes as slices: further directions are noise, which must not describe held-out slices.
        count = min(self.config.modes, int((scale > _LEAST_MODE * scale[0]).sum()))
        deviation = scale[:count] / np.sqrt(max(len(rows) - 1, 1))
        self.mean.copy_(torch.from_numpy(mean))
        self.modes.zero_()
        self.modes[:count] = torch.from_numpy(deviation[:, None] * directions[:count])
        return float((scale[:count] ** 2).sum() / (scale**2).sum())

    def fit_expectation(self, views: RingView, code: Tensor, ridge: float, trust: float = 1.0) -> Tensor:
        """Fit the shares of the estimate from contours, the ridge regression of the rest of w, and the scatter around.

        Args:
            views: N training slices.
            code: their w, [N, modes].
            ridge: weight of the squared coefficients, in slices; the inputs have unit variance.
            trust: factor on the fitted shares. These slices come from the same generator as the training data of the
                estimate from contours, which is less accurate on other hearts.

        Returns:
            offsets [N, modes] of the training slices from the leave-one-out prediction, in units of the scatter.
        """
        if self.contours:
            estimate = self._code_of_contours(views)
            energy = estimate.square().sum(dim=0).clamp(min=1e-12)
            self.share.copy_(trust * ((code * estimate).sum(dim=0) / energy).clamp(0.0, 1.0))
            code = code - self.share * estimate
        inputs = _regression_inputs(views)
        self.told_mean.copy_(inputs.mean(dim=0))
        self.told_scale.copy_(inputs.std(dim=0) + _LEAST_SCALE)
        rows = self._standardised_inputs(views).cpu().double()
        self.offset.copy_(code.mean(dim=0))
        centred = (code - self.offset).cpu().double()
        # The dual form, with as many unknowns as slices rather than inputs.
        kernel = rows @ rows.T + ridge * torch.eye(len(rows), dtype=torch.float64)
        self.regression.copy_(rows.T @ torch.linalg.solve(kernel, centred))
        # Leave-one-out residuals from the kernel, since the residuals of the fit itself are too small.
        inverse = torch.linalg.inv(kernel)
        left_out = (inverse @ centred) / inverse.diagonal()[:, None]
        self.scatter.copy_(left_out.std(dim=0).clamp(min=1e-3))
        offsets: Tensor = left_out.to(self.scatter) / self.scatter
        return offsets

    def expected(self, views: RingView) -> Tensor:
        """Mean of w given the inputs of N slices, [N, modes]."""
        expected = self.offset + self._standardised_inputs(views) @ self.regression
        return expected + self.share * self._code_of_contours(views) if self.contours else expected

    def _directions(self) -> Array:
        """Directions of the latent in units of the scatter, those with most effect first, see `balanced_draws`."""
        return most_visible_directions(_complex((self.scatter[:, None] * self.modes).cpu().numpy()))

    def _standardised_inputs(self, views: RingView) -> Tensor:
        standard = (_regression_inputs(views) - self.told_mean) / self.told_scale
        return standard.clamp(-_MOST_STANDARD, _MOST_STANDARD)

    def _code_of_contours(self, views: RingView) -> Tensor:
        assert views.contours is not None  # a model whose motion latent uses contours provides them
        return self.encode(views.contours.cpu().numpy())

    def encode(self, relative: Array) -> Tensor:
        """Relative motions [N, T, TERMS] complex -> w [N, modes]."""
        rows = torch.from_numpy(_flat(relative)).to(self.mean) - self.mean
        return rows @ self.modes.T / self.modes.square().sum(dim=1).clamp(min=1e-12)

    def decode(self, code: Tensor) -> Array:
        """w [..., modes] -> relative motion complex64 [..., T, TERMS]."""
        return _complex((self.mean + code.float() @ self.modes).cpu().numpy())

    def centred_samples(self, codes: Tensor) -> Array:
        """Samples [N, modes] as relative motions [N, T, TERMS] of mean zero, so that the predicted motion is unchanged.

        Their spread has to be computed with N − 1 degrees of freedom.
        """
        centred = codes - codes.mean(dim=0, keepdim=True)
        return _complex((centred.float() @ self.modes).cpu().numpy())

    def expected_relative(self, view: RingView) -> Array:
        """Expected relative motion of one slice, complex64 [T, TERMS]."""
        relative: Array = self.decode(self.expected(view.alone()))[0]
        return relative

    def velocity(self, noisy: Tensor, step: Tensor, condition: Tensor) -> Tensor:
        """v of w^(m) [N, modes] at steps [N], given the condition vector [N, K]."""
        velocity: Tensor = self.denoiser(noisy, step, condition)
        return velocity

    def sample(
        self, view: RingView, count: int, schedule: NoiseSchedule, generator: torch.Generator, **options: Any
    ) -> Tensor:
        """Draw w given one slice, [count, modes]; options of `sample_slices`, with a `spread` of shape [modes]."""
        if isinstance(options.get("spread"), Tensor):
            options["spread"] = options["spread"][None]
        return self.sample_slices(view.alone(), count, schedule, generator, **options)[0]

    @torch.no_grad()
    def sample_slices(
        self,
        views: RingView,
        count: int,
        schedule: NoiseSchedule,
        generator: torch.Generator,
        *,
        sampler: SamplerName = "ddim",
        steps: int = 25,
        guidance: float = 1.0,
        spread: Tensor | float = 1.0,
        balance: bool = True,
    ) -> Tensor:
        """Draw w given each of N slices, [N, count, modes]: around `expected`, in units of `scatter` × `spread`.

        Every slice has the same random numbers, so that its samples do not depend on the others.

        Args:
            views: inputs of the slices.
            count: number of samples of each.
            schedule: schedule of the training.
            generator: random generator on the CPU.
            sampler: "ddpm" takes every step of the schedule, "ddim" takes `steps`.
            steps: number of DDIM steps.
            guidance: 1 samples the learned posterior; larger values move away from the unconditional prediction
                (Ho & Salimans 2021, eq. 6), which narrows the posterior.
            spread: factors of the slices [N, modes], see `SliceSpread`.
            balance: start three or more samples from balanced noise, see `balanced_draws`. Their scatter is right, but
                they are not independent draws, as scores of samples assume.
        """
        slices = len(views.motion)
        condition = self.condition(views.ring, views.motion).repeat_interleave(count, dim=0)
        alpha_bar = schedule.alpha_bar().float().to(condition.device)

        def draw() -> Tensor:
            return torch.randn((count, self.config.modes), generator=generator).to(condition.device)

        def draw_for_all() -> Tensor:
            return draw().repeat(slices, 1)

        def predict_noise(noisy: Tensor, step: Tensor) -> Tensor:
            velocity = self.velocity(noisy, step, condition)
            if guidance != 1.0:
                free = self.velocity(noisy, step, self.unknown.expand(len(noisy), -1))
                velocity = free + guidance * (velocity - free)
            signal = alpha_bar[step][:, None]
            return signal.sqrt() * velocity + (1 - signal).sqrt() * noisy

        start = balanced(draw(), self._directions()) if balance else draw()
        around = reverse_process(
            start.repeat(slices, 1),
            predict_noise,
            alpha_bar,
            draw_for_all,
            sampler=sampler,
            start=schedule.steps,
            steps=steps,
        )
        factors = spread[:, None] if isinstance(spread, Tensor) else spread
        return self.expected(views)[:, None] + factors * self.scatter * around.view(slices, count, -1)


def _regression_inputs(views: RingView) -> Tensor:
    """Inputs of the regression: the motion's numbers and low harmonics of z_reg on the ring, [N, F]."""
    spectrum = torch.fft.fft2(views.ring.float(), norm="forward")
    chosen = torch.stack([spectrum[:, :, t, a] for t, a in _RING_HARMONICS], dim=2)
    return torch.cat([views.motion, chosen.real.flatten(1), chosen.imag.flatten(1)], dim=1)


def _flat(relative: Array) -> Array:
    """[N, T, TERMS] complex -> float32 [N, 2·T·TERMS], all stretches before all angles."""
    parts = np.stack([relative.real, relative.imag], axis=1)
    return np.asarray(parts.reshape(len(relative), -1), dtype=np.float32)


def _complex(rows: Array) -> Array:
    """The inverse of `_flat`, complex64 [..., T, TERMS]."""
    parts = rows.reshape(*rows.shape[:-1], 2, FRAMES, TERMS)
    return np.asarray(parts[..., 0, :, :] + 1j * parts[..., 1, :, :], dtype=np.complex64)
