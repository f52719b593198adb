"""The stages of LaMoD and what a step computes in each: A registration, B motion, B joint diffusion and motion."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from LaMoDCore.networks.diffusion import q_sample
from LaMoDCore.networks.lamod import LaMoDModel
from LaMoDCore.networks.motion_decoder import MotionDecoder
from LaMoDCore.networks.spline import b_spline_upsample
from LaMoDCore.training.data.augmentation import Batch
from LaMoDCore.training.data.draws import Draws
from LaMoDCore.training.loop.distributed import mean_over_processes
from LaMoDCore.training.loop.losses import motion_loss, noise_loss, registration_loss
from LaMoDCore.training.run.settings import TrainingConfig

#: Momentum of the latent statistics while E_R learns.
_STATISTICS_MOMENTUM = 0.02
#: Up to this share of the schedule D_η is also trained on the one-step estimate of a noised latent.
_DECODABLE_SHARE = 0.4


class Stage(Protocol):
    """A loss on slices of a training cache, and the parts that it trains; `SliceStage` runs it in the loop.

    Attributes:
        name: name in checkpoints and logs.
        needs_motion: whether it needs slices with measured displacement.
    """

    @property
    def name(self) -> str: ...

    @property
    def needs_motion(self) -> bool: ...

    def trained_parts(self, model: Any) -> Mapping[str, nn.Module]:
        """The parts that learn, by the names that `freeze` accepts."""
        ...

    def prepare(self, model: Any, batches: Iterable[Batch]) -> None:
        """Called once before the stage with the averaged model and training slices without augmentation."""
        ...

    def loss(self, model: Any, batch: Batch, draws: Draws) -> tuple[Tensor, dict[str, Tensor]]:
        """The loss, and further values for the log.

        A mean over slices needs nothing special; the denominator of a ratio of sums over the batch must go through
        `distributed.mean_over_processes`, so that several processes can share a batch.
        """
        ...

    def score(self, measured: Mapping[str, float]) -> float:
        """The number by which validation selects the best epoch; lower is better."""
        ...


@dataclass(frozen=True)
class RegistrationStage:
    """Stage A: E_R and D_R by eq. (1), on the masks of cine and DENSE alike."""

    config: TrainingConfig
    name: str = "registration"
    needs_motion: bool = False

    def trained_parts(self, model: LaMoDModel) -> Mapping[str, nn.Module]:
        return {"encoder": model.encoder, "registration": model.registration_decoder}

    def prepare(self, model: LaMoDModel, batches: Iterable[Batch]) -> None:
        """Nothing to prepare: eq. (1) uses latents without normalisation."""

    def loss(self, model: LaMoDModel, batch: Batch, draws: Draws) -> tuple[Tensor, dict[str, Tensor]]:
        loss, distance = _registration(model, model.encode(batch.masks, batch.levels), batch, self.config, draws)
        return loss, {"mask_distance": distance}

    def score(self, measured: Mapping[str, float]) -> float:
        return measured["loss"]


@dataclass(frozen=True)
class MotionStage:
    """First part of stage B: D_η by eq. (10), and with `adapt_encoder` also E_R, regularised by eq. (1)."""

    config: TrainingConfig
    name: str = "motion"
    needs_motion: bool = True

    def trained_parts(self, model: LaMoDModel) -> Mapping[str, nn.Module]:
        parts: dict[str, nn.Module] = {"decoder": model.motion_decoder}
        if self.config.adapt_encoder:
            parts |= {"encoder": model.encoder, "registration": model.registration_decoder}
        return parts

    def prepare(self, model: LaMoDModel, batches: Iterable[Batch]) -> None:
        """Measure the latent's mean and spread if E_R has changed since they were measured."""
        if not statistics_are_known(model) or _learns(self.config, before_motion=True):
            measure_statistics(model, batches)

    def loss(self, model: LaMoDModel, batch: Batch, draws: Draws) -> tuple[Tensor, dict[str, Tensor]]:
        config = self.config
        learns = config.adapt_encoder and "encoder" not in config.freeze
        with torch.set_grad_enabled(learns and torch.is_grad_enabled()):
            latent = model.encode(batch.masks, batch.levels)
        if model.training and learns:
            follow_statistics(model, latent, _STATISTICS_MOMENTUM)
        loss, endpoint = _motion(model, model.normalise(latent), batch, config, draws)
        measured = {"endpoint_mm": endpoint}
        if config.adapt_encoder and model.training and config.registration_weight > 0:
            kept, distance = _registration(model, latent, batch, config, draws)
            loss = loss + config.registration_weight * kept
            measured["mask_distance"] = distance
        return loss, measured

    def score(self, measured: Mapping[str, float]) -> float:
        return measured["loss"]


@dataclass(frozen=True)
class JointStage:
    """Second part of stage B: l = l_diffusion + α l_motion (eqs. 9, 10), with E_R frozen.

    ε_θ is trained on latents of clean masks, so that the reverse process leads to their manifold. D_η is trained on the
    latents of drawn masks and on one-step estimates ẑ⁽⁰⁾ of noised latents, as they occur in prediction.
    """

    config: TrainingConfig
    name: str = "joint"
    needs_motion: bool = True

    def trained_parts(self, model: LaMoDModel) -> Mapping[str, nn.Module]:
        return {"denoiser": model.denoiser, "decoder": model.motion_decoder}

    def prepare(self, model: LaMoDModel, batches: Iterable[Batch]) -> None:
        """As in the motion stage, in which E_R may have changed too."""
        if not statistics_are_known(model) or _learns(self.config, before_motion=False):
            measure_statistics(model, batches)

    def loss(self, model: LaMoDModel, batch: Batch, draws: Draws) -> tuple[Tensor, dict[str, Tensor]]:
        schedule, learned = model.config.schedule, model.config.latent_channels
        alpha_bar = schedule.alpha_bar().float().to(batch.masks.device)
        with torch.no_grad():
            drawn = model.normalise(model.encode(batch.masks, batch.levels))
            clean = model.normalise(model.encode(batch.clean, batch.levels))[:, :learned].float()
        step = draws.integers(1, schedule.steps).to(clean.device)
        noise = model.config.noise.smooth(draws.normal(*clean.shape[1:]).to(clean.device))
        noisy = q_sample(clean, step, noise, alpha_bar)
        predicted = model.denoiser(noisy, step)
        diffusion = noise_loss(predicted, noise)

        latent = drawn
        if model.training:
            signal = alpha_bar[step].view(-1, 1, 1, 1, 1)
            estimate = ((noisy - (1 - signal).sqrt() * predicted.detach().float()) / signal.sqrt()).to(drawn.dtype)
            decodable = (step <= _DECODABLE_SHARE * schedule.steps).view(-1, 1, 1, 1, 1)
            latent = torch.where(decodable, torch.cat([estimate, drawn[:, learned:]], dim=1), drawn)
        motion, endpoint = _motion(model, latent, batch, self.config, draws)
        measured = {"noise_error": diffusion.detach(), "motion": motion.detach(), "endpoint_mm": endpoint}
        return diffusion + self.config.alpha * motion, measured

    def score(self, measured: Mapping[str, float]) -> float:
        return measured["noise_error"] + self.config.alpha * measured["motion"]


def statistics_are_known(model: LaMoDModel) -> bool:
    """Whether the latent's mean and spread were measured."""
    return bool((model.latent_mean != 0).any() or (model.latent_std != 1).any())


def measure_statistics(model: LaMoDModel, batches: Iterable[Batch]) -> None:
    """Measure the latent's mean and spread over some training slices."""
    with torch.no_grad():
        follow_statistics(model, torch.cat([model.encode(batch.masks, batch.levels) for batch in batches]), 1.0)


def follow_statistics(model: LaMoDModel, latent: Tensor, momentum: float) -> None:
    """Move the mean and spread of the learned channels towards those of a batch; the geometric channels stay in mm."""
    learned = model.config.latent_channels
    with torch.no_grad():
        values = latent[:, :learned].detach().float().transpose(0, 1).flatten(1)
        moments = mean_over_processes(torch.stack([values.mean(dim=1), values.square().mean(dim=1)]))
        spread = (moments[1] - moments[0].square()).clamp(min=0.0).sqrt()
        model.latent_mean[:learned].lerp_(moments[0], momentum)
        model.latent_std[:learned].lerp_(spread.clamp(min=1e-3), momentum)


def _learns(config: TrainingConfig, *, before_motion: bool) -> bool:
    """Whether E_R learns in a stage before the motion stage, or before the joint stage."""
    stages = config.registration_epochs > 0
    if not before_motion:
        stages = stages or (config.motion_epochs > 0 and config.adapt_encoder)
    return stages and "encoder" not in config.freeze


def _registration(
    model: LaMoDModel, latent: Tensor, batch: Batch, config: TrainingConfig, draws: Draws
) -> tuple[Tensor, Tensor]:
    count = latent.shape[2]
    chosen = 1 + torch.randperm(count - 1, generator=draws.shared)[: config.shot_frames]
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


def _motion(
    model: LaMoDModel, latent: Tensor, batch: Batch, config: TrainingConfig, draws: Draws
) -> tuple[Tensor, Tensor]:
    """Eq. (10); in training over a random half of the frames, since neighbouring frames are similar."""
    assert isinstance(model.motion_decoder, MotionDecoder)
    control = model.motion_decoder.control_points(latent)
    count = control.shape[2]
    frames = torch.arange(count)
    if model.training:
        frames = torch.randperm(count, generator=draws.shared)[: count // 2]
    frames = frames.to(control.device)
    return motion_loss(
        control,
        b_spline_upsample(control[:, :, frames], 2),
        batch.displacement[:, :, frames],
        batch.weight[:, :, frames],
        gradient_weight_mm=config.gradient_weight_mm,
        regularity=config.lambda_motion,
    )
