"""Time and memory of a whole prediction, from a file with masks to the files of the result."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

import numpy as np

from LaMoDCore.benchmarks.timing import Duration, load_line, peak_memory_mib
from LaMoDCore.heart.geometry import Array
from LaMoDCore.io.images.seq_nrrd import write_seq_nrrd
from LaMoDCore.prediction.outputs import DEFAULT_OUTPUTS

_LENGTH_MM = 80.0
_PIXEL_MM = 1.4
_RR_MS = 900.0
#: Directions of columns, rows and slices in LPS: the slices follow each other towards the apex.
_DIRECTIONS = np.array([[1, 1, 1], [1, -1, -1], [0, 2, -1]]) / np.sqrt([2, 6, 3])


@dataclass(frozen=True)
class HeartSize:
    """Size of the synthetic heart: slices, frames, and pixels of 1.4 mm along each side."""

    slices: int
    frames: int = 25
    pixels: int = 128


@dataclass(frozen=True)
class WholeHeart:
    """Measurements of one prediction.

    Attributes:
        size: size of the heart.
        samples: number of samples.
        parts: duration by part; ``write PART`` is that part alone.
        of_slices_s: seconds that motion and strain took, added over the slices; these overlap where several are
            predicted at a time.
        total: reading, prediction and writing of all parts.
        peak_mib: peak memory of this process; None where the system does not report it.
    """

    size: HeartSize
    samples: int
    parts: dict[str, Duration]
    of_slices_s: dict[str, float]
    total: Duration
    peak_mib: float | None

    def to_json(self) -> dict[str, Any]:
        """The measurements as JSON values, times in seconds."""
        return {**asdict(self), "machine": load_line()}

    def lines(self) -> Iterator[str]:
        """The measurements as a table."""
        size = self.size
        yield (
            f"{size.slices} slices, {size.frames} frames of {size.pixels} × {size.pixels} pixels, "
            f"{self.samples} samples, from the masks to the files"
        )
        yield ""
        yield "| part | time |"
        yield "| --- | --- |"
        for part, duration in {**self.parts, "all": self.total}.items():
            yield f"| {part} | {duration} |"
        for part, seconds in self.of_slices_s.items():
            yield f"| {part}, sum of the slices | {seconds:8.3f} s |"
        if self.peak_mib is not None:
            yield ""
            yield f"peak memory of this process: {self.peak_mib:.0f} MiB"


def measure(size: HeartSize, samples: int = 8, *, to_files: bool = True) -> WholeHeart:
    """Read, predict and write a synthetic heart with the default model, and time each part.

    Args:
        size: size of the heart.
        samples: number of samples.
        to_files: also write the result; otherwise only the prediction is measured.
    """
    from LaMoDCore.io import load_case, write_result
    from LaMoDCore.models.folder import load_model
    from LaMoDCore.prediction.predict import predict_strain

    parts: dict[str, Duration] = {}
    with tempfile.TemporaryDirectory() as folder:
        masks = Path(folder) / "masks.seq.nrrd"
        write_heart(masks, size)
        whole = _Clock()
        clock = _Clock()
        model = load_model()
        parts["load the model"] = clock.lap()
        case = load_case(masks, labels="myo=2,lv=3")
        parts["read the masks"] = clock.lap()
        result = predict_strain(case, model, samples=samples)
        parts["predict"] = clock.lap()
        if to_files:
            write_result(result, Path(folder) / "result")
            parts["write"] = clock.lap()
        total = whole.lap()
        peak = peak_memory_mib()
        of_slices_s = {name: float(seconds) for name, seconds in result.motion.provenance["seconds"].items()}
        if to_files:
            clock.lap()
            for part in DEFAULT_OUTPUTS:
                write_result(result, Path(folder) / part, outputs=[part])
                parts[f"write {part}"] = clock.lap()
    drawn = int(result.motion.provenance["samples"])
    return WholeHeart(size, drawn, parts, of_slices_s, total, peak)


def write_heart(path: Path, size: HeartSize) -> None:
    """Write the masks of a contracting ventricle whose slices become smaller towards the apex."""
    gap_mm = _LENGTH_MM / size.slices
    place = (np.arange(size.pixels) - (size.pixels - 1) / 2) * _PIXEL_MM
    radius = np.hypot(place[:, None], place)
    taper = 1.0 - 0.5 * (np.arange(size.slices) / size.slices) ** 2
    phase = np.arange(size.frames) / size.frames
    contraction = 0.5 - 0.5 * np.cos(2 * np.pi * np.minimum(phase / 0.7, 1.0))
    inner, outer = (start * (1.0 - share * contraction) for start, share in ((25.0, 0.3), (35.0, 0.1)))
    labels = np.zeros((size.frames, size.slices, size.pixels, size.pixels), dtype=np.uint8)
    labels[radius < _at(outer, taper)] = 2
    labels[radius < _at(inner, taper)] = 3
    affine = np.eye(4)
    affine[:3, :3] = _DIRECTIONS * [_PIXEL_MM, _PIXEL_MM, gap_mm]
    write_seq_nrrd(path, labels, affine, phase * _RR_MS, rr_ms=_RR_MS)


def _at(radius_mm: Array, taper: Array) -> Array:
    """[T] and [Z] -> [T, Z, 1, 1]."""
    return np.asarray((radius_mm[:, None] * taper)[..., None, None])


class _Clock:
    """Durations between calls of `lap`."""

    def __init__(self) -> None:
        self._wall, self._cpu = perf_counter(), process_time()

    def lap(self) -> Duration:
        wall, cpu = perf_counter(), process_time()
        taken = Duration(wall - self._wall, cpu - self._cpu)
        self._wall, self._cpu = wall, cpu
        return taken
