"""The open, U-shaped myocardium of a long-axis mask: its endo- and epicardium from one end of the wall to the other."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np
from scipy import ndimage
from scipy.sparse import coo_array
from scipy.sparse.csgraph import dijkstra

from LaMoDCore.heart.geometry import Array
from LaMoDCore.heart.ring.faults import remove_specks
from LaMoDCore.heart.ring.mask import cavity

#: A wall encloses a cavity, and is not open, if its hole is larger than this share of its own area.
_HOLE_SHARE = 0.15
#: The ends of a left ventricle's wall are this far apart at least.
_LEAST_OPENING_MM = 8.0
#: A wall is at least this many times as long as thick; a filled ventricle, a piece of wall or a half-ring are not.
_LEAST_SLENDERNESS = 5.0
#: Length of the end of a wall, in mean thicknesses, whose area gives the thickness there: the basal septum may taper.
_END_THICKNESSES = 1.1
#: Least depth of the ventricle, from the line between the ends of the wall to the apex.
_LEAST_DEPTH_MM = 30.0
#: Gaps of up to this many pixels between pieces of the wall are closed.
_GAP_PIXELS = 3
#: A piece that continues the wall lengthens it by at least this share of the piece's own length; a papillary muscle
#: next to the wall does not.
_LEAST_GAIN = 0.5
_EIGHT = np.ones((3, 3))
_NO_ENDS = "the ends of the wall cannot be found"


class OutlineError(ValueError):
    """A mask that is not the open wall of a long-axis view; the text is the reason, as a clause."""


class PiecesError(OutlineError):
    """A wall in several pieces, of which one alone would be measured.

    Attributes:
        largest: bool [H, W], the largest piece.
    """

    def __init__(self, reason: str, largest: Array) -> None:
        super().__init__(reason)
        self.largest = largest


@dataclass(frozen=True, eq=False)
class WallOutline:
    """Traced contours of one frame in mm (pixel × spacing), both from the first to the second end of the wall.

    Attributes:
        endo_mm, epi_mm: [N, 2], [M, 2], with the steps of the pixels.
    """

    endo_mm: Array
    epi_mm: Array


def outline_of(wall: Array, spacing_mm: tuple[float, float]) -> WallOutline:
    """Trace the contours of the wall of one frame.

    The ends of the wall are the two points that are farthest from each other along it. At each end the inner and the
    outer corner separate endocardium, end and epicardium.

    Args:
        wall: bool [H, W], open at the base.
        spacing_mm: (dx, dy).

    Raises:
        PiecesError: a part of the wall is separate from the rest by more than a few pixels.
        OutlineError: the mask is empty, closed or no U, or its ends cannot be found.
    """
    whole = _one_piece(np.asarray(wall, dtype=bool), spacing_mm)
    if whole.sum() < 20:
        raise OutlineError("it has no myocardium")
    hole = cavity(whole)
    if hole.sum() > _HOLE_SHARE * whole.sum():
        raise OutlineError("the myocardium is a closed ring, and a long-axis wall is open at the mitral valve")
    whole = ndimage.binary_fill_holes(whole)
    pixels = np.argwhere(whole)[:, ::-1] * np.array(spacing_mm)
    first, second, away_first, away_second = _farthest_apart(whole, spacing_mm)
    along = float(away_first[second])
    thickness = len(pixels) * float(np.prod(spacing_mm)) / max(along, 1e-6)
    if along < _LEAST_SLENDERNESS * thickness:
        raise OutlineError("the myocardium is not a U-shaped wall")
    boundary = _boundary(whole) * np.array(spacing_mm)
    tips = pixels[[first, second]]
    arcs = _arcs(boundary, tips)
    if np.linalg.norm(tips[0] - tips[1]) < _LEAST_OPENING_MM or _depth(arcs[0], tips) < _LEAST_DEPTH_MM:
        raise OutlineError("the myocardium is not a U-shaped wall that is open at the mitral valve")
    inner, outer = [], []
    for tip, away in ((tips[0], away_first), (tips[1], away_second)):
        last = _END_THICKNESSES * thickness
        local = float((away <= last).sum() * np.prod(spacing_mm)) / last
        corners = _corners(tip, away, pixels, boundary, arcs, local)
        inner.append(corners[0])
        outer.append(corners[1])
    return WallOutline(_between(arcs[0], inner), _between(arcs[1], outer))


def _one_piece(mask: Array, spacing_mm: tuple[float, float]) -> Array:
    """The wall without specks, and with gaps of a few pixels between pieces that continue each other closed.

    Raises:
        PiecesError: other pieces remain.
    """
    cleaned = np.asarray(remove_specks(mask[None])[0][0], dtype=bool)
    pieces, count = ndimage.label(cleaned, structure=_EIGHT)
    if count < 2:
        return cleaned
    joined = _with_bridges(cleaned, pieces)
    sizes = np.bincount(pieces.ravel())[1:]
    main = np.asarray(pieces == 1 + int(np.argmax(sizes)))
    if ndimage.label(joined, structure=_EIGHT)[1] == 1:
        length, whole = (_length(each, spacing_mm) for each in (main, joined))
        if whole - length > _LEAST_GAIN * length * (sizes.sum() - sizes.max()) / sizes.max():
            return joined
    listing = " and ".join(map(str, sorted(sizes.tolist(), reverse=True)[:3]))
    more = " and others" if count > 3 else ""
    raise PiecesError(f"the myocardium is in {count} separate pieces, of {listing}{more} pixels", main)


def _with_bridges(mask: Array, pieces: Array) -> Array:
    """The mask with gaps between its labelled pieces closed; its outline elsewhere is kept."""
    size = 2 * _GAP_PIXELS + 1
    closed = ndimage.binary_closing(np.pad(mask, size), structure=np.ones((size, size)))[size:-size, size:-size]
    near = np.zeros(mask.shape, dtype=bool)  # pixels between two pieces that are no farther apart than the gap
    away = [ndimage.distance_transform_edt(pieces != k) for k in range(1, int(pieces.max()) + 1)]
    for first, second in combinations(away, 2):
        near |= first + second <= _GAP_PIXELS + 1.5
    added, bridges = ndimage.label(closed & ~mask, structure=_EIGHT)
    joined = mask.copy()
    for bridge in range(1, bridges + 1):
        here = added == bridge
        around = pieces[ndimage.binary_dilation(here, structure=_EIGHT)]
        if (here & near).any() and len(np.unique(around[around > 0])) > 1:
            joined |= here
    return joined


def _length(wall: Array, spacing_mm: tuple[float, float]) -> float:
    """Length in mm from one end of a wall to the other."""
    _, second, away, _ = _farthest_apart(wall, spacing_mm)
    return float(away[second])


def _farthest_apart(mask: Array, spacing_mm: tuple[float, float]) -> tuple[int, int, Array, Array]:
    """The two pixels farthest from each other within the mask, and the distance of every pixel from each."""
    number = np.full(mask.shape, -1)
    number[mask] = np.arange(mask.sum())
    dx, dy = spacing_mm
    rows, columns, weights = [], [], []
    for down, right, weight in ((0, 1, dx), (1, 0, dy), (1, 1, np.hypot(dx, dy)), (1, -1, np.hypot(dx, dy))):
        here = number[: mask.shape[0] - down, max(0, -right) : mask.shape[1] - max(0, right)]
        there = number[down:, max(0, right) : mask.shape[1] + min(0, right)]
        both = (here >= 0) & (there >= 0)
        rows.append(here[both])
        columns.append(there[both])
        weights.append(np.full(int(both.sum()), weight))
    size = int(mask.sum())
    graph = coo_array((np.concatenate(weights), (np.concatenate(rows), np.concatenate(columns))), shape=(size, size))
    start = dijkstra(graph.tocsr(), directed=False, indices=0)
    first = int(np.argmax(start))
    away_first = dijkstra(graph.tocsr(), directed=False, indices=first)
    second = int(np.argmax(away_first))
    return first, second, away_first, dijkstra(graph.tocsr(), directed=False, indices=second)


def _boundary(mask: Array) -> Array:
    """The outer boundary as a closed polygon [N, 2] of (x, y) pixels: midpoints of the pixels' edges, in order."""
    padded = np.pad(mask, 1)
    starts: dict[tuple[int, int], list[tuple[int, int]]] = {}
    # directed edges between pixel corners, with the mask on the right-hand side (y downwards)
    for down, right, begin, end in (
        (-1, 0, (0, 0), (1, 0)),
        (0, 1, (1, 0), (1, 1)),
        (1, 0, (1, 1), (0, 1)),
        (0, -1, (0, 1), (0, 0)),
    ):
        edge = padded & ~np.roll(padded, (-down, -right), axis=(0, 1))
        for y, x in np.argwhere(edge).tolist():
            starts.setdefault((x + begin[0], y + begin[1]), []).append((x + end[0], y + end[1]))
    loops = []
    while starts:
        origin = next(iter(starts))
        loop = [origin]
        before = None
        while True:
            here = loop[-1]
            ends = starts[here]
            following = ends[0] if len(ends) == 1 or before is None else _sharpest(before, here, ends)
            ends.remove(following)
            if not ends:
                del starts[here]
            before = here
            if following == origin:
                break
            loop.append(following)
        loops.append(np.array(loop, dtype=np.float64))
    corners = max(loops, key=len)
    return np.asarray((corners + np.roll(corners, -1, axis=0)) / 2 - 1.5)


def _sharpest(before: tuple[int, int], here: tuple[int, int], ends: list[tuple[int, int]]) -> tuple[int, int]:
    """Where two pixels meet at a corner, the edge that keeps them connected: the turn away from the mask."""
    incoming = np.subtract(here, before)
    turns = [incoming[0] * (e[1] - here[1]) - incoming[1] * (e[0] - here[0]) for e in ends]
    return ends[int(np.argmin(turns))]


def _arcs(boundary: Array, tips: Array) -> tuple[Array, Array]:
    """The two parts of the boundary from the first to the second tip; the endocardium, which encloses less, first."""
    i, j = (int(np.argmin(np.linalg.norm(boundary - tip, axis=1))) for tip in tips)
    size = len(boundary)
    one = boundary[np.arange(i, i + (j - i) % size + 1) % size]
    other = boundary[np.arange(i, i - (i - j) % size - 1, -1) % size]
    return (one, other) if _enclosed(one) <= _enclosed(other) else (other, one)


def _enclosed(arc: Array) -> float:
    """Area between an arc and the straight line between its ends."""
    x, y = arc.T
    return 0.5 * abs(float((x * np.roll(y, -1) - np.roll(x, -1) * y).sum()))


def _depth(endo: Array, tips: Array) -> float:
    across = tips[1] - tips[0]
    normal = np.array([-across[1], across[0]]) / max(float(np.linalg.norm(across)), 1e-6)
    return float(np.abs((endo - tips[0]) @ normal).max())


def _corners(
    tip: Array, away: Array, pixels: Array, boundary: Array, arcs: tuple[Array, Array], thickness: float
) -> tuple[Array, Array]:
    """The inner and the outer corner [2] of an end of the wall: the extremes along ±45° from the wall's direction."""
    end = _middle(pixels[away <= 1.0 * thickness])
    before = _middle(pixels[(away > 1.5 * thickness) & (away <= 2.5 * thickness)])
    if not np.linalg.norm(end - before) > 0:
        raise OutlineError(_NO_ENDS)
    forward = (end - before) / np.linalg.norm(end - before)
    inward = np.array([-forward[1], forward[0]])
    sides = [_middle(arc[np.linalg.norm(arc - tip, axis=1) < 2.5 * thickness]) for arc in arcs]
    if (sides[0] - sides[1]) @ inward < 0:
        inward = -inward
    near = boundary[np.linalg.norm(boundary - end, axis=1) < 1.6 * thickness]
    if not len(near):
        raise OutlineError(_NO_ENDS)
    return near[int(np.argmax(near @ (forward + inward)))], near[int(np.argmax(near @ (forward - inward)))]


def _middle(points: Array) -> Array:
    """Mean [2] of points [N, 2] at an end of the wall.

    Raises:
        OutlineError: there are none, as at an end of single pixels that are longer than the wall is thick.
    """
    if not len(points):
        raise OutlineError(_NO_ENDS)
    return np.asarray(points.mean(axis=0))


def _between(arc: Array, corners: list[Array]) -> Array:
    """The part of an arc between two corners; a corner on the end of the wall beyond the arc's end is added."""
    i, j = (int(np.argmin(np.linalg.norm(arc - corner, axis=1))) for corner in corners)
    inside = arc[i : j + 1] if i <= j else arc[j : i + 1][::-1]
    parts = [inside]
    if np.linalg.norm(inside[0] - corners[0]) > 1e-6:
        parts.insert(0, corners[0][None])
    if np.linalg.norm(inside[-1] - corners[1]) > 1e-6:
        parts.append(corners[1][None])
    return np.concatenate(parts)
