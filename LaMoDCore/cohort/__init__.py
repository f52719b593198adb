"""Predicting many cases: restartable, over several processes or machines, and no bad case stops the others."""

from __future__ import annotations

from LaMoDCore.cohort.run import CohortOutcome, predict_cohort

__all__ = ["CohortOutcome", "predict_cohort"]
