"""Accuracy on hearts from a different generator: rings with closed-form motion, independent of LaMoDCore.phantom.

    python -m experiments.phantoms.ellipse_phantom [--model NAME|DIR] [--count 40] [--no-diffusion]

A point at radius r and angle a moves to radius √(J(r² − A²) + A′²), so that area grows by J everywhere. It rotates by
an angle that decreases from endo- to epicardium and shifts with the whole heart; then the plane is deformed into an
ellipse. Masks are rasterised at 1.2–1.8 mm with 20–30 frames on an oblique grid, mirrored or not.
"""

from __future__ import annotations

import argparse

import numpy as np

from experiments.phantoms.known_motion import score_known_motion
from LaMoDCore import load_model, predict_strain
from LaMoDCore.heart.case import Case, CineSlice
from LaMoDCore.heart.geometry import SliceGrid
from LaMoDCore.models.default_model import DEFAULT_MODEL


class EllipseHeart:
    """One ring-shaped heart with parameters drawn from its seed."""

    def __init__(self, seed: int) -> None:
        rng = np.random.default_rng([97, seed])
        self.inner = rng.uniform(17, 32)
        self.outer = self.inner + rng.uniform(6, 12)
        self.inner_es = self.inner * rng.uniform(0.62, 0.9)
        self.area = rng.uniform(1.0, 1.35)
        self.rotation = np.deg2rad(rng.normal(2.0, 3.5))
        self.shift = rng.normal(0, 1.5, 2)
        self.stretch = rng.uniform(0.88, 1.12)
        self.tilt = rng.uniform(0, np.pi)
        self.es = rng.uniform(0.33, 0.42)
        self.frames = int(rng.integers(20, 31))
        self.pixel = rng.uniform(1.2, 1.8)
        self.turn, self.mirror = rng.uniform(0, 2 * np.pi), bool(rng.random() < 0.5)

    def activity(self, phase: np.ndarray) -> np.ndarray:
        up = np.sin(0.5 * np.pi * phase / self.es) ** 2
        down = np.cos(0.5 * np.pi * np.clip((phase - self.es) / (0.9 - self.es), 0, 1)) ** 2
        return np.where(phase < self.es, up, down)

    def _ellipse(self) -> np.ndarray:
        turn = np.array([[np.cos(self.tilt), -np.sin(self.tilt)], [np.sin(self.tilt), np.cos(self.tilt)]])
        return turn @ np.diag([self.stretch, 1 / self.stretch]) @ turn.T

    def moved(self, points: np.ndarray, amount: float) -> np.ndarray:
        """Positions of material points [..., 2], in mm about the centre."""
        ellipse = self._ellipse()
        round_ = points @ np.linalg.inv(ellipse).T
        radius = np.hypot(*np.moveaxis(round_, -1, 0))
        area = 1 + (self.area - 1) * amount
        inner = self.inner + (self.inner_es - self.inner) * amount
        new = np.sqrt(np.maximum(area * (radius**2 - self.inner**2) + inner**2, 1e-6))
        depth = np.clip((radius - self.inner) / (self.outer - self.inner), -0.3, 1.3)
        angle = np.arctan2(round_[..., 1], round_[..., 0]) + self.rotation * amount * (1.3 - 0.6 * depth)
        turned = np.stack([new * np.cos(angle), new * np.sin(angle)], axis=-1)
        return turned @ ellipse.T + self.shift * amount

    def case(self) -> tuple[Case, np.ndarray]:
        """The case and its true displacement [T, 2, H, W] in mm along the grid's axes."""
        size = int(2 * (self.outer + 22) / self.pixel)
        normal = np.array([-0.48, 0.62, 0.62]) / np.linalg.norm([-0.48, 0.62, 0.62])
        x = np.array([1.0, 0, 0]) - normal[0] * normal
        x /= np.linalg.norm(x)
        y = np.cross(normal, x)
        column = np.cos(self.turn) * x + np.sin(self.turn) * y
        row = np.cross(normal, column) * (-1 if self.mirror else 1)
        affine = np.eye(4)
        affine[:3, 0], affine[:3, 1], affine[:3, 2] = column * self.pixel, row * self.pixel, normal * 8
        grid = SliceGrid((size, size), affine)
        rows, columns = np.indices((size, size))
        points = np.stack([columns - size / 2, rows - size / 2], axis=-1) * self.pixel
        phases = np.arange(self.frames) / self.frames
        amounts = self.activity(phases)
        displacement = np.stack([self.moved(points, a) - points for a in amounts])
        masks = np.stack([self._mask(points, a) for a in amounts])
        slice_ = CineSlice(f"ellipse {self.frames}", grid, masks, phases * 900.0, 900.0)
        return Case((slice_,)), np.moveaxis(displacement, -1, 1).astype(np.float32)

    def _mask(self, points: np.ndarray, amount: float) -> np.ndarray:
        round_ = (points - self.shift * amount) @ np.linalg.inv(self._ellipse()).T
        radius = np.hypot(*np.moveaxis(round_, -1, 0))
        area = 1 + (self.area - 1) * amount
        inner = self.inner + (self.inner_es - self.inner) * amount
        outer = np.sqrt(area * (self.outer**2 - self.inner**2) + inner**2)
        return (radius >= inner) & (radius < outer)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default=DEFAULT_MODEL)
    parser.add_argument("--count", type=int, default=40)
    parser.add_argument("--no-diffusion", action="store_true")
    args = parser.parse_args()
    model = load_model(args.model)
    rows = []
    for seed in range(args.count):
        case, truth = EllipseHeart(seed).case()
        result = predict_strain(case, model, diffusion=False if args.no_diffusion else None)
        known = score_known_motion(case, truth, result)
        means = (known.epe_mm, known.motion_mm, known.epe_es_mm, known.motion_es_mm)
        rows.append([*means, known.ecc_error, known.ecc_bias])
    names = [
        "EPE mm",
        "zero motion mm",
        "EPE at ES mm",
        "zero at ES mm",
        "segment |Ecc error| at ES",
        "global Ecc bias",
    ]
    for name, column in zip(names, np.array(rows).T, strict=True):
        print(f"{name}: mean {column.mean():.4f}, SD {column.std():.4f}, worst {np.abs(column).max():.4f}")


if __name__ == "__main__":
    main()
