"""Coverage of the 95 % intervals of agreement on simulated clustered data.

    python -m experiments.people.interval_coverage [--persons 8,12,30] [--trials 400] [--seed N]

Segments (6) within slices (3) within persons, with a bias and with variances of each level that are known. For each
number of persons: share of trials in which the interval contains the true value; and, for the bias, that of an interval
which takes segments as independent.
"""

from __future__ import annotations

import argparse

import numpy as np

from LaMoDCore.evaluation.people.clustered import clustered_agreement
from LaMoDCore.heart.geometry import Array

BIAS, MEAN = 0.02, -0.17
#: Standard deviations of the truth between persons and within them, and of the difference at each level.
TRUTH = (0.03, 0.03)
BETWEEN_PERSONS, BETWEEN_SLICES, WITHIN = 0.02, 0.01, 0.03
SD = float(np.sqrt(BETWEEN_PERSONS**2 + BETWEEN_SLICES**2 + WITHIN**2))
_SHARED = 2 * (TRUTH[0] ** 2 + TRUTH[1] ** 2)
TRUE = {
    "bias": BIAS,
    "sd": SD,
    "lower": BIAS - 1.96 * SD,
    "upper": BIAS + 1.96 * SD,
    "icc": _SHARED / (_SHARED + SD**2 + BIAS**2),
    "cov": SD / abs(MEAN),
}


def cohort(persons: int, seed: list[int], slices: int = 3, segments: int = 6) -> tuple[Array, Array, list[str]]:
    """Method, reference and person of each segment."""
    rng = np.random.default_rng(seed)
    truth = rng.normal(MEAN, TRUTH[0], (persons, 1, 1)) + rng.normal(0, TRUTH[1], (persons, slices, segments))
    offset = rng.normal(BIAS, BETWEEN_PERSONS, (persons, 1, 1)) + rng.normal(0, BETWEEN_SLICES, (persons, slices, 1))
    found = truth + offset + rng.normal(0, WITHIN, truth.shape)
    return found.ravel(), truth.ravel(), [f"p{k}" for k in range(persons) for _ in range(slices * segments)]


def coverage(persons: int, trials: int, seed: int) -> tuple[dict[str, float], float]:
    """Share of intervals that contain the true value, by statistic, and that of independent intervals of the bias."""
    held = dict.fromkeys(TRUE, 0)
    independent = 0
    for trial in range(trials):
        method, reference, who = cohort(persons, [seed, persons, trial])
        found = clustered_agreement(method, reference, who, repetitions=500, seed=trial)
        for name, value in TRUE.items():
            interval = getattr(found, name)
            held[name] += interval.lower <= value <= interval.upper
        difference = method - reference
        half = 1.96 * difference.std(ddof=1) / np.sqrt(difference.size)
        independent += bool(abs(difference.mean() - BIAS) <= half)
    return {name: count / trials for name, count in held.items()}, independent / trials


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--persons", default="8,12,30", help="numbers of persons (default 8,12,30)")
    parser.add_argument("--trials", type=int, default=400, help="trials per number (default 400)")
    parser.add_argument("--seed", type=int, default=1, help="random seed (default 1)")
    args = parser.parse_args()
    print(f"| persons | {' | '.join(TRUE)} | bias, segments as independent |")
    print("|" + "---|" * (len(TRUE) + 2))
    for persons in (int(text) for text in args.persons.split(",")):
        shares, independent = coverage(persons, args.trials, args.seed)
        cells = [f"{share:.1%}" for share in (*shares.values(), independent)]
        print(f"| {persons} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
