"""The best weights of a stage by validation, and early stopping."""

from __future__ import annotations

import math
from typing import Any

from torch import Tensor, nn


class BestWeights:
    """Keeps a copy of the weights of the best epoch of a stage.

    Args:
        patience: validations without a better score after which `exhausted` is true; 0 for never.

    Attributes:
        score: lowest score.
        epoch: epoch of the lowest score, counted from 1; 0 for the initial weights.
        waited: number of validations since then.
        weights: state dict of the lowest score, None before the first validation.
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
        """Copy the model's weights if `score` is the lowest yet; returns whether it is."""
        if not score < self.score and self.weights is not None:
            self.waited += 1
            return False
        self.score, self.epoch, self.waited = score, epoch, 0
        self.weights = {key: value.detach().clone() for key, value in model.state_dict().items()}
        return True

    def position(self) -> dict[str, Any]:
        """State for a checkpoint, without the weights."""
        return {"score": self.score if math.isfinite(self.score) else None, "epoch": self.epoch, "waited": self.waited}

    def restore(self, position: dict[str, Any], weights: dict[str, Tensor]) -> None:
        """Continue from the state and weights of a checkpoint (empty before the first validation)."""
        self.score = math.inf if position["score"] is None else float(position["score"])
        self.epoch, self.waited = int(position["epoch"]), int(position["waited"])
        self.weights = weights or None
