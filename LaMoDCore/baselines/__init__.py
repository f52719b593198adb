"""The methods that LaMoD is compared with, one per file."""

from __future__ import annotations

from LaMoDCore.baselines.model import BaselineConfig, BaselineModel
from LaMoDCore.baselines.registry import ARCHITECTURES, PIXEL_MM, Baseline, Size, available


def baseline_config(name: str, size: Size = "reduced") -> BaselineConfig:
    """The config of a network in one of its two sizes.

    Raises:
        ValueError: the network or size is unknown.
    """
    if name not in ARCHITECTURES or size not in PIXEL_MM:
        raise ValueError(f"baseline networks are {', '.join(ARCHITECTURES)}, each {' or '.join(PIXEL_MM)}")
    architecture = ARCHITECTURES[name]
    return BaselineConfig(name, architecture.full if size == "full" else architecture.reduced, PIXEL_MM[size])


def parameter_count(config: BaselineConfig) -> int:
    """Number of parameters of a baseline; no memory is allocated for them."""
    import torch

    with torch.device("meta"):
        return sum(p.numel() for p in BaselineModel(config).parameters())


__all__ = [
    "ARCHITECTURES",
    "Baseline",
    "BaselineConfig",
    "BaselineModel",
    "Size",
    "available",
    "baseline_config",
    "parameter_count",
]
