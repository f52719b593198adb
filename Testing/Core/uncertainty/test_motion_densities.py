"""The densities of the mixture trial: likelihoods against closed forms, draws against their moments, Ecc of a ring."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from experiments.posterior.mixture_data import segmental_ecc
from experiments.posterior.motion_densities import Density, FixedWidth, Gaussian, Mixture, StudentT
from LaMoDCore.heart.ring.motion_basis import TERMS

MODES = 5


def outputs(density: Density, slices: int = 3) -> torch.Tensor:
    return torch.randn(slices, density.outputs, generator=torch.Generator().manual_seed(1))


def codes(slices: int = 3) -> torch.Tensor:
    return torch.randn(slices, MODES, generator=torch.Generator().manual_seed(2))


def test_likelihoods_equal_closed_forms() -> None:
    gaussian, student, code = Gaussian(MODES), StudentT(MODES), codes()
    gaussian.scale = student.scale = 1.5
    raw = 0.5 * outputs(gaussian)  # deviations are bounded
    mean, deviation = raw[:, :MODES], 1.5 * raw[:, MODES:].exp()
    for density, reference in (
        (gaussian, torch.distributions.Normal(mean, deviation)),
        (student, torch.distributions.StudentT(student.freedom, mean, deviation)),
    ):
        torch.testing.assert_close(density.negative_log(raw, code), -reference.log_prob(code).sum(dim=1))


@pytest.mark.parametrize("own_weights", [True, False])
def test_a_mixture_of_equal_components_is_a_gaussian(own_weights: bool) -> None:
    mixture, code = Mixture(MODES, 3, 2, own_weights=own_weights), codes()
    raw = outputs(mixture)
    raw[:, 3:6], raw[:, 9:12] = raw[:, :3], raw[:, 6:9]
    rest = raw[:, 12:16]
    alone = torch.cat([raw[:, :3], rest[:, :2], raw[:, 6:9], rest[:, 2:]], dim=1)
    torch.testing.assert_close(mixture.negative_log(raw, code), Gaussian(MODES).negative_log(alone, code))
    torch.testing.assert_close(mixture.mean(raw), alone[:, :MODES])


@pytest.mark.parametrize("density", [FixedWidth(MODES), Gaussian(MODES), StudentT(MODES), Mixture(MODES, 3, 2)])
def test_draws_have_the_mean_and_the_entropy_of_the_density(density: Density) -> None:
    raw = 0.3 * outputs(density)
    draws = density.draw(raw, 4000, torch.Generator().manual_seed(3)).detach()
    torch.testing.assert_close(draws.mean(dim=0), density.mean(raw).detach(), atol=0.12, rtol=0.0)
    # −log p of its own draws is lower than that of draws that are 30 % wider.
    wider = density.mean(raw) + 1.3 * (draws - density.mean(raw))
    own, other = (
        torch.stack([density.negative_log(raw, each) for each in part[:500]]).mean() for part in (draws, wider)
    )
    assert own < other
    density.calibrate(raw.repeat(500, 1), wider[:500].flatten(0, 1))
    if not isinstance(density, FixedWidth):
        assert density.scale == pytest.approx(1.3, abs=0.1)


def test_the_most_probable_component_has_the_largest_weight() -> None:
    mixture = Mixture(MODES, 3, 2)
    raw = outputs(mixture)
    raw[:, -2:] = torch.tensor([0.0, 1.0])
    torch.testing.assert_close(mixture.most_probable(raw)[:, :3], raw[:, 3:6])


def test_ecc_of_a_ring_that_shrinks_and_of_one_that_slides() -> None:
    shrinking, sliding = np.zeros(TERMS, complex), np.zeros(TERMS, complex)
    shrinking[0] = -0.2
    assert segmental_ecc(shrinking) == pytest.approx((np.exp(-0.4) - 1) / 2, abs=1e-5)
    sliding[2] = 0.1j / np.sqrt(2)  # an angle of 0.1 sin θ stretches by 1 + 0.1 cos θ
    angle = 2 * np.pi * np.arange(48) / 48
    expected = (((1 + 0.1 * np.cos(angle)) ** 2 - 1) / 2).reshape(6, 8).mean(axis=1)
    assert segmental_ecc(sliding) == pytest.approx(expected, abs=1e-5)
