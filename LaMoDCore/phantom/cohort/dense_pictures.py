"""DENSE magnitude and phase of paired scans, as input of `lamod dense`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from LaMoDCore.heart.geometry import Array
from LaMoDCore.io.dataset.folder import DatasetCase
from LaMoDCore.io.dense.arrays import write_arrays
from LaMoDCore.io.dense.images import DenseImages
from LaMoDCore.phantom.cohort.pairing import DENSE_FRAME_MS, Scan
from LaMoDCore.phantom.heart.slices import PhantomSlice
from LaMoDCore.phantom.imaging.dense_imaging import DenseProtocol, simulate_slice

#: Folder of the pictures within a case.
PICTURES_FOLDER = "dense"
_STREAM = 44


def draw_dense_protocol(rng: np.random.Generator, scan: Scan) -> DenseProtocol:
    """Draw the clinical settings of one examination, with exactly the frames of ``scan``.

    ke 0.08–0.1 cycles/mm, SNR of the first frame 9–18 (phase noise 0.06–0.11 rad there, twice that at the
    end), background phase 0.2–0.6 rad.
    """
    last_frame_ms = scan.phases[-1] * scan.plane.rr_ms
    ke = float(rng.uniform(0.08, 0.1))
    return DenseProtocol(
        pixel_mm=scan.grid.spacing_mm[0],
        ke=(ke, ke),
        frame_ms=DENSE_FRAME_MS,
        first_frame_ms=DENSE_FRAME_MS,
        coverage=float((last_frame_ms + 0.5 * DENSE_FRAME_MS) / scan.plane.rr_ms),
        snr=float(rng.uniform(9, 18)),
        background_rad=float(rng.uniform(0.2, 0.6)),
    )


def following(plane: PhantomSlice) -> PhantomSlice:
    """The slice as slice-following DENSE acquires it: the same in-plane motion, without motion through the plane."""
    return replace(plane, parameters=replace(plane.parameters, through_plane_mm=0.0))


def dense_pictures(scan: Scan, drawn: DatasetCase, seed: tuple[int, ...]) -> DenseImages:
    """Simulate magnitude and wrapped phase of a DENSE scan, with the masks that were drawn on it.

    Frame 0 of the case is the encoding instant, before the first picture: there is one picture less than the case
    has frames. The simulated acquisition is slice-following.

    Args:
        scan: a DENSE scan, see ``pairing.dense_scan``.
        drawn: the case of the ``following`` plane: its masks are the pictures' masks.
        seed: random seed of protocol, noise and background.
    """
    rng = np.random.default_rng([_STREAM, *seed])
    protocol = draw_dense_protocol(rng, scan)
    seed_of_noise = int(rng.integers(2**31))
    simulated = simulate_slice(scan.plane, protocol, seed_of_noise, grid=scan.grid, name=drawn.id)
    masks = drawn.masks[:, 0]
    return replace(simulated.images, myocardium=masks[1:], reference_myocardium=masks[0])


def magnitude_as_cine(images: DenseImages) -> Array:
    """[T + 1, 1, H, W] int16: the magnitude on the case's frames; frame 0 repeats the first picture."""
    scale = 1000.0 / max(float(np.quantile(images.magnitude[0], 0.999)), 1e-9)
    magnitude = np.concatenate([images.magnitude[:1], images.magnitude]) * scale
    return np.clip(np.rint(magnitude), 0, 32767).astype(np.int16)[:, None]


def write_dense_pictures(case_folder: Path, images: DenseImages) -> None:
    """Write the pictures into ``dense/`` of a case's folder, in the format that `lamod dense` reads."""
    write_arrays(case_folder / PICTURES_FOLDER, images)
