"""The methods that LaMoD is compared with: description, source and sizes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from torch import nn

from LaMoDCore.baselines.strainnet import StrainNet, StrainNetConfig
from LaMoDCore.baselines.transunet import TransUnet, TransUnetConfig
from LaMoDCore.baselines.unetr import Unetr, UnetrConfig

Settings: TypeAlias = StrainNetConfig | UnetrConfig | TransUnetConfig
Size = Literal["full", "reduced"]


@dataclass(frozen=True)
class Architecture:
    """A network architecture.

    Attributes:
        settings: dataclass of its size.
        network: constructs a network from its settings.
        full: size as published, on pixels of 1 mm.
        reduced: size that can be trained on two cores, on pixels of 2 mm.
    """

    settings: type[Any]
    network: Callable[[Any], nn.Module]
    full: Settings
    reduced: Settings


ARCHITECTURES: dict[str, Architecture] = {
    "strainnet": Architecture(StrainNetConfig, StrainNet, StrainNetConfig(), StrainNetConfig(width=16)),
    "unetr": Architecture(
        UnetrConfig, Unetr, UnetrConfig(), UnetrConfig(side=64, width=12, hidden=192, mlp=768, heads=6)
    ),
    "transunet": Architecture(
        TransUnetConfig,
        TransUnet,
        TransUnetConfig(),
        TransUnetConfig(side=64, width=12, most=96, poolings=3, hidden=192, layers=4, heads=6),
    ),
}
#: Pixel size for each network size.
PIXEL_MM: dict[Size, int] = {"full": 1, "reduced": 2}


@dataclass(frozen=True)
class Baseline:
    """One method of the comparison.

    Attributes:
        name: name in `lamod evaluate --models` and, for networks, in `lamod train --baseline`.
        title: name in tables.
        what: description.
        source: paper.
        learned: "network" if it has its own weights, "model" if it uses those of a LaMoD model, "" without learning.
    """

    name: str
    title: str
    what: str
    source: str
    learned: Literal["", "network", "model"] = ""


BASELINES: tuple[Baseline, ...] = (
    Baseline("zero", "zero motion", "No motion.", "–"),
    Baseline(
        "itk-demons",
        "registration tracking",
        "Diffeomorphic demons between end-diastole and every frame, by SimpleITK: a substitute for commercial feature "
        "tracking, which also follows contours.",
        "Vercauteren et al., NeuroImage 45, 2009",
    ),
    Baseline(
        "lddmm",
        "LDDMM matching",
        "Geodesic shooting optimised for every frame, eq. (1) without a network.",
        "Vialard et al., IJCV 97, 2012",
    ),
    Baseline(
        "registration",
        "registration network alone",
        "D_R decodes the velocities from a model's latent, EPDiff shoots them; φ is used as the motion.",
        "Xing et al. 2024, arXiv:2407.02229, eqs. (1)–(3)",
        "model",
    ),
    Baseline(
        "strainnet",
        "StrainNet",
        "3-D U-Net on the cine of the wall.",
        "Wang et al., Radiology: Cardiothoracic Imaging 5(3), 2023",
        "network",
    ),
    Baseline(
        "unetr",
        "UNETR",
        "Vision transformer with a convolutional decoder, implemented by MONAI.",
        "Hatamizadeh et al., WACV 2022, arXiv:2103.10504",
        "network",
    ),
    Baseline(
        "transunet",
        "3D TransUNet",
        "U-Net with a transformer as its bottleneck.",
        "Chen et al., arXiv:2310.07781, 2023",
        "network",
    ),
    Baseline(
        "no-diffusion",
        "LaMoD without diffusion",
        "The latent of E_R decoded by D_η without diffusion.",
        "Xing et al. 2024, arXiv:2407.02229",
        "model",
    ),
    Baseline("diffusion", "LaMoD", "E_R, latent diffusion, D_η.", "Xing et al. 2024, arXiv:2407.02229", "model"),
)


def available() -> tuple[Baseline, ...]:
    """All methods of the comparison."""
    return BASELINES
