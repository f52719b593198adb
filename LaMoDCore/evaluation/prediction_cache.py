"""Cache of predictions on disk, so that slow methods need not run again for a new measure or method.

One file per case and method. Its name is a hash of everything that the prediction depends on, so changed code, models,
options or masks are predicted again. Displacement is stored within a margin around the wall, in steps of 2⁻¹⁰ mm.
"""

from __future__ import annotations

import hashlib
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from LaMoDCore.evaluation.predictors import Predictor
from LaMoDCore.heart.case import Case, Motion, SliceMotion
from LaMoDCore.heart.geometry import Array
from LaMoDCore.runtime.array_files import read_npz
from LaMoDCore.runtime.atomic import replaced_file
from LaMoDCore.runtime.errors import LaMoDInputError
from LaMoDCore.runtime.output.growing_folder import GrowingFolder

SECONDS = "prediction_seconds"
_STEP_MM = 2.0**-10
_MOST_STEPS = 2**15 - 1
_MARGIN_MM = 10.0


def open_prediction_cache(folder: Path) -> None:
    """Create the folder of a cache with its marker, or check that an existing one is a cache.

    Raises:
        LaMoDInputError: it holds files and is not a cache, or it cannot be written.
    """
    GrowingFolder(folder, "a cache of predictions", "evaluate").open()


def cached(predictor: Predictor, folder: Path) -> Predictor:
    """Return the predictor with a cache in `folder`; a predictor without identity is returned unchanged."""
    if not predictor.identity:
        return predictor

    def predict(case: Case) -> Motion:
        file = folder / f"{_key(predictor.identity, case)}.npz"
        found = _read(file, case)
        if found is not None:
            return found
        began = time.perf_counter()
        motion = predictor.predict(case)
        seconds = time.perf_counter() - began
        _write(file, case, motion, seconds)
        return replace(motion, provenance={**motion.provenance, SECONDS: seconds})

    return replace(predictor, predict=predict)


def _key(identity: str, case: Case) -> str:
    digest = hashlib.sha256(f"{identity}\n{case.reference_frame}".encode())
    for slice_ in case.slices:
        digest.update(np.packbits(slice_.myocardium).tobytes())
        digest.update(repr(slice_.myocardium.shape).encode())
        for values in (slice_.frame_times_ms, slice_.grid.ijk_to_lps, slice_.valid_frames, slice_.rr_ms):
            digest.update(np.asarray(values, dtype=np.float64).tobytes())
        digest.update(f"{slice_.level if slice_.level_known else None} {slice_.contour_convention}".encode())
    return digest.hexdigest()[:32]


def _window(case: Case, z: int) -> tuple[slice, slice]:
    """Rows and columns around a slice's wall in all frames."""
    slice_ = case.slices[z]
    rows, columns = np.nonzero(slice_.myocardium.any(axis=0))
    spans = []
    for places, size, pixel_mm in zip((rows, columns), slice_.grid.shape, slice_.grid.spacing_mm[::-1], strict=True):
        margin = int(np.ceil(_MARGIN_MM / pixel_mm))
        spans.append(slice(max(0, int(places.min()) - margin), min(size, int(places.max()) + margin + 1)))
    return spans[0], spans[1]


def _write(file: Path, case: Case, motion: Motion, seconds: float) -> None:
    arrays: dict[str, Array] = {"seconds": np.asarray(seconds)}
    for z, each in enumerate(motion.slices):
        rows, columns = _window(case, z)
        parts = {"mean": each.displacement_mm, "samples": each.samples_mm}
        for name, values in parts.items():
            if values is not None:
                steps = np.rint(np.asarray(values)[..., rows, columns] / _STEP_MM)  # samples may be computed lazily
                arrays[f"{name}_{z}"] = np.clip(steps, -_MOST_STEPS, _MOST_STEPS).astype(np.int16)
    file.parent.mkdir(parents=True, exist_ok=True)
    with replaced_file(file) as temporary, temporary.open("wb") as handle:
        np.savez_compressed(handle, **arrays)  # type: ignore[arg-type]


def _read(file: Path, case: Case) -> Motion | None:
    """The cached motion of a case; None without a readable file."""
    try:
        arrays = read_npz(file)
        slices = []
        for z, slice_ in enumerate(case.slices):
            samples = arrays.get(f"samples_{z}")
            mean = _restored(arrays[f"mean_{z}"], case, z, slice_.grid.shape)
            slices.append(
                SliceMotion(mean, None if samples is None else _restored(samples, case, z, slice_.grid.shape))
            )
        return Motion(tuple(slices), {SECONDS: float(arrays["seconds"])})
    except (LaMoDInputError, KeyError, ValueError, IndexError):
        return None


def _restored(steps: Array, case: Case, z: int, shape: tuple[int, int]) -> Array:
    rows, columns = _window(case, z)
    whole = np.zeros((*steps.shape[:-2], *shape), dtype=np.float32)
    whole[..., rows, columns] = steps * np.float32(_STEP_MM)
    return whole
