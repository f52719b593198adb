"""The stages of the paper's training: E_R and D_R by (1), ε_θ by (9), D_η by (10) on the latents of Algorithm 1.

(9) and (10) share no weights, because ẑ⁽⁰⁾ carries no gradient to ε_θ. Adam's step does not change when a loss is
multiplied by a constant. So the joint loss l_diffusion + α l_motion trains the same networks as one loss after the
other, for every α; trained one after the other, each network is selected by its own validation loss.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import cast

import torch
from torch import Tensor, nn

from LaMoDCore.lddmm.epdiff import Integrator
from LaMoDCore.networks.diffusion import denoise, q_sample
from LaMoDCore.networks.lamod import LaMoDModel
from LaMoDCore.networks.paper.video_unet import PairEncoder
from LaMoDCore.training.data.augmentation import Batch
from LaMoDCore.training.data.draws import Draws, seed_of
from LaMoDCore.training.loop.losses import noise_loss
from LaMoDCore.training.loop.paper_losses import motion_energy, registration_energy
from LaMoDCore.training.loop.stages import RegistrationStage, measure_statistics
from LaMoDCore.training.run.settings import TrainingConfig


class LatentStore:
    """Keeps the latents of slices that are used again, up to a limit of memory.

    Args:
        most_bytes: latents beyond this are computed again each time.
    """

    def __init__(self, most_bytes: int = 4 * 2**30) -> None:
        self._most, self._bytes = most_bytes, 0
        self._latents: dict[tuple[int, int], Tensor] = {}

    def clear(self) -> None:
        """Forget every latent, because the networks changed."""
        self._latents, self._bytes = {}, 0

    def get(self, numbers: Tensor, draws: list[int]) -> list[Tensor | None]:
        """Stored latents [C, T, 16, 16] of slices, each of one draw; None where there is none."""
        return [self._latents.get((int(number), draw)) for number, draw in zip(numbers, draws, strict=True)]

    def keep(self, number: int, draw: int, latent: Tensor) -> None:
        """Store a latent."""
        if self._bytes + latent.nbytes <= self._most:
            self._latents[number, draw] = latent.cpu()
            self._bytes += latent.nbytes


@dataclass(frozen=True)
class PaperRegistrationStage(RegistrationStage):
    """E_R and D_R by eq. (1), over every pair (I⁰, I^τ) or a random selection of `shot_frames`."""

    def loss(self, model: LaMoDModel, batch: Batch, draws: Draws) -> tuple[Tensor, dict[str, Tensor]]:
        config, count = self.config, batch.masks.shape[2]
        chosen = 1 + torch.randperm(count - 1, generator=draws.shared)[: config.shot_frames]
        chosen = chosen.to(batch.masks.device)
        loss, distance = registration_energy(
            model.initial_velocity(batch.masks)[:, :, chosen],
            batch.masks,
            chosen,
            model.metric,
            steps=config.model.shooting_steps,
            integrator=cast(Integrator, config.shooting_integrator),
            sigma=config.image_sigma,
            regularity=config.regularity,
        )
        return loss, {"mask_distance": distance}


@dataclass(frozen=True)
class PaperDiffusionStage:
    """ε_θ by eq. (9), on the latents z⁽⁰⁾ of the finished E_R."""

    config: TrainingConfig
    name: str = "diffusion"
    needs_motion: bool = True
    store: LatentStore = field(default_factory=LatentStore, compare=False)

    def trained_parts(self, model: LaMoDModel) -> Mapping[str, nn.Module]:
        return {"denoiser": model.denoiser}

    def prepare(self, model: LaMoDModel, batches: Iterable[Batch]) -> None:
        """Measure the mean and spread of z over training slices."""
        self.store.clear()
        measure_statistics(model, batches)

    def loss(self, model: LaMoDModel, batch: Batch, draws: Draws) -> tuple[Tensor, dict[str, Tensor]]:
        clean = encoded(model, batch, self.store)
        step = draws.integers(1, model.config.schedule.steps).to(clean.device)
        noise = model.config.noise.smooth(draws.normal(*clean.shape[1:]).to(clean.device))
        alpha_bar = model.config.schedule.alpha_bar().float().to(clean.device)
        loss = noise_loss(model.denoiser(q_sample(clean, step, noise, alpha_bar), step), noise)
        return loss, {"noise_error": loss.detach()}

    def score(self, measured: Mapping[str, float]) -> float:
        return measured["noise_error"]


@dataclass(frozen=True)
class PaperMotionStage:
    """D_η by eq. (10), on ẑ⁽⁰⁾ as Algorithm 1 gives it: noised to z⁽ᴹ⁾ and denoised in M ancestral steps.

    Each slice has `latent_draws` of them, which are computed when they are first needed and kept. A model whose
    defaults do not sample is trained on z⁽⁰⁾ itself.
    """

    config: TrainingConfig
    name: str = "motion"
    needs_motion: bool = True
    store: LatentStore = field(default_factory=LatentStore, compare=False)

    def trained_parts(self, model: LaMoDModel) -> Mapping[str, nn.Module]:
        return {"decoder": model.motion_decoder}

    def prepare(self, model: LaMoDModel, batches: Iterable[Batch]) -> None:
        """Forget latents of other weights; the statistics of z were measured for ε_θ."""
        self.store.clear()
        if not self.config.diffusion_epochs:
            measure_statistics(model, batches)

    def loss(self, model: LaMoDModel, batch: Batch, draws: Draws) -> tuple[Tensor, dict[str, Tensor]]:
        latent = self._latents(model, batch, draws)
        loss, endpoint = motion_energy(model.motion_decoder(latent), batch.displacement, batch.weight)
        return loss, {"endpoint_mm": endpoint}

    def score(self, measured: Mapping[str, float]) -> float:
        return measured["loss"]

    def _latents(self, model: LaMoDModel, batch: Batch, draws: Draws) -> Tensor:
        """ẑ⁽⁰⁾ [N, C, T, 16, 16]; z⁽⁰⁾ itself for slices without a number, whose cost is only estimated."""
        if not model.config.inference.diffusion or batch.numbers is None:
            return encoded(model, batch, self.store)
        chosen = [int(value) for value in draws.integers(0, self.config.latent_draws - 1)]
        found = self.store.get(batch.numbers, chosen)
        missing = [at for at, latent in enumerate(found) if latent is None]
        if missing:
            for at, latent in zip(missing, self._algorithm_1(model, batch, missing, chosen), strict=True):
                self.store.keep(int(batch.numbers[at]), chosen[at], latent)
                found[at] = latent
        return torch.stack([latent.to(batch.masks.device) for latent in found if latent is not None])

    def _algorithm_1(self, model: LaMoDModel, batch: Batch, missing: list[int], chosen: list[int]) -> Tensor:
        """Algorithm 1 on some slices of a batch; its noise depends on the slice and the number of the draw alone."""
        assert batch.numbers is not None
        defaults = model.config.inference
        training = model.denoiser.training
        model.denoiser.eval()
        keys = [("algorithm 1", int(batch.numbers[at]), chosen[at]) for at in missing]
        with torch.no_grad():
            latent = model.normalise(model.encode(batch.masks[missing])).float()
        found = denoise(
            latent,
            model.denoiser,
            model.config.schedule,
            model.config.noise,
            [torch.Generator().manual_seed(seed_of(self.config.seed, *key)) for key in keys],
            sampler=defaults.sampler,
            start=min(defaults.start, model.config.schedule.steps),
            steps=defaults.steps,
        )
        model.denoiser.train(training)
        return found


def encoded(model: LaMoDModel, batch: Batch, store: LatentStore) -> Tensor:
    """z⁽⁰⁾ of a batch, normalised, [N, C, T, 16, 16]; that of a numbered slice is computed once."""
    assert isinstance(model.encoder, PairEncoder)
    if batch.numbers is None:
        with torch.no_grad():
            return model.normalise(model.encode(batch.masks)).float()
    found = store.get(batch.numbers, [-1] * len(batch.numbers))
    latents = []
    for at, known in enumerate(found):
        if known is not None:
            latents.append(known.to(batch.masks.device))
            continue
        with torch.no_grad():
            latent = model.normalise(model.encode(batch.masks[at : at + 1])).float()[0]
        store.keep(int(batch.numbers[at]), -1, latent)
        latents.append(latent)
    return torch.stack(latents)
