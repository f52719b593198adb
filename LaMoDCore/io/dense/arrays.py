"""DENSE as NumPy arrays: a folder with `dense.json` and .npy files, or that JSON file.

    {"magnitude": "magnitude.npy", "phase_x": "phase_x.npy", "phase_y": "phase_y.npy", "mask": "mask.npy",
     "ke_cycles_per_mm": 0.1, "spacing_mm": [1.75, 1.75], "frame_times_ms": [...] (or "frame_ms": 15),
     "rr_ms": 900, "phase_units": "radians", "negate": [false, false], "level": "mid",
     "ijk_to_lps": [[…], […], […], […]]}

Arrays are [T, H, W]. The keys of the arrays are optional if the files have these names. `mask` may have one more frame
than the images: the first one is then the wall at the encoding instant.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from LaMoDCore.heart.case import LEVELS
from LaMoDCore.heart.geometry import Array, SliceGrid
from LaMoDCore.heart.notes import Note, note
from LaMoDCore.io.dense.images import (
    PHASE_12BIT_MAX,
    PHASE_UNITS,
    POSITION_UNKNOWN,
    DenseImages,
    check_lengths,
    effective_ke,
    phase_in_radians,
)
from LaMoDCore.io.dense.timing import dense_timing, number
from LaMoDCore.io.images.frame_stack import ASSUMED_THICKNESS_MM
from LaMoDCore.runtime.array_files import read_npy
from LaMoDCore.runtime.errors import LaMoDInputError
from LaMoDCore.runtime.json_file import read_json, write_json
from LaMoDCore.runtime.output.new_folder import new_folder
from LaMoDCore.runtime.plain_text import counted
from LaMoDCore.runtime.schema import (
    ArrayOf,
    Either,
    Flag,
    Kind,
    ListOf,
    Number,
    Numbers,
    Optional,
    Record,
    Text,
    refuse_faults,
)

JSON_NAME = "dense.json"

_HELP = "see docs/how-to/process-dense.md for its keys"

_PAIR = ListOf(Flag(), 2, 2)
_ENCODING = Either((Numbers((2,)), Number()))
_KNOWN: dict[str, Kind] = {
    "magnitude": Text(filled=True),
    "phase_x": Text(filled=True),
    "phase_y": Text(filled=True),
    "mask": Text(filled=True),
    "ke_cycles_per_mm": Optional(_ENCODING),
    "scale": Number(),
    "spacing_mm": Numbers((2,)),
    "frame_times_ms": Optional(Numbers((-1,), -1e5, 1e5, increasing=True)),
    "frame_ms": Optional(Number()),
    "rr_ms": Optional(Number()),
    "phase_units": Text(choices=tuple(PHASE_UNITS)),
    "negate": Either((Flag(), _PAIR)),
    "level": Text(choices=LEVELS),
    "ijk_to_lps": Numbers((4, 4), -1e5, 1e5),
    "name": Text(),
}
_DESCRIPTION = Record(_KNOWN)


def read_arrays(
    path: Path, *, ke: float | None = None, frame_ms: float | None = None, rr_ms: float | None = None
) -> tuple[DenseImages, ...]:
    """Read one slice of DENSE from arrays.

    Args:
        path: the folder or its JSON file.
        ke: encoding frequency in cycles/mm; overrides the file.
        frame_ms: duration of a frame; overrides the file.
        rr_ms: R–R interval; overrides the file.

    Raises:
        LaMoDInputError: an array or a setting is missing or invalid.
    """
    description = path / JSON_NAME if path.is_dir() else path
    settings = _settings(description)
    folder = description.parent
    source = str(description)

    magnitude = _array(folder, settings, "magnitude")
    phases = [_array(folder, settings, name) for name in ("phase_x", "phase_y")]
    check_lengths(source, magnitude=magnitude, **{"x phase": phases[0], "y phase": phases[1]})
    units = str(settings.get("phase_units", "radians"))
    negate = settings.get("negate", [False, False])
    signs = [-1.0 if bool(flag) else 1.0 for flag in (negate if isinstance(negate, list) else [negate] * 2)]
    if len(signs) != 2:
        raise LaMoDInputError(source, "'negate' is not a pair", 'give "negate": [false, true] for (x, y)')
    phase = np.stack(
        [s * phase_in_radians(p, units, f"{folder.name}/{n}") for s, p, n in
         zip(signs, phases, ("phase_x", "phase_y"), strict=True)], axis=1,
    )  # fmt: skip

    if ke is not None:
        effective = [effective_ke("--ke", ke)] * 2
    else:
        given = settings.get("ke_cycles_per_mm")
        encodings = given if isinstance(given, list) and len(given) == 2 else [given, given]
        effective = [effective_ke(source, e, settings.get("scale", 1.0)) for e in encodings]

    frames = magnitude.shape[0]
    times = settings.get("frame_times_ms")
    if times is not None and len(times) != frames:
        raise LaMoDInputError(source, f"it has {len(times)} frame_times_ms for {frames} frames", _HELP)
    timing = dense_timing(
        source,
        frames,
        trigger_ms=times,
        frame_ms=frame_ms if frame_ms is not None else number(settings.get("frame_ms")),
        rr_ms=rr_ms if rr_ms is not None else number(settings.get("rr_ms")),
    )
    level = settings.get("level", "mid")
    if level not in LEVELS:
        raise LaMoDInputError(source, f"level {level!r} is unknown", f"use one of {', '.join(LEVELS)}")
    masks, reference = _masks(folder, settings, magnitude.shape, source)
    grid, notes = _grid(settings, magnitude.shape[1:], source)
    return (
        DenseImages(
            name=str(settings.get("name", folder.name)),
            grid=grid,
            magnitude=magnitude.astype(np.float32),
            phase=phase.astype(np.float32),
            ke=(effective[0], effective[1]),
            frame_times_ms=timing.frame_times_ms,
            rr_ms=timing.rr_ms,
            myocardium=masks,
            reference_myocardium=reference,
            level=level,
            notes=(*timing.notes, *notes),
        ),
    )


def write_arrays(folder: Path, images: DenseImages) -> None:
    """Write one slice of DENSE as a folder that `read_arrays` reads; the folder appears complete or not at all.

    Phase is stored in 12 bits, as by scanners, with an error of at most 0.001 rad.
    """
    settings: dict[str, Any] = {
        "name": images.name,
        "ke_cycles_per_mm": list(images.ke),
        "frame_times_ms": images.frame_times_ms.tolist(),
        "rr_ms": images.rr_ms,
        "phase_units": "12bit",
        "level": images.level,
        "ijk_to_lps": images.grid.ijk_to_lps.tolist(),
    }
    stored = np.rint((images.phase.astype(np.float64) + np.pi) / (2.0 * np.pi) * PHASE_12BIT_MAX)
    arrays: dict[str, Array] = {
        "magnitude": images.magnitude.astype(np.float32),
        "phase_x": stored[:, 0].astype(np.uint16),
        "phase_y": stored[:, 1].astype(np.uint16),
    }
    if images.myocardium is not None:
        masks, reference = images.myocardium, images.reference_myocardium
        arrays["mask"] = (masks if reference is None else np.concatenate([reference[None], masks])).astype(np.uint8)
    with new_folder(folder, "DENSE arrays", "write_arrays") as temporary:
        for name, values in arrays.items():
            np.save(temporary / f"{name}.npy", values)
        write_json(temporary / JSON_NAME, settings, indent=1)


def split_reference(masks: Array, frames: int, source: str) -> tuple[Array, Array | None]:
    """Split masks [T or T + 1, H, W] into those of the T frames and an optional one of the encoding instant.

    Raises:
        LaMoDInputError: another number of masks.
    """
    if masks.shape[0] == frames:
        return masks, None
    if masks.shape[0] == frames + 1:
        return masks[1:], masks[0]
    raise LaMoDInputError(
        source,
        f"it has {counted(masks.shape[0], 'mask')} for {frames} DENSE frames",
        "give one mask per frame (or one more: the first for the encoding instant)",
    )


def _settings(description: Path) -> dict[str, Any]:
    if not description.exists():
        raise LaMoDInputError(
            description.parent,
            f"there is no {JSON_NAME} and neither a workspace nor DENSE DICOM",
            f"write a {JSON_NAME} next to the arrays (see docs/how-to/process-dense.md)",
        )
    settings = read_json(description, _HELP)
    unknown = sorted(set(settings) - set(_KNOWN))
    if unknown:
        raise LaMoDInputError(description, f"unknown key '{unknown[0]}'", f"use one of {', '.join(sorted(_KNOWN))}")
    refuse_faults(_DESCRIPTION.faults(settings), description, _HELP)
    return settings


def _array(folder: Path, settings: dict[str, Any], name: str) -> Array:
    file = folder / settings.get(name, f"{name}.npy")
    if not file.exists():
        raise LaMoDInputError(file, f"the {name} array is missing", "name it in the JSON file")
    values = read_npy(file)
    kind = ArrayOf((-1, -1, -1), "fiub" if name == "mask" else "fiu")
    refuse_faults(kind.faults(values, name), file, "give finite numbers [frames, rows, columns]")
    if values.size == 0:
        raise LaMoDInputError(file, f"{name} is empty", "give finite numbers [frames, rows, columns]")
    return values


def _masks(
    folder: Path, settings: dict[str, Any], shape: tuple[int, int, int], source: str
) -> tuple[Array | None, Array | None]:
    if "mask" not in settings and not (folder / "mask.npy").exists():
        return None, None
    masks = _array(folder, settings, "mask") != 0
    if masks.ndim != 3 or masks.shape[1:] != shape[1:]:
        raise LaMoDInputError(
            source, f"the mask has shape {masks.shape}, the images {shape}", "draw it on the pixels of the DENSE images"
        )
    return split_reference(masks, shape[0], source)


def _grid(settings: dict[str, Any], shape: tuple[int, int], source: str) -> tuple[SliceGrid, tuple[Note, ...]]:
    if "ijk_to_lps" in settings:
        try:
            return SliceGrid(shape, np.asarray(settings["ijk_to_lps"], dtype=np.float64)), ()
        except (TypeError, ValueError) as error:
            raise LaMoDInputError(source, f"ijk_to_lps is unusable ({error})", "give a 4×4 matrix") from error
    try:
        dx, dy = (float(v) for v in settings["spacing_mm"])
    except (KeyError, TypeError, ValueError) as error:
        raise LaMoDInputError(source, "the pixel size is missing", 'give "spacing_mm": [dx, dy]') from error
    if not (0.1 <= dx <= 20 and 0.1 <= dy <= 20):
        raise LaMoDInputError(source, f"a pixel size of {dx:g} × {dy:g} mm is implausible", 'give "spacing_mm" in mm')
    affine = np.diag([dx, dy, ASSUMED_THICKNESS_MM, 1.0])
    affine[0, 3], affine[1, 3] = -dx * (shape[1] - 1) / 2, -dy * (shape[0] - 1) / 2
    return SliceGrid(shape, affine), (note("dense_position_unknown", POSITION_UNKNOWN, source=Path(source).name),)
