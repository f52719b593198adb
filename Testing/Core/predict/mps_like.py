"""Tensors that behave like those of an Apple GPU, on any computer.

An Apple GPU has no float64 and no complex128, and refuses operations that mix its tensors with a tensor of the CPU of
more than one element. `MpsLike` is a CPU tensor that refuses the same. Within `mps_like()`, tensors that are created on
or moved to the device "mps" become `MpsLike`; `.cpu()` brings them back.
`operations` counts what runs on the device, down to the operations that functions of PyTorch consist of.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Iterator
from typing import Any

import torch
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten, tree_map

DEVICE = torch.device("mps")
REFUSED = (torch.float64, torch.complex128)
#: Functions that may mix devices: copies, and indices of the CPU.
MIXING = {torch.Tensor.copy_, torch.Tensor.__getitem__, torch.Tensor.__setitem__}
MOVES = {torch.Tensor.to, torch.Tensor.cpu, torch.Tensor.numpy, torch.Tensor.type, torch.Tensor.double}

#: Operations that ran on the device: (name, dtypes of arguments and results) -> number of calls.
operations: Counter[tuple[str, tuple[str, ...]]] = Counter()


class MpsLike(torch.Tensor):
    """A tensor on the imitated device; its functions are handled by `_Rules`."""

    @property
    def device(self) -> torch.device:  # type: ignore[override]
        return DEVICE

    @classmethod
    def __torch_function__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return _call(func, args, kwargs or {})


class _Rules(TorchFunctionMode):
    """Handles also functions without a tensor argument, such as `torch.zeros(3, device="mps")`."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return _call(func, args, kwargs or {})


class _Recorder(TorchDispatchMode):
    """Counts the operations of one call on the device, and refuses types that it lacks also between them."""

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        composite = torch._C.DispatchKey.CompositeImplicitAutograd
        if torch._C._dispatch_has_kernel_for_dispatch_key(func.name(), composite):
            with self:  # the operations that it consists of
                return func._op_dk(composite, *args, **(kwargs or {}))
        result = func(*args, **(kwargs or {}))
        name = func.overloadpacket.__name__
        # The argument of a move is on the CPU, where its type is converted.
        on_device = result if name in ("to", "_to_copy", "copy_") else (args, kwargs, result)
        found = [v for v in tree_flatten(on_device)[0] if isinstance(v, torch.Tensor)]
        for value in found:
            if value.dtype in REFUSED and value.numel() > 1:
                raise TypeError(f"{name}: Cannot convert a MPS Tensor to {value.dtype}: the device does not support it")
        dtypes = {str(value.dtype).removeprefix("torch.") for value in found}
        operations[name, tuple(sorted(dtypes))] += 1
        return result


@contextlib.contextmanager
def mps_like() -> Iterator[None]:
    """Imitate the device within the block."""
    with _Rules():
        yield


def move(module: torch.nn.Module) -> None:
    """Move parameters and buffers of a module to the imitated device."""
    with torch._C.DisableTorchFunction():
        for part in module.modules():
            parameters: dict[str, Any] = part._parameters
            for name, value in parameters.items():
                if value is not None:
                    parameters[name] = _wrap(value.detach()).requires_grad_(value.requires_grad)
            for name, value in part._buffers.items():
                if value is not None:
                    part._buffers[name] = _wrap(value)


def _wrap(value: torch.Tensor) -> torch.Tensor:
    if value.dtype in REFUSED:
        raise TypeError(f"the device has no {value.dtype}")
    return value.as_subclass(MpsLike)


def _on_device(value: Any) -> Any:
    # The result of an in-place function is its argument and stays the same object.
    return value.as_subclass(MpsLike) if type(value) is torch.Tensor else value


def _off_device(value: Any) -> Any:
    return value.as_subclass(torch.Tensor) if isinstance(value, MpsLike) else value


def _is_device(value: Any) -> bool:
    return (isinstance(value, torch.device) and value.type == "mps") or (isinstance(value, str) and value == "mps")


def _call(func: Any, args: Any, kwargs: dict[str, Any]) -> Any:
    name = getattr(func, "__name__", str(func))
    values, _ = tree_flatten((args, kwargs))
    on_device = [v for v in values if isinstance(v, MpsLike)]
    if name in ("__get__", "size", "dim", "__len__", "numel", "__repr__", "is_floating_point", "is_complex", "stride"):
        result = _raw(func, args, kwargs)
        return tree_map(_on_device, result) if on_device else result
    if func in (torch.Tensor.numpy, torch.Tensor.__array__) and on_device:
        raise TypeError("can't convert mps:0 device type tensor to numpy; use Tensor.cpu() first")
    asked = [v for v in values if isinstance(v, torch.device) or (isinstance(v, str) and v in ("mps", "cpu"))]
    goes_to_cpu = func is torch.Tensor.cpu or (func is torch.Tensor.to and any(not _is_device(v) for v in asked))
    like_other = func is torch.Tensor.to and len(args) > 1 and isinstance(args[1], torch.Tensor)
    if like_other:
        goes_to_cpu, to_device = not isinstance(args[1], MpsLike), isinstance(args[1], MpsLike)
    else:
        to_device = any(_is_device(v) for v in asked) or (bool(on_device) and not goes_to_cpu)
    moving = func is torch.Tensor.cpu or func is torch.Tensor.to or func in MIXING
    plain = [v for v in values if isinstance(v, torch.Tensor) and not isinstance(v, MpsLike)]
    if on_device and not moving:
        mixed = [v for v in plain if v.numel() > 1]
        if mixed:
            raise RuntimeError(f"{name}: expected all tensors to be on the same device, found mps:0 and cpu")
    if _is_device(kwargs.get("device")):
        kwargs = {**kwargs, "device": "cpu"}
    args = tuple("cpu" if _is_device(v) else v for v in args)
    if to_device and func is torch.Tensor.double:
        raise TypeError("Cannot convert a MPS Tensor to float64 dtype as the MPS framework doesn't support float64")
    if not to_device:
        result = _raw(func, args, kwargs)
        return tree_map(_off_device, result) if goes_to_cpu else result
    with _Recorder():
        result = _raw(func, args, kwargs)
    outputs = [v for v in tree_flatten(result)[0] if isinstance(v, torch.Tensor)]
    for value in outputs:
        if value.dtype in REFUSED:
            raise TypeError(f"{name}: Cannot convert a MPS Tensor to {value.dtype}: the device does not support it")
    if func in MIXING and not on_device:
        return result
    return tree_map(_on_device, result)


def _raw(func: Any, args: Any, kwargs: dict[str, Any]) -> Any:
    with torch._C.DisableTorchFunction():
        return func(*args, **kwargs)
