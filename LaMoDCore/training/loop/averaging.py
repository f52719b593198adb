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


@torch.no_grad()
def follow(average: nn.Module, model: nn.Module, step: int, decay: float) -> None:
    """Update the averaged weights after a step; they follow faster at first, when there is little to average.

    Args:
        average: updated in place; buffers are copied, parameters that do not learn are left alone.
        model: the model that learns.
        step: steps done before this one in the stage.
        decay: share of the average that is kept, limited to (1 + step)/(10 + step).
    """
    kept_share = min(decay, (1 + step) / (10 + step))
    for kept, learning in zip(average.parameters(), model.parameters(), strict=True):
        if learning.requires_grad:
            kept.lerp_(learning, 1 - kept_share)
    for kept_buffer, buffer in zip(average.buffers(), model.buffers(), strict=True):
        kept_buffer.copy_(buffer)
