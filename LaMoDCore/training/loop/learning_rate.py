"""The course of the learning rate over a training."""

from __future__ import annotations

import math


def learning_rate_share(step: int, total: int, *, warm_up: int = 100, warm_up_share: int = 10) -> float:
    """Of the learning rate at a stage's step: a warm-up, then a cosine to zero at the stage's end.

    Args:
        step: counted from 0.
        total: steps of the stage.
        warm_up: its longest, steps.
        warm_up_share: and no longer than one in so many of all steps.
    """
    warm = min(1.0, (step + 1) / min(warm_up, max(1, total // warm_up_share)))
    return warm * 0.5 * (1 + math.cos(math.pi * step / max(1, total)))
