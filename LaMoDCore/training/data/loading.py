"""Batches from the cache: which slices a step takes, which of them this process, and the next ones made ahead."""

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
    """Slices of the cache as they are, [N] numbers -> N slices; bytes travel to the device, floats are made there."""

    def picked(name: str) -> Tensor:
        values = torch.from_numpy(np.stack([cache.arrays[name][i] for i in chosen]))
        if device.type == "cuda":
            values = values.pin_memory().to(device, non_blocking=True)
        return values.to(device).float()

    return Batch(
        picked("occupancy")[:, None] / 255,
        picked("clean")[:, None] / 255,
        picked("displacement").transpose(1, 2),
        picked("weight")[:, None] / 4,
        torch.from_numpy(cache.levels[chosen]).to(device),
    )


def epoch_batches(indices: Array, batch_size: int, key: tuple[object, ...]) -> list[Array]:
    """The slices of every step of an epoch, each in ascending order; the epoch's remainder is left to another.

    Args:
        indices: slices to learn from.
        batch_size: over all processes; at most as many as there are slices.
        key: what the order follows from (seed, stage, epoch).
    """
    generator = torch.Generator().manual_seed(seed_of(*key, "order"))
    order = indices[torch.randperm(len(indices), generator=generator).numpy()]
    size = min(batch_size, len(indices))
    return [np.sort(order[at : at + size]) for at in range(0, len(indices) - size + 1, size)]


def made_ahead(make: Callable[[_Job], _Result], jobs: Iterable[_Job], ahead: int = 2) -> Iterator[_Result]:
    """`map(make, jobs)`, with up to `ahead` results made by a thread while the caller works on the last."""
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
