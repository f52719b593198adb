"""The whole method as one module: E_R, D_R, ε_θ, D_η, their normalisation and their uncertainty."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Literal

import torch
from torch import Tensor, nn

from LaMoDCore.heart.contour_convention import LeftOutLayer
from LaMoDCore.heart.geometry import Array
from LaMoDCore.heart.ring.motion_basis import RingCoordinates
from LaMoDCore.lddmm import FluidMetric
from LaMoDCore.networks.contour_motion import ContourMotion, ContourMotionConfig
from LaMoDCore.networks.denoiser import Denoiser
from LaMoDCore.networks.diffusion import NoiseSchedule, SamplerName, SmoothNoise, denoise
from LaMoDCore.networks.motion_decoder import MotionDecoder
from LaMoDCore.networks.motion_latent import MotionLatent, MotionLatentConfig, wall_motion
from LaMoDCore.networks.paper.video_unet import LEVEL_WIDTHS, PairEncoder, PlainMotionDecoder, VelocityDecoder
from LaMoDCore.networks.registration import RegistrationDecoder, RegistrationEncoder
from LaMoDCore.networks.ring_contours import RingContours
from LaMoDCore.networks.ring_motion import GUESS_CHANNELS, pack, ring_motion
from LaMoDCore.networks.slice_spread import SliceSpread
from LaMoDCore.runtime.settings_fields import check_ranges, checked, within
from LaMoDCore.uncertainty.descriptors import descriptor_groups
from LaMoDCore.uncertainty.unlike_training import UnlikeTrainingDetector

SpaceName = Literal["registration", "motion"]
SPACES: tuple[SpaceName, ...] = ("registration", "motion")
ARCHITECTURES = ("lamod", "paper")

#: Weights per pair of channels, and the largest number of weights that is built (a shipped model: 3 million).
_KERNEL, _MOST_WEIGHTS = 27, 100_000_000


@dataclass(frozen=True)
class InferenceDefaults:
    """Defaults of a prediction.

    Attributes:
        diffusion: whether the prediction is sampled.
        space: of the diffusion. "registration" is Algorithm 1 on z_reg; the mean of its samples is the prediction.
            "motion" samples the motion that the masks do not determine around the decoder's prediction, which stays
            the prediction.
        sampler: "ddim" or "ddpm".
        start: diffusion step m at which z_reg is noised. M is Algorithm 1 as printed, which discards the input heart;
            up to 10 of 500 the error does not grow (experiments/results/dead-ends.md). The motion latent always starts
            from pure noise.
        steps: number of DDIM steps.
        samples: number of latents drawn; their spread is the uncertainty of the prediction.
    """

    diffusion: bool = True
    space: SpaceName = "registration"
    sampler: SamplerName = "ddim"
    start: int = within(10, 0, 100_000)
    steps: int = within(8, 1, 100_000)
    samples: int = within(1, 1, 1000)


@dataclass(frozen=True)
class ModelConfig:
    """Shapes of the networks and settings of the diffusion.

    Attributes:
        architecture: "lamod", or "paper" for the networks of Xing et al. 2024 (`networks.paper`), which see neither
            geometry nor level; the numbers of blocks do not apply to E_R, D_R and D_η there.
        latent_channels: learned channels of z.
        encoder_width, encoder_blocks: size of E_R; with "paper" the channels at full resolution, of D_R too.
        decoder_width: width of D_R.
        motion_width, motion_blocks: size of D_η; with "paper" the channels at full resolution.
        velocity_stride: pixels per velocity of D_R with "paper"; the paper has 1, and 2 takes a third of the time.
        denoiser_width, denoiser_blocks: size of ε_θ.
        dropout: dropout probability in D_η and ε_θ.
        metric_alpha, metric_gamma, metric_power: parameters of L = (−αΔ + γ)^power, α in mm².
        shooting_steps: steps of EPDiff in training, by the fourth-order Runge–Kutta method or, with "paper", the
            integrator of the training settings; predictions use ten.
        schedule: noise schedule.
        noise: smoothing K of the latent noise.
        motion_latent: latent that is sampled around the decoder's prediction; none with 0 modes.
        contour_motion: estimate from contours alone, an input of the motion latent; none with 0 components.
        descriptors: number of descriptors of a slice, from which the unlike-training flag and the spread of samples
            are computed; 0 for neither.
        inference: defaults of the prediction.
    """

    architecture: str = "lamod"
    latent_channels: int = within(32, 1, 512)
    encoder_width: int = within(96, 1, 1024)
    encoder_blocks: int = within(2, 0, 64)
    decoder_width: int = within(64, 1, 1024)
    motion_width: int = within(96, 1, 1024)
    motion_blocks: int = within(4, 0, 64)
    velocity_stride: int = within(1, 1, 2)
    denoiser_width: int = within(64, 1, 1024)
    denoiser_blocks: int = within(3, 0, 64)
    dropout: float = within(0.0, 0, 0.95)
    metric_alpha: float = within(36.0, 0, 1e6)
    metric_gamma: float = within(1.0, 1e-9, 1e6)
    metric_power: int = within(2, 1, 8)
    shooting_steps: int = within(4, 1, 100)
    schedule: NoiseSchedule = field(default_factory=NoiseSchedule)
    noise: SmoothNoise = field(default_factory=SmoothNoise)
    motion_latent: MotionLatentConfig = field(default_factory=MotionLatentConfig)
    contour_motion: ContourMotionConfig = field(default_factory=ContourMotionConfig)
    descriptors: int = within(0, 0, 100_000)
    inference: InferenceDefaults = field(default_factory=InferenceDefaults)

    def __post_init__(self) -> None:
        check_ranges(self)
        if self.architecture not in ARCHITECTURES:
            raise ValueError(f"architecture must be one of {', '.join(ARCHITECTURES)}, got {self.architecture!r}")
        if self.architecture == "paper" and (self.motion_latent.modes or self.contour_motion.components):
            raise ValueError("the architecture paper has neither a motion latent nor motion from contours")
        video = sum(4 * factor**2 for factor in LEVEL_WIDTHS)  # blocks of the same number of weights
        paper = self.architecture == "paper"
        parts = (
            (self.encoder_width, 3 * video if paper else self.encoder_blocks),
            (self.decoder_width, 0 if paper else 1),
            (self.motion_width, video if paper else self.motion_blocks),
            (self.denoiser_width, self.denoiser_blocks),
            (self.motion_latent.width, self.motion_latent.blocks),
            (self.contour_motion.width, self.contour_motion.blocks),
        )
        weights = sum(_KERNEL * width * width * max(1, blocks) for width, blocks in parts)
        if weights > _MOST_WEIGHTS:
            raise ValueError(f"the networks would have about {weights / 1e6:.0f} million weights: give smaller widths")

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> ModelConfig:
        """Raises ValueError for an unknown key, TypeError for a value of the wrong type."""
        if not isinstance(values, dict):
            raise TypeError(f"the model must be a JSON object, got {type(values).__name__}")
        nested: dict[str, Any] = {
            "schedule": NoiseSchedule,
            "noise": SmoothNoise,
            "motion_latent": MotionLatentConfig,
            "contour_motion": ContourMotionConfig,
            "inference": InferenceDefaults,
        }
        arguments = {key: checked(nested[key], value) if key in nested else value for key, value in values.items()}
        config: ModelConfig = checked(cls, arguments)
        return config


class LaMoDModel(nn.Module):
    """E_R, D_R, ε_θ and D_η with the latent normalisation of the training set, and optionally the motion latent.

    Args:
        config: shapes and diffusion.
    """

    latent_mean: Tensor
    latent_std: Tensor

    def __init__(self, config: ModelConfig | None = None) -> None:
        super().__init__()
        self.config = config or ModelConfig()
        c = self.config
        self.encoder: RegistrationEncoder | PairEncoder
        self.registration_decoder: RegistrationDecoder | VelocityDecoder
        self.motion_decoder: MotionDecoder | PlainMotionDecoder
        if c.architecture == "paper":
            self.encoder = PairEncoder(c.latent_channels, c.encoder_width)
            self.registration_decoder = VelocityDecoder(c.latent_channels, c.encoder_width, c.velocity_stride)
        else:
            self.encoder = RegistrationEncoder(c.latent_channels, c.encoder_width, c.encoder_blocks)
            self.registration_decoder = RegistrationDecoder(c.latent_channels, c.decoder_width)
        self.denoiser = Denoiser(c.latent_channels, c.denoiser_width, c.denoiser_blocks, c.dropout)
        if c.architecture == "paper":
            self.motion_decoder = PlainMotionDecoder(c.latent_channels, c.motion_width, c.dropout)
        else:
            self.motion_decoder = MotionDecoder(c.latent_channels, c.motion_width, c.motion_blocks, c.dropout)
        by_contours = c.contour_motion.components > 0
        self.contour_motion = ContourMotion(c.contour_motion) if by_contours else None
        self.motion_latent = (
            MotionLatent(c.motion_latent, c.latent_channels, by_contours) if c.motion_latent.modes else None
        )
        self.familiarity = UnlikeTrainingDetector(descriptor_groups(c.latent_channels)) if c.descriptors else None
        self.slice_spread = (
            SliceSpread(c.descriptors, c.motion_latent.modes) if c.descriptors and c.motion_latent.modes else None
        )
        channels = c.latent_channels + (0 if c.architecture == "paper" else GUESS_CHANNELS)
        self.register_buffer("latent_mean", torch.zeros(channels))
        self.register_buffer("latent_std", torch.ones(channels))
        nn.Module.to(self, memory_format=torch.channels_last)  # type: ignore[call-overload]

    @property
    def metric(self) -> FluidMetric:
        c = self.config
        return FluidMetric(alpha=c.metric_alpha, gamma=c.metric_gamma, power=c.metric_power)

    def encode(self, masks: Tensor, levels: Tensor | None = None) -> Tensor:
        """Masks [N, 1, 40, 128, 128] and levels [N] (see `RegistrationEncoder`) -> z, [N, C + 16, 20, 16, 16].

        C channels are learned; the last 16 hold a geometric estimate of the motion, see `ring_motion`. With the
        architecture "paper", z is [N, C, 40, 16, 16] and the levels are ignored.
        """
        learned: Tensor = self.encoder(masks, levels)
        if self.config.architecture == "paper":
            return learned
        return torch.cat([learned, pack(ring_motion(masks)).to(learned.dtype)], dim=1)

    def initial_velocity(self, masks: Tensor, levels: Tensor | None = None) -> Tensor:
        """v₀ of every latent frame: [N, 2, 20, 64, 64] mm, or [N, 2, 40, 128, 128] with the architecture "paper"."""
        if isinstance(self.encoder, PairEncoder):
            velocity: Tensor = self.registration_decoder(*self.encoder.features(masks))
        else:
            velocity = self.registration_decoder(self.encode(masks, levels))
        return velocity

    def normalise(self, latent: Tensor) -> Tensor:
        """z relative to the training set's mean and standard deviation per channel."""
        return (latent - self.latent_mean.view(1, -1, 1, 1, 1)) / self.latent_std.view(1, -1, 1, 1, 1)

    def denoise(
        self,
        latent: Tensor,
        generator: torch.Generator,
        *,
        sampler: SamplerName | None = None,
        start: int | None = None,
        steps: int | None = None,
    ) -> Tensor:
        """Algorithm 1 on a normalised latent; None selects the model's default."""
        defaults = self.config.inference
        learned = self.config.latent_channels
        cleaned = denoise(
            latent[:, :learned],
            self.denoiser,
            self.config.schedule,
            self.config.noise,
            generator,
            sampler=sampler or defaults.sampler,
            start=defaults.start if start is None else start,
            steps=defaults.steps if steps is None else steps,
        )
        return torch.cat([cleaned, latent[:, learned:]], dim=1)

    def decode(self, latent: Tensor) -> Tensor:
        """Normalised latent -> displacement [N, 2, 40, 128, 128] in mm."""
        displacement: Tensor = self.motion_decoder(latent)
        if self.config.architecture == "paper":  # which does not enforce u(X, 0) = 0
            return torch.cat([torch.zeros_like(displacement[:, :, :1]), displacement[:, :, 1:]], dim=2)
        return displacement

    def ring_contours(self, masks: Array) -> RingContours | None:
        """Contours of canonical occupancy [40, 128, 128] as the estimate from contours takes them.

        Returns:
            The contours; None if the model has no such network.
        """
        return None if self.contour_motion is None else RingContours.of_masks(masks)

    def motion_by_contours(
        self,
        contours: RingContours | None,
        coordinates: RingCoordinates,
        displacement: Array,
        level: int,
        convention: int = 0,
    ) -> Array | None:
        """The estimate from contours alone, relative to the decoded motion, see `ContourMotion.relative_to`.

        Args:
            contours: as `ring_contours` returns them.
            coordinates: ring coordinates of the end-diastolic wall.
            displacement: û [40, 2, 128, 128] in mm.
            level: a `level_number`.
            convention: a `convention_number`; ignored unless the model `takes_convention`.

        Returns:
            complex64 [40, TERMS]; None if the model has no such network.
        """
        if self.contour_motion is None or contours is None:
            return None
        points = wall_motion(displacement, coordinates)
        return self.contour_motion.relative_to(*points, coordinates, contours, level, convention)

    @property
    def takes_convention(self) -> bool:
        """Whether the contour convention is an input."""
        return self.contour_motion is not None and self.contour_motion.config.conventions

    def left_out_layer(self, contours: RingContours | None, level: int) -> LeftOutLayer | None:
        """The layer of trabeculae that the contours leave out of the wall; None unless the model `takes_convention`.

        Args:
            contours: as `ring_contours` returns them.
            level: a `level_number`.
        """
        if self.contour_motion is None or contours is None or not self.takes_convention:
            return None
        return self.contour_motion.estimated_layer(contours, level)
