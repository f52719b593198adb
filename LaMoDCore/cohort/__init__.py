"""Predict many cases: restartable, in several processes or on several machines; a failure does not stop the others."""

from __future__ import annotations

from LaMoDCore.cohort.run import CohortOutcome, predict_cohort

__all__ = ["CohortOutcome", "predict_cohort"]
