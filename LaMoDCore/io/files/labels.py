"""The meaning of a mask's labels: given by the user, by the file, or identified by topology.

ACDC writes 1 RV, 2 myocardium, 3 LV cavity; UK Biobank 1 LV, 2 myocardium, 3 RV; others differ. In all of them the
myocardium is the ring that encloses the LV cavity, and the RV is outside it and touches it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy import ndimage

from LaMoDCore.heart.geometry import Array
from LaMoDCore.heart.notes import Note, note
from LaMoDCore.heart.ring.extent import extent
from LaMoDCore.heart.ring.mask import cavity
from LaMoDCore.runtime.errors import LaMoDInputError

_CHUNK = 1 << 20
#: An image with more labels is not a mask.
MAX_LABELS = 16
#: Labels are rounded to whole numbers from which they deviate by at most this; larger deviations are refused.
MAX_ROUNDING = 0.01
#: Larger deviations than this are reported.
_NOTED_ROUNDING = 0.001
#: In a smoothed mask, fewer voxels than this lie between labels.
_SOFT_SHARE = 0.25
#: A label that covers this share of the border of all images is the background.
_BORDER_SHARE = 0.5
_BORDERS = (np.s_[..., 0, :], np.s_[..., -1, :], np.s_[..., :, 0], np.s_[..., :, -1])

_STRUCTURES = {
    "myocardium": ("myo", "myocardium", "lv_myo", "lv_myocardium", "lvm", "wall", "lv_wall"),
    "cavity": (
        "lv",
        "cavity",
        "lv_cavity",
        "lvc",
        "bp",
        "blood",
        "bloodpool",
        "blood_pool",
        "left_ventricle",
    ),
    "right_ventricle": ("rv", "right_ventricle", "rvc", "rv_cavity"),
}
_BY_WORD = {word: structure for structure, words in _STRUCTURES.items() for word in words}


@dataclass(frozen=True)
class LabelMap:
    """Label values of the structures; None if the file has no such label.

    Attributes:
        myocardium: label of the wall, or of its first part.
        further_myocardium: labels of the wall's other parts, if it is drawn in several (a scar, segments).
    """

    myocardium: int
    cavity: int | None = None
    right_ventricle: int | None = None
    further_myocardium: tuple[int, ...] = ()

    @property
    def walls(self) -> tuple[int, ...]:
        """The labels of all parts of the wall."""
        return (self.myocardium, *self.further_myocardium)

    @property
    def option(self) -> str:
        """The labels in the notation of `--labels`: ``myo=2+4,lv=3,rv=1``."""
        words = ["myo=" + "+".join(map(str, self.walls))]
        others = (("lv", self.cavity), ("rv", self.right_ventricle))
        return ",".join(words + [f"{word}={value}" for word, value in others if value is not None])

    def is_myocardium(self, labels: Array) -> Array:
        """Whether labels, of any shape, are myocardium."""
        return np.isin(labels, self.walls)


def parse_labels(labels: str | Mapping[str, int] | LabelMap | None) -> LabelMap | None:
    """Parse ``myo=2,rv=1,lv=3``, or a mapping of the same words; ``myo=2+5`` combines a wall drawn in several parts.

    Raises:
        LaMoDInputError: a word or value is invalid, or the myocardium is missing.
    """
    if labels is None or isinstance(labels, LabelMap):
        return labels
    if isinstance(labels, str):
        pairs = [part.partition("=")[::2] for part in labels.split(",") if part.strip()]
    else:
        pairs = [(str(k), str(v)) for k, v in labels.items()]
    remedy = "write it as --labels myo=2,lv=3,rv=1"
    found: dict[str, tuple[int, ...]] = {}
    for word, value in pairs:
        structure = _BY_WORD.get(word.strip().lower().replace(" ", "_").replace("-", "_"))
        if structure is None:
            raise LaMoDInputError("--labels", f"'{word.strip()}' is not a structure that LaMoD uses", remedy)
        try:
            numbers = tuple(int(part) for part in value.split("+"))
        except ValueError:
            raise LaMoDInputError("--labels", f"'{value.strip()}' is not a whole number", remedy) from None
        if len(numbers) > 1 and structure != "myocardium":
            raise LaMoDInputError("--labels", f"'{word.strip()}={value.strip()}': only the wall can be joined", remedy)
        given = [number for others in found.values() for number in others]
        if structure in found or len({*given, *numbers}) < len(given) + len(numbers):
            raise LaMoDInputError("--labels", f"'{word.strip()}={value.strip()}' is given twice", remedy)
        found[structure] = numbers
    if "myocardium" not in found:
        raise LaMoDInputError("--labels", "the label of the myocardium is missing", remedy)
    single = {structure: numbers[0] for structure, numbers in found.items()}
    further = found["myocardium"][1:]
    return LabelMap(**single, further_myocardium=further)


def integer_labels(frames: Array, source: str | Path) -> Array:
    """Mask voxels [T, Z, H, W] as uint8 (int32 for labels over 255).

    Raises:
        LaMoDInputError: the voxels are not labels: NaN, fractions, negative or too many values, or all zero.
    """
    if frames.dtype.kind == "f":
        if not np.isfinite(frames).all():
            raise LaMoDInputError(
                source, "it contains NaN or infinite values", "export the mask as whole numbers, with 0 as background"
            )
        frames = _rounded(frames, source)
    if frames.size and (frames.max() > 2**31 - 1 or frames.min() < -(2**31)):
        raise LaMoDInputError(source, "its values are too large for labels", "export the mask as whole numbers")
    values = distinct_values(frames, MAX_LABELS + 1)
    if len(values) > MAX_LABELS + 1:
        extremes = float(((frames == frames.min()) | (frames == frames.max())).mean())
        if extremes > 1 - _SOFT_SHARE and frames.min() == 0:
            raise LaMoDInputError(
                source,
                f"its values run from 0 to {frames.max()}, and few lie between: a probability map or a smoothed mask",
                "export the mask itself, as by thresholding at half of the largest value",
            )
        raise LaMoDInputError(
            source,
            f"it contains more than {MAX_LABELS} different values, so it is an image, not a mask",
            "give the masks first and the cine images with --cine",
        )
    if values in ([], [0]):
        raise LaMoDInputError(source, "it is empty: no voxel is labelled", "export the contours as a labelmap")
    if values[0] < 0:
        raise LaMoDInputError(source, f"it contains the negative label {int(values[0])}", "export labels from 0 up")
    return frames.astype(np.uint8 if values[-1] < 256 else np.int32)


def _rounded(frames: Array, source: str | Path) -> Array:
    """Voxels close to whole numbers, rounded.

    Raises:
        LaMoDInputError: some are not; the error names a probability map, a smoothed mask or an image.
    """
    rounded = np.rint(frames)
    between = np.abs(frames - rounded) > MAX_ROUNDING
    share = float(between.mean()) if frames.size else 0.0
    if share == 0:
        return np.asarray(rounded)
    low, high = float(frames.min()), float(frames.max())
    if low >= 0 and high <= 1:
        raise LaMoDInputError(
            source,
            f"its values are fractions from {low:.2g} to {high:.2g}: a probability map, not labels",
            "export the mask, as by thresholding the probabilities at 0.5",
        )
    if len(distinct_values(rounded, MAX_LABELS + 1)) <= MAX_LABELS + 1 and share < _SOFT_SHARE:
        raise LaMoDInputError(
            source,
            f"{share:.1%} of its values are fractions between labels, as after smoothing or linear interpolation",
            "export the mask itself, or resample it with nearest-neighbour interpolation",
        )
    raise LaMoDInputError(
        source,
        f"its values are fractions from {low:.3g} to {high:.3g}, not labels, so it is an image",
        "give the masks first and the cine images with --cine",
    )


def rounding_notes(frames: Array, name: str) -> list[Note]:
    """A note if voxels deviate from labels by more than rounding errors of a file format."""
    if frames.dtype.kind != "f" or not np.isfinite(frames).all():
        return []
    largest = float(np.abs(frames - np.rint(frames)).max()) if frames.size else 0.0
    if largest <= _NOTED_ROUNDING:
        return []
    return [note("labels_rounded", f"The labels deviate from whole numbers by up to {largest:.2g}.", source=name)]


def distinct_values(frames: Array, limit: int) -> list[float]:
    """The distinct values of [T, Z, H, W], sorted; the search stops when there are more than ``limit``."""
    values: set[float] = set()
    for planes in frames:
        voxels = planes.reshape(-1)
        for start in range(0, voxels.size, _CHUNK):
            chunk = voxels[start : start + _CHUNK]
            drawn = chunk[chunk != 0]  # most voxels of a mask are 0: sorting the others is fast
            values.update(np.unique(drawn).tolist() if drawn.size == chunk.size else [0, *np.unique(drawn).tolist()])
            if len(values) > limit:
                return sorted(values)
    return sorted(values)


def meaning_of_labels(
    labels: Sequence[Array], source: str | Path, wanted: LabelMap | None = None
) -> tuple[LabelMap, Note | None]:
    """Find the structure of each label.

    Args:
        labels: int [T, Z, H, W] of each stack of one file or folder.
        source: the file, for errors.
        wanted: the meaning that the user gave; checked against the labels in the file.

    Returns:
        The map, and a note if the structures were identified by topology.

    Raises:
        LaMoDInputError: a given label does not occur, or the topology is ambiguous.
    """
    present = sorted({int(v) for stack in labels for v in np.unique(stack) if v != 0})
    listing = ", ".join(str(v) for v in present)
    if wanted is not None:
        walls = [value for value in wanted.walls if value in present]
        if not walls:
            raise LaMoDInputError(
                source,
                f"label {wanted.myocardium}, given as the myocardium, does not occur",
                f"choose from the labels that occur: {listing}",
            )
        return (
            LabelMap(
                walls[0],
                wanted.cavity if wanted.cavity in present else None,
                wanted.right_ventricle if wanted.right_ventricle in present else None,
                tuple(walls[1:]),
            ),
            None,
        )
    if len(present) == 1:
        return LabelMap(present[0]), None
    return _by_topology(labels, present, source, listing)


def _by_topology(
    labels: Sequence[Array], present: list[int], source: str | Path, listing: str
) -> tuple[LabelMap, Note]:
    planes = _sample([plane for stack in labels for plane in _cropped(stack) if plane.any()])
    present = _without_background(labels, present, source, listing)
    if len(present) == 1:
        text = f"Labels were identified by shape: {present[0]} myocardium; the others cover the border of the images."
        return LabelMap(present[0]), note("labels_by_shape", text, source=Path(source).name)
    rings = dict.fromkeys(present, 0)
    filling = {value: dict.fromkeys([0, *present], 0) for value in present}
    for plane in planes:
        for value in present:
            hole = cavity(plane == value)
            if hole.sum() < 4:
                continue
            rings[value] += 1
            inside, counts = np.unique(plane[hole], return_counts=True)
            for label, count in zip(inside, counts, strict=True):
                filling[value][int(label)] += int(count)
    # Rings are ranked by the enclosed area: holes in a carelessly drawn RV are small.
    enclosed = {value: sum(filling[value].values()) for value in present}
    ranked = sorted(present, key=lambda v: (rings[v], enclosed[v]), reverse=True)
    best, second = ranked[0], ranked[1]
    if rings[best] == 0 or (rings[second] >= 0.5 * rings[best] and enclosed[second] >= 0.5 * enclosed[best]):
        raise LaMoDInputError(
            source,
            f"the myocardium cannot be identified among its labels {listing}: "
            + ("none encloses a cavity" if rings[best] == 0 else f"both {best} and {second} enclose one"),
            "name them, as in --labels myo=2,lv=3,rv=1; --labels myo=2+4 combines a wall drawn in several parts",
        )
    inner = max((v for v in present if v != best), key=lambda v: filling[best][v])
    lv = inner if filling[best][inner] > 0.5 * enclosed[best] else None
    rv = _touching_outside(planes, best, [v for v in present if v not in (best, lv)])
    structures = [f"{best} myocardium"]
    structures += [f"{lv} LV cavity"] if lv is not None else []
    structures += [f"{rv} RV"] if rv is not None else []
    text = f"Labels were identified by shape: {', '.join(structures)}."
    return LabelMap(best, lv, rv), note("labels_by_shape", text, source=Path(source).name)


def _without_background(labels: Sequence[Array], present: list[int], source: str | Path, listing: str) -> list[int]:
    """The labels that are not the background: files may store it as 1 or 255, and 0 for nothing.

    Raises:
        LaMoDInputError: all of them are.
    """
    border = np.concatenate([stack[edge].ravel() for stack in labels for edge in _BORDERS])
    found = [v for v in present if (border == v).mean() < _BORDER_SHARE]
    if not found:
        raise LaMoDInputError(
            source,
            f"its labels {listing} cover the border of the images, so none of them is the myocardium",
            "export masks with 0 as background",
        )
    return found


def _cropped(stack: Array) -> Array:
    """The planes [N, h, w] of a stack, cropped to the part that is drawn in any of them."""
    planes = stack.reshape(-1, *stack.shape[2:])
    return np.asarray(planes[(slice(None), *extent(planes))])


def _sample(planes: list[Array], limit: int = 40) -> list[Array]:
    return planes[:: max(1, -(-len(planes) // limit))]


def _touching_outside(planes: list[Array], myocardium: int, others: list[int]) -> int | None:
    contact = dict.fromkeys(others, 0)
    for plane in planes:
        ring = plane == myocardium
        rim = ndimage.binary_dilation(ring, iterations=2) & ~ring & ~cavity(ring)
        for value in others:
            contact[value] += int((plane[rim] == value).sum())
    best = max(others, key=lambda v: contact[v], default=None)
    return best if best is not None and contact[best] > 0 else None
