"""Learning rate schedule."""

from __future__ import annotations

import math


def learning_rate_share(step: int, total: int, *, warm_up: int = 100, warm_up_share: int = 10) -> float:
    """Factor on the learning rate at a step: a linear warm-up times a cosine that reaches zero at the stage's end.

    Args:
        step: counted from 0.
        total: steps of the stage.
        warm_up: longest warm-up in steps.
        warm_up_share: the warm-up takes at most one in this many steps.
    """
    warm = min(1.0, (step + 1) / min(warm_up, max(1, total // warm_up_share)))
    return warm * 0.5 * (1 + math.cos(math.pi * step / max(1, total)))
