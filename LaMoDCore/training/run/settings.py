"""Settings of a training run, and the presets."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from LaMoDCore.networks.lamod import ModelConfig
from LaMoDCore.runtime.errors import LaMoDInputError
from LaMoDCore.runtime.json_file import read_json
from LaMoDCore.runtime.settings_fields import check_ranges, checked, within


@dataclass(frozen=True)
class AugmentationConfig:
    """Augmentation of training slices; the heart is never mirrored, which would exchange left and right.

    Attributes:
        full_turn_share: share of slices rotated by any angle; the others are rotated by `turn_degrees` (SD).
        turn_degrees: SD of the small rotations.
        shift_mm: SD of the offset from the image centre.
        jitter_mm: upper limit of the SD of the contour jitter, which is smooth in space and time.
        scale: SD of the logarithm of the scale, which also applies to the motion.
        thickening_share: share of slices whose wall gains more or less in-plane area than measured.
        thickening_least, thickening_most: range of that additional gain at end-systole, as a fraction.
        clean_share: share of slices without annotator errors (the jitter stays), like careful contours.
        level_hidden_share: share of slices whose level is hidden from the network, like input without a level.
    """

    full_turn_share: float = within(0.5, 0, 1)
    turn_degrees: float = within(15.0, 0, 180)
    shift_mm: float = within(1.5, 0, 20)
    jitter_mm: float = within(0.5, 0, 5)
    scale: float = within(0.06, 0, 0.5)
    thickening_share: float = within(0.5, 0, 1)
    thickening_least: float = within(-0.06, -0.5, 1)
    thickening_most: float = within(0.14, -0.5, 1)
    clean_share: float = within(0.2, 0, 1)
    level_hidden_share: float = within(0.3, 0, 1)

    def __post_init__(self) -> None:
        check_ranges(self)


@dataclass(frozen=True)
class TrainingConfig:
    """A training run: stage A (eq. 1), then B (eqs. 9 and 10 jointly).

    Attributes:
        model: shapes and diffusion.
        augmentation: augmentation of the training slices.
        seed: random seed of initialisation, order, augmentation and noise.
        batch_size: slices per step.
        learning_rate: maximum; it warms up and decays to zero along a cosine within each stage.
        weight_decay: decoupled weight decay (AdamW).
        ema_decay: decay of the averaged weights that are validated and saved.
        bf16: compute in bfloat16 if the device supports it natively; weights stay float32.
        registration_epochs: epochs of stage A.
        motion_epochs: epochs of the first part of stage B: D_η by (10), with `adapt_encoder` also E_R.
        joint_epochs: epochs of the second part of stage B: l = l_diffusion + α l_motion with E_R frozen.
        patience: epochs without a better validation after which a stage ends; 0 never ends one early. In both cases
            the averaged weights of the best epoch are kept.
        checkpoint_minutes: time after which a checkpoint is written within an epoch; one is written after every epoch.
        freeze: parts that do not change (encoder, registration, decoder, denoiser), for fine-tuning.
        adapt_encoder: train E_R by the motion loss too; in the paper E_R is trained by registration only.
        image_sigma: σ of eq. (1).
        regularity: weight of the energy ⟨Lv₀, v₀⟩ in eq. (1).
        registration_weight: weight of eq. (1) in stage B with `adapt_encoder`.
        shot_frames: frames that are shot per slice and step.
        alpha: α of the joint loss.
        gradient_weight_mm: weight of the error of ∇u relative to that of u in (10), mm.
        lambda_motion: λ of (10), on the second differences of the control points.
        lambda_noise: λ of (9), on the weights of ε_θ (applied as decoupled weight decay).
    """

    model: ModelConfig = field(default_factory=ModelConfig)
    augmentation: AugmentationConfig = field(default_factory=AugmentationConfig)
    seed: int = within(0, 0)
    batch_size: int = within(4, 1, 4096)
    learning_rate: float = within(1e-3, 0, 1)
    weight_decay: float = within(1e-4, 0, 1)
    ema_decay: float = within(0.995, 0, 0.99999)
    bf16: bool = True
    registration_epochs: int = within(1, 0, 1_000_000)
    motion_epochs: int = within(5, 0, 1_000_000)
    joint_epochs: int = within(2, 0, 1_000_000)
    patience: int = within(0, 0, 1_000_000)
    checkpoint_minutes: float = within(5.0, 0, 10_000)
    freeze: tuple[str, ...] = ()
    adapt_encoder: bool = True
    image_sigma: float = within(0.1, 1e-3, 10)
    regularity: float = within(5e-2, 0, 1)
    registration_weight: float = within(0.05, 0, 10)
    shot_frames: int = within(2, 1, 20)
    alpha: float = within(1e-2, 0, 100)
    gradient_weight_mm: float = within(4.0, 0, 100)
    lambda_motion: float = within(1e-4, 0, 10)
    lambda_noise: float = within(1e-4, 0, 1)

    def __post_init__(self) -> None:
        check_ranges(self)

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> TrainingConfig:
        """Raises ValueError for an unknown setting, TypeError for a value of the wrong type."""
        if not isinstance(values, dict):
            raise TypeError(f"settings must be a JSON object, got {type(values).__name__}")
        arguments = dict(values)
        if "model" in arguments:
            arguments["model"] = ModelConfig.from_dict(arguments["model"])
        if "augmentation" in arguments:
            arguments["augmentation"] = checked(AugmentationConfig, arguments["augmentation"])
        config: TrainingConfig = checked(cls, arguments)
        return config


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
    "fine-tune": replace(
        TrainingConfig(),
        learning_rate=2e-4,
        registration_epochs=0,
        motion_epochs=15,
        joint_epochs=0,
        patience=5,
    ),
}


def read_config(file: Path) -> TrainingConfig:
    """Read a TrainingConfig from a JSON file.

    Raises:
        LaMoDInputError: the file cannot be read, or a setting is unknown or has the wrong type.
    """
    content = read_json(file, "give a JSON file of training settings")
    try:
        return TrainingConfig.from_dict(content)
    except (ValueError, TypeError) as error:
        raise LaMoDInputError(file.name, str(error).splitlines()[0], "correct that setting") from error
