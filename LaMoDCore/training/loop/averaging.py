"""The exponential moving average of the weights, which is validated, saved and shipped."""

from __future__ import annotations

import copy
from typing import TypeVar

import torch
from torch import nn

_Module = TypeVar("_Module", bound=nn.Module)


def frozen_copy(model: _Module) -> _Module:
    """A copy in evaluation mode, without gradients."""
    return copy.deepcopy(model).requires_grad_(False).eval()


class Follower:
    """Updates averaged weights after each step of a stage.

    The tensors are found once: to find them at every step took longer than to update them.

    Args:
        average: updated in place; buffers are copied, parameters that do not learn are left alone.
        model: the model that learns; which of its parameters do must not change in a stage.
    """

    def __init__(self, average: nn.Module, model: nn.Module) -> None:
        pairs = zip(average.parameters(), model.parameters(), strict=True)
        self._weights = [(kept, learning) for kept, learning in pairs if learning.requires_grad]
        self._buffers = list(zip(average.buffers(), model.buffers(), strict=True))

    @torch.no_grad()
    def follow(self, step: int, decay: float) -> None:
        """Update the average, which follows faster at first, when there is little to average.

        Args:
            step: steps done before this one in the stage.
            decay: share of the average that is kept, limited to (1 + step)/(10 + step).
        """
        kept_share = min(decay, (1 + step) / (10 + step))
        for kept, learning in self._weights:
            kept.lerp_(learning, 1 - kept_share)
        for kept_buffer, buffer in self._buffers:
            kept_buffer.copy_(buffer)
