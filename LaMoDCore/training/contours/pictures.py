"""Pictures with random contrast, geometry and artefacts, drawn from maps of tissue and label.

As in SynthSeg (Billot et al. 2023), each tissue gets a random intensity in every picture, so the network cannot rely
on the contrast of one scanner. Most pictures keep what bSSFP images share: blood brighter than muscle, dark lung.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from LaMoDCore.phantom.imaging.scene import Tissue
from LaMoDCore.training.contours.scenes import CAVITY, CODES, RIGHT, WALL

#: Subpixels along each side of a pixel; label shares of a pixel are exact to a quarter.
_OVERSAMPLING = 2
#: Share of the pictures whose intensities are those of bSSFP; the others have any.
_USUAL = 0.8
#: Range of each tissue's signal relative to that of the left ventricle's blood.
_SIGNALS = {
    Tissue.AIR: (0.0, 0.06),
    Tissue.LUNG: (0.02, 0.22),
    Tissue.MYOCARDIUM: (0.15, 0.60),
    Tissue.BLOOD: (1.0, 1.0),
    Tissue.FAT: (0.35, 1.7),
    Tissue.MUSCLE: (0.12, 0.55),
    Tissue.LIVER: (0.12, 0.65),
    Tissue.PERICARDIUM: (0.03, 0.4),
    Tissue.MEDIASTINUM: (0.15, 1.1),
}
#: Smallest difference between wall and cavity in pictures with any intensities.
_LEAST_CONTRAST = 0.25


@dataclass(frozen=True)
class PictureSize:
    """Size of the training pictures and of their input to the network.

    Attributes:
        side: pixels along both sides.
        pixel_mm: their nominal size; pictures are enlarged or reduced by up to a quarter.
        clip_percentiles: (low, high) at which intensities are clipped before they are scaled to 0–1.
    """

    side: int = 128
    pixel_mm: float = 1.6
    clip_percentiles: tuple[float, float] = (0.5, 99.0)


def draw_pictures(
    maps: Tensor, map_pixel_mm: float, size: PictureSize, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Draw one picture of each map.

    Args:
        maps: uint8 [N, S, S], as `scenes.scene_maps` gives them.
        map_pixel_mm: their pixel size.
        size: size of the pictures.
        generator: source of all random numbers.

    Returns:
        pictures float32 [N, 1, side, side] within 0–1, and the share of each label in their pixels, float32
        [N, CODES, side, side].
    """
    draw = _Draw(len(maps), size.side, generator)
    codes = _moved(maps, map_pixel_mm, size, draw)
    label, tissue = codes % CODES, codes // CODES
    shares = torch.stack([functional.avg_pool2d((label == k).float(), _OVERSAMPLING) for k in range(CODES)], dim=1)
    signals = _signals(draw)
    fine = signals.gather(1, codes.flatten(1).long()).reshape(codes.shape)
    muscle = signals[:, CODES * Tissue.MYOCARDIUM + WALL]
    fine = _with_structures(fine, label, tissue, muscle, draw)
    pictures = functional.avg_pool2d(fine, _OVERSAMPLING)
    fat = functional.avg_pool2d((tissue == int(Tissue.FAT)).float(), _OVERSAMPLING)
    inside = _field_of_view(draw)
    pictures = _acquired(pictures, shares, fat, draw) * inside
    shares = shares * inside[:, None]
    shares[:, 0] += 1 - inside
    return _normalised(pictures, size.clip_percentiles)[:, None], shares


@dataclass(frozen=True)
class _Draw:
    """Random numbers of a batch of `count` pictures of `side` × `side` pixels."""

    count: int
    side: int
    generator: torch.Generator

    def uniform(self, low: float, high: float) -> Tensor:
        """[count]."""
        return low + (high - low) * torch.rand(self.count, generator=self.generator)

    def normal(self, deviation: float = 1.0) -> Tensor:
        """[count]."""
        return deviation * torch.randn(self.count, generator=self.generator)

    def chance(self, share: float) -> Tensor:
        """bool [count], true for about this share."""
        return torch.rand(self.count, generator=self.generator) < share

    def field(self, knots: int, channels: int = 1, side: int = 0) -> Tensor:
        """Smooth noise of about unit deviation between `knots` knots along each side: [count, channels, side, side]."""
        coarse = torch.randn((self.count, channels, knots, knots), generator=self.generator)
        wanted = (side or self.side,) * 2
        return 1.4 * functional.interpolate(coarse, size=wanted, mode="bilinear", align_corners=True)


def _moved(maps: Tensor, map_pixel_mm: float, size: PictureSize, draw: _Draw) -> Tensor:
    """Codes [N, 2·side, 2·side] after rotation, scaling, shift, mirroring and a smooth deformation."""
    fine = size.side * _OVERSAMPLING
    step = size.pixel_mm / _OVERSAMPLING / map_pixel_mm
    place = (torch.arange(fine) - (fine - 1) / 2) * step
    angle = torch.where(draw.chance(0.7), draw.normal(0.4), draw.uniform(-math.pi, math.pi))
    zoom, aspect = torch.exp(draw.uniform(-0.25, 0.25)), torch.exp(draw.normal(0.08))
    mirrored = 1.0 - 2.0 * draw.chance(0.5).float()
    cosine, sine = torch.cos(angle) * zoom, torch.sin(angle) * zoom
    skew = draw.normal(0.06)
    columns, rows = (place * mirrored[:, None])[:, None, :], place[None, :, None].expand(draw.count, -1, 1)
    columns = columns * aspect[:, None, None] + skew[:, None, None] * rows
    shift = torch.where(draw.chance(0.6)[:, None], 10.0, 24.0) * torch.stack([draw.normal(), draw.normal()], dim=1)
    bend = draw.field(6, 2, side=fine) * (draw.uniform(0.0, 4.0) * draw.chance(0.8))[:, None, None, None]
    shift = shift / map_pixel_mm
    x = cosine[:, None, None] * columns - sine[:, None, None] * rows + bend[:, 0] + shift[:, :1, None]
    y = sine[:, None, None] * columns + cosine[:, None, None] * rows + bend[:, 1] + shift[:, 1:, None]
    stretch = _contraction(maps, torch.hypot(x, y), draw)
    middle, last = (maps.shape[-1] - 1) / 2, maps.shape[-1] - 1
    column = (x * stretch + middle).round_().clamp_(0, last).long()
    row = (y * stretch + middle).round_().clamp_(0, last).long()
    flat = (row * maps.shape[-1] + column).reshape(draw.count, -1)
    return maps.reshape(draw.count, -1).gather(1, flat).reshape(draw.count, fine, fine)


def _contraction(maps: Tensor, radius: Tensor, draw: _Draw) -> Tensor:
    """Factor [N, H, W] on positions at `radius` pixels from the middle of a map that narrows or widens the cavity.

    A picture's radius r within the epicardium's mean radius R shows the map's radius R (r / R)^γ, so the ratio of
    endo- to epicardial radius is raised to the power 1 / γ; γ < 1 gives the small cavities of end-systolic apices.
    """
    area = (maps % CODES >= WALL).sum(dim=(1, 2)).float()
    epi = torch.sqrt(area / math.pi).clamp(min=1.0)[:, None, None]
    power = torch.where(draw.chance(0.5), draw.uniform(0.45, 1.2), 1.0)[:, None, None]
    return (radius / epi).clamp(1e-3, 1.0) ** (power - 1)


def _signals(draw: _Draw) -> Tensor:
    """Signal [N, codes] of every combination of tissue and label."""
    tissues = []
    for low, high in (_SIGNALS[tissue] for tissue in Tissue):
        tissues.append(draw.uniform(low, high))
    usual = torch.stack(tissues, dim=1)
    other = torch.rand(usual.shape, generator=draw.generator)
    wall, blood = other[:, Tissue.MYOCARDIUM].clone(), other[:, Tissue.BLOOD].clone()
    darker, brighter = torch.minimum(wall, blood), torch.maximum(wall, blood)
    brighter = torch.maximum(brighter, darker + _LEAST_CONTRAST)
    inverted = draw.chance(0.15)
    other[:, Tissue.MYOCARDIUM] = torch.where(inverted, brighter, darker)
    other[:, Tissue.BLOOD] = torch.where(inverted, darker, brighter)
    tissues_first = torch.where(draw.chance(_USUAL)[:, None], usual, other)
    signals = tissues_first.repeat_interleave(CODES, dim=1).reshape(draw.count, len(Tissue), CODES)
    # The right ventricle's blood, the other muscle of the heart and papillary muscles differ a little from the left's.
    signals[:, Tissue.BLOOD, RIGHT] *= draw.uniform(0.8, 1.2)
    signals[:, Tissue.MYOCARDIUM, 0] *= draw.uniform(0.85, 1.15)
    signals[:, Tissue.MYOCARDIUM, CAVITY] *= draw.uniform(0.9, 1.3)
    return signals.reshape(draw.count, -1)


def _with_structures(fine: Tensor, label: Tensor, tissue: Tensor, muscle: Tensor, draw: _Draw) -> Tensor:
    """Random shapes outside the heart and bundles of muscle, of signal `muscle` [N], in the right ventricle."""
    side = fine.shape[-1]
    knots = int(torch.randint(5, 22, (1,), generator=draw.generator))
    shapes = draw.field(knots, 5, side=side // 2).argmax(dim=1)
    values = torch.rand((draw.count, 5), generator=draw.generator) * 1.2
    painted = values.gather(1, shapes.reshape(draw.count, -1)).reshape(shapes.shape)
    painted = painted.repeat_interleave(2, dim=1).repeat_interleave(2, dim=2)
    share = (draw.uniform(0.0, 1.0) * draw.chance(0.7))[:, None, None]
    outside = (label == 0) & (tissue != int(Tissue.MYOCARDIUM)) & (tissue != int(Tissue.BLOOD))
    fine = torch.where(outside, fine + share * (painted - fine), fine)
    bundles = draw.field(40, side=side)[:, 0] > draw.uniform(1.3, 3.5)[:, None, None]
    return torch.where(bundles & (label == RIGHT), 0.4 * fine + 0.6 * muscle[:, None, None], fine)


def _acquired(pictures: Tensor, shares: Tensor, fat: Tensor, draw: _Draw) -> Tensor:
    """Texture, dark borders of fat, blur, ghosts, coil sensitivity and noise."""
    each = (slice(None), None, None)
    blood = shares[:, RIGHT] + shares[:, CAVITY]
    texture = (
        draw.uniform(0.0, 0.10)[each] * draw.field(64)[:, 0] + draw.uniform(0.0, 0.14)[each] * draw.field(20)[:, 0]
    )
    flow = draw.uniform(0.0, 0.22)[each] * draw.field(14)[:, 0]
    pictures = pictures * (1 + texture * (1 - blood) + flow * blood)
    # Water and fat of one pixel cancel out in bSSFP.
    pictures = pictures * (1 - (draw.uniform(0.0, 0.9) * draw.chance(0.6))[each] * 4 * fat * (1 - fat))
    pictures = _blurred(pictures, draw)
    ghost = torch.roll(pictures, draw.side // 3, dims=1) + torch.roll(pictures, -draw.side // 3, dims=1)
    pictures = pictures + (draw.uniform(0.0, 0.12) * draw.chance(0.3))[each] * ghost
    fall = draw.uniform(-0.9, 0.9)[each] * torch.linspace(-0.5, 0.5, draw.side)[None, :, None]
    pictures = pictures * torch.exp(0.15 * draw.field(4)[:, 0] + fall)
    noise = (draw.uniform(0.0, 1.0) ** 2 * 0.10)[each] * pictures.amax(dim=(1, 2), keepdim=True).clamp(max=1.2)
    first, second = (torch.randn(pictures.shape, generator=draw.generator) * noise for _ in range(2))
    return torch.hypot(pictures + first, second)


def _blurred(pictures: Tensor, draw: _Draw) -> Tensor:
    """Gaussian blur with a standard deviation of 0.3–1.3 pixels, different along rows and columns."""
    offset = torch.arange(-4.0, 5.0)
    base = draw.uniform(0.3, 0.9) + 0.4 * draw.chance(0.25).float()
    stacked = pictures[None]
    for dim in (0, 1):
        deviation = (base * torch.exp(draw.normal(0.2))).clamp(0.25, 1.6)
        kernel = torch.exp(-0.5 * (offset / deviation[:, None]) ** 2)
        kernel = kernel / kernel.sum(dim=1, keepdim=True)
        shape, padding = ((draw.count, 1, 9, 1), (0, 0, 4, 4)) if dim == 0 else ((draw.count, 1, 1, 9), (4, 4, 0, 0))
        padded = functional.pad(stacked, padding, mode="replicate")
        stacked = functional.conv2d(padded, kernel.reshape(shape), groups=draw.count)
    return stacked[0]


def _field_of_view(draw: _Draw) -> Tensor:
    """1 within the field of view and 0 beyond its edges, [N, side, side]; a third of the pictures have edges."""
    place = torch.arange(draw.side)
    cut = draw.chance(0.35)
    kept: list[Tensor] = []
    for _ in range(2):
        sides = torch.rand((2, draw.count), generator=draw.generator)
        low, high = torch.where(cut, (sides - 0.4).clamp(min=0) * 0.5 * draw.side, 0.0)
        kept.append(((place >= low[:, None]) & (place < draw.side - high[:, None])).float())
    return kept[0][:, :, None] * kept[1][:, None, :]


def _normalised(pictures: Tensor, percentiles: tuple[float, float]) -> Tensor:
    """Clipped at their percentiles and scaled to 0–1, as the engine's input is."""
    flat = pictures.flatten(1)
    last = flat.shape[1] - 1
    ordered = flat.sort(dim=1).values
    low, high = (ordered[:, round(p / 100 * last)][:, None, None] for p in percentiles)
    scaled: Tensor = ((pictures - low) / (high - low).clamp(min=1e-6)).clamp(0.0, 1.0)
    return scaled
