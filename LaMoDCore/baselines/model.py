"""A network that predicts displacement from masks directly, and its config for model folders."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from torch import Tensor, nn
from torch.nn import functional

from LaMoDCore.baselines.registry import ARCHITECTURES, Settings
from LaMoDCore.heart.canonical import SIZE
from LaMoDCore.runtime.settings_fields import checked

#: The loss is computed on blocks of 2 mm, whatever the network's pixel size.
_BLOCK_MM = 2
_PIXELS_MM = (1, 2)


@dataclass(frozen=True)
class BaselineConfig:
    """Shapes of a baseline.

    Attributes:
        network: name of a network in `baselines.available()`.
        settings: its size.
        pixel_mm: 1 for the canonical image, 2 for means over blocks of 2 mm, a quarter of the work.
    """

    network: str
    settings: Settings
    pixel_mm: int = 1

    def __post_init__(self) -> None:
        if self.pixel_mm not in _PIXELS_MM:
            raise ValueError(f"pixel_mm must be 1 or 2, got {self.pixel_mm}")
        side = getattr(self.settings, "side", SIZE // self.pixel_mm)
        if side * self.pixel_mm != SIZE:
            raise ValueError(f"an image of {SIZE} mm has {SIZE // self.pixel_mm} pixels per side, got {side}")

    def to_dict(self) -> dict[str, Any]:
        return {"network": self.network, "pixel_mm": self.pixel_mm, "settings": asdict(self.settings)}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> BaselineConfig:
        """Raises ValueError for an unknown network or setting, TypeError for a value of the wrong type."""
        unknown = sorted(set(values) - {"network", "pixel_mm", "settings"})
        if unknown:
            raise ValueError(f"a baseline has no setting {unknown[0]!r}; it has network, pixel_mm, settings")
        name = values.get("network")
        if name not in ARCHITECTURES:
            raise ValueError(f"there is no baseline network {name!r}; there are {', '.join(ARCHITECTURES)}")
        settings = checked(ARCHITECTURES[name].settings, values.get("settings", {}))
        return cls(name, settings, values.get("pixel_mm", 1))


class BaselineModel(nn.Module):
    """Masks -> Lagrangian displacement in one pass; as for `LaMoDModel`, u of frame 0 is 0 by construction.

    Args:
        config: network and size.

    Raises:
        LaMoDInputError: the network needs a package that is not installed.
    """

    def __init__(self, config: BaselineConfig) -> None:
        super().__init__()
        self.config = config
        self.network = ARCHITECTURES[config.network].network(config.settings)

    def field(self, masks: Tensor) -> Tensor:
        """Masks [N, 1, 40, 128, 128] -> displacement in mm on the network's pixels, [N, 2, 40, H, W]."""
        pixel = self.config.pixel_mm
        inputs = functional.avg_pool3d(masks, (1, pixel, pixel)) if pixel > 1 else masks
        moved = self.network(inputs).float()
        displacement: Tensor = moved - moved[:, :, :1]
        return displacement

    def blocks(self, masks: Tensor) -> Tensor:
        """Displacement on the blocks of 2 mm of the loss, [N, 2, 40, 64, 64]."""
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
        displacement: Tensor = fine.view(n, frames, *fine.shape[1:]).transpose(1, 2)
        return displacement
