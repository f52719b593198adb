"""Cine DENSE of one slice: magnitude, wrapped phase, and the scale that converts phase to displacement."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from LaMoDCore.heart.case import Level
from LaMoDCore.heart.geometry import Array, SliceGrid
from LaMoDCore.heart.notes import Note
from LaMoDCore.runtime.errors import LaMoDInputError

#: Values outside ±π by more than this are not wrapped phase in radians.
_RADIAN_TOLERANCE = 1e-2

#: Maximum of phase stored in 12 bits, as DENSE sequences and DENSEanalysis write it.
PHASE_12BIT_MAX = 4095.0

#: Units of stored phase, and their factor to radians.
PHASE_UNITS = {"radians": 1.0, "degrees": np.pi / 180.0, "cycles": 2.0 * np.pi, "12bit": None}


#: Text of the note `dense_position_unknown`.
POSITION_UNKNOWN = "The data contain no position of the slice in the patient; it was assumed to be axial."


@dataclass(frozen=True, eq=False)
class DenseImages:
    """Cine DENSE of one short-axis slice.

    Attributes:
        name: name of the scan.
        grid: pixel grid in LPS mm.
        magnitude: float32 [T, H, W].
        phase: float32 [T, 2, H, W], wrapped radians of the (x, y) encodings; positive phase is displacement
            towards increasing column (x) or row (y), so any swap or sign flag of the scanner is already applied.
        ke: (x, y) encoding frequency in cycles/mm, including the scanner's scale factor:
            ``displacement_mm = phase / (2π ke)``.
        frame_times_ms: float64 [T], increasing, from the encoding pulses (the R wave), all > 0.
        rr_ms: R–R interval.
        myocardium: bool [T, H, W] in the deformed position of each frame; None if there are no contours.
        reference_myocardium: bool [H, W] at the encoding instant; None if it was not drawn.
        level: base, mid or apex.
        notes: assumptions made while reading.
    """

    name: str
    grid: SliceGrid
    magnitude: Array
    phase: Array
    ke: tuple[float, float]
    frame_times_ms: Array
    rr_ms: float
    myocardium: Array | None = None
    reference_myocardium: Array | None = None
    level: Level = "mid"
    notes: tuple[Note, ...] = ()

    def __post_init__(self) -> None:
        frames, shape = self.magnitude.shape[0], self.grid.shape
        if self.magnitude.shape != (frames, *shape) or self.phase.shape != (frames, 2, *shape):
            raise ValueError(
                f"magnitude must be [T, {shape[0]}, {shape[1]}] and phase [T, 2, {shape[0]}, {shape[1]}], "
                f"got {self.magnitude.shape} and {self.phase.shape}"
            )
        if self.frame_times_ms.shape != (frames,) or np.any(np.diff(self.frame_times_ms) <= 0):
            raise ValueError(f"frame_times_ms must be {frames} increasing times")
        if self.frame_times_ms[0] <= 0:
            raise ValueError("frame_times_ms count from the encoding pulses, so the first must be > 0")
        if self.myocardium is not None and self.myocardium.shape != self.magnitude.shape:
            raise ValueError(f"myocardium must be {self.magnitude.shape}, got {self.myocardium.shape}")

    @property
    def frames(self) -> int:
        return int(self.magnitude.shape[0])

    @property
    def mm_per_radian(self) -> Array:
        """[2]: displacement in mm per radian of the (x, y) phase."""
        return np.asarray(1.0 / (2.0 * np.pi * np.asarray(self.ke, dtype=np.float64)))


def wrap(phase: Array) -> Array:
    """Wrap phase in radians, of any shape, to (−π, π]."""
    return np.asarray(np.pi - np.mod(np.pi - np.asarray(phase), 2.0 * np.pi))


def phase_in_radians(values: Array, units: str, source: str) -> Array:
    """Convert stored phase of any shape to wrapped radians, float32.

    Args:
        values: stored values.
        units: "radians", "degrees", "cycles", or "12bit" (0…4095 for −π…π, as DENSE scanners store it).
        source: name of the file for errors.

    Raises:
        LaMoDInputError: the values are not finite or not in these units.
    """
    if units not in PHASE_UNITS:
        raise LaMoDInputError(source, f"unknown phase units {units!r}", f"use one of {', '.join(PHASE_UNITS)}")
    numbers = np.asarray(values, dtype=np.float64)
    if not np.isfinite(numbers).all():
        raise LaMoDInputError(source, "the phase contains values that are not finite", "replace them by 0")
    low, high = float(numbers.min()), float(numbers.max())
    factor = PHASE_UNITS[units]
    if factor is None:
        if low < 0 or high > PHASE_12BIT_MAX:
            raise LaMoDInputError(
                source,
                f"the phase runs from {low:g} to {high:g}, but 12-bit phase ranges from 0 to 4095",
                "give the stored values, or name their units (phase_units)",
            )
        return np.asarray(2.0 * np.pi * numbers / PHASE_12BIT_MAX - np.pi, dtype=np.float32)
    radians = numbers * factor
    if max(-low, high) * factor > np.pi + _RADIAN_TOLERANCE:
        raise LaMoDInputError(
            source,
            f"the phase runs from {low:g} to {high:g}, outside ±{np.pi / factor:.4g} of wrapped {units}",
            f"give wrapped phase and name its units (phase_units: {', '.join(PHASE_UNITS)})",
        )
    return np.asarray(wrap(radians), dtype=np.float32)


def check_lengths(source: str, **series: Array) -> None:
    """Check that all named image series [T, H, W] have the same shape.

    Raises:
        LaMoDInputError: they have not.
    """
    for name, values in series.items():
        if values.ndim != 3:
            raise LaMoDInputError(
                source,
                f"{name} has shape {values.shape}, not (frames, rows, columns)",
                "give one slice over time",
            )
    shapes = {name: values.shape for name, values in series.items()}
    if len(set(shapes.values())) > 1:
        sizes = ", ".join(f"{name} {shape[0]} frames of {shape[1]}×{shape[2]}" for name, shape in shapes.items())
        raise LaMoDInputError(
            source, f"magnitude and phase do not belong together: {sizes}", "give series of one acquisition"
        )


def effective_ke(source: str, encoding: object, scale: object = 1.0) -> float:
    """Compute ke = Scale × EncFreq in cycles/mm.

    Raises:
        LaMoDInputError: it is missing, not a positive number, or implausible.
    """
    try:
        ke = float(np.asarray(encoding, dtype=np.float64).item()) * float(np.asarray(scale, dtype=np.float64).item())
    except (TypeError, ValueError):
        ke = float("nan")
    if not np.isfinite(ke) or ke <= 0:
        raise LaMoDInputError(
            source,
            "the encoding frequency ke is missing",
            "give it in cycles/mm (--ke 0.1, or ke_cycles_per_mm)",
        )
    if not 0.005 <= ke <= 2.0:
        raise LaMoDInputError(
            source,
            f"an encoding frequency of {ke:g} cycles/mm is implausible",
            "give ke in cycles/mm, usually 0.04…0.2",
        )
    return ke
