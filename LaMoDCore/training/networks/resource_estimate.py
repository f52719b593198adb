"""Estimate the memory and time of a run on this machine, measured on one slice before it starts.

The tensors that autograd saves for the backward pass grow with the batch; they are counted for a single slice. Weights,
gradients, optimiser and averages are added once.
"""

from __future__ import annotations

import copy
import os
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from LaMoDCore.heart.canonical import FRAMES, SIZE
from LaMoDCore.runtime.errors import LaMoDInputError
from LaMoDCore.training.data.augmentation import Batch, augment
from LaMoDCore.training.data.cache import BLOCK
from LaMoDCore.training.data.draws import Draws
from LaMoDCore.training.loop.stages import Stage
from LaMoDCore.training.run.settings import TrainingConfig

#: Gradients of activations and work space of kernels, relative to what autograd saves (measured: 0.7–0.9, since most
#: saved tensors are freed before the gradients are computed).
_OVERHEAD = 1.15
#: Augmentation of one slice (measured: 14) and the batches prepared ahead, relative to a slice's masks in float32.
_BATCH_COPIES = 24
#: Weights, their gradients, Adam's two moments, the average and the best weights.
_WEIGHT_COPIES = 6
#: Share of the free memory that a run may take.
_USABLE = 0.9


@dataclass(frozen=True)
class Estimate:
    """Memory and time of a run on this machine.

    Attributes:
        memory_bytes: memory per process in the stage that needs most.
        free_bytes: free memory, None if unknown.
        largest_batch: global batch that would fit, None if `free_bytes` is None.
        seconds: duration of all epochs of all stages, without validation.
    """

    memory_bytes: int
    free_bytes: int | None
    largest_batch: int | None
    seconds: float


def estimate_run(
    model: nn.Module,
    stages: Sequence[tuple[Stage, int]],
    config: TrainingConfig,
    slices: int,
    fabric: Fabric,
    *,
    timed: bool = True,
) -> Estimate:
    """Run one slice through every stage.

    Args:
        model: the model; it is not changed.
        stages: stages with their epochs.
        config: settings of the run.
        slices: number of training slices.
        fabric: device and precision of the run.
        timed: measure time too, which takes three times as long; otherwise `seconds` is 0.
    """
    trial = copy.deepcopy(model).requires_grad_(True).train()
    device, world = fabric.device, fabric.world_size
    batch, draws = _one_slice(config, device)
    per_slice, seconds = 0, 0.0
    size = min(config.batch_size, slices)
    for stage, epochs in stages:
        if epochs == 0:
            continue
        per_slice = max(per_slice, _saved_bytes(stage, trial, batch, draws, fabric))
        if timed:
            spent = _step_seconds(stage, trial, batch, draws, config, fabric)
            seconds += epochs * max(1, slices // size) * spent * size / world
    per_slice = int(per_slice * _OVERHEAD + batch.masks.nbytes * _BATCH_COPIES)
    fixed = _WEIGHT_COPIES * sum(p.nbytes for p in model.parameters())
    free = free_memory(device)
    if free is not None and device.type != "cuda" and world > 1:
        free //= int(os.environ.get("LOCAL_WORLD_SIZE", world))  # processes of one machine share its memory
    largest = None
    if free is not None:
        largest = int(max(0, free * _USABLE - fixed) // per_slice) * world
    return Estimate(fixed + per_slice * -(-size // world), free, largest, seconds)


def refuse_too_large(estimate: Estimate, config: TrainingConfig) -> None:
    """Raises LaMoDInputError, naming a batch size that fits, if a run would need more memory than is free."""
    if estimate.largest_batch is not None and config.batch_size > estimate.largest_batch:
        raise too_large(config, estimate)


def too_large(config: TrainingConfig, estimate: Estimate) -> LaMoDInputError:
    """The error for a batch that does not fit."""
    free = "" if estimate.free_bytes is None else f" and {_gib(estimate.free_bytes)} are free"
    largest = config.batch_size // 2 if estimate.largest_batch is None else estimate.largest_batch
    largest = min(largest, config.batch_size - 1)
    remedy = f"set batch_size to {largest} or less" if largest >= 1 else "use a smaller model or another machine"
    return LaMoDInputError(
        f"batch_size {config.batch_size}", f"it needs about {_gib(estimate.memory_bytes)}{free}", remedy
    )


def is_out_of_memory(fault: BaseException) -> bool:
    """Whether an exception means that memory ran out, on any device."""
    if isinstance(fault, MemoryError | torch.cuda.OutOfMemoryError):
        return True
    return isinstance(fault, RuntimeError) and any(
        words in str(fault).lower() for words in ("out of memory", "can't allocate memory", "not enough memory")
    )


def free_memory(device: torch.device) -> int | None:
    """Bytes that a process can still allocate on a device; None if unknown."""
    if device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
        return free + torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
    found: list[int] = []
    with suppress(OSError, ValueError, StopIteration):
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        found.append(1024 * next(int(line.split()[1]) for line in lines if line.startswith("MemAvailable")))
    with suppress(OSError, ValueError):
        group = Path("/sys/fs/cgroup")
        used = int((group / "memory.current").read_text(encoding="ascii"))
        found.append(int((group / "memory.max").read_text(encoding="ascii")) - used)
    return min(found) if found else None


def _one_slice(config: TrainingConfig, device: torch.device) -> tuple[Batch, Draws]:
    axis = torch.arange(SIZE) + 0.5 - SIZE / 2
    radius = torch.hypot(axis[None], axis[:, None])
    ring = ((radius > 22) & (radius < 32)).float()
    masks = ring.expand(1, 1, FRAMES, SIZE, SIZE).contiguous().to(device)
    half = SIZE // BLOCK
    displacement = torch.zeros(1, 2, FRAMES, half, half, device=device)
    weight = torch.ones(1, 1, FRAMES, half, half, device=device)
    draws = Draws.of(("estimate",), [0])
    levels = torch.zeros(1, dtype=torch.long, device=device)
    return augment(Batch(masks, masks, displacement, weight, levels), config.augmentation, draws), draws


def _saved_bytes(stage: Stage, model: nn.Module, batch: Batch, draws: Draws, fabric: Fabric) -> int:
    """Bytes that autograd saves for one slice, without the weights."""
    saved: dict[int, int] = {}

    def record(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        saved[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(record, lambda tensor: tensor), fabric.autocast():
        loss, _ = stage.loss(model, batch, draws)
    own = {p.untyped_storage().data_ptr() for p in model.parameters()}
    kept = sum(size for pointer, size in saved.items() if pointer not in own)
    del loss  # which keeps the saved tensors alive until they are counted
    return kept


def _step_seconds(
    stage: Stage, model: nn.Module, batch: Batch, draws: Draws, config: TrainingConfig, fabric: Fabric
) -> float:
    """Time of a step on one slice with its augmentation; the forward pass was already run once."""
    model.zero_grad(set_to_none=True)
    began = time.perf_counter()
    augment(batch, config.augmentation, draws)
    with fabric.autocast():
        loss, _ = stage.loss(model, batch, draws)
    torch.autograd.backward(loss)
    if fabric.device.type == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - began


def _gib(count: float) -> str:
    return f"{count / 2**30:.1f} GiB" if count < 100 * 2**30 else f"{count / 2**30:.0f} GiB"
