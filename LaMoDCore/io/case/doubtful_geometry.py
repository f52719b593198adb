"""Refuse masks whose geometry was assumed where the images show that the assumption is wrong."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from LaMoDCore.heart.case import CineSlice
from LaMoDCore.heart.geometry import Array
from LaMoDCore.heart.ring.mask import cavity, epicardial_region
from LaMoDCore.io.images.stated_geometry import NO_GEOMETRY, has_unit_pixels
from LaMoDCore.runtime.errors import LaMoDInputError

#: Outer diameters of left ventricles at end-diastole in their widest slice, mm, from children to dilated hearts.
_DIAMETER_MM = (38.0, 110.0)
#: Another orientation fits better if it increases the separation of blood and muscle, about 2.8 standard deviations on
#: cines of a person, by this.
_BETTER = 0.5
_FRAMES = 8
_TURNS: dict[str, Callable[[Array], Array]] = {
    "upside down": lambda planes: planes[:, ::-1],
    "mirrored left to right": lambda planes: planes[:, :, ::-1],
    "turned by 180°": lambda planes: planes[:, ::-1, ::-1],
    "with rows and columns exchanged": lambda planes: planes.swapaxes(1, 2),
    "turned by 90°": lambda planes: np.rot90(planes, 1, (1, 2)),
    "turned by −90°": lambda planes: np.rot90(planes, -1, (1, 2)),
    "turned by 180° with rows and columns exchanged": lambda planes: planes.swapaxes(1, 2)[:, ::-1, ::-1],
}


def check_default_pixels(slices: Sequence[CineSlice], source: str | Path) -> None:
    """Refuse unit pixels, the default of writers without geometry, at which the ventricle has an impossible size.

    Args:
        slices: the usable slices of a file.
        source: the file, for errors.

    Raises:
        LaMoDInputError: the widest slice is not as wide as a left ventricle.
    """
    doubtful = [s for s in slices if has_unit_pixels(s.grid.ijk_to_lps)]
    if not doubtful:
        return
    areas = [
        float(epicardial_region(plane).sum()) for s in doubtful for plane in s.myocardium[:: max(1, s.frames // 4)]
    ]
    widest = 2.0 * float(np.sqrt(max(areas) / np.pi))
    if not _DIAMETER_MM[0] <= widest <= _DIAMETER_MM[1]:
        raise LaMoDInputError(
            source,
            f"{NO_GEOMETRY}: with pixels of 1 mm the left ventricle would be {widest:.0f} mm wide",
            "export the masks with their pixel size, or give the cine with --cine",
        )


def check_turn(myocardium: Array, cine: Array, source: str | Path) -> None:
    """Refuse masks without a position that fit the cine only if they are mirrored or turned.

    Args:
        myocardium: bool [T, H, W] on the cine's pixels.
        cine: [T, H, W].
        source: the file, for errors.

    Raises:
        LaMoDInputError: another orientation separates bright blood from dark muscle better by `_BETTER`.
    """
    drawn = np.flatnonzero(myocardium.any(axis=(1, 2)))
    frames = drawn[:: max(1, len(drawn) // _FRAMES)][:_FRAMES]
    walls, images = myocardium[frames], cine[frames]
    blood = np.stack([cavity(plane) for plane in walls])
    here = _separation(walls, blood, images)
    if not np.isfinite(here):
        return
    others = {
        words: _separation(turn(walls), turn(blood), images)
        for words, turn in _TURNS.items()
        if turn(walls).shape == images.shape
    }
    best = max(others, key=lambda words: others[words])
    if others[best] >= here + _BETTER:
        raise LaMoDInputError(
            source,
            f"it has no position in the patient, and on the cine's pixels it fits only {best}",
            "export masks and cine again with their geometry",
        )


def _separation(walls: Array, blood: Array, images: Array) -> float:
    """Median over the frames of (mean of the blood − mean of the wall) / standard deviation; −inf without pixels."""
    found = []
    for wall, inside, image in zip(walls, blood, images, strict=True):
        if wall.any() and inside.any():
            spread = np.sqrt((image[wall].var() + image[inside].var()) / 2) + 1e-9
            found.append(float((image[inside].mean() - image[wall].mean()) / spread))
    return float(np.median(found)) if found else float("-inf")
