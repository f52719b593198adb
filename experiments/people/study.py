"""Synthetic persons scanned twice: the cine and DENSE pictures that a scanner stores, and the contours of a reader."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from LaMoDCore.heart.geometry import Array, SliceGrid
from LaMoDCore.io.dataset.folder import DatasetCase
from LaMoDCore.io.dense.images import PHASE_12BIT_MAX, DenseImages
from LaMoDCore.phantom.cohort.cases import paired_cases
from LaMoDCore.phantom.cohort.dense_pictures import draw_dense_protocol, following
from LaMoDCore.phantom.cohort.pairing import Scan, SiteSettings, cine_scan, dense_scan, site_settings
from LaMoDCore.phantom.heart.slices import PhantomSlice
from LaMoDCore.phantom.heart.subject import Subject, sample_subject
from LaMoDCore.phantom.imaging.cine import cine_pictures
from LaMoDCore.phantom.imaging.dense_imaging import simulate_slice

#: In-plane and through-plane encoding in cycles/mm, each of its own.
KE = (0.1, 0.09)
KE_Z = 0.08
DISEASES = ("healthy", "dcm", "hcm", "infarct", "lbbb", "stiff")
#: Planes of a person among the four of a synthetic heart: base, mid and apex.
PLANES = (0, 1, 3)
_SEED = 880001
#: Layer of trabeculae that readers leave out of the wall on cine, not on DENSE, whose contours follow the tissue.
_TRABECULAE_MM = 4.0


@dataclass(frozen=True, eq=False)
class ScannedPlane:
    """One short-axis plane in both scans.

    Attributes:
        cine: the cine case: pictures as stored, masks as drawn, exact masks and exact motion.
        dense: the DENSE pictures as stored, with the masks as drawn.
        exact_dense: the DENSE case with exact masks and exact motion.
        z_phase: [T, H, W] 12-bit phase of the encoding through the plane.
    """

    cine: DatasetCase
    dense: DenseImages
    exact_dense: DatasetCase
    z_phase: Array


@dataclass(frozen=True, eq=False)
class ScannedPerson:
    """A person and the planes that were scanned.

    Attributes:
        number: from 1.
        disease: of the synthetic heart.
        planes: from base to apex.
        rv_insertion_lps: [3] anterior RV insertion in the middle plane.
    """

    number: int
    disease: str
    planes: tuple[ScannedPlane, ...]
    rv_insertion_lps: Array


def scanned_person(number: int, planes: tuple[int, ...] = PLANES, *, frames: int | None = None) -> ScannedPerson:
    """Scan a synthetic person.

    Args:
        number: from 1; determines heart, site and reader.
        planes: planes among the four of the heart.
        frames: number of cine frames; that of the site by default.
    """
    disease = DISEASES[(number - 1) % len(DISEASES)]
    subject = sample_subject(_SEED + number, disease)
    site = site_settings(number % 4, _SEED)
    scanned = tuple(_scanned_plane(subject, number, plane, site, frames) for plane in planes)
    middle = scanned[len(scanned) // 2].cine.rv_insertion_lps
    assert middle is not None
    return ScannedPerson(number, disease, scanned, middle)


def _scanned_plane(subject: Subject, number: int, plane: int, site: SiteSettings, frames: int | None) -> ScannedPlane:
    heart = subject.slices()[plane]
    seed = (_SEED, number, plane)
    name = f"p{number:02d}-{plane}"
    _, cine = paired_cases(heart, name, site, seed, trabeculae_mm=_TRABECULAE_MM)
    drawn, _ = paired_cases(following(heart), name, site, seed)
    cine = replace(cine, cine=_pictures(heart, cine_scan(heart, site, seed), seed))
    scan = dense_scan(heart, site, seed)
    rng = np.random.default_rng([45, *seed])
    protocol = replace(draw_dense_protocol(rng, scan), ke=KE, subpixels=2)
    images = simulate_slice(scan.plane, protocol, int(rng.integers(2**31)), grid=scan.grid, name=name).images
    masks = drawn.masks[:, 0]
    images = replace(as_stored(images), myocardium=masks[1:], reference_myocardium=masks[0])
    z_phase = np.clip(np.rint(rng.normal(PHASE_12BIT_MAX / 2, 60.0, images.magnitude.shape)), 0, PHASE_12BIT_MAX)
    if frames is not None:
        cine = _fewer_frames(cine, frames)
    return ScannedPlane(on_scanner(cine), images, drawn, z_phase.astype(np.uint16))


def _pictures(plane: PhantomSlice, scan: Scan, seed: tuple[int, ...]) -> Array:
    """int16 [T, 1, H, W]; without the contour engine they only have to look like a cine."""
    assert scan.protocol is not None
    pictures = cine_pictures(plane, scan.grid, scan.phases, scan.protocol, seed=seed[0], oversampling=1)
    return np.asarray(np.rint(pictures).astype(np.int16)[:, None])


def as_stored(images: DenseImages) -> DenseImages:
    """The images with the values that DICOM files hold: 12-bit phase, whole numbers, rounded positions and times."""
    scale = 1000.0 / float(np.quantile(images.magnitude[0], 0.999))
    magnitude = np.clip(np.rint(images.magnitude * scale), 0, 4095)
    stored = phase_12bit(images.phase)
    phase = 2.0 * np.pi * stored.astype(np.float64) / PHASE_12BIT_MAX - np.pi
    return replace(
        images,
        grid=SliceGrid(images.grid.shape, rounded(images.grid.ijk_to_lps)),
        magnitude=magnitude.astype(np.float32),
        phase=phase.astype(np.float32),
        frame_times_ms=np.round(images.frame_times_ms, 4),
        rr_ms=float(round(images.rr_ms)),
    )


def on_scanner(cine: DatasetCase) -> DatasetCase:
    """The cine case with rounded position and times."""
    times = np.round(cine.frame_times_ms, 4)
    return replace(cine, ijk_to_lps=rounded(cine.ijk_to_lps), frame_times_ms=times, rr_ms=float(round(cine.rr_ms)))


def phase_12bit(phase: Array) -> Array:
    """Wrapped radians as stored integers, 0 to 4095."""
    stored = np.rint((phase.astype(np.float64) + np.pi) / (2.0 * np.pi) * PHASE_12BIT_MAX)
    return np.asarray(np.clip(stored, 0, PHASE_12BIT_MAX).astype(np.uint16))


def rounded(ijk_to_lps: Array) -> Array:
    """The affine as DICOM's decimal strings store it: ten significant digits."""
    affine = np.array(ijk_to_lps, dtype=np.float64)
    spacing = np.linalg.norm(affine[:3, :3], axis=0)
    directions = affine[:3, :2] / spacing[:2]
    directions, spacing, position = (decimal(values) for values in (directions, spacing, affine[:3, 3]))
    x, y = directions[:, 0] / np.linalg.norm(directions[:, 0]), directions[:, 1] / np.linalg.norm(directions[:, 1])
    normal = np.cross(x, y)
    affine[:3, 0], affine[:3, 1] = x * spacing[0], y * spacing[1]
    affine[:3, 2], affine[:3, 3] = normal / np.linalg.norm(normal) * spacing[2], position
    return affine


def decimal(values: Array) -> Array:
    """The values as `scanner.text` writes them."""
    return np.vectorize(lambda value: float(f"{value:.10g}"))(values)


def _fewer_frames(case: DatasetCase, count: int) -> DatasetCase:
    kept = np.linspace(0, len(case.masks), count, endpoint=False).round().astype(int)
    stacks = {name: getattr(case, name)[kept] for name in ("masks", "masks_true", "displacement_mm", "valid", "cine")}
    return replace(case, frame_times_ms=case.frame_times_ms[kept], **stacks)
