"""Everything that a training run follows from, and the presets."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from LaMoDCore.errors import LaMoDInputError
from LaMoDCore.model import ModelConfig, checked


@dataclass(frozen=True)
class AugmentationConfig:
    """How training pictures are varied; the heart is never mirrored, since that would turn it inside out.

    Attributes:
        full_turn_share: share of pictures turned by any angle; the others by `turn_degrees` (SD).
        turn_degrees: SD of the small turns.
        shift_mm: SD of the offset from the picture's centre.
        jitter_mm: largest SD of the contours' own jitter, smooth in space and time (drawn from 0 to this).
        scale: SD of the logarithm of a change of size, applied to motion alike.
        thickening_share: share of pictures whose wall gains more or less in-plane area than it did.
        thickening_least, thickening_most: range of that gain at end-systole, as a fraction.
    """

    full_turn_share: float = 0.5
    turn_degrees: float = 15.0
    shift_mm: float = 1.5
    jitter_mm: float = 0.7
    scale: float = 0.06
    thickening_share: float = 0.75
    thickening_least: float = -0.04
    thickening_most: float = 0.26


@dataclass(frozen=True)
class TrainingConfig:
    """A training run: stage A (eq. 1), then B (eqs. 9 and 10 jointly).

    Attributes:
        model: shapes and diffusion.
        augmentation: of the training pictures.
        seed: of initialisation, order, augmentation and noise.
        batch_size: slices a step.
        learning_rate: of Adam at its height; it warms up and falls to zero along a cosine within each stage.
        weight_decay: decoupled (AdamW).
        ema_decay: of the averaged weights that are validated and saved.
        bf16: autocast to bfloat16.
        registration_epochs: of stage A.
        motion_epochs: first part of stage B: D_η by (10), and E_R with it where `adapt_encoder`.
        joint_epochs: second part of stage B: l = l_diffusion + α l_motion with E_R at rest.
        patience: epochs without a better validation after which a part ends; 0 never ends one early.
        adapt_encoder: let the motion loss reach E_R too; the paper's recipe leaves E_R as registration made it.
        image_sigma: σ of eq. (1).
        regularity: weight of the energy ⟨Lv₀, v₀⟩ in eq. (1).
        registration_weight: weight of eq. (1) in stage B where `adapt_encoder`.
        shot_frames: frames shot a slice and step.
        alpha: α of the joint loss.
        gradient_weight_mm: weight of the error of ∇u beside that of u in (10), mm.
        lambda_motion: λ of (10), on the second differences of the control points.
        lambda_noise: λ of (9), on the weights of ε_θ (applied as decoupled weight decay).
    """

    model: ModelConfig = field(default_factory=ModelConfig)
    augmentation: AugmentationConfig = field(default_factory=AugmentationConfig)
    seed: int = 0
    batch_size: int = 4
    learning_rate: float = 1e-3
    weight_decay: float = 1e-4
    ema_decay: float = 0.995
    bf16: bool = True
    registration_epochs: int = 1
    motion_epochs: int = 5
    joint_epochs: int = 2
    patience: int = 0
    adapt_encoder: bool = True
    image_sigma: float = 0.1
    regularity: float = 5e-2
    registration_weight: float = 0.05
    shot_frames: int = 2
    alpha: float = 1e-2
    gradient_weight_mm: float = 4.0
    lambda_motion: float = 1e-4
    lambda_noise: float = 1e-4

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> TrainingConfig:
        """Raises ValueError for an unknown setting, TypeError for a value of the wrong type."""
        arguments = dict(values)
        if "model" in arguments:
            arguments["model"] = ModelConfig.from_dict(arguments["model"])
        if "augmentation" in arguments:
            arguments["augmentation"] = checked(AugmentationConfig, arguments["augmentation"])
        return checked(cls, arguments)


_SMALL = ModelConfig(
    latent_channels=8, encoder_width=24, encoder_blocks=1, decoder_width=16, motion_width=16, motion_blocks=1,
    denoiser_width=16, denoiser_blocks=1, shooting_steps=3,
)  # fmt: skip

PRESETS: dict[str, TrainingConfig] = {
    "smoke": TrainingConfig(
        model=_SMALL, batch_size=2, registration_epochs=1, motion_epochs=1, joint_epochs=1, shot_frames=2
    ),
    "laptop": TrainingConfig(),
    "paper": replace(
        TrainingConfig(),
        batch_size=32,
        learning_rate=1e-4,
        registration_epochs=2000,
        motion_epochs=0,
        joint_epochs=2000,
        patience=50,
        adapt_encoder=False,
        image_sigma=0.03,
        shot_frames=20,
        gradient_weight_mm=0.0,
    ),
}


def read_config(file: Path) -> TrainingConfig:
    """A TrainingConfig from a JSON file.

    Raises:
        LaMoDInputError: it cannot be read, or a setting is unknown or of the wrong type.
    """
    try:
        return TrainingConfig.from_dict(json.loads(file.read_text(encoding="utf-8")))
    except FileNotFoundError as fault:
        raise LaMoDInputError(file.name, "there is no such file", "give a JSON file of training settings") from fault
    except (ValueError, TypeError, OSError) as fault:
        raise LaMoDInputError(file.name, str(fault).splitlines()[0], "mend that setting") from fault
