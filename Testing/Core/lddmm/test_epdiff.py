"""Geodesic shooting: energy, inverse, grids, gradient and memory."""

from __future__ import annotations

import pytest
import torch
from torch.autograd.graph import saved_tensors_hooks

from LaMoDCore.lddmm import FluidMetric, compose, shoot
from LaMoDCore.lddmm.differences import jacobian_determinant
from LaMoDCore.lddmm.plain import shoot_reference
from Testing.Core.lddmm.shapes import contraction

METRIC = FluidMetric(alpha=16.0, gamma=1.0)
AUTHORS_METRIC = FluidMetric(alpha=2.0, gamma=1.0)


def round_trip_mm(shot, spacing=(1.0, 1.0)):
    """Largest distance of φ⁻¹∘φ and φ∘φ⁻¹ from the identity."""
    both = compose(shot.inverse, shot.forward, spacing), compose(shot.forward, shot.inverse, spacing)
    return max(float(error.norm(dim=1).max()) for error in both)


@pytest.mark.parametrize("metric", [METRIC, AUTHORS_METRIC])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_inverse_undoes_forward(metric, dtype):
    shot = shoot(contraction(96, dtype=dtype), metric)
    assert float(shot.forward.norm(dim=1).max()) > 6.0
    assert round_trip_mm(shot) < 0.05


@pytest.mark.parametrize("metric", [METRIC, AUTHORS_METRIC])
@pytest.mark.parametrize("integrator", ["ab2", "rk2", "rk4"])
def test_energy_is_constant_along_the_geodesic(metric, integrator):
    path = shoot(contraction(96), metric, steps=20, integrator=integrator, return_path=True).path
    assert float((path.energy / path.energy[0] - 1).abs().max()) < 0.01


def test_initial_energy_is_that_of_the_metric():
    v0 = contraction(144)
    path = shoot(v0, METRIC, steps=1, return_path=True).path
    assert torch.allclose(path.energy[0], METRIC.energy(v0, (1.0, 1.0)), rtol=1e-5)
    assert torch.allclose(path.velocity[0], v0, atol=1e-3)


@pytest.mark.parametrize(("integrator", "order"), [("euler", 1), ("ab2", 2), ("rk2", 2), ("rk4", 4)])
def test_time_error_falls_with_the_integrators_order(integrator, order):
    v0 = contraction(48, (2.0, 2.0))
    options = {"integrator": integrator, "interpolation": "cubic"}
    exact = shoot(v0, METRIC, (2.0, 2.0), steps=320, **options)
    coarse, fine = (shoot(v0, METRIC, (2.0, 2.0), steps=steps, **options) for steps in (20, 40))
    for name in ("forward", "inverse"):
        truth = getattr(exact, name)
        ratio = (getattr(coarse, name) - truth).norm() / (getattr(fine, name) - truth).norm()
        assert 0.8 * 2**order < float(ratio) < 1.6 * 2**order


def test_all_integrators_agree_with_the_reference():
    """The fast implementation and the reference have the same limit for small time steps."""
    v0 = 0.6 * contraction(64, (1.5, 1.5), width_mm=12.0)
    forward, inverse = shoot_reference(v0, METRIC, (1.5, 1.5), steps=160)
    shot = shoot(v0, METRIC, (1.5, 1.5))
    assert float((shot.forward - forward).norm(dim=1).max()) < 0.1
    # Two interpolations per step smooth the inverse of the reference: only its mean error is compared.
    assert float((shot.inverse - inverse).norm(dim=1).mean()) < 0.05


def test_gradient_agrees_with_central_differences():
    generator = torch.Generator().manual_seed(1)
    v0 = 0.3 * contraction(24, (3.0, 3.0), turn=0.3).requires_grad_()
    v0 = v0.detach().requires_grad_()
    weights = torch.randn(3, 1, 2, 24, 24, dtype=torch.float64, generator=generator)

    def loss(velocity):
        shot = shoot(velocity, METRIC, (3.0, 3.0), steps=3)
        return (
            (weights[0] * shot.forward).sum()
            + (weights[1] * shot.inverse).sum()
            + (weights[2, :, 0] * shot.jacobian).sum()
        )

    (gradient,) = torch.autograd.grad(loss(v0), v0)
    smooth = METRIC.apply_K(torch.randn(4, 2, 24, 24, dtype=torch.float64, generator=generator), (3.0, 3.0))
    for direction in smooth / smooth.abs().amax(dim=(1, 2, 3), keepdim=True):
        step = 1e-4
        with torch.no_grad():
            numeric = (loss(v0 + step * direction) - loss(v0 - step * direction)) / (2 * step)
        assert float((gradient[0] * direction).sum()) == pytest.approx(float(numeric), rel=1e-5)


def test_checkpointing_keeps_the_gradient_and_bounds_the_memory():
    v0 = contraction(32, (2.0, 2.0), dtype=torch.float32).requires_grad_()

    def run(steps: int, checkpoint: bool, integrator: str = "euler") -> tuple[torch.Tensor, int]:
        saved: set[int] = set()
        size = 0

        def keep(tensor: torch.Tensor) -> torch.Tensor:
            nonlocal size
            if tensor.data_ptr() not in saved:
                saved.add(tensor.data_ptr())
                size += tensor.untyped_storage().nbytes()
            return tensor

        with saved_tensors_hooks(keep, lambda tensor: tensor):
            shot = shoot(v0, METRIC, (2.0, 2.0), steps=steps, integrator=integrator, checkpoint=checkpoint)
        (gradient,) = torch.autograd.grad(shot.forward.square().sum(), v0)
        return gradient, size

    plain, plain_bytes = run(16, checkpoint=False)
    lean, lean_bytes = run(16, checkpoint=True)
    assert torch.allclose(plain, lean, rtol=1e-5, atol=1e-5)
    assert lean_bytes < plain_bytes / 5
    assert run(64, checkpoint=True)[1] < 1.5 * lean_bytes
    assert torch.allclose(run(5, False, "ab2")[0], run(5, True, "ab2")[0], rtol=1e-5, atol=1e-5)


def test_single_precision_is_close_to_double():
    v0 = contraction(128)
    double, single = shoot(v0, METRIC), shoot(v0.float(), METRIC)
    for name in ("forward", "inverse"):
        assert float((getattr(double, name) - getattr(single, name)).abs().max()) < 1e-3


def test_zero_velocity_gives_zero_motion():
    shot = shoot(torch.zeros(2, 2, 16, 20), METRIC)
    assert not shot.forward.any() and not shot.inverse.any() and (shot.jacobian == 1).all()


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_quarter_turns_turn_the_result(turns):
    def turned(field):
        """The field after rotating the image: pixels move and vectors rotate with them."""
        for _ in range(turns):
            field = torch.rot90(field, 1, (2, 3))
            field = torch.stack((field[:, 1], -field[:, 0]), dim=1)
        return field

    v0 = contraction((64, 64), (1.5, 1.5), turn=0.4) * torch.tensor([1.0, 0.6], dtype=torch.float64).view(1, 2, 1, 1)
    metric = FluidMetric(9.0, 1.0, beta=4.0)
    there = shoot(turned(v0), metric, (1.5, 1.5))
    here = shoot(v0, metric, (1.5, 1.5))
    assert torch.allclose(there.forward, turned(here.forward), atol=1e-9)
    assert torch.allclose(there.inverse, turned(here.inverse), atol=1e-9)


def test_same_motion_on_finer_and_on_anisotropic_grids():
    coarse = shoot(contraction((65, 65), (1.5, 1.5)), METRIC, (1.5, 1.5))
    fine = shoot(contraction((129, 129), (0.75, 0.75)), METRIC, (0.75, 0.75))
    mixed = shoot(contraction((65, 129), (0.75, 1.5)), METRIC, (0.75, 1.5))
    for name in ("forward", "inverse"):
        truth = getattr(fine, name)
        assert float((getattr(coarse, name) - truth[..., ::2, ::2]).norm(dim=1).max()) < 0.05
        assert float((getattr(mixed, name) - truth[..., ::2, :]).norm(dim=1).max()) < 0.05


def test_the_margin_prevents_wrapping_around():
    """A push out of one edge with a long-range metric does not move the opposite edge."""
    x = torch.arange(64, dtype=torch.float64)
    bump = torch.exp(-((x - 4) ** 2) / 30)[None, :] * torch.exp(-((x - 32) ** 2) / 100)[:, None]
    v0 = torch.stack((-6 * bump, torch.zeros_like(bump)))[None]
    shot = shoot(v0, AUTHORS_METRIC)
    assert float(shot.inverse[..., :20].abs().max()) > 1.0
    assert float(shot.forward[..., 40:].abs().max()) < 1e-3
    assert float(shot.inverse[..., 40:].abs().max()) < 1e-3


def test_path_runs_from_the_identity_to_the_end():
    shot = shoot(contraction(48, (2.0, 2.0)).repeat(40, 1, 1, 1), METRIC, (2.0, 2.0), steps=4, return_path=True)
    assert shot.path.forward.shape == (5, 40, 2, 48, 48)
    assert shot.path.energy.shape == (5, 40)
    assert not shot.path.forward[0].any()
    assert torch.equal(shot.path.forward[-1], shot.forward)
    assert torch.equal(shot.path.inverse[-1], shot.inverse)


def test_a_batch_equals_its_single_fields():
    v0 = torch.cat([contraction(64, inward_mm=a) for a in (2.0, 4.0, 6.0)] * 9)
    together, alone = shoot(v0, METRIC, steps=3), shoot(v0[-1:], METRIC, steps=3)
    assert torch.allclose(together.forward[-1:], alone.forward, atol=1e-12)


def test_momentum_is_conserved():
    """⟨m_t, w⟩ = ⟨m₀, Ad_φ⁻¹ w⟩: rigid symmetries of the metric give conserved linear and angular momentum."""
    x = torch.arange(80, dtype=torch.float64) - 39.5
    v0 = contraction(80, ring_mm=14.0, inward_mm=4.0, width_mm=6.0, turn=0.8)
    v0[:, 0] += 2 * torch.exp(-((x[None, :] - 6) ** 2 + x[:, None] ** 2) / 60)
    path = shoot(v0, AUTHORS_METRIC, steps=20, return_path=True).path
    momentum = torch.stack([AUTHORS_METRIC.apply_L(velocity, (1.0, 1.0)) for velocity in path.velocity])
    scale = momentum.abs().sum(dim=(-1, -2)).max()
    linear = momentum.sum(dim=(-1, -2))
    angular = (x[None, :] * momentum[:, :, 1] - x[:, None] * momentum[:, :, 0]).sum(dim=(-1, -2))
    assert float((linear - linear[0]).abs().max() / scale) < 2e-3
    assert float((angular - angular[0]).abs().max() / (scale * 14)) < 2e-3


def test_jacobian_is_that_of_forward():
    shot = shoot(contraction(96), METRIC)
    assert torch.equal(shot.jacobian, jacobian_determinant(shot.forward, (1.0, 1.0)))
    assert 0.3 < float(shot.jacobian.min()) < 0.9


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA GPU")
def test_gpu_agrees_with_cpu():
    v0 = contraction(128, dtype=torch.float32)
    cpu, gpu = shoot(v0, METRIC), shoot(v0.cuda(), METRIC)
    assert float((cpu.forward - gpu.forward.cpu()).abs().max()) < 1e-3
    assert float((cpu.inverse - gpu.inverse.cpu()).abs().max()) < 1e-3


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"v0": torch.zeros(2, 16, 16)}, r"\[N, 2, H, W\]"),
        ({"steps": 0}, "steps"),
        ({"integrator": "leapfrog"}, "euler, ab2, rk2, rk4"),
        ({"interpolation": "nearest"}, "linear or cubic"),
        ({"spacing_mm": (1.0, 0.0)}, "spacing_mm"),
    ],
)
def test_invalid_options_name_the_allowed_ones(change, words):
    with pytest.raises(ValueError, match=words):
        shoot(**{"v0": torch.zeros(1, 2, 16, 16), "metric": METRIC, **change})


def test_a_diverging_shot_does_not_crash_in_its_gradient():
    v0 = (30 * torch.randn(1, 2, 24, 24, generator=torch.Generator().manual_seed(0))).requires_grad_()
    shoot(v0, METRIC, steps=3).forward.sum().backward()
    assert v0.grad is not None
