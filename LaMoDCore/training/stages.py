"""What one training step computes in each stage: A registration, B motion, B joint diffusion and motion."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor, nn

from LaMoDCore.diffusion import q_sample
from LaMoDCore.model import LaMoDModel
from LaMoDCore.networks.spline import b_spline_upsample
from LaMoDCore.training.augmentation import Batch
from LaMoDCore.training.losses import motion_loss, noise_loss, registration_loss
from LaMoDCore.training.settings import TrainingConfig

#: Latent statistics follow the batches this slowly while E_R still learns.
_STATISTICS_MOMENTUM = 0.02
#: Up to this share of the schedule D_η also learns from the one-step estimate of a noised latent.
_DECODABLE_SHARE = 0.4


class Stage(Protocol):
    """One part of the training.

    Attributes:
        name: of checkpoints and logs.
        needs_motion: whether it can only use slices with measured displacement.
    """

    @property
    def name(self) -> str: ...

    @property
    def needs_motion(self) -> bool: ...

    def trained_parts(self, model: LaMoDModel) -> Iterable[nn.Module]: ...

    def loss(self, model: LaMoDModel, batch: Batch, generator: torch.Generator) -> tuple[Tensor, dict[str, Tensor]]: ...

    def score(self, measured: dict[str, float]) -> float: ...


@dataclass(frozen=True)
class RegistrationStage:
    """Stage A: E_R and D_R by eq. (1), on the masks of cine and DENSE alike."""

    config: TrainingConfig
    name: str = "registration"
    needs_motion: bool = False

    def trained_parts(self, model: LaMoDModel) -> Iterable[nn.Module]:
        return (model.encoder, model.registration_decoder)

    def loss(self, model: LaMoDModel, batch: Batch, generator: torch.Generator) -> tuple[Tensor, dict[str, Tensor]]:
        loss, distance = _registration(model, model.encode(batch.masks), batch, self.config, generator)
        return loss, {"mask_distance": distance}

    def score(self, measured: dict[str, float]) -> float:
        return measured["loss"]


@dataclass(frozen=True)
class MotionStage:
    """First part of stage B: D_η by eq. (10); E_R with it, held to eq. (1), where the config lets it adapt."""

    config: TrainingConfig
    name: str = "motion"
    needs_motion: bool = True

    def trained_parts(self, model: LaMoDModel) -> Iterable[nn.Module]:
        parts: list[nn.Module] = [model.motion_decoder]
        return [*parts, model.encoder, model.registration_decoder] if self.config.adapt_encoder else parts

    def loss(self, model: LaMoDModel, batch: Batch, generator: torch.Generator) -> tuple[Tensor, dict[str, Tensor]]:
        config = self.config
        with torch.set_grad_enabled(config.adapt_encoder and torch.is_grad_enabled()):
            latent = model.encode(batch.masks)
        if model.training:
            follow_statistics(model, latent, _STATISTICS_MOMENTUM)
        loss, endpoint = _motion(model, model.normalise(latent), batch, config)
        measured = {"endpoint_mm": endpoint}
        if config.adapt_encoder and model.training and config.registration_weight > 0:
            kept, distance = _registration(model, latent, batch, config, generator)
            loss = loss + config.registration_weight * kept
            measured["mask_distance"] = distance
        return loss, measured

    def score(self, measured: dict[str, float]) -> float:
        return measured["loss"]


@dataclass(frozen=True)
class JointStage:
    """Second part of stage B: l = l_diffusion + α l_motion (eqs. 9, 10), E_R at rest.

    ε_θ learns from latents of clean masks, so that reversing the diffusion leads to their manifold; D_η goes on
    learning from the latents of drawn masks and from one-step estimates ẑ⁽⁰⁾ of noised ones, which is what it
    meets in prediction.
    """

    config: TrainingConfig
    name: str = "joint"
    needs_motion: bool = True

    def trained_parts(self, model: LaMoDModel) -> Iterable[nn.Module]:
        return (model.denoiser, model.motion_decoder)

    def loss(self, model: LaMoDModel, batch: Batch, generator: torch.Generator) -> tuple[Tensor, dict[str, Tensor]]:
        schedule = model.config.schedule
        alpha_bar = schedule.alpha_bar().float().to(batch.masks.device)
        with torch.no_grad():
            drawn = model.normalise(model.encode(batch.masks))
            clean = model.normalise(model.encode(batch.clean)).float()
        n = clean.shape[0]
        step = torch.randint(1, schedule.steps + 1, (n,), generator=generator).to(clean.device)
        noise = model.config.noise.sample(tuple(clean.shape), generator).to(clean.device)
        noisy = q_sample(clean, step, noise, alpha_bar)
        predicted = model.denoiser(noisy, step)
        diffusion = noise_loss(predicted, noise)

        signal = alpha_bar[step].view(-1, 1, 1, 1, 1)
        estimate = ((noisy - (1 - signal).sqrt() * predicted.detach().float()) / signal.sqrt()).to(drawn.dtype)
        decodable = (step <= _DECODABLE_SHARE * schedule.steps).view(-1, 1, 1, 1, 1)
        motion, _ = _motion(model, torch.where(decodable, estimate, drawn), batch, self.config)
        measured = {"noise_error": diffusion.detach(), "motion": motion.detach()}
        if not model.training:
            _, measured["endpoint_mm"] = _motion(model, drawn, batch, self.config)
        return diffusion + self.config.alpha * motion, measured

    def score(self, measured: dict[str, float]) -> float:
        return measured["noise_error"] + self.config.alpha * measured["motion"]


def follow_statistics(model: LaMoDModel, latent: Tensor, momentum: float) -> None:
    """Move the stored latent mean and spread towards this batch's, a channel at a time."""
    with torch.no_grad():
        values = latent.float().transpose(0, 1).flatten(1)
        model.latent_mean.lerp_(values.mean(dim=1), momentum)
        model.latent_std.lerp_(values.std(dim=1).clamp(min=1e-3), momentum)


def _registration(
    model: LaMoDModel, latent: Tensor, batch: Batch, config: TrainingConfig, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    count = latent.shape[2]
    chosen = 1 + torch.randperm(count - 1, generator=generator)[: config.shot_frames]
    velocity = model.registration_decoder(latent, chosen.to(latent.device))
    return registration_loss(
        velocity,
        batch.masks,
        chosen.to(latent.device),
        model.metric,
        steps=config.model.shooting_steps,
        sigma=config.image_sigma,
        regularity=config.regularity,
    )


def _motion(model: LaMoDModel, latent: Tensor, batch: Batch, config: TrainingConfig) -> tuple[Tensor, Tensor]:
    control = model.motion_decoder.control_points(latent)
    return motion_loss(
        control,
        b_spline_upsample(control, 2),
        batch.displacement,
        batch.weight,
        gradient_weight_mm=config.gradient_weight_mm,
        regularity=config.lambda_motion,
    )
