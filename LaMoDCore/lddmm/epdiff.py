"""Geodesic shooting: EPDiff in integrated form, which transports the initial momentum.

Along a geodesic of the fluid metric the momentum m = L v is transported by the coadjoint action of the flow,
    m_t = Ad*_{φ_t⁻¹} m₀ = |Dφ_t⁻¹| (Dφ_t⁻¹)ᵀ m₀∘φ_t⁻¹,      v_t = K m_t,
which is EPDiff, dv/dt = −K[(Dv)ᵀm + Dm v + m div v], in integrated form (Miller, Trouvé and Younes, "Geodesic
shooting for computational anatomy", J. Math. Imaging Vis. 24, 2006; Younes, "Shapes and Diffeomorphisms", 2010,
ch. 11). Only the two maps are integrated in time,
    ∂φ/∂t = v_t∘φ_t,      ∂φ⁻¹/∂t = −(Dφ⁻¹) v_t,
as ordinary differential equations of their values at the pixels, so that every integrator keeps its order.
m₀ may be rough, since it is interpolated and never differentiated.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor
from torch.nn.functional import pad
from torch.utils.checkpoint import checkpoint as recompute

from LaMoDCore.lddmm.differences import gradient, jacobian_determinant
from LaMoDCore.lddmm.interpolation import (
    sample_cubic,
    sample_linear_displaced,
    sampling_places,
    spline_symbol,
    spline_values,
)
from LaMoDCore.lddmm.metric import FluidMetric, apply_symbol

Integrator = Literal["euler", "ab2", "rk2", "rk4"]
Interpolation = Literal["linear", "cubic"]

#: Width of the periodic grid beyond the image in lengths √((α+β)/γ), over which K falls below 1 %.
MARGIN_LENGTHS = 6.0
MIN_MARGIN_PIXELS = 8
#: Cut-off frequency of the momentum, radians per pixel.
BAND = math.pi / 2
#: Pixels that a CPU processes at once: their dozen fields fit in the second-level cache of a core.
CACHED_PIXELS = 131072


@dataclass(frozen=True, eq=False)
class GeodesicPath:
    """States along a geodesic at the S + 1 times 0, 1/S, …, 1.

    Attributes:
        forward, inverse: [S+1, N, 2, H, W] mm: φ_t − id and φ_t⁻¹ − id.
        velocity: [S+1, N, 2, H, W] mm per unit of time.
        energy: [S+1, N]: ⟨v_t, L v_t⟩, constant along a geodesic.
    """

    forward: Tensor
    inverse: Tensor
    velocity: Tensor
    energy: Tensor


@dataclass(frozen=True, eq=False)
class Shot:
    """The end point of a geodesic.

    Attributes:
        forward: [N, 2, H, W] mm: φ − id; carries points.
        inverse: [N, 2, H, W] mm: φ⁻¹ − id; warps images, ``warp_image(image, shot.inverse, spacing_mm)``.
        jacobian: [N, H, W]: det Dφ.
        path: states along the geodesic, if requested.
    """

    forward: Tensor
    inverse: Tensor
    jacobian: Tensor
    path: GeodesicPath | None = None


def shoot(
    v0: Tensor,
    metric: FluidMetric,
    spacing_mm: tuple[float, float] = (1.0, 1.0),
    steps: int = 10,
    integrator: Integrator = "rk4",
    *,
    interpolation: Interpolation | None = None,
    return_path: bool = False,
    checkpoint: bool = False,
) -> Shot:
    """Integrate the geodesic of ``metric`` from an initial velocity over one unit of time.

    The image is a window on a wider periodic grid. The velocity fades out in its margin, so that nothing leaves on one
    side and enters on the other. Differentiable in ``v0``.

    Args:
        v0: initial velocity [N, 2, H, W] in mm, channels (x, y).
        metric: the fluid metric.
        spacing_mm: (dx, dy).
        steps: number of time steps.
        integrator: "euler" (order 1) and "ab2" (Adams–Bashforth, order 2) evaluate K once per step, "rk2" (midpoint,
            order 2) twice, "rk4" (order 4) four times.
        interpolation: interpolation of m₀ and v between pixels: "cubic" B-spline, or "linear", which is faster and
            less accurate; by default linear for integrators with one evaluation per step, otherwise cubic.
        return_path: also return φ_t, φ_t⁻¹, v_t and the energy at every step.
        checkpoint: recompute the steps in the backward pass instead of storing them: memory grows with the logarithm
            of the number of steps instead of linearly, and the time by about that factor.

    Raises:
        ValueError: a shape, an option or the number of steps is invalid.
    """
    interpolation = interpolation or ("linear" if integrator in ("euler", "ab2") else "cubic")
    _check(v0, spacing_mm, steps, integrator, interpolation)
    step = _INTEGRATORS[integrator]
    shots: list[tuple[Tensor, Tensor, GeodesicPath | None]] = []
    for part in torch.split(v0, _fields_at_once(v0)):
        flow = _Flow(part, metric, spacing_mm, interpolation)
        if return_path:
            states, before = [flow.start], None
            for _ in range(steps):
                state, before = _march(step, flow.rate, (states[-1], before), 1.0 / steps, 1, checkpoint)
                states.append(state)
            shots.append((*states[-1], _path(flow, states)))
        else:
            end, _ = _march(step, flow.rate, (flow.start, None), 1.0 / steps, steps, checkpoint)
            shots.append((*end, None))
    forwards, inverses, paths = zip(*shots, strict=True)
    forward = _join(forwards, 0)
    return Shot(
        forward,
        _join(inverses, 0),
        jacobian_determinant(forward, spacing_mm),
        _join_paths([path for path in paths if path is not None]),
    )


#: φ − id and φ⁻¹ − id, each [N, 2, H, W] mm.
State = tuple[Tensor, Tensor]
Rate = Callable[[State], State]
#: State of the integration: the maps, and their rate one step earlier for multistep methods.
Progress = tuple[State, State | None]


class _Flow:
    """Right-hand side of the equations of both maps for one batch of initial velocities."""

    def __init__(
        self,
        velocity: Tensor,
        metric: FluidMetric,
        spacing_mm: tuple[float, float],
        interpolation: Interpolation,
    ) -> None:
        height, width = velocity.shape[-2:]
        dx, dy = spacing_mm
        self.spacing_mm = spacing_mm
        self.metric = metric
        self.cubic = interpolation == "cubic"
        grid_height, self.top = wide_grid(height, metric.length_mm / dy)
        grid_width, self.left = wide_grid(width, metric.length_mm / dx)
        self.grid = (grid_height, grid_width)
        self.velocity = velocity

        self.start: State = (torch.zeros_like(velocity), torch.zeros_like(velocity))
        wide = _extend(velocity, self.grid, (self.top, self.left))
        coupled = metric.beta > 0
        operator = metric.symbol(self.grid, spacing_mm, metric.power, velocity)
        momentum = apply_symbol(torch.fft.rfft2(wide), operator, coupled) * _band(self.grid, velocity)
        self.momentum = torch.fft.irfft2(momentum, s=self.grid)
        self.smoother = metric.symbol(self.grid, spacing_mm, -metric.power, velocity)
        if self.cubic:
            spline = spline_symbol(self.grid, velocity)
            self.smoother = self.smoother / spline
            self.samples = torch.fft.irfft2(momentum / spline, s=self.grid)
        else:
            self.samples = self.momentum
        # Only the momentum of the image is transported; that of the margin is constant.
        bottom, right = grid_height - height - self.top, grid_width - width - self.left
        self.margins = (self.left, right, self.top, bottom)
        still = self.momentum - pad(self._window(self.momentum, 0), self.margins)
        self.still = torch.fft.rfft2(still)
        inverse_operator = metric.symbol(self.grid, spacing_mm, -metric.power, velocity)
        self.initial = self._window(torch.fft.irfft2(apply_symbol(momentum, inverse_operator, coupled), s=self.grid), 0)

        self.x = (self.left + torch.arange(width)).to(velocity)
        self.y = (self.top + torch.arange(height)).to(velocity)[:, None]
        if not self.cubic:
            self.places, self.reach = sampling_places(self.grid, self.x, self.y, spacing_mm)

    def rate(self, state: State) -> State:
        """d/dt of φ and of φ⁻¹."""
        forward, inverse = state
        if state is self.start:
            return self.initial, -self.initial
        along_x, along_y = gradient(inverse, self.spacing_mm)
        spectrum = torch.fft.rfft2(pad(self._momentum(inverse, along_x, along_y), self.margins))
        field = torch.fft.irfft2(apply_symbol(spectrum + self.still, self.smoother, self.metric.beta > 0), s=self.grid)
        inner = spline_values(self._window(field, 1)) if self.cubic else self._window(field, 0)
        turn = torch.addcmul(torch.addcmul(inner, along_x, inner[:, :1]), along_y, inner[:, 1:])
        return self._sample(field, forward), -turn

    def velocity_and_energy(self, state: State) -> tuple[Tensor, Tensor]:
        """v_t [N, 2, H, W] and ⟨v_t, m_t⟩ [N]."""
        inverse = state[1]
        moved = self._momentum(inverse, *gradient(inverse, self.spacing_mm))
        spectrum = torch.fft.rfft2(pad(moved, self.margins)) + self.still
        symbol = self.metric.symbol(self.grid, self.spacing_mm, -self.metric.power, moved)
        momentum = torch.fft.irfft2(spectrum, s=self.grid)
        velocity = torch.fft.irfft2(apply_symbol(spectrum, symbol, self.metric.beta > 0), s=self.grid)
        energy = (velocity * momentum).sum(dim=(1, 2, 3)) * (self.spacing_mm[0] * self.spacing_mm[1])
        return self._window(velocity, 0), energy

    def _momentum(self, inverse: Tensor, along_x: Tensor, along_y: Tensor) -> Tensor:
        """m_t = |Dψ| (Dψ)ᵀ m₀∘ψ with ψ = φ_t⁻¹: [N, 2, H, W]."""
        xx, xy, yx, yy = 1 + along_x[:, 0], along_y[:, 0], along_x[:, 1], 1 + along_y[:, 1]
        area = xx * yy - xy * yx
        carried = self._sample(self.samples, inverse)
        weighted_x, weighted_y = area * carried[:, 0], area * carried[:, 1]
        return torch.stack(
            (
                torch.addcmul(xx * weighted_x, yx, weighted_y),
                torch.addcmul(xy * weighted_x, yy, weighted_y),
            ),
            dim=1,
        )

    def _window(self, wide: Tensor, rim: int) -> Tensor:
        """The part of a field on the wide grid that covers the image, plus ``rim`` pixels on every side."""
        height, width = self.velocity.shape[-2:]
        return wide[
            ...,
            self.top - rim : self.top + height + rim,
            self.left - rim : self.left + width + rim,
        ]

    def _sample(self, samples: Tensor, displacement: Tensor) -> Tensor:
        if self.cubic:
            x = torch.add(self.x, displacement[:, 0], alpha=1 / self.spacing_mm[0])
            y = torch.add(self.y, displacement[:, 1], alpha=1 / self.spacing_mm[1])
            return sample_cubic(samples, x, y)
        return sample_linear_displaced(samples, displacement, self.places, self.reach)


def _euler(rate: Rate, now: Progress, dt: float) -> Progress:
    state, _ = now
    return _ahead(state, rate(state), dt), None


def _ab2(rate: Rate, now: Progress, dt: float) -> Progress:
    """Adams–Bashforth of order 2; the first step uses the midpoint rule."""
    state, before = now
    slope = rate(state)
    if before is None:
        return _ahead(state, rate(_ahead(state, slope, dt / 2)), dt), slope
    return _ahead(_ahead(state, slope, 1.5 * dt), before, -0.5 * dt), slope


def _rk2(rate: Rate, now: Progress, dt: float) -> Progress:
    state, _ = now
    half = _ahead(state, rate(state), dt / 2)
    return _ahead(state, rate(half), dt), None


def _rk4(rate: Rate, now: Progress, dt: float) -> Progress:
    state, _ = now
    first = rate(state)
    second = rate(_ahead(state, first, dt / 2))
    third = rate(_ahead(state, second, dt / 2))
    fourth = rate(_ahead(state, third, dt))
    forward, inverse = (a + 2 * (b + c) + d for a, b, c, d in zip(first, second, third, fourth, strict=True))
    return _ahead(state, (forward, inverse), dt / 6), None


def _ahead(state: State, rate: State, dt: float) -> State:
    return torch.add(state[0], rate[0], alpha=dt), torch.add(state[1], rate[1], alpha=dt)


Step = Callable[[Rate, Progress, float], Progress]
_INTEGRATORS: dict[str, Step] = {"euler": _euler, "ab2": _ab2, "rk2": _rk2, "rk4": _rk4}


def _march(step: Step, rate: Rate, now: Progress, dt: float, steps: int, checkpoint: bool) -> Progress:
    """Take ``steps`` steps; with ``checkpoint``, each half is recomputed for the gradient, recursively."""
    if not checkpoint:
        for _ in range(steps):
            now = step(rate, now, dt)
        return now
    if steps == 1:
        after: Progress = recompute(step, rate, now, dt, use_reentrant=False)
        return after
    half = steps // 2
    for part in (half, steps - half):
        now = recompute(_march, step, rate, now, dt, part, True, use_reentrant=False)
    return now


def _path(flow: _Flow, states: list[State]) -> GeodesicPath:
    velocities, energies = zip(*(flow.velocity_and_energy(state) for state in states), strict=True)
    forwards, inverses = zip(*states, strict=True)
    return GeodesicPath(*(torch.stack(parts) for parts in (forwards, inverses, velocities, energies)))


def _join_paths(paths: list[GeodesicPath]) -> GeodesicPath | None:
    if not paths:
        return None
    return GeodesicPath(
        _join([path.forward for path in paths], 1),
        _join([path.inverse for path in paths], 1),
        _join([path.velocity for path in paths], 1),
        _join([path.energy for path in paths], 1),
    )


def _join(parts: Sequence[Tensor], dim: int) -> Tensor:
    return parts[0] if len(parts) == 1 else torch.cat(tuple(parts), dim=dim)


def _fields_at_once(velocity: Tensor) -> int:
    """Number of fields that are integrated together: on a CPU as many as fit in its cache, otherwise all."""
    fields, _, height, width = velocity.shape
    if velocity.device.type != "cpu":
        return max(fields, 1)
    return max(1, CACHED_PIXELS // (height * width))


def wide_grid(size: int, length_pixels: float) -> tuple[int, int]:
    """Size of the periodic grid, for which FFTs are fast, and the index at which the image starts."""
    margin = min(max(math.ceil(MARGIN_LENGTHS * length_pixels), MIN_MARGIN_PIXELS), max(size, MIN_MARGIN_PIXELS))
    wide = size + margin
    wide += -wide % 8
    while not _smooth(wide):
        wide += 8
    return wide, (wide - size) // 2


def _smooth(number: int) -> bool:
    for prime in (2, 3, 5, 7):
        while number % prime == 0:
            number //= prime
    return number == 1


def _band(grid: tuple[int, int], like: Tensor) -> Tensor:
    """Low-pass filter of the initial momentum, [H, W // 2 + 1]: 1 for wavelengths above about five pixels, 0 at two."""
    kx = 2 * math.pi * torch.fft.rfftfreq(grid[1], dtype=torch.float64)[None, :]
    ky = 2 * math.pi * torch.fft.fftfreq(grid[0], dtype=torch.float64)[:, None]
    return torch.exp(-((kx / BAND) ** 8) - (ky / BAND) ** 8).to(like)


def _extend(velocity: Tensor, grid: tuple[int, int], start: tuple[int, int]) -> Tensor:
    """Extend the edge values into the margin, fading to zero at the seam of the periodic grid."""
    height, width = velocity.shape[-2:]
    (grid_height, grid_width), (top, left) = grid, start
    bottom, right = grid_height - height - top, grid_width - width - left
    wide = pad(velocity, (left, right, top, bottom), mode="replicate")
    fade_y = _fade(height, top, bottom, velocity)[:, None]
    return wide * fade_y * _fade(width, left, right, velocity)


def _fade(size: int, before: int, after: int, like: Tensor) -> Tensor:
    """Weights that are 1 on the image and fall as cos² to 0 at the outermost pixels of the margin."""
    rise = torch.sin(torch.arange(before) * (math.pi / 2 / before)) ** 2
    fall = torch.sin(torch.arange(after) * (math.pi / 2 / after)) ** 2
    return torch.cat((rise, torch.ones(size), fall.flip(0))).to(like)


def _check(velocity: Tensor, spacing_mm: tuple[float, float], steps: int, integrator: str, interpolation: str) -> None:
    if velocity.ndim != 4 or velocity.shape[1] != 2 or min(velocity.shape[-2:]) < 4:
        raise ValueError(f"v0 must be [N, 2, H, W] with H, W ≥ 4, got {tuple(velocity.shape)}")
    if len(spacing_mm) != 2 or not all(s > 0 for s in spacing_mm):
        raise ValueError(f"spacing_mm must be two positive numbers (dx, dy), got {spacing_mm}")
    if steps < 1:
        raise ValueError(f"steps must be at least 1, got {steps}")
    if integrator not in _INTEGRATORS:
        raise ValueError(f"integrator must be one of {', '.join(_INTEGRATORS)}, got {integrator!r}")
    if interpolation not in ("linear", "cubic"):
        raise ValueError(f"interpolation must be linear or cubic, got {interpolation!r}")
