"""Model folders that sample motion, with and without calibration."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from turning_ring import SAMPLING, turning_model

from LaMoDCore.heart.canonical import FRAMES
from LaMoDCore.heart.ring.motion_basis import RingCoordinates
from LaMoDCore.models.folder import LoadedModel, load_model, save_model
from LaMoDCore.networks.lamod import LaMoDModel
from LaMoDCore.uncertainty.calibration import Calibration, QuantityScale
from LaMoDCore.uncertainty.descriptors import descriptors


@pytest.fixture(scope="session")
def turning(tmp_path_factory: pytest.TempPathFactory) -> LoadedModel:
    folder = save_model(turning_model(), tmp_path_factory.mktemp("models") / "turning", "turning")
    return load_model(folder)


@pytest.fixture(scope="session")
def calibrated_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same with a flag and a calibration."""
    occupancy = np.zeros((FRAMES, 128, 128), dtype=np.float32)
    occupancy[:, 40:90, 40:90] = 1.0
    occupancy[:, 50:80, 50:80] = 0.0
    channels = SAMPLING.latent_channels
    described = descriptors(
        occupancy,
        RingCoordinates.of(occupancy[0]),
        np.random.default_rng(0).standard_normal((channels, 20, 16)).astype(np.float32),
        np.array([20.0, 20j, -20.0]),
        np.zeros((FRAMES, 3), dtype=complex),
    )
    model = turning_model()
    rng = np.random.default_rng(1)
    config = replace(SAMPLING, descriptors=len(described))
    flagged = LaMoDModel(config)
    flagged.load_state_dict(model.state_dict(), strict=False)
    assert flagged.familiarity is not None
    usual = described + rng.standard_normal((200, len(described))).astype(np.float32) * 0.1
    flagged.familiarity.fit(usual[:150], usual[150:])
    scale = QuantityScale((1.0, 1.5, 2.0, 1.5, 1.0), 0.002)
    names = ("ecc", "err", "ecr", "e1", "e2", "jacobian", "displacement_mm", "segment_ecc", "segment_err")
    calibration = Calibration(samples=4, quantities=dict.fromkeys(names, scale))
    return save_model(
        flagged,
        tmp_path_factory.mktemp("models") / "calibrated",
        "calibrated",
        uncertainty=calibration.to_dict(),
    )
