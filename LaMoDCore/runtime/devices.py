"""Choose the device of computation."""

from __future__ import annotations

import torch

from LaMoDCore.runtime.errors import LaMoDInputError

DEVICES = ("auto", "cpu", "cuda", "mps")


def resolve_device(name: str = "auto") -> tuple[torch.device, str]:
    """The device for `name`, and the reason for the choice as text.

    Args:
        name: auto, cpu, cuda, cuda:N or mps.

    Raises:
        LaMoDInputError: the device is not available.
    """
    kind = name.partition(":")[0]
    if kind not in DEVICES:
        raise LaMoDInputError(f"--device {name}", "there is no such device", f"choose one of {', '.join(DEVICES)}")
    if kind == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda"), f"CUDA: {torch.cuda.get_device_name()}"
        if torch.backends.mps.is_available():
            return torch.device("mps"), "MPS: Apple GPU"
        return torch.device("cpu"), "CPU: no CUDA device"
    if kind == "cuda" and not torch.cuda.is_available():
        raise LaMoDInputError(f"--device {name}", "this computer has no CUDA device", "use --device cpu or auto")
    if kind == "mps" and not torch.backends.mps.is_available():
        raise LaMoDInputError(f"--device {name}", "this computer has no Apple GPU", "use --device cpu or auto")
    try:
        device = torch.device(name)
        if device.type == "cuda":
            torch.cuda.get_device_properties(device)
    except (RuntimeError, AssertionError) as error:
        raise LaMoDInputError(f"--device {name}", str(error).splitlines()[0], "use --device auto") from error
    return device, f"{device.type.upper()}: chosen"
