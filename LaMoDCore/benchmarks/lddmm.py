"""Geodesic shooting and registration: time, and error against the exact geodesic."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import torch
from torch import Tensor

from LaMoDCore.benchmarks.timing import best_of, best_of_each
from LaMoDCore.heart.geometry import Array
from LaMoDCore.lddmm import FluidMetric, carry_mask, compose, match, shoot
from LaMoDCore.lddmm.epdiff import Integrator
from LaMoDCore.lddmm.plain import shoot_reference

METRIC = FluidMetric(alpha=16.0, gamma=1.0)
FIELDS, SIZE, STEPS = 39, 128, 10
VARIANTS: tuple[tuple[Integrator, int], ...] = (
    ("euler", 10),
    ("ab2", 10),
    ("rk2", 5),
    ("rk2", 10),
    ("rk4", 4),
    ("rk4", 10),
)


def contraction(size: int = SIZE, inward_mm: float = 6.0, ring_mm: float = 25.0, width_mm: float = 10.0) -> Tensor:
    """Smooth initial velocity [1, 2, H, W], float64, that moves a ring inwards on a 1 mm grid."""
    x = torch.arange(size, dtype=torch.float64) - (size - 1) / 2
    square = x[None, :] ** 2 + x[:, None] ** 2
    bump = torch.exp(-((square - ring_mm**2) ** 2) / (2 * (2 * ring_mm * width_mm) ** 2))
    # Tiny values are set to zero, because arithmetic with subnormal numbers is slow.
    pull = -inward_mm / ring_mm * torch.where(bump > 1e-12, bump, 0.0)
    return torch.stack((pull * x[None, :], pull * x[:, None]))[None]


def report(repeats: int) -> Iterator[str]:
    """Yield the lines of the table."""
    exact = shoot(contraction(), METRIC, steps=80)
    single = contraction().float()
    batch = single.repeat(FIELDS, 1, 1, 1)
    yield f"{FIELDS} fields of {SIZE}², one millimetre, 6 mm contraction; errors are the largest over the grid"

    def error(forward: Tensor, inverse: Tensor) -> str:
        pair = zip((forward, inverse), (exact.forward, exact.inverse), strict=True)
        away = [float((a[:1].cpu() - b).norm(dim=1).max()) for a, b in pair]
        there = compose(inverse[:1], forward[:1]).norm(dim=1).max()
        return f"φ {away[0]:.3f} mm  φ⁻¹ {away[1]:.3f} mm  φ⁻¹∘φ {float(there):.3f} mm"

    with torch.no_grad():
        works = [partial(shoot, batch, METRIC, steps=steps, integrator=name) for name, steps in VARIANTS]
        plain, *times = best_of_each([lambda: shoot_reference(batch, METRIC, steps=STEPS), *works], repeats)
        yield f"plain Euler loop, {STEPS} steps {plain}          {error(*shoot_reference(single, METRIC, steps=STEPS))}"
        for (integrator, steps), time in zip(VARIANTS, times, strict=True):
            shot = shoot(single, METRIC, steps=steps, integrator=integrator)
            ratio = f"{plain.cpu / time.cpu:4.2f}× plain"
            yield f"{integrator:5s}, {steps:2d} steps {time} {ratio} {error(shot.forward, shot.inverse)}"
        yield from _energies()
        yield from _matching()
        if torch.cuda.is_available():
            yield from _gpu(batch, repeats)
        else:
            yield "GPU: none available"


def _energies() -> Iterator[str]:
    for integrator in ("euler", "ab2", "rk2", "rk4"):
        path = shoot(contraction(), METRIC, steps=20, integrator=integrator, return_path=True).path
        assert path is not None
        drift = float((path.energy / path.energy[0] - 1).abs().max())
        yield f"energy over 20 steps of {integrator}: within {drift:.3%}"


def _matching() -> Iterator[str]:
    x = torch.arange(SIZE, dtype=torch.float64) - (SIZE - 1) / 2
    radius = torch.hypot(x[None, :], x[:, None])
    start = ((radius >= 22) & (radius <= 31)).numpy()
    truth = shoot(contraction().float(), METRIC)
    end = carry_mask(start, truth.forward[0].numpy())

    def overlap(mask: Array) -> float:
        return float(2 * (mask & end).sum() / (mask.sum() + end.sum()))

    source, target = (torch.from_numpy(mask)[None, None].float() for mask in (start, end))
    with torch.enable_grad():
        time = best_of(lambda: match(source, target), 1)
        found = match(source, target)
    carried = found.carry_contour(start, (1.0, 1.0))
    yield (
        f"matching two masks of {SIZE}²: {time}, {found.evaluations} evaluations, Dice "
        f"{overlap(start):.3f} -> {overlap(carried):.3f}, J ≥ {float(found.shot.jacobian.min()):.2f}"
    )


def _gpu(batch: Tensor, repeats: int) -> Iterator[str]:
    there = batch.cuda()
    name = torch.cuda.get_device_name()
    for integrator, steps in VARIANTS:
        work = partial(shoot, there, METRIC, steps=steps, integrator=integrator)
        time = best_of(work, repeats, torch.cuda.synchronize)
        cpu = shoot(batch[:1], METRIC, steps=steps, integrator=integrator)
        gpu = shoot(there[:1], METRIC, steps=steps, integrator=integrator)
        away = max(
            float((a - b.cpu()).abs().max()) for a, b in ((cpu.forward, gpu.forward), (cpu.inverse, gpu.inverse))
        )
        yield f"{name}: {integrator:5s}, {steps:2d} steps {time}, {away:.1e} mm from the CPU"
