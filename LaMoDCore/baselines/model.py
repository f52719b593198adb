"""A network that takes masks straight to displacement, with everything that a model folder says of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from torch import Tensor, nn
from torch.nn import functional

from LaMoDCore.baselines.registry import ARCHITECTURES, Settings
from LaMoDCore.heart.canonical import SIZE

#: Truth is learned on blocks of 2 mm, whatever the network's own pixel.
_BLOCK_MM = 2
_PIXELS_MM = (1, 2)


@dataclass(frozen=True)
class BaselineConfig:
    """What fixes a baseline's shapes.

    Attributes:
        network: a learned one of `baselines.available()`.
        settings: its size.
        pixel_mm: 1: it sees the canonical picture; 2: means over blocks of 2 mm, a quarter of the work.
    """

    network: str
    settings: Settings
    pixel_mm: int = 1

    def __post_init__(self) -> None:
        if self.pixel_mm not in _PIXELS_MM:
            raise ValueError(f"pixel_mm is 1 or 2, got {self.pixel_mm}")
        side = getattr(self.settings, "side", SIZE // self.pixel_mm)
        if side * self.pixel_mm != SIZE:
            raise ValueError(f"a picture of {SIZE} mm has {SIZE // self.pixel_mm} pixels a side, got {side}")

    def to_dict(self) -> dict[str, Any]:
        return {"network": self.network, "pixel_mm": self.pixel_mm, "settings": asdict(self.settings)}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> BaselineConfig:
        """Raises ValueError for an unknown network or setting, TypeError for a value of the wrong type."""
        from LaMoDCore.networks.lamod import checked

        unknown = sorted(set(values) - {"network", "pixel_mm", "settings"})
        if unknown:
            raise ValueError(f"a baseline has no setting {unknown[0]!r}; it has network, pixel_mm, settings")
        name = values.get("network")
        if name not in ARCHITECTURES:
            raise ValueError(f"there is no baseline network {name!r}; there are {', '.join(ARCHITECTURES)}")
        settings = checked(ARCHITECTURES[name].settings, values.get("settings", {}))
        return cls(name, settings, values.get("pixel_mm", 1))


class BaselineModel(nn.Module):
    """Masks -> Lagrangian displacement in one pass, as `LaMoDModel` decodes it: u of frame 0 is 0 by construction.

    Args:
        config: which network, and its size.

    Raises:
        LaMoDInputError: the network needs a package that is not installed.
    """

    def __init__(self, config: BaselineConfig) -> None:
        super().__init__()
        self.config = config
        self.network = ARCHITECTURES[config.network].network(config.settings)

    def field(self, masks: Tensor) -> Tensor:
        """Masks [N, 1, 40, 128, 128] -> displacement in mm on the network's own pixels, [N, 2, 40, H, W]."""
        pixel = self.config.pixel_mm
        seen = functional.avg_pool3d(masks, (1, pixel, pixel)) if pixel > 1 else masks
        moved = self.network(seen).float()
        return moved - moved[:, :, :1]

    def blocks(self, masks: Tensor) -> Tensor:
        """Displacement on the blocks of 2 mm on which truth is learned, [N, 2, 40, 64, 64]."""
        factor = _BLOCK_MM // self.config.pixel_mm
        field = self.field(masks)
        return functional.avg_pool3d(field, (1, factor, factor)) if factor > 1 else field

    def displacement(self, masks: Tensor) -> Tensor:
        """Displacement on the canonical grid, [N, 2, 40, 128, 128] in mm; bilinear between the network's pixels."""
        field = self.field(masks)
        if self.config.pixel_mm == 1:
            return field
        n, _, frames, _, _ = field.shape
        fine = functional.interpolate(
            field.transpose(1, 2).flatten(0, 1), scale_factor=float(self.config.pixel_mm), mode="bilinear"
        )
        return fine.unflatten(0, (n, frames)).transpose(1, 2)
