"""The share of the contour network per slice: may it fall where a slice's descriptors leave what was learned?

    python -m experiments.posterior.share_per_slice --work DIR [--model NAME|DIR] [--data DIR]

The posterior's mean moves a share of the way from the decoder's motion to the estimate from contours, one share per
mode (`MotionLatent.share`). Here all shares of a slice are multiplied by one factor from 0 to 1/0.85 (1: as fitted;
1/0.85: without the trust of 0.85),

    factor = 1/0.85 · logistic(a + b·x),

with x known at prediction time: how rare the slice is in each group of the unlike-training flag and in the rarest one,
the logarithms of the disagreement of both estimates in SDs and of the predicted SD. a and b minimise the mean of EPE
and of segmental Ecc error at end-systole, each relative to its mean over the slices, on randomised and phantom hearts
with a ridge penalty. Controls: a alone on the same hearts, the factors 0, ½, 1, and one factor per cohort with the same
mean. "Best per slice" chooses each slice's factor by its true EPE, which no rule can exceed.

Leaving one law of randomisation out: the same fit without the randomised hearts of which one property is far from usual
(`laws_of`), tested on these. The contour network itself has learned from all of them.

Numbers at other factors are interpolated by a cubic through those that were predicted. Predictions are stored in DIR,
as for `conditional_intervals`. "Slope" is that of predicted on true mean Ecc at end-systole over the slices.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from scipy.optimize import minimize
from scipy.special import expit, logit

from experiments.paths import REAL_DATA
from experiments.posterior.predicted_hearts import AS_IT_IS, FACTORS, Predicted, cohorts, stored
from LaMoDCore import load_model
from LaMoDCore.heart.geometry import Array
from LaMoDCore.phantom.cohort.recipe import CohortRecipe
from LaMoDCore.phantom.heart.subject import Subject

FITTED = ("fit-randomised", "fit-phantom")
_MOST = 1 / 0.85
_RIDGE, _MOST_STANDARD = 1e-3, 4.0
_GRID = np.linspace(0.0, _MOST, 41)


@dataclass(frozen=True, eq=False)
class Slice:
    """EPE, EPE at ES (mm), segmental Ecc error and mean Ecc at ES at the factors of `_GRID`, and covariates."""

    name: str
    subject: str
    epe: Array
    epe_es: Array
    ecc: Array
    mean: Array
    true_mean: float
    inputs: Array

    def at(self, factor: float, values: Array) -> float:
        return float(np.interp(factor, _GRID, values))


def slice_of(found: Predicted) -> Slice:
    """Curves of one slice. End-systole is that of the drawn masks, or the frame of smallest true mean Ecc if its motion
    is not known there."""
    cubic = _interpolation()
    frames = found.counted
    es = found.es if frames[found.es] else int(np.flatnonzero(frames)[np.nanargmin(found.true_mean[frames])])
    curves = np.tensordot(cubic, found.ecc[:, :, es], axes=1)
    told = np.log(np.sqrt(np.mean(found.told**2)) + 1e-3)
    rarity = found.rarity
    inputs = np.concatenate([rarity, [rarity.max(), told, np.log(np.nanmean(found.std[:, frames]))]])
    return Slice(
        found.name,
        found.subject,
        cubic @ np.nanmean(found.epe[:, frames], axis=1),
        cubic @ found.epe[:, es],
        np.nanmean(np.abs(curves - found.true[:, es]), axis=1),
        cubic @ found.mean[:, es],
        float(found.true_mean[es]),
        inputs,
    )


def _interpolation() -> Array:
    """[_GRID, FACTORS]: values of the cubic through the values at `FACTORS`."""
    return np.asarray(np.vander(_GRID, len(FACTORS)) @ np.linalg.inv(np.vander(FACTORS, len(FACTORS))))


@dataclass(frozen=True, eq=False)
class Rule:
    """The factor of a slice from its covariates."""

    middle: Array
    scale: Array
    start: float
    slope: Array

    def of(self, slice_: Slice) -> float:
        x = np.clip((slice_.inputs - self.middle) / self.scale, -_MOST_STANDARD, _MOST_STANDARD)
        return float(_MOST * expit(self.start + x @ self.slope))


def fit_rule(slices: Sequence[Slice], *, covariates: bool) -> Rule:
    """Fit a, and b with `covariates`."""
    inputs = np.stack([each.inputs for each in slices])
    middle, scale = inputs.mean(axis=0), inputs.std(axis=0) + 1e-3
    epe = np.stack([each.epe for each in slices])
    ecc = np.stack([each.ecc for each in slices])
    usual = int(np.argmin(np.abs(_GRID - 1)))
    cost = epe / epe[:, usual].mean() + ecc / ecc[:, usual].mean()
    x = np.clip((inputs - middle) / scale, -_MOST_STANDARD, _MOST_STANDARD) * covariates
    x = np.concatenate([np.ones((len(x), 1)), x], axis=1)
    steepness = np.gradient(cost, _GRID, axis=1)

    def loss(beta: Array) -> tuple[float, Array]:
        share = expit(x @ beta)
        factor = _MOST * share
        value = [np.interp(f, _GRID, row) for f, row in zip(factor, cost, strict=True)]
        slope = np.array([np.interp(f, _GRID, row) for f, row in zip(factor, steepness, strict=True)])
        gradient = x.T @ (slope * _MOST * share * (1 - share)) / len(x)
        penalty = np.append(0.0, beta[1:])
        return float(np.mean(value) + _RIDGE * penalty @ penalty), np.asarray(gradient + 2 * _RIDGE * penalty)

    beta = minimize(loss, np.append(logit(0.85), np.zeros(inputs.shape[1])), jac=True, method="L-BFGS-B").x
    return Rule(middle, scale, float(beta[0]), beta[1:] * covariates)


def row(slices: Sequence[Slice], factor: Callable[[Slice], float]) -> list[float]:
    """Mean factor, EPE, EPE at ES, segmental Ecc error, bias and slope of mean Ecc."""
    factors = [factor(each) for each in slices]
    table = [
        [each.at(f, values) for values in (each.epe, each.epe_es, each.ecc, each.mean)]
        for each, f in zip(slices, factors, strict=True)
    ]
    epe, epe_es, ecc, mean = np.transpose(table)
    true = np.array([each.true_mean for each in slices])
    slope = np.polyfit(true, mean, 1)[0] if len(slices) > 2 else np.nan
    return [*(float(np.mean(v)) for v in (factors, epe, epe_es, ecc, mean - true)), float(slope)]


def laws_of(subject: Subject) -> dict[str, bool]:
    """Properties of a randomised subject that are far from usual."""
    slices = subject.slice_parameters
    return {
        "stretching or still sector": min(float(each.function.active.min()) for each in slices) < 0.2,
        "early or late end-systole": abs(subject.timing.end_systole - 0.36) > 0.07,
        "little radial motion": subject.radial_share < 0.7,
        "rotation": max(abs(each.rotation_endo_deg) for each in slices) > 14,
        "thin or thick wall": not 0.25 < _thickness(subject) < 0.5,
    }


def _thickness(subject: Subject) -> float:
    shape = subject.slice_parameters[1].shape
    return float(shape.epi.mean / shape.endo.mean - 1)


def _print(name: str, slices: Sequence[Slice], rules: Mapping[str, Callable[[Slice], float]]) -> None:
    for rule, factor in rules.items():
        mean, epe, es, ecc, bias, slope = row(slices, factor)
        cells = f"{mean:.2f} | {epe:.3f} | {es:.3f} | {ecc:.4f} | {bias:+.4f} | {slope:.3f}"
        print(f"| {name}, {len(slices)} | {rule} | {cells} |", flush=True)


def _best(slice_: Slice) -> float:
    return float(_GRID[int(np.argmin(slice_.epe))])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, required=True, help="folder of the stored predictions")
    parser.add_argument("--model", default="lamod-phantom-v1")
    parser.add_argument("--data", type=Path, default=REAL_DATA, help="DENSE scans")
    args = parser.parse_args()
    torch.set_num_threads(1)
    model = load_model(args.model)
    found = {
        name: [slice_of(each) for each in stored(args.work, name, slices, model)]
        for name, slices in cohorts(args.data).items()
    }
    learned = [each for name in FITTED for each in found[name]]
    fitted, constant = fit_rule(learned, covariates=True), fit_rule(learned, covariates=False)
    print("| hearts | factor | mean factor | EPE (mm) | at ES | segments' Ecc error | bias of mean Ecc | slope |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    for name, slices in found.items():
        same = row(slices, fitted.of)[0]
        rules = {f"{factor:.2f}": (lambda _, f=factor: f) for factor in (0.0, 0.5, FACTORS[AS_IT_IS])}
        rules |= {"one, fitted": constant.of, "by descriptors": fitted.of, "one of the same mean": lambda _, f=same: f}
        groups = {name: slices} if name != "scan" else {each.name: [each] for each in slices}
        for own, each in groups.items():
            _print(own, each, rules | {"best per slice": _best})
    recipe = CohortRecipe(count=1000, seed=int(found["fit-randomised"][0].subject.split("-")[1]))
    far = {each.subject: laws_of(recipe.randomised_subject(int(each.subject.split("-")[2]))) for each in learned
           if each.subject.startswith("randomised")}  # fmt: skip
    for law in next(iter(far.values())):
        with_law = {subject for subject, laws in far.items() if laws[law]}
        without = [each for each in learned if each.subject not in with_law]
        tested = [each for each in learned if each.subject in with_law]
        rules = {
            "as it is": lambda _: 1.0,
            "one, fitted": fit_rule(without, covariates=False).of,
            "by descriptors": fit_rule(without, covariates=True).of,
            "best per slice": _best,
        }
        _print(f"left out: {law}", tested, rules)


if __name__ == "__main__":
    main()
