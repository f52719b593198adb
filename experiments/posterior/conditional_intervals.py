"""Intervals of segmental Ecc that are wider where the wall bulges: terms known at prediction time, with controls.

    python -m experiments.posterior.conditional_intervals --work DIR [--model NAME|DIR] [--data DIR]

The calibrated variance s²σ² + f² of a segment and frame gets the terms Σ (k x)², x ≥ 0 in strain or as a logarithm:

    weak       predicted Ecc above the mean of the wall's segments
    bent       difference of predicted Ecc from the mean of both neighbours
    stretched  positive predicted Ecc
    thinned    log thickness of the drawn wall relative to end-diastole, below the mean of the ring
    outward    log radius of the drawn wall relative to end-diastole, above the mean of the ring
    curved     change of the drawn wall's curvature, times the mean radius
    drawn      Ecc of the drawn wall's middle at fixed angles against predicted Ecc, both relative to the ring
    estimates  difference of predicted Ecc from the decoder's alone (a second strain computation per slice)

k is fitted on randomised hearts so that the 0.9-quantile of log |error| is the log of the half-width (quantile loss,
Koenker & Bassett, Econometrica 46, 1978; a common factor is fitted with k and then dropped). The scales s of the
calibration are fitted again on phantoms, with the terms (`calibration.fit_quantity`), so that intervals of the training
generator stay at 0.9. Controls: the same without terms, and half-widths times one factor per cohort that gives the mean
width of the intervals with terms.

Tested on hearts of other generators (ellipsoids, mechanical rings), on phantoms and randomised hearts that nothing was
fitted to, and on two DENSE scans. "Stretched": segments and frames with a true Ecc above 0.02; "weak": with a predicted
Ecc of more than 0.05 above the mean of the wall's segments. Coverage is the mean over slices, with its tenth percentile
in brackets. Predictions are stored in DIR and made once.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from experiments.paths import REAL_DATA
from experiments.posterior.predicted_hearts import AS_IT_IS, Predicted, cohorts, stored
from LaMoDCore import load_model
from LaMoDCore.heart.geometry import Array
from LaMoDCore.uncertainty.calibration import Calibration, QuantityScale, fit_quantity
from LaMoDCore.uncertainty.intervals import calibration_of
from LaMoDCore.uncertainty.weak_segments import fit_terms

TERMS_FROM, SCALES_FROM = "fit-randomised", "fit-phantom"
STRETCHED, WEAK = 0.02, 0.05
#: The heart of `ellipsoid_phantom` that is also shown alone.
BULGE = "bulging lateral wall"

VARIANTS: tuple[tuple[str, ...], ...] = (
    (),
    ("weak",),
    ("bent",),
    ("stretched",),
    ("thinned",),
    ("outward",),
    ("curved",),
    ("drawn",),
    ("thinned", "outward", "curved", "drawn"),
    ("estimates",),
    ("weak", "outward"),
    ("weak", "estimates"),
)


@dataclass(frozen=True, eq=False)
class Segments:
    """Segments of one slice at its T measured frames but end-diastole; arrays [T, S].

    Attributes:
        subject: of the slice.
        phases: [T].
        error: |predicted − true| Ecc; NaN where unknown.
        true, spread: true Ecc, and SD over the samples.
        terms: x by name.
    """

    subject: str
    phases: Array
    error: Array
    true: Array
    spread: Array
    terms: dict[str, Array]

    def extra(self, weights: dict[str, float]) -> Array:
        """Σ (k x)², [T, S]."""
        return sum(((k * self.terms[name]) ** 2 for name, k in weights.items()), np.zeros_like(self.error))


def segments_of(slice_: Predicted) -> Segments:
    frames = slice_.counted
    answer, true, decoder = slice_.ecc[AS_IT_IS][:, frames], slice_.true[:, frames], slice_.ecc[0][:, frames]
    thickened, outward, before, curved, longer = slice_.wall[:, :, frames]
    drawn = (np.exp(2 * longer) - 1) / 2
    neighbours = (np.roll(answer, 1, axis=0) + np.roll(answer, -1, axis=0)) / 2
    terms = {
        "weak": np.maximum(_of_ring(answer), 0.0),
        "bent": np.abs(answer - neighbours),
        "stretched": np.maximum(answer, 0.0),
        "thinned": np.maximum(-_of_ring(thickened), 0.0),
        "outward": np.maximum(_of_ring(outward), 0.0),
        "curved": np.abs(curved - before),
        "drawn": np.abs(_of_ring(drawn) - _of_ring(answer)),
        "estimates": np.abs(answer - decoder),
    }
    return Segments(
        slice_.subject,
        slice_.phases[frames],
        np.abs(answer - true).T,
        true.T,
        slice_.std[:, frames].T,
        {name: np.nan_to_num(values).T for name, values in terms.items()},
    )


def _of_ring(values: Array) -> Array:
    """Relative to the mean of the segments, [S, T]."""
    return np.asarray(values - np.nanmean(values, axis=0))


def fitted_terms(slices: Sequence[Segments], calibration: Calibration, names: Sequence[str]) -> dict[str, float]:
    """Fit k of each term, in SDs."""
    errors = [each.error for each in slices]
    deviations = [calibration.deviation("segment_ecc", each.spread, each.phases) for each in slices]
    terms = [[each.terms[name] for each in slices] for name in names]
    return dict(zip(names, fit_terms(errors, deviations, terms, calibration), strict=True))


def refitted(slices: Sequence[Segments], weights: dict[str, float]) -> QuantityScale:
    """The scales of the calibration with terms."""
    return fit_quantity(
        [each.error for each in slices],
        [each.spread for each in slices],
        [each.phases for each in slices],
        extra=[each.extra(weights) for each in slices],
    )


def half_widths(slices: Sequence[Segments], scale: QuantityScale, weights: dict[str, float]) -> list[Array]:
    """Half the interval of every segment and frame of each slice, [T, S]."""
    own = Calibration(quantities={"segment_ecc": scale})
    return [
        own.half_width * own.deviation("segment_ecc", each.spread, each.phases, each.extra(weights)) for each in slices
    ]


def cells(slices: Sequence[Segments], widths: Sequence[Array]) -> list[float]:
    """Coverage and its tenth percentile, mean half-width; coverage and mean half-width of stretched segments, of weak
    ones, and of those that are not stretched."""
    known = [np.isfinite(each.error) for each in slices]
    inside = [(each.error <= width)[k] for each, width, k in zip(slices, widths, known, strict=True)]
    shares = [each.mean() for each in inside]
    width = np.concatenate([each[k] for each, k in zip(widths, known, strict=True)])
    true = np.concatenate([each.true[k] for each, k in zip(slices, known, strict=True)])
    weak = np.concatenate([each.terms["weak"][k] for each, k in zip(slices, known, strict=True)]) > WEAK
    held, stretched = np.concatenate(inside), true > STRETCHED
    found = [float(np.mean(shares)), float(np.quantile(shares, 0.1)), float(width.mean())]
    for chosen in (stretched, weak, ~stretched):
        found += [float(v[chosen].mean()) if chosen.any() else np.nan for v in (held, width)]
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, required=True, help="folder of the stored predictions")
    parser.add_argument("--model", default="lamod-phantom-v1")
    parser.add_argument("--data", type=Path, default=REAL_DATA, help="DENSE scans")
    args = parser.parse_args()
    torch.set_num_threads(1)
    model = load_model(args.model)
    calibration = calibration_of(model.description, model.name)
    if calibration is None:
        parser.error(f"{model.name} has no calibrated intervals")
    found = {
        name: [segments_of(each) for each in stored(args.work, name, slices, model)]
        for name, slices in cohorts(args.data).items()
    }
    fitted = []
    for names in VARIANTS:
        weights = fitted_terms(found[TERMS_FROM], calibration, names)
        fitted.append((" + ".join(f"{n} × {k:.2f}" for n, k in weights.items()) or "no term", weights))
    columns = ["hearts", "terms"]
    for group in ("coverage", "stretched", "weak", "others"):
        columns += [group, "half-width"]
    print("| " + " | ".join(columns) + " |\n|" + " --- |" * len(columns))
    groups = {name: slices for name, slices in found.items() if name not in (TERMS_FROM, SCALES_FROM)}
    groups[BULGE] = [each for each in found["ellipsoid"] if each.subject.endswith(BULGE.replace(" ", "-"))]
    for name, slices in groups.items():
        base = half_widths(slices, calibration.quantities["segment_ecc"], {})
        before = cells(slices, base)
        _print(name, slices, "calibrated as it is", before)
        for terms, weights in fitted:
            own = cells(slices, half_widths(slices, refitted(found[SCALES_FROM], weights), weights))
            _print(name, slices, terms, own)
            if weights:
                factor = own[2] / before[2]
                _print(name, slices, f"— one factor, {factor:.2f}", cells(slices, [factor * each for each in base]))


def _print(name: str, slices: Sequence[Segments], terms: str, values: Sequence[float]) -> None:
    share, tenth, width, *groups = values
    pairs = " | ".join(f"{held:.3f} | {half:.4f}" for held, half in zip(groups[::2], groups[1::2], strict=True))
    print(f"| {name}, {len(slices)} | {terms} | {share:.3f} ({tenth:.2f}) | {width:.4f} | {pairs} |", flush=True)


if __name__ == "__main__":
    main()
