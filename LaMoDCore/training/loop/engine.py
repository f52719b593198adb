"""Device, precision and processes of a training: a lightning-fabric `Fabric`.

Without a launcher one process trains. Under torchrun or srun the processes find each other through the launcher's
environment variables and share every batch. Gradients are averaged by one all-reduce of a single vector, since a stage
trains only some of the parts, which a DDP wrapper would have to detect.
"""

from __future__ import annotations

import logging
import os
from datetime import timedelta
from typing import Any

import torch
from lightning_fabric import Fabric
from lightning_fabric.plugins.environments.lightning import LightningEnvironment
from lightning_fabric.plugins.environments.slurm import SLURMEnvironment
from lightning_fabric.plugins.environments.torchelastic import TorchElasticEnvironment
from lightning_fabric.strategies.ddp import DDPStrategy
from torch import Tensor

#: One process may prepare the data for hours while the others wait.
_TIMEOUT = timedelta(hours=12)


def make_fabric(device: torch.device, *, bf16: bool) -> Fabric:
    """A launched Fabric.

    Args:
        device: cpu, cuda, cuda:N or mps; under torchrun or srun each process takes its own CUDA device.
        bf16: compute in bfloat16 if the device supports it natively.
    """
    logging.getLogger("lightning_fabric").setLevel(logging.WARNING)  # its choices are in run.json
    arguments: dict[str, Any] = {"accelerator": device.type}
    arguments["precision"] = "bf16-mixed" if bf16 and computes_in_bfloat16(device) else "32-true"
    if TorchElasticEnvironment.detect():
        local = int(os.environ["LOCAL_WORLD_SIZE"])
        arguments |= {"devices": local, "num_nodes": int(os.environ["WORLD_SIZE"]) // local}
        arguments |= {"strategy": _strategy(device), "plugins": [TorchElasticEnvironment()]}
    elif SLURMEnvironment.detect() and int(os.environ.get("SLURM_NTASKS", "1")) > 1:
        nodes = int(os.environ.get("SLURM_NNODES", "1"))
        arguments |= {"devices": int(os.environ["SLURM_NTASKS"]) // nodes, "num_nodes": nodes}
        arguments |= {"strategy": _strategy(device), "plugins": [SLURMEnvironment(auto_requeue=False)]}
    else:
        chosen = [device.index] if device.type == "cuda" and device.index is not None else 1
        arguments |= {"devices": chosen, "plugins": [LightningEnvironment()]}
    fabric = Fabric(**arguments)
    fabric.launch()
    if device.type == "cuda":
        torch.backends.cudnn.deterministic = True
        torch.backends.cudnn.benchmark = False
    return fabric


def _strategy(device: torch.device) -> DDPStrategy:
    return DDPStrategy(process_group_backend="nccl" if device.type == "cuda" else "gloo", timeout=_TIMEOUT)


def computes_in_bfloat16(device: torch.device) -> bool:
    """Whether the device has native bfloat16 instructions; emulated, it is slower than float32."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    return device.type == "cpu" and bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())


def average_gradients(fabric: Fabric, parameters: list[torch.nn.Parameter]) -> None:
    """Replace every gradient by its mean over the processes, with a single all-reduce."""
    if fabric.world_size == 1:
        return
    gradients = [p.grad for p in parameters if p.grad is not None]
    if not gradients:
        return
    whole = averaged(fabric, torch.cat([gradient.flatten() for gradient in gradients]))
    for gradient, mean in zip(gradients, torch.split(whole, [g.numel() for g in gradients]), strict=True):
        gradient.copy_(mean.view_as(gradient))


def averaged(fabric: Fabric, value: Tensor) -> Tensor:
    """The mean of a tensor over the processes, as a new tensor."""
    result = fabric.all_reduce(value.detach().clone(), reduce_op="mean")
    assert isinstance(result, Tensor)
    return result
