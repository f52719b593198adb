"""Whether another loss or density of the estimate from contours shrinks bulges and mean Ecc less.

    python -m experiments.posterior.mixture_trial --out DIR [--model NAME|DIR] [--subjects 1500] [--held-out 400]
        [--passes 6] [--steps 1500] [--seeds 0,1] [--variants as-shipped,square,…] [--leading 40]

The estimate from contours of a model (`ContourMotion`) stays as it is. On its inputs, its last hidden layer, the
convention and the roughness of the contours, a small network is trained for every variant, which corrects the estimate
and predicts its uncertainty. All variants read the same batches of synthetic hearts and randomised hearts, augmented as
in `lamod train-posterior`, and start from the same estimate; they differ in loss and output:

    as-shipped   root of the squared error of each slice, in mm, as the model was trained
    square       squared error of each slice, in mm²
    weighted-K   as shipped, slices weighted up to 1 + K times by their most stretched segment
    gaussian     likelihood of a Gaussian with means and standard deviations per slice
    weighted_gaussian-K   the same with these weights
    student      likelihood of Student's t, degrees of freedom per mode
    mixture-K    likelihood of K Gaussians over the leading modes, weights per slice
    shared-K     the same, weights shared by all slices
    diffusion    samples of the library's denoiser, trained on the standardised residuals of `gaussian`

Modes are the principal components of the estimate's residual. Every density is scaled on held-out slices of a quarter
of the subjects and scored on those of the others; the 110 000 subjects of the shipped model's own training include
these, drawn by other readers. Ecc is Green-Lagrange, on the middle of the wall in six segments, at the frame where the
mean true stretch is smallest; a segment bulges if its true Ecc exceeds 0.03, which only randomised hearts show.
Columns, for phantoms; for randomised hearts:

    error        root mean square over ring and cycle, mm, mean over slices
    segments     mean absolute error of segmental Ecc at ES
    slope        of predicted on true mean Ecc over slices; 1 does not shrink
    reverse      of true on predicted mean Ecc; 1 for an expectation
    bulges       sum of predicted over sum of true Ecc of bulging segments, and its standard error over subjects
    false        share of the other segments that are given an Ecc above 0.03
    −log p       of the codes per slice, in nats
    energy       energy score of the motion, mm
    CRPS         of segmental Ecc: all segments; bulging ones
    coverage     of 90 % intervals of segmental Ecc: phantoms; randomised hearts; bulging segments
    width        mean width of these intervals: all segments; bulging ones

Slices and results are stored under DIR; a repeated call trains the variants that are missing.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from experiments.posterior.mixture_data import ResidualBasis, Slices, augmented, held_out, synthetic_slices
from experiments.posterior.mixture_scores import point_scores, sample_scores, table
from experiments.posterior.motion_densities import Density, FixedWidth, Gaussian, Mixture, StudentT
from LaMoDCore import load_model
from LaMoDCore.heart.canonical import FRAMES
from LaMoDCore.models.folder import lamod_network
from LaMoDCore.networks.conditional_denoiser import ConditionalDenoiser
from LaMoDCore.networks.diffusion import NoiseSchedule, q_sample, reverse_process
from LaMoDCore.runtime.atomic import replaced_file
from LaMoDCore.training.posterior.randomised_residuals import SLICES

VARIANTS = (
    *("as-shipped", "square", "weighted-9", "gaussian", "weighted_gaussian-9", "weighted_gaussian-30"),
    *("student", "mixture-2", "mixture-4", "shared-4", "diffusion"),
)
_BATCH, _RATE, _DECAY, _MOVING = 256, 5e-4, 0.1, 0.99
_HIDDEN, _DROPOUT = 64, 0.2
#: Ecc of the most stretched segment from which a slice has its full weight.
_FULL_WEIGHT = 0.1
#: Bounds the gradient of the root, in the square of radians, as in the library.
_LEAST_SQUARE = 1e-4
#: Samples per slice, and the size of the denoiser, as in `MotionLatentConfig`.
_DRAWS = 32
_CONDITION, _WIDTH, _BLOCKS = 64, 128, 2


class Estimate(nn.Module):
    """A variant: a network whose outputs are the parameters of a density of the residual."""

    def __init__(self, name: str, density: Density, inputs: int) -> None:
        super().__init__()
        self.name, self.density = name, density
        self.constant = nn.Parameter(density.start * torch.randn(density.outputs))
        last = nn.Linear(_HIDDEN, density.outputs)
        self.curved = nn.Sequential(
            nn.Dropout(_DROPOUT), nn.Linear(inputs, _HIDDEN), nn.SiLU(), nn.Dropout(_DROPOUT), last
        )
        nn.init.zeros_(last.weight)
        nn.init.zeros_(last.bias)

    def forward(self, inputs: Tensor) -> Tensor:
        """Outputs [N, density.outputs]."""
        outputs: Tensor = self.constant + self.curved(inputs)
        return outputs

    def loss(self, slices: Slices, basis: ResidualBasis) -> Tensor:
        """What the training minimises."""
        raw = self(slices.inputs)
        kind, _, number = self.name.partition("-")
        if isinstance(self.density, FixedWidth):
            missed = (basis.energy(raw - slices.residual) + slices.rest) / FRAMES
            root = (missed + _LEAST_SQUARE).sqrt() * slices.radius
            each = missed * slices.radius.square() if kind == "square" else root
        else:
            each = self.density.negative_log(raw, slices.residual) / self.density.modes
        if kind.startswith("weighted"):
            weight = 1 + float(number) * (slices.ecc.max(dim=1).values / _FULL_WEIGHT).clamp(0.0, 1.0)
            return (weight * each).sum() / weight.sum()
        return each.mean()


def density_of(name: str, modes: int, leading: int) -> Density:
    """The density of a variant."""
    kind, _, number = name.partition("-")
    if kind in ("as", "square", "weighted"):
        return FixedWidth(modes)
    if kind in ("mixture", "shared"):
        return Mixture(modes, leading, int(number), own_weights=kind == "mixture")
    return StudentT(modes) if kind == "student" else Gaussian(modes)


class Averaged:
    """A module that AdamW trains with warm-up and a cosine, and the moving average of its parameters."""

    def __init__(self, module: nn.Module, steps: int) -> None:
        self._module, self._steps, self._step = module.train(), steps, 0
        self._parameters = list(module.parameters())
        self._optimiser = torch.optim.AdamW(self._parameters, _RATE, weight_decay=_DECAY)
        self._mean = [each.detach().clone() for each in self._parameters]

    def step(self, loss: Tensor) -> None:
        """One step down the gradient of a loss."""
        warm_up, decay = min(1.0, (self._step + 1) / 100), 0.5 * (1 + np.cos(np.pi * self._step / self._steps))
        for group in self._optimiser.param_groups:
            group["lr"] = _RATE * warm_up * decay
        self._optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(self._parameters, 5.0)
        self._optimiser.step()
        self._step += 1
        with torch.no_grad():
            for mean, each in zip(self._mean, self._parameters, strict=True):
                mean.lerp_(each, 1 - min(_MOVING, self._step / (9 + self._step)))

    @torch.no_grad()
    def finish(self) -> None:
        """Use the averages from now on."""
        for each, mean in zip(self._parameters, self._mean, strict=True):
            each.copy_(mean)
        self._module.eval()


def batches(slices: Slices, steps: int, seed: int) -> Iterator[Slices]:
    """Random training slices."""
    generator = torch.Generator().manual_seed(seed)
    for _ in range(steps):
        yield slices.select(torch.randint(0, len(slices.radius), (_BATCH,), generator=generator))


def trained(name: str, slices: Slices, basis: ResidualBasis, leading: int, steps: int, seed: int) -> Estimate:
    """A variant after its training."""
    torch.manual_seed(seed)
    estimate = Estimate(name, density_of(name, len(basis.deviation), leading), slices.inputs.shape[1])
    part = Averaged(estimate, steps)
    for batch in batches(slices, steps, seed):
        part.step(estimate.loss(batch, basis))
    part.finish()
    return estimate


class Diffusion(nn.Module):
    """The library's denoiser for the standardised residual of a Gaussian estimate."""

    def __init__(self, modes: int, inputs: int) -> None:
        super().__init__()
        self.modes = modes
        self.condition = nn.Sequential(nn.Dropout(_DROPOUT), nn.Linear(inputs, _CONDITION), nn.SiLU())
        self.denoiser = ConditionalDenoiser(modes, _CONDITION, _WIDTH, _BLOCKS, _DROPOUT / 2)
        self._schedule = NoiseSchedule()

    def loss(self, clean: Tensor, inputs: Tensor, generator: torch.Generator) -> Tensor:
        """Squared error of the velocity at random steps, as in the library's training."""
        alpha_bar = self._schedule.alpha_bar().float()
        step = torch.randint(1, self._schedule.steps + 1, (len(clean),), generator=generator)
        noise = torch.randn(clean.shape, generator=generator)
        signal = alpha_bar[step][:, None]
        wanted = signal.sqrt() * noise - (1 - signal).sqrt() * clean
        velocity = self.denoiser(q_sample(clean, step, noise, alpha_bar), step, self.condition(inputs))
        return nn.functional.mse_loss(velocity, wanted)

    @torch.no_grad()
    def draw(self, inputs: Tensor, count: int, generator: torch.Generator) -> Tensor:
        """Independent standardised residuals [count, N, M], by 25 steps of DDIM."""
        starts = torch.randn(count, len(inputs), self.modes, generator=generator)
        condition = self.condition(inputs)
        return torch.stack([self._denoised(each, condition) for each in starts])

    def _denoised(self, start: Tensor, condition: Tensor) -> Tensor:
        alpha_bar = self._schedule.alpha_bar().float()

        def noise_of(noisy: Tensor, step: Tensor) -> Tensor:
            signal = alpha_bar[step][:, None]
            return signal.sqrt() * self.denoiser(noisy, step, condition) + (1 - signal).sqrt() * noisy

        return reverse_process(start, noise_of, alpha_bar, lambda: start, start=self._schedule.steps, steps=25)


@torch.no_grad()
def scores(estimate: Estimate, basis: ResidualBasis, scaling: Slices, test: Slices) -> dict[str, dict[str, float]]:
    """Scores of the expectation and of samples, and of the most probable component of a mixture."""
    density, raw, other = estimate.density, estimate(test.inputs), estimate(scaling.inputs)
    density.calibrate(other, scaling.residual)
    row = point_scores(test.offset + density.mean(raw), basis, test)
    likelihood = density.negative_log(raw, test.residual)
    row["nll plain"] = float(likelihood[~test.randomised].mean())
    row["nll randomised"] = float(likelihood[test.randomised].mean())
    generator = torch.Generator().manual_seed(7)
    samples = test.offset + density.draw(raw, _DRAWS, generator)
    of_scaling = scaling.offset + density.draw(other, _DRAWS, generator)
    found = {estimate.name: row | sample_scores(samples, basis, test, (of_scaling, scaling))}
    chosen = density.most_probable(raw)
    if chosen is not None:
        found[f"{estimate.name}, most probable"] = point_scores(test.offset + chosen, basis, test)
    return found


def diffusion_scores(
    gaussian: Estimate, basis: ResidualBasis, parts: tuple[Slices, Slices, Slices], steps: int, seed: int
) -> dict[str, dict[str, float]]:
    """Scores of samples by diffusion around the Gaussian estimate; `parts` are for training, scaling and scores."""
    learned, scaling, test = parts
    density = gaussian.density
    assert isinstance(density, Gaussian)
    torch.manual_seed(seed)
    diffusion = Diffusion(density.modes, learned.inputs.shape[1])
    part, generator = Averaged(diffusion, steps), torch.Generator().manual_seed(seed)
    for batch in batches(learned, steps, seed):
        with torch.no_grad():
            clean = density.standardised(gaussian(batch.inputs), batch.residual)
        part.step(diffusion.loss(clean, batch.inputs, generator))
    part.finish()
    generator.manual_seed(7)
    with torch.no_grad():
        density.calibrate(gaussian(scaling.inputs), scaling.residual)
        samples, of_scaling = (
            each.offset
            + density.from_standardised(gaussian(each.inputs), diffusion.draw(each.inputs, _DRAWS, generator))
            for each in (test, scaling)
        )
    return {"diffusion": sample_scores(samples, basis, test, (of_scaling, scaling))}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder of slices and results")
    parser.add_argument("--model", default="lamod-phantom-v1")
    parser.add_argument("--subjects", type=int, default=1500, metavar="N", help="subjects of each kind (1500)")
    parser.add_argument("--held-out", type=int, default=400, metavar="N", help="of these not for training (400)")
    parser.add_argument("--passes", type=int, default=6, metavar="N", help="augmented copies of every slice (6)")
    parser.add_argument("--steps", type=int, default=1500, metavar="N", help="training steps (1500)")
    parser.add_argument("--seeds", default="0,1", help="seeds of the training (0,1)")
    parser.add_argument("--variants", default=",".join(VARIANTS), help="see above (all)")
    parser.add_argument("--leading", type=int, default=40, metavar="N", help="modes with a mixture (40 of 80)")
    args = parser.parse_args()
    torch.set_num_threads(1)
    args.out.mkdir(parents=True, exist_ok=True)
    network = lamod_network(load_model(args.model)).contour_motion
    if network is None:
        parser.error(f"{args.model} has no estimate from contours")
    every = [synthetic_slices(args.out, args.subjects, randomise=randomise) for randomise in (False, True)]
    count = SLICES * (args.subjects - args.held_out)
    basis = ResidualBasis(network, [each.select(np.arange(count)) for each in every])
    learned = augmented(basis, [each.select(np.arange(count)) for each in every], args.passes)
    scaling, test = held_out(basis, [each.select(np.arange(count, len(each.radius))) for each in every])
    rows: list[dict[str, dict[str, float]]] = []
    for seed in map(int, args.seeds.split(",")):
        rows.append({"estimate of the model": point_scores(test.offset, basis, test)})
        for name in args.variants.split(","):
            path = args.out / f"{name}-{seed}.json"
            if not path.exists():
                base = "gaussian" if name == "diffusion" else name
                estimate = trained(base, learned, basis, args.leading, args.steps, seed)
                if name == "diffusion":
                    found = diffusion_scores(estimate, basis, (learned, scaling, test), args.steps, seed)
                else:
                    found = scores(estimate, basis, scaling, test)
                with replaced_file(path) as part:
                    part.write_text(json.dumps(found, indent=1), encoding="utf-8")
            rows[-1] |= json.loads(path.read_text(encoding="utf-8"))
            print(f"seed {seed}: {name}", flush=True)
    print(table(rows))


if __name__ == "__main__":
    main()
