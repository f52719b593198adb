"""The best weights so far by validation, and when to stop waiting for better ones (early stopping)."""

from __future__ import annotations

import math
from typing import Any

from torch import Tensor, nn


class BestWeights:
    """Keeps a copy of the weights of the best epoch of a stage.

    Args:
        patience: epochs without a better score after which `exhausted`; 0 never.

    Attributes:
        score: the lowest so far.
        epoch: of that score, counted from 1; 0 before the first.
        waited: epochs since.
        weights: state dict of that epoch, None before the first.
    """

    def __init__(self, patience: int) -> None:
        self.patience = patience
        self.score = math.inf
        self.epoch = 0
        self.waited = 0
        self.weights: dict[str, Tensor] | None = None

    @property
    def exhausted(self) -> bool:
        return self.patience > 0 and self.waited >= self.patience

    def offer(self, score: float, epoch: int, model: nn.Module) -> bool:
        """Whether `score` is the best so far; then the model's weights are kept."""
        if not score < self.score and self.weights is not None:
            self.waited += 1
            return False
        self.score, self.epoch, self.waited = score, epoch, 0
        self.weights = {key: value.detach().clone() for key, value in model.state_dict().items()}
        return True

    def position(self) -> dict[str, Any]:
        """What a checkpoint has to know besides the weights."""
        return {"score": self.score if math.isfinite(self.score) else None, "epoch": self.epoch, "waited": self.waited}

    def restore(self, position: dict[str, Any], weights: dict[str, Tensor]) -> None:
        """Continue from a checkpoint's position and weights (empty where there were none yet)."""
        self.score = math.inf if position["score"] is None else float(position["score"])
        self.epoch, self.waited = int(position["epoch"]), int(position["waited"])
        self.weights = weights or None
