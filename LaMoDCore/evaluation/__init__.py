"""Compare predictions with the truth: errors, agreement, intervals and tests."""

from __future__ import annotations

from LaMoDCore.evaluation.agreement import BlandAltman, bland_altman, icc
from LaMoDCore.evaluation.bootstrap import Interval, bootstrap_interval, bootstrap_mean, holm, paired_test
from LaMoDCore.evaluation.displacement import EndpointError, endpoint_error
from LaMoDCore.evaluation.overlap import contour_distances, dice
from LaMoDCore.evaluation.scoring import coverage, crps, energy_score, roc_auc

__all__ = [
    "BlandAltman",
    "EndpointError",
    "Interval",
    "bland_altman",
    "bootstrap_interval",
    "bootstrap_mean",
    "contour_distances",
    "coverage",
    "crps",
    "dice",
    "endpoint_error",
    "energy_score",
    "holm",
    "icc",
    "paired_test",
    "roc_auc",
]
