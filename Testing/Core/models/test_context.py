"""Global inputs of the networks: the level of the slice, and a summary of image and cycle."""

import torch

from LaMoDCore.networks.blocks import GlobalContext
from LaMoDCore.networks.motion_decoder import MotionDecoder
from LaMoDCore.networks.registration import RegistrationEncoder


def test_context_reaches_every_frame_from_every_corner():
    torch.manual_seed(0)
    context = GlobalContext(8, extra=2, length=6)
    frames, extra = torch.zeros(2 * 20, 8, 16, 16), torch.zeros(2 * 20, 2)
    before = context(frames, 2, extra)
    frames[3, :, 0, 0] = 5.0
    after = context(frames, 2, extra)
    assert (before - after)[:20].abs().amax(dim=1).min() > 0
    assert (before - after)[20:].abs().max() == 0  # the other slice of the batch is not affected


def test_context_depends_on_the_position_in_the_image():
    torch.manual_seed(0)
    context = GlobalContext(8, extra=2, length=6)
    left, right = torch.zeros(20, 8, 16, 16), torch.zeros(20, 8, 16, 16)
    left[:, :, :, :4] = 1.0
    right[:, :, :, 12:] = 1.0
    assert (context(left, 1, torch.zeros(20, 2)) - context(right, 1, torch.zeros(20, 2))).abs().max() > 1e-4


def test_a_change_affects_motion_far_away():
    """The far wall is outside the receptive field of the convolutions, so only the context reaches it."""
    torch.manual_seed(0)
    decoder = MotionDecoder(latent_channels=4, width=16, blocks=1)
    torch.nn.init.normal_(decoder.blocks[0].time.mix.weight, std=0.2)
    latent = torch.randn(1, 20, 20, 16, 16)
    changed = latent.clone()
    changed[:, :4, 10, :2, :2] += 3.0
    with torch.no_grad():
        difference = decoder.control_points(changed) - decoder.control_points(latent)
    assert difference[0, :, 20, -4:, -4:].abs().max() > 1e-7


def test_the_encoder_uses_the_level_only_if_it_is_known():
    torch.manual_seed(0)
    encoder = RegistrationEncoder(latent_channels=4, width=24, blocks=1)
    torch.nn.init.normal_(encoder.level.weight)
    masks = torch.rand(2, 1, 40, 128, 128)
    with torch.no_grad():
        unknown = encoder(masks)
        torch.testing.assert_close(encoder(masks, torch.tensor([0, 0])), unknown)
        known = encoder(masks, torch.tensor([1, 3]))
        torch.testing.assert_close(encoder(masks[1:], torch.tensor([3])), known[1:])
    assert (known - unknown).abs().amin(dim=(1, 2, 3, 4)).shape == (2,) and not torch.allclose(known, unknown)
