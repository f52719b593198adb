"""Settings of a training run, and the presets."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from LaMoDCore.networks.lamod import InferenceDefaults, ModelConfig
from LaMoDCore.runtime.errors import LaMoDInputError
from LaMoDCore.runtime.json_file import read_json
from LaMoDCore.runtime.settings_fields import check_ranges, checked, within

#: Settings of `TrainingConfig` with a fixed set of values.
CHOICES: dict[str, tuple[str, ...]] = {
    "learning_rate_schedule": ("cosine", "constant"),
    "optimiser": ("adamw", "adam"),
    "shooting_integrator": ("rk4", "euler"),
}


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

    @property
    def changes_nothing(self) -> bool:
        """Whether slices are used as they were prepared, as in the paper."""
        shares = (self.full_turn_share, self.thickening_share, self.clean_share, self.level_hidden_share)
        return not any((*shares, self.turn_degrees, self.shift_mm, self.jitter_mm, self.scale))


@dataclass(frozen=True)
class TrainingConfig:
    """A training run: stage A (eq. 1), then B (eqs. 9 and 10 jointly, or one after the other with "paper").

    Attributes:
        model: shapes and diffusion.
        augmentation: augmentation of the training slices.
        seed: random seed of initialisation, order, augmentation and noise.
        batch_size: slices per step.
        learning_rate: maximum of the schedule.
        learning_rate_schedule: "cosine" warms up and decays to zero within each stage; "constant", as in the paper.
        optimiser: "adamw" with gradients clipped to norm 1; "adam", as in the paper, with λ‖θ‖²/2 in the loss.
        weight_decay: weight decay of the parts without a λ of their own.
        ema_decay: decay of the averaged weights that are validated and saved; 0 for no averaging.
        bf16: compute in bfloat16 if the device supports it natively; weights stay float32.
        registration_epochs: epochs of stage A.
        motion_epochs: epochs of the first part of stage B: D_η by (10), with `adapt_encoder` also E_R.
        diffusion_epochs: with the architecture "paper": epochs of ε_θ by (9) on the latents of the finished E_R, after
            stage A; D_η follows in `motion_epochs`, on ẑ of Algorithm 1.
        joint_epochs: epochs of the second part of stage B: l = l_diffusion + α l_motion with E_R frozen.
        patience: epochs without a better validation after which a stage ends; 0 never ends one early. In both cases
            the averaged weights of the best epoch are kept.
        checkpoint_minutes: time after which a checkpoint is written within an epoch; one is written after every epoch.
        freeze: parts that do not change (encoder, registration, decoder, denoiser), for fine-tuning.
        adapt_encoder: train E_R by the motion loss too; in the paper E_R is trained by registration only.
        image_sigma: σ of eq. (1).
        regularity: weight of the energy ⟨Lv₀, v₀⟩ in eq. (1); of half of it with the architecture "paper".
        registration_weight: weight of eq. (1) in stage B with `adapt_encoder`.
        shot_frames: frames that are shot per slice and step.
        shooting_integrator: integrator of EPDiff in stage A with the architecture "paper": "rk4", or "euler" as in the
            authors' code; without it always "rk4".
        latent_draws: ẑ per slice on which D_η is trained, with the architecture "paper".
        alpha: α of the joint loss.
        gradient_weight_mm: weight of the error of ∇u relative to that of u in (10), mm.
        lambda_motion: λ of (10), on the second differences of the control points; with the architecture "paper" on the
            weights of D_η.
        lambda_noise: λ of (9), on the weights of ε_θ (weight decay).
    """

    model: ModelConfig = field(default_factory=ModelConfig)
    augmentation: AugmentationConfig = field(default_factory=AugmentationConfig)
    seed: int = within(0, 0)
    batch_size: int = within(4, 1, 4096)
    learning_rate: float = within(1e-3, 0, 1)
    learning_rate_schedule: str = "cosine"
    optimiser: str = "adamw"
    weight_decay: float = within(1e-4, 0, 1)
    ema_decay: float = within(0.995, 0, 0.99999)
    bf16: bool = True
    registration_epochs: int = within(1, 0, 1_000_000)
    motion_epochs: int = within(5, 0, 1_000_000)
    joint_epochs: int = within(2, 0, 1_000_000)
    diffusion_epochs: int = within(0, 0, 1_000_000)
    patience: int = within(0, 0, 1_000_000)
    checkpoint_minutes: float = within(5.0, 0, 10_000)
    freeze: tuple[str, ...] = ()
    adapt_encoder: bool = True
    image_sigma: float = within(0.1, 1e-3, 10)
    regularity: float = within(5e-2, 0, 1)
    registration_weight: float = within(0.05, 0, 10)
    shot_frames: int = within(2, 1, 39)
    shooting_integrator: str = "rk4"
    latent_draws: int = within(1, 1, 64)
    alpha: float = within(1e-2, 0, 100)
    gradient_weight_mm: float = within(4.0, 0, 100)
    lambda_motion: float = within(1e-4, 0, 10)
    lambda_noise: float = within(1e-4, 0, 1)

    def __post_init__(self) -> None:
        check_ranges(self)
        for name, allowed in CHOICES.items():
            value = getattr(self, name)
            if value not in allowed:
                raise ValueError(f"{name} must be one of {', '.join(allowed)}, got {value!r}")
        paper = self.model.architecture == "paper"
        if paper and (self.joint_epochs or self.adapt_encoder):
            raise ValueError("the architecture paper has no joint_epochs and no adapt_encoder: set them to 0 and false")
        if not paper and self.diffusion_epochs:
            raise ValueError("diffusion_epochs needs the architecture paper; ε_θ is trained in joint_epochs")

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

_NO_AUGMENTATION = AugmentationConfig(
    full_turn_share=0.0, turn_degrees=0.0, shift_mm=0.0, jitter_mm=0.0, scale=0.0, thickening_share=0.0,
    clean_share=0.0, level_hidden_share=0.0,
)  # fmt: skip

#: Xing et al. 2024; what the paper does not state is as in the authors' code. See docs/concepts/paper.md.
_PAPER = TrainingConfig(
    model=ModelConfig(
        architecture="paper", latent_channels=16, encoder_width=16, motion_width=16, denoiser_width=64,
        denoiser_blocks=4, metric_alpha=2.0, metric_gamma=1.0, metric_power=2, shooting_steps=10,
        inference=InferenceDefaults(space="registration", sampler="ddpm", start=500, steps=500, samples=1),
    ),
    augmentation=_NO_AUGMENTATION,
    batch_size=32,
    learning_rate=1e-4,
    learning_rate_schedule="constant",
    optimiser="adam",
    weight_decay=0.0,
    ema_decay=0.0,
    bf16=False,
    registration_epochs=2000,
    diffusion_epochs=2000,
    motion_epochs=2000,
    joint_epochs=0,
    patience=50,
    adapt_encoder=False,
    image_sigma=0.03,
    regularity=1.0,
    shot_frames=39,
    shooting_integrator="euler",
    gradient_weight_mm=0.0,
    lambda_motion=1e-4,
    lambda_noise=1e-4,
)  # fmt: skip

PRESETS: dict[str, TrainingConfig] = {
    "smoke": TrainingConfig(
        model=_SMALL, batch_size=2, registration_epochs=1, motion_epochs=1, joint_epochs=1, shot_frames=2
    ),
    "laptop": TrainingConfig(),
    "paper": _PAPER,
    "paper-reduced": replace(
        _PAPER,
        model=replace(
            _PAPER.model, encoder_width=4, motion_width=4, denoiser_width=32, denoiser_blocks=2, velocity_stride=2
        ),
        batch_size=4,
        learning_rate=3e-4,
        registration_epochs=6,
        diffusion_epochs=150,
        motion_epochs=30,
        patience=0,
        shot_frames=4,
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
