"""An annulus that contracts, thickens and twists by a closed-form map, as a StrainResult for the tests of writers.

A point at radius R and angle Θ of the reference frame moves to r² = a² + j (R² − A²), θ = Θ + β (1 + c (B −
R)), where A → a is the endocardial radius, j the in-plane Jacobian, β the epicardial rotation. All follow the same
curve over the cycle.
"""

from __future__ import annotations

import numpy as np

from LaMoDCore.heart.case import Case, CineSlice, Motion, SliceMotion, SliceStrain, StrainResult
from LaMoDCore.heart.geometry import BASE_TO_APEX_LPS, SliceGrid
from LaMoDCore.heart.notes import note
from LaMoDCore.strain import quality_notes, summarise

NAMES = ("anteroseptal", "inferoseptal", "inferior", "inferolateral", "anterolateral", "anterior")
AHA = {"base": (2, 3, 4, 5, 6, 1), "mid": (8, 9, 10, 11, 12, 7), "apex": (13, 14, 15, 16)}
INSERTION_DEG = 130.0
ENDO_MM, EPI_MM = 24.0, 33.0


def short_axis_grid(shape=(96, 104), spacing=(1.4, 1.4), *, offset_mm=0.0, from_base=False, turn_deg=20.0):
    """An oblique slice whose array is seen from the apex, or mirrored with `from_base`."""
    normal = -BASE_TO_APEX_LPS
    x = np.array([1.0, 0.0, 0.0]) - normal[0] * normal
    x /= np.linalg.norm(x)
    y = np.cross(normal, x)
    turn = np.deg2rad(turn_deg)
    x, y = np.cos(turn) * x + np.sin(turn) * y, np.cos(turn) * y - np.sin(turn) * x
    if from_base:
        x = -x
    affine = np.eye(4)
    affine[:3, 0], affine[:3, 1], affine[:3, 2] = x * spacing[0], y * spacing[1], normal * 8.0
    middle = np.array([(shape[1] - 1) / 2 * spacing[0], (shape[0] - 1) / 2 * spacing[1]])
    affine[:3, 3] = normal * offset_mm - x * middle[0] - y * middle[1]
    return SliceGrid(shape, affine)


def activity(frames, reference_frame=0):
    """[T]: 0 at end-diastole, 1 at end-systole (38 % of the cycle)."""
    phase = (np.arange(frames) - reference_frame) % frames / frames
    rise = np.where(phase < 0.38, phase / 0.38, np.clip((0.85 - phase) / 0.47, 0, 1))
    return np.sin(np.pi / 2 * rise) ** 2


def analytic_motion(grid, frames=25, *, reference_frame=0, shortening=0.28, jacobian=1.18, rotation_deg=6.0):
    """displacement_mm [T, 2, H, W], fields [T, H, W], myocardium [H, W], angle from the apex [H, W]."""
    dx, dy = grid.spacing_mm
    x, y = grid.pixel_centers_mm()
    x, y = x - (grid.shape[1] - 1) / 2 * dx, y - (grid.shape[0] - 1) / 2 * dy
    radius = np.hypot(x, y)
    safe = np.maximum(radius, 1e-9)
    wall = (radius >= ENDO_MM) & (radius <= EPI_MM)
    twist = 0.02
    displacement, fields = [], {k: [] for k in ("ecc", "err", "ecr", "e1", "e2", "jacobian")}
    for w in activity(frames, reference_frame):
        a, j, beta = ENDO_MM * (1 - shortening * w), 1 + (jacobian - 1) * w, np.deg2rad(rotation_deg) * w
        inner, outer = np.clip(radius, ENDO_MM, EPI_MM), np.maximum(radius - EPI_MM, 0)
        r_wall = np.sqrt(a**2 + j * (inner**2 - ENDO_MM**2))
        shift = (r_wall - inner) * np.where(radius < ENDO_MM, radius / ENDO_MM, 1) * np.exp(-((outer / 12) ** 2))
        turn = beta * (1 + twist * (EPI_MM - inner)) * np.exp(-((outer / 12) ** 2))
        turn = -grid.view_sign * turn  # array rows run downwards: counter-clockwise seen from the apex
        r = radius + shift
        cos, sin = np.cos(turn), np.sin(turn)
        displacement.append(
            np.stack([r / safe * (cos * x - sin * y) - x, r / safe * (sin * x + cos * y) - y]) * (radius > 0)
        )
        stretch_r, stretch_c, shear = j * safe / np.maximum(r, 1e-9), r / safe, -r * beta * twist
        err = 0.5 * (stretch_r**2 + shear**2 - 1)
        ecc = 0.5 * (stretch_c**2 - 1)
        ecr = 0.5 * stretch_c * shear
        middle, half = (err + ecc) / 2, np.hypot((err - ecc) / 2, ecr)
        values = {
            "ecc": ecc,
            "err": err,
            "ecr": ecr,
            "e1": middle + half,
            "e2": middle - half,
            "jacobian": stretch_r * stretch_c,
        }
        for name, value in values.items():
            fields[name].append(np.where(wall, value, np.nan).astype(np.float32))
    angle = grid.angles_from_apex(np.stack([x, y], axis=-1))
    motion = np.stack(displacement).astype(np.float32)
    return motion, {k: np.stack(v) for k, v in fields.items()}, wall, angle


def deformed_wall(displacement_mm, grid):
    """bool [T, H, W]: the moved wall, an annulus between the moved radii."""
    x, y = grid.pixel_centers_mm()
    dx, dy = grid.spacing_mm
    centre = np.array([(grid.shape[1] - 1) / 2 * dx, (grid.shape[0] - 1) / 2 * dy])
    now = np.hypot(x - centre[0], y - centre[1])
    masks = []
    for u in displacement_mm:
        r = np.hypot(x + u[0] - centre[0], y + u[1] - centre[1])
        rows = (now >= ENDO_MM) & (now <= EPI_MM)
        low, high = r[rows].min(), r[rows].max()
        masks.append((now >= low) & (now <= high))
    return np.stack(masks)


def _slice(name, grid, level, *, frames, reference_frame, samples, seed, rr_ms, with_cine):
    rng = np.random.default_rng(seed)
    motion, fields, wall, angle = analytic_motion(grid, frames, reference_frame=reference_frame)
    several = None
    if samples > 1:
        scale = 1 + 0.06 * rng.standard_normal((samples, 1, 1, 1, 1))
        several = (motion[None] * scale).astype(np.float32)
    count = 4 if level == "apex" else 6
    start = INSERTION_DEG - (75 if level == "apex" else 0)
    which = np.floor(np.mod(np.rad2deg(angle) - start, 360) / (360 / count)).astype(int)
    segment = np.where(wall, which + 1, 0).astype(np.int16)
    curves = {k: np.stack([fields[k][:, segment == s + 1].mean(axis=1) for s in range(count)]) for k in ("ecc", "err")}
    spread = {k: 0.01 + 0.1 * np.abs(v) for k, v in curves.items()} if samples > 1 else {}
    std = {k: np.abs(0.06 * v) for k, v in fields.items()} if samples > 1 else {}
    covariance = None
    if samples > 1:
        std["displacement_mm"] = several.std(axis=0)
        x, y = np.moveaxis((several - several.mean(axis=0))[..., wall], 2, 0)
        covariance = np.stack([(x * x).sum(axis=0), (y * y).sum(axis=0), (x * y).sum(axis=0)], axis=1) / (samples - 1)
    masks = deformed_wall(motion, grid)
    picture = None
    if with_cine:
        x, y = grid.pixel_centers_mm()
        blood = np.hypot(x - x.mean(), y - y.mean()) < 20
        picture = np.where(masks, 60.0, 110.0 + 90.0 * blood[None]).astype(np.float32)
        picture += rng.normal(0, 6, picture.shape).astype(np.float32)
    cine = CineSlice(name, grid, masks, np.arange(frames) * rr_ms / frames, rr_ms, level, cine=picture)
    names = ("anterior", "septal", "inferior", "lateral") if level == "apex" else NAMES
    strain = SliceStrain(
        wall, segment, motion, fields, std, names, AHA[level], curves, spread,
        {k: np.nanmean(fields[k], axis=(1, 2)) for k in ("ecc", "err")}, covariance,
    )  # fmt: skip
    return cine, SliceMotion(motion, several), strain


def contracting_heart(
    levels=("mid",), *, frames=25, samples=1, grids=None, reference_frame=0, rr_ms=800.0, with_cine=False
):
    """A StrainResult of as many slices as levels, stacked 8 mm apart unless `grids` are given."""
    grids = grids or [short_axis_grid(offset_mm=-8.0 * z) for z in range(len(levels))]
    parts = [
        _slice(
            f"slice {z + 1}",
            grid,
            level,
            frames=frames,
            reference_frame=reference_frame,
            samples=samples,
            seed=z,
            rr_ms=rr_ms,
            with_cine=with_cine,
        )
        for z, (level, grid) in enumerate(zip(levels, grids, strict=True))
    ]
    cines, motions, strains = zip(*parts, strict=True)
    case = Case(
        cines,
        reference_frame,
        notes=(note("levels_proposed", "The level of the slice is not known; mid was assumed."),),
    )
    es = int((reference_frame + round(0.38 * frames)) % frames)
    motion = Motion(motions)
    provenance = {"model": "closed-form", "seed": 0, "samples": samples, "diffusion": True}
    summary = {**summarise(case, strains, es), "provenance": provenance}
    return StrainResult(case, motion, strains, es, summary, quality_notes(case, motion, strains, es))
