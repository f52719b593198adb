"""The closed-form motion: exact derivatives, incompressibility, smooth continuation."""

from __future__ import annotations

import numpy as np
import pytest

from LaMoDCore.phantom import DISEASES, PhantomSlice, sample_subject
from LaMoDCore.phantom.heart.fourier import AngularSeries, from_samples
from LaMoDCore.phantom.heart.kinematics import WallState, deformation_gradient, displacement

PHASES = np.arange(0, 40, 3) / 40


def wall_points(plane: PhantomSlice, depths: tuple[float, ...] = (0.0, 0.3, 0.6, 1.0)) -> np.ndarray:
    theta = np.arange(60) * 2 * np.pi / 60
    shape = plane.parameters.shape
    radii = [(1 - d) * shape.endo(theta) + d * shape.epi(theta) for d in depths]
    return np.stack([np.stack([r * np.cos(theta), -r * np.sin(theta)], -1) for r in radii])


def numerical_gradient(plane: PhantomSlice, xy: np.ndarray, step: float = 1e-4) -> np.ndarray:
    columns = []
    for shift in (np.array([step, 0.0]), np.array([0.0, step])):
        change = plane.displacement_mm(PHASES, xy + shift) - plane.displacement_mm(PHASES, xy - shift)
        columns.append(change / (2 * step))
    return np.stack(columns, -1) + np.eye(2)


@pytest.mark.parametrize("disease", DISEASES)
def test_stored_strain_is_the_derivative_of_the_map(disease: str) -> None:
    for plane in sample_subject(11, disease).slices():
        xy = wall_points(plane)
        gradient = numerical_gradient(plane, xy)
        green = 0.5 * (np.swapaxes(gradient, -1, -2) @ gradient - np.eye(2))
        radial = xy - plane.centroid_xy
        radial = radial / np.linalg.norm(radial, axis=-1, keepdims=True)
        # Counter-clockwise as seen from the apex: (−sin, cos) with y up is (y, −x) in the picture's axes.
        circumferential = np.stack([radial[..., 1], -radial[..., 0]], -1)
        strain = plane.strain(PHASES, xy)
        for field, a, b in (
            (strain.ecc, circumferential, circumferential),
            (strain.err, radial, radial),
            (strain.ecr, radial, circumferential),
        ):
            expected = np.einsum("...i,t...ij,...j->t...", a, green, b)
            assert np.abs(field - expected).max() < 1e-5
        assert np.abs(strain.jacobian - np.linalg.det(gradient)).max() < 1e-5
        principal = np.linalg.eigvalsh(green)
        assert np.abs(strain.e1 - principal[..., 1]).max() < 1e-5
        assert np.abs(strain.e2 - principal[..., 0]).max() < 1e-5


@pytest.mark.parametrize("disease", DISEASES)
def test_no_motion_at_end_diastole_and_the_same_after_a_cycle(disease: str) -> None:
    plane = sample_subject(3, disease).slices()[2]
    xy = wall_points(plane)
    assert np.abs(plane.displacement_mm([0.0, 1.0], xy)).max() < 1e-12
    assert np.allclose(plane.displacement_mm([0.3], xy), plane.displacement_mm([1.3], xy), atol=1e-12)
    assert np.linalg.norm(plane.displacement_mm([0.35], xy), axis=-1).mean() > 0.5


@pytest.mark.parametrize("disease", DISEASES)
def test_area_stays_positive_and_motion_finite_everywhere(disease: str) -> None:
    for seed in range(6):
        for plane in sample_subject(50 + seed, disease).slices()[seed % 3 :: 3]:
            assert plane.strain(PHASES, wall_points(plane)).jacobian.min() > 0.6
            everywhere = plane.displacement_on(PHASES[::3], plane.grid)
            assert np.isfinite(everywhere).all()
            assert np.abs(everywhere).max() < 25
            corner = np.array([[150.0, -150.0]])
            assert np.abs(plane.displacement_mm(PHASES, corner)).max() < 0.05


def test_the_continuation_beyond_the_wall_has_no_kink() -> None:
    plane = sample_subject(7, "infarct").slices()[1]
    theta = np.arange(0, 2 * np.pi, 0.4)
    shape = plane.parameters.shape
    for rim in (shape.endo(theta) - 0.3, shape.endo(theta), shape.epi(theta), shape.epi(theta) + 0.3):
        direction = np.stack([np.cos(theta), -np.sin(theta)], -1)
        step = 1e-4

        def moved(radius: np.ndarray, direction: np.ndarray = direction) -> np.ndarray:
            return plane.displacement_mm([0.2, 0.35], radius[:, None] * direction)

        inner = (moved(rim) - moved(rim - step)) / step
        outer = (moved(rim + step) - moved(rim)) / step
        assert np.abs(inner - outer).max() < 5e-3


def ring_state(endo_after: float, area: float, twist: float = 0.0) -> WallState:
    """A circular wall from 24 to 33 mm whose inner radius becomes ``endo_after``."""

    def constant(value: float) -> AngularSeries:
        return AngularSeries(np.array([[value + 0j, 0, 0]]))

    return WallState(
        endo=AngularSeries(np.array([24.0 + 0j])),
        epi=AngularSeries(np.array([33.0 + 0j])),
        log_stretch=constant(np.log(endo_after / 24.0)),
        log_area=constant(np.log(area)),
        area_slope=np.zeros(1),
        rotation_epi=np.array([twist]),
        rotation_endo=np.array([twist]),
        translation=np.zeros(1, dtype=complex),
        radial_share=0.7,
    )


def test_a_contracting_ring_follows_the_annulus_formula() -> None:
    """ρ² = ρ_i² + J (r² − R_i²)."""
    radius = np.linspace(24.0, 33.0, 7)
    area = 1.15
    moved = displacement(ring_state(17.5, area), radius.astype(complex))[0]
    expected = np.sqrt(17.5**2 + area * (radius**2 - 24.0**2))
    assert np.allclose(radius + moved, expected, atol=1e-9)
    gradient = deformation_gradient(ring_state(17.5, area, twist=0.2), radius.astype(complex))[0]
    assert np.allclose(np.linalg.det(gradient), area, atol=1e-9)
    stretch = np.linalg.svd(gradient, compute_uv=False)
    assert np.allclose(stretch[:, 1], expected / radius, atol=1e-9)


def test_series_are_differentiated_and_integrated_exactly() -> None:
    rng = np.random.default_rng(0)
    series = from_samples(rng.standard_normal((3, 24)), 9)
    theta = np.linspace(0, 6, 11)
    numerical = (series(theta + 1e-6) - series(theta - 1e-6)) / 2e-6
    assert np.allclose(series.derivative()(theta), numerical, atol=1e-6)
    assert np.allclose(series.antiderivative().derivative()(theta), series.without_mean()(theta), atol=1e-12)
    samples = rng.standard_normal(24)
    assert np.allclose(from_samples(samples, 11)(np.arange(24) * np.pi / 12).mean(), samples.mean())
    with pytest.raises(ValueError, match="harmonics"):
        from_samples(samples, 12)
