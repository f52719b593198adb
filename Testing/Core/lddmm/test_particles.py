"""Momentum on points: the same geodesics as on a grid, and the registration of outlines."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from LaMoDCore.lddmm import FluidMetric, carry, carry_mask, compose, match, match_cycle, shoot
from LaMoDCore.lddmm.outline import distance_to_depth, distance_to_outlines, outlines, resampled
from LaMoDCore.lddmm.particle_maps import maps_of_particles
from LaMoDCore.lddmm.particles import RadialKernel, drift, trajectory
from Testing.Core.lddmm.shapes import contraction, ring

METRIC = FluidMetric(alpha=25.0, gamma=1.0, power=2.0)


def some_points() -> tuple[torch.Tensor, torch.Tensor]:
    """Points on a circle of 18 mm about (40, 44) mm with momenta inwards and along the circle."""
    angle = torch.arange(24, dtype=torch.float64) * (2 * torch.pi / 24)
    arm = torch.stack((angle.cos(), angle.sin()), dim=1)
    turned = torch.stack((-arm[:, 1], arm[:, 0]), dim=1)
    return torch.tensor([40.0, 44.0]) + 18 * arm, 260.0 * (0.3 * turned - arm * (1 + 0.5 * angle.cos()[:, None]))


@pytest.mark.parametrize("metric", [METRIC, FluidMetric(9.0, 0.5, 2.5), FluidMetric(16.0, 1.0, 3.0)])
def test_the_kernel_is_the_greens_function_of_the_operator(metric):
    impulse = torch.zeros(1, 2, 160, 160, dtype=torch.float64)
    impulse[0, 0, 80, 80] = 1.0
    row = metric.apply_K(impulse, (1.0, 1.0))[0, 0, 80, 80:110]
    places = torch.stack((torch.arange(30.0), torch.zeros(30)), dim=1).double()
    kernel = RadialKernel(metric, places)
    # The impulse of a pixel is as wide as the pixel, so the peak of the kernel is not compared.
    assert torch.allclose(kernel.between(places, places[:1])[3:, 0], row[3:], atol=2e-3 * float(row[0]))


def test_the_kernels_slope_is_its_derivative():
    places = torch.tensor([[0.0, 0.0], [3.0, 4.0]], dtype=torch.float64)
    kernel = RadialKernel(METRIC, places)
    step = torch.tensor([[0.0, 0.0], [1e-2, 0.0]], dtype=torch.float64)
    rise = (kernel.between(places + step, places[:1]) - kernel.between(places - step, places[:1]))[1, 0] / 2e-2
    value, slope_x, _ = kernel.and_slope(places)
    assert torch.allclose(value, kernel.between(places, places))
    assert float(slope_x[1, 0]) == pytest.approx(float(rise), rel=1e-2)


@pytest.mark.parametrize("metric", [FluidMetric(25.0, 1.0, 2.0, beta=5.0), FluidMetric(25.0, 1.0, 1.0)])
def test_a_metric_without_a_radial_kernel_is_refused(metric):
    with pytest.raises(ValueError, match="beta = 0 and power > 1"):
        RadialKernel(metric, torch.zeros(1))


def test_energy_is_constant_along_a_path_of_points():
    points, momenta = some_points()
    kernel = RadialKernel(METRIC, points)
    energies = torch.stack([((kernel.between(q, q) @ p) * p).sum() for q, p in trajectory(kernel, points, momenta, 10)])
    assert float((trajectory(kernel, points, momenta, 10)[-1][0] - points).norm(dim=1).max()) > 3.0
    assert float((energies / energies[0] - 1).abs().max()) < 1e-3


def test_carried_points_follow_points_with_momentum():
    points, momenta = some_points()
    kernel = RadialKernel(METRIC, points)
    end = trajectory(kernel, points, momenta, 40)[-1][0]
    assert torch.allclose(drift(kernel, points, momenta, points, 40), end, atol=0.01)


@pytest.mark.parametrize("spacing", [(1.0, 1.0), (1.25, 1.6)])
def test_points_and_grid_shoot_the_same_geodesic(spacing):
    points, momenta = (t.float() for t in some_points())
    shape = (round(88 / spacing[1]), round(84 / spacing[0]))
    v0, shot = maps_of_particles(points, momenta, METRIC, shape, spacing)
    again = shoot(v0, METRIC, spacing)
    moved = float(shot.forward.norm(dim=1).max())
    assert moved > 3.0
    assert float((shot.forward - again.forward).norm(dim=1).max()) < 0.06 * moved
    assert float((shot.inverse - again.inverse).norm(dim=1).max()) < 0.06 * moved
    both = compose(shot.inverse, shot.forward, spacing), compose(shot.forward, shot.inverse, spacing)
    assert max(float(error.norm(dim=1).max()) for error in both) < 0.15
    assert float(shot.jacobian.min()) > 0


def test_outlines_run_around_a_disc_at_its_edge():
    disc = ring(48, 0.0, 15.0).numpy()
    (curve,) = outlines(disc, (1.0, 1.0))
    radius = np.hypot(*(curve - 23.5).T)
    assert abs(radius - 15.0).max() < 0.8
    points, step = resampled(curve, 3.0)
    assert step == pytest.approx(3.0, rel=0.05)
    assert len(points) * step == pytest.approx(2 * np.pi * 15, rel=0.06)
    distance = distance_to_outlines(disc, [curve], (1.0, 1.0))
    assert distance[23, 23] == pytest.approx(-14.5, abs=0.8)
    assert distance[23, 47] == pytest.approx(8.5, abs=0.8)


def test_a_closed_cavity_is_a_pixel_at_the_deepest_point():
    disc = ring(41, 0.0, 12.0, (2.0, 1.0)).numpy()
    distance = distance_to_depth(disc, (2.0, 1.0))
    assert distance[20, 20] == pytest.approx(-0.5)
    assert distance[20, 25] == pytest.approx(9.5)


def test_a_cavity_that_closes_is_contracted():
    start, end = ring(40, 5.0, 13.0, (1.5, 1.5)).numpy(), ring(40, 0.0, 10.5, (1.5, 1.5)).numpy()
    source, target = (torch.from_numpy(mask)[None, None].float() for mask in (start, end))
    found = match(source, target, (1.5, 1.5), iterations=15)
    got = found.carry_contour(start, (1.5, 1.5))
    hole = ring(40, 0.0, 13.0, (1.5, 1.5)).numpy() & ~start
    assert (end & ~got).sum() < 0.4 * hole.sum()
    assert float(found.shot.jacobian.min()) > 0


def test_a_contour_is_carried_through_a_whole_beat():
    spacing = (2.0, 2.0)
    start = ring(48, 20.0, 30.0, spacing).numpy()
    motion = [0.0, 0.6, 1.0, 0.6]
    truths = [shoot(part * contraction(48, spacing, dtype=torch.float32), METRIC, spacing) for part in motion]
    frames = np.stack([carry_mask(start, truth.forward[0].numpy(), spacing) for truth in truths])
    cycle = match_cycle(torch.from_numpy(frames).float(), spacing, iterations=12)
    carried = carry(start, cycle, spacing)
    assert (carried[0] == start).all()
    for got, wanted in zip(carried, frames, strict=True):
        assert 2 * (got & wanted).sum() / (got.sum() + wanted.sum()) >= 0.97
    assert cycle[2].evaluations < cycle[3].evaluations  # it started from the result of frame 1, not from the identity
    assert all(float(found.shot.jacobian.min()) > 0 for found in cycle)


def test_images_start_from_the_result_of_their_neighbour():
    spacing = (2.0, 2.0)
    x = torch.arange(28.0)
    picture = torch.exp(-((x[None] - 14) ** 2 + (x[:, None] - 13) ** 2) / 60)
    pictures = torch.stack([torch.roll(picture, shift, dims=1) for shift in (0, 1, 2, 1)])
    cycle = match_cycle(pictures, spacing, content="image", iterations=3)
    assert cycle[2].evaluations < cycle[3].evaluations
    assert float(cycle[2].shot.forward[0, 0, 13, 14]) == pytest.approx(4.0, abs=0.8)
    assert float(cycle[2].shot.forward[0, 1, 13, 14]) == pytest.approx(0.0, abs=0.3)


def test_masks_have_one_channel():
    with pytest.raises(ValueError, match=r"\[N, 1, H, W\]"):
        match(torch.ones(1, 2, 16, 16), torch.ones(1, 2, 16, 16))
