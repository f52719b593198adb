"""Strain fields: exact for affine motion, within the expected error otherwise, NaN where undetermined."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from LaMoDCore.strain import compute_strain, gradient_operator
from LaMoDCore.strain.gradient import default_support_mm
from LaMoDCore.strain.plain import strain_reference
from LaMoDCore.strain.tensor import SlopeCache
from Testing.Core.strain.shapes import incompressible_ring

#: Two grids of a scanner, one anisotropic; the last has four pixels across the wall.
SPACINGS = [(1.0, 1.0), (1.40625, 1.40625), (1.0, 1.8), (2.65, 2.65)]


def positions(mask, spacing):
    y, x = np.mgrid[: mask.shape[0], : mask.shape[1]]
    return x * spacing[0], y * spacing[1]


@settings(max_examples=40, deadline=None)
@given(
    entries=st.tuples(*[st.floats(-0.4, 0.4)] * 4),
    spacing=st.tuples(st.floats(0.8, 3.0), st.floats(0.8, 3.0)),
    center=st.tuples(st.floats(-3.0, 3.0), st.floats(-3.0, 3.0)),
    wall=st.floats(6.5, 15.0),
)
def test_affine_motion_is_exact_to_the_rim(entries, spacing, center, wall):
    ring = incompressible_ring(spacing, outer_mm=27.0 + wall, off_center_mm=center)
    x, y = positions(ring.mask, spacing)
    a, b, c, d = entries
    displacement = np.stack((a * x + b * y + 3.0, c * x + d * y - 1.0))[None]
    fields = compute_strain(displacement, ring.mask, spacing)
    F = np.eye(2) + np.array([[a, b], [c, d]])
    E = 0.5 * (F.T @ F - np.eye(2))
    inside = ring.mask & np.isfinite(fields.ecc[0])
    assert (inside == ring.mask).all()
    low, high = np.linalg.eigvalsh(E)
    for values, truth in ((fields.e1, high), (fields.e2, low), (fields.jacobian, np.linalg.det(F))):
        assert np.abs(values[0][inside] - truth).max() < 1e-6
    assert np.abs((fields.ecc + fields.err)[0][inside] - np.trace(E)).max() < 1e-6


@settings(max_examples=20, deadline=None)
@given(angle=st.floats(-60, 60), shift=st.tuples(st.floats(-15, 15), st.floats(-15, 15)))
def test_rigid_motion_has_no_strain(angle, shift):
    ring = incompressible_ring()
    x, y = positions(ring.mask, (1.0, 1.0))
    cos, sin = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    displacement = np.stack((cos * x - sin * y - x + shift[0], sin * x + cos * y - y + shift[1]))[None]
    fields = compute_strain(displacement, ring.mask)
    for name in ("ecc", "err", "ecr", "e1", "e2"):
        assert np.abs(getattr(fields, name)[0][ring.mask]).max() < 1e-6


@pytest.mark.parametrize("spacing", SPACINGS)
def test_contracting_ring_has_its_closed_form_strain(spacing):
    ring = incompressible_ring(spacing)
    fields = compute_strain(ring.displacement_mm[None], ring.mask, spacing)
    bound = 0.002 if max(spacing) < 2 else 0.003
    error = np.abs(fields.ecc[0] - ring.ecc)[ring.mask]
    assert np.isfinite(error).all(), "all pixels count"
    assert error.mean() < bound
    assert np.abs(fields.err[0] - ring.err)[ring.mask].mean() < 0.01
    assert np.abs(fields.jacobian[0][ring.mask] - 1 / 0.88).mean() < 0.005


@pytest.mark.parametrize("wall", [4.0, 6.0])
def test_a_small_apex_is_not_flattened(wall):
    """Inner radius 12 mm: with a support of 8 mm its mean Ecc would be 0.0020–0.0025 too negative."""
    ring = incompressible_ring(inner_mm=12.0, outer_mm=12.0 + wall)
    error = (compute_strain(ring.displacement_mm[None], ring.mask).ecc[0] - ring.ecc)[ring.mask]
    assert abs(error.mean()) < 0.001
    assert np.abs(error).mean() < 0.004


def test_support_shrinks_on_small_rings_of_fine_pixels_only():
    def support(inner_mm, pixel_mm):
        ring = incompressible_ring((pixel_mm, pixel_mm), inner_mm=inner_mm, outer_mm=inner_mm + 6)
        half = ring.mask & (np.arange(ring.mask.shape[1]) < ring.mask.shape[1] / 2)
        whole, part = (default_support_mm(mask, (pixel_mm, pixel_mm)) for mask in (ring.mask, half))
        assert part == pytest.approx(whole, rel=0.05), "an open ring is as curved as a closed one"
        return whole

    assert support(24.0, 1.0) == 8.0
    assert support(15.0, 1.0) == pytest.approx(6.0, rel=0.02)
    assert support(12.0, 1.4) == pytest.approx(7.0), "five pixels"
    assert support(12.0, 2.65) == 8.0


def test_pixels_missing_from_a_small_ring_do_not_change_the_fit_of_others():
    ring = incompressible_ring(inner_mm=15.0, outer_mm=21.0)
    slopes = SlopeCache(ring.mask, (1.0, 1.0))
    x, _ = positions(ring.mask, (1.0, 1.0))
    piece = x[ring.mask] < 40  # an arc, and within it a patch whose own circle would be much smaller
    patch = piece & (np.arange(piece.size) < 200)
    supports = {slopes.operator(present).support_mm for present in (np.ones_like(piece), piece, patch)}
    assert supports == {default_support_mm(ring.mask, (1.0, 1.0))}
    assert default_support_mm(ring.mask, (1.0, 1.0)) < 8.0


def test_smoothed_noise_is_as_documented():
    """White noise of 0.2 mm at 1 mm pixels, pooled over pixels and draws, with the smoothing support."""
    ring = incompressible_ring()
    noise = 0.2 * np.random.default_rng(0).standard_normal((60, *ring.displacement_mm.shape))
    fields = compute_strain(ring.displacement_mm + noise, ring.mask, support_mm=10.0)
    ecc = fields.ecc[:, ring.mask].astype(np.float64)
    assert ecc.std(axis=0).mean() < 0.012
    assert np.abs(ecc.mean(axis=0) - ring.ecc[ring.mask]).mean() < 0.003


def test_noise_gain_predicts_the_spread():
    ring = incompressible_ring((1.4, 1.4))
    operator = gradient_operator(ring.mask, (1.4, 1.4))
    noise = np.random.default_rng(1).standard_normal((int(ring.mask.sum()), 2000))
    along_x, along_y = operator.apply(noise)
    gain_x, gain_y = operator.noise_gain()
    assert np.allclose(along_x.std(axis=1) / gain_x, 1, atol=0.1)
    assert np.allclose(along_y.std(axis=1) / gain_y, 1, atol=0.1)


def test_fast_fields_equal_the_plain_twins():
    ring = incompressible_ring((2.0, 2.3))
    motion = np.stack([ring.displacement_mm * part for part in (0.0, 0.5, 1.0)])
    motion = motion + 0.1 * np.random.default_rng(2).standard_normal(motion.shape)
    fields = compute_strain(motion, ring.mask, (2.0, 2.3))
    ecc, err = strain_reference(motion, ring.mask, (2.0, 2.3))
    assert np.abs(fields.ecc - ecc)[:, ring.mask].max() < 1e-5
    assert np.abs(fields.err - err)[:, ring.mask].max() < 1e-5


def test_sparse_operator_equals_the_dense_one(monkeypatch):
    ring = incompressible_ring((2.0, 2.0))
    dense = compute_strain(ring.displacement_mm[None], ring.mask, (2.0, 2.0))
    monkeypatch.setattr("LaMoDCore.strain.gradient.DENSE_ENTRIES", 0)
    sparse = compute_strain(ring.displacement_mm[None], ring.mask, (2.0, 2.0))
    assert np.array_equal(dense.ecc, sparse.ecc, equal_nan=True) or np.allclose(
        dense.ecc, sparse.ecc, atol=1e-6, equal_nan=True
    )


def test_tensors_are_taken_and_nothing_outside_the_wall_matters():
    ring = incompressible_ring()
    outside = np.where(ring.mask, ring.displacement_mm, np.nan)
    a = compute_strain(ring.displacement_mm[None], ring.mask)
    b = compute_strain(torch.from_numpy(outside)[None].requires_grad_(), torch.from_numpy(ring.mask))
    assert a.ecc.dtype == np.float32
    assert np.array_equal(a.ecc, b.ecc, equal_nan=True)
    assert np.isnan(a.ecc[0][~ring.mask]).all()


def test_pixels_that_are_not_finite_are_left_out_of_their_frame_only():
    ring = incompressible_ring()
    motion = np.stack([ring.displacement_mm] * 4)
    hole = ring.mask & (np.arange(100)[None, :] > 80)
    motion[1][:, hole] = np.nan
    motion[3] = np.nan
    fields = compute_strain(motion, ring.mask)
    assert np.array_equal(fields.ecc[0], fields.ecc[2], equal_nan=True)
    assert np.isfinite(fields.ecc[0][ring.mask]).all()
    assert np.isnan(fields.ecc[1][hole]).all() and np.isnan(fields.ecc[3]).all()
    rest = ring.mask & ~hole
    assert np.abs(fields.ecc[1] - ring.ecc)[rest].mean() < 0.003


def test_shear_has_the_sign_of_the_view():
    """A ring whose epicardium turns further counter-clockwise on the screen than its endocardium."""
    ring = incompressible_ring()
    x, y = positions(ring.mask, (1.0, 1.0))
    x, y = x - 49.2, y - 49.3
    turn = 0.01 * (np.hypot(x, y) - 27)
    displacement = np.stack((np.cos(turn) * x + np.sin(turn) * y - x, np.cos(turn) * y - np.sin(turn) * x - y))[None]
    seen_from_apex = compute_strain(displacement, ring.mask, view_sign=1)
    seen_from_base = compute_strain(displacement, ring.mask, view_sign=-1)
    assert (seen_from_apex.ecr[0][ring.mask] > 0.1).all()
    assert np.allclose(seen_from_base.ecr, -seen_from_apex.ecr, equal_nan=True)
    assert np.array_equal(seen_from_base.ecc, seen_from_apex.ecc, equal_nan=True)


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_turning_the_picture_turns_the_fields(turns):
    ring = incompressible_ring((1.2, 1.2), off_center_mm=(2.0, -3.0))
    x, y = positions(ring.mask, (1.2, 1.2))
    motion = ring.displacement_mm + np.stack((0.02 * y, 0.05 * x))
    turned, mask = motion, ring.mask
    for _ in range(turns):
        turned = np.rot90(turned, 1, (1, 2))
        turned = np.stack((turned[1], -turned[0]))
        mask = np.rot90(mask)
    here = compute_strain(motion[None], ring.mask, (1.2, 1.2))
    there = compute_strain(turned[None], mask, (1.2, 1.2))
    for name, values in here.items():
        assert np.allclose(getattr(there, name)[0], np.rot90(values[0], turns), atol=1e-5, equal_nan=True), name


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10**6), spacing=st.sampled_from(SPACINGS))
def test_random_smooth_motion(seed, spacing):
    """A few waves of 60 mm and longer: the gradient is within 0.02 everywhere, and J has the true sign."""
    rng = np.random.default_rng(seed)
    ring = incompressible_ring(spacing, off_center_mm=tuple(rng.uniform(-5, 5, 2)))
    x, y = positions(ring.mask, spacing)
    displacement, gradient = np.zeros((2, *x.shape)), np.zeros((2, 2, *x.shape))
    for _ in range(3):
        wave = rng.uniform(-1, 1, 2) * 2 * np.pi / 60
        size, phase = rng.uniform(-1.5, 1.5, 2), rng.uniform(0, 6)
        displacement += size[:, None, None] * np.sin(wave[0] * x + wave[1] * y + phase)
        gradient += (size[:, None] * wave[None, :])[..., None, None] * np.cos(wave[0] * x + wave[1] * y + phase)
    F = gradient + np.eye(2)[..., None, None]
    fields = compute_strain(displacement[None], ring.mask, spacing)
    jacobian = F[0, 0] * F[1, 1] - F[0, 1] * F[1, 0]
    assert np.abs(fields.jacobian[0] - jacobian)[ring.mask].max() < 0.06
    assert np.abs(fields.jacobian[0] - jacobian)[ring.mask].mean() < 0.004
    trace = 0.5 * ((F**2).sum(axis=(0, 1)) - 2)
    assert np.abs(fields.e1[0] + fields.e2[0] - trace)[ring.mask].mean() < 0.005
    assert (fields.e1[0][ring.mask] >= fields.e2[0][ring.mask]).all()


class TestNothingToKnow:
    """Masks without a wall give NaN without a warning."""

    def strain(self, mask, spacing=(1.0, 1.0)):
        y, x = np.mgrid[: mask.shape[0], : mask.shape[1]].astype(float)
        motion = np.stack((0.01 * x * y, np.sin(y / 5)))[None]
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            return compute_strain(motion, mask, spacing)

    def test_empty(self):
        fields = self.strain(np.zeros((20, 30), bool))
        assert fields.ecc.shape == (1, 20, 30)
        assert all(np.isnan(values).all() for _, values in fields.items())

    @pytest.mark.parametrize("pixels", [1, 2, 3])
    def test_a_few_pixels(self, pixels):
        mask = np.zeros((20, 30), bool)
        mask[10, 10 : 10 + pixels] = True
        assert np.isnan(self.strain(mask).ecc).all()

    def test_one_pixel_wide_ring(self):
        y, x = np.mgrid[:64, :64] - 31.3
        for radius in (12.0, 20.0, 25.5):
            ring = np.abs(np.hypot(x, y) - radius) <= 0.5
            assert np.isnan(self.strain(ring).ecc).mean() == 1

    def test_thin_part_of_a_wall(self):
        mask = incompressible_ring(outer_mm=36).mask.copy()
        mask[:, 60:] = False
        mask[50, 60:95] = True  # a spur one pixel wide
        fields = self.strain(mask)
        assert np.isnan(fields.ecc[0][50, 66:95]).all()
        assert np.isfinite(fields.ecc[0][mask]).mean() > 0.9

    def test_touching_the_edge_uses_only_what_is_there(self):
        ring = incompressible_ring(field_of_view_mm=60.0, off_center_mm=(20.0, 0.0))
        assert ring.mask[:, -1].any() or ring.mask[:, 0].any()
        fields = compute_strain(ring.displacement_mm[None], ring.mask, center_xy=(9.5, 29.5))
        inside = ring.mask & np.isfinite(fields.ecc[0])
        assert inside.sum() >= 0.98 * ring.mask.sum()
        assert np.abs(fields.ecc[0] - ring.ecc)[inside].mean() < 0.004


@pytest.mark.parametrize(
    ("motion", "mask", "options", "words"),
    [
        (np.zeros((2, 8, 8)), np.ones((8, 8)), {}, r"\[T, 2, H, W\]"),
        (np.zeros((1, 2, 8, 8)), np.ones((8, 9)), {}, r"\[H, W\]"),
        (np.zeros((1, 2, 8, 8)), np.ones((8, 8)), {"order": 4}, "1, 2 or 3"),
    ],
)
def test_wrong_shapes_and_options(motion, mask, options, words):
    with pytest.raises(ValueError, match=words):
        compute_strain(motion, mask, **options)


def test_a_shear_stretches_the_fibres_that_it_tilts():
    """u = (0.3 y, 0) tilts fibres along y: E_yy = ½·0.3², E_xx = 0; the transposed gradient has it the other way."""
    ring = incompressible_ring()
    _, y = positions(ring.mask, (1.0, 1.0))
    fields = compute_strain(np.stack((0.3 * y, 0 * y))[None], ring.mask)
    row, columns = ring.mask.shape[0] // 2, np.nonzero(ring.mask[ring.mask.shape[0] // 2])[0]
    assert fields.ecc[0, row, columns] == pytest.approx(0.045, abs=0.015)
    assert fields.err[0, row, columns] == pytest.approx(0.0, abs=0.015)
