"""The second frozen test cohort, from a generator and a reader model that share no code with the training phantom.

    python -m experiments.phantoms.phantom_test_v2 --out DATASET [--count 100] [--first 0] [--workers 1] [--check]

Hearts follow from mechanics (`mechanical_ring`): shapes, strengths and activation times are drawn here, and the motion
is the equilibrium of the wall. One slice per subject, a fifth each of healthy, dilated, hypertrophic, infarcted and
dyssynchronous hearts, alternating between base, mid and apex. A reader sets points at fixed angles and joins them by a
spline; some readers copy contours between frames, and some follow the blood pool instead of the tissue.

**Rule: the cohort is evaluated once per release**, after all choices have been made, and the result is reported as it
comes out. Nothing may be tuned on it. `phantom_test_v2.json` has the mean true displacement at end-systole and the
drawn area of every case, with which `--check` compares.

    lamod evaluate --data DATASET --split test --models zero,... --out EVALUATION
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import sys
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from scipy.interpolate import CubicSpline

from experiments.phantoms.mechanical_ring import ANGLES, RingMotion, RingSolver, Wall, cavity_area
from LaMoDCore.heart.case import Level
from LaMoDCore.heart.geometry import Array, SliceGrid
from LaMoDCore.io.dataset.folder import (
    DatasetCase,
    DatasetEntry,
    read_dataset_case,
    write_dataset_case,
    write_dataset_index,
)

SEED = 20261129
SUMMARY = Path(__file__).with_suffix(".json")
DISEASES = ("healthy", "dcm", "hcm", "infarct", "lbbb")
PLANES: tuple[Level, ...] = ("base", "mid", "apex")
_ATTEMPTS = 4
#: Phases at which the equilibrium is computed; frames in between follow by a periodic spline.
SOLVED = 20
_THETA = 2 * np.pi * np.arange(ANGLES) / ANGLES
#: By disease: inner radius and wall thickness at mid level in mm, share of the cavity's area that is ejected, mean
#: shortening through the plane at end-systole.
_RANGES: dict[str, tuple[tuple[float, float], tuple[float, float], tuple[float, float], tuple[float, float]]] = {
    "healthy": ((20.5, 26.0), (7.0, 10.0), (0.50, 0.64), (0.12, 0.18)),
    "dcm": ((28.0, 36.0), (6.5, 9.0), (0.14, 0.30), (0.04, 0.09)),
    "hcm": ((18.0, 23.0), (10.0, 15.0), (0.52, 0.70), (0.08, 0.14)),
    "infarct": ((23.0, 29.0), (6.5, 9.5), (0.28, 0.48), (0.07, 0.13)),
    "lbbb": ((24.0, 32.0), (7.0, 9.5), (0.22, 0.42), (0.06, 0.11)),
}
_RADIUS_OF_LEVEL = {"base": 1.05, "mid": 1.0, "apex": 0.66}
#: Rotation of the surroundings at end-systole in degrees, counter-clockwise as seen from the apex.
_ROTATION = {"base": (-4.0, -1.0), "mid": (-1.0, 4.0), "apex": (4.0, 9.0)}


@dataclass(frozen=True, eq=False)
class Heart:
    """Motion of one slice: angle 0 is the middle of the septum, angles run counter-clockwise as seen from the apex.

    Attributes:
        disease, level: of the slice.
        wall: its shape.
        phases: [SOLVED] fractions of the cycle.
        nodes: [SOLVED, layers, angles, 2] in mm.
        systole: phase of end-systole of the activation.
    """

    disease: str
    level: Level
    wall: Wall
    phases: Array
    nodes: Array
    systole: float


def heart_of(number: int) -> Heart:
    """The heart of a subject, by its number; drawn again if its equilibrium is not found.

    Raises:
        RuntimeError: it is not found for any of `_ATTEMPTS` draws.
    """
    for attempt in range(_ATTEMPTS):
        try:
            return _heart(number, np.random.default_rng([SEED, number, *([1000 + attempt] if attempt else [])]))
        except RuntimeError as error:
            reason = error
    raise RuntimeError(f"subject {number}: {reason}")


def group_of(number: int) -> tuple[str, Level]:
    """Disease and level of a subject, by its number."""
    return DISEASES[number % len(DISEASES)], PLANES[(number // len(DISEASES)) % len(PLANES)]


def _heart(number: int, rng: np.random.Generator) -> Heart:
    disease, level = group_of(number)
    radius, thickness, ejected, shortening = (rng.uniform(*limits) for limits in _RANGES[disease])
    wall = _wall(rng, disease, radius * _RADIUS_OF_LEVEL[level], thickness)
    delay = np.zeros(ANGLES)
    if disease == "lbbb":
        delay = rng.uniform(0.08, 0.13) * (1 - np.cos(_THETA)) / 2 - rng.uniform(0.01, 0.03)
    systole = rng.uniform(0.31, 0.42)
    phases = np.arange(SOLVED) / SOLVED
    turn = np.deg2rad(rng.uniform(*_ROTATION[level])) * (0.4 if disease in ("dcm", "lbbb") else 1.0)
    shift = rng.normal(0, 1.2, 2)
    recoil = rng.uniform(0.7, 0.95)
    solver = RingSolver(wall)

    def tension(amplitude: float, phase: float) -> Array:
        return amplitude * np.array([activation(phase - late, systole) for late in delay])

    def at(start: Array, amplitude: float, phase: float) -> Array:
        whole = activation(phase, systole)
        turned = turn * (activation(phase, systole) if phase < systole else whole ** (1 / recoil))
        return solver.solve(start, tension(amplitude, phase), 1 - shortening * whole, turned, shift * whole)

    rest = wall.nodes()
    amplitude = _amplitude(lambda size, start: at(start, size, systole), rest, ejected)
    nodes = [rest]
    for phase in phases[1:]:
        nodes.append(at(nodes[-1], amplitude, float(phase)))
    return Heart(disease, level, wall, phases, np.array(nodes), systole)


def activation(phase: float, systole: float) -> float:
    """Active tension over the cycle relative to its maximum, 0 at phases 0 and 1."""
    if phase <= 0 or phase >= 1:
        return 0.0
    if phase < systole:
        return float(np.sin(0.5 * np.pi * phase / systole) ** 1.6)
    rest = (phase - systole) / (1 - systole)
    relaxed = np.exp(-((rest / 0.33) ** 1.7))
    late = 0.22 * np.exp(-(((rest - 0.62) / 0.22) ** 2))  # diastasis before the atrium contracts
    return float((relaxed + late * (1 - relaxed)) * (1 - rest**6))


def _amplitude(solve, rest: Array, ejected: float) -> float:
    """The tension at which the share of the cavity's area is ejected at end-systole."""
    full, size, nodes = cavity_area(rest), 0.0, rest
    share, before = 0.0, (0.0, 0.0)
    step = 0.6
    while share < ejected and size < 20:
        before = (size, share)
        size += step
        nodes = solve(size, nodes)
        share = 1 - cavity_area(nodes) / full
        step = min(1.5, step * 1.3)
    low, high = before, (size, share)
    return float(np.interp(ejected, [low[1], high[1]], [low[0], high[0]]))


def _wall(rng: np.random.Generator, disease: str, radius: float, thickness: float) -> Wall:
    def waves(size: float, first: int, last: int = 6) -> Array:
        orders = np.arange(first, last)
        sizes = rng.normal(0, size / (orders - first + 1.0))
        return (sizes[:, None] * np.cos(orders[:, None] * _THETA + rng.uniform(0, 2 * np.pi, (len(orders), 1)))).sum(0)

    inner = radius * (1 + waves(0.03, 2) - rng.uniform(0, 0.05) * np.exp(-((_wrapped(_THETA) / 0.7) ** 2)))
    thick = thickness * (1 + waves(0.06, 1))
    strength, stiffness = 1 + waves(0.08, 1), np.ones(ANGLES)
    if disease == "hcm":
        center, width = rng.normal(0, 0.35), rng.uniform(0.6, 1.0)
        bump = np.exp(-((_wrapped(_THETA - center) / width) ** 2))
        thick = thick * (1 + rng.uniform(0.1, 0.45) * bump)
        strength = strength * (1 - rng.uniform(0.1, 0.5) * bump)
    if disease == "infarct":
        center, half = rng.uniform(0, 2 * np.pi), np.deg2rad(rng.uniform(30, 62))
        inside = 1 / (1 + np.exp((np.abs(_wrapped(_THETA - center)) - half) / np.deg2rad(7)))
        strength = strength * (1 - inside * rng.uniform(0.85, 1.0))
        stiffness = 1 + inside * rng.uniform(0.5, 3.0)
        thick = thick * (1 - rng.uniform(0, 0.3) * inside)
    return Wall(inner, inner + np.maximum(thick, 4.0), np.maximum(strength, 0.0), stiffness, rng.uniform(0.01, 0.04))


def _wrapped(angle: Array) -> Array:
    return np.angle(np.exp(1j * angle))


# --- reading --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Reader:
    """How somebody draws contours.

    Attributes:
        points: number of points that are set on a contour.
        habit_mm, slip_mm: SD of a point's radial error that is the same in all frames, and that of a single frame.
        every: frames from one drawn contour to the next; those in between are interpolated.
        trabeculae_mm: layer of the inner wall that is left out at end-diastole, and included where the cavity is small.
    """

    points: int
    habit_mm: float
    slip_mm: float
    every: int
    trabeculae_mm: float

    @classmethod
    def draw(cls, rng: np.random.Generator) -> Reader:
        follows_blood = rng.random() < 0.5
        return cls(
            points=int(rng.integers(8, 15)),
            habit_mm=rng.uniform(0.3, 0.9),
            slip_mm=rng.uniform(0.3, 0.9),
            every=int(rng.choice([1, 1, 2, 3])),
            trabeculae_mm=rng.uniform(0.8, 2.5) if follows_blood else 0.0,
        )

    def radii(self, true: Array, center: Array, rng: np.random.Generator, *, inner: bool) -> Array:
        """Drawn radii [T, A] about the centre of each frame.

        Args:
            true: contour [T, A', 2] in mm.
            center: [T, 2] mm.
            rng: random numbers of the reading.
            inner: whether this is the endocardium.
        """
        frames, at = len(true), 2 * np.pi * (np.arange(self.points) + rng.uniform()) / self.points
        habit = rng.normal(0, self.habit_mm, self.points)
        own = np.stack(
            [
                np.interp(at, *_polar(curve - middle), period=2 * np.pi)
                for curve, middle in zip(true, center, strict=True)
            ]
        )
        area = (own**2).mean(axis=1)
        filled = (area - area.min()) / max(area[0] - area.min(), 1e-9)
        left_out = self.trabeculae_mm * np.clip(filled, 0, 1)[:, None] if inner else 0.0
        drawn = own + left_out + habit + rng.normal(0, self.slip_mm, own.shape)
        kept = np.arange(0, frames, self.every)
        around = np.append(kept, frames)
        drawn = np.stack(
            [np.interp(np.arange(frames), around, np.append(drawn[kept, k], drawn[0, k])) for k in range(self.points)],
            axis=1,
        )
        closed = np.concatenate([drawn, drawn[:, :1]], axis=1)
        spline = CubicSpline(np.append(at, at[0] + 2 * np.pi), closed, axis=1, bc_type="periodic")
        return np.asarray(spline(np.mod(_THETA - at[0], 2 * np.pi) + at[0]))


def _radii(contour: Array, center: Array, angles: Array) -> Array:
    """Radii [T, A] at some angles of a contour [T, A', 2] about the centre [T, 2] of each frame."""
    around = zip(contour, center, strict=True)
    return np.stack([np.interp(angles, *_polar(curve - middle), period=2 * np.pi) for curve, middle in around])


def _polar(curve: Array) -> tuple[Array, Array]:
    """Angles in ascending order, and radii, of a contour [A, 2] about the origin."""
    angle = np.mod(np.arctan2(curve[:, 1], curve[:, 0]), 2 * np.pi)
    order = np.argsort(angle)
    return angle[order], np.linalg.norm(curve, axis=1)[order]


def _between(points: Array, center: Array, inner: Array, outer: Array) -> Array:
    """Pixels [H, W] between two contours given by radii [A] at `_THETA` about a centre."""
    offset = points - center
    angle = np.mod(np.arctan2(offset[..., 1], offset[..., 0]), 2 * np.pi)
    distance = np.linalg.norm(offset, axis=-1)
    low, high = (np.interp(angle, _THETA, radii, period=2 * np.pi) for radii in (inner, outer))
    return (distance >= np.minimum(low, high - 1.0)) & (distance <= high)


def case_id(number: int) -> str:
    return f"v{number:03d}-{group_of(number)[1]}"


# --- the case -------------------------------------------------------------------------------------------------------


def case_of(number: int, heart: Heart) -> DatasetCase:
    """The case of a subject and its heart as it is stored: drawn and true masks, and the exact displacement."""
    rng = np.random.default_rng([SEED, number, 1])
    frames, rr_ms = int(rng.integers(18, 41)), float(np.round(rng.uniform(600, 1200)))
    phases = np.arange(frames) / frames
    closed = np.concatenate([heart.nodes, heart.nodes[:1]])
    nodes = CubicSpline(np.append(heart.phases, 1.0), closed, bc_type="periodic")(phases)
    motion = RingMotion(heart.wall, nodes)
    grid, points = _grid(rng, float(heart.wall.outer.max()))
    moved, wall = motion.displacement(points)
    contours = [motion.contours(t) for t in range(frames)]
    true = [np.stack(each) for each in zip(*contours, strict=True)]
    center = true[1].mean(axis=1)
    exact = [
        np.stack([np.interp(_THETA, *_polar(c - m), period=2 * np.pi) for c, m in zip(curve, center, strict=True)])
        for curve in true
    ]
    reader = Reader.draw(rng)
    drawn = [reader.radii(curve, center, rng, inner=inner) for curve, inner in zip(true, (True, False), strict=True)]
    masks, masks_true = (
        np.stack([_between(points, center[t], inner[t], outer[t]) for t in range(frames)])
        for inner, outer in (drawn, exact)
    )
    masks_true[0] = wall
    lps = moved @ _plane_axes(grid, points)
    lps[:, ~wall] = np.nan
    insertion = _insertion(heart, grid, points)
    return DatasetCase(
        id=case_id(number),
        masks=masks[:, None],
        ijk_to_lps=grid.ijk_to_lps,
        frame_times_ms=phases * rr_ms,
        rr_ms=rr_ms,
        reference_frame=0,
        level=heart.level,
        disease=heart.disease,
        displacement_mm=lps[:, None].astype(np.float32),
        valid=np.broadcast_to(wall, (frames, *wall.shape))[:, None].copy(),
        rv_insertion_lps=insertion,
        masks_true=masks_true[:, None],
    )


def _grid(rng: np.random.Generator, radius: float) -> tuple[SliceGrid, Array]:
    """A grid in the patient, and the positions [H, W, 2] of its pixels in the heart's plane in mm."""
    to_apex = _direction(np.array([0.6, -0.55, -0.58]) + rng.normal(0, 0.08, 3))
    septum = np.array([-0.72, -0.62, 0.15]) + rng.normal(0, 0.08, 3)
    x_axis = _direction(septum - (septum @ to_apex) * to_apex)
    y_axis = np.cross(to_apex, x_axis)
    turn, seen_from_base = rng.uniform(0, 2 * np.pi), rng.random() < 0.3
    columns = np.array([np.cos(turn), np.sin(turn)])
    rows = np.array([-np.sin(turn), np.cos(turn)]) * (-1 if seen_from_base else 1)
    spacing = rng.uniform(1.1, 1.9) * np.array([1.0, rng.choice([1.0, 1.0, 1.15])])
    half = radius + rng.uniform(18, 30)
    size = np.ceil(2 * half / spacing).astype(int)  # columns, rows
    j, i = np.indices((size[1], size[0]))
    offset = rng.uniform(-2, 2, 2)
    points = (
        (i - (size[0] - 1) / 2)[..., None] * spacing[0] * columns
        + (j - (size[1] - 1) / 2)[..., None] * spacing[1] * rows
        + offset
    )
    basis = np.stack([x_axis, y_axis])  # [2, 3]
    affine = np.eye(4)
    affine[:3, 0], affine[:3, 1] = spacing[0] * columns @ basis, spacing[1] * rows @ basis
    affine[:3, 2] = 8.0 * np.cross(affine[:3, 0], affine[:3, 1]) / np.prod(spacing)
    affine[:3, 3] = rng.normal(0, 30, 3) + points[0, 0] @ basis
    return SliceGrid((int(size[1]), int(size[0])), affine), points


def _plane_axes(grid: SliceGrid, points: Array) -> Array:
    """The heart's axes in LPS [2, 3], from the grid and the positions of its pixels in the heart's plane."""
    steps = np.stack([points[0, 1] - points[0, 0], points[1, 0] - points[0, 0]])
    return np.linalg.solve(steps, grid.ijk_to_lps[:3, :2].T)


def _insertion(heart: Heart, grid: SliceGrid, points: Array) -> Array:
    """The anterior insertion of the right ventricle: septal segments run counter-clockwise from it."""
    angle = -np.deg2rad(60.0)
    radius = np.interp(np.mod(angle, 2 * np.pi), _THETA, heart.wall.outer, period=2 * np.pi)
    own = radius * np.array([np.cos(angle), np.sin(angle)])
    return np.asarray(grid.ijk_to_lps[:3, 3] + (own - points[0, 0]) @ _plane_axes(grid, points))


def _direction(vector: Array) -> Array:
    return np.asarray(vector / np.linalg.norm(vector))


def summary_of(case: DatasetCase) -> dict[str, float]:
    """Mean true displacement at the frame of largest displacement in mm, and the mean drawn area in mm²."""
    assert case.displacement_mm is not None
    lengths = np.linalg.norm(case.displacement_mm, axis=-1)
    area = case.masks.sum(axis=(1, 2, 3)).mean() * np.prod(case.grid.spacing_mm)
    return {
        "displacement_mm": round(float(np.nanmean(lengths, axis=(1, 2, 3)).max()), 3),
        "area_mm2": round(float(area), 1),
    }


def _write(folder: Path, number: int) -> tuple[DatasetEntry, dict[str, float]]:
    import torch

    torch.set_num_threads(1)
    name = case_id(number)
    if (folder / "cases" / name / "displacement.npz").exists():
        case = read_dataset_case(folder, name)
    else:
        case = case_of(number, heart_of(number))
        write_dataset_case(folder, case)
    entry = DatasetEntry(case.id, f"v{number:03d}", "V2", "test", "dense", case.disease, case.level)
    return entry, summary_of(case)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--first", type=int, default=0, help="number of the first subject; the cohort has 0 to 99")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--check", action="store_true", help="compare with the committed summary")
    args = parser.parse_args()
    numbers = range(args.first, args.first + args.count)
    make = partial(_write, args.out)
    if args.workers > 1:
        with ProcessPoolExecutor(args.workers, multiprocessing.get_context("spawn")) as pool:
            made = list(pool.map(make, numbers))
    else:
        made = [make(number) for number in numbers]
    write_dataset_index(args.out, [entry for entry, _ in made])
    found = {entry.id: summary for entry, summary in made}
    if not args.check:
        print(json.dumps(found, indent=1))
        return
    known = json.loads(SUMMARY.read_text(encoding="utf-8"))
    other = [name for name, summary in found.items() if not _agree(summary, known.get(name, {}))]
    print("every case agrees with the committed summary" if not other else f"not as committed: {', '.join(other)}")
    sys.exit(1 if other else 0)


def _agree(found: dict[str, float], known: dict[str, float]) -> bool:
    return found.keys() == known.keys() and all(abs(found[k] / known[k] - 1) < 0.005 for k in found)


if __name__ == "__main__":
    main()
