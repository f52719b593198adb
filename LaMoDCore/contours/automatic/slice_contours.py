"""Contours of one slice: probabilities -> rings -> masks, with a confidence and a reason for each frame."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy import ndimage, special

from LaMoDCore.contours.automatic.engine import LABELS
from LaMoDCore.contours.automatic.network import UPRIGHT, ContourNetwork, orientation_plan, turn_to_upright
from LaMoDCore.contours.automatic.network_grid import NetworkGrid, network_grid
from LaMoDCore.contours.automatic.noise import noise_level, smoothed_if_noisy
from LaMoDCore.contours.automatic.rings import Rings, find_rings, rasterise, ventricle_centers
from LaMoDCore.heart.geometry import Array
from LaMoDCore.io.images.frame_stack import FrameStack

Verdict = Literal["used", "volume only", "left out"]
#: A frame with a confidence below this is marked as unsure.
UNSURE = 0.5
#: A frame shows a closed ring where the wall was seen on this share of the rays …
_RING_SHARE = 0.8
#: … and belongs to the ventricle, for volumes, where it was seen on this share.
_VENTRICLE_SHARE = 0.5
#: A slice is used for strain where this share of its frames show a closed ring around a cavity.
_USED_FRAMES = 0.75
#: A structure detected in a smaller share of the frames is not a ventricle.
_SEEN_FRAMES = 0.5
#: The cavity must be seen on this share of the rays of a frame.
_CAVITY_SHARE = 0.5
#: The noise of a cine is estimated on about so many frames.
_NOISE_FRAMES = 5
#: Mean epicardial radius of a ventricle, mm.
_EPI_MM = (6.0, 65.0)
#: Terms of the confidence: the value at which a term is 0.5, its width, and what is wrong when it is the smallest. They
#: were fitted to degraded and simulated cines: frames below 0.5 have a Dice of the wall below 0.8, most others a larger
#: one (experiments/results/automatic-contours.md).
_TERMS = (
    (0.76, 0.030, "the network is not certain of the wall"),
    (0.92, 0.015, "the smooth contour differs from the labels of the frame"),
    (0.78, 0.040, "the orientations of the picture give different contours"),
    (0.70, 0.050, "the wall is not seen all round"),
)


@dataclass(frozen=True, eq=False)
class SliceContours:
    """Automatic contours of one slice, on the cine's own pixels.

    Attributes:
        verdict: whether strain and volumes use the slice, volumes alone, or nothing.
        reason: why it is not used for strain; "" if it is.
        myocardium, cavity, right_ventricle: bool [T, H, W].
        is_ventricle: bool [T], frames that show the ventricle and count for volumes.
        confidence: [T], 0–1.
        frame_reasons: why each frame is unsure; "" if it is not.
        rings: rings in the window of the network; None if no ventricle was found.
        grid: that window.
    """

    verdict: Verdict
    reason: str
    myocardium: Array
    cavity: Array
    right_ventricle: Array
    is_ventricle: Array
    confidence: Array
    frame_reasons: tuple[str, ...]
    rings: Rings | None
    grid: NetworkGrid

    def left_out(self, reason: str) -> SliceContours:
        """Return the slice without contours, with the reason."""
        return _without_ventricle(np.zeros_like(self.myocardium), self.grid, reason)


def contour_slice(
    network: ContourNetwork,
    stack: FrameStack,
    center_xy: tuple[float, float],
    per_frame: int = 2,
    after_frame: Callable[[int], None] | None = None,
) -> SliceContours:
    """Draw the contours of every frame of one slice.

    Args:
        network: the engine.
        stack: cine [T, 1, H, W].
        center_xy: pixel around which the heart is searched for.
        per_frame: orientations per frame, see `orientation_plan`.
        after_frame: called with the number of frames done.
    """
    frames = stack.frames[:, 0]
    slice_grid = stack.slice_grid(0)
    description = network.description
    grid = network_grid(
        slice_grid.shape, slice_grid.spacing_mm, center_xy, description.input_size, description.pixel_mm
    )
    pictures = network_pictures(network, frames, grid)
    plan = orientation_plan(len(frames), description.orientations, per_frame)
    upright = turn_to_upright(slice_grid) if stack.has_orientation else UPRIGHT
    probability, agreement = network.probabilities(pictures, plan, upright, after_frame)
    return contours_of(probability, agreement, grid, slice_grid.shape, slice_grid.spacing_mm)


def network_pictures(network: ContourNetwork, frames: Array, grid: NetworkGrid) -> Array:
    """Frames [T, H, W] of a cine as the network takes them: in its window, smoothed if they are noisy, normalised."""
    window = grid.resample(frames)
    sharpest = frames if min(grid.scale_xy) < 1.0 else window  # not yet smoothed by interpolation
    chosen = sharpest[:: max(1, len(sharpest) // _NOISE_FRAMES)]
    first, last = network.description.intensity_range
    level = noise_level((network.normalise(chosen) - first) / (last - first))
    return network.normalise(smoothed_if_noisy(window, level))


def contours_of(
    probability: Array,
    agreement: Array,
    grid: NetworkGrid,
    shape: tuple[int, int],
    spacing_mm: tuple[float, float],
) -> SliceContours:
    """Contours from class probabilities [T, 4, H, W] in the window `grid` of a cine of `shape` and `spacing_mm`."""
    right, wall, pool = (probability[:, LABELS.index(n)] for n in ("right_ventricle", "myocardium", "cavity"))
    frames = len(probability)
    empty = np.zeros((frames, *shape), dtype=bool)
    centers = ventricle_centers(pool, wall, grid.pixel_mm)
    if centers is None:
        return _without_ventricle(empty, grid, "no ventricle was found")
    rings = find_rings(pool, wall, centers, grid.pixel_mm)
    epi_mm = rings.epi.radius_mm.mean(axis=1)
    is_seen = (epi_mm >= _EPI_MM[0]) & (epi_mm <= _EPI_MM[1])
    has_cavity = (rings.endo.sharpness > 0.0).mean(axis=1) >= _CAVITY_SHARE
    is_ring = is_seen & has_cavity & (rings.wall_share >= _RING_SHARE)
    if is_seen.mean() < _SEEN_FRAMES:
        return _without_ventricle(empty, grid, "no ventricle was found")
    myocardium, cavity = rasterise(rings, grid, shape, spacing_mm)
    confidence, reasons = _confidence(rings, agreement)
    verdict: Verdict = "used"
    reason = ""
    if has_cavity.mean() < _USED_FRAMES:
        verdict, reason = "left out", f"beyond the apex: no cavity in {int((~has_cavity).sum())} of {frames} frames"
    elif is_ring.mean() < _USED_FRAMES:
        open_frames = int((~is_ring).sum())
        verdict = "volume only"
        reason = f"the wall is open in {open_frames} of {frames} frames, as at the outflow tract or the atrium"
    is_ventricle = is_seen & has_cavity & (rings.wall_share >= _VENTRICLE_SHARE)
    if verdict == "volume only" and not is_ventricle.any():
        verdict = "left out"
    outside = ~(myocardium | cavity)
    return SliceContours(
        verdict=verdict,
        reason=reason,
        myocardium=myocardium,
        cavity=cavity,
        right_ventricle=_right_ventricle(right, grid, shape) & outside,
        is_ventricle=is_ventricle | (verdict == "used"),
        confidence=np.where(is_ring, confidence, np.minimum(confidence, UNSURE / 2)),
        frame_reasons=tuple(
            "" if ring and c >= UNSURE else (text if ring else "no closed ring was seen; it follows its neighbours")
            for ring, c, text in zip(is_ring, confidence, reasons, strict=True)
        ),
        rings=rings,
        grid=grid,
    )


def _without_ventricle(empty: Array, grid: NetworkGrid, reason: str) -> SliceContours:
    frames = len(empty)
    return SliceContours(
        "left out", reason, empty, empty, empty, np.zeros(frames, bool), np.zeros(frames), ("",) * frames, None, grid
    )


def _confidence(rings: Rings, agreement: Array) -> tuple[Array, list[str]]:
    """[T] and the weakest term of each frame in words.

    The confidence is the smallest of four logistic terms: mean probability of the wall within the drawn ring (softmax),
    overlap of the ring with the labels of the frame alone (which neighbouring frames, in other orientations, have
    smoothed), agreement of the orientations, and share of the rays on which the wall was seen.
    """
    values = (rings.wall_probability, rings.label_overlap, agreement, rings.wall_share)
    terms = np.stack(
        [special.expit((value - middle) / width) for value, (middle, width, _) in zip(values, _TERMS, strict=True)]
    )
    return terms.min(axis=0), [_TERMS[index][2] for index in terms.argmin(axis=0)]


def _right_ventricle(probability: Array, grid: NetworkGrid, shape: tuple[int, int]) -> Array:
    """bool [T, H, W]: the largest region of the right ventricle in each frame, on the cine's pixels."""
    frames = len(probability)
    calm = ndimage.gaussian_filter1d(probability, 0.032 * frames, axis=0, mode="wrap")
    rows = (np.arange(shape[0]) - grid.corner_xy[1]) / grid.scale_xy[1]
    columns = (np.arange(shape[1]) - grid.corner_xy[0]) / grid.scale_xy[0]
    y, x = np.meshgrid(rows, columns, indexing="ij")
    found = np.zeros((frames, *shape), dtype=bool)
    for frame in range(frames):
        region = ndimage.map_coordinates(calm[frame], [y, x], order=1, mode="constant") > 0.5
        labels, count = ndimage.label(region)
        if count:
            found[frame] = labels == 1 + int(np.argmax(np.bincount(labels.ravel())[1:]))
    return found
