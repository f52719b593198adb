"""Scores of estimates and samples for `mixture_trial`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from torch import Tensor

from experiments.posterior.mixture_data import ResidualBasis, Slices
from LaMoDCore.evaluation.bootstrap import bootstrap_interval
from LaMoDCore.evaluation.scoring import crps, energy_score
from LaMoDCore.heart.canonical import FRAMES
from LaMoDCore.heart.geometry import Array

#: True segmental Ecc from which a segment bulges.
BULGE = 0.03
#: Samples of which the energy score is computed.
_SCORED_DRAWS = 16
_POINT = ("error", "segments", "slope", "reverse")


def point_scores(code: Tensor, basis: ResidualBasis, slices: Slices) -> dict[str, float]:
    """Errors, slopes and bulges of an estimate [N, M]."""
    missed = (basis.energy(code - slices.offset - slices.residual) + slices.rest) / FRAMES
    error = (missed.sqrt() * slices.radius).numpy()
    ecc, true, randomised = basis.ecc(code, slices.frame), slices.ecc.numpy(), slices.randomised.numpy()
    found: dict[str, float] = {}
    for name, here in (("plain", ~randomised), ("randomised", randomised)):
        mean, true_mean = ecc[here].mean(axis=1), true[here].mean(axis=1)
        found[f"error {name}"] = float(error[here].mean())
        found[f"segments {name}"] = float(np.abs(ecc - true)[here].mean())
        found[f"bias {name}"] = float((mean - true_mean).mean())
        found[f"slope {name}"] = float(np.polyfit(true_mean, mean, 1)[0])
        found[f"reverse {name}"] = float(np.polyfit(mean, true_mean, 1)[0])
    bulging = true > BULGE
    predicted, known = np.where(bulging, ecc, 0).sum(axis=1), np.where(bulging, true, 0).sum(axis=1)
    subjects = [str(number) for number in slices.subject.tolist()]
    ratio = bootstrap_interval(lambda n: float(predicted[n].sum() / known[n].sum()), subjects, repetitions=200)
    found |= {"bulges": ratio.value, "bulges error": (ratio.upper - ratio.lower) / 3.92}
    found["false bulges"] = float((ecc[~bulging] > BULGE).mean())
    found["bulging segments"] = int(bulging.sum())
    return found


def sample_scores(
    draws: Tensor, basis: ResidualBasis, slices: Slices, of_scaling: tuple[Tensor, Slices]
) -> dict[str, float]:
    """Scores of independent samples [draws, N, M], and coverage of intervals scaled on other slices."""
    ecc, true, randomised = basis.ecc(draws, slices.frame), slices.ecc.numpy(), slices.randomised.numpy()
    factor = _interval_factor(basis.ecc(of_scaling[0], of_scaling[1].frame), of_scaling[1].ecc.numpy())
    low, high = _interval(ecc, factor)
    inside, width, bulging = (true >= low) & (true <= high), high - low, true > BULGE
    few, motion = draws[:_SCORED_DRAWS] * basis.deviation, (slices.offset + slices.residual) * basis.deviation
    energy = energy_score(few.numpy(), motion.numpy()) * slices.radius.numpy() / FRAMES**0.5
    score = crps(ecc, true)
    return {
        "factor": factor,
        "energy plain": float(energy[~randomised].mean()),
        "energy randomised": float(energy[randomised].mean()),
        "crps": float(score.mean()),
        "crps bulging": float(score[bulging].mean()),
        "coverage plain": float(inside[~randomised].mean()),
        "coverage randomised": float(inside[randomised].mean()),
        "coverage bulging": float(inside[bulging].mean()),
        "width": float(width.mean()),
        "width bulging": float(width[bulging].mean()),
    }


def _interval(ecc: Array, factor: float) -> tuple[Array, Array]:
    """5th and 95th percentiles of samples [draws, ...], moved away from their mean by a factor."""
    low, high = np.quantile(ecc, [0.05, 0.95], axis=0)
    mean = ecc.mean(axis=0)
    return mean + factor * (low - mean), mean + factor * (high - mean)


def _interval_factor(ecc: Array, truth: Array) -> float:
    """The factor with which 90 % of the true values lie in the intervals."""
    (low, high), mean = _interval(ecc, 1.0), ecc.mean(axis=0)
    needed = np.where(truth > mean, (truth - mean) / (high - mean), (truth - mean) / (low - mean))
    return float(np.quantile(needed, 0.9))


def table(seeds: Sequence[dict[str, Any]]) -> str:
    """A Markdown table of the means over seeds."""
    header = [*_POINT, "bulges (SE)", "false (%)", "−log p", "energy", "CRPS", "coverage", "width"]
    lines = ["| variant | " + " | ".join(header) + " |", "| --- " * (1 + len(header)) + "|"]
    for name in seeds[0]:
        row = {key: float(np.mean([found[name][key] for found in seeds])) for key in seeds[0][name]}

        def cell(keys: Sequence[str], digits: int, row: dict[str, float] = row) -> str:
            return "; ".join(f"{row[key]:.{digits}f}" for key in keys if key in row) or "–"

        cells = [cell([f"{key} plain", f"{key} randomised"], 4 if key == "segments" else 3) for key in _POINT]
        cells.append(f"{row['bulges']:.3f} ({row['bulges error']:.3f})" if "bulges" in row else "–")
        cells.append(f"{100 * row['false bulges']:.2f}" if "false bulges" in row else "–")
        cells += [cell(["nll plain", "nll randomised"], 2), cell(["energy plain", "energy randomised"], 3)]
        cells.append(cell(["crps", "crps bulging"], 4))
        cells.append(cell(["coverage plain", "coverage randomised", "coverage bulging"], 3))
        cells.append(cell(["width", "width bulging"], 4))
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)
