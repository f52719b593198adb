"""Fill empty frames from the drawn frames before and after: on the geodesic between their masks."""

from __future__ import annotations

import numpy as np

from LaMoDCore.heart.canonical import contour_distances_mm
from LaMoDCore.heart.case import CineSlice
from LaMoDCore.heart.geometry import Array
from LaMoDCore.heart.ring.extent import extent
from LaMoDCore.runtime.errors import LaMoDInputError

#: Longer gaps hide too much of the beat to be filled without the cine.
LONGEST_GAP = 3
_MARGIN_MM = 12.0


def gaps_to_fill(drawn: Array, longest_gap: int = LONGEST_GAP) -> list[tuple[int, int]]:
    """The runs of empty frames between drawn ones that `fill_missing_frames` fills; the cycle is periodic.

    Args:
        drawn: bool [T], whether each frame has contours.
        longest_gap: the longest run of empty frames that is filled.

    Returns:
        For each gap, the drawn frame before it and the one after it; the latter is T or more after the last frame.
    """
    frames = np.flatnonzero(drawn)
    if frames.size < 2:
        return []
    pairs = zip(frames.tolist(), [*frames[1:].tolist(), int(frames[0]) + len(drawn)], strict=True)
    return [(start, end) for start, end in pairs if 0 < end - start - 1 <= longest_gap]


def fill_missing_frames(slice_: CineSlice, longest_gap: int = LONGEST_GAP) -> Array:
    """Fill empty frames between drawn ones.

    The mask before a gap is matched to the mask after it by geodesic shooting. The frames between lie on that
    geodesic at their fraction s of the time, because shooting s·v₀ for unit time equals shooting v₀ for time s. The
    residual of the match at the far end is added to each frame's contours with the same fraction.

    Args:
        slice_: the slice; drawn frames stay unchanged.
        longest_gap: the longest run of empty frames that is filled; longer gaps stay empty.

    Returns:
        bool [T, H, W].

    Raises:
        LaMoDInputError: no frame is drawn.
    """
    drawn = np.asarray(slice_.myocardium.any(axis=(1, 2)))
    if not drawn.any():
        raise LaMoDInputError(slice_.name, "no frame is drawn", "draw the myocardium")
    filled = slice_.myocardium.copy()
    frames = slice_.frames
    for start, end in gaps_to_fill(drawn, longest_gap):
        masks = _on_geodesic(filled[start], filled[end % frames], end - start - 1, slice_.grid.spacing_mm)
        for t, mask in zip(range(start + 1, end), masks, strict=True):
            filled[t % frames] = mask
    return filled


def _on_geodesic(first: Array, last: Array, count: int, spacing_mm: tuple[float, float]) -> list[Array]:
    import torch

    from LaMoDCore.lddmm.epdiff import shoot
    from LaMoDCore.lddmm.matching import DEFAULT_METRIC, match
    from LaMoDCore.lddmm.warp import carry_mask

    margin = int(np.ceil(_MARGIN_MM / min(spacing_mm)))
    rows, columns = extent(np.stack([first, last]), margin)
    source, target = first[rows, columns], last[rows, columns]
    pair = [torch.from_numpy(m.astype(np.float32))[None, None] for m in (source, target)]
    v0 = match(pair[0], pair[1], spacing_mm).v0
    shares = np.arange(1, count + 2) / (count + 1)
    with torch.no_grad():
        shots = shoot(torch.cat([v0 * float(s) for s in shares]), DEFAULT_METRIC, spacing_mm).forward.numpy()
    carried = [contour_distances_mm(carry_mask(source, u, spacing_mm), spacing_mm) for u in shots]
    residual = contour_distances_mm(target, spacing_mm) - carried[-1]
    masks = []
    for share, distances in zip(shares[:-1], carried[:-1], strict=True):
        epi, endo = distances + share * residual
        mask = np.zeros_like(first)
        mask[rows, columns] = (epi < 0) & (endo >= 0)
        masks.append(mask)
    return masks
