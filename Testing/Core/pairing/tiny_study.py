"""Persons whose hearts are rings with closed-form motion, scanned with few pixels and frames."""

from __future__ import annotations

import sys
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np

from experiments.people.scanner import Examination, write_cine_study, write_dense_study
from experiments.people.study import ScannedPerson, ScannedPlane, as_stored, on_scanner
from LaMoDCore.heart.geometry import SliceGrid
from LaMoDCore.io.dataset.folder import DatasetCase

sys.path.append(str(Path(__file__).resolve().parents[1] / "dense"))
from contracting_annulus import RR_MS, SHORT_SCAN, Annulus, scan, short_axis_grid

FRAMES = 10
#: Depth of the planes towards the base, and the offset of the DENSE planes from them.
DEPTHS_MM, OFFSET_MM = (12.0, -12.0), 1.2
#: Shift of the heart in the DENSE scans, along x and y of the plane.
SHIFT_MM = (2.0, -1.5)
RING = Annulus(drift_mm=(1.0, 0.5))
PROTOCOL = replace(SHORT_SCAN, frame_ms=75.0, first_frame_ms=75.0, ke=(0.1, 0.08), snr=40.0)
#: Identifiers that must not leave the studies.
PATIENT, NAME, BIRTH, DATE, FOLDER = "MRN-4711-08", "Mustermann^Erika", "19610203", "20240517", "mustermann_erika"


def moved(
    grid: SliceGrid, along_mm: float = 0.0, x_mm: float = 0.0, y_mm: float = 0.0, tilt_deg: float = 0.0
) -> SliceGrid:
    """The grid shifted along its axes and tilted about x."""
    affine = np.array(grid.ijk_to_lps)
    x, y = grid.directions.T
    affine[:3, 3] += along_mm * grid.normal + x_mm * x + y_mm * y
    if tilt_deg:
        angle = np.deg2rad(tilt_deg)
        middle = SliceGrid(grid.shape, affine).center_lps
        tilted = np.cos(angle) * y + np.sin(angle) * grid.normal
        affine[:3, 1] = tilted * grid.spacing_mm[1]
        affine[:3, 2] = np.cross(x, tilted) * grid.slice_spacing_mm
        affine[:3, 3] += middle - SliceGrid(grid.shape, affine).center_lps
    return SliceGrid(grid.shape, affine)


@cache
def person(number: int = 1, planes: int = 2) -> ScannedPerson:
    """A person with one or two planes; `number` determines size and noise."""
    ring = replace(RING, inner=23.0 + 0.5 * number, outer=32.0 + 0.5 * number)
    scanned = tuple(_plane(ring, number, depth) for depth in DEPTHS_MM[:planes])
    return ScannedPerson(number, "healthy", scanned, scanned[0].cine.rv_insertion_lps)


def _plane(ring: Annulus, number: int, depth_mm: float) -> ScannedPlane:
    grid = moved(short_axis_grid(40, 2.2), depth_mm)
    spots = np.stack(grid.pixel_centers_mm(), axis=-1) - 0.5 * 39 * 2.2
    radius = np.linalg.norm(spots, axis=-1)
    masks, pictures = [], []
    for t in range(FRAMES):
        inner, outer, drift = _radii(ring, t / FRAMES)
        radius = np.linalg.norm(spots - drift, axis=-1)
        masks.append((radius >= inner) & (radius <= outer))
        pictures.append(np.where(radius < inner, 300, np.where(masks[-1], 100, 150)))
    # not on a line of symmetry of the pixels, so that rounding moves no pixel to another segment
    septal = grid.pixel_to_lps([19.5 - 0.76 * ring.outer / 2.2, 19.5 - 0.61 * ring.outer / 2.2])
    phases = np.arange(FRAMES) / FRAMES
    cine = DatasetCase(
        id="cine",
        masks=np.stack(masks)[:, None],
        ijk_to_lps=grid.ijk_to_lps,
        frame_times_ms=np.arange(FRAMES) * RR_MS / FRAMES,
        rr_ms=RR_MS,
        reference_frame=0,
        level="mid",
        rv_insertion_lps=septal,
        cine=np.stack(pictures).astype(np.int16)[:, None],
        **_exact_motion(ring, grid, masks[0], spots, phases),
    )
    dense_grid = moved(short_axis_grid(44, 2.4), depth_mm + OFFSET_MM, *SHIFT_MM)
    simulated = scan(ring, PROTOCOL, seed=number, grid=dense_grid)
    images = replace(as_stored(simulated.images), reference_myocardium=simulated.reference_myocardium)
    z_phase = np.full(images.magnitude.shape, 2048, dtype=np.uint16)
    wall = simulated.reference_myocardium
    times = np.concatenate([[0.0], images.frame_times_ms])
    places = np.stack(dense_grid.pixel_centers_mm(), axis=-1) - 0.5 * 43 * 2.4
    exact = DatasetCase(
        id="dense",
        masks=np.concatenate([wall[None], simulated.images.myocardium])[:, None],
        ijk_to_lps=images.grid.ijk_to_lps,
        frame_times_ms=times,
        rr_ms=images.rr_ms,
        reference_frame=0,
        level="mid",
        **_exact_motion(ring, images.grid, wall, places, times / images.rr_ms),
    )
    return ScannedPlane(on_scanner(cine), images, exact, z_phase)


def _exact_motion(ring: Annulus, grid: SliceGrid, wall: np.ndarray, spots: np.ndarray, phases: np.ndarray) -> dict:
    """displacement_mm [T, 1, H, W, 3] and valid [T, 1, H, W] of the ring's points."""
    lps = np.full((len(phases), *wall.shape, 3), np.nan, dtype=np.float32)
    lps[:, wall] = np.stack([grid.vectors_to_lps(ring.motion(spots[wall], float(phase))) for phase in phases])
    valid = np.broadcast_to(wall, (len(phases), *wall.shape)).copy()
    return {"displacement_mm": lps[:, None], "valid": valid[:, None]}


def _radii(ring: Annulus, phase: float) -> tuple[float, float, np.ndarray]:
    """Inner and outer radius and the centre's displacement."""
    points = np.array([[ring.inner, 0.0], [-ring.inner, 0.0], [ring.outer, 0.0], [-ring.outer, 0.0]])
    places = points + ring.motion(points, phase)
    inner, outer = (np.linalg.norm(places[k] - places[k + 1]) / 2 for k in (0, 2))
    return float(inner), float(outer), places[:2].mean(axis=0)


def examination(patient: str = PATIENT, **changes: str) -> Examination:
    return Examination(patient, NAME, BIRTH, DATE, **changes)


def write_study(
    root: Path,
    folder: str = FOLDER,
    *,
    number: int = 1,
    enhanced: bool = False,
    patients: tuple[str, str] = (PATIENT, PATIENT),
    without: dict[int, str] | None = None,
    scanned: ScannedPerson | None = None,
) -> tuple[Path, Path]:
    """Write root/cine/FOLDER and root/dense/FOLDER; returns these."""
    who = scanned or person(number)
    exam = examination(patients[0])
    same = exam if patients[0] == patients[1] else examination(patients[1])
    cine, dense = root / "cine" / folder, root / "dense" / folder
    write_cine_study(cine, who, exam, enhanced=enhanced)
    write_dense_study(dense, who, same, without=without)
    return cine, dense
