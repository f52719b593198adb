"""Shapes and properties by construction of the networks."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from LaMoDCore.networks.lamod import LaMoDModel
from LaMoDCore.networks.motion_decoder import cycle_matrix
from LaMoDCore.networks.ring_motion import GUESS_CHANNELS
from LaMoDCore.networks.spline import b_spline_matrix, b_spline_upsample
from LaMoDCore.training.run.settings import PRESETS

SMALL = PRESETS["smoke"].model


@pytest.fixture(scope="module")
def model() -> LaMoDModel:
    torch.manual_seed(0)
    return LaMoDModel(SMALL).eval()


def masks(n: int = 2) -> torch.Tensor:
    return torch.rand(n, 1, 40, 128, 128, generator=torch.Generator().manual_seed(1))


def test_shapes_of_all_parts(model: LaMoDModel) -> None:
    with torch.no_grad():
        latent = model.encode(masks())
        assert latent.shape == (2, SMALL.latent_channels + GUESS_CHANNELS, 20, 16, 16)
        assert model.registration_decoder(latent).shape == (2, 2, 20, 64, 64)
        assert model.registration_decoder(latent, torch.tensor([3, 7])).shape == (2, 2, 2, 64, 64)
        learned = latent[:, : SMALL.latent_channels]
        assert model.denoiser(learned, torch.tensor([1, 500])).shape == learned.shape
        displacement = model.decode(model.normalise(latent))
    assert displacement.shape == (2, 2, 40, 128, 128)
    assert displacement.dtype == torch.float32


def test_end_diastole_is_at_rest_by_construction(model: LaMoDModel) -> None:
    with torch.no_grad():
        latent = model.encode(masks())
        assert model.decode(latent)[:, :, 0].abs().max() == 0
        assert model.registration_decoder(latent)[:, :, 0].abs().max() == 0
        assert model.decode(latent)[:, :, 1:].abs().max() > 0


def test_slices_of_a_batch_are_independent(model: LaMoDModel) -> None:
    with torch.no_grad():
        both = model.decode(model.encode(masks()))
        second = model.decode(model.encode(masks()[1:]))
    torch.testing.assert_close(both[1:], second, atol=1e-5, rtol=1e-4)


def test_the_encoder_is_periodic_in_time(model: LaMoDModel) -> None:
    """Rolling all frames except the reference by two shifts the latent by one."""
    with torch.no_grad():
        video = masks(1)
        video[:, :, 0] = video[:, :, 20]
        rolled = torch.roll(video, 20, dims=2)
        before, after = (model.encode(v)[:, : SMALL.latent_channels] for v in (video, rolled))
        torch.testing.assert_close(torch.roll(before, 10, dims=2), after, atol=1e-5, rtol=1e-4)


def test_b_spline_is_exact_for_affine_fields_up_to_the_border() -> None:
    rows, columns = np.meshgrid((np.arange(32) + 0.5) * 4, (np.arange(32) + 0.5) * 4, indexing="ij")
    control = torch.from_numpy(0.3 * columns - 0.2 * rows + 1.0).float()
    fine_rows, fine_columns = np.meshgrid(np.arange(128) + 0.5, np.arange(128) + 0.5, indexing="ij")
    expected = torch.from_numpy(0.3 * fine_columns - 0.2 * fine_rows + 1.0).float()
    torch.testing.assert_close(b_spline_upsample(control, 4), expected, atol=2e-5, rtol=1e-5)
    torch.testing.assert_close(b_spline_matrix(32, 4).sum(dim=1), torch.ones(128))


def test_blocks_of_the_loss_are_means_of_their_pixels() -> None:
    """The loss evaluates at 2 mm the spline that prediction evaluates at 1 mm."""
    control = torch.randn(1, 2, 3, 16, 16, generator=torch.Generator().manual_seed(2))
    coarse, fine = b_spline_upsample(control, 2), b_spline_upsample(control, 4)
    pooled = torch.nn.functional.avg_pool2d(fine.flatten(0, 2)[:, None], 2)[:, 0].view_as(coarse)
    assert (pooled - coarse)[..., 2:-2, 2:-2].abs().max() < 0.1


def test_training_works_after_prediction_in_the_same_process() -> None:
    """Cached matrices must not be created as inference tensors."""
    b_spline_matrix.cache_clear()
    cycle_matrix.cache_clear()
    fresh = LaMoDModel(SMALL)
    with torch.inference_mode():
        fresh.decode(fresh.encode(masks(1)))
    fresh.decode(fresh.encode(masks(1))).square().mean().backward()
