"""Means over the processes of a distributed training that share one batch.

A loss that is a ratio of sums over the batch (a weighted mean) is the mean over processes of
    local sum / mean over processes of the local denominators,
so that the mean of the processes' gradients is exactly the gradient of the whole batch's loss. The denominators
depend on the data only: no gradient passes through them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from torch import Tensor

_mean: ContextVar[Callable[[Tensor], Tensor] | None] = ContextVar("mean_over_processes", default=None)


def mean_over_processes(value: Tensor) -> Tensor:
    """The mean of a denominator or a statistic over the processes that share the batch; unchanged with one process."""
    mean = _mean.get()
    return value if mean is None else mean(value.detach())


@contextmanager
def shared_batch(mean: Callable[[Tensor], Tensor] | None) -> Iterator[None]:
    """Within this block `mean` averages a tensor over the processes (None: one process)."""
    token = _mean.set(mean)
    try:
        yield
    finally:
        _mean.reset(token)
