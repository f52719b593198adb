"""Contours carried from end-diastole and end-systole: overlap with the drawn ones, its ceiling, and the change of Ecc.

    python -m experiments.contours.contour_carrying [--model NAME|DIR] [--slices 9] [--seed 7] [--error-mm 0.8]

Slices of synthetic hearts at every level, with images, once with their true contours and once drawn by a reader whose
contours lie a mean of ``--error-mm`` from the truth. The ceiling is the best linear estimate of the reader's error,
given the truth, the reader's statistics and the reader's two frames.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace

import numpy as np

from LaMoDCore import load_model, predict_strain
from LaMoDCore.evaluation.overlap import dice
from LaMoDCore.heart.case import Case, CineSlice
from LaMoDCore.heart.cycle.carrying import carry_contours
from LaMoDCore.models.default_model import DEFAULT_MODEL
from LaMoDCore.phantom.heart.contours import PolarContours
from LaMoDCore.phantom.heart.slices import PhantomSlice
from LaMoDCore.phantom.heart.subject import sample_subject
from LaMoDCore.phantom.imaging.annotator import Annotator, annotate
from LaMoDCore.phantom.imaging.cine import CineProtocol, cine_grid, cine_pictures
from LaMoDCore.phantom.imaging.scene import draw_scene

PROTOCOL = CineProtocol(pixel_mm=1.4, shape=(128, 136), frames=25)
PHASES = np.arange(PROTOCOL.frames) / PROTOCOL.frames


def end_systole(contours: PolarContours) -> int:
    return int(np.argmin((contours.endo**2).mean(axis=1)))


def best_estimate(truth: PolarContours, drawn: PolarContours, reader: Annotator) -> PolarContours:
    """Estimate the reader's contours from the truth and the reader's errors at end-diastole and end-systole."""
    seen = [0, end_systole(drawn)]
    distance = np.abs(np.mod(PHASES[:, None] - PHASES + 0.5, 1.0) - 0.5)
    drift = np.exp(-((np.sin(np.pi * distance) / (np.pi * reader.memory)) ** 2))
    covariance = reader.habit + (1 - reader.habit - reader.jitter) * drift + reader.jitter * np.eye(PHASES.size)
    weights = covariance[:, seen] @ np.linalg.inv(covariance[np.ix_(seen, seen)])
    endo, epi = ((d - t)[seen] for d, t in ((drawn.endo, truth.endo), (drawn.epi, truth.epi)))
    return PolarContours(truth.center, truth.endo + weights @ endo, truth.epi + weights @ epi)


def phantom_slice(plane: PhantomSlice, seed: int) -> tuple[CineSlice, np.ndarray]:
    grid = cine_grid(plane, PROTOCOL, offset_mm=(4.0, -6.0))
    cine = cine_pictures(plane, grid, PHASES, PROTOCOL, seed=seed, scene=draw_scene(plane, seed))
    xy = plane.points_of(grid)
    masks = plane.contours(PHASES).rasterise(xy)
    times = PHASES * plane.rr_ms
    return CineSlice(plane.name, grid, masks, times, plane.rr_ms, level=plane.level, cine=cine), xy


def carried(slice_: CineSlice, end_systolic: int) -> CineSlice:
    kept = np.zeros_like(slice_.myocardium)
    for t in (0, end_systolic):
        kept[t] = slice_.myocardium[t]
    return carry_contours(replace(slice_, myocardium=kept)).slice


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default=DEFAULT_MODEL)
    parser.add_argument("--slices", type=int, default=9)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--error-mm", type=float, default=0.8)
    args = parser.parse_args()
    model, reader = load_model(args.model), Annotator(error_mm=args.error_mm)

    def peaks(slice_: CineSlice, insertion: np.ndarray) -> np.ndarray:
        result = predict_strain(Case((slice_,), rv_insertion_lps=insertion), model, samples=1)
        return np.asarray(np.nanmin(result.slices[0].segment_curves["ecc"], axis=1))

    rows = []
    for k in range(args.slices):
        seed = 1000 * args.seed + k
        planes = sample_subject(90000 + seed).slices()
        plane = planes[k % len(planes)]
        true, xy = phantom_slice(plane, seed)
        outline = plane.contours(PHASES)
        drawn = annotate(outline, np.random.default_rng([41, seed]), reader)
        row = [f"{plane.name} ({plane.level})"]
        for contours in (outline, drawn):
            slice_ = replace(true, myocardium=contours.rasterise(xy))
            es = end_systole(contours)
            between = [t for t in range(PHASES.size) if t not in (0, es)]
            found = carried(slice_, es)
            row.append(np.mean([dice(found.myocardium[t], slice_.myocardium[t]) for t in between]))
            change = peaks(found, plane.rv_insertion_lps) - peaks(slice_, plane.rv_insertion_lps)
            row.append(np.abs(change).max())
        best = best_estimate(outline, drawn, reader).rasterise(xy)
        second = annotate(outline, np.random.default_rng([42, seed]), reader).rasterise(xy)
        row += [np.mean([dice(other[t], slice_.myocardium[t]) for t in between]) for other in (best, second)]
        rows.append(row)
        print(row[0], *(f"{v:.3f}" for v in row[1:]), file=sys.stderr, flush=True)
    print("| slice | true: Dice | ΔEcc | reader: Dice | ΔEcc | ceiling | two readers |")
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: |")
    for row in rows:
        print(f"| {row[0]} | " + " | ".join(f"{v:.3f}" for v in row[1:]) + " |")
    numbers = np.array([row[1:] for row in rows], dtype=float)
    print("| mean | " + " | ".join(f"{v:.3f}" for v in numbers.mean(axis=0)) + " |")


if __name__ == "__main__":
    main()
