"""Read Slicer's segmentations (.seg.nrrd): label values, layers and cropped extents of named segments.

The format is described in Slicer's developer guide, "Segmentation file format": key-value pairs ``SegmentN_Name``,
``SegmentN_LabelValue`` and ``SegmentN_Layer``; overlapping segments lie in layers, which are the list axis of a 4-D
file. Files of Slicer before 4.11 have one layer per segment and no label values.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from LaMoDCore.heart.geometry import Array
from LaMoDCore.io.images.frame_stack import FrameStack
from LaMoDCore.io.images.nrrd import NrrdHeader, affine_of, read_voxels
from LaMoDCore.io.images.segment_names import label_meaning, structure_of
from LaMoDCore.runtime.bounded_reads import check_size, damaged, parsing
from LaMoDCore.runtime.errors import LaMoDInputError
from LaMoDCore.runtime.json_file import parse_json

#: Metadata key for the names of a segmentation's labels: JSON pairs of label and name.
SEGMENTS_KEY = "segment names"
#: Pixels added around a segmentation that ends at the border of its file, as those cropped to the segments do.
_MARGIN = 8
_MAX_SEGMENTS = 200
#: Voxels of two files coincide if their distance in voxels is a whole number within this tolerance.
_TOLERANCE = 0.02


@dataclass(frozen=True)
class _Segment:
    """One segment: the name that identifies it in all files, its label value, and its layer."""

    name: str
    value: int
    layer: int


def has_segments(header: NrrdHeader) -> bool:
    """Whether the file is a segmentation of Slicer."""
    return any(re.match(r"Segment\d+_", key) for key in header.metadata)


def read_segments(header: NrrdHeader, data: bytes, path: Path) -> FrameStack:
    """Read a segmentation as frames [T, Z, H, W] of its label values, or of numbers from 1 if layers share a value.

    Overlapping segments: the smaller one covers the larger, so that a filled ventricle does not hide its cavity.

    Raises:
        LaMoDInputError: the header contradicts the voxels, or the axes cannot be interpreted.
    """
    segments = _segments(header, path)
    axes = len(header.sizes)
    lists = [axis for axis, kind in enumerate(header.kinds) if kind in ("list", "vector", "time")]
    if not lists and axes > 3:
        lists = [axis for axis, vector in enumerate(header.directions) if vector is None]
    space_axes = [axis for axis in range(axes) if axis not in lists]
    layers = 1 + max(s.layer for s in segments)
    if len(space_axes) != 3 or len(lists) > 2:
        raise LaMoDInputError(
            path, f"it is a segmentation with {len(space_axes)} axes in space", "save it again in Slicer"
        )
    affine, oriented = affine_of(header, (space_axes[0], space_axes[1], space_axes[2]), path)
    voxels = read_voxels(header, data, path)
    layer_axis = next((axis for axis in lists if header.sizes[axis] == layers), None)
    if layer_axis is None and layers > 1:
        raise damaged(path, f"its segments lie in {layers} layers, but its axes have the sizes {list(header.sizes)}")
    if layers == 1 and len(lists) == 1 and header.sizes[lists[0]] > 1:
        layer_axis = None  # one layer over time
    time_axis = next((axis for axis in lists if axis != layer_axis), None)
    order = [axes - 1 - axis for axis in (layer_axis, time_axis, *reversed(space_axes)) if axis is not None]
    shape = [header.sizes[axis] for axis in reversed(space_axes)]
    times = 1 if time_axis is None else header.sizes[time_axis]
    stored = voxels.transpose(order).reshape(layers, times, *shape)
    values = [s.value for s in segments]
    distinct = len(set(values)) == len(values) and all(0 < value < 256 for value in values)
    names = {s.value if distinct else number: s.name for number, s in enumerate(segments, start=1)}
    labels = np.zeros(stored.shape[1:], dtype=np.uint8)
    masks = [(label, stored[s.layer] == s.value) for label, s in zip(names, segments, strict=True)]
    for number, mask in sorted(masks, key=lambda pair: -int(pair[1].sum())):
        labels[mask] = number
    frames, affine = _with_margin(labels, affine)
    return FrameStack(
        name=path.name,
        frames=frames,
        ijk_to_lps=affine,
        has_orientation=oriented,
        metadata=_metadata(names),
    )


def _segments(header: NrrdHeader, path: Path) -> list[_Segment]:
    pairs = header.metadata
    numbers = sorted({int(match[1]) for key in pairs if (match := re.match(r"Segment(\d{1,6})_", key))})
    if not 0 < len(numbers) <= _MAX_SEGMENTS:
        raise damaged(path, f"its header describes {len(numbers)} segments")
    old = not any(f"Segment{n}_LabelValue" in pairs for n in numbers)
    if old and len(header.sizes) > 3 and len(numbers) not in header.sizes:
        raise damaged(path, f"its {len(numbers)} segments have no label values, and its layers are not as many")
    found = []
    for place, n in enumerate(numbers):
        name = pairs.get(f"Segment{n}_Name") or pairs.get(f"Segment{n}_ID") or f"segment {n + 1}"
        try:
            value = 1 if old else int(pairs.get(f"Segment{n}_LabelValue", ""))
            layer = (place if len(header.sizes) > 3 else 0) if old else int(pairs.get(f"Segment{n}_Layer", "0"))
        except ValueError as error:
            raise damaged(path, f"its segment '{name}' has no label value") from error
        if not 0 <= layer < _MAX_SEGMENTS:
            raise damaged(path, f"its segment '{name}' lies in layer {layer}")
        found.append(_Segment(_identity(name, pairs.get(f"Segment{n}_Tags", "")), value, layer))
    identities = [s.name for s in found]
    if len(set(identities)) < len(identities):  # several walls, say: only their own names distinguish them
        own = [pairs.get(f"Segment{n}_Name") or f"segment {n + 1}" for n in numbers]
        found = [replace(s, name=name) for s, name in zip(found, own, strict=True)]
    return found


def _identity(name: str, tags: str) -> str:
    """The structure that a name or its terminology states, otherwise the name."""
    entry = re.search(r"TerminologyEntry:([^|]*)", tags)
    parts = entry[1].split("~") if entry else []
    meaning = parts[2].split("^")[-1] if len(parts) > 2 else ""
    return structure_of(name) or structure_of(meaning) or name


def _metadata(names: Mapping[int, str]) -> dict[str, str]:
    return {SEGMENTS_KEY: json.dumps(list(names.items())), **label_meaning(names)}


def _with_margin(labels: Array, affine: Array) -> tuple[Array, Array]:
    """Labels with empty pixels around them in plane if they reach the border, and the affine of the larger grid."""
    drawn = np.asarray(labels.any(axis=(0, 1)))
    if not (drawn[0].any() or drawn[-1].any() or drawn[:, 0].any() or drawn[:, -1].any()):
        return labels, affine
    moved = np.array(affine)
    moved[:3, 3] -= _MARGIN * (affine[:3, 0] + affine[:3, 1])
    return np.pad(labels, ((0, 0), (0, 0), (_MARGIN, _MARGIN), (_MARGIN, _MARGIN))), moved


def on_one_grid(stacks: Sequence[FrameStack], files: Sequence[Path]) -> list[FrameStack]:
    """Segmentations of single frames with the same labels on the smallest grid that contains them all.

    Args:
        stacks: results of `read_segments`.
        files: their files, for errors.

    Raises:
        LaMoDInputError: the voxels of two files do not coincide.
    """
    first = stacks[0].ijk_to_lps
    inverse = np.linalg.inv(first[:3, :3])
    starts = []
    for stack, file in zip(stacks, files, strict=True):
        same = np.allclose(inverse @ stack.ijk_to_lps[:3, :3], np.eye(3), atol=1e-4)
        offset = inverse @ (stack.ijk_to_lps[:3, 3] - first[:3, 3])
        if not same or np.abs(offset - np.rint(offset)).max() > _TOLERANCE:
            raise LaMoDInputError(
                file, f"its voxels are not those of {files[0].name}", "segment every frame on the same volume geometry"
            )
        starts.append(np.rint(offset).astype(int))
    sizes = [np.array(stack.frames.shape[:0:-1]) for stack in stacks]
    low = np.min(starts, axis=0)
    width, height, depth = (np.max([a + b for a, b in zip(starts, sizes, strict=True)], axis=0) - low).tolist()
    check_size(files[0].parent, len(stacks) * width * height * depth)
    affine = np.array(first)
    affine[:3, 3] += first[:3, :3] @ low
    label_of: dict[str, int] = {}
    result = []
    for stack, start, size in zip(stacks, starts, sizes, strict=True):
        x, y, z = start - low
        with parsing(stack.name, "its segment names"):
            own = {int(label): str(name) for label, name in parse_json(stack.metadata[SEGMENTS_KEY])}
        table = np.zeros(256, dtype=np.uint8)
        for label, name in own.items():  # the first file's labels, as far as possible
            free = [n for n in (label, *range(1, 256)) if n not in label_of.values()]
            table[label] = label_of.setdefault(name, free[0] if free else 0)
        frames = np.zeros((stack.frames.shape[0], depth, height, width), dtype=np.uint8)
        frames[:, z : z + size[2], y : y + size[1], x : x + size[0]] = table[stack.frames]
        result.append(replace(stack, frames=frames, ijk_to_lps=affine))
    metadata = _metadata({label: name for name, label in label_of.items()})
    return [replace(stack, metadata=metadata) for stack in result]
