"""Accuracy on three-dimensional hearts from a different generator, independent of LaMoDCore.phantom.

    python -m experiments.phantoms.ellipsoid_phantom [--model NAME|DIR] [--seed 0] [--no-diffusion] [--shares 0,0.5,1]

Incompressible truncated ellipsoids that shorten, twist and pass through the slice (formulas in `ellipsoid_heart`):
healthy ones, scars, a bulge, left bundle branch block, a child, few and many frames, part of the cycle. One row per
heart, then the mean. EPE is the mean of |u − u_true| over the drawn end-diastolic wall and all frames. True Ecc is that
of the exact displacement at the same pixels, so that only the motion differs. "In 90 %" is the share of the six
segments' true Ecc within the interval, over all frames but end-diastole.

`--shares` repeats this with one sample per heart and the shares of the estimate from contours in the posterior's mean
(`MotionLatent.share`) multiplied by each factor, one row of means per factor: how far the estimate can be trusted on
hearts unlike its training data.
"""

from __future__ import annotations

import argparse
from typing import Any

import numpy as np

from experiments.phantoms.ellipsoid_heart import EllipsoidHeart, septal_flash, weaker
from experiments.phantoms.known_motion import score_known_motion
from LaMoDCore import load_model, predict_strain
from LaMoDCore.heart.case import Case, SliceStrain
from LaMoDCore.heart.geometry import Array
from LaMoDCore.io.results.segments_csv import interval
from LaMoDCore.models.default_model import DEFAULT_MODEL
from LaMoDCore.models.folder import LoadedModel, lamod_network

SEPTUM, LATERAL_WALL = 0.0, 180.0

HEARTS = (
    EllipsoidHeart("healthy, basal", frames=32, plane=0.58),
    EllipsoidHeart("healthy, mid", frames=32, pixel_mm=(1.4, 1.4)),
    EllipsoidHeart("healthy, apical, seen from the base", frames=32, plane=0.27, mirrored=True, turn_degrees=120.0),
    EllipsoidHeart("healthy, 75 frames", frames=75, rr_ms=1100.0, ellipse=1.05),
    EllipsoidHeart("healthy, 18 frames from mid-systole on", frames=18, rr_ms=700.0, first_phase=0.30),
    EllipsoidHeart("healthy, first 70 % of the cycle", frames=22, rr_ms=900.0, covered=0.70),
    EllipsoidHeart("healthy, one frame missing", frames=30, rr_ms=900.0, missing=(9,)),
    EllipsoidHeart("akinetic septum", frames=30, contraction=0.5, local=weaker(SEPTUM, 60.0, 1.0)),
    EllipsoidHeart("hypokinetic septum", frames=30, contraction=0.5, shortening=0.10, local=weaker(SEPTUM, 50.0, 0.6)),
    EllipsoidHeart(
        "akinetic lateral wall",
        frames=30,
        cavity_mm=27.0,
        contraction=0.5,
        shortening=0.07,
        plane=0.40,
        local=weaker(LATERAL_WALL, 45.0, 1.0),
    ),
    EllipsoidHeart(
        "bulging lateral wall",
        frames=30,
        cavity_mm=27.0,
        contraction=0.5,
        plane=0.40,
        local=weaker(LATERAL_WALL, 45.0, 1.3),
    ),
    EllipsoidHeart(
        "septal flash",
        frames=36,
        cavity_mm=29.0,
        wall_mm=8.0,
        contraction=0.42,
        rotation_degrees=(-2.0, 3.0),
        pixel_mm=(1.4, 1.4),
        local=septal_flash,
    ),
    EllipsoidHeart(
        "child",
        rr_ms=480.0,
        cavity_mm=11.0,
        wall_mm=4.0,
        length_mm=42.0,
        shortening=0.16,
        shift_mm=(0.7, -0.5),
        pixel_mm=(1.2, 1.2),
        reader_mm=0.12,
    ),
    EllipsoidHeart(
        "dilated",
        rr_ms=900.0,
        cavity_mm=42.0,
        wall_mm=7.5,
        length_mm=110.0,
        contraction=0.18,
        shortening=0.07,
        rotation_degrees=(-1.0, 2.0),
        pixel_mm=(1.6, 1.6),
    ),
)


def score(case: Case, truth: Array, model: LoadedModel, options: dict[str, Any]) -> list[float]:
    """Zero-motion EPE, EPE, EPE at ES (mm), |Ecc error| at ES, share within intervals (NaN without them), flagged."""
    result = predict_strain(case, model, **options)
    known = score_known_motion(case, truth, result)
    share = _share_inside(result.slices[0], known.true_ecc, case.reference_frame, result.summary)
    flag = result.summary["slices"][0].get("unlike_training", {})
    flagged = float(flag.get("flagged", False))
    return [known.motion_mm, known.epe_mm, known.epe_es_mm, known.ecc_error, share, flagged]


def _share_inside(strain: SliceStrain, truth: Array, reference: int, summary: Any) -> float:
    bounds = interval(strain.segment_curves["ecc"], strain.segment_curves_std.get("ecc"), summary)
    if bounds is None:
        return np.nan
    inside = (bounds[0] <= truth) & (truth <= bounds[1])
    return float(np.delete(inside, reference, axis=1).mean())


def _cells(values: Array) -> str:
    share = "–" if np.isnan(values[4]) else f"{values[4]:.2f}"
    return f"{values[0]:.2f} | {values[1]:.2f} | {values[2]:.2f} | {values[3]:.4f} | {share}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default=DEFAULT_MODEL)
    parser.add_argument("--seed", type=int, default=0, help="random seed of the reader's errors")
    parser.add_argument("--no-diffusion", action="store_true")
    parser.add_argument("--shares", metavar="A,B", help="factors for the posterior's shares")
    args = parser.parse_args()
    if args.shares and args.no_diffusion:
        parser.error("--shares acts on the posterior's mean, which --no-diffusion leaves out")
    model = load_model(args.model)
    options: dict[str, Any] = {"diffusion": False} if args.no_diffusion else {}
    cases = [heart.case(args.seed * len(HEARTS) + number) for number, heart in enumerate(HEARTS)]
    first = "share ×" if args.shares else "heart"
    print(f"| {first} | zero motion (mm) | EPE | EPE at ES | segments' Ecc error at ES | in 90 % | flagged |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    if args.shares:
        latent = lamod_network(model).motion_latent
        if latent is None or not latent.contours:
            parser.error(f"{model.name} has no estimate from contours, so --shares has nothing to act on")
        own = latent.share.clone()
        for factor in map(float, args.shares.split(",")):
            latent.share.copy_(factor * own)
            rows = np.array([score(*case, model, {"samples": 1}) for case in cases])
            print(f"| {factor:g} | {_cells(rows.mean(axis=0))} | {rows[:, 5].sum():.0f} of {len(rows)} |", flush=True)
        return
    rows = np.empty((len(HEARTS), 6))
    for number, (heart, case) in enumerate(zip(HEARTS, cases, strict=True)):
        rows[number] = score(*case, model, options)
        print(f"| {heart.name} | {_cells(rows[number])} | {'yes' if rows[number, 5] else 'no'} |", flush=True)
    print(f"| mean | {_cells(rows.mean(axis=0))} | {rows[:, 5].sum():.0f} of {len(rows)} |")


if __name__ == "__main__":
    main()
