"""Geometric estimate of motion from masks, without learning: translation, contraction and thickening of the ring.

A network would need many thousands of steps to learn what follows from geometry: that a ring whose centre moves has
moved, and that a wall point stays between endo- and epicardium. So this estimate is computed from the masks and carried
along in the latent; the motion decoder adds what geometry does not determine: rotation, sliding along the wall, and the
correction of contours with small errors.
"""

from __future__ import annotations

import math
from functools import lru_cache

import torch
from torch import Tensor
from torch.nn import functional

from LaMoDCore.heart.canonical import SIZE

#: Channels of the packed estimate in a latent, and mm per unit there.
GUESS_CHANNELS = 16
GUESS_SCALE_MM = 4.0
#: Canonical pixels (mm) per control point of the estimate, along each axis.
_CONTROL = 4
_ANGLES = 48
_RADII = 62
#: SD of the smoothing along the contour.
_SMOOTH_RAD = math.radians(9.0)
#: SD of the smoothing over the cycle, as a share of it.
_SMOOTH_CYCLE = 1.5 / 40
#: Rays through less wall than this (mm) have less weight, since they may pass a gap in the ring.
_WHOLE_WALL_MM = 2.0
#: The motion is extrapolated this far (mm) beyond the wall, then constant outside and tapered to 0 at the centre.
_BEYOND_MM = 4.0
#: Masks with less wall than this (mm²) have no ring.
LEAST_AREA = 20.0


@torch.no_grad()
def ring_motion(masks: Tensor) -> Tensor:
    """Displacement of a wall whose points keep their angle and their share of the wall's area.

    Contours are drawn frame by frame with independent errors, and that of frame 0 would affect the motion of every
    frame; so centre and radii are smoothed slightly over the cycle. About the centroid of the wall at each frame, every
    ray has an endocardial radius a(θ) and an epicardial radius b(θ). The share s = (r² − a₀²)/(b₀² − a₀²) of the wall
    lies inside a point of frame 0 at radius r; at frame τ the point is at the radius with the same share,
    r_τ = √(a_τ² + s(b_τ² − a_τ²)).

    Args:
        masks: [N, 1, T, 128, 128], 0…1.

    Returns:
        control points of a cubic B-spline, one per 4 mm, float32 [N, 2, T, 32, 32] in mm; 0 without a ring and at
        frame 0.
    """
    n, _, frames, height, width = masks.shape
    pictures = masks.float().reshape(n * frames, 1, height, width)
    x = torch.arange(width, device=masks.device, dtype=torch.float32)
    area = pictures.sum(dim=(1, 2, 3))
    usable = (area > LEAST_AREA).view(n, frames)
    total = area.clamp(min=LEAST_AREA)
    centre = torch.stack(
        [(pictures.sum(dim=(1, 2)) * x).sum(1) / total, (pictures.sum(dim=(1, 3)) * x).sum(1) / total], 1
    )
    inner, outer = _radii(pictures, centre)
    inner, outer, centre = inner.view(n, frames, -1), outer.view(n, frames, -1), centre.view(n, frames, 2)

    smooth = _cycle_smoothing(frames, masks.device) * usable[:, None]
    smooth = smooth / smooth.sum(dim=2, keepdim=True).clamp(min=1e-6)
    inner, outer, centre = (smooth @ values for values in (inner, outer, centre))
    where = _control_positions(masks.device)  # [P, 2]
    ray = where - centre[:, :1]  # [N, P, 2]
    radius = ray.norm(dim=-1)
    angle = torch.atan2(ray[..., 1], ray[..., 0])
    a, b = _at_angle(inner, angle), _at_angle(outer, angle)  # [N, T, P]
    radial = _radial_displacement(radius[:, None], a[:, :1], b[:, :1], a, b)
    direction = ray / radius.clamp(min=1e-3)[..., None]
    moved = radial[..., None] * direction[:, None] + (centre - centre[:, :1])[:, :, None]
    moved = moved * (usable & usable[:, :1])[..., None, None]
    side = SIZE // _CONTROL
    return _spline_coefficients(moved.permute(0, 3, 1, 2).reshape(n, 2, frames, side, side))


def _radii(pictures: Tensor, centre: Tensor) -> tuple[Tensor, Tensor]:
    """Endo- and epicardial radius (mm) along each ray from the centre, smoothed along the contour, [M, A] each."""
    wall, middle = wall_along_rays(pictures, centre)
    weight = (wall / _WHOLE_WALL_MM).clamp(max=1.0) + 1e-6
    kernel = _contour_smoothing(pictures.device)
    total = weight @ kernel
    wall, middle = (weight * wall) @ kernel / total, (weight * middle) @ kernel / total
    return (middle - wall / 2).clamp(min=1.0), middle + wall / 2 + 1e-3


def wall_along_rays(pictures: Tensor, centre: Tensor) -> tuple[Tensor, Tensor]:
    """Thickness of the wall along each ray and radius of its middle, mm, [M, A] each.

    Args:
        pictures: [M, 1, 128, 128], 0…1.
        centre: [M, 2], pixel coordinates (x, y) of the rays' origin; angles run clockwise from +x.
    """
    rays = _rays(pictures.device)  # [A, R, 2]
    grid = (centre[:, None, None] + rays + 0.5) * (2 / SIZE) - 1
    along = functional.grid_sample(pictures, grid, align_corners=False)[:, 0]  # [M, A, R]
    radii = rays.norm(dim=-1)[0]
    wall = along.sum(-1)
    return wall, (along * radii).sum(-1) / wall.clamp(min=1e-3)


def _radial_displacement(r: Tensor, a0: Tensor, b0: Tensor, a: Tensor, b: Tensor) -> Tensor:
    """Change of radius of points at radius r of frame 0; arguments broadcast to [N, T, P]."""
    held = r.maximum(a0).minimum(b0 + _BEYOND_MM)
    share = (held.square() - a0.square()) / (b0.square() - a0.square()).clamp(min=1.0)
    change = (a.square() + share * (b.square() - a.square())).clamp(min=0.25).sqrt() - held
    gain = (b.square() - a.square()) / (b0.square() - a0.square()).clamp(min=1.0)
    slope = (a0 / a.clamp(min=1.0) * gain - 1).clamp(-0.9, 1.5)
    depth = (a0 - r).clamp(min=0)
    continued = change - slope * depth.clamp(max=_BEYOND_MM)
    return continued * (r / (a0 - _BEYOND_MM).clamp(min=1.0)).clamp(max=1.0)


def _at_angle(values: Tensor, angle: Tensor) -> Tensor:
    """values [N, T, A] around the circle, linearly interpolated at angle [N, P] -> [N, T, P]."""
    position = (angle / (2 * math.pi)).remainder(1.0) * _ANGLES
    low = position.floor()
    share = (position - low)[:, None]
    first = low.long().remainder(_ANGLES)[:, None].expand(-1, values.shape[1], -1)
    second = (first + 1).remainder(_ANGLES)
    return values.gather(2, first) * (1 - share) + values.gather(2, second) * share


def _spline_coefficients(samples: Tensor) -> Tensor:
    """Coefficients whose cubic B-spline interpolates the samples to fourth order: (−1, 8, −1)/6 along each axis."""
    for axis in (-1, -2):
        before = torch.cat([samples.narrow(axis, 0, 1), samples.narrow(axis, 0, samples.shape[axis] - 1)], axis)
        after = torch.cat([samples.narrow(axis, 1, samples.shape[axis] - 1), samples.narrow(axis, -1, 1)], axis)
        samples = (8 * samples - before - after) / 6
    return samples


@lru_cache(maxsize=4)
@torch.inference_mode(False)
def _control_positions(device: torch.device) -> Tensor:
    """Pixel coordinates (x, y) of the control points, [P, 2]."""
    line = (torch.arange(SIZE // _CONTROL, device=device, dtype=torch.float32) + 0.5) * _CONTROL - 0.5
    y, x = torch.meshgrid(line, line, indexing="ij")
    return torch.stack([x.flatten(), y.flatten()], dim=1)


@lru_cache(maxsize=4)
@torch.inference_mode(False)
def _rays(device: torch.device) -> Tensor:
    """Offsets (x, y) in mm along rays from the centre, [A, R, 2]."""
    angle = torch.arange(_ANGLES, device=device, dtype=torch.float32) * (2 * math.pi / _ANGLES)
    radius = torch.arange(_RADII, device=device, dtype=torch.float32) + 0.5
    return torch.stack([angle.cos()[:, None] * radius, angle.sin()[:, None] * radius], dim=-1)


@lru_cache(maxsize=4)
@torch.inference_mode(False)
def _contour_smoothing(device: torch.device) -> Tensor:
    """Circular Gaussian weights [A, A]."""
    angle = torch.arange(_ANGLES, device=device, dtype=torch.float32) * (2 * math.pi / _ANGLES)
    distance = torch.remainder(angle[:, None] - angle[None] + math.pi, 2 * math.pi) - math.pi
    return torch.exp(-0.5 * (distance / _SMOOTH_RAD).square())


@lru_cache(maxsize=4)
@torch.inference_mode(False)
def _cycle_smoothing(frames: int, device: torch.device) -> Tensor:
    """Periodic Gaussian weights over the cycle, [T, T]."""
    phase = torch.arange(frames, device=device, dtype=torch.float32) / frames
    distance = torch.remainder(phase[:, None] - phase[None] + 0.5, 1.0) - 0.5
    return torch.exp(-0.5 * (distance / _SMOOTH_CYCLE).square())


def pack(control: Tensor) -> Tensor:
    """Control points [N, 2, T, 32, 32] in mm -> the latent's shape, [N, 16, T/2, 16, 16], without loss."""
    n, c, t, h, w = control.shape
    blocks = control.reshape(n, c, t // 2, 2, h // 2, 2, w // 2, 2)
    return blocks.permute(0, 1, 3, 5, 7, 2, 4, 6).reshape(n, 8 * c, t // 2, h // 2, w // 2) / GUESS_SCALE_MM


def unpack(packed: Tensor) -> Tensor:
    """The inverse of `pack`."""
    n, c, t, h, w = packed.shape
    blocks = packed.float().reshape(n, c // 8, 2, 2, 2, t, h, w)
    return blocks.permute(0, 1, 5, 2, 6, 3, 7, 4).reshape(n, c // 8, 2 * t, 2 * h, 2 * w) * GUESS_SCALE_MM
