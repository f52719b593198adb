"""Batches from the cache: their order in an epoch, loading, and preparation ahead of time."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor

from LaMoDCore.heart.geometry import Array
from LaMoDCore.training.data.augmentation import Batch
from LaMoDCore.training.data.cache import TrainingCache
from LaMoDCore.training.data.draws import seed_of

_Job = TypeVar("_Job")
_Result = TypeVar("_Result")


def load_batch(cache: TrainingCache, chosen: Array, device: torch.device) -> Batch:
    """Load slices [N] of the cache without augmentation; they are converted to float on the device."""

    def loaded(name: str) -> Tensor:
        values = torch.from_numpy(np.stack([cache.arrays[name][i] for i in chosen]))
        if device.type == "cuda":
            values = values.pin_memory().to(device, non_blocking=True)
        return values.to(device).float()

    return Batch(
        loaded("occupancy")[:, None] / 255,
        loaded("clean")[:, None] / 255,
        loaded("displacement").transpose(1, 2),
        loaded("weight")[:, None] / 4,
        torch.from_numpy(cache.levels[chosen]).to(device),
        torch.from_numpy(np.asarray(chosen)),
    )


def epoch_batches(indices: Array, batch_size: int, key: tuple[object, ...]) -> list[Array]:
    """The slices of every step of an epoch, in ascending order within a step; an incomplete last batch is dropped.

    Args:
        indices: training slices.
        batch_size: batch size over all processes; limited to the number of slices.
        key: determines the order (seed, stage, epoch).
    """
    generator = torch.Generator().manual_seed(seed_of(*key, "order"))
    order = indices[torch.randperm(len(indices), generator=generator).numpy()]
    size = min(batch_size, len(indices))
    return [np.sort(order[at : at + size]) for at in range(0, len(indices) - size + 1, size)]


def prepared_ahead(make: Callable[[_Job], _Result], jobs: Iterable[_Job], ahead: int = 2) -> Iterator[_Result]:
    """`map(make, jobs)`, with up to `ahead` results prepared by a thread while the caller uses the last one."""
    waiting: deque[Future[_Result]] = deque()
    with ThreadPoolExecutor(1, thread_name_prefix="batches") as pool:
        try:
            for job in jobs:
                waiting.append(pool.submit(make, job))
                if len(waiting) > ahead:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()
