"""Every method that LaMoD is compared with: what it is, where it comes from, in which sizes it is at hand."""

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
    """A learned network.

    Attributes:
        settings: the dataclass of its size.
        network: made from one.
        full: as published, on pixels of 1 mm.
        reduced: what two cores can train, on pixels of 2 mm.
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
#: Pixels that each size works on.
PIXEL_MM: dict[Size, int] = {"full": 1, "reduced": 2}


@dataclass(frozen=True)
class Baseline:
    """One method of the comparison.

    Attributes:
        name: as `lamod evaluate --models` and, of learned networks, `lamod train --baseline` take it.
        title: as the tables show it.
        what: in a sentence.
        source: paper.
        learned: "network" has weights of its own, "model" is a way to use a LaMoD model, "" learns nothing.
    """

    name: str
    title: str
    what: str
    source: str
    learned: Literal["", "network", "model"] = ""


BASELINES: tuple[Baseline, ...] = (
    Baseline("zero", "zero motion", "Nothing moves.", "–"),
    Baseline(
        "itk-demons",
        "registration tracking",
        "Diffeomorphic demons between end-diastole and every frame, by SimpleITK: a surrogate of feature tracking, "
        "which is commercial; like it, it follows contours.",
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
        "The velocities that D_R reads from a model's latent, shot by EPDiff: φ taken for the motion.",
        "Xing et al. 2024, arXiv:2407.02229, eqs. (1)–(3)",
        "model",
    ),
    Baseline(
        "strainnet",
        "StrainNet",
        "3-D U-Net over the movie of the wall.",
        "Wang et al., Radiology: Cardiothoracic Imaging 5(3), 2023",
        "network",
    ),
    Baseline(
        "unetr",
        "UNETR",
        "Vision transformer with a convolutional decoder; MONAI's.",
        "Hatamizadeh et al., WACV 2022, arXiv:2103.10504",
        "network",
    ),
    Baseline(
        "transunet",
        "3D TransUNet",
        "U-Net whose bottleneck is a transformer.",
        "Chen et al., arXiv:2310.07781, 2023",
        "network",
    ),
    Baseline(
        "no-diffusion",
        "LaMoD without diffusion",
        "E_R's latent decoded by D_η as it is.",
        "Xing et al. 2024, arXiv:2407.02229",
        "model",
    ),
    Baseline("diffusion", "LaMoD", "E_R, latent diffusion, D_η.", "Xing et al. 2024, arXiv:2407.02229", "model"),
)


def available() -> tuple[Baseline, ...]:
    """Every method of the comparison, from none to whole."""
    return BASELINES
