"""Slices drawn by simulated readers, and faults of known kind and size planted into single frames."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from scipy import ndimage

from LaMoDCore.contours.findings import Fault
from LaMoDCore.heart.case import CineSlice
from LaMoDCore.heart.ring.mask import cavity
from LaMoDCore.phantom.heart.contours import PolarContours
from LaMoDCore.phantom.heart.subject import sample_subject
from LaMoDCore.phantom.imaging.annotator import Annotator, annotate
from LaMoDCore.phantom.imaging.cine import CineProtocol, cine_grid, cine_pictures
from LaMoDCore.phantom.imaging.scene import draw_scene

#: A careful reader, near the truth and steady from frame to frame. With errors of a millimetre, as between readers,
#: walls and areas jump by 25 % without a planted fault, and the checks report these jumps.
CAREFUL = Annotator(error_mm=0.5, smoothness=3.0, habit=0.5, jitter=0.05, memory=0.15)
PROTOCOL = CineProtocol(pixel_mm=1.4, shape=(128, 136), frames=25)


@dataclass(frozen=True, eq=False)
class ReaderSlice:
    """A slice whose contours a simulated reader drew.

    Attributes:
        slice: masks, and images if requested.
        contours: the contours in mm.
        xy: [H, W, 2] positions of the pixels, in the coordinates of the contours.
    """

    slice: CineSlice
    contours: PolarContours
    xy: np.ndarray

    def with_contours(self, contours: PolarContours) -> CineSlice:
        return replace(self.slice, myocardium=contours.rasterise(self.xy), cavity=contours.cavity(self.xy))


def reader_slice(seed: int, *, pictures: bool = False, protocol: CineProtocol = PROTOCOL) -> ReaderSlice:
    """A slice of a synthetic heart of any kind and level, drawn by a careful reader."""
    planes = sample_subject(5000 + seed).slices()
    plane = planes[seed % len(planes)]
    phases = np.arange(protocol.frames) / protocol.frames
    grid = cine_grid(plane, protocol, offset_mm=(4.0, -6.0))
    xy = plane.points_of(grid)
    drawn = annotate(plane.contours(phases), np.random.default_rng([77, seed]), CAREFUL)
    cine = cine_pictures(plane, grid, phases, protocol, seed=seed, scene=draw_scene(plane, seed)) if pictures else None
    slice_ = CineSlice(
        name=plane.name,
        grid=grid,
        myocardium=drawn.rasterise(xy),
        frame_times_ms=phases * plane.rr_ms,
        rr_ms=plane.rr_ms,
        level=plane.level,
        cine=cine,
    )
    return ReaderSlice(slice_, drawn, xy)


def _sector(count: int, rng: np.random.Generator, degrees: float) -> np.ndarray:
    """A run of a circle's samples: bool [count]."""
    width = round(count * degrees / 360)
    return np.isin(np.arange(count), np.mod(rng.integers(count) + np.arange(width), count))


def _edit(drawn: ReaderSlice, frame: int, **arrays: np.ndarray) -> CineSlice:
    c = drawn.contours
    center, endo, epi = c.center.copy(), c.endo.copy(), c.epi.copy()
    for name, value in arrays.items():
        {"center": center, "endo": endo, "epi": epi}[name][frame] = value
    return drawn.with_contours(PolarContours(center, endo, epi))


def _pixels(drawn: ReaderSlice, frame: int, mask: np.ndarray) -> CineSlice:
    masks = drawn.slice.myocardium.copy()
    masks[frame] = mask
    return replace(drawn.slice, myocardium=masks)


def empty(drawn: ReaderSlice, frame: int, rng: np.random.Generator) -> CineSlice:
    return _pixels(drawn, frame, np.zeros_like(drawn.slice.myocardium[frame]))


def open_ring(drawn: ReaderSlice, frame: int, rng: np.random.Generator) -> CineSlice:
    """A gap of 3 to 6 mm."""
    mask = drawn.slice.myocardium[frame].copy()
    angle, width = rng.uniform(0, 2 * np.pi), rng.uniform(3.0, 6.0)
    offset = drawn.xy[..., 0] - 1j * drawn.xy[..., 1] - drawn.contours.center[frame]
    turned = offset * np.exp(-1j * angle)
    mask[(np.abs(turned.imag) < width / 2) & (turned.real > 0)] = False
    return _pixels(drawn, frame, mask)


def hole(drawn: ReaderSlice, frame: int, rng: np.random.Generator) -> CineSlice:
    """One to five pixels, in the middle of the wall."""
    mask = drawn.slice.myocardium[frame].copy()
    depth = ndimage.distance_transform_edt(mask)
    deep = np.argwhere(depth >= min(2.0, depth.max()))
    row, column = deep[rng.integers(len(deep))]
    mask[row, column] = False
    for dy, dx in ((0, 1), (1, 0), (0, -1), (-1, 0))[: rng.integers(0, 5)]:
        if depth[row + dy, column + dx] >= 2.0:
            mask[row + dy, column + dx] = False
    return _pixels(drawn, frame, mask)


def _blob(drawn: ReaderSlice, frame: int, rng: np.random.Generator, share: float) -> CineSlice:
    mask = drawn.slice.myocardium[frame].copy()
    far = ndimage.distance_transform_edt(~mask)
    radius = np.sqrt(max(share * mask.sum(), 1.0) / np.pi)
    rows, columns = np.indices(mask.shape)
    inside = (rows > radius + 2) & (rows < mask.shape[0] - radius - 2)
    inside &= (columns > radius + 2) & (columns < mask.shape[1] - radius - 2)
    places = np.argwhere((far > radius + 2) & inside & ~cavity(mask))
    row, column = places[rng.integers(len(places))]
    blob = np.hypot(rows - row, columns - column) <= radius
    return _pixels(drawn, frame, mask | blob)


def island(drawn: ReaderSlice, frame: int, rng: np.random.Generator) -> CineSlice:
    """0.2 to 8 % of the ring."""
    return _blob(drawn, frame, rng, rng.uniform(0.002, 0.08))


def pieces(drawn: ReaderSlice, frame: int, rng: np.random.Generator) -> CineSlice:
    """Another 15 to 40 % of the ring."""
    return _blob(drawn, frame, rng, rng.uniform(0.15, 0.40))


def border(drawn: ReaderSlice, frame: int, rng: np.random.Generator) -> CineSlice:
    """The image is cropped so that it cuts the ring of this frame."""
    masks = drawn.slice.myocardium
    column = int(np.flatnonzero(masks[frame].any(axis=0))[0]) + 1
    cut = np.roll(masks[frame], -column, axis=1)
    return _pixels(drawn, frame, cut)


def center_jump(drawn: ReaderSlice, frame: int, rng: np.random.Generator) -> CineSlice:
    """4 to 8 mm, in any direction."""
    step = rng.uniform(4.0, 8.0) * np.exp(1j * rng.uniform(0, 2 * np.pi))
    return _edit(drawn, frame, center=drawn.contours.center[frame] + step)


def _area(endo: np.ndarray, epi: np.ndarray) -> float:
    return float(np.mean(epi**2 - endo**2))


def area_jump(drawn: ReaderSlice, frame: int, rng: np.random.Generator) -> CineSlice:
    """Myocardial area 25 to 45 % larger or smaller than the mean of the frames before and after."""
    c = drawn.contours
    frames = len(c.center)
    neighbours = [np.mod(frame - 1, frames), np.mod(frame + 1, frames)]
    wanted = np.mean([_area(c.endo[t], c.epi[t]) for t in neighbours])
    wanted *= 1 + rng.choice([-1, 1]) * rng.uniform(0.25, 0.45)
    scale = np.sqrt(wanted / _area(c.endo[frame], c.epi[frame]))
    return _edit(drawn, frame, endo=c.endo[frame] * scale, epi=c.epi[frame] * scale)


def thickness_jump(drawn: ReaderSlice, frame: int, rng: np.random.Generator) -> CineSlice:
    """The wall 25 to 50 % thicker or thinner than the mean of the frames before and after, over 90° or more."""
    c = drawn.contours
    frames, count = c.endo.shape
    before, after = np.mod(frame - 1, frames), np.mod(frame + 1, frames)
    expected = 0.5 * (c.epi[before] - c.endo[before] + c.epi[after] - c.endo[after])
    change = rng.choice([-1, 1]) * rng.uniform(0.25, 0.50)
    where = _sector(count, rng, rng.uniform(90, 360))
    epi = np.where(where, c.endo[frame] + expected * (1 + change), c.epi[frame])
    return _edit(drawn, frame, epi=epi)


def area_range(drawn: ReaderSlice, frame: int, rng: np.random.Generator) -> CineSlice:
    """Frames up to two away from one grow (shrink) gradually to 1.47–1.7 (0.6–0.83) of the area at end-diastole."""
    c = drawn.contours
    frames = len(c.center)
    endo, epi = c.endo.copy(), c.epi.copy()
    at_ed = _area(endo[0], epi[0])
    ratio = rng.uniform(1.47, 1.7) if rng.random() < 0.5 else rng.uniform(0.6, 0.83)
    for step, share in ((-2, 0.4), (-1, 0.8), (0, 1.0), (1, 0.8), (2, 0.4)):
        t = int(np.mod(frame + step, frames))
        if t == 0:
            continue
        now = _area(endo[t], epi[t])
        wanted = (1 - share) * now + share * ratio * at_ed
        endo[t], epi[t] = endo[t], np.sqrt(endo[t] ** 2 + (epi[t] ** 2 - endo[t] ** 2) * wanted / now)
    return drawn.with_contours(PolarContours(c.center, endo, epi))


def walls_touch(drawn: ReaderSlice, frame: int, rng: np.random.Generator) -> CineSlice:
    """The endocardium comes within 0.7 mm of the epicardium over 25–40°, or a bridge splits the cavity."""
    c = drawn.contours
    if rng.random() < 0.5 and cavity(drawn.slice.myocardium[frame]).sum() > 80:
        mask = drawn.slice.myocardium[frame].copy()
        angle = rng.uniform(0, np.pi)
        offset = drawn.xy[..., 0] - 1j * drawn.xy[..., 1] - c.center[frame]
        mask |= (np.abs((offset * np.exp(-1j * angle)).imag) < 1.6) & cavity(mask)
        return _pixels(drawn, frame, mask)
    where = _sector(c.endo.shape[1], rng, rng.uniform(25, 40))
    mask = _edit(drawn, frame, endo=np.where(where, c.epi[frame] - 0.7, c.endo[frame])).myocardium[frame]
    inside = drawn.slice.myocardium[frame] | cavity(drawn.slice.myocardium[frame])
    # drawing programs keep a line of pixels, so that the ring stays closed
    return _pixels(drawn, frame, mask | (inside & ~ndimage.binary_erosion(inside)))


def out_of_register(drawn: ReaderSlice, frame: int, rng: np.random.Generator) -> CineSlice:
    """Every frame's mask shifted by 4.5 to 8 mm against the image."""
    step = rng.uniform(4.5, 8.0) * np.exp(1j * rng.uniform(0, 2 * np.pi))
    c = drawn.contours
    return drawn.with_contours(PolarContours(c.center + step, c.endo, c.epi))


Planter = Callable[[ReaderSlice, int, np.random.Generator], CineSlice]
PLANTERS: dict[Fault, Planter] = {
    Fault.EMPTY: empty,
    Fault.OPEN_RING: open_ring,
    Fault.HOLE: hole,
    Fault.ISLAND: island,
    Fault.PIECES: pieces,
    Fault.BORDER: border,
    Fault.CENTER_JUMP: center_jump,
    Fault.AREA_JUMP: area_jump,
    Fault.THICKNESS_JUMP: thickness_jump,
    Fault.AREA_RANGE: area_range,
    Fault.WALLS_TOUCH: walls_touch,
    Fault.OUT_OF_REGISTER: out_of_register,
}
